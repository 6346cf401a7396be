"""Light as the shader takes it: lamps, spherical harmonics, shadow map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.synth.scene import Light
from faceplate.core.synth.shade import Illumination

SHADOW_SIZE = 320
_REACH = 21.0
"""Half width of what can cast a shadow, cm around the head's middle."""
_DISTANCE = 80.0
_BIAS = 0.12


@dataclass(frozen=True, slots=True, eq=False)
class Lamps:
    """Light for the kernels.

    Attributes:
        lamps: (3, 6) float32 direction and colour of key, fill and rim.
        sh: (9, 3) float32 light around, as `shade.harmonics_at` reads it.
        basis: (4, 3) float32 of the key's shadow map.
        radius: of its soft edge, in samples.
        dapple: (3,) float32 the pattern in its light.
    """

    lamps: FloatArray
    sh: FloatArray
    basis: FloatArray
    radius: float
    dapple: FloatArray

    def around(self, shadow: FloatArray, view: FloatArray, textures: FloatArray) -> Illumination:
        """Return the whole light of a picture."""
        return Illumination(
            self.lamps, self.sh, shadow, self.basis, self.radius, self.dapple, view, textures
        )

    def seen(self, points: FloatArray) -> FloatArray:
        """Take world points (..., 3) to screen points of the shadow map."""
        scale = self.basis[3, 0]
        right, up, along = self.basis[:3]
        half = 0.5 * SHADOW_SIZE
        return np.stack(
            [
                half + points @ right * scale,
                half - points @ up * scale,
                1.0 / (self.basis[3, 1] - points @ along),
            ],
            axis=-1,
        ).astype(np.float32)


def lamps_of(light: Light, environment: AnyArray | None) -> Lamps:
    """Return the kernels' light.

    Args:
        environment: (h, 2 h, 3) linear map of the scene's light, the front in the middle column;
            None where the light names none.
    """
    key, key_color = np.array(light.key), np.array(light.key_color)
    sh = np.zeros((9, 3))
    above, below, aside = (np.array(c) for c in (light.above, light.below, light.aside))
    sh[0], sh[1], sh[3] = 0.5 * (above + below), 0.5 * (above - below), aside
    if environment is not None:
        # The map lights the scene, with its brightest part as the key; the lamps only help.
        around = turned(environment, light.turn)
        (key, sun), sky = brightest(around), project(around)
        level = 0.9 * light.exposure / max(float(sky[0].mean() + sun.mean()), 1e-4)
        key_color = 0.2 * key_color + level * sun
        sh = 0.3 * sh + level * sky
    rows = [
        [*key, *key_color],
        [*light.fill, *light.fill_color],
        [*light.rim, *light.rim_color],
    ]
    key = key / np.linalg.norm(key)
    side = np.cross([0.0, 1.0, 0.02], key)
    side /= np.linalg.norm(side)
    up = np.cross(key, side)
    basis = np.stack([side, up, key, [SHADOW_SIZE / (2 * _REACH), _DISTANCE, _BIAS]])
    radius = 0.7 + light.softness * 10.0
    return Lamps(
        np.array(rows, np.float32),
        sh.astype(np.float32),
        basis.astype(np.float32),
        radius,
        np.array(light.dapple, np.float32),
    )


def turned(environment: AnyArray, degrees: float) -> AnyArray:
    """Turn an environment map about the vertical."""
    return np.roll(environment, round(degrees / 360 * environment.shape[1]), axis=1)


def brightest(environment: AnyArray) -> tuple[DoubleArray, DoubleArray]:
    """Return the direction of a map's brightest part, and its light on a sheet that faces it."""
    small = environment[::2, ::2].astype(np.float64)
    away = directions(small.shape[0])
    theta = (np.arange(small.shape[0]) + 0.5) / small.shape[0] * np.pi
    area = np.sin(theta)[:, None] * (np.pi / small.shape[0]) ** 2
    level = small.mean(axis=2)
    weight = area * np.maximum(level - 2.0 * np.median(level), 0.0) ** 2
    weight *= away[..., 2] > -0.6  # what stands far behind is a rim, not a key
    total = float(weight.sum())
    if total <= 0.0:
        return np.array([0.0, 0.6, 0.8]), np.zeros(3)
    key = (weight[..., None] * away).sum(axis=(0, 1))
    key /= max(float(np.linalg.norm(key)), 1e-9)
    facing = np.maximum(away @ key, 0.0)
    excess = np.maximum(small - 2.0 * np.median(level), 0.0) * (facing > 0.6)[..., None]
    return key, np.asarray((excess * (area * facing)[..., None]).sum(axis=(0, 1)) / np.pi)


def directions(height: int) -> DoubleArray:
    """Return the directions of a map's pixels, (h, 2 h, 3): front in the middle, left to +x."""
    theta = (np.arange(height) + 0.5) / height * np.pi
    phi = (np.arange(2 * height) + 0.5) / height * np.pi - np.pi
    up, around = np.meshgrid(theta, phi, indexing="ij")
    return np.stack([np.sin(up) * np.sin(around), np.cos(up), np.sin(up) * np.cos(around)], axis=-1)


def project(environment: AnyArray) -> DoubleArray:
    """Return the light that a white matt ball gets from a map, as (9, 3) harmonics.

    Source:
        Ramamoorthi and Hanrahan, "An efficient representation for irradiance environment maps",
        2001; the constants of basis, cosine lobe and 1 / pi are multiplied together.
    """
    small = environment[::4, ::4].astype(np.float64)
    x, y, z = np.moveaxis(directions(small.shape[0]), -1, 0)
    theta = (np.arange(small.shape[0]) + 0.5) / small.shape[0] * np.pi
    area = np.sin(theta)[:, None] * (np.pi / small.shape[0]) ** 2 * np.ones_like(x)
    basis = np.stack([np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y])
    norm = np.array([0.282095, *[0.488603] * 3, *[1.092548] * 2, 0.315392, 1.092548, 0.546274])
    lobe = np.array([1.0, *[2 / 3] * 3, *[0.25] * 5])
    moments = np.einsum("khw,hw,hwc->kc", basis, area, np.minimum(small, 60.0))
    return moments * (norm**2 * lobe)[:, None]
