"""The released crops: whole pixels, black outside, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.geometry.square import (
    CROP_SCALE_V1,
    Square,
    as_codes,
    as_network,
    cut_square,
    halved,
    paste_square,
    picture_pyramid,
    square_of_box,
    turn_crop,
)


def picture(height: int = 120, width: int = 160) -> np.ndarray:
    y, x = np.mgrid[:height, :width] / 20
    return np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=2).astype(np.float32) / 2 + 0.5


@pytest.mark.parametrize(
    ("box", "scale", "wanted"),
    [
        ((10, 20, 110, 140), 1.2, (-12, 8, 144)),
        ((10, 20, 110, 140), CROP_SCALE_V1, (-60, -40, 240)),
        ((0, 0, 5, 5), 1.5, (-2, -2, 8)),  # 7.5 is rounded to 8, -1.5 to -2: halves to even
        ((0, 0, 3, 3), 1.5, (0, 0, 4)),  # 4.5 is rounded to 4, -0.5 to -0
        ((100.4, 50.4, 140.4, 80.4), 1.0, (100, 45, 40)),
        ((7, 7, 7, 7), 1.2, (6, 6, 1)),
    ],
)
def test_the_square_is_the_scaled_longer_side_in_whole_pixels(
    box: tuple[float, float, float, float], scale: float, wanted: tuple[int, int, int]
) -> None:
    found = square_of_box(box, scale)

    assert (found.x0, found.y0, found.side) == wanted
    assert all(isinstance(n, int) for n in wanted)


def test_a_square_of_the_crops_size_is_a_copy() -> None:
    plate = picture()

    found = cut_square(plate, Square(20, 10, 64), 64)

    assert np.array_equal(found, plate[10:74, 20:84])


@pytest.mark.parametrize("corner", [(-30, -20), (130, 90), (-5, 100), (1000, 0), (-500, -500)])
def test_outside_of_the_picture_is_black(corner: tuple[int, int]) -> None:
    plate = picture() + 1
    square = Square(*corner, 64)

    found = cut_square(plate, square, 64)

    for i in range(0, 64, 7):
        for j in range(0, 64, 7):
            y, x = corner[1] + i, corner[0] + j
            inside = 0 <= y < plate.shape[0] and 0 <= x < plate.shape[1]
            assert np.array_equal(found[i, j], plate[y, x] if inside else np.zeros(3))


@pytest.mark.parametrize("square", [Square(20, 10, 77), Square(-20, 60, 90), Square(3, 3, 100)])
def test_cut_and_paste_give_the_picture_back_within_the_filters_loss(square: Square) -> None:
    plate = picture()

    found = paste_square(plate, cut_square(plate, square), square)

    # Pixels of the frame that the square's own black border does not reach.
    inner = np.zeros(plate.shape[:2], bool)
    top, left = max(square.y0, 0) + 3, max(square.x0, 0) + 3
    inner[top : square.y0 + square.side - 3, left : square.x0 + square.side - 3] = True
    inner[-3:] = inner[:, -3:] = False
    assert np.abs(found - plate)[inner].max() < 0.01
    outside = np.ones(plate.shape[:2], bool)
    outside[max(square.y0, 0) : square.y0 + square.side, max(square.x0, 0) :][
        :, : square.side + min(square.x0, 0)
    ] = False
    assert np.array_equal(found[outside], plate[outside])


def test_a_square_that_misses_the_picture_changes_nothing() -> None:
    plate = picture()
    square = Square(500, 500, 40)

    assert np.array_equal(paste_square(plate, cut_square(plate, square), square), plate)


def test_codes_of_8_bit_keep_their_kind() -> None:
    plate = (255 * picture()).astype(np.uint8)

    found = cut_square(plate, Square(-10, 5, 90))

    assert (found.dtype, found.shape) == (np.uint8, (256, 256, 3))
    assert paste_square(plate, found, Square(-10, 5, 90)).dtype == np.uint8


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_turns_are_counter_clockwise_about_the_middle(quarter: int) -> None:
    crop = picture(64, 64)

    found = turn_crop(crop, 90 * quarter)

    np.testing.assert_allclose(found, np.rot90(crop, quarter), atol=2e-3)


def test_a_turned_crop_is_black_where_nothing_was() -> None:
    found = turn_crop(np.ones((64, 64, 3), np.float32), 45)

    assert found[0, 0].max() == 0
    assert found[32, 32].min() == pytest.approx(1)


def test_the_picture_pyramid_is_the_binomial_filter() -> None:
    crop = picture(32, 32)
    kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
    around = np.pad(crop, ((2, 2), (2, 2), (0, 0)), mode="reflect")

    fine, coarse = picture_pyramid(crop)

    assert fine is crop
    for i in range(0, 32, 2):
        for j in range(0, 32, 2):
            wanted = np.tensordot(kernel, around[i : i + 5, j : j + 5], ((0, 1), (0, 1)))
            np.testing.assert_allclose(coarse[i // 2, j // 2], wanted, atol=1e-5)


def test_codes_become_what_nets_take_and_come_back() -> None:
    codes = picture()

    planes = as_network(codes)

    assert planes.shape == (3, *codes.shape[:2])
    assert planes[1, 5, 7] == pytest.approx((codes[5, 7, 1] - 0.5) / 0.5, abs=1e-6)
    np.testing.assert_allclose(as_codes(planes), codes, atol=1e-6)


@pytest.mark.parametrize("size", [(8, 8), (16, 6), (2, 2)])
def test_halved_maps_are_torchs_average_pool(size: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    maps = np.random.default_rng(2).standard_normal((3, *size)).astype(np.float32)

    found = halved(maps)

    pool = torch.nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)
    wanted = pool(torch.from_numpy(maps)).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-6)
