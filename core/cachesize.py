"""How much the cache on disk keeps, and how it is kept small."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from faceplate.core.errors import DiskError, InputError
from faceplate.core.io.atomic import reason_of, replacing

PARTS = ("observations", "actors")
"""Folders of the cache: what frames showed, and actors that were made of pictures."""
_LIMIT = "limit.json"
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class CacheSize:
    """What a cache keeps.

    Attributes:
        folder: where it is.
        files: how many there are.
        bytes: their size.
        removed: files that were just removed.
        limit_bytes: size below which it is kept, or 0 for no limit.
    """

    folder: str
    files: int
    bytes: int
    removed: int
    limit_bytes: int


def tend(folder: Path, *, clear: bool = False, limit_bytes: int | None = None) -> CacheSize:
    """Measure a cache, after emptying it or bringing it below its limit.

    What was not used for longest goes first. Whatever goes is made again when it is wanted.

    Args:
        folder: the cache, with `PARTS` below it.
        clear: remove everything.
        limit_bytes: a new limit, remembered from now on; 0 for none; None for the one remembered.

    Raises:
        DiskError: something cannot be removed.
    """
    if limit_bytes is not None:
        with replacing(folder / _LIMIT) as temp:
            temp.write_text(json.dumps({"version": 1, "limit_bytes": limit_bytes}) + "\n")
    limit = remembered_limit(folder)
    kept = _by_age(folder)
    total = sum(size for _, size, _ in kept)
    removed = 0
    while kept and (clear or (limit and total > limit)):
        _, size, path = kept.pop(0)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise DiskError(str(path), reason_of(error)) from error
        total -= size
        removed += 1
    return CacheSize(str(folder), len(kept), total, removed, limit)


def remembered_limit(folder: Path) -> int:
    """Return the limit of a cache in bytes, or 0 when it has none."""
    try:
        said = json.loads((folder / _LIMIT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    limit = said.get("limit_bytes") if isinstance(said, dict) else None
    return limit if isinstance(limit, int) and limit > 0 else 0


def _by_age(folder: Path) -> list[tuple[int, int, Path]]:
    """Return time of last use, size and path of every file, the oldest first."""
    found = []
    for part in PARTS:
        for path in (folder / part).rglob("*"):
            with suppress(FileNotFoundError):  # another process tends the same cache
                if path.is_file():
                    status = path.stat()
                    found.append((status.st_mtime_ns, status.st_size, path))
    return sorted(found)


def parse_bytes(text: str) -> int:
    """Read a size such as ``20G``, ``500M`` or ``0``.

    >>> parse_bytes("1.5G")
    1500000000

    Raises:
        InputError: not a size.
    """
    plain = text.strip().upper().removesuffix("B")
    unit = plain[-1:] if plain[-1:] in _UNITS else ""
    try:
        size = round(float(plain.removesuffix(unit)) * _UNITS[unit])
    except (ValueError, OverflowError):
        size = -1
    if size < 0:
        raise InputError(f"{text!r} is not a size.", hint="Write it as 20G or 500M; 0 for none.")
    return size
