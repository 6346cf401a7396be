"""Landmarks of a face as they are when the head looks elsewhere: by a network, or rigidly.

Source: `fsgan.md` 12.1, whose published details are unknown. Both ways are designs of ours.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.geometry.headpose import head_rotations
from faceplate.core.nets.run import Network

_LIDS = (tuple(range(60, 68)), tuple(range(68, 76)))
"""WFLW points around the right and the left iris."""
_IRISES = 96
"""The first of the two irises, which the canonical face lacks."""


def turn_landmarks(
    network: Network, points: AnyArray, pose: AnyArray, wanted: AnyArray
) -> FloatArray:
    """Return landmarks as the landmark transformer turns them.

    Args:
        network: one whose card has the task of the landmark transformer.
        points: (B, 98, 2) in any unit, x right, y down.
        pose: (B, 3) yaw, pitch and roll of them in degrees.
        wanted: (B, 3) likewise, of the landmarks that are returned.

    Returns:
        (B, 98, 2), about the same middle; the expression stays.
    """
    given = (np.asarray(array, np.float32) for array in (points, pose, wanted))
    return network.run(*given)[0]


def turn_rigidly(points: AnyArray, pose: AnyArray, wanted: AnyArray) -> DoubleArray:
    """Return landmarks as a rigid face of mean shape turns them: the way that needs no training.

    Each point takes its depth from the mean shape and keeps its place in the picture, so that what
    tells this face from the mean one turns with it. Arguments and result are as for
    `turn_landmarks`; the view is orthographic.
    """
    flat = np.asarray(points, np.float64) * [1, -1]
    middle = flat.mean(axis=1, keepdims=True)
    flat = flat - middle
    here, there = head_rotations(pose), head_rotations(wanted)
    mean = np.einsum("bij,nj->bni", here, mean_landmarks())
    scale = (flat * mean[..., :2]).sum((1, 2)) / np.square(mean[..., :2]).sum((1, 2))
    lifted = np.concatenate([flat, scale[:, None, None] * mean[..., 2:]], axis=2)
    turned = np.einsum("bij,bkj,bnk->bni", there, here, lifted)[..., :2]
    turned = turned - turned.mean(axis=1, keepdims=True) + middle
    return np.asarray(turned * [1, -1])


@cache
def mean_landmarks() -> DoubleArray:
    """Return the WFLW points of the canonical face about their middle, (98, 3), cm."""
    face = canonical_face()
    index, share = face.wflw_index[:_IRISES], face.wflw_weight[:_IRISES, :, None]
    points = (face.vertices[index] * share).sum(axis=1)
    irises = [points[list(lids)].mean(axis=0) for lids in _LIDS]
    whole = np.concatenate([points, irises])
    return np.asarray(whole - whole.mean(axis=0))
