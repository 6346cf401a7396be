"""The seam's membrane against closed forms."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceplate.core.stages.blend import match_seam

FLOOR = 1e-4
ONES = np.ones((200, 200), np.float32)
GRAY = np.full((200, 200, 3), 0.2, np.float32)


def disc(size: int = 200, radius: float = 70) -> np.ndarray:
    y, x = np.mgrid[:size, :size] + 0.5
    return (np.hypot(x - size / 2, y - size / 2) < radius).astype(np.float32)


def stops_added(
    new: np.ndarray, plate: np.ndarray, trusted: np.ndarray = ONES, seam: float = 1.0
) -> np.ndarray:
    met = match_seam(new, plate, disc(), trusted, floor=FLOOR, seam=seam)
    return np.log2(met / new)


@pytest.mark.parametrize("stops", [-0.25, 0.1, 0.3])
def test_a_constant_difference_at_the_rim_is_taken_out_everywhere(stops: float) -> None:
    added = stops_added(GRAY, GRAY * np.float32(2**stops))

    np.testing.assert_allclose(added[disc(radius=65) > 0], stops, atol=0.1 * abs(stops))


def test_a_harmonic_difference_is_continued_inwards() -> None:
    """x is harmonic: the membrane with rim values x must be x inside."""
    ramp = ((np.arange(200, dtype=np.float32) - 99.5) / 100 * 0.3)[None, :, None]
    plate = GRAY * np.exp2(ramp)
    plate[85:115, 85:115] = 0.8  # what the plate shows well inside must not matter

    added = stops_added(GRAY, plate)

    inner = disc(radius=55) > 0
    assert np.abs(added - ramp)[inner].max() < 0.04


def test_a_hidden_stretch_of_rim_has_no_say() -> None:
    plate = GRAY * np.float32(2**0.2)
    plate[:, 150:] = 0.01  # a dark hand over the right rim
    trusted = ONES.copy()
    trusted[:, 145:] = 0

    added = stops_added(GRAY, plate, trusted)

    np.testing.assert_allclose(added[disc(radius=60) > 0], 0.2, atol=0.04)


@pytest.mark.parametrize("level", [0.0, 0.9, 60.0])
def test_a_bad_rim_cannot_recolour_a_face(level: float) -> None:
    added = stops_added(GRAY, np.full_like(GRAY, level))

    assert np.abs(added).max() < 0.51


def test_a_face_in_shadow_and_in_light_is_corrected_alike() -> None:
    for exposure in (0.05, 1.0, 20.0):
        new = GRAY * np.float32(exposure)
        met = match_seam(
            new, new * np.float32(2**0.2), disc(), ONES, floor=FLOOR * exposure, seam=1.0
        )
        np.testing.assert_allclose(np.log2(met / new)[100, 100], 0.2, atol=0.02)


def test_strength_scales_the_correction_and_detail_survives() -> None:
    rng = np.random.default_rng(1)
    fine = cv2.GaussianBlur(rng.standard_normal((200, 200, 3)).astype(np.float32), (0, 0), 1.0)
    new = GRAY * np.exp2(0.1 * fine)

    full = stops_added(new, new * np.float32(2**0.3))
    half = stops_added(new, new * np.float32(2**0.3), seam=0.5)

    np.testing.assert_allclose(half, 0.5 * full, atol=1e-3)
    assert full[60:140, 60:140].std() < 0.01
    np.testing.assert_array_equal(stops_added(new, 2 * new, seam=0.0), 0)


def test_no_trusted_rim_leaves_the_face_as_it_is() -> None:
    added = stops_added(GRAY, GRAY * 2, np.zeros_like(ONES))

    np.testing.assert_allclose(added, 0, atol=1e-6)
