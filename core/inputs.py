"""What a job reads and may write: found, understood and allowed, before any work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from faceplate.core.actorfile import read_actor
from faceplate.core.consent import Revocations, check_consent
from faceplate.core.errors import FrameMissingError, ModelMismatchError
from faceplate.core.footage import FrameRange, frame_path
from faceplate.core.io.footage import FootageReader, open_footage
from faceplate.core.io.roto import open_roto
from faceplate.core.job import Job
from faceplate.core.output import finished_job, guard_output
from faceplate.core.source import Actor
from faceplate.ocio.config import INSIDE, ColorConfig, open_config


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What a job reads.

    Attributes:
        config: the colour configuration.
        reader: the whole plate.
        actor: the source, or None where only mattes are made.
        numbers: frames to write.
        absent: those of them that the plate lacks.
    """

    config: ColorConfig
    reader: FootageReader
    actor: Actor | None
    numbers: FrameRange
    absent: tuple[int, ...]

    @property
    def present(self) -> list[int]:
        """The frames to write that the plate has."""
        return [number for number in self.numbers if number not in self.absent]


def open_inputs(job: Job, *, revocations: Revocations, today: date) -> Inputs:
    """Find what a job reads and refuse what it may not do; nothing is written.

    Args:
        today: the day by which consent is judged.

    Raises:
        FaceplateError: the plate, the actor, its consent, the method or the output will not do.
    """
    inputs = find_inputs(job)
    allow_job(job, inputs, revocations=revocations, today=today)
    return inputs


def find_inputs(job: Job) -> Inputs:
    """Find what a job reads.

    Raises:
        FaceplateError: the plate, the actor, the colour or the method will not do.
    """
    if job.knobs.method != "warp":
        raise ModelMismatchError(
            f"Method {job.knobs.method} needs generator networks, and this release has none.",
            hint="Use --method warp.",
            method=job.knobs.method,
        )
    config = open_config(job.ocio)
    reader = open_footage(job.plate, config, colorspace=job.colorspace, start=job.start)
    actor = None if job.actor is None else read_actor(Path(job.actor))
    return with_frames(Inputs(config, reader, actor, reader.frames, ()), job)


def with_frames(inputs: Inputs, job: Job) -> Inputs:
    """Return the inputs with the frames that a job wants written.

    Raises:
        FootagePatternError: not a frame range.
    """
    there = inputs.reader.frames
    numbers = FrameRange.parse(job.frames) if job.frames else there
    absent = tuple(number for number in numbers if number not in there.numbers)
    return replace(inputs, numbers=numbers, absent=absent)


def allow_job(job: Job, inputs: Inputs, *, revocations: Revocations, today: date) -> None:
    """Refuse what a job may not do: consent, frames that are not there, files of others.

    Raises:
        ConsentError: the actor may not be used for this shot.
        FrameMissingError: the plate or the hand-made matte lacks a frame.
        OutputError, DiskError: the output will not do.
    """
    if inputs.actor is not None and not job.draft:
        check_consent(inputs.actor.consent, job.name, today, revocations)
    if inputs.absent and job.missing == "error":
        raise FrameMissingError(job.plate, inputs.absent[0])
    guard_output(job.output, inputs.numbers, files_of(job, inputs))
    for number in inputs.numbers:  # before the work: a stranger's file late in the range stops it
        finished_job(frame_path(job.output, number), overwrite=job.overwrite)


def files_of(job: Job, inputs: Inputs) -> list[Path]:
    """Return every file that a job reads."""
    files = [*map(inputs.reader.footage.path, inputs.reader.frames)]
    named = (job.actor, job.track, job.ocio, job.face.reference)
    files += [Path(p) for p in named if p and not p.startswith(INSIDE)]
    return files + _roto_files(job, inputs.present)


def _roto_files(job: Job, numbers: Sequence[int]) -> list[Path]:
    """Return the files of the hand-made matte, once it has every frame that is rendered."""
    if job.matte_in is None:
        return []
    roto = open_roto(job.matte_in)
    for number in numbers:
        if number not in roto.footage.frames.numbers:
            raise FrameMissingError(roto.footage.pattern, number)
    return roto.paths()
