"""The direction of a head from its mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from faceplate.core.analysis.canonical import VERTEX_COUNT, canonical_face
from faceplate.core.analysis.picture import PlatePicture
from faceplate.core.arrays import AnyArray, DoubleArray
from faceplate.core.face import HeadPose
from faceplate.core.nets.run import Network

_FLIP = np.array([1.0, -1.0, -1.0])
"""Canonical space has y up and z to the viewer; a mesh has y down and z away."""

_MOUTH_LEVEL = -1.5
"""Canonical height, in centimetres, below which lips and jaw move with the expression."""

_MOVING_WEIGHT = 0.1


class HeadPoser(Protocol):
    """Tells the direction of a head: `MeshPoser`, or Hopenet in `core.analysis.official`."""

    @property
    def networks(self) -> tuple[Network, ...]:
        """All that its answers depend on, the mesh apart."""

    def pose(self, picture: PlatePicture, mesh: DoubleArray, gain: float) -> HeadPose:
        """Return the direction of the head whose mesh, in square pixels, was found in a frame."""


@dataclass(frozen=True, slots=True)
class MeshPoser:
    """Takes the direction from the mesh."""

    @property
    def networks(self) -> tuple[Network, ...]:
        """None."""
        return ()

    def pose(self, picture: PlatePicture, mesh: DoubleArray, gain: float) -> HeadPose:
        """Return `head_pose` of the mesh."""
        return head_pose(mesh)


def head_pose(mesh: AnyArray) -> HeadPose:
    """Return the direction of a head by weighted Procrustes on the canonical vertices.

    The rotation is roll after pitch after yaw: a picture that is turned in its own plane changes
    the roll alone. Upper face and nose count fully, lips and jaw little.

    Args:
        mesh: (478, 3) or (468, 3), square pixels, y down, z away from the viewer.

    Source:
        Umeyama 1991, without the scale.
    """
    return pose_of_rotation(head_rotation(mesh))


def head_rotation(mesh: AnyArray) -> DoubleArray:
    """Return the (3, 3) rotation, in canonical axes, that turns a frontal face into a mesh's."""
    vertices = canonical_face().vertices
    weight = np.where(vertices[:, 1] > _MOUTH_LEVEL, 1.0, _MOVING_WEIGHT)
    weight /= weight.sum()
    found = np.asarray(mesh[:VERTEX_COUNT], np.float64) * _FLIP
    found = found - weight @ found
    wanted = vertices - weight @ vertices
    u, _, vt = np.linalg.svd((found * weight[:, None]).T @ wanted)
    mirror = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])
    return np.asarray(u @ mirror @ vt, np.float64)


def pose_of_rotation(rotation: DoubleArray) -> HeadPose:
    """Return the angles of a rotation in canonical axes (x to own left, y up, z to the viewer)."""
    # rotation = Rz(-roll) Rx(-pitch) Ry(yaw), right-handed; its third row is
    # (-cos(pitch) sin(yaw), -sin(pitch), cos(pitch) cos(yaw)).
    yaw = np.arctan2(-rotation[2, 0], rotation[2, 2])
    pitch = np.arcsin(np.clip(-rotation[2, 1], -1.0, 1.0))
    roll = np.arctan2(rotation[0, 1], rotation[1, 1])
    return HeadPose(*(float(np.degrees(angle)) for angle in (yaw, pitch, roll)))
