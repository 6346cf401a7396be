"""Source views onto the target's mesh at plate resolution, mixed by pose, expression and sight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray, smoothstep
from faceplate.core.frame import Window
from faceplate.core.geometry import mesh as meshes
from faceplate.core.geometry.mesh import Raster
from faceplate.core.source import Actor, View
from faceplate.core.stages.views import (
    SourceView,
    Target,
    ViewWeights,
    irises_of,
    measure_openings,
)

_IRIS_INNER, _IRIS_OUTER = 0.95, 2.1
"""In iris radii: inside, the picture follows the iris; outside, the lids."""


@dataclass(frozen=True, slots=True, eq=False)
class Warped:
    """A source face on the plate's raster.

    Attributes:
        raster: the target's widened mesh, drawn.
        codes: (h, w, 3) float32 code values, exposure equalised; 0 outside the cover.
        depth: (h, w) float32, distance inside the edge of what may be replaced, face heights.
        skin: (h, w) float32, coverage of visible skin in the source.
        own: (h, w) float32, where the plate's own eyes or mouth must show.
        features: (h, w) float32, 1 on eyes and mouth, where light is not measured.
        weights: the views' shares.
        blur_px: sigma of the warped picture's own blur, plate pixels.
        noise: (3,) or (h, w, 3) float32, the warped picture's own grain relative to its level.
        map: (h, w, 2) float32, main view's picture coordinates.
        main: index of the main view.
        main_size: height and width of the main view's picture.
    """

    raster: Raster
    codes: FloatArray
    depth: FloatArray
    skin: FloatArray
    own: FloatArray
    features: FloatArray
    weights: ViewWeights
    blur_px: float
    noise: FloatArray
    map: FloatArray
    main: int
    main_size: tuple[int, int]


def driven_mesh(
    plain: AnyArray,
    actor: Actor,
    target: Target,
    *,
    shape: float,
    expression: float,
    pose: str,
    main: View,
) -> DoubleArray:
    """Return the (478, 3) mesh that the new face takes on the plate.

    Proportions move from the target's to the source's by ``shape``; the plate's expression is
    scaled by ``expression``; with ``pose`` "pose-only" the expression is the main view's own. The
    silhouette stays the plate's: nothing behind it is known.

    Args:
        plain: (478, 3) the plate's own mesh, square pixels.
    """
    fit = meshes.fit(plain)
    topology = meshes.topology()
    # a mean face of few pictures still wears their expression, and wears it around the mouth
    worn = np.append(topology.near_mouth[: meshes.VERTEX_COUNT], np.zeros(10)).astype(np.float64)
    change = shape * (1 - worn[:, None]) * (actor.neutral - target.neutral)
    if pose == "pose-only":
        own = meshes.fit(main.mesh).canonical(main.mesh) - actor.neutral
        change = change + target.neutral + own - fit.canonical(plain)
    else:
        change = change + (expression - 1) * (fit.canonical(plain) - target.neutral)
    return moved_inside(plain, change)


def moved_inside(plain: AnyArray, change: DoubleArray) -> DoubleArray:
    """Return a (478, 3) mesh after a canonical change (478, 3), which its silhouette resists."""
    topology = meshes.topology()
    inside = smoothstep(0.0, 0.16, topology.depth[: meshes.VERTEX_COUNT])
    inside = np.append(inside, np.ones(len(plain) - meshes.VERTEX_COUNT))[:, None]
    return plain.astype(np.float64) + meshes.fit(plain).turned(inside * change)


def warp_face(
    sources: Sequence[SourceView],
    view_weights: ViewWeights,
    mesh: DoubleArray,
    target: Target,
    window: Window,
    *,
    pixel_aspect: float,
    eyes: str,
    mouth: str,
) -> Warped:
    """Draw the source's face on the plate's raster.

    Args:
        mesh: (478, 3) what `driven_mesh` returned, square pixels.
        window: raster pixels of the result.
        pixel_aspect: width of a raster pixel divided by its height.
        eyes, mouth: "auto", "source" or "plate": whose openings show.
    """
    shape = meshes.topology()
    wide = meshes.widened(mesh) / [pixel_aspect, 1.0, 1.0]
    raster = meshes.rasterize(wide, window)
    height = meshes.face_height(mesh)
    depth = np.where(raster.cover, raster.spread(shape.depth[:, None])[..., 0], np.float32(-1.0))

    shares = _vertex_shares(sources, view_weights)
    total = np.zeros(raster.cover.shape, np.float32)
    codes = np.zeros((*total.shape, 3), np.float32)
    skin = np.zeros(total.shape, np.float32)
    opening = {0: _soft(raster, shape.eye_right, 0.0), 1: _soft(raster, shape.eye_left, 0.0)}
    main, main_map = int(np.argmax(view_weights.skin)), np.zeros((*total.shape, 2), np.float32)
    blur, noise, mixed = 0.0, np.zeros(3), 0.0
    for index, source in enumerate(sources):
        if shares[index].max() < 1e-3:
            continue
        # A view that lends its eyes alone is drawn there alone.
        part_of = raster if index == main else raster.around(wide, shares[index] > 0)
        if part_of.window.is_empty:
            continue
        box = part_of.window.slices_in(window)
        where = part_of.spread(np.column_stack([source.mesh[:, :2], shares[index]]))
        coordinates, share = where[..., :2], where[..., 2]
        for side in (0, 1):
            _follow_iris(
                coordinates, opening[side][box], mesh, source, side, part_of.window, pixel_aspect
            )
        scale = meshes.face_height(source.view.mesh) / height
        codes[box] += share[..., None] * _sample(source.codes, coordinates, scale)
        skin[box] += share * _sample(source.skin, coordinates, scale)
        total[box] += share
        if index == main:
            main_map = np.ascontiguousarray(coordinates)
        part = float(view_weights.skin[index])
        blur += part * source.view.sharpness / scale
        noise += np.square(part * source.view.noise / max(scale, 1.0))
        mixed += part
    np.maximum(total, 1e-6, out=total)
    codes /= total[..., None]
    skin /= total
    own_mouth, own_eyes = _own(view_weights, sources, mesh, target, eyes=eyes, mouth=mouth)
    return Warped(
        raster=raster,
        codes=codes,
        depth=depth,
        skin=skin,
        own=own_parts(raster, height, mouth=own_mouth, eyes=own_eyes),
        features=features_of(raster),
        weights=view_weights,
        blur_px=blur / max(mixed, 1e-6),
        noise=(np.sqrt(noise) / max(mixed, 1e-6)).astype(np.float32),
        map=main_map,
        main=main,
        main_size=sources[main].codes[0].shape[:2],
    )


def cover_face(mesh: DoubleArray, window: Window, *, pixel_aspect: float) -> Warped:
    """Return a warp of nothing: where a face is on the plate, for mattes without an actor.

    Args:
        mesh: (478, 3) the plate's own mesh, square pixels.
        window: raster pixels of the result.
        pixel_aspect: width of a raster pixel divided by its height.
    """
    shape = meshes.topology()
    raster = meshes.rasterize(meshes.widened(mesh) / [pixel_aspect, 1.0, 1.0], window)
    size = raster.cover.shape
    nobody = np.ones(0, np.float32)
    return Warped(
        raster=raster,
        codes=np.zeros((*size, 3), np.float32),
        depth=np.where(raster.cover, raster.spread(shape.depth[:, None])[..., 0], np.float32(-1)),
        skin=np.ones(size, np.float32),
        own=np.zeros(size, np.float32),
        features=np.zeros(size, np.float32),
        weights=ViewWeights(nobody, nobody, nobody),
        blur_px=0.0,
        noise=np.zeros(3, np.float32),
        map=np.zeros((*size, 2), np.float32),
        main=0,
        main_size=(1, 1),
    )


def own_parts(raster: Raster, height: float, *, mouth: float, eyes: float) -> FloatArray:
    """Return (h, w) float32: where the plate's own mouth and eyes must show.

    Args:
        raster: the face, drawn.
        height: of the face, square pixels.
        mouth, eyes: how much they must, 0 to 1.
    """
    shape = meshes.topology()
    near_eyes = raster.spread(shape.near_eyes[:, None])[..., 0]
    interior = _soft(raster, shape.mouth, 0.008 * height)
    openings = np.maximum(_soft(raster, shape.eye_right, 0.0), _soft(raster, shape.eye_left, 0.0))
    lids = np.maximum(np.clip(near_eyes * 1.2, 0, 1), openings)
    return np.maximum(mouth * interior, eyes * lids).astype(np.float32)


def features_of(raster: Raster) -> FloatArray:
    """Return (h, w) float32, 1 on eyes and mouth, where light is not measured."""
    shape = meshes.topology()
    near = raster.spread(np.column_stack([shape.near_mouth, shape.near_eyes])).max(axis=2)
    return smoothstep(0.5, 1.0, near).astype(np.float32)


def _vertex_shares(sources: Sequence[SourceView], weights: ViewWeights) -> FloatArray:
    """Return (V, N) float32: each view's share at each vertex, sums 1 over the views."""
    shape = meshes.topology()
    rest = np.clip(1 - shape.near_mouth - shape.near_eyes, 0, 1)
    shares = (
        weights.skin[:, None] * rest
        + weights.mouth[:, None] * shape.near_mouth
        + weights.eyes[:, None] * shape.near_eyes
    )
    shares = shares * (np.stack([s.seen for s in sources]) + np.float32(2e-3))
    return (shares / np.maximum(shares.sum(axis=0), 1e-9)).astype(np.float32)


