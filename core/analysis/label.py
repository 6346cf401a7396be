"""Labels the crop around one face: face, hair, what covers it, mouth, neck, background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from faceplate.core.analysis.picture import PlatePicture, Region, plate_from_square
from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.geometry import mesh as meshes
from faceplate.core.geometry.regions import FACE_CORE, fill_regions
from faceplate.core.nets.run import Network

SIDE = 2.0
"""Side of what the network sees, canonical face heights, as it was trained."""
LIFT = 0.08
"""How far the middle lies above the face's own, face heights: there is hair above."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCrop:
    """What the network says of one face in one frame; a pure function of that frame.

    Attributes:
        codes: (S, S, 3) float32, what it saw, 0 to 1.
        chances: (S, S, C) float32, of each label, summing to 1.
        plate_from_crop: (2, 3) float64.
    """

    codes: FloatArray
    chances: FloatArray
    plate_from_crop: DoubleArray


def region_of(mesh: AnyArray) -> Region:
    """Return the turned square around a face that the network sees.

    It follows the skull, not the chin: an expression neither scales nor moves it.

    Args:
        mesh: (478, 3) square pixels.
    """
    pose = meshes.fit(mesh)
    top, chin = meshes.topology().canonical[[10, 152]]
    height = float(np.linalg.norm(top - chin))
    middle = pose.posed(((top + chin) / 2 + [0.0, LIFT * height, 0.0])[None])[0]
    up = pose.turned(np.array([[0.0, 1.0, 0.0]]))[0]
    angle = float(np.arctan2(up[0], -up[1]))
    return Region(float(middle[0]), float(middle[1]), SIDE * height * pose.scale, angle)


class CropLabeller(Protocol):
    """Labels the crop around a face: `HeadLabeller`, or the released one in `relabel`."""

    @property
    def network(self) -> Network:
        """What looks at the crop."""

    @property
    def names(self) -> tuple[str, ...]:
        """The labels, in the order of a crop's chances."""

    def label(self, picture: PlatePicture, mesh: AnyArray, gain: float) -> LabelledCrop:
        """Label the crop around one face.

        Args:
            mesh: (478, 3) the face, raster pixels.
            gain: exposure for the network's view.
        """


@dataclass(frozen=True, slots=True, eq=False)
class HeadLabeller:
    """Labels what lies around a whole head with `face_segment`."""

    network: Network

    @property
    def names(self) -> tuple[str, ...]:
        """The labels, as the network's card has them."""
        return self.network.card.labels

    def label(self, picture: PlatePicture, mesh: AnyArray, gain: float) -> LabelledCrop:
        """Label the crop around one face; see `CropLabeller`."""
        region = region_of(mesh * [picture.pixel_aspect, 1.0, 1.0])
        size = int(self.network.card.inputs[0].shape[0])
        codes, plate_from_crop = cut_codes(picture, region, gain, size)
        (logits,) = self.network.run(codes[None])
        return LabelledCrop(codes, chances_of(logits[0]), plate_from_crop)


def cut_codes(
    picture: PlatePicture, region: Region, gain: float, size: int
) -> tuple[FloatArray, DoubleArray]:
    """Return (size, size, 3) codes of a square, and its (2, 3) transform to raster pixels.

    Args:
        region: square pixels.
        gain: exposure for a network's view.
    """
    transform = plate_from_square(region.square_from_crop(size), picture.pixel_aspect)
    return picture.codes(picture.linear(transform, (size, size)) * np.float32(gain)), transform


def chances_of(logits: FloatArray) -> FloatArray:
    """Return (h, w, C) chances, summing to 1, of logits of the same shape."""
    chances = np.exp(logits - logits.max(axis=2, keepdims=True))
    return np.asarray(chances / chances.sum(axis=2, keepdims=True), np.float32)


def visible_share(crop: LabelledCrop, mesh: AnyArray, names: tuple[str, ...]) -> float:
    """Return how much of the middle of a face can be seen, 0 to 1.

    Args:
        mesh: (478, 3) the face, raster pixels.
        names: of the labels.
    """
    forward, offset = crop.plate_from_crop[:, :2], crop.plate_from_crop[:, 2]
    local = (mesh[:, :2] - offset) @ np.linalg.inv(forward).T
    inside = fill_regions([FACE_CORE], local, (crop.codes.shape[0], crop.codes.shape[1])) > 0
    if not inside.any():
        return 0.0
    seen = crop.chances[..., names.index("face")] + crop.chances[..., names.index("mouth")]
    return float(seen[inside].mean())
