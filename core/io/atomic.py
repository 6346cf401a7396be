"""Files that appear under their final name whole, or not at all."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faceplate.core.errors import DiskError

_TEMP = re.compile(r"^\..+\.(?P<host>[^/]+)\.(?P<pid>\d+)\.tmp$", re.DOTALL)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lend a temporary name beside ``path``; move the file written there to ``path`` at the end.

    The name begins with a dot, which keeps it out of sequence scanners. On any exception the
    temporary file is removed and ``path`` stays as it was.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    temp = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.tmp")
    try:
        if path.exists() and not path.is_file():
            raise DiskError(str(path), "the name is taken by something that is not a file")
        yield temp
        _sync(temp)
        temp.replace(path)
    except BaseException as error:
        # A folder that cannot be read or is a file has no temporary file to remove.
        with suppress(OSError):
            temp.unlink()
        if isinstance(error, OSError):
            raise DiskError(str(path), reason_of(error)) from error
        raise


def reason_of(error: OSError) -> str:
    """Return what the system says of an error, in its own words and without the path."""
    return (error.strerror or str(error)).lower()


def sweep_temps(folder: Path) -> list[Path]:
    """Remove temporary files that dead processes of this host left in ``folder``.

    Returns:
        The files that were removed, sorted.
    """
    host = socket.gethostname()
    removed = []
    for path in sorted(folder.glob(".*.tmp")):
        match = _TEMP.match(path.name)
        if match is None or not path.name.endswith(f".{host}.{match['pid']}.tmp"):
            continue
        if not _is_alive(int(match["pid"])):
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        # Signal 0 would end the process there; better to leave a file than to kill a render.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except OverflowError:
        return False
    return True
