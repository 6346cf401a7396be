"""One thing of a scene as plain numbers, and how its colours lie on its surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.synth.shapes import Mesh, unit
from faceplate.core.synth.solid import OCCLUDER, Solid


@dataclass(frozen=True, slots=True)
class Prop:
    """One thing as plain numbers: cm, degrees, linear reflectance.

    Attributes:
        kind: a name of ``WORN`` or ``FREE``.
        size: 1 for its usual size.
        color: of most of it, (3,).
        second: of its pattern or its parts, (3,).
        pattern: "plain", "stripes", "checks", "spots", or "marks".
        target: point of the head before which it is, head space; not used by what is worn.
        gap: from there towards the camera.
        turn: about the line of sight.
        lean: (2,) tilt of its own axis.
        gloss: as a solid's.
        detail: seed of the rest.
    """

    kind: str
    size: float
    color: tuple[float, float, float]
    second: tuple[float, float, float]
    pattern: str
    target: tuple[float, float, float]
    gap: float
    turn: float
    lean: tuple[float, float]
    gloss: float
    detail: int


def finished(
    mesh: Mesh,
    prop: Prop,
    rng: np.random.Generator,
    *,
    color: AnyArray | None = None,
    pattern: str | None = None,
    gloss: float | None = None,
) -> Solid:
    """Return a mesh in a thing's colours.

    Args:
        color: instead of the thing's own; pattern, gloss: likewise.
    """
    vertices, triangles = mesh
    base = np.array(prop.color if color is None else color)
    share = _pattern(vertices, pattern or prop.pattern, rng)[:, None]
    albedo = base * (1 - share) + np.array(prop.second) * share
    wave = np.sin(vertices @ (rng.normal(size=(3, 4)) * 0.5) + rng.uniform(0, 6, 4)).mean(1)
    albedo = albedo * (1 + 0.15 * wave[:, None])
    shine = prop.gloss if gloss is None else gloss
    albedo = np.clip(albedo, 0.003, 0.9).astype(np.float32)
    return Solid(vertices, triangles, albedo, float(shine), OCCLUDER)


def _pattern(vertices: FloatArray, pattern: str, rng: np.random.Generator) -> AnyArray:
    """Return where the second colour is, (V,) 0 or 1."""
    way, other = unit(rng.normal(size=3)), unit(rng.normal(size=3))
    pitch = rng.uniform(1.2, 4)
    along, across = vertices @ way, vertices @ other
    if pattern == "stripes":
        return (np.sin(along * pitch) > rng.uniform(-0.5, 0.7)).astype(float)
    if pattern == "checks":
        return (np.sin(along * pitch) * np.sin(across * pitch) > 0).astype(float)
    if pattern == "spots":
        wave = np.sin(vertices @ (rng.normal(size=(3, 5)) * pitch * 0.6)).mean(1)
        return (wave > 0.3).astype(float)
    if pattern == "marks":
        middle = vertices.mean(0) + rng.normal(size=3) * np.ptp(vertices, axis=0) * 0.2
        inside = np.abs((vertices - middle) @ way) < np.ptp(along) * rng.uniform(0.08, 0.3)
        return (inside & (np.sin(across * 5) > -0.5)).astype(float)
    return np.zeros(len(vertices))
