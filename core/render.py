"""The render pass: job in, turnover frames out; any subset of frames gives the same bytes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import numpy as np

from faceplate.core.analyse import (
    AnalysisSettings,
    analyse_shot,
    analysis_cards,
    open_labeller,
)
from faceplate.core.analysis.official import Seers
from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.behind import WriteBehind
from faceplate.core.card import ModelCard
from faceplate.core.choose import chosen_tracks
from faceplate.core.consent import Revocations
from faceplate.core.contact import write_contact
from faceplate.core.driving import crop_frame, drive_face
from faceplate.core.errors import TrackError
from faceplate.core.face import FaceObservation
from faceplate.core.firstversion import FIRST, FirstFaces, open_first
from faceplate.core.footage import frame_path
from faceplate.core.frame import Frame, Window
from faceplate.core.fsgan import NetworkFaces
from faceplate.core.fsganshot import check_generators, networks_of
from faceplate.core.handmade import lay_element
from faceplate.core.inputs import Inputs, open_inputs
from faceplate.core.io.atomic import sweep_temps
from faceplate.core.io.cache import key_of
from faceplate.core.io.element import ElementReader, open_element
from faceplate.core.io.exr import write_frame
from faceplate.core.io.footage import FootageReader, open_footage
from faceplate.core.io.roto import RotoReader, open_roto
from faceplate.core.io.tracks import read_track, track_digest
from faceplate.core.job import FaceChoice, Job, job_hash, value_at
from faceplate.core.labels import FaceLabels, RecentFrames
from faceplate.core.layers import Placed, turnover_channels
from faceplate.core.mark import DRAFT, burn
from faceplate.core.output import (
    ACTOR_ATTRIBUTE,
    CONSENT_ATTRIBUTE,
    JOB_ATTRIBUTE,
    finished_job,
    finished_reason,
    header_entries,
)
from faceplate.core.ownframes import actor_of_plate
from faceplate.core.provenance import frame_attributes, shot_attributes
from faceplate.core.replace import (
    REENACTING,
    Cast,
    Element,
    Look,
    Reenacted,
    blend_face,
    cast_of,
    reenact_face,
)
from faceplate.core.report import Progress, Summary
from faceplate.core.source import Actor
from faceplate.core.stagecache import StageCache
from faceplate.core.stages import composite
from faceplate.core.stages.segment import Labels
from faceplate.core.track import FaceTrack, ShotTrack
from faceplate.ocio.config import ColorConfig
from faceplate.ocio.network import NetworkView

PIXEL_VERSION = 1
"""Raised whenever the same job would give other pixels; part of the job hash."""


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What became of one frame: replaced, or untouched because of ``reason``."""

    number: int
    replaced: bool
    reason: str
    seconds: Mapping[str, float]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A job with everything open that its frames need.

    Attributes:
        job: what is to be done.
        reader: the plate.
        view: the plate's way to linear Rec.709 and to codes, at the shot's gain.
        track: the solved shot.
        casts: the faces to replace, or to cut mattes of; empty when the plate has none.
        recent: reads the plate and remembers its last frames.
        labels: says what the pixels around a face show.
        roto: a hand-made matte that wins over the labels, or None.
        element: a hand-made face that is laid into the plate, or None.
        networks: draw the faces; None where they are warped, or somebody made them.
        first: FSGAN's first version, which draws expressions in the place of ``networks``, or None.
        actor: the source, or None where only mattes are made.
        cards: the networks that the shot's analysis and its render go through.
        solved: hash of the track.
        config_id: of the colour configuration.
        device: what its networks run on.
        stages: keeps what the stages before the blend made, or None; frames are the same.
        digest: the job hash, without the frame.
        attributes: header entries that are the same on every frame.
    """

    job: Job
    reader: FootageReader
    view: NetworkView
    track: ShotTrack
    casts: tuple[Cast, ...]
    recent: RecentFrames
    labels: FaceLabels
    roto: RotoReader | None
    element: ElementReader | None
    networks: NetworkFaces | None
    first: FirstFaces | None
    actor: Actor | None
    cards: tuple[ModelCard, ...]
    solved: str
    config_id: str
    device: str
    stages: StageCache | None
    digest: str
    attributes: Mapping[str, str]

    @property
    def has_faces(self) -> bool:
        """Whether there is a face to put in; else mattes alone are made."""
        return self.actor is not None or self.element is not None

    def drawn_by(self, number: int) -> str:
        """Return the hash of what people drew for a frame."""
        return "".join(drawn.digest(number) for drawn in (self.roto, self.element) if drawn)

    def frame_job(self, number: int) -> str:
        """Return the hash that a finished frame bears: the job, and the plate's own frame."""
        plate = self.reader.digest(number) if number in self.reader.frames.numbers else "missing"
        text = f"{self.digest}:{number}:{plate}:{self.drawn_by(number)}"
        return blake2b(text.encode(), digest_size=16).hexdigest()


