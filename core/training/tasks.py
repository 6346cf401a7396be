"""What can be trained, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from faceplate.core.errors import TrainingError
from faceplate.core.nets.segnet import SegNet
from faceplate.core.nets.unet import UNet
from faceplate.core.synth.picture import CLASSES
from faceplate.core.training.blend import BlendSettings, BlendTask
from faceplate.core.training.complete import CompleteSettings, CompleteTask
from faceplate.core.training.perceptual import PerceptualSettings, PerceptualTask
from faceplate.core.training.reenact import ReenactSettings, ReenactTask
from faceplate.core.training.segment import SegmentSettings, SegmentTask
from faceplate.core.training.settings import RunSettings, StageSettings, settings_from
from faceplate.core.training.task import Task
from faceplate.core.training.transformer import TransformerSettings, TransformerTask


@dataclass(frozen=True, slots=True)
class TaskKind:
    """A task that can be chosen.

    Attributes:
        name: what the command line calls it.
        summary: one line about it.
        settings: dataclass of its own settings.
        stages: used where the settings name none.
        build: makes the task of a run; its second argument is an instance of ``settings``.
    """

    name: str
    summary: str
    settings: type[Any]
    stages: tuple[StageSettings, ...]
    build: Callable[[RunSettings, Any], Task]


class Signed(nn.Module):
    """Gives codes of 0 to 1 to a network that takes -1 to 1."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, codes: Tensor) -> Tensor:
        """Return (B, classes, h, w) logits of (B, 3, h, w) codes."""
        logits: Tensor = self.network(codes * 2.0 - 1.0)
        return logits


def _light(run: RunSettings, settings: SegmentSettings) -> Task:
    return SegmentTask(run, settings, lambda: SegNet(len(CLASSES)))


def _paper(run: RunSettings, settings: SegmentSettings) -> Task:
    return SegmentTask(run, settings, lambda: Signed(UNet(len(CLASSES), feature_scale=1)))


_SMALL = (
    StageSettings(size_px=64, batch=16, steps=1_400, rate=1.5e-3),
    StageSettings(size_px=128, batch=8, steps=600, rate=1e-3),
    StageSettings(size_px=256, batch=4, steps=450, rate=8e-4),
)
"""Of a light generator on a CPU: the released training has the last two sizes."""

TASKS: tuple[TaskKind, ...] = (
    TaskKind(
        name="segment",
        summary="which class covers each pixel: the light network that ships",
        settings=SegmentSettings,
        stages=(
            StageSettings(size_px=128, batch=16, steps=16_000, rate=2e-3),
            StageSettings(size_px=192, batch=12, steps=6_000, rate=1e-3, warmup=0.05),
            StageSettings(size_px=256, batch=8, steps=4_000, rate=5e-4, warmup=0.05),
        ),
        build=_light,
    ),
    TaskKind(
        name="segment-paper",
        summary="the same with the paper's U-Net at full width",
        settings=SegmentSettings,
        stages=(
            StageSettings(
                size_px=256, batch=48, steps=50_000, rate=1e-4, schedule="step", halve_every=8_000
            ),
        ),
        build=_paper,
    ),
    TaskKind(
        name="transformer",
        summary="landmarks under one head pose to those under another: our own design",
        settings=TransformerSettings,
        stages=(StageSettings(size_px=256, batch=32, steps=6_000, rate=3e-3),),
        build=TransformerTask,
    ),
    TaskKind(
        name="perceptual",
        summary="features by which the generators' losses compare faces",
        settings=PerceptualSettings,
        stages=(StageSettings(size_px=128, batch=32, steps=2_000, rate=2e-3),),
        build=PerceptualTask,
    ),
    TaskKind(
        name="reenact",
        summary="a view of a person to another one, driven by landmarks: the paper's Gr",
        settings=ReenactSettings,
        stages=_SMALL,
        build=ReenactTask,
    ),
    TaskKind(
        name="complete",
        summary="a face with holes to a whole one: the paper's Gc",
        settings=CompleteSettings,
        stages=_SMALL,
        build=CompleteTask,
    ),
    TaskKind(
        name="blend",
        summary="a pasted face to one that fits skin and light: the paper's Gb",
        settings=BlendSettings,
        stages=_SMALL,
        build=BlendTask,
    ),
)


def kind_of(name: str) -> TaskKind:
    """Return the task called ``name``.

    Raises:
        TrainingError: no such task; the hint lists those there are.
    """
    for kind in TASKS:
        if kind.name == name:
            return kind
    raise TrainingError(
        f"There is no network called {name} to train.",
        hint=f"Known: {', '.join(kind.name for kind in TASKS)}.",
        name=name,
    )


def run_settings(table: Mapping[str, Any]) -> RunSettings:
    """Return the settings of a run, with the task's own settings and stages.

    Raises:
        TrainingError: an unknown key or network, or a value of the wrong kind.
    """
    kind = kind_of(str(table.get("network", "")))
    own = settings_from(kind.settings, table.get("task", {}), "task.")
    rest = {key: value for key, value in table.items() if key != "task"}
    return settings_from(RunSettings, {"stages": _stages(kind), **rest, "task": own})


def _stages(kind: TaskKind) -> list[Any]:
    return [
        {name: getattr(stage, name) for name in StageSettings.__slots__} for stage in kind.stages
    ]
