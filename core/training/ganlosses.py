"""Losses of the generators and their discriminator, as functions of what networks answered.

Source: the released FSGAN and FSGANv2 code, `fsgan.md` 6 and 8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from faceplate.core.nets.blocks import pool_pyramid
from faceplate.core.nets.perceptual import TAP_WEIGHTS
from faceplate.core.stages.poisson import blend_gradients

Taps: TypeAlias = Callable[[Tensor], Sequence[Tensor]]
"""A frozen perceptual network: (B, 3, h, w) pictures, -1 to 1, to the features compared."""

Judge: TypeAlias = Callable[[Sequence[Tensor]], Sequence[Tensor]]
"""A discriminator: a pyramid of pictures to a map of chances for each level."""

Generator: TypeAlias = Callable[[Sequence[Tensor]], Tensor | tuple[Tensor, Tensor]]
"""A generator: a pyramid of inputs to a picture, or to a picture and its labels."""


@dataclass(frozen=True, slots=True)
class LossWeights:
    """How much each part of a generator's loss counts.

    Attributes:
        pixel: of the absolute difference, within the reconstruction.
        identity: of the perceptual difference on identities, likewise.
        attributes: of that on attributes, likewise.
        rec: of the reconstruction.
        gan: of deceiving the discriminator.
        seg: of the labels.
    """

    pixel: float = 0.1
    identity: float = 0.5
    attributes: float = 0.5
    rec: float = 1.0
    gan: float = 0.001
    seg: float = 0.0


WEIGHTS: Mapping[str, LossWeights] = {
    "reenact": LossWeights(),
    "reenact_labels": LossWeights(seg=0.1),
    "inpaint": LossWeights(),
    "blend": LossWeights(gan=0.1),
    "reenact_v1": LossWeights(identity=1.0, attributes=0.0, seg=0.1),
    "reenact_attributes_v1": LossWeights(seg=0.1),
    "reenact_stepwise_v1": LossWeights(seg=0.01),
    "inpaint_v1": LossWeights(identity=1.0, attributes=0.0, rec=0.5, gan=0.0),
    "blend_v1": LossWeights(identity=1.0, attributes=0.0, gan=0.1),
    "finetune": LossWeights(identity=1.0, attributes=0.0, gan=0.0),
}
"""The released training scripts' weights, by what they train: `fsgan.md` 8.2."""


def least_squares(maps: Sequence[Tensor], *, real: bool) -> Tensor:
    """Return how far a discriminator's maps are from all real or all false, summed over levels."""
    wanted = 1.0 if real else 0.0
    return torch.stack([(chances - wanted).square().mean() for chances in maps]).sum()


