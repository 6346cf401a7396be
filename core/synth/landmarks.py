"""Landmarks of random heads under any pose, exact and without a picture: thousands in a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.geometry.headpose import head_rotations
from faceplate.core.synth.figure import MIDDLE
from faceplate.core.synth.head import EYE_LEFT, EYE_RIGHT, HeadModel

_IRISES = (96, 97)
"""WFLW points of the right and the left iris."""
_MOST_WEIGHT, _STRENGTHS = 2.3, (0.7, 1.15)
"""As `people.sample_person` draws a shape."""
_END_VERTICES = 6


@dataclass(frozen=True, slots=True, eq=False)
class _Moving:
    """Vertices of a head model that are followed.

    Attributes:
        neutral: (P, 3) float32.
        modes: (M, P * 3) float32; what a weight of 1 adds.
    """

    neutral: FloatArray
    modes: FloatArray

    def moved(self, weights: AnyArray) -> FloatArray:
        """Return (B, P, 3) for (B, M) weights."""
        added = np.asarray(weights, np.float32) @ self.modes
        return np.asarray(self.neutral + added.reshape(len(added), -1, 3), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkHead:
    """What a head model's 98 landmarks depend on.

    Attributes:
        identities: number of identity modes.
        expressions: number of expressions.
    """

    identities: int
    expressions: int
    _skin: _Moving
    _eyes: tuple[_Moving, _Moving]
    _pairs: AnyArray
    _shares: FloatArray

    @classmethod
    def of(cls, model: HeadModel) -> LandmarkHead:
        """Keep of a head model what its landmarks need."""
        face = canonical_face()
        first = face.wflw_index[: _IRISES[0]]
        used, places = np.unique(first, return_inverse=True)
        vertices = model.mesh_points[used]
        shape = _modes(model.identity_modes, model.identity_scale, vertices)
        acting = _modes(model.expression_modes, model.expression_scale, vertices)
        balls = [_ends_of(model, eye) for eye in (EYE_RIGHT, EYE_LEFT)]
        right, left = (
            _Moving(model.neutral[ball], _modes(model.identity_modes, model.identity_scale, ball))
            for ball in balls
        )
        return cls(
            identities=len(model.identity_modes),
            expressions=len(model.expression_modes),
            _skin=_Moving(model.neutral[vertices], np.concatenate([shape, acting])),
            _eyes=(right, left),
            _pairs=places.reshape(first.shape),
            _shares=face.wflw_weight[: _IRISES[0], :, None],
        )

    def landmarks(self, identity: AnyArray, expression: AnyArray, gaze: AnyArray) -> FloatArray:
        """Return the WFLW points of heads that look straight ahead.

        Args:
            identity: (B, K) weights.
            expression: (B, E) weights, 0 to 1.
            gaze: (B, 2) degrees in the head, + to the person's left, + up.

        Returns:
            (B, 98, 3) float32, cm from what the renderer's camera looks at, axes of `HeadModel`.
        """
        skin = self._skin.moved(np.concatenate([identity, expression], axis=1))
        points = (skin[:, self._pairs] * self._shares).sum(axis=2)
        looks = head_rotations(np.column_stack([gaze, np.zeros(len(gaze))]))
        irises = [_iris(eye.moved(identity), looks) for eye in self._eyes]
        whole = np.concatenate([points, np.stack(irises, axis=1)], axis=1)
        return np.asarray(whole - MIDDLE, np.float32)


def _modes(modes: AnyArray, scale: FloatArray, vertices: AnyArray) -> FloatArray:
    chosen = modes[:, vertices].astype(np.float32) * scale[:, None, None]
    return np.asarray(chosen.reshape(len(modes), -1), np.float32)


def _ends_of(model: HeadModel, part: int) -> AnyArray:
    """Return the vertices of an eyeball that lie furthest out, some for each of 26 directions."""
    ball = np.flatnonzero(model.part == part)
    steps = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3), -1).reshape(-1, 3)
    ways = steps[steps.any(axis=1)] / np.linalg.norm(steps[steps.any(axis=1)], axis=1)[:, None]
    reach = (model.neutral[ball] - model.neutral[ball].mean(axis=0)) @ ways.T
    return ball[np.unique(np.argsort(-reach, axis=0)[:_END_VERTICES])]


def _iris(balls: FloatArray, looks: DoubleArray) -> DoubleArray:
    """Return (B, 3) the front of eyeballs (B, P, 3) that look somewhere, as the renderer has it."""
    low, high = balls.min(axis=1), balls.max(axis=1)
    middle = 0.5 * (low + high)
    middle[:, 2] = low[:, 2] + 0.5 * (high[:, 0] - low[:, 0])
    radius = np.linalg.norm(balls - middle[:, None], axis=2).max(axis=1)
    return np.asarray(middle + radius[:, None] * looks[:, :, 2])


def seen(points: AnyArray, poses: AnyArray, distance: AnyArray) -> FloatArray:
    """Return how a camera sees landmarks.

    Args:
        points: (B, N, 3) cm from what the camera looks at, the head straight ahead.
        poses: (B, 3) yaw, pitch and roll in degrees.
        distance: (B,) from the camera, cm.

    Returns:
        (B, N, 2) float32; x right, y down, a unit being a centimetre where the camera looks.
    """
    world = np.einsum("bij,bnj->bni", head_rotations(poses), np.asarray(points, np.float64))
    far = np.asarray(distance, np.float64)[:, None]
    factor = (far / (far - world[..., 2]))[..., None]
    return np.asarray(world[..., :2] * [1, -1] * factor, np.float32)


def sample_shapes(rng: np.random.Generator, count: int, modes: int) -> FloatArray:
    """Return the identity weights of random persons, (count, modes)."""
    strength = rng.uniform(*_STRENGTHS, (count, 1))
    drawn = np.clip(rng.standard_normal((count, modes)), -_MOST_WEIGHT, _MOST_WEIGHT)
    return np.asarray(drawn * strength, np.float32)
