"""The seam: a membrane in code values that takes the last difference out of the matte's rim."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from faceplate.core.arrays import BoolArray, FloatArray

_GRID_PX = 80
"""Longest side of the grid: the membrane is smooth, the detail stays the face's own."""
_LIMIT_CODES = 0.12
"""A bad rim may not recolour a face: the correction never exceeds this."""


def match_seam(
    new: FloatArray,
    plate: FloatArray,
    matte: FloatArray,
    trusted: FloatArray,
    *,
    seam: float,
) -> FloatArray:
    """Return the new face with a smooth correction that meets the plate along the matte's rim.

    Solves Laplace(u) = 0 inside the matte, u = plate - new on its rim; rim pixels that are hidden
    or very bright are left free (no flow across). In code values, because in linear light a lamp
    behind the rim would bleed into the face (0.28 stop measured, against 0.02).

    Args:
        new, plate: (h, w, 3) float32 code values.
        matte: (h, w) float32, what will be replaced.
        trusted: (h, w) float32, how far a pixel may serve as rim: skin in both pictures.
        seam: strength, 0 to 1.

    Returns:
        (h, w, 3) float32 code values.

    Source:
        Perez et al., "Poisson image editing", 2003, in membrane form.
    """
    height, width = matte.shape
    shrink = max(max(height, width) / _GRID_PX, 1.0)
    grid = (max(round(width / shrink), 1), max(round(height / shrink), 1))
    inside = cv2.resize(matte, grid, interpolation=cv2.INTER_AREA) > 0.25
    ordinary = trusted * (plate.max(axis=2) < 0.93) * (plate.min(axis=2) > 0.01)
    weight = cv2.resize(ordinary.astype(np.float32), grid, interpolation=cv2.INTER_AREA)
    gap = cv2.resize((plate - new) * ordinary[..., None], grid, interpolation=cv2.INTER_AREA)
    gap /= np.maximum(weight, 1e-6)[..., None]
    if seam == 0 or not inside.any():
        return new
    correction = _membrane(inside, gap, weight)
    limit = np.float32(_LIMIT_CODES)
    correction = limit * np.tanh(correction / limit)
    full = cv2.resize(correction, (width, height), interpolation=cv2.INTER_LINEAR)
    return new + np.float32(seam) * full


def _membrane(inside: BoolArray, gap: FloatArray, weight: FloatArray) -> FloatArray:
    """Solve the membrane on a small grid: (h, w, 3) float32.

    A rim pixel pulls with its weight, so a doubtful one pulls softly; a little pull to zero keeps
    the system regular when no rim is trusted. Two rings more carry the rim's values outwards,
    under the matte's feather.
    """
    filled = inside.astype(np.uint8)
    rim = cv2.dilate(filled, np.ones((3, 3), np.uint8)).astype(bool) & ~inside
    domain = cv2.dilate(filled, np.ones((7, 7), np.uint8)).astype(bool)
    number = np.full(domain.shape, -1)
    number[domain] = np.arange(int(domain.sum()))
    rows: list[np.ndarray] = []
    columns: list[np.ndarray] = []
    for axis in (0, 1):
        a = number[:-1] if axis == 0 else number[:, :-1]
        b = number[1:] if axis == 0 else number[:, 1:]
        linked = (a >= 0) & (b >= 0)
        rows += [a[linked], b[linked]]
        columns += [b[linked], a[linked]]
    count = int(domain.sum())
    i, j = np.concatenate(rows), np.concatenate(columns)
    links = sparse.coo_matrix((np.ones(len(i)), (i, j)), shape=(count, count)).tocsr()
    pull = np.where(rim[domain], 20.0 * weight[domain], 0.0)
    system = sparse.diags(np.asarray(links.sum(axis=1)).ravel() + pull + 1e-4) - links
    solved = splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A").solve(
        pull[:, None] * gap[domain].astype(np.float64)
    )
    result = np.zeros(gap.shape, np.float32)
    result[domain] = solved
    return result
