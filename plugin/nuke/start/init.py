"""Nuke's start file: makes ``faceplate`` importable; a failure must not stop Nuke."""

import sys
from pathlib import Path

import nuke

try:
    # faceplate/plugin/nuke/start/init.py: what holds faceplate/ goes on the path, and last.
    place = str(Path(__file__).resolve().parents[4])
    if place not in sys.path:
        sys.path.append(place)
    from faceplate.plugin.nuke import callbacks

    callbacks.register()
except Exception as error:  # noqa: BLE001 - a start file: Nuke comes first
    nuke.tprint(f"Faceplate is not available: {type(error).__name__}: {error}")
