"""HRNet: the released keys and counts, and a small one against plain numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from faceplate.core.arrays import DoubleArray
from faceplate.core.nets.hrnet import HRNet, hrnet_like, is_hrnet

TINY = (7, (4, 8, 12, 16), 1, (1, 2, 1))


@pytest.fixture(scope="module")
def released() -> HRNet:
    with torch.device("meta"):
        return HRNet()


def shapes_of(network: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def test_the_released_layout_has_its_counts(released: HRNet) -> None:
    keys = list(released.state_dict())

    assert len(keys) == 1839
    assert sum(key.endswith("num_batches_tracked") for key in keys) == 306
    assert sum(p.numel() for p in released.parameters()) == 9_662_528
    assert sum(b.numel() for b in released.buffers()) == 34_782


@pytest.mark.parametrize(
    ("part", "count"),
    [
        ("layer1", 286_208),
        ("transition1", 124_524),
        ("stage2", 124_092),
        ("transition2", 23_472),
        ("stage3", 2_162_880),
        ("transition3", 93_600),
        ("stage4", 6_708_636),
        ("head", 100_268),
    ],
)
def test_each_part_has_its_parameters(part: str, count: int, released: HRNet) -> None:
    assert sum(p.numel() for p in released.get_submodule(part).parameters()) == count


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("transition1.0.0.weight", (18, 256, 3, 3)),
        ("transition1.1.0.0.weight", (36, 256, 3, 3)),
        ("transition2.2.0.0.weight", (72, 36, 3, 3)),
        ("transition3.3.0.0.weight", (144, 72, 3, 3)),
        ("stage3.0.fuse_layers.2.0.0.0.weight", (18, 18, 3, 3)),
        ("stage3.0.fuse_layers.2.0.1.0.weight", (72, 18, 3, 3)),
        ("stage3.3.fuse_layers.0.2.0.weight", (18, 72, 1, 1)),
        ("stage4.2.branches.3.3.conv2.weight", (144, 144, 3, 3)),
        ("head.0.bias", (270,)),
        ("head.3.weight", (98, 270, 1, 1)),
    ],
)
def test_keys_have_their_shapes(key: str, shape: tuple[int, ...], released: HRNet) -> None:
    assert shapes_of(released)[key] == shape


def test_parts_are_registered_in_the_released_order(released: HRNet) -> None:
    tops = list(dict.fromkeys(key.split(".")[0] for key in released.state_dict()))

    assert tops == [
        *("conv1", "bn1", "conv2", "bn2", "layer1"),
        *("transition1", "stage2", "transition2", "stage3", "transition3", "stage4", "head"),
    ]


def test_the_reference_size_has_its_number_of_keys() -> None:
    assert len(HRNet(*TINY).state_dict()) == 459


def test_a_picture_of_256_gives_98_maps_of_64(released: HRNet) -> None:
    maps = released.eval()(torch.empty(2, 3, 256, 256, device="meta"))

    assert maps.shape == (2, 98, 64, 64)


class Oracle:
    """The specification's text on plain arrays."""

    def __init__(self, plain: Any, enlarge: Callable[..., DoubleArray]) -> None:
        self.plain, self.enlarge = plain, enlarge

    def step(self, name: str, x: DoubleArray, stride: int, *, active: bool = True) -> DoubleArray:
        y = self.plain.norm(f"{name}.1", self.plain.conv(f"{name}.0", x, stride, 1))
        return np.maximum(y, 0) if active else y

    def module(self, name: str, maps: list[DoubleArray], blocks: int) -> list[DoubleArray]:
        for b in range(len(maps)):
            for k in range(blocks):
                place = f"{name}.branches.{b}.{k}"
                y = self.plain.conv(f"{place}.conv1", maps[b], 1, 1)
                y = np.maximum(self.plain.norm(f"{place}.bn1", y), 0)
                y = self.plain.norm(f"{place}.bn2", self.plain.conv(f"{place}.conv2", y, 1, 1))
                maps[b] = np.maximum(y + maps[b], 0)
        fused = []
        for i, own in enumerate(maps):
            total = np.zeros(own.shape)
            for j, other in enumerate(maps):
                place = f"{name}.fuse_layers.{i}.{j}"
                y = other
                if j > i:
                    y = self.plain.norm(f"{place}.1", self.plain.conv(f"{place}.0", y))
                    y = self.enlarge(y, *own.shape[1:])
                for k in range(i - j):
                    y = self.step(f"{place}.{k}", y, 2, active=k < i - j - 1)
                total += y
            fused.append(np.maximum(total, 0))
        return fused

    def run(self, x: DoubleArray, blocks: int, modules: tuple[int, int, int]) -> DoubleArray:
        for number in (1, 2):
            y = self.plain.conv(f"conv{number}", x, 2, 1)
            x = np.maximum(self.plain.norm(f"bn{number}", y), 0)
        for number in range(4):
            x = self.plain.bottleneck(f"layer1.{number}", x)
        maps = [self.step("transition1.0", x, 1), self.step("transition1.1.0", x, 2)]
        for stage, count in zip((2, 3, 4), modules, strict=True):
            if stage > 2:
                place = f"transition{stage - 1}.{stage - 1}.0"
                maps.append(self.step(place, maps[-1], 2))
            for number in range(count):
                maps = self.module(f"stage{stage}.{number}", maps, blocks)
        every = np.concatenate([self.enlarge(m, *maps[0].shape[1:]) for m in maps])
        y = self.plain.norm("head.1", self.plain.conv("head.0", every))
        return self.plain.conv("head.3", np.maximum(y, 0))


@pytest.mark.parametrize("size", [(64, 48), (50, 70)])
def test_a_small_network_is_what_the_text_says(
    size: tuple[int, int],
    recipe: Callable[..., Any],
    plain: Callable[..., Any],
    plain_enlarge: Callable[..., DoubleArray],
) -> None:
    network = HRNet(*TINY).eval()
    network.load_state_dict(recipe(network.state_dict()))
    x = np.random.default_rng(5).standard_normal((3, *size))
    wanted = Oracle(plain(network.state_dict()), plain_enlarge).run(x, TINY[2], TINY[3])

    with torch.no_grad():
        found = network(torch.from_numpy(x[None].astype(np.float32)))[0].numpy()

    assert found.shape == (7, -(-size[0] // 4), -(-size[1] // 4))
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    assert np.abs(wanted).max() > 0.1


@pytest.mark.parametrize("sizes", [TINY, (98, (2, 3, 4, 5), 2, (1, 1, 2))])
def test_a_saved_network_is_known_again_and_runs_the_same(sizes: Any) -> None:
    torch.manual_seed(0)
    network = HRNet(*sizes).eval()
    old = {k: v for k, v in network.state_dict().items() if not k.endswith("tracked")}

    assert is_hrnet(shapes_of(network))
    again = hrnet_like(shapes_of(network)).eval()
    again.load_state_dict(old, strict=True)

    picture = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(network(picture), again(picture))


def test_a_small_one_learns_where_a_dot_is() -> None:
    torch.manual_seed(0)
    network = HRNet(1, (4, 4, 4, 4), 1, (1, 1, 1))
    pictures, maps = torch.zeros(4, 3, 32, 32), torch.zeros(4, 1, 8, 8)
    for number, (x, y) in enumerate([(8, 8), (20, 8), (8, 20), (20, 20)]):
        pictures[number, :, y : y + 4, x : x + 4] = 1
        maps[number, 0, y // 4, x // 4] = 1
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(40):
        loss = torch.nn.functional.mse_loss(network(pictures), maps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < 0.1 * losses[0]
