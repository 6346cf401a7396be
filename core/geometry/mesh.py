"""The dense face mesh: topology, fit to the canonical head, rasteriser, attributes.

The topology is MediaPipe's 468-vertex face, widened by two rings around its oval: up over the
forehead towards the hairline, and a little outwards along cheeks and jaw, so that a warped face
reaches past the edge of its matte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numba
import numpy as np

from faceplate.core.arrays import (
    AnyArray,
    BoolArray,
    DoubleArray,
    FloatArray,
    IntArray,
    smoothstep,
)
from faceplate.core.frame import Window

VERTEX_COUNT = 468
IRIS_RIGHT, IRIS_LEFT = 468, 473
"""First of five points: centre, then four on the rim; as the subject's own right and left."""

OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
EYE_RIGHT = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
EYE_LEFT = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
LIPS_INNER = (
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
)  # fmt: skip
LIPS_OUTER = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
)  # fmt: skip

_FLIP = np.array([1.0, -1.0, -1.0])
"""Canonical space has y up and z towards the viewer; a mesh has both the other way."""

_RINGS = 2
_FOREHEAD_STEP = np.array([-0.03, 1.75, -1.05])
"""One ring over the forehead, canonical centimetres (x relative); follows the skull's curve."""
_SIDE_STEP_CM, _SIDE_BACK_CM = 1.0, 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Topology:
    """The widened face mesh.

    Attributes:
        triangles: (M, 3) int32 into the widened vertices.
        canonical: (N, 3) float64 widened canonical vertices, centimetres, y up, z to the viewer.
        depth: (N,) float32; distance inside the edge up to which a face may be replaced (oval,
            and the outer ring over the forehead), in face heights; negative outside.
        mouth, eye_right, eye_left: (M,) bool; triangles of the mouth and eye openings.
        near_mouth, near_eyes: (N,) float32, 1 at the lips or lids, falling to 0.
    """

    triangles: IntArray
    canonical: DoubleArray
    depth: FloatArray
    mouth: BoolArray
    eye_right: BoolArray
    eye_left: BoolArray
    near_mouth: FloatArray
    near_eyes: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """``mesh = scale * rotation @ canonical + offset``, in a mesh's own pixel coordinates."""

    scale: float
    rotation: DoubleArray
    offset: DoubleArray

    def posed(self, canonical: DoubleArray) -> DoubleArray:
        """Take canonical points (N, 3) to mesh coordinates."""
        return self.scale * (canonical * _FLIP) @ self.rotation.T + self.offset

    def turned(self, vectors: DoubleArray) -> DoubleArray:
        """Take canonical directions (N, 3) to mesh coordinates."""
        return self.scale * (vectors * _FLIP) @ self.rotation.T

    def canonical(self, mesh: AnyArray) -> DoubleArray:
        """Take mesh points (N, 3) to canonical space."""
        return ((mesh - self.offset) @ self.rotation) / self.scale * _FLIP


@cache
def topology() -> Topology:
    """Return the widened topology; read once."""
    with (files("faceplate.core.models") / "mesh.npz").open("rb") as stream:
        archive = np.load(stream, allow_pickle=False)
        vertices = archive["vertices"].astype(np.float64)
        base = archive["triangles"].astype(np.int32)
    oval = vertices[list(OVAL)]
    forehead = smoothstep(2.0, 6.5, oval[:, 1])[:, None]
    radial = np.column_stack([oval[:, 0], oval[:, 1] - 1.0, np.zeros(len(oval))])
    radial /= np.linalg.norm(radial, axis=1, keepdims=True)
    side = radial * _SIDE_STEP_CM - np.array([0.0, 0.0, _SIDE_BACK_CM])
    up = np.column_stack([oval[:, 0] * _FOREHEAD_STEP[0], *np.tile(_FOREHEAD_STEP[1:], (36, 1)).T])
    rings = [
        oval + k * (forehead * up + (1 - forehead) * side) - [0, 0, 0.25 * k * (k - 1)]
        for k in range(1, _RINGS + 1)
    ]
    canonical = np.vstack([vertices, *rings])
    triangles = np.vstack([base, *(_ring_triangles(k) for k in range(_RINGS))])
    triangles = triangles[:, [0, 2, 1]]  # facing the viewer = clockwise on screen, positive area
    edge = oval + forehead * (rings[-1] - oval)
    depth = _distance_to_loop(canonical, edge)
    for k in range(_RINGS):
        outside = (k + 1) > _RINGS * forehead[:, 0]
        depth[VERTEX_COUNT + 36 * k :][:36][outside] *= -1
    height = np.ptp(vertices[:, 1])

    def opening(loop: Sequence[int]) -> BoolArray:
        return np.asarray(np.isin(triangles, loop).all(axis=1))

    def near(*loops: Sequence[int], reach: float) -> FloatArray:
        distance = np.min([_distance_to_loop(canonical, vertices[list(p)]) for p in loops], axis=0)
        return (1 - smoothstep(0.25 * reach, reach, distance)).astype(np.float32)

    return Topology(
        triangles=triangles.astype(np.int32),
        canonical=canonical,
        depth=(depth / height).astype(np.float32),
        mouth=opening(LIPS_INNER),
        eye_right=opening(EYE_RIGHT),
        eye_left=opening(EYE_LEFT),
        near_mouth=near(LIPS_OUTER, reach=3.0),
        near_eyes=near(EYE_RIGHT, EYE_LEFT, reach=1.6),
    )


