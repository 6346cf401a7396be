"""What is to be measured of a finished shot: `QcJob`, its limits, and its JSON text."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from faceplate.core.errors import JobError
from faceplate.core.footage import base_name
from faceplate.core.job import VERSION, FaceChoice, Job

KIND = "qc"
"""What the JSON text of such a job says it is."""

MEASURED = ("swap", "complete", "blend")
"""Tasks whose frames lie on a plate."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a finished shot may measure at most (or at least), by the names of `FaceQC`'s knobs."""

    identity_most: float
    drift_most: float
    pose_most: float
    landmarks_most: float
    expression_most: float
    jitter_most: float
    lag_most: float
    seam_most: float
    grain_least: float
    grain_most: float
    flicker_most: float
    chatter_most: float
    leak_most: float
    altered_most: int
    lost_most: int
    missing_most: int
    duplicates_most: int


@dataclass(frozen=True, slots=True)
class QcJob:
    """Everything that measuring a finished shot needs to know.

    Attributes:
        name: the shot's name.
        plate: pattern of the plate.
        start: frame number of a movie's first frame, or of a still.
        colorspace: the plate's space, or None to find it out.
        ocio: path of an OCIO config, or None for $OCIO and then the built-in one.
        comp: pattern of the finished frames.
        actor: path of the actor file, or of a picture, or None: then identity is not measured.
        track: path of a solved track, or None to solve what is observed.
        official: released networks that analyse in the places of ours.
        matte_in: hand-made matte as ``FILE:LAYER`` that the comp was made with, or None.
        covers: whether that matte says what hides the face, and not what is seen of it.
        face: which face of the plate.
        frames: frames to measure, as in ``1001-1100x2``; None for all of the plate.
        layer_prefix: that the comp's layers bear.
        smoothing: of the solve.
        report: the HTML file to write; the JSON file stands beside it.
        overwrite: replace files that we did not write.
        limits: what is still good.
    """

    name: str
    plate: str
    start: int
    colorspace: str | None
    ocio: str | None
    comp: str
    actor: str | None
    track: str | None
    official: tuple[str, ...]
    matte_in: str | None
    covers: bool
    face: FaceChoice
    frames: str | None
    layer_prefix: str
    smoothing: float
    report: str
    overwrite: bool
    limits: Limits

    def to_json(self) -> str:
        """Return the job as JSON text, one line, keys sorted; `core.jobfile` reads it."""
        face = {"index": self.face.index, "at": self.face.at, "reference": self.face.reference}
        said = {key: value for key, value in face.items() if value is not None} or {"all": True}
        content = {**asdict(self), "face": said, "version": VERSION, "kind": KIND}
        return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def report_path(comp: str) -> str:
    """Return where the report of a comp stands when nobody says: ``<comp>.qc.html`` beside it.

    >>> report_path("renders/v003/sc042_0130.%04d.exr")
    'renders/v003/sc042_0130.qc.html'
    """
    return Path(comp).with_name(f"{base_name(comp)}.qc.html").as_posix()


def qc_of_render(
    job: Job, limits: Limits, *, comp: str = "", report: str = "", overwrite: bool = False
) -> QcJob:
    """Return the job that measures what a render wrote.

    Args:
        job: the render.
        limits: what is still good.
        comp: finished frames that stand elsewhere than the render's own output, or "".
        report: the HTML file, or "" for `report_path`.
        overwrite: replace files that we did not write.

    Raises:
        JobError: the render has frames of its own, which lie on no plate.
    """
    if job.task not in MEASURED:
        raise JobError(
            f"What {job.task} writes lies on no plate, and cannot be measured against one.",
            hint=f"Measure what {', '.join(MEASURED)} wrote.",
        )
    comp = comp or job.output
    return QcJob(
        name=job.name,
        plate=job.plate,
        start=job.start,
        colorspace=job.colorspace,
        ocio=job.ocio,
        comp=comp,
        actor=job.actor,
        track=job.track,
        official=job.official,
        matte_in=job.matte_in,
        covers=job.task == "complete",
        face=job.face,
        frames=job.frames,
        layer_prefix=job.layer_prefix,
        smoothing=job.knobs.smoothing,
        report=report or report_path(comp),
        overwrite=overwrite,
        limits=limits,
    )
