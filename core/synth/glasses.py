"""Glasses and sunglasses: rims of many shapes, temples, lenses, and glare on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.synth.shapes import Mesh, clearance, rings, tube
from faceplate.core.synth.solid import FACE, OCCLUDER, Solid

_EYES = np.array([[3.2, 3.0, 8.2], [-3.2, 3.0, 8.2]])
"""Middles of the eyeballs of a mean head, the person's left first, head space."""

# Half width, half height (cm), squareness (2 is an ellipse), droop outwards, lift of outer corner.
_SHAPES = {
    "round": (2.3, 2.2, 2.0, 0.0, 0.0),
    "oval": (2.6, 1.8, 2.2, 0.0, 0.0),
    "rectangle": (2.7, 1.6, 4.0, 0.0, 0.05),
    "wayfarer": (2.8, 2.0, 3.2, 0.05, 0.12),
    "aviator": (3.0, 2.5, 2.4, 0.22, 0.0),
    "cat": (2.7, 1.8, 2.6, 0.0, 0.3),
    "square": (2.9, 2.5, 3.6, 0.0, 0.0),
    "large": (3.4, 3.1, 2.6, 0.05, 0.0),
    "narrow": (2.5, 1.1, 3.0, 0.0, 0.05),
}
_POINTS = 40


@dataclass(frozen=True, slots=True)
class Glasses:
    """One pair as plain numbers: cm, linear reflectance.

    Attributes:
        shape: of the lenses.
        size: 1 for its usual size.
        rim: "full", "half" (above only) or "none".
        thickness: radius of the rim.
        color: of rim and temples, (3,).
        metal: strength of their highlights.
        tint: colour of the lenses, (3,).
        opacity: of the lenses; sunglasses have more than a half.
        slip: how far they have slid down the nose.
        glare: strength of the reflection on each lens, left and right; 0 for none.
        detail: seed of the reflections' shape.
    """

    shape: str
    size: float
    rim: str
    thickness: float
    color: tuple[float, float, float]
    metal: float
    tint: tuple[float, float, float]
    opacity: float
    slip: float
    glare: tuple[float, float]
    detail: int


def sample_glasses(rng: np.random.Generator) -> Glasses:
    """Return a random pair; one in four are sunglasses."""
    dark = rng.random() < 0.25
    names = list(_SHAPES)
    thin = rng.random() < 0.5
    rim = ("full", "half", "none")[rng.choice(3, p=[0.78, 0.12, 0.1])]
    grey = np.exp(rng.uniform(np.log(0.01), np.log(0.5))) if rng.random() < 0.6 else 0.012
    color = grey * np.exp(rng.normal(size=3) * rng.choice([0.05, 0.6]))
    shade = rng.uniform(0.01, 0.08) * np.exp(rng.normal(size=3) * 0.3)
    if not dark:
        shade = np.array([0.5, 0.5, 0.5]) * np.exp(rng.normal(size=3) * 0.2)
    glare = [float(rng.uniform(0.5, 4)) if rng.random() < 0.3 else 0.0 for _ in range(2)]
    if dark:
        opacity = rng.uniform(0.75, 1.0)
    else:
        opacity = rng.uniform(0.2, 0.42) if rng.random() < 0.12 else rng.uniform(0.0, 0.08)
    return Glasses(
        shape=names[rng.integers(len(names))],
        size=round(float(rng.uniform(0.88, 1.12)), 3),
        rim=rim,
        thickness=round(float(rng.uniform(0.05, 0.11) if thin else rng.uniform(0.13, 0.34)), 3),
        color=_rounded(np.clip(color, 0.004, 0.8)),
        metal=round(float(rng.uniform(0.5, 1.0) if thin else rng.uniform(0.1, 0.6)), 2),
        tint=_rounded(np.clip(shade, 0.004, 0.8)),
        opacity=round(float(opacity), 3),
        slip=round(
            float(rng.uniform(-0.2, 0.5) if rng.random() < 0.85 else rng.uniform(0.5, 2)), 2
        ),
        glare=(round(glare[0], 2), round(glare[1], 2)),
        detail=int(rng.integers(2**31)),
    )


