"""What the analysis sees of a plate and of the comp that was made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceplate.core.analyse import (
    AnalysisSettings,
    analyse_shot,
    observe_frames,
    solve_shot,
)
from faceplate.core.analysis.observe import FrameAnalysis
from faceplate.core.analysis.official import POSERS
from faceplate.core.arrays import FloatArray
from faceplate.core.choose import chosen_tracks
from faceplate.core.errors import FrameFormatError, TrackError
from faceplate.core.face import FaceObservation, Origin
from faceplate.core.footage import FrameRange
from faceplate.core.io.exrhead import read_parts
from faceplate.core.io.footage import FootageReader, open_footage
from faceplate.core.io.tracks import read_track
from faceplate.core.qc.faces import same_face
from faceplate.core.qcjob import QcJob
from faceplate.core.track import FaceTrack, ShotTrack
from faceplate.ocio.config import ColorConfig, open_config

Tell = Callable[[str, int, int], None]
"""Hears a stage, frames done and all frames."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A plate and its comp, open.

    Attributes:
        config: the colour configuration.
        plate: the whole plate.
        comp: the comp's frames that can be read.
        numbers: frames to measure: those asked for that the plate has.
        missing: those of them that the comp lacks.
        broken: those of them that are there and cannot be read, and why.
    """

    config: ColorConfig
    plate: FootageReader
    comp: FootageReader
    numbers: tuple[int, ...]
    missing: tuple[int, ...]
    broken: dict[int, str]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A face in both, as it was observed, and its solved track.

    Attributes:
        shot: the solved plate.
        face: the track of the face that was replaced, or None where the plate shows none.
        plate: frame to the face as observed in the plate, or as an artist keyed it.
        comp: frame to the face as observed in the comp at the same place.
    """

    shot: ShotTrack
    face: FaceTrack | None
    plate: dict[int, FaceObservation]
    comp: dict[int, FaceObservation]


def open_pair(job: QcJob) -> Pair:
    """Find the plate and the comp of a job.

    Raises:
        InputError: one of them is not there, cannot be read, or has no known colour.
    """
    config = open_config(job.ocio)
    plate = open_footage(job.plate, config, colorspace=job.colorspace, start=job.start)
    comp = open_footage(job.comp, config, colorspace=plate.space)
    wanted = FrameRange.parse(job.frames) if job.frames else plate.frames
    numbers = tuple(n for n in wanted if n in plate.frames.numbers)
    missing = tuple(n for n in numbers if n not in comp.frames.numbers)
    broken = {}
    for number in numbers:
        if number not in missing:
            try:
                read_parts(comp.footage.path(number), number)
            except FrameFormatError as error:
                broken[number] = str(error.facts["reason"])
    there = tuple(n for n in numbers if n not in missing and n not in broken)
    if not there:
        raise FrameFormatError(
            job.comp,
            f"none of the frames {FrameRange(numbers)} of the plate is there and whole",
            "Check the comp's path and the frame range.",
        )
    return Pair(config, plate, comp.limited(FrameRange(there)), numbers, missing, broken)


def see_shot(job: QcJob, pair: Pair, settings: AnalysisSettings, tell: Tell) -> Seen:
    """Observe plate and comp, and solve the plate or read its track.

    Both are seen as they are, frame by frame: the noise of the analysis is then the same in both,
    and what is steadied in one of them alone would pass as a difference.

    Raises:
        TrackError: the track is of other frames, or the plate has not the face that is meant.
        InputError: a frame cannot be read.
        ModelError: weights are missing or altered.
    """
    analyses: dict[int, FrameAnalysis] = {}
    for number, _, analysis in observe_frames(pair.plate, pair.config, settings):
        analyses[number] = analysis
        tell("observe", len(analyses), len(pair.plate.frames))
    if job.track is None:
        shot = solve_shot(
            analyses,
            smoothing=settings.smoothing,
            plate_hash="",
            space=pair.plate.space,
            pose_of_mesh=settings.seers.poser == POSERS[0],
        )
    else:
        shot = read_track(Path(job.track))
        lacking = sorted(set(pair.numbers) - set(shot.frames))
        if lacking:
            raise TrackError(
                f"{job.track} knows nothing of frame {lacking[0]}; it was made of other frames.",
                hint="Run `faceplate track` again, on the whole plate.",
                frames=lacking,
            )
    face = _chosen(job, shot, pair.config, settings)
    seen = Seen(shot, face, {}, {})
    done = 0
    for number, _, analysis in observe_frames(pair.comp, pair.config, settings):
        done += 1
        tell("observe comp", done, len(pair.comp.frames))
        tracked = None if face is None else face.at(number)
        if tracked is None:
            continue
        is_keyed = tracked.origin is Origin.KEYED
        own = tracked if is_keyed else same_face(analyses[number].faces, tracked)
        other = same_face(analysis.faces, tracked)
        if own is not None:
            seen.plate[number] = own
        if other is not None:
            seen.comp[number] = other
    return seen


def _chosen(
    job: QcJob, shot: ShotTrack, config: ColorConfig, settings: AnalysisSettings
) -> FaceTrack | None:
    """Return the track of the face that is measured: the largest where all were replaced."""

    tracks = chosen_tracks(shot, job.face, lambda path: embedding_of(path, config, settings))
    return tracks[0] if tracks else None


def embedding_of(path: str, config: ColorConfig, settings: AnalysisSettings) -> FloatArray:
    """Return the (128,) identity vector of whom a picture or a movie shows: the largest face.

    Raises:
        TrackError: it shows none.
        InputError: it cannot be read.
    """
    shown = analyse_shot(open_footage(path, config), config, settings)
    if not shown.tracks:
        raise TrackError(f"{path} shows no face.", hint="Give a clearer picture.")
    known = [o.embedding for o in shown.tracks[0].observations.values() if o.embedding.any()]
    return np.median(known, axis=0).astype(np.float32) if known else np.zeros(128, np.float32)
