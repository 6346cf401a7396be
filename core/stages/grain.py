"""Gives the replaced pixels the plate's softness and grain."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.core.arrays import FloatArray

_CORRELATION_PX = 0.55
"""Sigma that grain is spread by: debayered and compressed footage is never white noise."""


def soften(
    picture: FloatArray, *, blur_px: float, motion_px: tuple[float, float] = (0.0, 0.0)
) -> FloatArray:
    """Blur a picture by defocus and by a straight movement.

    Args:
        picture: (h, w) or (h, w, C) float32.
        blur_px: sigma of the defocus; under a fifth of a pixel nothing happens.
        motion_px: what a point travels while the shutter is open, x and y.
    """
    if blur_px > 0.2:
        picture = cv2.GaussianBlur(picture, (0, 0), blur_px, borderType=cv2.BORDER_REPLICATE)
    length = float(np.hypot(*motion_px))
    if length > 1.0:
        kernel = _line_kernel(motion_px)
        picture = cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return picture


def _line_kernel(motion_px: tuple[float, float]) -> FloatArray:
    """Return a normalised line, drawn by splatting points bilinearly."""
    reach = int(np.ceil(max(abs(motion_px[0]), abs(motion_px[1])) / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float64)
    steps = np.linspace(-0.5, 0.5, 8 * reach + 1)
    x, y = reach + steps * motion_px[0], reach + steps * motion_px[1]
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    for dx in (0, 1):
        for dy in (0, 1):
            share = (1 - np.abs(x - column - dx)) * (1 - np.abs(y - row - dy))
            np.add.at(
                kernel,
                (np.minimum(row + dy, 2 * reach), np.minimum(column + dx, 2 * reach)),
                share,
            )
    return (kernel / kernel.sum()).astype(np.float32)


def add_grain(
    picture: FloatArray,
    *,
    noise: FloatArray,
    level: float,
    grain: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Add grain as the plate has it: seeded, spread a little, growing with the root of the light.

    Args:
        picture: (h, w, 3) float32 linear.
        noise: (3,) float32, standard deviation per channel at ``level``, relative to it.
        level: linear level at which the noise was measured.
        grain: gain of the amount; 0 adds none.
        rng: the frame's own generator.

    Returns:
        (h, w, 3) float32 linear.
    """
    if grain == 0 or not noise.any():
        return picture
    white = rng.standard_normal(picture.shape, dtype=np.float32)
    spread = cv2.GaussianBlur(white, (0, 0), _CORRELATION_PX, borderType=cv2.BORDER_REFLECT)
    spread *= np.float32(1 / _gaussian_norm(_CORRELATION_PX))
    level = max(level, 1e-6)
    amount = np.float32(grain * level) * noise
    growth = np.sqrt(np.maximum(picture, 0) / np.float32(level) + np.float32(0.02))
    return picture + spread * amount * growth


def _gaussian_norm(sigma: float) -> float:
    """Return the standard deviation that white noise of 1 has after cv2's blur of this sigma."""
    kernel = cv2.getGaussianKernel(int(round(sigma * 8 + 1)) | 1, sigma)
    return float(np.square(kernel).sum())
