"""Which faces of an actor's footage become views."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceplate.core.face import FaceObservation, HeadPose
from faceplate.core.selection import agitation, choose_faces, quality, traits

_JAW, _BLINK, _SMILE, _GAZE = [25], [9, 10], [44, 45], [11]


def _with(face: FaceObservation, at: list[int], value: float) -> FaceObservation:
    expression = np.zeros(52, np.float32)
    expression[at] = value
    return replace(face, expression=expression)


@pytest.fixture
def calm(face):
    return lambda number, yaw=0.0: _with(face(number, pose=HeadPose(yaw, 0.0, 0.0)), [0], 0.0)


def test_each_pose_keeps_a_calm_face_and_every_strong_trait(calm):
    faces = [calm(1), *(_with(calm(2), at, 0.9) for at in (_JAW, _BLINK, _SMILE)), calm(5, 30.0)]

    choices, _ = choose_faces(faces, np.ones(5), 5)

    assert {c.index: c.place for c in choices} == {0: 0, 1: 0, 2: 0, 3: 0, 4: 4}


def test_a_worthless_face_does_not_stand_for_a_trait(calm):
    faces = [calm(1), _with(calm(2), _JAW, 0.9), _with(calm(3), _JAW, 0.8)]

    choices, _ = choose_faces(faces, np.array([1.0, 0.1, 1.0]), 3)

    assert [c.index for c in choices] == [0, 2]


@pytest.mark.parametrize("most", [1, 2, 5, 12, 100])
def test_no_more_views_than_asked_for_and_none_twice(calm, most):
    rng = np.random.default_rng(0)
    faces = [_with(calm(k, float(rng.uniform(-40, 40))), _JAW, rng.random()) for k in range(60)]

    choices, radius = choose_faces(faces, np.ones(60), most)

    indices = [c.index for c in choices]
    assert 1 <= len(indices) <= most
    assert len(set(indices)) == len(indices)
    assert radius >= 2


def test_poses_are_spread_over_all_that_there_are(calm):
    faces = [calm(k, yaw) for k, yaw in enumerate(np.linspace(-45, 45, 91))]

    choices, _ = choose_faces(faces, np.ones(91), 12)

    yaws = sorted(faces[c.place].pose.yaw for c in choices)
    assert yaws[0] < -30
    assert yaws[-1] > 30
    assert np.diff(yaws).max() < 30


def test_blur_doubt_hair_and_clipping_each_cost_worth(face):
    good, soft, doubted = face(1), face(2), face(3, confidence=0.3)
    soft = replace(soft, sharpness=good.sharpness * 4 + 2)
    faces = [good, soft, doubted, good, good]

    worth = quality(faces, np.array([1, 1, 1, 0.4, 1]), np.array([0, 0, 0, 0, 0.2]))

    assert worth[0] == pytest.approx(worth.max())
    assert (worth[1:] < 0.8 * worth[0]).all()


def test_gaze_does_not_make_a_face_less_calm(calm):
    assert agitation(_with(calm(1), _GAZE, 1.0).expression) == 0
    assert agitation(_with(calm(1), _JAW, 1.0).expression) == pytest.approx(1)


def test_traits_read_the_coefficients_of_their_names(calm):
    assert traits(_with(calm(1), _JAW, 0.5).expression)["mouth open"] == pytest.approx(0.5)
    assert traits(_with(calm(1), _BLINK, 0.5).expression)["eyes closed"] == pytest.approx(0.5)
    assert traits(_with(calm(1), _SMILE, 0.5).expression)["smile"] == pytest.approx(0.5)
