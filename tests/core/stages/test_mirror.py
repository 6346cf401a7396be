"""The other half of a face: where it is, and what is seen of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faceplate.core.arrays import DoubleArray
from faceplate.core.nets.heatmaps import MIRRORED
from faceplate.core.stages.mirror import is_other_half, mirror_motion, mirrored_face

Placed = Callable[[DoubleArray], DoubleArray]


def partners() -> np.ndarray:
    order = np.arange(98)
    for a, b in MIRRORED:
        order[[a, b]] = b, a
    return order


def even_face(seed: int = 0) -> DoubleArray:
    """98 points about the line x = 0, each with its partner on the other side."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.3, 0.3, (98, 2))
    points[:16, 0] = -np.abs(points[:16, 0]) - 0.05  # the jaw's right half, at the picture's left
    order = partners()
    for a, b in MIRRORED:
        points[b] = points[a] * [-1, 1]
    points[order == np.arange(98), 0] = 0
    return points


def placed(points: DoubleArray, degrees: float, scale: float, middle: DoubleArray) -> DoubleArray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return scale * points @ np.array([[c, s], [-s, c]]) + middle


@pytest.mark.parametrize("degrees", [0.0, 20.0, -75.0])
def test_the_motion_takes_every_point_of_an_even_face_to_its_partner(degrees: float) -> None:
    points = placed(even_face(), degrees, 1.1, np.array([0.45, 0.6]))

    motion = mirror_motion(points)

    np.testing.assert_allclose(
        points @ motion[:, :2].T + motion[:, 2], points[partners()], atol=1e-9
    )
    assert np.linalg.det(motion[:, :2]) == pytest.approx(-1)


def test_no_motion_that_mirrors_does_better_for_an_uneven_face() -> None:
    rng = np.random.default_rng(4)
    points = placed(even_face(), 12.0, 1.0, np.array([0.5, 0.5])) + rng.normal(0, 0.02, (98, 2))
    best = mirror_motion(points)

    def miss(motion: DoubleArray) -> float:
        moved = points @ motion[:, :2].T + motion[:, 2]
        return float(np.square(moved - points[partners()]).sum())

    for x, y, left, down in rng.normal(0, 0.02, (200, 4)):
        other = best + np.array([[x, y, left], [y, -x, down]])
        assert miss(other) > miss(best)


def test_what_is_seen_on_one_side_is_shown_on_the_other() -> None:
    middle = np.array([0.55, 0.48])
    points = placed(even_face(), 25.0, 1.0, middle)
    side = 128
    centres = np.stack(np.meshgrid(*[(np.arange(side) + 0.5) / side] * 2), axis=-1)
    # Of the head's own axes, in which its halves are one another's mirrors.
    own = placed(centres.reshape(-1, 2) - middle, -25.0, 1.0, np.zeros(2)).reshape(side, side, 2)

    def paint(u: DoubleArray, v: DoubleArray) -> np.ndarray:
        return np.stack([np.sin(9 * u), np.cos(7 * v), u + v]).astype(np.float32) * 0.5

    new, seen = paint(own[..., 0], own[..., 1]), own[..., 0] < 0.1

    found = mirrored_face(new, seen, points)

    known = found[3] > 0.99
    wanted = paint(-own[..., 0], own[..., 1])
    inside = np.abs(own).max(axis=2) < 0.3
    np.testing.assert_allclose(found[:3, known], wanted[:, known], atol=0.02)
    np.testing.assert_array_equal(known[inside], (own[..., 0] > -0.1)[inside] & known[inside])
    assert (known | (own[..., 0] < -0.08))[inside].all()
    assert (found[:3, found[3] == 0] == -1).all()


@pytest.mark.parametrize("degrees", [0.0, 40.0, -120.0])
def test_the_other_half_is_the_one_of_the_left_ear(degrees: float) -> None:
    points = placed(even_face(), degrees, 1.0, np.array([0.5, 0.5]))

    half = is_other_half(points, 200)

    def at(point: DoubleArray) -> bool:
        column, row = np.floor(point * 200).astype(int)
        return bool(half[row, column])

    assert at(points[20]) and at(points[28])
    assert not at(points[12]) and not at(points[4])
    assert half.mean() == pytest.approx(0.5, abs=0.02)
