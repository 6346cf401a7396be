"""One face in one frame: layouts, landmarks, head pose, observation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from faceplate.core.arrays import FloatArray, check_shape

JAW_OPEN, MOUTH_SMILE = 25, (44, 45)
"""Places of ARKit's coefficients in an expression, as the blendshape network's card lists them."""


class Layout(Enum):
    """Order and meaning of a set of landmarks: its name in files, its number of points."""

    MESH_478 = ("mesh-478", 478)
    WFLW_98 = ("wflw-98", 98)

    @property
    def count(self) -> int:
        """The number of points."""
        return self.value[1]


class Origin(Enum):
    """Where an observation comes from."""

    SEEN = "seen"
    FILLED = "filled"
    KEYED = "keyed"


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Feature points of one face in one frame.

    Attributes:
        points: (N, 2) float32, raster pixels: x right, y down, pixel centres at .5.
        confidence: (N,) float32, 0 (guessed) to 1 (seen).
        layout: which point is which.
    """

    points: FloatArray
    confidence: FloatArray
    layout: Layout

    def __post_init__(self) -> None:
        """Check the shapes and make the arrays read-only."""
        count = self.layout.count
        object.__setattr__(self, "points", check_shape("points", self.points, count, 2))
        object.__setattr__(self, "confidence", check_shape("confidence", self.confidence, count))

    def scaled(self, factor: float) -> Landmarks:
        """Return the same face in a picture ``factor`` times as large (proxy to full size)."""
        return Landmarks(self.points * np.float32(factor), self.confidence, self.layout)


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Direction of a head in degrees.

    Attributes:
        yaw: + turns to the face's own left.
        pitch: + looks up.
        roll: + tilts to the face's own left.
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True, eq=False)
class FaceObservation:
    """One face in one frame, as seen, filled in, or keyed by an artist.

    Attributes:
        number: the plate's frame number.
        box: x0, y0, x1, y1 of the face (forehead to chin, tight) in raster pixels.
        mesh: (478, 3) float32; x, y raster pixels, z towards the viewer is negative, in units of
            raster pixels along y (square-pixel scale).
        pose: direction of the head.
        expression: (52,) float32, ARKit coefficients 0 to 1, in the order of the model card.
        embedding: (128,) float32 identity vector; zeros when it was not computed.
        skin: (6,) float32; mean and standard deviation per channel of log2 of the face's skin in
            linear Rec.709, measured on cheeks, nose and forehead.
        noise: (3,) float32; standard deviation of the grain per channel at the face's median
            level, linear Rec.709, relative to that level.
        sharpness: blur of the face's picture as the sigma of a Gaussian, in raster pixels.
        confidence: 0 to 1; falls with yaw, blur and disagreement of the passes.
        origin: seen, filled or keyed.
    """

    number: int
    box: tuple[float, float, float, float]
    mesh: FloatArray
    pose: HeadPose
    expression: FloatArray
    embedding: FloatArray
    skin: FloatArray
    noise: FloatArray
    sharpness: float
    confidence: float
    origin: Origin

    def __post_init__(self) -> None:
        """Check the shapes and make the arrays read-only."""
        for name, *shape in (
            ("mesh", 478, 3),
            ("expression", 52),
            ("embedding", 128),
            ("skin", 6),
            ("noise", 3),
        ):
            object.__setattr__(
                self, str(name), check_shape(str(name), getattr(self, str(name)), *shape)
            )

    @property
    def height(self) -> float:
        """Height of the face box in raster pixels."""
        return self.box[3] - self.box[1]
