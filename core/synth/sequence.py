"""Draw scenes that belong together: one head in motion, one person twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from faceplate.core.arrays import DoubleArray
from faceplate.core.synth.acting import sample_expression
from faceplate.core.synth.bones import HandPose
from faceplate.core.synth.expressions import EXPRESSIONS
from faceplate.core.synth.hand import sample_hand
from faceplate.core.synth.sample import Mix, sample_head, sample_moment, sample_view
from faceplate.core.synth.scene import HeadScene, View

_TALK = {"jawOpen": 0.5, "mouthFunnel": 0.35, "mouthLowerDown_L": 0.4, "mouthLowerDown_R": 0.4}
"""How far lips and jaw move in speech."""
_GESTURES_IN_FLIGHT = ("pass", "wave", "point", "peace", "hold")


def sample_pair(seed: int, mix: Mix) -> tuple[HeadScene, HeadScene]:
    """Return two scenes of one person that share nothing else."""
    first = sample_head(seed, mix)
    second = sample_moment(np.random.default_rng([seed, 2]), seed, first.person, mix)
    return first, second


def sample_views(seed: int, mix: Mix, count: int) -> list[HeadScene]:
    """Return scenes of one person in one light, before one background and with the same things on.

    Pose and expression are independent: what a network learns from that is to make of one view
    another, and nothing in the second view is unknown but for what the first hides.
    """
    first = sample_head(seed, mix)
    scenes = []
    for number in range(count):
        rng = np.random.default_rng([seed, 5, number])
        gaze = (round(float(rng.normal() * 9), 2), round(float(rng.normal() * 5), 2))
        other = sample_view(rng, mix)
        view = replace(first.view, yaw=other.yaw, pitch=other.pitch, roll=other.roll)
        expression = sample_expression(rng, gaze)
        scenes.append(replace(first, view=view, expression=expression, gaze=gaze))
    return scenes


def sample_sequence(seed: int, mix: Mix, length: int) -> list[HeadScene]:
    """Return the frames of one head in motion, about 24 a second.

    Person, light, clothes and background stay. The head sways and turns, the face acts, speaks and
    blinks, the eyes jump, and a hand of the first frame's scene passes before the face.
    """
    start = sample_head(seed, mix)
    rng = np.random.default_rng([seed, 3])
    sway = [_wander(rng, length) for _ in range(6)]
    acting = [_wander(rng, length) for _ in range(2)]
    speech = 0.5 + 0.5 * np.sin(
        2 * np.pi * np.arange(length) / rng.uniform(5, 11) + 1.5 * _wander(rng, length)
    )
    speech *= rng.random() < 0.6
    blink, gaze = _blinks(rng, length), _glances(rng, length)
    other = dict(zip(EXPRESSIONS, sample_head(seed + 2**40, mix).expression, strict=True))
    path = _path(rng, start, mix, length)
    frames = []
    for t in range(length):
        share = float(np.clip(0.5 + 0.6 * acting[0][t], 0, 1))
        weights = {}
        for name, value in zip(EXPRESSIONS, start.expression, strict=True):
            value = value * (1 - share) + other[name] * share
            value = max(value, float(speech[t]) * _TALK.get(name, 0.0))
            if name.startswith("eyeBlink"):
                value = max(0.4 * value, float(blink[t]))
            weights[name] = round(float(np.clip(value, 0, 1)), 4)
        view = _moved(start.view, [curve[t] for curve in sway], mix)
        turn = (start.gaze[0] * 0.4 + gaze[t, 0], start.gaze[1] * 0.4 + gaze[t, 1])
        frames.append(
            replace(
                start,
                view=view,
                expression=tuple(weights.values()),
                gaze=(round(float(turn[0]), 2), round(float(turn[1]), 2)),
                hands=path(t),
            )
        )
    return frames


def _wander(rng: np.random.Generator, length: int) -> DoubleArray:
    """Return a smooth random curve, (length,), mostly within -1 to 1."""
    time = np.arange(length)
    total = np.zeros(length)
    for period, size in ((rng.uniform(50, 110), 0.7), (rng.uniform(20, 45), 0.3)):
        total += size * np.sin(2 * np.pi * (time / period + rng.random()))
    return total


def _moved(view: View, sway: list[float], mix: Mix) -> View:
    yaw = float(np.clip(view.yaw + 22 * sway[0], -mix.yaw, mix.yaw))
    return replace(
        view,
        yaw=round(yaw, 2),
        pitch=round(view.pitch + 8 * sway[1], 2),
        roll=round(view.roll + 6 * sway[2], 2),
        height=round(view.height * (1 + 0.06 * sway[5]), 4),
        middle=(
            round(view.middle[0] + 0.05 * sway[3], 4),
            round(view.middle[1] + 0.03 * sway[4], 4),
        ),
    )


def _blinks(rng: np.random.Generator, length: int) -> DoubleArray:
    """Return how far the lids are closed, (length,): a blink lasts seven frames."""
    closed = np.zeros(length + 8)
    frame = int(rng.integers(4, 60))
    while frame < length:
        closed[frame : frame + 7] = (0.3, 0.85, 1.0, 0.95, 0.6, 0.25, 0.08)
        frame += int(rng.integers(30, 110))
    return closed[:length]


def _glances(rng: np.random.Generator, length: int) -> DoubleArray:
    """Return the direction of the eyes, (length, 2) degrees: still, with sudden jumps."""
    gaze = np.zeros((length, 2))
    frame = 0
    while frame < length:
        hold = int(rng.integers(8, 40))
        gaze[frame : frame + hold] = rng.normal(size=2) * [9, 5]
        frame += hold
    return np.clip(gaze, -25, 25)


def _path(
    rng: np.random.Generator, start: HeadScene, mix: Mix, length: int
) -> Callable[[int], tuple[HandPose, ...]]:
    """Return the hands of each frame: one that crosses the view, where the scene has a hand."""
    if not start.hands:
        return lambda frame: ()
    gesture = _GESTURES_IN_FLIGHT[rng.integers(len(_GESTURES_IN_FLIGHT))]
    hand = sample_hand(rng, start.person.skin.tone, gesture)
    side = 1.0 if rng.random() < 0.5 else -1.0
    speed = rng.uniform(0.35, 1.4)
    first = np.array([-side * (16 + 0.5 * speed * length * rng.random()), rng.uniform(-10, 4), 11])
    step = np.array([side * speed, rng.normal() * 0.12, 0.0])
    lift, turn = _wander(rng, length) * 2.0, _wander(rng, length) * 14.0

    def hands(frame: int) -> tuple[HandPose, ...]:
        x, y, z = first + step * frame
        return (
            replace(
                hand,
                target=(round(float(x), 3), round(float(y + lift[frame]), 3), float(z)),
                outward=(0.0, 0.0, 1.0),
                gap=max(hand.gap, 0.4),
                turn=round(hand.turn + float(turn[frame]), 2),
            ),
        )

    return hands
