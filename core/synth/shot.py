"""One rendering: everything is put into the world, drawn, and shaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray, IntArray, smoothstep
from faceplate.core.face import HeadPose
from faceplate.core.synth import hair, shade
from faceplate.core.synth.backdrop import paint
from faceplate.core.synth.body import NECK_TOP, make_body
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
from faceplate.core.synth.lighting import SHADOW_SIZE, lamps_of
from faceplate.core.synth.noise import noise_textures
from faceplate.core.synth.picture import CLASSES, HeadPicture
from faceplate.core.synth.props import make_prop
from faceplate.core.synth.raster import (
    EMPTY,
    add_normals,
    draw_strand_depth,
    draw_strands,
    draw_triangles,
)
from faceplate.core.synth.scene import Beard, Hair, HeadScene
from faceplate.core.synth.skin import hairline_height, head_attributes, wrinkled
from faceplate.core.synth.skull import SKULL_CENTER
from faceplate.core.synth.solid import FACE, HAIR, Solid

SAMPLES = 2
"""Samples along a pixel's side, so four per pixel."""

PIVOT = np.array([0.0, -7.0, -1.0])
"""Where the neck turns, cm in head space."""
MIDDLE = np.array([0.0, 1.0, 4.0])
"""What the camera looks at, cm in head space."""
_MATERIALS = {SOCKET: shade.SKIN, LID: shade.SKIN, GUMS: shade.MOUTH, TEETH: shade.TOOTH}
_TOLERANCE = 0.8
"""A landmark counts as visible when nothing is nearer by more, cm: it may lie in a fold."""


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A pinhole on the world's z axis, looking to -z: cm to samples."""

    distance: float
    focal: float
    middle: tuple[float, float]

    @property
    def place(self) -> FloatArray:
        """Where it stands in the world."""
        return np.array([0.0, 0.0, self.distance], np.float32)

    def seen(self, points: AnyArray) -> FloatArray:
        """Take world points (..., 3) to screen points (x, y, 1 / depth), float32.

        What is nearer than 4 cm gets 0: it is not drawn.
        """
        ahead = self.distance - points[..., 2]
        near = np.where(ahead > 4.0, 1.0 / np.maximum(ahead, 4.0), 0.0)
        out = np.empty(points.shape, np.float32)
        out[..., 0] = self.middle[0] + self.focal * points[..., 0] * near
        out[..., 1] = self.middle[1] - self.focal * points[..., 1] * near
        out[..., 2] = near
        return out


