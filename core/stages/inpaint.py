"""Completes a new face to the outline that the plate shows, with a generator.

Source: the released FSGANv2 code, `fsgan.md` 8.5 and 10.3. A generator that is shown the other half
of the face and its landmarks besides is a design of ours, `fsgan.md` 12.2.
"""

from __future__ import annotations

import numpy as np

from faceplate.core.arrays import AnyArray, BoolArray, FloatArray
from faceplate.core.geometry.square import halved
from faceplate.core.nets.run import Network
from faceplate.core.stages.discs import landmark_discs
from faceplate.core.stages.mirror import NOTHING, mirrored_face

CUED_CHANNELS = 106
"""What a generator takes that is given cues: face, matte, mirrored face, its matte, 98 discs."""


def inpaint_face(
    network: Network, new: FloatArray, seen: BoolArray, matte: BoolArray, points: AnyArray
) -> FloatArray:
    """Return the new face without holes, up to the plate's outline of it.

    Args:
        network: takes a face on nothing and the wanted matte, at two levels; or the cues besides,
            which its number of channels says.
        new: (3, h, w) float32, -1 to 1, the new face.
        seen: (h, w), where ``new`` shows a face.
        matte: (h, w), where the plate wants one.
        points: (98, 2) landmarks of the new face, 0 to 1 of the crop.

    Returns:
        (3, h, w) float32, -1 to 1; about -1 outside of the matte.
    """
    face = np.where(seen, new, np.float32(NOTHING))
    fine = np.concatenate([face, matte[None].astype(np.float32)])
    if network.card.inputs[0].shape[0] != CUED_CHANNELS:
        return network.run(fine[None], halved(fine)[None])[0][0]
    fine = np.concatenate([fine, mirrored_face(new, seen, points)])
    levels = [
        np.concatenate([level, landmark_discs(points, level.shape[1])])
        for level in (fine, halved(fine))
    ]
    return network.run(*(level[None] for level in levels))[0][0]
