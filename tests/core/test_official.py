"""Recognising released files: by keys and shapes alone, with every misfit named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from faceplate.core.errors import ModelMismatchError
from faceplate.core.nets.dsfd import DSFD
from faceplate.core.nets.hopenet import Hopenet
from faceplate.core.nets.hrnet import HRNet
from faceplate.core.nets.perceptual import Vgg19
from faceplate.core.nets.structure import GENERATORS, GeneratorStructure
from faceplate.core.nets.torchfile import Checkpoint
from faceplate.core.nets.unet import MultiScaleResUNet, UNet
from faceplate.core.official import adopt
from faceplate.core.recipes import RECIPES

TINY = GeneratorStructure(101, (3,), (1, 0, 1), 2)
V1 = replace(TINY, in_channels=71, out_channels=(3, 3), variant="v1")

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "official_reenact": TINY.build,
    "official_reenact_v1": V1.build,
    "official_inpaint": replace(TINY, in_channels=4).build,
    "official_blend": replace(TINY, in_channels=7).build,
    "official_blend_v1": replace(V1, in_channels=7, out_channels=(3,)).build,
    "official_generate": replace(TINY, in_channels=106).build,
    "official_segment": lambda: UNet(3, feature_scale=32),
    "official_perceptual_attributes": lambda: Vgg19(28, width=2, side=32, hidden=4),
    "official_perceptual_identity": lambda: Vgg19(9131, width=2, side=32, hidden=4),
    "official_landmarks": lambda: HRNet(98, (4, 8, 12, 16), 1, (1, 2, 1)),
    "official_pose": lambda: Hopenet((1, 1, 1, 1), 8),
    "official_detect": lambda: DSFD(width=4, depths=(1, 1, 1, 1)),
}


def held(state: dict[str, Tensor], text: str = "") -> Checkpoint:
    return Checkpoint("a.pth", "0" * 64, dict(state), text)


def state_of(network: nn.Module) -> dict[str, Tensor]:
    return {key: tensor.clone() for key, tensor in network.state_dict().items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_each_released_kind_is_recognised_and_loaded_whole(name: str) -> None:
    torch.manual_seed(1)
    state = state_of(NETWORKS[name]())

    found = adopt(held(state))

    assert found.recognised.name == name
    loaded = found.network.state_dict()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in state.items())
    assert not any(m.training for m in found.network.modules())
    assert not any(p.requires_grad for p in found.network.parameters())
    assert found.notes == ()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_state_matches_one_recipe_only(name: str) -> None:
    shapes = {key: tuple(t.shape) for key, t in NETWORKS[name]().state_dict().items()}

    assert sum(recipe.matches(shapes) for recipe in RECIPES) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_old_files_without_counters_are_complete(name: str) -> None:
    state = state_of(NETWORKS[name]())
    without = {k: t for k, t in state.items() if not k.endswith("num_batches_tracked")}
    assert len(without) < len(state)

    found = adopt(held(without)).network.state_dict()

    assert found.keys() == state.keys()
    assert all(not found[key].any() for key in state.keys() - without.keys())


def test_hopenets_unused_layer_is_known() -> None:
    state = state_of(Hopenet((1, 1, 1, 1), 8))

    assert "fc_finetune.weight" in state
    assert adopt(held(state)).recognised.name == "official_pose"


def test_a_missing_tensor_is_named() -> None:
    state = state_of(TINY.build())
    del state["enhancer1.up_block.model.2.running_var"]

    with pytest.raises(ModelMismatchError, match=r"lacks enhancer1\.up_block\.model\.2\.running_"):
        adopt(held(state))


def test_a_tensor_too_many_is_named() -> None:
    state = {**state_of(TINY.build()), "base.extra.weight": torch.zeros(1)}

    with pytest.raises(ModelMismatchError, match=r"has besides base\.extra\.weight"):
        adopt(held(state))


def test_many_missing_tensors_are_counted() -> None:
    state = {k: t for k, t in state_of(TINY.build()).items() if "running" not in k}

    with pytest.raises(ModelMismatchError, match=r"lacks base.*and \d+ more") as caught:
        adopt(held(state))

    assert len(caught.value.facts["names"]) > 10  # type: ignore[arg-type]


def test_a_wrong_shape_is_named_with_both() -> None:
    state = state_of(TINY.build())
    state["base.inner.up_block.model.1.weight"] = torch.zeros(4, 9, 3, 3)

    with pytest.raises(ModelMismatchError, match=r"up_block.*\(4, 9, 3, 3\) instead of \(4, 8, 3"):
        adopt(held(state))


def test_whole_numbers_are_no_weights() -> None:
    state = state_of(TINY.build())
    state["base.in_conv.2.weight"] = state["base.in_conv.2.weight"].long()

    with pytest.raises(ModelMismatchError, match=r"base\.in_conv\.2\.weight"):
        adopt(held(state))


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", [(), (0,), (0, 0, 0, 0), (3, 3), (2**40, 1, 1, 1)])
def test_odd_shapes_anywhere_are_refused_and_nothing_else(
    name: str, shape: tuple[int, ...]
) -> None:
    state = state_of(NETWORKS[name]())
    odd = torch.zeros((), device="meta").expand(shape)
    keys = [key for key in state if not key.endswith("num_batches_tracked")]

    for key in {keys[0], keys[-1], keys[len(keys) // 2], *[k for k in keys if "conv1" in k][:2]}:
        if state[key].shape != odd.shape:
            with pytest.raises(ModelMismatchError):
                adopt(held({**state, key: odd}))


def test_another_network_is_refused_with_what_would_do() -> None:
    state = nn.Linear(3, 3).state_dict()

    with pytest.raises(ModelMismatchError, match="tensors begin with weight, bias") as caught:
        adopt(held(dict(state)))

    assert "DSFD" in caught.value.hint
    assert "generators" in caught.value.hint


@pytest.mark.parametrize("network", [UNet(4, 32), UNet(3, 32, in_channels=4)])
def test_a_segmenter_of_other_classes_is_refused(network: nn.Module) -> None:
    with pytest.raises(ModelMismatchError, match="the released ones make 3 of 3"):
        adopt(held(state_of(network)))


def test_a_file_of_the_first_stage_is_the_global_net() -> None:
    whole = TINY.build()
    base = {k.removeprefix("base."): t for k, t in state_of(whole).items() if k[:5] == "base."}

    found = adopt(held(base))

    assert [one.shape for one in found.recognised.inputs] == [(101, 128, 128)]
    network = found.network
    assert isinstance(network, MultiScaleResUNet)
    picture = torch.randn(1, 101, 16, 16)
    with torch.no_grad():
        assert torch.equal(network([picture]), whole.eval()([picture]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("res_unet.MultiScaleResUNet(in_nc=101,out_nc=3,flat_layers=(1,0,1),ngf=2)", []),
        ("res_unet.MultiScaleResUNet(in_nc=101,ngf=128)", ["ngf=128, its tensors 2"]),
        ("a.B(in_nc=4,flat_layers=(2,2))", ["in_nc=4", r"flat_layers=(2, 2), its tensors (1, 0,"]),
        ("__import__('os').system('x')", ["cannot be read"]),
    ],
)
def test_the_files_own_text_is_compared_and_never_believed(text: str, said: list[str]) -> None:
    state = state_of(TINY.build())

    found = adopt(held(state, text))

    assert len(found.notes) == len(said)
    assert all(words in note for words, note in zip(said, found.notes, strict=True))
    assert found.recognised.inputs[0].shape[0] == 101


def test_split_structure_is_told_by_both_outputs() -> None:
    found = adopt(held(state_of(V1.build()))).recognised

    assert [name for name, _, _ in found.outputs] == ["picture", "labels"]
    assert [one.name for one in found.inputs] == ["fine", "coarse"]


def test_full_width_files_are_recognised_without_memory() -> None:
    with torch.device("meta"):
        state = GENERATORS["released_reenact_v1"].build().state_dict()
    shapes = {key: tuple(t.shape) for key, t in state.items()}

    recipe = next(recipe for recipe in RECIPES if recipe.matches(shapes))
    with torch.device("meta"):
        found = recipe.recognise(shapes)

    assert found.name == "official_reenact_v1"
    assert {k: tuple(t.shape) for k, t in found.network.state_dict().items()} == shapes
