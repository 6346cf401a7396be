"""Draw random light."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceplate.core.arrays import AnyArray
from faceplate.core.synth.mix import Mix
from faceplate.core.synth.scene import Light, Triple, triple


def sample_light(rng: np.random.Generator, mix: Mix) -> Light:
    """Return random light; levels are such that pale skin sends back 0.02 to 2."""
    kinds = ("studio", "sun", "overcast", "back", "gel", "dim")
    kind = str(rng.choice(kinds, p=[0.34, 0.2, 0.18, 0.1, 0.1, 0.08]))
    warm = _temperature(rng)
    cool = _temperature(rng)
    key = _unit([rng.normal() * 0.8, rng.uniform(-0.25, 1.1), rng.uniform(0.2, 1.2)])
    level, around = rng.uniform(0.5, 1.4), rng.uniform(0.12, 0.5)
    softness = rng.uniform(0.05, 0.8)
    if kind == "sun":
        key = _unit([rng.normal() * 0.8, rng.uniform(0.4, 1.6), rng.uniform(-0.2, 1.0)])
        level, softness, around = (
            rng.uniform(1.0, 3.0),
            rng.uniform(0.0, 0.15),
            rng.uniform(0.2, 0.6),
        )
    elif kind == "overcast":
        level, softness, around = rng.uniform(0.0, 0.35), 1.0, rng.uniform(0.45, 1.1)
    elif kind == "back":
        key = _unit([rng.normal(), rng.uniform(0.1, 1.0), rng.uniform(-1.0, -0.3)])
        level, around = rng.uniform(1.0, 4.0), rng.uniform(0.1, 0.5)
    elif kind == "dim":
        level, around = rng.uniform(0.05, 0.3), rng.uniform(0.02, 0.12)
    tint, tint_fill = np.array(warm), np.array(cool)
    if kind == "gel":
        tint = _saturated(rng) if rng.random() < 0.7 else tint
        tint_fill = _saturated(rng)
    fill = _unit([-key[0] + rng.normal() * 0.3, rng.uniform(-0.2, 0.6), rng.uniform(0.3, 1.0)])
    side = 1.0 if rng.random() < 0.5 else -1.0
    rim = _unit([side, rng.uniform(-0.1, 0.8), rng.uniform(-0.9, -0.2)])
    rim_level = rng.uniform(0.2, 1.5) * level if rng.random() < 0.45 else 0.0
    above = around * np.array(cool) * rng.uniform(0.8, 1.6)
    below = around * np.array(warm) * rng.uniform(0.1, 0.8)
    environment = int(rng.integers(2**16)) if rng.random() < mix.environments else -1
    return Light(
        kind=kind,
        key=triple(key),
        key_color=triple(level * tint),
        fill=triple(fill),
        fill_color=triple(level * rng.uniform(0.0, 0.5) * tint_fill),
        rim=triple(rim),
        rim_color=triple(rim_level * np.array(_temperature(rng))),
        softness=round(float(softness), 3),
        above=triple(above),
        below=triple(below),
        aside=triple(0.35 * around * rng.normal(size=3) * 0.5 + 0.3 * around * rng.normal()),
        environment=environment,
        turn=round(float(rng.uniform(0, 360)), 1),
        exposure=round(float(np.exp(rng.normal() * 0.5)), 3),
    )


def _temperature(rng: np.random.Generator) -> Triple:
    """Return a lamp's colour: candle to blue sky, mostly near white, of unit green."""
    warm = float(np.clip(rng.normal() * 0.5, -1.2, 1.2))
    return triple([np.exp(0.32 * warm), 1.0, np.exp(-0.45 * warm)])


def _saturated(rng: np.random.Generator) -> AnyArray:
    color = rng.random(3) ** 2
    return color / max(color.max(), 0.1) * 0.95 + 0.05


def _unit(vector: Sequence[float]) -> AnyArray:
    return np.asarray(vector) / np.linalg.norm(vector)
