"""Things on and before a head: which there are, where they are, and their solids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.synth.matter import Prop
from faceplate.core.synth.shapes import Shell, basis, unit
from faceplate.core.synth.solid import Solid
from faceplate.core.synth.things import MAKERS as THINGS
from faceplate.core.synth.worn import MAKERS as CLOTHES

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
        return CLOTHES[prop.kind](prop, rng, Shell(head))
    return [solid.moved(*_place(prop)) for solid in THINGS[prop.kind](prop, rng)]


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
        rod = THINGS[name](prop, rng)
        return [part.moved(basis(axis), grip + axis * 1.5) for part in rod]
    # The axis of what is gripped runs across the fingers, in the hollow of the hand.
    grip = (fingers[:, 1:3].mean((0, 1)) + thumb[2] + fingers[:, 0].mean(0)) / 3
    axis = unit(fingers[0, 1] - fingers[3, 1])
    made = THINGS[name](prop, rng)
    return [part.moved(basis(axis, rng.uniform(-20, 20)), grip) for part in made]


def _place(prop: Prop) -> tuple[DoubleArray, DoubleArray]:
    """Return the rotation and offset of a thing whose own axis, z, is to lie across the view."""
    a, b = np.radians(prop.lean)
    axis = np.array([np.sin(a), np.cos(a) * np.cos(b), np.sin(b)])
    c, s = np.cos(np.radians(prop.turn)), np.sin(np.radians(prop.turn))
    axis = np.array([axis[0] * c - axis[1] * s, axis[0] * s + axis[1] * c, axis[2]])
    return basis(axis, prop.turn * 3), np.array(prop.target) + [0, 0, prop.gap]
