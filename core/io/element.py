"""Hand-made faces: one layer of an EXR sequence, on the plate's raster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceplate.core.arrays import FloatArray
from faceplate.core.errors import FrameFormatError
from faceplate.core.footage import Footage
from faceplate.core.frame import Frame, Window
from faceplate.core.io.exr import HALF_MAX
from faceplate.core.io.roto import RotoReader, open_roto


@dataclass(frozen=True, slots=True, eq=False)
class HandMade:
    """A face that somebody made, on the pixels of a window.

    Attributes:
        window: raster pixels; where the layer is not empty.
        color: (h, w, 3) float32 scene light, not premultiplied; 0 where there is no coverage.
        coverage: (h, w) float32, 0 to 1, or None for a layer without alpha.
        header: what the file says beside the pixels.
    """

    window: Window
    color: FloatArray
    coverage: FloatArray | None
    header: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ElementReader:
    """A layer of R, G, B and perhaps A, premultiplied, in the light of the plate's face layer.

    Attributes:
        file: its frames on disk, and the layer.
    """

    file: RotoReader

    @property
    def footage(self) -> Footage:
        """The frames on disk."""
        return self.file.footage

    def paths(self) -> list[Path]:
        """Return its files."""
        return self.file.paths()

    def digest(self, number: int) -> str:
        """Return a hash of one frame's bytes and of the layer.

        Raises:
            FrameMissingError: there is no such frame.
        """
        return self.file.digest(number)

    def read(self, number: int, display: Window) -> HandMade | None:
        """Return a frame, or None where it shows nothing.

        Args:
            number: the plate's frame number.
            display: the plate's display window, which must be the element's too.

        Raises:
            FrameMissingError: there is no such frame.
            FrameFormatError: not an EXR, no such layer, or of another format than the plate.
        """
        path, frame = self.file.frame(number, display)
        names = self._channels(path, frame)
        planes = [np.nan_to_num(frame.channels[name].astype(np.float32)) for name in names]
        rows, columns = np.nonzero(np.any(np.stack(planes) != 0, axis=0))
        if not len(rows):
            return None
        x0, y0, x1, y1 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        planes = [plane[y0:y1, x0:x1] for plane in planes]
        color = np.clip(np.stack(planes[:3], axis=2), -HALF_MAX, HALF_MAX)
        coverage = np.clip(planes[3], 0.0, 1.0) if len(planes) > 3 else None
        if coverage is not None:
            solid = coverage[..., None] > 0
            color = np.where(solid, color / np.where(solid, coverage[..., None], 1), np.float32(0))
        window = Window(
            frame.data.x0 + int(x0),
            frame.data.y0 + int(y0),
            frame.data.x0 + int(x1),
            frame.data.y0 + int(y1),
        )
        return HandMade(window, color, coverage, frame.header)

    def _channels(self, path: Path, frame: Frame) -> list[str]:
        start = f"{self.file.layer}." if self.file.layer else ""
        names = [f"{start}{letter}" for letter in "RGBA"]
        if not set(names[:3]) <= set(frame.channels):
            raise FrameFormatError(
                str(path),
                f"it has no layer {self.file.layer or 'R G B'} (it has "
                f"{', '.join(list(frame.channels)[:8])})",
                "Name the element's layer, as in element.%04d.exr:face.",
            )
        return [name for name in names if name in frame.channels]


def open_element(text: str) -> ElementReader:
    """Open ``FILE`` or ``FILE:LAYER``.

    Raises:
        FootagePatternError: nothing on disk matches.
    """
    return ElementReader(open_roto(text))
