"""The engine: everything that works on pixels, faces and files without a host."""
