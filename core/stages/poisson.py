"""Gradient-domain blending of two pictures in float: what the blending network learns to do.

Source: Perez et al., "Poisson image editing", 2003; `fsgan.md` 8.4. The released code calls
OpenCV's seamlessClone, which works in 8 bit and may shift by a pixel.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from faceplate.core.arrays import AnyArray, BoolArray, DoubleArray, FloatArray

_SMALLEST_PX = 10
"""A matte whose box is no larger than this, in either direction, blends nothing."""


def blend_gradients(new: AnyArray, plate: AnyArray, matte: BoolArray) -> FloatArray:
    """Return the picture with the new face's gradients inside and the plate's values outside.

    It is the least square of gradient differences over all pairs of neighbours with at least one
    inside; where the matte touches the picture's border nothing pulls.

    Args:
        new: (h, w, C), the new face; what lies just outside of the matte counts too.
        plate: (h, w, C) in the same domain.
        matte: (h, w), what is replaced.

    Returns:
        (h, w, C) float32; the plate itself where the matte is too small to blend, and the new
        face where it leaves no plate to hold on to.
    """
    result = np.array(plate, np.float32)
    rows, columns = np.nonzero(matte)
    if not len(rows) or min(np.ptp(rows), np.ptp(columns)) + 1 <= _SMALLEST_PX:
        return result
    inside = np.asarray(matte, np.bool_)
    if inside.all():
        return np.array(new, np.float32)
    gap = np.asarray(plate, np.float64) - np.asarray(new, np.float64)
    result[inside] = (np.asarray(new, np.float64)[inside] + _membrane(inside, gap)).astype("f4")
    return result


def _membrane(inside: BoolArray, gap: DoubleArray) -> DoubleArray:
    """Return (count, C) of the smoothest surface inside that meets ``gap`` outside."""
    count = int(inside.sum())
    number = np.full(inside.shape, -1)
    number[inside] = np.arange(count)
    links = np.zeros(count)
    pull = np.zeros((count, gap.shape[2]))
    pairs: list[AnyArray] = []
    for here, there in (
        (np.s_[:-1], np.s_[1:]),
        (np.s_[1:], np.s_[:-1]),
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:, 1:], np.s_[:, :-1]),
    ):
        a, b = number[here], number[there]
        links += np.bincount(a[a >= 0], minlength=count)
        border = (a >= 0) & (b < 0)
        np.add.at(pull, a[border], gap[there][border])
        pairs.append(np.stack([a, b])[:, (a >= 0) & (b >= 0)])
    i, j = np.concatenate(pairs, axis=1)
    system = sparse.diags(links) - sparse.coo_matrix((np.ones(len(i)), (i, j)), (count, count))
    return np.asarray(splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A").solve(pull))
