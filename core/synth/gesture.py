"""What hands do near a face: the angles of their joints and where they touch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gesture:
    """One habit of hands, before chance varies it; degrees and cm as in ``HandPose``.

    Attributes:
        weight: how often it is drawn.
        fingers: index to little: bend at knuckle, middle and end joint.
        thumb: opposition, then bend at its three joints.
        targets: points of the head for a left hand (a right one mirrors x).
        contact: which part of the hand lies at the target.
        facing: what looks at the head.
        turn: of the fingers, away from the hand's own side (0 up, 90 across the face).
        turn_loose: its standard deviation.
        spread: of the fingers.
        tilt: fingertips away from the head.
        wrist: bend of the wrist.
        loose: standard deviation of the joints.
        far: the hand hangs in the air at up to this distance, 0 touches.
        held: props, one of which is in the hand.
        twin: whether both hands do it.
    """

    weight: float
    fingers: tuple[tuple[float, float, float], ...]
    thumb: tuple[float, float, float, float]
    targets: tuple[tuple[float, float, float], ...]
    contact: str = "palm"
    facing: str = "palm"
    turn: float = 20.0
    turn_loose: float = 18.0
    spread: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    tilt: float = 0.0
    wrist: float = 0.0
    loose: float = 6.0
    far: float = 0.0
    held: tuple[str, ...] = ()
    twin: bool = False


_STRAIGHT = (8.0, 10.0, 6.0)
_SOFT = (18.0, 22.0, 12.0)
_CLOSED = (84.0, 104.0, 72.0)
_ROUND = (38.0, 45.0, 28.0)
_FLAT = (_STRAIGHT,) * 4
_FIST = (_CLOSED,) * 4
_MOUTH, _CHEEK, _EYE = (0.5, -4.0, 11.5), (5.0, -1.0, 9.0), (3.2, 3.0, 10.0)
_BROW, _HAIR, _CHIN, _NOSE = (2.5, 7.5, 10.0), (5.5, 11.0, 5.0), (1.0, -8.5, 10.0), (0.5, 0.5, 12.5)

GESTURES: dict[str, Gesture] = {
    "cover": Gesture(
        1.4,
        _FLAT,
        (0.25, 0, 8, 5),
        (_MOUTH, _CHEEK, _EYE, _NOSE),
        "fingers",
        turn=45,
        turn_loose=35,
    ),
    "cup": Gesture(
        1.2, (_SOFT,) * 4, (0.5, 5, 15, 12), (_MOUTH, _CHEEK, _CHIN), "fingers", turn=35, wrist=-15
    ),
    "fist": Gesture(
        1.2,
        _FIST,
        (0.85, 10, 35, 40),
        (_CHIN, _CHEEK, _MOUTH),
        "knuckles",
        "back",
        turn=15,
        tilt=10,
    ),
    "point": Gesture(
        0.9,
        ((6.0, 6.0, 4.0), _CLOSED, _CLOSED, _CLOSED),
        (0.85, 10, 30, 35),
        (_MOUTH, _CHEEK, _NOSE, _EYE, _BROW),
        "index",
        turn=35,
        turn_loose=30,
        tilt=-15,
    ),
    "think": Gesture(
        1.2,
        ((25.0, 25.0, 15.0), (60.0, 75.0, 40.0), (70.0, 85.0, 50.0), (72.0, 85.0, 50.0)),
        (0.2, -5, 5, 5),
        (_CHIN, _CHEEK, _MOUTH),
        "fingers",
        turn=35,
        wrist=-10,
    ),
    "hide": Gesture(
        0.9, _FLAT, (0.3, 0, 10, 5), (_EYE, (3.2, 0.0, 10.5)), "fingers", turn=12, twin=True
    ),
    "peace": Gesture(
        0.7,
        (_STRAIGHT, _STRAIGHT, _CLOSED, _CLOSED),
        (0.95, 15, 40, 40),
        (_CHEEK, _EYE, _MOUTH),
        "palm",
        "back",
        spread=(-12, 10, 0, 0),
        far=8,
        turn_loose=25,
    ),
    "forehead": Gesture(
        1.0, (_SOFT,) * 4, (0.2, 0, 10, 5), (_BROW, _HAIR), "fingers", turn=40, turn_loose=30
    ),
    "rub": Gesture(
        0.8, (_ROUND,) * 4, (0.7, 5, 20, 20), (_EYE, _NOSE, _CHEEK), "tips", turn=30, turn_loose=30
    ),
    "pass": Gesture(
        1.6,
        (_SOFT,) * 4,
        (0.35, 0, 12, 10),
        (_MOUTH, _CHEEK, _EYE, _BROW, _CHIN, _NOSE),
        turn=40,
        turn_loose=60,
        spread=(-6, -2, 3, 8),
        tilt=0,
        loose=12,
        far=18,
    ),
    "wave": Gesture(
        0.8,
        _FLAT,
        (0.1, -5, 5, 0),
        (_CHEEK, _MOUTH, _EYE),
        "palm",
        "back",
        spread=(-9, -3, 4, 11),
        far=14,
        turn_loose=30,
    ),
    "edge": Gesture(
        0.6, _FLAT, (0.3, 0, 10, 5), (_MOUTH, _CHEEK, _NOSE), "palm", "edge", turn_loose=25, far=6
    ),
    "hold": Gesture(
        1.6,
        ((42.0, 48.0, 25.0), (45.0, 50.0, 26.0), (48.0, 52.0, 28.0), (52.0, 54.0, 30.0)),
        (0.9, 5, 18, 22),
        (_MOUTH, _CHIN, _CHEEK),
        "tips",
        turn=55,
        turn_loose=20,
        loose=3,
        held=("cup", "phone", "microphone", "bottle", "can", "apple"),
    ),
    "smoke": Gesture(
        0.5,
        ((20.0, 20.0, 10.0), (22.0, 22.0, 12.0), (45.0, 55.0, 30.0), (55.0, 60.0, 35.0)),
        (0.6, 5, 20, 20),
        (_MOUTH, _CHEEK),
        "tips",
        turn=40,
        loose=4,
        held=("cigarette", "pen", "fork"),
    ),
}
"""The gestures by name."""
