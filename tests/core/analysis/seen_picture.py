"""A picture as the analysis takes it, made of pixels alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.frame import Window
from faceplate.core.geometry.crop import cut


@dataclass
class Picture:
    """Linear pixels that are their own codes."""

    pixels: FloatArray
    pixel_aspect: float = 1.0
    number: int = 1001

    @property
    def window(self) -> Window:
        return Window(0, 0, self.pixels.shape[1], self.pixels.shape[0])

    @property
    def shown(self) -> Window:
        return self.window

    def linear(self, plate_from_crop: DoubleArray, size: tuple[int, int]) -> FloatArray:
        return cut(self.pixels, plate_from_crop, size)

    def codes(self, linear: FloatArray) -> FloatArray:
        return np.clip(linear, 0, 1)
