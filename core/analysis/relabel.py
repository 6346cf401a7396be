"""The released segmenter's background, face and hair as the labels that our mattes are made of.

Source: `fsgan.md` 2.8 and 4 for the network, its crop and its classes. It knows nothing of what
covers a face, of mouths and of necks: how those follow from the mesh is a design of ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.core.analysis.label import LabelledCrop, chances_of, cut_codes
from faceplate.core.analysis.official import region_of_face
from faceplate.core.analysis.picture import PlatePicture
from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.geometry.mesh import LIPS_INNER, VERTEX_COUNT
from faceplate.core.geometry.regions import fill_regions
from faceplate.core.nets.run import Network

_NAMES = ("background", "face", "hair", "occluder", "mouth", "neck")

_RIM = 0.04
"""Depth below the outline of the mesh from which what is neither face nor hair lies in front of the
face, share of the crop's side: the outline is not exact, and what shows past it is background."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceHairLabeller:
    """Labels the square of 1.2 times a face's box with the released segmenter.

    Face and hair are the network's own, and end with the square. What it calls face within the
    mesh's inner lips is mouth. What it calls background well inside the outline of the mesh is
    occluder: a hand or a prop, but also whatever the network missed. Nothing is neck.
    """

    network: Network

    @property
    def names(self) -> tuple[str, ...]:
        """Our six labels."""
        return _NAMES

    def label(self, picture: PlatePicture, mesh: AnyArray, gain: float) -> LabelledCrop:
        """Label the crop around one face; see `CropLabeller`."""
        size = int(self.network.card.inputs[0].shape[0])
        region = region_of_face(mesh * [picture.pixel_aspect, 1.0, 1.0])
        codes, plate_from_crop = cut_codes(picture, region, gain, size)
        (logits,) = self.network.run(codes[None])
        said = chances_of(np.moveaxis(logits[0], 0, 2))
        forward, offset = plate_from_crop[:, :2], plate_from_crop[:, 2]
        local = (mesh[:VERTEX_COUNT, :2] - offset) @ np.linalg.inv(forward).T
        return LabelledCrop(codes, relabelled(said, local), plate_from_crop)


def relabelled(said: FloatArray, mesh: DoubleArray) -> FloatArray:
    """Return (S, S, 6) chances of our labels, summing to 1.

    Args:
        said: (S, S, 3) chances of background, face and hair.
        mesh: (N, 2) points of the face, pixels of the crop.
    """
    side = said.shape[0]
    background, face, hair = np.moveaxis(said, 2, 0)  # the order of its classes
    lips = fill_regions([LIPS_INNER], mesh, (side, side))
    inside = _inside(mesh, side)
    nothing = np.zeros_like(face)
    return np.stack(
        [
            background * (1 - inside),
            face * (1 - lips),
            hair,
            background * inside,
            face * lips,
            nothing,
        ],
        axis=2,
    )


def _inside(mesh: DoubleArray, side: int) -> FloatArray:
    """Return (S, S) float32: 0 outside the outline of a mesh, rising to 1 well inside it."""
    outline = cv2.convexHull(mesh.astype(np.float32))[:, 0].astype(np.float64)
    area = fill_regions([range(len(outline))], outline, (side, side)).astype(np.uint8)
    depth = cv2.distanceTransform(area, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.clip(depth / (_RIM * side), 0, 1).astype(np.float32)
