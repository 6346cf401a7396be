"""The other half of a face, for a completion that is told of symmetry; a design of ours.

FSGANv2's paper says that its completion uses symmetry and landmarks, and nothing of how: see
`fsgan.md` 12.2. The released network takes neither.
"""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, BoolArray, DoubleArray, FloatArray
from faceplate.core.nets.heatmaps import mirrored

NOTHING = -1.0
"""Value of a net's picture where there is no face."""


def mirror_motion(points: AnyArray) -> DoubleArray:
    """Return the (2, 3) motion that brings a face's landmarks nearest to their mirror partners.

    It mirrors, turns, scales and shifts; for any place of the crop it says where the same place of
    the other half is.

    Args:
        points: (98, 2) WFLW, 0 to 1 of the crop.

    >>> face = np.random.default_rng(0).random((98, 2))
    >>> even = (face + mirrored(face, 1.0)) / 2
    >>> bool(np.allclose(mirror_motion(even), [[-1, 0, 1], [0, 1, 0]]))
    True
    """
    here = np.asarray(points, np.float64)
    partner = mirrored(here, 0.0) * [-1, 1]
    a, b = (one - one.mean(axis=0) for one in (here, partner))
    # The best z of b = z conj(a), in complex numbers.
    size = np.square(a).sum()
    x = (a[:, 0] * b[:, 0] - a[:, 1] * b[:, 1]).sum() / size
    y = (a[:, 0] * b[:, 1] + a[:, 1] * b[:, 0]).sum() / size
    turn = np.array([[x, y], [y, -x]])
    return np.column_stack([turn, partner.mean(axis=0) - turn @ here.mean(axis=0)])


def mirrored_face(new: FloatArray, seen: BoolArray, points: AnyArray) -> FloatArray:
    """Return a face in its own mirror, laid over itself, and where it is known.

    Args:
        new: (3, h, w) float32, -1 to 1, the face.
        seen: (h, w), where it is known.
        points: (98, 2) WFLW, 0 to 1 of the crop.

    Returns:
        (4, h, w) float32: the picture, `NOTHING` where the other half is not known; 0 to 1.
    """
    side = new.shape[1]
    motion = mirror_motion(points)
    # From pixels' middles, as OpenCV has them, to 0 to 1 and back.
    turn, shift = motion[:, :2], motion[:, 2] * side + (motion[:, :2].sum(axis=1) - 1) / 2
    known = np.where(seen, new - np.float32(NOTHING), np.float32(0))
    stack = np.dstack([*known, seen.astype(np.float32)])
    sampled = cv2.warpAffine(
        stack,
        np.column_stack([turn, shift]),
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    sampled[..., :3] += np.float32(NOTHING)
    return np.ascontiguousarray(sampled.transpose(2, 0, 1))


def is_other_half(points: AnyArray, side: int) -> BoolArray:
    """Return (side, side): where a crop shows the half of the face that has its left ear.

    Args:
        points: (98, 2) WFLW, 0 to 1 of the crop.
    """
    motion = mirror_motion(points)
    centres = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(centres, centres)
    across = np.asarray(points, np.float64)[32] - np.asarray(points, np.float64)[0]
    away = np.stack([x, y], axis=-1) - np.stack([x, y], axis=-1) @ motion[:, :2].T - motion[:, 2]
    return np.asarray(away @ across > 0)
