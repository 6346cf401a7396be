"""Landmark maps against the formulas, pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest

from faceplate.core.nets.heatmaps import soft_points
from faceplate.core.stages.discs import (
    DISC_RADIUS,
    landmark_discs,
    landmark_dots,
    landmark_patches,
)

POINTS = np.array([[0.5, 0.5], [0.1, 0.93], [0.0, 0.0], [1.02, 0.4], [0.123, 0.777], [1.3, 0.5]])


@pytest.mark.parametrize("side", [256, 128, 17])
def test_discs_are_the_formula_at_every_pixel(side: int) -> None:
    found = landmark_discs(POINTS, side)

    assert found.shape == (len(POINTS), side, side)
    rng = np.random.default_rng(0)
    centres = np.floor(POINTS * side).astype(int)
    for number, (x, y) in enumerate(POINTS):
        near = centres[number] + rng.integers(-12, 13, (60, 2))
        for j, i in [*near, *rng.integers(0, side, (60, 2))]:
            if not (0 <= i < side and 0 <= j < side):
                continue
            distance = math.hypot((j + 0.5) / side - x, (i + 0.5) / side - y)
            inner = max(1 - distance / math.sqrt(2), 0)
            wanted = max(0.0, (inner**8 - 0.8) / 0.2)
            assert found[number, i, j] == pytest.approx(wanted, abs=1e-6)


def test_a_disc_is_1_at_its_point_and_ends_at_its_radius() -> None:
    found = landmark_discs(np.array([[128.5 / 256, 64.5 / 256]]), 256)[0]

    assert found[64, 128] == 1
    rows, columns = np.nonzero(found)
    reach = np.hypot(rows - 64, columns - 128).max()
    assert pytest.approx(0.03890, abs=5e-6) == DISC_RADIUS
    assert 9.4 < reach < DISC_RADIUS * 256 == pytest.approx(9.96, abs=0.005)


@pytest.mark.parametrize("point", [(-0.04, 0.5), (0.5, 1.04), (4.0, 0.5), (-3.0, -3.0)])
def test_a_point_far_outside_has_an_empty_map(point: tuple[float, float]) -> None:
    # Two diagonals away the formula's even power would rise again.
    assert not landmark_discs(np.array([point]), 128).any()


def test_the_two_levels_say_the_same_place() -> None:
    points = np.random.default_rng(1).uniform(0.1, 0.9, (98, 2))

    for side in (256, 128, 64):
        found, _ = soft_points(landmark_discs(points, side))
        assert np.linalg.norm(found - points, axis=1).mean() * 64 < 0.2
        assert np.abs(found - points).max() * side < 0.5


# --- v1 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "size", "spread"), [(256, 13, 3.25), (128, 7, 1.75)])
def test_patches_are_gaussians_of_their_size_at_whole_pixels(
    side: int, size: int, spread: float
) -> None:
    found = landmark_patches(np.array([[60.7, 40.2]]), side)[0]

    rows, columns = np.nonzero(found)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (size, size)
    assert found.max() == 1
    peak = np.unravel_index(found.argmax(), found.shape)
    assert peak == (39, 59)  # pixel 40 and 60, counted from 1
    assert found[39, 62] == pytest.approx(math.exp(-0.5 * (3 / spread) ** 2), abs=1e-6)
    assert found[41, 60] == pytest.approx(math.exp(-0.5 * 5 / spread**2), abs=1e-6)


@pytest.mark.parametrize("point", [(0.0, 50.0), (-3.0, 50.0), (50.0, -20.0), (300.0, 50.0)])
def test_patches_of_points_outside_are_empty(point: tuple[float, float]) -> None:
    assert not landmark_patches(np.array([point]), 256).any()


@pytest.mark.parametrize("x", [1.0, 3.5, 6.0, 7.2, 250.0, 255.9, 258.0])
def test_patches_over_a_border_stay_inside_and_whole_ones_are_not_moved(x: float) -> None:
    found = landmark_patches(np.array([[x, 100.0]]), 256)[0]

    column = found.max(axis=0)
    assert np.count_nonzero(column) <= 13
    place = int(np.argmax(column))
    if 7 <= x <= 256:
        assert place == int(np.floor(x)) - 1
    elif x < 7:
        assert 0 <= place - (int(np.floor(x)) - 1) <= 2  # moved inwards as by the original


def test_dots_are_a_convolution_of_one_pixel_over_the_largest() -> None:
    from scipy.ndimage import convolve

    points = np.array([[20.9, 33.1, 5.0], [0.2, 127.9, 0.0], [-4.0, 200.0, 1.0]])

    for side, size in ((256, 13), (128, 7)):
        found = landmark_dots(points, side)
        steps = (np.arange(size) - size // 2) / (2 * 2)
        kernel = np.exp(-(steps[:, None] ** 2)) * np.exp(-(steps**2))
        dots = np.zeros((3, side, side))
        for dot, (x, y, _) in zip(dots, points, strict=True):
            dot[int(min(max(y, 0), side - 1)), int(min(max(x, 0), side - 1))] = 1
        wanted = np.stack([convolve(dot, kernel, mode="constant") for dot in dots])
        np.testing.assert_allclose(found, wanted / wanted.max(), atol=1e-6)
