"""The skull as a table of radii: what hair must stay outside of."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from faceplate.core.arrays import FloatArray, IntArray

SKULL_CENTER = (0.0, 3.5, 1.0)
"""Where the rays start, cm in head space."""
_ROWS, _COLUMNS = 48, 96


@dataclass(frozen=True, slots=True, eq=False)
class Skull:
    """Where rays from the skull's middle meet a head's skin, row by latitude.

    Attributes:
        corners: (48, 96, 3) int32 vertices.
        weights: (48, 96, 3) float32.
    """

    corners: IntArray
    weights: FloatArray

    def radii(self, shape: FloatArray) -> FloatArray:
        """Return the distance of the skin from the middle, (48, 96) float32 cm."""
        hits = (shape[self.corners] * self.weights[..., None]).sum(axis=2)
        return np.linalg.norm(hits - np.array(SKULL_CENTER, np.float32), axis=2).astype(np.float32)


def map_skull(neutral: FloatArray, triangles: IntArray, ear: FloatArray) -> Skull:
    """Cast the rays at a neutral head's skin.

    Args:
        triangles: (T, 3) of the skin.
        ear: (V,) how far inside an ear; ears do not count.
    """
    triangles = np.ascontiguousarray(triangles[(ear[triangles] < 0.6).all(axis=1)])
    rows = (np.arange(_ROWS) + 0.5) / _ROWS * np.pi
    columns = (np.arange(_COLUMNS) + 0.5) / _COLUMNS * 2 * np.pi
    up, around = np.meshgrid(rows, columns, indexing="ij")
    rays = np.stack(
        [np.sin(up) * np.sin(around), np.cos(up), np.sin(up) * np.cos(around)], axis=-1
    ).reshape(-1, 3)
    points = neutral.astype(np.float64) - SKULL_CENTER
    hit = np.full(len(rays), -1, np.int32)
    weights = np.zeros((len(rays), 3), np.float32)
    _cast(points, triangles, rays, hit, weights)
    # Rays through the open neck take the last hit above them.
    grid = hit.reshape(_ROWS, _COLUMNS)
    spread = weights.reshape(_ROWS, _COLUMNS, 3)
    for row in range(1, _ROWS):
        missing = grid[row] < 0
        grid[row][missing] = grid[row - 1][missing]
        spread[row][missing] = spread[row - 1][missing]
    return Skull(triangles[grid], spread)


@numba.njit(nogil=True, cache=True, fastmath=False)
def _cast(points, triangles, rays, hit, weights):  # type: ignore[no-untyped-def]
    best = np.zeros(rays.shape[0])
    for t in range(triangles.shape[0]):
        a, b, c = points[triangles[t, 0]], points[triangles[t, 1]], points[triangles[t, 2]]
        middle = (a + b + c) / 3.0
        length = np.sqrt((middle**2).sum())
        edge = max(((b - a) ** 2).sum(), ((c - a) ** 2).sum(), ((c - b) ** 2).sum())
        limit = 1.0 - 4.0 * edge / (length * length) - 1e-3
        n = np.cross(b - a, c - a)
        for r in range(rays.shape[0]):
            d = rays[r]
            if (d[0] * middle[0] + d[1] * middle[1] + d[2] * middle[2]) / length < limit:
                continue
            along = n[0] * d[0] + n[1] * d[1] + n[2] * d[2]
            if abs(along) < 1e-12:
                continue
            s = (n[0] * a[0] + n[1] * a[1] + n[2] * a[2]) / along
            if s <= best[r]:
                continue
            p = d * s
            total = (n * n).sum()
            wa = (n * np.cross(c - b, p - b)).sum() / total
            wb = (n * np.cross(a - c, p - c)).sum() / total
            wc = 1.0 - wa - wb
            if wa >= -1e-6 and wb >= -1e-6 and wc >= -1e-6:
                best[r], hit[r] = s, t
                weights[r, 0], weights[r, 1], weights[r, 2] = wa, wb, wc
