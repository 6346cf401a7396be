"""Chooses which faces of an actor's footage become views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray
from faceplate.core.face import FaceObservation
from faceplate.core.stages.appearance import THINNING_DEGREES, AppearanceMap

GAZE = tuple(range(11, 19))
NEUTRAL = 0
_TRAITS = {"mouth open": (25,), "eyes closed": (9, 10), "smile": (44, 45)}
"""ARKit coefficients by the expression that is worth a view of its own."""

_NOTABLE = 0.25
"""How much stronger a trait must be than in the calm view of its cell."""
_CALM_RATE = 0.7
_GROWTH = 1.2


@dataclass(frozen=True, slots=True)
class Choice:
    """One face that becomes a view.

    Attributes:
        index: which candidate.
        place: the candidate at whose pose the map holds it; itself for a calm view.
    """

    index: int
    place: int


def traits(expression: AnyArray) -> dict[str, float]:
    """Return how open the mouth is, how closed the eyes, how wide the smile, 0 to 1."""
    return {name: float(expression[list(at)].mean()) for name, at in _TRAITS.items()}


def agitation(expression: AnyArray) -> float:
    """Return how far an expression is from a calm face; gaze does not count."""
    kept = np.delete(np.asarray(expression, np.float64), [NEUTRAL, *GAZE])
    return float(np.linalg.norm(kept))


def detail(face: FaceObservation) -> float:
    """Return how much a face shows: its height in units of its own blur."""
    return face.height / float(np.hypot(face.sharpness, 0.5))


def quality(faces: Sequence[FaceObservation], clear: AnyArray, clipped: AnyArray) -> DoubleArray:
    """Return (N,) worth of each face among its like, 0 to 1.

    Args:
        clear: (N,) share of the face that is visible skin.
        clipped: (N,) share of the face whose highlights are cut off.
    """
    details = np.array([detail(face) for face in faces])
    sharp = np.minimum(details / np.quantile(details, 0.9), 1.0)
    confidence = np.array([face.confidence for face in faces])
    whole = np.clip((np.asarray(clear, np.float64) - 0.3) / 0.5, 0.05, 1.0)
    unclipped = np.clip(1.0 - 4.0 * np.asarray(clipped, np.float64), 0.2, 1.0)
    return np.asarray(sharp * np.sqrt(np.maximum(confidence, 1e-3)) * whole * unclipped)


def choose_faces(
    faces: Sequence[FaceObservation], worth: AnyArray, most: int
) -> tuple[list[Choice], float]:
    """Choose faces over all poses, and for each pose the expressions worth keeping.

    Poses are thinned into cells, as finely as the number of views allows; each cell gives its
    best calm face, and then the strongest traits of all cells are added while there is room.

    Args:
        faces: the candidates.
        worth: (N,) from `quality`.
        most: number of views, at least 1.

    Returns:
        The choices, calm ones first, and the radius of the cells in degrees.
    """
    poses = np.array([[face.pose.yaw, face.pose.pitch] for face in faces])
    cells, radius = _cells(poses, max(most // 2, 1) if len(faces) > most else most)
    calm_score = worth * np.exp(
        [-_CALM_RATE * agitation(face.expression) - abs(face.pose.roll) / 60 for face in faces]
    )
    first_of = _spaced(poses, [int(m[np.argmax(calm_score[m])]) for m in cells])
    calm: list[Choice] = []
    vivid: list[tuple[float, Choice]] = []
    for members in cells:
        best_calm = int(members[np.argmax(calm_score[members])])
        first = first_of[best_calm]
        if first == best_calm:
            calm.append(Choice(first, first))
        base = traits(faces[first].expression)
        for name in base:
            gain = np.array([traits(faces[k].expression)[name] - base[name] for k in members])
            score = np.where(worth[members] >= 0.5 * worth[first], gain, 0.0) * worth[members]
            best = int(np.argmax(score))
            if gain[best] > _NOTABLE and score[best] > 0:
                vivid.append((float(score[best]), Choice(int(members[best]), first)))
    vivid.sort(key=lambda entry: (-entry[0], entry[1].index))
    chosen = {choice.index: choice for choice in calm}
    for _, choice in vivid:
        if len(chosen) < most:
            chosen.setdefault(choice.index, choice)
    return list(chosen.values()), radius


def _spaced(poses: DoubleArray, found: Sequence[int]) -> dict[int, int]:
    """Say for each calm face which one stands for it; neighbours of one pose share the first."""
    kept: list[int] = []
    stands: dict[int, int] = {}
    for index in found:
        apart = np.linalg.norm(poses[kept] - poses[index], axis=1) if kept else np.zeros(0)
        if apart.size and apart.min() <= THINNING_DEGREES:
            stands[index] = kept[int(np.argmin(apart))]
        else:
            kept.append(index)
            stands[index] = index
    return stands


def _cells(poses: DoubleArray, most: int) -> tuple[list[AnyArray], float]:
    radius = THINNING_DEGREES
    while True:
        layout = AppearanceMap.build(poses, radius=radius)
        if len(layout.order) <= most:
            return [np.flatnonzero(layout.cell == kept) for kept in layout.order], radius
        radius *= _GROWTH
