"""Which face a job means."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.choose import chosen_tracks
from faceplate.core.errors import TrackError
from faceplate.core.face import FaceObservation, HeadPose, Origin
from faceplate.core.job import FaceChoice
from faceplate.core.track import FaceTrack, ShotTrack


def person(index: int, x: float, identity: float) -> FaceTrack:
    observations = {
        number: FaceObservation(
            number=number,
            box=(x, 100.0, x + 80, 200.0),
            mesh=np.zeros((478, 3), np.float32),
            pose=HeadPose(0, 0, 0),
            expression=np.zeros(52, np.float32),
            embedding=np.full(128, identity, np.float32),
            skin=np.zeros(6, np.float32),
            noise=np.zeros(3, np.float32),
            sharpness=0.5,
            confidence=1.0,
            origin=Origin.SEEN,
        )
        for number in (1001, 1002)
    }
    return FaceTrack(index, observations)


SHOT = ShotTrack([person(0, 100, 0.1), person(1, 500, -0.1)], (1001, 1002), "", "", 1.0)


def embedding_of(path: str) -> np.ndarray:
    return np.full(128, {"second.png": -0.09, "stranger.png": 0.9}[path], np.float32)


@pytest.mark.parametrize(
    ("choice", "indices"),
    [
        (FaceChoice(index=1), [1]),
        (FaceChoice(at=(520.0, 150.0)), [1]),
        (FaceChoice(reference="second.png"), [1]),
        (FaceChoice(every=True), [0, 1]),
    ],
)
def test_a_face_is_found_as_it_was_said(choice: FaceChoice, indices: list[int]) -> None:
    assert [track.index for track in chosen_tracks(SHOT, choice, embedding_of)] == indices


@pytest.mark.parametrize(
    ("choice", "match"),
    [
        (FaceChoice(index=7), "no face number 7; 2 were tracked"),
        (FaceChoice(at=(5.0, 5.0)), "No face of the plate is at 5,5"),
        (FaceChoice(reference="stranger.png"), "Nobody in the plate looks like stranger.png"),
    ],
)
def test_a_face_that_is_not_there_is_an_error_with_its_reason(
    choice: FaceChoice, match: str
) -> None:
    with pytest.raises(TrackError, match=match):
        chosen_tracks(SHOT, choice, embedding_of)


def test_a_plate_without_faces_gives_none() -> None:
    empty = ShotTrack([], (1001,), "", "", 1.0)

    assert chosen_tracks(empty, FaceChoice(index=0), embedding_of) == []
