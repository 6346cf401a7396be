"""`faceplate train`, from pictures to a model."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tomllib
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner

from faceplate.core.cli import app
from faceplate.core.nets.load import load_network
from faceplate.core.training.progress import read_losses

QUICK = [
    "--threads", "1", "--set", "workers=0", "--set", "draw_every=20", "--set", "validate_every=20",
    "--set", "stages=[{size_px=64,batch=6,steps=30,rate=4e-3},{size_px=96,batch=2,steps=6}]",
    "--set", "task.camera.motion=0.0", "--set", "task.camera.exposure=0.1",
    "--set", "task.holdout=0.2", "--set", "decay=0.9",
]  # fmt: skip


def train(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["train", *words])
    return result.exit_code, result.output


@pytest.mark.slow
def test_a_small_training_learns_and_ships(made_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"

    code, said = train("segment", "--data", str(made_set), "--out", str(out), *QUICK)

    assert code == 0, said
    rows = [row for row in read_losses(out) if "total" in row]
    losses = [row["total"] for row in rows]
    assert [row["step"] for row in rows] == list(range(1, 37))
    assert np.mean(losses[-6:]) < 0.75 * np.mean(losses[:3])
    picture = np.random.default_rng(0).random((1, 256, 256, 3), np.float32)
    network = load_network("face_segment", folder=out)
    assert network.run(picture)[0].shape == (1, 256, 256, 6)
    assert "30 steps of 6 at 64 px, 6 steps of 2 at 96 px" in network.card.training
    report = json.loads((out / "report.json").read_text())
    assert report["position"]["done"] == 36
    assert report["metrics"]["iou face"] > 0.2
    board = EventAccumulator(str(out / "board"))
    board.Reload()
    assert "loss/total" in board.Tags()["scalars"] and "labels" in board.Tags()["images"]

    settings = tomllib.loads((out / "settings.toml").read_text())
    assert [stage["steps"] for stage in settings["stages"]] == [30, 6]
    assert settings["task"]["camera"]["motion"] == 0.0
    code, said = train("segment", "--data", str(made_set), "--out", str(out))
    assert code == 2 and "holds a run already" in said
    before = (out / "face_segment.onnx").read_bytes()
    code, said = train("segment", "--out", str(out), "--export")
    assert code == 0, said
    assert (out / "face_segment.onnx").read_bytes() == before


@pytest.mark.slow
def test_a_signal_ends_a_run_after_its_step_and_it_goes_on(made_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [
        sys.executable, "-m", "faceplate.core.cli", "train", "segment", "--data", str(made_set),
        "--out", str(out), "--threads", "1", "--set", "stages=[{size_px=32,batch=2,steps=9999}]",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    board = out / "board"
    deadline = time.monotonic() + 60
    while not (board.exists() and any(board.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 143
    found = re.search(r"Stopped after step (\d+) of 9999", said)
    assert found
    done = int(found.group(1))
    assert [row["step"] for row in read_losses(out)] == list(range(1, done + 1))
    words = ["--out", str(out), "--resume", "--steps", str(done + 3), "--set", "workers=0"]
    code, said = train("segment", *words)
    assert code == 0, said
    assert [row["step"] for row in read_losses(out) if "total" in row] == list(range(1, done + 4))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dream"], "no network called dream"),
        (["segment", "--set", "stepz=3"], "unknown key stepz"),
        (["segment", "--config", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["segment", "--export"], "holds no run"),
        (["segment"], "No data is named"),
        (["segment", "--data", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_sentence(
    words: list[str], said: str, tmp_path: Path
) -> None:
    code, text = train(*words, "--out", str(tmp_path / "run"))

    assert code == 2
    assert said in text.replace("\n", " ")
    assert "Traceback" not in text
    assert not (tmp_path / "run" / "state.safetensors").exists()


def test_pictures_kept_for_validation_are_never_learnt_from(
    tmp_path: Path, write_set: Callable[[Path, list[int]], Path]
) -> None:
    from faceplate.core.training.tasks import kind_of, run_settings

    folder = write_set(tmp_path / "set", [9_998, 9_999, 10_000, 10_999, 11_000])
    settings = run_settings({"network": "segment", "data": [str(folder)], "task": {"holdout": 0.0}})

    batches = (
        kind_of("segment")
        .build(settings, settings.task)
        .begin(settings.stages[0], torch.device("cpu"))
    )

    assert batches.numbers == ((0, 1, 4),)  # type: ignore[attr-defined]
