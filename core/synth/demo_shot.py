"""Render the embedded demo shot: two synthetic performers in Blender Cycles.

A plain script for the Python that has `bpy`, `numpy`, `scipy` and `OpenEXR`. It knows nothing of
the rest of the package, so that the engine never has to install Blender:

    python core/synth/demo_shot.py --head ict_face_compact.npz --hdri hdri_cc0_256.npz \
        --out rendered --what plate --frames 1001-1024

`--what covered --hands hands.npz` is the second shot: a hand (`demo_hand.py`) passes over the face
and longer hair falls over the forehead.

`--what truth` renders what a perfect swap of that plate would be: performer B's face, skin, eyes
and brows under performer A's movement, skull, hair, shirt, camera and light.

Model space is centimetres, x to the performer's own left, y up, z to the front. Pictures leave as
ACEScg half-float EXR. Everything random is seeded: the same call renders the same picture.

Source:
    Head, identities and expressions: ICT-FaceKit, MIT, (c) 2020 USC Institute for Creative
    Technologies. Environment maps: Greg Zaal, Poly Haven, CC0.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import mathutils
import numpy as np
import OpenEXR
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Colour = tuple[float, float, float]

# First vertex of each part of the ICT head, in file order (ICT-FaceKit, vertex_indices.json).
PART_STARTS = (0, 9409, 11248, 13294, 13678, 14062, 17039, 21451, 22221, 23021, 23791, 24591)
PART_NAMES = (
    "face", "head", "mouth_socket", "left_socket", "right_socket", "gums", "teeth",
    "left_eye", "left_iris", "right_eye", "right_iris", "rest",
)  # fmt: skip
LASH_START = 25351

# Linear Rec.709 (D65) to ACEScg (D60), Bradford adaptation; the matrix of the ACES OCIO config.
ACESCG_FROM_REC709 = np.array(
    [
        [0.6130974024, 0.3395231462, 0.0473794514],
        [0.0701937225, 0.9163538791, 0.0134523985],
        [0.0206155929, 0.1095697729, 0.8698146341],
    ]
)
DWA_LEVEL = 110.0
"""Keeps the whole demo under 6 MB; the loss lies below the sensor noise that is added later."""
AP1_CHROMATICITIES = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)

NECK_PIVOT = np.array([0.0, -7.0, -1.0])


# ------------------------------------------------------------------------------- performers


@dataclasses.dataclass(frozen=True, slots=True)
class HairCut:
    """How the hair of a performer grows.

    Attributes:
        hairline: height of the hairline in cm: at the front, above the ears, in the nape.
        lengths: strand length in cm: front, crown, sides.
        swept: "fringe" falls to one side over the forehead, "back" leaves it free.
        melanin: darkness for the hair shader, 0 to 1.
        redness: share of red pigment, 0 to 1.
        curl: sideways wobble of a strand in cm.
        volume: how far the outer layer stands off the skull in cm.
    """

    hairline: tuple[float, float, float]
    lengths: tuple[float, float, float]
    swept: str
    melanin: float
    redness: float
    curl: float
    volume: float


@dataclasses.dataclass(frozen=True, slots=True)
class Performer:
    """Who is seen: shape, skin, eyes and hair. Colours are linear Rec.709 albedo."""

    seed: int
    identity_seed: int
    identity_strength: float
    skin: Colour
    lips: Colour
    iris: Colour
    iris_ring: Colour
    flush: float
    freckles: float
    roughness: float
    stubble: float
    brow_width: float
    brow_tint: float
    lash_length: float
    shirt: Colour
    hair: HairCut


PLATE_ACTOR = Performer(
    seed=11,
    identity_seed=3,
    identity_strength=0.8,
    skin=(0.36, 0.185, 0.105),
    lips=(0.30, 0.085, 0.070),
    iris=(0.075, 0.030, 0.012),
    iris_ring=(0.020, 0.008, 0.004),
    flush=0.55,
    freckles=0.35,
    roughness=0.43,
    stubble=0.0,
    brow_width=0.44,
    brow_tint=0.40,
    lash_length=0.80,
    shirt=(0.055, 0.085, 0.095),
    hair=HairCut(
        hairline=(9.6, 3.4, -4.5),
        lengths=(6.3, 8.0, 6.5),
        swept="fringe",
        melanin=0.96,
        redness=0.12,
        curl=0.22,
        volume=0.75,
    ),
)
COVERED_ACTOR = dataclasses.replace(
    PLATE_ACTOR,
    hair=dataclasses.replace(PLATE_ACTOR.hair, lengths=(9.5, 9.5, 7.5), curl=0.30, volume=0.6),
)
"""The same performer after some months without a barber."""
SOURCE_ACTOR = Performer(
    seed=23,
    identity_seed=16,
    identity_strength=0.9,
    skin=(0.62, 0.37, 0.255),
    lips=(0.50, 0.185, 0.150),
    iris=(0.115, 0.155, 0.165),
    iris_ring=(0.030, 0.042, 0.050),
    flush=0.9,
    freckles=0.8,
    roughness=0.36,
    stubble=0.55,
    brow_width=0.48,
    brow_tint=0.30,
    lash_length=0.62,
    shirt=(0.20, 0.175, 0.15),
    hair=HairCut(
        hairline=(10.4, 3.6, -4.0),
        lengths=(5.5, 5.0, 2.0),
        swept="back",
        melanin=0.74,
        redness=0.35,
        curl=0.10,
        volume=0.75,
    ),
)


# ------------------------------------------------------------------------------- performance


@dataclasses.dataclass(frozen=True, slots=True)
class HeadPose:
    """Degrees: yaw + to the own left, pitch + up, roll + to the own left."""

    yaw: float
    pitch: float
    roll: float

    def rotation(self, share: float = 1.0) -> Floats:
        """Return the (3, 3) matrix of `share` of this pose."""
        yaw, pitch, roll = np.radians([self.yaw, self.pitch, self.roll]) * share
        about_y = np.array(
            [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
        )
        about_x = np.array(
            [[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]
        )
        about_z = np.array(
            [[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
        )
        matrix: Floats = about_z @ about_y @ about_x
        return matrix


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """What is acted and filmed in one frame.

    Attributes:
        expression: weight of each expression shape, 0 to 1.
        gaze: the point in model space that the eyes look at.
        camera: where the camera stands, model space.
        target: what the camera looks at, model space.
    """

    pose: HeadPose
    expression: dict[str, float]
    gaze: Floats
    camera: Floats
    target: Floats


# Keys of the plate performance: frame counted from the first, value. Both sides of a face share.
PLATE_CURVES: dict[str, tuple[tuple[float, float], ...]] = {
    "yaw": ((0, -20), (4, -17), (10, -2), (16, 17), (23, 30)),
    "pitch": ((0, -3), (6, 3), (12, -4), (17, 1), (23, 5)),
    "roll": ((0, -3), (8, 1), (15, 5), (23, 2)),
    "jawOpen": (
        (0, 0.10), (3, 0.42), (6, 0.10), (9, 0.55), (12, 0.12), (15, 0.40), (18, 0.14), (21, 0.30),
        (23, 0.16),
    ),
    "mouthFunnel": (
        (0, 0), (4, 0.05), (6, 0.5), (8, 0.05),
        (11, 0.1), (12, 0.35), (14, 0), (23, 0),
    ),
    "mouthUpperUp": ((0, 0.15), (3, 0.3), (6, 0.05), (9, 0.35), (12, 0.1), (15, 0.3), (23, 0.3)),
    "mouthLowerDown": ((0, 0.2), (3, 0.4), (6, 0.1), (9, 0.45), (12, 0.1), (16, 0.4), (23, 0.25)),
    "mouthSmile": ((0, 0.1), (9, 0.08), (14, 0.2), (19, 0.6), (23, 0.7)),
    "cheekSquint": ((0, 0), (14, 0.05), (20, 0.25), (23, 0.3)),
    "eyeSquint": ((0, 0.05), (14, 0.05), (20, 0.12), (23, 0.15)),
    "browInnerUp": ((0, 0.05), (5, 0.1), (9, 0.5), (13, 0.15), (23, 0.05)),
    "browOuterUp": ((0, 0), (5, 0.05), (9, 0.3), (13, 0.05), (23, 0)),
    "eyeBlink": (
        (0, 0.02), (10, 0.03), (11, 0.45), (12, 1),
        (13, 0.95), (14, 0.4), (15, 0.04), (23, 0.03),
    ),
}  # fmt: skip
PLATE_FIRST = 1001
COVERED_CURVES: dict[str, tuple[tuple[float, float], ...]] = {
    "yaw": ((0, 14), (6, 8), (15, -10)),
    "pitch": ((0, -2), (8, -5), (15, 2)),
    "roll": ((0, 2), (15, -3)),
    "jawOpen": ((0, 0.12), (4, 0.2), (9, 0.1), (15, 0.22)),
    "mouthSmile": ((0, 0.15), (8, 0.1), (15, 0.55)),
    "mouthUpperUp": ((0, 0.1), (15, 0.2)),
    "eyeBlink": ((0, 0.03), (6, 0.1), (8, 0.8), (10, 0.7), (12, 0.08), (15, 0.03)),
    "browInnerUp": ((0, 0.1), (8, 0.25), (15, 0.05)),
}
"""A hand is drawn over the face: frames 1001 to 1016."""

# Performer B's source frames: yaw, pitch, roll and the expression.
SOURCE_MOMENTS: tuple[tuple[float, float, float, dict[str, float]], ...] = (
    (0, 0, 0, {}),
    (0, 2, 1, {"jawOpen": 0.45, "mouthLowerDown": 0.4, "mouthUpperUp": 0.25}),
    (3, 0, -2, {"mouthSmile": 0.75, "mouthUpperUp": 0.3, "cheekSquint": 0.5, "jawOpen": 0.08}),
    (-3, -2, 0, {"eyeBlink": 1.0}),
    (-15, 1, 1, {"browInnerUp": 0.2}),
    (15, -1, -1, {"mouthSmile": 0.15}),
    (-28, 0, 0, {"jawOpen": 0.25, "mouthFunnel": 0.35}),
    (28, 1, 2, {"jawOpen": 0.3, "mouthLowerDown": 0.3, "mouthUpperUp": 0.2}),
    (-40, -2, 0, {}),
    (40, 0, 0, {}),
    (-8, 14, 0, {"jawOpen": 0.12, "browOuterUp": 0.3}),
    (6, -14, 1, {"browDown": 0.3}),
    (-22, 7, -4, {"mouthSmile": 0.6, "mouthUpperUp": 0.3, "cheekSquint": 0.4, "jawOpen": 0.12}),
    (22, -9, 4, {"mouthPucker": 0.35, "jawOpen": 0.1}),
)


def _values_at(curves: dict[str, tuple[tuple[float, float], ...]], time: float) -> dict[str, float]:
    return {
        name: float(PchipInterpolator(*np.array(keys, float).T)(np.clip(time, 0, keys[-1][0])))
        for name, keys in curves.items()
    }


def covered_moment(frame: int) -> Moment:
    """Return the performance of the second shot at a frame; 1001 is the first of 16."""
    time = float(frame - PLATE_FIRST)
    values = _values_at(COVERED_CURVES, time)
    pose = HeadPose(values.pop("yaw"), values.pop("pitch"), values.pop("roll"))
    camera = np.array([4.0 - 0.4 * time, 3.5, 172.0])
    return Moment(pose, values, np.array([10.0, 0.0, 160.0]), camera, np.array([0.0, 0.5, 0.0]))


def plate_moment(frame: int) -> Moment:
    """Return the plate performance at a frame; 1001 is the first of 24."""
    time = float(frame - PLATE_FIRST)
    values = _values_at(PLATE_CURVES, time)
    pose = HeadPose(values.pop("yaw"), values.pop("pitch"), values.pop("roll"))
    progress = time / 23.0
    glance = float(np.clip((time - 12.0) / 2.0, 0.0, 1.0))
    gaze = np.array([-16.0 + 66.0 * glance, 4.0 - 1.0 * glance, 160.0])
    camera = np.array([-9.0 + 15.0 * progress, 4.0 + 1.5 * np.sin(2.0 * progress), 172.0])
    target = np.array([-1.5 + 2.5 * progress, 0.3, 0.0])
    return Moment(pose, values, gaze, camera, target)


def source_moment(frame: int) -> Moment:
    """Return the pose and expression of source frame 1 to 14, before a still camera."""
    yaw, pitch, roll, expression = SOURCE_MOMENTS[(frame - 1) % len(SOURCE_MOMENTS)]
    camera = np.array([0.0, 2.0, 172.0])
    gaze = np.array([1.2 * yaw, 2.0 + 0.8 * pitch, 160.0])
    return Moment(HeadPose(yaw, pitch, roll), dict(expression), gaze, camera, np.array([0, 0.8, 0]))


# ------------------------------------------------------------------------------- head model


@dataclasses.dataclass(frozen=True, slots=True)
class LashFan:
    """Guides of some lashes, along the lid: root to tip vertex numbers, (columns, points)."""

    columns: Ints
    count: int


class HeadModel:
    """The ICT head: topology, identities, expressions and where things are on it."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as stored:
            self.neutral: Floats = stored["neutral"].astype(float)
            self.triangles: Ints = stored["tri"].astype(np.int64)
            self.landmarks: Ints = stored["lmk68"].astype(np.int64)
            self._identity = stored["id_q"]
            self._identity_scale: Floats = stored["id_scale"].astype(float)
            self._expression = stored["ex_q"]
            self._expression_scale: Floats = stored["ex_scale"].astype(float)
            self._expression_names = [str(name) for name in stored["ex_names"]]
        self.part: Ints = np.searchsorted(PART_STARTS, np.arange(len(self.neutral)), "right") - 1
        self.triangle_part: Ints = self.part[self.triangles[:, 0]]

    def part_mask(self, *names: str) -> NDArray[np.bool_]:
        """Return which vertices belong to the named parts, (V,)."""
        return np.isin(self.part, [PART_NAMES.index(name) for name in names])

    def identity(self, seed: int, strength: float) -> Floats:
        """Return the resting head of a random person, (V, 3) cm."""
        weights = np.clip(np.random.default_rng(seed).normal(size=len(self._identity)), -2, 2)
        weights *= strength * self._identity_scale
        return self.neutral + np.tensordot(weights, self._identity.astype(np.float32), 1)

    def expression_offset(self, expression: dict[str, float]) -> Floats:
        """Return the offsets of an expression, (V, 3) cm; a name without side means both."""
        offset = np.zeros_like(self.neutral)
        for name, weight in expression.items():
            for full_name in (name, f"{name}_L", f"{name}_R"):
                if weight and full_name in self._expression_names:
                    index = self._expression_names.index(full_name)
                    scale = weight * self._expression_scale[index]
                    offset += scale * self._expression[index].astype(np.float32)
        # The eyeballs turn by gaze alone, as rigid balls.
        offset[self.part_mask("left_eye", "left_iris", "right_eye", "right_iris")] = 0.0
        return offset

    @functools.cached_property
    def welded(self) -> Ints:
        """For each vertex the one it coincides with across parts, else itself, (V,)."""
        skin = np.flatnonzero(self.part_mask(*PART_NAMES[:5]))
        target = np.arange(len(self.neutral))
        for first, second in sorted(cKDTree(self.neutral[skin]).query_pairs(2e-3)):
            low, high = skin[first], skin[second]
            if self.part[low] != self.part[high]:
                target[high] = target[low]
        return target

    def vertex_normals(self, vertices: Floats) -> Floats:
        """Return outward unit normals, (V, 3)."""
        corners = vertices[self.triangles]
        face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = np.zeros_like(vertices)
        for corner in range(3):
            np.add.at(normals, self.welded[self.triangles[:, corner]], face_normals)
        normals = normals[self.welded]
        return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)

    def lash_fans(self) -> list[LashFan]:
        """Return the guides of the lashes, twelve fans.

        Source: the lash fans of the ICT head repeat their root vertices, which marks the roots.
        """
        lash = np.arange(LASH_START, len(self.neutral))
        edges = self.triangles[self.triangles[:, 0] >= LASH_START]
        neighbours: dict[int, set[int]] = {int(vertex): set() for vertex in lash}
        for a, b, c in edges:
            neighbours[int(a)] |= {int(b), int(c)}
            neighbours[int(b)] |= {int(a), int(c)}
            neighbours[int(c)] |= {int(a), int(b)}
        doubles = cKDTree(self.neutral[lash]).query_pairs(1e-3)
        roots = {int(lash[i]) for pair in doubles for i in pair}
        fans = []
        for start in range(LASH_START, len(self.neutral), 114):
            own_roots = [v for v in range(start, start + 114) if v in roots]
            row_of = {vertex: 0 for vertex in own_roots}
            front = list(own_roots)
            while front:
                following = []
                for vertex in front:
                    for other in neighbours[vertex]:
                        if other not in row_of:
                            row_of[other] = row_of[vertex] + 1
                            following.append(other)
                front = following
            fan = []
            for root in own_roots:
                column = [root]
                while True:
                    onward = [v for v in neighbours[column[-1]] if row_of[v] == len(column)]
                    if not onward:
                        break
                    steps = self.neutral[onward] - self.neutral[column[-1]]
                    column.append(onward[int(np.argmin(np.linalg.norm(steps, axis=1)))])
                if len(column) >= 5:
                    fan.append(column[:5])
            columns = np.array(fan, dtype=np.int64)
            columns = columns[np.argsort(self.neutral[columns[:, 0], 0])]
            reach = self.neutral[columns[:, -1]] - self.neutral[columns[:, 0]]
            upper = float(reach[:, 2].mean()) > 0.5
            fans.append(LashFan(columns, 48 if upper else 12))
        return fans


