"""A face as a vector, and how alike two are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.core.analysis.picture import PlatePicture, plate_from_square
from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.nets.run import Network

SAME_PERSON = 0.6
"""Distance below which dlib's authors call two faces one person."""

_INPUT = 150
_POINTS = (263, 362, 33, 133, 2)
_PLACES = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ]
)
"""Where eye corners (left, then right) and nose base lie: dlib's mean five-point face."""

_PADDING = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Identifier:
    """Turns faces into identity vectors. A measure and a re-identifier; never a loss."""

    network: Network

    def embed(self, picture: PlatePicture, mesh: DoubleArray, gain: float) -> FloatArray:
        """Return the (128,) identity vector of a mesh in square pixels."""
        transform = _square_from_chip(mesh)
        linear = picture.linear(
            plate_from_square(transform, picture.pixel_aspect), (_INPUT, _INPUT)
        )
        codes = picture.codes(linear * np.float32(gain))
        (vector,) = self.network.run(codes[None] * np.float32(255))
        return np.asarray(vector.reshape(128), np.float32)


def identity_distance(a: AnyArray, b: AnyArray) -> float:
    """Return how far apart two identity vectors are; the same person below about 0.6."""
    return float(np.linalg.norm(np.asarray(a, np.float64) - np.asarray(b, np.float64)))


def _square_from_chip(mesh: DoubleArray) -> DoubleArray:
    """Return the similarity from the network's picture to square pixels, by least squares."""
    places = (_PADDING + _PLACES) / (1 + 2 * _PADDING) * _INPUT
    points = mesh[list(_POINTS), :2]
    # As complex numbers a similarity is one factor and one offset.
    z = (places - places.mean(0)) @ np.array([1, 1j])
    w = (points - points.mean(0)) @ np.array([1, 1j])
    factor = np.vdot(z, w) / np.vdot(z, z)
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([linear, points.mean(0) - linear @ places.mean(0)])
