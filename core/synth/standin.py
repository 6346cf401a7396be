"""A plain built-in head that needs no file, so that everything can be tried anywhere.

Its face is MediaPipe's canonical mesh, closed to a head with skull, neck, ears, eyeballs, lids and
a mouth. It is coarse and made for tests, not for training.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.arrays import AnyArray, DoubleArray, smoothstep
from faceplate.core.geometry.mesh import EYE_LEFT as LEFT_LOOP
from faceplate.core.geometry.mesh import EYE_RIGHT as RIGHT_LOOP
from faceplate.core.geometry.mesh import LIPS_INNER, OVAL
from faceplate.core.synth.expressions import EXPRESSIONS
from faceplate.core.synth.fields import map_fields
from faceplate.core.synth.head import (
    EYE_LEFT,
    EYE_RIGHT,
    GUMS,
    LID,
    SCALP,
    SKIN,
    SOCKET,
    TEETH,
    HeadModel,
    weld,
)
from faceplate.core.synth.skull import map_skull

_SCALE, _SHIFT = 1.034, np.array([0.0, 0.90, 5.23])
"""Take MediaPipe's canonical face onto the ICT head, least squares over its 468 points."""
_CONTOUR, _REST = range(0, 33, 2), (
    *range(33, 38), *range(42, 47), *range(51, 60), 60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75,
    *range(76, 96),
)  # fmt: skip
"""The WFLW points that are iBUG's 68, in its order."""


class _Builder:
    """Collects the pieces of a mesh."""

    def __init__(self) -> None:
        self.points: list[DoubleArray] = []
        self.parts: list[AnyArray] = []
        self.triangles: list[AnyArray] = []
        self.count = 0

    def add(self, points: AnyArray, triangles: AnyArray, part: int) -> None:
        self.points.append(np.asarray(points, np.float64))
        self.parts.append(np.full(len(points), part, np.int32))
        self.triangles.append(np.asarray(triangles, np.int64) + self.count)
        self.count += len(points)

    def loft(self, rings: Sequence[AnyArray], part: int) -> None:
        """Join closed rings (N, 3); seen from outside, they run clockwise along the way."""
        width = len(rings[0])
        i, j = np.meshgrid(np.arange(len(rings) - 1), np.arange(width), indexing="ij")
        a, b = i * width + j, i * width + (j + 1) % width
        faces = np.concatenate(
            [
                np.stack([a, b, a + width], -1).reshape(-1, 3),
                np.stack([b, b + width, a + width], -1).reshape(-1, 3),
            ]
        )
        self.add(np.concatenate(rings), faces, part)

    def ball(self, center: Sequence[float] | AnyArray, radii: Sequence[float], part: int) -> None:
        v = np.linspace(0.02, np.pi - 0.02, 14)[:, None]
        u = np.arange(20) / 20 * 2 * np.pi
        rings = np.stack(
            np.broadcast_arrays(np.sin(v) * np.sin(u), np.cos(v), np.sin(v) * np.cos(u)), -1
        )
        self.loft(list((rings * radii + center)[::-1]), part)


@cache
def procedural_head() -> HeadModel:
    """Return the stand-in head; built once.

    It has the expressions' names of ICT-FaceKit and shows those of the jaw, lids, brows and mouth
    corners; the others leave it as it is.
    """
    canonical = canonical_face()
    face = canonical.vertices * _SCALE + _SHIFT
    builder = _Builder()
    loops = [np.array(loop) for loop in (LIPS_INNER, LEFT_LOOP, RIGHT_LOOP)]
    triangles = canonical.triangles
    hole = np.any([np.isin(triangles, loop).all(axis=1) for loop in loops], axis=0)
    builder.add(face, triangles[~hole], SKIN)
    _skull(builder, face)
    neck = np.arange(28) / 28 * 2 * np.pi
    ring = np.stack([5.6 * np.sin(neck), np.zeros(28), 5.7 * np.cos(neck) - 0.4], axis=1)
    builder.loft([ring + [0, y, 0] for y in (-13.0, -12.0, -10.9, -9.6, -7.5, -5.5, -3.5)], SKIN)
    for side in (1, -1):
        builder.ball((side * 7.9, 1.9, -0.2), (0.9, 3.0, 2.0), SKIN)
    centers = []
    for loop, eye in ((loops[1], EYE_LEFT), (loops[2], EYE_RIGHT)):
        rim = face[loop]
        center = np.array([rim[:, 0].mean(), rim[:, 1].mean(), rim[:, 2].max() - 1.42])
        centers.append(center)
        builder.ball(center, (1.38, 1.38, 1.38), eye)
        _pocket(builder, rim, center - [0, 0, 0.6], (1.0, 0.9, 0.6), LID)
    _mouth(builder, face[loops[0]])
    points = np.concatenate(builder.points)
    part = np.concatenate(builder.parts)
    mesh = np.concatenate(builder.triangles).astype(np.int32)
    index, weight = canonical.wflw_index, canonical.wflw_weight
    ibug = [int(index[k, weight[k].argmax()]) for k in (*_CONTOUR, *_REST)]
    neutral = points.astype(np.float32)
    fields = map_fields(neutral, mesh, part, neutral[ibug], neutral[:468])
    identity, identity_scale = _packed(_identities(points, part))
    acting, acting_scale = _packed(_expressions(points, part, face, loops))
    uv = np.stack([points[:, 0] / 30 + 0.5, points[:, 1] / 40 + 0.5], axis=1)
    return HeadModel(
        name="procedural",
        neutral=neutral,
        triangles=mesh,
        part=part,
        uv=uv.astype(np.float32),
        identity_modes=identity,
        identity_scale=identity_scale,
        expression_modes=acting,
        expression_scale=acting_scale,
        expression_names=EXPRESSIONS,
        mesh_points=np.arange(468, dtype=np.int32),
        ibug_points=np.array(ibug, np.int32),
        welded=weld(neutral, part <= SOCKET),
        lashes=np.zeros((0, 5), np.int32),
        fields=fields,
        skull=map_skull(neutral, mesh[(part[mesh] <= SCALP).all(axis=1)], fields.ear),
    )


