"""Builds an actor from footage of a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceplate.core.actorfile import make_actor, read_actor, wipe_actor, write_actor
from faceplate.core.analyse import AnalysisSettings, FramePicture, analyse_shot, open_labeller
from faceplate.core.analysis.identity import SAME_PERSON, identity_distance
from faceplate.core.analysis.label import CropLabeller
from faceplate.core.analysis.official import Seers
from faceplate.core.analysis.skin import LUMINANCE
from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.consent import Consent
from faceplate.core.errors import ActorError
from faceplate.core.face import FaceObservation, Origin
from faceplate.core.frame import Window
from faceplate.core.geometry.mesh import LIPS_INNER, neutral_shape
from faceplate.core.geometry.regions import FACE_CORE, fill_regions
from faceplate.core.io.footage import FootageReader
from faceplate.core.selection import Choice, choose_faces, detail, quality
from faceplate.core.source import Actor, View
from faceplate.core.stages.appearance import THINNING_DEGREES
from faceplate.core.stages.segment import labels_on
from faceplate.core.track import FaceTrack
from faceplate.ocio.config import ColorConfig
from faceplate.ocio.network import NetworkView

__all__ = [
    "Actor",
    "ActorSettings",
    "View",
    "build_actor",
    "read_actor",
    "wipe_actor",
    "write_actor",
]

SMALLEST_PX = 64.0
"""Face height that the largest face of the footage must have."""
_LEAST_SHARE = 0.75
"""Of the largest face's height; footage of small faces may go below `SMALLEST_PX` by as much."""
_LARGEST_PX = 1024.0
"""Face height to which larger faces are reduced: past any plate's face, and it bounds memory."""

_MARGIN = 0.6
_LEAST_CONFIDENCE = 0.2
_LEAST_DETAIL = 0.45
"""Of the better faces' detail; what is blurrier is left out."""
_TRIES = 3
"""Faces looked at closely for each view that is wanted."""
_SKIN_LIGHT = 0.22

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ActorSettings:
    """Whose face is taken, and how the machine is used.

    Attributes:
        face: index of the face in the first footage, or None for the largest.
        reference: (128,) identity vector of the person, or None.
        threads: frames analysed at once; the result does not depend on it.
        cache_folder: where observations are kept, or None.
        embed: whether the identity network may be used to tell people apart.
        seers: which networks find faces, landmarks and head pose, and label pixels; those of the
            plate, so that poses of both are alike.
    """

    face: int | None = None
    reference: FloatArray | None = None
    threads: int = 1
    cache_folder: Path | None = None
    embed: bool = True
    seers: Seers = Seers()


@dataclass(frozen=True, slots=True, eq=False)
class _Sight:
    """A face of the wanted person, and the footage it is in."""

    reader: FootageReader
    face: FaceObservation


def build_actor(
    readers: Sequence[FootageReader],
    config: ColorConfig,
    *,
    name: str,
    consent: Consent | None = None,
    max_views: int = 24,
    settings: ActorSettings,
    progress: Progress | None = None,
) -> Actor:
    """Analyse footage of a person and keep what a swap needs of it.

    Args:
        readers: one or more pieces of footage; a single picture will do.
        config: the colour configuration that knows their spaces.
        name: what people call the actor.
        consent: the record to bind in.
        max_views: how many pictures may be kept, at least 1.
        settings: see `ActorSettings`.
        progress: called with the number of frames done and of all frames.

    Raises:
        ActorError: no usable face of the person, or no room for one.
        InputError: a frame cannot be read.
        ModelError: weights are missing, altered or unfit.
    """
    if not readers or max_views < 1:
        raise ActorError(
            f"An actor takes footage and room for at least one view, not {max_views}.",
            hint="Name a picture, a sequence or a movie, and leave --max-views above 0.",
        )
    sights, notes = _sights(readers, config, settings, progress)
    sights, more = _usable(sights)
    studio = _Studio(config, open_labeller(settings.seers))
    looked = _best(sights, max_views * _TRIES)
    faces = [sight.face for sight in looked]
    # Pictures of 4K faces are large: they are measured one by one, and only the chosen are kept.
    looks = [_Look.of(studio.view(sight)) for sight in looked]
    clear, clipped = np.array([[k.clear, k.clipped] for k in looks]).T
    choices, _ = choose_faces(faces, quality(faces, clear, clipped), max_views)
    return make_actor(
        name,
        [studio.view(looked[choice.index]) for choice in choices],
        points=_places(choices, faces),
        radius=THINNING_DEGREES,
        neutral=neutral_shape([k.mesh for k in looks], [face.expression for face in faces]),
        consent=consent,
        notes=[*notes, *more],
    )


