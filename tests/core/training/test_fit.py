"""The one loop: going on exactly, learning, stopping, and telling."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from faceplate.core.errors import ModelMismatchError, TrainingError
from faceplate.core.training.checkpoint import Position
from faceplate.core.training.feed import Course, feeding
from faceplate.core.training.fit import BEST, STATE, Outcome, fit
from faceplate.core.training.settings import RunSettings, StageSettings
from faceplate.core.training.task import Batch, Networks, Part, Update, Validation

STAGES = (
    StageSettings(size_px=8, batch=4, steps=12, rate=0.02),
    StageSettings(size_px=16, batch=2, steps=8, rate=0.01, schedule="cosine"),
)


@dataclass(frozen=True)
class Noise:
    """Batches of noise, whose brightness is what there is to learn."""

    stage: StageSettings

    def __call__(self, rng: np.random.Generator) -> Batch:
        side = self.stage.size_px
        return {"pictures": rng.random((self.stage.batch, 3, side, side), np.float32)}


class Duel:
    """A maker and a judge that learn in turn, with dropout, so that torch's chance has a part."""

    def __init__(self, width: int = 4, seed: int = 0) -> None:
        torch.manual_seed(seed)
        maker = nn.Sequential(
            nn.Conv2d(3, width, 3, 1, 1), nn.BatchNorm2d(width), nn.Dropout(0.3), nn.ReLU(),
            nn.Conv2d(width, 3, 3, 1, 1),
        )  # fmt: skip
        judge = nn.Sequential(nn.Conv2d(3, width, 3, 1, 1), nn.ReLU(), nn.Conv2d(width, 1, 1))
        self.parts = {"maker": Part(maker), "judge": Part(judge, share=0.5, betas=(0.5, 0.999))}
        self.digest = "noise"
        self.poison: set[int] = set()
        self.count = 0

    def begin(self, stage: StageSettings, device: torch.device) -> Noise:
        return Noise(stage)

    def step(
        self, networks: Networks, batch: Mapping[str, Tensor], update: Update
    ) -> dict[str, Tensor]:
        self.count += 1
        pictures = batch["pictures"]
        made = networks["maker"](pictures)
        real, false = networks["judge"](pictures), networks["judge"](made.detach())
        judged = (1 - real).square().mean() + false.square().mean()
        update("judge", judged)
        far = (made - pictures.square()).square().mean()
        loss = far + 0.01 * (1 - networks["judge"](made)).square().mean()
        loss = loss * (float("nan") if self.count in self.poison else 1.0)
        update("maker", loss)
        return {"maker": loss, "judge": judged}

    def validate(self, networks: Networks, most: int) -> Validation:
        assert not networks["maker"].training
        pictures = torch.linspace(0, 1, 8 * 8 * 3).reshape(1, 3, 8, 8)
        with torch.no_grad():
            far = (networks["maker"](pictures) - pictures.square()).abs().mean()
        return Validation(-float(far), {"far": float(far)})

    def draw(self, networks: Networks, batch: Mapping[str, Tensor]) -> dict[str, Any]:
        return {"made": np.zeros((4, 4, 3), np.uint8)}

    def models(self, networks: Networks) -> tuple[Any, ...]:
        return ()


@dataclass
class Memory:
    """Remembers what a run says."""

    losses: list[dict[str, float]] = field(default_factory=list)
    scores: list[tuple[int, float, bool]] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def begin(self, position: Position, total: int) -> None: ...

    def step(self, position: Position, losses: Mapping[str, float], rate: float) -> None:
        self.losses.append({"step": position.done, "rate": rate, **losses})

    def validated(self, position: Position, validation: Validation, best: bool) -> None:
        self.scores.append((position.done, validation.score, best))

    def drawn(self, position: Position, pictures: Mapping[str, Any]) -> None:
        self.pictures.append(position.done)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def run(
    folder: Path, task: Duel | None = None, stop_after: int = 0, **changes: Any
) -> tuple[Outcome, Memory, Duel]:
    folder.mkdir(exist_ok=True)
    memory, task = Memory(), task or Duel()
    settings = RunSettings("duel", stages=STAGES, workers=0, save_every=1000)
    outcome = fit(
        task,
        replace(settings, **changes),
        folder,
        memory,
        device="cpu",
        should_stop=lambda: len(memory.losses) == stop_after,
    )
    return outcome, memory, task


@pytest.mark.parametrize("cuts", [(10,), (12,), (3, 1, 9)])
def test_a_run_cut_into_pieces_computes_what_one_that_was_not_would(
    cuts: tuple[int, ...], tmp_path: Path
) -> None:
    _, whole, _ = run(tmp_path / "whole")
    pieces: list[dict[str, float]] = []
    for number, cut in enumerate((*cuts, 0)):
        # What the networks begin with must not matter once there is a state.
        outcome, part, _ = run(tmp_path / "cut", Duel(seed=0 if number == 0 else 99), cut)
        assert outcome.finished is (cut == 0)
        pieces += part.losses

    assert pieces == whole.losses
    assert len(pieces) == 20
    states = [(tmp_path / name / BEST).read_bytes() for name in ("whole", "cut")]
    assert states[0] == states[1]


