"""What a job reads and may write: found, understood and allowed, before any work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from faceplate.core.actorfile import read_actor
from faceplate.core.consent import Revocations, check_consent
from faceplate.core.errors import (
    ConsentError,
    FrameMissingError,
    JobError,
    ModelMismatchError,
)
from faceplate.core.firstversion import check_first
from faceplate.core.footage import FrameRange, frame_path
from faceplate.core.io.element import ElementReader, open_element
from faceplate.core.io.footage import FootageReader, open_footage
from faceplate.core.io.roto import open_roto
from faceplate.core.job import TASKS, Job
from faceplate.core.output import (
    ACTOR_ATTRIBUTE,
    CONSENT_ATTRIBUTE,
    JOB_ATTRIBUTE,
    finished_job,
    guard_output,
    header_entries,
)
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
    if job.knobs.method == "hybrid":
        raise ModelMismatchError(
            "Method hybrid needs generator networks, and this release has none.",
            hint="Use --method warp, or fsgan.",
            method=job.knobs.method,
        )
    check_task(job)
    config = open_config(job.ocio)
    reader = open_footage(job.plate, config, colorspace=job.colorspace, start=job.start)
    actor = None if job.actor is None else read_actor(Path(job.actor))
    return with_frames(Inputs(config, reader, actor, reader.frames, ()), job)


def check_task(job: Job) -> None:
    """Compare what is to be done with what is there to do it with.

    Raises:
        JobError: it makes no frames, or lacks something.
    """
    if (job.task == "blend") != (job.element is not None):
        raise JobError(
            f"Task {job.task} has {'no' if job.element is None else 'a'} hand-made element.",
            hint="Give --element FILE:LAYER to `faceplate blend`, and to nothing else.",
        )
    if job.finetune and job.knobs.method != "fsgan":
        raise JobError(
            f"Method {job.knobs.method} has no network to fine-tune.",
            hint="Choose --method fsgan, or leave --finetune out.",
        )
    if job.finetune and job.task == "blend":
        raise JobError(
            "No network draws a hand-made face, so none is fine-tuned.",
            hint="Leave the fine-tuning out.",
        )
    if job.task not in TASKS:
        raise JobError(
            f"Task {job.task} makes no frames.",
            hint=f"Tasks that do: {', '.join(TASKS)}; `faceplate actor finetune` trains.",
        )
    if job.task == "complete" and job.actor is None and job.face.every:
        raise JobError(
            "Without an actor one face is completed at a time, from its own frames.",
            hint="Choose one with --face, or name an --actor.",
        )
    if job.task == "reenact" and (job.actor is None or job.face.every):
        raise JobError(
            "An actor is driven by one performer.", hint="Name an --actor, and one --face."
        )


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
        JobError: the weights do not serve for it.
        ConsentError: the actor may not be used for this shot.
        FrameMissingError: the plate or the hand-made matte lacks a frame.
        OutputError, DiskError: the output will not do.
    """
    check_first(job)
    # The plate's own frames put nobody else into it, and need nobody's consent.
    if inputs.actor is not None and not job.draft:
        check_consent(inputs.actor.consent, job.name, today, revocations)
    if inputs.absent and job.missing == "error":
        raise FrameMissingError(job.plate, inputs.absent[0])
    guard_output(job.output, inputs.numbers, files_of(job, inputs))
    if job.element is not None and not job.draft:
        _check_element(open_element(job.element), inputs, revocations)
    for number in inputs.numbers:  # before the work: a stranger's file late in the range stops it
        finished_job(frame_path(job.output, number), overwrite=job.overwrite)


def files_of(job: Job, inputs: Inputs) -> list[Path]:
    """Return every file that a job reads."""
    files = [*map(inputs.reader.footage.path, inputs.reader.frames)]
    named = (job.actor, job.track, job.ocio, job.face.reference)
    files += [Path(p) for p in named if p and not p.startswith(INSIDE)]
    return files + _drawn_files(job, inputs.present)


def _drawn_files(job: Job, numbers: Sequence[int]) -> list[Path]:
    """Return the files that people made, once they have every frame that is rendered."""
    files = []
    for text in (job.matte_in, job.element):
        if text is None:
            continue
        drawn = open_roto(text)
        for number in numbers:
            if number not in drawn.footage.frames.numbers:
                raise FrameMissingError(drawn.footage.pattern, number)
        files += drawn.paths()
    return files


def _check_element(element: ElementReader, inputs: Inputs, revocations: Revocations) -> None:
    """Refuse a face that a draft of ours put in, or one whose consent was withdrawn."""
    for number in inputs.present:
        path = element.footage.path(number)
        entries = header_entries(path, (JOB_ATTRIBUTE, ACTOR_ATTRIBUTE, CONSENT_ATTRIBUTE))
        if not entries[JOB_ATTRIBUTE] or not entries[ACTOR_ATTRIBUTE]:
            continue  # made elsewhere, or of no actor
        reference = entries[CONSENT_ATTRIBUTE]
        if not reference or reference in revocations:
            raise ConsentError(
                f"The face in {path} was made from an actor "
                + ("whose consent was withdrawn." if reference else "without consent."),
                hint="Make it again from an actor with consent, or look at it with --draft.",
                path=str(path),
            )
