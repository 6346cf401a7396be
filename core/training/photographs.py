"""Photographs without faces, which stand behind rendered heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from faceplate.core.arrays import ByteArray, FloatArray
from faceplate.core.errors import TrainingError
from faceplate.core.footage import STILL_SUFFIXES

_SIDE = 512
"""Shorter side that larger photographs are reduced to."""
_LEAST_PX = 64


@dataclass(frozen=True, slots=True, eq=False)
class Photographs:
    """Pictures to take backgrounds from; can be handed to another process.

    Attributes:
        pictures: (H, W, 3) uint8 each, sRGB.
    """

    pictures: tuple[ByteArray, ...]

    def cut(self, rng: np.random.Generator, size_px: int) -> FloatArray:
        """Return a random part of a random picture, (size, size, 3) float32, linear Rec.709."""
        picture = self.pictures[rng.integers(len(self.pictures))]
        height, width = picture.shape[:2]
        side = max(int(min(height, width) * rng.uniform(0.25, 1.0)), min(_LEAST_PX, height, width))
        y, x = rng.integers(height - side + 1), rng.integers(width - side + 1)
        part = picture[y : y + side, x : x + side]
        part = part[:, ::-1] if rng.random() < 0.5 else part
        how = cv2.INTER_AREA if side > size_px else cv2.INTER_LINEAR
        codes = cv2.resize(np.ascontiguousarray(part), (size_px, size_px), interpolation=how)
        if rng.random() < 0.6:
            codes = cv2.GaussianBlur(codes, (0, 0), size_px * rng.uniform(0.002, 0.03))
        light = np.square(codes.astype(np.float32) / np.float32(255))  # near enough to sRGB's curve
        gain = np.exp(rng.normal(0, 0.6) + rng.normal(0, 0.1, 3)).astype(np.float32)
        return np.asarray(light * gain, np.float32)


def read_photographs(folders: Sequence[str]) -> Photographs | None:
    """Read every still of some folders, by name; None where no folder is named.

    Raises:
        TrainingError: a folder without pictures, or a picture that cannot be read.
    """
    paths = [
        path
        for folder in folders
        for path in sorted(Path(folder).glob("*"))
        if path.suffix.lower() in STILL_SUFFIXES
    ]
    if folders and not paths:
        raise TrainingError(
            f"There is no photograph in {', '.join(folders)}.",
            hint="Name folders of PNG or JPEG pictures that show no face.",
        )
    return Photographs(tuple(map(_read, paths))) if paths else None


def _read(path: Path) -> ByteArray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None or min(picture.shape[:2]) < 2:
        raise TrainingError(f"{path} cannot be read as a picture.", hint="Take it out.")
    factor = _SIDE / min(picture.shape[:2])
    if factor < 1:
        picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture[..., ::-1])
