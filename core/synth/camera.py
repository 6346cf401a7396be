"""Photograph a clean picture: what cameras, tape and compression do to light, down to 8 bits."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, ByteArray, FloatArray, check_shape
from faceplate.ocio.network import Shaper

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_SRGB_STEPS = 4096
_METERED = 0.2
"""Mean light that a camera's meter aims at; skin of a middle tone is a little above."""


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """How often each fault occurs (0 to 1), and how strong it is; 0 everywhere is no fault.

    Attributes:
        exposure: standard deviation, in stops.
        balance: standard deviation of the channels' gains, in nepers.
        motion: share of pictures with motion blur of up to 1/16 of the picture.
        defocus: share out of focus.
        veil: share with glow around the highlights.
        grain: share with noise.
        video: share that was clipped and encoded for a display before we see it; the others are
            scene-linear plates.
        contrast: share of those with another contrast and colourfulness.
        grey: share without colour.
        small: share of pictures that were small and have been enlarged.
        sharpen: share with sharpening halos.
        jpeg: share with block artefacts and halved colour.
        tape: share of these at a low bit rate, smoothed afterwards as video decoders do.
    """

    exposure: float = 0.55
    balance: float = 0.07
    motion: float = 0.15
    defocus: float = 0.4
    veil: float = 0.12
    grain: float = 0.6
    video: float = 0.75
    contrast: float = 0.5
    grey: float = 0.1
    small: float = 0.3
    sharpen: float = 0.2
    jpeg: float = 0.55
    tape: float = 0.2

    def scaled(self, factor: float) -> CameraSettings:
        """Return all faults ``factor`` times as frequent and strong, shares at most 1."""
        changed = {}
        for field in fields(self):
            value = getattr(self, field.name) * factor
            changed[field.name] = value if field.name == "exposure" else min(value, 1.0)
        return replace(self, **changed)


CLEAN = CameraSettings().scaled(0)
"""No faults: the picture in codes, rounded to 8 bits."""


def photograph(
    rgb: FloatArray, rng: np.random.Generator, settings: CameraSettings | None = None
) -> ByteArray:
    """Return a picture as the engine's networks see it, with the faults of a camera.

    The codes are those of the engine's network domain (`ocio.network.Shaper`): the same curve that
    encodes plates at run time, here straight from linear Rec.709, where no colour config is needed.
    Geometry stays as it is. The same numbers come from the same ``rng``.

    Args:
        rgb: (H, W, 3) float32, linear Rec.709, unbounded.
        rng: where chance comes from.
        settings: how often each fault occurs; the default when not given.

    Returns:
        (H, W, 3) uint8, codes times 255.
    """
    check_shape("rgb", rgb, "H", "W", 3)
    settings = settings or CameraSettings()
    height, width = rgb.shape[:2]
    light = rgb if settings == CLEAN else _exposed(rgb, rng, settings)
    if rng.random() < settings.motion:
        light = _smeared(light, rng)
    if rng.random() < settings.defocus:
        light = _blurred(light, rng.uniform(0.3, 1.9) * height / 256)
    if rng.random() < settings.veil:
        light = _glowing(light, rng)
    if rng.random() < settings.small:
        share = rng.uniform(0.25, 0.8)
        size = max(round(width * share), 1), max(round(height * share), 1)
        light = cv2.resize(light, size, interpolation=cv2.INTER_AREA)
    if rng.random() < settings.grain:
        light = _grained(light, rng)
    codes = _on_video(light, rng, settings) if rng.random() < settings.video else None
    picture = _bytes(Shaper().encode(light)) if codes is None else codes
    if picture.shape[:2] != (height, width):
        way = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[
            rng.choice(3, p=(0.5, 0.4, 0.1))
        ]
        picture = cv2.resize(picture, (width, height), interpolation=way)
    return picture


