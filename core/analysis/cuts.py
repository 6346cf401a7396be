"""Finds the frames at which a new camera set-up begins."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from faceplate.core.arrays import DoubleArray, FloatArray

_UNLIKE = 0.45
"""1 - correlation of thumbnails above which two frames may be of two set-ups."""

_OTHER_COLORS = 0.2
"""Share of the picture whose colours must differ as well: a pan keeps them, a cut does not."""

_BINS = 8
_DARKEST = 2.0**-10


def find_cuts(thumbnails: Mapping[int, FloatArray]) -> tuple[int, ...]:
    """Return the numbers of the frames that begin a new camera set-up.

    Frames on both sides are compared crosswise, up to two away: a flash or a black frame is unlike
    its neighbours, but they are like each other, and that is no cut. Exposure does not count.

    Args:
        thumbnails: frame number to (h, w, 3) float32 linear Rec.709.
    """
    numbers = sorted(thumbnails)
    prints = [_fingerprint(thumbnails[n]) for n in numbers]
    cuts = []
    for i in range(1, len(numbers)):
        before, after = range(max(i - 2, 0), i), range(i, min(i + 2, len(numbers)))
        if all(_differ(prints[a], prints[b]) for a in before for b in after):
            cuts.append(i)
    # Crosswise comparison can fire on both frames of one cut: the larger step is the cut.
    kept: list[int] = []
    for i in cuts:
        if kept and i - kept[-1] == 1:
            if _unlikeness(prints[i - 1], prints[i]) > _unlikeness(prints[i - 2], prints[i - 1]):
                kept[-1] = i
        else:
            kept.append(i)
    return tuple(numbers[i] for i in kept)


def _fingerprint(thumbnail: FloatArray) -> tuple[DoubleArray, DoubleArray]:
    """Return the log picture without its mean, and a histogram of log colours relative to it."""
    log = np.log2(np.maximum(thumbnail.astype(np.float64), _DARKEST))
    log -= log.mean()
    codes = np.clip(((log + 6) / 12 * _BINS).astype(int), 0, _BINS - 1)
    flat = (codes[..., 0] * _BINS + codes[..., 1]) * _BINS + codes[..., 2]
    histogram = np.bincount(flat.ravel(), minlength=_BINS**3) / flat.size
    return log, histogram


def _differ(a: tuple[DoubleArray, DoubleArray], b: tuple[DoubleArray, DoubleArray]) -> bool:
    return bool(_unlikeness(a, b) > _UNLIKE and np.abs(a[1] - b[1]).sum() / 2 > _OTHER_COLORS)


def _unlikeness(a: tuple[DoubleArray, DoubleArray], b: tuple[DoubleArray, DoubleArray]) -> float:
    scale = float(np.sqrt((a[0] ** 2).sum() * (b[0] ** 2).sum()))
    # Two flat pictures have no pattern to differ in.
    return 1 - float((a[0] * b[0]).sum()) / scale if scale > 1e-6 else float(a[0].std() != 0)
