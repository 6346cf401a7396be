"""From labels of a crop to coverages on the plate."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.analysis.label import LabelledCrop
from faceplate.core.arrays import FloatArray
from faceplate.core.frame import Window
from faceplate.core.stages.segment import Labels, attached_only, labels_on, steady_chances

NAMES = ("background", "face", "hair", "occluder", "mouth", "neck")
SIDE = 64
RNG = np.random.default_rng(5)
EVERYWHERE = np.array([[1.0, 0, 0], [0, 1.0, 0]])


def crop_of(label: FloatArray, codes: FloatArray, place: FloatArray = EVERYWHERE) -> LabelledCrop:
    chances = np.stack([label == k for k in range(len(NAMES))], axis=2).astype(np.float32)
    return LabelledCrop(codes.astype(np.float32), chances, place)


def test_one_frame_alone_keeps_its_chances() -> None:
    crop = crop_of(RNG.integers(0, 6, (SIDE, SIDE)), RNG.random((SIDE, SIDE, 3)))

    assert np.array_equal(steady_chances([crop], [0]), crop.chances)


def test_flicker_on_still_pixels_is_averaged_and_its_sum_stays_one() -> None:
    codes = RNG.random((SIDE, SIDE, 3))
    labels = [RNG.integers(0, 2, (SIDE, SIDE)) for _ in range(5)]
    crops = [crop_of(label, codes) for label in labels]

    steady = steady_chances(crops, [-2, -1, 0, 1, 2])

    weights = np.array([0.6, 0.8, 1.0, 0.8, 0.6])[:, None, None]
    wanted = (weights * np.stack(labels)).sum(axis=0) / 3.8
    assert steady[..., 1] == pytest.approx(wanted, abs=1e-5)
    assert steady.sum(axis=2) == pytest.approx(1, abs=1e-5)


def test_what_moves_over_the_face_keeps_its_own_frames_labels() -> None:
    def passing(x: int) -> LabelledCrop:
        label, codes = np.ones((SIDE, SIDE)), np.full((SIDE, SIDE, 3), 0.6)
        label[20:44, x : x + 12], codes[20:44, x : x + 12] = 3, 0.2
        return crop_of(label, codes)

    crops = [passing(x) for x in (4, 18, 32, 46)]

    steady = steady_chances(crops, [-2, -1, 0, 1])

    assert np.array_equal(steady.argmax(axis=2), crops[2].chances.argmax(axis=2))
    assert steady[30, 38, 3] > 0.99


def test_the_order_of_the_neighbours_does_not_matter_much() -> None:
    crops = [
        crop_of(RNG.integers(0, 6, (SIDE, SIDE)), RNG.random((SIDE, SIDE, 3))) for _ in range(3)
    ]

    forward = steady_chances(crops, [-1, 0, 1])
    backward = steady_chances(crops[::-1], [1, 0, -1])

    assert forward == pytest.approx(backward, abs=1e-6)


@pytest.mark.parametrize("aspect", [1.0, 2.0])
def test_a_disc_comes_to_lie_where_the_crop_lay(aspect: float) -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    disc = np.hypot(rows - 20, columns - 40) < 10
    place = np.array([[4.0 / aspect, 0.0, 100.0], [0.0, 4.0, -30.0]])
    crop = crop_of(disc.astype(np.float32), np.zeros((SIDE, SIDE, 3)), place)
    window = Window(90, -40, 90 + int(280 / aspect), 240)
    linear = np.full((window.height, window.width, 3), 0.2, np.float32)

    labels = labels_on(crop.chances, NAMES, place, window, linear, 128.0)

    inside = labels.face > 0.5
    y, x = (axis.mean() + 0.5 for axis in np.nonzero(inside))
    assert x + window.x0 == pytest.approx(place[0, 0] * 40 + 100, abs=0.6)
    assert y + window.y0 == pytest.approx(4 * 20 - 30, abs=0.6)
    assert inside.sum() == pytest.approx(np.pi * 40**2 / aspect, rel=0.03)


def test_only_what_touches_the_head_covers_it() -> None:
    label = np.zeros((SIDE, SIDE))
    label[20:50, 20:40] = 1
    label[12:20, 20:40] = 2
    label[30:40, 34:60] = 3  # a hand over the cheek, with its arm
    label[2:60, 4:10] = 3  # a post in the background
    label[5:12, 25:30] = 3  # a hat's tip on the hair
    label[2:10, 50:58] = 1  # a face in the crowd
    before = crop_of(label, np.zeros((SIDE, SIDE, 3))).chances

    after = attached_only(before, NAMES)

    wanted = label.copy()
    wanted[2:60, 4:10], wanted[2:10, 50:58] = 0, 0
    assert np.array_equal(after.argmax(axis=2), wanted)
    assert after.sum(axis=2) == pytest.approx(1)


def test_coverages_never_add_up_to_more_than_a_pixel() -> None:
    crop = crop_of(RNG.integers(0, 6, (SIDE, SIDE)), np.zeros((SIDE, SIDE, 3)))
    linear = RNG.lognormal(-2, 2, (SIDE, SIDE, 3)).astype(np.float32)
    linear[5:9, 5:9] = [np.nan, np.inf, -3.0]

    found = labels_on(crop.chances, NAMES, EVERYWHERE, Window(0, 0, SIDE, SIDE), linear, 32.0)

    planes = np.stack([found.face, found.hair, found.occluder, found.mouth])
    assert np.isfinite(planes).all()
    assert planes.min() >= 0
    assert planes.sum(axis=0).max() <= 1 + 1e-6


def flat_labels(window: Window, *values: float) -> Labels:
    shape = (window.height, window.width)
    return Labels(window, *(np.full(shape, value, np.float32) for value in values))


def test_a_cut_shows_nothing_outside_what_was_labelled() -> None:
    labels = flat_labels(Window(10, 10, 20, 20), 0.4, 0.3, 0.1, 0.2)

    part = labels.cut(Window(15, 5, 25, 15))

    assert part.visible[5:, :5] == pytest.approx(0.6)
    assert not part.visible[:5].any()
    assert not part.visible[:, 5:].any()


def test_a_hand_made_matte_decides_what_is_visible() -> None:
    labels = flat_labels(Window(0, 0, 4, 4), 0.1, 0.2, 0.5, 0.2)
    drawn = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)

    found = labels.overruled(drawn)

    assert found.visible == pytest.approx(drawn)
    assert (found.hair + found.visible).max() <= 1 + 1e-6
    assert (found.occluder + found.visible).max() <= 1 + 1e-6


def test_a_drawn_cover_leaves_no_face_beneath_it() -> None:
    labels = flat_labels(Window(0, 0, 4, 1), 0.6, 0.2, 0.1, 0.1)
    drawn = np.array([[0.0, 0.3, 0.7, 1.0]], np.float32)

    found = labels.covered(drawn)

    np.testing.assert_array_equal(found.occluder, drawn)
    for plane, before in ((found.face, 0.6), (found.hair, 0.2), (found.mouth, 0.1)):
        np.testing.assert_allclose(plane, np.minimum(before, 1 - drawn), atol=1e-7)
    assert found.drawn is drawn
