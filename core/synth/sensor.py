"""Give clean scene-linear pictures the noise of a camera sensor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

# Grain after debayering is finest in green, which has twice the photosites of red and blue.
_BLUR_PX = (0.75, 0.55, 0.80)
# Relative noise of the channels of a daylight-balanced sensor under tungsten-to-daylight mixes:
# blue is amplified most by the white balance. Chosen by eye on footage, not measured.
_GAIN = (1.0, 0.8, 1.35)


def expose(
    picture: NDArray[np.float32],
    number: int,
    *,
    seed: int,
    shot: float = 0.012,
    read: float = 0.0025,
    shared: float = 0.5,
    size_px: float = 1.0,
) -> NDArray[np.float32]:
    """Add shot and read noise to a picture.

    The noise has zero mean and a standard deviation of `sqrt(read² + shot² · light)` per channel,
    times the channel's gain. It is a little correlated in space and between channels, as after
    debayering. A frame's noise depends on `seed` and `number` alone, never on the frames before.

    Args:
        picture: (H, W, 3) float32, scene, unbounded; negative light counts as none.
        number: the frame number.
        seed: the shot's seed.
        shot: noise at a scene value of 1.0 from photon counting.
        read: noise in the black.
        shared: share of the noise variance that the channels have in common, 0 to 1.
        size_px: grain size; 1 is that of a debayered camera at its native resolution.

    Returns:
        (H, W, 3) float32, scene. May be negative.
    """
    generator = np.random.Generator(np.random.Philox(key=[seed % 2**64, number % 2**64]))
    height, width = picture.shape[:2]
    luminance_grain = _grain(generator, height, width, _BLUR_PX[1] * size_px)
    exposed = np.empty_like(picture)
    for channel in range(3):
        own = _grain(generator, height, width, _BLUR_PX[channel] * size_px)
        grain = np.sqrt(shared) * luminance_grain + np.sqrt(1.0 - shared) * own
        light = np.maximum(picture[..., channel], 0.0)
        deviation = _GAIN[channel] * np.sqrt(read * read + shot * shot * light)
        exposed[..., channel] = picture[..., channel] + deviation * grain
    return exposed


def _grain(
    generator: np.random.Generator, height: int, width: int, blur_px: float
) -> NDArray[np.float32]:
    """Return blurred white noise of unit variance, (height, width)."""
    white = generator.standard_normal((height, width), dtype=np.float32)
    if blur_px <= 0.0:
        return white
    blurred: NDArray[np.float32] = gaussian_filter(white, blur_px, mode="wrap", truncate=4.0)
    # The variance that is left after the blur is the sum of the squared kernel, per axis.
    reach = np.arange(-int(4.0 * blur_px + 0.5), int(4.0 * blur_px + 0.5) + 1)
    kernel = np.exp(-0.5 * (reach / blur_px) ** 2)
    left = float(((kernel / kernel.sum()) ** 2).sum())
    return (blurred / np.float32(left)).astype(np.float32)
