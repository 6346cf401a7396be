"""The perceptual network: it learns who and what is seen, and serves the losses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from faceplate.core.cli import app
from faceplate.core.errors import TrainingError
from faceplate.core.official import load_trainable
from faceplate.core.training.pairs import open_people
from faceplate.core.training.perceptual import ACTIONS, TAGS, marks_of, turns_of
from faceplate.core.training.tasks import kind_of, run_settings

QUICK = {"width": 4, "hidden": 32}


def test_a_short_training_lowers_the_loss_and_repeats_itself(
    train_small: Callable[..., Any], people_set: Path, tmp_path: Path
) -> None:
    stage = {"size_px": 32, "batch": 16, "steps": 60, "rate": 5e-3}

    run = train_small(tmp_path / "a", "perceptual", [str(people_set)], QUICK, **stage)
    again = train_small(
        tmp_path / "b", "perceptual", [str(people_set)], QUICK, **stage | {"steps": 2}
    )

    assert run.mean("attributes", slice(-5, None)) < 0.75 * run.mean("attributes", slice(0, 2))
    assert run.mean("total", slice(-5, None)) < 0.9 * run.mean("total", slice(0, 2))
    assert again.losses[0] == run.losses[0]
    assert set(run.scores[-1]) == {
        "persons known", "attributes right", "attributes by their commonest value",
    }  # fmt: skip


def test_marks_are_what_the_renderer_says(people_set: Path) -> None:
    people = open_people([str(people_set)])

    marks = marks_of(people)

    persons = people.pictures.column("identity")
    assert marks.shape == (24, len(TAGS) + len(ACTIONS))
    np.testing.assert_array_equal(marks[:, TAGS.index("beard")], persons % 2)
    np.testing.assert_array_equal(marks[:, TAGS.index("tone3")], persons % 6 == 3)
    acting = people.pictures.column("expression")
    np.testing.assert_array_equal(marks[:, len(TAGS)], acting[:, 26] > 0.3)  # jawOpen


@pytest.mark.parametrize(
    ("pose", "wanted"),
    [((20, 0, 0), [1, 0, 0, 0]), ((-20, -9, 50), [0, 1, 0, 1]), ((0, 8, 0), [0, 0, 1, 0])],
)
def test_turns_are_read_from_the_pose(pose: tuple[float, ...], wanted: list[int]) -> None:
    assert turns_of(np.array(pose, np.float32)).tolist() == wanted


def test_one_size_for_all_stages(people_set: Path) -> None:
    stages = [{"size_px": 32}, {"size_px": 64}]
    settings = run_settings({"network": "perceptual", "data": [str(people_set)], "stages": stages})

    with pytest.raises(TrainingError, match="one size"):
        kind_of("perceptual").build(settings, settings.task)


@pytest.mark.slow
def test_the_shipped_network_gives_features_to_a_generators_loss(
    people_set: Path, tmp_path: Path, train_small: Callable[..., Any]
) -> None:
    words = [
        "train", "perceptual", "--data", str(people_set), "--out", str(tmp_path / "p"),
        "--threads", "1", "--set", "workers=0", "--set", "task.width=4", "--set", "task.hidden=16",
        "--set", "stages=[{size_px=32,batch=4,steps=3}]",
    ]  # fmt: skip
    ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 0, ran.output

    net = {
        "judge_width": 4, "identity_model": "face_perceptual", "models": str(tmp_path / "p"),
    }  # fmt: skip
    stage = {"size_px": 32, "batch": 2, "steps": 2, "rate": 1e-3}
    task = {"net": net, "holdout": 0.25}
    with_features = train_small(tmp_path / "a", "blend", [str(people_set)], task, **stage)
    task["net"] = {"judge_width": 4}
    without = train_small(tmp_path / "b", "blend", [str(people_set)], task, **stage)

    assert with_features.losses[0]["generator"] > without.losses[0]["generator"]
    network = load_trainable("face_perceptual", folder=tmp_path / "p")
    assert not any(p.requires_grad for p in network.parameters())
    features = network.taps(torch.zeros(1, 3, 64, 64))
    assert [one.shape[1] for one in features] == [4, 4, 8, 16, 32]
