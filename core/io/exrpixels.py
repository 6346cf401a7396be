"""Reads the pixels of an EXR's parts, bit for bit."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import redirect_stdout
from itertools import groupby
from pathlib import Path
from typing import TextIO

import OpenEXR
import OpenImageIO as oiio  # noqa: N813 - its users' name for it

from faceplate.core.arrays import AnyArray
from faceplate.core.errors import FrameFormatError
from faceplate.core.io.exrhead import Part

_STDOUT = threading.Lock()
"""Guards `sys.stdout`, of which a process has one, while OpenEXR may print to it."""


class _Ear(io.TextIOBase):
    """Keeps what the thread that made it prints; passes on what others print."""

    def __init__(self, outside: TextIO) -> None:
        self.heard = ""
        self._outside = outside
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        """Take one piece of text."""
        if threading.get_ident() != self._thread:
            return self._outside.write(text)
        self.heard += text
        return len(text)

    def flush(self) -> None:
        """Flush what others printed."""
        self._outside.flush()


def read_planes(
    path: Path, parts: Sequence[Part], channels: Collection[str] | None
) -> dict[str, tuple[Part, AnyArray]]:
    """Return flattened name to (part, plane over the part's data window), in the file's types.

    OpenEXR decodes a whole file two to five times as fast as OIIO (measured), but cannot leave
    parts out; so OIIO reads what is wanted of a multi-part file, OpenEXR all else.

    Raises:
        FrameFormatError: damaged or half written.
    """
    if len(parts) == 1 or channels is None:
        planes = _read_whole(path, parts)
    else:
        planes = {}
        for part in parts:
            wanted = [own for own, flat in part.names.items() if flat in channels]
            planes |= _read_some(path, part, wanted) if wanted else {}
    return planes if channels is None else {n: p for n, p in planes.items() if n in channels}


def _read_whole(path: Path, parts: Sequence[Part]) -> dict[str, tuple[Part, AnyArray]]:
    # A decoding error makes no exception: OpenEXR prints it and leaves the part out. Standard
    # output may carry JSON, so the text is caught; here it is the reason of our error.
    try:
        with _STDOUT, redirect_stdout(_Ear(sys.stdout)) as ear:
            file = OpenEXR.File(str(path), separate_channels=True)
    except (RuntimeError, ValueError) as error:
        raise FrameFormatError(str(path), _reason(str(error))) from error
    found = {part.part_index: part for part in file.parts}
    planes = {}
    for part in parts:
        channels = found[part.index].channels if part.index in found else {}
        for own, flat in part.names.items():
            plane = channels[own].pixels if own in channels else None
            if plane is None or plane.shape != (part.data.height, part.data.width):
                raise FrameFormatError(str(path), _reason(ear.heard))
            planes[flat] = part, plane
    return planes


def _read_some(path: Path, part: Part, wanted: Sequence[str]) -> dict[str, tuple[Part, AnyArray]]:
    file = oiio.ImageInput.open(str(path))
    if file is None:
        raise FrameFormatError(str(path), _reason(_text(oiio.geterror)))
    try:
        if not file.seek_subimage(part.index, 0):
            raise FrameFormatError(str(path), _reason(_text(file.geterror)))
        spec = file.spec()
        names = spec.channelnames
        kinds = [str(kind) for kind in spec.channelformats or (spec.format,) * len(names)]
        planes = {}
        # Each call decodes the part again, so neighbours of one type are read together.
        for (kind, is_wanted), run in groupby(
            range(len(names)), key=lambda i: (kinds[i], names[i] in wanted)
        ):
            if not is_wanted:
                continue
            indices = list(run)
            pixels = file.read_image(part.index, 0, indices[0], indices[-1] + 1, kind)
            if pixels is None or file.has_error:
                raise FrameFormatError(str(path), _reason(_text(file.geterror)))
            for index in indices:
                planes[part.names[names[index]]] = part, pixels[..., index - indices[0]]
        return planes
    finally:
        file.close()


def _text(geterror: Callable[[], str]) -> str:
    """Return OIIO's last error; of a damaged file its text may be no text."""
    try:
        return geterror()
    except UnicodeDecodeError:
        return ""


def _reason(text: str) -> str:
    lines = text.strip().splitlines()
    said = f" ({lines[-1].rpartition(' - ')[2].strip().rstrip('.')})" if lines else ""
    return f"it is damaged or half written{said}"
