"""Made-up faces for tests of tracks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.analysis.landmark import box_of_mesh
from faceplate.core.analysis.pose import head_pose
from faceplate.core.arrays import DoubleArray
from faceplate.core.face import FaceObservation, HeadPose, Origin

FaceMaker = Callable[..., FaceObservation]


def posed_mesh(pose: HeadPose, *, height: float, middle: tuple[float, float]) -> DoubleArray:
    """Project the canonical face by an independent rotation, axis by axis; (478, 3)."""
    yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
    x, y, z = canonical_face().vertices.T
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    y, z = y * np.cos(pitch) + z * np.sin(pitch), z * np.cos(pitch) - y * np.sin(pitch)
    x, y = x * np.cos(roll) + y * np.sin(roll), y * np.cos(roll) - x * np.sin(roll)
    scale = height / np.ptp(canonical_face().vertices[:, 1])
    mesh = np.column_stack([x * scale + middle[0], -y * scale + middle[1], -z * scale])
    irises = [mesh[[33, 133]].mean(axis=0)] * 5 + [mesh[[263, 362]].mean(axis=0)] * 5
    return np.vstack([mesh, irises])


def make_face(
    number: int = 1001,
    middle: tuple[float, float] = (300.0, 200.0),
    *,
    height: float = 120.0,
    pose: HeadPose | None = None,
    who: int | None = 0,
    confidence: float = 0.9,
    origin: Origin = Origin.SEEN,
    jitter: DoubleArray | None = None,
    expression: float = 0.1,
) -> FaceObservation:
    """Return a face of person ``who``; None for a face without an embedding."""
    mesh = posed_mesh(pose or HeadPose(0.0, 0.0, 0.0), height=height, middle=middle)
    mesh = mesh if jitter is None else mesh + jitter
    embedding = np.zeros(128, np.float32)
    if who is not None:
        embedding[who] = 1.0
        embedding[64:] += 0.01 * np.random.default_rng(abs(number)).standard_normal(64)
    return FaceObservation(
        number=number,
        box=box_of_mesh(mesh),
        mesh=mesh.astype(np.float32),
        pose=head_pose(mesh),
        expression=np.full(52, expression, np.float32),
        embedding=embedding,
        skin=np.array([-2, -2.5, -3, 0.2, 0.2, 0.2], np.float32),
        noise=np.full(3, 0.02, np.float32),
        sharpness=1.0,
        confidence=confidence,
        origin=origin,
    )


@pytest.fixture
def face() -> FaceMaker:
    """Return the maker of faces."""
    return make_face


@pytest.fixture
def mesh_at() -> Callable[..., DoubleArray]:
    """Return the maker of meshes with a known pose."""
    return posed_mesh
