"""Drives source views by landmarks with a generator, in one pass or in steps, and mixes them.

Source: the released FSGANv2 code, `fsgan.md` 9.1 and 10.3, which makes one pass. The steps are
those of the first version's, `fsgan.md` 9.2 and 9.3; how many there are is a design of ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.face import HeadPose
from faceplate.core.geometry.rigid import step_between
from faceplate.core.geometry.square import as_network, halved, picture_pyramid
from faceplate.core.nets.run import Network
from faceplate.core.stages.discs import landmark_discs
from faceplate.core.stages.turn import turn_landmarks

MOST_STEPS = 3
_STEP_DEGREES = 30.0
"""Turn of a head that one pass is asked for, where there may be more."""

MOUTH = slice(76, 96)
"""WFLW points of the lips, outer and inner."""


def step_count(source: HeadPose, target: HeadPose, most: int) -> int:
    """Return how many passes lead from one head pose to another.

    Args:
        source: of the view.
        target: of the face in the plate.
        most: passes that are allowed; 1 is the released code's way.

    >>> step_count(HeadPose(0, 0, 0), HeadPose(-31, 10, 90), 3)
    2
    """
    turn = max(abs(source.yaw - target.yaw), abs(source.pitch - target.pitch))
    return int(np.clip(np.ceil(turn / _STEP_DEGREES), 1, min(most, MOST_STEPS)))


def steps_towards(
    source: AnyArray,
    target: AnyArray,
    poses: tuple[HeadPose, HeadPose],
    count: int,
    mover: Network | None,
) -> list[DoubleArray]:
    """Return the landmarks of every pass: on the way the source's own, the target's at the end.

    Args:
        source: (98, 3) landmarks of the view in its crop, turned to the target's roll, z in the
            same unit.
        target: (98, 3) of the face in the plate, in its crop.
        poses: of the two.
        count: of passes.
        mover: the landmark transformer; None turns the landmarks rigidly in 3-D.

    Returns:
        ``count`` times (98, 2); the middle of the face moves straight.
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    shares = [number / count for number in range(1, count)]
    if mover is None:
        between = [step_between(a, b, share)[:, :2] for share in shares]
    else:
        between = [_moved(mover, a[:, :2], b[:, :2], poses, share) for share in shares]
    return [*between, b[:, :2]]


def _moved(
    mover: Network,
    source: DoubleArray,
    target: DoubleArray,
    poses: tuple[HeadPose, HeadPose],
    share: float,
) -> DoubleArray:
    # The view is turned to the target's roll already.
    here, there = (np.array([pose.yaw, pose.pitch, poses[1].roll]) for pose in poses)
    wanted = (1 - share) * here + share * there
    turned = turn_landmarks(mover, source[None], here[None], wanted[None])[0]
    return np.asarray(turned + share * (target.mean(axis=0) - source.mean(axis=0)), np.float64)


def with_mouth_of(source: AnyArray, target: AnyArray, mouth: slice = MOUTH) -> DoubleArray:
    """Return the source's landmarks with the target's mouth, in the source's pose and place.

    Args:
        source: (N, 3) landmarks, z in the same unit.
        target: (N, 3) likewise, of another head pose.
        mouth: which of them are the lips'; those of 98 unless it is said.

    Source: the released FSGAN code's expression script, `fsgan.md` 9.5, whose 68 points have the
    mouth from 48 on.
    """
    own, other = np.array(source, np.float64), np.asarray(target, np.float64)
    lips = step_between(other, own, 1.0)[mouth]
    own[mouth] = lips - lips.mean(axis=0) + own[mouth].mean(axis=0)
    return own


def reenact_view(network: Network, picture: FloatArray, steps: Sequence[AnyArray]) -> FloatArray:
    """Return a source view as it looks with other landmarks.

    Args:
        network: takes a picture and 98 discs, at two levels.
        picture: (h, w, 3) float32 network codes, turned to the target's roll.
        steps: (98, 2) landmarks of each pass, 0 to 1 of the crop; a pass goes on from the last.

    Returns:
        (3, h, w) float32, -1 to 1.
    """
    levels = [as_network(level) for level in picture_pyramid(picture)]
    for points in steps:
        given = [np.concatenate([one, landmark_discs(points, one.shape[1])]) for one in levels]
        drawn = network.run(*(one[None] for one in given))[0][0]
        levels = [drawn, halved(drawn)]
    return levels[0]


def mix_views(pictures: Sequence[FloatArray], weights: Sequence[float]) -> FloatArray:
    """Return the weighted sum of (3, h, w) pictures; the weights sum to 1."""
    total = np.zeros(pictures[0].shape, np.float32)
    for picture, weight in zip(pictures, weights, strict=True):
        total += np.float32(weight) * picture
    return total
