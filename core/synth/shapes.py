"""Closed meshes of simple shapes: tubes, turned bodies, slabs, blobs, and shells around a head."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray, IntArray

Mesh = tuple[FloatArray, IntArray]
"""Vertices (V, 3) in cm and triangles (T, 3), counter-clockwise from outside."""

HEAD_MIDDLE = np.array([0.0, 2.0, 0.5])
"""From where a head is seen as a distance for every direction, head space."""


def unit(vector: ArrayLike) -> DoubleArray:
    """Return a vector, or every row, at length 1."""
    array = np.asarray(vector, np.float64)
    return array / np.maximum(np.linalg.norm(array, axis=-1, keepdims=True), 1e-12)


def basis(direction: ArrayLike, turn: float = 0.0) -> DoubleArray:
    """Return a rotation whose third column is ``direction``, turned about it by degrees."""
    ahead = unit(direction)
    helper = np.array([0.0, 1.0, 0.0]) if abs(ahead[1]) < 0.95 else np.array([0.0, 0.0, -1.0])
    across = unit(np.cross(helper, ahead))
    up = np.cross(ahead, across)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return np.stack([c * across + s * up, c * up - s * across, ahead], 1)


def rings(grid: AnyArray, *, loop: bool = False) -> Mesh:
    """Return the closed mesh through rings of points.

    Args:
        grid: (R, N, 3); each ring runs counter-clockwise when seen from the side of the next ring.
        loop: whether the last ring is joined to the first; else both ends get a lid.
    """
    count, around = grid.shape[:2]
    vertices = grid.reshape(-1, 3)
    index = np.arange(count * around).reshape(count, around)
    next_ring = np.roll(index, -1, 0) if loop else index[1:]
    ring = index if loop else index[:-1]
    a, b = ring.ravel(), np.roll(ring, -1, 1).ravel()
    d, c = next_ring.ravel(), np.roll(next_ring, -1, 1).ravel()
    triangles = [np.stack([a, b, c], 1), np.stack([a, c, d], 1)]
    if not loop:
        vertices = np.concatenate([vertices, grid[[0, -1]].mean(1)])
        first, last = np.full(around, len(vertices) - 2), np.full(around, len(vertices) - 1)
        triangles.append(np.stack([np.roll(index[0], -1), index[0], first], 1))
        triangles.append(np.stack([index[-1], np.roll(index[-1], -1), last], 1))
    return vertices.astype(np.float32), np.concatenate(triangles).astype(np.int32)


def tube(path: AnyArray, radius: ArrayLike, *, sides: int = 8, loop: bool = False) -> Mesh:
    """Return a tube along a path (N, 3); ``radius`` is one number or one for each point."""
    path = np.asarray(path, np.float64)
    radii = np.broadcast_to(np.asarray(radius, np.float64), len(path))
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0)
    if not loop:
        ahead[0], ahead[-1] = path[1] - path[0], path[-1] - path[-2]
    ahead = unit(ahead)
    spread = np.ptp(path, axis=0)
    across = np.eye(3)[np.argmin(spread)]
    side = np.zeros_like(path)
    for n, way in enumerate(ahead):
        across = across - way * (across @ way)
        if np.linalg.norm(across) < 1e-6:
            across = np.cross(way, np.eye(3)[np.argmin(np.abs(way))])
        across = unit(across)
        side[n] = across
    up = np.cross(ahead, side)
    angle = np.arange(sides) * (2 * np.pi / sides)
    circle = np.cos(angle)[:, None] * side[:, None] + np.sin(angle)[:, None] * up[:, None]
    return rings(path[:, None] + radii[:, None, None] * circle, loop=loop)


def turned(profile: ArrayLike, *, sides: int = 24, squash: float = 1.0) -> Mesh:
    """Return a body turned about z: (N, 2) rows of radius and height, going up.

    A cup's inside follows as rows that go down again.

    Args:
        squash: thickness along y, 1 for a round body.
    """
    profile = np.asarray(profile, np.float64)
    angle = np.arange(sides) * (2 * np.pi / sides)
    circle = np.stack([np.cos(angle), squash * np.sin(angle), 0 * angle], 1)
    grid = profile[:, 0, None, None] * circle + profile[:, 1, None, None] * [0, 0, 1]
    return rings(grid)


def slab(outer: AnyArray, inner: AnyArray, *, wrap: bool = False) -> Mesh:
    """Return a curved slab between two grids of points.

    Args:
        outer: (R, N, 3); columns run to the right and rows up when seen from outside.
        inner: (R, N, 3), the back of it.
        wrap: whether the last column is joined to the first.
    """
    # A ring around one cross-section: down the front, up the back.
    section = np.concatenate([outer[::-1], inner], 0)
    return rings(np.swapaxes(section, 0, 1), loop=wrap)


def blob(rng: np.random.Generator, radii: ArrayLike, rough: float) -> Mesh:
    """Return an egg around 0 with bumps of up to about ``rough`` of its size."""
    latitude = np.linspace(-1.5, 1.5, 17)
    angle = np.arange(26) * (2 * np.pi / 26)
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], 1)
    grid = np.cos(latitude)[:, None, None] * ring + np.sin(latitude)[:, None, None] * [0, 0, 1]
    wave = np.zeros(grid.shape[:2])
    for _ in range(5):
        wave += np.sin(grid @ (rng.normal(size=3) * rng.uniform(1, 4)) + rng.uniform(0, 6))
    return rings(grid * (1 + rough * 0.2 * wave)[..., None] * np.asarray(radii))


def clearance(points: FloatArray, surface: FloatArray, outward: DoubleArray) -> float:
    """Return how far points must move along a direction to just touch a surface's outer side."""
    side = unit(np.cross(outward, [0.31, 0.9, 0.2]))
    axes = np.stack([side, np.cross(outward, side), outward]).astype(np.float32)
    ours, theirs = points @ axes.T, surface @ axes.T
    step, half = 0.7, 24
    height = np.full((2 * half, 2 * half), -np.inf, np.float32)
    cells = np.clip((theirs[:, :2] / step).astype(int) + half, 0, 2 * half - 1)
    np.maximum.at(height, (cells[:, 0], cells[:, 1]), theirs[:, 2])
    height[[0, -1]] = height[:, [0, -1]] = -np.inf
    cells = np.clip((ours[:, :2] / step).astype(int) + half, 0, 2 * half - 1)
    # Only the outer side counts: what lies behind the head's middle does not stop the hand.
    need = height[cells[:, 0], cells[:, 1]] - ours[:, 2]
    need = need[np.isfinite(need)]
    return float(need.max()) if need.size else 0.0


