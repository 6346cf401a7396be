"""Hands with jointed fingers, on the face, under it and in the air before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.synth.bones import HandPose, Skeleton, skeleton
from faceplate.core.synth.flesh import BARE, make_skin, make_sleeve, make_upper_arm
from faceplate.core.synth.gesture import GESTURES, Gesture
from faceplate.core.synth.props import held_prop
from faceplate.core.synth.shapes import clearance, unit
from faceplate.core.synth.solid import Solid

_UPPER_ARM = 46.0
"""Longest way from an elbow to a shoulder, cm; what is further away is another person's hand."""


def make_hand(pose: HandPose, head: FloatArray | None = None) -> list[Solid]:
    """Return the solids of a pose in head space: skin, sleeve, prop, upper arm.

    Args:
        head: (V, 3) the head's vertices, which the hand is laid against; a plain egg when not
            given.
    """
    surface = _egg() if head is None else head
    solids = _placed(pose, surface)
    if pose.twin:
        x, y, z = pose.target
        u, v, w = pose.outward
        other = replace(
            pose,
            left=not pose.left,
            target=(-x - 0.6, y + 0.5, z),
            outward=(-u, v, w),
            turn=-pose.turn + 4,
            gap=pose.gap + 0.3,
            held="",
        )
        solids += _placed(other, surface)
    return solids


def _placed(pose: HandPose, surface: FloatArray) -> list[Solid]:
    bones = skeleton(pose)
    solids = [make_skin(pose, bones)]
    if pose.sleeve < BARE:
        solids.append(make_sleeve(pose, bones))
    if pose.held:
        solids += [part for part in held_prop(pose.held, pose.detail, bones.fingers, bones.thumb)]
    outward = unit(np.array(pose.outward))
    rotation = _orientation(pose, outward)
    mirror = np.diag([-1.0 if pose.left else 1.0, 1, 1])
    offset = np.array(pose.target) - rotation @ mirror @ _contact_point(pose, bones)
    placed = [_carried(solid, mirror, rotation, offset) for solid in solids]
    points = np.concatenate([solid.vertices for solid in placed])
    shift = outward * (clearance(points, surface, outward) + pose.gap)
    placed = [solid.moved(np.eye(3), shift) for solid in placed]
    wrist, elbow = (
        rotation @ mirror @ joint + offset + shift for joint in (0 * bones.elbow, bones.elbow)
    )
    return [*placed, make_upper_arm(pose, elbow, _shoulder(pose, wrist, elbow))]


def _shoulder(pose: HandPose, wrist: DoubleArray, elbow: DoubleArray) -> DoubleArray:
    """Return where the arm comes from: the own shoulder, or somebody out of the picture."""
    own = np.array([19.0 if pose.left else -19.0, -25.0, -2.0])
    if np.linalg.norm(own - elbow) < _UPPER_ARM:
        return own
    return elbow + unit(elbow - wrist) * 25.0


def _carried(
    solid: Solid, mirror: DoubleArray, rotation: DoubleArray, offset: DoubleArray
) -> Solid:
    if mirror[0, 0] < 0:
        flipped = np.ascontiguousarray(solid.triangles[:, ::-1])
        solid = replace(solid, triangles=flipped)
    return solid.moved(rotation @ mirror, offset)


def _orientation(pose: HandPose, outward: DoubleArray) -> DoubleArray:
    """Return the rotation from the hand's own frame to head space."""
    up = np.array([0.0, 1.0, 0.0]) if abs(outward[1]) < 0.9 else np.array([0.0, 0.0, -1.0])
    up = unit(up - outward * (up @ outward))
    left = np.cross(up, outward)
    angle = np.radians(pose.turn)
    fingers = np.cos(angle) * up + np.sin(angle) * left
    tilt = np.radians(pose.tilt)
    normal = -outward
    fingers, normal = (
        np.cos(tilt) * fingers + np.sin(tilt) * outward,
        np.cos(tilt) * normal + np.sin(tilt) * fingers,
    )
    if pose.facing == "back":
        normal = -normal
    if pose.facing == "edge":
        normal = np.cross(normal, fingers) * (-1 if pose.left else 1)
    return np.stack([np.cross(fingers, normal), fingers, normal], 1)


def _contact_point(pose: HandPose, bones: Skeleton) -> DoubleArray:
    if pose.contact == "index":
        return bones.fingers[0, 3]
    if pose.contact == "tips":
        return bones.fingers[:3, 3].mean(0)
    if pose.contact == "fingers":
        return bones.fingers[:, 1:3].mean((0, 1))
    if pose.contact == "knuckles":
        return bones.fingers[:, :2].mean((0, 1))
    return np.array([0.0, 5.5, 0.0]) * pose.size


