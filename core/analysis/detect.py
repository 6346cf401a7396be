"""Finds faces in one frame: a full and a short range detector, and tiles for small faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from faceplate.core.analysis.picture import PlatePicture, plate_from_square
from faceplate.core.arrays import AnyArray, BoolArray, DoubleArray, FloatArray
from faceplate.core.geometry.crop import cut
from faceplate.core.nets.run import Network

THRESHOLD = 0.5
"""Score from which a detection counts, as in the detector's own pipeline."""

_INSIDE = 0.7
_OVERLAP = 0.3
"""IoU from which detections are one face (MediaPipe's weighted non-maximum suppression)."""

TILE_SIDES = (1080.0, 540.0)
"""Square pixels of the finest tiles, and of those for a frame in which these show nothing. The
full-range net finds faces from 14 px of its input (measured): 80 and 40 px of the plate."""

_TILE_SHARE = 0.8
"""Most of a tile that its step may cover, so that a face on a border is whole in one of two."""

_INPUT = 192
_SHORT_INPUT = 128


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One face as the detector sees it.

    Attributes:
        score: 0 to 1.
        box: (4,) float64; x0, y0, x1, y1 (brows to chin, or the whole face) in square pixels.
        points: (6, 2) float64 in square pixels: right eye, left eye (the subject's own), nose
            tip, mouth, right and left ear; None where the detector sees none.
    """

    score: float
    box: DoubleArray
    points: DoubleArray | None

    @property
    def side(self) -> float:
        """The longer side of the box."""
        return float(max(self.box[2] - self.box[0], self.box[3] - self.box[1]))

    @property
    def turn(self) -> float:
        """How far the face's top turns clockwise, in radians; 0 where no eyes are seen."""
        if self.points is None:
            return 0.0
        right, left = self.points[0], self.points[1]
        return float(np.arctan2(left[1] - right[1], left[0] - right[0]))


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """A whole frame, reduced, from which all detector inputs are cut.

    Attributes:
        pixels: (h, w, 3) float32, linear Rec.709.
        square_from_overview: (2, 3) float64.
        finest: side of the smallest tiles to look at, in square pixels of the plate.
    """

    pixels: FloatArray
    square_from_overview: DoubleArray
    finest: float

    @classmethod
    def of(cls, picture: PlatePicture, finest: float) -> Overview:
        """Reduce a frame by a whole number, to what tiles of a side need."""
        longest = max(picture.window.width * picture.pixel_aspect, picture.window.height)
        return cls.reduced(picture, finest, max(int(min(finest, longest) / _INPUT), 1))

    @classmethod
    def reduced(cls, picture: PlatePicture, finest: float, factor: int) -> Overview:
        """Reduce a frame ``factor`` times; 1 is the plate's own resolution."""
        window, aspect = picture.window, picture.pixel_aspect
        width = window.width * aspect
        size = (-(-window.height // factor), max(round(width / factor), 1))
        transform = np.array([[factor, 0, window.x0 * aspect], [0, factor, window.y0]], np.float64)
        return cls(picture.linear(plate_from_square(transform, aspect), size), transform, finest)

    @property
    def scale(self) -> float:
        """Square pixels of the plate to a pixel."""
        return float(self.square_from_overview[0, 0])


class FaceDetector(Protocol):
    """Finds faces in one frame: `Detector`, or the released one in `core.analysis.official`."""

    @property
    def networks(self) -> tuple[Network, ...]:
        """All that its answers depend on."""

    @property
    def tiled(self) -> bool:
        """Whether it sees no more than an overview, so that a finer one may show it more."""

    def detect(self, picture: PlatePicture, overview: Overview, gain: float) -> list[Detection]:
        """Return the faces of a frame, the surest first.

        Args:
            picture: the frame.
            overview: the frame, reduced.
            gain: factor on linear light.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """Finds faces with a full range network, and near ones with a short range network."""

    full: Network
    short: Network

    @property
    def networks(self) -> tuple[Network, ...]:
        """Both."""
        return self.full, self.short

    @property
    def tiled(self) -> bool:
        """True: its tiles are cut from the overview."""
        return True

    def detect(self, picture: PlatePicture, overview: Overview, gain: float) -> list[Detection]:
        """Return the faces of a frame, the surest first; see `FaceDetector`."""
        codes = picture.codes(overview.pixels * np.float32(gain))
        height, width = codes.shape[:2]
        whole = float(max(height, width))
        found = self._in_square(overview, codes, width / 2, height / 2, whole)
        found += self._in_square(overview, codes, width / 2, height / 2, whole, near=True)
        # An edge of the frame is inside: a face that fills it is larger than the nets expect.
        finest = overview.finest / overview.scale
        side = max(float(min(height, width)), finest)  # a strip is searched along its length too
        while side >= finest * 0.99:
            if side < 0.99 * whole:
                for x, y in _tile_centres(width, height, side):
                    found += self._in_square(overview, codes, x, y, side)
            side = side / 2 if side >= 2 * finest else (finest if side > 1.3 * finest else 0.0)
        return _merge(found)

    def _in_square(
        self,
        overview: Overview,
        codes: FloatArray,
        x: float,
        y: float,
        side: float,
        *,
        near: bool = False,
    ) -> list[Detection]:
        size = _SHORT_INPUT if near else _INPUT
        step = side / size
        overview_from_crop = np.array(
            [[step, 0, x - side / 2], [0, step, y - side / 2]], np.float64
        )
        crop = cut(codes, overview_from_crop, (size, size))
        network = self.short if near else self.full
        regressors, scores = network.run(crop[None] * np.float32(2) - np.float32(1))
        chance = _sigmoid(scores.reshape(-1).astype(np.float64))
        keep = np.flatnonzero(chance > THRESHOLD)
        anchors = _short_anchors() if near else _full_anchors()
        values = regressors.reshape(-1, 16)[keep].astype(np.float64) / size
        centre = values[:, :2] + anchors[keep]
        half = values[:, 2:4] / 2
        points = values[:, 4:].reshape(-1, 6, 2) + anchors[keep][:, None]
        scale = side * overview.scale
        corner = (np.array([x, y]) - side / 2) * overview.scale
        corner = corner + overview.square_from_overview[:, 2]
        return [
            Detection(
                float(chance[index]),
                np.concatenate([(c - h) * scale + corner, (c + h) * scale + corner]),
                p * scale + corner,
            )
            for index, c, h, p in zip(keep, centre, half, points, strict=True)
        ]


def _full_anchors() -> DoubleArray:
    centres = (np.arange(48) + 0.5) / 48
    return np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)


def _short_anchors() -> DoubleArray:
    """Return two anchors a cell of 16 x 16, then six a cell of 8 x 8."""
    layers = []
    for cells, copies in ((16, 2), (8, 6)):
        centres = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
        layers.append(np.repeat(grid, copies, axis=0))
    return np.vstack(layers)


def _tile_centres(width: int, height: int, side: float) -> list[tuple[float, float]]:
    """Spread overlapping squares over a picture, in reading order."""

    def along(length: int) -> AnyArray:
        if length <= side:
            return np.array([length / 2])
        count = int(np.ceil((length - side) / (side * _TILE_SHARE))) + 1
        return np.linspace(side / 2, length - side / 2, count)

    return [(float(x), float(y)) for y in along(height) for x in along(width)]


def _merge(found: list[Detection]) -> list[Detection]:
    """Join what overlaps into means weighted by score; the surest first."""
    if not found:
        return []
    found = sorted(found, key=lambda d: (-d.score, *d.box))
    boxes = np.array([d.box for d in found])
    used = np.zeros(len(found), bool)
    merged = []
    for index, best in enumerate(found):
        if used[index]:
            continue
        group = np.flatnonzero(~used & _same_face(boxes[index], boxes))
        used[group] = True
        group = group[_overlap(boxes[index], boxes[group])[0] > _OVERLAP]
        weight = np.array([found[i].score for i in group])
        weight /= weight.sum()
        merged.append(
            Detection(
                best.score,
                np.einsum("i,ij->j", weight, boxes[group]),
                np.einsum("i,ijk->jk", weight, np.array([found[i].points for i in group])),
            )
        )
    return merged


def _same_face(box: DoubleArray, boxes: DoubleArray) -> BoolArray:
    """Return which boxes overlap ``box``, or are a piece of it seen through a tile's border."""
    shared, inside = _overlap(box, boxes)
    return np.asarray((shared > _OVERLAP) | (inside > _INSIDE), np.bool_)


def _overlap(box: DoubleArray, boxes: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Return the intersection over the union, and over the smaller of two boxes."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    inter = np.clip(high - low, 0, None).prod(axis=1)
    area, areas = np.prod(box[2:] - box[:2]), np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    union = np.maximum(area + areas - inter, 1e-9)
    return inter / union, inter / np.maximum(np.minimum(area, areas), 1e-9)


def _sigmoid(x: DoubleArray) -> DoubleArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -80, 80))), np.float64)