def smoothstep(low: float, high: float, values: Floats) -> Floats:
    """Rise from 0 at `low` to 1 at `high`; `low` may be the greater."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def distance_to_line(points: Floats, line: Floats) -> Floats:
    """Return the distance of each point to a polyline, (N,)."""
    nearest = np.full(len(points), np.inf)
    for start, end in zip(line[:-1], line[1:], strict=True):
        along = end - start
        t = np.clip((points - start) @ along / (along @ along), 0.0, 1.0)
        nearest = np.minimum(nearest, np.linalg.norm(points - start - t[:, None] * along, axis=1))
    return nearest


def closed_curve(points: Floats, steps: int = 12) -> Floats:
    """Return a closed smooth curve through points, repeating the first at the end."""
    knots = np.vstack([points[-2:], points, points[:3]])
    position = np.arange(len(knots)) - 2.0
    fine = np.linspace(0, len(points), len(points) * steps + 1)
    return np.stack([PchipInterpolator(position, axis)(fine) for axis in knots.T], 1)


def inside(points: Floats, outline: Floats) -> NDArray[np.bool_]:
    """Return which (N, 2) points lie inside a closed outline, by counting crossings."""
    x, y = points.T
    crossings = np.zeros(len(points), dtype=np.int64)
    for (x0, y0), (x1, y1) in zip(outline[:-1], outline[1:], strict=True):
        spans = (y0 > y) != (y1 > y)
        crossings += spans & (x < (x1 - x0) * (y - y0) / (y1 - y0 + 1e-12) + x0)
    return crossings % 2 == 1


@dataclasses.dataclass(frozen=True, slots=True)
class SkinMap:
    """Where what is on the skin, per vertex of the neutral head, each (V,).

    Attributes:
        lip: signed distance to the outline of the lips in cm, positive inside.
        brow: distance to the middle line of the nearer brow in cm.
        lid: distance to the nearer eyelid opening in cm.
        flush: where blood shows, 0 to 1.
        hollow: darker skin around the eyes, 0 to 1.
        oil: shinier skin: forehead, nose, chin, 0 to 1.
        beard: where a beard grows, 0 to 1.
    """

    lip: Floats
    brow: Floats
    lid: Floats
    flush: Floats
    hollow: Floats
    oil: Floats
    beard: Floats


def map_skin(model: HeadModel) -> SkinMap:
    """Lay out lips, brows and colour zones on the neutral head."""
    points = model.neutral
    marks = points[model.landmarks]
    x, y, z = points.T

    def near(centre: Sequence[float], width: float) -> Floats:
        mirrored = points * [np.sign(centre[0]) or 1.0, 1, 1]
        both = np.minimum(
            ((points - centre) ** 2).sum(1), ((mirrored * [-1, 1, 1] - centre) ** 2).sum(1)
        )
        return np.exp(-both / (2 * width * width))

    front = model.part_mask("face", "mouth_socket") & (z > 7)
    outline = closed_curve(marks[48:60])
    distance = distance_to_line(points * [1, 1, 0.35], outline * [1, 1, 0.35])
    lip = np.where(inside(points[:, :2], outline[:, :2]), distance, -distance)
    lip[model.part_mask("mouth_socket")] = 1.0
    lip[~front] = -9.0
    brow = np.minimum(
        distance_to_line(points, marks[17:22]), distance_to_line(points, marks[22:27])
    )
    lid = np.minimum(
        distance_to_line(points, closed_curve(marks[36:42], 6)),
        distance_to_line(points, closed_curve(marks[42:48], 6)),
    )
    flush = (
        0.8 * near((4.4, -0.6, 9), 1.7)
        + 0.75 * near((0, 0.0, 12.8), 1.0)
        + 0.5 * near((8.3, 2, 0), 2.2)
        + 0.25 * near((0, -7, 10.5), 1.3)
        + 0.5 * near((1.3, -0.9, 11), 0.6)
    )
    hollow = 0.7 * near((2.7, 2.1, 9.4), 0.75) + 0.8 * near((3.2, 4.4, 9.8), 0.7)
    oil = near((0, 1.5, 12.5), 1.3) + 0.8 * near((0, 8.0, 10.5), 2.5) + 0.5 * near((0, -6.6, 11), 1)
    jaw = smoothstep(-0.5, -2.5, y) * smoothstep(-11, -8.6, y) * smoothstep(0.5, 3.5, z)
    chin = smoothstep(0.2, 1.6, -3.4 - y + np.abs(x) * 0.45)
    moustache = smoothstep(0.3, 0.8, near((1.2, -1.9, 11.3), 0.85))
    beard = np.clip(jaw * chin + moustache, 0, 1) * smoothstep(-0.05, -0.25, lip)
    beard[model.part_mask("mouth_socket", "gums", "teeth")] = 0.0
    return SkinMap(lip, brow, lid, flush, hollow, oil, beard)


def scalp_cover(model: HeadModel, points: Floats, cut: HairCut) -> Floats:
    """Return how hairy the skin is at neutral head positions, 0 to 1."""
    front, side, nape = cut.hairline
    x, y, z = points.T
    azimuth = np.arctan2(np.abs(x), z - 0.5)
    height = np.interp(
        azimuth,
        [0, 0.35, 0.62, 0.85, 1.12, 1.45, 1.75, 2.2, 3.15],
        [
            front,
            front + 0.25,
            front - 0.1,
            front - 2.2,
            side + 2.2,
            side,
            nape + 4.5,
            nape + 1,
            nape,
        ],
    )
    wobble = 0.12 * np.sin(2.1 * x + 1.0) + 0.10 * np.sin(7.3 * x)
    cover = smoothstep(0.0, 1.0, y - height + wobble)
    ear = (np.abs(x) > 7.5) & (y < 5.4) & (z > -3.3) & (z < 3.5)
    return np.where(ear, 0.0, cover)


# ------------------------------------------------------------------------------- strands


def sample_surface(
    vertices: Floats, triangles: Ints, density: Floats, count: int, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Draw points on a mesh, denser where `density` (V,) is high: triangle numbers, weights."""
    corners = vertices[triangles]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    chance = area * density[triangles].mean(1)
    chosen = rng.choice(len(triangles), count, p=chance / chance.sum())
    return chosen, rng.dirichlet([1.0, 1.0, 1.0], count)


