"""Holes in faces, for the network that completes them.

Source: the released FSGANv2 code, `fsgan.md` 8.5.
"""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.core.arrays import BoolArray

_SMALLEST_PX = 10


def ellipse_hole(face: BoolArray, rng: np.random.Generator) -> BoolArray:
    """Return a part of a face to be left out: an ellipse around a point of its outline.

    Args:
        face: (h, w), where the face is.
        rng: what decides on the row, the side, the axes and the turn.

    Returns:
        (h, w); empty for a face of 10 px or less in either direction.
    """
    rows, columns = np.nonzero(face)
    hole = np.zeros(face.shape, np.uint8)
    if not len(rows) or min(np.ptp(rows), np.ptp(columns)) + 1 <= _SMALLEST_PX:
        return hole.astype(np.bool_)
    width = int(np.ptp(columns)) + 1
    y = int(rng.choice(np.unique(rows)))
    x = int(rng.choice([columns[rows == y].min(), columns[rows == y].max()]))
    axes = [int(n) for n in rng.integers(width // 4, width // 2, size=2)]
    cv2.ellipse(hole, (x, y), axes, int(rng.integers(180)), 0, 360, 1, cv2.FILLED)
    return (hole > 0) & face
