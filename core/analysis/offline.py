"""The released FSGANv2 code's offline smoothing, to the letter, for its own boxes and 98 landmarks.

Faceplate's solve smooths its mesh in `smooth`, which looks both ways in time and keeps blinks.

Source: the released FSGAN and FSGANv2 code, `fsgan.md` 3.
"""

from __future__ import annotations

import numpy as np

from faceplate.core.analysis.canonical import PARTS
from faceplate.core.analysis.smooth import box_filter, steady
from faceplate.core.arrays import AnyArray, DoubleArray

_FULL_MOTION = 0.01
"""Motion a frame, in face heights or crop widths, from which the raw signal passes."""

_SIZE_KERNEL, _CENTRE_KERNEL, _CENTRE_MOTION_KERNEL = 51, 25, 25
_LANDMARK_KERNEL, _LANDMARK_MOTION_KERNEL = 7, 5
_POSE_KERNEL = 5
_LOGIT_KERNEL = 5
_WINDOW = 7


def backward_motion(points: AnyArray, kernel: int) -> DoubleArray:
    """Return the motion (T, ...) of (T, ..., D) points: the length of their mean step so far.

    Steps look back; the first is 0. They are averaged as vectors, so that jitter is no motion.
    """
    steps = np.zeros(np.shape(points))
    steps[1:] = np.diff(np.asarray(points, np.float64), axis=0)
    return np.asarray(np.linalg.norm(box_filter(steps, kernel), axis=-1))


def smooth_boxes(boxes: AnyArray) -> DoubleArray:
    """Return boxes (T, 4) as x0, y0, x1, y1 in pixels, their sizes and centres smoothed apart."""
    corners = np.asarray(boxes, np.float64)
    size = box_filter(corners[:, 2:] - corners[:, :2], _SIZE_KERNEL)
    centre = (corners[:, :2] + corners[:, 2:]) / 2
    motion = backward_motion(centre / size[:, 1:], _CENTRE_MOTION_KERNEL)
    centre = steady(centre, _CENTRE_KERNEL, _weight(motion)[:, None])
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1)


def smooth_landmarks(points: AnyArray) -> DoubleArray:
    """Return WFLW points (T, 98, 2), 0 to 1 of their crops, smoothed.

    Each part has one weight, from the mean of its points' motions.
    """
    signal = np.asarray(points, np.float64)
    motion = backward_motion(signal, _LANDMARK_MOTION_KERNEL)
    weight = np.empty_like(motion)
    for part in PARTS:
        weight[:, part] = _weight(motion[:, part].mean(axis=1))[:, None]
    return steady(signal, _LANDMARK_KERNEL, weight[..., None])


def smooth_poses(angles: AnyArray) -> DoubleArray:
    """Return angles (T, 3) as running means."""
    return box_filter(np.asarray(angles, np.float64), _POSE_KERNEL)


def smooth_logits(logits: AnyArray) -> DoubleArray:
    """Return a segmenter's logits (T, ...) as running means, before the best is taken."""
    return box_filter(np.asarray(logits, np.float64), _LOGIT_KERNEL)


def smooth_by_window(signal: AnyArray) -> DoubleArray:
    """Return a (T, ...) signal under a Hamming window of 7 frames, as v1 smooths everything."""
    values = np.asarray(signal, np.float64)
    if len(values) == 1:
        return values
    window = np.hamming(_WINDOW)
    reach = _WINDOW // 2
    padded = np.pad(values, [(reach, reach)] + [(0, 0)] * (values.ndim - 1), mode="reflect")
    shifted = [padded[k : k + len(values)] * w for k, w in enumerate(window / window.sum())]
    return np.asarray(np.sum(shifted, axis=0))


def _weight(motion: DoubleArray) -> DoubleArray:
    return np.minimum(motion / _FULL_MOTION, 1)
