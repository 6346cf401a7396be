"""Finds the dense mesh of one face, its WFLW points and its expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from faceplate.core.analysis.canonical import (
    EYE_LEFT,
    EYE_RIGHT,
    MESH_COUNT,
    VERTEX_COUNT,
    canonical_face,
)
from faceplate.core.analysis.detect import Detection
from faceplate.core.analysis.picture import PlatePicture, Region, plate_from_square
from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.face import Landmarks, Layout
from faceplate.core.nets.run import Network

_INPUT = 256
_MARGIN = 1.5
"""Side of the region over the longer side of what it frames; as the network was trained."""


@dataclass(frozen=True, slots=True, eq=False)
class MeshFit:
    """A mesh as two passes of the network left it.

    Attributes:
        points: (478, 3) float64, square pixels, z in the same units, away from the viewer.
        score: the network's belief, 0 to 1, that it looked at a face.
        disagreement: mean distance of the two passes' points, in outer eye distances.
    """

    points: DoubleArray
    score: float
    disagreement: float


class FaceLandmarker(Protocol):
    """Finds meshes: `Landmarker`, or the one of `core.analysis.official` that HRNet corrects."""

    @property
    def networks(self) -> tuple[Network, ...]:
        """All that its answers depend on."""

    def fit(self, picture: PlatePicture, detection: Detection, gain: float) -> MeshFit:
        """Return the mesh of a detected face, as `Landmarker.fit`."""

    def coefficients(self, mesh: DoubleArray) -> FloatArray:
        """Return the 52 expression coefficients of a mesh in square pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Landmarker:
    """Finds meshes with one network and expressions with another."""

    mesh: Network
    expression: Network

    @property
    def networks(self) -> tuple[Network, ...]:
        """Both."""
        return self.mesh, self.expression

    def fit(self, picture: PlatePicture, detection: Detection, gain: float) -> MeshFit:
        """Return the mesh of a detected face: a pass on the detection, a pass on that mesh.

        Args:
            picture: the frame.
            detection: where to look.
            gain: factor on linear light that brings the face to the network's middle grey.
        """
        x, y = (float(v) for v in (detection.box[:2] + detection.box[2:]) / 2)
        region = Region(x, y, detection.side * _MARGIN, detection.turn)
        first, _ = self._pass(picture, region, gain)
        second, score = self._pass(picture, region_of_mesh(first), gain)
        apart = np.linalg.norm(first[:, :2] - second[:, :2], axis=1).mean()
        return MeshFit(second, score, float(apart / max(eye_distance(second), 1e-6)))

    def _pass(
        self, picture: PlatePicture, region: Region, gain: float
    ) -> tuple[DoubleArray, float]:
        transform = region.square_from_crop(_INPUT)
        linear = picture.linear(
            plate_from_square(transform, picture.pixel_aspect), (_INPUT, _INPUT)
        )
        codes = picture.codes(linear * np.float32(gain))
        landmarks, logit, *_ = self.mesh.run(codes[None])
        local = landmarks.reshape(MESH_COUNT, 3).astype(np.float64)
        points = np.empty((MESH_COUNT, 3))
        points[:, :2] = local[:, :2] @ transform[:, :2].T + transform[:, 2]
        points[:, 2] = local[:, 2] * (region.side / _INPUT)
        chance = 1 / (1 + np.exp(-np.clip(float(logit.reshape(-1)[0]), -80, 80)))
        return points, float(chance)

    def coefficients(self, mesh: DoubleArray) -> FloatArray:
        """Return the 52 expression coefficients of a mesh in square pixels."""
        points = mesh[canonical_face().expression_points, :2].astype(np.float32)
        (coefficients,) = self.expression.run(points[None])
        return np.clip(coefficients.reshape(52), 0, 1).astype(np.float32)


def eye_distance(mesh: AnyArray) -> float:
    """Return the length of the line between a mesh's outer eye corners, depth included."""
    return float(np.linalg.norm(mesh[EYE_LEFT] - mesh[EYE_RIGHT]))


def region_of_mesh(mesh: AnyArray, margin: float = _MARGIN) -> Region:
    """Return the upright square around a mesh in square pixels: upright along its eye line."""
    x, y = mesh[EYE_LEFT, :2] - mesh[EYE_RIGHT, :2]
    turn = float(np.arctan2(y, x))
    c, s = np.cos(turn), np.sin(turn)
    upright = np.array([[c, s], [-s, c]])
    points = mesh[:VERTEX_COUNT, :2] @ upright.T
    low, high = points.min(axis=0), points.max(axis=0)
    middle = upright.T @ ((low + high) / 2)
    return Region(float(middle[0]), float(middle[1]), float((high - low).max()) * margin, turn)


def box_of_mesh(mesh: AnyArray) -> tuple[float, float, float, float]:
    """Return the tight box, forehead to chin, around a mesh (in the mesh's own pixels)."""
    points = mesh[:VERTEX_COUNT, :2]
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def wflw_landmarks(mesh: AnyArray, confidence: float) -> Landmarks:
    """Return the 98 WFLW points of a mesh in raster pixels."""
    face = canonical_face()
    points = (mesh[face.wflw_index, :2] * face.wflw_weight[..., None]).sum(axis=1)
    return Landmarks(points.astype(np.float32), np.full(98, confidence, np.float32), Layout.WFLW_98)
