"""Small sets of pictures in the layout of shards: heads that are drawn, not rendered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from faceplate.core.stages.turn import mean_landmarks, turn_rigidly
from faceplate.core.training.checkpoint import Position
from faceplate.core.training.fit import fit
from faceplate.core.training.task import Validation
from faceplate.core.training.tasks import kind_of, run_settings

SIDE = 64


def draw(seed: int) -> dict[str, np.ndarray]:
    """An ellipse of skin with hair, mouth and neck, sometimes behind a bar."""
    rng = np.random.default_rng(seed)
    scale = 8
    big = SIDE * scale
    labels = np.zeros((big, big), np.uint8)
    x, y = rng.uniform(0.45, 0.55, 2) * big
    height = rng.uniform(0.4, 0.6) * big
    axes = (int(height * 0.36), int(height * 0.5))
    cv2.rectangle(labels, (int(x - axes[0] / 2), int(y)), (int(x + axes[0] / 2), big), 5, -1)
    cv2.ellipse(labels, (int(x), int(y - 0.12 * height)), (axes[0] + 40, axes[1]), 0, 0, 360, 2, -1)
    cv2.ellipse(labels, (int(x), int(y)), axes, 0, 0, 360, 1, -1)
    mouth = (int(x), int(y + 0.25 * height))
    cv2.ellipse(labels, mouth, (axes[0] // 3, axes[0] // 5), 0, 0, 360, 4, -1)
    hand = seed % 2 == 0
    if hand:
        top = int(rng.uniform(0.3, 0.7) * big)
        cv2.rectangle(labels, (0, top), (big, top + big // 8), 3, -1)
    one_hot = (labels[..., None] == np.arange(6)).astype(np.float32)
    coverage = cv2.resize(one_hot, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    light = np.array(
        [[0.1, 0.2, 0.3], [0.6, 0.4, 0.3], [0.1, 0.05, 0.02], [0.1, 0.5, 0.1], [0.3, 0, 0],
         [0.4, 0.3, 0.3]], np.float32
    )  # fmt: skip
    linear = coverage @ light * np.exp(rng.normal(0, 0.3))
    points = np.zeros((98, 2), np.float32)
    points[16] = (x, y + height / 2)
    points[16] /= scale
    points[96] = np.array([x - axes[0] / 2, y - 0.1 * height]) / scale
    points[97] = np.array([x + axes[0] / 2, y - 0.1 * height]) / scale
    tags = f"tone{seed % 3}" + (" hand" if hand else "")
    return {
        "rgb": linear.astype(np.float16),
        "coverage": np.rint(coverage * 255).astype(np.uint8),
        "wflw98": points,
        "pose": np.array([rng.uniform(-60, 60), 0, 0], np.float32),
        "tags": np.array(tags),
        "seeds": np.array(seed),
        "identity": np.array(seed // 2),
    }


def write(folder: Path, seeds: list[int], per_shard: int = 8) -> Path:
    folder.mkdir(parents=True)
    shards = []
    for first in range(0, len(seeds), per_shard):
        heads = [draw(seed) for seed in seeds[first : first + per_shard]]
        name = f"shard{first // per_shard:03d}.npz"
        np.savez(
            folder / name, **{key: np.stack([head[key] for head in heads]) for key in heads[0]}
        )
        shards.append({"file": name, "count": len(heads)})
    index = {"version": 1, "size": SIDE, "shards": shards}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def draw_view(person: int, view: int) -> dict[str, np.ndarray]:
    """A person as a shaded egg whose eyes and mouth go where the landmarks are."""
    who = np.random.default_rng(person)
    rng = np.random.default_rng([person, view])
    pose = rng.uniform(-1, 1, 3) * [40, 15, 10]
    turned = turn_rigidly(frontal()[None], np.zeros((1, 3)), pose[None])[0]
    scale, scale_px = 8, SIDE * 8
    points = (turned * 0.028 * who.uniform(0.9, 1.1) + 0.5) * scale_px
    skin, lips, wall = (who.uniform(low, high, 3) for low, high in ((0.2, 0.7), (0, 0.3), (0, 1)))
    labels = np.zeros((scale_px, scale_px), np.uint8)
    top = points[33:51].mean(axis=0) * 2 - points[51:60].mean(axis=0)
    outline = cv2.convexHull(np.concatenate([points[:33], top[None]]).astype(np.int32))
    cv2.circle(labels, [int(v) for v in (points[33:51].mean(axis=0))], scale_px // 4, 2, -1)
    cv2.fillPoly(labels, [outline], 1)
    cv2.fillPoly(labels, [points[88:96].astype(np.int32)], 4)
    coverage = cv2.resize(
        (labels[..., None] == np.arange(6)).astype(np.float32), (SIDE, SIDE), interpolation=3
    )
    paint = np.array([wall, skin, lips / 2, wall, lips, skin], np.float32)
    picture = paint[labels]
    for eye in (60, 68):
        cv2.fillPoly(picture, [points[eye : eye + 8].astype(np.int32)], (0.02, 0.02, 0.02))
    return {
        "rgb": cv2.resize(picture, (SIDE, SIDE), interpolation=3).astype(np.float16),
        "coverage": np.rint(coverage * 255).astype(np.uint8),
        "wflw98": (points / scale).astype(np.float32),
        "pose": pose.astype(np.float32),
        "expression": rng.random(53).astype(np.float32),
        "tags": np.array(f"tone{person % 6}" + (" beard" if person % 2 else "")),
        "seeds": np.array(person * 10 + view),
        "identity": np.array(person),
        "view": np.array(view),
    }


def frontal() -> np.ndarray:
    """The mean face's landmarks as they are seen, cm."""
    return mean_landmarks()[:, :2] * [1, -1]


