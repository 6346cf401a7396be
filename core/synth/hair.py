"""Grow scalp hair as strands."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray, smoothstep
from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.scene import Hair
from faceplate.core.synth.skull import SKULL_CENTER

center_x, center_y, center_z = SKULL_CENTER


@dataclass(frozen=True, slots=True, eq=False)
class Strands:
    """Strands of one kind.

    Attributes:
        points: (N, K, 3) float32, root to tip, cm.
        color: (N, 3) float32 reflectance.
        width: (N,) float32, cm.
        thickness: (N, K) float32; how much hair lies above, 0 to 1.
        gloss: strength of the highlights.
    """

    points: FloatArray
    color: FloatArray
    width: FloatArray
    thickness: FloatArray
    gloss: float = 0.3


@numba.njit(nogil=True, cache=True, fastmath=False)
def _radius(table, x, y, z):  # type: ignore[no-untyped-def]
    length = np.sqrt(x * x + y * y + z * z) + 1e-9
    rows, columns = table.shape
    v = np.arccos(min(max(y / length, -1.0), 1.0)) / np.pi * rows - 0.5
    u = np.arctan2(x, z) / (2 * np.pi) * columns - 0.5
    v = min(max(v, 0.0), rows - 1.001)
    i, j0 = int(v), int(np.floor(u))
    fv, fu = v - i, u - j0
    j, k = j0 % columns, (j0 + 1) % columns
    top = table[i, j] * (1 - fu) + table[i, k] * fu
    low = table[i + 1, j] * (1 - fu) + table[i + 1, k] * fu
    return top * (1 - fv) + low * fv


@numba.njit(nogil=True, cache=True, fastmath=False)
def _grow(  # type: ignore[no-untyped-def]
    points, normals, length, layer, flow, whim, phase, parts, curtain, settings, down, table
):
    """Walk every strand outwards; ``points`` (N, K, 3) holds the roots.

    ``parts``: the side (1 left, -1 right) to which a strand leaves the face free, 0 for neither.
    ``settings``: lift, gravity, curl, turns per cm, tied, flow strength.
    """
    lift, gravity, curl, turns, tied, pull = settings
    count, steps = points.shape[0], points.shape[1]
    for s in range(count):
        px, py, pz = points[s, 0, 0], points[s, 0, 1], points[s, 0, 2]
        nx, ny, nz = normals[s, 0], normals[s, 1], normals[s, 2]
        dx = nx * lift + flow[s, 0] * (1 - lift) + whim[s, 0]
        dy = ny * lift + flow[s, 1] * (1 - lift) + whim[s, 1]
        dz = nz * lift + flow[s, 2] * (1 - lift) + whim[s, 2]
        stride = length[s] / (steps - 1)
        bound = 0
        for k in range(1, steps):
            t = k / (steps - 1)
            gone = stride * k
            hang = gravity * stride * (0.5 + t)
            comb = pull * stride * max(1.0 - gone / 9.0, 0.0)
            if tied > 0.0:
                tx, ty, tz = -px, 5.5 - py, -10.0 - pz
                far = np.sqrt(tx * tx + ty * ty + tz * tz) + 1e-9
                if far < 1.6:
                    bound = 1
                if bound == 0:
                    dx, dy, dz = dx + 0.9 * tx / far, dy + 0.9 * ty / far, dz + 0.9 * tz / far
                    hang = 0.0
                else:
                    hang = 0.5 * stride
                comb = 0.0
            size = np.sqrt(dx * dx + dy * dy + dz * dz) + 1e-9
            dx = dx / size + comb * flow[s, 0] + hang * down[0] + 0.10 * whim[s, 0]
            dy = dy / size + comb * flow[s, 1] + hang * down[1] + 0.10 * whim[s, 1]
            dz = dz / size + comb * flow[s, 2] + hang * down[2] + 0.10 * whim[s, 2]
            size = np.sqrt(dx * dx + dy * dy + dz * dz) + 1e-9
            dx, dy, dz = dx / size, dy / size, dz / size
            # A lock winds around its way in the plane across it.
            ax, ay, az = dy * nz - dz * ny, dz * nx - dx * nz, dx * ny - dy * nx
            bx, by, bz = dy * az - dz * ay, dz * ax - dx * az, dx * ay - dy * ax
            angle = phase[s] + turns * gone * 6.2831853
            wind = curl * min(gone * 0.8, 1.0) * stride * turns * 6.2831853
            wind = min(wind, stride * 0.9)
            cs, sn = np.cos(angle) * wind, np.sin(angle) * wind
            px = px + dx * stride + ax * cs + bx * sn
            py = py + dy * stride + ay * cs + by * sn
            pz = pz + dz * stride + az * cs + bz * sn
            # Stay off the skin: at least the strand's own layer above it.
            rx, ry, rz = px - center_x, py - center_y, pz - center_z
            far = np.sqrt(rx * rx + ry * ry + rz * rz) + 1e-9
            skin = _radius(table, rx, ry, rz)
            want = skin + layer[s] * min(1.0, 2.2 * t + 0.15) + 0.04
            if far < want and (py > -9.0):
                px, py, pz = (
                    px + rx / far * (want - far),
                    py + ry / far * (want - far),
                    (pz + rz / far * (want - far)),
                )
                inward = min((dx * rx + dy * ry + dz * rz) / far, 0.0)
                dx, dy, dz = dx - inward * rx / far, dy - inward * ry / far, dz - inward * rz / far
            # Shoulders hold long hair up.
            ex, ey, ez = px / 20.0, (py + 26.0) / 9.0, (pz + 2.0) / 8.5
            deep = np.sqrt(ex * ex + ey * ey + ez * ez)
            if deep < 1.0:
                px, py, pz = px / deep, (py + 26.0) / deep - 26.0, (pz + 2.0) / deep - 2.0
                dy = 0.3 * dy
            # Long hair parts before the face: each strand makes for its own side.
            if parts[s] != 0.0 and pz > 4.0 and py < 8.0 and abs(px) < curtain:
                gap = parts[s] * curtain - px
                px += min(max(gap, -1.3 * stride - 0.2), 1.3 * stride + 0.2)
                pz -= 0.25 * stride
                dx += 0.45 * parts[s]
            points[s, k, 0], points[s, k, 1], points[s, k, 2] = px, py, pz


@numba.njit(nogil=True, cache=True, fastmath=False)
def _lift(points, layer, table):  # type: ignore[no-untyped-def]
    """Push points (N, K, 3) out of the skin, but for the roots, in place."""
    for s in range(points.shape[0]):
        for k in range(1, points.shape[1]):
            x = points[s, k, 0] - center_x
            y = points[s, k, 1] - center_y
            z = points[s, k, 2] - center_z
            far = np.sqrt(x * x + y * y + z * z) + 1e-9
            want = _radius(table, x, y, z) + 0.04 + layer[s] * min(k / 3.0, 1.0)
            if far < want and points[s, k, 1] > -9.0:
                points[s, k, 0] += x / far * (want - far)
                points[s, k, 1] += y / far * (want - far)
                points[s, k, 2] += z / far * (want - far)


def grow_hair(
    model: HeadModel,
    shape: FloatArray,
    normals: FloatArray,
    scalp: FloatArray,
    hair: Hair,
    down: AnyArray,
    keep: float,
) -> Strands:
    """Grow scalp hair on a resting head.

    Args:
        shape, normals: (V, 3).
        scalp: (V,) height above the hairline.
        down: (3,) where gravity pulls, in head space.
        keep: share of the strands, for a quick picture.
    """
    rng = np.random.default_rng(hair.detail)
    count = int(hair.strands * keep)
    density = smoothstep(-0.25, 0.5, scalp)
    corners, weights = scatter(model, shape, density, count, rng)
    root = at(shape, corners, weights)
    normal = unit(at(normals, corners, weights))
    home = at(model.neutral, corners, weights)
    front, crown, side = hair.length
    x, y, z = home.T
    frontness = smoothstep(2.0, 6.5, z) * smoothstep(6.0, 8.5, y)
    lowness = smoothstep(9.0, 4.5, y) * (1 - frontness)
    length = crown * (1 - frontness) + front * frontness
    length = length * (1 - lowness) + side * lowness
    length *= rng.uniform(0.75, 1.15, count)
    steps = int(np.clip(4 + 1.1 * max(hair.length), 5, 22))
    clump_count = max(count // 28, 1)
    clump = _clumps(root, clump_count, rng)
    mood = rng.normal(size=(clump_count, 3))
    whim = 0.16 * hair.clumps * mood[clump] + rng.normal(size=(count, 3)) * (
        0.05 + 0.25 * hair.frizz
    )
    flow = _combed(hair, home, normal, mood[clump])
    depth = rng.uniform(0, 1, count) ** 0.8
    layer = hair.volume * (0.1 + 0.9 * depth) * np.clip(length / 3.0, 0.12, 1.0)
    table = model.skull.radii(shape).astype(np.float64)
    points = np.zeros((count, steps, 3))
    points[:, 0] = root - 0.05 * normal
    # Hair falls over a face in wisps: whole clumps of it.
    wisps = np.flatnonzero(np.bincount(clump, minlength=clump_count).cumsum() <= hair.loose * keep)
    loose = np.isin(clump, wisps)
    # Long hair is heavy: it neither stands off nor flies in wide arcs.
    heavy = float(smoothstep(10.0, 20.0, max(hair.length))) * (not hair.tied)
    settings = (
        hair.lift * (1 - 0.5 * heavy),
        max(hair.gravity, 0.6 * heavy),
        hair.curl,
        hair.turns,
        float(hair.tied),
        0.35,
    )
    middle = hair.parting if abs(hair.parting) < 50.0 else 0.0
    parts = np.where(x >= middle, 1.0, -1.0)
    parts[loose | (frontness > 0.4) & (front < 9.0)] = 0.0
    _grow(
        points,
        normal.astype(np.float64),
        length.astype(np.float64),
        layer.astype(np.float64),
        flow.astype(np.float64),
        whim,
        2 * np.pi * (0.8 * hair.clumps * rng.random(clump_count)[clump] + 0.3 * rng.random(count)),
        parts,
        hair.curtain,
        settings,
        np.asarray(down, np.float64),
        table,
    )
    points = _gathered(points, clump, clump_count, hair.clumps, rng)
    _lift(points, 0.35 * layer, table)
    tint = np.exp(rng.normal(size=(count, 1)) * 0.16 + 0.14 * mood[clump][:, :1])
    mix = np.clip(rng.random((count, 1)) * 0.5 + (length[:, None] > 6) * 0.3, 0, 1)
    color = (np.array(hair.color) * (1 - mix) + np.array(hair.tip) * mix) * tint
    along = np.linspace(0, 1, steps)
    thick = (1 - depth)[:, None] * 0.55 + 0.45 * (1 - along) ** 1.5
    if max(hair.length) < 1.2:
        thick = thick * 0.5
    width = hair.width * rng.uniform(0.7, 1.3, count)
    return Strands(
        points.astype(np.float32),
        np.clip(color, 0.003, 0.9).astype(np.float32),
        width.astype(np.float32),
        np.clip(thick, 0, 1).astype(np.float32),
        hair.gloss,
    )


def _combed(hair: Hair, home: AnyArray, normal: AnyArray, mood: AnyArray) -> AnyArray:
    """Return the direction in which each strand is combed, (N, 3), along the skin."""
    x, y, z = home.T
    frontness = smoothstep(-3.0, 5.0, z) * smoothstep(5.0, 8.0, y)
    away = unit(home - np.array([0.8, 12.5, -4.5]))
    side = np.where(x >= hair.parting + 0.4 * mood[:, 0], 1.0, -1.0)
    parted = np.stack([0.95 * side, np.full(len(x), -0.15), np.full(len(x), hair.flow[2])], axis=1)
    swept = np.tile(np.array(hair.flow), (len(x), 1))
    top = parted if abs(hair.parting) < 50.0 else swept
    flow = away * (1 - frontness)[:, None] + unit(top) * frontness[:, None]
    low = smoothstep(8.0, 3.0, y)[:, None]
    flow = flow * (1 - low) + low * np.array([0.0, -0.9, -0.35 if hair.flow[2] < 0.4 else -0.1])
    flow = flow + 0.18 * mood
    return unit(flow - 0.9 * (flow * normal).sum(axis=1, keepdims=True) * normal)


def _gathered(
    points: AnyArray, clump: AnyArray, clump_count: int, strength: float, rng: np.random.Generator
) -> AnyArray:
    """Draw each strand towards the middle of its clump, more so at the tip."""
    count, steps = points.shape[:2]
    middle = np.zeros((clump_count, steps * 3))
    order = np.argsort(clump, kind="stable")
    sizes = np.bincount(clump, minlength=clump_count)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    filled = sizes > 0
    flat = points.reshape(count, -1)[order]
    middle[filled] = np.add.reduceat(flat, starts[filled], axis=0) / sizes[filled, None]
    pull = strength * np.linspace(0, 1, steps) ** 1.2 * rng.uniform(0.2, 0.85, (count, 1))
    wanted = middle[clump].reshape(points.shape)
    return points + pull[..., None] * (wanted - points)


def _clumps(root: AnyArray, count: int, rng: np.random.Generator) -> AnyArray:
    """Return a clump number for each root: cells of a lattice, so that neighbours share one."""
    cell = root / 0.75 + rng.uniform(0, 1, 3)
    grid = np.floor(cell + 0.25 * rng.normal(size=root.shape)).astype(np.int64)
    key = (grid[:, 0] * 73856093) ^ (grid[:, 1] * 19349663) ^ (grid[:, 2] * 83492791)
    return np.asarray(key % count)


def scatter(
    model: HeadModel, shape: FloatArray, density: AnyArray, count: int, rng: np.random.Generator
) -> tuple[AnyArray, AnyArray]:
    """Draw places on the skin by a density (V,): corners (N, 3) and their weights (N, 3)."""
    chosen = np.flatnonzero(density[model.triangles].sum(axis=1) > 0.01)
    if not len(chosen):
        return np.zeros((0, 3), np.int64), np.zeros((0, 3))
    triangles = model.triangles[chosen]
    corner = shape[triangles]
    area = np.linalg.norm(
        np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1
    )
    share = np.cumsum(area * density[triangles].mean(axis=1))
    picked = np.searchsorted(share, rng.random(count) * share[-1])
    u, v = rng.random(count), rng.random(count)
    folded = u + v > 1
    u, v = np.where(folded, 1 - u, u), np.where(folded, 1 - v, v)
    return triangles[np.minimum(picked, len(chosen) - 1)], np.stack([1 - u - v, u, v], axis=1)


def at(values: AnyArray, corners: AnyArray, weights: AnyArray) -> AnyArray:
    """Return values (V, C) of vertices at places on triangles, (N, C) float64."""
    return np.asarray((values[corners] * weights[..., None]).sum(axis=1), np.float64)


def unit(vectors: AnyArray) -> AnyArray:
    """Return vectors (..., 3) of length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
