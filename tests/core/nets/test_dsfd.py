"""DSFD: the released keys and counts, the specification's numbers, plain numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
import torch

from faceplate.core.nets.dsfd import DSFD, dsfd_like, is_dsfd, max_in_out
from faceplate.core.nets.dsfd_boxes import detections
from faceplate.core.nets.hopenet import Hopenet, is_hopenet
from faceplate.core.nets.hrnet import HRNet, is_hrnet

SMALL: dict[str, Any] = {"width": 4, "depths": (1, 2, 1, 1)}
CPM = ("cpm3_3", "cpm4_3", "cpm5_3", "cpm7", "cpm6_2", "cpm7_2")


def shapes_of(network: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def on_meta(backbone: Literal["resnet", "vgg"]) -> DSFD:
    with torch.device("meta"):
        return DSFD(backbone).eval()


@pytest.mark.parametrize(
    ("backbone", "keys", "counters", "parameters", "buffers"),
    [("resnet", 1126, 159, 120_058_406, 154_399), ("vgg", 209, 0, 70_730_278, 0)],
)
def test_the_layouts_have_their_counts(
    backbone: Literal["resnet", "vgg"], keys: int, counters: int, parameters: int, buffers: int
) -> None:
    network = on_meta(backbone)
    found = list(network.state_dict())

    assert len(found) == keys
    assert sum(key.endswith("num_batches_tracked") for key in found) == counters
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert sum(b.numel() for b in network.buffers()) == buffers


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("layer1.0.weight", (64, 3, 7, 7)),
        ("layer1.1.running_var", (64,)),
        ("layer1.4.0.downsample.0.weight", (256, 64, 1, 1)),
        ("layer2.0.0.conv2.weight", (128, 128, 3, 3)),
        ("layer3.0.35.conv3.weight", (1024, 256, 1, 1)),
        ("layer4.0.2.bn3.bias", (2048,)),
        ("layer5.3.bias", (512,)),
        ("layer6.4.weight", (256,)),
        ("latlayer3.weight", (1024, 2048, 1, 1)),
        ("cpm7.cpm2.weight", (256, 2048, 3, 3)),
        ("cpm7.cpm3.weight", (128, 256, 3, 3)),
        ("loc.1.conv4.weight", (8, 256, 1, 1)),
        ("conf.0.conv1.weight", (256, 512, 3, 3)),
        ("conf.5.conv4.bias", (8,)),
    ],
)
def test_keys_have_their_shapes(key: str, shape: tuple[int, ...]) -> None:
    assert shapes_of(on_meta("resnet"))[key] == shape


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("vgg.31.weight", (1024, 512, 3, 3)),
        ("vgg.33.weight", (1024, 1024, 1, 1)),
        ("extras.1.weight", (512, 256, 3, 3)),
        ("extras.3.bias", (256,)),
        ("L2Norm_5_3.weight", (512,)),
        ("latlayer2.weight", (512, 512, 1, 1)),
        ("cpm5_3.cpm1.weight", (256, 512, 3, 3)),
    ],
)
def test_keys_of_the_other_backbone_have_their_shapes(key: str, shape: tuple[int, ...]) -> None:
    assert shapes_of(on_meta("vgg"))[key] == shape


@pytest.mark.parametrize(
    ("backbone", "first"),
    [
        ("resnet", ["layer1", "layer2", "layer3", "layer4", "layer5", "layer6"]),
        ("vgg", ["vgg", "extras", "L2Norm_3_3", "L2Norm_4_3", "L2Norm_5_3"]),
    ],
)
def test_parts_are_registered_in_the_released_order(
    backbone: Literal["resnet", "vgg"], first: list[str]
) -> None:
    keys = on_meta(backbone).state_dict()

    tops = list(dict.fromkeys(key.split(".")[0] for key in keys))

    product = [f"{kind}{level}" for kind in ("latlayer", "smooth") for level in (3, 2, 1)]
    assert tops == [*first, *product, *CPM, "loc", "conf"]


@pytest.mark.parametrize(
    ("backbone", "sizes"),
    [
        ("resnet", [(19, 26), (10, 13), (5, 7), (3, 4), (2, 2), (1, 1)]),
        ("vgg", [(18, 25), (9, 13), (4, 6), (2, 3), (1, 2), (1, 1)]),
    ],
)
def test_maps_of_an_odd_picture_have_their_sizes(
    backbone: Literal["resnet", "vgg"], sizes: list[tuple[int, int]]
) -> None:
    maps = on_meta(backbone).heads(torch.empty(1, 3, 75, 101, device="meta"))

    assert [tuple(loc.shape[2:]) for loc, _ in maps] == sizes
    assert [loc.shape[1] for loc, _ in maps] == [4, 8, 12, 12, 12, 12]
    assert [conf.shape[1] for _, conf in maps] == [4, 6, 8, 8, 8, 8]


def test_the_released_width_gives_the_specifications_numbers(recipe: Callable[..., Any]) -> None:
    network = on_meta("resnet")
    state = recipe(network.state_dict())
    for key, value in state.items():
        if key.startswith(("latlayer", "smooth")) and key.endswith("weight"):
            value *= 0.3
    network.load_state_dict(state, assign=True)
    noise = np.random.RandomState(1).standard_normal((1, 3, 75, 101))  # noqa: NPY002
    picture = torch.from_numpy(noise.astype(np.float32))

    with torch.no_grad():
        loc, score = network(picture)
        maps = network.heads(picture)
        network.align_corners = True
        others = network.heads(picture)
    boxes, scores = detections(loc[0].numpy(), score[0].numpy(), 75, 101)

    assert len(boxes) == 131
    assert (np.diff(scores) <= 0).all()
    apart = [
        float((a[:, :4] - b[:, :4]).abs().max())
        for (a, _), (b, _) in zip(maps, others, strict=True)
    ]
    assert max(apart) == apart[2] == pytest.approx(0.035, abs=0.002)
    assert apart[3:] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("backbone", ["resnet", "vgg"])
def test_a_small_network_is_what_the_text_says(
    backbone: Literal["resnet", "vgg"],
    recipe: Callable[..., Any],
    plain: Callable[..., Any],
    plain_enlarge: Callable[..., Any],
) -> None:
    network = DSFD(backbone, **SMALL).eval()
    network.load_state_dict(recipe(network.state_dict()))
    p = plain(network.state_dict())
    x = np.random.default_rng(4).standard_normal((3, 75, 101))
    levels = resnet_levels(p, x) if backbone == "resnet" else vgg_levels(p, x)
    above = levels[3]
    for number in (3, 2, 1):
        own = levels[number - 1]
        seen = plain_enlarge(p.conv(f"latlayer{number}", above), *own.shape[1:])
        levels[number - 1] = above = seen * p.conv(f"smooth{number}", own)
    if backbone == "vgg":
        for number, name in enumerate(("L2Norm_3_3", "L2Norm_4_3", "L2Norm_5_3")):
            length = np.sqrt((levels[number] ** 2).sum(axis=0)) + 1e-10
            levels[number] = levels[number] / length * p.state[f"{name}.weight"][:, None, None]

    with torch.no_grad():
        maps = network.heads(torch.from_numpy(x[None].astype(np.float32)))

    for number, (name, level) in enumerate(zip(CPM, levels, strict=True)):
        features = enhanced(p, name, level)
        for found, kind in zip(maps[number], ("loc", "conf"), strict=True):
            y = features
            for layer in (1, 2, 3):
                y = np.maximum(p.conv(f"{kind}.{number}.conv{layer}", y, 1, 1), 0)
            wanted = p.conv(f"{kind}.{number}.conv4", y)
            np.testing.assert_allclose(found[0], wanted, atol=1e-4 * np.abs(wanted).max())


def resnet_levels(p: Any, x: Any) -> list[Any]:
    y = np.maximum(p.norm("layer1.1", p.conv("layer1.0", x, 2, 3)), 0)
    y = pooled(y, 3, 2, pad=1)
    levels = []
    stages = [("layer1.4", 1), ("layer2.0", 2), ("layer3.0", 2), ("layer4.0", 2)]
    for (stage, stride), depth in zip(stages, SMALL["depths"], strict=True):
        for number in range(depth):
            y = p.bottleneck(f"{stage}.{number}", y, stride if number == 0 else 1)
        levels.append(y)
    for name in ("layer5", "layer6"):
        y = np.maximum(p.norm(f"{name}.1", p.conv(f"{name}.0", y)), 0)
        y = np.maximum(p.norm(f"{name}.4", p.conv(f"{name}.3", y, 2, 1)), 0)
        levels.append(y)
    return levels


def vgg_levels(p: Any, x: Any) -> list[Any]:
    y, levels = x, []
    for number in range(35):
        if number in (4, 9, 16, 23, 30):
            y = pooled(y, 2, 2, ceil=number == 16)
        elif f"vgg.{number}.weight" in p.state:
            y = np.maximum(p.conv(f"vgg.{number}", y, 1, 0 if number == 33 else 1), 0)
        if number in (15, 22, 29, 34):
            levels.append(y)
    for number in range(4):
        odd = number % 2
        y = np.maximum(p.conv(f"extras.{number}", y, 1 + odd, odd), 0)
        if odd:
            levels.append(y)
    return levels


def pooled(x: Any, side: int, stride: int, *, pad: int = 0, ceil: bool = False) -> Any:
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)), constant_values=-np.inf)
    rows, columns = (
        (-((side - n) // stride) if ceil else (n - side) // stride) + 1 for n in x.shape[1:]
    )
    out = np.empty((len(x), rows, columns))
    for i in range(rows):
        for j in range(columns):
            y0, x0 = i * stride, j * stride
            out[:, i, j] = x[:, y0 : y0 + side, x0 : x0 + side].max(axis=(1, 2))
    return out


def enhanced(p: Any, name: str, x: Any) -> Any:
    a = np.maximum(p.conv(f"{name}.cpm1", x, 1, 1), 0)
    b = np.maximum(p.conv(f"{name}.cpm2", x, 1, 2, 2), 0)
    d = np.maximum(p.conv(f"{name}.cpm3", b, 1, 1), 0)
    e = np.maximum(p.conv(f"{name}.cpm4", b, 1, 2, 2), 0)
    f = np.maximum(p.conv(f"{name}.cpm5", e, 1, 1), 0)
    return np.concatenate([a, d, f])


def test_three_backgrounds_on_the_finest_level_and_three_faces_elsewhere() -> None:
    conf = torch.tensor([3.0, 9.0, 5.0, 7.0, 1.0, 2.0, 8.0, 6.0]).view(1, 8, 1, 1)

    assert max_in_out(conf[:, :4], 0).flatten().tolist() == [9.0, 7.0]
    assert max_in_out(conf, 1).flatten().tolist() == [7.0, 9.0, 1.0, 2.0, 8.0, 6.0]


def test_parts_lie_level_by_level_and_row_by_row() -> None:
    torch.manual_seed(0)
    network = DSFD(**SMALL).eval()
    picture = torch.randn(1, 3, 75, 101)

    with torch.no_grad():
        maps = network.heads(picture)
        face, head, body = network.parts(picture)
        loc, score = network(picture)

    assert face.loc.shape == (1, 676, 4)
    assert torch.equal(loc, face.loc)
    assert torch.equal(face.loc[0, 26 + 2], maps[0][0][0, :4, 1, 2])
    assert torch.equal(face.loc[0, 494 + 2 * 13 + 1], maps[1][0][0, :4, 2, 1])
    assert torch.equal(head.loc[0, 0], maps[1][0][0, 4:8, 0, 0])
    assert torch.equal(head.conf[0, 130], maps[2][1][0, 4:6, 0, 0])
    assert torch.equal(body.loc[0, 1], maps[2][0][0, 8:12, 0, 1])
    assert torch.equal(body.conf[0, 35], maps[3][1][0, 6:8, 0, 0])
    assert [p.loc.shape[1] for p in (face, head, body)] == [676, 182, 52]
    a, b = face.conf[0, 5].tolist()
    assert score[0, 5].item() == pytest.approx(1 / (1 + np.exp(a - b)), rel=1e-5)


@pytest.mark.parametrize(
    ("backbone", "sizes"),
    [
        ("resnet", SMALL),
        ("resnet", {"width": 2, "depths": (3, 1, 2, 2)}),
        ("vgg", {"width": 2}),
    ],
)
def test_a_saved_network_is_known_again_and_runs_the_same(
    backbone: Literal["resnet", "vgg"], sizes: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    network = DSFD(backbone, **sizes).eval()
    old = {k: v for k, v in network.state_dict().items() if not k.endswith("tracked")}

    assert is_dsfd(shapes_of(network))
    again = dsfd_like(shapes_of(network)).eval()
    again.load_state_dict(old, strict=True)

    picture = torch.randn(1, 3, 64, 80)
    with torch.no_grad():
        for one, other in zip(network(picture), again(picture), strict=True):
            assert torch.equal(one, other)


def test_no_network_is_taken_for_another() -> None:
    with torch.device("meta"):
        networks = (DSFD(), DSFD("vgg"), HRNet(), Hopenet())

    found = [
        [known(shapes_of(network)) for known in (is_dsfd, is_hrnet, is_hopenet)]
        for network in networks
    ]

    assert found == [
        [True, False, False],
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]


@pytest.mark.parametrize("known", [is_dsfd, is_hrnet, is_hopenet])
def test_strange_tensors_are_not_known(known: Callable[..., bool]) -> None:
    odd = {
        "layer1.0.weight": (),
        "conv1.weight": (3,),
        "fc_yaw.weight": (66,),
        "head.3.weight": (98,),
        "loc.5.conv4.weight": (12,),
        "conf.0.conv4.weight": (4,),
    }

    assert not known({})
    assert not known(odd)
