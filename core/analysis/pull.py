"""Moves a mesh so that its WFLW points lie where another network saw them."""

from __future__ import annotations

from functools import cache

import numpy as np

from faceplate.core.analysis.canonical import MESH_COUNT, VERTEX_COUNT, canonical_face
from faceplate.core.arrays import AnyArray, BoolArray, DoubleArray

_REACH = 3.0
"""Centimetres on the canonical face over which a moved point takes its neighbours along."""

_NOISE = 0.003
"""Variance of a point over that of a mesh point's own motion. Measured: what neighbours share is
met to a five-hundredth; noise of 3 px that they do not share moves vertices by up to 12."""

_CORNERS = ((33, 133), (263, 362))
"""Of the right and the left eye; an iris, which the canonical face lacks, lies between them."""


def pull_mesh(mesh: AnyArray, points: AnyArray, seen: BoolArray) -> DoubleArray:
    """Return a mesh whose WFLW points come to lie on given ones; the rest moves along smoothly.

    The displacement is that of a Gaussian process over the canonical face, given all points seen;
    depth stays. Points move as a whole and stretch freely; where they disagree from neighbour to
    neighbour, or the mesh has one place for two of them, it goes between. Ours, not FSGAN's,
    which has no mesh.

    Args:
        mesh: (478, 3), any pixels.
        points: (98, 2) in the same pixels.
        seen: (98,) which of the points to believe; the mesh is not bound to the others.
    """
    moved = np.array(mesh, np.float64)
    if seen.any():
        weights, likeness = _wflw_weights()[seen], _likeness()
        apart = points[seen] - weights @ moved[:, :2]
        bound = weights @ likeness @ weights.T + _NOISE * np.eye(len(weights))
        moved[:, :2] += likeness @ weights.T @ np.linalg.solve(bound, apart)
    return moved


@cache
def _wflw_weights() -> DoubleArray:
    """Return the (98, 478) share of every mesh point in every WFLW point."""
    face = canonical_face()
    weights = np.zeros((98, MESH_COUNT))
    for number in range(2):
        np.add.at(weights, (np.arange(98), face.wflw_index[:, number]), face.wflw_weight[:, number])
    return weights


@cache
def _likeness() -> DoubleArray:
    """Return how alike mesh points move, (478, 478): alike as a whole, and more so when near."""
    vertices = canonical_face().vertices
    irises = [np.repeat(vertices[list(pair)].mean(axis=0)[None], 5, axis=0) for pair in _CORNERS]
    places = np.concatenate([vertices[:VERTEX_COUNT], *irises])
    apart = np.linalg.norm(places[:, None] - places, axis=2) * np.sqrt(3) / _REACH
    near = (1 + apart) * np.exp(-apart)
    eye = np.repeat([0, 1, 2], [VERTEX_COUNT, 5, 5])
    near[eye[:, None] != eye] = 0.0  # a gaze moves an iris and not the lids around it
    # Moves and stretches of the whole face are taken first: they cost next to nothing.
    spread = places / places.std()
    return np.asarray(near + 100.0 * (1 + spread @ spread.T))