def unit(vectors: Floats) -> Floats:
    """Scale vectors along the last axis to length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def grow_hair(model: HeadModel, rest: Floats, cut: HairCut, seed: int) -> Floats:
    """Grow the scalp hair of a resting head, (strands, points, 3) cm."""
    rng = np.random.default_rng(seed)
    count, steps = 32000, 16
    cover = scalp_cover(model, model.neutral, cut)
    skin = model.part_mask("face", "head")
    triangles = model.triangles[skin[model.triangles].all(1)]
    chosen, weights = sample_surface(rest, triangles, np.where(skin, cover, 0.0), count, rng)
    picked = triangles[chosen]
    roots = (rest[picked] * weights[..., None]).sum(1)
    home = (model.neutral[picked] * weights[..., None]).sum(1)
    normals = model.vertex_normals(rest)
    root_normals = unit((normals[picked] * weights[..., None]).sum(1))
    surface = np.flatnonzero(skin)
    tree = cKDTree(rest[surface])

    # Hairs that share a clump share its whims.
    clump_roots = roots[rng.choice(count, count // 34, replace=False)]
    clump = cKDTree(clump_roots).query(roots)[1]
    whim = rng.normal(size=(len(clump_roots), 3))
    phase = rng.uniform(0, 2 * np.pi, len(clump_roots))[clump] + rng.normal(size=count) * 0.35

    flow, length = _comb(cut, home, root_normals, whim[clump], rng)
    wild = rng.random(count) < 0.04
    length = length * rng.uniform(0.72, 1.0, count) * np.where(wild, 1.08, 1.0)
    layer = rng.uniform(0.03, 1.0, count) ** 1.3 * cut.volume
    layer *= np.clip(length / 4.0, 0.15, 1.0)
    lift = np.where(smoothstep(4.0, 7.0, np.abs(home[:, 0])) > 0.3, 0.12, 0.35)[:, None]
    if cut.swept == "back":
        lift = lift * 1.6
    heading = unit(root_normals * lift + flow + 0.10 * rng.normal(size=(count, 3)))
    gravity = np.array([0.0, -1.0, 0.0]) * (0.24 if cut.swept == "fringe" else 0.05)
    point = roots - 0.04 * root_normals
    path = [point]
    stride = length[:, None] / (steps - 1)
    side = unit(np.cross(root_normals, flow + 1e-3))
    for step in range(1, steps):
        t = step / (steps - 1)
        curl = cut.curl * np.cos(5.5 * t + phase)[:, None] * side * t
        heading = unit(heading + 0.16 * flow + gravity + 0.05 * whim[clump] * t + 0.35 * curl)
        point = point + heading * stride
        nearest = surface[tree.query(point)[1]]
        out = normals[nearest]
        height = ((point - rest[nearest]) * out).sum(1)
        wanted = layer * np.minimum(1.0, 2.6 * t) + 0.03
        sunk = np.maximum(wanted - height, 0.0)[:, None]
        point = point + sunk * out * 0.8
        inward = np.minimum((heading * out).sum(1), 0.0)[:, None]
        outward = np.maximum((heading * out).sum(1), 0.0)[:, None]
        bend = np.where(sunk > 0, inward, 0.28 * outward)
        heading = unit(heading - bend * out)
        path.append(point)
    strands = np.stack(path, 1)

    # Draw each strand towards the middle of its clump, more so at the tip.
    members = np.bincount(clump, minlength=len(clump_roots))[:, None, None]
    middle = np.zeros((len(clump_roots), steps, 3))
    np.add.at(middle, clump, strands)
    middle /= np.maximum(members, 1)
    pull = np.linspace(0, 1, steps)[None, :, None] ** 1.3 * rng.uniform(0.35, 0.9, (count, 1, 1))
    pull[wild] = 0.0
    strands += pull * (middle[clump] - strands)
    frizz = (
        np.cumsum(rng.normal(size=strands.shape) * 0.018, 1)
        * np.where(wild, 2.0, 0.7)[:, None, None]
    )
    return strands + frizz


def _comb(
    cut: HairCut, home: Floats, normals: Floats, whim: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return the direction hair is combed in and its length at neutral head positions."""
    front_length, crown_length, side_length = cut.lengths
    x, y, z = home.T
    frontness = smoothstep(0.5, 6.0, z) * smoothstep(6.5, 9.0, y)
    lowness = smoothstep(7.5, 4.0, y)
    if cut.swept == "back":
        lowness = np.maximum(lowness, smoothstep(4.6, 6.6, np.abs(x)) * smoothstep(12.5, 9.0, y))
    away = unit(home - np.array([1.2, 13.0, -4.0]))
    flow = unit(away - (away * normals).sum(1, keepdims=True) * normals)
    if cut.swept == "fringe":
        parting = 2.6 + 0.5 * whim[:, 0]
        left = x > parting
        combed = np.where(
            left[:, None],
            np.array([0.55, -0.75, 0.25]),
            np.stack(
                [-0.35 - 0.05 * (parting - x), np.full(len(x), -0.3), np.full(len(x), 0.62)], 1
            ),
        )
        combed = combed + 0.22 * whim * [1, 0.4, 0.4]
    else:
        combed = np.stack([0.16 * x, np.full(len(x), 0.5), np.full(len(x), -1.0)], 1)
        combed = combed + 0.14 * whim
        flow = unit(flow + np.array([0.0, -0.2, -0.9]))
    flow = unit(flow * (1 - frontness)[:, None] + unit(combed) * frontness[:, None] * 1.2)
    flow = unit(flow + lowness[:, None] * np.array([0.0, -0.9, -0.25]))
    flow = unit(flow - 0.8 * np.maximum((flow * normals).sum(1, keepdims=True), 0) * normals)
    length = crown_length * (1 - frontness) + front_length * frontness
    length = length * (1 - lowness) + side_length * lowness
    length *= 1.0 + 0.12 * whim[:, 1]
    return flow, np.clip(length, 0.6, 12.0)


