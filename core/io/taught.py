"""Networks that were taught one actor's face, beside what else the cache has of the person."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from faceplate.core.errors import DiskError
from faceplate.core.io.atomic import reason_of, replacing

_FOLDER = "finetuned"


def taught_file(cache_folder: Path, digest: str, key: str) -> Path:
    """Return where a network is kept that was taught the actor with a digest."""
    return cache_folder / _FOLDER / f"{digest}-{key}.onnx"


def taught_files(cache_folder: Path, digest: str) -> list[Path]:
    """Return what a cache keeps of networks that were taught the actor with a digest."""
    return sorted((cache_folder / _FOLDER).glob(f"{digest}-*"))


def find_taught(place: Path) -> tuple[bytes, dict[str, float]] | None:
    """Return a kept network and its numbers; a damaged one counts as absent."""
    try:
        content = place.read_bytes()
        report = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
        if report.pop("sha256") != hashlib.sha256(content).hexdigest():
            return None
        return content, {name: float(value) for name, value in report.items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def keep_taught(place: Path, content: bytes, report: Mapping[str, float]) -> None:
    """Keep a network and its numbers in a private folder.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(str(place.parent), reason_of(error)) from error
    with replacing(place) as temporary:
        temporary.write_bytes(content)
    said = {**report, "sha256": hashlib.sha256(content).hexdigest()}
    with replacing(place.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(said, sort_keys=True) + "\n", encoding="utf-8")