def render_shot(
    job: Job,
    *,
    progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    threads: int,
    cache_folder: Path | None,
    revocations: Revocations,
    today: date,
    begin: Callable[[int], None] = lambda _: None,
    models: Sequence[Path] = (),
    device: str = "cpu",
    opener: Opener | None = None,
) -> Summary:
    """Analyse a plate, replace the faces, write the frames that are not there yet.

    Args:
        should_stop: asked between frames; the frame in hand is always finished.
        threads: for the analysis; from two on, a frame is written while the next is made.
        today: the day by which consent is judged.
        begin: told the number of a frame that is about to be made.
        models: folders of imported networks.
        device: what networks run on, "cpu" or "cuda".
        opener: opens the shot; None for `open_job`, with nothing kept from before.

    Raises:
        FaceplateError: nothing, or some whole frames, have been written.
    """
    began = time.perf_counter()
    opener = opener or partial(
        open_job, threads=threads, cache_folder=cache_folder, models=models, device=device
    )
    inputs, shot = opener(job, progress=progress, revocations=revocations, today=today)
    numbers, absent = inputs.numbers, inputs.absent
    analysed = time.perf_counter()
    Path(job.output).parent.mkdir(parents=True, exist_ok=True)
    sweep_temps(Path(job.output).parent)
    tally = _Tally(len(numbers))
    tally.warnings |= dict.fromkeys(_warnings(shot))
    with WriteBehind(behind=threads > 1) as writing:
        for number in numbers:
            if should_stop():
                tally.stopped = True
                break
            if number in absent and job.missing == "skip":
                writing.settle()
                result = FrameResult(number, False, "plate frame missing", {})
                progress(tally.add(result, resumed=False, written=False))
                continue
            path = frame_path(job.output, number)
            wanted = shot.frame_job(number)
            if finished_job(path, overwrite=job.overwrite) == wanted:
                writing.settle()
                result = FrameResult(number, False, finished_reason(path), {})
                progress(tally.add(result, resumed=True))
                continue
            started = time.perf_counter()
            begin(number)
            frame, result = render_frame(shot, number)
            header = {**frame.header, JOB_ATTRIBUTE: wanted}
            seconds = {**result.seconds, "render": time.perf_counter() - started}
            result = replace(result, seconds=seconds)
            writing.begin(
                partial(
                    write_frame, path, replace(frame, header=header), compression=job.compression
                ),
                partial(tally.written, progress, result),
            )
    if job.contact_sheet and shot.has_faces and job.task != "reenact":
        sheet = write_contact(job, inputs.reader, inputs.config, list(numbers))
        tally.outputs += [str(sheet)] if sheet else []
    return tally.summary(shot, {"analyse": analysed - began, "whole": time.perf_counter() - began})


