"""Edge-preserving fits of a coarse picture to a fine one."""

from __future__ import annotations

import cv2
import numba
import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray


def color_guided_filter(
    guide: FloatArray, small_guide: FloatArray, small: FloatArray, *, radius: int, epsilon: float
) -> FloatArray:
    """Return ``small`` at the guide's size, with edges where the guide's colour has them.

    In every box of the small picture each channel is written as a linear function of the guide's
    three channels; the functions are then applied to the guide itself.

    Args:
        guide: (H, W, 3) float32, finite.
        small_guide: (h, w, 3) float32, the guide reduced.
        small: (h, w, K) float32, what is fitted.
        radius: of the boxes, in pixels of ``small``.
        epsilon: variance of the guide below which it counts as flat.

    Returns:
        (H, W, K) float32.

    Source:
        He, Sun and Tang 2013, "Guided image filtering", eq. 19 to 21; He and Sun 2015, "Fast
        guided filter".
    """
    box = (2 * radius + 1, 2 * radius + 1)

    def mean(picture: AnyArray) -> AnyArray:
        return cv2.blur(picture, box, borderType=cv2.BORDER_REPLICATE)

    # Around its own mean the guide loses no digits to the squares.
    middle = small_guide.mean(axis=(0, 1))
    centered = (small_guide - middle).astype(np.float64)
    mean_guide = mean(centered)
    # OpenCV drops an axis of one channel
    mean_small = mean(small.astype(np.float64)).reshape(small.shape)
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    covariance = np.empty((*centered.shape[:2], 3, 3))
    for i, j in pairs:
        product = mean(centered[..., i] * centered[..., j])
        covariance[..., i, j] = product - mean_guide[..., i] * mean_guide[..., j]
        covariance[..., j, i] = covariance[..., i, j]
    covariance += epsilon * np.eye(3)
    inverse = _inverse(covariance)
    terms = np.empty((*small.shape, 4))
    for k in range(small.shape[2]):
        joint = mean(centered * small[..., k : k + 1]) - mean_guide * mean_small[..., k : k + 1]
        slope = np.einsum("hwij,hwj->hwi", inverse, joint)
        terms[..., k, :3] = slope
        # the guide itself is not shifted by its middle, the offset is
        terms[..., k, 3] = mean_small[..., k] - (slope * (mean_guide + middle)).sum(axis=2)
    smooth = np.stack([mean(terms[..., k, :]) for k in range(small.shape[2])], axis=2)
    return _applied(smooth.astype(np.float32), np.ascontiguousarray(guide, np.float32))


@numba.njit(nogil=True, cache=True, fastmath=False)  # type: ignore[untyped-decorator, unused-ignore]
def _applied(terms: FloatArray, guide: FloatArray) -> FloatArray:
    """Enlarge the functions (h, w, K, 4) to the guide's pixels, linearly, and apply them there."""
    rows, columns, count, _ = terms.shape
    height, width, _ = guide.shape
    result = np.empty((height, width, count), np.float32)
    line = np.empty((columns, count, 4), np.float32)
    for y in range(height):
        place = min(max((y + 0.5) * rows / height - 0.5, 0.0), rows - 1.0)
        upper = min(int(place), max(rows - 2, 0))
        lower = min(upper + 1, rows - 1)
        share = np.float32(place - upper)
        for column in range(columns):
            for k in range(count):
                for term in range(4):
                    above = terms[upper, column, k, term]
                    line[column, k, term] = above + share * (terms[lower, column, k, term] - above)
        for x in range(width):
            place = min(max((x + 0.5) * columns / width - 0.5, 0.0), columns - 1.0)
            left = min(int(place), max(columns - 2, 0))
            right = min(left + 1, columns - 1)
            share = np.float32(place - left)
            red, green, blue = guide[y, x, 0], guide[y, x, 1], guide[y, x, 2]
            for k in range(count):
                first = (
                    line[left, k, 0] * red
                    + line[left, k, 1] * green
                    + line[left, k, 2] * blue
                    + line[left, k, 3]
                )
                second = (
                    line[right, k, 0] * red
                    + line[right, k, 1] * green
                    + line[right, k, 2] * blue
                    + line[right, k, 3]
                )
                result[y, x, k] = first + share * (second - first)
    return result


def _inverse(matrices: AnyArray) -> AnyArray:
    """Return the inverses of symmetric (…, 3, 3) matrices, by cofactors: LAPACK is slow here."""
    a, b, c = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 0, 2]
    d, e, f = matrices[..., 1, 1], matrices[..., 1, 2], matrices[..., 2, 2]
    minors = np.empty_like(matrices)
    minors[..., 0, 0] = d * f - e * e
    minors[..., 0, 1] = minors[..., 1, 0] = c * e - b * f
    minors[..., 0, 2] = minors[..., 2, 0] = b * e - c * d
    minors[..., 1, 1] = a * f - c * c
    minors[..., 1, 2] = minors[..., 2, 1] = b * c - a * e
    minors[..., 2, 2] = a * d - b * b
    determinant = a * minors[..., 0, 0] + b * minors[..., 0, 1] + c * minors[..., 0, 2]
    return minors / determinant[..., None, None]
