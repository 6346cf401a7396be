"""The released smoothing against its sums, written out frame by frame."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.analysis.canonical import PARTS
from faceplate.core.analysis.offline import (
    backward_motion,
    smooth_boxes,
    smooth_by_window,
    smooth_landmarks,
    smooth_logits,
    smooth_poses,
)


def at(signal: np.ndarray, t: int) -> np.ndarray:
    """The signal at a time that may lie outside: reflected, the edge not doubled."""
    last = len(signal) - 1
    if last == 0:
        return signal[0]
    t = abs(t) % (2 * last)
    return signal[2 * last - t if t > last else t]


def mean(signal: np.ndarray, t: int, kernel: int) -> np.ndarray:
    reach = kernel // 2
    return np.mean([at(signal, t + k) for k in range(-reach, reach + 1)], axis=0)


def walk(*shape: int, step: float = 0.01, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.cumsum(step * rng.standard_normal(shape), axis=0) + 0.5


@pytest.mark.parametrize("count", [1, 2, 4, 30])
def test_landmarks_follow_the_sums_part_by_part(count: int) -> None:
    points = walk(count, 98, 2)

    found = smooth_landmarks(points)

    steps = np.concatenate([np.zeros((1, 98, 2)), np.diff(points, axis=0)])
    for t in range(count):
        motion = np.linalg.norm(mean(steps, t, 5), axis=1)
        for part in PARTS:
            members = list(part)
            share = min(motion[members].mean() / 0.01, 1)
            wanted = share * points[t] + (1 - share) * mean(points, t, 7)
            np.testing.assert_allclose(found[t, members], wanted[members], atol=1e-12)


@pytest.mark.parametrize("count", [1, 3, 60])
def test_boxes_follow_the_sums(count: int) -> None:
    centre = 400 + 80 * walk(count, 2, step=0.02)
    size = [90.0, 120.0] * (1 + 0.2 * walk(count, 2, seed=1))
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)

    found = smooth_boxes(boxes)

    sizes = np.array([mean(size, t, 51) for t in range(count)])
    relative = centre / sizes[:, 1:]
    steps = np.concatenate([np.zeros((1, 2)), np.diff(relative, axis=0)])
    for t in range(count):
        share = min(np.linalg.norm(mean(steps, t, 25)) / 0.01, 1)
        middle = share * centre[t] + (1 - share) * mean(centre, t, 25)
        wanted = np.concatenate([middle - sizes[t] / 2, middle + sizes[t] / 2])
        np.testing.assert_allclose(found[t], wanted, atol=1e-9)


@pytest.mark.parametrize("smooth", [smooth_poses, smooth_logits])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_poses_and_logits_are_running_means_of_five(smooth, count: int) -> None:  # type: ignore[no-untyped-def]
    signal = walk(count, 3)

    found = smooth(signal)

    np.testing.assert_allclose(found, [mean(signal, t, 5) for t in range(count)], atol=1e-12)


@pytest.mark.parametrize("count", [1, 2, 12])
def test_v1_smooths_under_a_hamming_window(count: int) -> None:
    signal = walk(count, 2)
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(7) / 6)

    found = smooth_by_window(signal)

    for t in range(count):
        parts = [w * at(signal, t + k - 3) for k, w in enumerate(window / window.sum())]
        np.testing.assert_allclose(found[t], np.sum(parts, axis=0), atol=1e-12)


@pytest.mark.parametrize(
    ("smooth", "signal"),
    [
        (smooth_landmarks, np.full((20, 98, 2), 0.4)),
        (smooth_boxes, np.tile([10.0, 20.0, 60.0, 90.0], (20, 1))),
        (smooth_poses, np.full((20, 3), -0.3)),
        (smooth_by_window, np.full((20, 3), -0.3)),
    ],
)
def test_what_is_constant_stays(smooth, signal: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    np.testing.assert_allclose(smooth(signal), signal, atol=1e-9)


def test_jitter_is_no_motion_and_a_leap_passes_raw() -> None:
    jitter = 0.005 * np.array([(-1.0) ** t for t in range(30)])[:, None, None] * np.ones((1, 98, 2))
    leap = np.where(np.arange(30) < 15, 0.0, 0.06)[:, None, None] + np.zeros((1, 98, 2))

    assert np.abs(smooth_landmarks(jitter)[4:-4]).max() < 0.5 * 0.005
    assert np.array_equal(smooth_landmarks(leap)[14:17], leap[14:17])  # a = 1 around the leap


def test_the_first_frame_has_no_step() -> None:
    found = backward_motion(np.arange(12.0).reshape(6, 2), 1)

    assert found.tolist() == pytest.approx([0.0] + [np.sqrt(8)] * 5)
