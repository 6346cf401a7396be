from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceplate.core.synth.hair import Strands, grow_hair
from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.sample import Mix, sample_head
from faceplate.core.synth.scene import Hair
from faceplate.core.synth.skin import hairline_height
from faceplate.core.synth.skull import SKULL_CENTER
from faceplate.core.synth.whiskers import grow_beard, grow_brows

DOWN = np.array([0.0, -1.0, 0.0])


def styles() -> dict[str, Hair]:
    found: dict[str, Hair] = {}
    for seed in range(200):
        hair = sample_head(seed, Mix()).person.hair
        found.setdefault(hair.name, hair)
    return found


STYLES = styles()


def grown(model: HeadModel, hair: Hair) -> Strands:
    scalp = hairline_height(model, hair)
    normals = model.normals(model.neutral)
    few = replace(hair, strands=1500)
    return grow_hair(model, model.neutral, normals, scalp, few, DOWN, 1.0)


def test_all_styles_are_drawn() -> None:
    assert {"bald", "buzz", "short", "fringe", "long", "curly", "afro", "tied"} <= set(STYLES)


@pytest.mark.parametrize("name", sorted(set(STYLES) - {"bald"}))
def test_no_hair_grows_into_the_skull(model: HeadModel, name: str) -> None:
    strands = grown(model, STYLES[name])

    tips = strands.points[:, 1:].reshape(-1, 3) - np.float32(SKULL_CENTER)
    above = tips[tips[:, 1] > 3.0]
    # An ellipsoid that lies within the head everywhere above the ears.
    inside = ((above / [6.6, 9.0, 7.4]) ** 2).sum(axis=1) < 1
    assert inside.mean() < 0.01
    assert np.isfinite(strands.points).all()


@pytest.mark.parametrize("name", ["short", "long", "afro"])
def test_strands_start_above_the_hairline(model: HeadModel, name: str) -> None:
    hair = STYLES[name]

    roots = grown(model, hair).points[:, 0]

    front = roots[roots[:, 2] > 7.0]
    assert (front[:, 1] > hair.hairline[0] - 2.6).mean() > 0.97


def test_a_strand_is_about_as_long_as_its_style_says(model: HeadModel) -> None:
    hair = replace(STYLES["buzz"], length=(0.8, 0.8, 0.8), curl=0.0)

    strands = grown(model, hair)

    steps = np.linalg.norm(np.diff(strands.points, axis=1), axis=2).sum(axis=1)
    assert np.median(steps) == pytest.approx(0.8, abs=0.25)


def test_long_hair_hangs_where_gravity_pulls(model: HeadModel) -> None:
    hair = replace(STYLES["long"], loose=0)

    tips = grown(model, hair).points[:, -1]

    assert np.median(tips[:, 1]) < -4.0


def test_the_same_seed_grows_the_same_hair(model: HeadModel) -> None:
    first, again = (grown(model, STYLES["curly"]) for _ in range(2))
    other = grown(model, replace(STYLES["curly"], detail=1))

    np.testing.assert_array_equal(first.points, again.points)
    assert not np.array_equal(first.points, other.points)


def test_a_beard_grows_below_the_nose_and_off_the_lips(model: HeadModel) -> None:
    beard = next(
        person.beard
        for person in (sample_head(seed, Mix()).person for seed in range(99))
        if person.beard.length > 0.0
    )
    normals = model.normals(model.neutral)

    roots = grow_beard(model, model.neutral, normals, beard, 3).points[:, 0]

    assert roots[:, 1].max() < model.neutral[model.mesh_points[4], 1]
    assert roots[:, 2].min() > -1.0


def test_brows_grow_on_both_brows(model: HeadModel) -> None:
    normals = model.normals(model.neutral)

    roots = grow_brows(model, model.neutral, normals, 0.4, np.full(3, 0.1), 300, 5).points[:, 0]

    for side, point in ((1, 282), (-1, 52)):
        middle = model.neutral[model.mesh_points[point]]
        own = roots[np.sign(roots[:, 0]) == side]
        assert len(own) > 75
        assert np.linalg.norm(own - middle, axis=1).max() < 5.0