def _soft(raster: Raster, triangles: AnyArray, sigma_px: float) -> FloatArray:
    """Return (h, w) float32 coverage of chosen triangles, its border blurred."""
    chosen = np.append(triangles, False)[raster.triangle].astype(np.float32)
    return cv2.GaussianBlur(chosen, (0, 0), sigma_px) if sigma_px > 0.3 else chosen


def _sample(pyramid: Sequence[FloatArray], coordinates: FloatArray, scale: float) -> FloatArray:
    """Sample a pyramid at picture coordinates (centres at .5), filtered for minification.

    Args:
        scale: source pixels per plate pixel.
    """
    level = float(np.clip(np.log2(max(scale, 1e-6)), 0.0, len(pyramid) - 1))
    low = int(level)
    fraction = np.float32(level - low)
    result = _remap(pyramid[low], coordinates, low)
    if fraction > 1e-3 and low + 1 < len(pyramid):
        result += fraction * (_remap(pyramid[low + 1], coordinates, low + 1) - result)
    return result


def _remap(picture: FloatArray, coordinates: FloatArray, level: int) -> FloatArray:
    # pyrDown keeps sample k of a level at sample 2k of the finer one: centres do not scale about 0
    where = (coordinates - np.float32(0.5)) * np.float32(0.5**level)
    return cv2.remap(picture, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _follow_iris(
    coordinates: FloatArray,
    opening: FloatArray,
    mesh: DoubleArray,
    source: SourceView,
    side: int,
    window: Window,
    pixel_aspect: float,
) -> None:
    """Bend the map inside one eye so that the source's iris lies on the plate's: gaze is kept.

    Changes ``coordinates`` in place, only inside the eye's opening.
    """
    rows, columns = np.nonzero(opening > 0)
    if len(rows) == 0:
        return
    target, origin = irises_of(mesh)[side], source.irises[side]
    outer, inner = ((33, 133), (263, 362))[side]
    axis = mesh[inner, :2] - mesh[outer, :2]
    axis_source = source.mesh[inner, :2] - source.mesh[outer, :2]
    turn = complex(*axis_source) / complex(*axis)
    turn *= (origin[2] / target[2]) / abs(turn)
    across = (columns + window.x0 + 0.5) * pixel_aspect - target[0]
    offset = across + 1j * (rows + window.y0 + 0.5 - target[1])
    wanted = complex(*origin[:2]) + turn * offset
    weight = 1 - smoothstep(_IRIS_INNER, _IRIS_OUTER, np.abs(offset) / max(target[2], 1e-6))
    old = coordinates[rows, columns]
    move = np.column_stack([wanted.real, wanted.imag]) - old
    coordinates[rows, columns] = old + (weight[:, None] * move).astype(np.float32)


def _own(
    weights: ViewWeights,
    sources: Sequence[SourceView],
    mesh: AnyArray,
    target: Target,
    *,
    eyes: str,
    mouth: str,
) -> tuple[float, float]:
    """Return how much of the plate's own mouth and eyes must show, 0 to 1 each."""
    fixed = {"source": 0.0, "plate": 1.0}
    opening = measure_openings(mesh)
    openings = np.stack([s.opening for s in sources])
    gap, gap_source = float(opening[0]), float(weights.mouth @ openings[:, 0])
    ratio = gap_source / max(gap, 1e-6)
    missing = max(float(smoothstep(0.6, 0.35, ratio)), float(smoothstep(2.0, 3.0, ratio)))
    own_mouth = missing * float(smoothstep(0.004, 0.012, max(gap, 0.6 * min(gap_source, 0.02))))
    open_source = np.quantile(openings[:, 2:], 0.8, axis=0)
    closed = np.clip(1 - opening[2:] / target.eyes_open, 0, 1).mean()
    closed_source = np.clip(1 - openings[:, 2:] / open_source, 0, 1).mean(axis=1) @ weights.eyes
    own_eyes = float(smoothstep(0.3, 0.6, abs(float(closed - closed_source))))
    return fixed.get(mouth, own_mouth), fixed.get(eyes, own_eyes)