def _places(choices: Sequence[Choice], faces: Sequence[FaceObservation]) -> DoubleArray:
    poses = [faces[choice.place].pose for choice in choices]
    return np.array([[pose.yaw, pose.pitch] for pose in poses])


def _sights(
    readers: Sequence[FootageReader],
    config: ColorConfig,
    settings: ActorSettings,
    progress: Progress | None,
) -> tuple[list[_Sight], list[str]]:
    """Return every face of the wanted person, as seen, and what was left out."""
    # Not smoothed: a view's mesh must fit its own picture.
    analysis = AnalysisSettings(
        0.0, settings.threads, settings.cache_folder, settings.embed, settings.seers
    )
    total, done = sum(len(reader.frames) for reader in readers), 0
    tracks: list[list[FaceTrack]] = []
    for reader in readers:

        def report(count: int, _: int, before: int = done) -> None:
            if progress is not None:
                progress(before + count, total)

        tracks.append(list(analyse_shot(reader, config, analysis, progress=report).tracks))
        done += len(reader.frames)
    anchor = _anchor(readers, tracks, settings)
    sights: list[_Sight] = []
    notes: list[str] = []
    for reader, found in zip(readers, tracks, strict=True):
        same = [track for track in found if _is_same(track, anchor)]
        if not same:
            file = Path(reader.footage.pattern).name
            notes.append(f"{file} was left out: it does not show the person.")
        taken: dict[int, FaceObservation] = {}
        for track in same:
            for number, face in track.observations.items():
                if face.origin is not Origin.FILLED:
                    taken.setdefault(number, face)
        sights += [_Sight(reader, taken[number]) for number in sorted(taken)]
    return sights, notes


def _anchor(
    readers: Sequence[FootageReader], tracks: Sequence[Sequence[FaceTrack]], settings: ActorSettings
) -> FaceTrack | FloatArray:
    """Return who is meant: an identity vector, or a track where there is no such vector."""
    if settings.reference is not None:
        return settings.reference
    if settings.face is not None:
        for track in tracks[0]:
            if track.index == settings.face:
                return _vector(track)
        raise ActorError(
            f"{readers[0].footage.pattern} has no face number {settings.face}; "
            f"{len(tracks[0])} were found.",
            hint="Faces are numbered from 0, the largest first.",
            face=settings.face,
        )
    every = [track for found in tracks for track in found]
    if not every:
        names = ", ".join(Path(reader.footage.pattern).name for reader in readers)
        raise ActorError(
            f"No face was found in {names}.",
            hint="Give footage in which the face is lit, sharp and at least 64 pixels high.",
        )
    return _vector(max(every, key=lambda track: track.mean_height))


def _vector(track: FaceTrack) -> FaceTrack | FloatArray:
    known = [o.embedding for o in track.observations.values() if o.embedding.any()]
    return np.median(known, axis=0).astype(np.float32) if known else track


def _is_same(track: FaceTrack, anchor: FaceTrack | FloatArray) -> bool:
    if isinstance(anchor, FaceTrack):  # nobody can be told from anybody: the largest face it is
        return track.index == anchor.index
    vector = _vector(track)
    return not isinstance(vector, FaceTrack) and identity_distance(vector, anchor) < SAME_PERSON


def _usable(sights: Sequence[_Sight]) -> tuple[list[_Sight], list[str]]:
    if not sights:
        raise ActorError(
            "The footage does not show the person that was asked for.",
            hint="Check --face and --reference.",
        )
    height = max(sight.face.height for sight in sights)
    if height < SMALLEST_PX:
        raise ActorError(
            f"The largest face is {height:.0f} pixels high; at least {SMALLEST_PX:.0f} are needed.",
            hint="Use larger pictures of the person.",
            height=height,
        )
    # A head that nods or recedes a little is no smaller a source for it.
    least = min(SMALLEST_PX, _LEAST_SHARE * height)
    large = [sight for sight in sights if sight.face.height >= least]
    trusted = [sight for sight in large if sight.face.confidence >= _LEAST_CONFIDENCE]
    if not trusted:
        raise ActorError(
            "No face in the footage is seen well enough.",
            hint="Use pictures that are sharper, less turned away, and not covered.",
        )
    best = float(np.quantile([detail(sight.face) for sight in trusted], 0.75))
    sharp = [sight for sight in trusted if detail(sight.face) >= _LEAST_DETAIL * best]
    notes = []
    for count, reason in (
        (len(sights) - len(large), f"is smaller than {least:.0f} pixels"),
        (len(large) - len(trusted), "is not seen well enough"),
        (len(trusted) - len(sharp), "is blurred"),
    ):
        if count:
            notes.append(f"In {count} of {len(sights)} frames the face {reason}.")
    return sharp, notes


