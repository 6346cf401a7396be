"""The colour guided filter against least squares, box by box."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.arrays import FloatArray
from faceplate.core.stages.guided import color_guided_filter

RNG = np.random.default_rng(3)


def by_least_squares(guide: FloatArray, small: FloatArray, radius: int, eps: float) -> FloatArray:
    """Fit every box by solving its ridge regression, then average the boxes that hold a pixel."""
    height, width, _ = guide.shape
    pad = ((radius, radius), (radius, radius), (0, 0))
    wide, wanted = np.pad(guide, pad, "edge"), np.pad(small, pad, "edge")
    slopes = np.zeros((height, width, 3))
    offsets = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            box = np.s_[y : y + 2 * radius + 1, x : x + 2 * radius + 1]
            colors, values = wide[box].reshape(-1, 3), wanted[box].reshape(-1)
            mean, level = colors.mean(0), values.mean()
            spread = (colors - mean).T @ (colors - mean) / len(colors) + eps * np.eye(3)
            slopes[y, x] = np.linalg.solve(
                spread, (colors - mean).T @ (values - level) / len(colors)
            )
            offsets[y, x] = level - slopes[y, x] @ mean
    terms = np.pad(np.dstack([slopes, offsets]), pad, "edge")
    result = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            near = terms[y : y + 2 * radius + 1, x : x + 2 * radius + 1].mean(axis=(0, 1))
            result[y, x] = near[:3] @ guide[y, x] + near[3]
    return result.astype(np.float32)


def test_it_is_the_ridge_regression_of_every_box() -> None:
    guide = RNG.random((14, 11, 3), np.float32)
    small = RNG.random((14, 11, 1), np.float32)

    found = color_guided_filter(guide, guide, small, radius=2, epsilon=1e-2)

    wanted = by_least_squares(guide, small, 2, 1e-2)
    assert found[..., 0] == pytest.approx(wanted, abs=1e-4)


def test_a_coarse_edge_comes_to_lie_on_the_edge_of_the_guide() -> None:
    guide = np.zeros((64, 64, 3), np.float32)
    guide[:, 29:] = [0.2, 0.5, 0.1]  # a step of equal hue that grey alone would show, too
    small_guide = guide.reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
    coarse = (np.arange(16) >= 8).astype(np.float32)[None, :, None].repeat(16, 0)  # 3 px off

    found = color_guided_filter(guide, small_guide, coarse, radius=2, epsilon=1e-4)[32, :, 0]

    assert np.abs(np.diff(found)).argmax() == 28


def test_colours_of_equal_light_make_an_edge() -> None:
    guide = np.zeros((32, 32, 3), np.float32)
    guide[:, :16], guide[:, 16:] = [0.5, 0.2, 0.2], [0.2, 0.5, 0.2]
    matte = np.zeros((32, 32, 1), np.float32)
    matte[:, 14:] = 1.0

    found = color_guided_filter(guide, guide, matte, radius=4, epsilon=1e-4)[16, :, 0]

    assert np.abs(np.diff(found)).argmax() == 15
    assert found[16] > 0.95


def test_a_flat_guide_only_smooths_and_a_constant_stays() -> None:
    flat = np.full((20, 20, 3), 0.3, np.float32)
    steps = np.zeros((20, 20, 2), np.float32)
    steps[:, 10:, 0], steps[..., 1] = 1.0, 0.7

    found = color_guided_filter(flat, flat, steps, radius=2, epsilon=1e-3)

    assert np.all(np.diff(found[10, :, 0]) >= -1e-6)
    assert found[..., 1] == pytest.approx(0.7, abs=1e-6)
