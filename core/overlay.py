"""A movie of a plate with what was tracked drawn over it."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.analysis.landmark import wflw_landmarks
from faceplate.core.analysis.picture import PlatePicture
from faceplate.core.arrays import AnyArray, ByteArray
from faceplate.core.errors import DiskError
from faceplate.core.face import FaceObservation, Origin
from faceplate.core.io.atomic import reason_of, replacing
from faceplate.core.track import ShotTrack

NARROWEST_PX, WIDEST_PX = 640, 1280

_COLORS = ((90, 255, 110), (90, 190, 255), (255, 190, 70), (255, 110, 200))
_FILLED = (255, 80, 60)
_POINT = (255, 235, 60)
_BT709 = 1
"""The number of BT.709 in every column of ITU-T H.273: primaries, transfer and matrix."""

_SHIFT = 4
"""OpenCV draws in sixteenths of a pixel, with centres on integers."""


def write_overlay(
    path: Path, pictures: Iterable[PlatePicture], shot_track: ShotTrack, *, rate: float
) -> None:
    """Write an H.264 movie of mesh, landmarks, box, number and confidence over the plate.

    Args:
        path: where to; the suffix chooses the container (``.mp4``, ``.mov``).
        pictures: the plate's frames, in order, all of one size.
        shot_track: what is drawn.
        rate: frames per second.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    suffix = path.suffix.removeprefix(".").lower() or "mp4"
    try:
        with replacing(path) as temp, av.open(str(temp), "w", format=suffix) as movie:
            stream: Any = None
            for picture in pictures:
                drawn = draw_track(picture, shot_track)
                if stream is None:
                    stream = _open_stream(movie, drawn, rate)
                frame = av.VideoFrame.from_ndarray(_fitted(drawn, stream), format="rgb24")
                frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
                for packet in stream.encode(frame):
                    movie.mux(packet)
            if stream is not None:
                for packet in stream.encode():
                    movie.mux(packet)
    except av.error.OSError as error:
        raise DiskError(str(path), reason_of(error)) from error


def _open_stream(movie: Any, drawn: ByteArray, rate: float) -> Any:
    stream = movie.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
    stream.height, stream.width = drawn.shape[:2]
    stream.pix_fmt = "yuv420p"
    # One thread: x264 gives other bytes for other numbers of them.
    stream.options = {"crf": "18", "preset": "veryfast", "threads": "1"}
    context = stream.codec_context
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    context.color_range = 1  # limited
    return stream


def _fitted(drawn: ByteArray, stream: Any) -> ByteArray:
    """Return a frame on the movie's canvas: a plate whose data window changes is cut or padded."""
    if drawn.shape[:2] == (stream.height, stream.width):
        return drawn
    canvas = np.zeros((stream.height, stream.width, 3), np.uint8)
    height, width = min(drawn.shape[0], stream.height), min(drawn.shape[1], stream.width)
    canvas[:height, :width] = drawn[:height, :width]
    return canvas


def draw_track(picture: PlatePicture, shot_track: ShotTrack) -> ByteArray:
    """Return one frame (h, w, 3) uint8 with its faces drawn, in square pixels, sides even."""
    window, aspect = picture.window, picture.pixel_aspect
    plain = max(window.width * aspect, 1.0)
    scale = float(np.clip(plain, NARROWEST_PX, WIDEST_PX)) / plain
    width = max(round(window.width * aspect * scale / 2) * 2, 2)
    height = max(round(window.height * scale / 2) * 2, 2)
    step_x, step_y = window.width / width, window.height / height
    linear = picture.linear(
        np.array([[step_x, 0, window.x0], [0, step_y, window.y0]], np.float64), (height, width)
    )
    codes = picture.codes(linear * np.float32(shot_track.gain))
    drawn = np.round(codes * 255).astype(np.uint8)
    to_picture = np.array([1 / step_x, 1 / step_y])
    origin = np.array([window.x0, window.y0])
    for track in shot_track.tracks:
        face = track.at(picture.number)
        if face is not None:
            color = _COLORS[track.index % len(_COLORS)]
            _draw_face(drawn, face, track.index, color, origin, to_picture)
    _write(drawn, f"{picture.number}", (8, 8), (235, 235, 235))
    return drawn


def _draw_face(
    drawn: ByteArray,
    face: FaceObservation,
    index: int,
    color: tuple[int, int, int],
    origin: AnyArray,
    scale: AnyArray,
) -> None:
    def placed(points: AnyArray) -> AnyArray:
        local = (points - origin) * scale - 0.5
        return np.round(np.clip(local, -1e4, 1e4) * 2**_SHIFT).astype(np.int32)

    mesh = placed(face.mesh[:, :2])
    faint = drawn.copy()
    corners = list(mesh[canonical_face().triangles])
    cv2.polylines(faint, corners, True, color, 1, cv2.LINE_AA, _SHIFT)
    cv2.addWeighted(faint, 0.35, drawn, 0.65, 0, dst=drawn)
    for x, y in placed(wflw_landmarks(face.mesh, face.confidence).points):
        cv2.circle(drawn, (int(x), int(y)), 20, _POINT, -1, cv2.LINE_AA, _SHIFT)
    x0, y0, x1, y1 = face.box
    (left, top), (right, bottom) = placed(np.array([[x0, y0], [x1, y1]]))
    frame_color = _FILLED if face.origin is Origin.FILLED else color
    low, high = (int(left), int(top)), (int(right), int(bottom))
    cv2.rectangle(drawn, low, high, frame_color, 1, cv2.LINE_AA, _SHIFT)
    text = f"{index}  {face.confidence:.2f}  {face.pose.yaw:+.0f} {face.pose.pitch:+.0f}"
    text += "" if face.origin is Origin.SEEN else f"  {face.origin.value}"
    _write(drawn, text, (int(left) >> _SHIFT, (int(bottom) >> _SHIFT) + 4), frame_color)


def _write(
    drawn: ByteArray, text: str, corner: tuple[int, int], color: tuple[int, int, int]
) -> None:
    """Write a line below and right of a corner, dark around the letters."""
    size = max(drawn.shape[0] / 1200, 0.35)
    foot = (corner[0], corner[1] + round(24 * size))
    for shade, weight in (((0, 0, 0), 3), (color, 1)):
        cv2.putText(drawn, text, foot, cv2.FONT_HERSHEY_SIMPLEX, size, shade, weight, cv2.LINE_AA)
