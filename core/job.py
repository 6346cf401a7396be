"""What is to be done to a shot: `Job`, its JSON text, and the hash of what changes pixels."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import blake2b
from itertools import pairwise
from typing import Any, TypeAlias, overload

from faceplate.core.errors import JobError

VERSION = 3


@dataclass(frozen=True, slots=True)
class Keys:
    """A value that changes over the shot: linear between keys, held before and after.

    Attributes:
        points: (frame, value), frames ascending, at least one.

    >>> curve = Keys(((1001, 0.0), (1011, 1.0)))
    >>> curve.at(990), curve.at(1006), curve.at(2000)
    (0.0, 0.5, 1.0)
    """

    points: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        """Check that the frames ascend."""
        if not self.points or any(a[0] >= b[0] for a, b in pairwise(self.points)):
            raise JobError(
                f"Keys {self.points!r} need at least one frame, each frame once, in order.",
                hint="Write keys as { 1001 = 0.0, 1010 = 1.0 }.",
            )

    @classmethod
    def from_mapping(cls, keys: Mapping[int, float]) -> Keys:
        """Return the curve through ``keys``, whatever their order."""
        return cls(tuple((frame, float(keys[frame])) for frame in sorted(keys)))

    def at(self, frame: int) -> float:
        """Return the value at a frame."""
        if frame <= self.points[0][0]:
            return self.points[0][1]
        for (before, low), (after, high) in pairwise(self.points):
            if frame <= after:
                part = (frame - before) / (after - before)
                return low * (1.0 - part) + high * part
        return self.points[-1][1]


Number: TypeAlias = float | Keys
"""A number, or keys."""
Choice: TypeAlias = float | str | Keys
"""A number, keys, or a word such as "auto"."""


@overload
def value_at(knob: Number, frame: int) -> float: ...
@overload
def value_at(knob: Choice, frame: int) -> float | str: ...
def value_at(knob: Choice, frame: int) -> float | str:
    """Return a knob's value at a frame.

    >>> value_at(0.5, 1001), value_at("auto", 1001)
    (0.5, 'auto')
    """
    return knob.at(frame) if isinstance(knob, Keys) else knob


@dataclass(frozen=True, slots=True)
class Knobs:
    """Every knob that the passes read, by the names that the nodes give them."""

    method: str
    weights: str
    mix: Number
    shape: Number
    expression: Number
    pose: str
    views: int
    steps: int
    eyes: str
    mouth: str
    erode: Number
    feather: Number
    light: Number
    seam: Number
    sharpness: Choice
    motion_blur: Choice
    grain: Number
    confidence: Number
    smoothing: float


@dataclass(frozen=True, slots=True)
class FaceChoice:
    """Which face of the plate; exactly one of the four is said.

    Attributes:
        index: number of the face, 0 for the largest of the shot.
        at: a point in the face, display-window pixels from the top left.
        reference: a picture of the person.
        every: all faces.
    """

    index: int | None = None
    at: tuple[float, float] | None = None
    reference: str | None = None
    every: bool = False

    def __post_init__(self) -> None:
        """Check that one way of choosing is said."""
        said = [self.index is not None, self.at is not None, self.reference is not None, self.every]
        if sum(said) != 1:
            raise JobError(
                "A face is chosen in exactly one way.",
                hint="Give one of --face, --face-at and --reference.",
            )


@dataclass(frozen=True, slots=True)
class Finetune:
    """How networks are taught an actor's face before they draw it.

    Attributes:
        samples: pairs of the actor's views that are drawn.
        seed: of the pairs.
    """

    samples: int
    seed: int


TRAIN = "train"
"""The task of a job that teaches networks an actor, and has no plate and writes no frames."""

TASKS = ("swap", "complete", "reenact", "blend")
"""What may become of a face: another one's in its place; what covers it taken away; an actor
driven by it, on frames of their own; a hand-made face laid over it."""


UNUSED_KNOBS: Mapping[str, tuple[str, ...]] = {
    "swap": (),
    "complete": (),
    "reenact": ("mix", "erode", "feather", "light", "seam", "sharpness", "motion_blur", "grain"),
    "blend": (
        *("method", "weights", "shape", "expression", "pose", "views", "steps", "eyes", "mouth"),
        *("erode", "feather"),
    ),
}
"""Knobs that have nothing to do in a task, and that its command does not offer."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a render needs to know, complete: no default is left to whoever reads it.

    Attributes:
        name: the shot's name, which consent and the log go by.
        plate: pattern of the plate.
        start: frame number of a movie's first frame, or of a still.
        colorspace: the plate's space, or None to find it out.
        ocio: path of an OCIO config, or None for $OCIO and then the built-in one.
        actor: path of the actor file; None makes mattes only.
        track: path of a solved track, or None to analyse.
        official: released networks that analyse in the places of ours: of "dsfd", "hrnet",
            "hopenet", "segmenter".
        matte_in: hand-made matte as ``FILE:LAYER``, or None; it wins over the network's.
        task: swap, complete, reenact or blend, see `TASKS`; or `TRAIN`.
        element: hand-made face as ``FILE:LAYER``, for the task blend.
        finetune: how the method fsgan's reenactment is first taught the actor's own views, or None.
        face: which face of the plate.
        frames: frames to render, as in ``1001-1100x2``; None for all of the plate.
        output: pattern of the frames to write.
        layers: of "comp", "face", "raw", "matte", "st", "motion", "confidence".
        layer_prefix: put before the names of our layers.
        compression: of the EXR frames.
        knobs: the nodes' knobs.
        policy: what a frame without a usable face gets: pass, hold or fail.
        missing: what a plate frame that is not there gets: error, skip or slate.
        seed: of everything random.
        draft: burn a mark in; needs no consent.
        lossy: allow lossy compression, which gives plate-exactness up.
        overwrite: replace files that we did not write.
        contact_sheet: write ``<comp>.contact.png``.
    """

    name: str
    plate: str
    start: int
    colorspace: str | None
    ocio: str | None
    actor: str | None
    track: str | None
    official: tuple[str, ...]
    matte_in: str | None
    task: str
    element: str | None
    finetune: Finetune | None
    face: FaceChoice
    frames: str | None
    output: str
    layers: tuple[str, ...]
    layer_prefix: str
    compression: str
    knobs: Knobs
    policy: str
    missing: str
    seed: int
    draft: bool
    lossy: bool
    overwrite: bool
    contact_sheet: bool

    def to_json(self) -> str:
        """Return the job as JSON text, one line, keys sorted; `core.jobfile` reads it."""
        return _canonical({"version": VERSION, **_plain(self)})


# These say where things are and what may be done, not what a frame looks like; the files
# behind the paths count by their digests.
_NOT_PIXELS = frozenset(
    {
        "plate",
        "ocio",
        "actor",
        "track",
        "official",
        "matte_in",
        "element",
        "frames",
        "output",
        "overwrite",
        "contact_sheet",
    }
)


def job_hash(
    job: Job,
    *,
    pixel_version: int,
    models: Mapping[str, str],
    track_digest: str,
    actor_digest: str,
    plate_digest: str,
    config_id: str = "",
) -> str:
    """Return a hash of all that decides what the frames of a job look like.

    A frame that bears this hash need not be rendered again. Give the face by index when the track
    is known, so that the hash does not go by the path of a reference picture.

    Args:
        job: the job; its output, range, permissions and paths do not count.
        pixel_version: grows whenever the engine's pixels change.
        models: model name to the hash of its weights.
        track_digest: hash of the solved track.
        actor_digest: hash of the actor's content.
        plate_digest: hash of the plate's content.
        config_id: cache id of the OCIO config.

    Returns:
        32 hexadecimal digits.
    """
    content = {
        "job": {key: value for key, value in _plain(job).items() if key not in _NOT_PIXELS},
        "pixel_version": pixel_version,
        "models": dict(models),
        "digests": [track_digest, actor_digest, plate_digest, config_id],
    }
    return blake2b(_canonical(content).encode(), digest_size=16).hexdigest()


def _canonical(content: object) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    """Return a value of ours as JSON has it; equal numbers give equal text."""
    if isinstance(value, Keys):
        return {str(frame): point for frame, point in value.points}
    if isinstance(value, FaceChoice):
        said = {"index": value.index, "at": value.at, "reference": value.reference}
        found = {key: _plain(choice) for key, choice in said.items() if choice is not None}
        return found or {"all": True}
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
