"""Landmarks turned rigidly: against a face that is exactly rigid and of mean shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from faceplate.core.stages.turn import mean_landmarks, turn_rigidly

YAW, PITCH, ROLL = st.floats(-60, 60), st.floats(-30, 30), st.floats(-40, 40)


def seen(pose: tuple[float, float, float], scale: float = 10.0) -> np.ndarray:
    """The mean face under a pose, orthographic, y down: by another library's rotations."""
    yaw, pitch, roll = pose
    turn = Rotation.from_euler("yxz", [yaw, -pitch, -roll], degrees=True)  # about fixed axes
    return (turn.apply(mean_landmarks()) * scale)[:, :2] * [1, -1] + [50, 60]


@given(st.tuples(YAW, PITCH, ROLL), st.tuples(YAW, PITCH, ROLL))
@settings(max_examples=40, deadline=None)
def test_the_mean_face_is_turned_exactly(
    here: tuple[float, float, float], there: tuple[float, float, float]
) -> None:
    found = turn_rigidly(seen(here)[None], np.array([here]), np.array([there]))[0]

    np.testing.assert_allclose(found, seen(there), atol=1e-6)


def test_what_tells_a_face_from_the_mean_stays_with_it() -> None:
    points = seen((0, 0, 0))
    points[85] += [0, 8]  # a longer lower lip

    found = turn_rigidly(points[None], np.zeros((1, 3)), np.array([[30.0, 0, 0]]))[0]

    plain = seen((30, 0, 0))
    np.testing.assert_allclose((found - plain)[85], [0, 8], atol=0.3)


def test_no_turn_leaves_any_face_as_it_is() -> None:
    points = np.random.default_rng(0).normal(100, 30, (3, 98, 2))
    pose = np.array([[40.0, 10, -20]] * 3)

    np.testing.assert_allclose(turn_rigidly(points, pose, pose), points, atol=1e-9)


@pytest.mark.parametrize("yaw", [20.0, 45.0])
def test_a_turn_to_the_own_left_moves_the_nose_to_the_right_of_the_picture(yaw: float) -> None:
    points = seen((0, 0, 0))

    found = turn_rigidly(points[None], np.zeros((1, 3)), np.array([[yaw, 0, 0]]))[0]

    eyes = found[[60, 72]].mean(axis=0)
    assert found[54, 0] > eyes[0] + 3
