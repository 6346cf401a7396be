"""Grow beards, brows and lashes as strands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray, smoothstep
from faceplate.core.synth.hair import Strands, at, scatter, unit
from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.scene import Beard


def grow_beard(
    model: HeadModel, vertices: FloatArray, normals: FloatArray, beard: Beard, detail: int
) -> Strands:
    """Grow a beard on a posed head."""
    rng = np.random.default_rng(detail)
    fields = model.fields
    density = np.maximum(
        smoothstep(0.25, 0.7, fields.beard) * beard.cheeks, fields.moustache * beard.moustache
    )
    count = beard.strands
    corners, weights = scatter(model, vertices, density, count, rng)
    root = at(vertices, corners, weights)
    normal = unit(at(normals, corners, weights))
    home = at(model.neutral, corners, weights)
    chin = np.exp(-(home[:, 0] ** 2) / 18.0) * smoothstep(-4.5, -7.0, home[:, 1])
    above = smoothstep(-3.6, -2.8, home[:, 1]) * smoothstep(3.5, 2.0, np.abs(home[:, 0]))
    length = beard.length * (1 + beard.chin * chin) * (1 - 0.6 * above)
    length *= rng.uniform(0.6, 1.1, count)
    steps = int(np.clip(3 + 0.8 * beard.length * (1 + beard.chin), 3, 14))
    side = np.sign(home[:, 0])[:, None]
    fall = np.where(above[:, None] > 0.5, side * [0.9, 0, 0] + [0, -0.5, 0], [0.0, -1.0, 0.12])
    wild = rng.normal(size=(count, 3)) * 0.28
    heading = unit(0.45 * normal + fall + wild)
    point = root - 0.03 * normal
    points = [point]
    phase = rng.uniform(0, 6.28, (count, 1))
    for k in range(1, steps):
        stride = (length / (steps - 1))[:, None]
        heading = unit(heading + np.array([0, -0.22, 0]) * stride + 0.06 * wild)
        wind = beard.curl * np.sin(phase + k * 1.3) * np.cross(heading, normal)
        point = point + (heading + wind) * stride
        points.append(point)
    tint = np.exp(rng.normal(size=(count, 1)) * 0.22)
    color = np.clip(np.array(beard.color) * tint, 0.003, 0.9)
    thick = np.linspace(0.75, 0.1, steps)[None].repeat(count, 0) * min(beard.length, 1.0)
    return Strands(
        np.stack(points, axis=1).astype(np.float32),
        color.astype(np.float32),
        np.full(count, 0.045, np.float32),
        thick.astype(np.float32),
    )


def grow_brows(
    model: HeadModel,
    vertices: FloatArray,
    normals: FloatArray,
    width: float,
    color: AnyArray,
    count: int,
    detail: int,
) -> Strands:
    """Grow both eyebrows on a posed head."""
    rng = np.random.default_rng(detail)
    fields = model.fields
    taper = np.interp(fields.brow_along, [0, 0.15, 0.6, 1.0], [0.8, 1.0, 0.85, 0.35])
    density = smoothstep(1.0, 0.45, fields.brow / (width * taper)) * (model.part == 0)
    corners, weights = scatter(model, vertices, density, count, rng)
    root = at(vertices, corners, weights)
    normal = unit(at(normals, corners, weights))
    home = at(model.neutral, corners, weights)
    along = at(fields.brow_along[:, None], corners, weights)[:, 0]
    side = np.sign(home[:, 0])
    heading = np.stack(
        [side * np.interp(along, [0, 0.2, 1], [0.3, 0.9, 1.0]),
         np.interp(along, [0, 0.2, 0.7, 1], [1.2, 0.5, 0.0, -0.2]),
         -0.4 * along], axis=1)  # fmt: skip
    heading = unit(heading + 0.18 * rng.normal(size=heading.shape))
    heading = unit(heading - (heading * normal).sum(axis=1, keepdims=True) * normal)
    length = rng.uniform(0.4, 0.8, count)[:, None]
    s = np.linspace(0, 1, 4)[:, None, None]
    rise = 0.30 * s - 0.24 * s * s - 0.02
    points = root + length * (heading * s + normal * rise)
    tint = np.exp(rng.normal(size=(count, 1)) * 0.2)
    return Strands(
        np.swapaxes(points, 0, 1).astype(np.float32),
        np.clip(np.asarray(color) * tint, 0.003, 0.8).astype(np.float32),
        np.full(count, 0.04, np.float32),
        np.full((count, 4), 0.25, np.float32),
    )


def brow_color(hair: Sequence[float], tone: Sequence[float]) -> AnyArray:
    """Return the colour of brows, (3,): never lighter than a part of the skin's."""
    return np.minimum(np.array(hair), np.array(tone) * 0.45)


def place_lashes(
    model: HeadModel,
    vertices: FloatArray,
    length: float,
    dark: float,
    tone: Sequence[float],
    thin: float,
    detail: int,
) -> Strands:
    """Place the lashes of a posed head.

    Args:
        length: 1 as modelled.
        dark: how black, 0 to 1.
        tone: (3,) of the skin, which a lash thinner than a sample lets through.
        thin: share of a sample that a lash covers.
    """
    rng = np.random.default_rng(detail)
    guides = vertices[model.lashes]
    count = len(guides)
    scale = length * rng.uniform(0.6, 1.0, (count, 1, 1))
    points = guides[:, :1] + (guides - guides[:, :1]) * scale
    ink = 0.06 * (1 - dark) + 0.004
    color = np.tile(np.float32(ink * thin + (1 - thin) * 0.8 * np.array(tone)), (count, 1))
    return Strands(
        np.ascontiguousarray(points, np.float32),
        color,
        np.full(count, 0.03, np.float32),
        np.full(points.shape[:2], 0.3, np.float32),
    )