def _ring_triangles(ring: int) -> AnyArray:
    """Join ring ``ring`` (0: the oval itself) to the next, wound like the canonical mesh."""
    inner = np.array(OVAL) if ring == 0 else VERTEX_COUNT + 36 * (ring - 1) + np.arange(36)
    outer = VERTEX_COUNT + 36 * ring + np.arange(36)
    a, b, c, d = inner, np.roll(inner, -1), outer, np.roll(outer, -1)
    return np.vstack([np.column_stack([a, b, c]), np.column_stack([b, d, c])])


def _distance_to_loop(points: DoubleArray, loop: DoubleArray) -> DoubleArray:
    """Return (N,) distances of points to the closed polyline ``loop`` (K, 3)."""
    a, b = loop, np.roll(loop, -1, axis=0)
    along = b - a
    t = np.clip(np.einsum("nkc,kc->nk", points[:, None] - a, along) / (along**2).sum(1), 0.0, 1.0)
    return np.linalg.norm(points[:, None] - (a + t[..., None] * along), axis=2).min(axis=1)


def fit(mesh: AnyArray) -> Similarity:
    """Return the similarity that takes the canonical head onto a mesh, by least squares.

    Args:
        mesh: (>= 468, 3); x, y pixels, z in the same unit, towards the viewer negative.

    Source:
        Umeyama, "Least-squares estimation of transformation parameters", 1991. Lips, lids and jaw
        move with expression and weigh less.
    """
    source = topology().canonical[:VERTEX_COUNT] * _FLIP
    target = mesh[:VERTEX_COUNT].astype(np.float64)
    weights = _rigid_weights()[:, None]
    center_source = (weights * source).sum(0)
    center_target = (weights * target).sum(0)
    p, q = source - center_source, target - center_target
    u, sizes, vt = np.linalg.svd((weights * q).T @ p)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((sizes * sign).sum() / (weights * p**2).sum())
    return Similarity(scale, rotation, center_target - scale * rotation @ center_source)


@cache
def _rigid_weights() -> DoubleArray:
    shape = topology()
    moving = np.maximum(shape.near_mouth, shape.near_eyes)[:VERTEX_COUNT].astype(np.float64)
    jaw = smoothstep(0.0, -6.0, shape.canonical[:VERTEX_COUNT, 1])
    weights = 1 - 0.9 * np.maximum(moving, jaw)
    return weights / weights.sum()


def face_height(mesh: AnyArray) -> float:
    """Return forehead to chin in 3-D, in a mesh's own unit; turning the head does not change it."""
    return float(np.linalg.norm(mesh[10] - mesh[152]))


def widened(mesh: AnyArray) -> DoubleArray:
    """Return a mesh (>= 468, 3) with its two rings, (N, 3) float64."""
    canonical = topology().canonical
    pose = fit(mesh)
    oval = np.tile(np.array(OVAL), _RINGS)
    steps = canonical[VERTEX_COUNT:] - canonical[oval]
    face = mesh[:VERTEX_COUNT].astype(np.float64)
    return np.vstack([face, face[oval] + pose.turned(steps)])


