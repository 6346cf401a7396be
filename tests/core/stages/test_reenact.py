"""Driving views: what the generator is given, the steps on the way, and the mix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.arrays import AnyArray, DoubleArray
from faceplate.core.face import HeadPose
from faceplate.core.geometry.square import as_network, halved
from faceplate.core.nets.load import load_network
from faceplate.core.nets.run import Network
from faceplate.core.stages.discs import landmark_discs
from faceplate.core.stages.reenact import (
    MOUTH,
    mix_views,
    reenact_view,
    step_count,
    steps_towards,
    with_mouth_of,
)

FRONT = HeadPose(0.0, 0.0, 0.0)


def picture(seed: int = 0) -> AnyArray:
    rng = np.random.default_rng(seed)
    return cv2.GaussianBlur(rng.random((256, 256, 3), np.float32), (0, 0), 3)


def points(seed: int = 1) -> AnyArray:
    return np.random.default_rng(seed).uniform(0.1, 0.9, (98, 2))


@pytest.fixture
def net(toys: Any) -> Callable[..., Network]:
    """Return what makes a generator that answers with channels of one of its inputs."""

    def make(*channels: int, level: str = "fine") -> Network:
        name = f"probe_{level}_{'_'.join(map(str, channels))}"
        toys.picks(name, "reenact", channels, level)
        return load_network(name, folder=toys.folder)

    return make


def landmarks(mesh: DoubleArray) -> DoubleArray:
    face = canonical_face()
    return np.asarray((mesh[face.wflw_index] * face.wflw_weight[..., None]).sum(axis=1))


def test_a_generator_is_given_the_picture_and_the_discs_at_both_levels(
    net: Callable[..., Network],
) -> None:
    source, wanted = picture(), points()

    seen = reenact_view(net(0, 1, 2), source, [wanted])
    discs = reenact_view(net(3, 50, 100), source, [wanted])
    coarse = reenact_view(net(0, 1, 2, level="coarse"), source, [wanted])
    coarse_discs = reenact_view(net(3, 50, 100, level="coarse"), source, [wanted])

    np.testing.assert_allclose(seen, as_network(source), atol=1e-6)
    np.testing.assert_array_equal(discs, landmark_discs(wanted, 256)[[0, 47, 97]])
    small = cv2.pyrDown(source)  # pictures are reduced by the binomial filter
    np.testing.assert_allclose(coarse[:, ::2, ::2], as_network(small), atol=1e-6)
    np.testing.assert_array_equal(
        coarse_discs[:, ::2, ::2], landmark_discs(wanted, 128)[[0, 47, 97]]
    )


def test_a_second_pass_goes_on_from_the_first(net: Callable[..., Network]) -> None:
    source, first, last = picture(), points(1), points(2)

    seen = reenact_view(net(0, 1, 2), source, [first, last])
    discs = reenact_view(net(3, 4, 5), source, [first, last])
    coarse = reenact_view(net(0, 1, 2, level="coarse"), source, [first, last])

    np.testing.assert_allclose(seen, as_network(source), atol=1e-6)
    np.testing.assert_array_equal(discs, landmark_discs(last, 256)[:3])
    # What a net drew is reduced by the net's own mean, not by the pictures' filter.
    once = reenact_view(net(0, 1, 2, level="coarse"), source, [first])
    np.testing.assert_allclose(coarse[:, ::2, ::2], halved(once), atol=1e-6)


@pytest.mark.parametrize(
    ("yaw", "pitch", "most", "wanted"),
    [(0, 0, 3, 1), (30, -30, 3, 1), (30.1, 0, 3, 2), (0, -61, 3, 3), (90, 0, 3, 3), (90, 0, 1, 1)],
)
def test_a_step_turns_a_head_by_30_degrees_at_most(
    yaw: float, pitch: float, most: int, wanted: int
) -> None:
    assert step_count(HeadPose(yaw, pitch, 40.0), FRONT, most) == wanted
    assert step_count(FRONT, HeadPose(yaw, pitch, -40.0), most) == wanted


def test_one_pass_has_the_targets_landmarks_alone(mesh_at: Callable[..., DoubleArray]) -> None:
    source = landmarks(mesh_at(FRONT, height=180, middle=(120, 130)))
    target = landmarks(mesh_at(HeadPose(50, 5, 0), height=190, middle=(128, 128)))

    (only,) = steps_towards(source, target, (FRONT, HeadPose(50, 5, 0)), 1, None)

    np.testing.assert_array_equal(only, target[:, :2])


def test_rigid_steps_are_the_head_at_the_poses_between(
    mesh_at: Callable[..., DoubleArray],
) -> None:
    def seen(yaw: float) -> DoubleArray:
        mesh = mesh_at(HeadPose(yaw, 0, 0), height=180, middle=(128, 128))
        found = landmarks(mesh)
        return np.asarray(found - found.mean(axis=0))

    far = seen(60) + [20, -10, 0]

    steps = steps_towards(seen(0), far, (FRONT, HeadPose(60, 0, 0)), 3, None)

    assert len(steps) == 3
    for number, (yaw, step) in enumerate(zip((20, 40, 60), steps, strict=True), 1):
        share = number / 3
        np.testing.assert_allclose(step, seen(yaw)[:, :2] + share * far.mean(0)[:2], atol=1e-6)


def test_the_landmark_transformer_moves_the_points_where_there_is_one(
    mesh_at: Callable[..., DoubleArray],
) -> None:
    class Mover:
        asked: list[AnyArray] = []

        def run(self, *given: AnyArray) -> list[AnyArray]:
            self.asked.append(np.stack([g[0] for g in given[1:]]))
            return [given[0] + 1]

    source = landmarks(mesh_at(FRONT, height=180, middle=(120, 130)))
    target = landmarks(mesh_at(HeadPose(-50, 10, 7), height=180, middle=(126, 124)))
    mover: Any = Mover()

    first, last = steps_towards(
        source, target, (HeadPose(0, 0, -20), HeadPose(-50, 10, 7)), 2, mover
    )

    # The view is turned to the target's roll before; half the way of the rest is asked for.
    np.testing.assert_allclose(mover.asked[0], [[0, 0, 7], [-25, 5, 7]])
    moved = (target.mean(0) - source.mean(0))[:2] / 2
    np.testing.assert_allclose(first, source[:, :2] + 1 + moved, atol=1e-4)
    np.testing.assert_array_equal(last, target[:, :2])


def test_a_lent_mouth_keeps_the_owners_pose_and_place(mesh_at: Callable[..., DoubleArray]) -> None:
    turned = HeadPose(30, 10, -15)
    own = landmarks(mesh_at(FRONT, height=180, middle=(128, 128)))
    open_mesh = mesh_at(FRONT, height=180, middle=(128, 128))
    lower = landmarks(open_mesh)
    lower[84:87, 1] += 12  # the lower lip hangs
    middle = lower.mean(axis=0)
    front, back = (landmarks(mesh_at(pose, height=180, middle=(0, 0))) for pose in (FRONT, turned))
    a, b = front - front.mean(0), back - back.mean(0)
    rotation = np.linalg.lstsq(a, b, rcond=None)[0]
    other = (lower - middle) @ rotation + [40, 90, 3]

    found = with_mouth_of(own, other)

    rest = np.ones(98, bool)
    rest[MOUTH] = False
    np.testing.assert_array_equal(found[rest], own[rest])
    np.testing.assert_allclose(found[MOUTH].mean(0), own[MOUTH].mean(0), atol=1e-9)
    wanted = lower[MOUTH] - lower[MOUTH].mean(0)
    np.testing.assert_allclose(found[MOUTH] - found[MOUTH].mean(0), wanted, atol=1.0)
    gap = found[85, 1] - found[79, 1] - (own[85, 1] - own[79, 1])
    assert gap == pytest.approx(12, abs=1.0)


def test_views_are_mixed_by_their_weights() -> None:
    pictures = [np.full((3, 4, 4), value, np.float32) for value in (-1.0, 0.5, 1.0)]

    found = mix_views(pictures, [0.25, 0.5, 0.25])

    np.testing.assert_allclose(found, 0.25, atol=1e-7)
