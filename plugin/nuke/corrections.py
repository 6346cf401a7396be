"""What an artist moved since a track was exported, as the file that the engine reads.

The file lies beside the track as ``NAME.corrections.json``: `points_json` with those points and
frames alone that were moved, and the plate that they are of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from faceplate.core.errors import InputError

Place: TypeAlias = tuple[float, float]
"""x and y in pixels of the plate."""
Places: TypeAlias = Mapping[int, Place]
"""Frame to a place."""
Points: TypeAlias = Mapping[str, Places]
"""Name of a point to its places."""

Spot: TypeAlias = tuple[int, str, int]
"""Index of a face, name of a point, frame."""
Spots: TypeAlias = Mapping[Spot, Place]
"""Where points are put, from the top left."""

_MOVED_PX = 0.05
"""From here on a point counts as moved by hand; exports are rounded to 0.001."""
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Faces:
    """The points of a plate's faces, as the engine wrote them beside a track.

    Attributes:
        size: width and height of the plate's display window.
        points: index of a face to its points.
    """

    size: tuple[int, int]
    points: Mapping[int, Points]


def read_points(path: Path, hint: str) -> Faces:
    """Return what a ``.points.json`` tells.

    Raises:
        InputError: it is not there, or of another version.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["version"] != _VERSION:
            raise ValueError(f"it has version {found['version']}")
        return Faces(
            (int(found["width"]), int(found["height"])),
            {int(face["index"]): _places(face["points"]) for face in found["faces"]},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read: {error}.", hint=hint) from error


def _places(found: Mapping[str, Mapping[str, list[float]]]) -> dict[str, dict[int, Place]]:
    return {
        name: {int(frame): (float(x), float(y)) for frame, (x, y) in places.items()}
        for name, places in found.items()
    }


def moved_points(
    face: int, edited: Points, exported: Points, height: int
) -> tuple[Spots, frozenset[int]]:
    """Return what differs from what was exported, and the frames that show no face.

    Two names of one point of the face give the first name.

    Args:
        face: index of the face.
        edited: keys as Nuke has them, from the lower left.
        exported: the points as they were then, from the top left.
        height: of the plate.
    """
    moved: dict[Spot, Place] = {}
    unseen: set[int] = set()
    for name, places in edited.items():
        was = exported.get(name, {})
        known_as = next(other for other in (*exported, name) if exported.get(other, was) == was)
        for frame, (x, up) in places.items():
            if frame not in was:
                unseen.add(frame)
                continue
            y = height - up
            if max(abs(x - was[frame][0]), abs(y - was[frame][1])) > _MOVED_PX:
                moved[face, known_as, frame] = (round(x, 3), round(y, 3))
    return moved, frozenset(unseen)


@dataclass(frozen=True, slots=True)
class Edit:
    """What one exported node says.

    Attributes:
        node: its name.
        moved: what differs in it from what was exported.
        taken: what was taken from it before.
    """

    node: str
    moved: Spots
    taken: Spots


def merged(known: Spots, edits: Sequence[Edit]) -> Spots:
    """Return corrections after an artist's edits: new places are added, and those put back go.

    Raises:
        InputError: two nodes newly place one point differently.
    """
    result = dict(known)
    by: dict[Spot, Edit] = {}
    for edit in edits:
        for spot, place in edit.taken.items():
            if spot not in edit.moved and known.get(spot) == place:
                result.pop(spot, None)
        for spot, place in edit.moved.items():
            if edit.taken.get(spot) == place and spot in known:
                continue
            other = by.setdefault(spot, edit)
            if other.moved[spot] != place:
                raise InputError(
                    f"{other.node} and {edit.node} place {spot[1]} differently in frame {spot[2]}.",
                    hint="Select the one to take.",
                )
            result[spot] = place
    return result


def counted(spots: Spots) -> str:
    """Say how much is corrected.

    >>> counted({(0, "chin", 1001): (5.0, 6.0), (0, "nose_tip", 1001): (7.0, 8.0)})
    '2 points in 1 frame'
    """
    points, frames = len(spots), len({frame for _, _, frame in spots})
    return f"{points} point{'s' * (points != 1)} in {frames} frame{'s' * (frames != 1)}"


# --- the file -------------------------------------------------------------------------------------


def corrections_file(track: str) -> Path:
    """Return where the corrections of a track lie, whether there are any or not."""
    return Path(track).with_suffix(".corrections.json")


def read_corrections(path: Path, plate: str) -> Spots:
    """Return the corrections of a file, or none where there is no file.

    Args:
        path: the file.
        plate: what the plate is, as a text to compare.

    Raises:
        InputError: it cannot be read, or is of another plate.
    """
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        spots = {
            (int(face["index"]), name, frame): place
            for face in found["faces"]
            for name, places in _places(face["points"]).items()
            for frame, place in places.items()
        }
        its_plate = str(found.get("plate", plate))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"The corrections {path} cannot be read: {error}.", hint="Press Drop corrections."
        ) from error
    if its_plate != plate:
        raise InputError(
            f"The corrections {path} are of another plate ({its_plate}).",
            hint="Wire that plate in again, or press Drop corrections.",
        )
    return spots


def write_corrections(path: Path, spots: Spots, plate: str) -> None:
    """Write corrections as the engine reads them."""
    faces: dict[int, dict[str, dict[str, Place]]] = {}
    for (face, name, frame), place in spots.items():
        faces.setdefault(face, {}).setdefault(name, {})[str(frame)] = place
    found = [{"index": face, "points": points} for face, points in faces.items()]
    content = {"version": _VERSION, "plate": plate, "faces": found}
    path.write_text(json.dumps(content, sort_keys=True) + "\n", encoding="utf-8")