def _skull(builder: _Builder, face: DoubleArray) -> None:
    """Close the face's oval over the back of the head."""
    center, radii = np.array([0.0, 3.0, 0.8]), np.array([7.5, 10.8, 9.6])
    rim = face[list(OVAL)]
    start = rim - center
    far = np.linalg.norm(start, axis=1, keepdims=True)
    start = start / far
    back = np.array([0.0, -0.1, -1.0])
    back /= np.linalg.norm(back)
    angle = np.arccos(np.clip(start @ back, -1, 1))[:, None]
    rings = []
    for t in np.linspace(0, 0.99, 15):
        way = (np.sin((1 - t) * angle) * start + np.sin(t * angle) * back) / np.sin(angle)
        shell = 1 / np.linalg.norm(way / radii, axis=1, keepdims=True)
        blend = smoothstep(0.0, 0.25, t)
        rings.append(center + way * (far * (1 - blend) + shell * blend))
    builder.loft(rings, SCALP)


def _pocket(
    builder: _Builder, rim: DoubleArray, center: AnyArray, shares: Sequence[float], part: int
) -> None:
    """Line a hole with a skin that goes inwards from its rim."""
    depth = np.linspace(0, 1, len(shares))
    rings = [
        center + (rim - center) * [share, share, 1 - t]
        for share, t in zip(shares, depth, strict=True)
    ]
    if _turns_left(rim):
        rings = [ring[::-1] for ring in rings]
    builder.loft(rings[::-1], part)


