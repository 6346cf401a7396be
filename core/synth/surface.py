"""Smooth bodies of blended round cones, and the triangle mesh of their skin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numba import njit

from faceplate.core.arrays import FloatArray, IntArray

REACH = 1.2
"""How far outside the skin distances are known, cm; beyond, the field is just this."""

_INSIDE = 0.05
"""A vertex keeps this part of a cell away from the cell's walls, so that no two ever meet."""


def cone(
    start: Iterable[float], end: Iterable[float], start_radius: float, end_radius: float
) -> FloatArray:
    """Return a round cone as a row of 8 numbers: two ends (cm) and their radii."""
    return np.array([*start, *end, start_radius, end_radius], np.float32)


class Body:
    """A field of distances (cm) on a grid around round cones.

    Attributes:
        field: (X, Y, Z) float32, negative inside, at most `REACH`.
        low: (3,) the position of ``field[0, 0, 0]``, cm.
        cell: the grid's step, cm.
    """

    def __init__(self, cones: Sequence[FloatArray], cell: float) -> None:
        rows = np.asarray(cones, np.float32)
        radius = np.maximum(rows[:, 6], rows[:, 7])[:, None] + REACH + 2 * cell
        ends = np.minimum(rows[:, :3], rows[:, 3:6]), np.maximum(rows[:, :3], rows[:, 3:6])
        self.low = (ends[0] - radius).min(0).astype(np.float32)
        span = (ends[1] + radius).max(0) - self.low
        shape = np.ceil(span / cell).astype(int) + 1
        self.cell = cell
        self.field: FloatArray = np.full(tuple(shape), REACH, np.float32)

    def add(self, cones: Sequence[FloatArray], blend: float) -> None:
        """Melt cones into the body one by one over ``blend`` cm."""
        for row in cones:
            _melt(self.field, self.low, self.cell, row[None], 0.1, row[:3], 1e9, blend)

    def grow(self, cones: Sequence[FloatArray], inner: float, blend: float, length: float) -> None:
        """Grow one limb from the body: melted to it at its root, apart from it further on.

        Args:
            inner: over how many cm the limb's cones melt into each other.
            blend: over how many cm the root melts into the body.
            length: at this distance from the first cone's start nothing melts any more, cm.
        """
        rows = np.asarray(cones, np.float32)
        _melt(self.field, self.low, self.cell, rows, inner, rows[0, :3], length, blend)

    def mesh(self) -> tuple[FloatArray, IntArray]:
        """Return vertices (V, 3) in cm and triangles (T, 3) of the skin, closed, outwards."""
        points, quads = _nets(self.field)
        triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
        return (self.low + points * np.float32(self.cell)).astype(np.float32), triangles

    def at(self, points: FloatArray) -> FloatArray:
        """Return the distance at (N, 3) points, cm; `REACH` off the grid."""
        return _sample(self.field, self.low, self.cell, np.ascontiguousarray(points, np.float32))

    def normals(self, points: FloatArray) -> FloatArray:
        """Return (N, 3) unit directions in which the distance grows fastest."""
        step = np.float32(self.cell) * np.eye(3, dtype=np.float32)
        slope = np.stack([self.at(points + way) - self.at(points - way) for way in step], 1)
        return slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)

    def openness(self, points: FloatArray, normals: FloatArray) -> FloatArray:
        """Return how free the view is from (N, 3) skin points, 0 in a crease to 1 in the open."""
        near = self.at(points + 0.45 * normals) / 0.45
        far = self.at(points + 1.1 * normals) / 1.1
        return np.clip(0.5 * near + 0.5 * far, 0, 1).astype(np.float32)


@njit(cache=True, fastmath=True)
def _distance(x: float, y: float, z: float, row: FloatArray) -> float:
    """Return the distance to a round cone (I. Quilez, "sdRoundCone"), or any beyond `REACH`."""
    bx, by, bz = row[3] - row[0], row[4] - row[1], row[5] - row[2]
    px, py, pz = x - row[0], y - row[1], z - row[2]
    l2 = bx * bx + by * by + bz * bz
    rr = row[6] - row[7]
    a2 = l2 - rr * rr
    along = px * bx + py * by + pz * bz
    t = min(max(along / l2, 0.0), 1.0)
    away = (px - t * bx) ** 2 + (py - t * by) ** 2 + (pz - t * bz) ** 2
    if away > (max(row[6], row[7]) + REACH) ** 2:
        return 2 * REACH
    rest = along - l2
    qx, qy, qz = px * l2 - bx * along, py * l2 - by * along, pz * l2 - bz * along
    x2 = qx * qx + qy * qy + qz * qz
    y2, z2 = along * along * l2, rest * rest * l2
    k = np.sign(rr) * rr * rr * x2
    if np.sign(rest) * a2 * z2 > k:
        return np.sqrt(x2 + z2) / l2 - row[7]
    if np.sign(along) * a2 * y2 < k:
        return np.sqrt(x2 + y2) / l2 - row[6]
    return (np.sqrt(x2 * a2 / l2) + along * rr) / l2 - row[6]


