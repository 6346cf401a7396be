"""What is where on a head: lips, brows, cheeks, beard, scalp, neck, ears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from faceplate.core.arrays import AnyArray, BoolArray, FloatArray, IntArray, smoothstep

_JAW = (
    (-10.0, -3.0), (-2.0, -1.6), (1.5, -2.5), (3.7, -4.2), (5.7, -5.6), (6.6, -6.5), (7.4, -7.1),
    (7.9, -7.6), (9.0, -8.5), (12.0, -8.7),
)  # fmt: skip
"""The lower edge of the face seen from the side, as (z, y): nape, jaw angle, chin."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadFields:
    """Where what is on a head, per vertex, each (V,) float32.

    Attributes:
        lip: 1 on the lips, falling to 0 over a few millimetres.
        brow: distance to the middle line of the nearer brow, cm.
        brow_along: place along the brow, 0 at the nose to 1 at the temple.
        cheek, nose, chin, under_eye, lid, temple: soft spots, 0 to 1.
        oil: where skin shines, 0 to 1.
        beard, moustache: where they grow, 0 to 1.
        neck: how far below the face's lower edge, cm; negative on the face.
        ear: how far inside an ear, cm; negative elsewhere.
        inside: how far behind the lips, cm; 0 on the skin.
        open: how much light reaches a fold, 0 to 1.
        wrinkle: height of age lines, -1 to 1.
        azimuth: angle around the skull's axis, 0 in front to pi behind, both sides alike.
    """

    lip: FloatArray
    brow: FloatArray
    brow_along: FloatArray
    cheek: FloatArray
    nose: FloatArray
    chin: FloatArray
    under_eye: FloatArray
    lid: FloatArray
    temple: FloatArray
    oil: FloatArray
    beard: FloatArray
    moustache: FloatArray
    neck: FloatArray
    ear: FloatArray
    inside: FloatArray
    open: FloatArray
    wrinkle: FloatArray
    azimuth: FloatArray


