"""Source views made ready, and how much each of them gives to a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.face import JAW_OPEN, MOUTH_SMILE, FaceObservation
from faceplate.core.geometry import mesh as meshes
from faceplate.core.source import Actor, View

_POSE_REACH_DEGREES = 14.0
"""Views this far from the plate's pose lend their mouth or eyes at 1/e; measured on the demo."""

_EXPRESSION_REACH = 0.35

_BINOMIAL = (6.0, 4.0, 1.0)
"""Weights by distance in time; two frames on either side are all that a render may look at."""


@dataclass(frozen=True, slots=True, eq=False)
class SourceView:
    """A view made ready for sampling.

    Attributes:
        codes: pyramid, finest first, of (h, w, 3) float32 encoded pictures, exposure equalised.
        skin: pyramid of (h, w) float32 coverage of visible face skin.
        mesh: (N, 3) float64 widened mesh in pixels of the finest level.
        irises: (2, 3) float64; centre x, y and radius of the subject's right and left iris.
        seen: (N,) float32 visibility of the mesh's vertices.
        opening: measures of mouth and eyes, see `measure_openings`.
    """

    view: View
    codes: tuple[FloatArray, ...]
    skin: tuple[FloatArray, ...]
    mesh: DoubleArray
    irises: DoubleArray
    seen: FloatArray
    opening: FloatArray


def prepare_view(view: View, encode: Callable[[FloatArray], FloatArray]) -> SourceView:
    """Make a view ready: equalised, encoded, as pyramids.

    Args:
        encode: linear Rec.709 to code values.
    """
    level = np.exp2(np.float32(view.skin[:3].mean()))
    codes = [encode(view.picture.astype(np.float32) * np.float32(MIDDLE / level))]
    skin = [view.skin_coverage.astype(np.float32)]
    while min(codes[-1].shape[:2]) > 32 and len(codes) < 6:
        codes.append(cv2.pyrDown(codes[-1]))
        skin.append(cv2.pyrDown(skin[-1]))
    wide = meshes.widened(view.mesh)
    return SourceView(
        view=view,
        codes=tuple(codes),
        skin=tuple(skin),
        mesh=wide,
        irises=irises_of(view.mesh),
        seen=meshes.visibility(wide),
        opening=measure_openings(view.mesh),
    )


MIDDLE = 0.2
"""Linear level that a view's skin is brought to before encoding; the light transfer undoes it."""


def irises_of(mesh: AnyArray) -> DoubleArray:
    """Return (2, 3): centre x, y and radius of the subject's right and left iris."""
    rows = []
    for first in (meshes.IRIS_RIGHT, meshes.IRIS_LEFT):
        center = mesh[first, :2].astype(np.float64)
        rim = mesh[first + 1 : first + 5, :2]
        rows.append([*center, float(np.linalg.norm(rim - center, axis=1).mean())])
    return np.array(rows)