class Shell:
    """How far a head reaches in every direction, for what is worn on it.

    Attributes:
        reach: (64, 128) distance from ``HEAD_MIDDLE``, cm; rows from straight down to straight up,
            columns from behind over the person's left to behind again.
    """

    def __init__(self, head: FloatArray, lowest: float = -10.0) -> None:
        """Measure the head's vertices (V, 3) above ``lowest``, cm."""
        offset = head[head[:, 1] > lowest] - HEAD_MIDDLE
        distance = np.linalg.norm(offset, axis=1)
        rows, columns = self._cells(offset / distance[:, None])
        reach = np.zeros((64, 128), np.float32)
        np.maximum.at(reach, (rows.astype(int) % 64, columns.astype(int) % 128), distance)
        wide = np.concatenate([reach, reach, reach], 1)
        kernel = np.ones((5, 7), np.uint8)
        known = wide > 0
        wide = np.where(known, wide, cv2.dilate(wide, kernel))
        wide = np.where(wide > 0, wide, cv2.dilate(wide, np.ones((15, 41), np.uint8)))
        wide[wide == 0] = 9.0
        # What is worn spans hollows: it lies on the highest points nearby.
        wide = cv2.GaussianBlur(cv2.dilate(wide, np.ones((3, 5), np.uint8)), (0, 0), 1.3)
        self.reach: FloatArray = wide[:, 128:256]

    def at(self, longitude: ArrayLike, latitude: ArrayLike, off: ArrayLike = 0.0) -> DoubleArray:
        """Return points (..., 3) ``off`` cm above the head.

        Args:
            longitude: degrees, 0 ahead, 90 to the person's left.
            latitude: degrees, 0 level, 90 straight up.
        """
        lon, lat = np.broadcast_arrays(np.radians(longitude), np.radians(latitude))
        way = np.stack([np.sin(lon) * np.cos(lat), np.sin(lat), np.cos(lon) * np.cos(lat)], -1)
        rows, columns = self._cells(way)
        wide = np.concatenate([self.reach[:, -1:], self.reach, self.reach[:, :1]], 1)
        column = np.ascontiguousarray(columns + 0.5, np.float32).reshape(1, -1)
        row = np.ascontiguousarray(rows - 0.5, np.float32).reshape(1, -1)
        found = cv2.remap(wide, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        distance = found.reshape(lon.shape) + np.asarray(off)
        return HEAD_MIDDLE + way * distance[..., None]

    @staticmethod
    def _cells(way: AnyArray) -> tuple[AnyArray, AnyArray]:
        rows = (np.arcsin(np.clip(way[..., 1], -1, 1)) / np.pi + 0.5) * 63.999
        columns = (np.arctan2(way[..., 0], way[..., 2]) / (2 * np.pi) + 0.5) * 127.999
        return rows, columns
