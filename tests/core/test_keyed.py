from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceplate.core.errors import TrackError
from faceplate.core.exports import POINTS, TRACKED, points_json
from faceplate.core.face import FaceObservation, Origin
from faceplate.core.frame import Frame, Window
from faceplate.core.keyed import REACH, Corrections, corrected_shot, read_corrections
from faceplate.core.track import FaceTrack, ShotTrack

FaceMaker = Callable[..., FaceObservation]
NOSE = TRACKED["nose_tip"]
FRAMES = range(1001, 1041)


@pytest.fixture
def shot(face: FaceMaker) -> ShotTrack:
    track = FaceTrack(0, {n: face(n) for n in FRAMES}, cuts=(1020,))
    return ShotTrack([track], tuple(FRAMES), "", "", 1.0)


@pytest.fixture
def frame() -> Frame:
    window = Window(20, 10, 820, 610)
    return Frame(1001, {"R": np.zeros((600, 800), np.float16)}, window, window, 1.0, "", {})


def moved(shot: ShotTrack, frame: Frame, number: int, by: tuple[float, float]) -> Corrections:
    """Correct the nose of one frame by some pixels."""
    seen = shot.tracks[0].observations[number].mesh[NOSE]
    x, y = seen[0] - frame.display.x0 + by[0], seen[1] - frame.display.y0 + by[1]
    return {0: {NOSE: {number: (float(x), float(y))}}}


def nose_shift(shot: ShotTrack, result: ShotTrack, number: int) -> float:
    old, new = (s.tracks[0].observations[number].mesh[NOSE, 0] for s in (shot, result))
    return float(new - old)


def test_the_corrected_point_lies_where_it_was_put_and_the_others_stay(
    shot: ShotTrack, frame: Frame
) -> None:
    result = corrected_shot(shot, moved(shot, frame, 1010, (6.0, -4.0)), frame)

    old, new = (s.tracks[0].observations[1010] for s in (shot, result))
    others = [point for point in TRACKED.values() if point != NOSE]
    np.testing.assert_allclose(new.mesh[NOSE, :2] - old.mesh[NOSE, :2], [6.0, -4.0], atol=1e-3)
    np.testing.assert_allclose(new.mesh[others], old.mesh[others], atol=1e-3)
    assert (new.origin, new.confidence) == (Origin.KEYED, 1.0)


def test_a_whole_face_that_is_moved_keeps_shape_and_pose(shot: ShotTrack, frame: Frame) -> None:
    old = shot.tracks[0].observations[1010]
    corner = np.array([frame.display.x0, frame.display.y0])
    places = {p: {1010: tuple(map(float, old.mesh[p, :2] - corner + 9))} for p in TRACKED.values()}

    new = corrected_shot(shot, {0: places}, frame).tracks[0].observations[1010]

    np.testing.assert_allclose(new.mesh[:, :2], old.mesh[:, :2] + 9, atol=2e-3)
    np.testing.assert_allclose(new.box, np.array(old.box) + 9, atol=2e-3)
    assert new.pose.yaw == pytest.approx(old.pose.yaw, abs=1e-3)


def test_a_correction_fades_out_around_its_frame(shot: ShotTrack, frame: Frame) -> None:
    result = corrected_shot(shot, moved(shot, frame, 1010, (6.0, 0.0)), frame)

    shifts = [nose_shift(shot, result, 1010 + n) for n in range(REACH + 2)]
    assert shifts == pytest.approx(
        [6.0 * (1 - n / (REACH + 1)) for n in range(REACH + 2)], abs=1e-3
    )
    for number in (1001, 1030):
        same = (s.tracks[0].observations[number] for s in (shot, result))
        assert next(same) is next(same)


def test_between_two_near_corrections_the_shift_is_linear(shot: ShotTrack, frame: Frame) -> None:
    first, second = (moved(shot, frame, n, (by, 0.0)) for n, by in ((1004, 4.0), (1012, 8.0)))
    both = {0: {NOSE: {**first[0][NOSE], **second[0][NOSE]}}}

    result = corrected_shot(shot, both, frame)

    assert nose_shift(shot, result, 1008) == pytest.approx(6.0, abs=1e-3)


def test_a_cut_ends_a_correction(shot: ShotTrack, frame: Frame) -> None:
    result = corrected_shot(shot, moved(shot, frame, 1019, (6.0, 0.0)), frame)

    assert nose_shift(shot, result, 1018) > 4.0
    assert nose_shift(shot, result, 1020) == 0.0


def test_a_frame_without_the_face_is_named(shot: ShotTrack, frame: Frame) -> None:
    with pytest.raises(TrackError, match="frame 2000, in which it is not seen"):
        corrected_shot(shot, {0: {NOSE: {2000: (1.0, 1.0)}}}, frame)


def test_what_is_exported_reads_back_as_corrections_that_change_nothing(
    shot: ShotTrack, frame: Frame, tmp_path: Path
) -> None:
    path = tmp_path / "shot.points.json"
    path.write_text(points_json(shot, frame.display), encoding="utf-8")

    corrections = read_corrections(path)

    assert set(corrections[0]) == set(POINTS.values())
    old, new = (
        s.tracks[0].observations[1010] for s in (shot, corrected_shot(shot, corrections, frame))
    )
    np.testing.assert_allclose(new.mesh, old.mesh, atol=2e-3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "list"),
        ('{"version": 9, "faces": []}', "version 9"),
        (
            json.dumps({"version": 1, "faces": [{"index": 0, "points": {"ear": {}}}]}),
            "no point is called ear",
        ),
        (
            '{"version": 1, "faces": [{"index": 0, "points": {"chin": {"1": [NaN, 1]}}}]}',
            "finite",
        ),
    ],
)
def test_a_file_that_is_no_correction_is_refused_with_the_reason(
    content: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(TrackError, match=reason):
        read_corrections(path)


def test_corrections_under_both_names_of_a_point_are_all_taken(tmp_path: Path) -> None:
    by_place: dict[int, list[str]] = {}
    for name, place in POINTS.items():
        by_place.setdefault(place, []).append(name)
    place, (one, other) = next((p, n) for p, n in by_place.items() if len(n) == 2)
    points = {one: {"1001": [10.0, 20.0]}, other: {"1005": [30.0, 40.0]}}
    path = tmp_path / "k.points.json"
    path.write_text(json.dumps({"version": 1, "faces": [{"index": 0, "points": points}]}))

    assert read_corrections(path) == {0: {place: {1001: (10.0, 20.0), 1005: (30.0, 40.0)}}}
