"""Fine-tuning: the pairs are learnt, the same each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from faceplate.core.arrays import AnyArray
from faceplate.core.geometry.square import as_network, picture_pyramid
from faceplate.core.nets.unet import MultiScaleResUNet
from faceplate.core.stages.discs import landmark_discs
from faceplate.core.training.finetune import FinetuneSettings, finetune

SETTINGS = FinetuneSettings(samples=25, seed=0, batch=2, rate=2e-3)
SHORT = FinetuneSettings(samples=4, seed=0, batch=2)


def views() -> tuple[list[AnyArray], list[AnyArray]]:
    """Return two pictures of a person who is red on the left or the right, with landmarks."""
    pictures, points = [], []
    for side in (0, 1):
        picture = np.full((256, 256, 3), 0.3, np.float32)
        picture[:, 128 * side : 128 * (side + 1), 0] = 0.9
        pictures.append(picture)
        points.append(np.random.default_rng(side).uniform(0.2, 0.8, (98, 2)))
    return pictures, points


def network() -> MultiScaleResUNet:
    torch.manual_seed(0)
    return MultiScaleResUNet(101, 3, (0, 0), 2).eval().requires_grad_(False)


def test_the_loss_falls_and_the_network_is_left_ready_to_run() -> None:
    taught = network()

    done = finetune(taught, *views(), None, SETTINGS)

    assert SETTINGS.steps == 12  # an incomplete batch is dropped
    assert done.last < 0.8 * done.first
    assert not taught.training
    assert not any(weight.requires_grad for weight in taught.parameters())


def test_the_same_views_give_the_same_weights() -> None:
    twice = [network(), network()]
    other = network()

    for one in twice:
        finetune(one, *views(), None, SHORT)
    finetune(other, *views(), None, replace(SHORT, seed=1))

    first, second, third = (one.state_dict() for one in (*twice, other))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any(not torch.equal(first[key], third[key]) for key in first)


def test_a_source_goes_in_with_the_landmarks_of_the_view_that_is_wanted() -> None:
    pictures, points = views()
    seen: list[tuple[AnyArray, AnyArray]] = []

    class Watching(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, pyramid: list[torch.Tensor]) -> torch.Tensor:
            seen.append(tuple(level.detach().numpy()[0] for level in pyramid))  # type: ignore[arg-type]
            return pyramid[0][:, :3] * self.weight

    finetune(Watching(), pictures, points, None, FinetuneSettings(samples=6, seed=0, batch=1))

    for fine, coarse in seen:
        source = int(fine[0, 0, 200] > 0)  # red on the right: the second view
        wanted = 1 - source
        np.testing.assert_allclose(fine[:3], as_network(pictures[source]), atol=1e-6)
        np.testing.assert_array_equal(fine[3:], landmark_discs(points[wanted], 256))
        small = as_network(picture_pyramid(pictures[source])[1])
        np.testing.assert_allclose(coarse[:3], small, atol=1e-6)
        np.testing.assert_array_equal(coarse[3:], landmark_discs(points[wanted], 128))


def test_a_perceptual_network_has_its_say() -> None:
    asked = []

    def taps(picture: torch.Tensor) -> list[torch.Tensor]:
        asked.append(picture.shape)
        return [picture.mean((2, 3))] * 5

    plain, judged = network(), network()
    finetune(plain, *views(), None, SHORT)
    finetune(judged, *views(), taps, SHORT)

    assert asked == [(2, 3, 256, 256)] * 4  # what was wanted, and what was found, twice
    pairs = zip(plain.parameters(), judged.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in pairs)
