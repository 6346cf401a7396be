"""FSGAN's analysis networks in the places of ours, once imported: DSFD, HRNet, Hopenet, the U-Net.

Source: FSGANv2's pre-processing, `fsgan.md` 2 and `analysis_nets.md`; what is ours says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceplate.core.analysis.detect import Detection, Overview
from faceplate.core.analysis.label import cut_codes
from faceplate.core.analysis.landmark import FaceLandmarker, MeshFit, box_of_mesh
from faceplate.core.analysis.picture import PlatePicture, Region
from faceplate.core.analysis.pose import pose_of_rotation
from faceplate.core.analysis.pull import pull_mesh
from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.card import ModelCard
from faceplate.core.errors import KnobError, ModelError, ModelMismatchError, ModelUnknownError
from faceplate.core.face import HeadPose
from faceplate.core.nets.dsfd_boxes import detections
from faceplate.core.nets.heatmaps import soft_points
from faceplate.core.nets.load import find_card, load_network
from faceplate.core.nets.run import Network

DETECTORS = ("mediapipe", "dsfd")
LANDMARKERS = ("mesh", "hrnet")
POSERS = ("mesh", "hopenet")
SEGMENTERS = ("ours", "official")
"""What may be chosen; the first is what is installed with us."""

SEGMENTING = "segmenter"
"""What the released segmenter is called where a job lists released networks."""

OFFICIAL = {
    "dsfd": "official_detect",
    "hrnet": "official_landmarks",
    "hopenet": "official_pose",
    SEGMENTING: "official_segment",
}
"""Names that an import gives the four, unless told otherwise."""

RELEASED_LABELS = ("background", "face", "hair")
"""What the released segmenter tells apart, in the order of its classes."""

_OUTPUTS = {
    "dsfd": ("offsets", "scores"),
    "hrnet": ("maps",),
    "hopenet": ("pose",),
    SEGMENTING: ("logits",),
}
_POINTS = 98

SCORE = 0.5
"""Above it a box is a face, as in FSGAN."""

CROP_SCALE = 1.2
"""Side of the square that the networks see over the longer side of the face."""

_LONGEST = 2160
"""Pixels of a side that DSFD is shown; larger plates are reduced by a whole number first, as its
memory grows with the picture. FSGAN shows it everything."""

_SMALLEST = 64
"""A smaller picture is continued in black: the coarsest maps would vanish."""

_CROP, _POSE_CROP = 256, 224

_FAINT = 0.1
"""Peak of a heat map below which its point is not believed; ours."""

_MIRROR = np.diag([1.0, -1.0, 1.0])
"""From y down to y up; in both spaces x goes to the picture's right and z to the viewer."""


@dataclass(frozen=True, slots=True)
class Seers:
    """Which networks look at a plate.

    Attributes:
        detector: of `DETECTORS`.
        landmarker: of `LANDMARKERS`.
        poser: of `POSERS`.
        segmenter: of `SEGMENTERS`.
        folders: where released networks are looked for, beside those installed with us.
        device: what all of them run on, "cpu" or "cuda".
    """

    detector: str = DETECTORS[0]
    landmarker: str = LANDMARKERS[0]
    poser: str = POSERS[0]
    segmenter: str = SEGMENTERS[0]
    folders: tuple[Path, ...] = ()
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Check that each is one that we know."""
        for knob, value, known in (
            ("detector", self.detector, DETECTORS),
            ("landmarker", self.landmarker, LANDMARKERS),
            ("pose_net", self.poser, POSERS),
            ("segmenter", self.segmenter, SEGMENTERS),
        ):
            if value not in known:
                raise KnobError(knob, value, " or ".join(known))

    @classmethod
    def of(cls, kinds: Sequence[str], folders: Sequence[Path] = (), device: str = "cpu") -> Seers:
        """Return the choice in which released networks take the places of ours.

        Args:
            kinds: of "dsfd", "hrnet", "hopenet" and "segmenter", as a job has them.
            folders: where they are looked for.
            device: what all networks run on.

        Raises:
            KnobError: another word.
        """
        for kind in kinds:
            if kind not in OFFICIAL:
                raise KnobError("official", kind, " or ".join(OFFICIAL))
        detector, landmarker, poser = (
            next((name for name in known if name in kinds), known[0])
            for known in (DETECTORS, LANDMARKERS, POSERS)
        )
        segmenter = SEGMENTERS[SEGMENTING in kinds]
        return cls(detector, landmarker, poser, segmenter, tuple(folders), device)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The released networks among the four, as a job lists them."""
        found = [k for k in (self.detector, self.landmarker, self.poser) if k in OFFICIAL]
        return tuple(found + [SEGMENTING] * (self.segmenter == SEGMENTERS[1]))


def official_card(kind: str, folders: Sequence[Path]) -> ModelCard:
    """Return the card of a released network that was imported.

    Args:
        kind: "dsfd", "hrnet", "hopenet" or "segmenter".
        folders: where to look, beside what is installed with us.

    Raises:
        ModelError: it was not imported, or it is another network.
    """
    name = OFFICIAL[kind]
    try:
        card = find_card(name, also=folders)
    except ModelUnknownError as error:
        raise ModelError(
            f"The released weights of {'the ' * (kind == SEGMENTING)}{kind} are not here: there is "
            f"no model called {name}.",
            hint="Bring them in with `faceplate models import FILE.pth`, or leave the choice out.",
            name=name,
        ) from error
    found = tuple(tensor.name for tensor in card.outputs)
    fits = found == _OUTPUTS[kind]
    fits &= kind != "hrnet" or card.outputs[0].shape[0] == _POINTS
    fits &= kind != SEGMENTING or card.labels == RELEASED_LABELS
    if not fits:
        wanted = f" of {', '.join(RELEASED_LABELS)}" * (kind == SEGMENTING)
        raise ModelMismatchError(
            f"Model {name} is no {kind}{wanted}: it gives {', '.join(card.labels or found)}.",
            hint="Import the released file again, under the name that it gets by itself.",
            name=name,
        )
    return card


