"""The networks' square crops: where they lie, source views in them, and the way back to the plate.

Source: `fsgan.md` 2.4 and 10.2. Ours: crops are filtered as they are reduced, because 4K faces
would shimmer; the matte ends softly at the crop's border; and the plate's own detail and
highlights stay as far as the networks left the picture alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.analysis.landmark import box_of_mesh
from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.face import HeadPose
from faceplate.core.frame import Window
from faceplate.core.geometry.crop import cut
from faceplate.core.geometry.square import CROP_SIDE, square_of_box, turn_crop
from faceplate.core.stages import views
from faceplate.core.stages.erosion import Eroded
from faceplate.core.stages.views import SourceView

SIZE = (CROP_SIDE, CROP_SIDE)
_BORDER_PX = 8
"""Pixels of the crop over which the matte comes down to its border."""
_KEPT = 0.08
"""Change of a code at which a third of the plate's own detail stays; a step of skin is 0.05."""


@dataclass(frozen=True, slots=True)
class CropPlace:
    """Where the networks' square lies: whole pixels of a raster, all but square on its display.

    Attributes:
        window: raster pixels, which may reach past the picture.
    """

    window: Window

    @classmethod
    def around(cls, box: tuple[float, float, float, float], pixel_aspect: float = 1.0) -> CropPlace:
        """Return the released code's square around a face's box in raster pixels."""
        x0, y0, x1, y1 = box
        square = square_of_box((x0 * pixel_aspect, y0, x1 * pixel_aspect, y1))
        left = round(square.x0 / pixel_aspect)
        width = max(round(square.side / pixel_aspect), 1)
        return cls(Window(left, square.y0, left + width, square.y0 + square.side))

    @property
    def steps(self) -> DoubleArray:
        """Raster pixels of a crop's pixel, x and y."""
        return np.array([self.window.width, self.window.height]) / CROP_SIDE

    @property
    def raster_from_crop(self) -> DoubleArray:
        """(2, 3) transform from the crop's pixels."""
        x, y = self.steps
        return np.array([[x, 0, self.window.x0], [0, y, self.window.y0]])

    def landmarks(self, mesh: AnyArray) -> DoubleArray:
        """Return the (98, 3) WFLW points of a mesh, raster pixels, in the crop's."""
        face = canonical_face()
        points = (mesh[face.wflw_index] * face.wflw_weight[..., None]).sum(axis=1)
        steps = [*self.steps, self.steps[1]]
        return np.asarray((points - [self.window.x0, self.window.y0, 0.0]) / steps)

    def cut(self, plane: AnyArray, window: Window) -> FloatArray:
        """Return (256, 256) of a plane that covers a window of the raster; 0 outside of it."""
        transform = self.raster_from_crop - [[0, 0, window.x0], [0, 0, window.y0]]
        return cut(np.dstack([plane] * 3).astype(np.float32), transform, SIZE)[..., 0]

    def enlarge(self, crop: FloatArray) -> FloatArray:
        """Return a (256, 256, ...) crop on the raster pixels of its window."""
        size = (self.window.width, self.window.height)
        shrinks = self.window.height < CROP_SIDE
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(crop, size, interpolation=how))


@dataclass(frozen=True, slots=True, eq=False)
class SourceCrop:
    """A source view as the networks take it, not yet turned.

    Attributes:
        codes: (256, 256, 3) float32 network codes, exposure equalised; black outside the picture.
        points: (98, 3) float64 WFLW points in the crop's pixels.
        pose: of the head.
        blur_px: sigma of the picture's blur, in the crop's pixels.
    """

    codes: FloatArray
    points: DoubleArray
    pose: HeadPose
    blur_px: float

    def turned(self, roll: float) -> tuple[FloatArray, DoubleArray]:
        """Return picture and points with the head tilted to another roll, degrees."""
        degrees = self.pose.roll - roll
        angle = np.radians(degrees)
        # y counts downwards: counter-clockwise as one looks at it
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        points = self.points.copy()
        points[:, :2] = (points[:, :2] - CROP_SIDE / 2) @ turn.T + CROP_SIDE / 2
        return np.clip(turn_crop(self.codes, degrees), 0, 1), points


def source_crop(source: SourceView, encode: Callable[[FloatArray], FloatArray]) -> SourceCrop:
    """Cut a source view for the networks.

    Args:
        encode: linear Rec.709 to code values.
    """
    view = source.view
    place = CropPlace.around(box_of_mesh(view.mesh))
    level = np.exp2(np.float32(view.skin[:3].mean()))
    linear = cut(view.picture.astype(np.float32), place.raster_from_crop, SIZE)
    codes = encode(linear * np.float32(views.MIDDLE / level))
    return SourceCrop(
        codes=np.clip(codes, 0, 1),
        points=place.landmarks(view.mesh),
        pose=view.pose,
        blur_px=float(view.sharpness / place.steps[1]),
    )


def crop_from_crop(to: DoubleArray, given: DoubleArray) -> DoubleArray:
    """Return the (2, 3) transform from one crop's pixels to another's, as OpenCV counts them.

    Args:
        to, given: (2, 3) what takes either to the raster.
    """
    centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    a, b = (np.vstack([one, [0.0, 0.0, 1.0]]) @ centre for one in (to, given))
    return np.asarray((np.linalg.inv(a) @ b)[:2])


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """What the networks made, on the plate's pixels.

    Attributes:
        codes: (h, w, 3) float32, unbounded.
        kept: (h, w) float32, how much of the plate's own detail is in them.
        cover: (h, w) float32, the soft matte.
        new: (h, w) float32, the hard one.
    """

    codes: FloatArray
    kept: FloatArray
    cover: FloatArray
    new: FloatArray


def carried(
    codes: FloatArray,
    target: FloatArray,
    answer: FloatArray,
    eroded: Eroded,
    place: CropPlace,
    window: Window,
) -> Carried:
    """Carry the networks' answer to the plate's pixels.

    Where it is what they were shown, the plate's codes return as they were, with all that a crop
    of 256 pixels or codes of 0 to 1 cannot hold; where it is something else, it comes alone.

    Args:
        codes: (h, w, 3) unbounded codes of the plate in ``window``.
        target: (256, 256, 3) codes that the networks were shown.
        answer: (256, 256, 3) codes that came back.
        eroded: (1, 256, 256) where they were to be replaced.
        place: of the crop.
        window: raster pixels.
    """
    kept = np.ones(codes.shape[:2], np.float32)
    cover, new = np.zeros_like(kept), np.zeros_like(kept)
    inner = place.window.clipped(window)
    if inner.is_empty:
        return Carried(codes, kept, cover, new)
    here, there = inner.slices_in(window), inner.slices_in(place.window)
    shown = place.enlarge(target)[there]
    change = place.enlarge(answer)[there] - shown
    stays = np.exp(-np.square(np.abs(change).max(axis=2) / np.float32(_KEPT)))
    result = codes.copy()
    result[here] += change + (stays[..., None] - 1) * (codes[here] - shown)
    kept[here] = stays
    ramp = np.clip((np.arange(CROP_SIDE) + 0.5) / _BORDER_PX, 0, 1).astype(np.float32)
    ramp = np.minimum(ramp, ramp[::-1])
    ramp = np.minimum(ramp[:, None], ramp)
    for plane, matte in ((cover, eroded.soft[0] * ramp), (new, eroded.hard[0].astype(np.float32))):
        plane[here] = np.clip(place.enlarge(matte)[there], 0, 1)
    return Carried(result, kept, cover, new)
