"""From a set's picture to what a network learns from: new crop, light and camera each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from faceplate.core.analysis.label import LIFT, SIDE
from faceplate.core.arrays import AnyArray, ByteArray, DoubleArray, FloatArray
from faceplate.core.synth.camera import letterbox
from faceplate.core.synth.picture import CLASSES
from faceplate.core.training.dataset import Sample
from faceplate.core.training.photographs import Photographs

Photograph: TypeAlias = Callable[[FloatArray, np.random.Generator], ByteArray]
"""Linear Rec.709 (h, w, 3) to codes (h, w, 3) uint8: encoding, and all that cameras do wrong."""

FRACTION = 1 / SIDE
"""Face height in a crop at run time, share of the crop's side."""

_BACKGROUND, _OCCLUDER = CLASSES.index("background"), CLASSES.index("occluder")
_TOP, _CHIN = 10, 152
_WFLW_CHIN, _WFLW_PUPILS = 16, (96, 97)
_FOREHEAD = 0.67
"""From the pupils up to the mesh's topmost point, in distances from chin to pupils."""
_LEAST_OCCLUDER = 0.01
"""Share of a picture that an occluder must cover to be worth pasting elsewhere."""
_TRIES = 3
_MOST_SHRUNK = 0.85
"""A picture is not made smaller than this by much, or there would be more border than picture."""


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """How far pictures are changed; chances are per picture.

    Attributes:
        low, high: face height, share of the side.
        shift: spread of the face's place, share of the side.
        turn_degrees: spread of the roll that is left after levelling.
        most_degrees: largest roll.
        flip: chance of a mirrored picture.
        paste: chance of an occluder from another picture.
        relight: chance of another light on the background.
        flat: chance of a plain background.
        photograph: chance of a photograph as background, where there are any.
        letterbox: chance of plain borders.
        mirror_border: chance that what lies outside the picture is its mirror, not one colour.
    """

    low: float = 0.36
    high: float = 0.62
    shift: float = 0.04
    turn_degrees: float = 9.0
    most_degrees: float = 25.0
    flip: float = 0.5
    paste: float = 0.3
    relight: float = 0.25
    flat: float = 0.12
    photograph: float = 0.4
    letterbox: float = 0.08
    mirror_border: float = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """What a segmentation network learns from one picture.

    Attributes:
        codes: (h, w, 3) uint8, network domain.
        coverage: (h, w, 6) uint8, 255 times the share of each class.
        valid: (h, w) uint8, 255 times how far the coverage is to be trusted.
    """

    codes: ByteArray
    coverage: ByteArray
    valid: ByteArray


def augment(
    sample: Sample,
    draw: Callable[[], Sample],
    photograph: Photograph,
    rng: np.random.Generator,
    settings: AugmentSettings,
    size_px: int,
    behind: Photographs | None = None,
) -> Labelled:
    """Return one picture as a camera might have seen it.

    Args:
        sample: the picture.
        draw: gives another picture of the set, to take an occluder from.
        photograph: the camera.
        rng: decides everything.
        settings: how far pictures are changed.
        size_px: side of the result.
        behind: photographs to stand behind heads, or None.
    """
    most = settings.most_degrees
    turn = float(np.clip(rng.normal(0, settings.turn_degrees), -most, most))
    fraction = rng.uniform(settings.low, settings.high)
    fraction = max(fraction, _MOST_SHRUNK * _face_height(sample) / sample.linear.shape[0])
    shift = rng.normal(0, settings.shift, 2)
    place = crop_from_picture(sample, size_px, fraction, turn, shift)
    mirrored = rng.random() < settings.mirror_border
    linear, coverage, valid = warped(sample, place, size_px, mirrored)
    if rng.random() < settings.paste:
        linear, coverage, valid = _pasted(linear, coverage, valid, draw, rng)
    if rng.random() < settings.flip:
        linear, coverage, valid = linear[:, ::-1], coverage[:, ::-1], valid[:, ::-1]
    if behind is not None and rng.random() < settings.photograph:
        alpha = _share(coverage, _BACKGROUND)
        linear = linear * (1 - alpha) + behind.cut(rng, size_px) * alpha
    if rng.random() < settings.relight:
        linear = _relit(linear, coverage, rng)
    if rng.random() < settings.flat:
        linear = _flat(linear, coverage, rng)
    if rng.random() < settings.letterbox:
        shares = coverage.astype(np.float32) / np.float32(255)
        linear, shares = letterbox(linear, shares, rng, share=1.0)
        coverage = (shares * 255 + 0.5).astype(np.uint8)
    codes = photograph(np.ascontiguousarray(linear), rng)
    return Labelled(codes, np.ascontiguousarray(coverage), np.ascontiguousarray(valid))


def centred(
    sample: Sample, photograph: Photograph, rng: np.random.Generator, size_px: int
) -> Labelled:
    """Return one picture cropped as at run time, for judging a network."""
    place = crop_from_picture(sample, size_px, FRACTION, 0.0, np.zeros(2))
    linear, coverage, valid = warped(sample, place, size_px, mirrored=False)
    return Labelled(photograph(linear, rng), coverage, valid)


def crop_from_picture(
    sample: Sample, size_px: int, fraction: float, turn_degrees: float, shift: DoubleArray
) -> DoubleArray:
    """Return the (2, 3) similarity from picture to crop pixels that puts the face where wanted.

    Args:
        sample: says where the face is.
        size_px: side of the crop.
        fraction: face height in the crop, share of its side.
        turn_degrees: roll that is left; + turns the picture clockwise.
        shift: (2,) of the face's middle, shares of the crop's side; x right, y down.
    """
    top, chin = face_ends(sample)
    down = chin - top
    angle = np.arctan2(down[0], down[1]) + np.deg2rad(turn_degrees)
    scale = size_px * fraction / _face_height(sample)
    turned = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (top + chin) / 2 - LIFT * down
    goal = size_px * (0.5 + shift)
    return np.column_stack([turned, goal - turned @ middle])


