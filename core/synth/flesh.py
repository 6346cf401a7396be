"""The skin of a hand with nails and creases, and the sleeve over its arm."""

from __future__ import annotations

import numpy as np
from numba import njit

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray, IntArray, smoothstep
from faceplate.core.synth.bones import HandPose, Skeleton
from faceplate.core.synth.shapes import unit
from faceplate.core.synth.solid import OCCLUDER, Solid
from faceplate.core.synth.surface import Body, cone

BARE = 20.0
"""A sleeve that begins further up, cm above the wrist, is none."""

_CELL = 0.34
"""Grid of the hand's mesh, cm; a finger is 1.6 cm thick."""

# Half thickness at each joint, cm; a finger's from the knuckle to the tip.
_RADII = np.array(
    [
        [1.04, 0.93, 0.82, 0.64],
        [1.06, 0.95, 0.83, 0.66],
        [1.02, 0.9, 0.78, 0.62],
        [0.9, 0.78, 0.68, 0.55],
    ]
)
_THUMB_RADII = np.array([1.5, 1.15, 1.06, 0.8])


def make_skin(pose: HandPose, bones: Skeleton) -> Solid:
    """Return the skin of a right hand and its arm, in the hand's own frame."""
    size = pose.size
    palm = _palm(bones, size)
    limbs = [
        [
            cone(points[bone], points[bone + 1], radii[bone] * size, radii[bone + 1] * size)
            for bone in range(3)
        ]
        for points, radii in zip(
            [*bones.fingers, bones.thumb], [*_RADII, _THUMB_RADII], strict=True
        )
    ]
    body = Body([*palm, *(row for limb in limbs for row in limb)], _CELL * size)
    body.add(palm, 1.3 * size)
    for limb in limbs[:4]:
        body.grow(limb, 0.25, 0.8 * size, 2.2 * size)
    body.grow(limbs[4], 0.3, 1.4 * size, 5.0 * size)
    vertices, triangles = body.mesh()
    normals = body.normals(vertices)
    albedo = _paint(pose, bones, body, vertices, normals)
    return Solid(vertices, triangles, albedo, 0.35, OCCLUDER)


def _palm(bones: Skeleton, size: float) -> list[FloatArray]:
    rows = []
    for finger in range(4):
        knuckle = bones.fingers[finger, 0]
        root = np.array([knuckle[0] * 0.55, 1.6 * size, 0.0])
        rows.append(cone(root, knuckle, 1.2 * size, _RADII[finger, 0] * 1.02 * size))
    heel = np.array([[-2.3, 1.9, 0.5], [-2.5, 6.3, 0.2]]) * size
    rows.append(cone(heel[0], heel[1], 1.25 * size, 0.9 * size))
    along = bones.elbow / np.linalg.norm(bones.elbow)
    across = unit(np.array([1.0, 0, 0]) - along * along[0])
    for side in (-1.0, 1.0):
        wrist = across * side * size
        rows.append(cone([wrist[0] * 1.5, 2.2 * size, 0], wrist, 1.3 * size, 1.42 * size))
        middle = along * 11 * size + across * side * 1.25 * size
        rows.append(cone(wrist, middle, 1.42 * size, 2.6 * size))
        rows.append(cone(middle, bones.elbow + across * side * size, 2.6 * size, 3.1 * size))
    return rows


