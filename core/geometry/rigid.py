"""Rigid motion between two sets of landmarks, and the steps on its way.

Source: the released FSGAN code, branch v1, `fsgan.md` 9.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray


@dataclass(frozen=True, slots=True, eq=False)
class RigidMotion:
    """A rotation about the origin, then a shift.

    Attributes:
        rotation: (3, 3) float64, determinant 1.
        shift: (3,) float64.
    """

    rotation: DoubleArray
    shift: DoubleArray

    def apply(self, points: AnyArray) -> DoubleArray:
        """Return (N, 3) points where they are moved to."""
        return np.asarray(np.asarray(points, np.float64) @ self.rotation.T + self.shift)


def fit_rigid(source: AnyArray, target: AnyArray) -> RigidMotion:
    """Return the motion without scale that brings (N, 3) points nearest to others.

    Source: Kabsch 1976.
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    middle_a, middle_b = a.mean(axis=0), b.mean(axis=0)
    u, _, vt = np.linalg.svd((a - middle_a).T @ (b - middle_b))
    if np.linalg.det(vt.T @ u.T) < 0:
        vt[2] *= -1
    rotation = vt.T @ u.T
    return RigidMotion(rotation, middle_b - rotation @ middle_a)


def euler_of(rotation: AnyArray) -> tuple[float, float, float]:
    """Return the radians about x, y and z of a rotation that turns about x first, then y, z.

    At a turn of a right angle about y, where x and z are one, z is 0.
    """
    r = np.asarray(rotation, np.float64)
    across = np.hypot(r[0, 0], r[1, 0])
    y = np.arctan2(-r[2, 0], across)
    if across < 1e-9:
        return float(np.arctan2(-r[1, 2], r[1, 1])), float(y), 0.0
    return float(np.arctan2(r[2, 1], r[2, 2])), float(y), float(np.arctan2(r[1, 0], r[0, 0]))


def rotation_of(x: float, y: float, z: float) -> DoubleArray:
    """Return the rotation about x, then y, then z, in radians; the inverse of `euler_of`."""
    (cx, cy, cz), (sx, sy, sz) = np.cos([x, y, z]), np.sin([x, y, z])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def step_between(
    source: AnyArray, target: AnyArray, share: float, *, about_corner: bool = False
) -> DoubleArray:
    """Return (N, 3) source landmarks on their way to the target's pose, shape and expression kept.

    Args:
        source: (N, 3) in pixels of a crop, z in the same unit.
        target: (N, 3) likewise.
        share: of the way, 0 to 1.
        about_corner: turn about the crop's corner, as the released code does, which leads the face
            off the straight path by several pixels. Else about the face's own middle, which then
            moves straight.
    """
    points = np.asarray(source, np.float64)
    motion = fit_rigid(points, target)
    rotation = rotation_of(*(share * angle for angle in euler_of(motion.rotation)))
    if about_corner:
        return RigidMotion(rotation, share * motion.shift).apply(points)
    middle, goal = points.mean(axis=0), np.asarray(target, np.float64).mean(axis=0)
    turned = (points - middle) @ rotation.T
    return np.asarray(turned + (1 - share) * middle + share * goal)
