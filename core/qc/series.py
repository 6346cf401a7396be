"""Measures that go by how frames follow each other: drift, jitter, lag, and what stands for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

import numpy as np

from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.face import FaceObservation
from faceplate.core.selection import GAZE, NEUTRAL
from faceplate.core.track import FaceTrack

DRIFT_FRAMES = 9
"""Frames whose median counts as the identity at one time."""
_SECOND = np.sqrt(6.0)
"""What a second difference makes of white noise: 1, -2, 1 squared and summed, and the root."""
_REACH = 4
"""Frames by which a comp may trail its plate, or be ahead."""
_FEWEST = 12
_LEAST_ALIKE = 0.5
"""Correlation below which two movements are not the same, and no lag is told."""
_STILL_DEGREES, _STILL_COEFFICIENT = 2.0, 0.08
"""Ranges below which an angle, or a coefficient, is taken as not moving."""


def high(values: Mapping[int, float]) -> float | None:
    """Return the value that one frame in twenty is above (the 95th percentile), or None."""
    return float(np.quantile(list(values.values()), 0.95)) if values else None


def middle(values: Mapping[int, float]) -> float | None:
    """Return the median of all frames, or None."""
    return float(np.median(list(values.values()))) if values else None


def root_mean_square(values: Mapping[int, float]) -> float | None:
    """Return the root of the mean square over the frames, or None."""
    return float(np.sqrt(np.mean(np.square(list(values.values()))))) if values else None


def drift(values: Mapping[int, float]) -> tuple[float | None, dict[int, float]]:
    """Return how far a value wanders over a shot, and what it is at each time.

    The running median over nine frames, and the distance of its highest from its lowest: one bad
    frame is no drift. In the unit of the value; None for a shot of less than nine frames.
    """
    numbers = sorted(values)
    if len(numbers) < DRIFT_FRAMES:
        return None, {}
    known = np.array([values[n] for n in numbers])
    windows = np.lib.stride_tricks.sliding_window_view(known, DRIFT_FRAMES)
    medians = np.median(windows, axis=1)
    half = DRIFT_FRAMES // 2
    running = {n: float(v) for n, v in zip(numbers[half:], medians, strict=False)}
    return float(np.ptp(medians)), running


def jitter(
    comp: Mapping[int, DoubleArray], plate: Mapping[int, DoubleArray], track: FaceTrack
) -> dict[int, float]:
    """Return how much more the face's points tremble than the plate's, frame by frame.

    With d(t) the way from the plate's points to the comp's, |d(t-1) - 2 d(t) + d(t+1)| over the
    root of 12: for points that are thrown about at random, frame by frame, the root mean square
    is the standard deviation of that along x or y. A movement that both share, and a shape that
    differs steadily, count nothing.

    Args:
        comp: frame to (N, 2) points, square pixels.
        plate: likewise, in the same order.
        track: says where new set-ups begin.

    Returns:
        Frame to the root mean square over the points, in square pixels.
    """
    found = {}
    for number in _middles(comp.keys() & plate.keys(), track):
        before, now, after = (comp[n] - plate[n] for n in (number - 1, number, number + 1))
        bend = (before - 2 * now + after) / _SECOND
        found[number] = float(np.sqrt(np.square(bend).mean()))
    return found


def lag(
    comp: Mapping[int, FaceObservation], plate: Mapping[int, FaceObservation], track: FaceTrack
) -> float | None:
    """Return by how many frames the comp's performance trails the plate's; below 0 it is ahead.

    Where the correlation of the two movements, from -4 to 4 frames apart, is highest: of what
    head pose and expression coefficients change over two frames, each in units of its own
    deviation in the plate. A parabola through the three highest tells fractions. None where too
    little moves, where the movements are not alike, or in less than twelve frames.
    """
    signals = [{n: _performance(o) for n, o in faces.items()} for faces in (comp, plate)]
    shared = sorted(comp.keys() & plate.keys())
    if len(shared) < _FEWEST:
        return None
    known = np.array([signals[1][n] for n in shared])
    floors = np.r_[np.full(3, _STILL_DEGREES), np.full(known.shape[1] - 3, _STILL_COEFFICIENT)]
    moving = np.ptp(np.quantile(known, (0.05, 0.95), axis=0), axis=0) > floors
    if not moving.any():
        return None
    scale = known[:, moving].std(axis=0)
    late, early = (
        {n: (signal[n + 1] - signal[n - 1])[moving] / scale for n in _middles(signal.keys(), track)}
        for signal in signals
    )
    alike = np.array([_correlation(late, early, step) for step in range(-_REACH, _REACH + 1)])
    best = int(np.argmax(alike))
    if alike[best] < _LEAST_ALIKE:
        return None
    offset = 0.0
    if 0 < best < len(alike) - 1:
        before, top, after = alike[best - 1 : best + 2]
        offset = 0.5 * (before - after) / (before - 2 * top + after)
    return float(best - _REACH + offset)


def _performance(face: FaceObservation) -> DoubleArray:
    """Return pose and expression as one vector: three angles, then coefficients without gaze."""
    pose = [face.pose.yaw, face.pose.pitch, face.pose.roll]
    return np.r_[pose, np.delete(face.expression.astype(np.float64), [NEUTRAL, *GAZE])]


def _correlation(
    late: Mapping[int, DoubleArray], early: Mapping[int, DoubleArray], step: int
) -> float:
    """Return how alike two movements are, -1 to 1, when the first is taken ``step`` later."""
    pairs = [(late[n + step], early[n]) for n in early if n + step in late]
    if len(pairs) < _FEWEST - 2 * _REACH:
        return -1.0
    a, b = (np.array(part).ravel() for part in zip(*pairs, strict=True))
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 else -1.0


def flicker(before: FloatArray, now: FloatArray, after: FloatArray) -> float | None:
    """Return how much the light of three frames changes its change, in stops.

    The median of |r(t-1) - 2 r(t) + r(t+1)| over the places that are known in all three, divided
    by the root of 6: for a gain that is drawn anew for every frame, the root mean square over the
    frames is its standard deviation. What brightens at a steady rate counts nothing, nor does what
    the plate does itself; a mouth that opens moves few places, and not the median.

    Args:
        before, now, after: `light_ratio` of three frames.
    """
    bend = before - 2 * now + after
    known = np.abs(bend[np.isfinite(bend)])
    return float(np.median(known) / _SECOND) if known.size else None


def _middles(numbers: AbstractSet[int], track: FaceTrack) -> Iterator[int]:
    """Yield the frames whose neighbours are there, in the same set-up."""
    for number in sorted(numbers):
        if {number - 1, number + 1} <= set(numbers) and not track.is_cut_between(
            number - 1, number + 1
        ):
            yield number
