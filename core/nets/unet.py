"""The multi-scale residual U-Net that reenacts, inpaints and blends; the plain one that segments.

Source: the released FSGAN and FSGANv2 code, `fsgan.md` 4 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.core.errors import ContractError
from faceplate.core.nets.blocks import (
    Join,
    UpBlock,
    conv_block,
    down_block,
    flat_block,
    out_block,
)

Variant: TypeAlias = Literal["v1", "v2"]
Skip: TypeAlias = Literal["sum", "concat"]

SEGMENT_WIDTH = 64


class _Outputs(nn.Module):
    """The last layers: ``out_conv``, or ``out_conv1`` and ``out_conv2`` in the split form."""

    def __init__(self, inputs: int, outputs: tuple[int, ...], *, binned: bool) -> None:
        super().__init__()
        self._names = ["out_conv"] if len(outputs) == 1 else ["out_conv1", "out_conv2"]
        for name, channels in zip(self._names, outputs, strict=True):
            self.add_module(name, out_block(inputs, channels, binned=binned))

    def outputs(self, features: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return what the net answers: a picture, or a picture and its labels."""
        found = tuple(self.get_submodule(name)(features) for name in self._names)
        return found if len(found) > 1 else found[0]


class _SkipBlock(nn.Module):
    """One level of the global net and, inside of it, those below."""

    def __init__(
        self, channels: Sequence[int], flat_layers: Sequence[int], *, concat: bool
    ) -> None:
        super().__init__()
        here, blocks = channels[0], flat_layers[0]
        self._innermost = len(channels) == 1
        if not self._innermost:
            self.down_block = down_block(here, channels[1])
            self.up_block = UpBlock(channels[1], here)
            self.join = Join(here, concat=concat)
        self.flat_block = flat_block(here, blocks)
        if not self._innermost:
            self.submodule = _SkipBlock(channels[1:], flat_layers[1:], concat=concat)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h, w) features of the input's shape."""
        if not self._innermost:
            x = self.join(x, self.up_block(self.submodule(self.down_block(x))))
        return self.flat_block(x)


class _GlobalNet(_Outputs):
    """The net of the coarsest level."""

    def __init__(
        self,
        inputs: int,
        outputs: tuple[int, ...],
        channels: Sequence[int],
        flat_layers: Sequence[int],
        *,
        concat: bool,
        binned: bool,
    ) -> None:
        super().__init__(channels[0], outputs, binned=binned)
        self.in_conv = nn.Sequential(*conv_block(7, 1, inputs, channels[0]))
        self.inner = _SkipBlock(channels, flat_layers, concat=concat)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h, w) features of a level."""
        return self.inner(self.in_conv(x))


class _Enhancer(_Outputs):
    """Adds a finer level to features of twice the channels and half the size.

    The residual blocks of v1 work at the coarse size, those of v2 at the fine one.
    """

    def __init__(
        self,
        inputs: int,
        outputs: tuple[int, ...],
        channels: int,
        blocks: int,
        *,
        variant: Variant,
        concat: bool,
        binned: bool,
    ) -> None:
        super().__init__(channels, outputs, binned=binned)
        inner = channels if variant == "v2" else 2 * channels
        self.in_conv = nn.Sequential(*conv_block(7, 1, inputs, channels))
        self.down_block = down_block(channels, 2 * channels) if variant == "v1" else None
        self.up_block = UpBlock(2 * channels, channels)
        self.join = Join(inner, concat=concat)
        self.flat_block = flat_block(inner, blocks)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """Return (B, C, 2h, 2w) features from a level and (B, 2C, h, w) features below it."""
        if self.down_block is None:
            return self.flat_block(self.join(self.in_conv(fine), self.up_block(coarse)))
        joined = self.join(self.down_block(self.in_conv(fine)), coarse)
        return self.up_block(self.flat_block(joined))


class MultiScaleResUNet(nn.Module):
    """A generator: a global U-Net on a coarse level, and enhancers that each add a finer one.

    With concatenating skips it is a network of ours: the paper is said to have them, the released
    weights have not.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int | tuple[int, ...],
        flat_layers: Sequence[int],
        width: int,
        enhancers: int = 1,
        variant: Variant = "v2",
        skip: Skip = "sum",
        limit: int | None = 1024,
        *,
        binned: bool = False,
    ) -> None:
        """Make the network with torch's own initial weights.

        Args:
            in_channels: of every level.
            out_channels: of the picture; or of the picture and its labels, for the split form.
            flat_layers: residual blocks, finest level first: one number for each enhancer, then
                one for each level of the global net.
            width: channels of the finest level; they double from level to level.
            enhancers: levels above the global net.
            variant: which release the enhancers are those of.
            skip: how a level joins what comes from below.
            limit: most channels of a level of the global net; None for no limit.
            binned: whether the outputs are binned instead of tanh.

        Raises:
            ContractError: no level for the global net, or more than two outputs.
        """
        super().__init__()
        outputs = (out_channels,) if isinstance(out_channels, int) else tuple(out_channels)
        depth = len(flat_layers) - enhancers
        if depth < 1 or enhancers < 0 or len(outputs) not in (1, 2):
            raise ContractError(
                "A generator has a global level and one or two outputs.",
                flat_layers=list(flat_layers),
                enhancers=enhancers,
                out_channels=outputs,
            )
        concat = skip == "concat"
        first = width * 2**enhancers
        widths = [min(first * 2**level, limit or first * 2**level) for level in range(depth)]
        self.in_channels = in_channels
        self.levels = enhancers + 1
        self.base = _GlobalNet(
            in_channels, outputs, widths, flat_layers[enhancers:], concat=concat, binned=binned
        )
        self._enhancers = [f"enhancer{number}" for number in range(1, enhancers + 1)]
        for number, name in enumerate(self._enhancers, 1):
            enhancer = _Enhancer(
                in_channels,
                outputs,
                width * 2 ** (enhancers - number),
                flat_layers[enhancers - number],
                variant=variant,
                concat=concat,
                binned=binned,
            )
            self.add_module(name, enhancer)

    def forward(self, pyramid: Sequence[Tensor]) -> Tensor | tuple[Tensor, ...]:
        """Return the picture of the finest level given, or the picture and its labels.

        Args:
            pyramid: (B, C, h, w) levels of halving size, the finest first. One level runs the
                global net alone, as in the first stage of training; never a bare tensor, which
                would be taken for that.

        Returns:
            (B, outputs, h, w), -1 to 1, of the size of ``pyramid[0]``.

        Raises:
            ContractError: a bare tensor, another number of levels or channels, sizes that do not
                halve.
        """
        self._check(pyramid)
        last: _Outputs = self.base
        features = self.base(pyramid[-1])
        for name, level in zip(self._enhancers, pyramid[-2::-1], strict=False):
            enhancer = self.get_submodule(name)
            assert isinstance(enhancer, _Enhancer)
            features, last = enhancer(level, features), enhancer
        return last.outputs(features)

    def _check(self, pyramid: Sequence[Tensor]) -> None:
        shapes = [] if isinstance(pyramid, Tensor) else [tuple(level.shape) for level in pyramid]
        halving = all(
            (fine[2], fine[3]) == (2 * coarse[2], 2 * coarse[3])
            for fine, coarse in pairwise(shapes)
        )
        if (
            not 1 <= len(shapes) <= self.levels
            or not halving
            or any(shape[1] != self.in_channels for shape in shapes)
        ):
            raise ContractError(
                f"A generator takes a list of 1 to {self.levels} levels of {self.in_channels} "
                "channels, each half the size of the one before.",
                found=shapes or str(type(pyramid)),
            )


