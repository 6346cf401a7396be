"""Front ends for Nuke and Blender; standard library and the host only."""
