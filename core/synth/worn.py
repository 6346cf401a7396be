"""What is worn on a head: hats, hoods, scarves, masks, headphones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from faceplate.core.arrays import AnyArray, DoubleArray
from faceplate.core.synth.matter import Prop, finished
from faceplate.core.synth.shapes import Mesh, Shell, basis, blob, slab, tube, turned, unit
from faceplate.core.synth.solid import Solid


def _bonnet(
    shell: Shell, edge: AnyArray, inside: float, outside: ArrayLike, top: float = 89.0
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
    return [finished(_bonnet(shell, edge, 0.1, thick), prop, rng, gloss=0.0)]


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
    parts = [finished(mesh, prop, rng, gloss=0.02)]
    color = prop.color if rng.random() < 0.6 else prop.second
    return [*parts, finished(brim, prop, rng, color=np.array(color), pattern="plain", gloss=0.05)]


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
        finished(crown, prop, rng, gloss=0.03),
        finished(brim, prop, rng, pattern="plain", gloss=0.03),
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
    return [finished(_around(shell, opening, ridge, rng.uniform(0.4, 2)), prop, rng, gloss=0.0)]


def _headscarf(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    opening = _opening(rng.uniform(32, 46), rng.uniform(46, 66), -rng.uniform(48, 60))
    fold = 0.45 + 0.2 * np.sin(np.arange(72) * rng.uniform(0.2, 0.7))[None, :] * np.ones((16, 1))
    return [finished(_around(shell, opening, fold, 0.2), prop, rng, gloss=rng.uniform(0, 0.25))]


def _band(
    shell: Shell, longitude: AnyArray, low: AnyArray, high: AnyArray, off: ArrayLike, thick: float
) -> Mesh:
    """Return a strip over the head; it is wrapped when the longitudes go all around."""
    rise = np.linspace(0, 1, 9)[:, None]
    latitude = low * (1 - rise) + high * rise
    wrap = bool(np.ptp(longitude) > 340)
    outer = shell.at(longitude, latitude, np.asarray(off) + thick)
    return slab(outer, shell.at(longitude, latitude, off), wrap=wrap)


def _headband(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    middle = _edge(rng.uniform(32, 62), rng.uniform(28, 50), rng.uniform(-5, 20))
    width = rng.uniform(4, 16)
    strip = _band(shell, np.arange(72) * 5.0, middle, middle + width, 0.15, rng.uniform(0.25, 0.7))
    return [finished(strip, prop, rng, gloss=0.0)]


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
    parts = [finished(mesh, prop, rng, color=color, pattern="plain" if white else None, gloss=0.0)]
    for side in (-1, 1):
        for start, end in ((high[-1], 8.0), (low[-1], -14.0)):
            turn = np.linspace(reach - 2, 88, 9) * side
            path = shell.at(turn, np.linspace(start, end, 9), 0.2)
            string = tube(path, 0.13, sides=6)
            parts.append(finished(string, prop, rng, color=color, pattern="plain", gloss=0.0))
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
        parts.append(finished(tube(path, 2.2, sides=10, loop=True), prop, rng, gloss=0.0))
    return parts


def _headphones(prop: Prop, rng: np.random.Generator, shell: Shell) -> list[Solid]:
    arc = np.linspace(-84, 84, 31)
    tilt = rng.uniform(-25, 12)
    lat = 90 - np.abs(arc)
    crown = shell.at(np.where(arc < 0, -90 + tilt * 0, 90), lat, 0.7)
    crown[:, 2] += np.sin(np.radians(lat)) * -tilt * 0.12
    band = tube(crown, rng.uniform(0.35, 0.9), sides=8)
    parts = [finished(band, prop, rng, pattern="plain")]
    size, deep = rng.uniform(2.6, 4.6), rng.uniform(1.4, 3)
    profile = [(size * 0.6, 0), (size, 0.3), (size, deep - 0.5), (size * 0.8, deep), (0.4, deep)]
    for side in (-1.0, 1.0):
        ear = shell.at(side * 92.0, -4.0, 0.0) - [side * 0.4, 0, 0]
        cup = turned(profile, squash=rng.uniform(1.0, 1.25))
        solid = finished(cup, prop, rng, color=np.array(prop.second), pattern="plain")
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
    parts = [finished(arm, prop, rng, color=dark, pattern="plain")]
    head = finished(foam, prop, rng, color=dark * rng.uniform(0.6, 2), pattern="plain", gloss=0.0)
    return [*parts, head.moved(basis(path[-1] - path[-2]), path[-1])]


MAKERS: dict[str, Callable[[Prop, np.random.Generator, Shell], list[Solid]]] = {
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
"""What makes each thing on the shell of a head."""
