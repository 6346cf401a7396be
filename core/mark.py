"""Words burnt into pictures: draft marks, slates, labels of sheets."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.core.arrays import FloatArray

DRAFT = "FACEPLATE DRAFT - FACE REPLACED - NO CONSENT ON FILE"


def burn(picture: FloatArray, text: str, *, level: float = 1.0) -> FloatArray:
    """Return a picture (H, W, 3) with a line of text over a dark band along its lower edge.

    Args:
        level: value of the letters, in the picture's own domain.
    """
    height, width = picture.shape[:2]
    scale = max(width, 64) / 1400
    thickness = max(round(2 * scale), 1)
    (wide, high), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    scale *= min(1.0, 0.94 * width / max(wide, 1))
    letters = np.zeros((height, width), np.uint8)
    foot = max(height - below - max(high // 2, 2), 1)
    corner = (max(round(0.03 * width), 0), foot)
    cv2.putText(letters, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness, cv2.LINE_AA)
    marked = picture.copy()
    band = slice(max(height - 2 * (high + below), 0), height)
    marked[band] *= np.float32(0.35)
    share = letters[..., None].astype(np.float32) / 255
    return (marked * (1 - share) + np.float32(level) * share).astype(np.float32)
