"""A track in other programs' words: Nuke's Tracker4, points as JSON, a CSV of coefficients."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

from faceplate.core.frame import Window
from faceplate.core.geometry.mesh import OVAL
from faceplate.core.track import FaceTrack, ShotTrack

TRACKED = {
    "right_eye_outer": 33,
    "right_eye_inner": 133,
    "left_eye_inner": 362,
    "left_eye_outer": 263,
    "nose_tip": 4,
    "mouth_right": 61,
    "mouth_left": 291,
    "chin": 152,
    "forehead": 10,
}
"""Name (the face's own sides) to mesh point: what a compositor would have picked by hand."""

POINTS = TRACKED | {f"outline_{i:02d}": point for i, point in enumerate(OVAL)}
"""Name to mesh point of all that `points_json` tells; the outline in order around the face."""

# Flags, label width and names of Tracker4's 31 columns, as Nuke writes them.
_COLUMNS: tuple[tuple[int, int, int, str, str], ...] = (
    (5, 1, 20, "enable", "e"),
    (3, 1, 75, "name", "name"),
    (2, 1, 58, "track_x", "track_x"),
    (2, 1, 58, "track_y", "track_y"),
    (2, 1, 63, "offset_x", "offset_x"),
    (2, 1, 63, "offset_y", "offset_y"),
    (4, 1, 27, "T", "T"),
    (4, 1, 27, "R", "R"),
    (4, 1, 27, "S", "S"),
    (2, 0, 45, "error", "error"),
    (1, 1, 0, "error_min", "error_min"),
    (1, 1, 0, "error_max", "error_max"),
    *(
        (1, 1, 0, f"{box}_{side}", f"{box}_{side}")
        for box in ("pattern", "search")
        for side in "xyrt"
    ),
    *(
        (2, 1, 0, f"key_{name}", f"key_{name}")
        for name in (
            *("track", "search_x", "search_y", "search_r", "search_t"),
            *("track_x", "track_y", "track_r", "track_t"),
            *("centre_offset_x", "centre_offset_y"),
        )
    ),
)


def tracker_text(track: FaceTrack, display: Window) -> str:
    """Return a Nuke Tracker4 node with nine points of a face, to be pasted or opened.

    Nuke counts from the lower left of the display window, with y up.

    Args:
        track: the face.
        display: the plate's display window.
    """
    curves = {
        name: {
            number: (
                float(face.mesh[point, 0]) - display.x0,
                display.y1 - float(face.mesh[point, 1]),
            )
            for number, face in track.observations.items()
        }
        for name, point in TRACKED.items()
    }
    columns = "\n".join(f"{{ {a} {b} {c} {n} {s} 1 }}" for a, b, c, n, s in _COLUMNS)
    rows = "\n".join(_row(name, points) for name, points in curves.items() if points)
    count = len(curves) if track.observations else 0
    return (
        "Tracker4 {\n inputs 0\n"
        f" tracks {{ {{ 1 {len(_COLUMNS)} {count} }}\n{{ {columns}\n}}\n{{\n{rows}\n}}\n}}\n"
        f" name Faceplate_face{track.index}\n}}\n"
    )


def _row(name: str, points: Mapping[int, tuple[float, float]]) -> str:
    """Return one track's 31 values."""
    first = min(points)
    values = [
        f"{{curve K x{first} 1}}",
        f'"{name}"',
        _curve({number: point[0] for number, point in points.items()}),
        _curve({number: point[1] for number, point in points.items()}),
        *[f"{{curve K x{first} 0}}"] * 2,
        *("1", "0", "0"),
        *(f"{{curve x{first} 0}}", "0", "0"),
        *["-15", "-15", "15", "15", "-10", "-10", "10", "10"],
        "{curve}",
        *[f"{{curve x{first} 0}}"] * 10,
    ]
    return "{ " + " ".join(values) + " }"


def _curve(values: Mapping[int, float]) -> str:
    """Return a Nuke curve; frames in a row share one mark, and a gap needs a new one."""
    words = ["curve"]
    last: int | None = None
    for number in sorted(values):
        if last is None or number != last + 1:
            words.append(f"x{number}")
        words.append(repr(round(values[number], 4)))
        last = number
    return "{" + " ".join(words) + "}"


def points_json(shot_track: ShotTrack, display: Window) -> str:
    """Return the nine points and the outline of every face, frame by frame.

    Pixels of the display window, from its top left. ``{"version": 1, "width": W, "height": H,
    "faces": [{"index": 0, "points": {NAME: {FRAME: [x, y]}}}]}``; the outline's points are called
    ``outline_00`` and on, in order around the face.

    Args:
        shot_track: the solved shot.
        display: the plate's display window.
    """
    faces = [
        {
            "index": track.index,
            "points": {
                name: {
                    str(number): [
                        round(float(face.mesh[point, 0]) - display.x0, 3),
                        round(float(face.mesh[point, 1]) - display.y0, 3),
                    ]
                    for number, face in track.observations.items()
                }
                for name, point in POINTS.items()
            },
        }
        for track in shot_track.tracks
    ]
    found = {"version": 1, "width": display.width, "height": display.height, "faces": faces}
    return json.dumps(found, sort_keys=True) + "\n"


def coefficients_csv(shot_track: ShotTrack, names: Sequence[str]) -> str:
    """Return one line for each face in each frame: pose in degrees, then the 52 coefficients.

    Args:
        shot_track: the solved shot.
        names: the coefficients' names, from the model's card.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["frame", "face", "origin", "confidence", "yaw", "pitch", "roll", *names])
    for number in shot_track.frames:
        for track in shot_track.tracks:
            face = track.at(number)
            if face is not None:
                pose = (face.pose.yaw, face.pose.pitch, face.pose.roll)
                table.writerow(
                    [
                        number,
                        track.index,
                        face.origin.value,
                        f"{face.confidence:.3f}",
                        *(f"{angle:.3f}" for angle in pose),
                        *(f"{value:.4f}" for value in face.expression),
                    ]
                )
    return text.getvalue()
