"""DSFD: finds faces of all sizes in one look, on ResNet-152 or VGG16."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.core.nets.resnet import bottleneck_stage, numbered

Backbone: TypeAlias = Literal["resnet", "vgg"]
DEPTHS = (3, 8, 36, 3)
"""Bottlenecks of ResNet-152's stages."""

_CPM = ("cpm3_3", "cpm4_3", "cpm5_3", "cpm7", "cpm6_2", "cpm7_2")
"""Names of the feature enhance modules, finest level first."""

_LOC = (4, 8, 12, 12, 12, 12)
_CONF = (4, 6, 8, 8, 8, 8)
"""Channels of the heads: face, from level 1 head too, from level 2 body too. Each of these has a
box and two scores; the face has two scores more, for max-in-out."""

_NORMS = {"L2Norm_3_3": 10.0, "L2Norm_4_3": 8.0, "L2Norm_5_3": 5.0}
"""Of the VGG: names and first values of the scales, finest level first."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What is said of every anchor of one part: levels finest first, then row by row.

    Attributes:
        loc: (B, A, 4) offsets from the anchors.
        conf: (B, A, 2) scores of background and part, before the softmax.
    """

    loc: Tensor
    conf: Tensor


class DSFD(nn.Module):
    """The released dual shot face detector; only its second shot exists in the released class.

    Args:
        backbone: "resnet" as released, or "vgg".
        width: channels of the stem; 64 as released.
        depths: bottlenecks in the stages of the ResNet.
        align_corners: how maps are enlarged. False as in FSGAN's package; the weights were
            trained with a PyTorch that behaved as True.

    Source:
        Li and others 2019 (DSFD); keys and numbers as in `analysis_nets.md` 1.
    """

    def __init__(
        self,
        backbone: Backbone = "resnet",
        *,
        width: int = 64,
        depths: tuple[int, int, int, int] = DEPTHS,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.align_corners = align_corners
        c = 4 * width
        if backbone == "resnet":
            self._add_resnet(width, depths)
            levels = (c, 2 * c, 4 * c, 8 * c, 2 * c, c)
        else:
            self._add_vgg(width)
            levels = (c, 2 * c, 2 * c, 4 * c, 2 * c, c)
        self.latlayer3 = nn.Conv2d(levels[3], levels[2], 1)
        self.latlayer2 = nn.Conv2d(levels[2], levels[1], 1)
        self.latlayer1 = nn.Conv2d(levels[1], levels[0], 1)
        self.smooth3 = nn.Conv2d(levels[2], levels[2], 1)
        self.smooth2 = nn.Conv2d(levels[1], levels[1], 1)
        self.smooth1 = nn.Conv2d(levels[0], levels[0], 1)
        for name, channels in zip(_CPM, levels, strict=True):
            self.add_module(name, _Enhance(channels, c))
        self.loc = nn.ModuleList(_Head(2 * c, c, out) for out in _LOC)
        self.conf = nn.ModuleList(_Head(2 * c, c, out) for out in _CONF)

    def _add_resnet(self, width: int, depths: tuple[int, int, int, int]) -> None:
        w = width
        self.layer1 = nn.Sequential(
            nn.Conv2d(3, w, 7, 2, 3, bias=False),
            nn.BatchNorm2d(w),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
            bottleneck_stage(w, w, depths[0], 1),
        )
        self.layer2 = nn.Sequential(bottleneck_stage(4 * w, 2 * w, depths[1], 2))
        self.layer3 = nn.Sequential(bottleneck_stage(8 * w, 4 * w, depths[2], 2))
        self.layer4 = nn.Sequential(bottleneck_stage(16 * w, 8 * w, depths[3], 2))
        self.layer5 = _halving(32 * w, 8 * w, 8 * w)
        self.layer6 = _halving(8 * w, 2 * w, 4 * w)

    def _add_vgg(self, width: int) -> None:
        self.vgg = nn.ModuleList(_vgg_layers(width))
        w = width
        self.extras = nn.ModuleList(
            [
                nn.Conv2d(16 * w, 4 * w, 1),
                nn.Conv2d(4 * w, 8 * w, 3, 2, 1),
                nn.Conv2d(8 * w, 2 * w, 1),
                nn.Conv2d(2 * w, 4 * w, 3, 2, 1),
            ]
        )
        wide = (4 * w, 8 * w, 8 * w)
        for (name, start), channels in zip(_NORMS.items(), wide, strict=True):
            self.add_module(name, _L2Norm(channels, start))

    def heads(self, pictures: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the raw maps of location and confidence of the six levels, finest first.

        Args:
            pictures: (B, 3, h, w) BGR, codes 0 to 255 minus (104, 117, 123); any size.
        """
        features = self._product(self._features(pictures))
        enhanced = [self.get_submodule(name)(x) for name, x in zip(_CPM, features, strict=True)]
        return [
            (loc(x), conf(x)) for loc, conf, x in zip(self.loc, self.conf, enhanced, strict=True)
        ]

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return offsets (B, A, 4) and probability (B, A) of a face at every anchor."""
        face = self.parts(pictures)[0]
        return face.loc, torch.softmax(face.conf, dim=2)[:, :, 1]

    def parts(self, pictures: Tensor) -> tuple[Prediction, Prediction, Prediction]:
        """Return what is said of faces, heads and bodies: levels 0 to 5, 1 to 5 and 2 to 5."""
        maps = [
            (loc, max_in_out(conf, level)) for level, (loc, conf) in enumerate(self.heads(pictures))
        ]
        face, head, body = (
            Prediction(
                _flat([loc[:, 4 * part : 4 * part + 4] for loc, _ in maps[part:]], 4),
                _flat([conf[:, 2 * part : 2 * part + 2] for _, conf in maps[part:]], 2),
            )
            for part in range(3)
        )
        return face, head, body

    def _features(self, pictures: Tensor) -> list[Tensor]:
        taken = []
        x = pictures
        if self.backbone == "resnet":
            for layer in (
                self.layer1,
                self.layer2,
                self.layer3,
                self.layer4,
                self.layer5,
                self.layer6,
            ):
                x = layer(x)
                taken.append(x)
            return taken
        for number, part in enumerate(self.vgg):
            x = part(x)
            if number in _VGG_TAPS:
                taken.append(x)
        for number, part in enumerate(self.extras):
            x = torch.relu(part(x))
            if number % 2:
                taken.append(x)
        return taken

    def _product(self, c: Sequence[Tensor]) -> list[Tensor]:
        """Return the levels with the finest three multiplied by what the coarser ones see."""
        p3 = self._enlarged(self.latlayer3(c[3]), c[2]) * self.smooth3(c[2])
        p2 = self._enlarged(self.latlayer2(p3), c[1]) * self.smooth2(c[1])
        p1 = self._enlarged(self.latlayer1(p2), c[0]) * self.smooth1(c[0])
        if self.backbone == "vgg":
            norms = [self.get_submodule(name) for name in _NORMS]
            p1, p2, p3 = (norm(p) for norm, p in zip(norms, (p1, p2, p3), strict=True))
        return [p1, p2, p3, *c[3:]]

    def _enlarged(self, x: Tensor, like: Tensor) -> Tensor:
        return functional.interpolate(
            x, like.shape[-2:], mode="bilinear", align_corners=self.align_corners
        )


_VGG_TAPS = (15, 22, 29, 34)
_VGG = (1, 1, "M", 2, 2, "M", 4, 4, 4, "C", 8, 8, 8, "M", 8, 8, 8, "M")
"""Channels over the width; M is a pool, C one that rounds up."""


def _vgg_layers(width: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 3
    for step in _VGG:
        if isinstance(step, str):
            layers.append(nn.MaxPool2d(2, 2, ceil_mode=step == "C"))
            continue
        layers += [nn.Conv2d(channels, step * width, 3, 1, 1), nn.ReLU()]
        channels = step * width
    layers += [nn.Conv2d(channels, 16 * width, 3, 1, 1), nn.ReLU()]
    return [*layers, nn.Conv2d(16 * width, 16 * width, 1), nn.ReLU()]


def _halving(channels: int, middle: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, middle, 1),
        nn.BatchNorm2d(middle),
        nn.ReLU(),
        nn.Conv2d(middle, out, 3, 2, 1),
        nn.BatchNorm2d(out),
        nn.ReLU(),
    )


class _L2Norm(nn.Module):
    def __init__(self, channels: int, start: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), start))

    def forward(self, x: Tensor) -> Tensor:
        length = x.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-10
        return x / length * self.weight[:, None, None]


