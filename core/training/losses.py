"""Losses of segmentation, on soft coverages; those of other tasks have modules of their own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_FLOOR = 1.0
"""Pixels added to both sides of a Dice ratio, so that an absent class costs next to nothing."""


def cross_entropy(
    logits: Tensor, coverage: Tensor, weights: Tensor, pixel_weights: Tensor
) -> Tensor:
    """Return the weighted mean cross-entropy between coverages and predicted chances.

    Args:
        logits: (B, C, h, w).
        coverage: (B, C, h, w), sums to 1 over C.
        weights: (C,) of the classes.
        pixel_weights: (B, h, w); 0 where nothing is known.
    """
    chances = functional.log_softmax(logits, dim=1)
    costs = -(coverage * chances * weights[None, :, None, None]).sum(1)
    return (costs * pixel_weights).sum() / pixel_weights.sum().clamp_min(1.0)


def soft_dice(logits: Tensor, coverage: Tensor, pixel_weights: Tensor) -> Tensor:
    """Return 1 minus the mean Dice ratio of all classes over a batch; least where both agree.

    The squares in the denominator keep it so for pixels that several classes share.

    Args:
        logits: (B, C, h, w).
        coverage: (B, C, h, w), 0 to 1.
        pixel_weights: (B, h, w); 0 where nothing is known.
    """
    chances = functional.softmax(logits, dim=1)
    weights = pixel_weights[:, None]
    shared = (weights * chances * coverage).sum((0, 2, 3))
    sizes = (weights * (chances.square() + coverage.square())).sum((0, 2, 3))
    return 1 - ((2 * shared + _FLOOR) / (sizes + _FLOOR)).mean()


def boundary_weights(coverage: Tensor, amount: float, radius: int = 2) -> Tensor:
    """Return a weight for each pixel: 1 inside an area, more where areas meet.

    Args:
        coverage: (B, C, h, w), sums to 1 over C.
        amount: what is added where two areas share the surroundings equally.
        radius: how far the surroundings reach, in pixels.

    Returns:
        (B, h, w), 1 to 1 + ``amount`` for two classes, at most 1 + 2 ``amount`` for many.
    """
    side = 2 * radius + 1
    around = functional.avg_pool2d(coverage, side, 1, radius, count_include_pad=False)
    return 1 + 2 * amount * (1 - around.square().sum(1))


def segmentation_losses(
    logits: Tensor,
    coverage: Tensor,
    valid: Tensor,
    *,
    weights: Tensor,
    dice: float,
    boundary: float,
) -> dict[str, Tensor]:
    """Return the losses of a segmentation: "total" and its parts.

    Args:
        logits: (B, C, h, w).
        coverage: (B, C, h, w), sums to 1 over C.
        valid: (B, h, w), how far the coverage of a pixel is to be trusted, 0 to 1.
        weights: (C,) of the classes.
        dice: weight of the Dice part.
        boundary: extra weight of pixels where areas meet.
    """
    logits = logits.float()
    with torch.no_grad():
        pixels = valid * boundary_weights(coverage, boundary)
    entropy = cross_entropy(logits, coverage, weights, pixels)
    ratio = soft_dice(logits, coverage, valid)
    return {"total": entropy + dice * ratio, "entropy": entropy, "dice": ratio}