def make_glasses(glasses: Glasses, head: FloatArray, eyes: AnyArray | None = None) -> list[Solid]:
    """Return a pair's solids in head space: rims, bridge, temples, lenses, reflections.

    A lens that lets most light through is of the class face, and so is what is seen through it.

    Args:
        head: (V, 3) the skin that they sit on.
        eyes: (2, 3) middles of the eyeballs, the person's left first; a mean head's when not given.
    """
    middles = np.asarray(_EYES if eyes is None else eyes, np.float64)
    rng = np.random.default_rng(glasses.detail)
    sides = [_Lens(glasses, middles[n], (1.0, -1.0)[n]) for n in range(2)]
    contact = np.concatenate([lens.edge() for lens in sides]).astype(np.float32)
    ahead = np.array([0.0, 0.0, 1.0])
    # Rims rest on nose and cheeks; a brow that juts out does not push them away from the eyes.
    push = np.clip(clearance(contact, head, ahead) + 0.1, -0.5, 0.9)
    for lens in sides:
        lens.shift = push
    solids = [*_frame(glasses, sides, head)]
    for lens, glare in zip(sides, glasses.glare, strict=True):
        solids += lens.solids(rng, glare)
    return solids


class _Lens:
    """One lens, as a surface over two coordinates that are 1 at its edge."""

    def __init__(self, glasses: Glasses, eye: DoubleArray, side: float) -> None:
        self.glasses, self.side = glasses, side
        self.shift = 0.0
        self.wide, self.high, self.square, self.droop, self.lift = _SHAPES[glasses.shape]
        self.wide *= glasses.size
        self.high *= glasses.size
        gap = 0.75 * glasses.size
        x = max(abs(eye[0]) + 0.1, self.wide + gap)
        self.middle = np.array([x, eye[1] - 0.25 - glasses.slip, eye[2] + 2.3 + 0.4 * glasses.slip])

    def at(self, radius: ArrayLike, angle: ArrayLike, off: float = 0.0) -> DoubleArray:
        """Return points for polar coordinates; angle 0 outwards, a quarter turn up."""
        c, s = np.cos(angle), np.sin(angle)
        radius = np.asarray(radius)
        power = 2.0 / self.square
        x = np.sign(c) * np.abs(c) ** power * self.wide * radius
        y = np.sign(s) * np.abs(s) ** power * self.high * radius
        y = y + (self.lift - self.droop) * x * np.clip(y / self.high, -1, 1)
        x, y = self.middle[0] + x, self.middle[1] + y
        z = self.middle[2] + self.shift + off - 0.028 * x**2 + 0.1 * (y - self.middle[1])
        return np.stack(np.broadcast_arrays(self.side * x, y, z), -1)

    def edge(self) -> DoubleArray:
        return self.at(1.0, np.arange(_POINTS) * (2 * np.pi / _POINTS))

    def solids(self, rng: np.random.Generator, glare: float) -> list[Solid]:
        glasses = self.glasses
        parts = []
        if glasses.opacity > 0:
            hides = glasses.opacity > 0.5
            mesh = self._patch(0.0, 0.99, 0.0, 2 * np.pi, 0.0)
            tint = np.array(glasses.tint, np.float32)
            fade = np.linspace(1, rng.uniform(1, 3) if hides else 1, len(mesh[0]))[:, None]
            albedo = np.clip(tint * fade, 0, 1).astype(np.float32)
            label = OCCLUDER if hides else FACE
            parts.append(Solid(*mesh, albedo, 1.0, label, glasses.opacity))
        if glare > 0:
            start, span = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 2.2)
            inner = rng.uniform(0.05, 0.6)
            mesh = self._patch(inner, rng.uniform(inner + 0.2, 0.97), start, span, 0.06)
            tone = glare * np.exp(rng.normal(size=3) * 0.15)
            albedo = np.repeat(tone[None], len(mesh[0]), 0).astype(np.float32)
            parts.append(Solid(*mesh, albedo, 1.0, OCCLUDER))
        return parts

    def _patch(self, inner: float, outer: float, start: float, span: float, off: float) -> Mesh:
        """Return a thin closed piece of the lens; a whole turn from 0 is the lens itself."""
        if span >= 2 * np.pi:
            angle = np.arange(_POINTS) * (2 * np.pi / _POINTS)
            radius = np.array([0.08, 0.4, 0.75, outer])[:, None]
            front, back = self.at(radius, angle, off), self.at(radius, angle, off - 0.08)
            # From the back's middle out to the edge, and in again over the front.
            grid = np.concatenate([back, front[::-1]])
        else:
            angle = start + span * np.linspace(0, 1, 14)
            radius = np.array([inner, (inner + outer) / 2, outer])[:, None]
            front, back = self.at(radius, angle, off), self.at(radius, angle, off - 0.03)
            section = np.concatenate([front, back[::-1]])
            grid = np.swapaxes(section, 0, 1)
        return rings(grid if self.side > 0 else grid[:, ::-1])