def measure_openings(mesh: AnyArray) -> FloatArray:
    """Return (4,) float32: mouth gap, mouth width, right and left eye opening.

    All in 3-D, so that the pose cancels: the mouth in face heights, the eyes in eye widths.
    """

    def gap(a: int, b: int) -> float:
        return float(np.linalg.norm(mesh[a] - mesh[b]))

    height = meshes.face_height(mesh)
    return np.array(
        [
            gap(13, 14) / height,
            gap(61, 291) / height,
            (gap(159, 145) + gap(158, 153)) / (2 * gap(33, 133)),
            (gap(386, 374) + gap(385, 380)) / (2 * gap(263, 362)),
        ],
        np.float32,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What the whole track says about the person in the plate.

    Attributes:
        neutral: (478, 3) canonical mean face.
        eyes_open: (2,) openness of right and left eye that counts as open.
    """

    neutral: DoubleArray
    eyes_open: FloatArray


def target_of(observations: Sequence[FaceObservation]) -> Target:
    """Measure a track's person: mean face, and how open the open eyes are."""
    openings = np.stack([measure_openings(o.mesh) for o in observations])
    return Target(
        neutral=meshes.neutral_shape(
            [o.mesh for o in observations], [o.expression for o in observations]
        ),
        eyes_open=np.quantile(openings[:, 2:], 0.8, axis=0).astype(np.float32),
    )


@dataclass(frozen=True, slots=True, eq=False)
class ViewWeights:
    """How much each view of the actor gives, (V,) float32 each, sums 1."""

    skin: FloatArray
    mouth: FloatArray
    eyes: FloatArray


def choose_views(
    actor: Actor, sources: Sequence[SourceView], face: FaceObservation, target: Target, count: int
) -> ViewWeights:
    """Return each view's share for skin, mouth and eyes.

    All shares are continuous in pose and expression, so no view pops in or out.
    """
    opening = measure_openings(face.mesh)
    openings = np.stack([s.opening for s in sources])
    poses = np.array([[s.view.pose.yaw, s.view.pose.pitch] for s in sources])
    turn = np.linalg.norm(poses - [face.pose.yaw, face.pose.pitch], axis=1)
    near = np.exp(-np.square(turn / _POSE_REACH_DEGREES))
    base = actor.map.weights_at(face.pose.yaw, face.pose.pitch)[actor.map.cell]
    gap = np.abs(openings[:, 0] - opening[0]) / 0.12 + np.abs(openings[:, 1] - opening[1]) / 0.12
    said = np.stack([_mouth_of(s.view.expression) for s in sources])
    gap = gap + np.abs(said - _mouth_of(face.expression)).sum(axis=1)
    open_source = np.quantile(openings[:, 2:], 0.8, axis=0)
    blink = (openings[:, 2:] / open_source - opening[2:] / target.eyes_open).mean(axis=1)
    calm = np.exp(-np.square(gap))
    nearest = float(turn.min())
    relative = np.exp(-np.square((turn - nearest) / _POSE_REACH_DEGREES))
    across = np.exp(-np.square((turn - nearest) / (1.5 * _POSE_REACH_DEGREES)))
    return ViewWeights(
        skin=_strongest(base * (0.1 + calm) + 1e-6 * near, count),
        mouth=_strongest(across * np.exp(-np.square(gap / (2 * _EXPRESSION_REACH))) + 1e-9, 2),
        eyes=_strongest(relative * np.exp(-np.square(blink / _EXPRESSION_REACH)) + 1e-9, 2),
    )


def _mouth_of(expression: FloatArray) -> FloatArray:
    """Return (2,): jaw and smile; lips that are parted over closed teeth are not an open mouth."""
    return np.array([expression[JAW_OPEN], expression[list(MOUTH_SMILE)].mean()], np.float32)


def steady_views(weights: Sequence[ViewWeights], distances: Sequence[int]) -> ViewWeights:
    """Return the mean of the shares of a frame and its neighbours, the nearer the stronger.

    A mouth that opens within a frame would else change its view within a frame too.

    Args:
        weights: of each frame.
        distances: how many frames each is away.
    """
    shares = np.array([_BINOMIAL[abs(d)] for d in distances], np.float64)
    shares /= shares.sum()

    def mean(name: str) -> FloatArray:
        return (shares @ np.stack([getattr(w, name) for w in weights])).astype(np.float32)

    return ViewWeights(mean("skin"), mean("mouth"), mean("eyes"))


def _strongest(scores: AnyArray, count: int) -> FloatArray:
    """Keep the ``count`` best by subtracting the next: a view enters and leaves at zero."""
    kept = scores.astype(np.float64)
    if len(kept) > count:
        kept = np.maximum(kept - np.sort(kept)[-count - 1], 0.0)
    if kept.sum() <= 0:  # all alike: no order to keep
        kept = scores.astype(np.float64)
    kept = np.square(kept / kept.max())
    return (kept / kept.sum()).astype(np.float32)
