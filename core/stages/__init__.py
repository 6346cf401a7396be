"""One step of a render each."""
