"""Neck base, shoulders and clothes below a head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from faceplate.core.arrays import AnyArray, IntArray, smoothstep
from faceplate.core.synth.scene import Body
from faceplate.core.synth.solid import BACKGROUND, NECK, Solid

THROAT = (-9.6, -10.9)
"""Heights at which the body takes over the shape of a head's neck, cm."""
_AROUND = 64
_ROWS = ((-13.0, 1.24, 1.1, -0.5), (-14.8, 1.72, 1.25, -0.9))
"""Cross sections below the neck: y, half width and half depth as shares of its mean radius, z from
its middle."""
_SHOULDERS = (
    (-17.2, 0.78, 8.3, -2.0), (-19.0, 0.9, 9.2, -1.9), (-23.0, 1.0, 10.5, -1.2),
    (-33.0, 1.0, 11.8, 0.0), (-48.0, 0.97, 12.5, 0.6), (-75.0, 0.9, 12.5, 0.6),
)  # fmt: skip
"""The same of the trunk: y, half width as a share of the shoulders', half depth and z in cm."""


def angles() -> AnyArray:
    """Return the directions around the body's axis, (64,) radians from the front to the left."""
    return np.arange(_AROUND) / _AROUND * 2 * np.pi


@dataclass(frozen=True, slots=True, eq=False)
class Throat:
    """The shape of a head's neck where the body takes over.

    Attributes:
        radii: (2, 64) at the heights `THROAT`, in the directions `angles`, cm.
        lift: (64,) how much higher this head's neck lies than the neutral one's, cm.
        middle: z of the neck's axis, cm.
    """

    radii: AnyArray
    lift: AnyArray
    middle: float

    @classmethod
    def of(cls, neutral: AnyArray, head: AnyArray) -> Throat:
        """Measure the skin (N, 3) of a head, given the same points of the neutral one."""
        near = np.abs(neutral[:, 1] - THROAT[0]) < 0.7
        middle = 0.5 * float(head[near, 2].min() + head[near, 2].max())
        radii: list[AnyArray] = []
        lifts: list[AnyArray] = []
        for level in THROAT:
            near = np.abs(neutral[:, 1] - level) < 0.55
            x, z = head[near, 0], head[near, 2] - middle
            around = np.arctan2(x, z) % (2 * np.pi)
            order = np.argsort(around, kind="stable")
            for out, values in (
                (radii, np.hypot(x, z)),
                (lifts, head[near, 1] - neutral[near, 1]),
            ):
                out.append(np.interp(angles(), around[order], values[order], period=2 * np.pi))
        return cls(np.stack(radii), np.mean(lifts, axis=0), middle)


def make_body(body: Body, tone: AnyArray, throat: Throat) -> tuple[Solid, ...]:
    """Return bare skin and clothes in the body's frame, which is the head's when both face front.

    Args:
        tone: (3,) reflectance of the skin.
        throat: of the head above.
    """
    sin, cos = np.sin(angles()), np.cos(angles())
    neck, middle = float(throat.radii.mean()), throat.middle
    base = np.array(_ROWS) * [1, neck, neck, 1] + [0, 0, 0, middle]
    trunk = np.array(_SHOULDERS) * [1, body.width, 1, 1] - [body.drop, 0, 0, 0]
    rows = np.concatenate([base, trunk])
    heights = np.concatenate([THROAT, rows[:, 0]])[::-1]
    ovals = 1 / np.hypot(sin / rows[:, 1:2], cos / rows[:, 2:3])
    # The head's own neck ends inside of the body's.
    radii = np.concatenate([throat.radii + [[-0.15], [0.22]], ovals])[::-1]
    fine = np.linspace(heights[0], heights[-1], 320)
    table = PchipInterpolator(heights, radii)(fine)
    axis = PchipInterpolator(heights, np.concatenate([[middle] * 2, rows[:, 3]])[::-1])

    def surface(levels: AnyArray, off: AnyArray | float = 0.0) -> AnyArray:
        """Return the body at heights (N, 64) around it, so far off the skin, (N * 64, 3)."""
        radius = np.stack(
            [np.interp(levels[:, k], fine, table[:, k]) for k in range(_AROUND)], axis=1
        )
        radius = radius + off
        lifted = levels + throat.lift * smoothstep(-16.0, -11.5, levels)
        points = [radius * sin, lifted, radius * cos + axis(levels)]
        return np.stack(points, axis=-1).reshape(-1, 3)

    front = smoothstep(-0.4, 0.9, cos)
    edge = -13.6 + body.collar - body.neckline * (0.35 + 0.65 * front)
    points = surface(np.linspace(THROAT[0], np.minimum(edge, -13.0) - 2.5, 36))
    share = np.linspace(0, 1, 46)[:, None] ** 1.6
    levels = edge * (1 - share) - 75.0 * share
    # Cloth stands off the skin, wider at a loose collar, and lies on the shoulders.
    cloth = surface(levels, 0.35 + 0.4 * smoothstep(-24.0, -14.0, levels))
    cloth[:, 1] += 0.45 * smoothstep(-26.0, -17.0, cloth[:, 1])
    skin = np.clip(np.tile(np.asarray(tone) * [0.97, 0.95, 0.95], (len(points), 1)), 0, 1)
    color = np.tile(np.array(body.cloth), (len(cloth), 1))
    if body.stripes:
        wave = np.sin(cloth[:, 1] * body.stripes * 2 * np.pi + 0.3 * cloth[:, 0]) > 0
        color[wave] = body.second
    color *= 1 - 0.25 * np.exp(-((share * 60.0) ** 2)).repeat(_AROUND)[:, None]
    return tuple(
        Solid(
            shape.astype(np.float32),
            _grid(len(shape) // _AROUND),
            np.clip(paint, 0.003, 0.95).astype(np.float32),
            gloss,
            label,
        )
        for shape, paint, gloss, label in (
            (points, skin, 0.35, NECK),
            (cloth, color, 0.05, BACKGROUND),
        )
    )


def _grid(rows: int) -> IntArray:
    """Return the triangles of rings one below the other."""
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(_AROUND), indexing="ij")
    a, b = i * _AROUND + j, i * _AROUND + (j + 1) % _AROUND
    c, d = a + _AROUND, b + _AROUND
    return np.concatenate(
        [np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)]
    ).astype(np.int32)
