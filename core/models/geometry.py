"""The canonical face mesh: MediaPipe's geometry, our tables from it to other layouts."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.errors import ModelMismatchError

_MESH, _VERTICES, _TRIANGLES = 1, 3, 4
"""Fields of ``GeometryPipelineMetadata`` and of the ``Mesh3d`` in it."""
_VARINT, _BYTES, _FIXED = 0, 2, 5
_VERTEX = 5  # x, y, z, u, v

_CONTOUR_RIGHT = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152)
_CONTOUR_LEFT = (356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152)
_CONTOUR_HALF = 17
_WFLW_INNER: tuple[int | tuple[int, int], ...] = (
    *((70, 46), 63, 105, 66, 107, 55, 65, 52, 53),  # right brow
    *(336, 296, 334, 293, (300, 276), 283, 282, 295, 285),  # left brow
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),  # nose
    *(33, 161, 159, 157, 133, 154, 145, 163),  # right eye
    *(362, 384, 386, 388, 263, 390, 374, 381),  # left eye
    *(61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91),  # outer lips
    *(78, 81, 13, 311, 308, 402, 14, 178),  # inner lips
    *(468, 473),  # irises
)
"""Points 33 to 97 of WFLW: a vertex, or the middle of two. Right and left are the person's own."""

_FLIP_GROUPS = (
    (range(0, 33), range(32, -1, -1)),
    (range(33, 42), (46, 45, 44, 43, 42, 50, 49, 48, 47)),
    (range(51, 55), range(51, 55)),
    (range(55, 60), range(59, 54, -1)),
    (range(60, 68), (72, 71, 70, 69, 68, 75, 74, 73)),
    (range(76, 88), (82, 81, 80, 79, 78, 77, 76, 87, 86, 85, 84, 83)),
    (range(88, 96), (92, 91, 90, 89, 88, 95, 94, 93)),
    (range(96, 97), range(97, 98)),
)
"""Which WFLW point is which in a mirror; a pair of sides is listed once."""

_EXPRESSION_POINTS = (
    *(0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65),
    *(66, 67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136),
    *(144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168),
    *(172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276),
    *(282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318),
    *(321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380),
    *(381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466),
    *range(468, 478),
)
"""The points that MediaPipe gives to its expression network, in its order."""


def mesh_arrays(metadata: bytes) -> dict[str, AnyArray]:
    """Return the arrays of ``mesh.npz``.

    Args:
        metadata: MediaPipe's ``geometry_pipeline_metadata_landmarks.binarypb``.

    Returns:
        vertices: (468, 3) float32, centimetres, x to the person's left, y up, z to the viewer.
        triangles: (898, 3) int32, counter-clockwise seen from outside.
        uv: (468, 2) float32, texture coordinates, v up.
        wflw98_idx, wflw98_w: (98, 2), each WFLW point as two mesh points and their weights.
        wflw98_flip: (98,) int32, which WFLW point is which in a mirror.
        blendshape_landmarks146: (146,) int32, the mesh points that face_blendshapes52 takes.

    Raises:
        ModelMismatchError: the bytes hold no such mesh.
    """
    vertices, uv, triangles = read_canonical(metadata)
    index, weight = wflw98(vertices)
    return {
        "vertices": vertices,
        "triangles": triangles,
        "uv": uv,
        "wflw98_idx": index,
        "wflw98_w": weight,
        "wflw98_flip": wflw98_flip(),
        "blendshape_landmarks146": np.array(_EXPRESSION_POINTS, np.int32),
    }


def mesh_file(arrays: dict[str, AnyArray]) -> bytes:
    """Return an ``.npz`` of ``arrays``; numpy stamps it with a fixed date, so bytes repeat."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_canonical(metadata: bytes) -> tuple[FloatArray, FloatArray, AnyArray]:
    """Return vertices (468, 3), uv (468, 2) and triangles (898, 3) of MediaPipe's geometry file.

    Raises:
        ModelMismatchError: the bytes hold no such mesh.
    """
    meshes = [value for field, value in _fields(metadata) if field == _MESH]
    numbers: dict[int, list[bytes | int]] = {_VERTICES: [], _TRIANGLES: []}
    for mesh in meshes[:1]:
        if isinstance(mesh, bytes):
            for field, value in _fields(mesh):
                numbers.setdefault(field, []).append(value)
    floats = b"".join(value for value in numbers[_VERTICES] if isinstance(value, bytes))
    indices = [value for value in numbers[_TRIANGLES] if isinstance(value, int)]
    if len(floats) != 468 * _VERTEX * 4 or len(indices) != 898 * 3:
        raise ModelMismatchError("The face geometry of the source package is not the known one.")
    table = np.frombuffer(floats, "<f4").reshape(-1, _VERTEX).astype(np.float32)
    table[:, 3:] = np.round(
        [[0, 1]] + table[:, 3:] * [[1, -1]], 6
    )  # v counts downwards in the file
    triangles = np.array(indices, np.int32).reshape(-1, 3)
    return table[:, :3].copy(), table[:, 3:].copy(), triangles


def wflw98(vertices: FloatArray) -> tuple[AnyArray, FloatArray]:
    """Return, for each WFLW point, two points of the 478-point mesh (98, 2) and their weights.

    The contour is cut into equal arcs along the canonical ``vertices`` (468, 3).
    """
    right = _equal_arcs(vertices, _CONTOUR_RIGHT, _CONTOUR_HALF)
    left = _equal_arcs(vertices, _CONTOUR_LEFT, _CONTOUR_HALF)
    points = right + left[-2::-1]
    for entry in _WFLW_INNER:
        first, second = entry if isinstance(entry, tuple) else (entry, entry)
        points.append((first, second, 0.5 if first != second else 1.0))
    index = np.array([(first, second) for first, second, _ in points], np.int32)
    share = np.array([share for _, _, share in points])
    return index, np.stack([share, 1 - share], axis=1).astype(np.float32)


def wflw98_flip() -> AnyArray:
    """Return, for each WFLW point, its partner in a mirror: (98,) int32."""
    flip = np.zeros(98, np.int32)
    for here, there in _FLIP_GROUPS:
        flip[list(here)] = list(there)
        flip[list(there)] = list(here)
    return flip


def _equal_arcs(
    vertices: FloatArray, path: Sequence[int], count: int
) -> list[tuple[int, int, float]]:
    """Return ``count`` points at equal steps along ``path``: two vertices, share of the first."""
    line = vertices[list(path)].astype(np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    edges = list(pairwise(path))
    points = []
    for place in np.linspace(0, along[-1], count):
        edge = min(int(np.searchsorted(along, place, "right")) - 1, len(edges) - 1)
        share = (along[edge + 1] - place) / (along[edge + 1] - along[edge])
        points.append((*edges[edge], round(float(share), 4)))
    return points


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Yield number and value of each field of a protobuf message."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        field, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield field, value
        elif kind in (_BYTES, _FIXED):
            length, place = _varint(message, place) if kind == _BYTES else (4, place)
            yield field, message[place : place + length]
            place += length
        else:
            raise ModelMismatchError("The face geometry of the source package cannot be read.")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place
