"""Measures of one frame that go by its pixels: exactness, seam, light, matte, what covers it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, BoolArray, FloatArray
from faceplate.core.frame import Frame

DARKEST = 0.005
"""Added to light before its logarithm is taken, where the face's skin is about 0.18: shadows and
noise in them must not count as stops."""

_BAND = 0.02
"""Width of the bands on either side of a matte's edge, face heights."""
_BLOCK = 0.08
"""Side of the blocks that bands are compared in, face heights."""
_FEWEST_PX = 12
_LEAST_COVER = 0.02
"""Share of the face that must be covered before a leak is told."""
_FROZEN = 0.05
"""Change, as a share of the plate's, below which a frame counts as the one before it again."""


@dataclass(frozen=True, slots=True)
class Altered:
    """What a comp changed where it promises the plate's own bits.

    Attributes:
        pixels: how many pixels differ in a bit of any channel of the plate.
        reason: why the frames cannot be compared at all, or "".
    """

    pixels: int
    reason: str = ""


def altered_pixels(plate: Frame, comp: Frame, matte: AnyArray) -> Altered:
    """Count the pixels outside a matte whose bits differ from the plate's.

    Every channel of the plate counts, in its own type: a NaN's payload and the sign of a zero,
    too. Frames of another window, shape of pixel or type differ in all their pixels.

    Args:
        matte: (H, W) over the comp's data window; what is above 0 was replaced.
    """
    everything = plate.data.width * plate.data.height
    shapes = {
        "data window": (plate.data, comp.data),
        "display window": (plate.display, comp.display),
        "pixel aspect": (plate.pixel_aspect, comp.pixel_aspect),
    }
    for name, (wanted, found) in shapes.items():
        if found != wanted:
            return Altered(everything, f"its {name} differs from the plate's")
    changed = np.zeros(matte.shape, np.bool_)
    for name, plane in plate.channels.items():
        other = comp.channels.get(name)
        if other is None or other.dtype != plane.dtype:
            kind = "lacks" if other is None else f"has as {other.dtype}"
            return Altered(everything, f"it {kind} the plate's channel {name} ({plane.dtype})")
        bits = f"u{plane.dtype.itemsize}"
        changed |= plane.view(bits) != other.view(bits)
    return Altered(int(np.count_nonzero(changed & ~(matte > 0))))


def seam_step(
    comp: FloatArray, plate: FloatArray, matte: FloatArray, height: float
) -> float | None:
    """Return how much more strongly light breaks at the matte's edge than in the plate, in stops.

    Two bands, 2 % of the face's height wide, run along the line of half coverage, one on either
    side. In each block of 8 % of the height a step is log2 of the mean inside over the mean
    outside; what counts is the comp's step beyond the plate's, |sc| - |sp| or 0, as the root mean
    square over blocks and channels. Where the plate shows no step, a gain of the replaced pixels
    of 2^s behind a hard edge reads |s|; a feather wider than the bands reads less, as it is seen
    less; a contrast that the plate has there already, as between jaw and background, hides it.

    Args:
        comp, plate: (h, w, 3) float32, linear light, exposed for the face.
        matte: (h, w) float32 coverage.
        height: of the face, in pixels.

    Returns:
        Stops, or None where the matte has no edge in the picture.
    """
    inside = matte >= 0.5
    width = max(_BAND * height, 2.0)
    side = max(round(_BLOCK * height), 8)
    bands = [area & (_distance(area) <= width) for area in (inside, ~inside)]
    if not bands[0].any() or not bands[1].any():
        return None
    rows, columns = (np.arange(length) // side for length in matte.shape)
    block = rows[:, None] * (columns[-1] + 1) + columns
    count = int(block[-1, -1]) + 1
    sizes = [np.bincount(block[band], minlength=count) for band in bands]
    whole = np.minimum(*sizes) >= _FEWEST_PX
    if not whole.any():
        return None

    def step(picture: FloatArray, channel: int) -> AnyArray:
        light = [
            np.bincount(block[band], picture[..., channel][band], count)[whole] / size[whole]
            for band, size in zip(bands, sizes, strict=True)
        ]
        logs = [np.log2(np.maximum(level, 0) + DARKEST) for level in light]
        return logs[0] - logs[1]

    beyond = [np.abs(step(comp, c)) - np.abs(step(plate, c)) for c in range(3)]
    return float(np.sqrt(np.square(np.maximum(beyond, 0)).mean()))


def _distance(area: BoolArray) -> FloatArray:
    """Return how far each pixel of an area lies inside of it, from 1 at its edge."""
    # Beyond the picture nothing is known: no edge there.
    framed = np.pad(area.astype(np.uint8), 1, constant_values=1)
    return np.asarray(cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1])


