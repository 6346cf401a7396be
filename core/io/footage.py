"""Opens footage of any kind: EXR sequences, movies, stills."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np

from faceplate.core.errors import FrameFormatError, FrameMissingError
from faceplate.core.footage import (
    FIRST_MOVIE_FRAME,
    STILL_SUFFIXES,
    Footage,
    FrameRange,
    find_footage,
    frame_path,
)
from faceplate.core.frame import Frame
from faceplate.core.io.exr import read_frame
from faceplate.core.io.exrhead import read_parts
from faceplate.core.io.movie import MovieReader
from faceplate.core.io.plate import plate_space
from faceplate.core.io.still import StillReader
from faceplate.ocio.config import ColorConfig


class FrameSource(Protocol):
    """What gives the pictures of one kind of footage."""

    def read(self, path: Path, number: int) -> Frame:
        """Read one frame."""


class FootageReader:
    """Footage that was found, understood and can be read frame by frame.

    Not for sharing between threads or processes: a movie has one decoder. Open it again there.

    Attributes:
        footage: pattern and frames on disk.
        space: canonical OCIO name of the space of every frame.
        rate: frames per second of a movie, else None.
    """

    def __init__(
        self, footage: Footage, source: FrameSource, space: str, rate: float | None = None
    ) -> None:
        self.footage = footage
        self.space = space
        self.rate = rate
        self._source = source

    @property
    def frames(self) -> FrameRange:
        """The frame numbers on disk."""
        return self.footage.frames

    def limited(self, frames: FrameRange) -> FootageReader:
        """Return a reader of some of the frames; the rest counts as not on disk."""
        footage = Footage(self.footage.pattern, frames)
        return FootageReader(footage, self._source, self.space, self.rate)

    def read(self, number: int) -> Frame:
        """Read one frame, with every channel.

        Raises:
            FrameMissingError: the number is not on disk.
            FrameFormatError: the file cannot be used.
        """
        return self._source.read(self._path(number), number)

    def digest(self, number: int) -> str:
        """Return a hash of what one frame holds: the key of everything that follows from it.

        A movie's frame is hashed as decoded; other files byte by byte, with their colour space.

        Raises:
            FrameMissingError: the number is not on disk.
            FrameFormatError: the file cannot be used.
        """
        digest = hashlib.blake2b(self.space.encode(), digest_size=16)
        path = self._path(number)
        if not self.footage.is_movie:
            try:
                digest.update(path.read_bytes())
            except OSError as error:
                raise FrameMissingError(self.footage.pattern, number) from error
            return digest.hexdigest()
        frame = self._source.read(path, number)
        digest.update(repr((frame.display, frame.pixel_aspect)).encode())
        for plane in frame.channels.values():
            digest.update(np.ascontiguousarray(plane).data)
        return digest.hexdigest()

    def _path(self, number: int) -> Path:
        path = self.footage.path(number)
        if not path.is_file():
            raise FrameMissingError(self.footage.pattern, number)
        return path


def _check_color(path: Path, names: Iterable[str]) -> None:
    """Refuse a picture without red, green and blue, which nothing further on could place."""
    known = set(names)
    if any(known >= {f"{layer}{c}" for c in "RGB"} for layer in _layers(known)):
        return
    few = ", ".join(sorted(known)[:4])
    raise FrameFormatError(
        str(path), f"it has no R, G, B channels (it has {few})", "Write the plate as RGB."
    )


def _layers(names: set[str]) -> list[str]:
    layers = {name.rpartition(".")[0] + "." for name in names if "." in name}
    return ["", *(layer for layer in layers if layer.endswith("Combined."))]


class _ExrReader:
    """Frames of an EXR sequence, all in one space."""

    def __init__(self, space: str) -> None:
        self._space = space

    def read(self, path: Path, number: int) -> Frame:
        frame = read_frame(path, number, space=self._space)
        _check_color(path, frame.channels)
        return frame


def open_footage(
    pattern: str,
    config: ColorConfig,
    *,
    colorspace: str | None = None,
    start: int = FIRST_MOVIE_FRAME,
    threads: int = 1,
) -> FootageReader:
    """Find footage and say what it is.

    Args:
        pattern: ``plate.%04d.exr``, ``plate.####.exr``, one EXR, a movie, or a still.
        config: where colour spaces are resolved.
        colorspace: what the user says of the colour space; for movies and stills, of the codes.
        start: the number of a movie's first frame, or of a still without a number in its name.
        threads: for a movie's decoder.

    Raises:
        FootagePatternError: nothing on disk matches.
        FrameFormatError: the first frame, or the movie, cannot be read.
        ColorSpaceError: the space is unknown, cannot be told, or is unfit.
    """
    footage = find_footage(pattern, start=start)
    if footage.is_movie:
        movie = MovieReader(
            Path(pattern), config, start=start, colorspace=colorspace, threads=threads
        )
        numbers = FrameRange(tuple(range(start, start + movie.frame_count)))
        return FootageReader(Footage(pattern, numbers), movie, movie.space, movie.rate)
    if Path(pattern).suffix.lower() in STILL_SUFFIXES:
        stills = StillReader(config, colorspace=colorspace)
        return FootageReader(footage, stills, stills.space)
    first = footage.frames.numbers[0]
    path = frame_path(pattern, first)
    parts = read_parts(path, first)
    _check_color(path, [name for part in parts for name in part.names.values()])
    main = next((p for p in parts if {"R", "G", "B"} <= set(p.names.values())), parts[0])
    space = plate_space(str(path), main.attributes, config, colorspace=colorspace)
    return FootageReader(footage, _ExrReader(space), space)
