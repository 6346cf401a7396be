"""Structures: the published counts and keys, and inference from shapes alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from faceplate.core.errors import ModelMismatchError
from faceplate.core.nets.structure import (
    GENERATORS,
    GeneratorStructure,
    SegmenterStructure,
    infer_generator,
    infer_segmenter,
    is_generator,
    is_segmenter,
)


def weightless(structure: GeneratorStructure | SegmenterStructure) -> nn.Module:
    with torch.device("meta"):
        return structure.build()


def shapes_of(structure: GeneratorStructure | SegmenterStructure) -> dict[str, tuple[int, ...]]:
    return {key: tuple(t.shape) for key, t in weightless(structure).state_dict().items()}


def counted(structure: GeneratorStructure | SegmenterStructure) -> tuple[int, int]:
    network = weightless(structure)
    return len(network.state_dict()), sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("name", "tensors", "parameters"),
    [
        ("released_reenact", 152, 76_003_840),
        ("released_inpaint", 152, 74_178_688),
        ("released_blend", 152, 74_235_136),
        ("paper_reenact", 164, 94_882_304),
        ("paper_blend", 104, 49_159_936),
        ("released_reenact_v1", 154, 94_669_184),
        ("released_inpaint_v1", 152, 93_352_064),
        ("released_blend_v1", 104, 49_750_272),
    ],
)
def test_generators_have_the_published_counts(name: str, tensors: int, parameters: int) -> None:
    assert counted(GENERATORS[name]) == (tensors, parameters)


def test_the_segmenter_has_the_published_counts() -> None:
    assert counted(SegmenterStructure()) == (96, 28_950_851)


def test_the_papers_presets_are_its_notation() -> None:
    # Enhancer(Global(2; 2; 3); 2) and Enhancer(Global(1; 1; 1); 1): the enhancer's number first.
    assert GENERATORS["paper_reenact"].flat_layers == (2, 2, 2, 3)
    assert GENERATORS["paper_inpaint"].flat_layers == (2, 2, 2, 3)
    assert GENERATORS["paper_blend"].flat_layers == (1, 1, 1, 1)
    assert [GENERATORS[f"paper_{t}"].in_channels for t in ("reenact", "inpaint", "blend")] == [
        *(101, 4, 7)
    ]


def test_small_generators_fit_a_shipped_file_in_half_precision() -> None:
    sizes = [2 * counted(s)[1] for name, s in GENERATORS.items() if name.startswith("small_")]

    assert len(sizes) == 3
    assert max(sizes) < 10_000_000


def with_norm(convolutions: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The keys of the specification's table: each convolution, then its batch norm."""
    found = {}
    for key, shape in convolutions.items():
        found[f"{key}.weight"] = shape
        if "out_conv" in key:
            continue
        before, _, place = key.rpartition(".")
        norm = f"{before}.{int(place) + 1}"
        for name in ("weight", "bias", "running_mean", "running_var"):
            found[f"{norm}.{name}"] = shape[:1]
        found[f"{norm}.num_batches_tracked"] = ()
    return found


def flat(key: str, channels: int, blocks: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{key}.flat_block.model.{k}.model.{place}": (channels, channels, 3, 3)
        for k in range(blocks)
        for place in (1, 5)
    }


def global_net(inputs: int, blocks: tuple[int, int, int]) -> dict[str, tuple[int, ...]]:
    inner, middle, last = "base.inner", "base.inner.submodule", "base.inner.submodule.submodule"
    return {
        "base.in_conv.1": (256, inputs, 7, 7),
        f"{inner}.down_block.model.1": (512, 256, 3, 3),
        f"{inner}.down_block.model.5": (512, 512, 3, 3),
        f"{inner}.up_block.model.1": (256, 512, 3, 3),
        **flat(inner, 256, blocks[0]),
        f"{middle}.down_block.model.1": (1024, 512, 3, 3),
        f"{middle}.down_block.model.5": (1024, 1024, 3, 3),
        f"{middle}.up_block.model.1": (512, 1024, 3, 3),
        **flat(middle, 512, blocks[1]),
        **flat(last, 1024, blocks[2]),
    }


