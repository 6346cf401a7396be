"""Pastes the new face into the plate, in scene light, bit-exact where the matte is 0."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.frame import Frame, Window
from faceplate.core.io.exr import HALF_MAX


def premultiply(face: FloatArray, matte: FloatArray) -> FloatArray:
    """Return (h, w, 4) half-exact float32: the face times its matte, and the matte.

    Rounded to half here, so that the composite is made of the very numbers that are written.
    """
    half = np.clip(matte, 0, 1).astype(np.float16)
    color = np.clip(np.nan_to_num(face, posinf=HALF_MAX, neginf=-HALF_MAX), -HALF_MAX, HALF_MAX)
    color = (color * half[..., None].astype(np.float32)).astype(np.float16)
    return np.dstack([color, half]).astype(np.float32)


def paste(plate: FloatArray, element: FloatArray) -> FloatArray:
    """Return ``plate * (1 - A) + RGB``, (h, w, 3) float32, for an `element` of `premultiply`.

    Where A is 0 the plate's value is returned as it is; the caller keeps its bits. Where the
    plate is not finite it counts as 0 under the face.
    """
    alpha = element[..., 3:]
    under = np.where((alpha > 0) & ~np.isfinite(plate), np.float32(0), plate)
    with np.errstate(invalid="ignore"):
        return np.where(alpha > 0, under * (1 - alpha) + element[..., :3], plate)


def replace_pixels(
    frame: Frame, window: Window, color: FloatArray, touched: AnyArray
) -> Mapping[str, AnyArray]:
    """Return the frame's channels with new colour where ``touched``; all other bits stay.

    Args:
        window: raster pixels that ``color`` (h, w, 3) and ``touched`` (h, w) cover, inside the
            data window.
    """
    channels = dict(frame.channels)
    rows, columns = window.slices_in(frame.data)
    for index, name in enumerate(frame.color_names):
        plane = channels[name].copy()
        value = np.clip(color[..., index], -HALF_MAX, HALF_MAX)
        plane[rows, columns][touched] = value[touched].astype(plane.dtype)
        channels[name] = plane
    return channels
