"""Completes a new face to the outline that the plate shows, with a generator.

Source: the released FSGANv2 code, `fsgan.md` 8.5 and 10.3.
"""

from __future__ import annotations

import numpy as np

from faceplate.core.arrays import BoolArray, FloatArray
from faceplate.core.geometry.square import halved
from faceplate.core.nets.run import Network

NOTHING = -1.0
"""Value of a net's picture where there is no face."""


def inpaint_face(
    network: Network, new: FloatArray, seen: BoolArray, matte: BoolArray
) -> FloatArray:
    """Return the new face without holes, up to the plate's outline of it.

    Args:
        network: takes a face on nothing and the wanted matte, at two levels.
        new: (3, h, w) float32, -1 to 1, the new face.
        seen: (h, w), where ``new`` shows a face.
        matte: (h, w), where the plate wants one.

    Returns:
        (3, h, w) float32, -1 to 1; about -1 outside of the matte.
    """
    face = np.where(seen, new, np.float32(NOTHING))
    fine = np.concatenate([face, matte[None].astype(np.float32)])
    return network.run(fine[None], halved(fine)[None])[0][0]
