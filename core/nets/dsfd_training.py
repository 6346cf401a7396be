"""What DSFD learns from: usable truth, anchors matched to it, and the loss of the three parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.nets.dsfd import Prediction
from faceplate.core.nets.dsfd_boxes import encode

THRESHOLD = 0.4
"""Overlap from which an anchor is positive."""

BACKGROUND, IGNORED = -1, -2

NEGATIVES = 3
"""Mined negatives to a positive."""

_ENOUGH, _LEAST_OVERLAP = 6, 0.1
"""Of the compensation: anchors that every truth should have, and what they must share with it."""

_SMALLEST_PX = 2


def usable_boxes(boxes: AnyArray, height: int, width: int) -> DoubleArray:
    """Return WIDER FACE's boxes (N, 4) x, y, w, h in pixels as x0, y0, x1, y1, 0 to 1.

    Boxes below 2 px and those that begin outside of the picture are left out; the last pixel is
    counted as the authors count it, inside.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    kept = boxes[((boxes[:, 2:] >= _SMALLEST_PX) & (boxes[:, :2] >= 0)).all(axis=1)]
    corners = np.concatenate([kept[:, :2], kept[:, :2] + kept[:, 2:] - 1], axis=1)
    return corners / np.array([width, height, width, height], np.float64)


def match(
    truths: AnyArray,
    anchors: FloatArray,
    *,
    threshold: float = THRESHOLD,
    ignore_from: float | None = None,
    compensated: bool = False,
) -> AnyArray:
    """Return for every anchor which truth it stands for: (A,) int64, or BACKGROUND or IGNORED.

    Each anchor takes the truth that it shares most with, if that is enough; each truth takes its
    best anchor whatever they share, a later truth before an earlier one.

    Args:
        truths: (N, 4) x0, y0, x1, y1, 0 to 1; at least one.
        anchors: (A, 4) centre, size, 0 to 1.
        threshold: intersection over union from which an anchor is positive.
        ignore_from: overlap from which an anchor that is not positive is neither; None for none.
        compensated: give truths with fewer than six anchors the next best down to 0.1.
    """
    shared = overlaps(truths, anchors)
    truth = shared.argmax(axis=0)
    best = shared.max(axis=0)
    for number, anchor in enumerate(shared.argmax(axis=1)):
        truth[anchor], best[anchor] = number, np.inf
    matched = np.where(best < threshold, BACKGROUND, truth)
    if ignore_from is not None:
        matched[(best >= ignore_from) & (best < threshold)] = IGNORED
    if compensated:
        for number in range(len(shared)):
            _compensate(matched, shared[number], number)
    return matched


def _compensate(matched: AnyArray, shared: AnyArray, number: int) -> None:
    """Give one truth anchors that no other has, in place."""
    lacking = _ENOUGH - int((matched == number).sum())
    for anchor in np.argsort(-shared, kind="stable"):
        if lacking <= 0 or shared[anchor] < _LEAST_OVERLAP:
            return
        if matched[anchor] == BACKGROUND:
            matched[anchor] = number
            lacking -= 1


def overlaps(truths: AnyArray, anchors: AnyArray) -> FloatArray:
    """Return the intersection over the union, (N, A), of boxes and anchors as `match` has them."""
    truths, anchors = np.asarray(truths, np.float32), np.asarray(anchors, np.float32)
    low, high = anchors[:, :2] - anchors[:, 2:] / 2, anchors[:, :2] + anchors[:, 2:] / 2
    inter = np.minimum(truths[:, None, 2:], high) - np.maximum(truths[:, None, :2], low)
    both = np.clip(inter, 0, None).prod(axis=2)
    areas = (truths[:, 2:] - truths[:, :2]).prod(axis=1)[:, None] + (high - low).prod(axis=1)
    return np.asarray(both / (areas - both), np.float32)


def wanted_offsets(truths: AnyArray, anchors: FloatArray, matched: AnyArray) -> FloatArray:
    """Return the offsets (A, 4) float32 that positives learn; zeros for the others."""
    offsets = np.zeros((len(anchors), 4), np.float32)
    positive = matched >= 0
    offsets[positive] = encode(np.asarray(truths)[matched[positive]], anchors[positive])
    return offsets


def part_loss(prediction: Prediction, offsets: Tensor, matched: Tensor) -> tuple[Tensor, Tensor]:
    """Return the losses of location and confidence of one part, over the number of positives.

    Args:
        prediction: of the network, for B pictures.
        offsets: (B, A, 4) from `wanted_offsets`.
        matched: (B, A) int64 from `match`.

    Returns:
        Smooth L1 over positives, and cross entropy over positives and the hardest negatives,
        three to a positive in each picture. Both are zero where there is no positive.
    """
    positive = matched >= 0
    count = positive.sum().clamp(min=1)
    loc = functional.smooth_l1_loss(prediction.loc[positive], offsets[positive], reduction="sum")
    background = functional.cross_entropy(
        prediction.conf.flatten(0, 1),
        positive.new_zeros(positive.numel(), dtype=torch.long),
        reduction="none",
    ).view(positive.shape)
    hardness = background.detach().masked_fill(matched != BACKGROUND, -torch.inf)
    rank = hardness.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    wanted = (NEGATIVES * positive.sum(dim=1, keepdim=True)).clamp(max=positive.shape[1] - 1)
    negative = (rank < wanted) & (matched == BACKGROUND)
    used = positive | negative
    conf = functional.cross_entropy(prediction.conf[used], positive[used].long(), reduction="sum")
    return loc / count, conf / count


def total_loss(parts: Sequence[Prediction], wanted: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Return the sum of all losses of face, head and body, each with weight 1.

    How the authors weighted them is not published; this is ours.

    Args:
        parts: from `DSFD.parts`.
        wanted: offsets and matches of each part, as `part_loss` takes them.
    """
    losses = [part_loss(part, *want) for part, want in zip(parts, wanted, strict=True)]
    return torch.stack([loss for pair in losses for loss in pair]).sum()
