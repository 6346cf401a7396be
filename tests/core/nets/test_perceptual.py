"""The perceptual network: torchvision's layer order, and the taps that the release really uses."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from faceplate.core.errors import ModelMismatchError
from faceplate.core.nets.perceptual import TAP_WEIGHTS, Vgg19, frozen, is_vgg19, vgg19_like

SLICES = ((0, 2), (2, 7), (7, 12), (12, 21), (21, 30))


def small(**more: int) -> Vgg19:
    network = Vgg19(**{"classes": 5, "width": 4, "side": 32, "hidden": 16, **more})
    rng = torch.Generator().manual_seed(1)
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            low = 0.3 if key.endswith("running_var") else -0.3
            tensor.uniform_(low, low + 0.6, generator=rng)
    return network.eval()


def as_released(network: Vgg19) -> list[nn.Sequential]:
    """The five slices over one list of layers, with ReLUs that write over what they are given."""
    layers = [
        nn.ReLU(inplace=True) if isinstance(layer, nn.ReLU) else layer for layer in network.features
    ]
    return [nn.Sequential(*layers[first:last]) for first, last in SLICES]


def test_the_layers_stand_where_torchvision_has_them() -> None:
    with torch.device("meta"):
        features = Vgg19().features
    expected: list[type[nn.Module]] = []
    for convolutions in (2, 2, 4, 4, 4):
        expected += [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] * convolutions + [nn.MaxPool2d]

    assert [type(layer) for layer in features] == expected
    channels = [layer.out_channels for layer in features if isinstance(layer, nn.Conv2d)]
    assert channels == [64] * 2 + [128] * 2 + [256] * 4 + [512] * 8


def test_the_taps_are_what_in_place_relus_leave_behind() -> None:
    network = small()
    picture = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))

    x, wanted = picture, []
    for part in as_released(network):  # each slice may still change what the one before gave out
        x = part(x)
        wanted.append(x)
    found = network.taps(picture)

    assert len(found) == len(TAP_WEIGHTS) == 5
    for have, want in zip(found, wanted, strict=True):
        assert torch.equal(have, want)


def test_without_the_quirk_the_taps_are_those_of_the_indices() -> None:
    network = small()
    picture = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))

    found = network.taps(picture, in_place=False)

    for have, (_, last) in zip(found, SLICES, strict=True):
        assert torch.equal(have, network.features[:last](picture))
    same = [torch.equal(a, b) for a, b in zip(found, network.taps(picture), strict=True)]
    assert same == [False, True, False, True, True]


def test_the_weights_of_the_taps_are_the_released_ones() -> None:
    assert TAP_WEIGHTS == (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)


def test_the_classifier_takes_pictures_of_256() -> None:
    with torch.device("meta"):
        network = Vgg19(28)
        logits = network(torch.zeros(2, 3, 256, 256))

    assert tuple(network.state_dict()["classifier.0.weight"].shape) == (4096, 512 * 8 * 8)
    assert tuple(logits.shape) == (2, 28)


def test_a_frozen_network_does_not_drift() -> None:
    network = frozen(small().train())
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}

    picture = torch.randn(2, 3, 32, 32).requires_grad_()
    sum(tap.mean() for tap in network.taps(picture)).backward()  # type: ignore[union-attr, operator]

    assert all(torch.equal(before[key], t) for key, t in network.state_dict().items())
    assert picture.grad is not None
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("more", [{}, {"side": 64, "hidden": 8}, {"classes": None}])
def test_it_is_told_by_its_shapes(more: dict[str, int]) -> None:
    network = small(**more)
    shapes = {key: tuple(t.shape) for key, t in network.state_dict().items()}

    found = vgg19_like(shapes)

    assert is_vgg19(shapes)
    assert {key: tuple(t.shape) for key, t in found.state_dict().items()} == shapes


@pytest.mark.parametrize("key", ["classifier.0.weight", "classifier.6.weight"])
def test_an_odd_classifier_is_refused(key: str) -> None:
    shapes = {k: tuple(t.shape) for k, t in small().state_dict().items()}

    with pytest.raises(ModelMismatchError, match="odd"):
        vgg19_like({**shapes, key: (5,)})
