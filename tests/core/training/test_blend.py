"""Blending: pasted faces, mattes, and the solver's picture as the goal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faceplate.core.training.blend import BlendBatches, matte_within, warp_between
from faceplate.core.training.pairs import View
from faceplate.core.training.tasks import kind_of, run_settings

NET = {"judge_width": 4, "pixel": 1.0}


def batches(people_set: Path) -> BlendBatches:
    table = {
        "network": "blend", "data": [str(people_set)], "task": {"net": NET, "holdout": 0.25},
        "stages": [{"size_px": 64, "batch": 6}],
    }  # fmt: skip
    settings = run_settings(table)
    task = kind_of("blend").build(settings, settings.task)
    made = task.begin(settings.stages[0], torch.device("cpu"))
    assert isinstance(made, BlendBatches)
    return made


def test_a_short_training_lowers_the_loss_and_repeats_itself(
    train_small: Callable[..., Any], people_set: Path, tmp_path: Path
) -> None:
    stage = {"size_px": 32, "batch": 4, "steps": 30, "rate": 3e-3}
    task = {"net": NET, "holdout": 0.25}

    run = train_small(tmp_path / "a", "blend", [str(people_set)], task, **stage)
    again = train_small(tmp_path / "b", "blend", [str(people_set)], task, **stage | {"steps": 2})

    assert run.mean("generator", slice(-5, None)) < 0.7 * run.mean("generator", slice(0, 2))
    assert again.losses[0] == run.losses[0]
    assert {"pasted l1", "outside l1", "psnr"} <= set(run.scores[-1])


def test_the_goal_is_the_plate_outside_and_has_the_new_faces_gradients_inside(
    people_set: Path,
) -> None:
    batch = batches(people_set)(np.random.default_rng(0))

    inside = batch["matte"] > 0
    plate, new = (batch[name].astype(np.float32) / 127.5 - 1 for name in ("plate", "new"))

    assert (inside.sum((1, 2)) > 50).all()
    np.testing.assert_allclose(batch["goal"][~inside], plate[~inside], atol=1e-6)
    both = inside[:, 1:] & inside[:, :-1] & (np.abs(batch["goal"][:, 1:]).max(3) < 1)
    found, wanted = np.diff(batch["goal"], axis=1)[both], np.diff(new, axis=1)[both]
    assert (
        np.abs(found - wanted).mean() < 0.5 * np.abs(np.diff(plate, axis=1)[both] - wanted).mean()
    )


def view(points: np.ndarray, side: int = 64) -> View:
    return View(
        np.zeros((side, side, 3), np.float32), np.zeros((side, side, 6), np.uint8),
        points.astype(np.float32), np.zeros(3, np.float32),
    )  # fmt: skip


@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_a_similarity_of_landmarks_is_a_similarity_everywhere(angle: float) -> None:
    points = np.random.default_rng(0).uniform(0.2, 0.8, (98, 2))
    turn = 0.9 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    warp = warp_between(view(points @ turn.T + [0.05, 0.1]), view(points))

    x, y = np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5)
    wanted = np.stack([x, y], axis=2) @ turn.T + [0.05 * 64, 0.1 * 64] - 0.5
    np.testing.assert_allclose(warp, wanted, atol=0.05)  # OpenCV's steps are 1/32 pixel


def test_a_matte_lies_within_both_faces_and_off_the_new_ones_rim() -> None:
    y, x = np.mgrid[:64, :64]
    new, plate = np.hypot(x - 32, y - 32) < 20, x < 40

    found = matte_within(new, plate, 9)

    assert not (found & ~plate).any()
    distance = np.hypot(x - 32, y - 32)
    assert distance[found].max() < 17 and found.sum() > 500
