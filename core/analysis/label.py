"""Labels the crop around one face: face, hair, what covers it, mouth, neck, background."""

from __future__ import annotations

from dataclasses import dataclass

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


def label_crop(
    picture: PlatePicture, mesh: AnyArray, gain: float, network: Network
) -> LabelledCrop:
    """Label the crop around one face.

    Args:
        mesh: (478, 3) the face, raster pixels.
        gain: exposure for the network's view.
        network: `face_segment`; its card names the labels.
    """
    aspect = picture.pixel_aspect
    size = int(network.card.inputs[0].shape[0])
    transform = region_of(mesh * [aspect, 1.0, 1.0]).square_from_crop(size)
    plate_from_crop = plate_from_square(transform, aspect)
    codes = picture.codes(picture.linear(plate_from_crop, (size, size)) * np.float32(gain))
    (logits,) = network.run(codes[None])
    chances = np.exp(logits[0] - logits[0].max(axis=2, keepdims=True))
    chances /= chances.sum(axis=2, keepdims=True)
    return LabelledCrop(codes, chances, plate_from_crop)


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
