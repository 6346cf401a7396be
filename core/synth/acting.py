"""Draw random expressions and clothes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from faceplate.core.synth.expressions import EXPRESSIONS
from faceplate.core.synth.scene import Body, Triple, triple

_HABITS: Mapping[str, tuple[float, float]] = {
    "jawOpen": (0.45, 0.9), "mouthSmile": (0.35, 1.0), "browInnerUp": (0.2, 0.9),
    "browDown": (0.2, 0.9), "browOuterUp": (0.15, 0.9), "eyeSquint": (0.2, 0.9),
    "eyeWide": (0.1, 0.8), "mouthPucker": (0.12, 0.8), "mouthFunnel": (0.12, 0.8),
    "mouthFrown": (0.12, 0.8), "cheekPuff": (0.05, 0.8), "noseSneer": (0.1, 0.8),
    "mouthStretch": (0.1, 0.6), "mouthUpperUp": (0.2, 0.7), "mouthLowerDown": (0.25, 0.8),
    "mouthLeft": (0.05, 0.6), "mouthRight": (0.05, 0.6), "jawLeft": (0.05, 0.5),
    "jawRight": (0.05, 0.5), "mouthPress": (0.1, 0.7), "mouthRollLower": (0.08, 0.6),
    "mouthRollUpper": (0.06, 0.5), "cheekSquint": (0.15, 0.8), "mouthDimple": (0.1, 0.7),
    "mouthShrugLower": (0.08, 0.6), "mouthShrugUpper": (0.05, 0.5), "jawForward": (0.05, 0.5),
}  # fmt: skip
"""How often an expression is shown and how strong it may be; a name without side is both."""


def sample_expression(rng: np.random.Generator, gaze: tuple[float, float]) -> tuple[float, ...]:
    """Return (53,) weights; lids follow the gaze."""
    weights = dict.fromkeys(EXPRESSIONS, 0.0)

    def show(name: str, value: float, even: float) -> None:
        for full in (name, f"{name}_L", f"{name}_R"):
            if full in weights:
                share = 1.0 if full == name else 1 - (1 - even) * rng.random()
                weights[full] = max(weights[full], round(float(value * share), 4))

    if rng.random() < 0.85:
        for name, (chance, most) in _HABITS.items():
            if rng.random() < chance:
                show(name, rng.uniform(0.1, most), 0.7 if rng.random() < 0.8 else 0.1)
    kind = rng.random()
    if kind < 0.10:
        show("eyeBlink", rng.uniform(0.85, 1.0), 1.0)
    elif kind < 0.22:
        show("eyeBlink", rng.uniform(0.1, 0.8), 1.0)
    elif kind < 0.25:
        weights["eyeBlink_L" if rng.random() < 0.5 else "eyeBlink_R"] = 1.0
    if rng.random() < 0.06:
        weights["jawOpen"] = round(float(rng.uniform(0.8, 1.0)), 4)
    for side in "LR":
        name = "eyeLookUp_" if gaze[1] > 0 else "eyeLookDown_"
        weights[name + side] = round(min(abs(gaze[1]) / 28.0, 0.8), 4)
        closed = weights[f"eyeBlink_{side}"]
        for other in ("eyeWide_", "eyeLookDown_", "eyeSquint_"):
            weights[other + side] = round(weights[other + side] * (1 - closed), 4)
    return tuple(weights[name] for name in EXPRESSIONS)


def sample_body(rng: np.random.Generator, yaw: float) -> Body:
    """Return random shoulders and clothes under a head turned by ``yaw``."""
    kind = rng.random()
    collar, neckline = 0.0, rng.uniform(0.0, 3.0)
    if kind < 0.15:
        neckline = 60.0  # bare
    elif kind < 0.35:
        collar, neckline = rng.uniform(1.0, 3.0), 0.0
    elif kind < 0.6:
        neckline = rng.uniform(3.0, 11.0)
    share = rng.uniform(0.1, 0.7)
    return Body(
        width=round(float(rng.uniform(16.5, 22.5)), 2),
        drop=round(float(rng.uniform(-0.5, 2.0)), 2),
        yaw=round(float(np.clip(yaw * share + rng.normal() * 12, -75, 75)), 2),
        neckline=round(float(neckline), 2),
        collar=round(float(collar), 2),
        cloth=_color(rng),
        second=_color(rng),
        stripes=round(float(rng.uniform(0.1, 0.8)), 3) if rng.random() < 0.25 else 0.0,
    )


def _color(rng: np.random.Generator) -> Triple:
    grey = rng.random() ** 2 * 0.8 + 0.008
    tint = np.exp(rng.normal(size=3) * rng.choice([0.1, 0.9]))
    return triple(np.clip(grey * tint, 0.004, 0.85))
