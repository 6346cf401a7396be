"""Heat maps: decoding against hand counts, drawing against the definition of a Gaussian."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.nets.heatmaps import (
    MIRRORED,
    mirrored,
    normalised_error,
    peak_points,
    picture_points,
    soft_points,
    target_maps,
)


def spread(columns: dict[tuple[int, int], float], size: tuple[int, int] = (64, 64)) -> np.ndarray:
    """One map with values at (column, row)."""
    maps = np.zeros((1, *size), np.float32)
    for (x, y), value in columns.items():
        maps[0, y, x] = value
    return maps


def test_one_pixel_is_its_own_middle() -> None:
    points, confidence = soft_points(spread({(10, 20): 0.8}))

    assert points[0] == pytest.approx([10.5 / 64, 20.5 / 64])
    assert confidence[0] == pytest.approx(0.8)


def test_the_mean_is_weighted_and_only_the_upper_half_counts() -> None:
    # 0.5 stays, the 0.49 far away does not.
    maps = spread({(10, 20): 1.0, (13, 20): 0.5, (60, 60): 0.49})

    points, _ = soft_points(maps)

    assert points[0] == pytest.approx([(10.5 * 2 + 13.5) / 3 / 64, 20.5 / 64])


def test_range_and_offset_of_a_map_do_not_move_its_point() -> None:
    maps = np.random.default_rng(0).random((5, 64, 64)).astype(np.float32)

    first, _ = soft_points(maps)
    second, _ = soft_points(maps * np.float32(0.25) - np.float32(3))

    np.testing.assert_allclose(first, second, atol=1e-4)


def test_maps_need_not_be_square() -> None:
    points, _ = soft_points(spread({(3, 20): 1.0}, (24, 18)))

    assert points[0] == pytest.approx([3.5 / 18, 20.5 / 24])


@pytest.mark.parametrize("level", [0.0, 0.7, -2.0])
def test_a_flat_map_is_the_middle_and_not_trusted(level: float) -> None:
    points, confidence = soft_points(np.full((2, 64, 64), level, np.float32))

    assert points == pytest.approx(np.full((2, 2), 0.5))
    assert confidence.tolist() == [0.0, 0.0]


def test_a_peak_leans_to_its_higher_neighbours() -> None:
    maps = spread({(10, 20): 1.0, (11, 20): 0.5, (10, 19): 0.2})

    # Counted from 1 the pixel is (11, 21): a quarter right, a quarter up, and a half.
    assert peak_points(maps)[0] == pytest.approx([11 + 0.25 + 0.5, 21 - 0.25 + 0.5])


@pytest.mark.parametrize(
    ("place", "wanted"),
    [((0, 20), (1.5, 21.5)), ((63, 20), (64.5, 21.5)), ((20, 0), (21.5, 1.5))],
)
def test_a_peak_at_the_edge_does_not_lean(
    place: tuple[int, int], wanted: tuple[float, float]
) -> None:
    maps = spread({place: 1.0, (place[0], place[1] + 1): 0.5})

    assert peak_points(maps)[0] == pytest.approx(wanted)


def test_of_equal_peaks_the_first_counts_and_a_map_below_zero_has_none() -> None:
    equal = spread({(40, 10): 1.0, (5, 30): 1.0})
    below = np.full((1, 64, 64), -1.0, np.float32)

    assert peak_points(equal)[0] == pytest.approx([41.5, 11.5])
    assert peak_points(below)[0] == pytest.approx([0.5, 0.5])


def test_the_crops_centre_comes_back_from_the_middle_of_the_map() -> None:
    # Side 200 * 1.6 = 320 px: 5 px of the picture to a pixel of the map.
    found = picture_points([[33.0, 33.0], [1.0, 33.0]], (400, 300), 1.6, 64)

    assert found == pytest.approx(np.array([[401.0, 301.0], [241.0, 301.0]]))


def test_the_published_points_are_whole() -> None:
    found = picture_points([[33.3, 20.7]], (400, 300), 1.6, 64, truncated=True)

    assert found.tolist() == [[402.0, 239.0]]  # of 402.5, 239.5


def test_a_target_is_a_gaussian_of_one_at_the_whole_pixel() -> None:
    (drawn,) = target_maps([[30.9, 20.2]], (64, 64))

    row, column = np.unravel_index(drawn.argmax(), drawn.shape)
    assert (column, row, drawn.max()) == (30, 20, 1.0)
    assert drawn[20, 32] == pytest.approx(np.exp(-4 / 4.5))
    assert drawn[18, 29] == pytest.approx(np.exp(-5 / 4.5))
    # The window has 10 pixels: five before the peak, four after it.
    assert np.flatnonzero(drawn[20]).tolist() == list(range(25, 35))


def test_near_the_first_edges_the_peak_is_one_too_far() -> None:
    (drawn,) = target_maps([[2, 4]], (64, 64))

    row, column = np.unravel_index(drawn.argmax(), drawn.shape)
    assert (column, row) == (3, 5)
    assert np.flatnonzero(drawn[5]).tolist() == list(range(7))


def test_near_the_last_edges_the_peak_is_cut() -> None:
    (drawn,) = target_maps([[63, 62]], (64, 64))

    assert drawn[62, 63] == 1.0
    assert np.flatnonzero(drawn[62]).tolist() == list(range(58, 64))


@pytest.mark.parametrize("point", [(20, 0), (20, -3), (-9, 20), (90, 20), (20, 90)])
def test_a_point_outside_has_an_empty_map(point: tuple[float, float]) -> None:
    assert not target_maps([point], (64, 64)).any()


def test_a_target_decodes_to_its_point() -> None:
    places = np.array([[12, 15], [40, 33], [55, 50]])

    maps = target_maps(places, (64, 64))

    assert soft_points(maps)[0] * 64 == pytest.approx(places + 0.5, abs=0.02)
    # Neighbours on both sides are equal, so that nothing leans.
    assert peak_points(maps) == pytest.approx(places + 1.5)


def test_a_mirror_pairs_every_point_but_those_of_the_middle_line() -> None:
    paired = [index for pair in MIRRORED for index in pair]

    assert len(paired) == len(set(paired)) == 88
    assert set(range(98)) - set(paired) == {16, 51, 52, 53, 54, 57, 79, 85, 90, 94}


def test_a_mirrored_face_is_mirrored_back() -> None:
    points = np.random.default_rng(1).random((98, 2)) * 256

    turned = mirrored(points, 256)

    assert turned[0] == pytest.approx([256 - points[32, 0], points[32, 1]])
    assert mirrored(turned, 256) == pytest.approx(points)


def test_an_error_of_a_tenth_of_the_eyes_distance_is_a_tenth() -> None:
    true = np.random.default_rng(2).random((98, 2)) * 200
    apart = np.linalg.norm(true[60] - true[72])
    turns = np.random.default_rng(3).random(98) * 7

    found = true + 0.1 * apart * np.stack([np.cos(turns), np.sin(turns)], axis=1)

    assert normalised_error(found, true) == pytest.approx(0.1)
