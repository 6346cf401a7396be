"""Settings of a run: what TOML may say, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest
import tomllib

from faceplate.core.errors import TrainingError
from faceplate.core.training.schedule import rate_at
from faceplate.core.training.settings import (
    RunSettings,
    Schedule,
    StageSettings,
    settings_text,
    with_values,
)
from faceplate.core.training.tasks import TASKS, run_settings


@pytest.mark.parametrize("name", [kind.name for kind in TASKS])
def test_settings_written_and_read_are_the_same(name: str) -> None:
    settings = run_settings({"network": name, "data": ["a", 'b "c"'], "seed": 3})

    assert run_settings(tomllib.loads(settings_text(settings))) == settings


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"colour": 1}, "unknown key colour"),
        ({"task": {"colour": 1}}, "unknown key task.colour"),
        ({"task": {"augment": {"colour": 1}}}, "unknown key task.augment.colour"),
        ({"stages": [{"stepz": 1}]}, "unknown key stages.0.stepz"),
        ({"seed": "1"}, "seed is '1'; it takes a whole number"),
        ({"seed": True}, "seed is True"),
        ({"seed": -1}, "seed is -1; it takes 0"),
        ({"decay": 1.5}, "decay is 1.5"),
        ({"decay": float("nan")}, "decay is nan"),
        ({"data": "folder"}, "data is 'folder'; it takes a list of a text"),
        ({"stages": []}, "number of stages is 0"),
        ({"stages": [{"schedule": "none"}]}, "it takes one-cycle or cosine or step or constant"),
        ({"stages": [{"steps": 0}]}, "steps is 0"),
        ({"task": {"class_weights": [1.0]}}, r"class_weights is \[1.0\]; it takes a list of 6"),
        ({"network": "segmentt"}, "no network called segmentt"),
    ],
)
def test_a_fault_in_the_settings_is_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        run_settings({"network": "segment", **table})


def test_single_values_reach_into_lists_and_tables() -> None:
    table = {"network": "segment", "stages": [{"steps": 5}, {"steps": 6}]}

    settings = run_settings(with_values(table, ["stages.1.steps=7", "task.dice=0.5", "name=x"]))

    assert [stage.steps for stage in settings.stages] == [5, 7]
    assert (settings.task.dice, settings.name) == (0.5, "x")


@pytest.mark.parametrize("value", ["seed", "stages.4.steps=1", "stages.x=1", "seed.deep.er=1"])
def test_a_value_that_leads_nowhere_is_refused(value: str) -> None:
    with pytest.raises(TrainingError, match="names no setting"):
        with_values({"seed": 1, "stages": [{"steps": 1}]}, [value])


@pytest.mark.parametrize("steps", [3, 4, 10, 999])
def test_scaled_runs_have_as_many_steps_as_asked_for(steps: int) -> None:
    stages = tuple(StageSettings(steps=count) for count in (600, 1, 300))

    scaled = RunSettings("segment", stages=stages).scaled(steps)

    assert scaled.steps == steps
    assert min(stage.steps for stage in scaled.stages) >= 1
    if steps == 999:
        assert scaled.stages[0].steps == pytest.approx(665, abs=2)


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "step", "constant"])
def test_the_rate_rises_to_its_highest_and_never_beyond(schedule: Schedule) -> None:
    stage = StageSettings(steps=200, rate=0.01, schedule=schedule, warmup=0.25, halve_every=80)

    rates = [rate_at(stage, step) for step in range(200)]

    assert rates[:50] == sorted(rates[:50])
    assert max(rates) == pytest.approx(0.01)
    assert rates.index(max(rates)) in (49, 50)
    assert min(rates) > 0
    if schedule in ("one-cycle", "cosine"):
        assert rates[50:] == sorted(rates[50:], reverse=True)
        assert rates[-1] < 0.001 * rates[50] * 2