class _DoubleConv(nn.Module):
    """Two 3 x 3 convolutions, with batch norm on the way down."""

    def __init__(self, inputs: int, outputs: int, *, norm: bool) -> None:
        super().__init__()
        self.conv1 = self._layers(inputs, outputs, norm=norm)
        self.conv2 = self._layers(outputs, outputs, norm=norm)

    @staticmethod
    def _layers(inputs: int, outputs: int, *, norm: bool) -> nn.Sequential:
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        between = [nn.BatchNorm2d(outputs)] if norm else []
        return nn.Sequential(convolution, *between, nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h, w) features of the input's size."""
        return self.conv2(self.conv1(x))


class _UpConcat(nn.Module):
    """Doubles the size and joins what was kept on the way down."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = _DoubleConv(2 * outputs, outputs, norm=False)
        self.conv1d = nn.Conv2d(inputs, outputs, 1)

    def forward(self, skip: Tensor, below: Tensor) -> Tensor:
        """Return (B, C, 2h, 2w) features."""
        grown = functional.interpolate(below, scale_factor=2, mode="bilinear", align_corners=True)
        return self.conv(torch.cat([skip, self.conv1d(grown)], dim=1))


class UNet(nn.Module):
    """The released segmenter: background, face, hair."""

    def __init__(self, classes: int = 3, feature_scale: int = 1, in_channels: int = 3) -> None:
        """Make the network.

        Args:
            classes: labels of a pixel.
            feature_scale: what the released 64 to 1024 channels are divided by.
            in_channels: of the picture.
        """
        super().__init__()
        widths = [SEGMENT_WIDTH * 2**level // feature_scale for level in range(5)]
        for number, (above, here) in enumerate(pairwise([in_channels, *widths[:-1]]), 1):
            self.add_module(f"conv{number}", _DoubleConv(above, here, norm=True))
        self.center = _DoubleConv(widths[3], widths[4], norm=True)
        for number in (4, 3, 2, 1):
            up = _UpConcat(widths[number], widths[number - 1])
            self.add_module(f"up_concat{number}", up)
        self.final = nn.Conv2d(widths[0], classes, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Return (B, classes, h, w) logits for (B, 3, h, w) pictures of -1 to 1.

        Height and width are multiples of 16.
        """
        kept = []
        x = picture
        for number in (1, 2, 3, 4):
            x = self.get_submodule(f"conv{number}")(x)
            kept.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.center(x)
        for number in (4, 3, 2, 1):
            x = self.get_submodule(f"up_concat{number}")(kept[number - 1], x)
        return self.final(x)
