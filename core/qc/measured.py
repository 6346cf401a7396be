"""Measures a finished shot against its plate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceplate.core.actorfile import read_actor
from faceplate.core.analyse import AnalysisSettings, open_labeller
from faceplate.core.analysis.official import Seers
from faceplate.core.arrays import FloatArray
from faceplate.core.casting import SUFFIX
from faceplate.core.io.roto import open_roto
from faceplate.core.qc.seen import Pair, Seen, embedding_of, open_pair, see_shot
from faceplate.core.qc.verdict import Row, judge
from faceplate.core.qc.walk import FrameFacts, Walk
from faceplate.core.qcjob import QcJob
from faceplate.core.report import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a finished shot measures.

    Attributes:
        job: what was measured.
        pair: its plate and its comp.
        seen: what the analysis saw of them.
        facts: what each frame's pixels say.
        rows: every measure beside its limit.
        notes: sentences about what could not be measured.
    """

    job: QcJob
    pair: Pair
    seen: Seen
    facts: Sequence[FrameFacts]
    rows: Sequence[Row]
    notes: Sequence[str]

    @property
    def exceeded(self) -> list[str]:
        """Names of the limits that are passed."""
        return [row.knob for row in self.rows if row.is_passed]


def measure_shot(
    job: QcJob,
    *,
    progress: Callable[[Progress], None],
    threads: int,
    cache_folder: Path | None,
    models: Sequence[Path] = (),
    device: str = "cpu",
) -> Measured:
    """Measure a finished shot against its plate; nothing is written.

    Args:
        progress: called after every frame.
        threads: for the analysis.
        cache_folder: where observations are kept, or None: a plate that was rendered before is
            not observed again.
        models: folders of imported networks.
        device: what networks run on.

    Raises:
        FaceplateError: plate, comp, track, actor or weights will not do.
    """
    pair = open_pair(job)
    seers = Seers.of(job.official, models, device)
    settings = AnalysisSettings(job.smoothing, threads, cache_folder, embed=True, seers=seers)

    actor: FloatArray | None = None
    if job.actor is not None and job.actor.endswith(SUFFIX):
        actor = read_actor(Path(job.actor)).embedding
    elif job.actor is not None:
        actor = embedding_of(job.actor, pair.config, settings)

    def tell(stage: str, done: int, total: int) -> None:
        progress(Progress(stage, done, total))

    seen = see_shot(job, pair, settings, tell)
    roto = None if job.matte_in is None else open_roto(job.matte_in)
    walk = Walk(job, pair, seen, open_labeller(seers), roto)
    facts = walk.measured(lambda n, done, total: progress(Progress("measure", done, total, n)))
    aspect = pair.plate.read(pair.plate.frames.numbers[0]).pixel_aspect
    rows = judge(job.limits, pair, seen, facts, actor, aspect=aspect)
    notes = list(walk.notes)
    if job.face.every:
        notes.append("All faces were replaced; the largest one was measured.")
    return Measured(job, pair, seen, facts, rows, notes)
