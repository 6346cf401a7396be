"""From HRNet's heat maps to points, and from points to the maps and measures it learns by."""

from __future__ import annotations

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray

_SIGMA = 1.5
_REACH = 3 * _SIGMA
"""Pixels of a drawn peak on either side, before its corners are cut to whole pixels."""

_PEAK = 5
"""Place of the peak in its window of 10 pixels a side."""

_UNIT = 200.0
"""Pixels of the plate to a scale of 1, in the authors' annotations."""

MIRRORED = (
    *((i, 32 - i) for i in range(16)),
    *((33, 46), (34, 45), (35, 44), (36, 43), (37, 42), (38, 50), (39, 49), (40, 48), (41, 47)),
    *((60, 72), (61, 71), (62, 70), (63, 69), (64, 68), (65, 75), (66, 74), (67, 73)),
    *((55, 59), (56, 58)),
    *((76, 82), (77, 81), (78, 80), (87, 83), (86, 84), (88, 92), (89, 91), (95, 93)),
    (96, 97),
)
"""WFLW points that change places in a mirror."""

_EYE_CORNERS = (60, 72)
"""Outer corners, whose distance errors are measured in."""


def soft_points(maps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return where heat maps peak, as FSGAN decodes them: the mean of a map's upper half.

    Args:
        maps: (N, h, w); any range, each map is stretched to 0 to 1.

    Returns:
        Points (N, 2), 0 to 1 of the picture from edge to edge, and confidence (N,): the maximum,
        0 to 1. A flat map gives the middle, and no confidence.
    """
    _, height, width = maps.shape
    values = maps.astype(np.float64)
    low, high = values.min(axis=(1, 2), keepdims=True), values.max(axis=(1, 2), keepdims=True)
    flat = high <= low
    values = np.where(flat, 1.0, (values - low) / np.where(flat, 1.0, high - low))
    values = np.where(values < 0.5, 0.0, values)
    values /= values.sum(axis=(1, 2), keepdims=True)
    x = values.sum(axis=1) @ ((np.arange(width) + 0.5) / width)
    y = values.sum(axis=2) @ ((np.arange(height) + 0.5) / height)
    confidence = np.where(flat, 0.0, np.clip(high, 0.0, 1.0))[:, 0, 0]
    return np.stack([x, y], axis=1).astype(np.float32), confidence.astype(np.float32)


def peak_points(maps: FloatArray) -> DoubleArray:
    """Return where heat maps peak, as HRNet's authors decode them; (N, 2) map pixels.

    Each is the middle of the highest pixel, a quarter of a pixel nearer to its higher neighbours;
    a map that is nowhere above zero gives half a pixel before the first. Pixels are counted from
    1 as the authors count them: the first has its middle at 1.5.
    """
    count, height, width = maps.shape
    place = maps.reshape(count, -1).argmax(axis=1)
    row, column = np.divmod(place, width)
    points = np.zeros((count, 2))
    for number, (m, i, j) in enumerate(zip(maps, row, column, strict=True)):
        if m[i, j] <= 0:
            continue
        points[number] = j + 1, i + 1
        if 0 < i < height - 1 and 0 < j < width - 1:
            slope = m[i, j + 1] - m[i, j - 1], m[i + 1, j] - m[i - 1, j]
            points[number] += 0.25 * np.sign(slope)
    return points + 0.5


def picture_points(
    points: AnyArray, centre: AnyArray, scale: float, side: int, *, truncated: bool = False
) -> DoubleArray:
    """Return points of `peak_points` in the picture that the authors' crop was cut from.

    Args:
        points: (N, 2) map pixels, counted from 1.
        centre: (2,) of the crop, in the picture's pixels.
        scale: side of the crop over 200 px.
        side: of the square map.
        truncated: to whole pixels, as in the published measurements.
    """
    size = _UNIT * scale
    offset = side * (0.5 - np.asarray(centre, np.float64) / size)
    placed = (np.asarray(points, np.float64) - 1 - offset) * size / side
    return np.trunc(placed) + 1 if truncated else placed + 1


def target_maps(points: AnyArray, size: tuple[int, int]) -> FloatArray:
    """Return the heat maps (N, h, w) float32 that HRNet learns: a Gaussian of height 1 each.

    A peak is drawn at the whole pixel of a point and cut off after 4 px; nearer than 4.5 px to the
    left or the upper edge it is drawn one too far, as the authors did. A point at or above the
    upper edge has an empty map.

    Args:
        points: (N, 2) map pixels, counted from 0.
        size: height and width of the maps.
    """
    height, width = size
    maps = np.zeros((len(points), height, width), np.float32)
    for drawn, (x, y) in zip(maps, np.trunc(np.asarray(points, np.float64)), strict=True):
        if y > 0:
            drawn[...] = _bump(y, height)[:, None] * _bump(x, width)
    return maps


def _bump(place: float, length: int) -> DoubleArray:
    """Return one axis of a peak at a whole pixel, with the corners of its window cut as theirs."""
    first, last = int(place - _REACH), int(place + _REACH + 1)  # int() goes towards zero
    at = np.arange(length)
    bell = np.exp(-((at - first - _PEAK) ** 2) / (2 * _SIGMA**2))
    return np.where((at >= first) & (at < last), bell, 0.0)


def mirrored(points: AnyArray, width: float) -> AnyArray:
    """Return WFLW points (98, 2) of a picture that is ``width`` wide as they lie in its mirror."""
    order = np.arange(98)
    for a, b in MIRRORED:
        order[[a, b]] = b, a
    return (np.asarray(points) * [-1, 1] + [width, 0])[order]


def normalised_error(found: AnyArray, true: AnyArray) -> float:
    """Return the mean distance of WFLW points (98, 2) over that of the outer eye corners."""
    found, true = np.asarray(found, np.float64), np.asarray(true, np.float64)
    right, left = (true[index] for index in _EYE_CORNERS)
    apart = np.linalg.norm(found - true, axis=1).mean()
    return float(apart / np.linalg.norm(right - left))
