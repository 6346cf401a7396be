"""A thing that stands in the scene with the head: a coloured, labelled triangle mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray, IntArray, check_shape
from faceplate.core.errors import ShapeError

BACKGROUND, FACE, HAIR, OCCLUDER, MOUTH, NECK = range(6)
"""The classes' indices, in the order in which every picture's coverage holds them."""


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """One mesh in head space: centimetres, x to the person's left, y up, z forward.

    Attributes:
        vertices: (V, 3) float32, cm.
        triangles: (T, 3) int32, counter-clockwise when seen from outside.
        albedo: (V, 3) float32, linear Rec.709 reflectance.
        gloss: strength of the highlights, 0 matt to 1 mirror-like.
        label: the class of the pixels that it covers.
        opacity: 1 hides what is behind it; less lets it shine through, as a lens does, and below
            a half what is behind keeps its class.
    """

    vertices: FloatArray
    triangles: IntArray
    albedo: FloatArray
    gloss: float
    label: int
    opacity: float = 1.0

    def __post_init__(self) -> None:
        """Check the shapes."""
        check_shape("vertices", self.vertices, "V", 3)
        check_shape("albedo", self.albedo, len(self.vertices), 3)
        triangles = self.triangles
        if triangles.dtype != np.int32 or triangles.ndim != 2 or triangles.shape[1] != 3:
            raise ShapeError("triangles", ("T", 3), triangles.shape, str(triangles.dtype))

    def moved(self, rotation: AnyArray, offset: AnyArray) -> Solid:
        """Return the solid turned by a (3, 3) rotation and then shifted, cm."""
        vertices = self.vertices @ np.asarray(rotation, np.float32).T
        return replace(self, vertices=vertices + np.asarray(offset, np.float32))


def joined(solids: Sequence[Solid]) -> Solid:
    """Return several solids as one, with gloss, label and opacity of the first."""
    starts = np.cumsum([0] + [len(solid.vertices) for solid in solids[:-1]])
    triangles = [s.triangles + np.int32(start) for s, start in zip(solids, starts, strict=True)]
    return replace(
        solids[0],
        vertices=np.concatenate([solid.vertices for solid in solids]),
        triangles=np.concatenate(triangles),
        albedo=np.concatenate([solid.albedo for solid in solids]),
    )
