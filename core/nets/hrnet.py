"""HRNet for landmarks: branches at four resolutions that keep exchanging, one heat map a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.core.nets.resnet import EXPANSION, bottleneck_stage, numbered

POINTS = 98
CHANNELS = (18, 36, 72, 144)
MODULES = (1, 4, 3)
"""Of HRNetV2-W18 as released: channels of the branches, modules of stages 2 to 4."""

_STEM = 64
_MOMENTUM = 0.01
"""Of the running statistics; the authors'."""


class HRNet(nn.Module):
    """HRNetV2 with a head for heat maps at a quarter of the picture's resolution.

    Args:
        points: number of heat maps.
        channels: of the branches, finest first.
        blocks: residual blocks in each branch of each module.
        modules: number of modules in stages 2, 3 and 4.

    Source:
        Wang and others 2019 (HRNet); keys and numbers as in `analysis_nets.md` 2.
    """

    def __init__(
        self,
        points: int = POINTS,
        channels: tuple[int, int, int, int] = CHANNELS,
        blocks: int = 4,
        modules: tuple[int, int, int] = MODULES,
    ) -> None:
        super().__init__()
        first = _STEM * EXPANSION
        self.conv1 = nn.Conv2d(3, _STEM, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(_STEM)
        self.conv2 = nn.Conv2d(_STEM, _STEM, 3, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(_STEM)
        self.layer1 = bottleneck_stage(_STEM, _STEM, 4, 1)
        self.transition1 = nn.ModuleList(
            [_Step(first, channels[0]), nn.Sequential(_Step(first, channels[1], 2))]
        )
        self.stage2 = _stage(channels[:2], blocks, modules[0])
        self.transition2 = _new_branch(channels[:3])
        self.stage3 = _stage(channels[:3], blocks, modules[1])
        self.transition3 = _new_branch(channels)
        self.stage4 = _stage(channels, blocks, modules[2])
        every = sum(channels)
        self.head = nn.Sequential(
            nn.Conv2d(every, every, 1),
            nn.BatchNorm2d(every),
            nn.ReLU(),
            nn.Conv2d(every, points, 1),
        )
        for part in self.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = _MOMENTUM

    def forward(self, pictures: Tensor) -> Tensor:
        """Return heat maps (B, points, h / 4, w / 4), rounded up; their peaks were trained to 1.

        Args:
            pictures: (B, 3, h, w) RGB, normalised by ImageNet's mean and deviation; 256 x 256 as
                trained.
        """
        x = torch.relu(self.bn1(self.conv1(pictures)))
        x = torch.relu(self.bn2(self.conv2(x)))
        x = self.layer1(x)
        maps = self.stage2([step(x) for step in self.transition1])
        maps = self.stage3([*maps, self.transition2[-1](maps[-1])])
        maps = self.stage4([*maps, self.transition3[-1](maps[-1])])
        return self.head(torch.cat([maps[0], *(_resized(m, maps[0]) for m in maps[1:])], dim=1))


class _Step(nn.Sequential):
    """Convolution 3 x 3, normalisation and, unless it is the last of a chain, ReLU."""

    def __init__(self, channels: int, out: int, stride: int = 1, *, active: bool = True) -> None:
        conv = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        super().__init__(conv, nn.BatchNorm2d(out), *([nn.ReLU()] if active else []))


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + x)


class _Exchange(nn.Module):
    """Residual blocks in each branch, then every branch gets the sum of all."""

    def __init__(self, channels: Sequence[int], blocks: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(_Block(c) for _ in range(blocks))) for c in channels
        )
        self.fuse_layers = nn.ModuleList(_Sum(channels, i) for i in range(len(channels)))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        maps = [branch(m) for branch, m in zip(self.branches, maps, strict=True)]
        return [layer(maps) for layer in self.fuse_layers]


class _Sum(nn.ModuleList):
    """The ways from all branches to one, and their sum."""

    def __init__(self, channels: Sequence[int], target: int) -> None:
        super().__init__(_way(channels, source, target) for source in range(len(channels)))
        self.target = target

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        like = maps[self.target]
        parts = [_resized(way(m), like) for way, m in zip(self, maps, strict=True)]
        total = parts[0]
        for part in parts[1:]:  # in this order: floating-point sums depend on it
            total = total + part
        return torch.relu(total)


def _way(channels: Sequence[int], source: int, target: int) -> nn.Module:
    """Return the way from one branch to another; a way up is enlarged afterwards."""
    if source == target:
        return nn.Identity()
    if source > target:
        return nn.Sequential(
            nn.Conv2d(channels[source], channels[target], 1, bias=False),
            nn.BatchNorm2d(channels[target]),
        )
    down = [_Step(channels[source], channels[source], 2) for _ in range(target - source - 1)]
    return nn.Sequential(*down, _Step(channels[source], channels[target], 2, active=False))


def _new_branch(channels: Sequence[int]) -> nn.ModuleList:
    """Return a list whose last element makes the coarsest branch of the one above it."""
    passed = [nn.Identity() for _ in channels[:-1]]
    return nn.ModuleList([*passed, nn.Sequential(_Step(channels[-2], channels[-1], 2))])


def _stage(channels: Sequence[int], blocks: int, modules: int) -> nn.Sequential:
    return nn.Sequential(*(_Exchange(channels, blocks) for _ in range(modules)))


def _resized(x: Tensor, like: Tensor) -> Tensor:
    """Return ``x`` at the height and width of ``like``; itself where it has them."""
    if x.shape[-2:] == like.shape[-2:]:
        return x
    return functional.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)


def is_hrnet(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Return whether tensors of these names and shapes are an HRNet's for landmarks."""
    read = ["head.3.weight", *(f"stage4.0.branches.{i}.0.conv1.weight" for i in range(4))]
    return all(len(shapes.get(key, ())) == 4 for key in (*read, "transition1.1.0.0.weight"))


def hrnet_like(shapes: Mapping[str, tuple[int, ...]]) -> HRNet:
    """Return an untrained network of the sizes of tensors that `is_hrnet` knows."""
    a, b, c, d = (shapes[f"stage4.0.branches.{i}.0.conv1.weight"][0] for i in range(4))
    second, third, fourth = (numbered(shapes, f"stage{number}.") for number in (2, 3, 4))
    return HRNet(
        shapes["head.3.weight"][0],
        (a, b, c, d),
        numbered(shapes, "stage4.0.branches.0."),
        (second, third, fourth),
    )
