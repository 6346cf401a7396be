"""The pose of a hand as plain numbers, and the joints that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.core.arrays import DoubleArray
from faceplate.core.synth.shapes import unit

# Of a right hand of 18.5 cm, lying palm up: x to the thumb, y to the fingertips, z out of the palm.
_KNUCKLES = np.array([[2.9, 8.7, -0.15], [0.95, 9.1, -0.3], [-1.0, 8.7, -0.2], [-2.8, 7.8, 0.0]])
_PHALANGES = np.array([[4.3, 2.5, 1.75], [4.8, 2.9, 1.85], [4.4, 2.7, 1.85], [3.5, 2.0, 1.6]])
_THUMB_ROOT = np.array([2.0, 1.9, 0.35])
_THUMB = np.array([4.5, 3.3, 2.4])
_SPREAD = np.array([-6.0, -1.0, 5.0, 12.0])
"""Degrees by which the fingers fan out when a hand lies at rest; + towards the little finger."""


@dataclass(frozen=True, slots=True)
class HandPose:
    """One hand (or two) as plain numbers: cm, degrees, linear reflectance.

    Attributes:
        gesture: what it does, a name of ``GESTURES``.
        left: whether it is a left hand.
        size: of the hand, 1 for 18.5 cm.
        fingers: index to little: bend at knuckle, middle and end joint.
        spread: index to little, added to the fan at rest, + towards the little finger.
        thumb: opposition 0 (beside the palm) to 1 (before it), bend at its three joints.
        wrist: bend of the hand towards the palm, and towards the thumb.
        target: point of the head that is touched, head space.
        outward: direction from that point away from the head.
        contact: which part of the hand touches.
        facing: what looks at the head: "palm", "back", or "edge" (little-finger side).
        turn: direction of the fingers around ``outward``, 0 up, + towards the person's left.
        tilt: fingertips away from the head.
        gap: between hand and head; below 0 presses in.
        tone: of the skin, (3,).
        nail: of the nails, (3,).
        sleeve: where it begins, cm above the wrist; 99 for a bare arm.
        cloth: of the sleeve, (3,).
        held: a prop's name, or "".
        twin: whether the other hand does the same on the other side.
        detail: seed of veins, spots and of the prop.
    """

    gesture: str
    left: bool
    size: float
    fingers: tuple[tuple[float, float, float], ...]
    spread: tuple[float, ...]
    thumb: tuple[float, float, float, float]
    wrist: tuple[float, float]
    target: tuple[float, float, float]
    outward: tuple[float, float, float]
    contact: str
    facing: str
    turn: float
    tilt: float
    gap: float
    tone: tuple[float, float, float]
    nail: tuple[float, float, float]
    sleeve: float
    cloth: tuple[float, float, float]
    held: str
    twin: bool
    detail: int


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """Where a right hand's joints are, in its own frame, cm.

    Attributes:
        fingers: (4, 4, 3) knuckle, middle joint, end joint and tip of index to little finger.
        backs: (4, 3, 3) unit vectors out of the back of each phalanx.
        thumb: (4, 3) root, knuckle, end joint and tip.
        thumb_backs: (3, 3) unit vectors out of the back of each of its bones.
        elbow: (3,).
    """

    fingers: DoubleArray
    backs: DoubleArray
    thumb: DoubleArray
    thumb_backs: DoubleArray
    elbow: DoubleArray


def skeleton(pose: HandPose) -> Skeleton:
    """Return the joints of a pose; bones keep their lengths whatever the angles are."""
    size = pose.size
    joints, backs = np.zeros((4, 4, 3)), np.zeros((4, 3, 3))
    for finger in range(4):
        joints[finger, 0] = _KNUCKLES[finger] * size
        fan = _SPREAD[finger] + pose.spread[finger]
        bend = 0.0
        # A bent finger cannot fan out: its ligaments are tight.
        fan *= 1 - 0.7 * min(max(pose.fingers[finger][0], 0) / 80, 1)
        side = _turn("z", fan)
        for bone in range(3):
            bend += pose.fingers[finger][bone]
            along = side @ _turn("x", bend)
            backs[finger, bone] = along @ [0, 0, -1]
            step = along @ [0, _PHALANGES[finger, bone] * size, 0]
            joints[finger, bone + 1] = joints[finger, bone] + step
    thumb, thumb_backs = _thumb(pose)
    bend, aside = pose.wrist
    arm = _turn("z", aside) @ _turn("x", -bend) @ [0, -26 * size, 0]
    return Skeleton(joints, backs, thumb, thumb_backs, arm)


def _thumb(pose: HandPose) -> tuple[DoubleArray, DoubleArray]:
    opposition, *bends = pose.thumb
    along = unit(
        (1 - opposition) * np.array([0.8, 0.6, 0.1]) + opposition * np.array([0.28, 0.62, 0.8])
    )
    axis = np.array([-0.25 * opposition, 0.15, 1.0])
    axis = unit(axis - along * (axis @ along))
    points = [_THUMB_ROOT * pose.size]
    backs = []
    for bone, bend in enumerate(bends):
        along = _about(axis, bend) @ along
        points.append(points[-1] + along * _THUMB[bone] * pose.size)
        backs.append(-np.cross(axis, along))
    return np.array(points), np.array(backs)


def _turn(axis: str, degrees: float) -> DoubleArray:
    return _about(np.array([float(axis == letter) for letter in "xyz"]), degrees)


def _about(axis: DoubleArray, degrees: float) -> DoubleArray:
    """Return the rotation about a unit axis (Rodrigues)."""
    angle = np.radians(degrees)
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
