"""What a shot's measures come to, beside their limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from faceplate.core.analysis.identity import identity_distance
from faceplate.core.arrays import FloatArray
from faceplate.core.face import FaceObservation
from faceplate.core.qc.faces import (
    expression_error,
    grain_ratio,
    landmark_error,
    pose_error,
    square_points,
)
from faceplate.core.qc.seen import Pair, Seen
from faceplate.core.qc.series import drift, high, jitter, lag, middle, root_mean_square
from faceplate.core.qc.walk import FrameFacts
from faceplate.core.qcjob import Limits

Series = Mapping[int, float]
"""Frame to value."""
Pairs = Mapping[int, tuple[FaceObservation, FaceObservation]]
"""Frame to the face in the comp and in the plate."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measure of a shot beside its limit.

    Attributes:
        knob: of `FaceQC`, whose value the limit is.
        title: what is measured, for a person.
        unit: of value and limit, or "".
        value: what stands for the shot, or None where it could not be told.
        limit: what is still good.
        means: how the value comes from the frames.
        series: every frame's own value, where there is one.
        note: why there is no value, or what else to know.
        frames: frame numbers that are named as such.
    """

    knob: str
    title: str
    unit: str
    value: float | None
    limit: float
    means: str
    series: Series = field(default_factory=dict)
    note: str = ""
    frames: tuple[int, ...] = ()

    @property
    def is_least(self) -> bool:
        """Whether the limit is the smallest good value, and not the largest."""
        return self.knob.endswith("_least")

    @property
    def is_passed(self) -> bool:
        """Whether the limit is passed: the value is not good."""
        if self.value is None:
            return False
        return self.value < self.limit if self.is_least else self.value > self.limit

    @property
    def worst(self) -> int | None:
        """The frame whose value is the worst, or None."""
        pick: Callable[..., int] = min if self.is_least else max
        return pick(self.series, key=lambda n: self.series[n]) if self.series else None

    def badness(self, number: int) -> float:
        """Return how far a frame's value goes to the limit: above 1 it is past it."""
        value = self.series.get(number)
        if value is None:
            return 0.0
        low, high = (value, self.limit) if self.is_least else (self.limit, value)
        return high / low if low > 0 else float(high > 0)


def judge(
    limits: Limits,
    pair: Pair,
    seen: Seen,
    facts: Sequence[FrameFacts],
    actor: FloatArray | None,
    *,
    aspect: float,
) -> list[Row]:
    """Return every measure of a shot.

    Args:
        limits: what is still good.
        pair: plate and comp.
        seen: what the analysis saw of them.
        facts: what the walk measured.
        actor: (128,) identity vector, or None where there is no actor.
        aspect: width of a pixel divided by its height.
    """
    faces = {
        f.number: (seen.comp[f.number], seen.plate[f.number])
        for f in facts
        if is_clear(f, seen) and f.number in seen.comp
    }
    few = "" if faces else "No frame shows a face clearly in plate and comp."
    rows = [*_identity(limits, faces, actor)]

    def add(
        knob: str,
        title: str,
        unit: str,
        series: Series,
        whole: Callable[[Series], float | None],
        means: str,
        note: str = "",
    ) -> None:
        limit = float(getattr(limits, knob))
        rows.append(Row(knob, title, unit, whole(series), limit, means, series, note))

    for knob, title, unit, measure in (
        ("pose_most", "head-pose error", "degrees", pose_error),
        ("landmarks_most", "landmark error", "% of eye distance", landmark_error),
        ("expression_most", "expression error", "coefficients", expression_error),
    ):
        series = {n: measure(*pair_of) for n, pair_of in faces.items()}
        add(knob, title, unit, series, high, _HIGH, few)
    rows += _movement(limits, seen, faces, aspect)
    seams = _series(facts, lambda f: f.seam)
    add("seam_most", "seam", "stops", seams, high, _HIGH, "" if seams else _NO_EDGE)
    ratios = {n: r for n, two in faces.items() if (r := grain_ratio(*two)) is not None}
    note = few or ("" if ratios else "The plate's face shows no grain.")
    add("grain_least", "grain, at least", "x plate", ratios, middle, _MEDIAN, note)
    add("grain_most", "grain, at most", "x plate", ratios, middle, _MEDIAN, note)
    flickers = _series(facts, lambda f: f.flicker)
    note = "" if flickers else _NO_THREE
    add("flicker_most", "flicker", "stops", flickers, root_mean_square, _RMS, note)
    chatters = _series(facts, lambda f: f.chatter)
    note = "" if chatters else "The comp does not tell its matte." if flickers else _NO_THREE
    add("chatter_most", "matte chatter", "% of the matte", chatters, high, _HIGH, note)
    leaks = _series(facts, lambda f: f.leak)
    note = "" if leaks else "Nothing covers the face."
    add("leak_most", "occluder leak", "% of what covers", leaks, high, _HIGH, note)
    return rows + _counts(limits, pair, seen, facts)


