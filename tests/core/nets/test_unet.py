"""Generators and the segmenter, against a slow forward pass written from the specification."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import nn

from faceplate.core.arrays import DoubleArray
from faceplate.core.errors import ContractError
from faceplate.core.nets.blocks import BINS, initialise, pool_pyramid
from faceplate.core.nets.unet import MultiScaleResUNet, UNet

State = Mapping[str, DoubleArray]


def shaken(network: nn.Module) -> nn.Module:
    """Give a network weights, statistics and biases that all matter, from a fixed seed."""
    rng = torch.Generator().manual_seed(3)
    for key, tensor in network.state_dict().items():
        if tensor.ndim == 4:
            tensor.normal_(0.0, (2 / tensor[0].numel()) ** 0.5, generator=rng)
        elif key.endswith(("running_var", "weight")):
            tensor.uniform_(0.5, 1.5, generator=rng)
        elif key.endswith(("running_mean", "bias")):
            tensor.normal_(0.0, 0.3, generator=rng)
    return network.double().eval()


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def state_of(network: nn.Module) -> State:
    return {key: tensor.numpy() for key, tensor in network.state_dict().items()}


# --- the slow forward pass: one picture, (C, h, w) float64 ------------------------------------


def padded(x: DoubleArray, reach: int, mode: str) -> DoubleArray:
    return np.pad(x, ((0, 0), (reach, reach), (reach, reach)), mode=mode)  # type: ignore[call-overload]


def convolved(x: DoubleArray, weight: DoubleArray, stride: int = 1) -> DoubleArray:
    size = weight.shape[2]
    rows, columns = ((n - size) // stride + 1 for n in x.shape[1:])
    out = np.empty((len(weight), rows, columns))
    for i in range(rows):
        for j in range(columns):
            patch = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
            out[:, i, j] = (weight * patch).sum(axis=(1, 2, 3))
    return out


def normed(x: DoubleArray, state: State, key: str) -> DoubleArray:
    weight, bias, mean, variance = (
        state[f"{key}.{name}"][:, None, None]
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias


def cb(x: DoubleArray, state: State, key: str, at: int = 1, stride: int = 1) -> DoubleArray:
    """Reflection padding, convolution, batch norm; the caller adds the ReLU."""
    weight = state[f"{key}.{at}.weight"]
    x = convolved(padded(x, weight.shape[2] // 2, "reflect"), weight, stride)
    return normed(x, state, f"{key}.{at + 1}")


def relu(x: DoubleArray) -> DoubleArray:
    return np.maximum(x, 0)


def doubled(x: DoubleArray, *, corners: bool) -> DoubleArray:
    for axis in (1, 2):
        count = x.shape[axis]
        places = np.arange(2 * count)
        at = places * (count - 1) / (2 * count - 1) if corners else (places + 0.5) / 2 - 0.5
        at = np.clip(at, 0, count - 1)
        low = np.minimum(at.astype(int), count - 1)
        high = np.minimum(low + 1, count - 1)
        share = (at - low).reshape([-1 if a == axis else 1 for a in range(3)])
        x = np.take(x, low, axis) * (1 - share) + np.take(x, high, axis) * share
    return x


def down(x: DoubleArray, state: State, key: str) -> DoubleArray:
    x = relu(cb(x, state, f"{key}.model", 1, stride=2))
    return relu(cb(x, state, f"{key}.model", 5))


def up(x: DoubleArray, state: State, key: str) -> DoubleArray:
    return relu(cb(doubled(x, corners=False), state, f"{key}.model"))


def flat(x: DoubleArray, state: State, key: str, blocks: int) -> DoubleArray:
    for number in range(blocks):
        block = f"{key}.model.{number}.model"
        x = relu(x + cb(relu(cb(x, state, block)), state, block, 5))
    return x


def joined(a: DoubleArray, b: DoubleArray, state: State, key: str) -> DoubleArray:
    if f"{key}.merge.1.weight" not in state:
        return a + b
    return relu(cb(np.concatenate([a, b]), state, f"{key}.merge"))


def level(x: DoubleArray, state: State, key: str, flat_layers: tuple[int, ...]) -> DoubleArray:
    if len(flat_layers) > 1:
        below = level(
            down(x, state, f"{key}.down_block"), state, f"{key}.submodule", flat_layers[1:]
        )
        x = joined(x, up(below, state, f"{key}.up_block"), state, f"{key}.join")
    return flat(x, state, f"{key}.flat_block", flat_layers[0])


def answers(x: DoubleArray, state: State, key: str) -> list[DoubleArray]:
    heads = [h for h in ("out_conv", "out_conv1", "out_conv2") if f"{key}.{h}.1.weight" in state]
    return [
        np.tanh(convolved(padded(x, 3, "reflect"), state[f"{key}.{h}.1.weight"])) for h in heads
    ]


def generated(pyramid: list[DoubleArray], state: State, flat_layers: tuple[int, ...], variant: str):  # type: ignore[no-untyped-def]
    """One enhancer at most, as in `fsgan.md` 5.2 to 5.6."""
    enhancers = int("enhancer1.in_conv.1.weight" in state)
    x = relu(cb(pyramid[-1], state, "base.in_conv"))
    x = level(x, state, "base.inner", flat_layers[enhancers:])
    if len(pyramid) == 1:
        return answers(x, state, "base")
    fine = relu(cb(pyramid[0], state, "enhancer1.in_conv"))
    blocks = flat_layers[0]
    if variant == "v2":
        x = joined(fine, up(x, state, "enhancer1.up_block"), state, "enhancer1.join")
        x = flat(x, state, "enhancer1.flat_block", blocks)
    else:
        x = joined(down(fine, state, "enhancer1.down_block"), x, state, "enhancer1.join")
        x = up(flat(x, state, "enhancer1.flat_block", blocks), state, "enhancer1.up_block")
    return answers(x, state, "enhancer1")


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize(
    ("outputs", "flat_layers", "variant", "skip"),
    [
        (3, (1, 2, 0, 1), "v2", "sum"),
        (3, (2, 0, 1), "v1", "sum"),
        ((3, 3), (1, 1, 1), "v1", "sum"),
        ((3, 2), (0, 1, 1), "v2", "sum"),
        (3, (1, 1, 1), "v2", "concat"),
        (3, (1, 1, 1), "v1", "concat"),
    ],
)
def test_a_generator_computes_what_the_specification_says(  # type: ignore[no-untyped-def]
    levels: int, outputs, flat_layers: tuple[int, ...], variant, skip
) -> None:
    network = shaken(MultiScaleResUNet(5, outputs, flat_layers, 2, variant=variant, skip=skip))
    pyramid = [noise(1, 5, 32, 32), noise(1, 5, 16, 16, seed=1)][2 - levels :]

    with torch.no_grad():
        found = network(pyramid)

    wanted = generated([x[0].numpy() for x in pyramid], state_of(network), flat_layers, variant)
    found = found if isinstance(found, tuple) else (found,)
    assert len(found) == len(wanted)
    for have, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(have[0].numpy(), want, atol=1e-10)
        assert np.ptp(want) > 0.1


def test_without_enhancers_there_is_the_global_net_alone() -> None:
    network = shaken(MultiScaleResUNet(4, 3, (1, 1), 4, enhancers=0))
    picture = noise(1, 4, 16, 16)

    with torch.no_grad():
        found = network([picture])

    wanted = generated([picture[0].numpy()], state_of(network), (1, 1), "v2")
    np.testing.assert_allclose(found[0].numpy(), wanted[0], atol=1e-10)


def test_two_enhancers_go_from_the_coarser_to_the_finer() -> None:
    network = shaken(MultiScaleResUNet(3, 3, (0, 3, 1), 2, enhancers=2))
    fine = [noise(1, 3, n, n) for n in (32, 16, 8)]

    with torch.no_grad():
        whole, half, coarse = network(fine), network(fine[1:]), network(fine[2:])

    assert [x.shape[-1] for x in (whole, half, coarse)] == [32, 16, 8]
    assert network.enhancer1.in_conv[1].out_channels == 4
    assert len(network.enhancer1.flat_block.model) == 3  # flat layers: finest level first
    assert network.base.in_conv[1].out_channels == 8


def test_a_binned_output_is_the_mean_of_its_values() -> None:
    network = shaken(MultiScaleResUNet(3, 3, (0, 1), 2, binned=True))
    state = state_of(network)
    pyramid = [noise(1, 3, 16, 16), noise(1, 3, 8, 8)]

    with torch.no_grad():
        found = network(pyramid)[0].numpy()
        features = network.enhancer1(pyramid[0], network.base(pyramid[1]))[0].numpy()

    raw = convolved(padded(features, 3, "reflect"), state["enhancer1.out_conv.1.weight"])
    for colour in range(3):
        share = np.exp(raw[colour * BINS : (colour + 1) * BINS])
        values = 2 / (BINS - 1) * np.arange(BINS) - 1
        wanted = np.tensordot(values, share / share.sum(axis=0), 1)
        np.testing.assert_allclose(found[colour], wanted, atol=1e-6)  # of the stored values


@pytest.mark.parametrize(
    "pyramid",
    [
        torch.zeros(1, 5, 16, 16),
        [],
        [torch.zeros(1, 5, 16, 16)] * 2,
        [torch.zeros(1, 4, 32, 32), torch.zeros(1, 5, 16, 16)],
        [torch.zeros(1, 5, n, n) for n in (64, 32, 16)],
    ],
    ids=["a bare tensor", "nothing", "no halving", "channels", "too many levels"],
)
def test_what_is_no_pyramid_of_the_net_is_refused(pyramid: list[torch.Tensor]) -> None:
    network = MultiScaleResUNet(5, 3, (0, 1), 2)

    with pytest.raises(ContractError, match="list of 1 to 2 levels of 5 channels"):
        network(pyramid)


@pytest.mark.parametrize(
    ("flat_layers", "outputs"), [((1,), 3), ((), 3), ((1, 1), (3, 3, 3)), ((1, 1), ())]
)
def test_a_generator_that_cannot_be_is_refused(flat_layers, outputs) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ContractError):
        MultiScaleResUNet(3, outputs, flat_layers, 2)


def test_the_tensor_pyramid_is_a_mean_over_what_is_inside() -> None:
    picture = noise(1, 2, 8, 8)

    fine, coarse = pool_pyramid(picture, 2)

    assert fine is picture
    for i in range(4):
        for j in range(4):
            cells = picture[0, :, max(2 * i - 1, 0) : 2 * i + 2, max(2 * j - 1, 0) : 2 * j + 2]
            assert torch.allclose(coarse[0, :, i, j], cells.mean(dim=(1, 2)))


def test_new_weights_have_the_released_spread() -> None:
    network = MultiScaleResUNet(8, 3, (1, 1), 16)

    initialise(network, torch.Generator().manual_seed(0))

    state = network.state_dict()
    assert state["base.in_conv.1.weight"].std().item() == pytest.approx(0.02, rel=0.02)
    scale = torch.cat([v for k, v in state.items() if v.ndim == 1 and k.endswith("weight")])
    assert scale.mean().item() == pytest.approx(1.0, abs=0.01)
    assert scale.std().item() == pytest.approx(0.02, rel=0.2)
    assert all(not v.any() for k, v in state.items() if k.endswith("bias"))


def test_the_segmenter_computes_what_the_specification_says() -> None:
    network = shaken(UNet(3, feature_scale=32))
    picture = noise(1, 3, 32, 32)
    state = state_of(network)

    def plain(x: DoubleArray, key: str) -> DoubleArray:
        return (
            convolved(padded(x, 1, "constant"), state[f"{key}.weight"])
            + (state[f"{key}.bias"][:, None, None])
        )

    def point(x: DoubleArray, key: str) -> DoubleArray:
        return convolved(x, state[f"{key}.weight"]) + state[f"{key}.bias"][:, None, None]

    x = picture[0].numpy()
    kept = []
    for name in ("conv1", "conv2", "conv3", "conv4", "center"):
        for part in ("conv1", "conv2"):
            x = relu(normed(plain(x, f"{name}.{part}.0"), state, f"{name}.{part}.1"))
        if name != "center":
            kept.append(x)
            x = x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2).max(axis=(2, 4))
    for number in (4, 3, 2, 1):
        key = f"up_concat{number}"
        x = np.concatenate([kept[number - 1], point(doubled(x, corners=True), f"{key}.conv1d")])
        x = relu(plain(relu(plain(x, f"{key}.conv.conv1.0")), f"{key}.conv.conv2.0"))
    wanted = point(x, "final")

    with torch.no_grad():
        found = network(picture)[0].numpy()

    np.testing.assert_allclose(found, wanted, atol=1e-10 * np.abs(wanted).max())
    assert np.ptp(wanted) > 0.1
