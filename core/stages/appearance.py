"""Lays source views out by head pose and weighs those around a wanted pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import Delaunay, cKDTree

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray, IntArray
from faceplate.core.errors import ContractError

LIMIT_DEGREES = 75.0  # the authors' limit points, FSGANv2's swapping inference
THINNING_DEGREES = 2.0  # the authors' default at the command line

_QUERY_LIMIT = 74.9
_VIEW_LIMIT = 74.0  # views lie strictly inside the limit points, so each triangle has a view
_CORNER_BEGINS, _CORNER_ENDS = 0.6, 0.95
_CORNERS = LIMIT_DEGREES * np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class AppearanceMap:
    """Source views over (yaw, pitch), triangulated together with four limit points.

    Attributes:
        points: (V, 2) float64, yaw and pitch of every view in degrees, held within the limits.
        order: (K,) int32, the views that the map keeps, the densest surroundings first.
        cell: (V,) int32, for every view the kept view that it stands with; its own index for
            a kept view. Views of one cell differ by expression rather than by pose.
        triangles: (T, 3) int32; below K an index into ``order``, else a limit point.
        radius: degrees within which a kept view drops the others.
    """

    points: DoubleArray
    order: IntArray
    cell: IntArray
    triangles: IntArray
    radius: float
    _hull: Delaunay
    _stand_ins: IntArray

    @classmethod
    def build(cls, poses: AnyArray, *, radius: float = THINNING_DEGREES) -> AppearanceMap:
        """Lay out views.

        Args:
            poses: (V, 2) yaw and pitch in degrees, finite; doubles and lines are fine.
            radius: of the thinning, in degrees.

        Raises:
            ContractError: no pose, another shape, or a pose that is not finite.

        Source: FSGANv2, the released code's appearance map.
        """
        points = np.asarray(poses, np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise ContractError("An appearance map takes (V, 2) poses, V > 0.", shape=points.shape)
        if not np.isfinite(points).all():
            raise ContractError("An appearance map takes finite poses only.")
        points = np.clip(points, -_VIEW_LIMIT, _VIEW_LIMIT)
        order, cell = _thin(points, radius)
        kept = points[order]
        hull = Delaunay(np.concatenate([kept, _CORNERS]))
        stand_ins = cKDTree(kept).query(_CORNERS)[1]
        for array in (points, order, cell):
            array.flags.writeable = False
        return cls(
            points,
            order,
            cell,
            hull.simplices.astype(np.int32),
            radius,
            hull,
            stand_ins.astype(np.int32),
        )

    @property
    def nodes(self) -> DoubleArray:
        """(K + 4, 2) yaw and pitch of the kept views, then of the limit points."""
        return np.concatenate([self.points[self.order], _CORNERS])

    def weights_at(self, yaw: float, pitch: float) -> FloatArray:
        """Return (V,) float32 weights of the views for a head pose in degrees.

        They are not negative, sum to 1, and at most three differ from 0. Inside a triangle of
        views they are its barycentric coordinates. Where limit points take part, these are left
        out and the rest is brought to sum 1; near a limit point alone, where that has no
        limit, the weights go over to the view nearest to it. All of it is continuous in the
        pose; poses past the limits are held at them.

        Raises:
            ContractError: the pose is not finite.
        """
        query = np.clip(np.array([yaw, pitch], np.float64), -_QUERY_LIMIT, _QUERY_LIMIT)
        if not np.isfinite(query).all():
            raise ContractError("A head pose must be finite.", yaw=yaw, pitch=pitch)
        simplex = int(self._hull.find_simplex(query, tol=1e-9))
        corners, inner = self._barycentric(simplex, query)
        kept = len(self.order)
        weights = np.zeros(kept)
        is_view = corners < kept
        views = inner[is_view].sum()
        # The renormalisation has no limit at a limit point itself: close to one, the nearest
        # view takes over. A ramp that is 0 away from it leaves every other place as it was.
        ramp = np.zeros(3)
        ramp[~is_view] = _smooth_step(inner[~is_view])
        share = max(1.0 - ramp.sum(), 0.0) if views > 0 else 0.0
        if views > 0:
            np.add.at(weights, corners[is_view], inner[is_view] * (share / views))
            leftover = ramp[~is_view]
        else:
            leftover = inner[~is_view]
        np.add.at(weights, self._stand_ins[corners[~is_view] - kept], leftover)
        result = np.zeros(len(self.points), np.float32)
        result[self.order] = weights / weights.sum()
        return result

    def members(self, view: int) -> IntArray:
        """Return the indices of the views that share the cell of ``view``, ascending."""
        return np.flatnonzero(self.cell == self.cell[view]).astype(np.int32)

    def _barycentric(self, simplex: int, query: DoubleArray) -> tuple[IntArray, DoubleArray]:
        """Return a triangle's corners and the query's coordinates in it, from areas.

        Areas, not scipy's stored transforms: those are NaN for triangles that are nearly flat.
        """
        if simplex < 0:  # rounding at an edge: the triangle that the query leaves least
            simplex = int(np.argmax([self._inside(k, query).min() for k in self._proper()]))
            simplex = self._proper()[simplex]
        inner = np.clip(self._inside(simplex, query), 0.0, None)
        return self.triangles[simplex], inner / inner.sum()

    def _proper(self) -> list[int]:
        return [k for k in range(len(self.triangles)) if abs(self._area(k)) > 0]

    def _area(self, simplex: int) -> float:
        a, b, c = self._hull.points[self.triangles[simplex]]
        return float(_cross(b - a, c - a))

    def _inside(self, simplex: int, query: DoubleArray) -> DoubleArray:
        a, b, c = self._hull.points[self.triangles[simplex]] - query
        return np.array([_cross(b, c), _cross(c, a), _cross(a, b)]) / self._area(simplex)


def _cross(a: DoubleArray, b: DoubleArray) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def _smooth_step(share: DoubleArray) -> DoubleArray:
    t = np.clip((share - _CORNER_BEGINS) / (_CORNER_ENDS - _CORNER_BEGINS), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _thin(points: DoubleArray, radius: float) -> tuple[IntArray, IntArray]:
    """Keep one view per ``radius``, the densest first; say with which each other one stands."""
    tree = cKDTree(points)
    near = [sorted(found) for found in tree.query_ball_point(points, radius)]
    visits = sorted(range(len(points)), key=lambda index: (-len(near[index]), index))
    dropped = np.zeros(len(points), bool)
    order: list[int] = []
    for index in visits:
        if not dropped[index]:
            order.append(index)
            dropped[near[index]] = True
    kept = np.array(order, np.int32)
    cell = kept[cKDTree(points[kept]).query(points)[1]]
    return kept, cell.astype(np.int32)
