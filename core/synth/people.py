"""Draw random persons: shape, skin, eyes, hair, beard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from faceplate.core.synth.scene import Beard, Eyes, Hair, Person, Skin, Triple, triple

TONES = np.array(
    [
        [0.92, 0.74, 0.65], [0.87, 0.67, 0.56], [0.78, 0.57, 0.45], [0.67, 0.46, 0.34],
        [0.51, 0.33, 0.23], [0.36, 0.23, 0.17], [0.25, 0.16, 0.125],
    ]
) ** 2.2  # fmt: skip
"""Edges of the six tone bands, linear reflectance, palest first."""

_COLORS: dict[str, tuple[Triple, Triple]] = {
    "black": ((0.010, 0.009, 0.008), (0.016, 0.013, 0.011)),
    "dark": ((0.030, 0.020, 0.013), (0.045, 0.028, 0.018)),
    "brown": ((0.075, 0.043, 0.024), (0.11, 0.063, 0.033)),
    "fair": ((0.17, 0.105, 0.055), (0.26, 0.165, 0.085)),
    "blond": ((0.36, 0.25, 0.135), (0.52, 0.39, 0.23)),
    "platinum": ((0.60, 0.53, 0.42), (0.70, 0.65, 0.55)),
    "red": ((0.20, 0.055, 0.017), (0.28, 0.09, 0.03)),
    "grey": ((0.22, 0.215, 0.21), (0.34, 0.335, 0.33)),
    "white": ((0.62, 0.61, 0.59), (0.72, 0.71, 0.69)),
}
_PALE = (0.16, 0.15, 0.16, 0.12, 0.15, 0.07, 0.06, 0.05, 0.05)
_DARK = (0.52, 0.20, 0.06, 0.02, 0.04, 0.03, 0.02, 0.06, 0.05)
_IRISES = (
    (0.035, 0.016, 0.008), (0.09, 0.042, 0.017), (0.12, 0.085, 0.035), (0.08, 0.10, 0.06),
    (0.09, 0.15, 0.22), (0.16, 0.19, 0.21),
)  # fmt: skip


def sample_person(identity: int, tones: Sequence[float], bald: float, strands: float) -> Person:
    """Return the person of a number: the same number and chances give the same person.

    Args:
        tones: chance of each skin tone.
        bald: chance of no hair.
        strands: chance of loose hair over the face.
    """
    rng = np.random.default_rng([identity % 2**32, identity >> 32, 7])
    strength = rng.uniform(0.7, 1.15)
    weights = np.clip(rng.standard_normal(100), -2.3, 2.3) * strength
    masculine = rng.random() < 0.5
    age = rng.random() ** 1.6
    band = int(rng.choice(len(tones), p=np.array(tones) / np.sum(tones)))
    skin = _skin(rng, band, age, masculine)
    kind, color, tip = _hair_color(rng, band, age)
    hair = _hair(rng, kind, color, tip, band, age, masculine, bald, strands)
    beard, stubble = _beard(rng, color, masculine)
    return Person(
        identity=identity,
        weights=tuple(round(float(w), 4) for w in weights),
        skin=replace(skin, stubble=stubble),
        eyes=_eyes(rng, band, masculine),
        hair=hair,
        beard=beard,
    )


def _skin(rng: np.random.Generator, band: int, age: float, masculine: bool) -> Skin:
    """Return skin without stubble; the order of the draws is part of what a number means."""
    share = rng.random()
    tone = TONES[band] * (1 - share) + TONES[band + 1] * share
    # Undertones: rosy, olive, golden.
    tone = tone * np.exp(rng.normal(size=3) * [0.04, 0.05, 0.09])
    pale = 1 - (band + share) / 6
    lips = tone * np.array([0.9, 0.52 + 0.12 * (1 - pale), 0.55 + 0.12 * (1 - pale)])
    lips = lips * rng.uniform(0.85, 1.1)
    made_up = not masculine and rng.random() < 0.55
    lipstick = 0.0
    if made_up and rng.random() < 0.8:
        lipstick = rng.uniform(0.2, 1.0)
        paint = np.array([rng.uniform(0.15, 0.6), rng.uniform(0.01, 0.12), rng.uniform(0.02, 0.16)])
        lips = lips * (1 - lipstick) + paint * lipstick
    return Skin(
        band=band,
        tone=triple(tone),
        lips=triple(lips),
        blush=_r(rng.uniform(0.1, 0.9) * (0.4 + 0.6 * pale)),
        mottle=_r(rng.uniform(0.2, 1.0)),
        freckles=_r(rng.uniform(0.3, 1.0) if rng.random() < 0.12 + 0.25 * pale else 0.0),
        shadows=_r(rng.uniform(0.0, 0.7)),
        age=_r(max(age * 1.4 - 0.3, 0.0)),
        gloss=_r(np.exp(rng.normal() * 0.5) * 0.8),
        pores=_r(rng.uniform(0.03, 0.14)),
        brow_width=_r(rng.uniform(0.3, 0.62) if masculine else rng.uniform(0.22, 0.45)),
        brow_strength=_r(rng.uniform(0.35, 1.0)),
        lipstick=_r(lipstick),
        eyeshadow=_r(rng.uniform(0.2, 0.9) if made_up and rng.random() < 0.6 else 0.0),
        shade=triple(tone * 0.3 + rng.random(3) ** 2 * 0.25),
        rouge=_r(rng.uniform(0.1, 0.6) if made_up and rng.random() < 0.5 else 0.0),
        detail=int(rng.integers(2**31)),
        stubble=0.0,
    )


def _hair_color(rng: np.random.Generator, band: int, age: float) -> tuple[str, Triple, Triple]:
    chances = np.array(_PALE) * (1 - band / 5) + np.array(_DARK) * (band / 5)
    chances[-2:] *= 0.5 + 3.0 * max(age - 0.3, 0.0)
    kind = str(rng.choice(list(_COLORS), p=chances / chances.sum()))
    root, tip = (np.array(c) for c in _COLORS[kind])
    vary = np.exp(rng.normal() * 0.15) * np.exp(rng.normal(size=3) * 0.04)
    root, tip = root * vary, tip * vary
    if rng.random() < 0.05:
        kind = "dyed"
        root = tip = rng.random(3) ** 2 * 0.6 + 0.01
    elif rng.random() < 0.08:  # bleached lengths over dark roots
        tip = np.array(_COLORS["blond"][1])
    return kind, triple(np.clip(root, 0.004, 0.8)), triple(np.clip(tip, 0.004, 0.8))


def _hair(
    rng: np.random.Generator,
    kind: str,
    color: Triple,
    tip: Triple,
    band: int,
    age: float,
    masculine: bool,
    bald: float,
    strands: float,
) -> Hair:
    names = ("buzz", "short", "quiff", "fringe", "medium", "bob", "long", "curly", "afro", "tied")
    men = np.array([0.15, 0.3, 0.15, 0.08, 0.1, 0.01, 0.04, 0.09, 0.05, 0.03])
    women = np.array([0.02, 0.07, 0.03, 0.08, 0.13, 0.14, 0.25, 0.11, 0.05, 0.12])
    chances = (men if masculine else women) * np.where(
        np.isin(names, ("afro", "curly")), 0.5 + band * 0.5, 1.0
    )
    name = str(rng.choice(names, p=chances / chances.sum()))
    if rng.random() < bald * (1.6 if masculine else 0.4):
        name = "bald"
    u = rng.uniform
    receding = max(age - 0.35, 0.0) * (1.0 if masculine else 0.25) * rng.random()
    front = u(9.2, 10.9) + 2.0 * receding
    line = [front, front - u(0.4, 1.6) + 3.2 * receding, u(2.2, 4.8), u(-5.5, -2.5)]
    straight = rng.random() < 0.55
    curl = 0.0 if straight else u(0.08, 0.35)
    turns = u(0.1, 0.3)
    flow = (rng.normal() * 0.6, 0.0, -0.8)
    parting, gravity, lift, volume = 99.0, 0.1, u(0.25, 0.6), u(0.4, 1.4)
    length, curtain, count, clumps = (3.0, 3.0, 2.0), 7.2, 9000, u(0.1, 0.7)
    tied, width = False, 0.045
    if name == "buzz":
        a = u(0.2, 0.9)
        length, count, volume, lift, curl = (a, a, a * u(0.4, 1.0)), 11000, 0.3, 0.7, 0.0
        clumps = 0.0
    elif name == "short":
        length = (u(1.5, 5), u(1.5, 4.5), u(0.4, 2.5))
        flow = (rng.normal() * 0.7, 0.0, u(-1.0, 0.8))
        lift = u(0.3, 0.75)
    elif name == "quiff":
        length = (u(4, 8), u(3, 6), u(0.4, 2.0))
        flow, lift, volume = (rng.normal() * 0.4, 0.0, u(-1.0, -0.3)), u(0.5, 0.8), u(1.0, 2.2)
    elif name == "fringe":
        length = (u(4, 8.5), u(6, 14), u(3, 16))
        flow, gravity, lift = (rng.normal() * 0.5, -0.1, 1.0), u(0.3, 0.7), u(0.15, 0.4)
        curtain = u(5.2, 7.4)
    elif name in ("medium", "bob"):
        a = u(7, 15)
        length = (a, a, a * u(0.7, 1.0))
        parting, gravity = rng.normal() * 2.2, u(0.25, 0.6)
        flow = (0.0, 0.0, u(-0.6, 0.5))
        lift, curtain = u(0.2, 0.45), u(4.8, 7.4)
    elif name == "long":
        a = u(18, 42)
        length = (a, a, a * u(0.8, 1.0))
        parting, gravity, count = rng.normal() * 2.2, u(0.3, 0.7), 11000
        flow = (0.0, 0.0, u(-0.8, 0.5))
        lift, curtain, width = u(0.15, 0.4), u(4.4, 7.6), 0.055
    elif name == "curly":
        a = u(5, 22)
        length = (a * u(0.5, 1.0), a, a * u(0.5, 1.0))
        curl, turns, gravity = u(0.3, 0.7), u(0.25, 0.6), u(0.15, 0.4)
        parting = rng.normal() * 3 if rng.random() < 0.6 else 99.0
        volume, lift, curtain, clumps = u(1.2, 3.0), u(0.4, 0.7), u(5.5, 7.6), u(0.4, 0.8)
        count = 10000
    elif name == "afro":
        a = u(2.5, 10)
        length, volume, lift = (a * 0.9, a, a * u(0.6, 0.9)), a * 0.8, u(0.75, 0.95)
        curl, turns, gravity, count = u(0.12, 0.3), u(0.6, 1.2), 0.0, 13000
        clumps, parting = u(0.2, 0.5), 99.0
    elif name == "tied":
        a = u(22, 40)
        length, tied, volume, lift = (a, a, a), True, u(0.2, 0.6), u(0.05, 0.2)
        parting = 99.0
    loose = 0
    if max(length) > 5.0 and name != "afro" and rng.random() < strands * 1.6:
        loose = int(rng.integers(20, 260))
    x, y, z = flow
    return Hair(
        name=name,
        kind=kind if name != "bald" else "bald",
        color=color,
        tip=tip if max(length) > 5 else color,
        hairline=(_r(line[0]), _r(line[1]), _r(line[2]), _r(line[3])),
        length=triple(length),
        volume=_r(volume),
        lift=_r(lift),
        flow=(_r(x), _r(y), _r(z)),
        parting=_r(parting),
        gravity=_r(gravity),
        curl=_r(curl),
        turns=_r(turns),
        frizz=_r(rng.random() ** 2 * 0.6),
        clumps=_r(clumps),
        curtain=_r(curtain),
        tied=tied,
        gloss=_r(u(0.3, 1.5)),
        strands=0 if name == "bald" else count,
        width=width,
        loose=loose,
        thinning=_r(receding if masculine and rng.random() < 0.5 else 0.0),
        detail=int(rng.integers(2**31)),
    )


def _beard(rng: np.random.Generator, hair: Triple, masculine: bool) -> tuple[Beard, float]:
    draw = rng.random()
    if not masculine or draw < 0.35:
        return Beard(0.0, 0.0, 0.0, 0.0, hair, 0, 0.0), 0.0
    if draw < 0.62:
        return Beard(0.0, 0.0, 0.0, 0.0, hair, 0, 0.0), _r(rng.uniform(0.08, 0.6))
    length = rng.uniform(0.3, 1.6) if draw < 0.88 else rng.uniform(2.0, 9.0)
    cheeks, moustache = (1.0, 1.0) if rng.random() < 0.65 else (rng.integers(0, 2) * 1.0, 1.0)
    color = np.array(hair) * np.exp(rng.normal() * 0.25) * [1.08, 1.0, 0.92]
    return (
        Beard(
            _r(length), _r(rng.uniform(0.0, 1.2)), _r(cheeks), _r(moustache),
            triple(np.clip(color, 0.004, 0.8)), 5000 if cheeks else 1200,
            _r(rng.uniform(0.0, 0.6)),
        ),
        _r(rng.uniform(0.1, 0.6)),
    )  # fmt: skip


def _eyes(rng: np.random.Generator, band: int, masculine: bool) -> Eyes:
    light = 0.75 * (1 - band / 5) ** 1.5
    chances = np.array([0.4, 0.35, 0.1, 0.15 * light, 0.7 * light, 0.3 * light])
    iris = np.array(_IRISES[rng.choice(6, p=chances / chances.sum())])
    iris = iris * np.exp(rng.normal(size=3) * 0.15)
    return Eyes(
        iris=triple(iris),
        rim=triple(iris * rng.uniform(0.15, 0.6)),
        size=_r(rng.uniform(0.42, 0.49)),
        pupil=_r(rng.uniform(0.10, 0.26)),
        red=_r(rng.random() ** 2 * 0.6),
        lashes=_r(rng.uniform(0.3, 0.8) if masculine else rng.uniform(0.5, 1.1)),
        dark=_r(rng.uniform(0.3, 1.0)),
    )


def _r(value: float) -> float:
    return round(float(value), 4)
