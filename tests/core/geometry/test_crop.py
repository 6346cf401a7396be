from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.frame import Window
from faceplate.core.geometry import crop
from faceplate.core.geometry.crop import cut, cut_windowed


def ramp(height: int, width: int) -> FloatArray:
    """Pixels that hold their own centre: x, y, 1."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    return np.stack([x, y, np.ones_like(x)], axis=-1).astype(np.float32)


def turned(scale: float, degrees: float, x: float, y: float, size: int) -> DoubleArray:
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    half = size / 2
    return np.array([[c, -s, x - half * (c - s)], [s, c, y - half * (s + c)]])


def test_a_crop_of_whole_pixels_is_a_copy_bit_for_bit() -> None:
    pixels = np.random.default_rng(0).standard_normal((40, 50, 3)).astype(np.float32)

    found = cut(pixels, np.array([[1.0, 0, 7], [0, 1.0, 11]]), (20, 30))

    assert np.array_equal(found, pixels[11:31, 7:37])


@given(
    scale=st.floats(0.2, 6.0),
    degrees=st.floats(-180, 180),
    x=st.floats(90, 110),
    y=st.floats(90, 110),
)
def test_a_pixel_of_the_crop_shows_the_point_that_the_transform_names(
    scale: float, degrees: float, x: float, y: float
) -> None:
    transform = turned(scale, degrees, x, y, 16)

    found = cut(ramp(200, 200), transform, (16, 16))

    i, j = np.mgrid[0:16, 0:16] + 0.5
    wanted = np.einsum("ab,bij->ija", transform, np.stack([j, i, np.ones_like(i)]))
    assert np.abs(found[..., :2] - wanted).max() < 1e-3 * scale + 5e-4
    assert np.abs(found[..., 2] - 1).max() < 1e-5


def test_a_whole_reduction_is_the_mean_of_its_cells() -> None:
    pixels = np.random.default_rng(1).random((60, 90, 3)).astype(np.float32)

    found = cut(pixels, np.array([[5.0, 0, 10], [0, 3.0, 6]]), (12, 14))

    wanted = pixels[6:42, 10:80].reshape(12, 3, 14, 5, 3).mean(axis=(1, 3))
    assert np.abs(found - wanted).max() < 1e-5


@pytest.mark.parametrize("scale", [1.9, 3.5, 7.3])
def test_detail_too_fine_for_the_crop_is_averaged_and_not_aliased(scale: float) -> None:
    y, x = np.mgrid[0:400, 0:400]
    checker = ((x + y) % 2).astype(np.float32)[..., None].repeat(3, axis=2)

    found = cut(checker, turned(scale, 30, 200, 200, 24), (24, 24))

    assert np.abs(found - 0.5).max() < 0.12


def test_what_lies_outside_is_black() -> None:
    pixels = np.ones((10, 10, 3), np.float32)

    found = cut(pixels, np.array([[1.0, 0, -5], [0, 1.0, -5]]), (20, 20))
    away = cut(pixels, np.array([[1.0, 0, 500], [0, 1.0, 500]]), (4, 4))

    assert found.sum() == pytest.approx(300)
    assert found[5:15, 5:15].min() == 1.0
    assert not away.any()


def test_a_window_that_begins_anywhere_gives_the_same_crop() -> None:
    pixels = np.random.default_rng(2).random((80, 80, 3)).astype(np.float32)
    window = Window(-30, 12, 50, 92)
    transform = turned(1.7, 20, 40, 40, 20)
    moved = transform + np.array([[0, 0, -30], [0, 0, 12]])

    found = cut_windowed(lambda w: pixels[w.slices_in(window)], window, moved, (20, 20))

    assert np.allclose(found, cut(pixels, transform, (20, 20)), atol=1e-5)


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(3).random((123, 77, 3)).astype(np.float32)
    transform = turned(4.3, -10, 40, 60, 30)
    whole = cut(pixels, transform, (30, 30))

    monkeypatch.setattr(crop, "_STRIP_PIXELS", 900)

    assert np.array_equal(cut(pixels, transform, (30, 30)), whole)


def test_a_picture_of_one_pixel_can_be_cut() -> None:
    found = cut(np.ones((1, 1, 3), np.float32), np.array([[0.1, 0, 0], [0, 0.1, 0]]), (10, 10))

    assert found.max() == pytest.approx(0.95**2)  # the nearest centres are 0.05 away