def rotation_of(yaw: float, pitch: float, roll: float) -> DoubleArray:
    """Return the rotation of a head pose in degrees, head to world, (3, 3)."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), np.sin(c), 0], [-np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


@dataclass(frozen=True, slots=True, eq=False)
class _Mesh:
    """All triangles of a picture: the head's, then what hides, then what is seen through.

    Attributes:
        table: (V, 20) float32 attributes.
        triangles: (T, 3) int32; own, hiding: where the head's and what hides end.
        material, label: (T,) int8.
        opacity: (T,) float32.
    """

    table: FloatArray
    triangles: IntArray
    material: AnyArray
    label: AnyArray
    opacity: FloatArray
    own: int
    hiding: int

    def draw(self, screen: FloatArray, near: FloatArray, ids: IntArray) -> None:
        draw_triangles(screen, self.triangles, 0, self.own, True, near, ids)
        draw_triangles(screen, self.triangles, self.own, self.hiding, False, near, ids)


class Shot:
    """A scene on its way to a picture.

    Args:
        model: the head.
        scene: what to render.
        size: of the picture's side, pixels.
        surroundings: environment maps, (h, 2 h, 3) linear; a scene lit by one takes another light
            when there are none.
    """

    def __init__(
        self,
        model: HeadModel,
        scene: HeadScene,
        size: int,
        surroundings: tuple[FloatArray, ...],
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
        self.neck = -np.asarray((MIDDLE - PIVOT) @ self.rotation.T)
        height = float(np.linalg.norm(rest[model.mesh_points[10]] - rest[model.mesh_points[152]]))
        side = size * SAMPLES
        self.camera = Camera(
            view.distance,
            view.height * side * view.distance / height,
            (view.middle[0] * side, view.middle[1] * side),
        )
        number = scene.light.environment
        lit = number >= 0 and len(surroundings) > 0
        self.lamps = lamps_of(
            scene.light, surroundings[number % len(surroundings)] if lit else None
        )
        self.world = self._posed(self.head)

    def picture(self) -> HeadPicture:
        """Render it."""
        scalp = hairline_height(self.model, self.scene.person.hair)
        mesh = self._mesh(scalp)
        strands = self._strands(scalp)
        side = self.size * SAMPLES
        screen = self.camera.seen(mesh.table[:, :3])
        near = np.zeros((side, side), np.float32)
        ids = np.full((side, side), EMPTY, np.int32)
        mesh.draw(screen, near, ids)
        shadow = self._shadow(mesh, strands)
        light = np.zeros((side, side, 3), np.float32)
        for label, group in strands:
            self._draw(label, group, shadow, near, ids, light)
        veils = np.full((side, side), EMPTY, np.int32)
        end = len(mesh.triangles)
        draw_triangles(screen, mesh.triangles, mesh.hiding, end, False, near.copy(), veils)

        size = self.size
        rgb = np.ascontiguousarray(paint(self.scene.backdrop, size, self.surroundings), np.float32)
        coverage = np.zeros((size, size, len(CLASSES)), np.float32)
        depth = np.full((size, size), np.inf, np.float32)
        uv = np.full((size, size, 2), np.nan, np.float32)
        shade.resolve(
            ids, light, screen, mesh.triangles, mesh.table, mesh.material, mesh.label,
            self._eyes(), self.camera.place, self.lamps.lamps, self.lamps.sh, shadow,
            self.lamps.basis, self.lamps.radius, noise_textures(), _sample_order(SAMPLES),
            rgb, coverage, depth, uv, near, veils, mesh.opacity,
        )  # fmt: skip
        return self._described(rgb, coverage, depth, uv, near)

    def _gazing(self, head: FloatArray) -> FloatArray:
        """Turn the eyeballs of a head in place."""
        turn = rotation_of(*self.scene.gaze, 0.0).astype(np.float32)
        for eye in (EYE_LEFT, EYE_RIGHT):
            chosen = self.model.part == eye
            center = eye_center(head[chosen])
            head[chosen] = (head[chosen] - center) @ turn.T + center
        return head

    def _posed(self, points: AnyArray) -> FloatArray:
        """Take head points to the world; the lower neck follows the body."""
        turned = (points - PIVOT) @ self.rotation.T
        fixed = (points - PIVOT) @ self.body_rotation.T
        share = smoothstep(-6.8, -12.2, points[..., 1:2] + 0.3 * points[..., 2:3])
        return (turned * (1 - share) + fixed * share + self.neck).astype(np.float32)

    def _carried(self, points: AnyArray) -> FloatArray:
        """Take head points to the world rigidly with the skull."""
        shift = (self.neck - PIVOT @ self.rotation.T).astype(np.float32)
        return np.asarray(points @ self.rotation.T.astype(np.float32) + shift, np.float32)

    def _solids(self) -> list[Solid]:
        """Return everything but the head, in the world; what is seen through comes last."""
        scene = self.scene
        skin = self.head[self.model.part <= SCALP]
        fixed: list[Solid] = []
        for pose in scene.hands:
            fixed += make_hand(pose, skin)
        for prop in scene.worn:
            fixed += make_prop(prop, skin)
        if scene.glasses is not None:
            eyes = [eye_center(self.head[self.model.part == e]) for e in (EYE_LEFT, EYE_RIGHT)]
            fixed += make_glasses(scene.glasses, skin, np.stack(eyes))
        shift = self.neck - PIVOT @ self.rotation.T
        solids = [part.moved(self.rotation, shift) for part in fixed]
        for prop in scene.props:
            solids += [part.moved(np.eye(3), -MIDDLE) for part in make_prop(prop, skin)]
        for part in make_body(scene.body, np.array(scene.person.skin.tone), self._throat()):
            solids.append(replace(part, vertices=self._posed(part.vertices)))
        return sorted(solids, key=lambda solid: solid.opacity < 1.0)

    def _throat(self) -> tuple[float, float, float]:
        """Return half width, half depth and middle z of the neck where the body begins."""
        ring = (np.abs(self.model.neutral[:, 1] - NECK_TOP) < 0.7) & (self.model.part <= SCALP)
        x, _, z = self.rest[ring].T
        return float(np.abs(x).max()), float(np.ptp(z)) / 2, float(z.min() + z.max()) / 2

    def _mesh(self, scalp: FloatArray) -> _Mesh:
        model = self.model
        lower, upper = model.mesh_points[14], model.mesh_points[13]
        gap = float(np.linalg.norm(self.head[lower] - self.head[upper]))
        own = head_attributes(model, self.scene.person, scalp, min(gap / 3.0, 1.0))
        own[:, shade.POSITION : shade.POSITION + 3] = self.world
        own[:, shade.NORMAL : shade.NORMAL + 3] = model.normals(self.world)
        solids = self._solids()
        part = model.part[model.triangles[:, 0]]
        material = np.full(len(part), shade.SKIN, np.int8)
        for index, kind in _MATERIALS.items():
            material[part == index] = kind
        material[(part == EYE_LEFT) | (part == EYE_RIGHT)] = shade.EYE
        counts = [len(solid.triangles) for solid in solids]
        starts = len(model.part) + np.cumsum([0] + [len(s.vertices) for s in solids])
        shifted = [s.triangles + np.int32(i) for s, i in zip(solids, starts[:-1], strict=True)]
        labels = np.repeat([solid.label for solid in solids], counts).astype(np.int8)
        opacities = np.repeat([solid.opacity for solid in solids], counts).astype(np.float32)
        hiding = sum(c for c, solid in zip(counts, solids, strict=True) if solid.opacity >= 1.0)
        return _Mesh(
            table=np.concatenate([own, *(_solid_table(solid) for solid in solids)]),
            triangles=np.concatenate([model.triangles, *shifted]),
            material=np.concatenate([material, np.full(sum(counts), shade.SURFACE, np.int8)]),
            label=np.concatenate([np.full(len(part), shade.AUTO, np.int8), labels]),
            opacity=np.concatenate([np.ones(len(part), np.float32), opacities]),
            own=len(part),
            hiding=len(part) + hiding,
        )

    def _shadow(self, mesh: _Mesh, strands: Sequence[tuple[int, Strands]]) -> FloatArray:
        """Return the key's depth map."""
        shadow = np.zeros((SHADOW_SIZE, SHADOW_SIZE), np.float32)
        mesh.draw(self.lamps.seen(mesh.table[:, :3]), shadow, np.zeros(shadow.shape, np.int32))
        for label, group in strands:
            if label == HAIR:
                thinned = np.ascontiguousarray(group.points[::3])
                draw_strand_depth(self.lamps.seen(thinned), shadow)
        return shadow

    def _strands(self, scalp: FloatArray) -> list[tuple[int, Strands]]:
        """Return all strands in the world, with their classes."""
        model, person = self.model, self.scene.person
        detail, skin, look = person.skin.detail, person.skin, person.eyes
        normals = model.normals(self.head)
        # A strand cannot be drawn thinner than a sample: fewer strands stand for the finer ones.
        per_cm = self.camera.focal / self.camera.distance
        found: list[tuple[int, Strands]] = []
        if person.hair.strands:
            keep = float(np.clip(1.2 * person.hair.width * per_cm, 0.4, 1.0))
            pull = np.array([0.0, -1.0, 0.0]) @ self.rotation
            lying, rest = pressed(person.hair, self.scene), self.rest
            grown = hair.grow_hair(model, rest, model.normals(rest), scalp, lying, pull, keep)
            found.append((HAIR, grown))
        beard = covered(person.beard, self.scene)
        if beard.length > 0.0:
            found.append((FACE, hair.grow_beard(model, self.head, normals, beard, detail + 1)))
        count = int(400 * skin.brow_strength)
        if count:
            tint = hair.brow_color(person.hair.color, skin.tone)
            grown = hair.grow_brows(
                model, self.head, normals, skin.brow_width, tint, count, detail + 2
            )
            found.append((FACE, grown))
        if look.lashes > 0.0 and len(model.lashes):
            thin = float(np.clip(0.05 * per_cm, 0.25, 1.0))
            grown = hair.place_lashes(
                model, self.head, look.lashes, look.dark, skin.tone, thin, detail + 3
            )
            found.append((FACE, grown))
        return [
            (label, replace(strands, points=self._carried(strands.points)))
            for label, strands in found
        ]

    def _draw(
        self,
        label: int,
        group: Strands,
        shadow: FloatArray,
        near: FloatArray,
        ids: IntArray,
        light: FloatArray,
    ) -> None:
        """Shade and draw one kind of strands."""
        outward = group.points - self._carried(np.array(SKULL_CENTER))
        outward /= np.maximum(np.linalg.norm(outward, axis=2, keepdims=True), np.float32(1e-6))
        gloss = self.scene.person.hair.gloss if label == HAIR else 0.3
        shaded = shade.shade_strands(
            group.points, group.color, group.thickness, outward, self.camera.place,
            self.lamps.lamps, self.lamps.sh, shadow, self.lamps.basis, gloss,
        )  # fmt: skip
        width = group.width * np.float32(self.camera.focal / self.camera.distance)
        mark = shade.STRAND - label
        draw_strands(self.camera.seen(group.points), shaded, width, mark, near, ids, light)

    def _eyes(self) -> FloatArray:
        """Return both eyes for the shader, (2, 20)."""
        look = self.scene.person.eyes
        turn = self.rotation @ rotation_of(*self.scene.gaze, 0.0)
        rows = []
        for eye in (EYE_LEFT, EYE_RIGHT):
            center = self._carried(eye_center(self.head[self.model.part == eye]))
            rows.append(
                [*center, *turn[:, 2], *turn[:, 1], *look.iris, *look.rim,
                 look.size, look.pupil, look.red, eye * 1.7, 0.0]
            )  # fmt: skip
        return np.array(rows, np.float32)

    def _described(
        self,
        rgb: FloatArray,
        coverage: FloatArray,
        depth: FloatArray,
        uv: FloatArray,
        near: FloatArray,
    ) -> HeadPicture:
        scene, model = self.scene, self.model
        screen = self.camera.seen(np.concatenate([self.world[model.mesh_points], self._irises()]))
        mesh = screen[:, :2] / np.float32(SAMPLES)
        face = canonical_face()
        wflw = (mesh[face.wflw_index] * face.wflw_weight[..., None]).sum(axis=1)
        ibug = self.camera.seen(self.world[model.ibug_points])[:, :2] / np.float32(SAMPLES)
        last = len(near) - 1
        column, row = (np.floor(screen[:, k]).astype(int) for k in (0, 1))
        inside = (column >= 0) & (row >= 0) & (column <= last) & (row <= last)
        nearest = near[np.clip(row, 0, last), np.clip(column, 0, last)]
        hidden = 1.0 / np.maximum(nearest, 1e-6) < 1.0 / screen[:, 2] - _TOLERANCE
        view = scene.view
        return HeadPicture(
            rgb=rgb,
            coverage=coverage,
            mesh478=mesh,
            wflw98=wflw.astype(np.float32),
            ibug68=ibug,
            visible478=inside & ~hidden,
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


def pressed(style: Hair, scene: HeadScene) -> Hair:
    """Return hair as it lies under what is worn."""
    kinds = {prop.kind for prop in scene.worn}
    x, y, z = style.length
    if kinds & {"hood", "headscarf"}:
        short = (min(x, 2.0), min(y, 2.0), min(z, 2.0))
        return replace(style, length=short, volume=0.1, lift=0.05, curl=0.0, loose=0)
    if kinds & {"cap", "beanie", "hat"}:
        short = (min(x, 3.0), y if y > 6 else min(y, 2.0), z)
        return replace(style, length=short, volume=0.2, lift=0.05, curl=min(style.curl, 0.1))
    return style


def covered(beard: Beard, scene: HeadScene) -> Beard:
    """Return a beard as a mask or scarf leaves it."""
    hidden = any(prop.kind in ("mask", "scarf") for prop in scene.worn)
    return replace(beard, length=0.0) if hidden else beard


def eye_center(ball: FloatArray) -> FloatArray:
    """Return the middle about which an eyeball (N, 3) turns."""
    low, high = ball.min(axis=0), ball.max(axis=0)
    middle = 0.5 * (low + high)
    # The cornea bulges to the front: the ball's back and width tell its middle.
    middle[2] = low[2] + 0.5 * (high[0] - low[0])
    return np.asarray(middle)


def _solid_table(solid: Solid) -> FloatArray:
    """Return a solid's attributes, (V, 20)."""
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
    # What is red like skin scatters like it: hands and bare shoulders.
    red, _, blue = solid.albedo.mean(axis=0)
    table[:, shade.SUBSURFACE] = 0.6 if red > 1.25 * blue else 0.0
    return table


def _sample_order(samples: int) -> IntArray:
    """Return the (x, y) of a pixel's samples, the most central first, (n * n, 2)."""
    grid = np.stack(np.meshgrid(np.arange(samples), np.arange(samples)), -1).reshape(-1, 2)
    away = np.abs(grid + 0.5 - 0.5 * samples).sum(axis=1)
    return grid[np.argsort(away, kind="stable")].astype(np.int32)
