"""Made-up faces for tests of tracks, and a small shot for tests of doors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

from faceplate.core import card as cards
from faceplate.core.actor import ActorSettings, build_actor, write_actor
from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.analysis.landmark import box_of_mesh
from faceplate.core.analysis.pose import head_pose
from faceplate.core.arrays import AnyArray, DoubleArray
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


CHANNELS = {"reenact": 101, "complete": 4, "blend": 7}
CUED = {"cued": 106}
"""A completion that is given cues besides."""


@dataclass(frozen=True)
class ToyModels:
    """A folder of generators that do something simple, behind the real loader."""

    folder: Path

    def picks(self, name: str, role: str, channels: Sequence[int], level: str = "fine") -> None:
        """Write a generator that answers with three channels of one of its levels."""
        initial = {"channels": np.array(channels)}
        nodes = [onnx.helper.make_node("Gather", [level, "channels"], ["picked"], axis=1)]
        if level == "fine":
            nodes.append(onnx.helper.make_node("Identity", ["picked"], ["picture"]))
        else:
            initial |= {"roi": np.zeros(0, np.float32), "scales": np.float32([1, 1, 2, 2])}
            given = ["picked", "roi", "scales"]
            nodes.append(onnx.helper.make_node("Resize", given, ["picture"], mode="nearest"))
        self._generator(name, role, nodes, initial)

    def paints(self, name: str, role: str, color: Sequence[float]) -> None:
        """Write a generator that answers with one colour, -1 to 1."""
        picture = np.broadcast_to(np.float32(color)[None, :, None, None], (1, 3, 256, 256))
        nodes = [onnx.helper.make_node("Identity", ["color"], ["picture"])]
        self._generator(name, role, nodes, {"color": picture.copy()})

    def random(self, name: str, role: str, seed: int) -> None:
        """Write a generator of the released layout, tiny and of random weights."""
        import torch  # takes seconds, and few tests need it

        from faceplate.core.nets.export import export_onnx
        from faceplate.core.nets.tensorfile import tensors_bytes
        from faceplate.core.nets.unet import MultiScaleResUNet

        torch.manual_seed(seed)
        network = MultiScaleResUNet(CHANNELS[role], 3, (1, 1, 1), 4).eval()
        inputs = self._inputs(CHANNELS[role])

        class Levels(torch.nn.Module):
            def forward(self, fine: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
                return network([fine, coarse])

        levels = Levels()
        levels.network = network
        content = export_onnx(name, levels.eval(), inputs, ["picture"]).content
        tensors = tensors_bytes({k: v.numpy() for k, v in network.state_dict().items()})
        (self.folder / f"{name}.safetensors").write_bytes(tensors)
        held = cards.Parameters(f"{name}.safetensors", hashlib.sha256(tensors).hexdigest())
        picture = cards.Tensor("picture", (3, 256, 256), "CHW", "d")
        self._write(name, content, inputs, (picture,), (), held)

    def sees_faces(self, name: str) -> None:
        """Write a segmenter to which everything is a face."""
        scores = np.zeros((1, 3, 256, 256), np.float32)
        scores[:, 1] = 1
        inputs = (cards.Tensor("picture", (256, 256, 3), "HWC", "d"),)
        outputs = (cards.Tensor("logits", (3, 256, 256), "CHW", "d"),)
        nodes = [onnx.helper.make_node("Identity", ["scores"], ["logits"])]
        content = self._graph(nodes, {"scores": scores}, inputs, outputs)
        self._write(name, content, inputs, outputs, ("background", "face", "hair"))

    def set_of(self, prefix: str, **picked: Sequence[int]) -> None:
        """Write a set that hands pictures through: the source, the new face, the pasted crop."""
        for role in CHANNELS:
            self.picks(f"{prefix}_{role}", role, picked.get(role, (0, 1, 2)))
        self.sees_faces(f"{prefix}_segment")

    @staticmethod
    def _inputs(channels: int) -> tuple[cards.Tensor, cards.Tensor]:
        fine = cards.Tensor("fine", (channels, 256, 256), "CHW", "d")
        return fine, cards.Tensor("coarse", (channels, 128, 128), "CHW", "d")

    def _generator(
        self, name: str, role: str, nodes: list[Any], initial: Mapping[str, AnyArray]
    ) -> None:
        inputs = self._inputs((CHANNELS | CUED)[role])
        outputs = (cards.Tensor("picture", (3, 256, 256), "CHW", "d"),)
        self._write(name, self._graph(nodes, initial, inputs, outputs), inputs, outputs, ())

    @staticmethod
    def _graph(
        nodes: list[Any],
        initial: Mapping[str, AnyArray],
        inputs: Sequence[cards.Tensor],
        outputs: Sequence[cards.Tensor],
    ) -> bytes:
        ends = [
            [
                onnx.helper.make_tensor_value_info(t.name, onnx.TensorProto.FLOAT, [1, *t.shape])
                for t in tensors
            ]
            for tensors in (inputs, outputs)
        ]
        held = [onnx.numpy_helper.from_array(value, key) for key, value in initial.items()]
        graph = onnx.helper.make_graph(nodes, "toy", *ends, held)
        opset = [onnx.helper.make_opsetid("", 17)]
        model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
        return bytes(model.SerializeToString())

    def _write(
        self,
        name: str,
        content: bytes,
        inputs: tuple[cards.Tensor, ...],
        outputs: tuple[cards.Tensor, ...],
        labels: tuple[str, ...],
        parameters: cards.Parameters | None = None,
    ) -> None:
        sha = hashlib.sha256(content).hexdigest()
        card = cards.ModelCard(
            name=name,
            task="a toy",
            file=f"{name}.onnx",
            sha256=sha,
            bytes=len(content),
            licence=cards.Licence("CC0-1.0", "a test"),
            origin=cards.Origin("faceplate", "tests", "0", name, sha),
            inputs=inputs,
            outputs=outputs,
            training="none",
            limits="all",
            clearance="open",
            labels=labels,
            parameters=parameters,
        )
        (self.folder / card.file).write_bytes(content)
        (self.folder / f"{name}.toml").write_text(cards.card_text(card), encoding="utf-8")


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> ToyModels:
    """Return a folder of toy generators, empty at first."""
    return ToyModels(tmp_path_factory.mktemp("toys"))
