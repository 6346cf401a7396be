"""The dense mesh: topology, fit, rasteriser, sight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from faceplate.core.frame import Window
from faceplate.core.geometry import mesh as meshes

ANGLES = st.floats(-40, 40)


def posed(
    yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, scale: float = 10.0
) -> np.ndarray:
    """Return the widened canonical head, turned about its own axes, in the middle of 400 x 400."""
    turn = Rotation.from_euler("yxz", [yaw, pitch, roll], degrees=True).as_matrix()
    pose = meshes.Similarity(scale, turn, np.array([200.0, 200.0, 0.0]))
    return pose.posed(meshes.topology().canonical)


def test_the_widened_mesh_is_a_disc() -> None:
    triangles = meshes.topology().triangles
    edges = np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]))
    edges = np.unique(np.sort(edges, axis=1), axis=0)

    euler = len(np.unique(triangles)) - len(edges) + len(triangles)

    assert euler == 1


def test_every_base_triangle_of_a_frontal_head_faces_the_viewer_where_it_is_flat() -> None:
    mesh = posed()
    corner = mesh[meshes.topology().triangles[:898]]
    a, b = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]

    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]

    assert (area > 0).mean() > 0.95


@settings(max_examples=30, deadline=None)
@given(ANGLES, ANGLES, ANGLES, st.floats(0.5, 60))
def test_the_fit_finds_the_pose_that_a_head_was_given(
    yaw: float, pitch: float, roll: float, scale: float
) -> None:
    mesh = posed(yaw, pitch, roll, scale)
    turn = Rotation.from_euler("yxz", [yaw, pitch, roll], degrees=True).as_matrix()

    found = meshes.fit(mesh)

    assert found.scale == pytest.approx(scale, rel=1e-9)
    np.testing.assert_allclose(found.rotation, turn, atol=1e-9)
    np.testing.assert_allclose(
        found.canonical(mesh), meshes.topology().canonical, atol=1e-6 * scale
    )


def test_widening_a_posed_head_gives_the_posed_widened_head() -> None:
    whole = posed(25, -10, 8)

    again = meshes.widened(whole[: meshes.VERTEX_COUNT])

    np.testing.assert_allclose(again, whole, atol=1e-6)


def test_raster_coordinates_come_back_from_the_pixels_they_were_spread_over() -> None:
    mesh = posed(20, 5, 3)
    window = Window(80, 60, 330, 340)

    drawn = meshes.rasterize(mesh, window)
    where = drawn.spread(mesh[:, :2])

    rows, columns = np.nonzero(drawn.cover)
    assert len(rows) > 10_000
    expected = np.column_stack([columns + 80.5, rows + 60.5])
    np.testing.assert_allclose(where[rows, columns], expected, atol=1e-3)


def test_the_window_only_cuts() -> None:
    mesh = posed(10)
    whole = meshes.rasterize(mesh, Window(0, 0, 400, 400))

    part = meshes.rasterize(mesh, Window(150, 120, 260, 300))

    np.testing.assert_array_equal(part.triangle, whole.triangle[120:300, 150:260])


def test_the_nearer_of_two_surfaces_is_drawn() -> None:
    mesh = posed(60)
    drawn = meshes.rasterize(mesh, Window(0, 0, 400, 400))

    depth = drawn.spread(mesh[:, 2:])[..., 0]
    at = np.rint(mesh[1, :2] - 0.5).astype(int)  # the tip of the nose hides the far cheek

    assert depth[at[1], at[0]] <= mesh[1, 2] + 3


def test_a_turned_head_hides_its_far_side() -> None:
    left, right = 454, 234

    seen = meshes.visibility(posed(yaw=45))
    mirrored = meshes.visibility(posed(yaw=-45))

    assert abs(float(seen[left]) - float(seen[right])) > 0.3
    assert float(seen[left]) == pytest.approx(float(mirrored[right]), abs=0.1)


def test_depth_is_zero_on_the_oval_of_the_jaw_and_negative_outside() -> None:
    shape = meshes.topology()
    jaw = [i for i in meshes.OVAL if shape.canonical[i, 1] < 0]

    np.testing.assert_allclose(shape.depth[jaw], 0, atol=1e-6)
    assert shape.depth[4] > 0.2
    assert (shape.depth[meshes.VERTEX_COUNT :] < 0).any()


def test_the_neutral_shape_of_a_calm_head_is_its_canonical_shape() -> None:
    poses = [posed(y)[: meshes.VERTEX_COUNT] for y in (-20, 0, 25)]

    neutral = meshes.neutral_shape(poses, [np.zeros(52, np.float32)] * 3)

    np.testing.assert_allclose(
        neutral, meshes.topology().canonical[: meshes.VERTEX_COUNT], atol=1e-6
    )
