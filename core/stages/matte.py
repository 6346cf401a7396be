"""Coverage of visible face skin, from mesh, person matte and colour statistics."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray, smoothstep
from faceplate.core.frame import Window
from faceplate.core.geometry import mesh as meshes
from faceplate.core.geometry.regions import FEATURES, SKIN, fill_regions

_WORK_PX = 220.0
"""Face height at which coverage is decided; the edge comes from the full picture."""

_SMALLEST_PX = 8.0
_DARKEST, _BRIGHTEST = 2.0**-10, 2.0**12
_PASSES = 4
_MEAN = np.full(3, 1 / 3, np.float32)

_CHROMA_FLOOR = 0.11
"""Smallest deviation of skin's chroma that is believed, stops: blush, make-up, coloured bounce."""
_LIGHT_FLOOR = 0.3
_NEAR, _FAR = 2.2, 4.2
"""Deviations within which a pixel is skin, and past which it is not."""
_GLINT = 0.5
"""Share of a pixel's excess light, in stops, that its chroma may stray: glints take the light's."""
_STUBBLE = 2.0
"""How much further the lower face may stray, as a factor on the deviations: stubble is face."""
_SOCKET = 2.6
"""Likewise around the eyes: the far eye of a turned head lies in the shadow of brow and nose."""
_SHADING_REACH = 0.16
_ANCHOR = 0.02
_EDGE_EPSILON = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """What the mesh says of every pixel, (h, w) float32 each.

    Attributes:
        hull: 1 up to the edge of what may be a face, with the forehead.
        features: eyes, brows, lips and nostrils.
        samples: areas that are skin on nearly every face.
        lower: 1 on the lower face, 0 on the forehead.
        sockets: 1 at the lids, falling to 0 at brow and cheekbone.
    """

    hull: FloatArray
    features: FloatArray
    samples: FloatArray
    lower: FloatArray
    sockets: FloatArray


def skin_coverage(
    linear: FloatArray, mesh: AnyArray, person: FloatArray | None, *, skin: FloatArray | None
) -> FloatArray:
    """Return how much of each pixel is visible skin of the face, soft at its edges.

    Skin is what has the colour of cheeks and nose and is not much darker than the skin around
    it. Eyes, brows, lips and nostrils count as far as their surroundings do, so that an open eye
    is face and a brow under a fringe is not.

    Args:
        linear: (h, w, 3) float32, linear Rec.709; wild values are taken as black.
        mesh: (478, 3) in the picture's pixels, centres at .5, z in the same unit.
        person: (h, w) float32 person matte, 0 to 1, or None.
        skin: (6,) mean and deviation per channel of log2 of the skin, where a track knows them;
            else they are measured here.

    Returns:
        (h, w) float32, 0 to 1; 0 everywhere for a face of less than 8 pixels.
    """
    size = (linear.shape[0], linear.shape[1])
    height = float(np.linalg.norm(mesh[10, :2] - mesh[152, :2]))
    if not _SMALLEST_PX <= height < np.inf or min(size) < 2:
        return np.zeros(size, np.float32)
    light = np.clip(np.nan_to_num(linear, nan=0.0, posinf=_BRIGHTEST), _DARKEST, _BRIGHTEST)
    factor = min(_WORK_PX / height, 1.0)
    small = _resized(light, _small_size(size, factor))
    scale = np.array([small.shape[1] / size[1], small.shape[0] / size[0], factor])
    face = np.asarray(mesh, np.float64) * scale
    layout = _layout(face, small.shape[:2], height * factor)
    logs = np.log2(small)
    likely = _likely_skin(logs, layout, skin, height * factor)
    likely = _across_features(likely, layout, height * factor)
    likely = _without_islands(likely, layout, height * factor)
    if person is not None:
        likely = likely * _person(_resized(person, small.shape[:2]), layout)
    radius = max(round(0.02 * height * factor), 1)
    guide = np.log2(light) @ _MEAN
    coverage = guided_filter(
        guide, logs @ _MEAN, likely * layout.hull, radius=radius, epsilon=_EDGE_EPSILON
    )
    # The filter spreads by its radius; nothing may show past the edge of the mesh.
    hull = cv2.resize(layout.hull, size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(smoothstep(0.08, 0.92, coverage) * hull, 0.0, 1.0).astype(np.float32)


def guided_filter(
    guide: FloatArray, small_guide: FloatArray, small: FloatArray, *, radius: int, epsilon: float
) -> FloatArray:
    """Return ``small`` at the guide's size, with edges where the guide has them.

    Args:
        guide: (H, W) float32.
        small_guide: (h, w) float32, the guide reduced.
        small: (h, w) float32, what is filtered.
        radius: of the boxes, in pixels of ``small``.
        epsilon: variance of the guide below which it counts as flat.

    Source:
        He and Sun 2015, "Fast guided filter".
    """
    box = (2 * radius + 1, 2 * radius + 1)

    def mean(picture: AnyArray) -> FloatArray:
        return np.asarray(cv2.blur(picture, box, borderType=cv2.BORDER_REPLICATE), np.float32)

    # Around its own mean the guide loses no digits to the squares.
    middle = np.float32(small_guide.mean())
    centered = small_guide - middle
    mean_guide, mean_small = mean(centered), mean(small)
    variance = np.maximum(mean(centered * centered) - mean_guide * mean_guide, 0)
    slope = (mean(centered * small) - mean_guide * mean_small) / (variance + np.float32(epsilon))
    offset = mean_small - slope * mean_guide
    shape = (guide.shape[1], guide.shape[0])
    slope, offset = (
        cv2.resize(mean(term), shape, interpolation=cv2.INTER_LINEAR) for term in (slope, offset)
    )
    return np.asarray(slope * (guide - middle) + offset, np.float32)


def _small_size(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(round(size[0] * factor), 2), max(round(size[1] * factor), 2)


def _resized(picture: FloatArray, size: tuple[int, ...]) -> FloatArray:
    shrinks = size[0] < picture.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (size[1], size[0]), interpolation=how), np.float32)