def _paint(
    pose: HandPose, bones: Skeleton, body: Body, vertices: FloatArray, normals: FloatArray
) -> FloatArray:
    rng = np.random.default_rng(pose.detail)
    size = pose.size
    tone = np.array(pose.tone, np.float32)
    # The inner side carries little melanin, whatever the tone.
    pale = np.maximum(tone, np.array([0.50, 0.29, 0.21])) * [1.0, 0.92, 0.92]
    inner = (tone * 0.45 + 0.55 * pale).astype(np.float32)
    palmar = _palmar(bones, vertices, normals, size)[:, None]
    color = tone * (1 - palmar) + inner * palmar

    joints = np.concatenate([bones.fingers[:, :3].reshape(-1, 3), bones.thumb[1:3]])
    backs = np.concatenate([bones.backs.reshape(-1, 3), bones.thumb_backs[1:]])
    near = np.exp(-_squares(vertices, joints) / np.float32(2 * (0.75 * size) ** 2))
    knuckle = near * np.clip(normals @ backs.astype(np.float32).T, 0, 1)
    tips = np.concatenate([bones.fingers[:, 3], bones.thumb[3:]])
    blush = np.exp(-_squares(vertices, tips) / np.float32(2 * (0.9 * size) ** 2)).max(1)
    color[:, 0] *= np.prod(1 - 0.12 * knuckle, 1)
    color[:, 1:] *= (np.prod(1 - 0.3 * knuckle, 1) * (1 - 0.14 * blush))[:, None]

    spots = (rng.normal(size=(6, 3)) * 1.3).astype(np.float32)
    phase = rng.uniform(0, 6, 6).astype(np.float32)
    mottle = np.sin(vertices @ spots.T + phase).mean(1)
    color *= 1 + 0.12 * mottle[:, None] * np.array([0.6, 1.0, 1.0], np.float32)
    shade = 0.45 + 0.55 * body.openness(vertices, normals)
    color *= np.stack([shade**0.75, shade, shade], 1)

    ends = [*bones.fingers[:, 2:], bones.thumb[2:]]
    for (start, tip), back in zip(ends, [*bones.backs[:, 2], bones.thumb_backs[2]], strict=True):
        close = np.flatnonzero(_squares(vertices, tip[None])[:, 0] < (1.6 * size) ** 2)
        nail = _nail(vertices[close], normals[close], start, tip, back, size)[:, None]
        color[close] = color[close] * (1 - nail) + np.array(pose.nail, np.float32) * nail
    return np.clip(color, 0.004, 0.95).astype(np.float32)


def _palmar(bones: Skeleton, vertices: FloatArray, normals: FloatArray, size: float) -> FloatArray:
    """Return how much each point is on the inner side of the hand, (V,) 0 to 1."""
    facing = normals[:, 2].copy()
    chains = np.ascontiguousarray(bones.fingers, np.float32)
    bone = _bone_at(vertices, chains, np.float32(1.3 * size))
    on = bone >= 0
    backs = bones.backs.reshape(-1, 3).astype(np.float32)
    facing[on] = -(normals[on] * backs[bone[on]]).sum(1)
    arm = 0.25 + 0.75 * smoothstep(-4.0 * size, 1.5 * size, vertices[:, 1])
    return (np.clip(1.2 * facing, 0, 1) * arm).astype(np.float32)


def _squares(points: FloatArray, centers: AnyArray) -> FloatArray:
    """Return the squared distances of (N, 3) points to (M, 3) centers, (N, M)."""
    centers = centers.astype(np.float32)
    square = (points**2).sum(1)[:, None] + (centers**2).sum(1) - 2 * (points @ centers.T)
    return np.maximum(square, 0)


@njit(cache=True)
def _bone_at(points, chains, radius):  # type: ignore[no-untyped-def]
    """Return the nearest bone (finger times 3 plus bone) closer than ``radius``, or -1."""
    found = np.full(points.shape[0], -1, np.int32)
    for n in range(points.shape[0]):
        best = radius * radius
        for finger in range(4):
            for bone in range(3):
                a, b = chains[finger, bone], chains[finger, bone + 1]
                along, length = 0.0, 0.0
                for k in range(3):
                    along += (points[n, k] - a[k]) * (b[k] - a[k])
                    length += (b[k] - a[k]) ** 2
                t = min(max(along / length, 0.0), 1.0)
                away = 0.0
                for k in range(3):
                    away += (points[n, k] - a[k] - t * (b[k] - a[k])) ** 2
                if away < best:
                    best = away
                    found[n] = finger * 3 + bone
    return found