def _frame(glasses: Glasses, sides: list[_Lens], head: FloatArray) -> list[Solid]:
    thick = glasses.thickness * (1.0 if glasses.rim != "none" else 0.5)
    meshes = []
    angle = np.arange(_POINTS) * (2 * np.pi / _POINTS)
    for lens in sides:
        if glasses.rim == "full":
            meshes.append(tube(lens.at(1.0, angle), thick, sides=8, loop=True))
        if glasses.rim == "half":
            meshes.append(tube(lens.at(1.0, np.linspace(-0.2, np.pi + 0.2, 26)), thick, sides=8))
        meshes.append(_temple(lens, head, thick))
    meshes.append(_bridge(glasses, sides, thick))
    color = np.array(glasses.color, np.float32)
    parts = []
    for vertices, triangles in meshes:
        albedo = np.repeat(color[None], len(vertices), 0)
        parts.append(Solid(vertices, triangles, albedo, glasses.metal, OCCLUDER))
    return parts


def _bridge(glasses: Glasses, sides: list[_Lens], thick: float) -> Mesh:
    inner = 2.6 if glasses.shape != "aviator" else 2.2
    left, right = (lens.at(1.0, inner) for lens in sides)
    step = np.linspace(0, 1, 11)[:, None]
    arch = np.sin(np.pi * step)
    path = left * (1 - step) + right * step + arch * np.array([0, 0.25, 0.25])
    return tube(path, thick * 1.05, sides=8)


def _temple(lens: _Lens, head: FloatArray, thick: float) -> Mesh:
    hinge = lens.at(1.0, 0.45)
    band = head[(head[:, 1] > hinge[1] - 2) & (head[:, 1] < hinge[1] + 2)]
    band = band[(band[:, 2] > 2.5) & (band[:, 2] < 8) & (band[:, 0] * lens.side > 0)]
    width = float(np.abs(band[:, 0]).max()) + 0.15 if len(band) else 7.6
    ear = np.array([lens.side * (width + 0.5), hinge[1] - 0.2, 0.0])
    corner = np.array([lens.side * max(abs(hinge[0]) + 0.3, width), hinge[1], hinge[2] - 0.6])
    step = np.linspace(0, 1, 9)[:, None]
    path = np.concatenate(
        [
            hinge[None],
            corner * (1 - step) + ear * step,
            ear
            + np.array(
                [[0, -0.5, -0.7], [-0.2 * lens.side, -1.6, -1.3], [-0.3 * lens.side, -3, -1.7]]
            ),
        ]
    )
    return tube(path, thick * 0.95, sides=8)


def _rounded(values: AnyArray) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 4) for value in values)
    return x, y, z
