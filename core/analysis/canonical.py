"""The canonical face as the analysis needs it: vertices, WFLW points, parts, expression inputs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from scipy.spatial import cKDTree

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray

MESH_COUNT = 478
VERTEX_COUNT = 468
EYE_RIGHT, EYE_LEFT = 33, 263
"""Outer eye corners: the subject's own right and left."""

PARTS: tuple[tuple[int, ...], ...] = (
    tuple(range(33)),
    tuple(range(51, 60)),
    (*range(77, 82), *range(89, 92)),
    (76, *range(82, 89), *range(92, 96)),
    tuple(range(33, 42)),
    tuple(range(42, 51)),
    tuple(range(60, 68)),
    tuple(range(68, 76)),
    (96,),
    (97,),
)
"""WFLW points of the jaw, nose, upper and lower mouth, brows, eyes and irises: `fsgan.md` 3.3."""


@dataclass(frozen=True, slots=True, eq=False)
class CanonicalFace:
    """What the mesh network's layout means.

    Attributes:
        vertices: (468, 3) float64, centimetres, x to the subject's left, y up, z to the viewer.
        triangles: (M, 3) int64.
        wflw_index: (98, 2) int64; the two mesh points of each WFLW point.
        wflw_weight: (98, 2) float32; their weights.
        expression_points: (146,) int64; the mesh points that the expression network takes.
        part: (478,) int64; the index in `PARTS` that each mesh point moves with.
    """

    vertices: DoubleArray
    triangles: AnyArray
    wflw_index: AnyArray
    wflw_weight: FloatArray
    expression_points: AnyArray
    part: AnyArray


@cache
def canonical_face() -> CanonicalFace:
    """Return the canonical face that is shipped with the models; read once."""
    with (files("faceplate.core.models") / "mesh.npz").open("rb") as stream:
        archive = np.load(stream, allow_pickle=False)
        vertices = archive["vertices"].astype(np.float64)
        index = archive["wflw98_idx"].astype(np.int64)
        weight = archive["wflw98_w"].astype(np.float32)
        triangles = archive["triangles"].astype(np.int64)
        points = archive["blendshape_landmarks146"].astype(np.int64)
    return CanonicalFace(
        vertices=vertices,
        triangles=triangles,
        wflw_index=index,
        wflw_weight=weight,
        expression_points=points,
        part=_parts(vertices, index, weight),
    )


def _parts(vertices: DoubleArray, index: AnyArray, weight: FloatArray) -> AnyArray:
    """Give every mesh point the part of the WFLW point that is nearest on the canonical face."""
    of_wflw = np.zeros(98, np.int64)
    for number, members in enumerate(PARTS):
        of_wflw[list(members)] = number
    # Irises (96, 97) have no canonical vertex; they and their rims are parts of their own.
    wflw = (vertices[index[:96]] * weight[:96, :, None]).sum(1)
    part = np.empty(MESH_COUNT, np.int64)
    part[:VERTEX_COUNT] = of_wflw[cKDTree(wflw).query(vertices)[1]]
    part[VERTEX_COUNT : VERTEX_COUNT + 5] = of_wflw[96]
    part[VERTEX_COUNT + 5 :] = of_wflw[97]
    return part
