"""Cuts an affine crop out of a picture, filtered, and knows the way back."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numba
import numpy as np

from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.frame import Window

_STRIP_PIXELS = 4_000_000
"""Raster pixels reduced at once, so that a 12 000 px plate never lies in memory as float32."""


def cut(pixels: FloatArray, plate_from_crop: DoubleArray, size: tuple[int, int]) -> FloatArray:
    """Return the crop of a picture that lies under an affine transform.

    A crop smaller than what it shows is area filtered; what lies outside the picture is black.
    A crop of whole pixels (unit scale, whole offset) is a copy, bit for bit.

    Args:
        pixels: (H, W, 3) float32, any domain, finite; covers the raster [0, W) x [0, H).
        plate_from_crop: (2, 3) float64; takes a crop's continuous point to the raster.
        size: height and width of the crop.

    Returns:
        (h, w, 3) float32 in the same domain.
    """
    whole = Window(0, 0, pixels.shape[1], pixels.shape[0])
    return cut_windowed(
        lambda window: pixels[window.slices_in(whole)], whole, plate_from_crop, size
    )


def cut_windowed(
    read: Callable[[Window], FloatArray],
    within: Window,
    plate_from_crop: DoubleArray,
    size: tuple[int, int],
) -> FloatArray:
    """Return a crop as `cut` does, reading only the part of the picture that it shows.

    Args:
        read: returns the pixels of a window inside ``within`` as (h, w, 3) float32.
        within: the picture's own window; what lies outside is black.
        plate_from_crop: (2, 3) float64; takes a crop's continuous point to the raster.
        size: height and width of the crop.
    """
    height, width = size
    transform = np.asarray(plate_from_crop, np.float64)[:2]
    step_x, step_y = (float(np.hypot(*row[:2])) for row in transform)
    factor_x, factor_y = max(int(step_x + 1e-6), 1), max(int(step_y + 1e-6), 1)
    margin_x, margin_y = 4 * factor_x + 1, 4 * factor_y + 1
    corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], np.float64)
    x, y = transform @ corners
    wanted = Window(
        int(np.floor(max(x.min() - margin_x, within.x0 - margin_x))),
        int(np.floor(max(y.min() - margin_y, within.y0 - margin_y))),
        int(np.ceil(min(x.max() + margin_x, within.x1 + margin_x))),
        int(np.ceil(min(y.max() + margin_y, within.y1 + margin_y))),
    )
    if wanted.clipped(within).is_empty:
        return np.zeros((height, width, 3), np.float32)
    # Cells of a reduced picture start on the crop's own corner, so that a crop which only
    # reduces by a whole number is the mean of its cells and nothing else.
    origin_x = _cell_start(wanted.x0, transform[0, 2], factor_x)
    origin_y = _cell_start(wanted.y0, transform[1, 2], factor_y)
    wanted = Window(origin_x, origin_y, wanted.x1, wanted.y1)
    reduced = _reduce(read, within, wanted, factor_x, factor_y)
    reduced = _soften(reduced, step_x / factor_x, step_y / factor_y)
    local = transform.copy()
    local[0] /= factor_x
    local[1] /= factor_y
    local[:, 2] -= origin_x / factor_x, origin_y / factor_y
    return _sample(np.ascontiguousarray(reduced), local, height, width)


def _cell_start(lowest: int, corner: float, factor: int) -> int:
    """Return the first whole cell border at or below ``lowest``, counted from the crop's corner."""
    anchor = int(np.floor(corner + 0.5))
    return anchor - -(-(anchor - lowest) // factor) * factor


def _reduce(
    read: Callable[[Window], FloatArray],
    within: Window,
    wanted: Window,
    factor_x: int,
    factor_y: int,
) -> FloatArray:
    """Return the means of whole cells over ``wanted``, strip by strip; black outside."""
    columns = -(-wanted.width // factor_x)
    rows = -(-wanted.height // factor_y)
    reduced = np.zeros((rows, columns, 3), np.float32)
    strip = max(_STRIP_PIXELS // (columns * factor_x * factor_y), 1)
    for first in range(0, rows, strip):
        last = min(first + strip, rows)
        target = Window(
            wanted.x0,
            wanted.y0 + first * factor_y,
            wanted.x0 + columns * factor_x,
            wanted.y0 + last * factor_y,
        )
        inside = target.clipped(within)
        if inside.is_empty:
            continue
        if inside == target:
            cells = read(target)
        else:
            cells = np.zeros((target.height, target.width, 3), np.float32)
            cells[inside.slices_in(target)] = read(inside)
        reduced[first:last] = (
            cells
            if factor_x == factor_y == 1
            else cv2.resize(cells, (columns, last - first), interpolation=cv2.INTER_AREA)
        )
    return reduced


def _soften(pixels: FloatArray, step_x: float, step_y: float) -> FloatArray:
    """Filter for what is left of the reduction, less than a factor of two an axis."""
    # A pixel is already a box of one; this widens it to a pixel of the crop, as Gaussians add.
    sigma_x, sigma_y = (0.5 * float(np.sqrt(max(s * s - 1, 0.0))) for s in (step_x, step_y))
    if max(sigma_x, sigma_y) < 0.05:
        return pixels
    return np.asarray(
        cv2.GaussianBlur(
            pixels,
            (0, 0),
            sigmaX=max(sigma_x, 1e-3),
            sigmaY=max(sigma_y, 1e-3),
            borderType=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )


@numba.njit(nogil=True, cache=True, fastmath=False)  # type: ignore[untyped-decorator, unused-ignore]
def _sample(
    pixels: FloatArray, plate_from_crop: DoubleArray, height: int, width: int
) -> FloatArray:
    """Sample bilinearly at the centres of the crop's pixels; taps outside are black.

    OpenCV's own warps round positions to 1/32 pixel, which a landmark network shows as jitter.
    """
    rows, columns = pixels.shape[:2]
    crop = np.zeros((height, width, 3), np.float32)
    for i in range(height):
        for j in range(width):
            x = plate_from_crop[0, 0] * (j + 0.5) + plate_from_crop[0, 1] * (i + 0.5)
            y = plate_from_crop[1, 0] * (j + 0.5) + plate_from_crop[1, 1] * (i + 0.5)
            x += plate_from_crop[0, 2] - 0.5
            y += plate_from_crop[1, 2] - 0.5
            if not (-1.0 < x < columns and -1.0 < y < rows):
                continue
            x0 = int(np.floor(x))
            y0 = int(np.floor(y))
            wx = np.float32(x - x0)
            wy = np.float32(y - y0)
            for dy in range(2):
                weight_y = wy if dy == 1 else np.float32(1) - wy
                if weight_y == 0 or y0 + dy < 0 or y0 + dy >= rows:
                    continue
                for dx in range(2):
                    weight = weight_y * (wx if dx == 1 else np.float32(1) - wx)
                    if weight == 0 or x0 + dx < 0 or x0 + dx >= columns:
                        continue
                    for c in range(3):
                        crop[i, j, c] += weight * pixels[y0 + dy, x0 + dx, c]
    return crop
