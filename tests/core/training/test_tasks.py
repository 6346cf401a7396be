"""The tasks that can be trained, and the settings that are written down for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceplate.core.nets.structure import GENERATORS
from faceplate.core.training.settings import read_table
from faceplate.core.training.tasks import TASKS, kind_of, run_settings

DOCS = Path(__file__).resolve().parents[3] / "docs" / "training"
FILES = sorted(DOCS.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_written_settings_are_valid_and_for_the_network_in_their_name(path: Path) -> None:
    settings = run_settings(read_table(path))

    assert path.stem.rpartition("_")[0] == settings.network
    assert isinstance(settings.task, kind_of(settings.network).settings)


@pytest.mark.parametrize("name", ["transformer", "perceptual", "reenact", "complete", "blend"])
def test_there_is_a_run_for_a_small_cpu_and_one_for_gpus(name: str) -> None:
    names = {path.name for path in FILES}

    assert {f"{name}_cpu.toml", f"{name}_gpu.toml"} <= names


def test_released_schedules_are_those_of_the_specification() -> None:
    settings = run_settings(read_table(DOCS / "reenact_gpu.toml"))

    first, second = settings.stages
    assert (first.size_px, first.rate, first.batch * first.steps) == (128, 1e-4, 24 * 20_000)
    assert (second.size_px, second.rate) == (256, 4e-5)
    assert second.batch * second.steps == pytest.approx(50 * 20_000, abs=second.batch)
    assert first.batch * first.halve_every == pytest.approx(200_000, abs=first.batch)
    net = settings.task.net
    assert (net.pixel, net.identity, net.attributes, net.judge_share) == (0.1, 0.5, 0.5, 0.1)
    assert settings.task.gan == 0.001
    assert GENERATORS[net.structure].flat_layers == (2, 2, 2, 3)


def test_task_names_differ() -> None:
    assert len({kind.name for kind in TASKS}) == len(TASKS)
