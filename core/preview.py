"""Single frames at once: shots stay open between requests, and so does what precedes the blend."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TypeAlias

from faceplate.core.consent import Revocations
from faceplate.core.errors import FaceplateError
from faceplate.core.footage import FrameRange, find_footage
from faceplate.core.inputs import Inputs, allow_job, files_of, open_inputs, with_frames
from faceplate.core.io.exr import write_frame
from faceplate.core.job import Job
from faceplate.core.output import JOB_ATTRIBUTE
from faceplate.core.render import FrameResult, Shot, render_frame, shot_of, with_job
from faceplate.core.report import Progress
from faceplate.core.stagecache import StageCache

_SHOTS_KEPT = 4
_QUICK = "rle"
"""Compression of previews: loses nothing, and is written and read several times as fast as zip."""
_FREE = frozenset(
    {"name", "frames", "output", "layers", "layer_prefix", "compression", "policy", "missing"}
    | {"draft", "lossy", "overwrite", "contact_sheet"}
)
"""Entries of a job that `with_job` can change; everything else decides how a shot is opened."""
_BOUND_KNOBS = frozenset({"method", "weights", "steps", "smoothing"})

_Signatures: TypeAlias = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """A shot, what it was made of, and how the files behind it looked then."""

    shot: Shot
    inputs: Inputs
    signatures: _Signatures


class OpenShots:
    """Opens shots, and keeps the last few: what they read is looked at again each time."""

    def __init__(
        self,
        *,
        threads: int,
        cache_folder: Path | None,
        models: Sequence[Path] = (),
        device: str = "cpu",
    ) -> None:
        """Analyse with so many threads, and keep observations below the folder.

        Args:
            models: folders of imported networks.
            device: what networks run on; the memory of another one than the CPU is scarce, so
                one shot is kept open there.
        """
        self._threads, self._cache, self._models = threads, cache_folder, models
        self._device, self._most = device, _SHOTS_KEPT if device == "cpu" else 1
        self._opened: OrderedDict[str, _Opened] = OrderedDict()

    def open(
        self,
        job: Job,
        *,
        progress: Callable[[Progress], None],
        revocations: Revocations,
        today: date,
    ) -> tuple[Inputs, Shot]:
        """Return what a job reads, and its shot, as `open_job` does.

        Raises:
            FaceplateError: the same that `open_job` would raise.
        """
        key = _opening(job)
        opened = self._opened.pop(key, None)
        if opened is None or not _is_fresh(job, opened):
            inputs = open_inputs(job, revocations=revocations, today=today)
            files = _signatures(files_of(job, inputs))
            del opened
            while len(self._opened) >= self._most:
                self._opened.popitem(last=False)
            shot = shot_of(
                job,
                inputs,
                progress=progress,
                threads=self._threads,
                cache_folder=self._cache,
                models=self._models,
                device=self._device,
            )
            opened = _Opened(shot, inputs, files)
        else:
            inputs = with_frames(opened.inputs, job)
            allow_job(job, inputs, revocations=revocations, today=today)
        self._opened[key] = opened
        return inputs, with_job(opened.shot, job)


class Previews:
    """Makes single frames of jobs; a frame has the pixels that a render of the job gives it."""

    def __init__(self, shots: OpenShots) -> None:
        """Take the shots from ``shots``."""
        self._shots = shots
        self.stages = StageCache()

    def preview(
        self,
        job: Job,
        number: int,
        out: Path,
        *,
        progress: Callable[[Progress], None],
        revocations: Revocations,
        today: date,
    ) -> FrameResult:
        """Write one frame of a job to a file of its own.

        Args:
            number: the plate's frame.
            out: an EXR; it may be there from an earlier preview.
            progress: hears of the analysis, which the first preview of a shot needs.
            today: the day by which consent is judged.

        Raises:
            FaceplateError: the same that a render of the job would raise.
        """
        began = time.perf_counter()
        job = replace(job, frames=str(FrameRange((number,))), output=str(out))
        _, shot = self._shots.open(job, progress=progress, revocations=revocations, today=today)
        frame, result = render_frame(replace(shot, stages=self.stages), number)
        header = {**frame.header, JOB_ATTRIBUTE: shot.frame_job(number)}
        out.parent.mkdir(parents=True, exist_ok=True)
        write_frame(out, replace(frame, header=header), compression=_QUICK)
        return replace(result, seconds={"whole": time.perf_counter() - began})


def _opening(job: Job) -> str:
    """Return what of a job decides how its shot is opened, as a key."""
    said = json.loads(job.to_json())
    knobs = {name: value for name, value in said["knobs"].items() if name in _BOUND_KNOBS}
    bound = {name: value for name, value in said.items() if name not in _FREE}
    return json.dumps({**bound, "knobs": knobs}, sort_keys=True)


def _is_fresh(job: Job, opened: _Opened) -> bool:
    """Return whether the files are those that a shot was opened with."""
    footage = opened.inputs.reader.footage
    try:
        frames = find_footage(job.plate, start=job.start).frames
        files = _signatures(files_of(job, opened.inputs))
    except (OSError, FaceplateError):
        return False  # opening it anew says what is missing
    return (footage.is_movie or frames == footage.frames) and files == opened.signatures


def _signatures(files: list[Path]) -> _Signatures:
    """Return what shows that files were written anew, without reading them."""
    found = [(str(path), path.stat()) for path in sorted(set(files))]
    return tuple((path, status.st_size, status.st_mtime_ns) for path, status in found)
