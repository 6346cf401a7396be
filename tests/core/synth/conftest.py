"""The stand-in head and plain scenes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.sample import Mix, sample_head
from faceplate.core.synth.scene import HeadScene
from faceplate.core.synth.standin import procedural_head


@pytest.fixture(scope="session")
def model() -> HeadModel:
    return procedural_head()


@pytest.fixture(scope="session")
def plain() -> HeadScene:
    """A calm, bald, beardless head that looks into the camera; nothing before it."""
    mix = Mix(hand=0, glasses=0, hat=0, phones=0, scarf=0, mask=0, prop=0, bald=9.0)
    scene = sample_head(11, mix)
    person = replace(
        scene.person,
        weights=(0.0,) * len(scene.person.weights),
        beard=replace(scene.person.beard, length=0.0),
        hair=replace(scene.person.hair, strands=0, loose=0),
        skin=replace(scene.person.skin, age=0.0),
    )
    view = replace(
        scene.view, yaw=0.0, pitch=0.0, roll=0.0, height=0.5, middle=(0.5, 0.5), distance=120.0
    )
    return replace(
        scene, person=person, view=view, expression=tuple(np.zeros(53).tolist()), gaze=(0.0, 0.0)
    )
