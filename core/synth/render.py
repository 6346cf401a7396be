"""Render a described head: light, exact coverage, landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

import cv2
import numpy as np

from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray, IntArray, smoothstep
from faceplate.core.face import HeadPose
from faceplate.core.synth import hair, shade
from faceplate.core.synth.backdrop import paint
from faceplate.core.synth.body import make_body
from faceplate.core.synth.glasses import make_glasses
from faceplate.core.synth.hair import Strands
from faceplate.core.synth.hand import make_hand
from faceplate.core.synth.head import (
    EYE_LEFT,
    EYE_RIGHT,
    GUMS,
    LID,
    SCALP,
    SOCKET,
    TEETH,
    HeadModel,
)
from faceplate.core.synth.lighting import SHADOW_SIZE, Lamps, lamps_of
from faceplate.core.synth.picture import CLASSES, HeadPicture
from faceplate.core.synth.props import make_prop
from faceplate.core.synth.raster import (
    add_normals,
    draw_strand_depth,
    draw_strands,
    draw_triangles,
)
from faceplate.core.synth.scene import Hair, HeadScene, View
from faceplate.core.synth.skin import hairline_height, head_attributes, wrinkled
from faceplate.core.synth.skull import SKULL_CENTER
from faceplate.core.synth.solid import FACE, HAIR, Solid

Maps: TypeAlias = Sequence[FloatArray]

SAMPLES = 2
"""Samples of a pixel's side, so four per pixel."""

PIVOT = np.array([0.0, -7.0, -1.0])
"""Where the neck turns, cm in head space."""
_MIDDLE = np.array([0.0, 1.0, 4.0])
"""What the camera looks at, cm in head space."""
_MATERIALS = {SOCKET: shade.SKIN, LID: shade.SKIN, GUMS: shade.MOUTH, TEETH: shade.TOOTH}


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A pinhole on the world's z axis, looking to -z: cm to samples."""

    distance: float
    focal: float
    middle: tuple[float, float]

    def seen(self, points: AnyArray) -> FloatArray:
        """Take world points (..., 3) to screen points (x, y, 1 / depth), float32."""
        near = 1.0 / np.maximum(self.distance - points[..., 2], 1e-3)
        near = np.where(points[..., 2] > self.distance - 4.0, 0.0, near)
        return np.stack(
            [
                self.middle[0] + self.focal * points[..., 0] * near,
                self.middle[1] - self.focal * points[..., 1] * near,
                near,
            ],
            axis=-1,
        ).astype(np.float32)


