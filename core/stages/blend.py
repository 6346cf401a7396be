"""The seam: a membrane in stops that takes the last difference out of the matte's rim."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from faceplate.core.arrays import AnyArray, BoolArray, FloatArray, smoothstep

_GRID_PX = 80
"""Longest side of the grid: the membrane is smooth, the detail stays the face's own."""
_RIM = 0.06
"""Sigma over which the rim's level is measured, of the picture's longest side."""
_ODD_STOPS = 0.5
"""A rim that differs by this much is hardly believed."""
_LIMIT_STOPS = 0.5
"""A bad rim may not recolour a face: the correction never exceeds this."""
_SLACK = 1e-4
"""Pull to no correction, against 1 between neighbours: far from any trusted rim it dies away."""


def match_seam(
    new: FloatArray,
    plate: FloatArray,
    matte: FloatArray,
    trusted: FloatArray,
    *,
    floor: float,
    seam: float,
) -> FloatArray:
    """Return the new face with a smooth correction that meets the plate along the matte's rim.

    Solves Laplace(u) = 0 where the matte is full, u = plate - new where it begins to fall: there
    both are face. Rim pixels that are hidden or that differ too much are left free (no flow
    across). The unknown is in stops: in linear light a lamp behind the rim would bleed into the
    face (0.28 stop measured), and in the network's codes a step on a bright cheek, in the
    shoulder, is worth five times one in the shade.

    Args:
        new, plate: (h, w, 3) float32 linear, lit alike.
        matte: (h, w) float32, what will be replaced.
        trusted: (h, w) float32, how far a pixel may serve as rim: skin in both pictures.
        floor: light that is added before taking stops, so that noise in the dark does not lead.
        seam: strength, 0 to 1.

    Returns:
        (h, w, 3) float32 linear.

    Source:
        Perez et al., "Poisson image editing", 2003, in membrane form.
    """
    height, width = matte.shape
    shrink = max(max(height, width) / _GRID_PX, 1.0)
    grid = (max(round(width / shrink), 1), max(round(height / shrink), 1))
    inside = cv2.resize(matte, grid, interpolation=cv2.INTER_AREA) > 0.8
    if seam == 0 or not inside.any():
        return new
    small = np.float32(floor)
    gap = np.log2(np.maximum(plate + small, small / 4)) - np.log2(
        np.maximum(new + small, small / 4)
    )
    # pores, strands and the noise of one pixel are no seam: the rim's level counts, not its detail
    weight = cv2.resize(trusted, grid, interpolation=cv2.INTER_AREA)
    gap = cv2.resize(gap * trusted[..., None], grid, interpolation=cv2.INTER_AREA)
    sigma = _RIM * max(grid)
    near = cv2.GaussianBlur(weight, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    gap = cv2.GaussianBlur(gap, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    gap /= np.maximum(near, 1e-6)[..., None]
    # the light is matched already: what is left of a large gap is another thing, not another light
    weight = smoothstep(0.3, 0.9, weight) * np.exp(-np.square(gap / _ODD_STOPS).max(axis=2))
    correction = _membrane(inside, gap, weight)
    correction /= np.power(1 + np.power(np.abs(correction) / np.float32(_LIMIT_STOPS), 4), 0.25)
    full = cv2.resize(correction, (width, height), interpolation=cv2.INTER_LINEAR)
    return (new + small) * np.exp2(np.float32(seam) * full) - small


def _membrane(inside: BoolArray, gap: FloatArray, weight: AnyArray) -> FloatArray:
    """Solve the membrane on a small grid: (h, w, 3) float32.

    A rim pixel pulls with its weight, so a doubtful one pulls softly. Two rings more carry the
    rim's values outwards, under the matte's feather.
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
    system = sparse.diags(np.asarray(links.sum(axis=1)).ravel() + pull + _SLACK) - links
    solved = splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A").solve(
        pull[:, None] * gap[domain].astype(np.float64)
    )
    result = np.zeros(gap.shape, np.float32)
    result[domain] = solved
    return result
