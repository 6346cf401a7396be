"""What is held, or hangs and stands before a face; each along its own z axis, its grip at 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from faceplate.core.arrays import AnyArray
from faceplate.core.synth.matter import Prop, finished
from faceplate.core.synth.shapes import Mesh, basis, blob, rings, slab, tube, turned, unit
from faceplate.core.synth.solid import Solid


def _microphone(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    size = prop.size
    ball = rng.uniform(1.9, 3.2)
    angle = np.linspace(-1.2, 1.5, 14)
    head = np.stack([ball * np.cos(angle), ball * np.sin(angle) + ball], 1)
    grip = [(1.0, -24), (1.25, -23), (1.5, -6), (ball * 0.75, -0.6), (ball * 0.8, 0.1)]
    mesh = turned(np.array(head) * size, sides=26)
    dark = np.array([0.02, 0.02, 0.022]) if rng.random() < 0.6 else np.array(prop.color)
    silver = np.array([0.3, 0.3, 0.3]) if rng.random() < 0.5 else dark
    pattern = "checks" if rng.random() < 0.5 else "plain"
    parts = [finished(mesh, prop, rng, color=silver, pattern=pattern, gloss=0.3)]
    body = turned(np.array(grip) * size, sides=20)
    parts.append(finished(body, prop, rng, color=dark, pattern="plain"))
    if rng.random() < 0.35:  # a station's flag
        cube = _box(np.array([2.6, 2.6, 3.2]) * size)
        flag = finished(cube, prop, rng, pattern=str(rng.choice(["marks", "plain"])))
        parts.append(flag.moved(np.eye(3), np.array([0, 0, -4.5]) * size))
    return parts


def _cup(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    size = prop.size
    wide, high, taper = rng.uniform(3.2, 4.6), rng.uniform(7, 12), rng.uniform(0.68, 1.0)
    outer = [(wide * taper * 0.9, 0), (wide * taper, 0.3)]
    outer += [(wide * (taper + (1 - taper) * t), high * t) for t in np.linspace(0.1, 1, 12)]
    inner = [(wide - 0.3, high), (wide * taper - 0.3, 0.8)]
    mesh = turned((np.array(outer + inner) - [0, high / 2]) * size, sides=28)
    parts = [finished(mesh, prop, rng)]
    if rng.random() < 0.5:
        angle = np.linspace(-1.4, 1.4, 13)
        out = wide * 0.92 + 2.4 * np.cos(angle)
        path = np.stack([out, 0 * angle, high * 0.3 * np.sin(angle)], 1) * size
        parts.append(finished(tube(path, 0.5 * size, sides=8), prop, rng, pattern="plain"))
    return parts


def _bottle(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    wide, high, neck = rng.uniform(2.8, 4), rng.uniform(14, 22), rng.uniform(0.9, 1.5)
    rows = [(wide * 0.9, 0), *((wide, high * t) for t in np.linspace(0.02, 0.62, 9))]
    rows += [(wide * 0.75 + neck * 0.25, high * 0.72), (neck, high * 0.85), (neck, high * 0.92)]
    rows += [(neck * 1.15, high * 0.925), (neck * 1.15, high)]
    mesh = turned((np.array(rows) - [0, high * 0.4]) * prop.size, sides=24)
    return [finished(mesh, prop, rng, gloss=0.8)]


def _can(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    rows = [(2.5, 0), (3.2, 0.6), *((3.2, h) for h in np.linspace(1.5, 10.5, 9)), (2.7, 11.6)]
    mesh = turned((np.array([*rows, (2.6, 11.3)]) - [0, 5.5]) * prop.size, sides=24)
    return [finished(mesh, prop, rng, gloss=0.7)]


def _apple(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    mesh = blob(rng, np.array([3.6, 3.6, 3.3]) * prop.size, 0.15)
    warm = np.array([0.35, 0.04, 0.02]) if rng.random() < 0.5 else np.array([0.3, 0.32, 0.05])
    return [finished(mesh, prop, rng, color=warm * rng.uniform(0.5, 1.5), gloss=0.6)]


def _phone(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    body = _box(np.array([3.7, 0.42, 7.5]) * prop.size)
    dark = np.array([0.012, 0.012, 0.014]) if rng.random() < 0.6 else np.array(prop.color)
    pattern = str(rng.choice(["plain", "marks"]))
    return [finished(body, prop, rng, color=dark, pattern=pattern, gloss=0.8)]


def _rod(
    prop: Prop, rng: np.random.Generator, length: float, radii: AnyArray, gloss: float
) -> Solid:
    height = np.linspace(-length * 0.3, length * 0.7, len(radii))
    mesh = turned(np.stack([radii, height], 1) * prop.size, sides=10)
    return finished(mesh, prop, rng, pattern="plain", gloss=gloss)


def _cigarette(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    rod = _rod(prop, rng, 8.5, np.full(16, 0.4), 0.0)
    share = (rod.vertices[:, 2:] / prop.size) / 8.5 + 0.3
    paper, cork, ash = np.array([0.8, 0.78, 0.74]), np.array([0.5, 0.28, 0.1]), np.full(3, 0.08)
    albedo = np.where(share < 0.3, cork, np.where(share > 0.93, ash, paper))
    return [replace(rod, albedo=albedo.astype(np.float32))]


def _pen(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    return [_rod(prop, rng, 14.0, 0.45 * np.array([1.0] * 14 + [0.5, 0.15]), 0.7)]


def _fork(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    return [_rod(prop, rng, 18.0, 0.3 * np.array([1.0] * 12 + [1.5, 3.0, 3.5, 2.5]), 0.7)]


def _stick(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    length = 60.0 if rng.random() < 0.5 else rng.uniform(8, 30)
    along = np.linspace(-length / 2, length / 2, 24)
    bend = rng.normal(size=(2, 2)) * rng.choice([0.0, 0.004])
    path = np.stack([bend[0, 0] * along**2, bend[0, 1] * along**2, along], 1)
    radius = rng.uniform(0.15, 2.2) * prop.size
    return [finished(tube(path, radius, sides=10), prop, rng)]


def _wires(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    parts = []
    for _ in range(rng.integers(1, 6)):
        along = np.linspace(-30, 30, 40)
        sag = np.cumsum(np.cumsum(rng.normal(size=(40, 2)), 0), 0) * 0.02
        path = np.stack([sag[:, 0] + rng.normal() * 3, sag[:, 1] + rng.normal(), along], 1)
        parts.append(
            finished(tube(path, rng.uniform(0.08, 0.4), sides=6), prop, rng, pattern="plain")
        )
    return parts


def _leaves(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    green = np.array([0.08, 0.16, 0.035]) if rng.random() < 0.75 else np.array([0.3, 0.14, 0.04])
    stem = np.stack([np.zeros(30), np.zeros(30), np.linspace(-22, 18, 30)], 1)
    stem[:, :2] += np.cumsum(rng.normal(size=(30, 2)) * 0.4, 0)
    parts = [finished(tube(stem, np.linspace(0.35, 0.1, 30), sides=6), prop, rng, pattern="plain")]
    across, along = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(0, 1, 8))
    wide, long = rng.uniform(0.7, 2.2), rng.uniform(3, 8)
    shape = np.sin(np.clip(along, 0.02, 0.98) * np.pi) ** 0.8
    for _ in range(rng.integers(5, 22)):
        curl = rng.uniform(-0.6, 0.6)
        x, y = across * shape * wide, along * long
        z = curl * (along**2) * long * 0.5 + 0.25 * np.abs(across) * wide
        grid = np.stack([x, y, z], -1) * prop.size
        mesh = slab(grid, grid - [0, 0, 0.06])
        tone = green * rng.uniform(0.5, 1.8) * rng.uniform(0.85, 1.15, 3)
        leaf = finished(mesh, prop, rng, color=tone, pattern="plain", gloss=0.3)
        parts.append(leaf.moved(basis(unit(rng.normal(size=3))), stem[rng.integers(4, 30)]))
    return parts


def _card(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    wide, high = rng.uniform(3, 14), rng.uniform(3, 14)
    bend = rng.normal() * 0.02
    x, z = np.meshgrid(np.linspace(-wide, wide, 29), np.linspace(-high, high, 29))
    grid = np.stack([x, bend * x**2, z], -1) * prop.size
    thick = rng.choice([0.05, 0.3, 2.0])
    mesh = slab(grid, grid + [0, thick, 0])
    pattern = (
        "plain" if prop.pattern == "plain" else str(rng.choice(["marks", "stripes", "checks"]))
    )
    return [finished(mesh, prop, rng, pattern=pattern)]


def _blob(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    radii = np.exp(rng.normal(size=3) * 0.4) * rng.uniform(1.5, 5.5) * prop.size
    return [finished(blob(rng, radii, rng.uniform(0, 1)), prop, rng)]


def _bystander(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    """Return the back of somebody's head and shoulder between face and camera."""
    hair = np.array([0.12, 0.07, 0.04]) * 2.0 ** rng.normal(-0.5, 1.4)
    skin = np.array([0.68, 0.43, 0.33]) ** rng.uniform(1, 3)
    head = finished(
        blob(rng, [8, 9.5, 11.5], 0.15), prop, rng, color=hair, pattern="plain", gloss=0.2
    )
    neck = finished(turned([(6.5, -22), (6, -8), (5, 0)]), prop, rng, color=skin, pattern="plain")
    shoulders = blob(rng, [22, 11, 12], 0.1)
    cloth = finished(shoulders, prop, rng, gloss=0.0).moved(np.eye(3), np.array([0, 0, -30.0]))
    return [head, neck, cloth]


def _box(half: AnyArray) -> Mesh:
    """Return a box around 0 with bevelled long edges; ``half`` are half its sides."""
    x, y, z = half
    cut = min(x, y) * 0.35
    corners = [(x, -y + cut), (x, y - cut), (x - cut, y), (-x + cut, y)]
    corners += [(-x, y - cut), (-x, -y + cut), (-x + cut, -y), (x - cut, -y)]
    section = np.array([(a, b, 0.0) for a, b in corners])
    steps = np.linspace(-z, z, 13)
    return rings(section[None] + steps[:, None, None] * [0, 0, 1])


MAKERS: dict[str, Callable[[Prop, np.random.Generator], list[Solid]]] = {
    "apple": _apple,
    "blob": _blob,
    "bottle": _bottle,
    "bystander": _bystander,
    "can": _can,
    "card": _card,
    "cigarette": _cigarette,
    "cup": _cup,
    "fork": _fork,
    "leaves": _leaves,
    "microphone": _microphone,
    "pen": _pen,
    "phone": _phone,
    "stick": _stick,
    "wires": _wires,
}
"""What makes each thing."""
