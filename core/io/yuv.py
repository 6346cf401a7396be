"""Decoded movie pictures as R'G'B' codes, and codes as light."""

from __future__ import annotations

import re
from dataclasses import dataclass

import av
import numpy as np
from numba import njit

from faceplate.core.arrays import AnyArray, FloatArray

_PLANAR = re.compile(
    r"^(?P<kind>yuvj?|yuva|gray|gbra?)(?P<sub>4[1240][0124])?p?(?P<bits>9|10|12|14|16)?(?:le)?$"
)
_LUMA = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 7: (0.212, 0.087), 4: (0.3, 0.11)}
_LUMA_601 = (0.299, 0.114)
"""Weights of red and blue in luma, by matrix number of ITU-T H.273."""
_IDENTITY = 0
_UNSAID = 2
_FULL = 2
_HD_WIDTH, _HD_HEIGHT = 1280, 577
_GAMMA = 2.4
"""BT.1886 with black at 0."""
_TABLE_SIZE = 1 << 16
_TABLE_REACH = 2.0


@dataclass(frozen=True, slots=True)
class Coding:
    """How numbers in planes mean R'G'B'.

    Attributes:
        kind: "yuv", "gray" or "gbr".
        bits: of each sample.
        full: whether codes use all of them, or leave the foot and head room of BT.709.
        luma: weights of red and blue in luma.
        centred: whether chroma samples lie between luma columns (JPEG), not on them (MPEG-2).
    """

    kind: str
    bits: int
    full: bool
    luma: tuple[float, float]
    centred: bool

    @classmethod
    def of(cls, picture: av.VideoFrame, codec: str) -> Coding:
        """Read the tags of a picture; untagged HD is BT.709 and untagged SD is BT.601."""
        match = _PLANAR.match(_planar_name(picture.format))
        assert match is not None
        kind = (
            "gbr" if match["kind"].startswith("gbr") else match["kind"][:3].replace("gra", "gray")
        )
        matrix = int(picture.colorspace)
        if matrix == _IDENTITY and match["sub"] == "444":
            kind = "gbr"
        if matrix == _UNSAID and (picture.width >= _HD_WIDTH or picture.height >= _HD_HEIGHT):
            matrix = 1
        jpeg = codec == "mjpeg" or match["kind"] == "yuvj"
        unsaid_rgb = kind == "gbr" and int(picture.color_range) == 0
        return cls(
            kind=kind,
            bits=int(match["bits"] or 8),
            full=int(picture.color_range) == _FULL or jpeg or unsaid_rgb,
            luma=_LUMA.get(matrix, _LUMA_601),
            centred=codec == "mjpeg",
        )


def planes_of(picture: av.VideoFrame) -> tuple[list[AnyArray], AnyArray | None]:
    """Return the picture's own samples, first luma or green, and its alpha.

    Packed layouts are taken apart; that moves samples and changes none.
    """
    name = _planar_name(picture.format)
    if name != picture.format.name:
        picture = picture.reformat(format=name)
    planes = [_samples(plane, name) for plane in picture.planes]
    has_alpha = name.startswith(("yuva", "gbra"))
    return (planes[:-1], planes[-1]) if has_alpha else (planes, None)


def codes_from_planes(
    planes: list[AnyArray], alpha: AnyArray | None, coding: Coding
) -> tuple[FloatArray, FloatArray | None]:
    """Return (H, W, 3) float32 R'G'B' codes, 0 to 1 with foot and head room kept, and alpha."""
    top = float((1 << coding.bits) - 1)
    step = float(1 << (coding.bits - 8))
    black, reach = (0.0, top) if coding.full else (16.0 * step, 219.0 * step)
    coverage = None if alpha is None else alpha.astype(np.float32) / np.float32(top)
    if coding.kind == "gbr":
        rgb = np.stack([planes[2], planes[0], planes[1]], axis=-1).astype(np.float32)
        return (rgb - np.float32(black)) / np.float32(reach), coverage
    if coding.kind == "gray":
        grey = (planes[0].astype(np.float32) - np.float32(black)) / np.float32(reach)
        return np.repeat(grey[..., None], 3, axis=2), coverage
    luma, blue, red = (np.ascontiguousarray(plane, np.uint16) for plane in planes)
    chroma_reach = top if coding.full else 224.0 * step
    scales = (black, 1.0 / reach, 128.0 * step, 1.0 / chroma_reach)
    weights = (coding.luma[0], 1.0 - sum(coding.luma), coding.luma[1])
    return _rgb_from_yuv(luma, blue, red, scales, weights, coding.centred), coverage


