"""From labels of a crop to coverages on the plate's pixels, steady in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.core.analysis.label import LabelledCrop
from faceplate.core.arrays import BoolArray, DoubleArray, FloatArray
from faceplate.core.frame import Window
from faceplate.core.stages.guided import color_guided_filter

REACH = 2
"""Frames on either side that a frame's labels are steadied with: a finite window of inputs."""

_SHARES = (1.0, 0.8, 0.6)
"""Weight of a frame by its distance in time."""
_SAME = 0.05
"""Difference in code values at which another frame's pixel counts a third: it moved."""
_PATCH = 0.02
"""Patch over which pixels are compared, share of the crop's side."""

_DECISION = 1.6
"""Power on the chances: doubts of a tenth fall to a thirtieth, edges stay where they are."""
_SURE = 0.03
"""Coverage that counts as none, and what lacks to a coverage that counts as whole."""
_TOUCH = 0.012
"""Gap across which a covering still counts as touching the head, share of the crop's side."""
_ANY = 0.2
"""Chance from which a pixel belongs to a covering when its parts are joined."""

_WORK_PX = 128.0
"""Face height at which edges are fitted, the network's own; the fit is applied at the plate's."""
_RADIUS = 0.018
"""Radius of the fit, face heights: a soft edge of the network fits in, a finger does not."""
_EPSILON = 2e-3
_DARKEST, _BRIGHTEST = 2.0**-10, 2.0**12


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Coverages on the pixels of a window.

    Attributes:
        window: raster pixels.
        face: (h, w) float32, 0 to 1: visible face, without the inside of the mouth.
        hair: likewise.
        occluder: hands, glasses, props, anybody else in front.
        mouth: the inside of an open mouth.
        drawn: (h, w) float32 hand-made coverage of what is to be replaced, or None.
    """

    window: Window
    face: FloatArray
    hair: FloatArray
    occluder: FloatArray
    mouth: FloatArray
    drawn: FloatArray | None = None

    @property
    def visible(self) -> FloatArray:
        """(h, w) float32: what of the face can be seen, mouth and all."""
        return np.minimum(self.face + self.mouth, 1.0)

    def cut(self, window: Window) -> Labels:
        """Return the part under a window; outside of what was labelled there is nothing."""
        if window == self.window:
            return self
        inner = window.clipped(self.window)

        def part(plane: FloatArray) -> FloatArray:
            whole = np.zeros((window.height, window.width), np.float32)
            whole[inner.slices_in(window)] = plane[inner.slices_in(self.window)]
            return whole

        return Labels(
            window,
            face=part(self.face),
            hair=part(self.hair),
            occluder=part(self.occluder),
            mouth=part(self.mouth),
            drawn=None if self.drawn is None else part(self.drawn),
        )

    def overruled(self, drawn: FloatArray) -> Labels:
        """Return labels that agree with a hand-made coverage (h, w) of the visible face."""
        mouth, covered = np.minimum(self.mouth, drawn), 1 - drawn
        return Labels(
            self.window,
            face=drawn - mouth,
            hair=np.minimum(self.hair, covered),
            occluder=np.minimum(self.occluder, covered),
            mouth=mouth,
            drawn=drawn,
        )

    def covered(self, drawn: FloatArray) -> Labels:
        """Return labels that agree with a hand-made coverage (h, w) of what hides the face."""
        free = 1 - drawn
        return Labels(
            self.window,
            face=np.minimum(self.face, free),
            hair=np.minimum(self.hair, free),
            occluder=drawn,
            mouth=np.minimum(self.mouth, free),
            drawn=drawn,
        )


def steady_chances(crops: Sequence[LabelledCrop], offsets: Sequence[int]) -> FloatArray:
    """Return the chances of the frame at offset 0, averaged over those that look the same there.

    The crops are aligned by the head, so what rests on it lies on the same pixels; what moves
    over it looks different from frame to frame and keeps its own frame's labels.

    Args:
        crops: the face in several frames, all seen at the same exposure.
        offsets: their distances in frames; one is 0.

    Returns:
        (S, S, C) float32, summing to 1.
    """
    own = crops[list(offsets).index(0)]
    patch = max(int(_PATCH * own.codes.shape[0]), 1)
    total = np.zeros(own.chances.shape, np.float32)
    weight = np.zeros(own.codes.shape[:2], np.float32)
    for crop, offset in zip(crops, offsets, strict=True):
        share = np.full_like(weight, _SHARES[abs(offset)])
        if offset:
            apart = np.abs(crop.codes - own.codes).max(axis=2)
            apart = cv2.blur(apart, (patch, patch), borderType=cv2.BORDER_REPLICATE)
            share *= np.exp(-np.square(apart / _SAME)).astype(np.float32)
        total += share[..., None] * crop.chances
        weight += share
    return total / weight[..., None]


def _decided(chances: FloatArray) -> FloatArray:
    """Return chances with faint doubts taken off: a haze of a few percent is no coverage."""
    sharper = np.power(chances, np.float32(_DECISION))
    return np.asarray(sharper / sharper.sum(axis=2, keepdims=True), np.float32)


def attached_only(chances: FloatArray, names: Sequence[str]) -> FloatArray:
    """Return chances without what lies apart: it is background.

    Face away from the middle of the crop is somebody else's, or no face. A thing that stands
    beside a head covers nothing of it, however much it looks like a prop.

    Args:
        chances: (S, S, C) float32.
        names: of the C labels.
    """
    face, hair, occluder, mouth, rest = (
        names.index(name) for name in ("face", "hair", "occluder", "mouth", "background")
    )
    side = chances.shape[0]
    middle = np.zeros((side, side), np.uint8)
    center, axes = (side // 2, round(0.54 * side)), (round(0.2 * side), round(0.26 * side))
    cv2.ellipse(middle, center, axes, 0, 0, 360, 1, cv2.FILLED)
    result = chances.copy()
    lost = _apart(chances[..., face] + chances[..., mouth], middle > 0)
    for label in (face, mouth):
        result[..., rest] += result[..., label] * lost
        result[..., label] -= result[..., label] * lost
    reach = 2 * max(round(_TOUCH * side), 1) + 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    head = result[..., [face, hair, mouth]].sum(axis=2) > 0.5
    loose = _apart(chances[..., occluder], cv2.dilate(head.astype(np.uint8), brush) > 0)
    result[..., rest] += result[..., occluder] * loose
    result[..., occluder] -= result[..., occluder] * loose
    return result


def _apart(chance: FloatArray, place: BoolArray) -> FloatArray:
    """Return (S, S) float32, 1 where a chance belongs to no part that reaches a place, else 0."""
    count, part = cv2.connectedComponents((chance > _ANY).astype(np.uint8), connectivity=8)
    reaches = np.zeros(count, np.float32)
    reaches[np.unique(part[place])] = 1
    return np.asarray(1 - reaches[part], np.float32)


def labels_on(
    chances: FloatArray,
    names: Sequence[str],
    plate_from_crop: DoubleArray,
    window: Window,
    linear: FloatArray,
    face_height: float,
) -> Labels:
    """Bring a crop's chances to the plate's pixels, with edges where the plate has them.

    Args:
        chances: (S, S, C) float32.
        names: of the C labels.
        plate_from_crop: where the crop lies.
        window: raster pixels of the result.
        linear: (h, w, 3) float32, linear Rec.709 of the window.
        face_height: raster pixels.
    """
    wanted = ("face", "hair", "occluder", "mouth")
    chances = attached_only(_decided(chances), names)
    picked = np.ascontiguousarray(chances[..., [names.index(name) for name in wanted]])
    factor = min(_WORK_PX / max(face_height, 1.0), 1.0)
    size = (max(round(window.height * factor), 2), max(round(window.width * factor), 2))
    steps = window.width / size[1], window.height / size[0]
    small = _on_grid(picked, plate_from_crop, window, steps, size)
    # fmax and fmin give the number where the other is not one
    guide = np.fmin(np.fmax(linear, np.float32(_DARKEST)), np.float32(_BRIGHTEST))
    np.log2(guide, out=guide)
    guide /= np.float32(6.0)
    small_guide = cv2.resize(guide, size[::-1], interpolation=cv2.INTER_AREA)
    radius = max(round(_RADIUS * face_height * factor), 1)
    fitted = color_guided_filter(guide, small_guide, small, radius=radius, epsilon=_EPSILON)
    # Nearly nothing is nothing and nearly all is all, so that what is hidden stays the plate's.
    fitted = (fitted - np.float32(_SURE)) / np.float32(1 - 2 * _SURE)
    planes = [np.clip(fitted[..., k], 0.0, 1.0) for k in range(4)]
    # Rounding and the fit's overshoot must not make more than one pixel out of a pixel.
    total = np.maximum(planes[0] + planes[1] + planes[2] + planes[3], np.float32(1.0))
    return Labels(window, *(plane / total for plane in planes))


def _on_grid(
    picked: FloatArray,
    plate_from_crop: DoubleArray,
    window: Window,
    steps: tuple[float, float],
    size: tuple[int, int],
) -> FloatArray:
    """Sample the crop on a grid over the window; outside the crop there is no label."""
    plate_from_grid = np.array([[steps[0], 0, window.x0], [0, steps[1], window.y0], [0, 0, 1.0]])
    whole = np.vstack([plate_from_crop, [0.0, 0.0, 1.0]])
    # OpenCV counts from pixel centres, ours from corners: half a pixel on either side
    to_center = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    crop_from_grid = np.linalg.inv(whole @ to_center) @ plate_from_grid @ to_center
    sampled = cv2.warpAffine(
        picked,
        crop_from_grid[:2],
        size[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return np.asarray(sampled, np.float32)
