"""Hopenet: the direction of a head from one picture of it, and what it learns by."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.core.errors import InputError
from faceplate.core.nets.resnet import EXPANSION, bottleneck_stage, numbered

BINS = 66
BIN_DEGREES = 3.0
LOWEST_DEGREES = -99.0
"""Bin i covers 3 degrees from -99 + 3 i; the decoded range is -99 to 96."""

SIDE = 224
"""The picture's side: the pool's window of 7 x 7 then is the whole map."""

_POOL = 7
_SPARE = 3
"""Outputs of, and angles fed back into, a layer that the released file holds and nothing runs."""


class Hopenet(nn.Module):
    """ResNet-50 with three classifiers over bins of degrees.

    Args:
        depths: bottlenecks in each of the four stages.
        width: channels of the stem; 64 as released.

    Source:
        Ruiz, Chong, Rehg 2018; keys and numbers as in `analysis_nets.md` 3.
    """

    def __init__(self, depths: tuple[int, int, int, int] = (3, 4, 6, 3), width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        wide = width * EXPANSION
        self.layer1 = bottleneck_stage(width, width, depths[0], 1)
        self.layer2 = bottleneck_stage(wide, 2 * width, depths[1], 2)
        self.layer3 = bottleneck_stage(2 * wide, 4 * width, depths[2], 2)
        self.layer4 = bottleneck_stage(4 * wide, 8 * width, depths[3], 2)
        self.fc_yaw = nn.Linear(8 * wide, BINS)
        self.fc_pitch = nn.Linear(8 * wide, BINS)
        self.fc_roll = nn.Linear(8 * wide, BINS)
        self.fc_finetune = nn.Linear(8 * wide + _SPARE, _SPARE)

    def logits(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the scores of the bins, (B, 66) each, of yaw, pitch and roll.

        Args:
            pictures: (B, 3, 224, 224) RGB. FSGAN feeds codes 0 to 1 as (x - 0.5) / 0.5; the
                weights were trained on ImageNet's mean and deviation.
        """
        x = torch.relu(self.bn1(self.conv1(pictures)))
        x = functional.max_pool2d(x, 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        x = functional.avg_pool2d(x, _POOL)[:, :, 0, 0]
        return self.fc_yaw(x), self.fc_pitch(x), self.fc_roll(x)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return (B, 3): yaw, pitch, roll in degrees, with the signs of 300W-LP."""
        return torch.stack([decoded(scores) for scores in self.logits(pictures)], dim=1)


def decoded(scores: Tensor) -> Tensor:
    """Return the expected angle in degrees, (B,), of scores of bins (B, 66)."""
    bins = torch.arange(BINS, dtype=scores.dtype, device=scores.device)
    return BIN_DEGREES * (torch.softmax(scores, dim=1) * bins).sum(dim=1) + LOWEST_DEGREES


def labels_of(degrees: Tensor) -> Tensor:
    """Return the bins of angles; those outside of -99 up to 99 have none and must be left out.

    >>> labels_of(torch.tensor([-99.0, 0.0, 98.9])).tolist()
    [0, 33, 65]

    Raises:
        InputError: an angle without a bin.
    """
    labels = torch.floor((degrees - LOWEST_DEGREES) / BIN_DEGREES).long()
    for angle in degrees[(labels < 0) | (labels >= BINS)].tolist():
        raise InputError(
            f"An angle of {angle:g} degrees has no bin.",
            hint="Train on pictures with angles from -99 up to 99 degrees only.",
            angle=angle,
        )
    return labels


def pose_loss(scores: tuple[Tensor, Tensor, Tensor], degrees: Tensor, alpha: float) -> Tensor:
    """Return the sum over yaw, pitch and roll of cross entropy + alpha * squared error.

    Args:
        scores: (B, 66) each, from `Hopenet.logits`.
        degrees: (B, 3) true yaw, pitch, roll.
        alpha: weight of the decoded angle's mean squared error in degrees; 1 for the released
            file, going by its name.
    """
    total = degrees.new_zeros(())
    for angle, found in zip(degrees.unbind(dim=1), scores, strict=True):
        total = total + functional.cross_entropy(found, labels_of(angle))
        total = total + alpha * functional.mse_loss(decoded(found), angle)
    return total


def is_hopenet(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Return whether tensors of these names and shapes are a Hopenet's."""
    heads = [shapes.get(f"fc_{angle}.weight", ()) for angle in ("yaw", "pitch", "roll")]
    return len(shapes.get("conv1.weight", ())) == 4 and all(
        len(head) == 2 and head[0] == BINS for head in heads
    )


def hopenet_like(shapes: Mapping[str, tuple[int, ...]]) -> Hopenet:
    """Return an untrained network of the sizes of tensors that `is_hopenet` knows."""
    a, b, c, d = (numbered(shapes, f"layer{number}.") for number in range(1, 5))
    return Hopenet((a, b, c, d), shapes["conv1.weight"][0])
