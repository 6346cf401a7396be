"""Noise for the fine structure of skin."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter

from faceplate.core.arrays import FloatArray

_SIZE = 512
_COARSE, _FINE = (12.0, 4.0, 1.5), (1.0, 0.6)
"""Blurs in texels that are summed, each of unit variance."""


@cache
def noise_textures() -> FloatArray:
    """Return coarse and fine tiling noise of unit variance, (2, 512, 512) float32."""
    white = np.random.default_rng(20).standard_normal((2, _SIZE, _SIZE), dtype=np.float32)
    layers = []
    for layer, sigmas in zip(white, (_COARSE, _FINE), strict=True):
        blurred = [gaussian_filter(layer, sigma, mode="wrap") for sigma in sigmas]
        total = sum(blur / blur.std() for blur in blurred)
        layers.append(total / np.std(total))
    return np.stack(layers).astype(np.float32)
