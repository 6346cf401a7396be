"""What a node writes and reads: its plate on disk, and the frames that the engine made."""

from __future__ import annotations

from typing import cast

import nuke

from faceplate.core.footage import FrameRange, frame_path
from faceplate.nodes.face import FACE_MATTE
from faceplate.plugin.nuke.group import COORDINATES, LAYERS
from faceplate.plugin.nuke.pipes import definition_of
from faceplate.plugin.nuke.script import Plate, inside, script_range, write_plate


def plate_on_disk(node: nuke.Node, plate: Plate, *, again: bool) -> None:
    """Write the plate if it is no files yet, or if it may have changed since."""
    if not plate.written:
        return
    first, last = script_range()
    wanted = FrameRange.parse(f"{first}-{last}")
    if again or not _all_there(plate.pattern, wanted):
        write_plate(node, plate)


def _all_there(pattern: str, numbers: FrameRange) -> bool:
    return all(frame_path(pattern, number).is_file() for number in numbers)


def know_layers(node: nuke.Node, prefix: str) -> None:
    """Make the layers known to Nuke, and to the group's STMap, under the names that they get."""
    for name, channels in LAYERS if prefix else ():
        full = f"{prefix}{name}"
        nuke.Layer(full, [f"{full}.{channel}" for channel in channels])
    if definition_of(node) is not FACE_MATTE:
        coordinates = inside(node, "Coordinates")
        for knob, channel in COORDINATES.items():
            coordinates[knob].setValue(f"{prefix}{channel}")


def read_frames(read: nuke.Node, pattern: str, first: int, last: int) -> None:
    """Let a Read inside of a group read what the engine wrote."""
    read["file"].setValue(pattern)
    for name, value in (("first", first), ("last", last)):
        read[name].setValue(value)
        read[f"orig{name}"].setValue(value)
    read["origset"].setValue(True)
    cast("nuke.Script_Knob", read["reload"]).execute()