def load_official(kind: str, folders: Sequence[Path], device: str = "cpu") -> Network:
    """Return a released network that was imported; see `official_card`.

    Raises:
        ModelError: it was not imported, it is another network, or its files are altered.
        DeviceError: the device is not there.
    """
    return load_network(official_card(kind, folders).name, device=device, also=folders)


@dataclass(frozen=True, slots=True, eq=False)
class DsfdDetector:
    """Finds faces with DSFD, at the plate's resolution and on one scale as FSGAN does."""

    network: Network

    @property
    def networks(self) -> tuple[Network, ...]:
        """DSFD alone."""
        return (self.network,)

    @property
    def tiled(self) -> bool:
        """False: it sees the plate itself."""
        return False

    def detect(self, picture: PlatePicture, overview: Overview, gain: float) -> list[Detection]:
        """Return the faces of a frame, the surest first, without points."""
        longest = max(picture.window.width * picture.pixel_aspect, picture.window.height)
        whole = Overview.reduced(picture, overview.finest, max(int(np.ceil(longest / _LONGEST)), 1))
        codes = picture.codes(whole.pixels * np.float32(gain))
        missing = [(0, max(_SMALLEST - length, 0)) for length in codes.shape[:2]]
        codes = np.pad(codes, (*missing, (0, 0)))
        loc, scores = self.network.run(codes[None])
        boxes, chances = detections(loc[0], scores[0], *codes.shape[:2])
        offset = np.tile(whole.square_from_overview[:, 2], 2)
        return [
            Detection(float(chance), box.astype(np.float64) * whole.scale + offset, None)
            for box, chance in zip(boxes, chances, strict=True)
            if chance > SCORE
        ]


@dataclass(frozen=True, slots=True, eq=False)
class HrnetLandmarker:
    """Finds a mesh as another landmarker does, and moves it onto HRNet's 98 points.

    FSGAN has the points alone; the mesh that carries them here is ours.
    """

    base: FaceLandmarker
    network: Network

    @property
    def networks(self) -> tuple[Network, ...]:
        """HRNet, and what the mesh comes from."""
        return (*self.base.networks, self.network)

    def fit(self, picture: PlatePicture, detection: Detection, gain: float) -> MeshFit:
        """Return the mesh of a detected face; its WFLW points are HRNet's."""
        fit = self.base.fit(picture, detection, gain)
        if not np.isfinite(fit.points).all():
            return fit
        region = region_of_face(fit.points)
        codes, _ = cut_codes(picture, region, gain, _CROP)
        (maps,) = self.network.run(codes[None])
        local, confidence = soft_points(maps[0])
        transform = region.square_from_crop(_CROP)
        points = local.astype(np.float64) * _CROP @ transform[:, :2].T + transform[:, 2]
        seen = confidence >= _FAINT
        score = min(fit.score, float(seen.mean()))
        return MeshFit(pull_mesh(fit.points, points, seen), score, fit.disagreement)

    def coefficients(self, mesh: DoubleArray) -> FloatArray:
        """Return the 52 expression coefficients of a mesh in square pixels."""
        return self.base.coefficients(mesh)


@dataclass(frozen=True, slots=True, eq=False)
class HopenetPoser:
    """Tells the direction of a head with Hopenet, from the picture alone."""

    network: Network

    @property
    def networks(self) -> tuple[Network, ...]:
        """Hopenet alone."""
        return (self.network,)

    def pose(self, picture: PlatePicture, mesh: DoubleArray, gain: float) -> HeadPose:
        """Return the direction of the head that a mesh, in square pixels, was found on."""
        codes, _ = cut_codes(picture, region_of_face(mesh), gain, _POSE_CROP)
        (angles,) = self.network.run(codes[None])
        yaw, pitch, roll = (float(angle) for angle in angles[0])
        return house_pose(yaw, pitch, roll)


def region_of_face(mesh: AnyArray) -> Region:
    """Return FSGAN's square around a face: not turned, 1.2 times the longer side of its box.

    FSGAN's box is the detector's, smoothed over time; this one is the mesh's, which like it
    reaches from the forehead to the chin, and is not rounded to pixels.
    """
    x0, y0, x1, y1 = box_of_mesh(mesh)
    return Region((x0 + x1) / 2, (y0 + y1) / 2, max(x1 - x0, y1 - y0) * CROP_SCALE, 0.0)


def house_pose(yaw: float, pitch: float, roll: float) -> HeadPose:
    """Return angles of 300W-LP, in degrees, as the house has them.

    There a head turns to its own right for positive yaw, and turns in the order roll, yaw, pitch;
    here it turns to its own left, in the order yaw, pitch, roll.

    >>> round(house_pose(30.0, 0.0, 0.0).yaw), round(house_pose(0.0, 20.0, 0.0).pitch)
    (-30, 20)

    Source:
        The axes that Hopenet's authors draw.
    """
    a, b, c = np.radians([pitch, -yaw, roll])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return pose_of_rotation(_MIRROR @ about_x @ about_y @ about_z @ _MIRROR)
