"""Completion: faces with holes, and what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faceplate.core.errors import TrainingError
from faceplate.core.stages.discs import landmark_discs
from faceplate.core.stages.mirror import mirrored_face
from faceplate.core.training.complete import (
    CompleteBatches,
    CompleteSettings,
    bent_outline,
    worsened,
)
from faceplate.core.training.tasks import kind_of, run_settings

NET = {"judge_width": 4, "pixel": 1.0}


def task_of(people_set: Path, **own: Any) -> Any:
    table = {
        "network": "complete", "data": [str(people_set)],
        "task": {"net": NET, "holdout": 0.25, **own}, "stages": [{"size_px": 48, "batch": 4}],
    }  # fmt: skip
    settings = run_settings(table)
    return kind_of("complete").build(settings, settings.task)


def test_a_short_training_lowers_the_loss_and_repeats_itself(
    train_small: Callable[..., Any], people_set: Path, tmp_path: Path
) -> None:
    stage = {"size_px": 32, "batch": 4, "steps": 30, "rate": 3e-3}
    task = {"net": NET, "holdout": 0.25}

    run = train_small(tmp_path / "a", "complete", [str(people_set)], task, **stage)
    again = train_small(tmp_path / "b", "complete", [str(people_set)], task, **stage | {"steps": 2})

    assert run.mean("generator", slice(-5, None)) < 0.5 * run.mean("generator", slice(0, 2))
    assert again.losses[0] == run.losses[0]
    assert {"hole l1", "given l1", "psnr"} <= set(run.scores[-1])


def test_what_is_given_is_a_face_with_holes_and_the_goal_a_whole_one(people_set: Path) -> None:
    task = task_of(people_set)
    batches = task.begin(run_settings({"network": "complete"}).stages[0], torch.device("cpu"))
    assert isinstance(batches, CompleteBatches)
    small = CompleteBatches(batches.people, batches.settings, task._run.stages[0])

    batch = {k: torch.from_numpy(v) for k, v in small(np.random.default_rng(1)).items()}
    given, goal, face = task._given(batch)

    assert given.shape == (4, 4, 48, 48)
    kept = batch["kept"][:, None] > 0
    assert (given[:, :3].amax(1, keepdim=True)[~kept] == -1).all()
    assert (goal.amax(1, keepdim=True)[face < 1] == -1).all()
    torch.testing.assert_close(given[:, 3:], face)
    holes = ((face > 0) & ~kept).float().mean((1, 2, 3)) / face.mean((1, 2, 3))
    assert ((holes > 0.02) & (holes < 0.9)).all()


def test_cues_are_what_the_engine_gives_and_holes_may_be_half_a_face(people_set: Path) -> None:
    task = task_of(people_set, cues=True, half=1.0, outline=0.0, worn=0.0)
    batches = task.begin(task._run.stages[0], torch.device("cpu"))

    made = batches(np.random.default_rng(1))
    batch = {k: torch.from_numpy(v) for k, v in made.items()}
    given, _, face = task._given(batch)
    (level,) = task._levels(batch, given)

    assert level.shape == (4, 106, 48, 48)
    lost = ((face > 0) & (batch["kept"][:, None] == 0)).float().mean((1, 2, 3))
    assert (lost / face.mean((1, 2, 3))).numpy() == pytest.approx(0.5, abs=0.3)
    for number in range(4):
        kept, points = made["kept"][number] > 0, made["points"][number]
        wanted = mirrored_face(given[number, :3].numpy(), kept, points)
        # OpenCV samples in steps of a 32nd of a pixel.
        assert np.abs(wanted - given[number, 4:].numpy()).max() < 0.08
        assert np.abs(wanted - given[number, 4:].numpy()).mean() < 0.01
        assert wanted[3].max() > 0.9
        discs = landmark_discs(points, 48)
        np.testing.assert_allclose(level[number, 8:].numpy(), discs, atol=1e-4)


def test_a_generator_with_cues_learns_and_says_that_it_is_ours(
    train_small: Callable[..., Any],
    people_set: Path,
    tmp_path: Path,
    as_trained: Callable[[Any], dict[str, Any]],
) -> None:
    stage = {"size_px": 32, "batch": 4, "steps": 30, "rate": 3e-3}
    task = {"net": NET, "holdout": 0.25, "cues": True, "half": 0.3}

    run = train_small(tmp_path, "complete", [str(people_set)], task, **stage)

    assert run.mean("generator", slice(-5, None)) < 0.5 * run.mean("generator", slice(0, 2))
    built = task_of(people_set, cues=True)
    (model,) = built.models(as_trained(built))
    assert "a design of ours" in model.task
    assert [one.shape for one in model.inputs] == [(106, 256, 256), (106, 128, 128)]


def test_the_worse_picture_is_softer_but_the_same_face() -> None:
    settings = CompleteSettings()
    rng = np.random.default_rng(0)
    codes = np.full((64, 64, 3), 60, np.uint8)
    codes[20:44, 20:44] = 200
    codes[::2, ::2] += 40

    found = [worsened(codes, rng, settings) for _ in range(20)]

    def detail(picture: np.ndarray) -> float:
        return float(np.abs(np.diff(picture.astype(float), axis=0)).mean())

    assert np.mean([detail(one) for one in found]) < 0.6 * detail(codes)
    means = np.array([one[24:40, 24:40].mean() for one in found])
    assert abs(means.mean() - codes[24:40, 24:40].mean()) < 15 and means.std() > 2


def test_the_outline_stays_near_and_wears_off() -> None:
    y, x = np.mgrid[:128, :128]
    face = np.hypot(x - 64, y - 64) < 40
    rng = np.random.default_rng(0)

    found = [bent_outline(face, rng, CompleteSettings()) for _ in range(20)]

    shared = [(one & face).sum() / (one | face).sum() for one in found]
    assert 0.5 < min(shared) < max(shared) < 1
    assert np.mean([one.sum() for one in found]) < face.sum()
    same = bent_outline(face, rng, CompleteSettings(outline=0.0, worn=0.0))
    np.testing.assert_array_equal(same, face)


@pytest.mark.slow
def test_a_frozen_reenactment_network_draws_what_is_completed(
    people_set: Path, tmp_path: Path, as_trained: Callable[[Any], dict[str, Any]]
) -> None:
    from faceplate.core.training.cards import card_of, write_model
    from faceplate.core.training.checkpoint import Position
    from faceplate.core.training.export import Exported

    table = {"network": "reenact", "data": [str(people_set)], "task": {"net": NET, "holdout": 0.25}}
    settings = run_settings(table)
    other = kind_of("reenact").build(settings, settings.task)
    (model,) = other.models(as_trained(other))
    exported = Exported(b"no network", 0.0, 0.0)
    weights = tmp_path / "weights"
    weights.write_bytes(b"")
    card = card_of(model, exported, settings, Position(), weights=weights, metrics={})
    write_model(tmp_path, card, exported, model)

    task = task_of(people_set, reenactor="fsgan_reenact", net={**NET, "models": str(tmp_path)})
    batches = task.begin(task._run.stages[0], torch.device("cpu"))
    batch = {k: torch.from_numpy(v) for k, v in batches(np.random.default_rng(1)).items()}
    given, _, _ = task._given(batch)

    network = {name: part.network for name, part in other.parts.items()}["generator"]
    from faceplate.core.training.contest import signed
    from faceplate.core.training.reenact import reenacted

    wanted = reenacted(network, signed(batch["new"]), batch["points"], 1)
    kept = batch["kept"][:, None].expand(-1, 3, -1, -1) > 0
    torch.testing.assert_close(given[:, :3][kept], wanted[kept])
    with pytest.raises(TrainingError, match="fsgan_reenact is no perceptual"):
        task_of(
            people_set,
            net={**NET, "identity_model": "fsgan_reenact", "models": str(tmp_path)},
        )
