"""Turn the samples of a picture into light and coverage.

A pixel's samples are grouped by what they show; each group is shaded once and weighs as much as it
has samples. So edges are as fine as the samples, and shading costs little more than one sample.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray, IntArray
from faceplate.core.synth.raster import EMPTY
from faceplate.core.synth.shade import (
    ALBEDO,
    ATTRIBUTES,
    EYE,
    INSIDE,
    MOUTH,
    NECK,
    NORMAL,
    OPEN,
    POSITION,
    SCALP,
    STRAND,
    SURFACE,
    TOOTH,
    Illumination,
    U,
    V,
    surface_light,
)

_FACE, _HAIR, _MOUTH, _NECK = 1, 2, 4, 5
_INSIDE_CM = 0.45
"""How far behind the lips the mouth's inside begins: what is nearer is the wet of the lips."""
_REACH_CM = 2.0
"""How far things dim the light around a point."""


class Samples(NamedTuple):
    """What was drawn, sample by sample.

    Attributes:
        ids: (n H, n W) int32 the triangle of a sample, `STRAND` - class, or `EMPTY`.
        near: (n H, n W) 1 / depth, 0 where there is nothing.
        veils: (n H, n W) int32 the see-through triangle before it, or `EMPTY`.
        light: (n H, n W, 3) light of samples of strands.
        order: (n * n, 2) the (x, y) of a pixel's samples, the most central first.
    """

    ids: IntArray
    near: FloatArray
    veils: IntArray
    light: FloatArray
    order: IntArray


class Mesh(NamedTuple):
    """All triangles of a picture.

    Attributes:
        screen: (V, 3) screen points in samples.
        triangles: (T, 3).
        table: (V, 20) attributes.
        material, label: (T,) int8.
        opacity: (T,) float32.
        eyes: (E, 20) centre, axis, up, iris, rim (3 each), angles of iris and pupil, red, phase.
        focal: samples that a centimetre covers at a distance of 1 cm.
    """

    screen: FloatArray
    triangles: IntArray
    table: FloatArray
    material: AnyArray
    label: AnyArray
    opacity: FloatArray
    eyes: FloatArray
    focal: float


class Canvas(NamedTuple):
    """The picture that is filled; rgb comes in as the backdrop."""

    rgb: FloatArray
    coverage: FloatArray
    depth: FloatArray
    uv: FloatArray


@numba.njit(nogil=True, cache=True, fastmath=False)
def _weights(mesh, t, px, py, out):  # type: ignore[no-untyped-def]
    """Write the perspective-correct weights of a triangle's corners at a sample."""
    screen, triangles = mesh.screen, mesh.triangles
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    ax, ay = np.float64(screen[a, 0]), np.float64(screen[a, 1])
    bx, by = np.float64(screen[b, 0]), np.float64(screen[b, 1])
    cx, cy = np.float64(screen[c, 0]), np.float64(screen[c, 1])
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    wa = ((bx - px) * (cy - py) - (by - py) * (cx - px)) / area * screen[a, 2]
    wb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) / area * screen[b, 2]
    wc = ((ax - px) * (by - py) - (ay - py) * (bx - px)) / area * screen[c, 2]
    total = wa + wb + wc
    out[0], out[1], out[2] = wa / total, wb / total, wc / total


@numba.njit(nogil=True, cache=True, fastmath=False)
def _mixed(mesh, t, w, k):  # type: ignore[no-untyped-def]
    table, triangles = mesh.table, mesh.triangles
    return (
        w[0] * table[triangles[t, 0], k]
        + w[1] * table[triangles[t, 1], k]
        + w[2] * table[triangles[t, 2], k]
    )


