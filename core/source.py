"""The identity that a swap takes: `View` and `Actor`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.core.arrays import DoubleArray, FloatArray, check_shape
from faceplate.core.consent import Consent
from faceplate.core.errors import ActorError, ContractError
from faceplate.core.face import HeadPose
from faceplate.core.stages.appearance import AppearanceMap


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One picture of an actor's head, in square pixels.

    Attributes:
        name: file name of the footage it comes from, and the frame number.
        number: the footage's frame number.
        picture: (h, w, 3) float16, linear Rec.709, finite; the head with a margin.
        skin_coverage: (h, w) float16, 0 to 1, visible skin of the face.
        mesh: (478, 3) float32 in the picture's pixels, centres at .5, y down, z away.
        pose: direction of the head.
        expression: (52,) float32 ARKit coefficients, in the order of the model card.
        embedding: (128,) float32 identity vector, or zeros.
        skin: (6,) float32, as `FaceObservation.skin`.
        noise: (3,) float32, as `FaceObservation.noise`.
        sharpness: blur as the sigma of a Gaussian, in the picture's pixels.
        confidence: 0 to 1.
        face_height: in the picture's pixels.
    """

    name: str
    number: int
    picture: np.typing.NDArray[np.float16]
    skin_coverage: np.typing.NDArray[np.float16]
    mesh: FloatArray
    pose: HeadPose
    expression: FloatArray
    embedding: FloatArray
    skin: FloatArray
    noise: FloatArray
    sharpness: float
    confidence: float
    face_height: float

    def __post_init__(self) -> None:
        """Check the arrays and make them read-only."""
        size = self.picture.shape[:2]
        halves = self.picture.dtype == np.float16 and self.skin_coverage.dtype == np.float16
        if not halves or self.picture.shape != (*size, 3) or self.skin_coverage.shape != size:
            raise ContractError(f"The picture of view {self.name} is no (h, w, 3) half picture.")
        for array in (self.picture, self.skin_coverage):
            array.flags.writeable = False
        for name, *shape in (
            ("mesh", 478, 3),
            ("expression", 52),
            ("embedding", 128),
            ("skin", 6),
            ("noise", 3),
        ):
            checked = check_shape(str(name), getattr(self, str(name)), *shape)
            object.__setattr__(self, str(name), checked)


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A source identity: views over head poses and expressions.

    Attributes:
        name: what people call it.
        views: at least one.
        map: the views laid out by head pose; views that differ by expression alone share a cell.
        neutral: (478, 3) float64, mean face in the canonical head's centimetres, led by calm views.
        consent: the record that is bound in, or None.
        notes: sentences about footage that was left out.
        digest: hash of everything above, 32 hexadecimal digits.
    """

    name: str
    views: tuple[View, ...]
    map: AppearanceMap
    neutral: DoubleArray
    consent: Consent | None
    notes: tuple[str, ...]
    digest: str

    def __post_init__(self) -> None:
        """Check that views and map belong together."""
        if not self.views or len(self.views) != len(self.map.points):
            raise ContractError("An actor's map must lay out its views, at least one.")
        if self.neutral.shape != (478, 3) or not np.isfinite(self.neutral).all():
            raise ContractError("An actor's neutral face must be (478, 3), finite.")
        self.neutral.flags.writeable = False

    @property
    def embedding(self) -> FloatArray:
        """(128,) float32 median identity vector of the views that have one, or zeros."""
        known = [view.embedding for view in self.views if view.embedding.any()]
        return np.median(known, axis=0).astype(np.float32) if known else np.zeros(128, np.float32)

    @property
    def face_height(self) -> float:
        """Height of the largest view's face in pixels."""
        return max(view.face_height for view in self.views)

    def view(self, name: str) -> View:
        """Return a view by its name.

        Raises:
            ActorError: there is no such view.
        """
        for view in self.views:
            if view.name == name:
                return view
        raise ActorError(
            f"Actor {self.name} has no view {name}.",
            hint="Run `faceplate actor show` for the names.",
            view=name,
        )
