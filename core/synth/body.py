"""Neck base, shoulders and clothes below a head."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from faceplate.core.arrays import AnyArray, IntArray, smoothstep
from faceplate.core.synth.scene import Body
from faceplate.core.synth.solid import BACKGROUND, NECK, Solid

_AROUND = 64
_ROWS = ((-11.4, 1.1, 1.04, -0.3), (-13.0, 1.32, 1.1, -0.8), (-14.6, 1.75, 1.2, -1.2))
"""Cross sections of the neck's base: y, half width and half depth as shares of the neck's, z from
its middle."""
_SHOULDERS = (
    (-17.2, 0.78, 8.3, -2.0), (-19.0, 0.9, 9.2, -1.9), (-23.0, 1.0, 10.5, -1.2),
    (-33.0, 1.0, 11.8, 0.0), (-48.0, 0.97, 12.5, 0.6), (-75.0, 0.9, 12.5, 0.6),
)  # fmt: skip
"""The same of the trunk: y, half width as a share of the shoulders', half depth and z in cm."""
NECK_TOP = -9.6
"""Height at which the neck of a head is continued, cm."""


def make_body(body: Body, tone: AnyArray, neck: tuple[float, float, float]) -> tuple[Solid, ...]:
    """Return bare skin and clothes in the body's frame, which is the head's when both face front.

    Args:
        tone: (3,) reflectance of the skin.
        neck: half width, half depth and middle z of the neck at `NECK_TOP`.
    """
    base = np.array([(NECK_TOP, 0.94, 0.93, 0.0), *_ROWS]) * [1, neck[0], neck[1], 1]
    base[:, 3] += neck[2]
    trunk = np.array(_SHOULDERS) * [1, body.width, 1, 1] - [body.drop, 0, 0, 0]
    rows = np.concatenate([base, trunk])
    sections = [PchipInterpolator(rows[::-1, 0], rows[::-1, k]) for k in (1, 2, 3)]
    angle = np.arange(_AROUND) / _AROUND * 2 * np.pi
    sin, cos = np.sin(angle), np.cos(angle)

    def surface(levels: AnyArray) -> AnyArray:
        """Return the body at heights (N, 64) around it, (N * 64, 3)."""
        width, deep, middle = (section(levels) for section in sections)
        power = 0.92  # a trunk is boxier than an ellipse
        x = np.sign(sin) * np.abs(sin) ** power * width
        z = np.sign(cos) * np.abs(cos) ** power * deep + middle
        return np.stack([x, levels, z], axis=-1).reshape(-1, 3)

    front = smoothstep(-0.4, 0.9, cos)
    edge = -14.0 + body.collar - body.neckline * (0.35 + 0.65 * front)
    points = surface(np.linspace(NECK_TOP, np.minimum(edge, -13.0) - 2.5, 36))
    share = np.linspace(0, 1, 46)[:, None] ** 1.6
    cloth = surface(edge * (1 - share) - 75.0 * share)
    skin = np.clip(np.tile(np.asarray(tone) * [0.97, 0.95, 0.95], (len(points), 1)), 0, 1)
    color = np.tile(np.array(body.cloth), (len(cloth), 1))
    if body.stripes:
        wave = np.sin(cloth[:, 1] * body.stripes * 2 * np.pi + 0.3 * cloth[:, 0]) > 0
        color[wave] = body.second
    color *= 1 - 0.25 * np.exp(-((share * 60.0) ** 2)).repeat(_AROUND)[:, None]
    away = (cloth - [0.0, 0.0, -1.5]) * [1, 0, 1]
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    # Cloth stands off the skin, wider at a loose collar, and lies on the shoulders.
    grown = cloth + away * (0.35 + 0.4 * smoothstep(-24.0, -14.0, cloth[:, 1]))[:, None]
    grown[:, 1] += 0.45 * smoothstep(-26.0, -17.0, cloth[:, 1])
    parts = []
    for shape, paint, gloss, label in (
        (points, skin, 0.35, NECK),
        (grown, color, 0.05, BACKGROUND),
    ):
        parts.append(
            Solid(
                shape.astype(np.float32),
                _grid(len(shape) // _AROUND),
                np.clip(paint, 0.003, 0.95).astype(np.float32),
                gloss,
                label,
            )
        )
    return tuple(parts)


def _grid(rows: int) -> IntArray:
    """Return the triangles of rings one below the other."""
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(_AROUND), indexing="ij")
    a, b = i * _AROUND + j, i * _AROUND + (j + 1) % _AROUND
    c, d = a + _AROUND, b + _AROUND
    return np.concatenate(
        [np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)]
    ).astype(np.int32)
