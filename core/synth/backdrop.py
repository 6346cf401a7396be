"""What lies behind the head: walls, clutter, foliage, lights, distant people, real surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.errors import InputError
from faceplate.core.io.archive import array_of, read_archive
from faceplate.core.synth.scenery import PAINTERS, dull_color, fractal, paint_clutter

_KINDS = {
    "surroundings": 0.22,
    "clutter": 0.2,
    "room": 0.13,
    "foliage": 0.1,
    "bokeh": 0.08,
    "wall": 0.09,
    "white": 0.07,
    "skin": 0.06,
    "black": 0.05,
}


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A background as plain numbers.

    Attributes:
        kind: what it is made of.
        blur: standard deviation of its defocus, share of the picture.
        light: a factor on everything.
        tint: (3,) factors on the channels.
        people: how many blurred people stand in it.
        detail: seed of everything else.
    """

    kind: str
    blur: float
    light: float
    tint: tuple[float, float, float]
    people: int
    detail: int


def sample_backdrop(rng: np.random.Generator) -> Backdrop:
    """Return a random background."""
    names = list(_KINDS)
    weights = np.array(list(_KINDS.values()))
    kind = names[rng.choice(len(names), p=weights / weights.sum())]
    tint = np.exp(rng.normal(size=3) * 0.12)
    crowded = rng.random() < 0.2 and kind not in ("black", "white")
    return Backdrop(
        kind=kind,
        blur=round(float(rng.uniform(0.0, 0.045) ** 1.3 if rng.random() < 0.8 else 0.0), 4),
        light=round(float(2.0 ** rng.normal(0, 0.9)), 4),
        tint=(round(float(tint[0]), 4), round(float(tint[1]), 4), round(float(tint[2]), 4)),
        people=int(rng.integers(1, 5)) if crowded else 0,
        detail=int(rng.integers(2**31)),
    )


def read_surroundings(path: Path) -> tuple[FloatArray, ...]:
    """Return the environment maps of an ``.npz`` file, (H, 2H, 3) float32 linear Rec.709 each.

    Raises:
        InputError: not there, or not such a file.
    """
    members = read_archive(path)
    try:
        found = tuple(array_of(members[name]).astype(np.float32) for name in sorted(members))
    except ValueError as error:
        raise _unusable(path, str(error)) from error
    if not found or any(m.ndim != 3 or m.shape[2] != 3 for m in found):
        raise _unusable(path, "it does not hold pictures of three channels")
    return found


def _unusable(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path} cannot be used as surroundings: {reason}.",
        hint="Give an .npz file of environment maps, (H, 2H, 3) linear light each.",
        path=str(path),
        reason=reason,
    )


def paint(backdrop: Backdrop, size: int, surroundings: tuple[FloatArray, ...] = ()) -> FloatArray:
    """Return the background, (size, size, 3) float32, linear Rec.709, unbounded, not negative.

    Args:
        surroundings: environment maps, of which "surroundings" shows a part; without them it shows
            clutter.
    """
    rng = np.random.default_rng(backdrop.detail)
    kind = backdrop.kind
    if kind == "surroundings" and surroundings:
        picture = _part(rng, size, surroundings[rng.integers(len(surroundings))])
    else:
        picture = PAINTERS.get(kind, paint_clutter)(rng, size)
    for _ in range(backdrop.people):
        _person(rng, picture)
    if backdrop.blur * size > 0.3:
        picture = _soft(picture, backdrop.blur * size)
    gain = np.array(backdrop.tint, np.float32) * np.float32(backdrop.light)
    return np.maximum(picture * gain, 0).astype(np.float32)


def _part(rng: np.random.Generator, size: int, around: FloatArray) -> FloatArray:
    height, width = around.shape[:2]
    yaw, pitch = rng.uniform(-np.pi, np.pi), rng.normal() * 0.25
    field = rng.uniform(0.25, 0.9)
    grid = np.linspace(-field, field, size, dtype=np.float32)
    x, y = np.meshgrid(grid, -grid)
    ahead = np.cos(pitch) - y * np.sin(pitch)
    longitude = yaw + np.arctan2(x, ahead)
    latitude = np.arctan2(np.sin(pitch) + y * np.cos(pitch), np.hypot(x, ahead))
    columns = ((longitude / (2 * np.pi)) % 1.0 * width).astype(np.float32)
    rows = ((0.5 - latitude / np.pi) * height).astype(np.float32)
    padded = np.concatenate([around, around[:, :1]], 1)
    picture = cv2.remap(padded, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    picture = np.clip(picture, 0, 60) / max(float(np.median(around)), 1e-3) * np.float32(0.2)
    # The maps are coarse: structure finer than theirs, so that sharpness does not tell the class.
    grain = 1 + 0.2 * rng.random() * fractal(rng, size, 24, 4)
    return picture * grain[..., None]


def _person(rng: np.random.Generator, picture: FloatArray) -> None:
    size = len(picture)
    x = int(rng.uniform(0, 1) * size)
    y = int(rng.uniform(0.15, 0.7) * size)
    radius = rng.uniform(0.03, 0.16) * size
    pale, dark = np.array([0.68, 0.43, 0.33]), np.array([0.055, 0.027, 0.018])
    share = rng.random()
    skin = pale ** (1 - share) * dark**share * rng.uniform(0.5, 1.3)
    hair = np.array([0.1, 0.06, 0.035]) * 2.0 ** rng.normal(-0.5, 1.3)
    layer = picture.copy()

    def blob(at: tuple[float, float], axes: tuple[float, float], color: AnyArray) -> None:
        middle = (int(x + at[0] * radius), int(y + at[1] * radius))
        size_px = (max(int(axes[0] * radius), 1), max(int(axes[1] * radius), 1))
        cv2.ellipse(layer, middle, size_px, 0, 0, 360, [float(c) for c in color], -1, cv2.LINE_AA)

    blob((0, 4.6), (rng.uniform(1.9, 2.7), 3.3), dull_color(rng))
    blob((0, 1.1), (0.5, 0.9), skin * 0.7)
    if rng.random() < 0.4:
        blob((0, 0.5), (1.1, rng.uniform(1.3, 2.2)), hair)
    blob((0, -0.15), (0.9, 1.2), hair)
    blob((rng.normal() * 0.12, 0.12), (0.72, 1.0), skin)
    for side in (-0.3, 0.3):
        blob((side, 0.0), (0.13, 0.07), skin * 0.25)
    blob((0, 0.62), (0.25, 0.07), skin * [0.6, 0.35, 0.35])
    picture[:] = _soft(layer, max(radius * rng.uniform(0.06, 0.35), 0.5))


def _soft(picture: FloatArray, sigma: float) -> FloatArray:
    """Blur a lot quickly: on a smaller picture, where nothing is lost."""
    size = len(picture)
    factor = int(np.clip(sigma / 2.5, 1, 8))
    if factor == 1:
        return cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    side = max(size // factor, 2)
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REFLECT)
    return cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
