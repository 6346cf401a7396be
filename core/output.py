"""What may be written where: the plate is safe, finished frames are known by their header."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import OpenEXR

from faceplate.core.errors import OutputError
from faceplate.core.footage import frame_path, is_numbered

JOB_ATTRIBUTE = "faceplate/job"


def guard_output(output: str, numbers: Iterable[int], inputs: Iterable[Path]) -> None:
    """Refuse an output that would touch an input, that lacks a number, or has no folder.

    Args:
        output: pattern of the frames to write.
        numbers: frames to write.
        inputs: every file that is read.

    Raises:
        OutputError: with the file's name.
    """
    frames = list(numbers)
    if len(frames) > 1 and not is_numbered(output):
        raise OutputError(
            f"{output} has no place for the frame number, and {len(frames)} frames are wanted.",
            hint="Write it as comp.%04d.exr.",
            output=output,
        )
    if Path(output).suffix.lower() != ".exr":
        raise OutputError(
            f"{output} is not an EXR; frames are written as EXR only.",
            hint="Write it as comp.%04d.exr.",
            output=output,
        )
    if is_numbered(str(Path(output).parent)) and not Path(output).parent.is_dir():
        raise OutputError(f"{output} has a frame number in its folder.", output=output)
    held = frozenset().union(*map(_identity, inputs))
    for number in frames:
        path = frame_path(output, number)
        if _identity(path) & held:
            raise OutputError(
                f"{path} is one of the inputs, or linked to one; nothing was written.",
                hint="Choose another name or folder for --out.",
                path=str(path),
            )


def _identity(path: Path) -> frozenset[object]:
    """Return what a file is known by: its resolved path; if it is there, device and inode."""
    keys: set[object] = {path.resolve()}
    if path.exists():
        status = path.stat()
        keys.add((status.st_dev, status.st_ino))
    return frozenset(keys)


def finished_job(path: Path, *, overwrite: bool) -> str:
    """Return the job hash of a frame that is there and ours, or "" when it must be rendered.

    Raises:
        OutputError: the file is there, is not ours, and ``overwrite`` is off.
    """
    if not path.exists():
        return ""
    job = ""
    if path.stat().st_size > 0:
        try:
            parts = OpenEXR.File(str(path), header_only=True).parts
            job = str(parts[0].header.get(JOB_ATTRIBUTE, "")) if parts else ""
        except (RuntimeError, UnicodeDecodeError):
            job = ""  # not an EXR: not ours
    if not job and not overwrite:
        raise OutputError(
            f"{path} is there already and was not written by faceplate.",
            hint="Choose another --out, or allow it with --overwrite.",
            path=str(path),
        )
    return job
