"""The light that leaves a point: lamps with a shadow, light around, skin, gloss."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray

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


class Illumination(NamedTuple):
    """What lights a picture and where it is seen from.

    Attributes:
        lamps: (3, 6) direction and colour of key, fill and rim.
        sh: (9, 3) light around.
        shadow: (H, H) 1 / distance of the nearest thing, as the key sees it.
        basis: (4, 3) the key's right, up and direction, then (samples per cm, distance, bias).
        radius: of the key's soft edge, in samples of the shadow map.
        dapple: (3,) strength, texels per cm and shift of the pattern in the key's light.
        camera: (3,) where the camera stands.
        textures: (2, N, N) coarse and fine noise.
    """

    lamps: FloatArray
    sh: FloatArray
    shadow: FloatArray
    basis: FloatArray
    radius: float
    dapple: FloatArray
    camera: FloatArray
    textures: FloatArray


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
    around: Illumination, looks: int, radius: float, x: float, y: float, z: float
) -> float:
    """Return how much of the key reaches a point, 0 to 1.

    Args:
        looks: into the key's depth map.
        radius: of the looks, in samples.
    """
    shadow, basis = around.shadow, around.basis
    size = shadow.shape[0]
    scale, distance, bias = basis[3, 0], basis[3, 1], basis[3, 2]
    sx = 0.5 * size + (x * basis[0, 0] + y * basis[0, 1] + z * basis[0, 2]) * scale
    sy = 0.5 * size - (x * basis[1, 0] + y * basis[1, 1] + z * basis[1, 2]) * scale
    depth = distance - (x * basis[2, 0] + y * basis[2, 1] + z * basis[2, 2]) - bias
    lit = 0.0
    for k in range(looks):
        # A spiral of the golden angle covers the disc evenly.
        r = radius * np.sqrt((k + 0.5) / looks)
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
    lit /= looks
    if lit > 0.0 and around.dapple[0] > 0.0:
        step, shift = around.dapple[1] / scale, around.dapple[2]
        leaf = texture_at(around.textures[0], sx * step + shift, sy * step + 2.7 * shift)
        lit *= 1.0 - around.dapple[0] * min(max(leaf * 2.2 + 0.5, 0.0), 1.0)
    return lit


@numba.njit(nogil=True, cache=True, fastmath=False)
def surface_light(
    value: AnyArray, kind: int, ambient: float, around: Illumination, out: AnyArray
) -> None:
    """Write the light that leaves a point into ``out`` (3,).

    Args:
        value: (20,) the point's attributes.
        kind: its material.
        ambient: share of the light around that nearby things let through.
    """
    view, lamps, sh, textures = around.camera, around.lamps, around.sh, around.textures
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
        deep = 1.0 - (0.35 if c == 0 else 0.0) * scatter
        out[c] *= ambient * shade * value[ALBEDO + c] * fold**deep
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
                around,
                12,
                around.radius,
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
        amount = fresnel * (1.0 if kind == EYE else min(gloss, 1.5)) * fold * ambient
        for c in range(3):
            out[c] += sky[c] * amount
