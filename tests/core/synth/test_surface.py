from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.synth.surface import REACH, Body, cone


def _ball(radius: float, cell: float = 0.25) -> Body:
    rows = [cone([1, 2, 3], [1, 2, 3.001], radius, radius)]
    body = Body(rows, cell)
    body.add(rows, 0.5)
    return body


def test_a_ball_has_the_skin_of_a_ball() -> None:
    vertices, triangles = _ball(2.0).mesh()

    away = np.linalg.norm(vertices - [1, 2, 3], axis=1)
    a, b, c = (vertices[triangles[:, k]].astype(float) - [1, 2, 3] for k in range(3))
    assert np.abs(away - 2).max() < 0.05
    assert (a * np.cross(b, c)).sum() / 6 == pytest.approx(4 / 3 * np.pi * 8, rel=0.02)


def test_normals_of_a_ball_point_from_its_middle() -> None:
    body = _ball(2.0)
    vertices, _ = body.mesh()

    normals = body.normals(vertices)

    expected = (vertices - [1, 2, 3]) / np.linalg.norm(vertices - [1, 2, 3], axis=1)[:, None]
    assert (normals * expected).sum(1).min() > 0.99


@pytest.mark.parametrize("distance", [0.2, 0.5, 1.0])
def test_distance_outside_a_cone_is_the_way_to_its_skin(distance: float) -> None:
    rows = [cone([0, 0, 0], [5, 0, 0], 1.0, 1.0)]
    body = Body(rows, 0.2)
    body.add(rows, 0.02)

    found = body.at(np.array([[2.5, 1 + distance, 0], [2.5, 0, -1 - distance]], np.float32))

    np.testing.assert_allclose(found, distance, atol=0.03)


def test_far_points_are_at_the_reach() -> None:
    assert _ball(1.0).at(np.array([[50.0, 0, 0]], np.float32))[0] == np.float32(REACH)


def test_melting_fills_the_crease_between_two_balls() -> None:
    rows = [cone([0, 0, 0], [0.001, 0, 0], 1, 1), cone([1.9, 0, 0], [1.901, 0, 0], 1, 1)]
    crease = np.array([[0.95, 0.6, 0]], np.float32)
    sharp, smooth = Body(rows, 0.15), Body(rows, 0.15)

    sharp.add(rows, 0.02)
    smooth.add(rows, 1.2)

    assert sharp.at(crease)[0] > smooth.at(crease)[0] + 0.1


def test_a_limb_melts_at_its_root_and_not_at_its_tip() -> None:
    trunk = [cone([-3, 0, 0], [5, 0, 0], 1, 1)]
    limb = [cone([0, 1, 0], [0, 2.5, 0], 0.5, 0.5), cone([0, 2.5, 0], [4, 2.5, 0], 0.5, 0.5)]
    apart, grown = (Body([*trunk, *limb], 0.1) for _ in range(2))
    for body, blend in ((apart, 0.03), (grown, 0.8)):
        body.add(trunk, 0.02)
        body.grow(limb, 0.2, blend, 2.5)

    root, tip = np.array([[0.7, 1.2, 0]], np.float32), np.array([[3.7, 1.5, 0]], np.float32)

    assert grown.at(root)[0] < apart.at(root)[0] - 0.03
    assert grown.at(tip)[0] == pytest.approx(apart.at(tip)[0], abs=0.005)


def test_a_crease_is_less_open_than_a_top() -> None:
    rows = [cone([0, 0, -3], [0, 0, 3], 1, 1), cone([1.6, 0, -3], [1.6, 0, 3], 1, 1)]
    body = Body(rows, 0.15)
    body.add(rows, 0.1)
    points = np.array([[0.8, 0.6, 0], [0.0, 1.0, 0]], np.float32)

    crease, top = body.openness(points, np.array([[0, 1, 0], [0, 1, 0]], np.float32))

    assert crease < top - 0.2
    assert top == pytest.approx(1, abs=0.05)
