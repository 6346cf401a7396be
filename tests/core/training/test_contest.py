"""What the generators' tasks share: levels of a stage, presets, what counts, what is shipped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faceplate.core.card import ModelCard, Parameters
from faceplate.core.errors import TrainingError
from faceplate.core.nets.structure import GENERATORS
from faceplate.core.official import load_trainable
from faceplate.core.training.cards import card_of, write_model
from faceplate.core.training.checkpoint import Position, save_weights
from faceplate.core.training.contest import (
    GENERATOR,
    JUDGE,
    Contest,
    ContestSettings,
    as_plane,
    sheet,
    signed,
    unsigned,
)
from faceplate.core.training.export import Exported, export_model
from faceplate.core.training.pairs import People, Pictures
from faceplate.core.training.settings import RunSettings, StageSettings

SMALL = ContestSettings(judge_width=4)


def contest(
    settings: ContestSettings = SMALL, light: str = "light_blend", seed: int = 0
) -> Contest:
    return Contest(settings, light, seed=seed, gan=0.1)


def learning(network: torch.nn.Module) -> set[str]:
    return {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad}


@pytest.mark.parametrize(("size", "levels"), [(64, 1), (128, 1), (256, 2), (512, 2)])
def test_a_stage_uses_the_levels_that_the_released_training_does(size: int, levels: int) -> None:
    made = contest()

    made.begin(StageSettings(size_px=size), torch.device("cpu"))

    assert made.levels == levels
    generator, judge = (made.parts[name].network for name in (GENERATOR, JUDGE))
    assert learning(generator) == ({"base"} if levels == 1 else {"base", "enhancer1"})
    assert learning(judge) == {f"layer{k}" for k in range(levels)}
    out = [n for n, p in generator.named_parameters() if "base.out_conv" in n and p.requires_grad]
    assert bool(out) is (levels == 1)


def test_every_parameter_that_learns_gets_a_gradient() -> None:
    for size in (32, 144):
        made = contest()
        made.begin(StageSettings(size_px=size), torch.device("cpu"))
        networks = {name: part.network for name, part in made.parts.items()}
        pyramid = [torch.randn(2, 7, size >> k, size >> k) for k in range(made.levels)]
        goal = torch.rand(2, 3, size, size)
        seen: dict[str, set[str]] = {}

        def update(
            name: str,
            loss: torch.Tensor,
            networks: dict[str, torch.nn.Module] = networks,
            seen: dict[str, set[str]] = seen,
        ) -> None:
            networks[name].zero_grad()
            loss.backward()
            learnt = networks[name].named_parameters()
            seen[name] = {n for n, p in learnt if p.requires_grad and p.grad is None}

        found = networks[GENERATOR](pyramid)
        losses = made.learn(networks, update, made.loss(networks, found, goal), found, goal)

        assert seen == {GENERATOR: set(), JUDGE: set()}
        assert losses["judge"] > 0


def test_the_same_seed_gives_the_same_networks() -> None:
    first, same, other = contest(), contest(), contest(seed=1)

    weights = [next(iter(c.parts[GENERATOR].network.parameters())) for c in (first, same, other)]

    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=0)
    assert not torch.equal(weights[0], weights[2])
    assert weights[0].std().item() == pytest.approx(0.02, rel=0.1)


def test_weights_without_the_finer_level_never_count_as_the_best() -> None:
    class Constant:
        def __call__(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
            return {"x": np.zeros(1, np.float32)}

    made, scores = contest(), []
    networks = {name: part.network for name, part in made.parts.items()}
    for size, error in ((128, 0.01), (256, 0.9)):
        made.begin(StageSettings(size_px=size), torch.device("cpu"))
        row = {"l1": error}
        found = made.validate(networks, lambda stage: Constant(), lambda batch, row=row: row, 4, 0)
        scores.append(found.score)

    assert scores[0] < scores[1]


def test_what_counts_less_is_led_to_the_goal() -> None:
    found, goal, face = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2), torch.zeros(1, 1, 2, 2)
    face[..., 0] = 1

    mixed = contest(replace(SMALL, elsewhere=0.25)).mixed(found, goal, face)

    assert mixed[0, 0].tolist() == [[0, 0.75], [0, 0.75]]
    assert contest().mixed(found, goal, face) is found


def test_a_structure_may_be_larger_but_has_the_same_task() -> None:
    large = contest(replace(SMALL, structure="small_blend"))
    wanted = GENERATORS["small_blend"].build()
    count = sum(p.numel() for p in large.parts[GENERATOR].network.parameters())
    assert count == sum(p.numel() for p in wanted.parameters())

    with pytest.raises(TrainingError, match="no generator of structure dream"):
        contest(replace(SMALL, structure="dream"))
    with pytest.raises(TrainingError, match="another task"):
        contest(replace(SMALL, structure="paper_reenact"))


def test_a_perceptual_network_must_be_one(
    tmp_path: Path, as_trained: Callable[[Any], dict[str, Any]]
) -> None:
    shipped(tmp_path, as_trained)

    with pytest.raises(TrainingError, match="fsgan_tiny is no perceptual network"):
        contest(replace(SMALL, identity_model="fsgan_tiny", models=str(tmp_path)))


NetworksOf = Callable[[Any], dict[str, Any]]


def shipped(folder: Path, as_trained: NetworksOf) -> tuple[Contest, ModelCard, Exported]:
    """A generator with random weights as a run ships it."""
    made = contest()
    networks = as_trained(made)
    nobody = People(Pictures(()), (), np.zeros((0, 3), np.float32))
    model = made.model(networks, "fsgan_tiny", nobody, how=", noise", limits="All.")
    exported = export_model(model)
    weights = folder / "best.safetensors"
    save_weights(weights, {GENERATOR: networks[GENERATOR].state_dict()})
    settings = RunSettings("blend")
    card = card_of(model, exported, settings, Position(), weights=weights, metrics={})
    write_model(folder, card, exported, model)
    return made, card, exported


def test_a_generator_whose_finer_level_has_not_learnt_is_not_shipped() -> None:
    made = contest()
    networks = {name: part.network for name, part in made.parts.items()}
    made.begin(StageSettings(size_px=64), torch.device("cpu"))
    networks[GENERATOR]([torch.zeros(2, 7, 64, 64)])
    nobody = People(Pictures(()), (), np.zeros((0, 3), np.float32))

    with pytest.raises(TrainingError, match="finer level has not learnt"):
        made.model(networks, "fsgan_tiny", nobody, limits="All.")


@pytest.mark.slow
def test_a_shipped_generator_has_the_engines_inputs_and_can_be_trained_further(
    tmp_path: Path, as_trained: NetworksOf
) -> None:
    made, card, exported = shipped(tmp_path, as_trained)

    again = load_trainable("fsgan_tiny", folder=tmp_path)

    assert [(one.name, one.shape) for one in card.inputs] == [
        ("fine", (7, 256, 256)),
        ("coarse", (7, 128, 128)),
    ]
    assert [(one.name, one.shape) for one in card.outputs] == [("picture", (3, 256, 256))]
    assert card.training.startswith("Small weights of ours, not the published ones.")
    assert exported.difference < 1e-4 and exported.rounding < 2e-2
    assert isinstance(card.parameters, Parameters)
    for key, tensor in made.parts[GENERATOR].network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[key], tensor, rtol=0, atol=0)


def test_codes_go_to_the_networks_and_back() -> None:
    codes = torch.arange(48, dtype=torch.uint8).reshape(1, 4, 4, 3) * 5

    there = signed(codes)

    assert there.shape == (1, 3, 4, 4)
    back = unsigned(there).permute(0, 2, 3, 1) * 255
    torch.testing.assert_close(back.round().byte(), codes)
    assert sheet([there, there]).tolist() == [*codes[0].tolist(), *codes[0].tolist()]
    assert as_plane(torch.ones(2, 4, 4, dtype=torch.uint8)).shape == (2, 1, 4, 4)
