"""Grain and softness against what statistics and optics say."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.stages.grain import add_grain, soften


def generator() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[1, 1001]))


@pytest.mark.parametrize("level", [0.05, 0.18, 0.9])
def test_grain_has_the_measured_size_and_grows_with_the_root_of_light(level: float) -> None:
    flat = np.full((300, 300, 3), level, np.float32)
    noise = np.float32([0.02, 0.03, 0.04])

    grainy = add_grain(flat, noise=noise, level=0.18, grain=1.0, rng=generator())

    wanted = noise * 0.18 * np.sqrt(level / 0.18 + 0.02)
    np.testing.assert_allclose((grainy - flat).std(axis=(0, 1)), wanted, rtol=0.03)
    assert np.abs((grainy - flat).mean(axis=(0, 1)) / wanted).max() < 0.02


def test_grain_is_the_same_for_the_same_frame_and_absent_at_zero() -> None:
    flat = np.full((50, 60, 3), 0.2, np.float32)
    noise = np.float32([0.02, 0.02, 0.02])

    one, two = (
        add_grain(flat, noise=noise, level=0.2, grain=1.0, rng=generator()) for _ in range(2)
    )

    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(
        add_grain(flat, noise=noise, level=0.2, grain=0.0, rng=generator()), flat
    )


def test_a_blur_spreads_a_point_by_its_sigma() -> None:
    point = np.zeros((61, 61), np.float32)
    point[30, 30] = 1

    spread = soften(point, blur_px=3.0)

    y, x = np.mgrid[:61, :61] - 30
    assert float((spread * x**2).sum()) == pytest.approx(9.0, rel=0.02)
    assert float((spread * y**2).sum()) == pytest.approx(9.0, rel=0.02)


def test_a_movement_spreads_a_point_along_itself_only() -> None:
    point = np.zeros((61, 61), np.float32)
    point[30, 30] = 1

    spread = soften(point, blur_px=0.0, motion_px=(12.0, 0.0))

    y, x = np.mgrid[:61, :61] - 30
    assert float(spread.sum()) == pytest.approx(1.0, abs=1e-5)
    assert float((spread * x**2).sum()) == pytest.approx(144 / 12, rel=0.1)
    assert float((spread * y**2).sum()) == pytest.approx(0.0, abs=1e-3)
    assert float((spread * x).sum()) == pytest.approx(0.0, abs=1e-3)
