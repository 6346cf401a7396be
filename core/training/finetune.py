"""Teaches a reenactment network the face of one actor, on pairs of the actor's own views.

Source: the released FSGANv2 code, `fsgan.md` 11. Ours: an actor's views stand in for the frames of
a video, and everything random comes from one seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.geometry.square import as_network, picture_pyramid
from faceplate.core.stages.discs import landmark_discs
from faceplate.core.training.ganlosses import WEIGHTS, Taps, reconstruction_loss

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class FinetuneSettings:
    """How long and how fast; as released.

    Attributes:
        samples: pairs that are drawn in all, with replacement.
        seed: of the pairs.
        batch: pairs of a step; an incomplete last batch is dropped.
        rate: of Adam.
    """

    samples: int
    seed: int
    batch: int = 3
    rate: float = 1e-4

    @property
    def steps(self) -> int:
        """Whole batches."""
        return self.samples // self.batch


@dataclass(frozen=True, slots=True)
class Finetuned:
    """What a fine-tuning came to.

    Attributes:
        first, last: mean loss of the first and of the last tenth of the steps.
    """

    first: float
    last: float


def finetune(
    network: nn.Module,
    pictures: Sequence[FloatArray],
    points: Sequence[AnyArray],
    taps: Taps | None,
    settings: FinetuneSettings,
    *,
    progress: Progress | None = None,
) -> Finetuned:
    """Train a network in place, and leave it in evaluation mode.

    Args:
        network: takes a pyramid of pictures with discs of landmarks behind them.
        pictures: (256, 256, 3) network codes of each view, at least two.
        points: (98, 2) landmarks of each, 0 to 1 of the crop.
        taps: a perceptual network that knows people apart; None compares pixels alone.
        settings: see `FinetuneSettings`.
        progress: called after each step with the number of steps done and of all steps; what it
            raises ends the training, and the network is then of no use.
    """
    levels = [[as_network(level) for level in picture_pyramid(picture)] for picture in pictures]
    network.train().requires_grad_(True)
    adam = torch.optim.Adam(network.parameters(), lr=settings.rate, betas=(0.5, 0.999))
    rng = np.random.default_rng(settings.seed)
    losses = []
    for _ in range(settings.steps):
        pairs = [rng.choice(len(pictures), 2, replace=False) for _ in range(settings.batch)]
        pyramid = [
            torch.from_numpy(np.stack([_with_discs(levels[a][k], points[b]) for a, b in pairs]))
            for k in range(len(levels[0]))
        ]
        wanted = torch.from_numpy(np.stack([levels[b][0] for _, b in pairs]))
        found: Tensor = network(pyramid)
        loss = reconstruction_loss(found, wanted, WEIGHTS["finetune"], identity=taps)
        adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
        adam.step()
        losses.append(float(loss.detach()))
        if progress is not None:
            progress(len(losses), settings.steps)
    network.eval().requires_grad_(False)
    tenth = max(len(losses) // 10, 1)
    return Finetuned(float(np.mean(losses[:tenth])), float(np.mean(losses[-tenth:])))


def _with_discs(picture: FloatArray, points: AnyArray) -> FloatArray:
    return np.concatenate([picture, landmark_discs(points, picture.shape[1])])
