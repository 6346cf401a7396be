"""The node menu: one command for each node, and what helps with all of them."""

from __future__ import annotations

from functools import partial

import nuke

from faceplate.nodes.node import Node
from faceplate.plugin.nuke.group import GROUPED
from faceplate.plugin.nuke.renewal import GROUPS, renew
from faceplate.plugin.nuke.wiring import definition_of

NAME = "Faceplate"


def build() -> None:
    """Add the menu to Nuke's node toolbar."""
    toolbar = nuke.menu("Nodes").addMenu(NAME)
    for definition in GROUPED:
        toolbar.addCommand(definition.name, partial(add, definition), tooltip=definition.summary)
    toolbar.addSeparator()
    toolbar.addCommand("Update all groups", renew_all)


def add(definition: Node) -> None:
    """Put a node behind what is selected."""
    nuke.nodePaste(str(GROUPS / f"{definition.name}.nk"))


def renew_all() -> None:
    """Take the newest group for every node of ours in the script."""
    with nuke.root():
        groups = nuke.allNodes("Group", recurseGroups=True)
    for name in [group.fullName() for group in groups if definition_of(group) is not None]:
        renew(name)