@dataclasses.dataclass(frozen=True, slots=True)
class BoundStrands:
    """Strands that ride on the triangles of a moving face.

    Attributes:
        corners: the three vertices below each root, (strands, 3).
        weights: barycentric weights of the roots, (strands, 3).
        offsets: points in the frame of the triangle, (strands, points, 3) cm.
    """

    corners: Ints
    weights: Floats
    offsets: Floats

    def posed(self, vertices: Floats) -> Floats:
        """Return the strands on a deformed head, (strands, points, 3) cm."""
        roots = (vertices[self.corners] * self.weights[..., None]).sum(1)
        frames = _triangle_frames(vertices[self.corners])
        return roots[:, None] + np.einsum("sij,spj->spi", frames, self.offsets)


def _triangle_frames(corners: Floats) -> Floats:
    along = unit(corners[:, 1] - corners[:, 0])
    normal = unit(np.cross(along, corners[:, 2] - corners[:, 0]))
    return np.stack([along, np.cross(normal, along), normal], 2)


def _bind(rest: Floats, corners: Ints, weights: Floats, paths: Floats) -> BoundStrands:
    """Express strands, given relative to their roots, in the frames of their triangles."""
    frames = _triangle_frames(rest[corners])
    return BoundStrands(corners, weights, np.einsum("sji,spj->spi", frames, paths))


def grow_brows(model: HeadModel, rest: Floats, who: Performer, skin: SkinMap) -> BoundStrands:
    """Grow both eyebrows, bound to the face."""
    rng = np.random.default_rng(who.seed + 1)
    count, steps = 900, 6
    marks = model.neutral[model.landmarks]
    outward = np.abs(model.neutral[:, 0])
    # A brow is full at the inner two thirds and tapers outwards.
    width = who.brow_width * np.interp(outward, [0.9, 1.4, 3.6, 5.9], [0.75, 1.0, 0.85, 0.35])
    density = smoothstep(1.0, 0.45, skin.brow / width) * model.part_mask("face")
    triangles = model.triangles[model.triangle_part == 0]
    chosen, weights = sample_surface(rest, triangles, density, count, rng)
    corners = triangles[chosen]
    home = (model.neutral[corners] * weights[..., None]).sum(1)
    normals = model.vertex_normals(rest)
    out = unit((normals[corners] * weights[..., None]).sum(1))
    side = np.sign(home[:, 0])
    middle = np.interp(np.abs(home[:, 0]), np.abs(marks[22:27, 0]), marks[22:27, 1])
    above = np.clip((home[:, 1] - middle) / 0.4, -1, 1)
    t = np.clip((np.abs(home[:, 0]) - 1.2) / 3.5, 0, 1)
    climb = np.interp(t, [0, 0.25, 1], [1.4, 0.5, 0.0]) - 0.55 * above * np.interp(
        t, [0, 0.3], [0, 1]
    )
    heading = np.stack([side * np.interp(t, [0, 0.25, 1], [0.35, 1, 1]), climb, -0.5 * t], 1)
    heading = unit(heading + 0.16 * rng.normal(size=heading.shape))
    heading = unit(heading - (heading * out).sum(1, keepdims=True) * out)
    length = rng.uniform(0.45, 0.85, count) * np.interp(t, [0, 0.3, 1], [0.8, 1.0, 0.8])
    s = np.linspace(0, 1, steps)[None, :, None]
    rise = 0.30 * s - 0.24 * s**2
    paths = length[:, None, None] * (heading[:, None] * s + out[:, None] * rise)
    return _bind(rest, corners, weights, paths - 0.02 * out[:, None])


def grow_stubble(model: HeadModel, rest: Floats, who: Performer, skin: SkinMap) -> BoundStrands:
    """Grow a few days of beard, bound to the face."""
    rng = np.random.default_rng(who.seed + 2)
    count, steps = max(1, int(14000 * who.stubble)), 3
    triangles = model.triangles[model.triangle_part <= 1]
    chosen, weights = sample_surface(rest, triangles, skin.beard + 1e-9, count, rng)
    corners = triangles[chosen]
    normals = model.vertex_normals(rest)
    out = unit((normals[corners] * weights[..., None]).sum(1))
    heading = unit(0.5 * out + np.array([0, -1.0, 0.2]) + 0.3 * rng.normal(size=out.shape))
    s = np.linspace(0, 1, steps)[None, :, None]
    length = rng.uniform(0.10, 0.24, count)[:, None, None]
    return _bind(rest, corners, weights, length * heading[:, None] * s)


def place_lashes(fans: list[LashFan], vertices: Floats, who: Performer) -> Floats:
    """Return the lashes of a deformed head, (strands, points, 3) cm."""
    rng = np.random.default_rng(who.seed + 3)
    lashes = []
    for fan in fans:
        guides = vertices[fan.columns]
        gap = rng.uniform(0, len(guides) - 1.001, fan.count)
        low = gap.astype(int)
        share = (gap - low)[:, None, None]
        strand = guides[low] * (1 - share) + guides[low + 1] * share
        length = who.lash_length * rng.uniform(0.6, 1.0, fan.count)[:, None, None]
        along = np.linspace(0, 1, strand.shape[1])[:, None]
        spread = rng.normal(size=(fan.count, 1, 3)) * 0.05 * along
        lashes.append(strand[:, :1] + (strand - strand[:, :1]) * length + spread)
    return np.concatenate(lashes)


# ------------------------------------------------------------------------------- shading


def _node(tree: Any, kind: str, **sockets: Any) -> Any:
    """Add a shader node; a socket value is a constant or an output to link from."""
    node = tree.nodes.new(kind)
    for name, value in sockets.items():
        socket = node.inputs[int(name[1:]) if name[0] == "_" else name.replace("_", " ")]
        if isinstance(value, bpy.types.NodeSocket):
            tree.links.new(value, socket)
        else:
            socket.default_value = value
    return node


def _attribute(tree: Any, name: str, output: str = "Fac") -> Any:
    node = tree.nodes.new("ShaderNodeAttribute")
    node.attribute_name = name
    return node.outputs[output]


def _math(tree: Any, operation: str, *values: Any) -> Any:
    node = _node(tree, "ShaderNodeMath", **{f"_{i}": value for i, value in enumerate(values)})
    node.operation = operation
    return node.outputs[0]


def _ramp(tree: Any, value: Any, low: float, high: float, start: float, end: float) -> Any:
    """Map `value` from low..high to start..end with a smooth step."""
    node = tree.nodes.new("ShaderNodeMapRange")
    node.interpolation_type = "SMOOTHSTEP"
    tree.links.new(value, node.inputs[0])
    for socket, constant in zip(node.inputs[1:5], (low, high, start, end), strict=True):
        socket.default_value = constant
    return node.outputs[0]


def _mix(tree: Any, share: Any, first: Any, second: Any, blend: str = "MIX") -> Any:
    node = tree.nodes.new("ShaderNodeMixRGB")
    node.blend_type = blend
    for socket, value in zip(node.inputs, (share, first, second), strict=True):
        if isinstance(value, bpy.types.NodeSocket):
            tree.links.new(value, socket)
        elif isinstance(value, tuple):
            socket.default_value = (*value, 1.0)
        else:
            socket.default_value = value
    return node.outputs[0]


def _noise(
    tree: Any, where: Any, scale: float, detail: float = 4.0, stretch: Colour = (1, 1, 1)
) -> Any:
    moved = _node(tree, "ShaderNodeMapping", Vector=where, Scale=stretch).outputs[0]
    return _node(tree, "ShaderNodeTexNoise", Vector=moved, Scale=scale, Detail=detail).outputs[0]


