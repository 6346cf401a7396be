"""The head that is rendered: shape, identities, expressions, landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from faceplate.core.arrays import AnyArray, BoolArray, DoubleArray, FloatArray, IntArray
from faceplate.core.errors import ModelMismatchError
from faceplate.core.synth.convert import convert_ict, read_head
from faceplate.core.synth.fields import HeadFields, map_fields
from faceplate.core.synth.raster import add_modes, add_normals
from faceplate.core.synth.skull import Skull, map_skull

SKIN, SCALP, SOCKET, LID, GUMS, TEETH, EYE_LEFT, EYE_RIGHT, LASH = range(9)
"""Parts of a head. Socket is the inside of lips and mouth, lid the inside of the eye sockets; the
tongue belongs to the gums. Left and right are the person's own."""

_ICT_VERTICES, _ICT_MODES, _ICT_SHOWN, _ICT_LASH = 26719, 100, 24591, 25351
_ICT_STARTS = (0, 9409, 11248, 13294, 13678, 14062, 17039, 21451, 23021, 24591)
_ICT_PARTS = (SKIN, SCALP, SOCKET, LID, LID, GUMS, TEETH, EYE_LEFT, EYE_RIGHT)
"""First vertex of each part, in file order (ICT-FaceKit, vertex_indices.json)."""
_ICT_BUST = -11.0  # cm; the shoulders of the head model lie below
_LASH_FAN = 114  # vertices of one of the twelve fans


@dataclass(frozen=True, slots=True, eq=False)
class HeadModel:
    """A deformable head: ``vertex = neutral + sum(weight * scale * mode)``.

    Centimetres, x to the person's left, y up, z to the front.

    Attributes:
        name: "ict" or "procedural".
        neutral: (V, 3) float32.
        triangles: (T, 3) int32, counter-clockwise seen from outside; lashes have none.
        part: (V,) int32, one of the parts above.
        uv: (V, 2) float32.
        identity_modes: (K, V, 3) int8; weights are of unit normal distribution.
        identity_scale: (K,) float32.
        expression_modes: (E, V, 3) int8; weights 0 to 1.
        expression_scale: (E,) float32.
        expression_names: the E names of ICT-FaceKit.
        mesh_points: (468,) int32; the vertex of each point of MediaPipe's face mesh.
        ibug_points: (68,) int32.
        welded: (V,) int32; for each vertex the one whose normal it shares, or itself.
        lashes: (L, 5) int32; guides of the lashes, root to tip.
        fields: what grows where.
        skull: what hair stays outside of.
    """

    name: str
    neutral: FloatArray
    triangles: IntArray
    part: IntArray
    uv: FloatArray
    identity_modes: AnyArray
    identity_scale: FloatArray
    expression_modes: AnyArray
    expression_scale: FloatArray
    expression_names: tuple[str, ...]
    mesh_points: IntArray
    ibug_points: IntArray
    welded: IntArray
    lashes: IntArray
    fields: HeadFields
    skull: Skull

    @classmethod
    def load(cls, path: Path) -> HeadModel:
        """Read a compact head file, or ICT-FaceKit's folder of meshes, which takes longer.

        Raises:
            ModelMissingError: there is no such file, or one is missing in the folder.
            ModelMismatchError: it is not an ICT head.
        """
        return ict_head(convert_ict(path) if path.is_dir() else read_head(path))

    @property
    def used(self) -> BoolArray:
        """(V,) the vertices that triangles have."""
        used = np.zeros(len(self.neutral), np.bool_)
        used[self.triangles.ravel()] = True
        return used

    def shape(self, identity: Sequence[float] | AnyArray) -> FloatArray:
        """Return a person's resting head, (V, 3) float32; surplus weights are left out."""
        vertices = self.neutral.copy()
        weights = np.asarray(identity, np.float32)[: len(self.identity_modes)]
        _add(vertices, self.identity_modes, self.identity_scale, weights)
        return vertices

    def acted(self, shape: FloatArray, expression: Sequence[float] | AnyArray) -> FloatArray:
        """Return a resting head with an expression, (V, 3) float32; the eyeballs stay."""
        vertices = shape.copy()
        weights = np.asarray(expression, np.float32)
        _add(vertices, self.expression_modes, self.expression_scale, weights)
        for eye in (EYE_LEFT, EYE_RIGHT):
            vertices[self.part == eye] = shape[self.part == eye]
        return vertices

    def normals(self, vertices: FloatArray) -> FloatArray:
        """Return outward unit normals, (V, 3) float32."""
        out = np.zeros_like(vertices)
        add_normals(vertices, self.triangles, self.welded, out)
        return out


def _add(vertices: FloatArray, modes: AnyArray, scale: FloatArray, weights: FloatArray) -> None:
    flat = vertices.reshape(-1)
    add_modes(flat, modes.reshape(len(modes), -1), scale, weights)


