from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceplate.core.synth.extras import sample_neighbour
from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.mix import RICH, Mix
from faceplate.core.synth.picture import CLASSES
from faceplate.core.synth.render import render_head
from faceplate.core.synth.sample import sample_head
from faceplate.core.synth.scene import HeadScene

SIZE = 96
FACE, HAIR, OCCLUDER = (CLASSES.index(name) for name in ("face", "hair", "occluder"))
CALM = replace(RICH, hand=0, glasses=0, hat=0, phones=0, scarf=0, mask=0, prop=0)


def test_a_default_mix_asks_for_no_extras() -> None:
    scenes = [sample_head(seed, Mix()) for seed in range(60)]

    assert not any(scene.neighbours for scene in scenes)
    assert all(scene.light.dapple[0] == scene.person.skin.painted == 0.0 for scene in scenes)
    assert "neighbours" not in scenes[0].json() and "dapple" not in scenes[0].json()


def test_extras_leave_the_rest_of_a_scene_as_it_is() -> None:
    mix = replace(CALM, other=1.0, dapple=1.0, paint=1.0, alike=0.0)

    plain, rich = (
        sample_head(5, replace(CALM, other=0, dapple=0, paint=0, alike=0)),
        sample_head(5, mix),
    )

    assert rich.view == plain.view and rich.expression == plain.expression
    assert rich.person.hair == plain.person.hair
    assert {"other", "dapple", "paint"} <= set(rich.tags)
    assert '"neighbours":[{' in rich.json()


@pytest.mark.parametrize(("depth", "hidden"), [(15.0, True), (-60.0, False)])
def test_who_stands_before_the_head_is_an_occluder_and_who_stands_behind_is_background(
    model: HeadModel, plain: HeadScene, depth: float, hidden: bool
) -> None:
    other = sample_neighbour(np.random.default_rng(1), Mix())
    scene = replace(plain, neighbours=(replace(other, place=(12.0, -2.0, depth)),))

    alone = render_head(model, plain, SIZE)
    picture = render_head(model, scene, SIZE)

    assert (picture.coverage[..., OCCLUDER].sum() > 100) == hidden
    assert picture.coverage[..., HAIR].sum() == 0.0  # the plain head is bald
    face, before = picture.coverage[..., FACE], alone.coverage[..., FACE]
    assert (face <= before + 1e-6).all()
    assert (face.sum() < before.sum() - 20) == hidden
    assert not np.array_equal(picture.rgb, alone.rgb)
    np.testing.assert_array_equal(picture.mesh478, alone.mesh478)


def test_paint_changes_colour_and_no_class(model: HeadModel, plain: HeadScene) -> None:
    skin = replace(plain.person.skin, paint=(0.0, 0.6, 0.0), painted=0.9)
    painted = replace(plain, person=replace(plain.person, skin=skin))

    before, after = render_head(model, plain, SIZE), render_head(model, painted, SIZE)

    np.testing.assert_array_equal(before.coverage, after.coverage)
    face = before.coverage[..., FACE] == 1.0
    greener = after.rgb[face, 1] - after.rgb[face, 0] > before.rgb[face, 1] - before.rgb[face, 0]
    assert greener.mean() > 0.2


def test_dappled_light_only_takes_light_away(model: HeadModel, plain: HeadScene) -> None:
    key = replace(
        plain.light, key=(0.0, 0.3, 0.95), key_color=(2.0, 2.0, 2.0), environment=-1, softness=0.2
    )
    scene = replace(plain, light=key)
    dappled = replace(plain, light=replace(key, dapple=(0.9, 4.0, 20.0)))

    before, after = render_head(model, scene, SIZE), render_head(model, dappled, SIZE)

    assert (after.rgb <= before.rgb + 1e-4).all()
    face = before.coverage[..., FACE] == 1.0
    ratio = after.rgb[face].mean(axis=1) / before.rgb[face].mean(axis=1)
    assert ratio.min() < 0.5 and ratio.max() > 0.95
