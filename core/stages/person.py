"""The person matte around one face, from a segmentation network."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.core.analysis.picture import PlatePicture, Region, plate_from_square
from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.frame import Window
from faceplate.core.nets.run import Network

_SIDE = 2.8
"""Side of what the network sees, face heights: head and shoulders, as it was trained."""


def person_matte(
    picture: PlatePicture, mesh: AnyArray, gain: float, window: Window, network: Network
) -> FloatArray:
    """Return (h, w) float32, how likely each pixel of a window is a person, 0 to 1.

    Args:
        mesh: (478, 3) the face, raster pixels.
        gain: exposure for the network's view.
        network: `selfie_seg`.
    """
    square = mesh[:468, :2] * [picture.pixel_aspect, 1.0]
    low, high = square.min(axis=0), square.max(axis=0)
    middle = (low + high) / 2
    size = int(network.card.inputs[0].shape[0])
    region = Region(float(middle[0]), float(middle[1]), float((high - low)[1]) * _SIDE, 0.0)
    plate_from_crop = plate_from_square(region.square_from_crop(size), picture.pixel_aspect)
    crop = picture.linear(plate_from_crop, (size, size)) * np.float32(gain)
    (mask,) = network.run(picture.codes(crop)[None])
    whole = np.vstack([plate_from_crop, [0.0, 0.0, 1.0]])
    # OpenCV counts from pixel centres, ours from corners: half a pixel on either side
    to_window = np.array([[1, 0, window.x0 + 0.5], [0, 1, window.y0 + 0.5], [0, 0, 1]])
    crop_from_window = np.linalg.inv(whole) @ to_window
    crop_from_window[:2, 2] -= 0.5
    matte = cv2.warpAffine(
        mask[0, ..., 0],
        crop_from_window[:2],
        (window.width, window.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.clip(matte, 0, 1)
