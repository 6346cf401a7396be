"""Seams, pops, leaks and altered bits of a known size are read back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.frame import Frame, Window
from faceplate.core.qc.pictures import (
    altered_pixels,
    chatter,
    covered_share,
    is_frozen,
    leak,
    light_ratio,
    seam_step,
)

SIZE = (200, 160)
HEIGHT = 120.0


def disc(
    *, x: float = 80.0, y: float = 100.0, radius: float = 50.0, blur: float = 0.0
) -> FloatArray:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    inside = (np.hypot(columns - x, rows - y) < radius).astype(np.float32)
    return cv2.GaussianBlur(inside, (0, 0), blur) if blur else inside


def grey(level: float = 0.2, noise: float = 0.0) -> FloatArray:
    rng = np.random.default_rng(4)
    return np.float32(level) * (1 + np.float32(noise) * rng.standard_normal((*SIZE, 3), np.float32))


def frame(plane: AnyArray, **more: AnyArray) -> Frame:
    window = Window(0, 0, plane.shape[1], plane.shape[0])
    channels = {name: plane.copy() for name in "RGB"} | more
    return Frame(1001, channels, window, window, 1.0, "ACEScg")


@pytest.mark.parametrize("stops", [0.25, -0.5, 1.0])
def test_a_planted_seam_is_read_back_in_stops(stops: float) -> None:
    plate, matte = grey(noise=0.02), disc()
    comp = plate * np.where(matte > 0, np.float32(2**stops), np.float32(1))[..., None]

    found = seam_step(comp.astype(np.float32), plate, matte, HEIGHT)

    assert found == pytest.approx(abs(stops), rel=0.06)


def test_a_feather_hides_a_part_of_a_seam_and_no_change_has_none() -> None:
    plate = grey()
    hard, soft = disc(), disc(blur=8.0)
    mixed = plate * (1 + soft[..., None])
    cut = plate * (1 + hard[..., None])

    seams = [
        seam_step(c.astype(np.float32), plate, m, HEIGHT) for c, m in ((cut, hard), (mixed, soft))
    ]

    assert seams[1] < 0.5 * seams[0]
    assert seam_step(plate, plate, hard, HEIGHT) == 0.0


def test_a_contrast_that_the_plate_has_there_already_is_no_seam() -> None:
    matte = disc()
    plate = grey() * np.where(matte > 0, np.float32(1), np.float32(0.25))[..., None]
    softer = grey() * np.where(matte > 0, np.float32(0.7), np.float32(0.25))[..., None]

    assert seam_step(softer.astype(np.float32), plate.astype(np.float32), matte, HEIGHT) == 0.0


def test_a_matte_that_fills_the_picture_has_no_seam() -> None:
    assert seam_step(grey(), grey(), np.ones(SIZE, np.float32), HEIGHT) is None


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_every_bit_outside_of_the_matte_counts(dtype: type) -> None:
    plane = np.full((6, 8), 0.5, dtype)
    plane[0, 0], plane[0, 1], plane[0, 2] = np.nan, 0.0, np.inf
    plate = frame(plane, Z=np.arange(48, dtype=np.float32).reshape(6, 8))
    red, depth = plane.copy(), plate.channels["Z"].copy()
    bits = red.view(f"u{red.itemsize}")
    bits[0, 0] ^= 1  # another NaN
    red[0, 1] = -0.0
    red[5, 5] = 9.0
    depth[3, 3] = np.nextafter(depth[3, 3], np.float32(99))
    depth[0, 1] = 7.0  # a pixel that differs in two channels is one pixel
    matte = np.zeros((6, 8), np.float16)
    matte[5, 5] = 6e-8

    comp = frame(plane, Z=depth, R=red)

    assert altered_pixels(plate, plate, matte).pixels == 0
    assert altered_pixels(plate, comp, matte).pixels == 3


def test_a_comp_of_another_type_or_window_is_altered_everywhere_and_says_why() -> None:
    plate = frame(np.zeros((6, 8), np.float16))
    wider = frame(np.zeros((6, 9), np.float16))
    longer = frame(np.zeros((6, 8), np.float32))

    found = [altered_pixels(plate, c, np.ones(c.channels["R"].shape)) for c in (wider, longer)]

    assert [f.pixels for f in found] == [48, 48]
    assert "data window" in found[0].reason and "channel R (float16)" in found[1].reason


def test_a_hole_of_one_frame_counts_with_its_whole_area() -> None:
    whole, holed = disc(radius=50), disc(radius=50) - disc(radius=20)

    pop = chatter(whole, holed, whole)

    assert pop == pytest.approx(100 * (20 / 50) ** 2, rel=0.02)
    assert chatter(holed, whole, whole) == chatter(whole, whole, holed) == 0.0
    assert chatter(whole * 0, whole, whole * 0) is None


def test_a_hand_that_passes_is_no_chatter() -> None:
    face = disc()
    mattes = [face * (1 - disc(x=20.0 + 12 * n, radius=30)) for n in range(12)]

    pops = [chatter(*mattes[n - 1 : n + 2]) for n in range(1, 11)]

    assert (
        max(p for p in pops if p is not None) < 1.0
    )  # the tips of a chord, of a third of the face


def test_a_matte_over_half_of_a_hand_leaks_half() -> None:
    face = disc() > 0
    hand = np.zeros(SIZE, np.float32)
    hand[80:120, 60:100] = 1.0
    matte = np.zeros(SIZE, np.float32)
    matte[:, :80] = 1.0

    assert leak(matte, hand, face) == pytest.approx(50.0)
    assert leak(1 - hand, hand, face) == 0.0
    assert leak(matte, hand * 0.01, face) is None
    assert covered_share(hand, face) == pytest.approx(1600 / face.sum())


def test_a_gain_of_the_face_is_its_stops_and_nothing_outside_of_the_matte() -> None:
    plate, matte = grey(0.4), disc()

    ratio = light_ratio(plate * 2, plate, matte)

    assert np.nanmedian(ratio) == pytest.approx(1.0, abs=0.05)
    assert np.isnan(ratio[0, 0]).all()


def test_a_frame_that_only_changes_its_grain_is_not_frozen() -> None:
    area = disc() > 0
    plate = grey(noise=0.02), grey(noise=0.02) * np.float32(1.01)
    rng = np.random.default_rng(5)
    grain = plate[0] * (1 + np.float32(0.01) * rng.standard_normal((*SIZE, 3), np.float32))

    assert is_frozen((plate[0], plate[0]), plate, area)
    assert not is_frozen((plate[0], grain), plate, area)
    assert not is_frozen((plate[0], plate[0]), (plate[0], plate[0]), area)