def light_ratio(comp: FloatArray, plate: FloatArray, matte: FloatArray) -> FloatArray:
    """Return how many stops the comp is above the plate, (h, w, 3); NaN outside the matte.

    Args:
        comp, plate: (h, w, 3) float32, linear light, exposed for the face; a small picture that
            follows the face, so that grain is averaged and a place of it stays a place.
        matte: (h, w) coverage; from a half on, a pixel counts.
    """
    logs = [np.log2(np.maximum(picture, 0) + np.float32(DARKEST)) for picture in (comp, plate)]
    return np.where(matte[..., None] > 0.5, logs[0] - logs[1], np.float32(np.nan))


def chatter(before: FloatArray, now: FloatArray, after: FloatArray) -> float | None:
    """Return how much of a matte comes or goes for a single frame, in % of its area.

    The sum of how far m(t) is above both m(t-1) and m(t+1), or below both, over the mean area of
    these two. An edge that moves on, as under a hand that passes, counts nothing: a part must be
    there, gone and there again, or gone, there and gone again.

    Args:
        before, now, after: (h, w) coverages of three frames in a picture that follows the face.
    """
    area = float((before + after).sum(dtype=np.float64)) / 2
    if area <= 0:
        return None
    above = np.maximum(now - np.maximum(before, after), 0)
    below = np.maximum(np.minimum(before, after) - now, 0)
    return 100 * float((above + below).sum(dtype=np.float64)) / area


def covered_share(occluder: FloatArray, face: BoolArray) -> float:
    """Return how much of a face is covered, 0 to 1.

    Args:
        occluder: (h, w) coverage of hands, glasses and props.
        face: (h, w) the area of the face, covered or not.
    """
    return float(np.where(face, occluder, 0).sum() / max(np.count_nonzero(face), 1))


def leak(matte: FloatArray, occluder: FloatArray, face: BoolArray) -> float | None:
    """Return how much of what covers the face was replaced with it, in %.

    The sum of matte times occluder over the sum of the occluder, on the face. None where less than
    two percent of the face are covered.

    Args:
        matte: (h, w) delivered coverage.
        occluder: (h, w) coverage of hands, glasses and props.
        face: (h, w) the area of the face, covered or not.
    """
    if covered_share(occluder, face) < _LEAST_COVER:
        return None
    covering = np.where(face, occluder, 0).astype(np.float64)
    return 100 * float((covering * matte).sum() / covering.sum())


def is_frozen(
    comp: tuple[FloatArray, FloatArray], plate: tuple[FloatArray, FloatArray], area: BoolArray
) -> bool:
    """Return whether a comp shows the frame before again, while its plate goes on.

    That is so where the comp's mean change is below 5 % of the plate's: grain alone changes more.

    Args:
        comp: the frame before and this one, (h, w, 3) linear light over the same pixels.
        plate: likewise.
        area: (h, w) what is compared.
    """
    if not area.any():
        return False
    moved = [float(np.abs(pair[1][area] - pair[0][area]).mean()) for pair in (comp, plate)]
    return moved[0] < _FROZEN * moved[1]
