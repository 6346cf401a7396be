"""The light segmentation network: made for one core of a CPU, fully convolutional."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 32
"""Height and width of the input must be multiples of this, for five channel counts."""

CHANNELS = (24, 48, 72, 128, 192)
"""From half the input's resolution down to a 32nd of it."""


class ConvBlock(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, *, side: int = 3, stride: int = 1, dilation: int = 1
    ) -> None:
        padding = dilation * (side // 2)
        super().__init__(
            nn.Conv2d(inputs, outputs, side, stride, padding, dilation, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ResidualBlock(nn.Module):
    """Two convolutions beside an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvBlock(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h, w) from the same."""
        return functional.relu(x + self.norm(self.second(self.first(x))))


class Context(nn.Module):
    """Mixes near, far and the whole picture: a finger is told by the hand that it belongs to."""

    def __init__(self, channels: int, dilations: tuple[int, ...] = (1, 2, 3)) -> None:
        super().__init__()
        share = channels // (len(dilations) + 1)
        self.reaches = nn.ModuleList(
            ConvBlock(channels, share, dilation=dilation) for dilation in dilations
        )
        self.whole = nn.Sequential(nn.Conv2d(channels, share, 1), nn.ReLU(inplace=True))
        self.mix = ConvBlock(channels + share * (len(dilations) + 1), channels, side=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h, w) from the same."""
        whole = self.whole(x.mean((2, 3), keepdim=True)).expand(-1, -1, x.shape[2], x.shape[3])
        return self.mix(torch.cat([x, whole, *(reach(x) for reach in self.reaches)], dim=1))


class SegNet(nn.Module):
    """A U-Net of which the widest level has half the input's resolution.

    The last convolution gives four logits per class and pixel of that level, which are laid out
    as the pixels of the full resolution: edges stay sharp, and no layer runs at full size.

    Input: (B, 3, H, W) codes of the network domain, 0 to 1; H and W multiples of `STRIDE`.
    Output: (B, classes, H, W) logits.
    """

    def __init__(
        self,
        classes: int = 6,
        channels: tuple[int, ...] = CHANNELS,
        blocks: tuple[int, ...] = (1, 2, 2, 2),
    ) -> None:
        """Build it with random weights.

        Args:
            classes: number of labels.
            channels: of each level, finest first.
            blocks: residual blocks of each level but the finest.
        """
        super().__init__()
        finer, coarser = channels[:-1], channels[1:]
        self.stem = ConvBlock(3, channels[0], stride=2)
        self.down = nn.ModuleList(
            nn.Sequential(
                ConvBlock(above, below, stride=2), *(ResidualBlock(below) for _ in range(count))
            )
            for above, below, count in zip(finer, coarser, blocks, strict=True)
        )
        self.context = Context(channels[-1])
        levels = list(zip(finer, coarser, strict=True))[::-1]
        self.narrow = nn.ModuleList(ConvBlock(below, above, side=1) for above, below in levels)
        self.up = nn.ModuleList(ConvBlock(2 * above, above) for above, _ in levels)
        self.logits = nn.Conv2d(channels[0], 4 * classes, 3, 1, 1)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the logits of (B, 3, H, W) codes."""
        kept = [self.stem(codes * 4.0 - 2.0)]
        for down in self.down:
            kept.append(down(kept[-1]))
        x = self.context(kept.pop())
        for narrow, up in zip(self.narrow, self.up, strict=True):
            larger = functional.interpolate(
                narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False
            )
            x = up(torch.cat([larger, kept.pop()], dim=1))
        return functional.pixel_shuffle(self.logits(x), 2)
