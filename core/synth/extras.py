"""What a rich mix adds: other heads, dappled light, face paint, hair before its like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from faceplate.core.synth.acting import sample_body, sample_expression
from faceplate.core.synth.mix import Mix
from faceplate.core.synth.people import sample_person
from faceplate.core.synth.scene import HeadScene, Light, Neighbour, Skin

_LIGHT_HAIR = ("blond", "platinum", "white", "grey", "fair")


def enriched(scene: HeadScene, rng: np.random.Generator, mix: Mix) -> HeadScene:
    """Return a scene with what chance adds; as it is where the mix asks for nothing."""
    if rng.random() < mix.other:
        scene = replace(
            scene,
            neighbours=(sample_neighbour(rng, mix),),
            tags=tuple(sorted({*scene.tags, "other"})),
        )
    if rng.random() < mix.dapple:
        scene = replace(
            scene,
            light=_dappled(rng, scene.light),
            tags=tuple(sorted({*scene.tags, "dapple"})),
        )
    if rng.random() < mix.paint:
        skin = _painted(rng, scene.person.skin)
        scene = replace(
            scene,
            person=replace(scene.person, skin=skin),
            tags=tuple(sorted({*scene.tags, "paint"})),
        )
    if rng.random() < mix.alike:
        scene = _alike(rng, scene)
    return scene


def sample_neighbour(rng: np.random.Generator, mix: Mix) -> Neighbour:
    """Return another person: half stand nearer to the camera, at the edge; half behind."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    if rng.random() < 0.5:
        place = (side * rng.uniform(11, 19), rng.uniform(-9, 5), rng.uniform(10, 22))
    else:
        place = (side * rng.uniform(9, 34), rng.uniform(-9, 9), rng.uniform(-120, -24))
    gaze = (round(float(rng.normal() * 10), 2), round(float(rng.normal() * 6), 2))
    yaw = float(rng.uniform(-170, 170) if rng.random() < 0.4 else rng.normal() * 45)
    pose = (round(yaw, 2), round(float(rng.normal() * 9), 2), round(float(rng.normal() * 8), 2))
    x, y, z = (round(float(value), 2) for value in place)
    return Neighbour(
        person=sample_person(int(rng.integers(2**40)), mix.tones, mix.bald, 0.0),
        expression=sample_expression(rng, gaze),
        gaze=gaze,
        pose=pose,
        body=sample_body(rng, yaw),
        place=(x, y, z),
    )


def _dappled(rng: np.random.Generator, light: Light) -> Light:
    """Let the key shine through leaves, blinds or a crowd."""
    strength, scale = rng.uniform(0.5, 1.0), np.exp(rng.uniform(np.log(1.2), np.log(9.0)))
    dapple = (
        round(float(strength), 3),
        round(float(scale), 3),
        round(float(rng.uniform(0, 500)), 2),
    )
    brighter = tuple(round(1.5 * c, 4) for c in light.key_color)
    return replace(light, dapple=dapple, key_color=(brighter[0], brighter[1], brighter[2]))


def _painted(rng: np.random.Generator, skin: Skin) -> Skin:
    """Put paint, dirt, mud or blood on a face."""
    colors = ((0.12, 0.008, 0.006), (0.05, 0.035, 0.02), (0.6, 0.58, 0.55), (0.01, 0.01, 0.01))
    color = np.array(colors[rng.integers(4)]) if rng.random() < 0.6 else rng.random(3) ** 2 * 0.7
    red, green, blue = (round(float(c), 4) for c in color)
    return replace(skin, paint=(red, green, blue), painted=round(float(rng.uniform(0.25, 0.95)), 3))


def _alike(rng: np.random.Generator, scene: HeadScene) -> HeadScene:
    """Put hair before a background that is as light or as dark."""
    light = scene.person.hair.kind in _LIGHT_HAIR
    if light:
        kind, level = ("white", "bokeh", "wall")[rng.integers(3)], rng.uniform(1.0, 2.5)
    else:
        kind, level = ("black", "wall", "room")[rng.integers(3)], rng.uniform(0.05, 0.3)
    backdrop = replace(scene.backdrop, kind=kind, light=round(float(level), 4))
    return replace(scene, backdrop=backdrop, tags=tuple(sorted({*scene.tags, "alike"})))
