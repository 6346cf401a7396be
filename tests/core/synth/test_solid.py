from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faceplate.core.errors import ShapeError
from faceplate.core.synth.bones import HandPose
from faceplate.core.synth.gesture import GESTURES
from faceplate.core.synth.glasses import make_glasses, sample_glasses
from faceplate.core.synth.hand import make_hand, sample_hand
from faceplate.core.synth.picture import CLASSES
from faceplate.core.synth.props import FREE, WORN, make_prop, sample_prop
from faceplate.core.synth.solid import FACE, HAIR, NECK, OCCLUDER, Solid, joined

_HELD = ("cup", "phone", "microphone", "bottle", "can", "apple", "cigarette", "pen", "fork")


def _skull() -> np.ndarray:
    """Return points of an egg with a nose, where a head's skin would be."""
    u, v = np.meshgrid(np.linspace(-np.pi, np.pi, 120), np.linspace(-1.5, 1.5, 80))
    egg = np.stack([7.6 * np.cos(v) * np.sin(u), 11 * np.sin(v) + 2, 9 * np.cos(v) * np.cos(u)], -1)
    nose = np.array([[0, 0, 12.5], [0, 1, 11.5], [0, 2, 10.8]])
    return np.concatenate([egg.reshape(-1, 3) + [0, 0, 1], nose]).astype(np.float32)


def _volume(solid: Solid) -> float:
    a, b, c = (solid.vertices[solid.triangles[:, k]].astype(float) for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def _smallest_area(solid: Solid) -> float:
    a, b, c = (solid.vertices[solid.triangles[:, k]].astype(float) for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).min() / 2)


def _edges(solid: Solid) -> tuple[np.ndarray, np.ndarray]:
    """Return the directed edges as sorted numbers, and those of the same edges run backwards."""
    t = solid.triangles.astype(np.int64)
    start, end = t.ravel(), np.roll(t, -1, 1).ravel()
    count = len(solid.vertices)
    return np.sort(start * count + end), np.sort(end * count + start)


def _hand(name: str, seed: int) -> list[Solid]:
    return make_hand(sample_hand(np.random.default_rng(seed), (0.5, 0.3, 0.2), name), _skull())


def _held(name: str, seed: int) -> list[Solid]:
    pose = sample_hand(np.random.default_rng(seed), None, "hold")
    fields = {field: getattr(pose, field) for field in HandPose.__slots__}
    return make_hand(HandPose(**{**fields, "held": name}), _skull())


def _worn(name: str, seed: int) -> list[Solid]:
    return make_prop(sample_prop(np.random.default_rng(seed), worn=True, kind=name), _skull())


def _free(name: str, seed: int) -> list[Solid]:
    return make_prop(sample_prop(np.random.default_rng(seed), worn=False, kind=name), _skull())


def _glasses(name: str, seed: int) -> list[Solid]:
    return make_glasses(sample_glasses(np.random.default_rng(seed)), _skull())


_ALL = [
    *((_hand, name, seed) for name in GESTURES for seed in range(2)),
    *((_held, name, seed) for name in _HELD for seed in range(2)),
    *((_worn, name, seed) for name in WORN for seed in range(5)),
    *((_free, name, seed) for name in FREE for seed in range(5)),
    *((_glasses, "glasses", seed) for seed in range(24)),
]


@pytest.mark.parametrize(
    ("make", "name", "seed"), _ALL, ids=[f"{m.__name__}-{n}-{s}" for m, n, s in _ALL]
)
def test_every_solid_is_closed_and_faces_outwards(
    make: Callable[[str, int], list[Solid]], name: str, seed: int
) -> None:
    solids = make(name, seed)

    assert solids
    for solid in solids:
        there, back = _edges(solid)
        assert np.array_equal(there, back)
        assert _volume(solid) > 0
        assert _smallest_area(solid) > 1e-9
        assert np.isfinite(solid.vertices).all()
        assert np.isfinite(solid.albedo).all()
        assert (solid.albedo >= 0).all()
        assert 0 <= solid.gloss <= 1
        assert solid.label in (FACE, OCCLUDER)


def test_class_numbers_are_those_of_the_pictures() -> None:
    assert (CLASSES[FACE], CLASSES[HAIR]) == ("face", "hair")
    assert (CLASSES[OCCLUDER], CLASSES[NECK]) == ("occluder", "neck")


@pytest.mark.parametrize("name", ["vertices", "triangles", "albedo"])
def test_an_array_of_another_shape_is_refused_by_name(name: str) -> None:
    solid = _free("blob", 0)[0]
    arrays = {key: getattr(solid, key) for key in ("vertices", "triangles", "albedo")}
    arrays[name] = arrays[name][:, :2]

    with pytest.raises(ShapeError, match=name):
        Solid(**arrays, gloss=0, label=OCCLUDER)


def test_joined_solids_fill_the_space_of_their_parts() -> None:
    parts = _free("microphone", 1)

    whole = joined(parts)

    assert _volume(whole) == pytest.approx(sum(map(_volume, parts)), rel=1e-5)
    assert len(whole.vertices) == sum(len(part.vertices) for part in parts)


def test_moving_keeps_every_distance() -> None:
    solid = _free("cup", 2)[0]
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])

    moved = solid.moved(turn, np.array([1.0, 2, 3]))

    before = np.linalg.norm(np.diff(solid.vertices, axis=0), axis=1)
    after = np.linalg.norm(np.diff(moved.vertices, axis=0), axis=1)
    np.testing.assert_allclose(after, before, atol=1e-4)
    np.testing.assert_allclose(moved.vertices[0] - [1, 2, 3], turn @ solid.vertices[0], atol=1e-4)
