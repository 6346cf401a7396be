"""Feeds the loop with batches, each decided by seed, stage, step and process alone."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from faceplate.core.training.task import Batches

_AHEAD = 6
"""Batches that a worker prepares before they are wanted."""


@dataclass(frozen=True, slots=True)
class Course:
    """Which batches a process wants.

    Attributes:
        seed: of the run.
        stage: index of the stage.
        first, last: steps of the stage, half-open.
        rank: which of the processes that train together.
    """

    seed: int
    stage: int
    first: int
    last: int
    rank: int = 0

    def generator(self, step: int) -> np.random.Generator:
        """Return what decides the batch of a step."""
        return np.random.default_rng([self.seed, self.stage, step, self.rank])

    def torch_seed(self, step: int) -> int:
        """Return the seed of torch's own chance in a step."""
        sequence = np.random.SeedSequence([self.seed, self.stage, step, self.rank, 1])
        return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


class _Steps(Dataset[dict[str, Tensor]]):
    """The batches of a course as a dataset: the workers of a loader take them in turn."""

    def __init__(self, batches: Batches, course: Course) -> None:
        self._batches = batches
        self._course = course

    def __len__(self) -> int:
        return self._course.last - self._course.first

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        rng = self._course.generator(self._course.first + number)
        return {
            name: torch.from_numpy(np.ascontiguousarray(array))
            for name, array in self._batches(rng).items()
        }


@contextmanager
def feeding(
    batches: Batches, course: Course, workers: int
) -> Iterator[Iterator[dict[str, Tensor]]]:
    """Lend an iterator over the batches of a course, in order, prepared by ``workers`` processes.

    The number of workers changes no batch. With 0 they are made when they are asked for.
    """
    loader = DataLoader(
        _Steps(batches, course),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=_AHEAD if workers else None,
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=_settle,
        collate_fn=_as_it_is,
    )
    source = iter(loader)
    try:
        yield source
    finally:
        # The workers end when nothing refers to the iterator any more.
        del source


def _as_it_is(batch: Any) -> Any:
    return batch


def _settle(worker: int) -> None:
    """Leave signals to the process that owns the run, and cores to its networks."""
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
