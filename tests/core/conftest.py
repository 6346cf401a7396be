"""Made-up faces for tests of tracks, and a small shot for tests of doors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.core.actor import ActorSettings, build_actor, write_actor
from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.analysis.landmark import box_of_mesh
from faceplate.core.analysis.pose import head_pose
from faceplate.core.arrays import DoubleArray
from faceplate.core.consent import read_consent
from faceplate.core.demo.footage import SPACE, shipped, write_footage
from faceplate.core.face import FaceObservation, HeadPose, Origin
from faceplate.core.frame import Frame, Window
from faceplate.core.io.exr import read_frame, write_frame
from faceplate.core.io.footage import open_footage
from faceplate.core.job import Job
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.ocio.config import open_config

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


@dataclass(frozen=True)
class SmallShot:
    """Six small frames of the demo, 1001 to 1006, an actor who may play in them, and a cache."""

    root: Path
    plate: str
    actor: Path
    cache: Path

    def job(self, output: Path | str, *, frames: str = "", **knobs: object) -> Job:
        """Return a job of the usual layers."""
        plate = {"pattern": self.plate, "frames": frames}
        delivery = Delivery(output=str(output), name="small", contact_sheet=False)
        return job_of(swap_graph(plate, {"file": str(self.actor)}, knobs), "swap", delivery)


@pytest.fixture(scope="session")
def small_shot(tmp_path_factory: pytest.TempPathFactory) -> SmallShot:
    """Halve six frames of the demo and build an actor of its source."""
    root = tmp_path_factory.mktemp("small")
    plate = shipped("plate")
    (root / "plate").mkdir()
    for number, source in zip(range(1001, 1007), plate.frames.numbers[8:], strict=False):
        whole = read_frame(plate.path(source), source).rgb()
        small = cv2.resize(whole, (480, 270), interpolation=cv2.INTER_AREA)
        window = Window(0, 0, 480, 270)
        planes = {name: small[..., k].astype(np.float16) for k, name in enumerate("RGB")}
        planes["A"] = np.ones((270, 480), np.float16)
        header = {"colorInteropID": "lin_ap1_scene"}
        frame = Frame(number, planes, window, window, 1.0, SPACE, header)
        write_frame(root / "plate" / f"p.{number}.exr", frame)
    footage = write_footage(root / "demo", frames=1)
    actor = build_actor(
        [open_footage(footage.source, open_config(None))],
        open_config(None),
        name="small",
        consent=read_consent(footage.consent),
        max_views=2,
        settings=ActorSettings(cache_folder=root / "cache" / "observations"),
    )
    write_actor(root / "small.actor", actor)
    return SmallShot(root, str(root / "plate" / "p.%04d.exr"), root / "small.actor", root / "cache")
