"""Rotations of head poses, against the analysis that reads poses from rotations."""

from __future__ import annotations

import numpy as np

from faceplate.core.analysis.pose import pose_of_rotation
from faceplate.core.geometry.headpose import head_rotations


def test_the_analysis_reads_the_pose_again() -> None:
    poses = np.random.default_rng(0).uniform(-1, 1, (50, 3)) * [85, 80, 170]

    turns = head_rotations(poses)

    read = [pose_of_rotation(turn) for turn in turns]
    np.testing.assert_allclose([[p.yaw, p.pitch, p.roll] for p in read], poses, atol=1e-9)
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), [np.eye(3)] * 50, atol=1e-12)
