"""Reads and writes EXR frames bit for bit: windows, layers, pixel types, metadata."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from types import MappingProxyType

import numpy as np
import OpenEXR
import OpenImageIO as oiio  # noqa: N813 - its users' name for it
from numpy.typing import NDArray

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.errors import ContractError, DiskError, FrameFormatError, OutputError
from faceplate.core.frame import Frame, Window
from faceplate.core.io.atomic import replacing
from faceplate.core.io.exrhead import COMPRESSION, PIXEL_LIMIT, Part, frame_header, read_parts
from faceplate.core.io.exrpixels import read_planes

HALF_MAX = 65504.0
NO_DATE = "1970:01:01 00:00:00"
"""The capDate of a frame whose plate has none: a clock in a frame would change its bytes."""

_COMPRESSIONS = MappingProxyType(
    {
        "no": OpenEXR.NO_COMPRESSION,
        "rle": OpenEXR.RLE_COMPRESSION,
        "zips": OpenEXR.ZIPS_COMPRESSION,
        "zip": OpenEXR.ZIP_COMPRESSION,
        "piz": OpenEXR.PIZ_COMPRESSION,
    }
)
"""What loses nothing and every reader of the last ten years knows."""
_TYPES = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.uint32))


def set_io_threads(count: int) -> None:
    """Give OpenImageIO and OpenEXR ``count`` threads each, for this process."""
    oiio.attribute("threads", count)
    oiio.attribute("exr_threads", count)
    OpenEXR.set_global_thread_count(count)


def read_frame(
    path: Path | str, number: int, *, space: str = "", channels: Collection[str] | None = None
) -> Frame:
    """Read one EXR, every value with the bits it has on disk.

    All parts of a multi-part file become one picture with ``layer.channel`` names over the
    union of their data windows; outside its own window a part is 0. Tiled and mip-mapped files
    give their largest level.

    Args:
        path: the file.
        number: the plate's own frame number.
        space: OCIO name of the colour space, as the caller resolved it.
        channels: names to read, all by default; names that the file has not are left out.

    Raises:
        FrameMissingError: the file is not there.
        FrameFormatError: not an EXR, deep, luma-chroma, stereo, empty, too large or half written.
    """
    path = Path(path)
    parts = read_parts(path, number)
    data = parts[0].data
    for part in parts[1:]:
        data = _union(data, part.data)
    if data.width * data.height > PIXEL_LIMIT:
        raise FrameFormatError(str(path), "its parts lie too far apart to be one picture")
    planes = read_planes(path, parts, channels)
    return Frame(
        number=number,
        channels={name: _spread(*planes[name], data) for name in planes},
        data=data,
        display=parts[0].display,
        pixel_aspect=parts[0].pixel_aspect,
        space=space,
        header=frame_header(parts),
    )


def write_frame(path: Path | str, frame: Frame, *, compression: str = "zip") -> None:
    """Write a frame as one-part scanline EXR, atomically, every value bit for bit.

    The bytes depend on the frame alone. ``acesImageContainerFlag`` is dropped: its standard
    allows neither compression nor further channels.

    Args:
        path: the final name; the folder must exist.
        frame: float16, float32 and uint32 channels may be mixed.
        compression: "zip", "zips", "piz", "rle", "none", or "plate" for the plate's own, as long
            as it loses nothing (else zip).

    Raises:
        OutputError: a compression that we do not write.
        DiskError: full disk, missing folder, no permission.
    """
    path = Path(path)
    header = {k: v for k, v in frame.header.items() if k not in ("acesImageContainerFlag",)}
    own = str(header.pop(COMPRESSION, "zip"))
    if compression == "plate":
        compression = own if own in _COMPRESSIONS else "zip"
    name = "no" if compression == "none" else compression
    if name not in _COMPRESSIONS:
        raise OutputError(
            f"{path} cannot be written: compression {compression} is not offered.",
            hint="Use zip, zips, piz, rle, none or plate.",
            compression=compression,
        )
    header.setdefault("capDate", NO_DATE)
    header |= {
        COMPRESSION: _COMPRESSIONS[name],
        "type": OpenEXR.scanlineimage,
        "lineOrder": OpenEXR.INCREASING_Y,
        "dataWindow": _box(frame.data),
        "displayWindow": _box(frame.display),
        "pixelAspectRatio": frame.pixel_aspect,
    }
    pixels = {name: OpenEXR.Channel(_writable(name, p)) for name, p in frame.channels.items()}
    with replacing(path) as temp:
        try:
            OpenEXR.File(header, pixels).write(str(temp))
        except RuntimeError as error:
            if "image file" not in str(error):
                raise ContractError(f"{path} cannot be written: {error}", path=str(path)) from error
            # The library's text names the temporary file; the system's own words are enough.
            raise DiskError(str(path), _last_words(str(error)).rpartition(". ")[2]) from error


def to_half(array: AnyArray) -> tuple[NDArray[np.float16], int, int]:
    """Convert to half without making infinities.

    NaN becomes 0, infinities and values beyond the half range become +-65504.

    Returns:
        The halves, how many values were not finite, how many finite ones were clamped.
    """
    values: FloatArray = np.asarray(array, np.float32)
    finite = np.isfinite(values)
    wild = values.size - int(np.count_nonzero(finite))
    clamped = int(np.count_nonzero(finite & (np.abs(values) > HALF_MAX)))
    if wild:
        values = np.nan_to_num(values, nan=0.0, posinf=HALF_MAX, neginf=-HALF_MAX)
    if clamped:
        values = np.clip(values, -HALF_MAX, HALF_MAX)
    return values.astype(np.float16), wild, clamped


def _last_words(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip().rstrip(".") if lines else "no reason given"


def _union(a: Window, b: Window) -> Window:
    return Window(min(a.x0, b.x0), min(a.y0, b.y0), max(a.x1, b.x1), max(a.y1, b.y1))


def _spread(part: Part, plane: AnyArray, data: Window) -> AnyArray:
    if part.data == data:
        return plane
    wide = np.zeros((data.height, data.width), plane.dtype)
    wide[part.data.slices_in(data)] = plane
    return wide


def _box(window: Window) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Turn a half-open window into EXR's inclusive corners."""
    corners = (window.x0, window.y0), (window.x1 - 1, window.y1 - 1)
    return np.array(corners[0], np.int32), np.array(corners[1], np.int32)


def _writable(name: str, plane: AnyArray) -> AnyArray:
    if plane.dtype not in _TYPES:
        raise ContractError(f"Channel {name} is {plane.dtype}, which EXR does not know.", name=name)
    return np.ascontiguousarray(plane)
