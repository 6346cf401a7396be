"""Measures of one frame that go by what the analysis sees in plate and comp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceplate.core.analysis.associate import overlap
from faceplate.core.arrays import AnyArray
from faceplate.core.face import FaceObservation
from faceplate.core.geometry.headpose import head_rotations
from faceplate.core.geometry.mesh import VERTEX_COUNT
from faceplate.core.selection import GAZE, NEUTRAL

_SAME_FACE = 0.3
"""Overlap from which a face in the comp is the plate's: a shape may change with the actor."""
_EYE_CORNERS = (33, 263)


def same_face(faces: Sequence[FaceObservation], tracked: FaceObservation) -> FaceObservation | None:
    """Return the face that lies where a tracked one is, or None."""
    best = max(faces, key=lambda o: overlap(o.box, tracked.box), default=None)
    if best is None or overlap(best.box, tracked.box) < _SAME_FACE:
        return None
    return best


def pose_error(comp: FaceObservation, plate: FaceObservation) -> float:
    """Return the angle between two head poses, in degrees.

    The angle of the one rotation that turns one head into the other,
    acos((trace(Rc Rp^T) - 1) / 2): it does not depend on how yaw, pitch and roll are split.
    """
    poses = [[o.pose.yaw, o.pose.pitch, o.pose.roll] for o in (comp, plate)]
    one, other = head_rotations(np.array(poses))
    # From the sine, too: near 0 the cosine alone has no digits left.
    turn = one @ other.T
    sine = np.linalg.norm(
        [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
    )
    return float(np.degrees(np.arctan2(sine, np.trace(turn) - 1)))


def landmark_error(comp: FaceObservation, plate: FaceObservation) -> float:
    """Return how far the face's points left the plate's, in % of the distance of the eyes.

    The mean over the 468 points of |comp - plate|, divided by the distance of the outer eye
    corners in the plate. Nothing is aligned before: place, shape and expression all count.
    """
    apart = np.linalg.norm(comp.mesh[:VERTEX_COUNT, :2] - plate.mesh[:VERTEX_COUNT, :2], axis=1)
    right, left = plate.mesh[list(_EYE_CORNERS), :2]
    return 100 * float(apart.mean() / np.linalg.norm(right - left))


def expression_error(comp: FaceObservation, plate: FaceObservation) -> float:
    """Return how far apart two expressions are, as the length of the difference of coefficients.

    The root of the summed squares over ARKit's coefficients, each 0 to 1, without gaze and the
    neutral one: 0 is the same expression, a jaw that is wide open in one of them alone about 0.7.
    """
    difference = comp.expression.astype(np.float64) - plate.expression
    return float(np.linalg.norm(np.delete(difference, [NEUTRAL, *GAZE])))


def grain_ratio(comp: FaceObservation, plate: FaceObservation) -> float | None:
    """Return the grain of the face in the comp over that in the plate; 1 is the same.

    The mean over the channels of the standard deviation at the face's level, relative to it, as
    `FaceObservation.noise` has it. None where the plate shows none.
    """
    had = float(plate.noise.mean())
    return float(comp.noise.mean()) / had if had > 0 else None


def square_points(face: FaceObservation, pixel_aspect: float) -> AnyArray:
    """Return the (468, 2) points of a face in square pixels, float64."""
    return face.mesh[:VERTEX_COUNT, :2].astype(np.float64) * [pixel_aspect, 1.0]
