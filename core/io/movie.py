"""Reads movies frame by frame as linear Rec.709 frames."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.errors import ColorSpaceError, FrameFormatError, FrameMissingError
from faceplate.core.frame import Frame
from faceplate.core.io.still import linear_frame
from faceplate.core.io.yuv import Coding, codes_from_planes, linear_from_codes, planes_of
from faceplate.ocio.config import LINEAR, ColorConfig
from faceplate.ocio.convert import Converter

_AHEAD = 32
"""Frames that are decoded and dropped before a seek is thought worth its while."""
_GAMUTS = {9: "lin_rec2020_scene", 12: "lin_p3d65_scene"}
"""Primaries of ITU-T H.273 whose light needs a matrix; all others count as Rec.709."""
_HDR = {16: "PQ", 18: "HLG", 9: "log", 10: "log"}


class MovieReader:
    """One movie with its decoder held open, so that frames in order cost one decode each.

    Frames are found by time stamp, so every number always means the same picture, in whatever
    order it is asked for.

    Attributes:
        frame_count: pictures in the movie.
        rate: frames per second, or None when the file does not say.
        space: canonical name of linear Rec.709, the space of the frames.
    """

    def __init__(
        self,
        path: Path,
        config: ColorConfig,
        *,
        start: int,
        colorspace: str | None = None,
        threads: int = 1,
    ) -> None:
        """Open a movie and list its frames.

        Args:
            path: the file.
            config: where colour spaces are resolved.
            start: the number of the first frame.
            colorspace: the space of the codes; BT.1886 with the file's primaries by default.
            threads: for the decoder.

        Raises:
            FrameFormatError: no movie, no picture in it, or damaged.
            ColorSpaceError: HDR or log codes and no space named, or an unknown space.
        """
        self._path = path
        self._start = start
        self._config = config
        self._threads = threads
        self.space = config.resolve(LINEAR)
        self._named = (
            Converter(config, config.color_space(colorspace), LINEAR) if colorspace else None
        )
        self._open()
        self.rate = _rate(self._stream)
        self._stamps = self._list_stamps()
        self._place = {stamp: index for index, stamp in enumerate(self._stamps)}
        self.frame_count = len(self._stamps)
        if not self.frame_count:
            raise FrameFormatError(str(path), "it holds no picture")
        self._rewind(0)
        self._last: tuple[int, Frame] | None = None
        self.read(path, start)

    def read(self, path: Path, number: int) -> Frame:
        """Return frame ``number``: float32 R, G, B and, where there is one, A; premultiplied.

        Raises:
            FrameMissingError: the movie does not hold this number.
            FrameFormatError: this frame cannot be decoded.
        """
        if self._last is not None and self._last[0] == number:
            return self._last[1]
        index = number - self._start
        if not 0 <= index < self.frame_count:
            raise FrameMissingError(str(path), number)
        try:
            picture = self._decode(index)
        except av.error.FFmpegError as error:
            raise FrameFormatError(str(path), f"frame {number} does not decode") from error
        frame = self._frame(picture, number)
        self._last = number, frame
        return frame

    def close(self) -> None:
        """Let the file go."""
        self._container.close()

    def _open(self) -> None:
        try:
            self._container = av.open(str(self._path))
        except (av.error.FFmpegError, OSError) as error:
            raise FrameFormatError(
                str(self._path), "it is no movie that we can decode, or is damaged"
            ) from error
        if not self._container.streams.video:
            raise FrameFormatError(str(self._path), "it holds no picture")
        self._stream = self._container.streams.video[0]
        self._stream.codec_context.thread_count = self._threads

    def _list_stamps(self) -> list[int]:
        """Return the time stamps of all pictures in the order of showing."""
        try:
            demuxed = [p for p in self._container.demux(self._stream) if p.size]
            packets = [packet.pts for packet in demuxed if not packet.is_discard]
            if None in packets or len(set(packets)) < len(packets):
                # Old containers (AVI) stamp no pictures, so all are decoded and counted.
                self._container.close()
                self._open()
                decoded = sum(1 for _ in self._container.decode(self._stream))
                self._stamped = False
                return list(range(decoded))
        except av.error.FFmpegError as error:
            raise FrameFormatError(str(self._path), "it is damaged or cut short") from error
        self._stamped = True
        self._check_end(max((p.pts + 3 * (p.duration or 0) for p in demuxed), default=0))
        return sorted(packets)

    def _check_end(self, end: int) -> None:
        """Refuse a movie that lasts longer by its header than by its pictures."""
        start = self._stream.start_time or 0
        if self._stream.duration:
            missing = self._stream.duration * self._stream.time_base
        elif self._container.duration and len(self._container.streams) == 1:
            missing = Fraction(self._container.duration, av.time_base)
        else:
            return
        if missing > (end - start) * self._stream.time_base:
            raise FrameFormatError(str(self._path), "it is cut short", "Copy or encode it again.")

    def _rewind(self, index: int) -> None:
        """Begin to decode at the last place before ``index`` where that is possible."""
        if self._stamped:
            self._container.seek(self._stamps[index], stream=self._stream, backward=True)
        else:
            self._container.close()
            self._open()
        self._pictures: Iterator[av.VideoFrame] = self._container.decode(self._stream)
        self._next = 0

    def _decode(self, index: int) -> av.VideoFrame:
        if not self._next <= index < self._next + _AHEAD:
            self._rewind(index)
        picture = self._advance(index)
        if picture is None:
            # Some containers seek past the place that was asked for.
            self._rewind(0)
            picture = self._advance(index)
        if picture is None or picture.is_corrupt:
            raise FrameFormatError(str(self._path), f"frame {index + self._start} does not decode")
        return picture

    def _advance(self, index: int) -> av.VideoFrame | None:
        """Decode up to a frame, or return None once it cannot come any more."""
        for picture in self._pictures:
            place = self._place.get(picture.pts, -1) if self._stamped else self._next
            self._next = max(place, self._next - 1) + 1
            if place >= index:
                return picture if place == index else None
        return None

    def _frame(self, picture: av.VideoFrame, number: int) -> Frame:
        coding = Coding.of(picture, self._stream.codec_context.name)
        codes, alpha = codes_from_planes(*planes_of(picture), coding)
        rgb = self._light(codes, picture)
        if alpha is not None:
            rgb *= alpha[..., None]
        turns = round(picture.rotation / 90.0) % 4
        planes: dict[str, AnyArray] = {name: rgb[..., i] for i, name in enumerate("RGB")}
        if alpha is not None:
            planes["A"] = alpha
        aspect = float(self._stream.sample_aspect_ratio or Fraction(1)) or 1.0
        return linear_frame(
            {name: np.ascontiguousarray(np.rot90(plane, turns)) for name, plane in planes.items()},
            number=number,
            space=self.space,
            pixel_aspect=1.0 / aspect if turns % 2 else aspect,
        )

    def _light(self, codes: FloatArray, picture: av.VideoFrame) -> FloatArray:
        if self._named is not None:
            return self._named(codes)
        transfer = int(picture.color_trc)
        if transfer in _HDR:
            raise ColorSpaceError(
                f"{self._path} is an {_HDR[transfer]} movie, which is not read as Rec.709.",
                hint="Name its colour space with --colorspace, or transcode it to BT.709 or EXR.",
                path=str(self._path),
            )
        rgb = linear_from_codes(codes)
        gamut = _GAMUTS.get(int(picture.color_primaries))
        return Converter(self._config, gamut, LINEAR)(rgb) if gamut else rgb


def _rate(stream: av.VideoStream) -> float | None:
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate else None