def is_clear(facts: FrameFacts, seen: Seen) -> bool:
    """Return whether a frame has a new face, and the plate's can be seen well enough to compare.

    A face that is more than a quarter covered, or that the analysis doubts, is a guess in plate
    and comp alike: two guesses are no measure.
    """
    plate = seen.plate.get(facts.number)
    if facts.reason or plate is None:
        return False
    return facts.covered <= _MOST_COVERED and plate.confidence >= _SURE


JITTER_HEIGHT_PX = 400.0
"""Face height that jitter is told at: the analysis' own noise grows with the face."""
_MOST_COVERED, _SURE = 0.25, 0.6
_HIGH = "one frame in twenty is above this"
_MEDIAN = "median of the frames"
_RMS = "root mean square of the frames"
_SUM = "sum over the frames"
_NO_EDGE = "No frame has a matte with an edge on the face."
_NO_THREE = "No three frames in a row have a new face."


def _series(facts: Sequence[FrameFacts], take: Callable[[FrameFacts], float | None]) -> Series:
    return {f.number: value for f in facts if (value := take(f)) is not None}


def _identity(
    limits: Limits,
    faces: Pairs,
    actor: FloatArray | None,
) -> list[Row]:
    note, had = "", ""
    series: dict[int, float] = {}
    if actor is None:
        note = "No actor was named."
    elif not actor.any():
        note = "The actor has no identity vector."
    else:
        series = {n: identity_distance(c.embedding, actor) for n, (c, _) in faces.items()}
        plate = middle({n: identity_distance(p.embedding, actor) for n, (_, p) in faces.items()})
        had = "" if plate is None else f"The plate's own face is at {plate:.2f}."
    wander, running = drift(series)
    short = "" if wander is not None else note or "The shot has less than nine frames with a face."
    unit = "distance"
    return [
        Row(
            "identity_most",
            "distance to the actor",
            unit,
            middle(series),
            limits.identity_most,
            f"{_MEDIAN}; below 0.6 dlib calls two faces one person",
            series,
            note or had,
        ),
        Row(
            "drift_most",
            "drift of the identity",
            unit,
            wander,
            limits.drift_most,
            "highest less lowest median of nine frames",
            running,
            short,
        ),
    ]


def _movement(limits: Limits, seen: Seen, faces: Pairs, aspect: float) -> list[Row]:
    """Return jitter and lag."""
    comp, plate = ({n: two[side] for n, two in faces.items()} for side in (0, 1))
    shakes: dict[int, float] = {}
    heights = {n: o.height / JITTER_HEIGHT_PX for n, o in plate.items()}
    late: float | None = None
    if seen.face is not None:
        points = [{n: square_points(o, aspect) for n, o in part.items()} for part in (comp, plate)]
        found = jitter(points[0], points[1], seen.face)
        shakes = {n: pixels / heights[n] for n, pixels in found.items()}
        late = lag(comp, plate, seen.face)
    note = "" if late is None else f"The comp is {'late' if late > 0 else 'early'}: {late:+.2f}."
    return [
        Row(
            "jitter_most",
            "jitter",
            "px at 400 px face height",
            root_mean_square(shakes),
            limits.jitter_most,
            _RMS,
            shakes,
            "" if shakes else _NO_THREE,
        ),
        Row(
            "lag_most",
            "lag",
            "frames",
            None if late is None else abs(late),
            limits.lag_most,
            "where the movements of comp and plate are most alike",
            {},
            note or "Too little moves, or too few frames, to tell.",
        ),
    ]


def _counts(limits: Limits, pair: Pair, seen: Seen, facts: Sequence[FrameFacts]) -> list[Row]:
    """Return what is counted: altered pixels, lost faces, missing and repeated frames."""
    altered = {f.number: float(f.altered.pixels) for f in facts if f.altered is not None}
    reasons = {f.altered.reason: None for f in facts if f.altered is not None if f.altered.reason}
    bad = tuple(n for n, count in altered.items() if count)
    lost = tuple(f.number for f in facts if is_clear(f, seen) if f.number not in seen.comp)
    gone = tuple(sorted({*pair.missing, *pair.broken}))
    broken = "; ".join(f"{n} {why}" for n, why in pair.broken.items())
    again = tuple(f.number for f in facts if f.repeats)

    def row(
        knob: str,
        title: str,
        value: float | None,
        means: str,
        note: str,
        frames: tuple[int, ...],
        series: Series,
    ) -> Row:
        limit = float(getattr(limits, knob))
        return Row(knob, title, "", value, limit, means, series, note, frames)

    return [
        row(
            "altered_most",
            "pixels altered outside the matte",
            sum(altered.values()) if altered else None,
            f"{_SUM}; bits of any channel of the plate",
            "; ".join(reasons) if altered else "It was not looked at.",
            bad,
            altered,
        ),
        row(
            "lost_most",
            "faces lost",
            float(len(lost)),
            "frames in which the comp shows no face where the plate does so clearly",
            "",
            lost,
            {},
        ),
        row(
            "missing_most",
            "missing frames",
            float(len(gone)),
            "frames of the plate that the comp lacks, or that cannot be read",
            broken,
            gone,
            {},
        ),
        row(
            "duplicates_most",
            "duplicate frames",
            float(len(again)),
            "frames that show the one before again while the plate goes on",
            "",
            again,
            {},
        ),
    ]
