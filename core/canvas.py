"""Letters, lines and tiles for pictures that people look at, in display codes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, ByteArray, FloatArray
from faceplate.core.errors import ContractError
from faceplate.core.io.atomic import replacing

GROUND, INK, DIM = 0.07, 0.92, 0.35
"""Codes of the background, of text, and of text that may be overlooked."""

_BAR = 28


def fitted(picture: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Return a picture at another size (height, width), area filtered where it shrinks."""
    how = cv2.INTER_AREA if size[0] <= picture.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size[::-1], interpolation=how), np.float32)


def framed(tile: FloatArray) -> FloatArray:
    """Return a tile (h, w, 3) with a border of one pixel."""
    return np.pad(tile, ((1, 1), (1, 1), (0, 0)), constant_values=GROUND)


def widened_to(line: FloatArray, width: int) -> FloatArray:
    """Return a picture (h, w, 3) filled up, or cut, on the right to a width."""
    missing = max(width - line.shape[1], 0)
    return np.pad(line, ((0, 0), (0, missing), (0, 0)), constant_values=GROUND)[:, :width]


def title_bar(text: str, width: int) -> FloatArray:
    """Return a bar (28, width, 3) with a line of text."""
    bar = np.full((_BAR, width, 3), GROUND, np.float32)
    write_text(bar, text, at=(8, _BAR - 8), scale=0.55)
    return bar


def write_text(
    picture: FloatArray,
    text: str,
    *,
    at: tuple[int, int] = (6, 18),
    scale: float = 0.45,
    shade: float = INK,
) -> None:
    """Write ASCII letters with a dark rim into a picture (h, w, 3), in place.

    Args:
        at: left end of the base line, in pixels.
        scale: of the letters; 1 is about 22 pixels high.
    """
    plain = text.encode("ascii", "replace").decode()
    # OpenCV writes into bytes only; as a coverage they serve any picture.
    letters = np.zeros(picture.shape[:2], np.uint8)
    cv2.putText(letters, plain, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 1, cv2.LINE_AA)
    for cover, level in ((cv2.dilate(letters, np.ones((3, 3), np.uint8)), 0.0), (letters, shade)):
        share = cover[..., None].astype(np.float32) / np.float32(255)
        picture += share * (np.float32(level) - picture)


def draw_line(canvas: FloatArray, a: AnyArray, b: AnyArray, shade: float) -> None:
    """Draw a line between two points (x, y) into a picture (h, w, 3), in place."""
    cv2.line(canvas, _pixel(a), _pixel(b), (shade,) * 3, 1)


def draw_dot(canvas: FloatArray, at: AnyArray, radius: int, rgb: tuple[float, ...]) -> None:
    """Draw a filled circle into a picture (h, w, 3), in place."""
    cv2.circle(canvas, _pixel(at), radius, rgb, -1)


def _pixel(point: AnyArray) -> tuple[int, int]:
    x, y = np.clip(np.round(np.asarray(point)), -30_000, 30_000).astype(int)
    return int(x), int(y)


def save_png(path: Path, picture: FloatArray) -> None:
    """Write display codes (H, W, 3), RGB, 0 to 1, as 8-bit PNG; whole or not at all.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    codes: ByteArray = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    # A conversion that is refused has no cause but a bug: the array is made here.
    done, content = cv2.imencode(".png", codes[..., ::-1])
    if not done:
        raise ContractError(f"The picture for {path} could not be made a PNG.")
    with replacing(path) as temp:
        temp.write_bytes(content.tobytes())
