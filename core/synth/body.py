"""Neck base, shoulders and clothes below a head."""

from __future__ import annotations

import numpy as np

from faceplate.core.arrays import AnyArray, IntArray, smoothstep
from faceplate.core.synth.scene import Body
from faceplate.core.synth.solid import BACKGROUND, NECK, Solid

_AROUND = 64
_ROWS = (
    (-12.5, 6.7, 6.3, -1.3), (-15.0, 7.6, 7.0, -1.6), (-16.7, 9.8, 7.6, -1.9),
    (-18.2, 13.0, 8.2, -2.0), (-20.0, 0.83, 8.8, -2.0), (-22.5, 0.95, 9.6, -1.8),
    (-26.0, 1.0, 10.5, -1.2), (-34.0, 1.0, 11.8, 0.0), (-48.0, 0.97, 12.5, 0.6),
    (-75.0, 0.9, 12.5, 0.6),
)  # fmt: skip
"""Cross sections: y, half width (cm, or share of the shoulders' if at most 1), half depth, z."""


def make_body(body: Body, tone: AnyArray) -> tuple[Solid, ...]:
    """Return bare skin and clothes in the body's frame, which is the head's when both face front.

    Args:
        tone: (3,) reflectance of the skin.
    """
    rows = np.array(_ROWS)
    wide = rows[:, 1] <= 1.0
    rows[wide, 1] *= body.width
    rows[4:, 0] -= body.drop
    order = np.argsort(rows[:, 0])
    angle = np.arange(_AROUND) / _AROUND * 2 * np.pi
    sin, cos = np.sin(angle), np.cos(angle)

    def surface(levels: AnyArray) -> AnyArray:
        """Return the body at heights (N, 64) around it, (N * 64, 3)."""
        width, deep, middle = (np.interp(levels, rows[order, 0], rows[order, k]) for k in (1, 2, 3))
        power = 0.85  # a little boxier than an ellipse
        x = np.sign(sin) * np.abs(sin) ** power * width
        z = np.sign(cos) * np.abs(cos) ** power * deep + middle
        return np.stack([x, levels, z], axis=-1).reshape(-1, 3)

    front = smoothstep(-0.4, 0.9, cos)
    edge = -14.0 + body.collar - body.neckline * (0.35 + 0.65 * front)
    points = surface(np.linspace(-12.5, np.minimum(edge, -13.0) - 2.5, 36))
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
    # Cloth stands off the skin, wider at a loose collar.
    grown = cloth + away * (0.35 + 0.5 * smoothstep(-24.0, -14.0, cloth[:, 1]))[:, None]
    grown[:, 1] += 0.3 * smoothstep(-24.0, -17.0, cloth[:, 1])
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