def discriminator_loss(judge: Judge, real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Return the discriminator's loss; nothing flows back into the generator.

    Args:
        judge: the discriminator.
        real: pyramid of true pictures, finest first.
        fake: pyramid of generated ones.
    """
    false = least_squares(judge([level.detach() for level in fake]), real=False)
    return 0.5 * (false + least_squares(judge(real), real=True))


def deception_loss(judge: Judge, fake: Sequence[Tensor]) -> Tensor:
    """Return the generator's share: how far its pictures are from being taken for real."""
    return least_squares(judge(fake), real=True)


def perceptual_loss(
    taps: Taps, found: Tensor, wanted: Tensor, weights: Sequence[float] = TAP_WEIGHTS
) -> Tensor:
    """Return the weighted sum of mean absolute differences of features.

    Args:
        taps: the perceptual network, frozen.
        found: (B, 3, h, w) generated pictures, -1 to 1.
        wanted: likewise, true ones; nothing flows back into them.
        weights: of the features, in order.
    """
    with torch.no_grad():
        goals = taps(wanted)
    pairs = zip(weights, taps(found), goals, strict=True)
    return torch.stack([w * functional.l1_loss(a, b) for w, a, b in pairs]).sum()


def reconstruction_loss(
    found: Tensor,
    wanted: Tensor,
    weights: LossWeights,
    *,
    identity: Taps | None = None,
    attributes: Taps | None = None,
) -> Tensor:
    """Return the absolute difference and the perceptual ones, weighted.

    Args:
        found: (B, 3, h, w) generated pictures, -1 to 1.
        wanted: likewise, true ones.
        weights: of the parts.
        identity: perceptual network; None leaves its part out.
        attributes: likewise.
    """
    total = weights.pixel * functional.l1_loss(found, wanted)
    for taps, weight in ((identity, weights.identity), (attributes, weights.attributes)):
        if taps is not None and weight:
            total = total + weight * perceptual_loss(taps, found, wanted)
    return total


def label_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of (B, C, h, w) logits against (B, h, w) int64 labels."""
    return functional.cross_entropy(logits, labels)


@dataclass(frozen=True, slots=True, eq=False)
class Stepwise:
    """What a reenactment in two steps is compared with.

    Attributes:
        source: pyramid of source pictures (B, 3, h, w), finest first.
        halfway: pyramid of landmark maps half way to the target's pose.
        goal: pyramid of the target's landmark maps.
        target: (B, 3, h, w), the true picture.
        scores: (B, C, h, w), what the segmenter says of the target, or its labels as 0 and 1;
            compared with the labels of the direct result.
        labels: (B, h, w) int64, its labels; compared with those of the result in two steps.
    """

    source: Sequence[Tensor]
    halfway: Sequence[Tensor]
    goal: Sequence[Tensor]
    target: Tensor
    scores: Tensor | None = None
    labels: Tensor | None = None


def stepwise_loss(
    generator: Generator,
    step: Stepwise,
    weights: LossWeights,
    *,
    identity: Taps | None = None,
    attributes: Taps | None = None,
    judge: Judge | None = None,
) -> Tensor:
    """Return the loss of a reenactment whose one step and two steps must both reach the target.

    The picture half way has no truth and needs none: gradients flow through both passes. The
    second step is judged on identity alone, the direct result also on attributes, and only the
    direct one must deceive the discriminator. There are as many levels as the source has.
    """
    levels = len(step.source)
    direct, direct_labels = _answer(generator, step.source, step.goal)
    middle, _ = _answer(generator, step.source, step.halfway)
    twice, twice_labels = _answer(generator, pool_pyramid(middle, levels), step.goal)
    alone = LossWeights(pixel=weights.pixel, identity=1.0, attributes=0.0)
    rec = reconstruction_loss(
        direct, step.target, weights, identity=identity, attributes=attributes
    )
    rec = rec + reconstruction_loss(twice, step.target, alone, identity=identity)
    total = weights.rec * 0.5 * rec
    if weights.seg and direct_labels is not None and twice_labels is not None:
        if step.scores is not None:
            total = total + weights.seg * 0.5 * functional.l1_loss(direct_labels, step.scores)
        if step.labels is not None:
            total = total + weights.seg * 0.5 * label_loss(twice_labels, step.labels)
    if weights.gan and judge is not None:
        total = total + weights.gan * deception_loss(judge, pool_pyramid(direct, levels))
    return total


def _answer(
    generator: Generator, pictures: Sequence[Tensor], maps: Sequence[Tensor]
) -> tuple[Tensor, Tensor | None]:
    pyramid = [torch.cat(pair, dim=1) for pair in zip(pictures, maps, strict=True)]
    answer = generator(pyramid)
    return answer if isinstance(answer, tuple) else (answer, None)


def poisson_targets(new: Tensor, plate: Tensor, matte: Tensor) -> Tensor:
    """Return what the blending network should make of pasted faces: gradients of the new face.

    Solved in float on the CPU, picture by picture; nothing flows back.

    Args:
        new: (B, 3, h, w) new faces, -1 to 1, also around the matte.
        plate: (B, 3, h, w), -1 to 1.
        matte: (B, 1, h, w) or (B, h, w), replaced where above a half.
    """
    faces, plates = (x.detach().cpu().permute(0, 2, 3, 1).numpy() for x in (new, plate))
    inside = matte.detach().reshape(len(matte), *matte.shape[-2:]).cpu().numpy() > 0.5
    found = [blend_gradients(*one) for one in zip(faces, plates, inside, strict=True)]
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).to(new)


def poisson_blending_loss(
    found: Tensor,
    new: Tensor,
    plate: Tensor,
    matte: Tensor,
    weights: LossWeights,
    *,
    identity: Taps | None = None,
    attributes: Taps | None = None,
    judge: Judge | None = None,
    levels: int = 2,
    goal: Tensor | None = None,
) -> Tensor:
    """Return the blending network's loss: as near as can be to the gradient-domain blend.

    Args:
        found: (B, 3, h, w), what the network made.
        new: likewise, faces before they were pasted.
        plate: likewise.
        matte: (B, 1, h, w), where they were pasted.
        weights: of the parts.
        identity: perceptual network; None leaves its part out.
        attributes: likewise.
        judge: the discriminator; None leaves its part out.
        levels: of the discriminator's pyramid.
        goal: what `poisson_targets` makes of ``new``, where it is known already: it takes long,
            and whoever prepares batches in advance has the time.
    """
    goal = poisson_targets(new, plate, matte) if goal is None else goal
    rec = reconstruction_loss(found, goal, weights, identity=identity, attributes=attributes)
    total = weights.rec * rec
    if weights.gan and judge is not None:
        total = total + weights.gan * deception_loss(judge, pool_pyramid(found, levels))
    return total
