"""Keeps results of the analysis by content hash, in a private folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from faceplate.core.errors import DiskError, InputError
from faceplate.core.io.archive import read_archive, write_archive
from faceplate.core.io.atomic import reason_of

_MOST_BYTES = 2**28


def key_of(*parts: str) -> str:
    """Return one hexadecimal key of texts; their borders count."""
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        content = part.encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Cache:
    """Small archives by key below a folder that only its owner may read.

    Attributes:
        folder: where; made when the first result is kept.
    """

    folder: Path

    def find(self, key: str) -> dict[str, bytes] | None:
        """Return what was kept under a key, or None.

        A damaged file counts as absent: the result is computed again and takes its place.
        """
        path = self._path(key)
        if not path.is_file():
            return None
        try:
            members = read_archive(path, most_bytes=_MOST_BYTES)
        except InputError:
            return None
        with suppress(OSError):  # what was used last is removed last; a shared cache may refuse
            os.utime(path)
        return members

    def keep(self, key: str, members: Mapping[str, bytes]) -> None:
        """Keep a result under a key.

        Raises:
            DiskError: the folder or the disk refuses.
        """
        path = self._path(key)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise DiskError(str(path.parent), reason_of(error)) from error
        write_archive(path, members)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.zip"
