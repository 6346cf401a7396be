"""The soft erosion of a face's matte, where new and old face meet.

Source: the released FSGANv2 code, `fsgan.md` 10.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, BoolArray, DoubleArray, FloatArray

_SIDE = 21
_THRESHOLD = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Eroded:
    """A matte that was eroded.

    Attributes:
        soft: (B, h, w) float32 coverage, 1 where ``hard`` is.
        hard: (B, h, w) bool, the matte without its rim.
    """

    soft: FloatArray
    hard: BoolArray


def erode_softly(matte: AnyArray, *, batch_maximum: bool = False) -> Eroded:
    """Return a matte with a rim that falls off, and the part inside of the rim.

    Args:
        matte: (B, h, w) coverage, 0 to 1, of crops of 256 x 256; it ends at the crop's border.
        batch_maximum: scale the rim by its highest value in the whole batch, as the released code
            does. Else by the threshold, so that a frame is the same in any company.
    """
    kernel = _kernel()
    spread = np.stack(
        [
            cv2.filter2D(one, cv2.CV_64F, kernel, borderType=cv2.BORDER_CONSTANT)
            for one in np.asarray(matte, np.float64)
        ]
    )
    hard = spread >= _THRESHOLD
    top = spread.max(initial=0.0, where=~hard) if batch_maximum else _THRESHOLD
    rim = np.clip(spread / top, 0, 1) if top > 0 else np.zeros_like(spread)
    return Eroded(np.where(hard, 1.0, rim).astype(np.float32), hard)


def _kernel() -> DoubleArray:
    """Return the cone that spreads: (21, 21), 0 at its corners, sum 1."""
    steps = np.arange(_SIDE) - _SIDE // 2
    distance = np.hypot(steps[:, None], steps)
    cone = distance.max() - distance
    return np.asarray(cone / cone.sum())
