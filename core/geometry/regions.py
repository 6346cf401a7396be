"""Parts of a face as polygons over the dense mesh's points."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray

FACE_CORE = (
    103, 67, 109, 10, 338, 297, 332, 300, 383, 345, 352, 411, 434, 430, 431, 418, 421, 200,
    201, 194, 211, 210, 214, 187, 123, 116, 156, 70,
)  # fmt: skip
"""The middle of the face from the hairline to the chin."""


def fill_regions(
    regions: Sequence[Sequence[int]], mesh: AnyArray, size: tuple[int, int]
) -> FloatArray:
    """Return (h, w) float32, 1 at pixels inside any of the polygons, else 0.

    Args:
        regions: mesh indices of each polygon's corners, in order.
        mesh: (N, 2) or (N, 3) points in pixels of the result, centres at .5.
        size: height and width of the result.
    """
    area = np.zeros(size, np.uint8)
    for region in regions:
        # A sixteenth of a pixel, and centres on integers, as OpenCV has them; far-off points
        # would overflow its fixed point numbers.
        points = np.clip((mesh[list(region), :2] - 0.5) * 16, -(2**24), 2**24)
        cv2.fillPoly(area, [np.round(points).astype(np.int32)], 1, lineType=cv2.LINE_8, shift=4)
    return area.astype(np.float32)