def _turns_left(loop: DoubleArray) -> bool:
    x, y = loop[:, 0], loop[:, 1]
    return bool((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0)


def _mouth(builder: _Builder, rim: DoubleArray) -> None:
    middle = rim.mean(axis=0)
    _pocket(builder, rim, middle - [0, 0.2, 4.5], (1.0, 1.1, 1.3, 1.5, 1.2, 0.5, 0.02), SOCKET)
    builder.ball(middle - [0, 1.6, 3.2], (1.6, 0.6, 2.0), GUMS)
    along = np.linspace(-1.1, 1.1, 17)
    arch = np.stack([2.0 * np.sin(along), np.zeros(17), 2.2 * np.cos(along) - 3.1], axis=1)
    for top, low in ((0.55, -0.15), (-0.35, -1.0)):
        strip = np.concatenate([arch + middle + [0, top, 0], arch + middle + [0, low, 0]])
        a = np.arange(16)
        faces = np.concatenate(
            [np.stack([a, a + 17, a + 1], 1), np.stack([a + 1, a + 17, a + 18], 1)]
        )
        builder.add(strip, faces, TEETH)


def _identities(points: DoubleArray, part: AnyArray) -> list[DoubleArray]:
    """Return smooth ways in which heads differ."""
    x, y, z = points.T
    zero = np.zeros_like(x)

    def near(px: float, py: float, pz: float, width: float) -> DoubleArray:
        away = (np.abs(x) - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2
        return np.asarray(np.exp(-away / (2 * width * width)))

    nose, chin, cheek = near(0, 0, 12, 1.6), near(0, -7, 10, 2.4), near(5.5, -0.5, 7, 2.6)
    return [
        np.stack([0.045 * x, zero, zero], 1),
        np.stack([zero, 0.04 * y, zero], 1),
        np.stack([zero, zero, 0.04 * z], 1),
        np.stack([zero, zero, 0.45 * nose], 1),
        np.stack([zero, -0.4 * nose, zero], 1),
        np.stack([zero, -0.6 * chin, 0.2 * chin], 1),
        np.stack([0.3 * chin * np.sign(x), zero, zero], 1),
        np.stack([0.35 * cheek * np.sign(x), zero, 0.2 * cheek], 1),
        np.stack([zero, zero, 0.4 * near(0, 6.5, 10.5, 3.0)], 1),
        np.stack([zero, 0.5 * smoothstep(6, 12, y), zero], 1),
    ]


def _expressions(
    points: DoubleArray, part: AnyArray, face: DoubleArray, loops: Sequence[AnyArray]
) -> list[DoubleArray]:
    """Return the movement of each expression, (V, 3) each; most are still."""
    x, y, z = points.T
    still = np.zeros_like(points)
    moves = {name: still for name in EXPRESSIONS}

    def along(weight: AnyArray, way: Sequence[float]) -> DoubleArray:
        return np.asarray(weight)[:, None] * np.array(way)

    def near(center: AnyArray, width: float) -> DoubleArray:
        return np.asarray(np.exp(-((points - center) ** 2).sum(axis=1) / (2 * width * width)))

    lips = face[loops[0]]
    line = np.interp(np.abs(x), [0, abs(lips[0, 0])], [face[13, 1] - 0.02, lips[0, 1] - 0.05])
    below = (y < line) & (z > 1.0) & (part != EYE_LEFT) & (part != EYE_RIGHT)
    jaw = below * smoothstep(0.0, 7.0, z) * smoothstep(-13.0, -9.0, y)
    jaw *= smoothstep(6.8, 2.0, np.abs(x)) * 0.85 + 0.15
    moves["jawOpen"] = along(jaw, [0, -2.6, -0.7])
    moves["jawLeft"], moves["jawRight"] = along(jaw, [0.9, 0, 0]), along(jaw, [-0.9, 0, 0])
    moves["mouthPucker"] = along(near(face[13], 1.8), [0, 0, 0.7]) - np.stack(
        [0.35 * x * near(face[13], 2.2), 0 * x, 0 * x], axis=1
    )
    for side, sign, corner, brow, loop in (
        ("_L", 1, face[291], face[295], loops[1]),
        ("_R", -1, face[61], face[65], loops[2]),
    ):
        own = smoothstep(-0.3, 0.3, sign * x)
        moves["mouthSmile" + side] = along(near(corner, 1.5) * own, [sign * 0.7, 0.8, -0.3])
        moves["mouthFrown" + side] = along(near(corner, 1.4) * own, [0, -0.7, 0])
        moves["browInnerUp" + side] = along(near(brow, 1.5) * own, [0, 0.7, 0])
        moves["browDown" + side] = along(near(brow, 1.6) * own, [0, -0.5, 0.1])
        moves["eyeBlink" + side] = _blink(points, part, face[loop])
    return [moves[name] for name in EXPRESSIONS]


def _blink(points: DoubleArray, part: AnyArray, rim: DoubleArray) -> DoubleArray:
    """Return how the upper lid comes down to the lower one."""
    low, high = rim[rim[:, 0].argmin()], rim[rim[:, 0].argmax()]
    x, y = points[:, 0], points[:, 1]
    share = (x - low[0]) / (high[0] - low[0])
    level = low[1] + (high[1] - low[1]) * share
    lower = rim[rim[:, 1] < np.interp(rim[:, 0], [low[0], high[0]], [low[1], high[1]]) + 1e-6]
    order = np.argsort(lower[:, 0])
    floor = np.interp(x, lower[order, 0], lower[order, 1])
    lid = (y > level - 1e-6) & (share > 0) & (share < 1) & (points[:, 2] > rim[:, 2].min() - 1.0)
    lid &= part <= SKIN
    fade = smoothstep(1.3, 0.6, y - level)
    drop = np.where(lid, (floor - np.minimum(y, level + 0.7)) * fade, 0.0)
    # The lid passes before the eyeball.
    return np.stack([0 * x, drop, np.where(lid, 0.25 * fade, 0.0)], axis=1)


def _packed(shapes: Sequence[DoubleArray]) -> tuple[AnyArray, AnyArray]:
    table = np.stack(shapes)
    scale = np.maximum(np.abs(table).max(axis=(1, 2)), 1e-6) / 127
    return np.round(table / scale[:, None, None]).astype(np.int8), scale.astype(np.float32)
