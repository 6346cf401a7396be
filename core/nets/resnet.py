"""Bottleneck residual stages, named as torchvision names them, for the analysis networks."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

import torch
from torch import Tensor, nn

EXPANSION = 4
"""Channels that a bottleneck gives, over those of its middle."""


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 (which has the stride), 1 x 1, and the input added; `analysis_nets.md` 1.2."""

    def __init__(self, channels: int, middle: int, stride: int = 1) -> None:
        super().__init__()
        wide = middle * EXPANSION
        self.conv1 = nn.Conv2d(channels, middle, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, wide, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or channels != wide:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, wide, 1, stride, bias=False), nn.BatchNorm2d(wide)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 4 middle, ceil(h / stride), ceil(w / stride))."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


def bottleneck_stage(channels: int, middle: int, depth: int, stride: int) -> nn.Sequential:
    """Return ``depth`` bottlenecks, of which the first has the stride."""
    first = Bottleneck(channels, middle, stride)
    rest = [Bottleneck(middle * EXPANSION, middle) for _ in range(depth - 1)]
    return nn.Sequential(first, *rest)


def numbered(keys: Iterable[str], prefix: str) -> int:
    """Return how many numbered children a state dict has under ``prefix``, counted from 0.

    >>> numbered(["layer1.0.conv1.weight", "layer1.1.conv1.weight", "layer2.0.bias"], "layer1.")
    2
    """
    found = {key[len(prefix) :].split(".", 1)[0] for key in keys if key.startswith(prefix)}
    return next(number for number in count() if str(number) not in found)
