"""Turn the samples of a picture into light and coverage.

A pixel's samples are grouped by what they show; each group is shaded once and weighs as much as it
has samples. So edges are as fine as the samples, and shading costs little more than one sample.
"""

from __future__ import annotations

import numba
import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray, IntArray

POSITION, NORMAL, ALBEDO = 0, 3, 6
GLOSS, SHINE, SUBSURFACE, NECK, OPEN, BUMP, SPOTS, U, V, INSIDE, SCALP = range(9, 20)
ATTRIBUTES = 20
"""Columns of a mesh's attributes: world position, unit normal, albedo; strength and exponent of
the highlight; share of light that scatters in skin; centimetres below the face's edge; light that
reaches a fold; strength of pores; of freckles; texture coordinates; centimetres inside the mouth;
height above the edge of painted hair."""

SURFACE, SKIN, MOUTH, TOOTH, EYE = range(5)
"""Materials of triangles."""

AUTO = -1
"""Label of triangles whose class depends on the place on the head."""

STRAND = -10
"""A sample of a strand of class ``c`` has the number ``STRAND - c``."""

_FACE, _HAIR, _MOUTH, _NECK = 1, 2, 4, 5
_INSIDE_CM = 0.45
"""How far behind the lips the mouth's inside begins: what is nearer is the wet of the lips."""


@numba.njit(nogil=True, cache=True, fastmath=False)
def texture_at(texture: FloatArray, u: float, v: float) -> float:
    """Return a tiling square texture at texel coordinates, linearly interpolated."""
    size = texture.shape[0]
    x0, y0 = np.floor(u), np.floor(v)
    fx, fy = u - x0, v - y0
    i, j = int(x0) % size, int(y0) % size
    i1, j1 = (i + 1) % size, (j + 1) % size
    top = texture[j, i] * (1 - fx) + texture[j, i1] * fx
    low = texture[j1, i] * (1 - fx) + texture[j1, i1] * fx
    return top * (1 - fy) + low * fy


@numba.njit(nogil=True, cache=True, fastmath=False)
def harmonics_at(sh: FloatArray, x: float, y: float, z: float, out: AnyArray) -> None:
    """Evaluate (9, 3) spherical harmonics in a direction into ``out`` (3,); never below 0."""
    for c in range(3):
        value = (
            sh[0, c]
            + sh[1, c] * y
            + sh[2, c] * z
            + sh[3, c] * x
            + sh[4, c] * x * y
            + sh[5, c] * y * z
            + sh[6, c] * (3 * z * z - 1)
            + sh[7, c] * x * z
            + sh[8, c] * (x * x - y * y)
        )
        out[c] = max(value, 0.0)


@numba.njit(nogil=True, cache=True, fastmath=False)
def lit_share(
    shadow: FloatArray, basis: FloatArray, radius: float, x: float, y: float, z: float
) -> float:
    """Return how much of a light reaches a point, 0 to 1, by 12 looks into its depth map.

    Args:
        shadow: (H, H) 1 / distance of the nearest thing, as seen from the light.
        basis: (4, 3) the light's right, up and direction, then (samples per cm, distance, bias).
        radius: of the looks, in samples.
    """
    size = shadow.shape[0]
    scale, distance, bias = basis[3, 0], basis[3, 1], basis[3, 2]
    sx = 0.5 * size + (x * basis[0, 0] + y * basis[0, 1] + z * basis[0, 2]) * scale
    sy = 0.5 * size - (x * basis[1, 0] + y * basis[1, 1] + z * basis[1, 2]) * scale
    depth = distance - (x * basis[2, 0] + y * basis[2, 1] + z * basis[2, 2]) - bias
    lit = 0.0
    for k in range(12):
        # A spiral of the golden angle covers the disc evenly.
        r = radius * np.sqrt((k + 0.5) / 12.0)
        a = 2.399963 * k
        column, row = int(np.floor(sx + r * np.cos(a))), int(np.floor(sy + r * np.sin(a)))
        if (
            column < 0
            or row < 0
            or column >= size
            or row >= size
            or shadow[row, column] * depth <= 1.0
        ):
            lit += 1.0
    return lit / 12.0


@numba.njit(nogil=True, cache=True, fastmath=False)
def _weights(screen, triangles, t, px, py, out):  # type: ignore[no-untyped-def]
    """Write the perspective-correct weights of a triangle's corners at a sample; return 1 / z."""
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
    return total


@numba.njit(nogil=True, cache=True, fastmath=False)
def _mixed(attributes, triangles, t, w, k):  # type: ignore[no-untyped-def]
    return (
        w[0] * attributes[triangles[t, 0], k]
        + w[1] * attributes[triangles[t, 1], k]
        + w[2] * attributes[triangles[t, 2], k]
    )


