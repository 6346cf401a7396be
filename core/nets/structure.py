"""What a generator or segmenter is made of: named presets, and inference from tensors alone.

Source: `fsgan.md` 5.3, 5.8 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from faceplate.core.errors import ModelMismatchError
from faceplate.core.nets.blocks import BINS
from faceplate.core.nets.unet import (
    SEGMENT_WIDTH,
    MultiScaleResUNet,
    Skip,
    UNet,
    Variant,
)

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
"""Key of a state to the shape of its tensor."""

_LIMIT = 1024
_SMALL_WIDTH = 32


@dataclass(frozen=True, slots=True)
class GeneratorStructure:
    """The arguments of a `MultiScaleResUNet`, as a value."""

    in_channels: int
    out_channels: tuple[int, ...]
    flat_layers: tuple[int, ...]
    width: int
    enhancers: int = 1
    variant: Variant = "v2"
    skip: Skip = "sum"
    limit: int | None = _LIMIT
    binned: bool = False

    def build(self) -> MultiScaleResUNet:
        """Return such a network with torch's own initial weights."""
        return MultiScaleResUNet(
            self.in_channels,
            self.out_channels,
            self.flat_layers,
            self.width,
            self.enhancers,
            self.variant,
            self.skip,
            self.limit,
            binned=self.binned,
        )


@dataclass(frozen=True, slots=True)
class SegmenterStructure:
    """The arguments of a `UNet`, as a value."""

    classes: int = 3
    feature_scale: int = 1
    in_channels: int = 3

    def build(self) -> UNet:
        """Return such a network with torch's own initial weights."""
        return UNet(self.classes, self.feature_scale, self.in_channels)


def enhanced(flat: int, levels: tuple[int, ...], in_channels: int) -> GeneratorStructure:
    """Return the paper's Enhancer(Global(levels); flat), released width, summing skips."""
    return GeneratorStructure(in_channels, (3,), (flat, *levels), 128)


_V1 = GeneratorStructure(71, (3, 3), (2, 0, 2, 3), 128, variant="v1", limit=None)

GENERATORS: Mapping[str, GeneratorStructure] = {
    "paper_reenact": enhanced(2, (2, 2, 3), 101),
    "paper_inpaint": enhanced(2, (2, 2, 3), 4),
    "paper_blend": enhanced(1, (1, 1, 1), 7),
    "released_reenact": enhanced(2, (2, 2, 2), 101),
    "released_inpaint": enhanced(2, (2, 2, 2), 4),
    "released_blend": enhanced(2, (2, 2, 2), 7),
    "released_reenact_v1": _V1,
    "released_inpaint_v1": replace(_V1, in_channels=4, out_channels=(3,)),
    "released_blend_v1": replace(_V1, in_channels=7, out_channels=(3,), flat_layers=(1, 0, 1, 1)),
    "small_reenact": replace(enhanced(1, (1, 1, 1), 101), width=_SMALL_WIDTH),
    "small_inpaint": replace(enhanced(1, (1, 1, 1), 4), width=_SMALL_WIDTH),
    "small_blend": replace(enhanced(1, (1, 1, 1), 7), width=_SMALL_WIDTH),
    "light_reenact": replace(enhanced(1, (1, 1, 1, 1), 101), width=12),
    "light_inpaint": replace(enhanced(1, (1, 1, 1, 1), 4), width=16, limit=128),
    "light_inpaint_cues": replace(enhanced(1, (1, 1, 1, 1), 106), width=16, limit=128),
    "light_blend": replace(enhanced(1, (1, 1, 1), 7), width=16),
}
"""Structures by name: the paper's depth as notes on it have it, the released files', and ours.

Ours are small ones, and light ones that a CPU runs in a tenth of a second. The one with cues, of
symmetry and landmarks, is a design of ours from its inputs on.
"""


def is_generator(keys: Mapping[str, object]) -> bool:
    """Tell whether a state's keys are those of a generator."""
    return "base.in_conv.1.weight" in keys


