"""Things before and on a head: what is worn, held, or hangs between face and camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.synth.shapes import Mesh, Shell, basis, blob, rings, slab, tube, turned, unit
from faceplate.core.synth.solid import OCCLUDER, Solid

WORN = {
    "cap": 1.3,
    "beanie": 1.0,
    "hat": 0.8,
    "hood": 0.8,
    "headscarf": 0.9,
    "headband": 0.7,
    "headphones": 1.0,
    "mask": 1.2,
    "scarf": 0.7,
    "headset": 0.5,
}
"""What is worn on the head, with how often it is drawn."""

FREE = {
    "microphone": 1.3,
    "stick": 1.0,
    "leaves": 0.9,
    "wires": 0.7,
    "card": 1.2,
    "blob": 1.2,
    "cup": 0.7,
    "bystander": 0.7,
}
"""What hangs or stands before the face without a hand, with how often it is drawn."""


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


def sample_prop(rng: np.random.Generator, *, worn: bool, kind: str | None = None) -> Prop:
    """Return a random thing of ``WORN`` or of ``FREE``; ``kind`` names one."""
    choices = WORN if worn else FREE
    weights = np.array(list(choices.values()))
    name = kind or list(choices)[rng.choice(len(choices), p=weights / weights.sum())]
    patterns = ("plain", "stripes", "checks", "spots", "marks")
    target = np.array([0, -1, 10.5]) + rng.normal(size=3) * [4, 4.5, 0.5]
    gap = rng.uniform(0.5, 6) if rng.random() < 0.6 else rng.uniform(6, 25)
    turn, lean = rng.uniform(-180, 180), rng.normal(size=2) * 20
    if name in ("microphone", "cup"):  # upright, more or less
        turn = rng.normal() * 40
    if name == "bystander":
        turn, lean, gap = rng.normal() * 6, rng.normal(size=2) * 8, rng.uniform(18, 40)
        target[:2] = rng.choice([-1, 1]) * rng.uniform(5, 15), rng.uniform(-14, -3)
    return Prop(
        kind=name,
        size=round(float(np.exp(rng.normal() * (0.06 if worn else 0.3))), 3),
        color=sample_color(rng),
        second=sample_color(rng),
        pattern=patterns[rng.choice(5, p=[0.5, 0.14, 0.1, 0.12, 0.14])],
        target=(round(target[0], 2), round(target[1], 2), round(target[2], 2)),
        gap=round(float(gap), 2),
        turn=round(float(turn), 1),
        lean=(round(float(lean[0]), 1), round(float(lean[1]), 1)),
        gloss=round(float(rng.random() ** 2), 3),
        detail=int(rng.integers(2**31)),
    )


def sample_color(rng: np.random.Generator) -> tuple[float, float, float]:
    """Return a reflectance as cloth and goods have it: from black to white, dull to loud."""
    grey = np.exp(rng.uniform(np.log(0.012), np.log(0.8)))
    tint = np.exp(rng.normal(size=3) * rng.choice([0.05, 0.3, 0.9]))
    if rng.random() < 0.12:  # the colours of skin, which must not pass for it
        grey, tint = rng.uniform(0.08, 0.5), np.array([1.3, 0.85, 0.65])
    red, green, blue = (round(float(c), 4) for c in np.clip(grey * tint, 0.004, 0.85))
    return red, green, blue


def make_prop(prop: Prop, head: FloatArray) -> list[Solid]:
    """Return a thing's solids in head space.

    Args:
        head: (V, 3) vertices of the head that it is worn on or stands before.
    """
    rng = np.random.default_rng(prop.detail)
    if prop.kind in WORN:
        return _WORN[prop.kind](prop, rng, Shell(head))
    return [solid.moved(*_place(prop)) for solid in _FREE[prop.kind](prop, rng)]


def held_prop(name: str, seed: int, fingers: DoubleArray, thumb: DoubleArray) -> list[Solid]:
    """Return a thing in a right hand's own frame, where its fingers and thumb close.

    Args:
        name: "cup", "phone", "microphone", "bottle", "can", "apple", "cigarette", "pen" or "fork".
        seed: of its looks.
        fingers: (4, 4, 3) joints of index to little finger.
        thumb: (4, 3) joints of the thumb.
    """
    rng = np.random.default_rng(seed)
    prop = sample_prop(rng, worn=False, kind="blob")
    prop = replace(prop, size=float(np.clip(prop.size, 0.85, 1.2)))
    if name in ("cigarette", "pen", "fork"):
        grip = (fingers[0, 2] + fingers[1, 2]) / 2
        way = unit(np.array([rng.normal() * 0.3, 0.35, 0.0]) + fingers[0, 2] - fingers[0, 1])
        axis = unit(np.cross(way, [1.0, 0, 0]) + [0.2, 0, 0])
        rod = _rod(prop, rng, name)
        return [part.moved(basis(axis), grip + axis * 1.5) for part in rod]
    # The axis of what is gripped runs across the fingers, in the hollow of the hand.
    grip = (fingers[:, 1:3].mean((0, 1)) + thumb[2] + fingers[:, 0].mean(0)) / 3
    axis = unit(fingers[0, 1] - fingers[3, 1])
    made = {
        "cup": _cup,
        "phone": _phone,
        "microphone": _microphone,
        "bottle": _bottle,
        "can": _can,
        "apple": _apple,
    }[name](prop, rng)
    return [part.moved(basis(axis, rng.uniform(-20, 20)), grip) for part in made]


def _place(prop: Prop) -> tuple[DoubleArray, DoubleArray]:
    """Return the rotation and offset of a thing whose own axis, z, is to lie across the view."""
    a, b = np.radians(prop.lean)
    axis = np.array([np.sin(a), np.cos(a) * np.cos(b), np.sin(b)])
    c, s = np.cos(np.radians(prop.turn)), np.sin(np.radians(prop.turn))
    axis = np.array([axis[0] * c - axis[1] * s, axis[0] * s + axis[1] * c, axis[2]])
    return basis(axis, prop.turn * 3), np.array(prop.target) + [0, 0, prop.gap]


# --- surfaces ---------------------------------------------------------------------------------


def _solid(
    mesh: Mesh,
    prop: Prop,
    rng: np.random.Generator,
    *,
    color: AnyArray | None = None,
    pattern: str | None = None,
    gloss: float | None = None,
) -> Solid:
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


# --- worn -------------------------------------------------------------------------------------


def _bonnet(
    shell: Shell, edge: AnyArray, inside: float, outside: AnyArray, top: float = 89.0
) -> Mesh:
    """Return a cap from a lower edge up to the crown.

    Args:
        edge: (N,) latitude of the edge, for even longitudes from 0.
        inside: distance of its inner side from the head.
        outside: distance of its outer side; one number or (18, N).
    """
    longitude = np.arange(len(edge)) * 360.0 / len(edge)
    rise = np.linspace(0, 1, 18)[:, None]
    latitude = edge * (1 - rise) + top * rise
    outer = shell.at(longitude, latitude, np.broadcast_to(outside, latitude.shape))
    return slab(outer, shell.at(longitude, latitude, inside), wrap=True)


def _edge(front: float, side: float, back: float) -> DoubleArray:
    """Return the latitude of a hat's edge all around, 72 even longitudes from 0."""
    longitude = np.arange(72) * 5.0
    turn = np.abs((longitude + 180) % 360 - 180)
    return np.interp(
        turn, [0, 35, 90, 140, 180], [front, front * 0.8 + side * 0.2, side, back, back]
    )


