"""A face's track as Nuke nodes that go on working without Faceplate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

import nuke
import nuke.rotopaint

from faceplate.core.errors import InputError, TrackError
from faceplate.plugin.nuke.states import show

Curve: TypeAlias = Mapping[int, tuple[float, float]]
"""Frame to a point of the format, from its lower left, as Nuke counts."""

CORNERS = ("mouth_right", "mouth_left", "left_eye_outer", "right_eye_outer")
"""What CornerPin2D's lower left, lower right, upper right and upper left follow.

The face's own right is at the picture's left.
"""
_OUTLINE = "outline_"
_VERSION = 1
_BELOW = 120


def make_tracker(node: nuke.Node) -> nuke.Node:
    """Put a Tracker with nine points of the face beside a node.

    Raises:
        InputError: the node is not analysed, or the face is not there.
    """
    track = _track(node)
    path = track.with_suffix(f".face{_number(node)}.nk")
    if not path.is_file():
        raise _no_such_face(node)
    with node.parent():
        made = nuke.nodePaste(str(path))
    if made is None:
        raise InputError(f"Nuke could not read {path}.", hint="Press Analyse again.")
    return _beside(made, node, "Tracker")


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
    return _beside(made, node, "Corner pin")


def make_roto(node: nuke.Node) -> nuke.Node:
    """Put a Roto beside a node, with the outline of the face as a closed shape.

    Raises:
        InputError: the node is not analysed, or the face is not there.
    """
    points = _points(node)
    outline = [points[name] for name in sorted(points) if name.startswith(_OUTLINE)]
    with node.parent():
        made = nuke.nodes.Roto()
    curves = cast("nuke.rotopaint.CurveKnob", made["curves"])
    shape = nuke.rotopaint.Shape(curves)
    for index, curve in enumerate(outline):
        shape.append(curve[min(curve)])
        for frame, (x, y) in curve.items():
            shape[index].center.addPositionKey(frame, (x, y))
    shape.name = f"face{_number(node)}"
    curves.rootLayer.append(shape)
    curves.changed()
    return _beside(made, node, "Roto")


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


def _animate(knob: nuke.Knob, curve: Curve) -> None:
    """Give a point knob keys; all at once, which matters for a long shot."""
    array = cast("nuke.Array_Knob", knob)
    for part in (0, 1):
        array.setAnimated(part)
        keys = [nuke.AnimationKey(frame, curve[frame][part]) for frame in sorted(curve)]
        array.animation(part).addKey(keys)


def _beside(made: nuke.Node, node: nuke.Node, what: str) -> nuke.Node:
    made.setXYpos(node.xpos() + _BELOW, node.ypos() + _BELOW)
    show(node, str(node["status"].value()), f"{what} of face {_number(node)}: {made.name()}.")
    return made


def _number(node: nuke.Node) -> int:
    return int(node["export_face"].value())


def _track(node: nuke.Node) -> Path:
    said = str(node["analysed"].value())
    if not said:
        raise InputError(f"{node.name()} is not analysed.", hint="Press its Analyse.")
    return Path(said)


def _no_such_face(node: nuke.Node) -> TrackError:
    return TrackError(
        f"The plate of {node.name()} has no face number {_number(node)}.",
        hint="Faces count from 0, the largest.",
    )


def _points(node: nuke.Node) -> dict[str, dict[int, tuple[float, float]]]:
    """Return the points of the chosen face as the engine wrote them beside the track."""
    path = _track(node).with_suffix(".points.json")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}.", hint="Press Analyse again.") from error
    if found.get("version") != _VERSION:
        raise InputError(
            f"{path} has version {found.get('version')}; this plug-in reads version {_VERSION}.",
            hint="Press Analyse again.",
        )
    height: int = found["height"]
    faces: list[dict[str, Any]] = found["faces"]
    for face in faces:
        if face["index"] == _number(node) and all(face["points"].values()):
            return {
                name: {int(frame): (x, height - y) for frame, (x, y) in curve.items()}
                for name, curve in face["points"].items()
            }
    raise _no_such_face(node)
