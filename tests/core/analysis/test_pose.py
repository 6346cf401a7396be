from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faceplate.core.analysis.pose import head_pose
from faceplate.core.arrays import DoubleArray
from faceplate.core.face import HeadPose

MeshMaker = Callable[..., DoubleArray]
NOSE, FOREHEAD = 4, 10


@pytest.mark.parametrize("yaw", [-80.0, -30.0, 0.0, 15.0, 60.0])
@pytest.mark.parametrize("pitch", [-40.0, 0.0, 25.0])
@pytest.mark.parametrize("roll", [-120.0, -20.0, 0.0, 35.0])
def test_a_projected_canonical_face_gives_its_angles_back(
    yaw: float, pitch: float, roll: float, mesh_at: MeshMaker
) -> None:
    mesh = mesh_at(HeadPose(yaw, pitch, roll), height=200.0, middle=(500.0, 300.0))

    found = head_pose(mesh)

    assert (found.yaw, found.pitch, found.roll) == pytest.approx((yaw, pitch, roll), abs=1e-3)


def test_signs_are_those_of_the_face_itself(mesh_at: MeshMaker) -> None:
    def seen(yaw: float, pitch: float, roll: float) -> DoubleArray:
        return mesh_at(HeadPose(yaw, pitch, roll), height=100.0, middle=(0.0, 0.0))

    straight = seen(0, 0, 0)

    # Own left is the right of the picture, and y points down.
    assert seen(20, 0, 0)[NOSE, 0] > straight[NOSE, 0] + 5
    assert seen(0, 20, 0)[NOSE, 1] < straight[NOSE, 1] - 5
    assert seen(0, 0, 20)[FOREHEAD, 0] > straight[FOREHEAD, 0] + 5
    assert head_pose(seen(20, 0, 0)).yaw > 0
    assert head_pose(seen(0, 20, 0)).pitch > 0
    assert head_pose(seen(0, 0, 20)).roll > 0


@pytest.mark.parametrize("turn", [-150.0, -45.0, 10.0, 90.0])
def test_turning_the_picture_changes_the_roll_alone(turn: float, mesh_at: MeshMaker) -> None:
    mesh = mesh_at(HeadPose(35.0, -20.0, 0.0), height=150.0, middle=(0.0, 0.0))
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    clockwise = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])

    found = head_pose(mesh @ clockwise.T)

    assert (found.yaw, found.pitch, found.roll) == pytest.approx((35.0, -20.0, turn), abs=1e-3)


def test_an_open_jaw_hardly_nods_the_head(mesh_at: MeshMaker) -> None:
    mesh = mesh_at(HeadPose(10.0, 0.0, 0.0), height=200.0, middle=(0.0, 0.0))
    mouth = mesh[:, 1] > mesh[14, 1]
    mesh[mouth, 1] += 30.0

    found = head_pose(mesh)

    assert abs(found.pitch) < 1.5
    assert found.yaw == pytest.approx(10.0, abs=1.0)


def test_noise_of_one_percent_costs_less_than_a_degree(mesh_at: MeshMaker) -> None:
    mesh = mesh_at(HeadPose(25.0, -10.0, 5.0), height=200.0, middle=(0.0, 0.0))
    mesh += np.random.default_rng(0).normal(0, 2.0, mesh.shape)

    found = head_pose(mesh)

    assert (found.yaw, found.pitch, found.roll) == pytest.approx((25, -10, 5), abs=1.0)
