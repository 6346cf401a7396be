"""The node menu: one command for each node, and what helps with all of them."""

from __future__ import annotations

from functools import partial

import nuke

from faceplate.core.errors import InputError
from faceplate.nodes import NODES
from faceplate.nodes.node import Node
from faceplate.plugin.nuke.pipes import definition_of
from faceplate.plugin.nuke.renewal import GROUPS, renew
from faceplate.plugin.nuke.session import session
from faceplate.plugin.nuke.settings import Settings, ask_settings, read_settings, write_settings

NAME = "Faceplate"


def build() -> None:
    """Add the menu to Nuke's node toolbar."""
    toolbar = nuke.menu("Nodes").addMenu(NAME)
    for definition in NODES:
        toolbar.addCommand(definition.name, partial(add, definition), tooltip=definition.summary)
    toolbar.addSeparator()
    toolbar.addCommand("Update all groups", renew_all)
    toolbar.addCommand("Settings...", change_settings)


def add(definition: Node) -> None:
    """Put a node behind what is selected."""
    nuke.nodePaste(str(GROUPS / f"{definition.name}.nk"))


def renew_all() -> None:
    """Take the newest group for every node of ours in the script."""
    with nuke.root():
        groups = nuke.allNodes("Group", recurseGroups=True)
    for name in [group.fullName() for group in groups if definition_of(group) is not None]:
        renew(name)


def change_settings() -> None:
    """Let the artist set engine, device, threads and cache; the next request goes by them."""
    try:
        try:
            now = read_settings()
        except InputError as error:
            nuke.message(f"{error} {error.hint} This begins with the defaults.")
            now = Settings()
        settings = ask_settings(now)
        if settings is None:
            return
        path = write_settings(settings)
    except InputError as error:
        nuke.message(f"{error} {error.hint}")
        return
    if not session().renew():
        nuke.message(f"{path} is written. What runs goes on as before; cancel it to begin anew.")
