"""Head poses as rotations, many at once."""

from __future__ import annotations

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray


def head_rotations(poses: AnyArray) -> DoubleArray:
    """Return the rotations that turn heads which look straight ahead into poses.

    Args:
        poses: (B, 3) yaw, pitch and roll in degrees, signs of `HeadPose`.

    Returns:
        (B, 3, 3) float64, in axes x to the person's own left, y up, z to the viewer: yaw first,
        then pitch, then roll.
    """
    yaw, pitch, roll = np.radians(np.asarray(poses, np.float64)).T
    return np.asarray(_about(2, -roll) @ _about(0, -pitch) @ _about(1, yaw))


def _about(axis: int, angle: DoubleArray) -> DoubleArray:
    """Return right-handed rotations about x, y or z, (B, 3, 3)."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turn = np.broadcast_to(np.eye(3), (len(angle), 3, 3)).copy()
    turn[:, i, i] = turn[:, j, j] = np.cos(angle)
    turn[:, j, i] = np.sin(angle)
    turn[:, i, j] = -np.sin(angle)
    return turn
