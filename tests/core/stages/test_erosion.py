"""Soft erosion by brute force, and one frame the same in any company."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.stages.erosion import erode_softly


def spread(matte: np.ndarray) -> np.ndarray:
    """The cone's weighted sum, pixel by pixel, zeros outside."""
    at = np.arange(21) - 10
    distance = np.sqrt(at[:, None] ** 2 + at**2)
    kernel = (10 * np.sqrt(2) - distance) / (10 * np.sqrt(2) - distance).sum()
    out = np.zeros(matte.shape)
    padded = np.pad(matte, 10)
    for i in range(matte.shape[0]):
        for j in range(matte.shape[1]):
            out[i, j] = (padded[i : i + 21, j : j + 21] * kernel).sum()
    return out


def blob(seed: int, size: int = 48) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    cy, cx = rng.uniform(0.3, 0.7, 2) * size
    return (((x - cx) / 20) ** 2 + ((y - cy) / 14) ** 2 < 1).astype(np.float32)


@pytest.mark.parametrize("batch_maximum", [True, False])
def test_it_is_the_cone_its_threshold_and_its_rim(batch_maximum: bool) -> None:
    mattes = np.stack([blob(1), blob(2)])

    found = erode_softly(mattes, batch_maximum=batch_maximum)

    values = np.stack([spread(matte) for matte in mattes])
    hard = values >= 0.6
    top = values[~hard].max() if batch_maximum else 0.6
    np.testing.assert_array_equal(found.hard, hard)
    np.testing.assert_allclose(found.soft, np.where(hard, 1, values / top), atol=1e-6)
    assert 0 < hard.sum() < mattes.sum()


def test_a_frame_is_the_same_alone_and_in_company() -> None:
    one, other = blob(1), 0.2 * blob(2)

    together = erode_softly(np.stack([one, other])).soft
    alone = erode_softly(one[None]).soft[0], erode_softly(other[None]).soft[0]

    assert np.array_equal(together, np.stack(alone))
    official = erode_softly(np.stack([one, other]), batch_maximum=True).soft[1]
    assert not np.array_equal(official, erode_softly(other[None], batch_maximum=True).soft[0])


def test_the_border_of_the_crop_erodes_too() -> None:
    found = erode_softly(np.ones((1, 64, 64), np.float32))

    assert not found.hard[0, 0, 0]
    assert found.hard[0, 32, 32]
    assert found.soft[0, 0, 0] < 0.6


@pytest.mark.parametrize("batch_maximum", [True, False])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_empty_and_full_mattes_are_no_trouble(value: float, batch_maximum: bool) -> None:
    found = erode_softly(np.full((2, 40, 40), value, np.float32), batch_maximum=batch_maximum)

    assert np.isfinite(found.soft).all()
    assert found.hard.any() == bool(value)
    assert found.soft.min() >= 0
    assert found.soft.max() <= 1
    assert np.array_equal(found.soft == 1, found.hard | (found.soft == 1))
    assert bool(found.soft.any()) == bool(value)
