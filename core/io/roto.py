"""Hand-made mattes: one layer of an EXR sequence, on the plate's raster."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceplate.core.arrays import FloatArray
from faceplate.core.errors import FrameFormatError, FrameMissingError
from faceplate.core.footage import Footage, find_footage
from faceplate.core.frame import Frame, Window
from faceplate.core.io.exr import read_frame

_USUAL = ("A", "Y", "R")
"""Channels that stand for a matte when no layer is named, in this order."""


@dataclass(frozen=True, slots=True)
class RotoReader:
    """A matte that somebody drew.

    Attributes:
        footage: its frames on disk.
        layer: a channel, or a layer of one channel; "" takes alpha, else the only channel.
    """

    footage: Footage
    layer: str

    def paths(self) -> list[Path]:
        """Return its files."""
        return [self.footage.path(number) for number in self.footage.frames]

    def coverage(self, number: int, window: Window, display: Window) -> FloatArray:
        """Return (h, w) float32 coverage of a window, clipped to 0 to 1; 0 outside its pixels.

        Args:
            number: the plate's frame number.
            window: raster pixels.
            display: the plate's display window, which must be the matte's too.

        Raises:
            FrameMissingError: the matte has no such frame.
            FrameFormatError: not an EXR, no such layer, or of another format than the plate.
        """
        path, frame = self.frame(number, display)
        plane = np.nan_to_num(frame.channels[self._channel(path, frame)].astype(np.float32))
        inner = window.clipped(frame.data)
        cover = np.zeros((window.height, window.width), np.float32)
        if not inner.is_empty:
            cover[inner.slices_in(window)] = plane[inner.slices_in(frame.data)]
        return np.clip(cover, 0.0, 1.0)

    def frame(self, number: int, display: Window) -> tuple[Path, Frame]:
        """Return a file and what is in it.

        Raises:
            FrameMissingError: there is no such frame.
            FrameFormatError: not an EXR, or of another format than the plate.
        """
        path = self._path(number)
        frame = read_frame(path, number)
        if frame.display != display:
            raise FrameFormatError(
                str(path),
                f"it is {frame.display.width}x{frame.display.height} and the plate "
                f"{display.width}x{display.height}",
                "Write it in the plate's format.",
            )
        return path, frame

    def digest(self, number: int) -> str:
        """Return a hash of one frame's bytes and of the layer.

        Raises:
            FrameMissingError: the matte has no such frame.
        """
        digest = hashlib.blake2b(f"{self.layer}\0".encode(), digest_size=16)
        digest.update(self._path(number).read_bytes())
        return digest.hexdigest()

    def _path(self, number: int) -> Path:
        path = self.footage.path(number)
        if number not in self.footage.frames.numbers or not path.is_file():
            raise FrameMissingError(self.footage.pattern, number)
        return path

    def _channel(self, path: Path, frame: Frame) -> str:
        names = list(frame.channels)
        if not self.layer:
            found = [name for name in _USUAL if name in names] or names
            if found[0] in _USUAL or len(names) == 1:
                return found[0]
        elif self.layer in names:
            return self.layer
        else:
            found = [name for name in names if name.rpartition(".")[0] == self.layer]
            if len(found) == 1:
                return found[0]
        raise FrameFormatError(
            str(path),
            f"it has no single channel {self.layer or 'A'} (it has {', '.join(names[:8])})",
            "Name the matte's channel, as in roto.%04d.exr:matte.A.",
        )


def open_roto(text: str) -> RotoReader:
    """Open ``FILE`` or ``FILE:LAYER``.

    Raises:
        FootagePatternError: nothing on disk matches.
    """
    pattern, colon, layer = text.rpartition(":")
    if not colon or not pattern.lower().endswith(".exr"):
        pattern, layer = text, ""
    return RotoReader(find_footage(pattern), layer)
