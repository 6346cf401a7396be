"""One loop for every network: stages, steps, averages, checkpoints, validation, and going on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from faceplate.core.arrays import ByteArray
from faceplate.core.errors import DeviceError, TrainingError
from faceplate.core.training.checkpoint import (
    Position,
    load_checkpoint,
    restore_optimiser,
    save_checkpoint,
    save_weights,
)
from faceplate.core.training.feed import Course, feeding
from faceplate.core.training.schedule import rate_at
from faceplate.core.training.settings import RunSettings, StageSettings
from faceplate.core.training.task import Part, Task, Validation

STATE = "state.safetensors"
BEST = "best.safetensors"
_MOST_SKIPPED = 20
"""Steps in a row without a finite loss after which a run gives up."""


class Listener(Protocol):
    """Hears what a run does; only the first of several processes speaks to it."""

    def begin(self, position: Position, total: int) -> None:
        """Hear that steps follow, from ``position`` on."""
        ...

    def step(self, position: Position, losses: Mapping[str, float], rate: float) -> None:
        """Hear what a step's losses were."""
        ...

    def validated(self, position: Position, validation: Validation, best: bool) -> None:
        """Hear how good the averaged networks are."""
        ...

    def drawn(self, position: Position, pictures: Mapping[str, ByteArray]) -> None:
        """Hear of pictures that show what the networks do."""
        ...

    def warn(self, text: str) -> None:
        """Hear of something that somebody ought to know."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        position: how far it came.
        finished: whether all steps are done.
    """

    position: Position
    finished: bool


def fit(
    task: Task,
    settings: RunSettings,
    folder: Path,
    listener: Listener,
    *,
    device: str,
    should_stop: Callable[[], bool],
    time_limit_seconds: float | None = None,
) -> Outcome:
    """Train a task's networks from where ``folder`` stands to the end of the last stage.

    The state is written every ``save_every`` steps and when the run stops, so that a run that was
    cut into pieces computes what one that was not would have; on the same machine and with the
    same number of threads, to the bit.

    Args:
        task: what to train.
        settings: how.
        folder: holds the state, and the best weights so far.
        listener: hears what happens.
        device: "cpu" or "cuda"; under ``torchrun`` each process takes its own.
        should_stop: asked after every step.
        time_limit_seconds: stop after so long, or never.

    Raises:
        TrainingError: a state that cannot be gone on from, or losses that are not finite.
        ModelMismatchError: a state of other networks.
        DeviceError: the device is not there.
        DiskError: the folder or the disk refuses.
    """
    return _Run(task, settings, folder, listener, device).go(should_stop, time_limit_seconds)


