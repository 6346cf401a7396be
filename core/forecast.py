"""The dry run: everything that can be said of a job before any work is done."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from faceplate.core.actorfile import read_actor
from faceplate.core.analyse import ANALYSIS_NETWORKS, SEGMENTER
from faceplate.core.analysis.official import SEGMENTING, load_official
from faceplate.core.casting import SUFFIX
from faceplate.core.choose import chosen_tracks
from faceplate.core.consent import Revocations
from faceplate.core.errors import FaceplateError, ResourceError
from faceplate.core.footage import frame_path
from faceplate.core.fsganshot import check_generators
from faceplate.core.inputs import Inputs, allow_job, find_inputs
from faceplate.core.io.exrhead import read_parts
from faceplate.core.io.footage import open_footage
from faceplate.core.io.tracks import read_track
from faceplate.core.job import TRAIN, Job
from faceplate.core.layers import CHANNELS
from faceplate.core.nets.load import check_device, load_network
from faceplate.core.output import finished_job
from faceplate.core.render import check_covered
from faceplate.ocio.config import open_config

T = TypeVar("T")

_SPARSE = 0.15
"""Share of its size that a layer takes on disk: it is empty but for the face."""
_LEFT_FREE_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a dry run found.

    Attributes:
        shot: the shot's name.
        problems: what would stop the render, the first that it would meet first.
        frames: how many would be written.
        finished: how many of them are there, written by us.
        size: width and height of the plate in pixels, or None.
        space: the plate's colour space, or "".
        bytes_needed: on disk, at most, for the frames that are not there.
        bytes_free: where they would be written.
    """

    shot: str
    problems: tuple[FaceplateError, ...]
    frames: int = 0
    finished: int = 0
    size: tuple[int, int] | None = None
    space: str = ""
    bytes_needed: int = 0
    bytes_free: int = 0

    @property
    def exit_code(self) -> int:
        """What the render would end with because of the problems; 0 without one."""
        return self.problems[0].exit_code if self.problems else 0


def forecast_job(
    job: Job,
    *,
    revocations: Revocations,
    today: date,
    models: Sequence[Path] = (),
    device: str = "cpu",
) -> Forecast:
    """Check plate, frames, colour, models, consent, track, output and space; write nothing.

    Args:
        today: the day by which consent is judged.
        models: folders of imported networks.
        device: what the render's networks would run on.
    """
    problems: list[FaceplateError] = []

    def attempt(check: Callable[[], T]) -> T | None:
        try:
            return check()
        except FaceplateError as error:
            problems.append(error)
            return None

    attempt(partial(check_device, device))
    if job.actor is not None and not job.actor.endswith(SUFFIX):
        attempt(partial(_check_picture, job.actor, job.ocio))
        job = replace(job, actor=None, draft=True)  # what a picture makes of it, but for the face
    if job.task == TRAIN:
        if job.actor is not None:
            attempt(partial(read_actor, Path(job.actor)))
        attempt(partial(check_generators, job, models))
        return Forecast(job.name, tuple(problems))
    inputs = attempt(partial(find_inputs, job))
    labelling = () if SEGMENTING in job.official else (SEGMENTER,)
    for name in (*labelling, *(ANALYSIS_NETWORKS if job.track is None else ())):
        attempt(partial(load_network, name))
    for kind in job.official:
        if job.track is None or kind == SEGMENTING:  # mattes are made with a track, too
            attempt(partial(load_official, kind, models))
    if job.knobs.method == "fsgan":
        attempt(partial(check_generators, job, models))
    if inputs is None:
        return Forecast(job.name, tuple(problems))
    attempt(partial(allow_job, job, inputs, revocations=revocations, today=today))
    attempt(partial(_check_track, job, inputs))
    size = attempt(partial(_plate_size, inputs))
    frames = [frame_path(job.output, number) for number in inputs.numbers]
    finished = sum(bool(finished_job(path, overwrite=True)) for path in frames)
    needed = 0 if size is None else (len(frames) - finished) * _frame_bytes(job, size)
    free = shutil.disk_usage(existing_folder(Path(job.output).parent)).free
    if needed + _LEFT_FREE_BYTES > free:
        problems.append(no_space(job.output, needed, free))
    return Forecast(
        shot=job.name,
        problems=tuple(problems),
        frames=len(frames),
        finished=finished,
        size=size,
        space=inputs.reader.space,
        bytes_needed=needed,
        bytes_free=free,
    )


def _check_picture(path: str, ocio: str | None) -> None:
    """Check a picture or movie that stands for an actor."""
    open_footage(path, open_config(ocio))


def _check_track(job: Job, inputs: Inputs) -> None:
    """Check a track that was given: that it is one, of these frames, and has the face."""
    if job.track is None:
        return
    track = read_track(Path(job.track))
    check_covered(job, track, inputs.present)
    if job.face.reference is None:  # whose face must be looked at, which is work
        chosen_tracks(track, job.face, lambda _: np.zeros(0, np.float32))


def _plate_size(inputs: Inputs) -> tuple[int, int]:
    """Read the head of every frame; return the size of the first."""
    reader = inputs.reader
    first = reader.read(reader.frames.numbers[0])
    if not reader.footage.is_movie and Path(reader.footage.pattern).suffix.lower() == ".exr":
        for number in inputs.present:
            read_parts(reader.footage.path(number), number)
    return first.data.width, first.data.height


def _frame_bytes(job: Job, size: tuple[int, int]) -> int:
    """Return about the most that a frame takes: the picture full of noise, layers mostly empty."""
    layers = sum(
        len(CHANNELS[layer]) * (4 if layer in ("st", "motion") else 2)
        for layer in job.layers
        if layer != "comp"
    )
    picture = 4 * 2
    return round(size[0] * size[1] * (picture + _SPARSE * layers))


def existing_folder(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.resolve().parents) if place.exists())


def no_space(output: str, needed: int, free: int) -> ResourceError:
    """Return the error of a disk that would fill up."""
    return ResourceError(
        f"{output} needs about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free there.",
        hint="Free some space, or write elsewhere.",
        needed=needed,
        free=free,
    )
