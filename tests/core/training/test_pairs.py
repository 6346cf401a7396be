"""Views and pairs: cut where the engine cuts, mirrored truly, and drawn as they should be."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from faceplate.core.errors import TrainingError
from faceplate.core.geometry.square import cut_square, square_of_box
from faceplate.core.stages.turn import turn_rigidly
from faceplate.core.training.dataset import Sample, open_set
from faceplate.core.training.pairs import (
    Framing,
    PairSettings,
    cut_pair,
    cut_view,
    exposed,
    flip_of_landmarks,
    open_people,
    parted,
    people_of,
)

CALM = PairSettings(zoom=0, shift=0, turn=0, flip=0, stops=0, balance=0)


def meshed(side: int = 96) -> Sample:
    """A smooth picture whose mesh fills a box of 40 by 50 pixels at (20, 30)."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:side, :side] / side
    picture = np.stack([np.sin(3 * x + y) + 1, np.cos(2 * y) + 1, x * y], axis=2)
    mesh = rng.uniform([20, 30], [60, 80], (478, 2))
    mesh[:2] = [[20, 30], [60, 80]]
    coverage = np.zeros((side, side, 6), np.uint8)
    coverage[..., 1] = 255
    wflw = rng.uniform([25, 35], [55, 75], (98, 2)).astype(np.float32)
    return Sample(
        picture.astype(np.float16), coverage, None, wflw, mesh.astype(np.float32), 0.0, 1,
        frozenset(),
    )  # fmt: skip


def test_a_crop_is_the_square_that_the_engine_cuts() -> None:
    sample = meshed()

    view = cut_view(sample, np.zeros(3, np.float32), Framing(), 60)

    square = square_of_box((20, 30, 60, 80))
    assert (square.x0, square.y0, square.side) == (10, 25, 60)
    wanted = cut_square(np.asarray(sample.linear, np.float32), square, 60)
    np.testing.assert_allclose(view.linear, wanted, atol=2e-3)
    np.testing.assert_allclose(view.points, (sample.wflw98 - [10, 25]) / 60, atol=1e-5)


def test_landmarks_stay_on_the_picture_however_it_is_framed() -> None:
    sample = meshed()
    framing = Framing(zoom=1.2, turn=25.0, shift=(0.05, -0.1), mirrored=True)

    view = cut_view(sample, np.array([10, 5, 3], np.float32), framing, 128)

    inside = ((view.points > 0.05) & (view.points < 0.95)).all(axis=1)
    assert inside.sum() > 60
    partner = sample.wflw98[flip_of_landmarks()]
    for here, there in zip(view.points[inside], partner[inside], strict=True):
        x, y = (here * 128).astype(int)
        u, v = there.astype(int)
        wanted = sample.linear[v, u].astype(np.float32)
        np.testing.assert_allclose(view.linear[y, x], wanted, atol=0.08)
    np.testing.assert_allclose(view.pose, [-10, 5, -28])


def test_a_mirror_of_a_mirror_is_the_view() -> None:
    sample, pose = meshed(), np.array([20, -5, 0], np.float32)
    mirror = Sample(
        sample.linear[:, ::-1], sample.coverage[:, ::-1], None,
        ([96, 0] + sample.wflw98 * [-1, 1]).astype(np.float32),
        ([96, 0] + sample.mesh478 * [-1, 1]).astype(np.float32), 0.0, 1, frozenset(),
    )  # fmt: skip

    plain = cut_view(sample, pose, Framing(), 60)
    twice = cut_view(mirror, pose * [-1, 1, -1], Framing(mirrored=True), 60)

    np.testing.assert_allclose(twice.linear, plain.linear, atol=1e-5)
    np.testing.assert_allclose(twice.points, plain.points[flip_of_landmarks()], atol=1e-6)
    np.testing.assert_allclose(twice.pose, plain.pose)


def test_the_source_has_the_roll_of_the_target(people_set: Path) -> None:
    people = open_people([str(people_set)])
    rng = np.random.default_rng(0)

    for _ in range(10):
        source, target = cut_pair(people, people.pair(rng, 0), rng, CALM, 64)

        assert source.pose[2] == pytest.approx(target.pose[2], abs=1e-4)
        # Drawn faces are rigid: turned as their poses say, one's landmarks are the other's.
        turned = turn_rigidly(source.points[None], source.pose[None], target.pose[None])[0]
        one, other = (p - p.mean(axis=0) for p in (turned, target.points))
        one *= np.linalg.norm(other) / np.linalg.norm(one)
        np.testing.assert_allclose(one, other, atol=0.01)


def test_near_poses_are_drawn_more_often(people_set: Path) -> None:
    people = open_people([str(people_set)])

    def mean_distance(near: float) -> float:
        rng = np.random.default_rng(1)
        pairs = [people.pair(rng, near) for _ in range(300)]
        away = [people.poses[a][:2] - people.poses[b][:2] for a, b in pairs]
        assert all(a != b for a, b in pairs)
        return float(np.hypot(*np.transpose(away)).mean())

    assert mean_distance(5.0) < mean_distance(0.0) - 3


def test_strangers_are_two_persons_of_near_pose(people_set: Path) -> None:
    people = open_people([str(people_set)])
    owner = {view: who for who, views in enumerate(people.views) for view in views}
    rng = np.random.default_rng(2)

    found = [people.strangers(rng, 8) for _ in range(50)]

    assert all(owner[first] != owner[second] for first, second, _ in found)
    away = [
        np.hypot(*(people.poses[a] - people.poses[b] * ([-1, 1, -1] if flip else 1))[:2])
        for a, b, flip in found
    ]
    assert np.mean(away) < 12


def test_both_views_get_the_exposure_of_one(people_set: Path) -> None:
    people = open_people([str(people_set)])
    rng = np.random.default_rng(3)
    source, target = cut_pair(people, people.pair(rng, 0), rng, CALM, 64)

    first, second = exposed([source, target], rng, CALM)
    again = exposed([target, target], rng, CALM)[1]

    assert first.dtype == np.uint8 and first.shape == (64, 64, 3)
    np.testing.assert_array_equal(second, again)
    assert 0.1 < float(np.median(second[target.face])) / 255 < 0.9


def test_held_out_persons_are_nobody_to_learn_from(people_set: Path) -> None:
    people = open_people([str(people_set)])

    learnt, held = parted(people, 0.25)

    assert (len(learnt.views), len(held.views)) == (6, 2)
    assert not {v for views in learnt.views for v in views} & {v for w in held.views for v in w}


def test_people_can_be_handed_to_another_process(people_set: Path) -> None:
    people = open_people([str(people_set)])
    people.pictures.sample(0)

    again = pickle.loads(pickle.dumps(people))

    np.testing.assert_array_equal(again.pictures.sample(5).wflw98, people.pictures.sample(5).wflw98)


def test_data_without_second_views_is_refused(made_set: Path, people_set: Path) -> None:
    with pytest.raises(TrainingError, match="3 views"):
        people_of([str(made_set)], [], 0.2, views=3)

    with pytest.raises(TrainingError, match="too few persons"):
        people_of([str(people_set)], [], 0.02, views=2)


def test_a_missing_array_is_named(made_set: Path) -> None:
    with pytest.raises(TrainingError, match="no expression"):
        open_set([made_set]).column("expression")