def ict_head(arrays: dict[str, AnyArray]) -> HeadModel:
    """Return the head of a compact ICT file's arrays.

    Raises:
        ModelMismatchError: arrays are missing or of other shapes.
    """
    shape = arrays["neutral"].shape if "neutral" in arrays else None
    wanted = ("uv", "tri", "tri_uv", "id_q", "id_scale", "ex_q", "ex_scale", "ex_names", "lmk68")
    if shape != (_ICT_VERTICES, 3) or not all(name in arrays for name in wanted):
        raise ModelMismatchError("This is not the compact head file of ICT-FaceKit's full model.")
    kept = np.r_[:_ICT_SHOWN, _ICT_LASH:_ICT_VERTICES]
    neutral = arrays["neutral"][kept].astype(np.float32)
    triangles = arrays["tri"].astype(np.int32)
    uv = np.zeros((_ICT_VERTICES, 2), np.float32)
    uv[triangles.ravel()] = arrays["uv"].astype(np.float32)[arrays["tri_uv"].ravel()]
    lash_triangles = triangles[triangles[:, 0] >= _ICT_LASH]
    triangles = np.ascontiguousarray(triangles[(triangles < _ICT_SHOWN).all(axis=1)])
    # The bust ends where `body.py` goes on.
    bust = neutral[triangles, 1].min(axis=1) < _ICT_BUST
    triangles = np.ascontiguousarray(triangles[~bust])
    part = np.full(len(kept), LASH, np.int32)
    part[:_ICT_SHOWN] = np.repeat(_ICT_PARTS, np.diff(_ICT_STARTS))
    lashes = _lash_guides(arrays["neutral"], lash_triangles) - (_ICT_LASH - _ICT_SHOWN)
    ibug = arrays["lmk68"].astype(np.int32)
    mesh_points = ict_mesh_points()
    fields = map_fields(neutral, triangles, part, neutral[ibug], neutral[mesh_points])
    skin = triangles[(part[triangles] <= SCALP).all(axis=1)]
    return HeadModel(
        name="ict",
        neutral=neutral,
        triangles=triangles,
        part=part,
        uv=uv[kept],
        identity_modes=np.ascontiguousarray(arrays["id_q"][:, kept]),
        identity_scale=arrays["id_scale"].astype(np.float32),
        expression_modes=np.ascontiguousarray(arrays["ex_q"][:, kept]),
        expression_scale=arrays["ex_scale"].astype(np.float32),
        expression_names=tuple(str(name) for name in arrays["ex_names"]),
        mesh_points=mesh_points,
        ibug_points=ibug,
        welded=weld(neutral, part <= LID),
        lashes=lashes.astype(np.int32),
        fields=fields,
        skull=map_skull(neutral, skin, fields.ear),
    )


@cache
def ict_mesh_points() -> IntArray:
    """Return the ICT vertex nearest to each point of MediaPipe's mesh, (468,) int32."""
    with (files("faceplate.core.synth") / "ict_points.npz").open("rb") as stream:
        points: IntArray = np.load(stream, allow_pickle=False)["mesh468"].astype(np.int32)
    return points


def weld(vertices: AnyArray, among: BoolArray) -> IntArray:
    """Return for each vertex the first one at the same place, (V,) int32."""
    candidates = np.flatnonzero(among)
    target = np.arange(len(vertices), dtype=np.int32)
    for first, second in sorted(cKDTree(vertices[candidates]).query_pairs(2e-3)):
        low, high = candidates[first], candidates[second]
        target[high] = min(target[high], target[low])
    return target


def _lash_guides(neutral: DoubleArray, triangles: IntArray) -> IntArray:
    """Return the guides of all lashes, (L, 5), in file numbering.

    The fans of the ICT head repeat their root vertices, which marks the roots; from there each
    guide goes to the nearest vertex of the next row.
    """
    neighbours: dict[int, set[int]] = {v: set() for v in range(_ICT_LASH, _ICT_VERTICES)}
    for triangle in triangles.tolist():
        for vertex in triangle:
            neighbours[vertex] |= {other for other in triangle if other != vertex}
    doubles = cKDTree(neutral[_ICT_LASH:]).query_pairs(1e-3)
    roots = {_ICT_LASH + i for pair in doubles for i in pair}
    guides = []
    for start in range(_ICT_LASH, _ICT_VERTICES, _LASH_FAN):
        front = [v for v in range(start, start + _LASH_FAN) if v in roots]
        row = dict.fromkeys(front, 0)
        own_roots = front
        while front:
            onward = sorted({o for v in front for o in neighbours[v]} - row.keys())
            row |= {v: row[front[0]] + 1 for v in onward}
            front = onward
        for root in own_roots:
            guide = [root]
            while len(guide) < 5:
                onward = [v for v in sorted(neighbours[guide[-1]]) if row[v] == len(guide)]
                if not onward:
                    break
                steps = np.linalg.norm(neutral[onward] - neutral[guide[-1]], axis=1)
                guide.append(onward[int(np.argmin(steps))])
            if len(guide) == 5:
                guides.append(guide)
    return np.array(guides, np.int32).reshape(-1, 5)
