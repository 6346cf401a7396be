"""Walks through plate and comp once, frame by frame, and measures their pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from faceplate.core.analyse import FramePicture
from faceplate.core.analysis.label import CropLabeller, region_of
from faceplate.core.analysis.picture import plate_from_square
from faceplate.core.arrays import AnyArray, BoolArray, DoubleArray, FloatArray
from faceplate.core.face import FaceObservation
from faceplate.core.frame import Frame, Window
from faceplate.core.geometry.crop import cut_windowed
from faceplate.core.geometry.mesh import VERTEX_COUNT
from faceplate.core.io.roto import RotoReader
from faceplate.core.labels import FaceLabels, RecentFrames
from faceplate.core.layers import delivered_matte
from faceplate.core.output import FRAME_ATTRIBUTE, header_entries
from faceplate.core.qc.pictures import (
    Altered,
    altered_pixels,
    chatter,
    covered_share,
    is_frozen,
    leak,
    light_ratio,
    seam_step,
)
from faceplate.core.qc.seen import Pair, Seen
from faceplate.core.qc.series import flicker
from faceplate.core.qcjob import QcJob
from faceplate.core.stages.segment import Labels
from faceplate.core.track import FaceTrack
from faceplate.ocio.network import NetworkView

COMMAND_ATTRIBUTE = "faceplate/command"
_MARGIN = 0.35
"""What is looked at around the face's box, face heights."""
STEADY_PX = 64
"""Side of the small picture that follows the face: a pixel is a thirtieth of the face's height."""

_UNTOLD = (
    "The comp has no layer matte_blend or face: what differs from the plate counts as replaced; "
    "whether the rest is exact, and the matte steady, cannot be told."
)
_MARKED = (
    "The comp is a draft with a mark burnt in: whether it is exact outside of the matte was not "
    "looked at."
)


@dataclass(slots=True)
class FrameFacts:
    """What one frame of a comp measures; None where there is nothing to measure.

    Attributes:
        number: the plate's frame number.
        is_told: whether a layer of the comp says what was replaced.
        reason: why the face was not replaced, or "".
        altered: see `altered_pixels`.
        seam: see `seam_step`.
        flicker: see `flicker`.
        chatter: see `chatter`.
        leak: see `leak`.
        covered: how much of the face is covered, 0 to 1.
        repeats: whether it shows the frame before again.
    """

    number: int
    is_told: bool = True
    reason: str = ""
    altered: Altered | None = None
    seam: float | None = None
    flicker: float | None = None
    chatter: float | None = None
    leak: float | None = None
    covered: float = 0.0
    repeats: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What is kept of a frame while the next two are looked at.

    Attributes:
        window: raster pixels of the face and around it; empty without a face.
        plate, comp: (h, w, 3) linear light of the window, exposed for the face.
        ratio, matte: on the small picture that follows the face; None without a face.
        digests: of the plate's colour and of the comp's.
    """

    facts: FrameFacts
    window: Window
    plate: FloatArray
    comp: FloatArray
    ratio: FloatArray | None
    matte: FloatArray | None
    digests: tuple[bytes, bytes]


@dataclass(eq=False)
class Walk:
    """Measures the frames of a comp in their order; what it holds does not grow with the shot.

    Attributes:
        job: what is measured.
        pair: plate and comp.
        seen: where the face is.
        labeller: says what covers the face.
        roto: the hand-made matte that the comp was made with, or None.
        notes: sentences about what could not be measured.
    """

    job: QcJob
    pair: Pair
    seen: Seen
    labeller: CropLabeller
    roto: RotoReader | None
    notes: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the plate for labels and colour."""
        self._recent = RecentFrames(self.pair.plate)
        self._view = NetworkView(self.pair.config, self.pair.plate.space, self.seen.shot.gain)
        self._labels = FaceLabels(self._recent, self._view, self.labeller)

    def measured(self, tell: Callable[[int, int, int], None]) -> list[FrameFacts]:
        """Return what every frame measures.

        Args:
            tell: hears the frame, how many are done, and of how many.

        Raises:
            InputError: a frame cannot be read.
        """
        looks: list[_Look] = []
        found: list[FrameFacts] = []
        numbers = self.pair.comp.frames.numbers
        for done, number in enumerate(numbers, 1):
            looks = [*looks[-2:], self._look(number)]
            self._compare(looks)
            found.append(looks[-1].facts)
            tell(number, done, len(numbers))
        return found

    def _look(self, number: int) -> _Look:
        plate, comp = self._recent.read(number), self.pair.comp.read(number)
        facts = FrameFacts(number)
        digests = (_digest(plate), _digest(comp))
        path = self.pair.comp.footage.path(number)
        said = header_entries(path, (COMMAND_ATTRIBUTE, FRAME_ATTRIBUTE))
        matte = self._matte(plate, comp, said[COMMAND_ATTRIBUTE], facts)
        track = self.seen.face
        face = None if track is None else track.at(number)
        facts.reason = _reason(said[FRAME_ATTRIBUTE], matte, face)
        window = Window(0, 0, 0, 0) if face is None else face_window(face).clipped(plate.data)
        pictures = [self._light(frame, window) for frame in (plate, comp)]
        look = _Look(facts, window, pictures[0], pictures[1], None, None, digests)
        if facts.reason or face is None or track is None or window.is_empty:
            return look
        cover = _on(matte, comp.data, window)
        facts.seam = seam_step(pictures[1], pictures[0], cover, face.height)
        occluder = self._label(track, face, plate, window, pictures[0]).occluder
        hull = _hull(face, window)
        facts.leak, facts.covered = leak(cover, occluder, hull), covered_share(occluder, hull)
        transform = plate_from_square(
            region_of(face.mesh * [plate.pixel_aspect, 1.0, 1.0]).square_from_crop(STEADY_PX),
            plate.pixel_aspect,
        )
        size = (STEADY_PX, STEADY_PX)
        small = [
            FramePicture(frame, self._view).linear(transform, size) * np.float32(self._view.gain)
            for frame in (plate, comp)
        ]
        steady = _steadied(matte, comp.data, transform, size)
        ratio = light_ratio(small[1], small[0], steady)
        return _Look(facts, window, pictures[0], pictures[1], ratio, steady, digests)

    def _matte(self, plate: Frame, comp: Frame, command: str, facts: FrameFacts) -> AnyArray:
        """Return what was replaced, over the comp's data window, and measure what may not be."""
        delivered = delivered_matte(comp, self.job.layer_prefix)
        facts.is_told = delivered is not None
        if delivered is None:
            self.notes[_UNTOLD] = None
            window = plate.data
            before, after = plate.rgb(window), comp.rgb(window)
            changed = (before != after) & ~(np.isnan(before) & np.isnan(after))
            return _on(changed.any(axis=2).astype(np.float32), window, comp.data)
        if "--draft" in command.split():
            self.notes[_MARKED] = None
        else:
            facts.altered = altered_pixels(plate, comp, delivered)
        return delivered

    def _light(self, frame: Frame, window: Window) -> FloatArray:
        if window.is_empty:
            return np.zeros((0, 0, 3), np.float32)
        corner = np.array([[1.0, 0.0, window.x0], [0.0, 1.0, window.y0]])
        picture = FramePicture(frame, self._view).linear(corner, (window.height, window.width))
        return picture * np.float32(self._view.gain)

    def _label(
        self,
        track: FaceTrack,
        face: FaceObservation,
        plate: Frame,
        window: Window,
        light: FloatArray,
    ) -> Labels:
        linear = light / np.float32(self._view.gain)
        labels = self._labels.of(track, face, window, linear)
        if self.roto is None:
            return labels
        drawn = self.roto.coverage(plate.number, window, plate.display)
        return labels.covered(drawn) if self.job.covers else labels.overruled(drawn)

    def _compare(self, looks: list[_Look]) -> None:
        """Measure what goes by the frames before: the last one, and the middle one of three."""
        if len(looks) > 1 and looks[-1].facts.number - looks[-2].facts.number == 1:
            looks[-1].facts.repeats = self._repeats(looks[-2], looks[-1])
        if len(looks) < 3 or looks[-1].facts.number - looks[-3].facts.number != 2:
            return
        track, now = self.seen.face, looks[-2].facts
        if track is None or track.is_cut_between(now.number - 1, now.number + 1):
            return
        ratios = [look.ratio for look in looks if look.ratio is not None]
        mattes = [look.matte for look in looks if look.matte is not None]
        if len(ratios) == len(mattes) == 3:
            now.flicker = flicker(*ratios)
            now.chatter = chatter(*mattes) if now.is_told else None

    def _repeats(self, before: _Look, now: _Look) -> bool:
        plates, comps = zip(before.digests, now.digests, strict=True)
        if plates[0] != plates[1] and comps[0] == comps[1]:
            return True
        shared = before.window.clipped(now.window)
        if shared.is_empty or before.facts.reason or now.facts.reason:
            return False
        parts = [shared.slices_in(look.window) for look in (before, now)]
        area = (now.comp != now.plate).any(axis=2)[parts[1]]
        return is_frozen(
            (before.comp[parts[0]], now.comp[parts[1]]),
            (before.plate[parts[0]], now.plate[parts[1]]),
            area,
        )


