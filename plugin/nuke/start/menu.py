"""Nuke's menu file, run after init.py where there is an interface."""

import nuke

try:
    from faceplate.plugin.nuke import menus

    menus.build()
except Exception as error:  # noqa: BLE001 - a start file: Nuke comes first
    nuke.tprint(f"Faceplate has no menu: {type(error).__name__}: {error}")
