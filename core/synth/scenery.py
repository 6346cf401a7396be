"""Painters of what lies behind a head: rooms, walls, foliage, lights, clutter."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray


def paint_clutter(rng: np.random.Generator, size: int) -> FloatArray:
    """Paint shapes, stripes and marks over each other."""
    picture = _gradient(rng, size)
    for _ in range(rng.integers(3, 26)):
        _thing(rng, picture)
    return picture * (1 + 0.25 * rng.random() * fractal(rng, size, 6, 5))[..., None]


def _thing(rng: np.random.Generator, picture: FloatArray) -> None:
    size = len(picture)
    color = dull_color(rng) * (rng.uniform(2, 12) if rng.random() < 0.06 else 1)
    x, y = rng.uniform(-0.2, 1.1, 2) * size
    wide, high = rng.uniform(0.02, 0.6, 2) * size
    kind = rng.integers(6)
    value = [float(c) for c in color]
    if kind == 0:
        middle = (int(x), int(y))
        axes = (int(wide / 2), int(high / 2))
        cv2.ellipse(
            picture, middle, axes, float(rng.uniform(0, 180)), 0, 360, value, -1, cv2.LINE_AA
        )
    elif kind == 1:
        points = np.array([x, y]) + rng.normal(size=(rng.integers(3, 8), 2)) * max(wide, high) / 2
        cv2.fillPoly(picture, [cv2.convexHull(points.astype(np.int32))], value, cv2.LINE_AA)
    elif kind == 2:
        angle, length = rng.uniform(0, 6.28), rng.uniform(0.3, 1.5) * size
        end = (int(x + np.cos(angle) * length), int(y + np.sin(angle) * length))
        thick = int(rng.integers(1, max(size // 20, 2)))
        cv2.line(picture, (int(x), int(y)), end, value, thick, cv2.LINE_AA)
    elif kind == 3:
        _words(rng, picture, value)
    else:
        turned = cv2.boxPoints(((x, y), (wide, high), rng.choice([0.0, 0.0, rng.uniform(0, 90)])))
        cv2.fillPoly(picture, [turned.astype(np.int32)], value, cv2.LINE_AA)
        if kind == 5:
            _stripes(rng, picture, turned)


def _stripes(rng: np.random.Generator, picture: FloatArray, corners: AnyArray) -> None:
    size = len(picture)
    inside = np.zeros((size, size), np.uint8)
    cv2.fillPoly(inside, [corners.astype(np.int32)], 1)
    grid = np.arange(size, dtype=np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(0.01, 0.12) * size
    wave = np.add.outer(grid * np.sin(angle), grid * np.cos(angle)) * (2 * np.pi / period)
    on = (inside > 0) & (np.sin(wave) > rng.uniform(-0.6, 0.6))
    picture[on] = dull_color(rng)


def _words(rng: np.random.Generator, picture: FloatArray, value: list[float]) -> None:
    size = len(picture)
    x, y = rng.uniform(0, 0.9, 2) * size
    high = rng.uniform(0.01, 0.07) * size
    for _ in range(rng.integers(1, 6)):
        column = x
        for _ in range(rng.integers(3, 16)):
            wide = high * rng.uniform(0.15, 0.7)
            if rng.random() < 0.85:
                corner = (int(column), int(y + high * rng.uniform(-0.3, 0.3)))
                far = (int(column + wide), int(y + high))
                cv2.rectangle(picture, corner, far, value, 1 if rng.random() < 0.4 else -1)
            column += wide + high * 0.2
        y += high * 1.7


def _room(rng: np.random.Generator, size: int) -> FloatArray:
    picture = _wall(rng, size)
    edge = int(rng.uniform(-0.3, 1.3) * size)
    picture[:, max(edge, 0) :] *= rng.uniform(0.4, 1.1)
    for _ in range(rng.integers(1, 4)):  # windows, doors, frames, shelves
        x, y = (rng.uniform(-0.2, 0.9, 2) * size).astype(int)
        wide, high = (rng.uniform(0.12, 0.6, 2) * size).astype(int)
        frame = [float(c) for c in dull_color(rng)]
        if rng.random() < 0.6:
            light = rng.uniform(0.6, 10) * np.array([0.95, 1.0, 1.05]) * rng.uniform(0.9, 1.1, 3)
            cv2.rectangle(picture, (x, y), (x + wide, y + high), [float(c) for c in light], -1)
            for part in range(1, rng.integers(2, 5)):
                at = x + wide * part // 4
                cv2.line(picture, (at, y), (at, y + high), frame, max(size // 90, 1))
        else:
            inside = [float(c) for c in dull_color(rng)]
            cv2.rectangle(picture, (x, y), (x + wide, y + high), inside, -1)
        thick = int(rng.integers(1, max(size // 30, 2)))
        cv2.rectangle(picture, (x, y), (x + wide, y + high), frame, thick)
    for _ in range(rng.integers(0, 6)):
        _thing(rng, picture)
    return picture


def _foliage(rng: np.random.Generator, size: int) -> FloatArray:
    sky = rng.uniform(0.3, 6) * np.array([0.75, 0.9, 1.1])
    picture = np.empty((size, size, 3), np.float32)
    picture[:] = sky if rng.random() < 0.5 else dull_color(rng)
    green = np.array([0.06, 0.12, 0.03]) if rng.random() < 0.7 else np.array([0.25, 0.13, 0.05])
    for layer in range(3):
        scale = int(rng.integers(5, 22)) * (layer + 1)
        noise = fractal(rng, size, scale, 3)
        here = noise > rng.uniform(-0.6, 0.9)
        shade = np.clip(0.9 + 0.7 * fractal(rng, size, 2 * scale, 3), 0.1, 3)
        leaf = green * rng.uniform(0.5, 2.5) * rng.uniform(0.8, 1.25, 3)
        picture[here] = (leaf * shade[here][:, None]).astype(np.float32)
    for _ in range(rng.integers(0, 6)):
        x = int(rng.uniform(0, size))
        lean = int(x + rng.normal() * size * 0.15)
        bark = [float(c) for c in np.array([0.08, 0.055, 0.035]) * rng.uniform(0.3, 3)]
        cv2.line(picture, (x, 0), (lean, size), bark, int(rng.integers(1, max(size // 14, 2))))
    return picture


def _bokeh(rng: np.random.Generator, size: int) -> FloatArray:
    picture = _gradient(rng, size) * np.float32(rng.uniform(0.05, 0.7))
    radius = rng.uniform(0.01, 0.07) * size
    for _ in range(rng.integers(8, 60)):
        disc = np.zeros((size, size), np.float32)
        x, y = (rng.uniform(0, 1, 2) * size).astype(int)
        cv2.circle(disc, (int(x), int(y)), max(int(radius * rng.uniform(0.7, 1.2)), 1), 1.0, -1)
        hue = np.exp(rng.normal(size=3) * 0.6)
        picture += disc[..., None] * (hue * rng.uniform(0.1, 2.5)).astype(np.float32)
    return picture


def _wall(rng: np.random.Generator, size: int) -> FloatArray:
    picture = _gradient(rng, size)
    kind = rng.integers(4)
    if kind == 1:
        picture *= (1 + 0.3 * rng.random() * fractal(rng, size, 8, 6))[..., None]
    elif kind == 2:
        _bricks(rng, picture)
    elif kind == 3:
        grid = np.arange(size, dtype=np.float32)
        fold = np.sin(
            grid * rng.uniform(10, 80) / size + 2 * np.sin(grid * rng.uniform(2, 9) / size)
        )
        picture *= (1 + rng.uniform(0.1, 0.6) * fold)[None, :, None]
    return picture


def _white(rng: np.random.Generator, size: int) -> FloatArray:
    picture = np.ones((size, size, 3), np.float32) * np.float32(rng.uniform(0.6, 8))
    return picture * (1 + 0.25 * rng.random() * fractal(rng, size, 2, 2))[..., None]


def _black(rng: np.random.Generator, size: int) -> FloatArray:
    picture = _gradient(rng, size) * np.float32(0.02 * rng.random())
    for _ in range(rng.integers(0, 3)):
        _thing(rng, picture)
    return picture


def _skin(rng: np.random.Generator, size: int) -> FloatArray:
    """Paint wood, brick, sand, leather: what has the colour of skin and is none."""
    pale, dark = np.array([0.68, 0.43, 0.30]), np.array([0.08, 0.035, 0.02])
    share = rng.random()
    color = pale ** (1 - share) * dark**share * rng.uniform(0.85, 1.15, 3)
    picture = np.empty((size, size, 3), np.float32)
    picture[:] = color
    kind = rng.integers(4)
    if kind == 0:
        grain = cv2.resize(fractal(rng, size, 40, 3), (size, 6 * size))[:size]
        picture *= (1 + 0.3 * grain)[..., None]
    elif kind == 1:
        _bricks(rng, picture)
    elif kind == 2:
        picture *= (1 + 0.2 * fractal(rng, size, 60, 2))[..., None]
    slope = np.linspace(rng.uniform(0.5, 1.2), rng.uniform(0.5, 1.2), size, dtype=np.float32)
    picture *= slope[None, :, None] if rng.random() < 0.5 else slope[:, None, None]
    for _ in range(rng.integers(0, 5)):
        _thing(rng, picture)
    return picture


def _bricks(rng: np.random.Generator, picture: FloatArray) -> None:
    size = len(picture)
    high = max(int(rng.uniform(0.025, 0.09) * size), 3)
    wide = int(high * rng.uniform(1.5, 4))
    joint = [float(c) for c in picture.mean((0, 1)) * rng.uniform(0.4, 2.0)]
    for row, y in enumerate(range(0, size, high)):
        for x in range(-(row % 2) * wide // 2, size, wide):
            left = max(x, 0)
            picture[y : y + high, left : max(x + wide, 0)] *= np.float32(rng.uniform(0.75, 1.25))
            cv2.rectangle(picture, (x, y), (x + wide, y + high), joint, 1)


def _gradient(rng: np.random.Generator, size: int) -> FloatArray:
    corners = np.stack([dull_color(rng)] * 4).reshape(2, 2, 3)
    spread = rng.random() * 0.7
    corners *= np.exp(rng.normal(size=(2, 2, 1)) * spread + rng.normal(size=(2, 2, 3)) * 0.1)
    return cv2.resize(corners.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)


def fractal(rng: np.random.Generator, size: int, cells: int, octaves: int) -> FloatArray:
    """Return (size, size) noise of unit deviation whose coarsest bumps are 1 / cells wide."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        side = cells * 2**octave
        if side >= size:
            break
        grid = rng.standard_normal((side + 1, side + 1), np.float32)
        total += cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC) * 0.6**octave
    return total / max(float(total.std()), 1e-6)


def dull_color(rng: np.random.Generator) -> AnyArray:
    """Return a reflectance as rooms have them: mostly dull, some strong, from black to white."""
    grey = np.exp(rng.normal(-1.6, 0.9))
    return np.clip(grey * np.exp(rng.normal(size=3) * rng.choice([0.06, 0.2, 0.7])), 0.003, 0.95)


PAINTERS: dict[str, Callable[[np.random.Generator, int], FloatArray]] = {
    "clutter": paint_clutter,
    "room": _room,
    "foliage": _foliage,
    "bokeh": _bokeh,
    "wall": _wall,
    "white": _white,
    "skin": _skin,
    "black": _black,
}
"""What paints each kind: a generator and a size to (size, size, 3) float32, linear Rec.709."""
