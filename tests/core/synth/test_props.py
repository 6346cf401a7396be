from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from faceplate.core.synth.props import FREE, WORN, make_prop, sample_prop
from faceplate.core.synth.shapes import HEAD_MIDDLE, Shell, basis, clearance, tube, turned


def _head() -> np.ndarray:
    """Return points of an egg around the middle of heads: 7 wide, 10 high, 9 deep."""
    u, v = np.meshgrid(np.linspace(-np.pi, np.pi, 240), np.linspace(-1.55, 1.55, 160))
    ring = np.stack([np.cos(v) * np.sin(u), np.sin(v), np.cos(v) * np.cos(u)], -1)
    return (ring.reshape(-1, 3) * [7, 10, 9] + HEAD_MIDDLE).astype(np.float32)


def _inside(points: np.ndarray) -> np.ndarray:
    """Return 1 on the egg of `_head`, less inside it."""
    return np.sqrt((((points - HEAD_MIDDLE) / [7, 10, 9]) ** 2).sum(-1))


@pytest.mark.parametrize("kind", ["cap", "beanie", "hat", "hood", "headscarf", "headband", "mask"])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_worn_lies_on_the_head(kind: str, seed: int) -> None:
    prop = sample_prop(np.random.default_rng(seed), worn=True, kind=kind)

    cloth = make_prop(prop, _head())[0].vertices

    reach = _inside(cloth)
    assert reach.min() > 0.97
    assert np.quantile(reach, 0.3) < 1.35


@pytest.mark.parametrize("kind", ["cap", "beanie", "hat"])
def test_a_hat_covers_the_crown_and_not_the_mouth(kind: str) -> None:
    cloth = make_prop(sample_prop(np.random.default_rng(1), worn=True, kind=kind), _head())[0]

    assert cloth.vertices[:, 1].max() > HEAD_MIDDLE[1] + 10
    front = cloth.vertices[cloth.vertices[:, 2] > HEAD_MIDDLE[2] + 5]
    assert front[:, 1].min() > HEAD_MIDDLE[1] + 1


def test_a_hood_leaves_the_face_free() -> None:
    for seed in range(6):
        cloth = make_prop(sample_prop(np.random.default_rng(seed), worn=True, kind="hood"), _head())

        face = np.abs(cloth[0].vertices[:, :2] - HEAD_MIDDLE[:2]).max(1) < 3.5
        assert not (face & (cloth[0].vertices[:, 2] > 0)).any()


@pytest.mark.parametrize("kind", [kind for kind in FREE if kind not in ("bystander", "leaves")])
def test_what_hangs_before_the_face_is_before_it(kind: str) -> None:
    for seed in range(8):
        prop = sample_prop(np.random.default_rng(seed), worn=False, kind=kind)

        points = np.concatenate([solid.vertices for solid in make_prop(prop, _head())])

        assert points[:, 2].max() > 9.5


def test_every_kind_is_drawn_and_every_description_is_plain_json() -> None:
    for worn, kinds in ((True, WORN), (False, FREE)):
        props = [sample_prop(np.random.default_rng(seed), worn=worn) for seed in range(300)]

        assert {prop.kind for prop in props} == set(kinds)
        assert all(json.loads(json.dumps(asdict(prop)))["kind"] == prop.kind for prop in props)


def test_the_same_numbers_make_the_same_thing() -> None:
    prop = sample_prop(np.random.default_rng(5), worn=False, kind="leaves")

    one, two = (make_prop(prop, _head()) for _ in range(2))

    assert [s.vertices.tobytes() for s in one] == [s.vertices.tobytes() for s in two]


def test_a_shell_reaches_as_far_as_the_head() -> None:
    shell = Shell(_head(), lowest=-50)
    longitude, latitude = np.meshgrid(np.arange(-180, 180, 15), np.arange(-75, 76, 15))

    points = shell.at(longitude, latitude)

    assert _inside(points).min() > 0.98
    assert _inside(points).max() < 1.06


@pytest.mark.parametrize(
    ("longitude", "latitude", "way"),
    [(0, 0, (0, 0, 1)), (90, 0, (1, 0, 0)), (0, 89.9, (0, 1, 0)), (180, 0, (0, 0, -1))],
)
def test_directions_on_a_shell_are_those_of_head_space(
    longitude: float, latitude: float, way: tuple[float, float, float]
) -> None:
    point = Shell(_head(), lowest=-50).at(longitude, latitude) - HEAD_MIDDLE

    assert point @ way == pytest.approx(np.linalg.norm(point), rel=1e-4)


def test_points_moved_by_their_clearance_just_touch() -> None:
    ball = _head()
    plate = np.stack(np.meshgrid(np.arange(-3, 4), np.arange(-3, 4), [0.0]), -1).reshape(-1, 3)

    shift = clearance(plate.astype(np.float32), ball, np.array([0.0, 0.0, 1.0]))

    assert shift == pytest.approx(HEAD_MIDDLE[2] + 9, abs=0.25)


def test_a_straight_tube_has_the_volume_of_a_prism() -> None:
    vertices, triangles = tube(np.array([[0, 0, 0], [0, 3, 4.0]]), 0.5, sides=64)

    a, b, c = (vertices[triangles[:, k]].astype(float) for k in range(3))
    assert (a * np.cross(b, c)).sum() / 6 == pytest.approx(np.pi * 0.25 * 5, rel=0.01)


def test_a_turned_profile_has_the_volume_of_its_cylinder() -> None:
    vertices, triangles = turned([(2, 0), (2, 3)], sides=96)

    a, b, c = (vertices[triangles[:, k]].astype(float) for k in range(3))
    assert (a * np.cross(b, c)).sum() / 6 == pytest.approx(np.pi * 4 * 3, rel=0.01)


def test_a_basis_is_a_rotation_that_looks_along_its_direction() -> None:
    for way in ([0, 0, 1], [0, 1, 0], [0, -1, 0], [1, 2, -3]):
        rotation = basis(way, 37.0)

        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
        np.testing.assert_allclose(rotation[:, 2] * np.linalg.norm(way), way, atol=1e-12)