def _beanie(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    edge = _edge(rng.uniform(22, 48), rng.uniform(0, 22), rng.uniform(-25, 5))
    slouch = rng.uniform(0, 2.5) * np.linspace(0, 1, 18)[:, None] ** 2
    rib = 0.12 * np.sin(np.arange(72) * (2 * np.pi / 72) * 36)
    thick = 0.9 * prop.size + slouch + rib
    thick[:4] += rng.uniform(0, 0.5)
    return [_solid(_bonnet(shell, edge, 0.1, thick), prop, rng, gloss=0.0)]


def _cap(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    edge = _edge(rng.uniform(32, 46), 26, rng.uniform(-5, 12))
    mesh = _bonnet(shell, edge, 0.1, 0.8 + 0.6 * np.linspace(0, 1, 18)[:, None])
    middle = 0.0 if rng.random() < 0.8 else rng.choice([180.0, rng.uniform(-60, 60)])
    spread = np.linspace(-48, 48, 25)
    root = shell.at(middle + spread, np.interp(np.abs(spread), [0, 48], [edge[0], edge[10]]), 0.7)
    ahead = np.array([np.sin(np.radians(middle)), 0, np.cos(np.radians(middle))])
    out = np.linspace(0, 1, 8)[:, None, None]
    length = rng.uniform(5.5, 8) * np.sqrt(np.clip(1 - (spread / 50) ** 2, 0, 1))[None, :, None]
    droop = rng.uniform(0.05, 0.5) * out**2 * length + 0.02 * (spread**2)[None, :, None] * out / 30
    under = root + out * length * ahead - droop * [0, 1, 0]
    brim = slab(under[::-1] + [0, 0.3, 0], under[::-1], wrap=False)
    parts = [_solid(mesh, prop, rng, gloss=0.02)]
    color = prop.color if rng.random() < 0.6 else prop.second
    return [*parts, _solid(brim, prop, rng, color=np.array(color), pattern="plain", gloss=0.05)]


def _hat(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    level = rng.uniform(20, 38)
    edge = _edge(level, level * 0.8, level * 0.4)
    height = rng.uniform(1, 5) * np.linspace(0, 1, 18)[:, None] ** 1.5 + 0.8
    crown = _bonnet(shell, edge, 0.1, height)
    longitude = np.arange(72) * 5.0
    root = shell.at(longitude, edge, 0.5)
    out = np.linspace(0, 1, 7)[:, None, None]
    away = unit((root - root.mean(0)) * [1, 0, 1])
    width, curl = rng.uniform(3, 11), rng.uniform(-0.5, 0.6)
    bend = curl * np.abs(np.sin(np.radians(longitude)))[None, :, None] * (out * width) ** 2 * 0.12
    under = root + out * width * away + bend * [0, 1, 0]
    brim = slab(under[::-1] + [0, 0.35, 0], under[::-1], wrap=True)
    return [
        _solid(crown, prop, rng, gloss=0.03),
        _solid(brim, prop, rng, pattern="plain", gloss=0.03),
    ]


def _opening(front: float, width: float, chin: float) -> tuple[AnyArray, AnyArray]:
    """Return longitude and latitude, 72 points, of the edge of a cloth that leaves a face free."""
    angle = np.arange(72) * (2 * np.pi / 72)
    across = np.sin(angle)
    up = np.cos(angle)
    return width * across, np.where(up > 0, front * up, chin * -up)


def _around(
    shell: Shell, opening: tuple[AnyArray, AnyArray], thick: AnyArray, loose: float
) -> Mesh:
    """Return a cloth from an opening before the face to a point behind the head."""
    longitude, latitude = opening
    lon, lat = np.radians(longitude), np.radians(latitude)
    start = np.stack([np.sin(lon) * np.cos(lat), np.sin(lat), np.cos(lon) * np.cos(lat)], 1)
    angle = np.arctan2(np.linalg.norm(start[:, :2], axis=1), start[:, 2])
    side = unit(start[:, :2])
    rise = np.linspace(0, 1, 16)[:, None]
    turn = angle * (1 - rise) + 3.11 * rise
    way = np.stack([side[:, 0] * np.sin(turn), side[:, 1] * np.sin(turn), np.cos(turn)], -1)
    lat_ = np.degrees(np.arcsin(np.clip(way[..., 1], -1, 1)))
    lon_ = np.degrees(np.arctan2(way[..., 0], way[..., 2]))
    inner = shell.at(lon_, lat_, 0.15 + loose)
    outer = shell.at(lon_, lat_, 0.15 + loose + thick)
    return slab(outer, inner, wrap=True)


def _hood(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    opening = _opening(rng.uniform(42, 60), rng.uniform(62, 85), -rng.uniform(52, 62))
    ridge = rng.uniform(0.4, 1.4) * np.ones((16, 72))
    ridge[:2] += rng.uniform(0, 0.8)
    return [_solid(_around(shell, opening, ridge, rng.uniform(0.4, 2)), prop, rng, gloss=0.0)]


def _headscarf(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    opening = _opening(rng.uniform(32, 46), rng.uniform(46, 66), -rng.uniform(48, 60))
    fold = 0.45 + 0.2 * np.sin(np.arange(72) * rng.uniform(0.2, 0.7))[None, :] * np.ones((16, 1))
    return [_solid(_around(shell, opening, fold, 0.2), prop, rng, gloss=rng.uniform(0, 0.25))]


def _band(
    shell: Shell, longitude: AnyArray, low: AnyArray, high: AnyArray, off: AnyArray, thick: float
) -> Mesh:
    """Return a strip over the head; it is wrapped when the longitudes go all around."""
    rise = np.linspace(0, 1, 9)[:, None]
    latitude = low * (1 - rise) + high * rise
    wrap = bool(np.ptp(longitude) > 340)
    outer = shell.at(longitude, latitude, off + thick)
    return slab(outer, shell.at(longitude, latitude, off), wrap=wrap)


def _headband(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    middle = _edge(rng.uniform(32, 62), rng.uniform(28, 50), rng.uniform(-5, 20))
    width = rng.uniform(4, 16)
    strip = _band(shell, np.arange(72) * 5.0, middle, middle + width, 0.15, rng.uniform(0.25, 0.7))
    return [_solid(strip, prop, rng, gloss=0.0)]


def _mask(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    longitude = np.linspace(-1, 1, 33)
    reach = rng.uniform(48, 62)
    low = -rng.uniform(56, 64) + 16 * np.abs(longitude) ** 1.5
    high = rng.uniform(-16, -4) * (1 - np.abs(longitude) ** 2) + np.abs(longitude) ** 2 * -18
    if rng.random() < 0.2:  # pulled down: under the nose, or under the chin
        high = high - rng.uniform(14, 38)
        high = np.maximum(high, low + 6)
    tent = rng.uniform(0, 0.9) * np.clip(1 - longitude**2 * 3, 0, 1)
    mesh = _band(shell, longitude * reach, low, high, 0.12 + tent, 0.25)
    white = rng.random() < 0.5
    color = np.array([0.55, 0.68, 0.78]) * rng.uniform(0.7, 1.2) if white else np.array(prop.color)
    parts = [_solid(mesh, prop, rng, color=color, pattern="plain" if white else None, gloss=0.0)]
    for side in (-1, 1):
        for start, end in ((high[-1], 8.0), (low[-1], -14.0)):
            turn = np.linspace(reach - 2, 88, 9) * side
            path = shell.at(turn, np.linspace(start, end, 9), 0.2)
            string = tube(path, 0.13, sides=6)
            parts.append(_solid(string, prop, rng, color=color, pattern="plain", gloss=0.0))
    return parts


def _scarf(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    top = rng.uniform(-9.5, -3.5)
    radius = rng.uniform(8.5, 11)
    angle = np.arange(60) * (2 * np.pi / 60)
    parts = []
    for layer in range(rng.integers(2, 4)):
        ripple = 0.5 * np.sin(angle * rng.integers(3, 9) + rng.uniform(0, 6))
        wide = radius + ripple + rng.normal() * 0.3
        y = top - 2.3 - 3.0 * layer + 0.6 * np.sin(angle + rng.uniform(0, 6))
        path = np.stack([wide * np.sin(angle), y, wide * 1.08 * np.cos(angle) + 1.5], 1)
        path[:, 1] -= np.where(path[:, 2] < 0, 0.3, 0)
        parts.append(_solid(tube(path, 2.2, sides=10, loop=True), prop, rng, gloss=0.0))
    return parts


def _headphones(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    arc = np.linspace(-84, 84, 31)
    tilt = rng.uniform(-25, 12)
    lat = 90 - np.abs(arc)
    crown = shell.at(np.where(arc < 0, -90 + tilt * 0, 90), lat, 0.7)
    crown[:, 2] += np.sin(np.radians(lat)) * -tilt * 0.12
    band = tube(crown, rng.uniform(0.35, 0.9), sides=8)
    parts = [_solid(band, prop, rng, pattern="plain")]
    size, deep = rng.uniform(2.6, 4.6), rng.uniform(1.4, 3)
    profile = [(size * 0.6, 0), (size, 0.3), (size, deep - 0.5), (size * 0.8, deep), (0.4, deep)]
    for side in (-1.0, 1.0):
        ear = shell.at(side * 92.0, -4.0, 0.0) - [side * 0.4, 0, 0]
        cup = turned(profile, squash=rng.uniform(1.0, 1.25))
        solid = _solid(cup, prop, rng, color=np.array(prop.second), pattern="plain")
        parts.append(solid.moved(basis([side, 0, 0.05]), ear))
    if rng.random() < 0.3:
        parts += _boom(prop, rng, shell)
    return parts


def _headset(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    return _boom(prop, rng, shell)


def _boom(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    side = rng.choice([-1.0, 1.0])
    end = rng.uniform(12, 35)
    path = shell.at(
        side * np.linspace(88, end, 14),
        np.linspace(-8, -rng.uniform(34, 42), 14),
        rng.uniform(0.5, 1.6),
    )
    arm = tube(path, rng.uniform(0.1, 0.28), sides=6)
    size = rng.uniform(0.4, 1.1)
    foam = blob(rng, [size, size, size * 1.4], 0.1)
    dark = np.array([0.02, 0.02, 0.02]) if rng.random() < 0.7 else np.array(prop.color)
    parts = [_solid(arm, prop, rng, color=dark, pattern="plain")]
    head = _solid(foam, prop, rng, color=dark * rng.uniform(0.6, 2), pattern="plain", gloss=0.0)
    return [*parts, head.moved(basis(path[-1] - path[-2]), path[-1])]


# --- before the face, along their own z axis --------------------------------------------------


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
    parts = [_solid(mesh, prop, rng, color=silver, pattern=pattern, gloss=0.3)]
    body = turned(np.array(grip) * size, sides=20)
    parts.append(_solid(body, prop, rng, color=dark, pattern="plain"))
    if rng.random() < 0.35:  # a station's flag
        cube = _box(np.array([2.6, 2.6, 3.2]) * size)
        flag = _solid(cube, prop, rng, pattern=str(rng.choice(["marks", "plain"])))
        parts.append(flag.moved(np.eye(3), np.array([0, 0, -4.5]) * size))
    return parts


def _cup(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    size = prop.size
    wide, high, taper = rng.uniform(3.2, 4.6), rng.uniform(7, 12), rng.uniform(0.68, 1.0)
    outer = [(wide * taper * 0.9, 0), (wide * taper, 0.3)]
    outer += [(wide * (taper + (1 - taper) * t), high * t) for t in np.linspace(0.1, 1, 12)]
    inner = [(wide - 0.3, high), (wide * taper - 0.3, 0.8)]
    mesh = turned((np.array(outer + inner) - [0, high / 2]) * size, sides=28)
    parts = [_solid(mesh, prop, rng)]
    if rng.random() < 0.5:
        angle = np.linspace(-1.4, 1.4, 13)
        out = wide * 0.92 + 2.4 * np.cos(angle)
        path = np.stack([out, 0 * angle, high * 0.3 * np.sin(angle)], 1) * size
        parts.append(_solid(tube(path, 0.5 * size, sides=8), prop, rng, pattern="plain"))
    return parts


def _bottle(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    wide, high, neck = rng.uniform(2.8, 4), rng.uniform(14, 22), rng.uniform(0.9, 1.5)
    rows = [(wide * 0.9, 0), *((wide, high * t) for t in np.linspace(0.02, 0.62, 9))]
    rows += [(wide * 0.75 + neck * 0.25, high * 0.72), (neck, high * 0.85), (neck, high * 0.92)]
    rows += [(neck * 1.15, high * 0.925), (neck * 1.15, high)]
    mesh = turned((np.array(rows) - [0, high * 0.4]) * prop.size, sides=24)
    return [_solid(mesh, prop, rng, gloss=0.8)]


def _can(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    rows = [(2.5, 0), (3.2, 0.6), *((3.2, h) for h in np.linspace(1.5, 10.5, 9)), (2.7, 11.6)]
    mesh = turned((np.array([*rows, (2.6, 11.3)]) - [0, 5.5]) * prop.size, sides=24)
    return [_solid(mesh, prop, rng, gloss=0.7)]


def _apple(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    mesh = blob(rng, np.array([3.6, 3.6, 3.3]) * prop.size, 0.15)
    warm = np.array([0.35, 0.04, 0.02]) if rng.random() < 0.5 else np.array([0.3, 0.32, 0.05])
    return [_solid(mesh, prop, rng, color=warm * rng.uniform(0.5, 1.5), gloss=0.6)]


def _phone(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    body = _box(np.array([3.7, 0.42, 7.5]) * prop.size)
    dark = np.array([0.012, 0.012, 0.014]) if rng.random() < 0.6 else np.array(prop.color)
    pattern = str(rng.choice(["plain", "marks"]))
    return [_solid(body, prop, rng, color=dark, pattern=pattern, gloss=0.8)]


def _rod(prop: Prop, rng: np.random.Generator, name: str) -> list[Solid]:
    length, radius = {"cigarette": (8.5, 0.4), "pen": (14.0, 0.45), "fork": (18.0, 0.3)}[name]
    height = np.linspace(-length * 0.3, length * 0.7, 16)
    shape = np.full(16, radius)
    if name == "pen":
        shape[-2:] = radius * 0.5, radius * 0.15
    if name == "fork":
        shape[-4:] = radius * np.array([1.5, 3.0, 3.5, 2.5])
    mesh = turned(np.stack([shape, height], 1) * prop.size, sides=10)
    solid = _solid(mesh, prop, rng, pattern="plain", gloss=0.0 if name == "cigarette" else 0.7)
    if name != "cigarette":
        return [solid]
    share = (mesh[0][:, 2] / prop.size + length * 0.3) / length
    paper, cork, ash = np.array([0.8, 0.78, 0.74]), np.array([0.5, 0.28, 0.1]), np.array([0.08] * 3)
    albedo = np.where(share[:, None] < 0.3, cork, np.where(share[:, None] > 0.93, ash, paper))
    return [Solid(mesh[0], mesh[1], albedo.astype(np.float32), 0.0, OCCLUDER)]


def _stick(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    length = 60.0 if rng.random() < 0.5 else rng.uniform(8, 30)
    along = np.linspace(-length / 2, length / 2, 24)
    bend = rng.normal(size=(2, 2)) * rng.choice([0.0, 0.004])
    path = np.stack([bend[0, 0] * along**2, bend[0, 1] * along**2, along], 1)
    radius = rng.uniform(0.15, 2.2) * prop.size
    return [_solid(tube(path, radius, sides=10), prop, rng)]


def _wires(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    parts = []
    for _ in range(rng.integers(1, 6)):
        along = np.linspace(-30, 30, 40)
        sag = np.cumsum(np.cumsum(rng.normal(size=(40, 2)), 0), 0) * 0.02
        path = np.stack([sag[:, 0] + rng.normal() * 3, sag[:, 1] + rng.normal(), along], 1)
        parts.append(
            _solid(tube(path, rng.uniform(0.08, 0.4), sides=6), prop, rng, pattern="plain")
        )
    return parts


def _leaves(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    green = np.array([0.08, 0.16, 0.035]) if rng.random() < 0.75 else np.array([0.3, 0.14, 0.04])
    stem = np.stack([np.zeros(30), np.zeros(30), np.linspace(-22, 18, 30)], 1)
    stem[:, :2] += np.cumsum(rng.normal(size=(30, 2)) * 0.4, 0)
    parts = [_solid(tube(stem, np.linspace(0.35, 0.1, 30), sides=6), prop, rng, pattern="plain")]
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
        leaf = _solid(mesh, prop, rng, color=tone, pattern="plain", gloss=0.3)
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
    return [_solid(mesh, prop, rng, pattern=pattern)]


def _blob(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    radii = np.exp(rng.normal(size=3) * 0.4) * rng.uniform(1.5, 5.5) * prop.size
    return [_solid(blob(rng, radii, rng.uniform(0, 1)), prop, rng)]


def _bystander(prop: Prop, rng: np.random.Generator) -> list[Solid]:
    """Return the back of somebody's head and shoulder between face and camera."""
    hair = np.array([0.12, 0.07, 0.04]) * 2.0 ** rng.normal(-0.5, 1.4)
    skin = np.array([0.68, 0.43, 0.33]) ** rng.uniform(1, 3)
    head = _solid(
        blob(rng, [8, 9.5, 11.5], 0.15), prop, rng, color=hair, pattern="plain", gloss=0.2
    )
    neck = _solid(turned([(6.5, -22), (6, -8), (5, 0)]), prop, rng, color=skin, pattern="plain")
    shoulders = blob(rng, [22, 11, 12], 0.1)
    cloth = _solid(shoulders, prop, rng, gloss=0.0).moved(np.eye(3), np.array([0, 0, -30.0]))
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


_WORN: dict[str, Callable[[Prop, np.random.Generator, Shell], list[Solid]]] = {
    "cap": _cap,
    "beanie": _beanie,
    "hat": _hat,
    "hood": _hood,
    "headscarf": _headscarf,
    "headband": _headband,
    "headphones": _headphones,
    "mask": _mask,
    "scarf": _scarf,
    "headset": _headset,
}
_FREE: dict[str, Callable[[Prop, np.random.Generator], list[Solid]]] = {
    "microphone": _microphone,
    "stick": _stick,
    "leaves": _leaves,
    "wires": _wires,
    "card": _card,
    "blob": _blob,
    "cup": _cup,
    "bystander": _bystander,
}