def neutral_shape(meshes: Sequence[AnyArray], expressions: Sequence[AnyArray]) -> DoubleArray:
    """Return a person's mean face (478, 3) in canonical space, led by calm frames.

    Args:
        meshes: (478, 3) each, as observed.
        expressions: (52,) coefficients each; the less they say, the more a frame counts.
    """
    shapes = np.stack([fit(mesh).canonical(mesh) for mesh in meshes])
    calm = np.array([np.exp(-3.0 * float(np.square(e).sum())) + 1e-3 for e in expressions])
    return np.einsum("t,tnc->nc", calm / calm.sum(), shapes)


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """What a mesh covers.

    Attributes:
        window: raster pixels of the arrays.
        triangle: (h, w) int32, the visible triangle or -1.
        weights: (h, w, 2) float32, barycentric weights of its first two vertices.
    """

    window: Window
    triangle: IntArray
    weights: FloatArray

    @property
    def cover(self) -> BoolArray:
        """(h, w) bool; pixels whose centre the mesh covers."""
        return self.triangle >= 0

    def spread(self, attributes: AnyArray) -> FloatArray:
        """Interpolate vertex attributes (N, K) over the pixels: (h, w, K) float32, 0 outside."""
        values = np.ascontiguousarray(attributes, np.float32)
        return _spread(self.triangle, self.weights, topology().triangles, values)

    def around(self, mesh: AnyArray, vertices: BoolArray) -> Raster:
        """Return the smallest part that holds every triangle with one of the vertices.

        Args:
            mesh: (N, 3) the widened mesh that was drawn.
            vertices: (N,) which ones.
        """
        triangles = topology().triangles
        corners = mesh[triangles[vertices[triangles].any(axis=1)].ravel(), :2]
        if not len(corners):
            return self._cut(Window(self.window.x0, self.window.y0, self.window.x0, self.window.y0))
        (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
        box = Window(int(np.floor(x0)), int(np.floor(y0)), int(np.ceil(x1)), int(np.ceil(y1)))
        return self._cut(box.clipped(self.window))

    def _cut(self, window: Window) -> Raster:
        rows, columns = window.slices_in(self.window)
        triangle = np.ascontiguousarray(self.triangle[rows, columns])
        return Raster(window, triangle, np.ascontiguousarray(self.weights[rows, columns]))


def rasterize(mesh: AnyArray, window: Window) -> Raster:
    """Draw a widened mesh (N, 3) with a depth buffer, at pixel centres.

    Only triangles that face the viewer are drawn. Ties go to the lower triangle number, so the
    result does not depend on anything but the arguments.
    """
    shape = (window.height, window.width)
    triangle = np.full(shape, -1, np.int32)
    weights = np.zeros((*shape, 2), np.float32)
    depth = np.full(shape, np.inf)
    points = np.ascontiguousarray(mesh, np.float64) - [window.x0 + 0.5, window.y0 + 0.5, 0.0]
    _rasterize(points, topology().triangles, triangle, weights, depth)
    return Raster(window, triangle, weights)


def visibility(mesh: AnyArray) -> FloatArray:
    """Return (N,) float32: how well each vertex of a widened mesh is seen, 0 to 1.

    The cosine between normal and view ray, softly cut, times a depth test against the mesh itself
    on a coarse grid.
    """
    triangles = topology().triangles
    points = np.ascontiguousarray(mesh, np.float64)
    corner = points[triangles]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    summed = np.zeros_like(points)
    for k in range(3):
        np.add.at(summed, triangles[:, k], normal)
    facing = summed[:, 2] / np.maximum(np.linalg.norm(summed, axis=1), 1e-12)
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    grid = 160.0 / max(float((high - low).max()), 1e-6)
    scaled = (points - [*low, 0.0]) * grid
    window = (
        int(np.ceil((high[1] - low[1]) * grid)) + 2,
        int(np.ceil((high[0] - low[0]) * grid)) + 2,
    )
    triangle = np.full(window, -1, np.int32)
    depth = np.full(window, np.inf)
    _rasterize(scaled, triangles, triangle, np.zeros((*window, 2), np.float32), depth)
    column, row = (np.rint(scaled[:, k]).astype(int) for k in (0, 1))
    nearest = np.minimum(depth[row, column], scaled[:, 2])
    hidden = smoothstep(3.0, 9.0, scaled[:, 2] - nearest)
    return (smoothstep(0.05, 0.45, facing) * (1 - hidden)).astype(np.float32)


@numba.njit(nogil=True, cache=True, fastmath=False)
def _rasterize(points, triangles, out_triangle, out_weights, depth):  # type: ignore[no-untyped-def]
    height, width = out_triangle.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = points[a, 0], points[a, 1]
        bx, by = points[b, 0], points[b, 1]
        cx, cy = points[c, 0], points[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area <= 1e-9:
            continue
        x0 = max(int(np.ceil(min(ax, bx, cx))), 0)
        x1 = min(int(np.floor(max(ax, bx, cx))), width - 1)
        y0 = max(int(np.ceil(min(ay, by, cy))), 0)
        y1 = min(int(np.floor(max(ay, by, cy))), height - 1)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                wa = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
                wb = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
                wc = 1.0 - wa - wb
                if wa < -1e-9 or wb < -1e-9 or wc < -1e-9:
                    continue
                z = wa * points[a, 2] + wb * points[b, 2] + wc * points[c, 2]
                if z < depth[y, x]:
                    depth[y, x] = z
                    out_triangle[y, x] = t
                    out_weights[y, x, 0] = wa
                    out_weights[y, x, 1] = wb


@numba.njit(nogil=True, cache=True, fastmath=False)
def _spread(triangle, weights, triangles, values):  # type: ignore[no-untyped-def]
    height, width = triangle.shape
    out = np.zeros((height, width, values.shape[1]), np.float32)
    for y in range(height):
        for x in range(width):
            t = triangle[y, x]
            if t < 0:
                continue
            wa, wb = weights[y, x, 0], weights[y, x, 1]
            wc = np.float32(1.0) - wa - wb
            for k in range(values.shape[1]):
                out[y, x, k] = (
                    wa * values[triangles[t, 0], k]
                    + wb * values[triangles[t, 1], k]
                    + wc * values[triangles[t, 2], k]
                )
    return out
