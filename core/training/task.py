"""What the one loop asks of a task: networks, batches, a step, and how to judge and export them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from faceplate.core.arrays import AnyArray, ByteArray
from faceplate.core.card import Tensor as CardTensor
from faceplate.core.training.settings import StageSettings

Batch: TypeAlias = Mapping[str, AnyArray]
"""Arrays by name, each with the batch's axis first."""

Networks: TypeAlias = Mapping[str, nn.Module]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A network that is trained, and how.

    Parameters that require no gradient are left as they are.

    Attributes:
        network: the network.
        share: of the stage's learning rate.
        betas: of AdamW.
        weight_decay: of AdamW; on weights of two axes and more only.
    """

    network: nn.Module
    share: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-4


class Batches(Protocol):
    """Makes batches; it is handed to worker processes, so everything in it can be pickled."""

    def __call__(self, rng: np.random.Generator) -> Batch:
        """Return the batch that ``rng`` decides on, and that nothing else has a part in."""
        ...


class Update(Protocol):
    """Takes a step of one network's optimiser."""

    def __call__(self, name: str, loss: Tensor) -> None:
        """Let the network called ``name`` learn from ``loss``; others stay as they are."""
        ...


@dataclass(frozen=True, slots=True)
class Validation:
    """How good the networks are.

    Attributes:
        score: more is better; chooses the best checkpoint.
        numbers: everything that was measured, by name.
    """

    score: float
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A trained network as it is shipped, and what its card says.

    Attributes:
        name: of the model.
        network: takes and gives batches of what ``inputs`` and ``outputs`` say, in order.
        task: what it does, in a few words.
        inputs: in the network's order.
        outputs: in the network's order.
        labels: names of the elements of the first output, or ().
        training: what it learnt from, in words.
        limits: what it cannot do.
        parameters: the network whose tensors are passed on too, to be trained further; or None.
        performers: real persons whose faces it learnt from, with the records of their consent.
    """

    name: str
    network: nn.Module
    task: str
    inputs: tuple[CardTensor, ...]
    outputs: tuple[CardTensor, ...]
    labels: tuple[str, ...]
    training: str
    limits: str
    parameters: nn.Module | None = None
    performers: tuple[str, ...] = ()


class Task(Protocol):
    """A network, or several that learn together, with their data and losses."""

    @property
    def parts(self) -> Mapping[str, Part]:
        """What is trained, saved and averaged, by name; the same objects for a whole run."""
        ...

    @property
    def digest(self) -> str:
        """A hash over the data."""
        ...

    def begin(self, stage: StageSettings, device: torch.device) -> Batches:
        """Make ready for a stage, and return what makes its batches.

        Networks that are used and not trained go to ``device``.
        """
        ...

    def step(
        self, networks: Networks, batch: Mapping[str, Tensor], update: Update
    ) -> dict[str, Tensor]:
        """Learn from one batch, with one call of ``update`` or several in turn.

        Args:
            networks: the parts' networks, ready for the device.
            batch: as `Batches` made it, on the device.
            update: takes a step of one network's optimiser.

        Returns:
            Losses by name, for the log.
        """
        ...

    def validate(self, networks: Networks, most: int) -> Validation:
        """Judge averaged networks on at most ``most`` pictures; 0 means all there are."""
        ...

    def draw(self, networks: Networks, batch: Mapping[str, Tensor]) -> Mapping[str, ByteArray]:
        """Return pictures (H, W, 3) uint8 by name that show what the networks do."""
        ...

    def models(self, networks: Networks) -> tuple[Model, ...]:
        """Return what is to be shipped, made of averaged networks."""
        ...
