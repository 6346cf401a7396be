"""Nodes that our export buttons made: how they are marked, found again, and read.

A mark travels with a node that is copied or saved. It says which track the node came from, which
face, what was exported, and what was taken back from it so far.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import nuke
import nuke.rotopaint

from faceplate.core.errors import InputError
from faceplate.plugin.nuke.corrections import Edit, Place, Spots, moved_points, read_points
from faceplate.plugin.nuke.nkread import read_tracks

Keys: TypeAlias = dict[str, dict[int, Place]]
"""Name of a point to its keys: frame to a place from the format's lower left."""

CORNERS = ("mouth_right", "mouth_left", "left_eye_outer", "right_eye_outer")
"""What CornerPin2D's lower left, lower right, upper right and upper left follow.

The face's own right is at the picture's left.
"""
OUTLINE = "outline_"
CLASSES = ("Tracker4", "CornerPin2D", "Roto", "RotoPaint")
"""Kinds of nodes that bring corrections back."""

_TRACK, _FACE, _POINTS, _TAKEN = (
    f"faceplate_{name}" for name in ("track", "face", "points", "taken")
)
_STILL = 1e-6
"""Of a shape's own transform: what a single-precision zero may be."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a marked node says of itself.

    Attributes:
        track: path of the track that it came from.
        face: index of the face.
        points: file that keeps what was exported.
        taken: what was taken back from it.
    """

    track: str
    face: int
    points: Path
    taken: Spots


# --- marks ----------------------------------------------------------------------------------------


def keep_points(track: Path) -> Path:
    """Keep what is exported now of a track, under a name of its content, and return the file."""
    content = track.with_suffix(".points.json").read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    kept = track.with_suffix(f".{digest}.points.json")
    if not kept.is_file():
        kept.write_bytes(content)
    return kept


def mark(made: nuke.Node, source: str, track: Path, face: int) -> None:
    """Mark a node that was made of a track.

    Args:
        made: the node.
        source: name of the node of ours that made it.
        track: where it came from.
        face: index of the face.
    """
    about = nuke.Text_Knob("faceplate_about", "")
    about.setValue(f"Face {face} of {source}. Move keys, then press its Take corrections.")
    number = nuke.Int_Knob(_FACE, "face")
    number.setValue(face)
    kept = str(keep_points(track))
    notes = [nuke.String_Knob(_TRACK, "track", str(track))]
    notes += [nuke.String_Knob(_POINTS, "exported", kept), nuke.String_Knob(_TAKEN, "taken", "")]
    for knob in (number, *notes):
        knob.setFlag(nuke.INVISIBLE)
    for knob in (nuke.Tab_Knob("faceplate_tab", "Faceplate"), about, number, *notes):
        made.addKnob(knob)


def mark_of(node: nuke.Node) -> Mark | None:
    """Return the mark of a node, or None for one that is not ours."""
    knobs = [node.knob(name) for name in (_TRACK, _FACE, _POINTS, _TAKEN)]
    if node.Class() not in CLASSES or None in knobs:
        return None
    track, face, points, taken = (knob.value() for knob in knobs if knob is not None)
    return Mark(str(track), int(face), Path(str(points)), _spots(int(face), str(taken)))


def set_taken(node: nuke.Node, taken: Spots) -> None:
    """Note on a node what was taken back from it."""
    words = (f"{name} {frame} {x!r} {y!r}" for (_, name, frame), (x, y) in sorted(taken.items()))
    node[_TAKEN].setValue("; ".join(words))


def _spots(face: int, said: str) -> Spots:
    parts = [part.split() for part in said.split(";") if part.strip()]
    return {(face, name, int(frame)): (float(x), float(y)) for name, frame, x, y in parts}


def find_exported(track: str, parent: nuke.Group) -> list[tuple[nuke.Node, Mark]]:
    """Return the nodes to take corrections from: those selected, or all that a track gave.

    Raises:
        InputError: there is none, or a selected one is of another track.
    """
    with parent:
        chosen = [node for node in nuke.selectedNodes() if node.Class() in CLASSES]
        every = [node for kind in CLASSES for node in nuke.allNodes(kind)]
    marked = [(node, found) for node in chosen or every if (found := mark_of(node)) is not None]
    if chosen and not marked:
        raise InputError(
            f"{chosen[0].name()} was not made by one of Faceplate's export buttons.",
            hint="Select one that was, or nothing at all to take from all of them.",
        )
    ours = [(node, found) for node, found in marked if Path(found.track) == Path(track)]
    if chosen and not ours:
        node, found = marked[0]
        raise InputError(
            f"{node.name()} is of another shot: it came from {found.track}, and here the track is "
            f"{track}.",
            hint="Press Take corrections on the node that it came from.",
        )
    if not ours:
        raise InputError(
            "There is no Tracker, Corner pin or Roto of this track to take corrections from.",
            hint="Export one, move its keys, and press this again.",
        )
    return ours


# --- what an artist has made of them --------------------------------------------------------------


