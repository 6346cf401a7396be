"""A face's track as Nuke nodes that go on working without Faceplate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import nuke
import nuke.rotopaint

from faceplate.core.errors import InputError, TrackError
from faceplate.plugin.nuke.corrections import Places, read_points
from faceplate.plugin.nuke.exported import CORNERS, mark, outline_of, shape_name
from faceplate.plugin.nuke.pipes import tracked_by
from faceplate.plugin.nuke.states import show

_BELOW = 120


def make_tracker(node: nuke.Node) -> nuke.Node:
    """Put a Tracker with nine points of the face beside a node.

    Raises:
        InputError: the node is not analysed, or the face is not there.
    """
    path = _track(node).with_suffix(f".face{_number(node)}.nk")
    if not path.is_file():
        raise _no_such_face(node)
    with node.parent():
        made = nuke.nodePaste(str(path))
    if made is None:
        raise InputError(f"Nuke could not read {path}.", hint="Press Analyse again.")
    return _marked(made, node, "Tracker")


def make_corner_pin(node: nuke.Node) -> nuke.Node:
    """Put a CornerPin2D beside a node that carries a picture at its first frame along.

    Raises:
        InputError: the node is not analysed, or the face is not there.
    """
    points = _points(node)
    with node.parent():
        made = nuke.nodes.CornerPin2D()
    for corner, name in enumerate(CORNERS, 1):
        curve = points[name]
        start = curve[min(curve)]
        for part in (0, 1):
            made[f"from{corner}"].setValue(start[part], part)
        _animate(made[f"to{corner}"], curve)
    made.setName(f"Faceplate_pin{_number(node)}")
    return _marked(made, node, "Corner pin")


def make_roto(node: nuke.Node) -> nuke.Node:
    """Put a Roto beside a node, with the outline of the face as a closed shape.

    Raises:
        InputError: the node is not analysed, or the face is not there.
    """
    points = _points(node)
    outline = [points[name] for name in outline_of(points)]
    with node.parent():
        made = nuke.nodes.Roto()
    curves = cast("nuke.rotopaint.CurveKnob", made["curves"])
    shape = nuke.rotopaint.Shape(curves)
    for index, curve in enumerate(outline):
        shape.append(curve[min(curve)])
        for frame, (x, y) in curve.items():
            shape[index].center.addPositionKey(frame, (x, y))
    shape.name = shape_name(_number(node))
    curves.rootLayer.append(shape)
    curves.changed()
    made.setName(f"Faceplate_roto{_number(node)}")
    return _marked(made, node, "Roto")


def make_grade(node: nuke.Node, gains: Mapping[str, Sequence[float]]) -> nuke.Node:
    """Put a Grade beside a node that takes its raw layer to the light of the plate.

    Args:
        node: one of ours, rendered.
        gains: frame to gains of red, green and blue.

    Raises:
        TrackError: no frame has a face.
    """
    if not gains:
        raise TrackError(f"No frame of {node.name()} has a face.", hint="Render it first.")
    with node.parent():
        made = nuke.nodes.Grade()
    made["channels"].setValue(f"{node['layer_prefix'].value()}raw")
    multiply = cast("nuke.Array_Knob", made["multiply"])
    multiply.setSingleValue(False)
    for part in range(3):
        multiply.setAnimated(part)
        keys = [nuke.AnimationKey(int(n), gains[n][part]) for n in sorted(gains, key=int)]
        multiply.animation(part).addKey(keys)
    return _beside(made, node, "Light grade")


def _animate(knob: nuke.Knob, curve: Places) -> None:
    """Give a point knob keys; all at once, which matters for a long shot."""
    array = cast("nuke.Array_Knob", knob)
    for part in (0, 1):
        array.setAnimated(part)
        keys = [nuke.AnimationKey(frame, curve[frame][part]) for frame in sorted(curve)]
        array.animation(part).addKey(keys)


def _marked(made: nuke.Node, node: nuke.Node, what: str) -> nuke.Node:
    """Put a node beside ours, marked, so that corrections can be taken from it."""
    mark(made, node.name(), _track(node), _number(node))
    return _beside(made, node, what)


def _beside(made: nuke.Node, node: nuke.Node, what: str) -> nuke.Node:
    made.setXYpos(node.xpos() + _BELOW, node.ypos() + _BELOW)
    show(node, str(node["status"].value()), f"{what} of face {_number(node)}: {made.name()}.")
    return made


def _number(node: nuke.Node) -> int:
    return int(node["export_face"].value())


def _track(node: nuke.Node) -> Path:
    """Return the track that a node goes by: its own, or that of a FaceTrack in its pipes."""
    owner = tracked_by(node)
    said = str(owner["analysed"].value())
    if not said:
        raise InputError(f"{owner.name()} is not analysed.", hint="Press its Analyse.")
    return Path(said)


def _no_such_face(node: nuke.Node) -> TrackError:
    return TrackError(
        f"The plate of {node.name()} has no face number {_number(node)}.",
        hint="Faces count from 0, the largest.",
    )


def _points(node: nuke.Node) -> dict[str, Places]:
    """Return the points of the chosen face as Nuke counts, from the lower left."""
    path = _track(node).with_suffix(".points.json")
    faces = read_points(path, hint="Press Analyse again.")
    points = faces.points.get(_number(node), {})
    if not points or not all(points.values()):
        raise _no_such_face(node)
    height = faces.size[1]
    return {
        name: {frame: (x, height - y) for frame, (x, y) in places.items()}
        for name, places in points.items()
    }