class _Enhance(nn.Module):
    """Three reaches of context side by side, by convolutions with and without holes."""

    def __init__(self, channels: int, c: int) -> None:
        super().__init__()
        half = c // 2
        self.cpm1 = nn.Conv2d(channels, c, 3, 1, 1)
        self.cpm2 = nn.Conv2d(channels, c, 3, 1, 2, 2)
        self.cpm3 = nn.Conv2d(c, half, 3, 1, 1)
        self.cpm4 = nn.Conv2d(c, half, 3, 1, 2, 2)
        self.cpm5 = nn.Conv2d(half, half, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        near, far = torch.relu(self.cpm1(x)), torch.relu(self.cpm2(x))
        middle = torch.relu(self.cpm3(far))
        farthest = torch.relu(self.cpm5(torch.relu(self.cpm4(far))))
        return torch.cat([near, middle, farthest], dim=1)


class _Head(nn.Module):
    def __init__(self, channels: int, middle: int, out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, middle, 3, 1, 1)
        self.conv2 = nn.Conv2d(middle, middle, 3, 1, 1)
        self.conv3 = nn.Conv2d(middle, middle, 3, 1, 1)
        self.conv4 = nn.Conv2d(middle, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.conv1, self.conv2, self.conv3):
            x = torch.relu(layer(x))
        return self.conv4(x)


def max_in_out(conf: Tensor, level: int) -> Tensor:
    """Return a confidence map (B, n, h, w) with two scores a part, background first.

    The finest level keeps the best of three backgrounds, for it sees the most of it; the others
    keep the best of three faces.
    """
    if level == 0:
        face = [conf[:, :3].amax(dim=1, keepdim=True), conf[:, 3:4]]
    else:
        face = [conf[:, 3:4], conf[:, :3].amax(dim=1, keepdim=True)]
    return torch.cat([*face, conf[:, 4:]], dim=1)


def _flat(maps: Sequence[Tensor], channels: int) -> Tensor:
    """Return maps (B, channels, h, w) as one list (B, A, channels), row by row."""
    return torch.cat([m.permute(0, 2, 3, 1).reshape(len(m), -1, channels) for m in maps], dim=1)


def is_dsfd(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Return whether tensors of these names and shapes are a DSFD's, on either backbone."""
    first = shapes.get("layer1.0.weight", shapes.get("vgg.0.weight", ()))
    return (
        len(first) == 4
        and shapes.get("loc.5.conv4.weight", ())[:1] == (_LOC[5],)
        and shapes.get("conf.0.conv4.weight", ())[:1] == (_CONF[0],)
    )


def dsfd_like(shapes: Mapping[str, tuple[int, ...]]) -> DSFD:
    """Return an untrained network of the sizes of tensors that `is_dsfd` knows."""
    if "vgg.0.weight" in shapes:
        return DSFD("vgg", width=shapes["vgg.0.weight"][0])
    stages = ("layer1.4.", "layer2.0.", "layer3.0.", "layer4.0.")
    a, b, c, d = (numbered(shapes, stage) for stage in stages)
    return DSFD(width=shapes["layer1.0.weight"][0], depths=(a, b, c, d))
