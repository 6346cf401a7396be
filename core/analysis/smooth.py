"""Smooths faces in time and fills gaps; says what it filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from faceplate.core.analysis.canonical import PARTS, canonical_face
from faceplate.core.analysis.pose import head_pose
from faceplate.core.arrays import AnyArray, DoubleArray
from faceplate.core.face import FaceObservation, HeadPose, Origin

LONGEST_GAP = 12
"""Missing frames that are filled; more is a face that left."""

_CROP_SCALE = 1.2
"""Side of FSGAN's crop over the longer side of the box."""

_FULL_MOTION = 0.01
"""Motion, in face heights or crop widths a frame, from which the raw signal passes."""

_SIZE_KERNEL, _CENTRE_KERNEL, _CENTRE_MOTION_KERNEL = 51, 25, 25
_MESH_KERNEL, _MESH_MOTION_KERNEL = 7, 5
_POSE_KERNEL = 5
_EXPRESSION_KERNEL, _EXPRESSION_MOTION_KERNEL = 5, 3
_FULL_EXPRESSION_MOTION = 0.05
_MEDIAN_KERNEL = 15

_STRAY, _STRAY_EXPRESSION = 0.005, 0.1
"""How far, in crop widths or coefficients, a signal strays from its mean by jitter alone; at twice
that it is taken as it is. Ours: a blink comes and goes within FSGAN's windows, which see no motion
in it and would leave the lids half open."""


def smooth_face(
    seen: Mapping[int, FaceObservation],
    cuts: Sequence[int],
    *,
    smoothing: float,
    pixel_aspect: float,
    pose_of_mesh: bool = True,
) -> dict[int, FaceObservation]:
    """Return one face, filled over short gaps and smoothed within each camera set-up.

    Args:
        seen: frame number to observation.
        cuts: frames that begin a new set-up; nothing is filled or smoothed across them.
        smoothing: scale of the kernels' lengths; 0 leaves what was seen as it is.
        pixel_aspect: width of the plate's pixel divided by its height.
        pose_of_mesh: whether the smoothed mesh gives the pose; else what was seen is smoothed.

    Source:
        FSGANv2's off-line smoothing, `fsgan.md` 3; the filling is ours.
    """
    solved: dict[int, FaceObservation] = {}
    for run in _runs(seen, cuts):
        filled = _fill(run)
        smooth = _smooth_run(filled, smoothing, pixel_aspect, pose_of_mesh=pose_of_mesh)
        solved.update({o.number: o for o in smooth})
    return solved


def _runs(seen: Mapping[int, FaceObservation], cuts: Sequence[int]) -> list[list[FaceObservation]]:
    """Split a face at cuts and at gaps that are too long to fill."""
    runs: list[list[FaceObservation]] = []
    for number in sorted(seen):
        last = runs[-1][-1].number if runs else None
        if (
            last is None
            or number - last - 1 > LONGEST_GAP
            or any(last < cut <= number for cut in cuts)
        ):
            runs.append([])
        runs[-1].append(seen[number])
    return runs


def _fill(run: Sequence[FaceObservation]) -> list[FaceObservation]:
    """Return a run without gaps; filled faces lie between their neighbours, marked so."""
    filled = [run[0]]
    for after in run[1:]:
        before = filled[-1]
        for number in range(before.number + 1, after.number):
            filled.append(_between(before, after, number))
        filled.append(after)
    return filled


def _between(before: FaceObservation, after: FaceObservation, number: int) -> FaceObservation:
    t = (number - before.number) / (after.number - before.number)

    def mix(a: AnyArray, b: AnyArray) -> AnyArray:
        return (np.float64(1 - t) * a + np.float64(t) * b).astype(np.float32)

    def number_mix(a: float, b: float) -> float:
        return (1 - t) * a + t * b

    away = min(number - before.number, after.number - number)
    return FaceObservation(
        number=number,
        box=_box_of(mix(np.array(before.box), np.array(after.box))),
        mesh=mix(before.mesh, after.mesh),
        pose=HeadPose(
            number_mix(before.pose.yaw, after.pose.yaw),
            number_mix(before.pose.pitch, after.pose.pitch),
            number_mix(before.pose.roll, after.pose.roll),
        ),
        expression=mix(before.expression, after.expression),
        embedding=mix(before.embedding, after.embedding),
        skin=mix(before.skin, after.skin),
        noise=mix(before.noise, after.noise),
        sharpness=number_mix(before.sharpness, after.sharpness),
        confidence=number_mix(before.confidence, after.confidence) * (1 - 0.1 * away),
        origin=Origin.FILLED,
    )


def _box_of(values: AnyArray) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(v) for v in values)
    return x0, y0, x1, y1