def _layout(face: DoubleArray, size: tuple[int, ...], height: float) -> _Layout:
    rows, columns = size[:2]
    topology = meshes.topology()
    raster = meshes.rasterize(meshes.widened(face), Window(0, 0, columns, rows))
    height_cm = topology.canonical[:, 1].astype(np.float32)
    values = raster.spread(np.column_stack([topology.depth, height_cm, topology.near_eyes]))
    cover = raster.cover.astype(np.float32)
    hull = cover * smoothstep(-0.03, 0.0, values[..., 0])
    hull = _blurred(hull.astype(np.float32), 0.008 * height)
    features = fill_regions(FEATURES, face, (rows, columns))
    wide = max(round(0.022 * height), 1) * 2 + 1
    features = cv2.dilate(features, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide)))
    return _Layout(
        hull=hull,
        features=_blurred(features, 0.008 * height),
        samples=fill_regions(SKIN, face, (rows, columns)) * (1 - features) * cover,
        lower=(cover * smoothstep(2.5, 0.5, values[..., 1])).astype(np.float32),
        sockets=np.minimum(1.5 * values[..., 2], 1).astype(np.float32),
    )


def _likely_skin(
    logs: FloatArray, layout: _Layout, skin: FloatArray | None, height: float
) -> FloatArray:
    """Return (h, w) 0 to 1 from colour and darkness, shading taken off."""
    mean, spread = _statistics(logs, layout.samples, skin)
    level = logs @ _MEAN
    typical = float(mean.mean())
    chroma_mean = np.array([mean[0] - mean[1], mean[2] - mean[1]], np.float32)
    chroma = np.stack([logs[..., 0] - logs[..., 1], logs[..., 2] - logs[..., 1]], axis=2)
    stray = np.abs(chroma - chroma_mean)
    tolerance = 1 + (_STUBBLE - 1) * layout.lower
    shade = np.maximum(tolerance, 1 + (_SOCKET - 1) * layout.sockets)
    # Trust grows outwards from the areas that are skin on everybody; a fringe never joins.
    likely = np.maximum(layout.samples, 0.25 * layout.lower) * layout.hull * (1 - layout.features)
    for step in range(_PASSES):
        reach = _SHADING_REACH * height / (1 + 0.5 * step)
        weight = _blurred(likely, reach)
        shading = (_blurred(likely * level, reach) + _ANCHOR * typical) / (weight + _ANCHOR)
        above = level - shading
        excess = np.maximum(above, 0.0)[..., None] * _GLINT
        odd = np.maximum(stray - excess, 0.0) / (spread[:2] * tolerance[..., None])
        dark = np.minimum(above, 0.0) / (spread[2] * shade)
        # Glowing things are no skin either, but a glint is: twice the room upwards.
        bright = np.maximum(above - 1.0, 0.0) / (2 * spread[2])
        far = np.sqrt(np.square(odd).sum(axis=2) + np.square(dark) + np.square(bright))
        likely = (1 - smoothstep(_NEAR, _FAR, far)) * layout.hull * (1 - layout.features)
        likely = likely.astype(np.float32)
    return (1 - smoothstep(_NEAR, _FAR, far)).astype(np.float32)