class _Tally:
    """Counts what became of the frames."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = self.replaced = self.resumed = 0
        self.untouched: Counter[str] = Counter()
        self.warnings: dict[str, None] = {}
        self.seconds: Counter[str] = Counter()
        self.stopped = False
        self.outputs: list[str] = []

    def add(self, result: FrameResult, *, resumed: bool, written: bool = True) -> Progress:
        """Count one frame and say so."""
        self.done += written
        self.resumed += resumed
        self.replaced += result.replaced
        if result.reason:
            self.untouched[result.reason] += 1
        self.warnings |= dict.fromkeys(result.warnings)
        self.seconds.update(result.seconds)
        return Progress(
            "render",
            self.done,
            self.total,
            result.number,
            result.replaced,
            result.reason,
            resumed,
            result.warnings,
        )

    def written(
        self, progress: Callable[[Progress], None], result: FrameResult, seconds: float
    ) -> None:
        """Count a frame whose writing took ``seconds``, and say so."""
        result = replace(result, seconds={**result.seconds, "write": seconds})
        progress(self.add(result, resumed=False))

    def summary(self, shot: Shot, seconds: Mapping[str, float]) -> Summary:
        """Return the count of the whole pass."""
        job = shot.job
        failed = ""
        if job.policy == "fail" and self.untouched:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.untouched.items())
            failed = f"Frames are untouched and the policy is fail: {reasons}."
        return Summary(
            frames=self.total,
            done=self.done,
            replaced=self.replaced,
            resumed=self.resumed,
            untouched=dict(self.untouched),
            warnings=tuple(self.warnings),
            seconds={**self.seconds, **seconds},
            outputs=(job.output, *self.outputs),
            stopped=self.stopped,
            failed=failed,
            shot=job.name,
            job=shot.digest,
            device=shot.device,
        )


class Opener(Protocol):
    """Finds, analyses and opens what a job needs."""

    def __call__(
        self,
        job: Job,
        *,
        progress: Callable[[Progress], None],
        revocations: Revocations,
        today: date,
    ) -> tuple[Inputs, Shot]:
        """Return what the job reads, and its shot."""


def open_job(
    job: Job,
    *,
    progress: Callable[[Progress], None],
    revocations: Revocations,
    today: date,
    threads: int,
    cache_folder: Path | None,
    models: Sequence[Path] = (),
    device: str = "cpu",
) -> tuple[Inputs, Shot]:
    """Find what a job reads, refuse what it may not do, analyse its plate, open its shot.

    Raises:
        FaceplateError: nothing has been written.
    """
    inputs = open_inputs(job, revocations=revocations, today=today)
    shot = shot_of(
        job,
        inputs,
        progress=progress,
        threads=threads,
        cache_folder=cache_folder,
        models=models,
        device=device,
    )
    return inputs, shot


def shot_of(
    job: Job,
    inputs: Inputs,
    *,
    progress: Callable[[Progress], None],
    threads: int,
    cache_folder: Path | None,
    models: Sequence[Path] = (),
    device: str = "cpu",
) -> Shot:
    """Analyse the plate of a job, or read its track, and open its shot.

    Raises:
        FaceplateError: nothing has been written.
    """
    if job.knobs.method == "fsgan":  # before the work
        check_generators(job, models)
    seers = Seers.of(job.official, models, device)
    settings = AnalysisSettings(job.knobs.smoothing, threads, cache_folder, embed=True, seers=seers)
    track = track_of(job, inputs, settings, progress)
    return open_shot(
        job, inputs.reader, inputs.config, track, inputs.actor, settings, progress=progress
    )


def open_shot(
    job: Job,
    reader: FootageReader,
    config: ColorConfig,
    track: ShotTrack,
    actor: Actor | None,
    settings: AnalysisSettings,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Shot:
    """Open everything that the frames of a job need.

    Args:
        progress: told of every step where networks are taught the actor.

    Raises:
        TrackError: the plate has not the face that the job means.
        ModelError: weights are missing or altered.
    """
    view = NetworkView(config, reader.space, track.gain)

    def embedding_of(path: str) -> FloatArray:
        picture = analyse_shot(open_footage(path, config), config, settings)
        if not picture.tracks:
            raise TrackError(f"{path} shows no face.", hint="Give a clearer reference picture.")
        return next(iter(picture.tracks[0].observations.values())).embedding

    tracks = chosen_tracks(track, job.face, embedding_of)
    labeller = open_labeller(settings.seers)
    segmenter = labeller.network
    recent = RecentFrames(reader)
    labels = FaceLabels(recent, view, labeller)
    roto = None if job.matte_in is None else open_roto(job.matte_in)
    completes = job.task == "complete"
    if completes and actor is None and tracks:
        actor = actor_of_plate(reader, config, tracks[0], roto, settings)
    encode = view.shaper.encode
    casts = tuple(cast_of(actor, one, encode, job.seed, completes=completes) for one in tracks)
    networks, first = None, None
    if job.knobs.method == "fsgan" and actor is not None and casts:
        sources = casts[0].sources
        if job.knobs.weights == FIRST:
            first = open_first(
                settings.seers.folders,
                sources,
                view.shaper.encode,
                threads=settings.threads,
                device=settings.seers.device,
            )
        else:
            networks = networks_of(job, actor, sources, view.shaper, segmenter, settings, progress)
    shot = Shot(
        job=job,
        reader=reader,
        view=view,
        track=track,
        casts=casts,
        recent=recent,
        labels=labels,
        roto=roto,
        element=None if job.element is None else open_element(job.element),
        networks=networks,
        first=first,
        actor=actor,
        cards=(segmenter.card, *analysis_cards(settings.seers)),
        solved=track_digest(track),
        config_id=config.cache_id,
        device=settings.seers.device,
        stages=None,
        digest="",
        attributes={},
    )
    return with_job(shot, job)


def with_job(shot: Shot, job: Job) -> Shot:
    """Return a shot with another job of the same inputs: other knobs, layers, permissions.

    Args:
        job: differs from the shot's in nothing that `open_shot` opens: plate, colour, actor,
            track, face, seed and smoothing are the same.
    """
    face = _by_index(job.face, [cast.track for cast in shot.casts])
    drawn = () if shot.networks is None else shot.networks.generators.cards
    drawn = drawn if shot.first is None else shot.first.cards
    drawing = tuple(card for card in drawn if card not in shot.cards)
    digest = job_hash(
        replace(job, face=face),
        pixel_version=PIXEL_VERSION,
        models={card.name: card.sha256 for card in (shot.cards[0], *drawing)},
        track_digest=shot.solved,
        actor_digest="" if shot.actor is None else shot.actor.digest,
        plate_digest=shot.track.plate_hash,
        config_id=shot.config_id,
    )
    attributes = shot_attributes(
        job,
        face,
        shot.actor,
        (*shot.cards, *drawing),
        track_digest=shot.solved,
        pixel_version=PIXEL_VERSION,
        device=shot.device,
    )
    if shot.networks is not None and shot.networks.taught:
        attributes["faceplate/finetune"] = shot.networks.taught
    attributes["faceplate/hash"] = digest
    return replace(shot, job=job, digest=digest, attributes=attributes)


def _by_index(choice: FaceChoice, tracks: Sequence[FaceTrack]) -> FaceChoice:
    """Say a choice by number, so that the hash does not go by how the face was found."""
    return FaceChoice(index=tracks[0].index) if tracks and not choice.every else choice


def render_frame(shot: Shot, number: int) -> tuple[Frame, FrameResult]:
    """Return one turnover frame and what became of it; depends on nothing but its arguments."""
    if shot.job.task == "reenact":
        return _driven_frame(shot, number)
    job, seconds = shot.job, {}
    start = time.perf_counter()
    frame, missing = _plate_frame(shot, number)
    seconds["read"] = time.perf_counter() - start
    start = time.perf_counter()
    placed: list[Placed] = []
    face: FloatArray | None = None
    comp = frame
    reasons: list[str] = []
    wanted = value_at(job.knobs.mix, number) > 0 or not shot.has_faces
    for cast in shot.casts if not missing else ():
        found, reason = _usable(cast.track, number, job)
        if found is None:
            reasons.append(reason)
            continue
        element = _element(shot, cast, frame, found)
        if element is None:
            reasons.append("element empty" if shot.element else "face outside the picture")
            continue
        if wanted and not element.matte.astype(np.float16).any():
            reasons.append("nothing hidden" if job.task == "complete" else "face hidden")
        comp, face = _laid_over(comp, element, face, shot.view)
        placed.append(Placed(element, found, _following(cast.track, found, number)))
    if not shot.casts and not missing:
        reasons.append("no face")
    channels = turnover_channels(frame, comp.channels, job.layers, job.layer_prefix, placed, face)
    if job.draft or missing:
        text = f"{job.name} {number} PLATE FRAME MISSING" if missing else DRAFT
        channels = _marked(replace(frame, channels=channels), text)
    seconds["face"] = time.perf_counter() - start
    is_seen = len(reasons) < len(shot.casts)
    reason = "plate frame missing" if missing else "" if is_seen else reasons[0]
    replaced = is_seen and not missing and wanted and shot.has_faces
    weights = [one.element.warped.weights for one in placed]
    header = {**frame.header, **shot.attributes}
    header |= frame_attributes(job.task, weights, shot.actor, reason, replaced=replaced)
    if shot.element is not None and replaced:
        path = shot.element.footage.path(placed[0].seen.number)
        said = header_entries(path, (ACTOR_ATTRIBUTE, CONSENT_ATTRIBUTE))
        header |= {name: text for name, text in said.items() if text}
    result = FrameResult(number, replaced, reason, seconds)
    return replace(frame, channels=channels, header=header), result


def _driven_frame(shot: Shot, number: int) -> tuple[Frame, FrameResult]:
    """Return a frame of an actor whom the plate drives, and what became of it."""
    job, cast = shot.job, shot.casts[0] if shot.casts else None
    start = time.perf_counter()
    missing, driven = not shot.recent.has(number), None
    reason = "plate frame missing" if missing else "no face"
    if cast is not None and not missing:
        found, reason = _usable(cast.track, number, job)
        if found is not None:
            performance = shot.recent.read(found.number)
            look, networks = look_at(job, found.number), shot.first or shot.networks
            driven = drive_face(performance, found, cast, shot.view.shaper, look, networks)
    frame = crop_frame(number, driven)
    if job.draft or missing:
        text = f"{job.name} {number} PLATE FRAME MISSING" if missing else DRAFT
        frame = replace(frame, channels=_marked(frame, text))
    weights = [] if driven is None else [driven.weights]
    replaced = driven is not None
    header = {**frame.header, **shot.attributes}
    header |= frame_attributes(job.task, weights, shot.actor, reason, replaced=replaced)
    result = FrameResult(number, replaced, reason, {"face": time.perf_counter() - start})
    return replace(frame, header=header), result


def _plate_frame(shot: Shot, number: int) -> tuple[Frame, bool]:
    """Return the plate's frame, or a black one of its neighbour's size, and whether it is so."""
    if shot.recent.has(number):
        return shot.recent.read(number), False
    nearest = min(shot.reader.frames, key=lambda n: (abs(n - number), n))
    model = shot.reader.read(nearest)
    black = {name: np.zeros_like(plane) for name, plane in model.channels.items()}
    return replace(model, number=number, channels=black), True


def _warnings(shot: Shot) -> list[str]:
    """Say where the actor has less than the face to be filled, and what networks were taught."""
    said = []
    for cast in shot.casts:
        wanted = max(o.height for o in cast.track.observations.values())
        if cast.actor is not None and cast.actor.face_height < 0.9 * wanted:
            said.append(
                f"The plate's face {cast.track.index} is up to {wanted:.0f} px high and the "
                f"actor's largest view {cast.actor.face_height:.0f} px: the result will be soft."
            )
    if shot.networks is not None and shot.networks.taught:
        said.append(f"The reenactment was fine-tuned: {shot.networks.taught}.")
    return said


def _usable(track: FaceTrack, number: int, job: Job) -> tuple[FaceObservation | None, str]:
    """Return the face to replace in a frame, or None and why not.

    `hold` keeps the last one of the same camera set-up.
    """
    limit = float(value_at(job.knobs.confidence, number))
    found = track.at(number)
    reason = "no face" if found is None else "below confidence"
    if found is not None and found.confidence >= limit:
        return found, ""
    if job.policy == "hold":
        earlier = [
            seen
            for n, seen in track.observations.items()
            if n < number and seen.confidence >= limit and not track.is_cut_between(n, number)
        ]
        if earlier:
            return earlier[-1], ""
    return None, reason


def _element(shot: Shot, cast: Cast, frame: Frame, found: FaceObservation) -> Element | None:
    """Return the new face; a held one is made on its own frame and kept as it was there."""
    own = frame if found.number == frame.number else shot.recent.read(found.number)

    def label(window: Window, linear: FloatArray) -> Labels:
        labels = shot.labels.of(cast.track, found, window, linear)
        if shot.roto is None:
            return labels
        coverage = shot.roto.coverage(found.number, window, own.display)
        return labels.covered(coverage) if cast.completes else labels.overruled(coverage)

    look = look_at(shot.job, found.number)
    look = replace(look, mix=value_at(shot.job.knobs.mix, frame.number))

    def reenacted() -> Reenacted | None:
        if shot.element is not None:
            return lay_element(shot.element, own, found, shot.view, label)
        way = reenact_face if shot.networks is None else shot.networks.reenact_face
        return way(own, found, cast, shot.view, look, label)

    stages = shot.stages
    new = reenacted() if stages is None else stages.get(_key(shot, cast, found, look), reenacted)
    return None if new is None else blend_face(new, found, cast, shot.view, look)


def _key(shot: Shot, cast: Cast, found: FaceObservation, look: Look) -> str:
    """Return a key of the content of all that a face depends on before its blend."""
    near = [seen.number for seen in shot.labels.seen_from(cast.track, found)]
    return key_of(
        str(PIXEL_VERSION),
        shot.solved,
        "" if shot.actor is None else shot.actor.digest,
        shot.config_id,
        shot.reader.space,
        shot.drawn_by(found.number),
        repr([getattr(look, name) for name in REENACTING]),
        f"{shot.job.task} {shot.job.knobs.method} {shot.job.knobs.weights}",
        f"{shot.job.seed} {cast.track.index} {found.number}",
        *(card.sha256 for card in shot.cards),
        *(card.sha256 for card in (shot.networks.generators.cards if shot.networks else ())),
        *(shot.recent.digest(number) for number in {*near, found.number}),
    )


def _following(track: FaceTrack, found: FaceObservation, number: int) -> FaceObservation | None:
    """Return the face in the next frame, where there is a motion to it."""
    if found.number != number or track.is_cut_between(number, number + 1):
        return None
    return track.at(number + 1)


def look_at(job: Job, number: int) -> Look:
    """Return the knobs of one frame."""
    knobs = job.knobs
    return Look(
        views=int(knobs.views),
        steps=int(knobs.steps),
        shape=value_at(knobs.shape, number),
        expression=value_at(knobs.expression, number),
        pose=knobs.pose,
        eyes=knobs.eyes,
        mouth=knobs.mouth,
        erode=value_at(knobs.erode, number),
        feather=value_at(knobs.feather, number),
        light=value_at(knobs.light, number),
        seam=value_at(knobs.seam, number),
        sharpness=value_at(knobs.sharpness, number),
        motion_blur=value_at(knobs.motion_blur, number),
        grain=value_at(knobs.grain, number),
        mix=value_at(knobs.mix, number),
    )


def _laid_over(
    frame: Frame, element: Element, face: FloatArray | None, view: NetworkView
) -> tuple[Frame, FloatArray]:
    """Return the comp with one more element, and all elements over each other, (H, W, 4)."""
    window = element.window.clipped(frame.data)
    rows, columns = window.slices_in(frame.data)
    inner = window.slices_in(element.window)
    own = element.face[inner]
    touched = own[..., 3] > 0
    plate = frame.rgb(window)
    if view.is_scene_linear:
        color = composite.paste(plate, own)
    else:
        color = view.scene(composite.paste(view.linear(plate), own))
    channels = composite.replace_pixels(frame, window, color, touched)
    if face is None:
        face = np.zeros((frame.data.height, frame.data.width, 4), np.float32)
    under = face[rows, columns]
    face[rows, columns] = own + under * (1 - own[..., 3:])
    return replace(frame, channels=channels), face


def _marked(frame: Frame, text: str) -> dict[str, AnyArray]:
    """Return the frame's channels with a text burnt into the lowest rows of the picture."""
    seen = frame.display.clipped(frame.data)
    seen = frame.data if seen.is_empty else seen
    rows = max(seen.height // 16, 24)
    foot = Window(seen.x0, max(seen.y1 - rows, seen.y0), seen.x1, seen.y1)
    picture = burn(frame.rgb(foot), text)
    everywhere = np.ones(picture.shape[:2], np.bool_)
    return dict(composite.replace_pixels(frame, foot, picture, everywhere))


def check_covered(job: Job, track: ShotTrack, numbers: Sequence[int]) -> None:
    """Refuse a track that was made of other frames: they would pass as frames without a face."""
    lacking = sorted(set(numbers) - set(track.frames))
    if lacking:
        raise TrackError(
            f"{job.track} knows nothing of frame {lacking[0]}; it was made of other frames.",
            hint="Run `faceplate track` again, on the whole plate.",
            frames=lacking,
        )


def track_of(
    job: Job,
    inputs: Inputs,
    settings: AnalysisSettings,
    progress: Callable[[Progress], None],
) -> ShotTrack:
    """Read the track of a job, or make it; the whole plate counts, whatever the job's frames.

    Raises:
        TrackError: the track is of other frames.
        InputError: a frame cannot be read.
        ModelError: weights are missing or altered.
    """
    if job.track is not None:
        track = read_track(Path(job.track))
        check_covered(job, track, inputs.present)
        return track
    return analyse_shot(
        inputs.reader,
        inputs.config,
        settings,
        progress=lambda done, total: progress(Progress("observe", done, total)),
    )
