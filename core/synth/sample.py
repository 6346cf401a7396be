"""Draw random scenes: who, how, under which light, behind which hand."""

from __future__ import annotations

import numpy as np

from faceplate.core.synth.acting import sample_body, sample_expression
from faceplate.core.synth.backdrop import sample_backdrop
from faceplate.core.synth.extras import enriched
from faceplate.core.synth.glasses import sample_glasses
from faceplate.core.synth.hand import sample_hand
from faceplate.core.synth.lamps import sample_light
from faceplate.core.synth.matter import Prop
from faceplate.core.synth.mix import Mix as Mix
from faceplate.core.synth.people import sample_person
from faceplate.core.synth.props import sample_prop
from faceplate.core.synth.scene import HeadScene, Person, View

HATS = ("cap", "beanie", "hat", "hood", "headscarf", "headband")
"""What is worn and presses the hair down."""


def sample_head(seed: int, mix: Mix) -> HeadScene:
    """Return the scene of a seed: the same seed and mix give the same scene."""
    rng = np.random.default_rng([seed, 0])
    person = sample_person(int(rng.integers(2**40)), mix.tones, mix.bald, mix.strands)
    scene = sample_moment(np.random.default_rng([seed, 1]), seed, person, mix)
    return enriched(scene, np.random.default_rng([seed, 4]), mix)


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
