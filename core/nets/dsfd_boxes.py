"""DSFD's anchors, the way from offsets to boxes, and the suppression of repeated boxes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.errors import ContractError

STEPS = (4, 8, 16, 32, 64, 128)
SIDES = (16, 32, 64, 128, 256, 512)
"""Pixels of the plate: distance of anchors, and the root of their area, per level."""

RATIO = 1.5
"""Height over width of every anchor."""

CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2

FAINTEST = 0.01
"""Score above which a box takes part at all."""

OVERLAP = 0.3
MOST = 5000


@lru_cache(maxsize=4)
def face_anchors(height: int, width: int, count: int) -> FloatArray:
    """Return the (A, 4) face anchors of a picture, clamped to it.

    Args:
        height: of the picture in pixels.
        width: of the picture in pixels.
        count: how many anchors the network speaks of; tells the backbones apart, as VGG's pools
            round down where ResNet's strides round up.

    Returns:
        float32; centre x, y, width, height, each 0 to 1 of the picture; levels finest first,
        then row by row. Read-only.

    Raises:
        ContractError: no backbone has so many anchors on such a picture.
    """
    for sizes in (ceiled_sizes(height, width), pooled_sizes(height, width)):
        if sum(rows * columns for rows, columns in sizes) == count:
            anchors = anchors_of(sizes, height, width)
            anchors.flags.writeable = False
            return anchors
    raise ContractError(f"No DSFD has {count} anchors on a picture of {width} x {height}.")


def ceiled_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Return rows and columns of ResNet's six maps.

    >>> ceiled_sizes(75, 101)
    [(19, 26), (10, 13), (5, 7), (3, 4), (2, 2), (1, 1)]
    """
    return [(-(-height // step), -(-width // step)) for step in STEPS]


def pooled_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Return rows and columns of VGG's six maps.

    >>> pooled_sizes(75, 101)
    [(18, 25), (9, 13), (4, 6), (2, 3), (1, 2), (1, 1)]
    """

    def along(length: int) -> list[int]:
        first = length // 4
        second = -(-first // 2)
        third, fourth = second // 2, second // 4
        fifth = -(-fourth // 2)
        return [first, second, third, fourth, fifth, -(-fifth // 2)]

    return list(zip(along(height), along(width), strict=True))


def anchors_of(
    sizes: list[tuple[int, int]], height: int, width: int, *, part: int = 0
) -> FloatArray:
    """Return the anchors of maps of given sizes, as `face_anchors` orders them.

    Args:
        sizes: rows and columns of all six maps.
        height: of the picture in pixels.
        width: of the picture in pixels.
        part: 0 for faces on all levels; 1 for heads, without the finest level, and 2 for bodies,
            without the finest two. Their levels keep their steps and have the sides of faces
            from the finest on.
    """
    anchors = []
    for (rows, columns), step, side in zip(sizes[part:], STEPS[part:], SIDES, strict=False):
        y, x = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, indexing="ij")
        wide = np.full(x.shape, side / width / np.sqrt(RATIO))
        high = np.full(x.shape, side / height * np.sqrt(RATIO))
        level = np.stack([x * step / width, y * step / height, wide, high], axis=-1)
        anchors.append(level.reshape(-1, 4))
    return np.clip(np.concatenate(anchors).astype(np.float32), 0, 1)


def decode(loc: FloatArray, anchors: FloatArray) -> FloatArray:
    """Return boxes (N, 4) x0, y0, x1, y1, 0 to 1 of the picture and beyond, from offsets."""
    size = anchors[:, 2:] * np.exp(loc[:, 2:] * np.float32(SIZE_VARIANCE))
    centre = anchors[:, :2] + loc[:, :2] * np.float32(CENTRE_VARIANCE) * anchors[:, 2:]
    corner = centre - size / 2
    return np.concatenate([corner, corner + size], axis=1)


def encode(boxes: AnyArray, anchors: AnyArray) -> DoubleArray:
    """Return the offsets (N, 4) that `decode` turns into boxes (N, 4)."""
    boxes, anchors = np.asarray(boxes, np.float64), np.asarray(anchors, np.float64)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 - anchors[:, :2]
    size = boxes[:, 2:] - boxes[:, :2]
    return np.concatenate(
        [
            centre / (CENTRE_VARIANCE * anchors[:, 2:]),
            np.log(size / anchors[:, 2:]) / SIZE_VARIANCE,
        ],
        axis=1,
    )


def suppress(boxes: FloatArray, scores: FloatArray, *, overlap: float = OVERLAP) -> AnyArray:
    """Return the places of the boxes that stay, the surest first.

    None of them shares more than ``overlap`` with a surer one.

    Args:
        boxes: (N, 4) x0, y0, x1, y1.
        scores: (N,); the 5000 best take part, of equals the last.
        overlap: intersection over union up to which both stay.
    """
    order = np.argsort(scores, kind="stable")[-MOST:][::-1]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=1)
        union = areas[order] - shared + areas[best]
        order = order[shared / union <= overlap]
    return np.array(kept, np.int64)


def detections(
    loc: FloatArray, scores: FloatArray, height: int, width: int
) -> tuple[FloatArray, FloatArray]:
    """Return boxes (N, 4) in pixels, neither rounded nor clipped, and scores (N,), surest first.

    Args:
        loc: (A, 4) offsets that the network gave.
        scores: (A,) probability of a face, 0 to 1.
        height: of the picture in pixels.
        width: of the picture in pixels.
    """
    anchors = face_anchors(height, width, len(scores))
    chosen = np.flatnonzero(scores > FAINTEST)
    boxes = decode(loc[chosen], anchors[chosen])
    kept = suppress(boxes, scores[chosen])
    scale = np.array([width, height, width, height], np.float32)
    return boxes[kept] * scale, scores[chosen][kept]
