"""The door between scene light and the network domain."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numba import njit

from faceplate.core.arrays import FloatArray, check_shape
from faceplate.core.errors import ContractError, InputError
from faceplate.ocio.config import LINEAR, ColorConfig
from faceplate.ocio.convert import Converter, without_wild

_POWER = 2.4
_OFFSET = 0.055
_SLOPE = 12.92
_BREAK = 0.0031308
_CODE_BREAK = 0.04045


class Shaper:
    """The sRGB curve up to a knee, then a smooth log shoulder that reaches code 1 at ``white``.

    Odd-symmetric, unbounded in both directions, with an analytic inverse.

    Attributes:
        knee: linear value where the shoulder begins.
        white: linear value of code 1.

    >>> shaper = Shaper()
    >>> codes = shaper.encode(np.array([-0.18, 0.18, 1.0, 16.0], np.float32))
    >>> [round(float(code), 3) for code in codes]
    [-0.461, 0.461, 0.836, 1.0]
    """

    def __init__(self, knee: float = 0.5, white: float = 16.0) -> None:
        if not _BREAK < knee < white:
            raise ContractError(f"A shaper needs 0.0031308 < knee < white, not {knee}, {white}.")
        self.knee = knee
        self.white = white
        code = (1 + _OFFSET) * knee ** (1 / _POWER) - _OFFSET
        slope = (1 + _OFFSET) / _POWER * knee ** (1 / _POWER - 1)
        scale = _shoulder(code, slope, white - knee)
        self._curve = (knee, code, slope, scale)

    def encode(self, linear: FloatArray) -> FloatArray:
        """Return codes of linear light; any shape, float32."""
        return _encode(np.ascontiguousarray(linear, np.float32), *self._curve)

    def decode(self, codes: FloatArray) -> FloatArray:
        """Return linear light of codes; any shape, float32."""
        return _decode(np.ascontiguousarray(codes, np.float32), *self._curve)

    def change(self, codes: FloatArray, answer: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return linear light before and after a network's answer to clipped codes.

        Args:
            codes: (H, W, 3) float32, unbounded.
            answer: (H, W, 3) float32, what came back for ``codes`` clipped to 0 to 1.

        Returns:
            Two (H, W, 3) float32 arrays. Where the answer changes nothing both are 0: that light
            is not needed, and most of a picture is left alone.
        """
        return _change(np.ascontiguousarray(codes), np.ascontiguousarray(answer), *self._curve)


class NetworkView:
    """What a network sees of a plate, and how its answer comes back to the plate.

    The answer is applied as a difference of codes: in the shoulder, adding codes multiplies light,
    so highlights keep their height; negatives and values beyond ``white`` are carried through.

    Attributes:
        space: canonical name of the plate's space.
        gain: exposure on linear light before the codes; one per shot, or the result flickers.
        shaper: linear light to codes.
    """

    def __init__(
        self, config: ColorConfig, space: str, gain: float, shaper: Shaper | None = None
    ) -> None:
        if not (math.isfinite(gain) and gain > 0):
            raise InputError(
                f"The exposure gain is {gain}; it must be above 0.",
                hint="Leave it to the analysis, or give a factor such as 1.5.",
                gain=gain,
            )
        self.space = config.resolve(space)
        self.gain = gain
        self.shaper = shaper or Shaper()
        self._linear_from_scene = Converter(config, space, LINEAR)
        self._scene_from_linear = Converter(config, LINEAR, space)

    def linear(self, scene: FloatArray) -> FloatArray:
        """Return plate pixels (H, W, 3) as linear Rec.709 light; non-finite pixels as black."""
        return self._linear_from_scene(scene)

    def scene(self, linear: FloatArray) -> FloatArray:
        """Return linear Rec.709 light (H, W, 3) in the plate's space."""
        return self._scene_from_linear(linear)

    @cached_property
    def is_scene_linear(self) -> bool:
        """Whether the plate's numbers are proportional to light; log spaces are not.

        Tried rather than looked up: studios' configs often leave the encoding unsaid.
        """
        light = np.array([0.0, 0.02, 0.18, 1.0, 4.0], np.float32)[:, None, None]
        light = np.repeat(light, 3, axis=2)
        once, twice = self.scene(light), self.scene(2 * light)
        return bool(np.allclose(twice, 2 * once, rtol=1e-3, atol=1e-6))

    def light(self, linear: FloatArray) -> FloatArray:
        """Return linear Rec.709 light (H, W, 3) as scene light that a face element is made of.

        The plate's own primaries when its numbers are light; linear Rec.709 when they are log.
        """
        return self.scene(linear) if self.is_scene_linear else linear

    def encode(self, linear: FloatArray) -> FloatArray:
        """Return unbounded codes of linear Rec.709 light."""
        return self.shaper.encode(linear * np.float32(self.gain))

    def decode(self, codes: FloatArray) -> FloatArray:
        """Return linear Rec.709 light of codes."""
        return self.shaper.decode(codes) / np.float32(self.gain)

    def picture(self, scene: FloatArray) -> FloatArray:
        """Return plate pixels (H, W, 3) in the network domain, 0 to 1."""
        return np.clip(self.encode(self.linear(scene)), 0.0, 1.0)

    def apply(self, scene: FloatArray, network: FloatArray) -> FloatArray:
        """Return the plate with what a network changed.

        Args:
            scene: (H, W, 3) float32 plate pixels.
            network: (H, W, 3) float32, the network's answer to ``picture(scene)``.

        Returns:
            (H, W, 3) float32, scene: bit for bit the plate where the answer is the picture;
            finite where the answer is, with non-finite plate pixels taken as black.

        Raises:
            ShapeError: the two pictures differ in shape or are not float32.
        """
        clean, _ = without_wild(scene)
        codes = self.encode(self.linear(clean))
        answer = check_shape("network", network, *clean.shape)
        before, after = self.shaper.change(codes, answer)
        gain = np.float32(self.gain)
        before, after = before / gain, after / gain
        # A difference in the plate's space, so that no rounding of the way there and back
        # touches what the network left alone: OCIO alone loses 1e-4 on some log spaces.
        return clean + (self.scene(after) - self.scene(before))