def is_segmenter(keys: Mapping[str, object]) -> bool:
    """Tell whether a state's keys are those of the plain U-Net."""
    return {"conv1.conv1.0.weight", "center.conv1.0.weight", "final.weight"} <= keys.keys()


def infer_generator(shapes: Shapes) -> GeneratorStructure:
    """Return the structure that a state's keys and shapes tell; no name or text is trusted.

    Raises:
        ModelMismatchError: a tensor that the structure is read from is missing or odd.
    """
    enhancers = len(_numbers(shapes, r"enhancer(\d+)\."))
    split = "base.out_conv1.1.weight" in shapes
    last = f"enhancer{enhancers}" if enhancers else "base"
    width = _axis(shapes, f"{last}.in_conv.1.weight", 0)
    inners = ["base.inner"]
    # Not by what lies inside: an innermost level without blocks has no tensors.
    while _has(shapes, f"{inners[-1]}.down_block."):
        inners.append(f"{inners[-1]}.submodule")
    finest = [f"enhancer{number}" for number in range(enhancers, 0, -1)]
    flat_layers = tuple(
        len(_numbers(shapes, rf"{re.escape(place)}\.flat_block\.model\.(\d+)\."))
        for place in (*finest, *inners)
    )
    variant: Variant = "v1" if _has(shapes, "enhancer1.down_block.") else "v2"
    first = width * 2**enhancers
    channels = [first]
    for place in inners[:-1]:
        channels.append(_axis(shapes, f"{place}.down_block.model.1.weight", 0))
    free = [first * 2**level for level in range(len(inners))]
    # Capped or not is seen only where the free width passes the cap.
    limit = max(channels) if channels != free else None if max(free) > _LIMIT else _LIMIT
    binned = any(key.endswith(".2.scales") for key in shapes)
    names = ("out_conv1", "out_conv2") if split else ("out_conv",)
    outputs = tuple(_axis(shapes, f"base.{name}.1.weight", 0) for name in names)
    return GeneratorStructure(
        in_channels=_axis(shapes, "base.in_conv.1.weight", 1),
        out_channels=tuple(count // (BINS if binned else 1) for count in outputs),
        flat_layers=flat_layers,
        width=width,
        enhancers=enhancers,
        variant=variant,
        skip="concat" if any(".join.merge." in key for key in shapes) else "sum",
        limit=limit,
        binned=binned,
    )


def infer_segmenter(shapes: Shapes) -> SegmenterStructure:
    """Return the structure of a plain U-Net that a state's keys and shapes tell.

    Raises:
        ModelMismatchError: a tensor that the structure is read from is missing or odd.
    """
    width = _axis(shapes, "conv1.conv1.0.weight", 0)
    if not width or SEGMENT_WIDTH % width:
        raise _odd(f"conv1.conv1.0.weight has {width} channels, which is no part of 64")
    return SegmenterStructure(
        classes=_axis(shapes, "final.weight", 0),
        feature_scale=SEGMENT_WIDTH // width,
        in_channels=_axis(shapes, "conv1.conv1.0.weight", 1),
    )


def _numbers(shapes: Shapes, pattern: str) -> set[str]:
    found = (re.match(pattern, key) for key in shapes)
    return {match[1] for match in found if match}


def _has(shapes: Shapes, start: str) -> bool:
    return any(key.startswith(start) for key in shapes)


def _axis(shapes: Shapes, key: str, axis: int) -> int:
    if key not in shapes:
        raise _odd(f"{key} is missing")
    if len(shapes[key]) != 4 or not shapes[key][axis]:
        raise _odd(f"{key} is {shapes[key]}, not the weight of a convolution")
    return shapes[key][axis]


def _odd(reason: str) -> ModelMismatchError:
    return ModelMismatchError(
        f"The tensors make no network that is known: {reason}.",
        hint="Get the file again from where it was published.",
        reason=reason,
    )