def _nail(
    points: FloatArray,
    normals: FloatArray,
    start: DoubleArray,
    tip: DoubleArray,
    back: DoubleArray,
    size: float,
) -> AnyArray:
    along = unit(tip - start)
    middle = tip + 0.12 * size * along + 0.42 * size * back
    offset = (points - middle) / size
    x = offset @ np.cross(along, back) / 0.52
    y = offset @ along / 0.72
    inside = np.clip((1.25 - np.sqrt(x**2 + y**2)) / 0.3, 0, 1)
    return inside * np.clip((normals @ back - 0.25) * 4, 0, 1)


def make_sleeve(pose: HandPose, bones: Skeleton) -> Solid:
    """Return the sleeve over a right hand's arm, in the hand's own frame."""
    rng = np.random.default_rng(pose.detail + 1)
    size = pose.size
    along = unit(bones.elbow)
    across = unit(np.array([1.0, 0, 0]) - along * along[0])
    loose = _looseness(pose)
    begin = pose.sleeve + 1.5
    stations = [begin, max(11.0, begin + 1), 26.0]
    radii = np.interp(stations, [0, 11, 26], [1.42, 2.6, 3.1]) + loose
    rows = []
    for side in (-1.15, 1.15):
        ends = [(along * station + across * side) * size for station in stations]
        for n in range(2):
            rows.append(cone(ends[n], ends[n + 1], radii[n] * size, radii[n + 1] * size))
    body = Body(rows, 0.6 * size)
    body.add(rows, 0.8)
    vertices, triangles = body.mesh()
    shade, vertices = _folded(rng, body, vertices)
    if rng.random() < 0.3:
        stripe = np.sin(vertices @ along * rng.uniform(1.5, 5)) > 0
        shade = shade * np.where(stripe, 1, rng.uniform(0.3, 2))
    cuff = vertices @ along < (begin - radii[0] + 0.9) * size
    return _cloth(pose, vertices, triangles, np.where(cuff, shade * 0.8, shade))


def make_upper_arm(pose: HandPose, elbow: DoubleArray, shoulder: DoubleArray) -> Solid:
    """Return what joins a forearm to its shoulder, between two points of any frame."""
    rng = np.random.default_rng(pose.detail + 2)
    sleeved = pose.sleeve < BARE
    radius = 3.1 + (_looseness(pose) if sleeved else 0.0)
    row = cone(elbow, shoulder, radius * pose.size, (radius + 1.0) * pose.size)
    body = Body([row], 0.9 * pose.size)
    body.add([row], 0.5)
    vertices, triangles = body.mesh()
    if sleeved:
        shade, vertices = _folded(rng, body, vertices)
        return _cloth(pose, vertices, triangles, shade)
    albedo = np.repeat(np.array([pose.tone], np.float32), len(vertices), 0)
    return Solid(vertices, triangles, albedo, 0.35, OCCLUDER)


def _looseness(pose: HandPose) -> float:
    """Return by how much a sleeve is wider than the arm, cm."""
    return float(np.random.default_rng(pose.detail + 1).uniform(0.35, 1.2))


def _folded(
    rng: np.random.Generator, body: Body, vertices: FloatArray
) -> tuple[AnyArray, FloatArray]:
    """Return the shade of cloth in its folds, (V,), and its vertices moved by them."""
    normals = body.normals(vertices)
    fold = rng.normal(size=(5, 3)) * [0.9, 0.5, 0.9]
    wave = np.sin(vertices @ fold.T + rng.uniform(0, 6, 5)).mean(1)
    vertices = vertices + normals * (wave * 0.25).astype(np.float32)[:, None]
    return 1 + 0.35 * wave, vertices


def _cloth(pose: HandPose, vertices: FloatArray, triangles: IntArray, shade: AnyArray) -> Solid:
    albedo = np.clip(np.array(pose.cloth) * shade[:, None], 0.003, 0.9)
    return Solid(vertices, triangles, albedo.astype(np.float32), 0.05, OCCLUDER)
