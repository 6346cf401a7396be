"""The landmark transformer's task: it learns, repeats itself, and is judged by the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faceplate.core.errors import TrainingError
from faceplate.core.nets.load import load_network
from faceplate.core.stages.turn import turn_landmarks, turn_rigidly
from faceplate.core.synth.standin import procedural_head
from faceplate.core.training.tasks import kind_of, run_settings
from faceplate.core.training.transformer import (
    TransformerSettings,
    TurnBatches,
    errors_by_distance,
)

QUICK: dict[str, Any] = {"hidden": 64, "expressions": 100}


def batches(**changes: Any) -> TurnBatches:
    settings = run_settings({"network": "transformer", "task": {**QUICK, **changes}})
    task = kind_of("transformer").build(settings, settings.task)
    made = task.begin(settings.stages[0], torch.device("cpu"))
    assert isinstance(made, TurnBatches)
    return made


def test_a_short_training_more_than_halves_the_loss_and_repeats_itself(
    train_small: Callable[..., Any], tmp_path: Path
) -> None:
    stage = {"size_px": 8, "batch": 16, "steps": 60, "rate": 3e-3}

    run = train_small(tmp_path / "a", "transformer", [], QUICK, **stage)
    again = train_small(tmp_path / "b", "transformer", [], QUICK, **{**stage, "steps": 3})

    assert run.mean("total", slice(-6, None)) < 0.5 * run.mean("total", slice(0, 3))
    assert [row["total"] for row in again.losses[:1]] == [run.losses[0]["total"]]
    assert set(run.losses[0]) == {"total", "turn", "cycle", "composition", "identity"}


def test_three_views_of_a_head_differ_by_pose_alone() -> None:
    made = batches(roll=0.0, pitch=0.0)(np.random.default_rng(0))

    points = made["points"]

    assert points.shape == (32, 3, 98, 2)
    # Without roll and pitch, and from afar, every point keeps its height.
    heights = points[..., 1] - points[..., 1].mean(axis=2, keepdims=True)
    assert np.abs(heights[:, 0] - heights[:, 1]).max() < 0.4 * np.abs(heights).max()
    assert (made["eyes"] > 6).all() and (made["eyes"] < 14).all()


def test_an_error_is_a_share_of_the_distance_of_the_eyes() -> None:
    made = batches()(np.random.default_rng(1))
    truth = made["points"][:, 1]
    shift = np.zeros_like(truth)
    shift[:, ::2] = 1.0  # half of the points a centimetre to the right

    exact = errors_by_distance(lambda *_: truth + 7.0, made)
    off = errors_by_distance(lambda *_: truth + shift * made["eyes"][:, None, None], made)

    assert max(exact.values()) < 1e-6
    # About the common middle each point is off by half a unit in both directions.
    assert all(value == pytest.approx(np.hypot(0.5, 0.5), rel=1e-4) for value in off.values())


def test_the_rigid_way_is_good_for_small_turns_and_worse_for_large_ones() -> None:
    settings = TransformerSettings(**QUICK)
    made = batches()
    heads = TurnBatches(made.head, made.acting, settings, 600)(np.random.default_rng(2))

    errors = list(errors_by_distance(turn_rigidly, heads).values())

    assert errors == sorted(errors)
    assert errors[0] < 0.03 < errors[-1] < 0.2


@pytest.mark.slow
def test_the_shipped_file_turns_landmarks_of_any_unit(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from faceplate.core.cli import app

    words = [
        "train", "transformer", "--out", str(tmp_path), "--threads", "1", "--steps", "40",
        "--set", "workers=0", "--set", "task.hidden=64", "--set", "task.expressions=50",
    ]  # fmt: skip

    ran = CliRunner().invoke(app, words)

    assert ran.exit_code == 0, ran.output
    network = load_network("landmark_transformer", folder=tmp_path)
    assert "design of ours" in network.card.training
    points = batches()(np.random.default_rng(0))["points"][:4, 0]
    pose, wanted = np.zeros((4, 3)), np.tile([20.0, 5.0, 0.0], (4, 1))
    small = turn_landmarks(network, points, pose, wanted)
    large = turn_landmarks(network, points * 30 + 100, pose, wanted)
    np.testing.assert_allclose(large, small * 30 + 100, atol=0.01)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"data": ["a", "b"]}, "one head model"),
        ({"data": ["nowhere.npz"]}, "nowhere.npz is no file"),
        ({"validation": ["a"]}, "needs no other data"),
    ],
)
def test_data_that_cannot_be_used_is_refused(table: dict[str, Any], said: str) -> None:
    settings = run_settings({"network": "transformer", **table})

    with pytest.raises(TrainingError, match=said):
        kind_of("transformer").build(settings, settings.task)


def test_the_stand_in_has_landmarks_to_learn_from() -> None:
    head = procedural_head()

    assert batches().head.identities == len(head.identity_modes)
