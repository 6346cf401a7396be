"""Rigid motion: found again from what it moved, and the way between two faces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from faceplate.core.geometry.rigid import (
    RigidMotion,
    euler_of,
    fit_rigid,
    rotation_of,
    step_between,
)

ANGLES = st.floats(-1.5, 1.5)


def face(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal([128, 128, 0], [40, 50, 30], (68, 3))


@given(ANGLES, ANGLES, ANGLES, st.tuples(*[st.floats(-100, 100)] * 3))
@settings(max_examples=50, deadline=None)
def test_a_motion_is_found_again(
    x: float, y: float, z: float, shift: tuple[float, float, float]
) -> None:
    turn = Rotation.from_euler("xyz", [x, y, z]).as_matrix()  # about fixed axes, x first
    source = face()

    found = fit_rigid(source, source @ turn.T + shift)

    np.testing.assert_allclose(found.rotation, turn, atol=1e-9)
    np.testing.assert_allclose(found.shift, shift, atol=1e-6)


@pytest.mark.parametrize("flat", [False, True])
def test_a_mirrored_face_is_turned_and_never_mirrored(flat: bool) -> None:
    source = face() * ([1, 1, 0] if flat else [1, 1, 1])

    found = fit_rigid(source, source * [-1, 1, 1])

    assert np.linalg.det(found.rotation) == pytest.approx(1)


def test_the_fit_has_the_least_squares() -> None:
    source, target = face(1), face(1) + np.random.default_rng(2).normal(0, 5, (68, 3))
    found = fit_rigid(source, target)
    least = np.square(found.apply(source) - target).sum()
    rng = np.random.default_rng(3)

    for _ in range(30):
        nudge = Rotation.from_rotvec(0.01 * rng.standard_normal(3)).as_matrix()
        other = RigidMotion(nudge @ found.rotation, found.shift + 0.1 * rng.standard_normal(3))
        assert np.square(other.apply(source) - target).sum() > least


@given(ANGLES, ANGLES, ANGLES)
@settings(max_examples=50, deadline=None)
def test_angles_and_rotations_are_inverse(x: float, y: float, z: float) -> None:
    rotation = rotation_of(x, y, z)

    wanted = Rotation.from_euler("xyz", [x, y, z]).as_matrix()
    np.testing.assert_allclose(rotation, wanted, atol=1e-12)
    assert euler_of(rotation) == pytest.approx((x, y, z), abs=1e-9)


@pytest.mark.parametrize("y", [np.pi / 2, -np.pi / 2])
@pytest.mark.parametrize("x", [-2.0, 0.0, 0.7])
def test_a_right_angle_about_y_still_has_angles(x: float, y: float) -> None:
    rotation = rotation_of(x, y, 0.4)

    np.testing.assert_allclose(rotation_of(*euler_of(rotation)), rotation, atol=1e-9)


def turned(source: np.ndarray, degrees: float, shift: tuple[float, float, float]) -> np.ndarray:
    middle = source.mean(axis=0)
    turn = Rotation.from_euler("y", degrees, degrees=True).as_matrix()
    return (source - middle) @ turn.T + middle + shift


@pytest.mark.parametrize("about_corner", [True, False])
def test_the_way_begins_at_the_source_and_ends_at_its_aligned_shape(about_corner: bool) -> None:
    source = face()
    target = turned(source, 40, (5, -3, 2))

    start = step_between(source, target, 0.0, about_corner=about_corner)
    end = step_between(source, target, 1.0, about_corner=about_corner)

    np.testing.assert_allclose(start, source, atol=1e-9)
    np.testing.assert_allclose(end, target, atol=1e-6)


def test_half_way_is_half_the_turn_about_the_faces_middle() -> None:
    source = face()
    target = turned(source, 40, (6, -4, 0))

    found = step_between(source, target, 0.5)

    np.testing.assert_allclose(found, turned(source, 20, (3, -2, 0)), atol=1e-6)


def test_the_released_form_is_its_formula_and_leaves_the_straight_path() -> None:
    source = face()
    target = turned(source, 40, (0, 0, 0))

    found = step_between(source, target, 0.5, about_corner=True)

    # By hand: half the angle about the corner, half of t = c - R c.
    whole = Rotation.from_euler("y", 40, degrees=True).as_matrix()
    half = Rotation.from_euler("y", 20, degrees=True).as_matrix()
    middle = source.mean(axis=0)
    np.testing.assert_allclose(found, source @ half.T + 0.5 * (middle - whole @ middle), atol=1e-6)
    assert np.linalg.norm(found.mean(axis=0) - middle) > 3  # pixels, of a face that only turns


def test_an_expression_of_the_target_stays_out_of_the_way() -> None:
    source = face()
    target = turned(source, 30, (0, 0, 0)) + np.random.default_rng(5).normal(0, 3, (68, 3))

    found = step_between(source, target, 0.5)

    def shape(points: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points[:, None] - points, axis=2)

    np.testing.assert_allclose(shape(found), shape(source), atol=1e-6)
