"""The released code's square crops around a face: cut, turn, reduce, and put back.

Positions are whole pixels and the filters OpenCV's, as the released weights were trained and run;
`crop` has the crops of our own method.

Source: the released FSGANv2 code, `fsgan.md` 2.4, 5.9 and 10.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.frame import Window

CROP_SIDE = 256
CROP_SCALE, CROP_SCALE_V1 = 1.2, 2.0
"""Side of the square over the longer side of the box."""


@dataclass(frozen=True, slots=True)
class Square:
    """A square of whole pixels, which may hang over the picture's border.

    Attributes:
        x0: left edge.
        y0: upper edge.
        side: width and height, at least 1.
    """

    x0: int
    y0: int
    side: int

    @property
    def window(self) -> Window:
        """The same square as a window."""
        return Window(self.x0, self.y0, self.x0 + self.side, self.y0 + self.side)


def square_of_box(box: tuple[float, float, float, float], scale: float = CROP_SCALE) -> Square:
    """Return the square around a box x0, y0, x1, y1; halves are rounded to even."""
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    side = max(round(width * scale), round(height * scale), 1)
    left, top = (round(low + length / 2 - side / 2) for low, length in ((x0, width), (y0, height)))
    return Square(left, top, side)


def cut_square(picture: AnyArray, square: Square, side: int = CROP_SIDE) -> AnyArray:
    """Return the square as a crop, bicubic and without a filter against aliasing.

    Args:
        picture: (H, W, C) uint8 or float32, any domain; black outside.
        square: in the picture's pixels.
        side: of the crop.

    Returns:
        (side, side, C) of the picture's dtype; floats may overshoot at edges.
    """
    whole = Window(0, 0, picture.shape[1], picture.shape[0])
    cut = np.zeros((square.side, square.side, picture.shape[2]), picture.dtype)
    inside = square.window.clipped(whole)
    if not inside.is_empty:
        cut[inside.slices_in(square.window)] = picture[inside.slices_in(whole)]
    return np.asarray(cv2.resize(cut, (side, side), interpolation=cv2.INTER_CUBIC))


def paste_square(picture: AnyArray, crop: AnyArray, square: Square) -> AnyArray:
    """Return the picture with the whole square replaced, as the released code does.

    Nothing is feathered, and pixels that the networks left alone are softened by the two resizes.
    Our own method replaces only what the matte says, from the plate's pixels.

    Args:
        picture: (H, W, C).
        crop: (h, w, C) of its dtype.
        square: where the crop was cut.
    """
    whole = Window(0, 0, picture.shape[1], picture.shape[0])
    size = (square.side, square.side)
    patch = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC))
    pasted = picture.copy()
    inside = square.window.clipped(whole)
    if not inside.is_empty:
        pasted[inside.slices_in(whole)] = patch[inside.slices_in(square.window)]
    return pasted


def turn_crop(crop: AnyArray, degrees: float) -> AnyArray:
    """Return a crop turned about its middle, bicubic, black outside.

    Args:
        crop: (h, w, C) uint8 or float32.
        degrees: counter-clockwise as one looks at it; a source view turns by its own roll less
            the target's.
    """
    height, width = crop.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(crop, turn, (width, height), flags=cv2.INTER_CUBIC))


def picture_pyramid(crop: AnyArray, levels: int = 2) -> list[AnyArray]:
    """Return a crop and its reductions by OpenCV's 5 x 5 binomial filter, the finest first.

    The released code reduces uint8, which rounds; float32 is reduced without rounding.
    """
    pyramid = [crop]
    while len(pyramid) < levels:
        pyramid.append(np.asarray(cv2.pyrDown(pyramid[-1])))
    return pyramid


def halved(maps: FloatArray) -> FloatArray:
    """Return (C, 2h, 2w) maps at half the size, as the nets' own pyramids are made.

    The mean of 3 x 3 values around every other one; what lies outside does not count.
    """
    rows, columns = maps.shape[1:]
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)))
    total = np.zeros((len(maps), rows // 2, columns // 2), np.float32)
    for y in range(3):
        for x in range(3):
            total += padded[:, y : y + rows : 2, x : x + columns : 2]
    down, across = (np.where(np.arange(length // 2) > 0, 3, 2) for length in (rows, columns))
    return np.asarray(total / (down[:, None] * across), np.float32)


def as_network(codes: AnyArray) -> FloatArray:
    """Return network codes (h, w, 3), 0 to 1, as the (3, h, w) of -1 to 1 that nets take."""
    return np.ascontiguousarray(np.asarray(codes, np.float32).transpose(2, 0, 1) * 2 - 1)


def as_codes(picture: FloatArray) -> FloatArray:
    """Return a net's (3, h, w) of -1 to 1 as network codes (h, w, 3), 0 to 1."""
    return np.ascontiguousarray((picture.transpose(1, 2, 0) + 1) / 2)
