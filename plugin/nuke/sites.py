"""Reads what stands around one of our nodes: its plate, frames, place to write, and face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nuke

from faceplate.core.errors import GraphError, InputError
from faceplate.core.footage import FrameRange, base_name
from faceplate.core.job import FaceChoice
from faceplate.nodes.face import FACE_QC, FACE_TRACK
from faceplate.nodes.node import Node
from faceplate.plugin.nuke.knobs import file_text, read_knobs
from faceplate.plugin.nuke.pipes import definition_of
from faceplate.plugin.nuke.script import (
    Plate,
    Space,
    find_plate,
    script_range,
    work_folder,
    working_space,
)

_ENDINGS = {FACE_TRACK.name: "track", FACE_QC.name: "qc.html"}
"""Of what a node writes, where that is no frames."""


@dataclass(frozen=True, slots=True)
class Site:
    """A node of ours and what stands around it in the script.

    Attributes:
        output: what it writes: frames, a track, or a report.
        numbers: the frames to make; curves are sampled at these.
    """

    node: nuke.Node
    definition: Node
    output: str
    space: Space
    plate: Plate
    numbers: FrameRange

    @property
    def plate_knobs(self) -> dict[str, object]:
        """The plate, as a graph takes it."""
        return {
            "pattern": self.plate.pattern,
            "colorspace": self.space.name,
            "frames": str(self.numbers),
        }

    def read(self, node: nuke.Node, definition: Node) -> dict[str, object]:
        """Return what the knobs of a node hold over the frames."""
        return read_knobs(node, definition, self.numbers.numbers)

    @property
    def track(self) -> str:
        """File that an analysis goes into."""
        return str(Path(self.output).with_name(f"{base_name(self.output)}.track"))

    @property
    def plate_id(self) -> str:
        """What the plate is, as a text to compare."""
        # A plate that is written is called after the node that writes it.
        files = "" if self.plate.written else f"{self.plate.pattern} "
        return f"{files}{self.plate.source} {self.space.name}"

    def analysis(self, smoothing: float) -> str:
        """Return what an analysis of the plate depends on, as a text to compare."""
        return f"{self.plate_id} {smoothing:g}"


def site_of(node: nuke.Node) -> Site:
    """Return what stands around a node.

    Raises:
        FaceplateError: a pipe, a knob or the script is not as it must be.
    """
    definition = definition_of(node)
    if definition is None:
        raise GraphError(f"{node.name()} is none of Faceplate's nodes any more.")
    output = _output(node, definition)
    space = working_space(str(node["colorspace"].value()).strip())
    plate = find_plate(node, space, Path(output).parent)
    return Site(node, definition, output, space, plate, _numbers(node))


def _output(node: nuke.Node, definition: Node) -> str:
    """Return what a node writes: its output knob, or a name in the folder beside the script.

    Raises:
        InputError: the script was never saved, or the knob holds no whole path.
    """
    said = file_text(node["output"])
    if not said:
        ending = _ENDINGS.get(definition.name, "%04d.exr")
        return str(work_folder(node) / f"{node.name()}.{ending}")
    if not Path(said).is_absolute():
        raise InputError(
            f"The output of {node.name()} is {said}, which begins nowhere.",
            hint="Give the whole path.",
        )
    return said


def _numbers(node: nuke.Node) -> FrameRange:
    knob = node.knob("frames")
    said = "" if knob is None else str(knob.value()).strip()
    first, last = script_range()
    return FrameRange.parse(said or f"{first}-{last}")


def smoothing_of(node: nuke.Node) -> float:
    """Return how much a node steadies its track."""
    knob = node.knob("smoothing")
    return 1.0 if knob is None else float(knob.value())


def face_of(node: nuke.Node, plate: Plate) -> FaceChoice:
    """Return which face an artist means; Nuke's y counts from the bottom, ours from the top."""
    choice = str(node["face"].value())
    if choice == "number":
        return FaceChoice(index=int(node["face_number"].value()))
    if choice == "point":
        x, y = (float(node["face_point"].getValue(part)) for part in (0, 1))
        return FaceChoice(at=(x, plate.size[1] - y))
    if choice == "reference":
        return FaceChoice(reference=file_text(node["face_reference"]))
    return FaceChoice(every=True) if choice == "all" else FaceChoice(index=0)
