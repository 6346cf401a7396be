"""Observes one frame: a pure function of its pixels, with no memory of other frames."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.core.analysis.detect import TILE_SIDES, Detection, FaceDetector, Overview
from faceplate.core.analysis.identity import Identifier
from faceplate.core.analysis.label import CropLabeller, visible_share
from faceplate.core.analysis.landmark import FaceLandmarker, MeshFit, box_of_mesh
from faceplate.core.analysis.picture import PlatePicture
from faceplate.core.analysis.pose import HeadPoser, MeshPoser
from faceplate.core.analysis.skin import LUMINANCE, measure_surface
from faceplate.core.arrays import FloatArray
from faceplate.core.face import FaceObservation, HeadPose, Origin
from faceplate.core.nets.run import Network

SKIN_LIGHT = 0.22
"""Linear luminance at which the networks like to see skin."""

THUMBNAIL = (18, 32)
"""Height and width of the picture that cuts are found in."""

_SMALLEST_PX = 16.0
"""Mesh height below which there is nothing to replace."""

_MOST_TILES = 8
"""Finer tiles along the longer side: bounds time and memory for a large plate without a face."""

_LEAST_MESH_SCORE = 0.3
_FAINTEST, _STRONGEST = 2.0**-12, 2.0**12


@dataclass(frozen=True, slots=True, eq=False)
class Observer:
    """The networks of the analysis; ``identifier`` is None where none may be used."""

    detector: FaceDetector
    landmarker: FaceLandmarker
    labeller: CropLabeller
    identifier: Identifier | None
    poser: HeadPoser = MeshPoser()

    @property
    def networks(self) -> tuple[Network, ...]:
        """All that observations depend on."""
        identifier = () if self.identifier is None else (self.identifier.network,)
        seers = (*self.detector.networks, *self.landmarker.networks, self.labeller.network)
        return (*seers, *self.poser.networks, *identifier)


@dataclass(frozen=True, slots=True, eq=False)
class FrameAnalysis:
    """Everything that the solve needs of one frame.

    Attributes:
        faces: as seen, the largest first.
        thumbnail: (18, 32, 3) float32, linear Rec.709.
        pixel_aspect: the frame's own.
    """

    faces: tuple[FaceObservation, ...]
    thumbnail: FloatArray
    pixel_aspect: float


def observe(picture: PlatePicture, observer: Observer) -> list[FaceObservation]:
    """Return the faces of one frame, the largest first; no face is an empty list."""
    return list(analyse_frame(picture, observer).faces)


def analyse_frame(picture: PlatePicture, observer: Observer) -> FrameAnalysis:
    """Observe one frame and keep a thumbnail of it."""
    if picture.window.is_empty:
        return FrameAnalysis((), np.zeros((*THUMBNAIL, 3), np.float32), picture.pixel_aspect)
    overview = Overview.of(picture, TILE_SIDES[0])
    thumbnail = _thumbnail(picture, overview)
    faces = _faces_in(picture, overview, observer)
    longest = max(picture.window.width * picture.pixel_aspect, picture.window.height)
    fine = max(TILE_SIDES[1], longest / _MOST_TILES)
    unseen = observer.detector.tiled and not faces
    if unseen and longest > _SMALLEST_PX and fine < TILE_SIDES[0]:
        faces = _faces_in(picture, Overview.of(picture, fine), observer)
    faces.sort(key=lambda face: (-face.height, face.box))
    return FrameAnalysis(tuple(faces), thumbnail, picture.pixel_aspect)


def _thumbnail(picture: PlatePicture, overview: Overview) -> FloatArray:
    """Return what the picture shows, small: a data window that changes is not a cut."""
    shown = picture.shown
    if shown == picture.window:
        small = cv2.resize(overview.pixels, THUMBNAIL[::-1], interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.float32)
    steps = shown.width / THUMBNAIL[1], shown.height / THUMBNAIL[0]
    transform = np.array([[steps[0], 0, shown.x0], [0, steps[1], shown.y0]], np.float64)
    return picture.linear(transform, THUMBNAIL)


def _faces_in(
    picture: PlatePicture, overview: Overview, observer: Observer
) -> list[FaceObservation]:
    """Return the faces at the first exposure that shows any; each gets its own gain."""
    light = overview.pixels @ LUMINANCE
    faces: list[FaceObservation] = []
    for gain in _exposures(light):
        for detection in observer.detector.detect(picture, overview, gain):
            own = _face_gain(overview, light, detection)
            face = _observe_face(picture, observer, detection, own)
            if face is not None and all(_overlap(face.box, o.box) <= 0.5 for o in faces):
                faces.append(face)
        if faces:
            break
    return faces


def _exposures(light: FloatArray) -> list[float]:
    """Return the gains to try: the plate's own light, then guesses from its brightness."""
    lit = light[light > _FAINTEST]
    if not lit.size:
        return []
    typical = 0.18 / float(np.exp(np.log(lit.astype(np.float64)).mean()))
    gains = [1.0]
    for gain in (typical, typical * 4, typical / 4):
        bounded = float(np.clip(gain, _FAINTEST, _STRONGEST))
        if all(abs(np.log2(bounded / other)) > 0.75 for other in gains):
            gains.append(bounded)
    return gains


