"""What the analysis sees of one frame, and the square-pixel space that it works in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.frame import Window


class PlatePicture(Protocol):
    """One frame of a plate; converts only what is asked for."""

    @property
    def number(self) -> int:
        """The plate's frame number."""

    @property
    def window(self) -> Window:
        """Where there are pixels, in the raster."""

    @property
    def pixel_aspect(self) -> float:
        """Width of a pixel divided by its height."""

    def linear(self, plate_from_crop: DoubleArray, size: tuple[int, int]) -> FloatArray:
        """Return a crop (h, w, 3) in linear Rec.709: finite, filtered, black outside."""

    def codes(self, linear: FloatArray) -> FloatArray:
        """Return linear Rec.709 pixels (h, w, 3) as a network sees them, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Region:
    """A turned square of the plate, in square pixels (x times the pixel aspect).

    Attributes:
        x, y: its centre.
        side: its side.
        angle: how far its top turns clockwise, in radians.
    """

    x: float
    y: float
    side: float
    angle: float

    def square_from_crop(self, size: int) -> DoubleArray:
        """Return the (2, 3) transform from a crop of ``size`` pixels a side."""
        step = self.side / size
        c, s = step * np.cos(self.angle), step * np.sin(self.angle)
        half = size / 2
        return np.array(
            [[c, -s, self.x - half * (c - s)], [s, c, self.y - half * (s + c)]], np.float64
        )


def plate_from_square(transform: DoubleArray, pixel_aspect: float) -> DoubleArray:
    """Return a (2, 3) transform into square pixels as one into the raster."""
    return np.asarray(transform * np.array([[1 / pixel_aspect], [1.0]]), np.float64)