def edits_of(found: Sequence[tuple[nuke.Node, Mark]]) -> tuple[list[Edit], frozenset[int]]:
    """Return what was moved in marked nodes, and the frames with keys but without the face.

    Raises:
        InputError: what was exported is not on disk any more, or a node cannot be read.
    """
    edits: list[Edit] = []
    unseen: frozenset[int] = frozenset()
    for node, its in found:
        faces = read_points(its.points, hint=f"Export {node.name()} again.")
        points = faces.points.get(its.face, {})
        keys = keys_of(node, its.face, points)
        moved, blind = moved_points(its.face, keys, points, faces.size[1])
        edits.append(Edit(node.name(), moved, its.taken))
        unseen |= blind
    return edits, unseen


def shape_name(face: int) -> str:
    """Return what the shape of a face is called in a Roto."""
    return f"face{face}"


def keys_of(node: nuke.Node, face: int, names: Iterable[str]) -> Keys:
    """Return the keys of a marked node.

    Args:
        node: of one of `CLASSES`.
        face: index of the face.
        names: of the points that were exported.

    Raises:
        InputError: an expression stands in place of keys, or the node was changed past reading.
    """
    try:
        if node.Class() == "Tracker4":
            return _tracker_keys(node, [n for n in names if not n.startswith(OUTLINE)])
        if node.Class() == "CornerPin2D":
            return _pin_keys(node)
        return _roto_keys(node, shape_name(face), outline_of(names))
    except ValueError as error:
        raise InputError(
            f"{node.name()} has {error}.",
            hint="Undo that, or export it again and move its keys.",
        ) from error


def _tracker_keys(node: nuke.Node, tracked: list[str]) -> Keys:
    rows = read_tracks(node["tracks"].toScript(), tracked)
    return {
        name: {n: place for n, place in row.places.items() if n not in row.off}
        for name, row in rows.items()
    }


def _pin_keys(node: nuke.Node) -> Keys:
    keys: Keys = {}
    for corner, name in enumerate(CORNERS, 1):
        knob = cast("nuke.Array_Knob", node[f"to{corner}"])
        if knob.hasExpression(0) or knob.hasExpression(1):
            raise ValueError(f"an expression in place of keys of to{corner}")
        frames = {
            knob.getKeyTime(index, part)
            for part in (0, 1)
            if knob.isAnimated(part)
            for index in range(knob.getNumKeys(part))
        }
        keys[name] = {
            round(frame): (knob.getValueAt(frame, 0), knob.getValueAt(frame, 1))
            for frame in sorted(frames)
            if frame == round(frame)
        }
    return keys


def outline_of(names: Iterable[str]) -> list[str]:
    """Return the names of the points around a face, in order."""
    return sorted(name for name in names if name.startswith(OUTLINE))


def _roto_keys(node: nuke.Node, called: str, outline: list[str]) -> Keys:
    curves = cast("nuke.rotopaint.CurveKnob", node["curves"])
    every = list(_shapes(curves.rootLayer, []))
    found = [(shape, layers) for shape, layers in every if shape.name == called]
    if len(found) != 1:
        raise ValueError(f"{len(found)} shapes called {called} where one was exported")
    shape, layers = found[0]
    if len(shape) != len(outline):
        raise ValueError(f"{len(shape)} points in {shape.name} where {len(outline)} were exported")
    transforms = [shape.getTransform(), *(layer.getTransform() for layer in layers)]
    keys: Keys = {}
    for index, name in enumerate(outline):
        center = shape[index].center
        if any(center.getPositionAnimCurve(part).useExpression for part in (0, 1)):
            raise ValueError(f"an expression in place of keys of point {index + 1}")
        keys[name] = {}
        for frame in center.getControlPointKeyTimes():
            if frame == round(frame):
                x, y = _shift(shape.name, transforms, frame)
                at = center.getPosition(frame)
                keys[name][round(frame)] = (at.x + x, at.y + y)
    return keys


def _shapes(
    layer: nuke.rotopaint.Layer, above: list[nuke.rotopaint.Layer]
) -> Iterator[tuple[nuke.rotopaint.Shape, list[nuke.rotopaint.Layer]]]:
    """Walk over all shapes, each with the layers that it lies in."""
    for element in layer:
        if isinstance(element, nuke.rotopaint.Layer):
            yield from _shapes(element, [*above, layer])
        elif isinstance(element, nuke.rotopaint.Shape):
            yield element, [*above, layer]


def _shift(name: str, transforms: list[nuke.rotopaint.AnimCTransform], frame: float) -> Place:
    """Return how far a shape is moved as a whole; anything but a move is refused."""
    x = y = 0.0
    for transform in transforms:
        at = transform.evaluate(frame)
        still = [at.rotation.x, at.rotation.y, at.rotation.z, at.skew.x, at.skew.y, at.skew.z]
        still += [at.scale.x - 1.0, at.scale.y - 1.0]
        if max(map(abs, still)) > _STILL:
            raise ValueError(f"{name} turned, scaled or skewed as a whole in frame {frame:g}")
        x, y = x + at.translation.x, y + at.translation.y
    return x, y
