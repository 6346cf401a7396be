"""What a job reads and may write: found, understood and allowed, before any work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from faceplate.ocio.config import ColorConfig, open_config


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
    if job.knobs.method != "warp":
        raise ModelMismatchError(
            f"Method {job.knobs.method} needs generator networks, and this release has none.",
            hint="Use --method warp.",
            method=job.knobs.method,
        )
    config = open_config(job.ocio)
    reader = open_footage(job.plate, config, colorspace=job.colorspace, start=job.start)
    numbers = FrameRange.parse(job.frames) if job.frames else reader.frames
    actor = None if job.actor is None else read_actor(Path(job.actor))
    if actor is not None and not job.draft:
        check_consent(actor.consent, job.name, today, revocations)
    absent = tuple(number for number in numbers if number not in reader.frames.numbers)
    if absent and job.missing == "error":
        raise FrameMissingError(job.plate, absent[0])
    found = Inputs(config, reader, actor, numbers, absent)
    guard_output(job.output, numbers, files_of(job, found))
    for number in numbers:  # before the work: a stranger's file late in the range stops it all
        finished_job(frame_path(job.output, number), overwrite=job.overwrite)
    return found


def files_of(job: Job, inputs: Inputs) -> list[Path]:
    """Return every file that a job reads."""
    files = [*map(inputs.reader.footage.path, inputs.reader.frames)]
    files += [Path(p) for p in (job.actor, job.track, job.ocio, job.face.reference) if p]
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
