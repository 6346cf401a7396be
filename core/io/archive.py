"""One reproducible zip file of named byte strings, read with suspicion."""

from __future__ import annotations

import io
import math
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from faceplate.core.arrays import AnyArray
from faceplate.core.errors import InputError
from faceplate.core.io.atomic import reason_of, replacing

MOST_BYTES = 4 * 2**30
MOST_MEMBERS = 20_000
_MOST_RATIO = 200
"""How far deflate may shrink a member of ours; pictures and coordinates stay far below."""

_DATE = (1980, 1, 1, 0, 0, 0)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*(/[A-Za-z0-9_][A-Za-z0-9_.\-]*)*")
_HEADER = re.compile(
    rb"\{'descr': '([<|][fiu][1248])', 'fortran_order': False, 'shape': \(([0-9, ]{0,80})\), \} *\n"
)
_DAMAGED = (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, ValueError)


def write_archive(path: Path, members: Mapping[str, bytes], *, compress: bool = False) -> None:
    """Write a zip file that has the same bytes for the same members, and appears whole or not.

    Args:
        path: where to.
        members: name (relative, with ``/``, plain letters) to content.
        compress: whether to deflate; the bytes then depend on the version of zlib.

    Raises:
        DiskError: the folder or the disk refuses.
        InputError: a member's name is not plain.
    """
    odd = sorted(name for name in members if not _NAME.fullmatch(name))
    if odd:
        raise InputError(
            f"{odd[0]!r} cannot be the name of a part of {path}.",
            hint="Use letters, digits, dots and dashes.",
            path=str(path),
        )
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with replacing(path) as temp, zipfile.ZipFile(temp, "w", method) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = method
            info.create_system = 3  # the same on Windows
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])


def read_archive(
    path: Path, *, error: type[InputError] = InputError, most_bytes: int = MOST_BYTES
) -> dict[str, bytes]:
    """Return all members of a zip file, after checking that they are what they claim to be.

    Args:
        path: the file.
        error: what is raised when the file is not there or cannot be trusted.
        most_bytes: how much all members may hold together.

    Raises:
        InputError: (or ``error``) missing, not a zip file, cut short, damaged, encrypted, too
            large, blown up beyond reason, or with odd or double names.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            reason = _suspicion(infos, most_bytes)
            if reason:
                raise _refused(error, path, reason)
            return {info.filename: _read_member(archive, info) for info in infos}
    except OSError as cause:
        raise _refused(error, path, reason_of(cause)) from cause
    except _DAMAGED as cause:
        raise _refused(error, path, "it is not a zip file, or a damaged one") from cause


def _suspicion(infos: list[zipfile.ZipInfo], most_bytes: int) -> str:
    """Return what is wrong with a table of contents, or an empty text."""
    names = [info.filename for info in infos]
    if len(infos) > MOST_MEMBERS:
        return f"it has {len(infos)} parts"
    if len(set(names)) != len(names):
        return "two of its parts have one name"
    if sum(info.file_size for info in infos) > most_bytes:
        return f"it holds more than {most_bytes} bytes"
    for info in infos:
        if not _NAME.fullmatch(info.filename):
            return f"a part is called {info.filename!r}"
        if info.flag_bits & 1:
            return f"{info.filename} is encrypted"
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return f"{info.filename} is packed in an unknown way"
        if info.file_size > _MOST_RATIO * max(info.compress_size, 1) + 2**16:
            return f"{info.filename} unpacks to {info.file_size} bytes"
    return ""


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as stream:
        # The table of contents may lie about the size: never read further than it says.
        content = stream.read(info.file_size)
        if len(content) != info.file_size or stream.read(1):
            raise ValueError("size differs from the table of contents")
    return content


def _refused(error: type[InputError], path: Path, reason: str) -> InputError:
    return error(
        f"{path} cannot be used: {reason}.",
        hint="Check the path, or make the file again.",
        path=str(path),
        reason=reason,
    )


def array_bytes(array: AnyArray) -> bytes:
    """Return an array as the bytes of an ``.npy`` file."""
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()


def array_of(content: bytes) -> AnyArray:
    """Return the array of an ``.npy`` file's bytes, as `array_bytes` writes them.

    Read by hand: numpy's own reader turns to pickles and to a tokenizer on strange headers.

    Raises:
        ValueError: not such a file, cut short, or not plain little-endian numbers.
    """
    length = int.from_bytes(content[8:10], "little")
    header = _HEADER.fullmatch(content[10 : 10 + length])
    if content[:8] != b"\x93NUMPY\x01\x00" or header is None:
        raise ValueError("not an array of plain numbers")
    dtype = np.dtype(header[1].decode())
    shape = tuple(int(n) for n in header[2].split(b",") if n.strip())
    rest = content[10 + length :]
    if len(rest) != math.prod(shape) * dtype.itemsize:
        raise ValueError("cut short")
    array: AnyArray = np.frombuffer(rest, dtype).reshape(shape)
    return array