def letterbox(
    rgb: FloatArray, coverage: FloatArray, rng: np.random.Generator, share: float = 0.15
) -> tuple[FloatArray, FloatArray]:
    """Return a picture and its coverage with, in a share of cases, plain borders of no class.

    Args:
        rgb: (H, W, 3) float32.
        coverage: (H, W, C) float32, background first.
        rng: where chance comes from.
        share: of pictures that get borders.
    """
    if rng.random() >= share:
        return rgb, coverage
    rgb, coverage = rgb.copy(), coverage.copy()
    color = np.float32(0.0 if rng.random() < 0.7 else rng.uniform(0, 1))
    height, width = rgb.shape[:2]
    ways = ((1, 1, 0, 0), (0, 0, 1, 1), tuple(rng.integers(0, 2, 4)))[rng.integers(3)]
    depth = rng.integers(1, max(height // 4, 2), 4) * np.array(ways)
    top, bottom, left, right = (int(value) for value in depth)
    inside = np.zeros((height, width), bool)
    inside[top : height - bottom, left : width - right] = True
    rgb[~inside] = color
    coverage[~inside] = 0
    coverage[~inside, 0] = 1
    return rgb, coverage


def _exposed(rgb: FloatArray, rng: np.random.Generator, settings: CameraSettings) -> FloatArray:
    stops = rng.normal() * settings.exposure
    if settings.exposure > 0 and rng.random() < 0.8:
        # Cameras meter what is in the middle, and so does the engine with the face it has found.
        height, width = rgb.shape[:2]
        middle = rgb[height // 4 : -height // 4 : 3, width // 4 : -width // 4 : 3] @ _LUMA
        level = float(np.log2(np.maximum(middle, 0) + 0.01).mean()) if middle.size else -2.5
        stops += rng.uniform(0.5, 1.0) * (np.log2(_METERED) - level)
    gain = 2.0**stops * np.exp(rng.normal(size=3) * settings.balance)
    return rgb * gain.astype(np.float32)


def _smeared(light: FloatArray, rng: np.random.Generator) -> FloatArray:
    length = max(int(rng.uniform(0.012, 0.0625) * light.shape[1]), 3)
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    half = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    middle = (length - 1) / 2
    start, end = (tuple(int(round(v)) for v in middle + s * half) for s in (-1, 1))
    cv2.line(kernel, start, end, 1.0)
    return cv2.filter2D(light, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _blurred(light: FloatArray, sigma: float) -> FloatArray:
    return cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def _glowing(light: FloatArray, rng: np.random.Generator) -> FloatArray:
    height, width = light.shape[:2]
    small = cv2.resize(
        light, (max(width // 8, 1), max(height // 8, 1)), interpolation=cv2.INTER_AREA
    )
    glow = cv2.resize(_blurred(small, rng.uniform(1, 5)), (width, height))
    share = np.float32(rng.uniform(0.03, 0.25))
    return light * (1 - share) + glow * share


def _grained(light: FloatArray, rng: np.random.Generator) -> FloatArray:
    shot, read = 2 * rng.uniform(0.0, 0.045) ** 2, rng.uniform(0.0, 0.01)
    noise = rng.standard_normal(light.shape, np.float32)
    if rng.random() < 0.4:
        noise = _blurred(noise, rng.uniform(0.5, 1.2)) * np.float32(1.7)
    if rng.random() < 0.3:
        noise = np.repeat(noise[..., 1:2], 3, axis=2)
    level = np.sqrt(np.maximum(light, 0) * np.float32(shot) + np.float32(read**2))
    return light + noise * level


def _on_video(light: FloatArray, rng: np.random.Generator, settings: CameraSettings) -> ByteArray:
    """Return codes of a picture that was made for a display, compressed, and read back."""
    if rng.random() < 0.5:  # film and phones roll highlights off
        knee = np.float32(rng.uniform(0.4, 0.8))
        over = np.maximum(light - knee, 0)
        light = np.minimum(light, knee) + over / (1 + over / (1 - knee))
    code = _curve()[np.clip(light * _SRGB_STEPS, 0, _SRGB_STEPS).astype(np.int32)]
    if rng.random() < settings.contrast:
        code = _toned(code, rng)
    if rng.random() < settings.grey:
        code = np.repeat((code @ _LUMA)[..., None], 3, axis=2)
    if rng.random() < settings.sharpen:
        soft = _blurred(code, rng.uniform(0.7, 1.8))
        code = code + (code - soft) * np.float32(rng.uniform(0.3, 1.8))
    picture = _bytes(code)
    if rng.random() < settings.jpeg:
        picture = _compressed(picture, rng, settings.tape)
    gain = 2.0 ** (rng.normal() * 0.3 * (settings.exposure > 0))
    return cv2.LUT(picture, _codes_of_video(gain))


def _toned(code: FloatArray, rng: np.random.Generator) -> AnyArray:
    middle = np.float32(rng.uniform(0.35, 0.6))
    code = middle + (code - middle) * np.float32(rng.uniform(0.7, 1.35))
    code = code + np.float32(rng.normal() * 0.04)
    grey = (code @ _LUMA)[..., None]
    return grey + (code - grey) * np.float32(rng.uniform(0.4, 1.4))


def _compressed(picture: ByteArray, rng: np.random.Generator, tape: float) -> ByteArray:
    low = rng.random() < tape
    quality = int(rng.uniform(6, 22) if low else rng.uniform(20, 92))
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, packed = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    picture = cv2.cvtColor(cv2.imdecode(packed, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return cv2.bilateralFilter(picture, 5, 24, 2.0) if low else picture


def _curve() -> FloatArray:
    """Return the sRGB codes of 4097 even steps of light from 0 to 1."""
    light = np.linspace(0, 1, _SRGB_STEPS + 1)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return curve.astype(np.float32)


def _codes_of_video(gain: float) -> ByteArray:
    """Return the network's byte of every byte of a display picture."""
    code = np.arange(256) / 255
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return _bytes(Shaper().encode((light * gain).astype(np.float32)))


def _bytes(code: AnyArray) -> ByteArray:
    return np.clip(code * 255 + 0.5, 0, 255).astype(np.uint8)
