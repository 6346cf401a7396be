"""A rendered head with everything that is known about it."""

from __future__ import annotations

from dataclasses import dataclass

from faceplate.core.arrays import BoolArray, FloatArray, check_shape
from faceplate.core.face import HeadPose

CLASSES = ("background", "face", "hair", "occluder", "mouth", "neck")
"""What a pixel may show, in the order of every picture's coverage.

Background takes in clothes and people far behind. Face is skin with brows, lids, eyes, lips and
beard, also behind a clear lens. Hair grows on the scalp, wherever it falls. Occluder is anything
that stands before or on the head. Mouth is the open mouth's inside. Neck takes in ears and bare
shoulders.
"""


@dataclass(frozen=True, slots=True, eq=False)
class HeadPicture:
    """One picture of a head, without noise, and its exact description.

    Attributes:
        rgb: (H, W, 3) float32, linear Rec.709, unbounded.
        coverage: (H, W, 6) float32; the share of each pixel that each of `CLASSES` covers, sum 1.
        mesh478, wflw98, ibug68: (N, 2) float32, picture pixels: x right, y down, centres at .5.
        visible478: (478,) bool; nothing hides the point.
        pose: direction of the head to the camera.
        expression: (53,) float32, weights of the ICT expressions, 0 to 1.
        gaze: (2,) float32, degrees in the head: + to the person's left, + up.
        depth: (H, W) float32, centimetres from the camera; inf where there is only backdrop.
        uv: (H, W, 2) float32, texture coordinates of the head; nan off the head.
        identity: number of the person; the same person has the same shape and skin.
        seed: what the picture was sampled from.
        tags: what is to be seen, as "hand", "glasses", "hat", "beard", "blond", "tone3".
    """

    rgb: FloatArray
    coverage: FloatArray
    mesh478: FloatArray
    wflw98: FloatArray
    ibug68: FloatArray
    visible478: BoolArray
    pose: HeadPose
    expression: FloatArray
    gaze: FloatArray
    depth: FloatArray
    uv: FloatArray
    identity: int
    seed: int
    tags: frozenset[str]

    def __post_init__(self) -> None:
        """Check the shapes and make the arrays read-only."""
        height, width = self.rgb.shape[:2]
        for name, *shape in (
            ("rgb", height, width, 3),
            ("coverage", height, width, len(CLASSES)),
            ("mesh478", 478, 2),
            ("wflw98", 98, 2),
            ("ibug68", 68, 2),
            ("expression", "E"),
            ("gaze", 2),
            ("depth", height, width),
            ("uv", height, width, 2),
        ):
            checked = check_shape(str(name), getattr(self, str(name)), *shape)
            object.__setattr__(self, str(name), checked)
