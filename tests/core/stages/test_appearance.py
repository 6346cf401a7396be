"""The appearance map: weights of views over head poses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.core.errors import ContractError
from faceplate.core.stages.appearance import AppearanceMap

_DEGREES = st.integers(-360, 360).map(lambda quarter: quarter / 4)
_POSES = st.lists(st.tuples(_DEGREES, _DEGREES), min_size=1, max_size=12)
_ANYWHERE = st.floats(-120, 120)


def _map(poses: list[tuple[float, float]]) -> AppearanceMap:
    return AppearanceMap.build(np.array(poses, np.float32))


@given(_POSES, _ANYWHERE, _ANYWHERE)
@settings(max_examples=100, deadline=None)
def test_weights_are_a_mixture_of_at_most_three_kept_views(poses, yaw, pitch):
    appearance = _map(poses)

    weights = appearance.weights_at(yaw, pitch)

    assert weights.shape == (len(poses),)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1, abs=1e-6)
    assert set(np.flatnonzero(weights)) <= set(appearance.order)
    assert np.count_nonzero(weights) <= 3


@given(_POSES, _ANYWHERE, _ANYWHERE, _ANYWHERE, _ANYWHERE)
@settings(max_examples=60, deadline=None)
def test_weights_make_no_jump_along_any_path(poses, x0, y0, x1, y1):
    """Bisect towards the largest step of a path: a jump would stay, a slope must vanish."""
    appearance = _map(poses)
    start, end = np.array([x0, y0]), np.array([x1, y1])

    for _ in range(8):
        path = start + np.linspace(0, 1, 17)[:, None] * (end - start)
        found = np.array([appearance.weights_at(*point) for point in path])
        steps = np.abs(np.diff(found, axis=0)).sum(axis=1)
        worst = int(np.argmax(steps))
        start, end = path[worst], path[worst + 1]

    assert steps[worst] < 1e-2


@given(st.lists(st.tuples(_DEGREES, _DEGREES), min_size=3, max_size=10), st.data())
@settings(max_examples=100, deadline=None)
def test_inside_a_triangle_of_views_the_weights_rebuild_the_pose(poses, data):
    """Barycentric weights are the only ones on a triangle that do, so this proves them plain."""
    appearance = _map(poses)
    whole = [t for t in appearance.triangles if (t < len(appearance.order)).all()]
    if not whole:
        return
    views = appearance.order[data.draw(st.sampled_from(whole))]
    mix = np.array(data.draw(st.tuples(*[st.floats(0.01, 1)] * 3)))
    mix /= mix.sum()

    weights = appearance.weights_at(*(mix @ appearance.points[views]))

    assert weights[views] == pytest.approx(mix, abs=1e-3)
    assert weights @ appearance.points == pytest.approx(mix @ appearance.points[views], abs=1e-3)


def test_near_a_limit_point_the_nearest_view_takes_over_without_a_jump():
    appearance = _map([(30, 0), (0, 30), (-20, -20)])

    around = [
        appearance.weights_at(75 - 0.3 * np.cos(a), 75 - 0.3 * np.sin(a))
        for a in np.linspace(0, np.pi / 2, 30)
    ]

    assert np.ptp(around, axis=0).max() < 1e-6


@pytest.mark.parametrize(
    "poses",
    [
        [(3, 4)],
        [(0, 0), (10, 5)],
        [(-20, 0), (-10, 0), (0, 0), (10, 0)],
        [(0, 0), (0, 0), (0, 0)],
        [(75, 75), (-75, 75)],
        [(170, 0), (-170, 0)],
    ],
    ids=["one", "two", "a line", "all the same", "on limit points", "behind the head"],
)
def test_poor_sets_of_views_still_give_weights_everywhere(poses):
    appearance = _map(poses)

    found = [appearance.weights_at(y, p) for y in range(-90, 91, 15) for p in range(-90, 91, 15)]

    assert np.isfinite(found).all()
    assert np.sum(found, axis=1) == pytest.approx(np.ones(len(found)), abs=1e-6)


def test_a_query_at_a_kept_view_is_that_view():
    poses = [(0, 0), (20, 5), (-15, 10), (4, -18)]

    appearance = _map(poses)

    for index, pose in enumerate(poses):
        assert appearance.weights_at(*pose)[index] == pytest.approx(1)


def test_thinning_keeps_the_densest_first_and_cells_hold_the_rest():
    poses = [(40, 0), (0.0, 0), (1.5, 0), (-1.5, 0)]

    appearance = _map(poses)

    assert appearance.order.tolist() == [1, 0]
    assert appearance.cell.tolist() == [0, 1, 1, 1]
    assert appearance.members(2).tolist() == [1, 2, 3]


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=14))
@settings(max_examples=100, deadline=None)
def test_thinning_visits_by_falling_number_of_neighbours_as_the_authors_do(poses):
    """By hand: `fsgan.md` 10.1, on whole degrees, so that no distance is near the radius."""
    spots = np.array(poses, float)
    near = np.linalg.norm(spots[:, None] - spots, axis=2) <= 2.0
    alive, kept = [True] * len(spots), []
    for view in np.argsort(-near.sum(axis=1), kind="stable"):
        if alive[view]:
            kept.append(int(view))
            alive = [a and not (near[view, n] and n != view) for n, a in enumerate(alive)]

    assert _map(poses).order.tolist() == kept


@given(_POSES)
@settings(max_examples=100, deadline=None)
def test_kept_views_lie_further_apart_than_the_radius(poses):
    appearance = _map(poses)

    kept = appearance.points[appearance.order]
    apart = np.linalg.norm(kept[:, None] - kept[None], axis=2) + 1e9 * np.eye(len(kept))
    assert apart.min() > appearance.radius


@pytest.mark.parametrize("poses", [np.zeros((0, 2)), np.zeros((3, 3)), [[np.nan, 0]]])
def test_poses_that_are_none_are_refused(poses):
    with pytest.raises(ContractError):
        AppearanceMap.build(np.asarray(poses, np.float32))
