"""Gives a face somebody's mouth on a frame of its own, as FSGAN's first version does.

Source: the released FSGAN code, branch v1, its expression script; `fsgan.md` 9.4 and 9.5. The 68
landmarks that its networks know are picked here from WFLW's 98, which is ours.
"""

from __future__ import annotations

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.geometry.square import CROP_SIDE, as_network, picture_pyramid
from faceplate.core.nets.run import Network
from faceplate.core.stages.discs import landmark_dots
from faceplate.core.stages.reenact import with_mouth_of
from faceplate.core.stages.transfer import transfer_face

LANDMARKS_68 = (
    *range(0, 33, 2), 33, 34, 35, 36, 37, 42, 43, 44, 45, 46, 51, 52, 53, 54, 55, 56, 57, 58, 59,
    60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75, *range(76, 96),
)  # fmt: skip
"""The WFLW point that is each of the 68: jaw, brows, nose, eyes, outer and inner lips."""

_MOUTH = slice(48, 68)
_FACE = 1
"""Of the network's background, face and hair."""


def express_face(
    reenact: Network, blend: Network, picture: FloatArray, source: AnyArray, target: AnyArray
) -> FloatArray:
    """Return a face on its own frame with another one's mouth.

    Args:
        reenact: takes a picture and 68 maps, at two levels; gives a picture, and scores of
            background, face and hair.
        blend: takes the pasted crop, the frame and where the face was pasted, at two levels.
        picture: (256, 256, 3) float32 network codes, the frame.
        source: (98, 3) WFLW points of the face in it, pixels, z in the same unit.
        target: (98, 3) of the other face, in a crop of its own.

    Returns:
        (3, 256, 256) float32, -1 to 1: what ``blend`` makes of the whole crop.
    """
    levels = [as_network(level) for level in picture_pyramid(picture)]
    maps = expression_maps(source, target)
    given = [np.concatenate(pair) for pair in zip(levels, maps, strict=True)]
    drawn, scores = (output[0] for output in reenact.run(*(one[None] for one in given)))
    return transfer_face(blend, drawn, levels[0], scores.argmax(axis=0) == _FACE)


def expression_maps(source: AnyArray, target: AnyArray) -> list[FloatArray]:
    """Return the 68 maps at 256 and 128 px: the source's landmarks, but the target's mouth.

    Args:
        source, target: (98, 3) WFLW points, as `express_face` has them.
    """
    points = expression_points(source, target)
    fine = landmark_dots(points, CROP_SIDE)
    half = CROP_SIDE // 2
    # Bilinear at half the size is the mean of two by two.
    coarse = fine.reshape(len(fine), half, 2, half, 2).mean(axis=(2, 4))
    return [fine, np.asarray(coarse, np.float32)]


def expression_points(source: AnyArray, target: AnyArray) -> DoubleArray:
    """Return 68 landmarks (68, 3): the source's, but the mouth of the target turned to its pose.

    Args:
        source, target: (98, 3) WFLW points, z in their unit.
    """
    own, other = (np.asarray(points, np.float64)[list(LANDMARKS_68)] for points in (source, target))
    return with_mouth_of(own, other, mouth=_MOUTH)