def _statistics(
    logs: FloatArray, samples: FloatArray, skin: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Return mean log2 per channel, and deviations of red and blue chroma and of light."""
    pixels = logs[samples > 0.5]
    if not len(pixels):
        pixels = logs.reshape(-1, 3)
    middle = np.median(pixels, axis=0)
    if skin is not None and np.isfinite(skin).all():
        middle = np.asarray(skin[:3], np.float32)
    ratios = np.stack([pixels[:, 0] - pixels[:, 1], pixels[:, 2] - pixels[:, 1]], axis=1)
    # Median deviations: a strand or a glint among the samples must not widen the gate.
    loose = 1.4826 * np.median(np.abs(ratios - np.median(ratios, axis=0)), axis=0)
    spread = np.array([*np.clip(loose, _CHROMA_FLOOR, 3 * _CHROMA_FLOOR), _LIGHT_FLOOR], np.float32)
    return middle.astype(np.float32), spread


def _across_features(likely: FloatArray, layout: _Layout, height: float) -> FloatArray:
    """Give eyes, brows, lips and nostrils the coverage of the skin around them."""
    open_skin = (1 - layout.features) * layout.hull
    reach = 0.035 * height
    around = _blurred(likely * open_skin, reach) / (_blurred(open_skin, reach) + np.float32(1e-4))
    around = np.minimum(around, 1.0)
    # Half the surroundings will do: lashes, folds and shadows lie close by.
    inner = smoothstep(0.15, 0.6, around)
    return (likely * (1 - layout.features) + inner * layout.features).astype(np.float32)


def _without_islands(likely: FloatArray, layout: _Layout, height: float) -> FloatArray:
    """Take off what no hair, hand or prop can be, and no forehead.

    What covers a face comes in from its edge, so a hole inside it is a shadow, a mole, a lid. And
    skin above a fringe that does not reach down to the brows is light on hair.
    """
    width = 2 * max(round(0.008 * height), 1) + 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    edge = (layout.hull < 0.5).astype(np.float32)
    covered = np.maximum(1 - likely, edge)
    from_edge = _reached(edge, cv2.morphologyEx(covered, cv2.MORPH_OPEN, brush))
    solid = 1 - np.minimum(covered, cv2.dilate(from_edge, brush))
    below = np.minimum(solid, layout.lower)
    from_below = _reached(below, cv2.morphologyEx(solid, cv2.MORPH_OPEN, brush))
    return np.minimum(solid, np.maximum(below, cv2.dilate(from_below, brush)))


def _reached(marker: FloatArray, ground: FloatArray) -> FloatArray:
    """Return ``ground`` as far as it can be reached from ``marker`` without descending.

    Source:
        Vincent 1993, grey-scale reconstruction by dilation.
    """
    brush = np.ones((3, 3), np.uint8)
    found = np.minimum(marker, ground)
    for _ in range(max(ground.shape)):
        before = found
        for _ in range(8):
            found = np.minimum(cv2.dilate(found, brush), ground)
        if np.array_equal(found, before):
            break
    return found


def _person(person: FloatArray, layout: _Layout) -> FloatArray:
    """Return the person matte as a gate, or ones where it does not know the face at all."""
    known = person[layout.samples > 0.5]
    if not len(known) or not np.isfinite(known).all() or np.median(known) < 0.5:
        return np.ones_like(person)
    return np.asarray(smoothstep(0.15, 0.6, np.nan_to_num(person)), np.float32)


def _blurred(picture: FloatArray, sigma: float) -> FloatArray:
    if sigma < 0.3:
        return picture
    reduction = int(sigma / 4)
    if reduction < 2 or min(picture.shape) < 8 * reduction:
        return np.asarray(
            cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32
        )
    # Four pixels a sigma are plenty; the kernel would else be as wide as the face.
    rows, columns = picture.shape
    small = cv2.resize(
        picture, (columns // reduction, rows // reduction), interpolation=cv2.INTER_AREA
    )
    small = cv2.GaussianBlur(small, (0, 0), sigma / reduction, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR))
