"""Crops for training: labels follow the picture, and sum to one pixel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceplate.core.arrays import ByteArray, FloatArray
from faceplate.core.training.augment import (
    AugmentSettings,
    Labelled,
    augment,
    centred,
    crop_from_picture,
)
from faceplate.core.training.dataset import PictureSet, Sample, open_set

CALM = AugmentSettings(0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def plainly(linear: FloatArray, rng: np.random.Generator) -> ByteArray:
    return np.clip(linear * 255 + 0.5, 0, 255).astype(np.uint8)


@pytest.fixture
def pictures(made_set: Path) -> PictureSet:
    return open_set([made_set])


def changed(pictures: PictureSet, seed: int, settings: AugmentSettings, size: int = 64) -> Labelled:
    rng = np.random.default_rng(seed)
    sample = pictures.sample(seed % len(pictures))
    draw = lambda: pictures.sample(int(rng.integers(len(pictures))))  # noqa: E731
    return augment(sample, draw, plainly, rng, settings, size)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("size", [32, 64, 96])
def test_coverages_sum_to_one_whatever_is_done(seed: int, size: int, pictures: PictureSet) -> None:
    one = changed(pictures, seed, AugmentSettings(paste=1.0, relight=1.0, flat=0.5), size)

    assert one.codes.shape == (size, size, 3)
    assert one.coverage.shape == (size, size, 6)
    assert np.abs(one.coverage.sum(axis=2, dtype=int) - 255).max() <= 4
    assert one.valid.shape == (size, size)


def test_the_same_generator_gives_the_same_picture(pictures: PictureSet) -> None:
    first, again, other = (changed(pictures, seed, AugmentSettings()) for seed in (4, 4, 44))

    assert np.array_equal(first.codes, again.codes)
    assert np.array_equal(first.coverage, again.coverage)
    assert not np.array_equal(first.codes, other.codes)


def test_labels_lie_on_what_they_name(pictures: PictureSet) -> None:
    """Paint the picture with its labels: after any warp, picture and labels still agree."""
    sample = pictures.sample(6)
    painted = replace(sample, linear=(sample.coverage[..., 1:4] / 255).astype(np.float16))
    for seed in range(8):
        rng = np.random.default_rng(seed)
        settings = AugmentSettings(paste=0.0, relight=0.0, flat=0.0, letterbox=0.0)

        one = augment(painted, lambda: painted, plainly, rng, settings, 64)

        inside = one.valid > 250
        gap = np.abs(one.codes.astype(int) - one.coverage[..., 1:4])[inside]
        assert gap.max() <= 3


@pytest.mark.parametrize("number", [0, 3, 9])
@pytest.mark.parametrize("with_mesh", [False, True])
def test_the_face_lands_where_it_is_wanted(
    number: int, with_mesh: bool, pictures: PictureSet
) -> None:
    sample = pictures.sample(number)
    chin = sample.wflw98[16]
    pupils = sample.wflw98[[96, 97]].mean(axis=0)
    top = pupils + 0.67 * (pupils - chin)
    if with_mesh:
        mesh = np.zeros((478, 2), np.float32)
        top = chin + np.float32([15, -30])
        mesh[10], mesh[152] = top, chin
        sample = replace(sample, mesh478=mesh)

    place = crop_from_picture(sample, 200, 0.5, 0.0, np.zeros(2))

    found = [place[:, :2] @ point + place[:, 2] for point in (top, chin)]
    # Level, of half the side, and its middle 0.08 of its height below the crop's.
    assert found[0] == pytest.approx((100, 100 + 8 - 50), abs=1e-3)
    assert found[1] == pytest.approx((100, 100 + 8 + 50), abs=1e-3)


def test_a_turn_is_clockwise_and_keeps_the_size(pictures: PictureSet) -> None:
    sample = pictures.sample(0)

    level, turned = (crop_from_picture(sample, 100, 0.5, t, np.zeros(2)) for t in (0.0, 90.0))

    right = level[:, :2] @ [1, 0]
    assert turned[:, :2] @ [1, 0] == pytest.approx((-right[1], right[0]))


def test_pasting_adds_occluder_and_nothing_else(pictures: PictureSet) -> None:
    before = changed(pictures, 1, CALM)
    after = changed(pictures, 1, replace(CALM, paste=1.0))

    gained = after.coverage[..., 3].astype(int) - before.coverage[..., 3]
    others = after.coverage.astype(int) - before.coverage
    others[..., 3] = 0
    assert gained.sum() > 20 * 255
    assert gained.min() >= -1
    assert others.max() <= 1
    untouched = np.abs(gained) + np.abs(others).sum(axis=2) == 0
    assert np.array_equal(after.codes[untouched], before.codes[untouched])


def test_a_picture_mirrored_twice_is_the_picture(pictures: PictureSet) -> None:
    sample = pictures.sample(2)
    rng = np.random.default_rng(0)
    straight = augment(sample, lambda: sample, plainly, rng, CALM, 64)
    mirrored = augment(sample, lambda: sample, plainly, rng, replace(CALM, flip=1.0), 64)

    assert np.array_equal(straight.coverage[:, ::-1], mirrored.coverage)
    assert np.array_equal(straight.codes[:, ::-1], mirrored.codes)


def test_relighting_leaves_the_head_alone(pictures: PictureSet) -> None:
    before = changed(pictures, 1, CALM)
    after = changed(pictures, 1, replace(CALM, relight=1.0, flat=1.0))

    head, ground = before.coverage[..., 0] == 0, before.coverage[..., 0] == 255
    assert np.array_equal(after.codes[head], before.codes[head])
    assert np.abs(after.codes.astype(int) - before.codes)[ground].mean() > 5


def test_what_is_mirrored_in_from_outside_is_not_learnt() -> None:
    sample = wide_sample()
    settings = replace(CALM, low=0.2, high=0.2, mirror_border=1.0)

    one = augment(sample, lambda: sample, plainly, np.random.default_rng(0), settings, 64)

    assert (one.valid == 0).any() and (one.valid == 255).any()
    assert (one.coverage[one.valid == 0][:, 1] == 255).any()


def test_doubtful_pixels_stay_doubtful() -> None:
    sample = wide_sample()
    valid = np.full((64, 64), 255, np.uint8)
    valid[:, :32] = 0

    one = centred(replace(sample, valid=valid), plainly, np.random.default_rng(0), 64)

    assert (one.valid[20:44, 12:28] == 0).all()
    assert (one.valid[20:44, 36:52] == 255).all()


def wide_sample() -> Sample:
    """All face, from edge to edge."""
    coverage = np.zeros((64, 64, 6), np.uint8)
    coverage[..., 1] = 255
    points = np.zeros((98, 2), np.float32)
    points[16], points[96], points[97] = (32, 52), (24, 28), (40, 28)
    light = np.full((64, 64, 3), 0.3, np.float16)
    return Sample(light, coverage, None, points, None, yaw=0.0, seed=1, tags=frozenset())
