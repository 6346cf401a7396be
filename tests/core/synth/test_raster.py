from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.arrays import AnyArray
from faceplate.core.synth.raster import (
    EMPTY,
    add_modes,
    add_normals,
    draw_strands,
    draw_triangles,
)


def drawn(screen: AnyArray, triangles: AnyArray, *, culled: bool = False, side: int = 24):
    near = np.zeros((side, side), np.float32)
    ids = np.full((side, side), EMPTY, np.int32)
    table = np.asarray(triangles, np.int32)
    draw_triangles(np.asarray(screen, np.float32), table, 0, len(table), culled, near, ids)
    return near, ids


def nearest_by_brute_force(screen: AnyArray, triangles: AnyArray, side: int) -> AnyArray:
    """Ask every triangle about every sample: inside by three side tests, then the nearest."""
    ids = np.full((side, side), EMPTY)
    for row in range(side):
        for column in range(side):
            best = 0.0
            for t, corners in enumerate(triangles):
                a, b, c = (np.array(screen[k], float) for k in corners)
                system = np.array([[a[0], b[0], c[0]], [a[1], b[1], c[1]], [1, 1, 1]])
                if abs(np.linalg.det(system)) < 1e-9:
                    continue
                weights = np.linalg.solve(system, [column + 0.5, row + 0.5, 1])
                depth = weights @ [a[2], b[2], c[2]]
                if (weights >= 0).all() and depth > best:
                    best, ids[row, column] = depth, t
    return ids


def test_samples_show_the_nearest_triangle_that_holds_them() -> None:
    rng = np.random.default_rng(4)
    screen = np.column_stack([rng.uniform(-6, 30, (36, 2)), rng.uniform(0.01, 0.05, 36)])
    triangles = np.arange(36).reshape(12, 3)

    _, ids = drawn(screen, triangles)

    wrong = ids != nearest_by_brute_force(screen.astype(np.float32), triangles, 24)
    assert wrong.sum() == 0
    assert (ids != EMPTY).mean() > 0.5


def test_order_of_drawing_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    screen = np.column_stack([rng.uniform(0, 24, (30, 2)), rng.uniform(0.01, 0.05, 30)])
    triangles = np.arange(30).reshape(10, 3)

    near, _ = drawn(screen, triangles)
    backwards, _ = drawn(screen, triangles[::-1])

    np.testing.assert_array_equal(near, backwards)


def test_triangles_that_face_away_are_left_out_when_culled() -> None:
    screen = [[2, 2, 0.1], [2, 20, 0.1], [20, 2, 0.1]]  # counter-clockwise with y up

    assert (drawn(screen, [[0, 1, 2]], culled=True)[1] == 0).any()
    assert (drawn(screen, [[0, 2, 1]], culled=True)[1] == EMPTY).all()
    assert (drawn(screen, [[0, 2, 1]], culled=False)[1] == 0).any()


def test_triangles_behind_the_camera_are_not_drawn() -> None:
    _, ids = drawn([[2, 2, 0.1], [2, 20, 0.0], [20, 2, 0.1]], [[0, 1, 2]])

    assert (ids == EMPTY).all()


@pytest.mark.parametrize(("depth", "shown"), [(0.05, False), (0.2, True)])
def test_a_strand_is_seen_where_nothing_is_nearer(depth: float, shown: bool) -> None:
    near, ids = drawn([[-9, -9, 0.1], [-9, 90, 0.1], [90, -9, 0.1]], [[0, 1, 2]])
    points = np.array([[[3, 12.5, depth], [21, 12.5, depth]]], np.float32)
    light = np.zeros((24, 24, 3), np.float32)

    draw_strands(points, np.ones_like(points), np.ones(1, np.float32), -12, near, ids, light)

    assert (ids[12, 4:20] == -12).all() == shown
    assert (light.sum() > 0) == shown
    assert (np.delete(ids, 12, axis=0) == 0).all()


def test_normals_of_a_ball_point_outwards() -> None:
    points, triangles = octahedron()
    normals = np.zeros_like(points)

    add_normals(points, triangles, np.arange(6, dtype=np.int32), normals)

    np.testing.assert_allclose(normals, points, atol=1e-6)


def test_modes_add_up() -> None:
    rng = np.random.default_rng(2)
    modes = rng.integers(-127, 128, (3, 10)).astype(np.int8)
    scale, weights = np.array([0.1, 0.2, 0.3], np.float32), np.array([1, 0, -2], np.float32)
    values = np.ones(10, np.float32)

    add_modes(values, modes, scale, weights)

    np.testing.assert_allclose(values, 1 + 0.1 * modes[0] - 0.6 * modes[2], rtol=1e-5)


def octahedron() -> tuple[AnyArray, AnyArray]:
    points = np.array(
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0], [0, 0, -1]], np.float32
    )
    faces = [[0, 1, 2], [1, 3, 2], [3, 4, 2], [4, 0, 2], [1, 0, 5], [3, 1, 5], [4, 3, 5], [0, 4, 5]]
    return points, np.array(faces, np.int32)