@njit(cache=True)
def _soft(a: float, b: float, width: float) -> float:
    h = max(width - abs(a - b), 0.0)
    return min(a, b) - h * h / (4 * width)


@njit(cache=True, fastmath=True)
def _melt(field, low, cell, rows, inner, root, length, blend):  # type: ignore[no-untyped-def]
    begin = np.zeros(3, np.int64)
    end = np.zeros(3, np.int64)
    for axis in range(3):
        a, b = 1e9, -1e9
        for row in rows:
            radius = max(row[6], row[7]) + REACH
            a = min(a, row[axis] - radius, row[3 + axis] - radius)
            b = max(b, row[axis] + radius, row[3 + axis] + radius)
        begin[axis] = max(int((a - low[axis]) / cell), 0)
        end[axis] = min(int((b - low[axis]) / cell) + 2, field.shape[axis])
    for i in range(begin[0], end[0]):
        x = low[0] + i * cell
        for j in range(begin[1], end[1]):
            y = low[1] + j * cell
            for k in range(begin[2], end[2]):
                z = low[2] + k * cell
                d = _distance(x, y, z, rows[0])
                for n in range(1, rows.shape[0]):
                    d = _soft(d, _distance(x, y, z, rows[n]), inner)
                if d >= REACH:
                    continue
                away = np.sqrt((x - root[0]) ** 2 + (y - root[1]) ** 2 + (z - root[2]) ** 2)
                width = max(blend * (1.0 - away / length), 0.02)
                field[i, j, k] = _soft(field[i, j, k], d, width)


@njit(cache=True)
def _nets(field):  # type: ignore[no-untyped-def]
    """Return the vertices (grid steps) and quads of naive surface nets."""
    nx, ny, nz = field.shape
    index = np.full((nx, ny, nz), -1, np.int32)
    count = 0
    for i in range(nx - 1):
        for j in range(ny - 1):
            for k in range(nz - 1):
                inside = 0
                for c in range(8):
                    if field[i + (c & 1), j + ((c >> 1) & 1), k + (c >> 2)] < 0:
                        inside += 1
                if 0 < inside < 8:
                    index[i, j, k] = count
                    count += 1
    points = np.zeros((count, 3), np.float32)
    quads = np.zeros((3 * count, 4), np.int32)
    found = 0
    for i in range(nx - 1):
        for j in range(ny - 1):
            for k in range(nz - 1):
                if index[i, j, k] < 0:
                    continue
                points[index[i, j, k]] = _crossing(field, i, j, k)
                here = field[i, j, k] < 0
                for axis in range(3):
                    a, b, c = int(axis == 0), int(axis == 1), int(axis == 2)
                    if (field[i + a, j + b, k + c] < 0) == here:
                        continue
                    # The four cells around this edge; u, v are the axes after this one.
                    u0, u1, u2 = int(axis == 2), int(axis == 0), int(axis == 1)
                    v0, v1, v2 = int(axis == 1), int(axis == 2), int(axis == 0)
                    first = index[i, j, k]
                    second = index[i - u0, j - u1, k - u2]
                    third = index[i - u0 - v0, j - u1 - v1, k - u2 - v2]
                    fourth = index[i - v0, j - v1, k - v2]
                    quads[found, 0] = first
                    quads[found, 1] = second if here else fourth
                    quads[found, 2] = third
                    quads[found, 3] = fourth if here else second
                    found += 1
    return points, quads[:found]


@njit(cache=True)
def _crossing(field, i, j, k):  # type: ignore[no-untyped-def]
    """Return the mean of the places where a cell's edges cross the skin, in grid steps."""
    total = np.zeros(3, np.float32)
    count = 0
    for c in range(8):
        for axis in range(3):
            if c >> axis & 1:
                continue
            other = c | (1 << axis)
            p = field[i + (c & 1), j + ((c >> 1) & 1), k + (c >> 2)]
            q = field[i + (other & 1), j + ((other >> 1) & 1), k + (other >> 2)]
            if (p < 0) == (q < 0):
                continue
            total[0] += c & 1
            total[1] += (c >> 1) & 1
            total[2] += c >> 2
            total[axis] += p / (p - q)
            count += 1
    for axis in range(3):
        total[axis] = min(max(total[axis] / count, _INSIDE), 1 - _INSIDE)
    total[0] += i
    total[1] += j
    total[2] += k
    return total


@njit(cache=True)
def _sample(field, low, cell, points):  # type: ignore[no-untyped-def]
    out = np.full(points.shape[0], REACH, np.float32)
    for n in range(points.shape[0]):
        x = (points[n, 0] - low[0]) / cell
        y = (points[n, 1] - low[1]) / cell
        z = (points[n, 2] - low[2]) / cell
        i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        if i < 0 or j < 0 or k < 0:
            continue
        if i >= field.shape[0] - 1 or j >= field.shape[1] - 1 or k >= field.shape[2] - 1:
            continue
        total = 0.0
        for c in range(8):
            a, b, d = c & 1, (c >> 1) & 1, c >> 2
            weight = (x - i if a else i + 1 - x) * (y - j if b else j + 1 - y)
            total += weight * (z - k if d else k + 1 - z) * field[i + a, j + b, k + d]
        out[n] = total
    return out
