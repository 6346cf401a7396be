"""Footage to learn from, by way of actor files: their views are analysed and carry a consent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from faceplate.core.actorfile import read_actor
from faceplate.core.analysis.landmark import wflw_landmarks
from faceplate.core.arrays import AnyArray
from faceplate.core.consent import check_consent
from faceplate.core.errors import TrainingError
from faceplate.core.source import Actor, View
from faceplate.core.synth.picture import CLASSES
from faceplate.core.training.dataset import Sample

SUFFIX = ".actor"
TRAINING = "training"
"""What a consent record must name among its shots before weights learn from its performer."""

_BACKGROUND, _FACE = CLASSES.index("background"), CLASSES.index("face")


@dataclass(slots=True)
class ActorPictures:
    """The views of an actor as pictures of a set; it can be handed to another process.

    Of what is around the face only is known that it is not face: hair counts as background.

    Attributes:
        path: of the actor file.
        performer: whose face it is, and by which record it may be learnt from.
        digest: of the actor.
        count: of the views.
    """

    path: Path
    performer: str
    digest: str
    count: int
    _actor: Actor | None = field(default=None, repr=False)

    def __getstate__(self) -> tuple[Any, ...]:
        """Return what makes it again, without the pictures."""
        return self.path, self.performer, self.digest, self.count

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Make it again."""
        self.path, self.performer, self.digest, self.count = state
        self._actor = None

    def __len__(self) -> int:
        """Return the number of views."""
        return self.count

    def sample(self, number: int) -> Sample:
        """Return a view, on a black square."""
        return _sample(self._views()[number], number)

    def numbers(self, name: str) -> list[int]:
        """Return one whole number of every view: "identity"."""
        return [int(value) for value in self.column(name)]

    def column(self, name: str) -> AnyArray:
        """Return one array of every view: "pose" (V, 3) or "identity" (V,)."""
        if name == "identity":
            return np.full(self.count, int(self.digest[:12], 16))
        if name == "pose":
            poses = [view.pose for view in self._views()]
            return np.array([(p.yaw, p.pitch, p.roll) for p in poses], np.float32)
        raise TrainingError(
            f"Nothing is known of {name} in {self.path}.", hint="Learn it from rendered heads."
        )

    def _views(self) -> tuple[View, ...]:
        if self._actor is None:
            self._actor = read_actor(self.path)
        return self._actor.views


def open_actor(path: Path) -> ActorPictures:
    """Return the views of an actor, if its performer agreed to a training.

    Raises:
        ActorError: not an actor file, damaged, or altered.
        ConsentError: no record, or one that has ended or does not name `TRAINING`.
    """
    actor = read_actor(path)
    check_consent(actor.consent, TRAINING, date.today())
    assert actor.consent is not None
    performer = f"{actor.consent.performer} ({actor.consent.reference})"
    return ActorPictures(path, performer, actor.digest, len(actor.views), actor)


def _sample(view: View, number: int) -> Sample:
    height, width = view.picture.shape[:2]
    side = max(height, width)
    linear = np.zeros((side, side, 3), np.float16)
    linear[:height, :width] = view.picture
    coverage = np.zeros((side, side, len(CLASSES)), np.uint8)
    coverage[..., _BACKGROUND] = 255
    face = np.clip(view.skin_coverage.astype(np.float32) * 255 + 0.5, 0, 255).astype(np.uint8)
    coverage[:height, :width, _FACE] = face
    coverage[:height, :width, _BACKGROUND] = 255 - face
    return Sample(
        linear=linear,
        coverage=coverage,
        valid=None,
        wflw98=wflw_landmarks(view.mesh, 1.0).points,
        mesh478=np.ascontiguousarray(view.mesh[:, :2]),
        yaw=view.pose.yaw,
        seed=number,
        tags=frozenset({"footage"}),
    )
