from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from faceplate.core.synth.glasses import make_glasses, sample_glasses
from faceplate.core.synth.solid import FACE, OCCLUDER

_EYES = np.array([[3.1, 3.0, 8.2], [-3.1, 3.0, 8.2]])


def _head() -> np.ndarray:
    u, v = np.meshgrid(np.linspace(-np.pi, np.pi, 120), np.linspace(-1.5, 1.5, 80))
    ring = np.stack([np.cos(v) * np.sin(u), np.sin(v), np.cos(v) * np.cos(u)], -1)
    return (ring.reshape(-1, 3) * [7.4, 11, 9.5] + [0, 2, 0.5]).astype(np.float32)


def _pair(**changes: object):
    base = sample_glasses(np.random.default_rng(0))
    plain = {"rim": "full", "opacity": 0.05, "glare": (0.0, 0.0), "slip": 0.0, "shape": "round"}
    return replace(base, **{**plain, **changes})


def test_a_clear_lens_is_face_and_its_rim_is_not() -> None:
    solids = make_glasses(_pair(), _head(), _EYES)

    assert [s.label for s in solids if s.opacity < 0.5] == [FACE, FACE]
    assert all(s.label == OCCLUDER for s in solids if s.opacity == 1)


def test_a_dark_lens_hides_the_face() -> None:
    solids = make_glasses(_pair(opacity=0.9), _head(), _EYES)

    assert all(solid.label == OCCLUDER for solid in solids)


def test_glare_is_brighter_than_white_and_lies_before_its_lens() -> None:
    lens, glare = make_glasses(_pair(glare=(2.0, 0.0)), _head(), _EYES)[-3:-1]

    assert glare.label == OCCLUDER
    assert glare.albedo.mean() > 1
    for point in glare.vertices:
        nearest = np.linalg.norm(lens.vertices[:, :2] - point[:2], axis=1).argsort()[:3]
        assert point[2] > lens.vertices[nearest, 2].min() - 0.05


@pytest.mark.parametrize("seed", range(20))
def test_lenses_sit_before_the_eyes_and_arms_reach_the_ears(seed: int) -> None:
    glasses = replace(sample_glasses(np.random.default_rng(seed)), rim="full", slip=0.0)

    solids = make_glasses(glasses, _head(), _EYES)

    points = np.concatenate([solid.vertices for solid in solids])
    for eye in _EYES:
        near = np.abs(points[:, :2] - eye[:2]).max(1) < 4
        before = points[near & (points[:, 2] > eye[2])]
        assert before[:, 2].max() - eye[2] > 1.0
        assert (before[:, 0] < eye[0]).any()
        assert (before[:, 0] > eye[0]).any()
    assert points[:, 2].min() < 1.0
    assert np.abs(points[:, 0]).max() < 10


def test_glasses_are_alike_on_both_sides() -> None:
    solids = make_glasses(_pair(opacity=0.0), _head(), _EYES)

    points = np.concatenate([solid.vertices for solid in solids])
    low, high = points.min(0), points.max(0)
    assert low[0] == pytest.approx(-high[0], abs=0.05)


def test_without_rims_only_bridge_and_arms_are_left() -> None:
    counts = [len(make_glasses(_pair(rim=rim, opacity=0.0), _head())) for rim in ("full", "none")]

    assert counts == [5, 3]


def test_about_one_pair_in_four_hides_the_eyes() -> None:
    pairs = [sample_glasses(np.random.default_rng(seed)) for seed in range(400)]

    assert 0.15 < np.mean([pair.opacity > 0.5 for pair in pairs]) < 0.35
    assert all(json.loads(json.dumps(asdict(pair)))["shape"] == pair.shape for pair in pairs)
