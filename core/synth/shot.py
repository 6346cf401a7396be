"""One rendering: everything is put into the world, drawn, and shaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.arrays import AnyArray, FloatArray, IntArray
from faceplate.core.face import HeadPose
from faceplate.core.synth import shade
from faceplate.core.synth.backdrop import paint
from faceplate.core.synth.figure import MIDDLE, Figure
from faceplate.core.synth.glasses import make_glasses
from faceplate.core.synth.hair import Strands
from faceplate.core.synth.hand import make_hand
from faceplate.core.synth.head import HeadModel
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
from faceplate.core.synth.resolve import Canvas, Mesh, Samples, resolve
from faceplate.core.synth.scene import HeadScene
from faceplate.core.synth.shade import Illumination
from faceplate.core.synth.sheen import strand_light
from faceplate.core.synth.skull import SKULL_CENTER
from faceplate.core.synth.solid import BACKGROUND, HAIR, OCCLUDER, Solid

SAMPLES = 2
"""Samples along a pixel's side, so four per pixel."""

_TOLERANCE = 0.8
"""A landmark counts as visible when nothing is nearer by more, cm: it may lie in a fold."""
_SHADOW_SHARE = 3  # every third strand casts a shadow; it is drawn two samples wide


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


@dataclass(frozen=True, slots=True, eq=False)
class _Scenery:
    """All triangles of a picture: the heads', then what hides, then what is seen through.

    Attributes:
        mesh: as the shader takes it.
        heads, hiding: number of triangles up to the end of the heads, and of what hides.
    """

    mesh: Mesh
    heads: int
    hiding: int

    def draw(self, screen: FloatArray, near: FloatArray, ids: IntArray) -> None:
        triangles = self.mesh.triangles
        draw_triangles(screen, triangles, 0, self.heads, True, near, ids)
        draw_triangles(screen, triangles, self.heads, self.hiding, False, near, ids)


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
        view = scene.view
        self.figure = Figure(
            model, scene.person, scene.expression, scene.gaze,
            (view.yaw, view.pitch, view.roll), scene.body, np.zeros(3),
        )  # fmt: skip
        self.others = [
            Figure(
                model, other.person, other.expression, other.gaze, other.pose, other.body,
                np.array(other.place), OCCLUDER if other.place[2] > 0 else BACKGROUND,
            )
            for other in scene.neighbours
        ]  # fmt: skip
        rest = self.figure.rest
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

    def picture(self) -> HeadPicture:
        """Render it."""
        scenery, strands = self._scenery(), self._strands()
        mesh, side, size = scenery.mesh, self.size * SAMPLES, self.size
        near = np.zeros((side, side), np.float32)
        ids = np.full((side, side), EMPTY, np.int32)
        scenery.draw(mesh.screen, near, ids)
        shadow = self._shadow(scenery, strands)
        around = self.lamps.around(shadow, self.camera.place, noise_textures())
        light = np.zeros((side, side, 3), np.float32)
        for figure, label, group in strands:
            self._draw(figure, label, group, around, near, ids, light)
        veils = np.full((side, side), EMPTY, np.int32)
        end = len(mesh.triangles)
        draw_triangles(mesh.screen, mesh.triangles, scenery.hiding, end, False, near.copy(), veils)

        backdrop = paint(self.scene.backdrop, size, self.surroundings)
        canvas = Canvas(
            rgb=np.array(backdrop, np.float32, order="C"),
            coverage=np.zeros((size, size, len(CLASSES)), np.float32),
            depth=np.full((size, size), np.inf, np.float32),
            uv=np.full((size, size, 2), np.nan, np.float32),
        )
        resolve(Samples(ids, near, veils, light, _sample_order(SAMPLES)), mesh, around, canvas)
        return self._described(canvas, near)

    def _solids(self) -> list[Solid]:
        """Return everything but heads, in the world; what is seen through comes last."""
        scene, figure = self.scene, self.figure
        worn: list[Solid] = []
        for pose in scene.hands:
            worn += make_hand(pose, figure.skin)
        for prop in scene.worn:
            worn += make_prop(prop, figure.skin)
        if scene.glasses is not None:
            worn += make_glasses(scene.glasses, figure.skin, figure.eyeballs)
        solids = [figure.worn(part) for part in worn]
        for prop in scene.props:
            solids += [part.moved(np.eye(3), -MIDDLE) for part in make_prop(prop, figure.skin)]
        for person in (figure, *self.others):
            solids += person.bust()
        return sorted(solids, key=lambda solid: solid.opacity < 1.0)

    def _scenery(self) -> _Scenery:
        figures, solids, own = (self.figure, *self.others), self._solids(), self.model.triangles
        counts = [len(solid.triangles) for solid in solids]
        sizes = [len(f.world) for f in figures] + [len(s.vertices) for s in solids]
        starts = np.cumsum([0, *sizes[:-1]])
        pieces = [own for _ in figures] + [solid.triangles for solid in solids]
        heads = len(own) * len(figures)
        labels = [figure.label for figure in figures] + [solid.label for solid in solids]
        lengths = [len(piece) for piece in pieces]
        opacities = [1.0 for _ in figures] + [solid.opacity for solid in solids]
        hiding = sum(c for c, solid in zip(counts, solids, strict=True) if solid.opacity >= 1.0)
        surfaces = np.full(sum(counts), shade.SURFACE, np.int8)
        table = np.concatenate([f.table() for f in figures] + [_table_of(s) for s in solids])
        mesh = Mesh(
            screen=self.camera.seen(table[:, :3]),
            triangles=np.concatenate(
                [piece + np.int32(start) for piece, start in zip(pieces, starts, strict=True)]
            ),
            table=table,
            material=np.concatenate([*(f.materials() for f in figures), surfaces]),
            label=np.repeat(labels, lengths).astype(np.int8),
            opacity=np.repeat(opacities, lengths).astype(np.float32),
            eyes=np.concatenate([figure.eyes() for figure in figures]),
            focal=self.camera.focal,
        )
        return _Scenery(mesh, heads, heads + hiding)

    def _strands(self) -> list[tuple[Figure, int, Strands]]:
        """Return everybody's strands in the world, with their classes."""
        found = []
        kinds = {prop.kind for prop in self.scene.worn}
        for figure in (self.figure, *self.others):
            ahead = max(self.camera.distance - float(figure.neck[2]), 10.0)
            own = kinds if figure is self.figure else set()
            for label, group in figure.strands(self.camera.focal / ahead, own):
                found.append((figure, label, group))
        return found

    def _shadow(
        self, scenery: _Scenery, strands: Sequence[tuple[Figure, int, Strands]]
    ) -> FloatArray:
        """Return the key's depth map."""
        shadow = np.zeros((SHADOW_SIZE, SHADOW_SIZE), np.float32)
        seen = self.lamps.seen(scenery.mesh.table[:, :3])
        scenery.draw(seen, shadow, np.zeros(shadow.shape, np.int32))
        for figure, label, group in strands:
            if figure is self.figure and label == HAIR:
                thinned = np.ascontiguousarray(group.points[::_SHADOW_SHARE])
                draw_strand_depth(self.lamps.seen(thinned), shadow)
        return shadow

    def _draw(
        self,
        figure: Figure,
        label: int,
        group: Strands,
        around: Illumination,
        near: FloatArray,
        ids: IntArray,
        light: FloatArray,
    ) -> None:
        """Shade and draw one kind of strands."""
        outward = group.points - figure.carried(np.array(SKULL_CENTER))
        outward /= np.maximum(np.linalg.norm(outward, axis=2, keepdims=True), np.float32(1e-6))
        shaded = strand_light(
            group.points, group.color, group.thickness, outward, group.gloss, around
        )
        ahead = max(self.camera.distance - float(figure.neck[2]), 10.0)
        width = group.width * np.float32(self.camera.focal / ahead)
        mark = shade.STRAND - label
        draw_strands(self.camera.seen(group.points), shaded, width, mark, near, ids, light)

    def _described(self, canvas: Canvas, near: FloatArray) -> HeadPicture:
        scene, model, world = self.scene, self.model, self.figure.world
        screen = self.camera.seen(np.concatenate([world[model.mesh_points], self.figure.irises()]))
        mesh = screen[:, :2] / np.float32(SAMPLES)
        face = canonical_face()
        wflw = (mesh[face.wflw_index] * face.wflw_weight[..., None]).sum(axis=1)
        ibug = self.camera.seen(world[model.ibug_points])[:, :2] / np.float32(SAMPLES)
        last = len(near) - 1
        column, row = (np.floor(screen[:, k]).astype(int) for k in (0, 1))
        inside = (column >= 0) & (row >= 0) & (column <= last) & (row <= last)
        nearest = near[np.clip(row, 0, last), np.clip(column, 0, last)]
        hidden = 1.0 / np.maximum(nearest, 1e-6) < 1.0 / screen[:, 2] - _TOLERANCE
        view = scene.view
        return HeadPicture(
            rgb=canvas.rgb,
            coverage=canvas.coverage,
            mesh478=mesh,
            wflw98=wflw.astype(np.float32),
            ibug68=ibug,
            visible478=inside & ~hidden,
            pose=HeadPose(view.yaw, view.pitch, view.roll),
            expression=np.array(scene.expression, np.float32),
            gaze=np.array(scene.gaze, np.float32),
            depth=canvas.depth,
            uv=canvas.uv,
            identity=scene.person.identity,
            seed=scene.seed,
            tags=frozenset(scene.tags),
        )


def _table_of(solid: Solid) -> FloatArray:
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
