"""Pulling a mesh onto WFLW points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faceplate.core.analysis.landmark import wflw_landmarks
from faceplate.core.analysis.pull import pull_mesh
from faceplate.core.arrays import DoubleArray
from faceplate.core.face import HeadPose

ALL = np.ones(98, bool)
MeshMaker = Callable[..., DoubleArray]


@pytest.fixture
def mesh(mesh_at: MeshMaker) -> DoubleArray:
    return mesh_at(HeadPose(20.0, 5.0, -10.0), height=400.0, middle=(500.0, 600.0))


def points_of(mesh: DoubleArray) -> DoubleArray:
    return wflw_landmarks(mesh, 1.0).points.astype(np.float64)


@pytest.mark.parametrize(
    ("linear", "shift"),
    [
        (np.eye(2), (40.0, -15.0)),
        (1.08 * np.eye(2), (0.0, 0.0)),
        (np.array([[1.0, 0.1], [-0.1, 1.0]]), (5.0, 5.0)),
        (np.array([[1.1, 0.0], [0.05, 0.95]]), (0.0, 9.0)),
    ],
    ids=["moved", "larger", "turned", "sheared"],
)
def test_what_all_points_do_the_whole_mesh_does(
    linear: DoubleArray, shift: tuple[float, float], mesh: DoubleArray
) -> None:
    middle = np.array([500.0, 600.0])

    pulled = pull_mesh(mesh, (points_of(mesh) - middle) @ linear.T + middle + shift, ALL)

    wanted = (mesh[:, :2] - middle) @ linear.T + middle + shift
    # 400 px of face; a mesh point has a place of its own between two landmarks.
    assert np.linalg.norm(pulled[:, :2] - wanted, axis=1).max() < 2.0
    np.testing.assert_array_equal(pulled[:, 2], mesh[:, 2])


def test_a_lowered_jaw_is_met_and_the_brows_stay(mesh: DoubleArray) -> None:
    points = points_of(mesh)
    down = np.zeros((98, 2))
    down[4:29, 1] = 12.0 * np.sin(np.linspace(0, np.pi, 25))
    down[82:88, 1] = down[92:96, 1] = 8.0

    pulled = points_of(pull_mesh(mesh, points + down, ALL))

    assert np.linalg.norm(pulled - points - down, axis=1).max() < 1.0
    assert np.abs(pulled - points)[33:51].max() < 0.5


def test_an_iris_moves_without_its_eye(mesh: DoubleArray) -> None:
    points = points_of(mesh)
    points[97] += [6.0, 0.0]

    pulled = pull_mesh(mesh, points, ALL)

    assert pulled[473:478, 0] - mesh[473:478, 0] == pytest.approx(np.full(5, 6.0), abs=0.5)
    assert np.abs(points_of(pulled) - points)[68:76].max() < 0.5


def test_points_that_are_not_seen_pull_nothing(mesh: DoubleArray) -> None:
    seen = ALL.copy()
    seen[[10, 50, 80]] = False
    points = points_of(mesh)
    points[~seen] += 300.0

    np.testing.assert_allclose(pull_mesh(mesh, points, seen), mesh, atol=1e-3)
    np.testing.assert_array_equal(pull_mesh(mesh, points, ~ALL), mesh)


def test_lone_noise_does_not_tear_the_mesh(mesh: DoubleArray) -> None:
    noise = np.random.default_rng(0).normal(0.0, 2.0, (98, 2))

    moved = pull_mesh(mesh, points_of(mesh) + noise, ALL) - mesh

    assert np.linalg.norm(moved, axis=1).max() < 2.0 * np.linalg.norm(noise, axis=1).max()
