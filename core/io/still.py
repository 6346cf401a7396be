"""Reads PNG, JPEG, TIFF and DPX pictures as linear Rec.709 frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its users' name for it

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.errors import ColorSpaceError, FrameFormatError, FrameMissingError
from faceplate.core.frame import Frame, Window
from faceplate.core.io.exrhead import PIXEL_LIMIT
from faceplate.ocio.config import LINEAR, ColorConfig
from faceplate.ocio.convert import Converter

_LOG_TAGS = ("log", "density")
_GREY = frozenset({"Y", "I", "L", "gray", "grey"})


class StillReader:
    """Pictures of one kind in one colour space.

    Attributes:
        space: canonical name of linear Rec.709, the space of the frames.
    """

    def __init__(self, config: ColorConfig, *, colorspace: str | None = None) -> None:
        """Prepare to read.

        Args:
            config: where names are resolved.
            colorspace: the space of the code values; sRGB texture for integers by default.

        Raises:
            ColorSpaceError: the name is unknown or a data space.
        """
        self.space = config.resolve(LINEAR)
        self._named = (
            Converter(config, config.color_space(colorspace), LINEAR) if colorspace else None
        )

    def read(self, path: Path, number: int) -> Frame:
        """Read one picture: float32 R, G, B and, where there is one, A; premultiplied.

        Raises:
            FrameMissingError: the file is not there.
            FrameFormatError: damaged, too large, or of a kind that we do not read.
            ColorSpaceError: its values are float or log, and no colour space was named.
        """
        codes, alpha, aspect, orientation = _read_codes(
            path, number, needs_space=self._named is None
        )
        rgb = self._linear(codes)
        if alpha is not None:
            rgb *= alpha[..., None]
        planes = {name: rgb[..., index] for index, name in enumerate("RGB")}
        if alpha is not None:
            planes["A"] = alpha
        return linear_frame(
            {name: oriented(plane, orientation) for name, plane in planes.items()},
            number=number,
            space=self.space,
            pixel_aspect=1.0 / aspect if orientation > 4 else aspect,
        )

    def _linear(self, codes: AnyArray) -> FloatArray:
        if self._named is not None:
            return self._named(_as_float(codes))
        return srgb_table(codes.dtype)[codes]


def linear_frame(
    planes: dict[str, AnyArray], *, number: int, space: str, pixel_aspect: float
) -> Frame:
    """Make a frame of decoded, linearised planes; its header says only that they are Rec.709."""
    height, width = planes["R"].shape
    window = Window(0, 0, width, height)
    return Frame(
        number=number,
        channels=planes,
        data=window,
        display=window,
        pixel_aspect=pixel_aspect,
        space=space,
        header={"colorInteropID": LINEAR},
    )


def srgb_table(dtype: np.dtype[np.generic]) -> FloatArray:
    """Return linear light for every code of an unsigned integer type (IEC 61966-2-1)."""
    codes = np.linspace(0.0, 1.0, 1 << 8 * dtype.itemsize)
    low, high = codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4
    return np.where(codes <= 0.04045, low, high).astype(np.float32)


def oriented(plane: AnyArray, orientation: int) -> AnyArray:
    """Return a plane upright, given EXIF's orientation 1 to 8."""
    if orientation > 4:
        plane = plane.T
    if orientation in (2, 3, 6, 7):
        plane = plane[:, ::-1]
    if orientation in (3, 4, 7, 8):
        plane = plane[::-1]
    return np.ascontiguousarray(plane)


def _read_codes(
    path: Path, number: int, *, needs_space: bool
) -> tuple[AnyArray, FloatArray | None, float, int]:
    """Return colour (H, W, 3) and alpha as in the file, pixel aspect, orientation."""
    text = str(path)
    if not path.is_file():
        raise FrameMissingError(text, number)
    hints = oiio.ImageSpec()
    # The library would multiply codes by alpha; light is what alpha multiplies.
    hints.attribute("oiio:UnassociatedAlpha", 1)
    file = oiio.ImageInput.open(text, hints)
    if file is None:
        raise FrameFormatError(text, _words(oiio.geterror))
    try:
        spec = file.spec()
        if spec.deep or spec.width * spec.height > PIXEL_LIMIT:
            raise FrameFormatError(text, f"{spec.width} x {spec.height} pixels are too many")
        tag = str(spec.getattribute("oiio:ColorSpace") or "").lower()
        kind = str(spec.format)
        if needs_space and (kind not in ("uint8", "uint16") or any(w in tag for w in _LOG_TAGS)):
            raise ColorSpaceError(
                f"{path} holds {kind} values that do not say which colour space they are in.",
                hint="Name it with --colorspace, for example ACEScg or lin_rec709_scene.",
                path=text,
            )
        kind = kind if kind in ("uint8", "uint16") else "float"
        pixels = file.read_image(0, 0, 0, spec.nchannels, kind)
        if pixels is None or file.has_error:
            raise FrameFormatError(text, _words(file.geterror))
    finally:
        file.close()
    color, alpha = _split(path, pixels.reshape(spec.height, spec.width, -1), spec)
    aspect = float(spec.getattribute("PixelAspectRatio") or 1.0)
    orientation = int(spec.getattribute("Orientation") or 1)
    return color, alpha, aspect if aspect > 0 else 1.0, orientation if 1 <= orientation <= 8 else 1


def _split(
    path: Path, pixels: AnyArray, spec: oiio.ImageSpec
) -> tuple[AnyArray, FloatArray | None]:
    names = list(spec.channelnames)
    alpha_at = int(spec.alpha_channel)
    colors = [index for index in range(len(names)) if index != alpha_at]
    if {"R", "G", "B"} <= set(names):
        picked = [names.index(name) for name in "RGB"]
    elif len(colors) == 1 or names[0] in _GREY:
        picked = [colors[0]] * 3
    else:
        raise FrameFormatError(
            str(path), f"its channels {', '.join(names)} are not RGB", "Write it again as RGB."
        )
    alpha = _as_float(pixels[..., alpha_at]) if alpha_at >= 0 else None
    return np.ascontiguousarray(pixels[..., picked]), alpha


def _as_float(codes: AnyArray) -> FloatArray:
    if codes.dtype == np.float32:
        return np.ascontiguousarray(codes, np.float32)
    return codes.astype(np.float32) / np.float32(np.iinfo(codes.dtype).max)


def _words(geterror: object) -> str:
    assert callable(geterror)
    try:
        lines = str(geterror()).strip().splitlines()
    except UnicodeDecodeError:
        lines = []
    return (
        f"it is damaged or of an unknown kind ({lines[-1].rstrip('.') if lines else 'no reason'})"
    )