def test_the_keys_and_shapes_of_v2_are_the_published_ones() -> None:
    wanted = {
        **global_net(101, (2, 2, 2)),
        "base.out_conv.1": (3, 256, 7, 7),
        "enhancer1.in_conv.1": (128, 101, 7, 7),
        "enhancer1.up_block.model.1": (128, 256, 3, 3),
        **flat("enhancer1", 128, 2),
        "enhancer1.out_conv.1": (3, 128, 7, 7),
    }

    assert shapes_of(GENERATORS["released_reenact"]) == with_norm(wanted)


def test_the_keys_and_shapes_of_v1_are_the_published_ones() -> None:
    wanted = {
        **global_net(71, (0, 2, 3)),
        "base.out_conv1.1": (3, 256, 7, 7),
        "base.out_conv2.1": (3, 256, 7, 7),
        "enhancer1.in_conv.1": (128, 71, 7, 7),
        "enhancer1.down_block.model.1": (256, 128, 3, 3),
        "enhancer1.down_block.model.5": (256, 256, 3, 3),
        "enhancer1.up_block.model.1": (128, 256, 3, 3),
        **flat("enhancer1", 256, 2),
        "enhancer1.out_conv1.1": (3, 128, 7, 7),
        "enhancer1.out_conv2.1": (3, 128, 7, 7),
    }

    assert shapes_of(GENERATORS["released_reenact_v1"]) == with_norm(wanted)


TINY = GeneratorStructure(5, (3,), (1, 2, 1), 4)


@pytest.mark.parametrize(
    "structure",
    [
        *GENERATORS.values(),
        TINY,
        replace(TINY, flat_layers=(0, 0, 0, 0, 0)),
        replace(TINY, flat_layers=(11, 1)),
        replace(TINY, enhancers=0),
        replace(TINY, enhancers=2, flat_layers=(0, 3, 1, 1)),
        replace(TINY, variant="v1", out_channels=(3, 7)),
        replace(TINY, skip="concat"),
        replace(TINY, binned=True),
        replace(TINY, limit=16, flat_layers=(1, 1, 1, 1, 1)),
        replace(GENERATORS["released_reenact"], flat_layers=(1, 1, 1, 1, 1)),
        replace(GENERATORS["released_reenact"], flat_layers=(1, 1, 1, 1, 1), limit=None),
    ],
    ids=lambda s: f"{s.in_channels}-{s.flat_layers}-{s.variant}-{s.skip}-{s.limit}",
)
def test_a_structure_is_told_by_its_shapes(structure: GeneratorStructure) -> None:
    shapes = shapes_of(structure)

    found = infer_generator(shapes)

    assert is_generator(shapes)
    assert shapes_of(found) == shapes
    assert replace(found, limit=structure.limit) == structure


@pytest.mark.parametrize("structure", [SegmenterStructure(), SegmenterStructure(7, 16, 4)])
def test_a_segmenter_is_told_by_its_shapes(structure: SegmenterStructure) -> None:
    shapes = shapes_of(structure)

    assert is_segmenter(shapes)
    assert not is_generator(shapes)
    assert infer_segmenter(shapes) == structure


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("base.in_conv.1.weight", None),
        ("base.in_conv.1.weight", (4,)),
        ("enhancer1.in_conv.1.weight", (0, 5, 7, 7)),
        ("base.inner.down_block.model.1.weight", None),
        ("base.out_conv.1.weight", None),
    ],
)
def test_a_tensor_that_is_needed_is_named(key: str, shape: tuple[int, ...] | None) -> None:
    shapes = shapes_of(TINY)
    if shape is None:
        del shapes[key]
    else:
        shapes[key] = shape

    with pytest.raises(ModelMismatchError, match=key):
        infer_generator(shapes)


def test_a_segmenter_of_odd_width_is_refused() -> None:
    shapes = {**shapes_of(SegmenterStructure()), "conv1.conv1.0.weight": (48, 3, 3, 3)}

    with pytest.raises(ModelMismatchError, match="48 channels"):
        infer_segmenter(shapes)
