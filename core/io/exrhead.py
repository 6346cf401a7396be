"""Reads EXR headers: what a file holds, and whether we can take it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import OpenEXR

from faceplate.core.errors import FrameFormatError, FrameMissingError
from faceplate.core.frame import Window

PIXEL_LIMIT = 1 << 28
CHANNEL_LIMIT = 1024
COMPRESSION = "compression"

_MAGIC = b"\x76\x2f\x31\x01"
_STRUCTURE = frozenset(
    {
        "channels",
        "chunkCount",
        COMPRESSION,
        "dataWindow",
        "displayWindow",
        "lineOrder",
        "maxSamplesPerPixel",
        "name",
        "pixelAspectRatio",
        "tiles",
        "type",
        "version",
        "view",
        "multiView",
    }
)
"""Attributes that describe this file's layout rather than its picture."""
_STEREO = ("left", "right")
_COLOR = frozenset("RGBAY")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an EXR.

    Attributes:
        index: its place in the file.
        names: the channel's name in the part to its name in the flattened picture.
        data: its data window.
        display: its display window.
        pixel_aspect: width of a pixel divided by its height.
        attributes: name to value of every other attribute, as the OpenEXR module has it.
        compression: "zip", "piz" and so on.
    """

    index: int
    names: Mapping[str, str]
    data: Window
    display: Window
    pixel_aspect: float
    attributes: Mapping[str, object]
    compression: str


def read_parts(path: Path, number: int) -> list[Part]:
    """Read the headers of an EXR, without its pixels.

    Raises:
        FrameMissingError: the file is not there.
        FrameFormatError: it is no EXR, or of a kind that we refuse.
    """
    _check_magic(path, number)
    try:
        with OpenEXR.File(str(path), separate_channels=True, header_only=True) as file:
            headers = [dict(part.header) for part in file.parts]
    except UnicodeDecodeError as error:
        raise FrameFormatError(str(path), "its header holds text that is not UTF-8") from error
    except ZeroDivisionError as error:
        raise FrameFormatError(str(path), "its header holds a ratio over zero") from error
    except (RuntimeError, ValueError) as error:
        raise FrameFormatError(str(path), "its header is damaged or cut short") from error
    if not headers:
        raise FrameFormatError(str(path), "its header is damaged or cut short")
    _refuse_kinds(path, headers)
    taken: set[str] = set()
    main = next((i for i, h in enumerate(headers) if {"R", "G", "B"} <= set(_channels(h))), 0)
    parts = []
    for index, header in enumerate(headers):
        names = _flat_names(path, header, taken, main=index == main)
        taken.update(names.values())
        parts.append(_part(path, index, header, names))
    if len(taken) > CHANNEL_LIMIT:
        raise FrameFormatError(str(path), f"it has {len(taken)} channels")
    return parts


def frame_header(parts: Sequence[Part]) -> dict[str, object]:
    """Return the attributes of all parts; where two parts differ, the earlier one's.

    The key "compression" names the first part's compression.
    """
    header: dict[str, object] = {}
    for part in reversed(parts):
        header.update(part.attributes)
    header[COMPRESSION] = parts[0].compression
    return header


def _check_magic(path: Path, number: int) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FrameMissingError(str(path), number) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FrameFormatError(str(path), reason, "Check the path and its permissions.") from error
    if not start:
        raise FrameFormatError(str(path), "the file is empty")
    if start != _MAGIC:
        raise FrameFormatError(str(path), "it is not an EXR file")


def _refuse_kinds(path: Path, headers: Sequence[Mapping[str, object]]) -> None:
    text = str(path)
    for header in headers:
        if header["type"] in (OpenEXR.deepscanline, OpenEXR.deeptile):
            raise FrameFormatError(
                text, "deep EXR is not supported", "Flatten it (DeepToImage) and write it again."
            )
    views = {str(header["view"]) for header in headers if "view" in header}
    for header in headers:
        several = header.get("multiView")
        views.update(str(view) for view in (several if isinstance(several, list) else ()))
        views.update(
            name.split(".")[0] for name in _channels(header) if name.split(".")[0] in _STEREO
        )
    if len(views) > 1 or views & set(_STEREO):
        raise FrameFormatError(
            text,
            f"stereo EXR is not supported (views {', '.join(sorted(views))})",
            "Write one view per file (Nuke: OneView).",
        )
    for header in headers:
        if any(c.xSampling != 1 or c.ySampling != 1 for c in _channel_list(header)):
            raise FrameFormatError(
                text,
                "luma-chroma EXR (subsampled channels) is not supported",
                "Write it again as RGB.",
            )


def _channel_list(header: Mapping[str, object]) -> Iterator[OpenEXR.Channel]:
    channels = header["channels"]
    return iter(channels if isinstance(channels, list) else ())


def _channels(header: Mapping[str, object]) -> list[str]:
    return [channel.name for channel in _channel_list(header)]


def _flat_names(
    path: Path, header: Mapping[str, object], taken: set[str], *, main: bool
) -> dict[str, str]:
    """Name the channels of one part in the flattened picture.

    Blender writes full names in every part. Others name the part and leave plain letters: colour
    letters outside the main part get the part's name as their layer.
    """
    layer = str(header.get("name", ""))
    names: dict[str, str] = {}
    for own in _channels(header):
        plain = "." not in own and own in _COLOR and not main
        flat = f"{layer}.{own}" if layer and (plain or own in taken) else own
        if flat in taken or flat in names.values():
            raise FrameFormatError(str(path), f"two of its parts hold a channel {flat}")
        names[own] = flat
    return names


def _part(path: Path, index: int, header: Mapping[str, object], names: Mapping[str, str]) -> Part:
    data, display = _window(header["dataWindow"]), _window(header["displayWindow"])
    if data.is_empty or display.is_empty or not names:
        raise FrameFormatError(str(path), "the picture has no pixels")
    if data.width * data.height > PIXEL_LIMIT:
        size = f"{data.width} x {data.height} pixels"
        raise FrameFormatError(str(path), f"{size} are more than we take", "Crop or scale it.")
    return Part(
        index=index,
        names=names,
        data=data,
        display=display,
        pixel_aspect=float(str(header["pixelAspectRatio"])),
        attributes={name: value for name, value in header.items() if name not in _STRUCTURE},
        compression=_compression(header[COMPRESSION]),
    )


def _window(box: object) -> Window:
    """Turn EXR's inclusive corners into a half-open window."""
    assert isinstance(box, tuple)
    (x0, y0), (x1, y1) = (corner.tolist() for corner in box)
    return Window(x0, y0, x1 + 1, y1 + 1)


def _compression(value: object) -> str:
    return str(value).rpartition(".")[2].removesuffix("_COMPRESSION").lower()
