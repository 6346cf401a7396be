"""Small sets of pictures in the layout of shards: heads that are drawn, not rendered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

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