def _face_gain(overview: Overview, light: FloatArray, face: Detection) -> float:
    """Return the gain that brings the middle of a detected face to a skin's light."""
    offset = overview.square_from_overview[:, 2]
    middle = (face.box[:2] + face.box[2:]) / 2
    reach = (face.box[2:] - face.box[:2]) * 0.3
    x0, y0 = np.floor((middle - reach - offset) / overview.scale).astype(int)
    x1, y1 = np.ceil((middle + reach - offset) / overview.scale).astype(int)
    patch = light[max(y0, 0) : max(y1, 1), max(x0, 0) : max(x1, 1)]
    level = float(np.median(patch)) if patch.size else 0.0
    return float(np.clip(SKIN_LIGHT / max(level, 1e-9), _FAINTEST, _STRONGEST))


def _observe_face(
    picture: PlatePicture, observer: Observer, detection: Detection, gain: float
) -> FaceObservation | None:
    fit = observer.landmarker.fit(picture, detection, gain)
    mesh = fit.points.copy()
    mesh[:, 0] /= picture.pixel_aspect
    box = box_of_mesh(mesh)
    height = box[3] - box[1]
    usable = np.isfinite(mesh).all() and fit.score >= _LEAST_MESH_SCORE
    if not usable or height < _SMALLEST_PX or _is_outside(box, picture):
        return None
    pose = observer.poser.pose(picture, fit.points, gain)
    surface = measure_surface(picture, mesh)
    identifier, labeller = observer.identifier, observer.labeller
    seen = visible_share(labeller.label(picture, mesh, gain), mesh, labeller.names)
    return FaceObservation(
        number=picture.number,
        box=box,
        mesh=mesh.astype(np.float32),
        pose=pose,
        expression=observer.landmarker.coefficients(fit.points),
        embedding=(
            np.zeros(128, np.float32)
            if identifier is None
            else identifier.embed(picture, fit.points, gain)
        ),
        skin=surface.skin,
        noise=surface.noise,
        sharpness=surface.sharpness,
        confidence=confidence_of(
            pose, detection.score, fit, height=height, sharpness=surface.sharpness, seen=seen
        ),
        origin=Origin.SEEN,
    )


def confidence_of(
    pose: HeadPose,
    detection_score: float,
    fit: MeshFit,
    *,
    height: float,
    sharpness: float,
    seen: float,
) -> float:
    """Return how far an observation may be trusted, 0 to 1.

    The mesh was measured good to 45 degrees of yaw and poor from 60 on; the second pass moves a
    sound mesh by 1 to 3 % of the eye distance; below 32 px, or under a blur of a twentieth of
    the face, little is left to see. Under a covering the mesh is a guess, and its score does not
    say so: what can be seen of the face does.
    """
    turned = max(abs(pose.yaw), abs(pose.pitch) * 1.1)
    terms = (
        _falling(turned, 45.0, 60.0, floor=0.25) * _falling(turned, 60.0, 80.0),
        _falling(-detection_score, -0.75, -0.45, floor=0.4),
        _falling(-fit.score, -0.9, -0.2),
        _falling(fit.disagreement, 0.06, 0.3, floor=0.1),
        _falling(-height, -48.0, -16.0),
        _falling(sharpness / height, 0.03, 0.1, floor=0.3),
        _falling(-seen, -0.3, -0.05, floor=0.1),
    )
    return float(np.prod(terms))


def _falling(value: float, good: float, bad: float, floor: float = 0.0) -> float:
    """Return 1 up to ``good``, then a straight line to ``floor`` at ``bad``."""
    t = min(max((value - good) / (bad - good), 0.0), 1.0)
    return 1.0 - (1.0 - floor) * t


def _is_outside(box: tuple[float, float, float, float], picture: PlatePicture) -> bool:
    window = picture.window
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return not (window.x0 <= x < window.x1 and window.y0 <= y < window.y1)


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inter = max(width, 0.0) * max(height, 0.0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter
    return inter / max(union, 1e-9)
