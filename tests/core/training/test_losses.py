"""Losses of segmentation: against closed forms, and where they are least."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from faceplate.core.training.losses import (
    boundary_weights,
    cross_entropy,
    segmentation_losses,
    soft_dice,
)


def random_coverage(seed: int, classes: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, classes, 8, 8, generator=generator).mul(6).softmax(1)


def test_even_odds_cost_the_logarithm_of_the_number_of_classes() -> None:
    coverage = random_coverage(0)
    even = torch.zeros_like(coverage)

    cost = cross_entropy(even, coverage, torch.ones(4), torch.ones(2, 8, 8))

    assert float(cost) == pytest.approx(math.log(4))


@pytest.mark.parametrize("loss", ["entropy", "dice"])
def test_the_loss_of_soft_coverages_is_least_at_those_coverages(loss: str) -> None:
    coverage = random_coverage(1)
    logits = torch.randn(coverage.shape, generator=torch.Generator().manual_seed(2))
    logits.requires_grad_()
    optimiser = torch.optim.Adam([logits], 0.1)
    for _ in range(400):
        found = segmentation_losses(
            logits, coverage, torch.ones(2, 8, 8), weights=torch.ones(4), dice=1.0, boundary=0.0
        )
        optimiser.zero_grad()
        found[loss].backward()
        optimiser.step()

    assert torch.allclose(logits.softmax(1), coverage, atol=0.03)


def test_a_perfect_answer_has_no_dice_loss_and_a_wrong_one_all() -> None:
    coverage = torch.zeros(1, 2, 40, 40)
    coverage[:, 0, :20], coverage[:, 1, 20:] = 1, 1
    everywhere = torch.ones(1, 40, 40)

    right = soft_dice(coverage * 100, coverage, everywhere)
    wrong = soft_dice(coverage * -100, coverage, everywhere)

    assert float(right) == pytest.approx(0, abs=1e-6)
    assert float(wrong) == pytest.approx(1, abs=2e-3)


def test_pixels_that_are_not_valid_change_no_gradient() -> None:
    coverage, valid = random_coverage(3), torch.ones(2, 8, 8)
    valid[:, :4] = 0
    gradients = []
    for noise in (0.0, 5.0):
        logits = torch.zeros(2, 4, 8, 8)
        logits[:, :, :4] += noise * torch.randn(2, 4, 4, 8)
        logits.requires_grad_()
        losses = segmentation_losses(
            logits, coverage, valid, weights=torch.ones(4), dice=1.0, boundary=1.0
        )
        losses["total"].backward()
        gradients.append(logits.grad)

    assert torch.equal(gradients[0][:, :, :4], torch.zeros(2, 4, 4, 8))
    assert torch.allclose(gradients[0], gradients[1], atol=1e-7)


def test_pixels_count_more_the_nearer_they_are_to_another_area() -> None:
    coverage = torch.zeros(1, 3, 21, 21)
    coverage[:, 0, :, :10], coverage[:, 1, :, 10:] = 1, 1

    weights = boundary_weights(coverage, 3.0)[0, 10].numpy()

    assert weights[9] == weights.max() == pytest.approx(1 + 6 * (1 - 0.6**2 - 0.4**2), rel=1e-6)
    assert np.all(weights[:8] == 1) and np.all(weights[12:] == 1)
    assert weights[8] < weights[9]
