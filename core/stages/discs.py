"""Landmarks as the maps that a generator is driven by: discs for v2, two kinds of Gaussians for v1.

Source: the released FSGAN and FSGANv2 code, `fsgan.md` 2.7 and 9.4.
"""

from __future__ import annotations

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray

_POWER, _FLOOR = 8, 0.8
DISC_RADIUS = float(np.sqrt(2) * (1 - _FLOOR ** (1 / _POWER)))
"""Where a disc ends, in widths of the picture: 9.96 px of 256."""

_PATCH_SPREAD = 0.25
_DOT_SPREAD = 4.0


def landmark_discs(points: AnyArray, side: int) -> FloatArray:
    """Return a disc for each landmark, as the reenactment of v2.1 takes them.

    Args:
        points: (N, 2), 0 to 1 of the crop from edge to edge; outside of it is allowed.
        side: of the maps: 256 and 128.

    Returns:
        (N, side, side) float32, 1 at the point, falling to 0 at `DISC_RADIUS`.
    """
    maps = np.zeros((len(points), side, side), np.float32)
    for drawn, point in zip(maps, np.asarray(points, np.float64), strict=True):
        (columns, dx), (rows, dy) = (_reached(place, side) for place in point)
        near = 1 - np.sqrt(dy[:, None] + dx) / np.sqrt(2)
        drawn[rows, columns] = np.maximum((near**_POWER - _FLOOR) / (1 - _FLOOR), 0)
    return maps


def _reached(place: float, side: int) -> tuple[slice, DoubleArray]:
    """Return the pixels of one axis that a disc may reach, and their squared distances from it.

    Further away the formula's even power would rise again.
    """
    low, high = ((place + sign * DISC_RADIUS) * side for sign in (-1, 1))
    first, last = (int(np.clip(end, 0, side)) for end in (np.floor(low), np.ceil(high)))
    centres = (np.arange(first, last) + 0.5) / side
    return slice(first, last), np.square(centres - place)


def landmark_patches(points: AnyArray, side: int) -> FloatArray:
    """Return a small Gaussian for each landmark, as v1 takes them for swapping.

    The patch stands at whole pixels counted from 1, and one that hangs over the left or upper
    border is moved inwards by a pixel or two, both as in the landmark package that v1 uses.

    Args:
        points: (N, 2) in pixels of the map.
        side: of the maps: 256 and 128.

    Returns:
        (N, side, side) float32, peak 1; empty for points left of 0 or with a patch outside.
    """
    sigma = max(1, round(side / 128))
    size = 6 * sigma + 1
    steps = np.arange(size) - (size - 1) / 2
    bell = np.exp(-0.5 * np.square(steps / (_PATCH_SPREAD * size)))
    maps = np.zeros((len(points), side, side), np.float32)
    for drawn, (x, y) in zip(maps, np.asarray(points, np.float64), strict=True):
        rows, columns = (_patch(bell, place, 3 * sigma, side) for place in (y, x))
        if x > 0 and rows.any() and columns.any():
            drawn[...] = rows[:, None] * columns
    return maps


def _patch(bell: DoubleArray, place: float, reach: int, side: int) -> DoubleArray:
    """Return one axis of a patch on the whole map."""
    low, high = int(np.floor(place - reach)), int(np.floor(place + reach))
    axis = np.zeros(side)
    if low > side or high < 1:
        return axis
    first, last = max(1, low), min(high, side)  # of the map, counted from 1
    start = max(1, -low)  # of the patch
    axis[first - 1 : last] = bell[start - 1 : start + last - first]
    return axis


def landmark_dots(points: AnyArray, side: int) -> FloatArray:
    """Return a broad Gaussian for each landmark, as v1's stepwise scripts take them.

    Args:
        points: (N, 2) or (N, 3) in pixels of the map; a third coordinate is left aside.
        side: of the maps: 256 and 128.

    Returns:
        (N, side, side) float32; the highest value of all maps is 1.
    """
    reach = 6 if side >= 256 else 3
    at = np.arange(side)
    whole = np.clip(np.trunc(np.asarray(points, np.float64)[:, :2]), 0, side - 1)
    steps = at - whole[:, :, None]
    axes = np.exp(-np.square(steps / _DOT_SPREAD)) * (np.abs(steps) <= reach)
    maps = axes[:, 1, :, None] * axes[:, 0, None, :]
    return (maps / maps.max(initial=1e-9)).astype(np.float32)