def face_ends(sample: Sample) -> tuple[DoubleArray, DoubleArray]:
    """Return the topmost point of a face and its chin, picture pixels."""
    if sample.mesh478 is not None:
        return _point(sample.mesh478[_TOP]), _point(sample.mesh478[_CHIN])
    chin = _point(sample.wflw98[_WFLW_CHIN])
    pupils = _point(sample.wflw98[list(_WFLW_PUPILS)].mean(axis=0))
    return pupils + _FOREHEAD * (pupils - chin), chin


def _point(point: FloatArray) -> DoubleArray:
    return np.asarray(point, np.float64)


def _face_height(sample: Sample) -> float:
    top, chin = face_ends(sample)
    return max(float(np.linalg.norm(chin - top)), 1.0)


def warped(
    sample: Sample, place: DoubleArray, size_px: int, mirrored: bool
) -> tuple[FloatArray, ByteArray, ByteArray]:
    """Return linear light, coverage and trust of a crop; each pixel is a mean over its area.

    Args:
        sample: the picture.
        place: (2, 3) similarity from picture to crop pixels.
        size_px: side of the crop.
        mirrored: whether what lies outside the picture is its mirror; else it is black.
    """
    border = cv2.BORDER_REFLECT_101 if mirrored else cv2.BORDER_CONSTANT
    side = sample.linear.shape[0]
    factor = max(int(1.0 / np.sqrt(np.linalg.det(place[:, :2])) + 0.3), 1)
    matrix = place.copy()
    matrix[:, :2] *= factor
    # OpenCV counts pixels from their centres.
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5

    def warp(plane: AnyArray, outside: tuple[float, ...]) -> AnyArray:
        plane = np.ascontiguousarray(plane)
        if factor > 1:
            small = (max(side // factor, 1),) * 2
            plane = cv2.resize(plane, small, interpolation=cv2.INTER_AREA)
        return cv2.warpAffine(
            plane,
            matrix,
            (size_px, size_px),
            flags=cv2.INTER_LINEAR,
            borderMode=border,
            borderValue=outside,
        )

    linear = warp(np.asarray(sample.linear, np.float32), (0.0, 0.0, 0.0))
    # OpenCV takes four channels at most.
    parts = np.asarray(sample.coverage)[..., :3], np.asarray(sample.coverage)[..., 3:]
    halves = [warp(parts[0], (255, 0, 0)), warp(parts[1], (0, 0, 0))]
    valid = np.full((side, side), 255, np.uint8) if sample.valid is None else sample.valid
    # A mirrored head is no head in front of the camera, nor is it none.
    border = cv2.BORDER_CONSTANT
    valid = warp(valid, (0,) if mirrored else (255,))
    return linear, np.concatenate(halves, axis=2), valid


def _pasted(
    linear: FloatArray,
    coverage: ByteArray,
    valid: ByteArray,
    draw: Callable[[], Sample],
    rng: np.random.Generator,
) -> tuple[FloatArray, ByteArray, ByteArray]:
    """Return a picture with the occluders of another one on it, wherever they fall."""
    for _ in range(_TRIES):
        other = draw()
        if other.coverage[::8, ::8, _OCCLUDER].mean() > 255 * _LEAST_OCCLUDER:
            break
    else:
        return linear, coverage, valid
    size_px = linear.shape[0]
    shift = rng.normal(0, 0.12, 2)
    place = crop_from_picture(
        other, size_px, rng.uniform(0.35, 0.75), rng.normal(0, 50.0), np.asarray(shift)
    )
    light, cover, known = warped(other, place, size_px, mirrored=False)
    alpha = _share(cover, _OCCLUDER) * (known[..., None] > 127)
    light *= np.exp(rng.normal(0, 0.3)).astype(np.float32)
    mixed = coverage * (1 - alpha)
    mixed[..., _OCCLUDER] += 255 * alpha[..., 0]
    trusted = np.maximum(valid, (255 * alpha[..., 0]).astype(np.uint8))
    return linear * (1 - alpha) + light * alpha, (mixed + 0.5).astype(np.uint8), trusted


def _share(coverage: ByteArray, index: int) -> FloatArray:
    """Return (h, w, 1) float32: how much of each pixel a class covers, 0 to 1."""
    return coverage[..., index, None].astype(np.float32) / np.float32(255)


def _relit(linear: FloatArray, coverage: ByteArray, rng: np.random.Generator) -> FloatArray:
    """Return a picture whose background stands in another light than the head."""
    alpha = _share(coverage, _BACKGROUND)
    gain = np.exp(rng.normal(0, 0.8) + rng.normal(0, 0.15, 3)).astype(np.float32)
    return linear * (1 + alpha * (gain - 1))


def _flat(linear: FloatArray, coverage: ByteArray, rng: np.random.Generator) -> FloatArray:
    """Return a picture before a wall, with a falling-off of light across it."""
    alpha = _share(coverage, _BACKGROUND)
    size_px = linear.shape[0]
    level = np.exp(rng.uniform(np.log(0.01), np.log(2.0)))
    color = level * np.exp(rng.normal(0, 0.35 if rng.random() < 0.5 else 0.05, 3))
    slope = rng.normal(0, 0.3, 2)
    ramp = np.linspace(-1, 1, size_px, dtype=np.float32)
    shade = np.exp(slope[0] * ramp[None] + slope[1] * ramp[:, None])[..., None]
    wall = (color * shade).astype(np.float32)
    return linear * (1 - alpha) + wall * alpha