@numba.njit(nogil=True, cache=True, fastmath=False)
def _label(mesh, t, w):  # type: ignore[no-untyped-def]
    """Return the class of a sample on a triangle."""
    if mesh.label[t] >= 0:
        return mesh.label[t]
    kind = mesh.material[t]
    if kind in (MOUTH, TOOTH):
        return _MOUTH
    if kind == EYE:
        return _FACE
    if _mixed(mesh, t, w, INSIDE) > _INSIDE_CM:
        return _MOUTH
    if _mixed(mesh, t, w, SCALP) > 0.0:
        return _HAIR
    if _mixed(mesh, t, w, NECK) > 0.0:
        return _NECK
    return _FACE


@numba.njit(nogil=True, cache=True, fastmath=False)
def _eye(value, eyes):  # type: ignore[no-untyped-def]
    """Paint a point of an eyeball: albedo, normal and the lids' shade, in place.

    ``eyes`` is as `Mesh` has it; the nearest is meant.
    """
    e = 0
    near = 1e9
    for k in range(eyes.shape[0]):
        gap = 0.0
        for c in range(3):
            gap += (value[POSITION + c] - eyes[k, c]) ** 2
        if gap < near:
            near, e = gap, k
    length = np.sqrt(near) + 1e-9
    ax, ay, az = eyes[e, 3], eyes[e, 4], eyes[e, 5]
    ux, uy, uz = eyes[e, 6], eyes[e, 7], eyes[e, 8]
    sx, sy, sz = uy * az - uz * ay, uz * ax - ux * az, ux * ay - uy * ax
    dx = (value[0] - eyes[e, 0]) / length
    dy = (value[1] - eyes[e, 1]) / length
    dz = (value[2] - eyes[e, 2]) / length
    along = dx * ax + dy * ay + dz * az
    up = dx * ux + dy * uy + dz * uz
    side = dx * sx + dy * sy + dz * sz
    angle = np.arccos(min(max(along, -1.0), 1.0))
    turn = np.arctan2(up, side)
    value[NORMAL], value[NORMAL + 1], value[NORMAL + 2] = dx, dy, dz
    iris, pupil, red = eyes[e, 15], eyes[e, 16], eyes[e, 17]
    dim = 1.0 - 0.25 * min(max((angle - 0.5), 0.0), 1.0)
    blood = red * (0.3 + 0.7 * max(np.sin(turn * 23 + np.sin(turn * 7 + eyes[e, 18]) * 3), 0.0))
    blood *= min(max(angle - iris, 0.0) * 1.6, 1.0)
    fibre = 0.75 + 0.25 * np.sin(turn * 37 + np.sin(turn * 11 + eyes[e, 18]) * 2)
    in_iris = min(max((iris - angle) / 0.035, 0.0), 1.0)
    in_pupil = min(max((pupil - angle) / 0.025, 0.0), 1.0)
    ring = min(max((angle - (iris - 0.09)) / 0.09, 0.0), 1.0)
    glow = 1.5 - 0.7 * min(max((angle - pupil) / max(iris - pupil, 0.05), 0.0), 1.0)
    for c in range(3):
        white = (0.70, 0.64, 0.60)[c] * dim * (1 - blood * (0.1, 0.55, 0.5)[c])
        inner = eyes[e, 9 + c] * (1 - ring) + eyes[e, 12 + c] * ring
        tint = white * (1 - in_iris) + inner * fibre * glow * in_iris
        value[ALBEDO + c] = tint * (1 - in_pupil) + 0.003 * in_pupil
    value[OPEN] = 0.35 + 0.5 * min(max(0.75 - 1.6 * up, 0.0), 1.0)


@numba.njit(nogil=True, cache=True, fastmath=False)
def _ambient(near, row, column, depth, focal):  # type: ignore[no-untyped-def]
    """Return the share of the light around that nearby things before a sample let through."""
    height, width = near.shape
    reach = _REACH_CM * focal / depth
    hidden = 0.0
    for k in range(8):
        r = reach * np.sqrt((k + 0.5) / 8.0)
        y = row + int(np.floor(r * np.sin(2.399963 * k) + 0.5))
        x = column + int(np.floor(r * np.cos(2.399963 * k) + 0.5))
        if y < 0 or x < 0 or y >= height or x >= width or near[y, x] <= 0.0:
            continue
        ahead = depth - 1.0 / near[y, x]
        # What is less before the point belongs to its own slope.
        if ahead > 0.5 * r * depth / focal + 0.15:
            hidden += max(1.0 - ahead / 9.0, 0.0)
    return 1.0 - 0.8 * hidden / 8.0


