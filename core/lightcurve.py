"""The light match of a shot as one gain a channel and frame, measured on its finished frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from faceplate.core.arrays import FloatArray
from faceplate.core.errors import OutputError
from faceplate.core.footage import find_footage
from faceplate.core.io.exr import read_frame
from faceplate.core.job import Job

_SOLID = 0.5
"""Coverage from which a pixel says enough of the face's own light."""
_PAIR = ("face", "raw")
_LEAST = 2.0**-12
"""Light below which a ratio is noise."""


def light_gains(
    job: Job, *, should_stop: Callable[[], bool] = lambda: False
) -> Mapping[int, tuple[float, float, float]]:
    """Return what takes a job's ``raw`` layer to the light of its ``face`` layer, frame by frame.

    The match itself varies over the face; this is its mean over the solid part, as a Grade's
    multiply has it. Frames without a face are left out.

    Args:
        job: a job whose frames are there.
        should_stop: asked between frames.

    Returns:
        Frame number to gains of red, green and blue, linear, in the frames' own space.

    Raises:
        FootagePatternError: no frame is there.
        OutputError: they lack one of the two layers.
    """
    footage = find_footage(job.output)
    found: dict[int, tuple[float, float, float]] = {}
    for number in footage.frames:
        if should_stop():
            break
        gains = _gains(footage.path(number), number, job.layer_prefix)
        if gains is not None:
            found[number] = gains
    return found


def _gains(path: Path, number: int, prefix: str) -> tuple[float, float, float] | None:
    names = [f"{prefix}{name}" for name in ("face.A", *(f"{a}.{c}" for a in _PAIR for c in "RGB"))]
    planes = read_frame(path, number, channels=names).channels
    absent = [name for name in names if name not in planes]
    if absent:
        raise OutputError(
            f"{path} has no channel {absent[0]}.",
            hint="Render again with the layers face and raw.",
            path=str(path),
        )
    cover, *rest = (planes[name].astype(np.float32) for name in names)
    solid = cover > _SOLID
    if not solid.any():
        return None
    face, raw = (np.stack(part)[:, solid] for part in (rest[:3], rest[3:]))
    red, green, blue = (_gain(f / cover[solid], r) for f, r in zip(face, raw, strict=True))
    return red, green, blue


def _gain(face: FloatArray, raw: FloatArray) -> float:
    """Return the geometric mean of the ratio of two layers; 1 where nothing can be compared."""
    lit = (face > _LEAST) & (raw > _LEAST)
    if not lit.any():
        return 1.0
    return float(np.exp(np.mean(np.log(face[lit]) - np.log(raw[lit]))))
