"""The contact sheet of a rendered shot, made from what is on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceplate.core.arrays import FloatArray
from faceplate.core.footage import base_name, frame_path
from faceplate.core.frame import Frame
from faceplate.core.io.exr import read_frame
from faceplate.core.io.footage import FootageReader
from faceplate.core.job import Job
from faceplate.core.layers import delivered_matte
from faceplate.core.review import contact_sheet, sheet_row
from faceplate.ocio.config import ColorConfig
from faceplate.ocio.display import DisplayView

ROWS = 6


def write_contact(
    job: Job, reader: FootageReader, config: ColorConfig, numbers: Sequence[int]
) -> Path | None:
    """Write ``<comp>.contact.png`` beside a shot's frames, from frames spread over it.

    Args:
        numbers: the frames of the job; those that are not on disk are left out.

    Returns:
        The file, or None when no frame is on disk.

    Raises:
        InputError: a frame cannot be read.
        DiskError: the folder or the disk refuses.
    """
    there = [n for n in numbers if n in reader.frames.numbers]
    there = [n for n in there if frame_path(job.output, n).is_file()]
    if not there:
        return None
    picked = np.unique(np.linspace(0, len(there) - 1, min(ROWS, len(there))).round().astype(int))
    display = DisplayView(config, reader.space)
    rows = []
    for number in (there[int(k)] for k in picked):
        plate = reader.read(number)
        result = read_frame(frame_path(job.output, number), number)
        before, after = plate.rgb(), result.rgb()
        row = sheet_row(
            number,
            before,
            after,
            _matte(result, job.layer_prefix, before, after),
            display=display,
            pixel_aspect=plate.pixel_aspect,
        )
        rows.append(row)
    path = Path(job.output).with_name(f"{base_name(job.output)}.contact.png")
    contact_sheet(path, rows, shot=job.name)
    return path


def _matte(result: Frame, prefix: str, before: FloatArray, after: FloatArray) -> FloatArray:
    """Return the delivered matte; without that layer, where the picture changed."""
    delivered = delivered_matte(result, prefix)
    if delivered is not None:
        return delivered.astype(np.float32)
    changed = (before != after) & ~(np.isnan(before) & np.isnan(after))
    return changed.any(axis=2).astype(np.float32)