class _Run:
    """A run in this process."""

    def __init__(
        self, task: Task, settings: RunSettings, folder: Path, listener: Listener, device: str
    ) -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise DeviceError(
                "This torch finds no CUDA device.",
                hint="Use --device cpu, or install a torch for the GPU.",
                device=device,
            )
        self.task, self.settings, self.folder = task, settings, folder
        self.listener = listener
        self.accelerator = Accelerator(
            cpu=device == "cpu",
            mixed_precision="no",
            kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=True)],
        )
        self.raw: dict[str, nn.Module] = {}
        for name, part in task.parts.items():
            moved = part.network.to(self.accelerator.device)
            self.raw[name] = moved.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = {name: _copied(network) for name, network in self.raw.items()}
        self.optimisers: dict[str, Optimizer] = {}
        self.prepared: dict[str, nn.Module] = {}
        self.position = Position()
        self.states: dict[str, dict[int, dict[str, Tensor]]] = {}
        self.skipped_in_a_row = 0
        if (folder / STATE).exists():
            self.position, self.states = load_checkpoint(folder / STATE, self.raw, self.averaged)
            self._move_averages()
            if self.position.data not in ("", task.digest):
                listener.warn("The data is not what this run began with.")

    def go(self, should_stop: Callable[[], bool], limit: float | None) -> Outcome:
        """Run stage after stage."""
        began = time.monotonic()
        before = self.position.seconds

        def spent() -> float:
            return time.monotonic() - began

        def asked() -> bool:
            late = limit is not None and spent() >= limit
            return self._agreed(should_stop() or late)

        self.listener.begin(self.position, self.settings.steps)
        while self.position.stage < len(self.settings.stages):
            stage = self.settings.stages[self.position.stage]
            if self.position.step < stage.steps and not self._stage(
                stage, asked, lambda: before + spent()
            ):
                return Outcome(self.position, finished=False)
            # A stage begins with optimisers of its own.
            self.states = {}
            self.position = replace(self.position, stage=self.position.stage + 1, step=0)
            self._save()
        self._validate()
        self._save()
        return Outcome(self.position, finished=True)

    def _stage(
        self, stage: StageSettings, asked: Callable[[], bool], seconds: Callable[[], float]
    ) -> bool:
        """Run the rest of a stage; return whether it came to its end."""
        batches = self.task.begin(stage, self.accelerator.device)
        self._prepare()
        index, first = self.position.stage, self.position.step
        course = Course(
            self.settings.seed, index, first, stage.steps, self.accelerator.process_index
        )
        with feeding(batches, course, self.settings.workers) as source:
            for step in range(first, stage.steps):
                batch = {k: v.to(self.accelerator.device) for k, v in next(source).items()}
                torch.manual_seed(course.torch_seed(step))
                rate = rate_at(stage, step)
                losses = self._step(batch, rate)
                self.position = replace(
                    self.position,
                    step=step + 1,
                    done=self.position.done + 1,
                    seconds=seconds(),
                    data=self.task.digest,
                    hardware=_hardware(self.accelerator),
                )
                self._tell(losses, rate, batch)
                if asked():
                    self._save()
                    return False
        return True

    def _step(self, batch: Mapping[str, Tensor], rate: float) -> dict[str, float]:
        """Take one step, and move the averages after it."""
        finite = True
        kind = self.accelerator.device.type

        def update(name: str, loss: Tensor) -> None:
            nonlocal finite
            optimiser = self.optimisers[name]
            for group in optimiser.param_groups:
                group["lr"] = rate * self.task.parts[name].share
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast(kind, enabled=False):
                self.accelerator.backward(loss)
            learning = [p for p in self.raw[name].parameters() if p.grad is not None]
            norm = nn.utils.clip_grad_norm_(learning, self.settings.clip)
            if bool(torch.isfinite(norm)):
                optimiser.step()
            else:
                finite = False

        # Here and not in the accelerator, which would write it into the networks that are exported.
        half = self.settings.precision == "bfloat16"
        with torch.autocast(kind, torch.bfloat16, enabled=half):
            losses = self.task.step(self.prepared, batch, update)
        if finite:
            self.skipped_in_a_row = 0
            self._average()
        else:
            self._skip()
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _skip(self) -> None:
        self.skipped_in_a_row += 1
        self.position = replace(self.position, skipped=self.position.skipped + 1)
        self.listener.warn("A step was left out: its gradient is not finite.")
        if self.skipped_in_a_row >= _MOST_SKIPPED:
            raise TrainingError(
                f"{_MOST_SKIPPED} steps in a row had gradients that are not finite.",
                hint="Lower the stages' rate, and begin again or from an older state.",
                step=self.position.done,
            )

    def _prepare(self) -> None:
        """Make this stage's optimisers, and networks that are ready for the device."""
        for name, part in self.task.parts.items():
            optimiser = _optimiser(part)
            network = self.raw[name]
            if any(parameter.requires_grad for parameter in network.parameters()):
                prepared, optimiser = self.accelerator.prepare(network, optimiser)
                self.prepared[name] = prepared
            else:
                self.prepared[name] = network
            self.prepared[name].train()
            if self.states.get(name):
                restore_optimiser(optimiser, self.states[name])
            self.optimisers[name] = optimiser

    @torch.no_grad()
    def _average(self) -> None:
        """Let the averages follow the weights: quickly at first, when a stage's layers are new."""
        count = self.position.step + 1
        keep = min(self.settings.decay, count / (count + 10))
        for name, network in self.raw.items():
            averages, news = [], []
            for key, tensor in network.state_dict().items():
                if tensor.is_floating_point():
                    averages.append(self.averaged[name][key])
                    news.append(tensor)
                else:
                    self.averaged[name][key].copy_(tensor)
            torch._foreach_lerp_(averages, news, 1 - keep)

    def _tell(self, losses: Mapping[str, float], rate: float, batch: Mapping[str, Tensor]) -> None:
        """Do what is due after a step: log, pictures, validation, state."""
        done = self.position.done
        self.listener.step(self.position, losses, rate)
        if done % self.settings.draw_every == 0 and self.accelerator.is_main_process:
            with _AveragedIn(self):
                self.listener.drawn(self.position, self.task.draw(self.raw, batch))
        if done % self.settings.validate_every == 0 and done < self.settings.steps:
            self._validate()
        if done % self.settings.save_every == 0:
            self._save()

    def _validate(self) -> None:
        """Judge the averaged networks, and keep their weights if they are the best so far."""
        if self.accelerator.is_main_process:
            with _AveragedIn(self):
                found = self.task.validate(self.raw, self.settings.validate_on)
            best = self.position.best is None or found.score >= self.position.best
            if best:
                save_weights(self.folder / BEST, self.averaged)
                self.position = replace(
                    self.position,
                    best=found.score,
                    metrics=dict(found.numbers),
                    best_step=self.position.done,
                )
            self.listener.validated(self.position, found, best)
        self.accelerator.wait_for_everyone()

    def _save(self) -> None:
        if self.accelerator.is_main_process:
            optimisers = self.optimisers if self.position.step else {}
            path = self.folder / STATE
            save_checkpoint(path, self.position, self.raw, self.averaged, optimisers)
        self.accelerator.wait_for_everyone()

    def _agreed(self, stop: bool) -> bool:
        """Return whether any process wants to stop; then all do, after the same step."""
        if self.accelerator.num_processes == 1:
            return stop
        wish = torch.tensor(float(stop), device=self.accelerator.device)
        return bool(self.accelerator.reduce(wish, "sum") > 0)

    def _move_averages(self) -> None:
        for entries in self.averaged.values():
            for key, tensor in entries.items():
                entries[key] = tensor.to(self.accelerator.device)


class _AveragedIn:
    """While it lasts, the networks have their averaged weights and are in evaluation."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._own: dict[str, dict[str, Tensor]] = {}

    def __enter__(self) -> None:
        for name, network in self._run.raw.items():
            self._own[name] = _copied(network)
            network.load_state_dict(self._run.averaged[name])
            network.eval()

    def __exit__(self, *_: object) -> None:
        for name, network in self._run.raw.items():
            network.load_state_dict(self._own[name])
            network.train()


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {key: tensor.detach().clone() for key, tensor in network.state_dict().items()}


def _optimiser(part: Part) -> Optimizer:
    """Return AdamW over what learns; biases and norms do not decay."""
    learning = [p for p in part.network.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in learning if p.ndim > 1], "weight_decay": part.weight_decay},
        {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return AdamW([group for group in groups if group["params"]], betas=part.betas)


def _hardware(accelerator: Accelerator) -> str:
    if accelerator.device.type == "cuda":
        kind = torch.cuda.get_device_name(accelerator.device)
    else:
        kind = f"CPU with {torch.get_num_threads()} threads"
    count = accelerator.num_processes
    return kind if count == 1 else f"{count} times {kind}"
