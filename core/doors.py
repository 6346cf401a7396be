"""What every door does around its work: caches, threads, and errors that become exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from faceplate.core.cachesize import remembered_limit, tend
from faceplate.core.console import INTERRUPTED, Console, Stopped
from faceplate.core.errors import DiskError, FaceplateError, OutputError

_OUR_FAULT = 70
_RESOURCE = 4


def user_cache() -> Path:
    """Return the folder in which this user's caches live; it may not be there yet."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "faceplate" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "faceplate"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "faceplate"


def user_models() -> Path:
    """Return the folder in which this user's imported models live; it may not be there yet."""
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home())
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "faceplate" / "models"


def model_folders() -> tuple[Path, ...]:
    """Return where models are searched after those installed with us.

    Those that FACEPLATE_MODELS lists, as PATH lists folders; else the user's own, if it is there.
    """
    listed = os.environ.get("FACEPLATE_MODELS", "")
    if listed:
        return tuple(Path(folder) for folder in listed.split(os.pathsep) if folder)
    return (user_models(),) if user_models().is_dir() else ()


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may enter.

    Raises:
        DiskError: it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(str(path), (error.strerror or str(error)).lower()) from error
    return path


def default_threads(asked: int) -> int:
    """Return how many threads to use: what was asked for, else what this process may use."""
    if asked > 0:
        return asked
    slot = os.environ.get("OMP_NUM_THREADS", "")
    if slot.isdecimal() and int(slot) > 0:
        return int(slot)
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def observations_folder(asked: Path | None) -> Path:
    """Return the folder in which observations are kept, made for this user alone.

    The cache that it is part of is brought below its limit, where it has one.

    Raises:
        DiskError: it cannot be made.
    """
    cache = asked or user_cache()
    folder = private_folder(cache / "observations")
    if remembered_limit(cache):
        tend(cache)
    return folder


def set_threads(count: int) -> None:
    """Give the libraries that have threads of their own one budget."""
    import cv2

    from faceplate.core.io.exr import set_io_threads

    cv2.setNumThreads(count)
    set_io_threads(count)


def use_machine(threads: int, device: str) -> None:
    """Set the threads, and refuse a device that is not there before any work is done.

    Raises:
        DeviceError: the device is not there.
        KnobError: a device of another name.
    """
    from faceplate.core.nets.load import check_device

    set_threads(threads)
    check_device(device)


def guard_file(path: Path, inputs: list[Path], *, overwrite: bool) -> None:
    """Refuse to write a file over an input, or over any other file unless told.

    Raises:
        OutputError: with the file's name.
    """
    if path.exists() and any(other.exists() and path.samefile(other) for other in inputs):
        raise OutputError(
            f"{path} is one of the inputs, or linked to one; nothing was written.",
            hint="Choose another name for --out.",
        )
    if path.exists() and not overwrite:
        raise OutputError(
            f"{path} is there already.",
            hint="Choose another --out, or replace it with --overwrite.",
        )


def prepare() -> None:
    """Give compiled code a place to be kept; must come before numba is imported.

    The default is beside the source, which fails on read-only installations.

    Raises:
        DiskError: the place cannot be made.
    """
    if not os.environ.get("NUMBA_CACHE_DIR"):
        os.environ["NUMBA_CACHE_DIR"] = str(private_folder(user_cache() / "numba"))


def run(console: Console, work: Callable[[], int]) -> int:
    """Do a command's work; whatever goes wrong becomes one sentence and an exit code.

    Returns:
        The exit code of product.md's table.
    """
    try:
        with console.stop.listening():
            return attempt(console, lambda: _prepared(work))
    except Stopped as stopped:
        console.note("Stopped; run the same command again to go on.")
        return stopped.exit_code
    except KeyboardInterrupt:
        console.note("Stopped at once; run the same command again to go on.")
        return console.stop.exit_code or INTERRUPTED
    finally:
        console.close()


def _prepared(work: Callable[[], int]) -> int:
    prepare()
    return work()


def attempt(console: Console, work: Callable[[], int]) -> int:
    """Do some work; an error is said in one sentence and becomes an exit code.

    Raises:
        Stopped, KeyboardInterrupt: somebody wants to stop.
    """
    try:
        return work()
    except Stopped:
        raise
    except FaceplateError as error:
        console.error(error)
        return error.exit_code
    except MemoryError as error:
        hint = "Use fewer --threads, or a machine with more memory."
        console.unexpected(error, "There is not enough memory.", hint, _RESOURCE)
        return _RESOURCE
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        text = f"The system refused: {what}{error.strerror or error}."
        hint = "Check the path, its permissions and the free space."
        console.unexpected(error, text, hint, _RESOURCE)
        return _RESOURCE
    # The outermost door: what nobody foresaw must not reach an artist as a stack trace.
    except Exception as error:  # noqa: BLE001
        text = f"Faceplate made a mistake ({type(error).__name__}: {error})."
        console.unexpected(error, text, "Please report it, with the log.", _OUR_FAULT)
        return _OUR_FAULT