def map_fields(
    points: FloatArray, triangles: IntArray, part: IntArray, marks: FloatArray, mesh: FloatArray
) -> HeadFields:
    """Lay out the fields of a neutral head.

    Args:
        points: (V, 3) the neutral head.
        triangles: (T, 3).
        part: (V,) as in `head.py`: 0 skin, 1 scalp, 2 socket, 3 lid.
        marks: (68, 3) iBUG landmarks.
        mesh: (468, 3) points of the face mesh.
    """
    x, y, z = points.T
    side = np.abs(x)
    skin, socket = part <= 1, part == 2
    smooth = _smoother(triangles, len(points))

    def near(centre: Sequence[float], width: float) -> FloatArray:
        away = (side - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2
        return np.exp(-away / (2 * width * width)).astype(np.float32)

    def spot(index: int, width: float, shift: Sequence[float] = (0, 0, 0)) -> FloatArray:
        return near(np.abs(mesh[index] * [1, 0, 0]) + mesh[index] * [0, 1, 1] + shift, width)

    front = skin & (z > mesh[13, 2] - 4.0)
    lip = (front & _inside(points[:, :2], marks[48:60, :2])).astype(np.float32)
    lip[socket] = 1.0
    lip = smooth(lip, 2)
    brow, along = _line_distance(np.column_stack([side, y, z]), marks[22:27] * [1, 1, 1])
    brow[part != 0] = 9.0
    jaw_line = np.interp(z, *np.array(_JAW).T)
    below_lips = marks[57, 1] - y + side * 0.45
    jaw = smoothstep(-0.3, -2.3, y) * smoothstep(-11.5, -8.8, y) * smoothstep(0.5, 3.5, z)
    corner, bow = marks[54], marks[51]
    lip_line = np.array([[0.25, bow[1] + 0.75, bow[2]], [1.5, bow[1] + 0.45, bow[2] - 0.7],
                         corner + [0.35, 0.3, 0.0], corner + [0.6, -1.2, -0.6]])  # fmt: skip
    off_line, _ = _line_distance(np.column_stack([side, y, z]), lip_line)
    moustache = smoothstep(0.85, 0.35, off_line)
    beard = jaw * smoothstep(-0.9, 0.7, below_lips) * (1 - smoothstep(0.3, 0.7, lip))
    beard[~skin] = 0.0
    moustache = moustache * (1 - smoothstep(0.3, 0.7, lip)) * skin
    ear = np.minimum.reduce([side - 7.55, 5.7 - y, y + 1.9, 3.3 - z, z + 3.6])
    ear[~skin] = -9.0
    behind = np.minimum.reduce([-1.2 - z, 4.6 - y, side - 4.0])  # between ear and hair
    neck = np.maximum(jaw_line - 0.25 - y, behind)
    neck[~skin] = -9.0
    inside = np.zeros(len(points))
    lips_z = np.interp(side, [0, 1.0, 2.3], [mesh[13, 2], mesh[13, 2] - 0.25, marks[60, 2]])
    inside[socket] = np.maximum(lips_z - z, 0.0)[socket]
    inside[part >= 4] = np.maximum(mesh[13, 2] - z, 0.05)[part >= 4]
    hollow = smooth(_hollow(points, triangles, skin | socket), 3)
    light = np.clip(1 - 6 * np.clip(hollow, 0, 0.12), 0.35, 1.0)
    wrinkle = _wrinkles(points, marks)
    wrinkle[part != 0] = 0.0
    single = {
        "lip": lip,
        "brow": np.minimum(brow, 9.0),
        "brow_along": along,
        "cheek": spot(425, 1.7),
        "nose": spot(4, 1.2),
        "chin": spot(199, 1.5),
        "under_eye": spot(374, 0.85, (0, -0.8, 0)),
        "lid": spot(386, 0.8, (0, 0.5, 0.1)),
        "temple": near((7.0, 6.0, 5.0), 1.6),
        "oil": spot(4, 1.4) + 0.8 * spot(151, 2.4) + 0.5 * spot(199, 1.0) + 0.4 * spot(425, 1.2),
        "beard": beard,
        "moustache": moustache,
        "neck": neck,
        "ear": ear,
        "inside": inside,
        "open": light,
        "wrinkle": wrinkle,
        "azimuth": np.arctan2(side, z - 0.5),
    }
    return HeadFields(**{name: value.astype(np.float32) for name, value in single.items()})


def _smoother(triangles: IntArray, count: int):  # type: ignore[no-untyped-def]
    """Return a function that averages a field with its neighbours so many times."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    matrix = coo_matrix((np.ones(len(edges)), tuple(edges.T)), shape=(count, count)).tocsr()
    matrix = csr_matrix(((matrix + matrix.T) > 0).astype(np.float32))
    degree = np.maximum(np.asarray(matrix.sum(axis=1)).ravel(), 1.0)

    def smooth(field: AnyArray, times: int) -> AnyArray:
        for _ in range(times):
            field = 0.5 * field + 0.5 * (matrix @ field) / degree
        return field

    return smooth


def _hollow(points: FloatArray, triangles: IntArray, among: BoolArray) -> AnyArray:
    """Return how deep each vertex lies below its neighbours, cm."""
    smooth = _smoother(triangles, len(points))
    mean = 2 * np.stack([smooth(axis, 1) for axis in points.T], axis=1) - points
    normals = np.zeros(points.shape)
    corners = points[triangles].astype(np.float64)
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    for k in range(3):
        np.add.at(normals, triangles[:, k], flat)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return ((mean - points) * normals).sum(axis=1) * among


def _inside(points: AnyArray, outline: AnyArray) -> BoolArray:
    """Return which (N, 2) points lie inside a closed outline, by counting crossings."""
    x, y = points.T
    crossings = np.zeros(len(points), np.int64)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        spans = (y0 > y) != (y1 > y)
        crossings += spans & (x < (x1 - x0) * (y - y0) / (y1 - y0 + 1e-12) + x0)
    return np.asarray(crossings % 2 == 1)


def _line_distance(points: AnyArray, line: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return the distance to a polyline and the place along it (0 to 1), each (N,)."""
    nearest, along = np.full(len(points), np.inf), np.zeros(len(points))
    for i in range(len(line) - 1):
        step = line[i + 1] - line[i]
        t = np.clip((points - line[i]) @ step / (step @ step), 0.0, 1.0)
        distance = np.linalg.norm(points - line[i] - t[:, None] * step, axis=1)
        along = np.where(distance < nearest, (i + t) / (len(line) - 1), along)
        nearest = np.minimum(nearest, distance)
    return nearest, along


def _wrinkles(points: FloatArray, marks: FloatArray) -> AnyArray:
    """Return the lines of an old face: forehead, crow's feet, nose to mouth, below the eyes."""
    x, y, z = points.T
    side = np.abs(x)
    forehead = np.sin((y - 0.12 * np.cos(x)) * 5.2) * smoothstep(6.8, 7.6, y)
    forehead *= smoothstep(11.0, 9.5, y) * smoothstep(5.2, 3.5, side) * smoothstep(5.0, 8.0, z)
    fold = np.array([[1.9, 0.0, 11.2], [2.7, -1.6, 10.8], [3.3, -3.4, 9.9], [3.3, -4.8, 9.4]])
    distance, _ = _line_distance(np.column_stack([side, y, z]), fold)
    folds = -1.3 * np.exp(-((distance / 0.18) ** 2))
    corner = marks[45] * [1, 1, 1]
    angle = np.arctan2(y - corner[1], side - corner[0])
    reach = np.hypot(y - corner[1], side - corner[0])
    crow = np.sin(angle * 9.0) * np.exp(-(((reach - 1.1) / 0.6) ** 2)) * (side > corner[0])
    bag = np.array([[1.9, 2.3, 9.6], [2.9, 1.8, 9.6], [4.0, 2.1, 9.0]])
    distance, _ = _line_distance(np.column_stack([side, y, z]), bag)
    return forehead * 0.8 + folds + crow * 0.7 - np.exp(-((distance / 0.15) ** 2))