@numba.njit(nogil=True, cache=True, fastmath=False)
def resolve(samples: Samples, mesh: Mesh, around: Illumination, canvas: Canvas) -> None:
    """Fill a picture from its samples, in place."""
    ids, near, veils, order = samples.ids, samples.near, samples.veils, samples.order
    rgb, coverage, depth, uv = canvas.rgb, canvas.coverage, canvas.depth, canvas.uv
    count = order.shape[0]
    factor = int(np.sqrt(count))
    share = 1.0 / count
    w, out, total = np.zeros(3), np.zeros(3), np.zeros(3)
    value = np.zeros(ATTRIBUTES)
    keys, firsts, shares = (
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
    )
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            total[:] = 0.0
            groups, empty, veiled, veil = 0, 0, 0, -1
            for s in range(count):
                column, row = x * factor + order[s, 0], y * factor + order[s, 1]
                t = ids[row, column]
                forced = -1
                before = veils[row, column]
                if before != EMPTY:
                    if veiled == 0:
                        veil = s
                    veiled += 1
                    if mesh.opacity[before] >= 0.5:
                        forced = mesh.label[before]
                if s == 0 and near[row, column] > 0.0:
                    depth[y, x] = 1.0 / near[row, column]
                if t == EMPTY:
                    empty += 1
                    coverage[y, x, max(forced, 0)] += share
                    continue
                if t <= STRAND:
                    coverage[y, x, forced if forced >= 0 else STRAND - t] += share
                    for c in range(3):
                        total[c] += samples.light[row, column, c] * share
                    continue
                _weights(mesh, t, column + 0.5, row + 0.5, w)
                label = _label(mesh, t, w)
                coverage[y, x, forced if forced >= 0 else label] += share
                key = label * 16 + mesh.material[t]
                g = 0
                while g < groups and keys[g] != key:
                    g += 1
                if g == groups:
                    keys[g], firsts[g], shares[g] = key, s, 0
                    groups += 1
                shares[g] += 1
            for g in range(groups):
                s = firsts[g]
                column, row = x * factor + order[s, 0], y * factor + order[s, 1]
                t = ids[row, column]
                _weights(mesh, t, column + 0.5, row + 0.5, w)
                for k in range(ATTRIBUTES):
                    value[k] = _mixed(mesh, t, w, k)
                if mesh.label[t] < 0 and np.isnan(uv[y, x, 0]):
                    uv[y, x, 0], uv[y, x, 1] = value[U], value[V]
                if mesh.material[t] == EYE:
                    _eye(value, mesh.eyes)
                ambient = _ambient(near, row, column, 1.0 / near[row, column], mesh.focal)
                surface_light(value, mesh.material[t], ambient, around, out)
                for c in range(3):
                    total[c] += out[c] * shares[g] * share
            for c in range(3):
                rgb[y, x, c] = total[c] + rgb[y, x, c] * empty * share
            if veiled > 0:
                column, row = x * factor + order[veil, 0], y * factor + order[veil, 1]
                t = veils[row, column]
                _weights(mesh, t, column + 0.5, row + 0.5, w)
                for k in range(ATTRIBUTES):
                    value[k] = _mixed(mesh, t, w, k)
                surface_light(value, SURFACE, 1.0, around, out)
                hides = veiled * share * mesh.opacity[t]
                for c in range(3):
                    rgb[y, x, c] = rgb[y, x, c] * (1.0 - hides) + hides * out[c]
