"""Puts the newest group in the place of an older one that a script brought along."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import nuke

from faceplate.plugin.nuke.panel import GROUP_VERSION, KIND_KNOB, VERSION_KNOB
from faceplate.plugin.nuke.pipes import definition_of
from faceplate.plugin.nuke.states import show

GROUPS = Path(__file__).with_name("groups")

_NOT_TAKEN = (KIND_KNOB, VERSION_KNOB, "name", "help", "label", "selected")
_WITHOUT_VALUE = ("PyScript_Knob", "Text_Knob", "Tab_Knob")
_INNER = ("Result", "Preview")
_FRAMES = ("file", "first", "last", "origfirst", "origlast", "origset")


def renew(name: str) -> None:
    """Replace a group by the newest of its kind: knobs, pipes, frames and name stay.

    Args:
        name: the group's full name.
    """
    with nuke.root():
        old = nuke.toNode(name)
    definition = None if old is None else definition_of(old)
    if old is None or definition is None:
        return
    if int(old[VERSION_KNOB].value()) >= GROUP_VERSION:
        show(old, str(old["status"].value()), f"This is the newest {definition.name}.")
        return
    with old.parent():
        for selected in nuke.selectedNodes():
            selected.setSelected(False)
        new = nuke.nodePaste(str(GROUPS / f"{definition.name}.nk"))
    assert new is not None, "a group of ours can always be pasted"
    _take_knobs(old, new)
    _take_frames(old, new)
    _take_wires(old, new)
    new.setXYpos(old.xpos(), old.ypos())
    short = old.name()
    nuke.delete(old)
    new.setName(short)
    show(new, str(new["status"].value()), f"Updated to group {GROUP_VERSION}.")


def _take_knobs(old: nuke.Node, new: nuke.Node) -> None:
    own = new.knobs()
    for name, knob in old.knobs().items():
        if name in own and name not in _NOT_TAKEN and knob.Class() not in _WITHOUT_VALUE:
            own[name].fromScript(knob.toScript())


def _take_frames(old: nuke.Node, new: nuke.Node) -> None:
    for inner in _INNER:
        source, target = (cast("nuke.Group", group).node(inner) for group in (old, new))
        if source is not None and target is not None:
            for name in _FRAMES:
                target[name].setValue(source[name].value())


def _take_wires(old: nuke.Node, new: nuke.Node) -> None:
    below = old.dependent(nuke.INPUTS)
    for pipe in range(old.inputs()):
        new.setInput(pipe, old.input(pipe))
    for node in below:
        for pipe in range(node.inputs()):
            source = node.input(pipe)
            if source is not None and source.fullName() == old.fullName():
                node.setInput(pipe, new)
