"""Light transfer between plate and face in scene light."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.core.arrays import FloatArray

_GRID_PX = 72
"""Face height on the grid on which light is compared; the ratio has no finer detail."""
_REACH = 0.15
"""Sigma of the comparison in face heights: shading, not features."""
_LOCAL_STOPS = 1.4
"""How far the light at one place may differ from the whole face's."""
_TINT_STOPS = 0.35
"""How far a channel's local ratio may leave the mean of the three: shadows have colour, but not
every difference of complexion is light."""
_FLOOR = 2.0**-12


def match_light(
    new: FloatArray,
    plate: FloatArray,
    weight: FloatArray,
    *,
    face_height: float,
    light: float,
) -> FloatArray:
    """Give the new face the plate's exposure, colour and shading, low frequencies only.

    Means are taken of logarithms, so that a specular or a deep shadow does not lead; where few
    pixels can be compared, the ratio falls back to the whole face's.

    Args:
        new: (h, w, 3) float32 linear, the warped face.
        plate: (h, w, 3) float32 linear.
        weight: (h, w) float32, 0 to 1, where both show comparable skin.
        face_height: in pixels.
        light: strength; 0 keeps the whole face's mean exposure and colour only.

    Returns:
        (h, w, 3) float32 linear.
    """
    shrink = max(face_height / _GRID_PX, 1.0)
    height, width = weight.shape
    grid = (max(round(width / shrink), 1), max(round(height / shrink), 1))
    ratio = np.log2(np.maximum(plate, _FLOOR)) - np.log2(np.maximum(new, _FLOOR))
    weight = weight * _ordinary(plate) * _ordinary(new)
    small_weight = cv2.resize(weight, grid, interpolation=cv2.INTER_AREA)
    weighted = cv2.resize(ratio * weight[..., None], grid, interpolation=cv2.INTER_AREA)
    total = float(small_weight.sum())
    if total < 1e-3:
        return new
    mean = weighted.sum(axis=(0, 1)) / np.float32(total)
    sigma = _REACH * face_height / shrink
    near = cv2.GaussianBlur(small_weight, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)[..., None]
    local = cv2.GaussianBlur(weighted, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    prior = np.float32(0.04)
    local = (local - near * mean) / (near + prior)
    gray = local.mean(axis=2, keepdims=True)
    tint = np.float32(_TINT_STOPS) * np.tanh((local - gray) / np.float32(_TINT_STOPS))
    gray = np.float32(_LOCAL_STOPS) * np.tanh(gray / np.float32(_LOCAL_STOPS))
    stops = cv2.resize(gray + tint, (width, height), interpolation=cv2.INTER_CUBIC)
    return new * np.exp2(mean + np.float32(light) * stops).astype(np.float32)


def _ordinary(picture: FloatArray) -> FloatArray:
    """Weigh down speculars, and what is next to black, within the picture itself."""
    level = picture.mean(axis=2)
    positive = level[level > _FLOOR]
    middle = float(np.median(positive)) if positive.size else 1.0
    stops = np.log2(np.maximum(level, _FLOOR) / np.float32(middle))
    return np.exp(-np.square(np.maximum(np.abs(stops) - 1.0, 0) / 1.5)).astype(np.float32)