def _shoulder(code: float, slope: float, reach: float) -> float:
    """Find the log scale with which the shoulder ends at code 1, by bisection."""
    low, high = 1e-4, 10.0
    for _ in range(80):
        scale = 0.5 * (low + high)
        if code + scale * math.log1p(reach * slope / scale) < 1.0:
            low = scale
        else:
            high = scale
    return 0.5 * (low + high)


@njit(nogil=True, cache=True, fastmath=False)
def _encode(  # type: ignore[no-untyped-def]
    linear, knee, code, slope, scale
):
    codes = np.empty_like(linear)
    source, target = linear.ravel(), codes.ravel()
    for i in range(source.size):
        value = np.float64(source[i])
        t = abs(value)
        if t <= _BREAK:
            y = _SLOPE * t
        elif t <= knee:
            y = (1 + _OFFSET) * t ** (1 / _POWER) - _OFFSET
        else:
            y = code + scale * math.log1p((t - knee) * (slope / scale))
        target[i] = math.copysign(y, value)
    return codes


@njit(nogil=True, cache=True, fastmath=False)
def _decode(  # type: ignore[no-untyped-def]
    codes, knee, code, slope, scale
):
    linear = np.empty_like(codes)
    source, target = codes.ravel(), linear.ravel()
    for i in range(source.size):
        target[i] = _light(np.float64(source[i]), knee, code, slope, scale)
    return linear


@njit(nogil=True, cache=True, fastmath=False)
def _change(  # type: ignore[no-untyped-def]
    codes, answer, knee, code, slope, scale
):
    before, after = np.zeros_like(codes), np.zeros_like(codes)
    height, width, depth = codes.shape
    for y in range(height):
        for x in range(width):
            changed = False
            for c in range(depth):
                changed |= answer[y, x, c] != min(max(codes[y, x, c], 0.0), 1.0)
            if not changed:
                continue
            for c in range(depth):
                old = np.float64(codes[y, x, c])
                new = old + (answer[y, x, c] - min(max(old, 0.0), 1.0))
                before[y, x, c] = _light(old, knee, code, slope, scale)
                after[y, x, c] = _light(new, knee, code, slope, scale)
    return before, after


@njit(nogil=True, cache=True, fastmath=False)
def _light(value, knee, code, slope, scale):  # type: ignore[no-untyped-def]
    t = abs(value)
    if t <= _CODE_BREAK:
        x = t / _SLOPE
    elif t <= code:
        x = ((t + _OFFSET) / (1 + _OFFSET)) ** _POWER
    else:
        x = knee + (scale / slope) * math.expm1((t - code) / scale)
    return math.copysign(x, value)
