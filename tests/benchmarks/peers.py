"""What open face swap scripts do, written down again to measure ourselves beside them.

Both work on 8-bit display pictures and 68 landmarks, and know nothing of our warp, matte or light.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial import Delaunay

from faceplate.core.analysis.landmark import wflw_landmarks

WFLW_OF_IBUG = (
    *range(0, 33, 2),
    *range(33, 38),
    *range(42, 47),
    *range(51, 60),
    60, 61, 63, 64, 65, 67,
    68, 69, 71, 72, 73, 75,
    *range(76, 96),
)  # fmt: skip
"""The 68 points of iBUG 300-W among the 98 of WFLW: the usual subset."""

_FEATHER = 0.04
"""Width of the Delaunay peer's soft edge, in face heights."""


def ibug68(mesh: np.ndarray) -> np.ndarray:
    """Return (68, 2) float64 landmarks of a (478, 3) mesh, centres at .5."""
    points = wflw_landmarks(np.asarray(mesh, np.float64), 1.0).points
    return points[list(WFLW_OF_IBUG)].astype(np.float64)


def seamless_affine(
    source: np.ndarray, source_points: np.ndarray, plate: np.ndarray, plate_points: np.ndarray
) -> np.ndarray:
    """Lay a source picture over a plate by one affine map, and blend it with `cv2.seamlessClone`.

    Args:
        source, plate: (H, W, 3) uint8.
        source_points, plate_points: (68, 2).

    Returns:
        (H, W, 3) uint8, the plate's size.
    """
    ones = np.column_stack([source_points - 0.5, np.ones(68)])
    solved, *_ = np.linalg.lstsq(ones, plate_points - 0.5, rcond=None)
    size = (plate.shape[1], plate.shape[0])
    warped = cv2.warpAffine(
        source, solved.T, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    mask = _hull(plate_points, plate.shape[:2])
    # A mask that touches the picture's border makes the solver fail.
    mask[[0, -1]] = 0
    mask[:, [0, -1]] = 0
    x, y, width, height = cv2.boundingRect(mask)
    return cv2.seamlessClone(
        warped, plate, mask, (x + width // 2, y + height // 2), cv2.NORMAL_CLONE
    )


def delaunay_feathered(
    source: np.ndarray, source_points: np.ndarray, plate: np.ndarray, plate_points: np.ndarray
) -> np.ndarray:
    """Warp a source picture triangle by triangle and lay it over with a feathered convex hull.

    Args and result as `seamless_affine`.
    """
    height, width = plate.shape[:2]
    triangulation = Delaunay(plate_points)
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    pixels = np.column_stack([x.ravel(), y.ravel()])
    simplex = triangulation.find_simplex(pixels)
    inside = simplex >= 0
    affine = triangulation.transform[simplex[inside]]
    two = np.einsum("nij,nj->ni", affine[:, :2], pixels[inside] - affine[:, 2])
    shares = np.column_stack([two, 1 - two.sum(axis=1)])
    corners = source_points[triangulation.simplices[simplex[inside]]]
    where = np.zeros((height * width, 2), np.float32)
    where[inside] = np.einsum("ni,nij->nj", shares, corners) - 0.5
    where = where.reshape(height, width, 2)
    warped = cv2.remap(source, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    mask = (_hull(plate_points, plate.shape[:2]) > 0).astype(np.float32)
    feather = max(_FEATHER * float(np.ptp(plate_points[:, 1])), 1.0)
    kernel = 2 * round(feather) + 1
    shrunk = cv2.erode(mask, np.ones((kernel, kernel), np.uint8))
    soft = (cv2.GaussianBlur(shrunk, (0, 0), feather / 2) * inside.reshape(mask.shape))[..., None]
    return np.rint(plate * (1 - soft) + warped * soft).clip(0, 255).astype(np.uint8)


PEERS = {
    "peer: 68-point affine + seamlessClone": seamless_affine,
    "peer: 2-D Delaunay + feathered hull": delaunay_feathered,
}


def _hull(points: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(size[:2], np.uint8)
    hull = cv2.convexHull(points.astype(np.float32))
    cv2.fillConvexPoly(mask, np.rint(hull - 0.5).astype(np.int32), 255)
    return mask