def test_a_killed_run_goes_on_from_its_last_state(tmp_path: Path) -> None:
    class Killed(BaseException): ...

    def killer(memory: Memory, at: int) -> Callable[[], bool]:
        def stop() -> bool:
            if len(memory.losses) == at:
                raise Killed
            return False

        return stop

    _, whole, _ = run(tmp_path / "whole")
    (tmp_path / "killed").mkdir()
    memory = Memory()
    settings = RunSettings("duel", stages=STAGES, workers=0, save_every=5)
    with pytest.raises(Killed):
        fit(
            Duel(), settings, tmp_path / "killed", memory,
            device="cpu", should_stop=killer(memory, 13),
        )  # fmt: skip

    _, rest, _ = run(tmp_path / "killed", Duel(seed=1))

    assert rest.losses == whole.losses[12:]  # the end of a stage saves as well


def test_the_same_seed_gives_the_same_losses_and_another_one_others(tmp_path: Path) -> None:
    first, again, other = (
        run(tmp_path / name, seed=seed)[1].losses for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )

    assert first == again
    assert first != other


def test_networks_learn_and_the_best_is_kept(tmp_path: Path) -> None:
    stages = (StageSettings(size_px=8, batch=8, steps=300, rate=0.03),)

    outcome, memory, _ = run(tmp_path, stages=stages, validate_every=50, draw_every=100)

    last, early = memory.losses[-1]["maker"], memory.losses[0]["maker"]
    assert last < 0.3 * early
    assert [step for step, _, _ in memory.scores] == [50, 100, 150, 200, 250, 300]
    assert outcome.position.best == max(score for _, score, _ in memory.scores)
    assert memory.pictures == [100, 200, 300]
    assert (tmp_path / BEST).exists()


def test_rates_follow_the_stage_and_the_part(tmp_path: Path) -> None:
    _, memory, _ = run(tmp_path)

    assert max(row["rate"] for row in memory.losses[:12]) == pytest.approx(0.02, rel=0.01)
    assert max(row["rate"] for row in memory.losses[12:]) == pytest.approx(0.01, rel=0.01)


def test_a_step_without_a_finite_loss_changes_nothing_and_is_counted(tmp_path: Path) -> None:
    task = Duel()
    task.poison = {3}

    outcome, memory, _ = run(tmp_path, task)

    assert outcome.position.skipped == 1
    assert any("not finite" in text for text in memory.warnings)
    weights = task.parts["maker"].network.state_dict().values()
    assert all(torch.isfinite(tensor).all() for tensor in weights)


def test_a_run_that_only_fails_gives_up(tmp_path: Path) -> None:
    task = Duel()
    task.poison = set(range(1, 100))

    with pytest.raises(TrainingError, match="20 steps in a row"):
        run(tmp_path, task)


def test_a_state_of_other_networks_is_refused(tmp_path: Path) -> None:
    run(tmp_path, stop_after=1)

    with pytest.raises(ModelMismatchError, match="other weights than maker has"):
        run(tmp_path, Duel(width=5))


@pytest.mark.parametrize("content", [b"", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ", b"x" * 99])
def test_a_damaged_state_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / STATE).write_bytes(content)

    with pytest.raises(TrainingError, match="not a state that training can go on from"):
        run(tmp_path)


def test_other_data_is_said_and_not_refused(tmp_path: Path) -> None:
    run(tmp_path, stop_after=2)
    task = Duel()
    task.digest = "more noise"

    _, memory, _ = run(tmp_path, task)

    assert memory.warnings == ["The data is not what this run began with."]


def test_time_runs_out_between_two_steps(tmp_path: Path) -> None:
    memory = Memory()

    outcome = fit(
        Duel(), RunSettings("duel", stages=STAGES, workers=0), tmp_path, memory,
        device="cpu", should_stop=lambda: False, time_limit_seconds=0.0,
    )  # fmt: skip

    assert not outcome.finished
    assert outcome.position.done == len(memory.losses) == 1
    assert (tmp_path / STATE).exists()


def test_batches_do_not_depend_on_the_number_of_workers() -> None:
    def batches(workers: int, first: int) -> Iterator[np.ndarray]:
        course = Course(seed=5, stage=1, first=first, last=9)
        with feeding(Noise(STAGES[0]), course, workers) as source:
            yield from (batch["pictures"].numpy() for batch in source)

    alone = list(batches(0, 0))

    assert len(alone) == 9
    assert all(np.array_equal(a, b) for a, b in zip(alone, batches(2, 0), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(alone[4:], batches(0, 4), strict=True))
    assert len({batch.tobytes() for batch in alone}) == 9


if __name__ == "__main__":  # what `test_distributed.py` starts twice
    torch.set_num_threads(1)
    result, _, ours = run(Path(sys.argv[1]))
    total = sum(float(p.detach().double().sum()) for p in ours.parts["maker"].network.parameters())
    Path(sys.argv[2] + f".{torch.distributed.get_rank()}").write_text(
        f"{total!r} {result.position.done} {result.position.hardware}"
    )