@dataclass
class Run:
    """What came of a small training."""

    losses: list[dict[str, float]] = field(default_factory=list)
    scores: list[Mapping[str, float]] = field(default_factory=list)
    task: Any = None

    def begin(self, position: Position, total: int) -> None: ...

    def step(self, position: Position, losses: Mapping[str, float], rate: float) -> None:
        self.losses.append(dict(losses))

    def validated(self, position: Position, validation: Validation, best: bool) -> None:
        self.scores.append(validation.numbers)

    def drawn(self, position: Position, pictures: Mapping[str, Any]) -> None: ...

    def warn(self, text: str) -> None: ...

    def mean(self, name: str, part: slice) -> float:
        return float(np.mean([row[name] for row in self.losses[part]]))


def small_run(
    folder: Path, network: str, data: list[str], task: dict[str, Any], **stage: Any
) -> Run:
    """Train from seed 0 in one short stage, in this process and without workers."""
    table = {
        "network": network, "data": data, "task": task, "workers": 0, "validate_on": 4,
        "draw_every": 10_000, "save_every": 10_000, "decay": 0.9, "stages": [stage],
    }  # fmt: skip
    settings = run_settings(table)
    torch.manual_seed(settings.seed)
    run = Run(task=kind_of(network).build(settings, settings.task))
    folder.mkdir(parents=True, exist_ok=True)
    fit(run.task, settings, folder, run, device="cpu", should_stop=lambda: False)
    return run


@pytest.fixture
def as_trained() -> Callable[[Any], dict[str, Any]]:
    """Gives a task's networks as if every layer had seen a batch, ready to be shipped."""

    def networks(task: Any) -> dict[str, Any]:
        for part in task.parts.values():
            for name, buffer in part.network.named_buffers():
                if name.endswith("num_batches_tracked"):
                    buffer.fill_(1)
        return {name: part.network.eval() for name, part in task.parts.items()}

    return networks


@pytest.fixture
def train_small() -> Callable[..., Run]:
    """Trains a network on little; see `small_run`."""
    return small_run


@pytest.fixture(scope="session")
def people_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight drawn persons with three views each."""
    folder = tmp_path_factory.mktemp("people")
    views = [draw_view(person, view) for person in range(8) for view in range(3)]
    np.savez(folder / "shard0.npz", **{k: np.stack([v[k] for v in views]) for k in views[0]})
    shards = [{"file": "shard0.npz", "count": len(views)}]
    (folder / "index.json").write_text(json.dumps({"version": 1, "size": SIDE, "shards": shards}))
    return folder


@pytest.fixture(scope="session")
def made_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("sets") / "train", list(range(40)))


@pytest.fixture
def drawn_head() -> Callable[[int], dict[str, np.ndarray]]:
    """Gives the arrays of one picture by its seed."""
    return draw


@pytest.fixture
def write_set() -> Callable[[Path, list[int]], Path]:
    """Writes a set of pictures by their seeds into a new folder."""
    return write


@pytest.fixture(autouse=True)
def one_thread() -> Callable[[], None]:
    torch.set_num_threads(1)
    return lambda: None