def face_window(face: FaceObservation) -> Window:
    """Return the pixels of a face and a third of its height around it."""
    x0, y0, x1, y1 = face.box
    grown = _MARGIN * face.height
    low, high = np.floor([x0 - grown, y0 - grown]), np.ceil([x1 + grown, y1 + grown])
    return Window(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _reason(state: str, matte: AnyArray, face: FaceObservation | None) -> str:
    """Return why a frame has no new face, or "": the header's state knows, else the matte."""
    if state.startswith("untouched"):
        return state.partition(": ")[2] or "untouched"
    if not (matte > 0).any():
        return "nothing replaced"
    return "no face in the plate" if face is None else ""


def _digest(frame: Frame) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for name in frame.color_names:
        digest.update(np.ascontiguousarray(frame.channels[name]).data)
    return digest.digest()


def _on(plane: AnyArray, data: Window, window: Window) -> FloatArray:
    """Return a plane that covers a data window on another window; 0 outside, finite."""
    result = np.zeros((window.height, window.width), np.float32)
    inside = window.clipped(data)
    if not inside.is_empty:
        result[inside.slices_in(window)] = plane[inside.slices_in(data)]
    return np.clip(np.nan_to_num(result), 0, 1)


def _steadied(
    matte: AnyArray, data: Window, transform: DoubleArray, size: tuple[int, int]
) -> FloatArray:
    """Return a matte on the small picture that follows the face."""

    def read(window: Window) -> FloatArray:
        return np.repeat(_on(matte, data, window)[..., None], 3, axis=2)

    return cut_windowed(read, data, transform, size)[..., 0]


def _hull(face: FaceObservation, window: Window) -> BoolArray:
    """Return (h, w) the face's outline, filled."""
    area = np.zeros((window.height, window.width), np.uint8)
    points = face.mesh[:VERTEX_COUNT, :2] - np.array([window.x0 + 0.5, window.y0 + 0.5], np.float32)
    cv2.fillConvexPoly(area, np.rint(cv2.convexHull(points)).astype(np.int32), 1)
    return np.asarray(area > 0, np.bool_)
