"""What a face's pixels say: skin tone, grain, sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.stats import chi2

from faceplate.core.analysis.picture import PlatePicture
from faceplate.core.arrays import AnyArray, BoolArray, DoubleArray, FloatArray

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Linear Rec.709 weights."""

SHARPEST_PX, SOFTEST_PX = 0.3, 32.0

_PATCHES = (
    (117, 118, 101, 36, 205, 187, 123),
    (346, 347, 330, 266, 425, 411, 352),
    (69, 108, 151, 337, 299, 336, 9, 107),
    (122, 6, 351, 419, 248, 281, 5, 51, 3, 196),
)
"""Mesh points around the cheeks, the forehead and the bridge of the nose."""

_MOST_PX = 640
"""Longest side of the window that grain and sharpness are measured in: enough, and bounded."""

_DARKEST = 1e-7
_STRONGEST = 4.0
_BLOCKS = (8, 5)
"""Sides of the blocks that grain is measured in; the small ones where a face has few large."""

_FLATTEST = 0.2
"""Share of the skin's blocks that is taken as flat; pores and stubble are in the others."""

_FEWEST_BLOCKS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """What a face's pixels say.

    Attributes:
        skin: (6,) float32; as `FaceObservation.skin`.
        noise: (3,) float32; as `FaceObservation.noise`.
        sharpness: as `FaceObservation.sharpness`.
        light: median linear luminance of the skin.
    """

    skin: FloatArray
    noise: FloatArray
    sharpness: float
    light: float


def measure_surface(picture: PlatePicture, mesh: AnyArray) -> Surface:
    """Measure a face in the plate's own pixels, in linear Rec.709.

    Args:
        picture: the frame.
        mesh: (478, 3) in raster pixels. Faces of more than 640 px are measured in their middle.
    """
    points = mesh[:468, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high) / 2
    side = np.clip(np.ceil(high - low) + 2, 4, _MOST_PX)
    corner = np.floor(middle - side / 2)
    size = (int(side[1]), int(side[0]))
    window = np.array([[1.0, 0.0, corner[0]], [0.0, 1.0, corner[1]]])
    pixels = picture.linear(window, size)
    skin_area = _skin_area(points - corner, size)
    if not skin_area.any():
        skin_area[:] = True
    skin, light = _skin_statistics(pixels[skin_area])
    noise = _grain(pixels, skin_area)
    luminance = pixels @ LUMINANCE
    level = float(noise @ LUMINANCE) * light  # an upper bound: channels add in square
    return Surface(skin, noise, blur_of_edges(luminance, level), light)


def _skin_area(points: DoubleArray, size: tuple[int, int]) -> BoolArray:
    area = np.zeros(size, np.uint8)
    for patch in _PATCHES:
        # A sixteenth of a pixel, and centres on integers, as OpenCV has them.
        corners = np.round((points[list(patch)] - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(area, [corners], 1, lineType=cv2.LINE_8, shift=4)
    return np.asarray(area > 0, np.bool_)


def _skin_statistics(pixels: FloatArray) -> tuple[FloatArray, float]:
    """Return mean and deviation of log2 per channel without shadows and glints, and the level."""
    light = pixels @ LUMINANCE
    low, high = np.quantile(light, (0.1, 0.9))
    kept = np.log2(np.maximum(pixels[(light >= low) & (light <= high)], _DARKEST)).astype(float)
    skin = np.concatenate([kept.mean(axis=0), kept.std(axis=0)])
    return skin.astype(np.float32), float(np.median(light))


def _grain(pixels: FloatArray, area: BoolArray) -> FloatArray:
    """Return the relative deviation around a plane in the flattest whole blocks of skin."""
    for side in _BLOCKS:
        height, width = (length // side * side for length in area.shape)
        blocks = area[:height, :width].reshape(height // side, side, width // side, side)
        rows, columns = np.nonzero(blocks.all(axis=(1, 3)))
        if len(rows) >= _FEWEST_BLOCKS:
            tiles = pixels[:height, :width].reshape(*blocks.shape, 3)[rows, :, columns]
            return _deviation(tiles.reshape(len(rows), side * side, 3), side)
    return np.zeros(3, np.float32)


def _deviation(tiles: FloatArray, side: int) -> FloatArray:
    """Return the deviation of white noise that the flattest of (B, side * side, 3) tiles show."""
    values = tiles.astype(np.float64)
    ramp = np.arange(side) - (side - 1) / 2
    mean = values.mean(axis=1)
    rest = values - mean[:, None]
    for axis in np.meshgrid(ramp, ramp):
        slope = axis.ravel() / np.linalg.norm(axis)
        rest = rest - slope[None, :, None] * np.einsum("k,bkc->bc", slope, rest)[:, None]
    freedom = side * side - 3
    relative = np.sqrt((rest**2).sum(axis=1) / freedom) / np.maximum(np.abs(mean), _DARKEST)
    # Even under noise alone, blocks differ by chance: the flattest have less than their share.
    chance = np.sqrt(chi2.ppf(_FLATTEST, freedom) / freedom)
    flat = np.quantile(relative, _FLATTEST, axis=0) / chance
    return np.minimum(flat, _STRONGEST).astype(np.float32)


def blur_of_edges(luminance: FloatArray, noise: float) -> float:
    """Return the blur of a picture's strongest edges as the sigma of a Gaussian, in pixels.

    A step edge under a Gaussian of sigma has a gradient energy of 1/sigma; blurring again by a
    known amount tells sigma. Noise adds a known energy, which is taken off.

    Args:
        luminance: (h, w) float32, linear.
        noise: standard deviation of its white noise.

    Returns:
        Sigma, between 0.3 and 32 pixels; 32 where there is no edge at all.

    Source:
        The re-blurring ratio of Zhuo and Sim 2011, on energies instead of single edges.
    """
    scale = float(np.abs(luminance).mean())
    if not scale > 0 or min(luminance.shape) < 8:
        return SOFTEST_PX
    picture = luminance / np.float32(scale)
    grain = (noise / scale) ** 2
    sigma = SOFTEST_PX
    for step in (1.0, 2.0, 4.0, 8.0, 16.0):
        if 6 * step > min(luminance.shape):
            break
        fine, coarse = 0.6 * step, step * float(np.hypot(0.6, 1.0))
        sharp, soft = _gradient(picture, fine), _gradient(picture, coarse)
        # White noise of 1 under a Gaussian of s has a gradient energy of 1 / (4 pi s^4).
        energies = [
            float(field.mean()) - grain / (4 * np.pi * s**4)
            for field, s in ((sharp, fine), (soft, coarse))
        ]
        if energies[1] <= 0:
            continue
        ratio = max(energies[0] / energies[1], 1 + 1e-6) ** 2
        squared = (coarse**2 - ratio * fine**2) / (ratio - 1)
        sigma = float(np.sqrt(max(squared, 0.0)))
        if sigma <= 2 * step:
            break
    return float(np.clip(sigma, SHARPEST_PX, SOFTEST_PX))


def _gradient(picture: FloatArray, sigma: float) -> FloatArray:
    """Return the squared length of the gradient under a Gaussian."""
    smooth = cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
    y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
    return np.asarray(x * x + y * y, np.float32)
