"""Draw random scenes: who, how, under which light, behind which hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from faceplate.core.arrays import AnyArray
from faceplate.core.synth.backdrop import sample_backdrop
from faceplate.core.synth.expressions import EXPRESSIONS
from faceplate.core.synth.glasses import sample_glasses
from faceplate.core.synth.hand import sample_hand
from faceplate.core.synth.matter import Prop
from faceplate.core.synth.people import sample_person
from faceplate.core.synth.props import sample_prop
from faceplate.core.synth.scene import Body, HeadScene, Light, Person, Triple, View

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


HATS = ("cap", "beanie", "hat", "hood", "headscarf", "headband")
"""What is worn and presses the hair down."""


@dataclass(frozen=True, slots=True)
class Mix:
    """What pictures are drawn: chances and ranges.

    Attributes:
        yaw, pitch, roll: largest angle to either side, degrees; yaw is uniform.
        hand: chance of a hand (or two) on or before the face.
        glasses, hat, phones, scarf, mask: chances of what is worn.
        prop: chance of a thing between face and camera.
        other: chance of another person's head.
        tones: chance of each of the six skin tones, palest first.
        heights: smallest and largest face height, share of the picture.
        environments: chance that an environment map lights the scene.
        strands: chance of loose hair over the face.
        bald: chance of no hair.
    """

    yaw: float = 60.0
    pitch: float = 28.0
    roll: float = 28.0
    hand: float = 0.35
    glasses: float = 0.2
    hat: float = 0.1
    phones: float = 0.04
    scarf: float = 0.04
    mask: float = 0.04
    prop: float = 0.12
    other: float = 0.1
    tones: tuple[float, ...] = (1 / 6,) * 6
    heights: tuple[float, float] = (0.33, 0.66)
    environments: float = 0.35
    strands: float = 0.2
    bald: float = 0.07


def sample_head(seed: int, mix: Mix) -> HeadScene:
    """Return the scene of a seed: the same seed and mix give the same scene."""
    rng = np.random.default_rng([seed, 0])
    person = sample_person(int(rng.integers(2**40)), mix.tones, mix.bald, mix.strands)
    return sample_moment(np.random.default_rng([seed, 1]), seed, person, mix)


def sample_moment(rng: np.random.Generator, seed: int, person: Person, mix: Mix) -> HeadScene:
    """Return a scene of a given person."""
    gaze = (round(float(rng.normal() * 14), 2), round(float(rng.normal() * 8), 2))
    gaze = (float(np.clip(gaze[0], -32, 32)), float(np.clip(gaze[1], -20, 20)))
    view = sample_view(rng, mix)
    hands = (sample_hand(rng, person.skin.tone),) if rng.random() < mix.hand else ()
    glasses = sample_glasses(rng) if rng.random() < mix.glasses else None
    worn = sample_worn(rng, mix)
    props = (sample_prop(rng, worn=False),) if rng.random() < mix.prop else ()
    light = sample_light(rng, mix)
    backdrop = sample_backdrop(rng)
    tags = {f"tone{person.skin.band}", person.hair.kind, person.hair.name, light.kind}
    tags |= {prop.kind for prop in (*worn, *props)}
    for name, present in (
        ("hand", hands),
        ("glasses", glasses),
        ("dark glasses", glasses and glasses.opacity > 0.5),
        ("hat", any(prop.kind in HATS for prop in worn)),
        ("prop", props or any(hand.held for hand in hands)),
        ("beard", person.beard.length > 0.0),
        ("strands", person.hair.loose),
    ):
        if present:
            tags.add(name)
    return HeadScene(
        seed=seed,
        person=person,
        expression=sample_expression(rng, gaze),
        gaze=gaze,
        view=view,
        body=sample_body(rng, view.yaw),
        light=light,
        backdrop=backdrop,
        hands=hands,
        glasses=glasses,
        worn=worn,
        props=props,
        tags=tuple(sorted(tags)),
    )


def sample_worn(rng: np.random.Generator, mix: Mix) -> tuple[Prop, ...]:
    """Return what is worn on the head but for glasses."""
    worn = []
    phones = ("headphones", "headset")
    for chance, kinds in (
        (mix.hat, HATS),
        (mix.phones, phones),
        (mix.scarf, ("scarf",)),
        (mix.mask, ("mask",)),
    ):
        if rng.random() < chance:
            worn.append(sample_prop(rng, worn=True, kind=kinds[rng.integers(len(kinds))]))
    return tuple(worn)


def sample_view(rng: np.random.Generator, mix: Mix) -> View:
    """Return a random place of the camera."""
    height = rng.uniform(*mix.heights)
    free = 0.5 - 0.5 * height
    return View(
        yaw=round(float(rng.uniform(-mix.yaw, mix.yaw)), 2),
        pitch=round(float(np.clip(rng.normal() * 0.4, -1, 1) * mix.pitch), 2),
        roll=round(float(np.clip(rng.normal() * 0.35, -1, 1) * mix.roll), 2),
        distance=round(float(np.exp(rng.uniform(np.log(38), np.log(260)))), 1),
        height=round(float(height), 4),
        middle=(
            round(float(0.5 + rng.uniform(-0.45, 0.45) * free), 4),
            round(float(0.5 + rng.uniform(-0.4, 0.4) * free), 4),
        ),
    )


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
        key=_triple(key),
        key_color=_triple(level * tint),
        fill=_triple(fill),
        fill_color=_triple(level * rng.uniform(0.0, 0.5) * tint_fill),
        rim=_triple(rim),
        rim_color=_triple(rim_level * np.array(_temperature(rng))),
        softness=round(float(softness), 3),
        above=_triple(above),
        below=_triple(below),
        aside=_triple(0.35 * around * rng.normal(size=3) * 0.5 + 0.3 * around * rng.normal()),
        environment=environment,
        turn=round(float(rng.uniform(0, 360)), 1),
        exposure=round(float(np.exp(rng.normal() * 0.5)), 3),
    )


def _temperature(rng: np.random.Generator) -> Triple:
    """Return a lamp's colour: candle to blue sky, mostly near white, of unit green."""
    warm = float(np.clip(rng.normal() * 0.5, -1.2, 1.2))
    return _triple([np.exp(0.32 * warm), 1.0, np.exp(-0.45 * warm)])


def _saturated(rng: np.random.Generator) -> AnyArray:
    color = rng.random(3) ** 2
    return color / max(color.max(), 0.1) * 0.95 + 0.05


def _color(rng: np.random.Generator) -> Triple:
    grey = rng.random() ** 2 * 0.8 + 0.008
    tint = np.exp(rng.normal(size=3) * rng.choice([0.1, 0.9]))
    return _triple(np.clip(grey * tint, 0.004, 0.85))


def _unit(vector: Sequence[float]) -> AnyArray:
    return np.asarray(vector) / np.linalg.norm(vector)


def _triple(values: Sequence[float] | AnyArray) -> Triple:
    x, y, z = (round(float(value), 4) for value in values)
    return x, y, z
