from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable

import pytest

from faceplate.core.exports import TRACKED, coefficients_csv, points_json, tracker_text
from faceplate.core.face import FaceObservation, HeadPose, Origin
from faceplate.core.frame import Window
from faceplate.core.track import FaceTrack, ShotTrack

FaceMaker = Callable[..., FaceObservation]


def words(text: str) -> list[str]:
    """Split a Tcl list into its elements, one level deep."""
    found, depth, start = [], 0, 0
    for match in re.finditer(r'[{}]|"[^"]*"|[^\s{}"]+', text):
        word = match[0]
        if word == "{":
            depth += 1
            start = match.end() if depth == 1 else start
        elif word == "}":
            depth -= 1
            if depth == 0:
                found.append(text[start : match.start()])
        elif depth == 0:
            found.append(word.strip('"'))
    assert depth == 0
    return found


def test_a_tracker_has_31_columns_and_31_values_a_row(face: FaceMaker) -> None:
    track = FaceTrack(0, {n: face(n) for n in range(1001, 1005)})

    text = tracker_text(track, Window(0, 0, 800, 600))

    kind, node = words(text)
    fields = dict(zip(words(node)[::2], words(node)[1::2], strict=True))
    size, columns, rows = words(fields["tracks"])
    assert kind == "Tracker4"
    assert words(size) == ["1", "31", str(len(TRACKED))]
    assert len(words(columns)) == 31
    assert all(len(words(column)) == 6 for column in words(columns))
    assert [len(words(row)) for row in words(rows)] == [31] * len(TRACKED)


def test_points_count_from_the_lower_left_of_the_display_window(face: FaceMaker) -> None:
    seen = face(1001)
    track = FaceTrack(0, {1001: seen})

    text = tracker_text(track, Window(20, 10, 820, 610))

    row = words(words(words(words(text)[1])[3])[2])[list(TRACKED).index("nose_tip")]
    x, y = (float(words(row)[i].split()[-1]) for i in (2, 3))
    assert x == pytest.approx(seen.mesh[4, 0] - 20, abs=1e-3)
    assert y == pytest.approx(610 - seen.mesh[4, 1], abs=1e-3)


def test_a_gap_begins_a_new_run_of_the_curve(face: FaceMaker) -> None:
    track = FaceTrack(0, {n: face(n) for n in (5, 6, 9)})

    curve = words(words(words(words(words(tracker_text(track, Window(0, 0, 8, 8)))[1])[3])[2])[0])[
        2
    ]

    assert [word for word in curve.split() if word.startswith("x")] == ["x5", "x9"]


def test_the_table_has_one_line_for_each_face_in_each_frame(face: FaceMaker) -> None:
    near = FaceTrack(0, {n: face(n, pose=HeadPose(12.5, -3.0, 1.0)) for n in (1, 2)})
    far = FaceTrack(1, {2: face(2, height=40.0, origin=Origin.FILLED, expression=0.25)})
    names = [f"c{i}" for i in range(52)]

    text = coefficients_csv(ShotTrack([near, far], (1, 2, 3), "", "", 1.0), names)

    rows = list(csv.DictReader(text.splitlines()))
    assert [(r["frame"], r["face"], r["origin"]) for r in rows] == [
        ("1", "0", "seen"),
        ("2", "0", "seen"),
        ("2", "1", "filled"),
    ]
    assert float(rows[0]["yaw"]) == pytest.approx(12.5, abs=1e-2)
    assert rows[2]["c51"] == "0.2500"


def test_points_count_from_the_upper_left_of_the_display_window(face: FaceMaker) -> None:
    seen = face(1001)
    shot = ShotTrack([FaceTrack(0, {1001: seen})], (1001, 1002), "", "", 1.0)

    found = json.loads(points_json(shot, Window(20, 10, 820, 610)))

    assert (found["width"], found["height"]) == (800, 600)
    points = found["faces"][0]["points"]
    assert points["nose_tip"] == {
        "1001": pytest.approx([seen.mesh[4, 0] - 20, seen.mesh[4, 1] - 10], abs=1e-3)
    }
    assert len([name for name in points if name.startswith("outline_")]) == 36
