"""The Nuke front end: groups that travel in the script, and the buttons that drive the engine."""
