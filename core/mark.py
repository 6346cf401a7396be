"""Words burnt into pictures: draft marks, slates, labels of sheets."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.core.arrays import FloatArray

DRAFT = "FACEPLATE DRAFT - FACE REPLACED - NO CONSENT ON FILE"


def burn(picture: FloatArray, text: str, *, level: float = 1.0) -> FloatArray:
    """Return a strip of picture (H, W, 3) darkened, with a line of text over it.

    Args:
        level: value of the letters, in the picture's own domain.
    """
    height, width = picture.shape[:2]
    (wide, high), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 2)
    scale = min(0.94 * width / wide, 0.6 * height / (high + below))
    thickness = max(round(2 * scale), 1)
    letters = np.zeros((height, width), np.uint8)
    corner = (round(0.03 * width), round(height / 2 + scale * high / 2))
    cv2.putText(letters, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness, cv2.LINE_AA)
    share = letters[..., None].astype(np.float32) / 255
    return (picture * np.float32(0.35) * (1 - share) + np.float32(level) * share).astype(np.float32)
