"""The canonical mesh: a closed-up disc, mirrored in itself, and tables that stay on it."""

from __future__ import annotations

import struct
from importlib import resources

import numpy as np
import pytest
from numpy.typing import NDArray

from faceplate.core.errors import ModelMismatchError
from faceplate.core.models.geometry import (
    mesh_arrays,
    mesh_file,
    read_canonical,
    wflw98,
    wflw98_flip,
)

with (resources.files("faceplate.core.models") / "mesh.npz").open("rb") as _stream:
    MESH = dict(np.load(_stream))


def edges() -> NDArray[np.int32]:
    """Every triangle's edges, each in the triangle's direction."""
    corners = MESH["triangles"]
    return np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])


def wflw_points() -> NDArray[np.float64]:
    """The WFLW points 0 to 95 on the canonical head; the irises are not part of it."""
    index, weight = MESH["wflw98_idx"][:96], MESH["wflw98_w"][:96]
    return (MESH["vertices"][index] * weight[..., None]).sum(1)


def packed(vertices: NDArray[np.float32], uv: NDArray[np.float32], triangles: NDArray[np.int32]):  # type: ignore[no-untyped-def]
    """Write MediaPipe's geometry file: a message with one mesh in field 1."""
    body = b"\x08\x00\x10\x00"
    for row in np.hstack([vertices, uv]).astype("<f4"):
        body += b"".join(b"\x1d" + struct.pack("<f", number) for number in row)
    body += b"".join(b"\x20" + varint(int(number)) for number in triangles.ravel())
    return b"\x0a" + varint(len(body)) + body + b"\x12\x02ab"


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def test_the_mesh_is_a_disc() -> None:
    undirected = np.unique(np.sort(edges(), axis=1), axis=0)

    assert len(MESH["vertices"]) - len(undirected) + len(MESH["triangles"]) == 1
    assert set(MESH["triangles"].ravel()) == set(range(468))


def test_all_triangles_turn_the_same_way_and_face_the_viewer() -> None:
    directed = edges()
    a, b, c = MESH["vertices"][MESH["triangles"]].transpose(1, 0, 2)
    toward = np.cross(b - a, c - a)[:, 2]

    assert len(np.unique(directed, axis=0)) == len(directed)
    assert toward.sum() > 0
    assert (toward > 0).mean() > 0.95


def test_the_rim_is_one_loop() -> None:
    directed = {tuple(edge) for edge in edges().tolist()}
    rim = dict(edge for edge in directed if edge[::-1] not in directed)

    seen = [next(iter(rim))]
    while (after := rim[seen[-1]]) != seen[0]:
        seen.append(after)

    assert len(seen) == len(rim) == 36


def test_the_head_is_its_own_mirror_image() -> None:
    vertices = MESH["vertices"]
    mirrored = vertices * [-1, 1, 1]

    gap = np.abs(mirrored[:, None] - vertices[None]).max(2).min(1)

    assert gap.max() < 1e-4


def test_axes_are_as_said() -> None:
    vertices = MESH["vertices"]
    right_eye, left_eye, chin, brow = vertices[[33, 263, 152, 10]]

    assert right_eye[0] < 0 < left_eye[0]
    assert chin[1] < brow[1]
    assert vertices[4, 2] == pytest.approx(vertices[:, 2].max(), abs=0.1)  # the tip of the nose
    assert MESH["uv"].min() >= 0
    assert MESH["uv"].max() <= 1
    assert MESH["uv"][152, 1] < MESH["uv"][10, 1]


def test_the_wflw_points_mirror_exactly() -> None:
    points = wflw_points()
    flip = MESH["wflw98_flip"]

    assert np.array_equal(flip[flip], np.arange(98))
    np.testing.assert_array_equal(points[flip[:96]] * [-1, 1, 1], points)
    assert flip[96] == 97


def test_the_contour_runs_ear_to_ear_over_the_chin_in_even_steps() -> None:
    contour = wflw_points()[:33]
    steps = np.linalg.norm(np.diff(contour, axis=0), axis=1)

    np.testing.assert_allclose(contour[16], MESH["vertices"][152], atol=1e-6)
    assert (np.diff(contour[3:30, 0]) > 0).all()
    assert contour[0, 0] < -6.5
    assert contour[32, 0] > 6.5
    assert steps.max() < 1.25 * steps.min()  # chords of equal arcs


def test_weights_are_shares() -> None:
    weight = MESH["wflw98_w"]

    np.testing.assert_allclose(weight.sum(1), 1, atol=1e-6)
    assert weight.min() >= 0
    assert MESH["wflw98_idx"].max() == 473


def test_the_expression_points_are_146_of_the_mesh_with_all_of_both_irises() -> None:
    points = MESH["blendshape_landmarks146"]

    assert len(points) == 146
    assert (np.diff(points) > 0).all()
    assert points[-10:].tolist() == list(range(468, 478))


def test_the_shipped_tables_are_what_the_code_makes() -> None:
    index, weight = wflw98(MESH["vertices"])

    np.testing.assert_array_equal(index, MESH["wflw98_idx"])
    np.testing.assert_array_equal(weight, MESH["wflw98_w"])
    np.testing.assert_array_equal(wflw98_flip(), MESH["wflw98_flip"])


def test_a_geometry_file_is_read_back_to_the_shipped_mesh() -> None:
    down = np.stack([MESH["uv"][:, 0], 1 - MESH["uv"][:, 1]], axis=1).astype(np.float32)

    made = mesh_arrays(packed(MESH["vertices"], down, MESH["triangles"]))

    assert list(made) == list(MESH)
    for name, values in made.items():
        assert values.dtype == MESH[name].dtype
        np.testing.assert_array_equal(values, MESH[name])


def test_the_same_arrays_make_the_same_file() -> None:
    shipped = (resources.files("faceplate.core.models") / "mesh.npz").read_bytes()

    assert mesh_file(MESH) == shipped


def test_another_geometry_is_refused() -> None:
    short = packed(MESH["vertices"][:-1], MESH["uv"][:-1], MESH["triangles"])

    with pytest.raises(ModelMismatchError, match="not the known one"):
        read_canonical(short)
    with pytest.raises(ModelMismatchError):
        read_canonical(b"\x0b\x00")
