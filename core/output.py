"""What may be written where: the plate is safe, finished frames are known by their header."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import OpenEXR

from faceplate.core.errors import DiskError, OutputError
from faceplate.core.footage import frame_path, is_numbered

JOB_ATTRIBUTE = "faceplate/job"
FRAME_ATTRIBUTE = "faceplate/frame"
"""What became of a frame: "replaced", or "untouched" and, where it was not wanted so, why."""
ACTOR_ATTRIBUTE, CONSENT_ATTRIBUTE = "faceplate/actor", "faceplate/consent"
_BECAUSE = "untouched: "


def guard_output(output: str, numbers: Iterable[int], inputs: Iterable[Path]) -> None:
    """Refuse an output that would touch an input, that lacks a number, or has no folder.

    Args:
        output: pattern of the frames to write.
        numbers: frames to write.
        inputs: every file that is read.

    Raises:
        OutputError: with the file's name.
        DiskError: the folder cannot be written to, or not be made.
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
    _guard_folder(Path(output).parent)
    held = frozenset().union(*map(_identity, inputs))
    for number in frames:
        path = frame_path(output, number)
        if _identity(path) & held:
            raise OutputError(
                f"{path} is one of the inputs, or linked to one; nothing was written.",
                hint="Choose another name or folder for --out.",
                path=str(path),
            )


def _guard_folder(folder: Path) -> None:
    """Find out before the work whether frames can be put into a folder, without making it."""
    there = next(place for place in (folder, *folder.resolve().parents) if place.exists())
    if not there.is_dir():
        raise DiskError(str(folder), f"{there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise DiskError(str(folder), f"{there} may not be written to")


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
    job = header_entries(path, [JOB_ATTRIBUTE])[JOB_ATTRIBUTE]
    if not job and not overwrite:
        raise OutputError(
            f"{path} is there already and was not written by faceplate.",
            hint="Choose another --out, or allow it with --overwrite.",
            path=str(path),
        )
    return job


def frame_state(reason: str, *, replaced: bool) -> str:
    """Return what `FRAME_ATTRIBUTE` says of a frame that is untouched because of ``reason``."""
    return "replaced" if replaced else f"{_BECAUSE}{reason}" if reason else "untouched"


def finished_reason(path: Path) -> str:
    """Return why a finished frame of ours is untouched, or ""."""
    state = header_entries(path, [FRAME_ATTRIBUTE])[FRAME_ATTRIBUTE]
    return state.removeprefix(_BECAUSE) if state.startswith(_BECAUSE) else ""


def header_entries(path: Path, names: Iterable[str]) -> dict[str, str]:
    """Return texts of an EXR's header; "" where there is none, or no EXR."""
    header: dict[str, object] = {}
    if path.stat().st_size > 0:
        try:
            parts = OpenEXR.File(str(path), header_only=True).parts
            header = parts[0].header if parts else {}
        except (RuntimeError, UnicodeDecodeError):
            header = {}
    return {name: str(header.get(name, "")) for name in names}