def _best(sights: Sequence[_Sight], most: int) -> list[_Sight]:
    """Return the faces worth a closer look, spread over poses and expressions, in their order."""
    faces = [sight.face for sight in sights]
    worth = quality(faces, np.ones(len(faces), np.float32), np.zeros(len(faces), np.float32))
    taken: set[int] = set()
    while len(taken) < min(most, len(faces)):
        rest = [k for k in range(len(faces)) if k not in taken]
        choices, _ = choose_faces([faces[k] for k in rest], worth[rest], most - len(taken))
        taken |= {rest[choice.index] for choice in choices}
    return [sights[k] for k in sorted(taken)]


@dataclass(frozen=True, slots=True, eq=False)
class _Studio:
    """Cuts views out of footage."""

    config: ColorConfig
    labeller: CropLabeller

    def view(self, sight: _Sight) -> View:
        frame, face = sight.reader.read(sight.face.number), sight.face
        picture = FramePicture(frame, NetworkView(self.config, sight.reader.space, 1.0))
        aspect = picture.pixel_aspect
        scale = min(_LARGEST_PX / face.height, 1.0)
        grown = _MARGIN * face.height
        x0 = max(int(np.floor(face.box[0] - grown / aspect)), frame.data.x0)
        x1 = min(int(np.ceil(face.box[2] + grown / aspect)), frame.data.x1)
        y0 = max(int(np.floor(face.box[1] - grown)), frame.data.y0)
        y1 = min(int(np.ceil(face.box[3] + grown)), frame.data.y1)
        size = (max(round((y1 - y0) * scale), 1), max(round((x1 - x0) * aspect * scale), 1))
        steps = np.array([(x1 - x0) / size[1], (y1 - y0) / size[0]])
        linear = picture.linear(np.array([[steps[0], 0, x0], [0, steps[1], y0]]), size)
        mesh = (face.mesh - [x0, y0, 0]) / [*steps, steps[1]]
        gain = _SKIN_LIGHT / max(float(np.exp2(face.skin[:3]) @ LUMINANCE), 1e-6)
        seen = self.labeller.label(picture, face.mesh, min(gain, 4096.0))
        # the view's pixels count from its own corner, in its own steps
        view_from_crop = (seen.plate_from_crop - [[0, 0, x0], [0, 0, y0]]) / steps[:, None]
        window = Window(0, 0, size[1], size[0])
        names = self.labeller.names
        labels = labels_on(seen.chances, names, view_from_crop, window, linear, face.height * scale)
        file = sight.reader.footage.path(face.number).name
        return View(
            name=f"{file}:{face.number}" if sight.reader.footage.is_movie else file,
            number=face.number,
            picture=linear.astype(np.float16),
            skin_coverage=labels.visible.astype(np.float16),
            mesh=mesh.astype(np.float32),
            pose=face.pose,
            expression=face.expression,
            embedding=face.embedding,
            skin=face.skin,
            # A mean of pixels has less grain, as independent values do.
            noise=face.noise * np.float32(scale),
            sharpness=face.sharpness * scale,
            confidence=face.confidence,
            face_height=face.height * scale,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What a closer look at a view tells: its mesh in square pixels, and how good it is."""

    mesh: FloatArray
    clear: float
    clipped: float

    @classmethod
    def of(cls, view: View) -> _Look:
        return cls(view.mesh, shown_share(view), _clipped(view))


def shown_share(view: View) -> float:
    """Return the share of a face's inner area that is visible in a view."""
    area = fill_regions([FACE_CORE], view.mesh, view.skin_coverage.shape) > 0
    return float(view.skin_coverage[area].astype(np.float32).mean()) if area.any() else 0.0


def _clipped(view: View) -> float:
    """Return the share of the skin that stands at the picture's very maximum: a plateau."""
    size = view.skin_coverage.shape
    core, mouth = (fill_regions([part], view.mesh, size) for part in (FACE_CORE, LIPS_INNER))
    area = (core - mouth) > 0
    if not area.any():
        return 0.0
    highest = view.picture.reshape(-1, 3).max(axis=0)
    return float((view.picture[area] >= highest * 0.999).any(axis=1).mean())