def rotation_of(yaw: float, pitch: float, roll: float) -> DoubleArray:
    """Return the rotation of a head pose in degrees, head to world, (3, 3)."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), np.sin(c), 0], [-np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


def render_head(
    model: HeadModel, scene: HeadScene, size: int, surroundings: Maps = ()
) -> HeadPicture:
    """Render a scene.

    Args:
        size: of the picture's side, pixels.
        surroundings: environment maps, (h, 2 h, 3) linear, that a scene may be lit by.
    """
    return _Shot(model, scene, size, tuple(surroundings)).picture()


class _Shot:
    """One rendering in progress."""

    def __init__(
        self, model: HeadModel, scene: HeadScene, size: int, surroundings: tuple[FloatArray, ...]
    ) -> None:
        self.model, self.scene, self.size = model, scene, size
        self.surroundings = surroundings
        view, person = scene.view, scene.person
        rest = model.shape(person.weights)
        if person.skin.age > 0.05:
            rest = wrinkled(model, rest, model.normals(rest), person.skin.age)
        self.rest = rest
        self.head = self._gazing(model.acted(rest, scene.expression))
        self.rotation = rotation_of(view.yaw, view.pitch, view.roll)
        self.body_rotation = rotation_of(scene.body.yaw, 0.0, 0.0)
        height = float(np.linalg.norm(rest[model.mesh_points[10]] - rest[model.mesh_points[152]]))
        side = size * SAMPLES
        self.camera = Camera(
            view.distance,
            view.height * side * view.distance / height,
            (view.middle[0] * side, view.middle[1] * side),
        )
        self.lamps = self._lamps(view)
        self.world = self._posed(self.head)

    def _lamps(self, view: View) -> Lamps:
        light = self.scene.light
        maps = self.surroundings
        around = maps[light.environment % len(maps)] if light.environment >= 0 and maps else None
        return lamps_of(light, around)

    def _gazing(self, head: FloatArray) -> FloatArray:
        """Turn the eyeballs of a head in place."""
        turn = rotation_of(self.scene.gaze[0], self.scene.gaze[1], 0.0).astype(np.float32)
        for eye in (EYE_LEFT, EYE_RIGHT):
            chosen = self.model.part == eye
            center = eye_center(head[chosen])
            head[chosen] = (head[chosen] - center) @ turn.T + center
        return head

    def _posed(self, points: AnyArray) -> FloatArray:
        """Take head points to the world; the lower neck follows the body."""
        turned = (points - PIVOT) @ self.rotation.T
        fixed = (points - PIVOT) @ self.body_rotation.T
        share = smoothstep(-8.5, -15.0, points[..., 1:2] + 0.25 * points[..., 2:3])
        return (turned * (1 - share) + fixed * share + self._shift()).astype(np.float32)

    def _carried(self, points: AnyArray) -> FloatArray:
        """Take head points to the world rigidly with the skull."""
        return ((points - PIVOT) @ self.rotation.T + self._shift()).astype(np.float32)

    def _shift(self) -> DoubleArray:
        return -np.asarray((_MIDDLE - PIVOT) @ self.rotation.T)

    def _solids(self) -> list[Solid]:
        """Return everything but the head, in the world."""
        scene = self.scene
        solids = []
        for part in make_body(scene.body, np.array(scene.person.skin.tone)):
            shift = self._shift() - PIVOT @ self.body_rotation.T
            solids.append(part.moved(self.body_rotation, shift))
        skin = self.head[self.model.part <= SCALP]
        fixed: list[Solid] = []
        for pose in scene.hands:
            fixed += make_hand(pose, skin)
        for prop in scene.worn:
            fixed += make_prop(prop, skin)
        if scene.glasses is not None:
            eyes = [eye_center(self.head[self.model.part == e]) for e in (EYE_LEFT, EYE_RIGHT)]
            fixed += make_glasses(scene.glasses, skin, np.stack(eyes))
        shift = self._shift() - PIVOT @ self.rotation.T
        solids += [part.moved(self.rotation, shift) for part in fixed]
        for prop in scene.props:
            solids += [part.moved(np.eye(3), -_MIDDLE) for part in make_prop(prop, skin)]
        return sorted(solids, key=lambda solid: solid.opacity < 1.0)

    def _eyes(self) -> FloatArray:
        look = self.scene.person.eyes
        rows = []
        turn = self.rotation @ rotation_of(*self.scene.gaze, 0.0)
        for eye in (EYE_LEFT, EYE_RIGHT):
            center = self._carried(eye_center(self.head[self.model.part == eye]))
            rows.append(
                [*center, *turn[:, 2], *turn[:, 1], *look.iris, *look.rim,
                 look.size, look.pupil, look.red, eye * 1.7, 0.0]
            )  # fmt: skip
        return np.array(rows, np.float32)

    def _strands(self, scalp: FloatArray) -> list[tuple[int, Strands]]:
        """Return all strands in the world with their classes."""
        model, person = self.model, self.scene.person
        found: list[tuple[int, Strands]] = []
        normals = model.normals(self.head)
        detail = person.skin.detail
        per_cm = self.camera.focal / self.camera.distance
        if person.hair.strands:
            grown = hair.grow_hair(
                model,
                self.rest,
                model.normals(self.rest),
                scalp,
                pressed(person.hair, self.scene),
                np.array([0.0, -1.0, 0.0]) @ self.rotation,
                float(np.clip(1.2 * person.hair.width * per_cm, 0.4, 1.0)),
            )
            found.append((HAIR, grown))
        if person.beard.length > 0.0:
            found.append(
                (FACE, hair.grow_beard(model, self.head, normals, person.beard, detail + 1))
            )
        tone = np.minimum(np.array(person.hair.color), np.array(person.skin.tone) * 0.4)
        count = int(500 * person.skin.brow_strength)
        if count:
            brows = hair.grow_brows(
                model, self.head, normals, person.skin.brow_width, tone, count, detail + 2
            )
            found.append((FACE, brows))
        if person.eyes.lashes > 0.0 and len(model.lashes):
            lashes = hair.place_lashes(
                model, self.head, person.eyes.lashes, person.eyes.dark, detail + 3
            )
            found.append((FACE, lashes))
        return [(label, self._moved(strands)) for label, strands in found]

    def _moved(self, strands: Strands) -> Strands:
        return Strands(
            self._carried(strands.points), strands.color, strands.width, strands.thickness
        )

    def picture(self) -> HeadPicture:
        model, scene, size = self.model, self.scene, self.size
        side = size * SAMPLES
        scalp = hairline_height(model, scene.person.hair)
        opening = self._opening()
        attributes = head_attributes(model, scene.person, scalp, opening)
        attributes[:, shade.POSITION : shade.POSITION + 3] = self.world
        attributes[:, shade.NORMAL : shade.NORMAL + 3] = model.normals(self.world)
        solids = self._solids()
        tables = [attributes, *(_solid_attributes(solid) for solid in solids)]
        triangles, material, label, opacity = _joined(model, solids)
        table = np.concatenate(tables)
        strands = self._strands(scalp)

        screen = self.camera.seen(table[:, :3])
        near = np.zeros((side, side), np.float32)
        ids = np.full((side, side), -1, np.int32)
        own = len(model.triangles)
        draw_triangles(screen, triangles, 0, own, True, near, ids)
        clear = own + sum(len(s.triangles) for s in solids if s.opacity >= 1.0)
        draw_triangles(screen, triangles, own, clear, False, near, ids)

        shadow = np.zeros((SHADOW_SIZE, SHADOW_SIZE), np.float32)
        spare = np.zeros((SHADOW_SIZE, SHADOW_SIZE), np.int32)
        from_light = self.lamps.seen(table[:, :3])
        draw_triangles(from_light, triangles, 0, own, True, shadow, spare)
        draw_triangles(from_light, triangles, own, clear, False, shadow, spare)
        for kind, group in strands:
            if kind == HAIR:
                draw_strand_depth(self.lamps.seen(group.points), 3, shadow)

        eye_point = np.array([0.0, 0.0, self.camera.distance], np.float32)
        light = np.zeros((side, side, 3), np.float32)
        middle = self._carried(np.array(SKULL_CENTER))
        for kind, group in strands:
            outward = group.points - middle
            outward /= np.linalg.norm(outward, axis=2, keepdims=True)
            shaded = shade.shade_strands(
                group.points,
                group.color,
                group.thickness,
                outward.astype(np.float32),
                eye_point,
                self.lamps.lamps,
                self.lamps.sh,
                shadow,
                self.lamps.basis,
                scene.person.hair.gloss if kind == HAIR else 0.3,
            )
            width = group.width * np.float32(self.camera.focal / self.camera.distance)
            draw_strands(
                self.camera.seen(group.points), shaded, width, shade.STRAND - kind, near, ids, light
            )

        veils = np.full((side, side), -1, np.int32)
        draw_triangles(screen, triangles, clear, len(triangles), False, near.copy(), veils)

        backdrop = paint(scene.backdrop, size, self.surroundings)
        coverage = np.zeros((size, size, len(CLASSES)), np.float32)
        depth = np.full((size, size), np.inf, np.float32)
        uv = np.full((size, size, 2), np.nan, np.float32)
        rgb = np.ascontiguousarray(backdrop, np.float32)
        shade.resolve(
            ids, light, screen, triangles, table, material, label, self._eyes(), eye_point,
            self.lamps.lamps, self.lamps.sh, shadow, self.lamps.basis, self.lamps.radius,
            noise_textures(), _sample_order(SAMPLES), rgb, coverage, depth, uv, near,
            veils, opacity,
        )  # fmt: skip
        return self._described(rgb, coverage, depth, uv, near)

    def _opening(self) -> float:
        lower, upper = self.model.mesh_points[14], self.model.mesh_points[13]
        gap = np.linalg.norm(self.head[lower] - self.head[upper])
        return float(np.clip(gap / 3.0, 0.0, 1.0))

    def _described(
        self,
        rgb: FloatArray,
        coverage: FloatArray,
        depth: FloatArray,
        uv: FloatArray,
        near: FloatArray,
    ) -> HeadPicture:
        scene, model = self.scene, self.model
        world = np.concatenate([self.world[model.mesh_points], self._irises()])
        screen = self.camera.seen(world)
        mesh = screen[:, :2] / np.float32(SAMPLES)
        face = canonical_face()
        wflw = (mesh[face.wflw_index] * face.wflw_weight[..., None]).sum(axis=1)
        ibug = self.camera.seen(self.world[model.ibug_points])[:, :2] / np.float32(SAMPLES)
        column, row = (np.floor(screen[:, k]).astype(int) for k in (0, 1))
        inside = (column >= 0) & (row >= 0) & (column < near.shape[1]) & (row < near.shape[0])
        at = near[np.clip(row, 0, near.shape[0] - 1), np.clip(column, 0, near.shape[1] - 1)]
        visible = inside & (1.0 / np.maximum(at, 1e-6) > 1.0 / screen[:, 2] - 0.8)
        view = scene.view
        return HeadPicture(
            rgb=rgb,
            coverage=coverage,
            mesh478=mesh,
            wflw98=wflw.astype(np.float32),
            ibug68=ibug,
            visible478=visible,
            pose=HeadPose(view.yaw, view.pitch, view.roll),
            expression=np.array(scene.expression, np.float32),
            gaze=np.array(scene.gaze, np.float32),
            depth=depth,
            uv=uv,
            identity=scene.person.identity,
            seed=scene.seed,
            tags=frozenset(scene.tags),
        )

    def _irises(self) -> FloatArray:
        """Return the ten iris points of the mesh in the world: own right eye first."""
        size = self.scene.person.eyes.size
        turn = rotation_of(*self.scene.gaze, 0.0)
        points = []
        for eye in (EYE_RIGHT, EYE_LEFT):
            ball = self.head[self.model.part == eye]
            center = eye_center(ball)
            radius = float(np.linalg.norm(ball - center, axis=1).max())
            across, along = radius * np.sin(size), radius * np.cos(size)
            local = [[0, 0, radius], [across, 0, along], [0, across, along],
                     [-across, 0, along], [0, -across, along]]  # fmt: skip
            points.append(np.array(local) @ turn.T + center)
        return self._carried(np.concatenate(points))


def pressed(hair: Hair, scene: HeadScene) -> Hair:
    """Return hair as it lies under what is worn."""
    kinds = {prop.kind for prop in scene.worn}
    if kinds & {"hood", "headscarf"}:
        x, y, z = (min(length, 2.0) for length in hair.length)
        return replace(hair, length=(x, y, z), volume=0.1, lift=0.05, curl=0.0, loose=0)
    if kinds & {"cap", "beanie", "hat"}:
        x, y, z = hair.length
        short = (min(x, 3.0), y if y > 6 else min(y, 2.0), z)
        return replace(hair, length=short, volume=0.2, lift=0.05, curl=min(hair.curl, 0.1))
    return hair


def eye_center(ball: FloatArray) -> FloatArray:
    """Return the middle about which an eyeball (N, 3) turns."""
    low, high = ball.min(axis=0), ball.max(axis=0)
    middle = 0.5 * (low + high)
    # The cornea bulges to the front: the ball's back and width tell its middle.
    middle[2] = low[2] + 0.5 * (high[0] - low[0])
    return middle


def _solid_attributes(solid: Solid) -> FloatArray:
    table = np.zeros((len(solid.vertices), shade.ATTRIBUTES), np.float32)
    normals = np.zeros_like(solid.vertices)
    welded = np.arange(len(solid.vertices), dtype=np.int32)
    add_normals(solid.vertices, solid.triangles, welded, normals)
    table[:, shade.POSITION : shade.POSITION + 3] = solid.vertices
    table[:, shade.NORMAL : shade.NORMAL + 3] = normals
    table[:, shade.ALBEDO : shade.ALBEDO + 3] = solid.albedo
    table[:, shade.GLOSS] = solid.gloss * 2.0
    table[:, shade.SHINE] = 10.0 + 90.0 * solid.gloss
    table[:, shade.OPEN] = 1.0
    table[:, shade.SUBSURFACE] = 0.6 if solid.albedo[:, 0].mean() > solid.albedo[:, 2].mean() else 0
    return table


def _joined(
    model: HeadModel, solids: Sequence[Solid]
) -> tuple[IntArray, AnyArray, AnyArray, FloatArray]:
    """Return triangles, materials, labels and opacities of head and solids."""
    part = model.part[model.triangles[:, 0]]
    material = np.full(len(part), shade.SKIN, np.int8)
    for index, kind in _MATERIALS.items():
        material[part == index] = kind
    material[(part == EYE_LEFT) | (part == EYE_RIGHT)] = shade.EYE
    triangles, materials = [model.triangles], [material]
    labels = [np.full(len(part), shade.AUTO, np.int8)]
    opacities = [np.ones(len(part), np.float32)]
    start = len(model.part)
    for solid in solids:
        triangles.append(solid.triangles + np.int32(start))
        materials.append(np.full(len(solid.triangles), shade.SURFACE, np.int8))
        labels.append(np.full(len(solid.triangles), solid.label, np.int8))
        opacities.append(np.full(len(solid.triangles), solid.opacity, np.float32))
        start += len(solid.vertices)
    return (
        np.concatenate(triangles),
        np.concatenate(materials),
        np.concatenate(labels),
        np.concatenate(opacities),
    )


@cache
def _sample_order(samples: int) -> IntArray:
    """Return the (x, y) of a pixel's samples, the most central first, (n * n, 2)."""
    grid = np.stack(np.meshgrid(np.arange(samples), np.arange(samples)), -1).reshape(-1, 2)
    away = np.abs(grid + 0.5 - 0.5 * samples).sum(axis=1)
    return grid[np.argsort(away, kind="stable")].astype(np.int32)


@cache
def noise_textures() -> FloatArray:
    """Return coarse and fine tiling noise of unit variance, (2, 512, 512) float32."""
    rng = np.random.default_rng(20)
    white = rng.standard_normal((2, 512, 512)).astype(np.float32)
    layers = []
    for layer, sigmas in zip(white, ((12.0, 4.0, 1.5), (1.0, 0.6)), strict=True):
        total = np.zeros_like(layer)
        for sigma in sigmas:
            padded = np.pad(layer, 64, mode="wrap")
            soft = cv2.GaussianBlur(padded, (0, 0), sigma)[64:-64, 64:-64]
            total += soft / soft.std()
        layers.append(total / total.std())
    return np.stack(layers)
