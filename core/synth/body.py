"""Neck base, shoulders and clothes below a head."""

from __future__ import annotations

import numpy as np

from faceplate.core.arrays import AnyArray, smoothstep
from faceplate.core.synth.scene import Body
from faceplate.core.synth.solid import BACKGROUND, NECK, Solid

_AROUND = 56
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
    levels = np.concatenate([np.linspace(rows[0, 0], -27.0, 40), np.linspace(-29.0, -75.0, 14)])
    order = np.argsort(rows[:, 0])
    width, deep, middle = (np.interp(levels, rows[order, 0], rows[order, k]) for k in (1, 2, 3))
    angle = np.arange(_AROUND) / _AROUND * 2 * np.pi
    sin, cos = np.sin(angle), np.cos(angle)
    power = 0.85  # a little boxier than an ellipse
    x = np.sign(sin) * np.abs(sin) ** power * width[:, None]
    z = np.sign(cos) * np.abs(cos) ** power * deep[:, None] + middle[:, None]
    y = np.broadcast_to(levels[:, None], x.shape)
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(len(levels) - 1), np.arange(_AROUND), indexing="ij")
    a, b = i * _AROUND + j, i * _AROUND + (j + 1) % _AROUND
    c, d = a + _AROUND, b + _AROUND
    triangles = np.concatenate(
        [np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)]
    ).astype(np.int32)
    front = smoothstep(-1.0, 6.0, points[:, 2]) * smoothstep(9.0, 0.0, np.abs(points[:, 0]))
    edge = -14.0 + body.collar - body.neckline * (0.35 + 0.65 * front)
    cloth = points[:, 1] < edge
    dressed = cloth[triangles].any(axis=1)
    skin = np.clip(np.tile(np.asarray(tone) * [0.97, 0.95, 0.95], (len(points), 1)), 0, 1)
    color = np.tile(np.array(body.cloth), (len(points), 1))
    if body.stripes:
        wave = np.sin(points[:, 1] * body.stripes * 2 * np.pi + 0.3 * points[:, 0]) > 0
        color[wave] = body.second
    near_collar = np.exp(-((edge - points[:, 1]) ** 2) / 1.5) * cloth
    color *= 1 - 0.25 * near_collar[:, None]
    grown = points.copy()
    center = np.array([0.0, 0.0, -1.5])
    away = (points - center) * [1, 0, 1]
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    # Cloth stands off the skin, wider at a loose collar.
    grown += away * (0.35 + 0.5 * smoothstep(-24.0, -14.0, points[:, 1]))[:, None]
    grown[:, 1] += 0.3 * smoothstep(-24.0, -17.0, points[:, 1])
    parts = []
    for chosen, shape, paint, gloss, label in (
        (~cloth[triangles].all(axis=1), points, skin, 0.35, NECK),
        (dressed, grown, color, 0.05, BACKGROUND),
    ):
        if chosen.any():
            parts.append(
                Solid(
                    shape.astype(np.float32),
                    np.ascontiguousarray(triangles[chosen]),
                    np.clip(paint, 0.003, 0.95).astype(np.float32),
                    gloss,
                    label,
                )
            )
    return tuple(parts)
