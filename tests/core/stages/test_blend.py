"""The seam's membrane against closed forms."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.core.stages.blend import match_seam


def disc(size: int = 200, radius: float = 70) -> np.ndarray:
    y, x = np.mgrid[:size, :size] + 0.5
    return (np.hypot(x - size / 2, y - size / 2) < radius).astype(np.float32)


ONES = np.ones((200, 200), np.float32)


def test_a_constant_difference_at_the_rim_is_taken_out_everywhere() -> None:
    new = np.full((200, 200, 3), 0.4, np.float32)
    plate = new + np.float32(0.03)

    met = match_seam(new, plate, disc(), ONES, seam=1.0)

    inside = disc() > 0
    np.testing.assert_allclose(met[inside], plate[inside], atol=0.002)


def test_a_harmonic_difference_is_continued_inwards() -> None:
    """x is harmonic: the membrane with rim values x must be x inside."""
    new = np.full((200, 200, 3), 0.4, np.float32)
    ramp = ((np.arange(200, dtype=np.float32) - 99.5) / 100 * 0.04)[None, :, None]
    plate = new + ramp
    plate[60:140, 60:140] = 0.8  # what the plate shows inside must not matter

    met = match_seam(new, plate, disc(), ONES, seam=1.0)

    inner = disc(radius=55) > 0
    wanted = np.broadcast_to(new + ramp, new.shape)
    assert np.abs(met[inner] - wanted[inner]).max() < 0.006


def test_a_hidden_stretch_of_rim_has_no_say() -> None:
    new = np.full((200, 200, 3), 0.4, np.float32)
    plate = new + np.float32(0.02)
    plate[:, 150:] = 0.05  # a dark hand over the right rim
    trusted = ONES.copy()
    trusted[:, 145:] = 0

    met = match_seam(new, plate, disc(), trusted, seam=1.0)

    inside = disc(radius=60) > 0
    np.testing.assert_allclose(met[inside], 0.42, atol=0.004)


def test_a_bad_rim_cannot_recolour_a_face() -> None:
    new = np.full((200, 200, 3), 0.4, np.float32)
    plate = np.full((200, 200, 3), 0.9, np.float32)

    met = match_seam(new, plate, disc(), ONES, seam=1.0)

    assert np.abs(met - new).max() < 0.13


def test_strength_scales_the_correction_and_detail_survives() -> None:
    rng = np.random.default_rng(1)
    new = 0.4 + 0.02 * cv2.GaussianBlur(
        rng.standard_normal((200, 200, 3)).astype(np.float32), (0, 0), 1.0
    )
    plate = new + np.float32(0.03)

    full = match_seam(new, plate, disc(), ONES, seam=1.0) - new
    half = match_seam(new, plate, disc(), ONES, seam=0.5) - new

    np.testing.assert_allclose(half, 0.5 * full, atol=1e-6)
    assert full[60:140, 60:140].std() < 0.002
    np.testing.assert_array_equal(match_seam(new, plate, disc(), ONES, seam=0.0), new)
