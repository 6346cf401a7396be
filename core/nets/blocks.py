"""Layers that several networks share; the indices inside are those of the released weights.

Source: the released FSGANv2 code, `fsgan.md` 5.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

BINS = 64
"""Values that a binned output mixes for each colour."""

_SPREAD = 0.02


def conv_block(kernel: int, stride: int, inputs: int, outputs: int) -> list[nn.Module]:
    """Return reflection padding, a convolution without bias, batch norm, ReLU."""
    return [
        nn.ReflectionPad2d(kernel // 2),
        nn.Conv2d(inputs, outputs, kernel, stride, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


class Chain(nn.Module):
    """Layers in sequence, with keys ``model.<index>``; no layer passes the value on."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h, w) features."""
        return self.model(x)


class UpBlock(Chain):
    """Doubles the size bilinearly, then convolves."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(*conv_block(3, 1, inputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs, 2h, 2w) features."""
        return self.model(
            functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        )


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside the value itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (conv_block(3, 1, channels, channels) for _ in range(2))
        self.model = nn.Sequential(*first, *second[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h, w) features of the input's shape."""
        return functional.relu(x + self.model(x))


def down_block(inputs: int, outputs: int) -> Chain:
    """Return layers that halve the size."""
    return Chain(*conv_block(3, 2, inputs, outputs), *conv_block(3, 1, outputs, outputs))


def flat_block(channels: int, blocks: int) -> Chain:
    """Return residual blocks in sequence."""
    return Chain(*(ResidualBlock(channels) for _ in range(blocks)))


class Join(nn.Module):
    """Brings two features of one shape together: their sum, or a convolution of both.

    The released networks sum and have no parameters here.
    """

    def __init__(self, channels: int, *, concat: bool) -> None:
        super().__init__()
        self.merge = nn.Sequential(*conv_block(3, 1, 2 * channels, channels)) if concat else None

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return (B, C, h, w) features."""
        return a + b if self.merge is None else self.merge(torch.cat([a, b], dim=1))


class BinnedTanh(nn.Module):
    """Stands for tanh: each colour is a mean of 64 values in -1 to 1, weighted by a softmax.

    Experimental in the released code; no released weights use it.
    """

    scales: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scales", torch.linspace(-1, 1, BINS)[None])

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h, w) from (B, 64 C, h, w)."""
        batch, channels, height, width = x.shape
        share = x.reshape(batch, channels // BINS, BINS, height, width).softmax(dim=2)
        return (share * self.scales[:, :, None, None]).sum(dim=2)


def out_block(inputs: int, outputs: int, *, binned: bool) -> nn.Sequential:
    """Return layers that end in pictures of -1 to 1."""
    wide = outputs * BINS if binned else outputs
    return nn.Sequential(
        nn.ReflectionPad2d(3),
        nn.Conv2d(inputs, wide, 7, bias=False),
        BinnedTanh() if binned else nn.Tanh(),
    )


def pool_pyramid(picture: Tensor, levels: int) -> list[Tensor]:
    """Return (B, C, h, w) pictures of halving size, the finest first, by 3 x 3 means."""
    pyramid = [picture]
    while len(pyramid) < levels:
        finer = pyramid[-1]
        pyramid.append(functional.avg_pool2d(finer, 3, 2, 1, count_include_pad=False))
    return pyramid


@torch.no_grad()
def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Give a new network the weights that the released ones began with."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.weight.normal_(0.0, _SPREAD, generator=generator)
            if layer.bias is not None:
                layer.bias.zero_()
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.normal_(1.0, _SPREAD, generator=generator)
            layer.bias.zero_()
