"""Reenactment: what a batch holds, and that all forms of the task learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faceplate.core.stages.discs import landmark_discs
from faceplate.core.training.pairs import Framing, open_people
from faceplate.core.training.reenact import ReenactBatches, disc_maps, halfway_points, labels_of
from faceplate.core.training.tasks import kind_of, run_settings

NET = {"judge_width": 4, "pixel": 1.0}
STAGE = {"size_px": 32, "batch": 4, "steps": 30, "rate": 3e-3}


@pytest.mark.parametrize("side", [64, 128])
def test_discs_are_those_of_the_engine(side: int) -> None:
    points = np.random.default_rng(0).uniform(-0.2, 1.2, (2, 98, 2)).astype(np.float32)

    found = disc_maps(torch.from_numpy(points), side).numpy()

    for one, maps in zip(points, found, strict=True):
        np.testing.assert_allclose(maps, landmark_discs(one, side), atol=2e-5)


def test_a_short_training_lowers_the_loss_and_repeats_itself(
    train_small: Callable[..., Any], people_set: Path, tmp_path: Path
) -> None:
    task = {"net": NET, "holdout": 0.25}

    run = train_small(tmp_path / "a", "reenact", [str(people_set)], task, **STAGE)
    again = train_small(tmp_path / "b", "reenact", [str(people_set)], task, **STAGE | {"steps": 2})

    assert run.mean("generator", slice(-5, None)) < 0.7 * run.mean("generator", slice(0, 2))
    assert again.losses[0] == run.losses[0]
    assert {"l1", "psnr", "ssim", "source l1"} <= set(run.scores[-1])


@pytest.mark.slow
def test_two_steps_and_labels_learn_together(
    train_small: Callable[..., Any],
    as_trained: Callable[[Any], dict[str, Any]],
    people_set: Path,
    tmp_path: Path,
) -> None:
    task = {"net": {**NET, "labels": True}, "holdout": 0.25, "stepwise": True, "seg": 0.5}

    run = train_small(tmp_path, "reenact", [str(people_set)], task, **STAGE)

    assert run.mean("generator", slice(-5, None)) < 0.8 * run.mean("generator", slice(0, 2))
    (model,) = run.task.models(as_trained(run.task))
    assert [out.name for out in model.outputs] == ["picture", "labels"]


def batches(people_set: Path) -> ReenactBatches:
    table = {
        "network": "reenact", "data": [str(people_set)], "task": {"net": NET, "holdout": 0.25},
        "stages": [{"size_px": 48, "batch": 5}],
    }  # fmt: skip
    settings = run_settings(table)
    task = kind_of("reenact").build(settings, settings.task)
    made = task.begin(settings.stages[0], torch.device("cpu"))
    assert isinstance(made, ReenactBatches)
    return made


def test_a_batch_describes_the_target(people_set: Path) -> None:
    batch = batches(people_set)(np.random.default_rng(0))

    assert batch["source"].shape == batch["target"].shape == (5, 48, 48, 3)
    assert batch["points"].shape == batch["halfway"].shape == (5, 98, 2)
    # Eyes are painted black: at their middles the target is darker than the face around.
    for codes, points, face in zip(batch["target"], batch["points"], batch["face"], strict=True):
        x, y = (points[60:68].mean(axis=0) * 48).astype(int)
        assert codes[y, x].mean() < codes[face > 0].mean()
        assert ((batch["labels"][0] == 1) == (batch["face"][0] > 0)).mean() > 0.97


def test_half_way_lies_half_way(people_set: Path) -> None:
    people = open_people([str(people_set)])
    first, second, *_ = people.views[0]
    source, target = (people.view(number, Framing(), 48) for number in (first, second))

    middle = halfway_points(source, target)

    goal = (source.points.mean(axis=0) + target.points.mean(axis=0)) / 2
    np.testing.assert_allclose(middle.mean(axis=0), goal, atol=1e-5)
    # Drawn faces are rigid, so half way and half way again is the target's shape.
    np.testing.assert_allclose(halfway_points(source, source), source.points, atol=1e-5)


def test_a_pixel_is_labelled_by_what_covers_most_of_it() -> None:
    coverage = np.zeros((1, 4, 6), np.uint8)
    coverage[0, range(4), [1, 2, 4, 3]] = 200
    coverage[0, :, 0] = 55

    assert labels_of(coverage).tolist() == [[1, 2, 1, 0]]
