"""Puts the new face on the target's crop, and lets a generator fit its skin and light.

Source: the released FSGANv2 code, `fsgan.md` 10.3.
"""

from __future__ import annotations

import numpy as np

from faceplate.core.arrays import BoolArray, FloatArray
from faceplate.core.geometry.square import halved
from faceplate.core.nets.run import Network


def transfer_face(
    network: Network, new: FloatArray, target: FloatArray, matte: BoolArray
) -> FloatArray:
    """Return the target's crop with a new face that fits it.

    Args:
        network: takes the pasted crop, the target and the matte, at two levels.
        new: (3, h, w) float32, -1 to 1, the new face.
        target: (3, h, w) float32, -1 to 1, the plate's own crop.
        matte: (h, w), where the new face is pasted.

    Returns:
        (3, h, w) float32, -1 to 1.
    """
    pasted = np.where(matte, new, target)
    fine = np.concatenate([pasted, target, matte[None].astype(np.float32)])
    return network.run(fine[None], halved(fine)[None])[0][0]