@numba.njit(nogil=True, cache=True, fastmath=False)
def _label(attributes, triangles, t, w, material, label, textures):  # type: ignore[no-untyped-def]
    """Return the class of a sample on a triangle."""
    if label[t] >= 0:
        return label[t]
    kind = material[t]
    if kind in (MOUTH, TOOTH):
        return _MOUTH
    if kind == EYE:
        return _FACE
    if _mixed(attributes, triangles, t, w, INSIDE) > _INSIDE_CM:
        return _MOUTH
    if _mixed(attributes, triangles, t, w, SCALP) > 0.0:
        return _HAIR
    if _mixed(attributes, triangles, t, w, NECK) > 0.0:
        return _NECK
    return _FACE


@numba.njit(nogil=True, cache=True, fastmath=False)
def _eye(value, eyes):  # type: ignore[no-untyped-def]
    """Paint a point of an eyeball: albedo, normal and the lids' shade, in place.

    ``eyes`` (2, 20): centre, axis, up, iris, rim, iris angle, pupil angle, red, fibre phase.
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
    along, up, side = 0.0, 0.0, 0.0
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
def _light(value, kind, view, lamps, sh, shadow, basis, softness, textures, out):  # type: ignore[no-untyped-def]
    """Write the light that leaves a point (3,).

    ``lamps`` (3, 6): direction and colour of key, fill and rim. ``view``: the camera's place.
    """
    nx, ny, nz = value[NORMAL], value[NORMAL + 1], value[NORMAL + 2]
    length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    nx, ny, nz = nx / length, ny / length, nz / length
    vx, vy, vz = view[0] - value[0], view[1] - value[1], view[2] - value[2]
    length = np.sqrt(vx * vx + vy * vy + vz * vz) + 1e-9
    vx, vy, vz = vx / length, vy / length, vz / length
    nv = nx * vx + ny * vy + nz * vz
    if nv < 0.0 and kind == SURFACE:  # an open sheet seen from behind
        nx, ny, nz, nv = -nx, -ny, -nz, -nv
    bx, by, bz = nx, ny, nz
    shade = 1.0
    if kind == SKIN:
        u, v = value[U] * 700.0, value[V] * 700.0
        fine = texture_at(textures[1], u, v)
        other = texture_at(textures[1], u + 171.3, v + 57.7)
        coarse = texture_at(textures[0], value[U] * 260.0, value[V] * 260.0)
        bump = value[BUMP]
        bx, by = nx + bump * fine, ny + bump * other
        length = np.sqrt(bx * bx + by * by + bz * bz) + 1e-9
        bx, by, bz = bx / length, by / length, bz / length
        shade = 1.0 + 0.035 * coarse + 0.25 * bump * fine
        dots = texture_at(textures[1], u * 0.63 + 31.0, v * 0.63)
        spots = min(max((dots - 1.35) * 1.6, 0.0), 1.0) * value[SPOTS]
        value[ALBEDO] *= 1 - 0.30 * spots
        value[ALBEDO + 1] *= 1 - 0.45 * spots
        value[ALBEDO + 2] *= 1 - 0.55 * spots
    scatter = value[SUBSURFACE]
    fold = value[OPEN]
    harmonics_at(sh, nx, ny, nz, out)
    for c in range(3):
        out[c] *= shade * value[ALBEDO + c] * fold ** (1.0 - (0.35 if c == 0 else 0.0) * scatter)
    edge = max(1.0 - max(nv, 0.0), 0.0)
    fresnel = 0.03 + 0.5 * edge**5
    gloss, shine = value[GLOSS], value[SHINE]
    if kind == EYE:
        gloss, shine = 9.0, 260.0
    for k in range(lamps.shape[0]):
        lx, ly, lz = lamps[k, 0], lamps[k, 1], lamps[k, 2]
        if lamps[k, 3] + lamps[k, 4] + lamps[k, 5] <= 0.0:
            continue
        nl = nx * lx + ny * ly + nz * lz
        if nl < -0.4:
            continue
        lit = 1.0
        if k == 0:
            shift = 0.12 + 0.25 * (1.0 - max(nl, 0.0))
            lit = lit_share(
                shadow,
                basis,
                softness,
                value[0] + nx * shift,
                value[1] + ny * shift,
                value[2] + nz * shift,
            )
        hx, hy, hz = lx + vx, ly + vy, lz + vz
        length = np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
        nh = max((bx * hx + by * hy + bz * hz) / length, 0.0)
        high = 0.0
        if nl > 0.0 and gloss > 0.0:
            high = gloss * (shine + 8.0) / 25.0 * nh**shine * fresnel * lit * min(nl * 4.0, 1.0)
        for c in range(3):
            wrap = scatter * (0.34, 0.12, 0.06)[c]
            diffuse = min(max((nl + wrap) / (1.0 + wrap), 0.0), 1.0)
            soft = lit ** (1.0 - scatter * (0.4, 0.1, 0.0)[c])
            body = diffuse * soft * shade * value[ALBEDO + c]
            # The folds of a face are dim even where the key reaches them.
            body *= 0.5 + 0.5 * fold
            out[c] += lamps[k, 3 + c] * (body + high)
    if gloss > 0.0:
        rx, ry, rz = 2 * nv * nx - vx, 2 * nv * ny - vy, 2 * nv * nz - vz
        sky = np.zeros(3)
        harmonics_at(sh, rx, ry, rz, sky)
        amount = fresnel * (1.0 if kind == EYE else min(gloss, 1.5)) * fold
        for c in range(3):
            out[c] += sky[c] * amount


@numba.njit(nogil=True, cache=True, fastmath=False)
def resolve(
    ids: IntArray,
    strand_light: FloatArray,
    screen: FloatArray,
    triangles: IntArray,
    attributes: FloatArray,
    material: AnyArray,
    label: AnyArray,
    eyes: FloatArray,
    view: FloatArray,
    lamps: FloatArray,
    sh: FloatArray,
    shadow: FloatArray,
    basis: FloatArray,
    softness: float,
    textures: FloatArray,
    order: IntArray,
    rgb: FloatArray,
    coverage: FloatArray,
    depth: FloatArray,
    uv: FloatArray,
    near: FloatArray,
    veils: IntArray,
    opacity: FloatArray,
) -> None:
    """Fill a picture from its samples; ``rgb`` comes in as the backdrop.

    Args:
        ids: (n H, n W) what each sample shows: a triangle, `STRAND` - class, or -1.
        strand_light: (n H, n W, 3) light of strand samples.
        screen: (V, 3) screen points in samples.
        triangles: (T, 3).
        attributes: (V, 20).
        material, label: (T,) int8.
        eyes: (E, 20).
        view: (3,) where the camera stands.
        lamps, sh, shadow, basis, softness: the light.
        textures: (2, N, N) coarse and fine noise.
        order: (n * n, 2) offsets of a pixel's samples (x, y), the most central first.
        rgb, coverage, depth, uv: the picture; changed in place.
        near: (n H, n W) 1 / depth of the samples.
        veils: (n H, n W) the see-through triangle before each sample, or -1.
        opacity: (T,) float32.
    """
    height, width = rgb.shape[0], rgb.shape[1]
    count = order.shape[0]
    factor = int(np.sqrt(count))
    w = np.zeros(3)
    out = np.zeros(3)
    value = np.zeros(ATTRIBUTES)
    keys = np.zeros(count, np.int64)
    firsts = np.zeros(count, np.int64)
    shares = np.zeros(count, np.int64)
    share = 1.0 / count
    for y in range(height):
        for x in range(width):
            red, green, blue = 0.0, 0.0, 0.0
            groups, empty, veiled, veil = 0, 0, 0, -1
            for s in range(count):
                column, row = x * factor + order[s, 0], y * factor + order[s, 1]
                t = ids[row, column]
                before = veils[row, column]
                forced = -1
                if before >= 0:
                    if veiled == 0:
                        veil = s
                    veiled += 1
                    if opacity[before] >= 0.5:
                        forced = label[before]
                if s == 0 and near[row, column] > 0.0:
                    depth[y, x] = 1.0 / near[row, column]
                if t == -1:
                    empty += 1
                    coverage[y, x, max(forced, 0)] += share
                    continue
                if t <= STRAND:
                    coverage[y, x, forced if forced >= 0 else STRAND - t] += share
                    red += strand_light[row, column, 0] * share
                    green += strand_light[row, column, 1] * share
                    blue += strand_light[row, column, 2] * share
                    continue
                _weights(screen, triangles, t, column + 0.5, row + 0.5, w)
                c = _label(attributes, triangles, t, w, material, label, textures)
                coverage[y, x, forced if forced >= 0 else c] += share
                key = c * 16 + material[t]
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
                _weights(screen, triangles, t, column + 0.5, row + 0.5, w)
                for k in range(ATTRIBUTES):
                    value[k] = _mixed(attributes, triangles, t, w, k)
                if material[t] != SURFACE and np.isnan(uv[y, x, 0]) and label[t] < 0:
                    uv[y, x, 0], uv[y, x, 1] = value[U], value[V]
                if material[t] == EYE:
                    _eye(value, eyes)
                _light(
                    value,
                    material[t],
                    view,
                    lamps,
                    sh,
                    shadow,
                    basis,
                    softness,
                    textures,
                    out,
                )
                amount = shares[g] * share
                red += out[0] * amount
                green += out[1] * amount
                blue += out[2] * amount
            rgb[y, x, 0] = red + rgb[y, x, 0] * empty * share
            rgb[y, x, 1] = green + rgb[y, x, 1] * empty * share
            rgb[y, x, 2] = blue + rgb[y, x, 2] * empty * share
            if veiled > 0:
                column, row = x * factor + order[veil, 0], y * factor + order[veil, 1]
                t = veils[row, column]
                _weights(screen, triangles, t, column + 0.5, row + 0.5, w)
                for k in range(ATTRIBUTES):
                    value[k] = _mixed(attributes, triangles, t, w, k)
                _light(
                    value,
                    SURFACE,
                    view,
                    lamps,
                    sh,
                    shadow,
                    basis,
                    softness,
                    textures,
                    out,
                )
                hides = veiled * share * opacity[t]
                for c in range(3):
                    rgb[y, x, c] = rgb[y, x, c] * (1.0 - hides) + hides * out[c]


@numba.njit(nogil=True, cache=True, fastmath=False)
def shade_strands(
    points: FloatArray,
    colour: FloatArray,
    thickness: FloatArray,
    outward: FloatArray,
    view: FloatArray,
    lamps: FloatArray,
    sh: FloatArray,
    shadow: FloatArray,
    basis: FloatArray,
    gloss: float,
) -> FloatArray:
    """Return the light that leaves strands, (N, K, 3) float32.

    Args:
        points: (N, K, 3) world.
        colour: (N, 3) albedo.
        thickness: (N, K) how much hair lies above, 0 to 1.
        outward: (N, K, 3) unit directions out of the hair's mass.
        gloss: strength of the highlights.

    Source:
        Kajiya and Kay, "Rendering fur with three dimensional textures", 1989.
    """
    count, length = points.shape[0], points.shape[1]
    light = np.zeros((count, length, 3), np.float32)
    sky = np.zeros(3)
    lit = 1.0
    for s in range(count):
        for k in range(length):
            x, y, z = points[s, k, 0], points[s, k, 1], points[s, k, 2]
            i, j = max(k - 1, 0), min(k + 1, length - 1)
            tx = points[s, j, 0] - points[s, i, 0]
            ty = points[s, j, 1] - points[s, i, 1]
            tz = points[s, j, 2] - points[s, i, 2]
            size = np.sqrt(tx * tx + ty * ty + tz * tz) + 1e-9
            tx, ty, tz = tx / size, ty / size, tz / size
            vx, vy, vz = view[0] - x, view[1] - y, view[2] - z
            size = np.sqrt(vx * vx + vy * vy + vz * vz) + 1e-9
            vx, vy, vz = vx / size, vy / size, vz / size
            ox, oy, oz = outward[s, k, 0], outward[s, k, 1], outward[s, k, 2]
            open_ = 1.0 - 0.75 * thickness[s, k]
            harmonics_at(sh, ox, oy, oz, sky)
            tv = tx * vx + ty * vy + tz * vz
            sin_view = np.sqrt(max(1.0 - tv * tv, 0.0))
            for c in range(3):
                light[s, k, c] = sky[c] * (0.85 * colour[s, c] + 0.012 * gloss) * open_
            if k % 2 == 0 or k == length - 1:
                lit = lit_share(shadow, basis, 3.0, x + 0.5 * ox, y + 0.5 * oy, z + 0.5 * oz)
            for m in range(lamps.shape[0]):
                if lamps[m, 3] + lamps[m, 4] + lamps[m, 5] <= 0.0:
                    continue
                lx, ly, lz = lamps[m, 0], lamps[m, 1], lamps[m, 2]
                tl = tx * lx + ty * ly + tz * lz
                sin_light = np.sqrt(max(1.0 - tl * tl, 0.0))
                wrap = min(max((ox * lx + oy * ly + oz * lz + 0.4) / 1.4, 0.0), 1.0)
                reach = wrap * (lit if m == 0 else 1.0) * open_
                shift = 0.07
                mirror = max(sin_light * sin_view - (tl + shift) * tv, 0.0)
                first = mirror**50 * 0.09 * gloss
                second = max(sin_light * sin_view - (tl - shift) * tv, 0.0) ** 12 * 0.16 * gloss
                for c in range(3):
                    tint = np.sqrt(colour[s, c])
                    body = 0.85 * colour[s, c] * sin_light
                    light[s, k, c] += (
                        lamps[m, 3 + c] * reach * (body + first + second * tint * tint)
                    )
    return light