def linear_from_codes(codes: FloatArray) -> FloatArray:
    """Return light of R'G'B' codes by BT.1886: the power 2.4, mirrored below 0."""
    ticks = np.linspace(0.0, _TABLE_REACH, _TABLE_SIZE + 1)
    return _power(np.ascontiguousarray(codes), ticks**_GAMMA)


def _planar_name(form: av.VideoFormat) -> str:
    """Return the planar layout that holds the samples of a format unchanged."""
    if _PLANAR.match(form.name):
        return str(form.name)
    bits = max((part.bits for part in form.components), default=8)
    depth = next(d for d in (8, 9, 10, 12, 14, 16, 99) if d >= bits)
    depth = min(depth, 16)
    tail = "" if depth == 8 else f"{depth}le"
    has_alpha = any(part.is_alpha for part in form.components) or form.has_palette
    if form.is_rgb or form.has_palette or form.is_bayer:
        return f"gbrap{tail}" if has_alpha else f"gbrp{tail}"
    if len(form.components) < 3:
        return f"gray{tail}"
    across = form.width // max(form.chroma_width(form.width), 1)
    down = form.height // max(form.chroma_height(form.height), 1)
    sub = {(1, 1): "444", (2, 1): "422", (2, 2): "420", (4, 1): "411"}[(across, down)]
    return f"yuv{'a' if has_alpha else ''}{sub}p{tail}"


def _samples(plane: av.video.plane.VideoPlane, name: str) -> AnyArray:
    dtype = np.dtype("<u2" if name.endswith("le") else "u1")
    rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)
    return rows[:, : plane.width]


@njit(nogil=True, cache=True, fastmath=False)
def _rgb_from_yuv(  # type: ignore[no-untyped-def]
    luma, blue, red, scales, weights, centred
):
    height, width = luma.shape
    rows, columns = blue.shape
    across = (width + columns - 1) // columns
    down = (height + rows - 1) // rows
    black, gain, middle, chroma_gain = scales
    kr, kg, kb = weights
    from_red = 2.0 * (1.0 - kr) * chroma_gain
    from_blue = 2.0 * (1.0 - kb) * chroma_gain
    rgb = np.empty((height, width, 3), np.float32)
    for y in range(height):
        # Chroma rows lie between luma rows, columns on them, unless the picture is a JPEG.
        v = (y + 0.5) / down - 0.5
        j = int(np.floor(v))
        fy = v - j
        j0, j1 = max(j, 0), min(j + 1, rows - 1)
        for x in range(width):
            u = (x + 0.5) / across - 0.5 if centred else x / across
            i = int(np.floor(u))
            fx = u - i
            i0, i1 = max(i, 0), min(i + 1, columns - 1)
            a, b = (1.0 - fy) * (1.0 - fx), (1.0 - fy) * fx
            c, d = fy * (1.0 - fx), fy * fx
            pb = a * blue[j0, i0] + b * blue[j0, i1] + c * blue[j1, i0] + d * blue[j1, i1] - middle
            pr = a * red[j0, i0] + b * red[j0, i1] + c * red[j1, i0] + d * red[j1, i1] - middle
            value = (luma[y, x] - black) * gain
            r = value + from_red * pr
            blue_code = value + from_blue * pb
            rgb[y, x, 0] = r
            rgb[y, x, 1] = (value - kr * r - kb * blue_code) / kg
            rgb[y, x, 2] = blue_code
    return rgb


@njit(nogil=True, cache=True, fastmath=False)
def _power(codes, table):  # type: ignore[no-untyped-def]
    light = np.empty_like(codes)
    source, target = codes.ravel(), light.ravel()
    last = table.size - 1
    scale = last / _TABLE_REACH
    for i in range(source.size):
        t = abs(np.float64(source[i])) * scale
        k = int(t)
        # Codes cannot leave the table: the wildest legal ones reach 1.9.
        k = min(k, last - 1)
        value = table[k] + (t - k) * (table[k + 1] - table[k])
        target[i] = np.copysign(value, source[i])
    return light
