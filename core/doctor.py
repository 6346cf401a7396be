"""Looks at this machine: what runs here, with what, how fast, and whether a swap works."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from faceplate.core.console import Console
from faceplate.core.demonstrate import MakeJob, demonstrate
from faceplate.core.errors import DiskError, FaceplateError, ResourceError
from faceplate.core.io.atomic import reason_of
from faceplate.core.nets.load import check_device, check_models
from faceplate.ocio.config import open_config

_PACKAGES = (
    "faceplate",
    "numpy",
    "numba",
    "opencv-python-headless",
    "OpenImageIO",
    "OpenEXR",
    "opencolorio",
    "av",
    "onnxruntime",
    "onnxruntime-gpu",
)
_PROBE_BYTES = 64 * 2**20
_LEAST_FREE_BYTES = 2 * 2**30
_PYTHONS = ((3, 11), (3, 13))


def examine(
    console: Console,
    folder: Path,
    ocio: str | None,
    make_job: MakeJob | None,
    threads: int,
    device: str,
) -> int:
    """Run every check, whatever the others find; return the exit code of the first that failed.

    Args:
        folder: where frames would be written.
        ocio: path of an OCIO config, or None.
        make_job: makes the job of a swap; None leaves that out.
        threads: for the swap.
        device: what networks are to run on.
    """
    worst = 0
    checks: dict[str, Callable[[], str]] = {
        "Python": _python,
        "packages": _packages,
        "models": _models,
        "device": lambda: _device(device),
        "colour": lambda: _color(ocio),
        "disk": lambda: _disk(folder),
        "hosts": _hosts,
    }
    if make_job is not None:
        checks["swap"] = lambda: _swap(console, make_job, threads, device)
    for name, check in checks.items():
        try:
            text, code = check(), 0
        except FaceplateError as error:
            text, code = f"{error} {error.hint}".strip(), error.exit_code
        worst = worst or code
        mark = "ok" if code == 0 else "FAILED"
        console.result(f"{name:10} {mark:7} {text}", check=name, ok=code == 0, text=text)
    return worst


def _python() -> str:
    found = sys.version_info[:2]
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if not _PYTHONS[0] <= found <= _PYTHONS[1]:
        raise ResourceError(f"{text}.", hint="The engine wants Python 3.11 to 3.13.")
    return text


def _packages() -> str:
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _models() -> str:
    results = check_models()
    for _, problem in results:
        if problem is not None:
            raise problem
    return f"{len(results)} networks load and run"


def _device(device: str) -> str:
    """Say which device a network really gets; with the GPU's onnxruntime, try that too."""
    check_device(device)
    text = f"networks run on {device}; {os.cpu_count()} processors"
    try:
        version("onnxruntime-gpu")
    except PackageNotFoundError:
        return text
    check_device("cuda")
    return text if device == "cuda" else f"{text}; --device cuda would work"


def _color(ocio: str | None) -> str:
    config = open_config(ocio)
    return f"{config.name}; ACEScg is {config.resolve('ACEScg')}"


def _disk(folder: Path) -> str:
    """Write and remove a file that does not compress."""
    block = os.urandom(2**20)
    began = time.perf_counter()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            for _ in range(_PROBE_BYTES // len(block)):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise DiskError(str(folder), reason_of(error)) from error
    speed = _PROBE_BYTES / (time.perf_counter() - began) / 1e6
    text = f"{folder.resolve()}: {speed:.0f} MB/s, {free / 1e9:.1f} GB free"
    if free < _LEAST_FREE_BYTES:
        raise ResourceError(f"{text}.", hint="Free some space; a shot needs gigabytes.")
    return text


def _hosts() -> str:
    found = sorted(set(_host_programs()))
    return ", ".join(found) if found else "neither Nuke nor Blender was found; neither is needed"


def _host_programs() -> Iterator[str]:
    for name in ("blender", "nuke", "Nuke"):
        place = shutil.which(name)
        if place is not None:
            yield place
    for folder in ("/usr/local", "/opt", "/Applications", "C:/Program Files"):
        for pattern in ("Nuke[0-9]*", "[Bb]lender*"):
            yield from map(str, Path(folder).glob(pattern))


def _swap(console: Console, make_job: MakeJob, threads: int, device: str) -> str:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        quiet = Console(as_json=False, verbosity=-1, stop=console.stop)
        code = demonstrate(
            quiet,
            out,
            make_job,
            threads=threads,
            device=device,
            cache_folder=out / "cache",
            frames=1,
        )
        quiet.close()
        frames = list((out / "comp").glob("*.exr"))
    if code or len(frames) != 1:
        raise ResourceError("The one-frame swap of the demo did not end well.")
    return f"one frame of the demo in {time.perf_counter() - began:.1f} s"
