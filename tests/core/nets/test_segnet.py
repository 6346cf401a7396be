"""The light segmentation network: sizes, shifts, and what it can learn."""

from __future__ import annotations

import pytest
import torch

from faceplate.core.nets.segnet import STRIDE, SegNet


def small(seed: int = 0) -> SegNet:
    torch.manual_seed(seed)
    return SegNet(5, channels=(4, 6, 8, 8, 12), blocks=(0, 1, 0, 1)).eval()


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (128, 32)])
def test_logits_have_the_size_of_the_picture(size: tuple[int, int]) -> None:
    with torch.no_grad():
        logits = small()(torch.rand(2, 3, *size))

    assert logits.shape == (2, 5, *size)
    assert torch.isfinite(logits).all()


def test_the_shipped_width_stays_below_its_bounds() -> None:
    count = sum(parameter.numel() for parameter in SegNet().parameters())

    assert 2e6 < count < 4.5e6  # at two bytes each, below the 10 MB that a weights file may have


def test_every_parameter_learns() -> None:
    network = small().train()

    network(torch.rand(2, 3, 64, 64)).square().mean().backward()

    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_each_output_pixel_is_its_own() -> None:
    network = small().train()
    picture = torch.rand(2, 3, STRIDE, STRIDE)
    target = torch.zeros(2, STRIDE, STRIDE, dtype=torch.long)
    target[:, ::2, ::2] = 1
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(80):
        loss = torch.nn.functional.cross_entropy(network(picture), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    right = (network(picture).argmax(1) == target).float().mean()

    assert right > 0.95
