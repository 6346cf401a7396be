from __future__ import annotations

from collections.abc import Callable

import pytest

from faceplate.core.analysis.associate import associate, overlap
from faceplate.core.face import FaceObservation

FaceMaker = Callable[..., FaceObservation]
Frames = dict[int, list[FaceObservation]]


def who(track: dict[int, FaceObservation]) -> set[int]:
    return {int(face.embedding[:64].argmax()) for face in track.values()}


def test_overlap_is_intersection_over_union() -> None:
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3, abs=1e-4)
    assert overlap((0, 0, 10, 10), (20, 20, 30, 30)) == 0


def test_two_still_faces_are_two_tracks(face: FaceMaker) -> None:
    frames: Frames = {
        n: [face(n, (100.0, 100.0), who=0), face(n, (400.0, 100.0), who=1)] for n in range(10)
    }

    tracks = associate(frames, ())

    assert [sorted(t) for t in tracks] == [list(range(10))] * 2
    assert [who(t) for t in tracks] == [{0}, {1}]


def test_faces_that_cross_keep_their_identities(face: FaceMaker) -> None:
    frames: Frames = {}
    for n in range(41):
        left, right = (
            face(n, (100.0 + 10 * n, 200.0), who=0),
            face(n, (500.0 - 10 * n, 205.0), who=1),
        )
        hidden = 17 <= n <= 23  # the second passes behind the first
        frames[n] = [left] if hidden else [left, right]

    tracks = associate(frames, ())

    assert [who(t) for t in tracks] == [{0}, {1}]
    assert [len(t) for t in tracks] == [41, 34]


def test_a_face_that_leaves_and_comes_back_elsewhere_is_the_same_face(face: FaceMaker) -> None:
    frames: Frames = {n: [face(n, (100.0, 100.0), who=3)] for n in range(10)}
    frames |= {n: [] for n in range(10, 60)}
    frames |= {n: [face(n, (700.0, 300.0), who=3, height=200.0)] for n in range(60, 70)}

    (track,) = associate(frames, ())

    assert len(track) == 20


def test_another_face_at_the_same_place_is_another_track(face: FaceMaker) -> None:
    frames: Frames = {n: [face(n, who=0)] for n in range(10)}
    frames |= {n: [face(n, who=1)] for n in range(10, 20)}

    tracks = associate(frames, ())

    assert [who(t) for t in tracks] == [{0}, {1}]


def test_a_cut_to_another_angle_keeps_the_person(face: FaceMaker) -> None:
    frames: Frames = {
        n: [face(n, (200.0, 200.0), who=0), face(n, (600.0, 200.0), who=1)] for n in range(8)
    }
    frames |= {
        n: [face(n, (200.0, 200.0), who=1), face(n, (600.0, 200.0), who=0)] for n in range(8, 16)
    }

    tracks = associate(frames, (8,))

    assert [who(t) for t in tracks] == [{0}, {1}]
    assert [len(t) for t in tracks] == [16, 16]


def test_without_embeddings_place_joins_a_short_gap_and_not_a_cut(face: FaceMaker) -> None:
    frames: Frames = {n: [face(n, who=None)] for n in (*range(8), *range(12, 20))}

    assert [len(t) for t in associate(frames, ())] == [16]
    assert [len(t) for t in associate(frames, (10,))] == [8, 8]


def test_a_leap_faster_than_the_overlap_allows_is_followed(face: FaceMaker) -> None:
    frames: Frames = {n: [face(n, (100.0 + 45 * n, 200.0), who=None)] for n in range(12)}

    assert [len(t) for t in associate(frames, ())] == [12]


def test_a_flicker_of_a_face_in_a_long_shot_is_dropped(face: FaceMaker) -> None:
    frames: Frames = {n: [face(n, who=0)] for n in range(20)}
    frames[7].append(face(7, (800.0, 100.0), who=5))

    assert [len(t) for t in associate(frames, ())] == [20]


def test_one_frame_is_a_shot(face: FaceMaker) -> None:
    assert [len(t) for t in associate({5: [face(5)]}, ())] == [1]
    assert associate({5: []}, ()) == []
    assert associate({}, ()) == []
