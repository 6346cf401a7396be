from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceplate.core.arrays import AnyArray
from faceplate.core.synth.lighting import brightest, directions, lamps_of, project
from faceplate.core.synth.mix import Mix
from faceplate.core.synth.sample import sample_head
from faceplate.core.synth.scene import Light
from faceplate.core.synth.shade import harmonics_at


@pytest.fixture
def light() -> Light:
    return replace(sample_head(1, Mix()).light, environment=-1, dapple=(0.0, 1.0, 0.0))


def around(sh: AnyArray, way: tuple[float, float, float]) -> AnyArray:
    out = np.zeros(3)
    harmonics_at(sh, *way, out)
    return out


def test_an_even_map_lights_every_side_by_its_own_level() -> None:
    sh = project(np.full((64, 128, 3), [0.2, 0.5, 1.0]))

    for way in ((1, 0, 0), (0, 1, 0), (0, 0, -1), (0.6, 0.0, 0.8)):
        np.testing.assert_allclose(around(sh, way), [0.2, 0.5, 1.0], rtol=0.02)


@pytest.mark.parametrize("way", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, -0.6, 0.8)])
def test_harmonics_are_near_the_integral_over_the_half_sphere(
    way: tuple[float, float, float],
) -> None:
    where = directions(128)
    sky = 0.2 + np.clip(where @ np.array([0.3, 0.8, 0.5]), 0, None)[..., None] * [1.0, 0.7, 0.4]

    area = np.sin((np.arange(128) + 0.5) / 128 * np.pi)[:, None] * (np.pi / 128) ** 2
    facing = np.maximum(where @ np.array(way), 0.0)
    exact = (sky * (area * facing)[..., None]).sum(axis=(0, 1)) / np.pi

    np.testing.assert_allclose(around(project(sky), way), exact, rtol=0.08, atol=0.02)


def test_directions_put_the_front_in_the_middle_and_the_left_on_the_right() -> None:
    where = directions(64)

    assert where[32, 64] @ [0, 0, 1] > 0.99
    assert where[32, 96] @ [1, 0, 0] > 0.99
    assert where[0, 0] @ [0, 1, 0] > 0.99
    np.testing.assert_allclose(np.linalg.norm(where, axis=-1), 1.0)


def test_the_brightest_part_of_a_map_is_its_sun() -> None:
    sun = np.array([0.5, 0.6, 0.62])
    sky = 0.1 + 80.0 * (directions(128) @ sun > 0.985)[..., None] * np.ones(3)

    key, color = brightest(sky)

    assert key @ sun / np.linalg.norm(sun) > 0.98
    assert color.min() > 0.3


def test_points_seen_from_the_key_are_nearer_the_closer_they_are(light: Light) -> None:
    lamps = lamps_of(light, None)
    toward = np.array(light.key)

    seen = lamps.seen(np.stack([0 * toward, 5 * toward, -5 * toward]).astype(np.float32))

    assert seen[1, 2] > seen[0, 2] > seen[2, 2] > 0
    np.testing.assert_allclose(seen[:, :2], seen[:1, :2].repeat(3, 0), atol=0.01)


def test_a_map_replaces_most_of_the_lamps_light(light: Light) -> None:
    blue = np.full((32, 64, 3), [0.01, 0.02, 1.0])

    plain, lit = lamps_of(light, None), lamps_of(replace(light, environment=3), blue)

    assert lit.sh[0, 2] / lit.sh[0, 0] > 2 * plain.sh[0, 2] / plain.sh[0, 0]
