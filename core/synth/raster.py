"""Draw triangles and strands into a depth buffer, sample by sample.

Screen points are ``(x, y, 1 / depth)`` in samples: x right, y down, sample centres at .5. Later
draws win only where they are nearer, so equal depths keep what was drawn first.
"""

from __future__ import annotations

import numba
import numpy as np

from faceplate.core.arrays import FloatArray, IntArray

EMPTY = -1
"""Sample that nothing covers."""


@numba.njit(nogil=True, cache=True, fastmath=False)
def draw_triangles(
    screen: FloatArray,
    triangles: IntArray,
    first: int,
    last: int,
    culled: bool,
    near: FloatArray,
    ids: IntArray,
) -> None:
    """Draw triangles ``first`` to ``last`` of a list; a sample gets the number of the nearest.

    Args:
        screen: (V, 3) float32.
        triangles: (T, 3) int32, counter-clockwise seen from outside.
        first, last: the half-open part of the list to draw.
        culled: leave out triangles that face away.
        near: (H, W) float32, 1 / depth of the nearest so far, 0 for none; changed in place.
        ids: (H, W) int32; changed in place.
    """
    height, width = near.shape
    for t in range(first, last):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        za, zb, zc = screen[a, 2], screen[b, 2], screen[c, 2]
        if za <= 0.0 or zb <= 0.0 or zc <= 0.0:
            continue
        ax, ay = np.float64(screen[a, 0]), np.float64(screen[a, 1])
        bx, by = np.float64(screen[b, 0]), np.float64(screen[b, 1])
        cx, cy = np.float64(screen[c, 0]), np.float64(screen[c, 1])
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if culled and area >= 0.0:
            continue
        if area == 0.0:
            continue
        y0 = max(int(np.ceil(min(ay, by, cy) - 0.5)), 0)
        y1 = min(int(np.floor(max(ay, by, cy) - 0.5)), height - 1)
        x0 = max(int(np.ceil(min(ax, bx, cx) - 0.5)), 0)
        x1 = min(int(np.floor(max(ax, bx, cx) - 0.5)), width - 1)
        if y0 > y1 or x0 > x1:
            continue
        scale = 1.0 / area
        step_a, step_b = (by - cy) * scale, (cy - ay) * scale
        for y in range(y0, y1 + 1):
            py, px = y + 0.5, x0 + 0.5
            wa = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * scale
            wb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * scale
            for x in range(x0, x1 + 1):
                wc = 1.0 - wa - wb
                if wa >= 0.0 and wb >= 0.0 and wc >= 0.0:
                    z = np.float32(wa * za + wb * zb + wc * zc)
                    if z > near[y, x]:
                        near[y, x] = z
                        ids[y, x] = t
                wa += step_a
                wb += step_b


@numba.njit(nogil=True, cache=True, fastmath=False)
def draw_strands(
    points: FloatArray,
    colours: FloatArray,
    widths: FloatArray,
    mark: int,
    near: FloatArray,
    ids: IntArray,
    light: FloatArray,
) -> None:
    """Draw strands as lines; a sample gets ``mark`` and the strand's light.

    Args:
        points: (N, K, 3) float32 screen points.
        colours: (N, K, 3) float32 light leaving the points.
        widths: (N,) float32 width at the root in samples, half of it at the tip; at least one.
        mark: the number that covered samples get.
        near, ids: as for triangles; changed in place.
        light: (H, W, 3) float32; changed in place.
    """
    height, width = near.shape
    count, length = points.shape[0], points.shape[1]
    for s in range(count):
        for k in range(length - 1):
            x0, y0, z0 = points[s, k, 0], points[s, k, 1], points[s, k, 2]
            x1, y1, z1 = points[s, k + 1, 0], points[s, k + 1, 1], points[s, k + 1, 2]
            if z0 <= 0.0 or z1 <= 0.0:
                continue
            if max(x0, x1) < -4 or max(y0, y1) < -4 or min(x0, x1) > width + 4:
                continue
            if min(y0, y1) > height + 4:
                continue
            dx, dy = x1 - x0, y1 - y0
            steps = min(int(max(abs(dx), abs(dy))) + 1, 4 * (width + height))
            thick = max(1, int(widths[s] * (1.0 - 0.5 * k / (length - 1)) + 0.5))
            flat = abs(dx) > abs(dy)
            for i in range(steps):
                t = i / steps
                x, y = x0 + dx * t, y0 + dy * t
                z = np.float32(z0 + (z1 - z0) * t)
                for j in range(thick):
                    side = j - 0.5 * (thick - 1)
                    column = int(np.floor(x + (0.0 if flat else side)))
                    row = int(np.floor(y + (side if flat else 0.0)))
                    if column < 0 or row < 0 or column >= width or row >= height:
                        continue
                    if z > near[row, column]:
                        near[row, column] = z
                        ids[row, column] = mark
                        for c in range(3):
                            light[row, column, c] = (
                                colours[s, k, c] * (1 - t) + colours[s, k + 1, c] * t
                            )


@numba.njit(nogil=True, cache=True, fastmath=False)
def draw_strand_depth(points: FloatArray, near: FloatArray) -> None:
    """Draw the depth of strands (N, K, 3) alone, two samples wide, as a shadow map takes it."""
    height, width = near.shape
    for s in range(points.shape[0]):
        for k in range(points.shape[1] - 1):
            x0, y0, z0 = points[s, k, 0], points[s, k, 1], points[s, k, 2]
            dx, dy = points[s, k + 1, 0] - x0, points[s, k + 1, 1] - y0
            steps = min(int(max(abs(dx), abs(dy))) + 1, width + height)
            for i in range(steps):
                t = i / steps
                row, column = int(np.floor(y0 + dy * t)), int(np.floor(x0 + dx * t))
                z = np.float32(z0 + (points[s, k + 1, 2] - z0) * t)
                if 0 <= row < height and 0 <= column < width - 1:
                    near[row, column] = max(near[row, column], z)
                    near[row, column + 1] = max(near[row, column + 1], z)


@numba.njit(nogil=True, cache=True, fastmath=False)
def add_normals(
    vertices: FloatArray, triangles: IntArray, welded: IntArray, normals: FloatArray
) -> None:
    """Fill ``normals`` (V, 3) with outward unit normals; welded vertices share theirs."""
    normals[:] = 0.0
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = (
            vertices[b, 0] - vertices[a, 0],
            vertices[b, 1] - vertices[a, 1],
            vertices[b, 2] - vertices[a, 2],
        )
        vx, vy, vz = (
            vertices[c, 0] - vertices[a, 0],
            vertices[c, 1] - vertices[a, 1],
            vertices[c, 2] - vertices[a, 2],
        )
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (welded[a], welded[b], welded[c]):
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for v in range(normals.shape[0]):
        w = welded[v]
        if w == v:
            length = np.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2)
            if length > 0.0:
                for c in range(3):
                    normals[v, c] /= length
    for v in range(normals.shape[0]):
        w = welded[v]
        if w != v:
            for c in range(3):
                normals[v, c] = normals[w, c]


@numba.njit(nogil=True, cache=True, fastmath=False)
def add_modes(values: FloatArray, modes: IntArray, scale: FloatArray, weights: FloatArray) -> None:
    """Add ``sum_k weights[k] * scale[k] * modes[k]`` to ``values`` (N,), in place."""
    for k in range(weights.shape[0]):
        factor = np.float32(weights[k] * scale[k])
        if factor == 0.0:
            continue
        for i in range(values.shape[0]):
            values[i] += factor * np.float32(modes[k, i])
