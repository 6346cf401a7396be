"""What the analysis sees of one frame, and the square-pixel space that it works in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numba
import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.frame import Frame, Window

BRIGHTEST = 1e4
"""Where the analysis cuts light off: Inf, fireflies and overflows must not spread."""


class PlatePicture(Protocol):
    """One frame of a plate; converts only what is asked for."""

    @property
    def number(self) -> int:
        """The plate's frame number."""

    @property
    def window(self) -> Window:
        """Where there are pixels, in the raster."""

    @property
    def shown(self) -> Window:
        """What the picture is meant to show, in the raster: the same on all frames of a shot."""

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


def finite_pixels(frame: Frame, window: Window) -> FloatArray:
    """Return colour (h, w, 3) of a window inside the data window, in the plate's space.

    NaN and -Inf are black and Inf is 1e4, so that no filter spreads them.
    """
    planes = [frame.channels[name] for name in frame.color_names]
    if all(plane.dtype == np.float16 for plane in planes):
        # Most plates: a table of all 65 536 halves is twice as quick as numpy's conversion.
        place = window.slices_in(frame.data)
        red, green, blue = (plane[place].view(np.uint16) for plane in planes)
        return np.asarray(_look_up(_halves(), red, green, blue), np.float32)
    pixels = frame.rgb(window)
    return pixels if np.isfinite(pixels).all() else _finite(pixels)


def _finite(pixels: FloatArray) -> FloatArray:
    return np.nan_to_num(pixels, nan=0.0, posinf=BRIGHTEST, neginf=0.0)


@cache
def _halves() -> FloatArray:
    """Return what every half becomes, by its bits."""
    return _finite(np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32))


@numba.njit(nogil=True, cache=True, fastmath=False)  # type: ignore[untyped-decorator, unused-ignore]
def _look_up(table: FloatArray, red: AnyArray, green: AnyArray, blue: AnyArray) -> FloatArray:
    height, width = red.shape
    pixels = np.empty((height, width, 3), np.float32)
    for i in range(height):
        for j in range(width):
            pixels[i, j, 0] = table[red[i, j]]
            pixels[i, j, 1] = table[green[i, j]]
            pixels[i, j, 2] = table[blue[i, j]]
    return pixels