def sample_hand(
    rng: np.random.Generator, face_tone: Sequence[float] | None = None, gesture: str | None = None
) -> HandPose:
    """Return a random hand.

    Args:
        rng: where the numbers come from.
        face_tone: (3,) the face's reflectance, which half of the hands share.
        gesture: one of ``GESTURES``; else drawn by their weights.
    """
    names = sorted(GESTURES)
    weights = np.array([GESTURES[name].weight for name in names])
    name = gesture or names[rng.choice(len(names), p=weights / weights.sum())]
    kind = GESTURES[name]
    left = bool(rng.random() < 0.5)
    side = 1.0 if left else -1.0
    target, outward = _aim(rng, kind, side)
    held = kind.held[rng.integers(len(kind.held))] if kind.held else ""
    tone = _tone(rng, face_tone)
    return HandPose(
        gesture=name,
        left=left,
        size=round(float(rng.uniform(0.82, 1.12)), 3),
        fingers=tuple(_jittered(rng, bends, kind.loose) for bends in kind.fingers),
        spread=tuple(round(float(fan + rng.normal() * 5), 1) for fan in kind.spread),
        thumb=(
            round(float(np.clip(kind.thumb[0] + rng.normal() * 0.12, -0.1, 1.1)), 3),
            *_jittered(rng, kind.thumb[1:], kind.loose),
        ),
        wrist=(
            round(float(kind.wrist + rng.normal() * 14), 1),
            round(float(rng.normal() * 9), 1),
        ),
        target=target,
        outward=outward,
        contact=kind.contact,
        facing=kind.facing,
        turn=round(float(side * -(kind.turn + rng.normal() * kind.turn_loose)), 1),
        tilt=round(float(kind.tilt + rng.normal() * 9), 1),
        gap=round(float(_gap(rng, kind)), 2),
        tone=tone,
        nail=_nail_color(rng, tone),
        sleeve=round(float(rng.uniform(-0.5, 14)), 1) if rng.random() < 0.6 else 99.0,
        cloth=_color(rng),
        held=held,
        twin=kind.twin,
        detail=int(rng.integers(2**31)),
    )


def _aim(
    rng: np.random.Generator, kind: Gesture, side: float
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    x, y, z = kind.targets[rng.integers(len(kind.targets))]
    spot = np.array([x * side, y, z]) + rng.normal(size=3) * [1.2, 1.2, 0.2]
    away = unit(spot - [0, spot[1] * 0.6 + 0.5, 1.5])
    away = unit(away + rng.normal(size=3) * 0.12)
    if kind.contact == "under":
        away = unit(np.array([0.15 * side, -0.75, 0.7]) + rng.normal(size=3) * 0.12)
    return _rounded(spot), _rounded(away)


def _gap(rng: np.random.Generator, kind: Gesture) -> float:
    if kind.far > 0:
        return rng.uniform(1, kind.far)
    return rng.uniform(-0.5, 0.1) if rng.random() < 0.8 else rng.uniform(0.1, 4)


def _tone(
    rng: np.random.Generator, face_tone: Sequence[float] | None
) -> tuple[float, float, float]:
    if face_tone is not None and rng.random() < 0.5:
        return _rounded(np.array(face_tone) * rng.uniform(0.75, 1.2) * rng.uniform(0.95, 1.05, 3))
    pale, dark = np.array([0.68, 0.43, 0.33]), np.array([0.055, 0.027, 0.018])
    share = rng.random()
    tone = pale ** (1 - share) * dark**share
    return _rounded(tone * rng.uniform(0.9, 1.1, 3))


def _nail_color(
    rng: np.random.Generator, tone: tuple[float, float, float]
) -> tuple[float, float, float]:
    if rng.random() < 0.25:
        return _color(rng)
    return _rounded(np.array(tone) * 0.5 + np.array([0.33, 0.2, 0.18]))


def _color(rng: np.random.Generator) -> tuple[float, float, float]:
    grey = rng.random() ** 2 * 0.8 + 0.01
    tint = np.exp(rng.normal(size=3) * rng.choice([0.1, 0.8]))
    return _rounded(np.clip(grey * tint, 0.004, 0.85))


def _jittered(
    rng: np.random.Generator, bends: tuple[float, float, float], spread: float
) -> tuple[float, float, float]:
    a, b, c = (round(float(bend + rng.normal() * spread), 1) for bend in bends)
    return a, b, c


def _rounded(values: AnyArray) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 4) for value in values)
    return x, y, z


def _egg() -> FloatArray:
    """Return points of a plain head: an egg with a nose."""
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 90), np.linspace(-1.5, 1.5, 60))
    ring = np.stack([np.cos(v) * np.sin(u), np.sin(v), np.cos(v) * np.cos(u)], -1).reshape(-1, 3)
    egg = ring * [7.6, 11.5, 9.0] + [0, 2, 1.5]
    nose = np.array([[0, 0.2, 12.9], [0.6, -0.2, 12.3], [-0.6, -0.2, 12.3], [0, 1.6, 12.0]])
    return np.concatenate([egg, nose]).astype(np.float32)