def _material(name: str, **sockets: Any) -> tuple[Any, Any, Any]:
    """Make a principled material: the material, its node tree, its shader node."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    shader = tree.nodes["Principled BSDF"]
    for socket_name, value in sockets.items():
        shader.inputs[socket_name.replace("_", " ")].default_value = value
    return material, tree, shader


def skin_material(who: Performer) -> Any:
    """Make skin: subsurface, lips, mottling, freckles, pores."""
    material, tree, shader = _material(
        "skin", Subsurface_Weight=1.0, Subsurface_Scale=0.20, Subsurface_Radius=(1.0, 0.36, 0.20)
    )
    shader.subsurface_method = "RANDOM_WALK"
    where = _attribute(tree, "home", "Vector")
    colour = _attribute(tree, "albedo", "Color")
    blotches = _ramp(tree, _noise(tree, where, 0.55, 5), 0.35, 0.65, 0, 1)
    warm = _mix(tree, 1.0, colour, (1.03, 0.965, 0.945), "MULTIPLY")
    pale = _mix(tree, 1.0, colour, (0.98, 1.015, 1.02), "MULTIPLY")
    colour = _mix(tree, blotches, warm, pale)
    fine = _ramp(tree, _noise(tree, where, 5.0, 6), 0.25, 0.75, 0.95, 1.05)
    colour = _mix(tree, 1.0, colour, fine, "MULTIPLY")
    spots = _node(tree, "ShaderNodeTexVoronoi", Vector=where, Scale=2.6)
    dot = _ramp(tree, spots.outputs["Distance"], 0.10, 0.20, 1, 0)
    some = _ramp(tree, _noise(tree, where, 1.3, 2), 0.48, 0.62, 0, who.freckles)
    freckle = _math(tree, "MULTIPLY", _math(tree, "MULTIPLY", dot, some), _attribute(tree, "spots"))
    colour = _mix(tree, freckle, colour, _mix(tree, 1.0, colour, (0.62, 0.45, 0.36), "MULTIPLY"))

    ragged = _math(tree, "SUBTRACT", _noise(tree, where, 3.5, 3), 0.5)
    edge = _math(tree, "MULTIPLY_ADD", ragged, 0.18, _attribute(tree, "lip"))
    lip = _ramp(tree, edge, -0.10, 0.14, 0, 1)
    creases = _noise(tree, where, 4.0, 3, (2.2, 0.35, 1.0))
    lip_colour = _mix(
        tree, _ramp(tree, creases, 0.3, 0.7, 0, 1), tuple(0.8 * c for c in who.lips), who.lips
    )
    colour = _mix(tree, _math(tree, "MULTIPLY", lip, 0.88), colour, lip_colour)
    tree.links.new(colour, shader.inputs["Base Color"])

    rough = _math(
        tree, "MULTIPLY_ADD", _noise(tree, where, 2.2, 4), 0.16, _attribute(tree, "rough")
    )
    rough = _math(tree, "SUBTRACT", rough, _math(tree, "MULTIPLY", lip, 0.10))
    tree.links.new(rough, shader.inputs["Roughness"])
    shader.inputs["Specular IOR Level"].default_value = 0.45

    pores = _node(tree, "ShaderNodeTexVoronoi", Vector=where, Scale=11.0).outputs["Distance"]
    relief = _math(
        tree, "MULTIPLY_ADD", _noise(tree, where, 7.0, 5), 0.55, _math(tree, "MULTIPLY", pores, 0.5)
    )
    lines = _math(
        tree,
        "MULTIPLY",
        _noise(tree, where, 3.0, 3, (2.6, 0.3, 1.0)),
        _math(tree, "MULTIPLY", lip, 3.5),
    )
    relief = _math(tree, "ADD", relief, lines)
    bump = _node(tree, "ShaderNodeBump", Strength=0.36, Distance=0.045, Height=relief)
    tree.links.new(bump.outputs[0], shader.inputs["Normal"])
    return material


def eye_material(who: Performer) -> Any:
    """Make an eyeball, painted by the distance from its axis, under a wet coat."""
    material, tree, shader = _material(
        "eye", Roughness=0.5, Coat_Weight=1.0, Coat_Roughness=0.03, Coat_IOR=1.45
    )
    shader.inputs["Specular IOR Level"].default_value = 0.05
    shader.inputs["Subsurface Weight"].default_value = 0.25
    shader.inputs["Subsurface Radius"].default_value = (1.0, 0.5, 0.4)
    shader.inputs["Subsurface Scale"].default_value = 0.08
    direction = _attribute(tree, "axis", "Vector")
    axes = _node(tree, "ShaderNodeSeparateXYZ", Vector=direction).outputs
    across = _math(
        tree, "SQRT", _math(tree, "ADD", *(_math(tree, "POWER", a, 2.0) for a in axes[:2]))
    )
    turn = _math(tree, "ARCTAN2", axes[1], axes[0])
    ray = _node(
        tree,
        "ShaderNodeCombineXYZ",
        X=_math(tree, "COSINE", turn),
        Y=_math(tree, "SINE", turn),
        Z=across,
    ).outputs[0]
    fibres = _noise(tree, ray, 6.0, 4, (1, 1, 0.35))
    iris = _mix(
        tree,
        _ramp(tree, fibres, 0.35, 0.65, 0, 1),
        tuple(0.55 * c for c in who.iris),
        tuple(1.5 * c for c in who.iris),
    )
    iris = _mix(tree, _ramp(tree, across, 0.25, 0.37, 0, 1), iris, who.iris_ring)
    iris = _mix(tree, _ramp(tree, across, 0.125, 0.145, 0, 1), (0.002, 0.002, 0.002), iris)
    veins = _ramp(tree, _noise(tree, direction, 7.0, 6), 0.52, 0.64, 0, 0.25)
    veins = _math(tree, "MULTIPLY", veins, _ramp(tree, across, 0.5, 0.9, 0.1, 1))
    white = _mix(
        tree, _ramp(tree, across, 0.45, 0.95, 0, 1), (0.66, 0.62, 0.58), (0.56, 0.40, 0.34)
    )
    white = _mix(tree, veins, white, (0.48, 0.16, 0.12))
    colour = _mix(tree, _ramp(tree, across, 0.365, 0.405, 0, 1), iris, white)
    tree.links.new(colour, shader.inputs["Base Color"])
    # The iris is flat behind the cornea: light it as a disc, not as a ball.
    shape = _node(tree, "ShaderNodeNewGeometry").outputs["Normal"]
    flat = _attribute(tree, "gaze", "Vector")
    share = _ramp(tree, across, 0.34, 0.42, 0.75, 0)
    normal = _mix(tree, share, shape, flat)
    normal = _node(tree, "ShaderNodeVectorMath", _0=normal)
    normal.operation = "NORMALIZE"
    tree.links.new(normal.outputs[0], shader.inputs["Normal"])
    return material


def tooth_material() -> Any:
    """Make teeth: ivory in front, darker and redder inside the mouth, where little light comes."""
    material, tree, shader = _material(
        "teeth", Roughness=0.28, Subsurface_Weight=0.6, Subsurface_Scale=0.08
    )
    depth = _node(tree, "ShaderNodeSeparateXYZ", Vector=_attribute(tree, "home", "Vector"))
    front = _ramp(tree, depth.outputs[2], 7.2, 10.2, 0, 1)
    colour = _mix(tree, front, (0.12, 0.075, 0.05), (0.64, 0.56, 0.43))
    tree.links.new(colour, shader.inputs["Base Color"])
    level = _math(tree, "MULTIPLY", front, 0.5)
    tree.links.new(level, shader.inputs["Specular IOR Level"])
    return material


def tear_material() -> Any:
    """Make the wet line along the lids: clear, with reflections."""
    material = bpy.data.materials.new("tear")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    clear = tree.nodes.new("ShaderNodeBsdfTransparent")
    gloss = _node(tree, "ShaderNodeBsdfGlossy", Roughness=0.05)
    facing = _node(tree, "ShaderNodeFresnel", IOR=1.34)
    mix = _node(
        tree, "ShaderNodeMixShader", _0=facing.outputs[0], _1=clear.outputs[0], _2=gloss.outputs[0]
    )
    tree.links.new(mix.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    return material


def hair_material(name: str, melanin: float, redness: float) -> Any:
    """Make hair with the principled hair shader."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    shader = tree.nodes.new("ShaderNodeBsdfHairPrincipled")
    shader.parametrization = "MELANIN"
    for socket_name, value in (
        ("Melanin", melanin), ("Melanin Redness", redness), ("Roughness", 0.32),
        ("Radial Roughness", 0.40), ("Random Color", 0.18), ("Random Roughness", 0.15),
    ):  # fmt: skip
        if socket_name in shader.inputs:
            shader.inputs[socket_name].default_value = value
    tree.links.new(shader.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    return material


def cloth_material(colour: Colour) -> Any:
    """Make woven cotton."""
    material, tree, shader = _material("cloth", Roughness=0.85)
    where = tree.nodes.new("ShaderNodeTexCoord").outputs["Object"]
    tone = _ramp(tree, _noise(tree, where, 2.0, 8), 0.3, 0.7, 0.8, 1.15)
    tree.links.new(_mix(tree, 1.0, colour, tone, "MULTIPLY"), shader.inputs["Base Color"])
    shader.inputs["Sheen Weight"].default_value = 0.25
    weave = _noise(tree, where, 9.0, 2, (1, 1, 2.5))
    folds = _noise(tree, where, 0.16, 3, (1.0, 1.0, 0.5))
    height = _math(tree, "MULTIPLY_ADD", folds, 30.0, weave)
    bump = _node(tree, "ShaderNodeBump", Strength=0.5, Distance=0.08, Height=height)
    tree.links.new(bump.outputs[0], shader.inputs["Normal"])
    return material


# ------------------------------------------------------------------------------- scene


def to_blender(points: Floats) -> NDArray[np.float32]:
    """Turn model space (y up, z front) into Blender space (z up, -y front)."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], -1).astype(np.float32)


def add_mesh(name: str, points: Floats, faces: Ints, material: Any, levels: int) -> Any:
    """Add a smooth mesh to the scene; points in model space."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(to_blender(points).tolist(), [], faces.tolist())
    mesh.materials.append(material)
    mesh.shade_smooth()
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    if levels:
        modifier = thing.modifiers.new("smooth", "SUBSURF")
        modifier.levels = modifier.render_levels = levels
    return thing


def set_attribute(thing: Any, name: str, values: Floats) -> None:
    """Store a number, a vector or a colour at each point of a mesh."""
    kind, field = {1: ("FLOAT", "value"), 2: ("FLOAT_VECTOR", "vector")}[values.ndim]
    if name == "albedo":
        kind, field = "FLOAT_COLOR", "color"
        values = np.concatenate([values, np.ones((len(values), 1))], 1)
    attribute = thing.data.attributes.get(name) or thing.data.attributes.new(name, kind, "POINT")
    attribute.data.foreach_set(field, values.astype(np.float32).ravel())


def add_strands(name: str, strands: Floats, radius_cm: float, material: Any) -> Any:
    """Add hair curves that taper to a fifth of their radius."""
    curves = bpy.data.hair_curves.new(name)
    count, steps = strands.shape[:2]
    curves.add_curves([steps] * count)
    taper = np.linspace(1.0, 0.2, steps) ** 0.8 * radius_cm
    attribute = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    attribute.data.foreach_set("value", np.tile(taper, count).astype(np.float32))
    curves.materials.append(material)
    thing = bpy.data.objects.new(name, curves)
    bpy.context.scene.collection.objects.link(thing)
    move_strands(thing, strands)
    return thing


def move_strands(thing: Any, strands: Floats) -> None:
    """Give hair curves new points, model space."""
    thing.data.position_data.foreach_set("vector", to_blender(strands).ravel())
    thing.data.update_tag()


def turn_head(points: Floats, pose: HeadPose) -> Floats:
    """Turn head and neck about the neck; shoulders stay. Points in model space, (N, 3)."""
    share = smoothstep(-12.6, -7.6, points[:, 1] + 0.9 * np.maximum(points[:, 2] - 3.0, 0.0))
    result = points.copy()
    for level in np.linspace(0, 1, 33):
        near = np.clip(1.0 - np.abs(share - level) * 32.0, 0.0, 1.0)[:, None]
        chosen = near[:, 0] > 0
        turned = (points[chosen] - NECK_PIVOT) @ pose.rotation(level).T + NECK_PIVOT
        result[chosen] += near[chosen] * (turned - points[chosen])
    return result


class Actor:
    """One head in the scene: meshes and strands that follow a moment."""

    def __init__(self, model: HeadModel, face: Performer, body: Performer) -> None:
        self._model = model
        self._face = face
        skin_map = map_skin(model)
        body_rest = model.identity(body.identity_seed, body.identity_strength)
        face_rest = model.identity(face.identity_seed, face.identity_strength)
        # Whose face it is in front, whose skull, ears and neck behind: equal unless a swap.
        share = _face_share(model)[:, None]
        self._rest = body_rest * (1 - share) + face_rest * share
        self._lash_fans = model.lash_fans()
        self._hair = grow_hair(model, body_rest, body.hair, body.seed)
        self._brow_strands = grow_brows(model, self._rest, face, skin_map)
        self._stubble = grow_stubble(model, self._rest, face, skin_map)
        self._gums = np.flatnonzero(model.part_mask("gums"))
        self._teeth = np.flatnonzero(model.part_mask("teeth"))

        welded = model.welded
        skin_faces = welded[model.triangles[model.triangle_part <= 4]]
        centres = self._rest[skin_faces].mean(1)
        throat = np.abs(body_rest[:, 1] + 9.5) < 0.6
        throat &= (body_rest[:, 2] < 3.0) & model.part_mask("face", "head")
        neck = float(np.abs(body_rest[throat, 0]).max())
        collar = (centres[:, 0] / (neck + 2.2)) ** 2 + ((centres[:, 2] + 2.2) / 8.8) ** 2
        under_shirt = (centres[:, 1] < -17.0) | (
            (centres[:, 1] < -10.5) & (centres[:, 2] < 4.0) & (collar > 1.0)
        )
        scaffold = np.flatnonzero(model.part_mask("face", "head") & (model.neutral[:, 1] < -9.5))
        normals = model.vertex_normals(body_rest)
        self._skin_vertices, compact = np.unique(skin_faces[~under_shirt], return_inverse=True)
        skin_faces = compact.reshape(-1, 3)
        self._skin = add_mesh(
            "skin", self._rest[self._skin_vertices], skin_faces, skin_material(face), 1
        )
        self._paint_skin(skin_map, body.hair)

        self._parts = []
        tooth = tooth_material()
        gum, _, shader = _material(
            "gums", Base_Color=(0.42, 0.13, 0.11, 1), Roughness=0.3, Subsurface_Weight=0.7,
            Subsurface_Scale=0.12,
        )  # fmt: skip
        shader.inputs["Coat Weight"].default_value = 0.4
        for part, material in ((5, gum), (6, tooth), (11, tear_material())):
            chosen = model.triangles[model.triangle_part == part]
            if part == 11:
                chosen = chosen[chosen.max(1) < 24999]
            vertices, compact = np.unique(chosen, return_inverse=True)
            thing = add_mesh(
                PART_NAMES[part], self._rest[vertices], compact.reshape(-1, 3), material, 1
            )
            set_attribute(thing, "home", model.neutral[vertices])
            self._parts.append((vertices, thing))
        self._eyes = [
            self._add_eye(PART_NAMES.index(name), eye_material(face))
            for name in ("left_eye", "right_eye")
        ]
        scalp = hair_material("scalp hair", body.hair.melanin, body.hair.redness)
        fine = hair_material("face hair", min(1.0, face.hair.melanin + 0.12), face.hair.redness)
        dark = hair_material("lashes", 1.0, 0.2)
        self._hair_thing = add_strands("hair", self._hair, 0.0095, scalp)
        self._brow_thing = add_strands("brows", self._brow_strands.posed(self._rest), 0.0075, fine)
        self._lash_thing = add_strands(
            "lashes", place_lashes(self._lash_fans, self._rest, face), 0.0075, dark
        )
        self._stubble_thing = None
        if face.stubble > 0:
            self._stubble_thing = add_strands(
                "stubble", self._stubble.posed(self._rest), 0.0045, fine
            )
        add_shirt(body, neck, body_rest[scaffold], normals[scaffold])

    def _paint_skin(self, skin: SkinMap, cut: HairCut) -> None:
        who, chosen = self._face, self._skin_vertices
        home = self._model.neutral[chosen]
        base = np.tile(np.array(who.skin), (len(chosen), 1))
        flush = np.clip(skin.flush[chosen] * who.flush, 0, 1)[:, None]
        base *= 1 - flush * np.array([0.02, 0.22, 0.20])
        hollow = np.clip(skin.hollow[chosen], 0, 1)[:, None]
        base *= 1 - hollow * np.array([0.16, 0.24, 0.20])
        rim = np.exp(-((skin.lid[chosen] / 0.16) ** 2))[:, None]
        base *= 1 - rim * np.array([0.12, 0.38, 0.34])
        cover = scalp_cover(self._model, home, cut)[:, None] * 0.75
        tint = np.array([0.05, 0.032, 0.022]) * (1.4 - who.hair.melanin)
        base = base * (1 - cover) + tint * cover
        outward = np.abs(home[:, 0])
        width = who.brow_width * np.interp(outward, [0.9, 1.4, 3.6, 5.9], [0.75, 1.0, 0.85, 0.35])
        brow = (who.brow_tint * smoothstep(1.25, 0.2, skin.brow[chosen] / width))[:, None]
        base = base * (1 - brow) + base * np.array([0.28, 0.22, 0.2]) * brow
        shadow = (skin.beard[chosen] * who.stubble * 0.35)[:, None]
        base = base * (1 - shadow * np.array([0.62, 0.5, 0.42]))
        part = self._model.part[chosen]
        base[part == 2] = (0.30, 0.09, 0.075)
        base[np.isin(part, (3, 4))] = (0.42, 0.17, 0.13)
        set_attribute(self._skin, "albedo", base)
        set_attribute(self._skin, "home", home)
        set_attribute(self._skin, "lip", skin.lip[chosen])
        set_attribute(self._skin, "rough", who.roughness - 0.07 * np.clip(skin.oil[chosen], 0, 1))
        spots = smoothstep(9, 6, home[:, 1]) * smoothstep(3, 6, home[:, 2])
        set_attribute(self._skin, "spots", spots)

    def _add_eye(self, part: int, material: Any) -> tuple[Ints, Floats, Any]:
        model = self._model
        vertices, compact = np.unique(
            model.triangles[model.triangle_part == part], return_inverse=True
        )
        points = self._rest[vertices]
        behind = points[points[:, 2] < np.quantile(points[:, 2], 0.6)]
        system = np.concatenate([2 * behind, np.ones((len(behind), 1))], 1)
        centre = np.linalg.lstsq(system, (behind**2).sum(1), rcond=None)[0][:3]
        thing = add_mesh(PART_NAMES[part], points, compact.reshape(-1, 3), material, 1)
        set_attribute(thing, "axis", unit(points - centre))
        return vertices, centre, thing

    def perform(self, moment: Moment) -> None:
        """Move everything to a moment."""
        model, pose = self._model, moment.pose
        eye_height = self._eyes[0][1]
        head = np.array([0.0, eye_height[1], eye_height[2]])
        local = pose.rotation().T @ (moment.gaze - NECK_PIVOT) + NECK_PIVOT - head
        gaze_pitch = float(np.degrees(np.arctan2(local[1], np.hypot(local[0], local[2]))))
        expression = dict(moment.expression)
        expression["eyeLookUp"] = float(np.clip(gaze_pitch / 30, 0, 1))
        expression["eyeLookDown"] = float(np.clip(-gaze_pitch / 30, 0, 1))
        vertices = self._rest + model.expression_offset(expression)
        posed = turn_head(vertices, pose)

        self._skin.data.vertices.foreach_set("co", to_blender(posed[self._skin_vertices]).ravel())
        self._skin.data.update()
        for chosen, thing in self._parts:
            thing.data.vertices.foreach_set("co", to_blender(posed[chosen]).ravel())
            thing.data.update()
        for chosen, centre, thing in self._eyes:
            aim = pose.rotation().T @ (moment.gaze - NECK_PIVOT) + NECK_PIVOT - centre
            yaw = np.clip(np.degrees(np.arctan2(aim[0], aim[2])), -28, 28)
            pitch = np.clip(np.degrees(np.arctan2(aim[1], np.hypot(aim[0], aim[2]))), -18, 18)
            turn = HeadPose(float(yaw), float(pitch), 0.0).rotation()
            points = (self._rest[chosen] - centre) @ turn.T + centre
            points = (points - NECK_PIVOT) @ pose.rotation().T + NECK_PIVOT
            thing.data.vertices.foreach_set("co", to_blender(points).ravel())
            axis = to_blender(pose.rotation() @ turn @ np.array([0.0, 0.0, 1.0]))
            set_attribute(thing, "gaze", np.tile(axis.astype(float), (len(points), 1)))
            thing.data.update()
        hair = (self._hair - NECK_PIVOT) @ pose.rotation().T + NECK_PIVOT
        move_strands(self._hair_thing, hair)
        move_strands(self._brow_thing, self._brow_strands.posed(posed))
        move_strands(self._lash_thing, place_lashes(self._lash_fans, posed, self._face))
        if self._stubble_thing is not None:
            move_strands(self._stubble_thing, self._stubble.posed(posed))


class Hand:
    """A hand of its own mesh in every frame, carried by the head."""

    def __init__(self, path: Path, who: Performer) -> None:
        with np.load(path) as stored:
            self._arrays = dict(stored)
        self._material = skin_material(dataclasses.replace(who, freckles=0.1))
        self._thing: Any = None

    def perform(self, frame: int, pose: HeadPose) -> None:
        """Replace the mesh by that of a frame."""
        if self._thing is not None:
            bpy.data.objects.remove(self._thing, do_unlink=True)
        home = self._arrays[f"vertices_{frame}"].astype(float)
        points = (home - NECK_PIVOT) @ pose.rotation().T + NECK_PIVOT
        self._thing = add_mesh(
            "hand", points, self._arrays[f"triangles_{frame}"], self._material, 1
        )
        set_attribute(self._thing, "albedo", self._arrays[f"albedo_{frame}"].astype(float))
        set_attribute(self._thing, "home", home)
        set_attribute(self._thing, "lip", np.full(len(home), -1.0))
        set_attribute(self._thing, "rough", np.full(len(home), 0.45))
        set_attribute(self._thing, "spots", np.zeros(len(home)))


def _face_share(model: HeadModel) -> Floats:
    """Return 1 in the face, 0 on skull, ears and neck, (V,), softly between."""
    points = model.neutral
    x, y, z = points.T
    share = smoothstep(8.8, 6.2, y) * smoothstep(1.5, 5.0, z + 0.4 * np.minimum(0, y + 4))
    share *= smoothstep(-9.5, -7.6, y)
    deep = ~model.part_mask("face", "head")
    return np.where(deep, 1.0, share)


def add_shirt(who: Performer, neck: float, body: Floats, normals: Floats) -> Any:
    """Add neckline, shoulders and chest as one lofted surface that clears the body.

    Args:
        who: whose shirt.
        neck: half width of the neck in cm.
        body: points of neck and shoulders, (N, 3) cm.
        normals: their outward unit normals, (N, 3).
    """
    # Half width, half depth, height, forward shift, drop towards the shoulder, drop in front; cm.
    rings = np.array(
        [
            [neck + 0.9, 6.6, -12.0, -2.2, 0.0, 3.6],
            [neck + 1.4, 7.2, -11.2, -2.2, 0.0, 3.6],
            [neck + 1.9, 7.6, -11.2, -2.2, 0.0, 3.6],
            [neck + 2.4, 7.9, -11.6, -2.2, 0.0, 3.5],
            [neck + 4.4, 8.8, -12.4, -2.1, 0.2, 3.0],
            [neck + 7.4, 9.8, -13.6, -2.0, 0.4, 2.4],
            [neck + 10.8, 10.6, -15.4, -2.0, 0.8, 1.8],
            [neck + 13.4, 11.0, -18.8, -1.8, 1.2, 1.4],
            [neck + 14.6, 11.6, -25.0, -1.4, 0.5, 1.0],
            [neck + 14.4, 12.0, -38.0, -1.0, 0.0, 0.0],
            [neck + 12.5, 11.5, -60.0, -1.0, 0.0, 0.0],
        ]
    )
    fine = np.linspace(0, len(rings) - 1, 41)
    rings = PchipInterpolator(np.arange(len(rings)), rings)(fine)
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    points = []
    for width, depth, height, shift, side_drop, front_drop in rings:
        front = (0.5 + 0.5 * np.sin(angles)) ** 1.6
        points.append(
            np.stack(
                [
                    width * np.cos(angles),
                    height - side_drop * np.cos(angles) ** 2 - front_drop * front,
                    shift + depth * np.sin(angles),
                ],
                1,
            )
        )
    cloth = np.concatenate(points)
    reach, nearest = cKDTree(body).query(cloth)
    height = ((cloth - body[nearest]) * normals[nearest]).sum(1)
    lift = np.where(reach < 4.0, np.clip(0.5 - height, 0.0, 3.0), 0.0).reshape(len(rings), 64)
    lift[: len(rings) // 10] = np.minimum(lift[: len(rings) // 10], 0.3)
    lift = gaussian_filter(lift, (1.0, 1.5), mode=("nearest", "wrap"))
    cloth = cloth + lift.reshape(-1, 1) * normals[nearest]
    index = np.arange(len(rings) * 64).reshape(len(rings), 64)
    onward = np.roll(index, -1, 1)
    faces = np.stack([index[:-1], index[1:], onward[1:], onward[:-1]], -1).reshape(-1, 4)
    return add_mesh("shirt", cloth, faces, cloth_material(who.shirt), 1)


# ------------------------------------------------------------------------------- set and light


def paint_room(seed: int, evening: bool) -> NDArray[np.float32]:
    """Paint the out-of-focus set, (540, 960, 3), linear Rec.709; lamps reach 8 to 40."""
    rng = np.random.default_rng(seed)
    height, width = 540, 960
    y, x = np.mgrid[0:height, 0:width] / height
    if not evening:
        shade = 0.30 + 0.10 * np.exp(-((x - 0.9) ** 2 + (y - 0.45) ** 2) * 1.5)
        return (shade[..., None] * np.array([0.92, 0.97, 1.0])).astype(np.float32)
    room = (0.075 + 0.05 * (1 - y))[..., None] * np.array([1.0, 0.82, 0.64])

    def box(x0: float, y0: float, x1: float, y1: float, colour: Sequence[float]) -> None:
        room[int(y0 * height) : int(y1 * height), int(x0 * height) : int(x1 * height)] = colour

    def ball(centre_x: float, centre_y: float, radius: float, colour: Sequence[float]) -> None:
        room[(x - centre_x) ** 2 + (y - centre_y) ** 2 < radius**2] = colour

    box(0.0, 0.80, 1.78, 1.0, (0.045, 0.030, 0.020))
    sky = np.interp(y, [0.05, 0.42, 0.52, 0.72], [1.0, 0.55, 0.16, 0.07])[..., None]
    pane = (
        slice(int(0.05 * height), int(0.72 * height)),
        slice(int(1.44 * height), int(1.70 * height)),
    )
    room[pane] = (sky * np.array([6.0, 7.6, 9.6]))[pane]
    for bar in (1.565,):
        box(bar, 0.05, bar + 0.018, 0.72, (0.12, 0.11, 0.10))
    for bar in (0.27, 0.50):
        box(1.44, bar, 1.70, bar + 0.02, (0.12, 0.11, 0.10))
    box(1.36, 0.02, 1.45, 0.80, (0.22, 0.15, 0.10))
    box(1.69, 0.02, 1.777, 0.80, (0.17, 0.11, 0.08))
    for shelf in range(4):
        top = 0.10 + 0.19 * shelf
        left = 0.02
        while left < 0.50:
            thick = rng.uniform(0.012, 0.035)
            shade = rng.uniform(0.02, 0.22)
            tint = (shade, shade * rng.uniform(0.4, 1), shade * rng.uniform(0.2, 0.9))
            box(left, top + rng.uniform(0.0, 0.05), left + thick, top + 0.16, tint)
            left += thick + rng.choice([0.002, 0.002, 0.03])
        box(0.0, top + 0.16, 0.52, top + 0.175, (0.10, 0.055, 0.03))
    box(0.62, 0.16, 0.86, 0.46, (0.06, 0.05, 0.045))
    box(0.64, 0.18, 0.84, 0.44, (0.16, 0.20, 0.19))
    glow = np.exp(-((x - 0.63) ** 2 + (y - 0.60) ** 2) / 0.02)[..., None]
    room += glow * np.array([0.75, 0.42, 0.18])
    ball(0.63, 0.60, 0.050, (34.0, 21.0, 10.5))
    box(0.622, 0.66, 0.638, 0.80, (0.05, 0.04, 0.03))
    for step in range(9):
        ball(0.96 + 0.034 * step, 0.17 + 0.012 * np.sin(step * 1.3), 0.0055, (22.0, 14.0, 6.0))
    radius = 11.0
    grid = np.mgrid[-14:15, -14:15]
    disc = np.clip(radius + 0.5 - np.hypot(*grid), 0, 1)
    disc /= disc.sum()
    padded = np.pad(room, ((14, 14), (14, 14), (0, 0)), mode="edge")
    blurred = np.stack([fftconvolve(padded[..., c], disc, "valid") for c in range(3)], -1)
    return np.maximum(blurred, 0.0).astype(np.float32)


def make_picture(name: str, pixels: NDArray[np.float32]) -> Any:
    """Make a float Blender image of linear pixels, rows from the top."""
    height, width = pixels.shape[:2]
    picture = bpy.data.images.new(name, width, height, float_buffer=True, is_data=True)
    alpha = np.ones((height, width, 1), np.float32)
    picture.pixels.foreach_set(np.concatenate([pixels, alpha], -1)[::-1].ravel())
    picture.pack()
    return picture


def add_backdrop(pixels: NDArray[np.float32]) -> None:
    """Hang a glowing picture behind the performer, seen by the camera alone."""
    half_width, distance = 82.0, -190.0
    half_height = half_width * pixels.shape[0] / pixels.shape[1]
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [half_width, half_height]
    points = np.concatenate([corners, np.full((4, 1), distance)], 1) + [0, -3, 0]
    material = bpy.data.materials.new("backdrop")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = make_picture("backdrop", pixels)
    texture.interpolation = "Cubic"
    light = _node(tree, "ShaderNodeEmission", Color=texture.outputs[0])
    tree.links.new(light.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    thing = add_mesh("backdrop", points, np.array([[0, 1, 2, 3]]), material, 0)
    layer = thing.data.uv_layers.new()
    layer.data.foreach_set("uv", np.array([0, 0, 1, 0, 1, 1, 0, 1], np.float32))
    for ray in ("diffuse", "glossy", "transmission", "volume_scatter", "shadow"):
        setattr(thing, f"visible_{ray}", False)


def add_light(where: Sequence[float], power: float, size: float, colour: Colour) -> None:
    """Add a square area light, model space, that aims at the face."""
    light = bpy.data.lights.new("light", "AREA")
    light.energy, light.size, light.color = power, size, colour
    thing = bpy.data.objects.new("light", light)
    thing.location = to_blender(np.array(where, float))
    aim = mathutils.Vector((0.0, -3.0, 0.0)) - thing.location
    thing.rotation_euler = aim.to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(thing)


def light_set(hdri_path: Path, evening: bool) -> None:
    """Light the plate (warm key, cool strong rim) or the source (large and soft)."""
    with np.load(hdri_path) as stored:
        sky = np.minimum(stored["interior" if evening else "studio"].astype(np.float32), 30.0)
    world = bpy.data.worlds.new("room")
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    turn = _node(tree, "ShaderNodeMapping", Rotation=(0.0, 0.0, 2.2 if evening else 0.6))
    tree.links.new(tree.nodes.new("ShaderNodeTexCoord").outputs["Generated"], turn.inputs[0])
    texture = _node(tree, "ShaderNodeTexEnvironment", Vector=turn.outputs[0])
    texture.image = make_picture("sky", sky)
    background = tree.nodes["Background"]
    background.inputs["Strength"].default_value = 0.35 if evening else 0.55
    tree.links.new(texture.outputs[0], background.inputs["Color"])
    if evening:
        add_light((-62, 34, 78), 92000, 27, (1.0, 0.80, 0.58))
        add_light((66, 30, -62), 140000, 30, (0.72, 0.86, 1.0))
        add_light((70, 0, 80), 12000, 70, (0.75, 0.87, 1.0))
        add_light((-14, 16, 150), 9000, 9, (1.0, 0.92, 0.84))
    else:
        add_light((42, 44, 100), 105000, 62, (1.0, 0.97, 0.94))
        add_light((10, 14, 150), 9000, 9, (1.0, 1.0, 1.0))
        add_light((-90, 10, 60), 30000, 80, (0.94, 0.97, 1.0))
        add_light((-30, 60, -70), 26000, 40, (1.0, 1.0, 1.0))


def place_camera(moment: Moment, *, field_cm: float) -> None:
    """Aim the camera of the scene; `field_cm` is the picture width at the face."""
    scene = bpy.context.scene
    if scene.camera is None:
        thing = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        scene.collection.objects.link(thing)
        scene.camera = thing
        thing.data.sensor_fit = "HORIZONTAL"
        thing.data.clip_end = 5000.0
        thing.data.clip_start = 1.0
    camera = scene.camera
    camera.location = to_blender(moment.camera)
    aim = mathutils.Vector(to_blender(moment.target)) - camera.location
    camera.rotation_euler = aim.to_track_quat("-Z", "Y").to_euler()
    camera.data.lens = camera.data.sensor_width * 162.0 / field_cm


def set_up_render(width: int, height: int, samples: int) -> None:
    """Choose Cycles on the processor, denoised, with a fixed seed."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform = "Raw"
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, 7
    cycles.use_adaptive_sampling, cycles.adaptive_threshold = True, 0.02
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    cycles.denoising_prefilter = "ACCURATE"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 6, 3, 3
    cycles.transparent_max_bounces, cycles.sample_clamp_indirect = 16, 6.0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    scene.cycles_curves.shape = "RIBBONS"
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGB", "32"


def write_frame(picture: NDArray[np.float32], path: Path, *, lossless: bool) -> None:
    """Write a linear Rec.709 picture as an ACEScg half-float EXR."""
    pixels = (picture.astype(np.float64) @ ACESCG_FROM_REC709.T).astype(np.float16)
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION if lossless else OpenEXR.DWAA_COMPRESSION,
        "dwaCompressionLevel": DWA_LEVEL,
        "type": OpenEXR.scanlineimage,
        "chromaticities": AP1_CHROMATICITIES,
        "colorInteropID": "lin_ap1_scene",
    }
    OpenEXR.File(header, {"RGB": np.ascontiguousarray(pixels)}).write(str(path))


def render_frame() -> NDArray[np.float32]:
    """Render the scene, (H, W, 3), linear Rec.709."""
    bpy.ops.render.render()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.exr"
        bpy.data.images["Render Result"].save_render(str(path))
        with OpenEXR.File(str(path)) as stored:
            pixels: NDArray[np.float32] = stored.channels()["RGB"].pixels.astype(np.float32)
    return pixels


def parse_frames(text: str) -> list[int]:
    """Read "1001-1024", "1001-1024x4" or "1001,1009"; both ends count."""
    frames: list[int] = []
    for piece in text.split(","):
        span, _, step = piece.partition("x")
        first, _, last = span.partition("-")
        frames += range(int(first), int(last or first) + 1, int(step or 1))
    return frames


def main(arguments: Sequence[str] | None = None) -> None:
    """Render what the command line asks for."""
    parser = argparse.ArgumentParser(description="Render the embedded demo shot.")
    parser.add_argument("--head", type=Path, required=True, help="compact ICT head, .npz")
    parser.add_argument("--hdri", type=Path, required=True, help="environment maps, .npz")
    parser.add_argument("--out", type=Path, required=True, help="folder for the frames")
    parser.add_argument("--what", choices=("plate", "source", "truth", "covered"), required=True)
    parser.add_argument("--hands", type=Path, help="made by demo_hand.py, for --what covered")
    parser.add_argument("--frames", help="1001-1024; covered 1001-1016, source 1-14")
    parser.add_argument("--size", help="960x540; covered 640x360, source 640x640")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--prefix", help="file name before the frame number")
    parser.add_argument("--lossless", action="store_true", help="ZIP instead of DWAA")
    told = parser.parse_args(arguments)

    source, covered = told.what == "source", told.what == "covered"
    if covered and told.hands is None:
        parser.error("--what covered needs --hands")
    usual = {"source": ("1-14", "640x640"), "covered": ("1001-1016", "640x360")}
    usual_frames, usual_size = usual.get(told.what, ("1001-1024", "960x540"))
    frames = parse_frames(told.frames or usual_frames)
    size = told.size or usual_size
    width, height = (int(number) for number in size.split("x"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    set_up_render(width, height, told.samples)
    model = HeadModel(told.head)
    face = PLATE_ACTOR if told.what in ("plate", "covered") else SOURCE_ACTOR
    body = SOURCE_ACTOR if source else COVERED_ACTOR if covered else PLATE_ACTOR
    actor = Actor(model, face, body)
    hand = Hand(told.hands, face) if covered else None
    moment_at = {"source": source_moment, "covered": covered_moment}.get(told.what, plate_moment)
    field_cm = {"source": 31.0, "covered": 46.0}.get(told.what, 55.5)
    add_backdrop(paint_room(5, evening=not source))
    light_set(told.hdri, evening=not source)
    told.out.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        moment = moment_at(frame)
        actor.perform(moment)
        if hand is not None:
            hand.perform(frame, moment.pose)
        place_camera(moment, field_cm=field_cm)
        path = told.out / f"{told.prefix or told.what}.{frame:04d}.exr"
        write_frame(render_frame(), path, lossless=told.lossless)
        print(path.name, flush=True)


if __name__ == "__main__":
    main()