def _smooth_run(
    run: Sequence[FaceObservation], smoothing: float, pixel_aspect: float, *, pose_of_mesh: bool
) -> list[FaceObservation]:
    if smoothing == 0:
        return list(run)

    def length(kernel: int) -> int:
        return 2 * round(kernel // 2 * smoothing) + 1

    boxes = np.array([o.box for o in run], np.float64)
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    smooth_size = box_filter(size, length(_SIZE_KERNEL))
    aspect = np.array([pixel_aspect, 1.0])
    weight = motion_weight(
        centre * aspect / smooth_size[:, 1:], _CENTRE_MOTION_KERNEL, _FULL_MOTION
    )
    smooth_centre = steady(centre, length(_CENTRE_KERNEL), weight[:, None])
    side = (smooth_size * aspect).max(axis=1) * _CROP_SCALE
    mesh = _smooth_mesh(run, smooth_centre, side, aspect, length(_MESH_KERNEL))
    square = mesh * np.array([pixel_aspect, 1.0, 1.0])
    heads = [head_pose(face) for face in square] if pose_of_mesh else [o.pose for o in run]
    poses = np.array([_angles(head) for head in heads])
    poses = box_filter(np.unwrap(poses, period=360, axis=0), length(_POSE_KERNEL))
    expression = np.array([o.expression for o in run], np.float64)
    change = np.stack(
        [
            motion_weight(curve[:, None], _EXPRESSION_MOTION_KERNEL, _FULL_EXPRESSION_MOTION)
            for curve in expression.T
        ],
        axis=1,
    )
    reach = length(_EXPRESSION_KERNEL)
    stray = stray_weight(np.abs(expression - box_filter(expression, reach)), _STRAY_EXPRESSION)
    expression = steady(expression, reach, np.maximum(change, stray))
    reach = length(_MEDIAN_KERNEL)
    skin = running_median(np.array([o.skin for o in run], np.float64), reach)
    noise = running_median(np.array([o.noise for o in run], np.float64), reach)
    sharpness = running_median(np.array([[o.sharpness] for o in run]), length(5))
    half = smooth_size / 2
    smooth_boxes = np.concatenate([smooth_centre - half, smooth_centre + half], axis=1)
    return [
        replace(
            face,
            box=_box_of(smooth_boxes[t]),
            mesh=mesh[t].astype(np.float32),
            pose=HeadPose(*(float((angle + 180) % 360 - 180) for angle in poses[t])),
            expression=expression[t].astype(np.float32),
            skin=skin[t].astype(np.float32),
            noise=noise[t].astype(np.float32),
            sharpness=float(sharpness[t, 0]),
        )
        for t, face in enumerate(run)
    ]


def _smooth_mesh(
    run: Sequence[FaceObservation],
    centre: DoubleArray,
    side: DoubleArray,
    aspect: DoubleArray,
    kernel: int,
) -> DoubleArray:
    """Smooth meshes in the smoothed crop, each part by its own motion: `fsgan.md` 3.3."""
    scale = side[:, None, None] / np.array([*aspect, 1.0])
    origin = np.pad(centre, ((0, 0), (0, 1)))[:, None]
    local = (np.array([o.mesh for o in run], np.float64) - origin) / scale
    weight = np.empty(local.shape[:2])
    stray = np.linalg.norm((local - box_filter(local, kernel))[..., :2], axis=-1)
    motion = motion_of_points(local[..., :2], _MESH_MOTION_KERNEL)
    part = canonical_face().part
    for number in range(len(PARTS)):
        members = part == number
        moving = np.minimum(motion[:, :, members] / _FULL_MOTION, 1).mean(axis=(0, 2))
        straying = stray_weight(np.sqrt((stray[:, members] ** 2).mean(axis=1)), _STRAY)
        weight[:, members] = np.maximum(moving, straying)[:, None]
    return steady(local, kernel, weight[..., None]) * scale + origin


def _angles(pose: HeadPose) -> tuple[float, float, float]:
    return pose.yaw, pose.pitch, pose.roll


def box_filter(signal: DoubleArray, kernel: int) -> DoubleArray:
    """Return the running mean over the first axis, reflected at both ends (edges not doubled).

    Args:
        signal: (T, ...) float64.
        kernel: odd length; longer than the signal is allowed.
    """
    padded = _reflected(signal, kernel // 2)
    total = np.zeros_like(signal)
    for shift in range(kernel):
        total += padded[shift : shift + len(signal)]
    return total / kernel


def _reflected(signal: DoubleArray, reach: int) -> DoubleArray:
    if reach == 0:
        return signal
    if len(signal) == 1:
        return np.repeat(signal, 2 * reach + 1, axis=0)
    pad = [(reach, reach)] + [(0, 0)] * (signal.ndim - 1)
    return np.pad(signal, pad, mode="reflect")


def motion_weight(points: DoubleArray, kernel: int, full: float) -> DoubleArray:
    """Return (T,) weights of the raw signal, 0 for rest and 1 for motion of ``full`` or more.

    Args:
        points: (T, D) in the unit of ``full``.
        kernel: odd length over which displacements are averaged, so that jitter is no motion.
    """
    motion = motion_of_points(points[:, None], kernel)[..., 0]
    return np.asarray(np.minimum(motion / full, 1).mean(axis=0))


def motion_of_points(points: DoubleArray, kernel: int) -> DoubleArray:
    """Return the motion of (T, N, D) points as (2, T, N): seen forwards and backwards in time.

    FSGANv2 looks back only; a shot played backwards would be smoothed otherwise. The mean of
    both weights removes that half frame of bias.
    """
    step = np.diff(points, axis=0)
    none = np.zeros_like(points[:1])
    both = (np.concatenate([none, step]), np.concatenate([step, none]))
    return np.stack([np.linalg.norm(box_filter(d, kernel), axis=-1) for d in both])


def stray_weight(distance: DoubleArray, limit: float) -> DoubleArray:
    """Return the weight of a raw signal by its distance from its mean: 0 up to the limit."""
    return np.clip(distance / limit - 1, 0, 1)


def steady(signal: DoubleArray, kernel: int, weight: DoubleArray) -> DoubleArray:
    """Return the running mean of a (T, ...) signal where it rests, itself where it moves."""
    return weight * signal + (1 - weight) * box_filter(signal, kernel)


def running_median(signal: DoubleArray, kernel: int) -> DoubleArray:
    """Return the running median over the first axis of a (T, D) signal."""
    padded = _reflected(signal, kernel // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=0)
    return np.asarray(np.median(windows, axis=-1))
