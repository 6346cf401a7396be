"""Applies an OCIO processor to an array and returns a new one."""

from __future__ import annotations

import numpy as np
import PyOpenColorIO as OCIO  # noqa: N814 - the library's own name in capitals

from faceplate.core.arrays import FloatArray
from faceplate.core.errors import ShapeError
from faceplate.ocio.config import ColorConfig


class Converter:
    """Colour of one space into another, unclamped, to float precision.

    Attributes:
        source: canonical name of the space that goes in.
        target: canonical name of the space that comes out.
        is_identity: whether nothing changes.
    """

    def __init__(self, config: ColorConfig, source: str, target: str) -> None:
        """Prepare the conversion; make it once per process, it costs some ms.

        Raises:
            ColorSpaceError: an unknown space, or a studio config without an interchange role.
        """
        self.source = config.resolve(source)
        self.target = config.resolve(target)
        processor = config.processor(source, target)
        # Default optimisation replaces log curves by fast approximations: 2.5e-3 for LogC4.
        self._cpu = processor.getOptimizedProcessor(
            OCIO.OPTIMIZATION_LOSSLESS
        ).getDefaultCPUProcessor()
        self.is_identity = bool(self._cpu.isNoOp())

    def __call__(self, rgb: FloatArray) -> FloatArray:
        """Return the converted picture; see `counted`."""
        return self.counted(rgb)[0]

    def counted(self, rgb: FloatArray) -> tuple[FloatArray, int]:
        """Convert, and count the pixels that could not be.

        A NaN or infinity in one channel would spread to all three through a matrix. Pixels that
        hold one become 0 in every colour channel before the conversion, and so do those whose
        result is none, as of log codes beyond all light.

        Args:
            rgb: (H, W, 3) or (H, W, 4) float32; alpha passes through. It is not written to.

        Returns:
            A new C-contiguous array of the same shape, and how many pixels were replaced.

        Raises:
            ShapeError: another dtype or number of axes or channels.
        """
        if rgb.dtype != np.float32 or rgb.ndim != 3 or rgb.shape[2] not in (3, 4):
            raise ShapeError("rgb", ("H", "W", "3 or 4"), rgb.shape, str(rgb.dtype))
        clean, replaced = without_wild(rgb)
        height, width, depth = clean.shape
        if clean.size and not self.is_identity:
            self._cpu.apply(OCIO.PackedImageDesc(clean, width, height, depth))
            # Absurd log codes decode to infinity.
            beyond = make_finite(clean)
            return clean, replaced + beyond
        return clean, replaced


def without_wild(rgb: FloatArray) -> tuple[FloatArray, int]:
    """Return a C-contiguous copy with non-finite pixels as black, and their number."""
    clean = np.array(rgb, np.float32, order="C", copy=True)
    return clean, make_finite(clean)


def make_finite(rgb: FloatArray) -> int:
    """Make pixels that hold a NaN or an infinity black, in place, and count them.

    Args:
        rgb: (H, W, C) float32; of a fourth channel, non-finite values alone become 0.
    """
    # One sum tells whether anything can be wrong; if it overflows, that costs a second look.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(rgb.sum()):
            return 0
    finite = np.isfinite(rgb)
    rgb[..., :3][~finite[..., :3].all(axis=2)] = 0.0
    rgb[~finite] = 0.0
    return int(np.count_nonzero(~finite.all(axis=2)))
