"""A node's knobs as Nuke's user knobs, and what an artist has set them to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from faceplate.nodes.node import (
    ChoiceKnob,
    IntegerKnob,
    Knob,
    ListKnob,
    Node,
    NumberKnob,
    TextKnob,
)
from faceplate.plugin.nuke import nktext
from faceplate.plugin.nuke.nktext import UserKnob

if TYPE_CHECKING:
    import nuke

_NO_END = 2**31 - 1
"""Highest value of a whole number that is given no end."""
_SAME_SLOPE = 1e-7
"""Change of a curve's slope per frame below which a key says nothing."""


def user_knobs(knob: Knob) -> list[UserKnob]:
    """Return a knob as an artist sees it; words and lists become check boxes."""
    label, tooltip = knob.name.replace("_", " "), f"{knob.help} Takes {knob.wanted}."
    if isinstance(knob, NumberKnob):
        return _number(knob, label, tooltip)
    if isinstance(knob, IntegerKnob):
        # A seed's slider would only get in the way.
        ends = ("R", str(knob.low), str(knob.high if knob.high < _NO_END else 100))
        return [UserKnob(nktext.INTEGER, knob.name, label, tooltip, knob.default or None, ends)]
    if isinstance(knob, ChoiceKnob):
        choices = ("M", f"{{{' '.join(map(nktext.word, knob.choices))}}}")
        value = None if knob.default == knob.choices[0] else knob.default
        return [UserKnob(nktext.CHOICE, knob.name, label, tooltip, value, choices)]
    if isinstance(knob, ListKnob):
        title = UserKnob(nktext.TEXT, f"{knob.name}_title", label, extra=("T", nktext.word(" ")))
        boxes = [
            UserKnob(
                nktext.CHECK_BOX,
                part_name(knob, choice),
                choice,
                tooltip,
                choice in knob.default or None,
                new_line=False,
            )
            for choice in knob.choices
        ]
        return [title, *boxes]
    kind = nktext.FILE if knob.name == "file" else nktext.STRING
    return [UserKnob(kind, knob.name, label, tooltip, knob.default or None)]


def _number(knob: NumberKnob, label: str, tooltip: str) -> list[UserKnob]:
    number = knob.default if isinstance(knob.default, float) else 0.0
    ends = ("R", f"{knob.low:g}", f"{knob.high:g}")
    slider = UserKnob(nktext.FLOAT, knob.name, label, tooltip, number or None, ends)
    boxes = [
        UserKnob(
            nktext.CHECK_BOX,
            part_name(knob, name),
            name,
            f"{name} instead of a number.",
            knob.default == name or None,
            new_line=False,
        )
        for name in knob.words
    ]
    return [slider, *boxes]


def part_name(knob: NumberKnob | ListKnob, name: str) -> str:
    """Return the name of the check box for a word or a choice of a knob."""
    return f"{knob.name}_{name}"


def read_knobs(node: nuke.Node, definition: Node, numbers: Sequence[int]) -> dict[str, object]:
    """Return what every knob of a node holds, as `Node.values` takes it.

    Args:
        node: Nuke's node.
        definition: what it is.
        numbers: the frames at which curves are sampled into keys.
    """
    return {knob.name: _read(node, knob, numbers) for knob in definition.knobs}


def _read(node: nuke.Node, knob: Knob, numbers: Sequence[int]) -> object:
    if isinstance(knob, ListKnob):
        return tuple(name for name in knob.choices if node[part_name(knob, name)].value())
    if isinstance(knob, NumberKnob):
        for name in knob.words:
            if node[part_name(knob, name)].value():
                return name
        return _sampled(node[knob.name], numbers)
    if isinstance(knob, IntegerKnob):
        return int(node[knob.name].value())
    if isinstance(knob, TextKnob) and knob.name == "file":
        return file_text(node[knob.name])
    return str(node[knob.name].value())


def file_text(knob: nuke.Knob) -> str:
    """Return a file knob's path: expressions evaluated, the frame's place kept."""
    return str(cast("nuke.File_Knob", knob).getEvaluatedValue() or "")


def _sampled(knob: nuke.Knob, numbers: Sequence[int]) -> float | dict[int, float]:
    if not (knob.isAnimated() or knob.hasExpression()):
        return float(knob.value())
    return thinned({number: float(knob.getValueAt(number)) for number in numbers})


def thinned(points: Mapping[int, float]) -> float | dict[int, float]:
    """Return a curve with the fewest keys that are linear in between; a number if it is flat.

    Args:
        points: frame to value, at least one.

    >>> thinned({1: 0.0, 2: 0.5, 3: 1.0, 4: 1.0})
    {1: 0.0, 3: 1.0, 4: 1.0}
    >>> thinned({1: 2.0, 2: 2.0})
    2.0
    """
    frames = sorted(points)
    if len({points[frame] for frame in frames}) == 1:
        return points[frames[0]]
    kept = [frames[0]]
    for here, following in zip(frames[1:-1], frames[2:], strict=True):
        before = (points[here] - points[kept[-1]]) / (here - kept[-1])
        after = (points[following] - points[here]) / (following - here)
        if abs(after - before) > _SAME_SLOPE:
            kept.append(here)
    return {frame: points[frame] for frame in [*kept, frames[-1]]}
