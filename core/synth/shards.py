"""Sets of rendered heads on disk: shards of pictures with an index."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from faceplate.core.arrays import AnyArray
from faceplate.core.errors import DiskError, TrainingError
from faceplate.core.io.archive import array_bytes, write_archive
from faceplate.core.io.atomic import reason_of, replacing
from faceplate.core.synth.picture import CLASSES, HeadPicture

VERSION = 1
INDEX = "index.json"
SHARD = 256
"""Pictures in a shard; the last may hold fewer."""

_RECORD = re.compile(r"shard_(\d{6})\.json")
_MOST_LIGHT = 65504.0
"""The largest half."""


@dataclass(frozen=True, slots=True)
class SetHead:
    """What all pictures of a set have in common.

    Attributes:
        generator: version of the renderer; another one renders other pictures.
        size: of a picture's side, pixels.
        first_seed: of the first picture; the others follow by one.
        count: of pictures when the set is complete; it may grow.
        mix: what was drawn, as JSON.
        model: sha256 of the head model's file, or "procedural".
        surroundings: sha256 of the file of environment maps, or "".
    """

    generator: int
    size: int
    first_seed: int
    count: int
    mix: dict[str, Any]
    model: str
    surroundings: str

    def shards(self) -> list[range]:
        """Return the seeds of each shard."""
        end = self.first_seed + self.count
        return [
            range(start, min(start + SHARD, end)) for start in range(self.first_seed, end, SHARD)
        ]


def write_shard(folder: Path, number: int, rows: Sequence[dict[str, AnyArray]]) -> None:
    """Write a shard and its record; both appear whole or not.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    path = _shard(folder, number)
    members = {f"{name}.npy": array_bytes(np.stack([r[name] for r in rows])) for name in rows[0]}
    write_archive(path, members)
    record = {
        "file": path.name,
        "count": len(rows),
        "first_seed": int(rows[0]["seeds"]),
        "bytes": path.stat().st_size,
        "sha256": sha256(path.read_bytes()).hexdigest(),
    }
    write_json(path.with_suffix(".json"), record)


def row_of(picture: HeadPicture, view: int | None = None) -> dict[str, AnyArray]:
    """Return what a shard keeps of a picture, by name.

    Light is kept as halves, so that exposure and noise can be drawn anew for every pass.

    Args:
        picture: what was rendered.
        view: which of its person's views it is; None in sets where a person has but one.
    """
    pose = picture.pose
    kept = {} if view is None else {"view": np.array(view, np.int64)}
    return {
        **kept,
        "rgb": np.clip(picture.rgb, -_MOST_LIGHT, _MOST_LIGHT).astype(np.float16),
        "coverage": np.clip(picture.coverage * 255 + 0.5, 0, 255).astype(np.uint8),
        "mesh478": picture.mesh478,
        "wflw98": picture.wflw98,
        "ibug68": picture.ibug68,
        "visible478": picture.visible478.astype(np.uint8),
        "expression": picture.expression,
        "gaze": picture.gaze,
        "pose": np.array([pose.yaw, pose.pitch, pose.roll], np.float32),
        "identity": np.array(picture.identity, np.int64),
        "seeds": np.array(picture.seed, np.int64),
        "tags": np.array(" ".join(sorted(picture.tags))),
    }


def read_shard(folder: Path, number: int) -> dict[str, AnyArray]:
    """Return the arrays of a shard, once its bytes are those that were written.

    Raises:
        TrainingError: missing, damaged, or of another set's record.
    """
    path = _shard(folder, number)
    record = _record(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged(path, reason_of(error)) from error
    if sha256(content).hexdigest() != record["sha256"]:
        raise _damaged(path, "its bytes are not those that were written")
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def is_written(folder: Path, number: int, count: int) -> bool:
    """Return whether a shard of ``count`` pictures is there, of the length that it had."""
    path = _shard(folder, number)
    if not path.is_file() or not path.with_suffix(".json").is_file():
        return False
    record = _record(path)
    return bool(path.stat().st_size == record["bytes"] and record["count"] == count)


def begin_set(folder: Path, head: SetHead) -> None:
    """Make the folder of a set, or check that it holds the same set already.

    Raises:
        TrainingError: it holds another set.
        DiskError: the folder or the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(str(folder), reason_of(error)) from error
    path = folder / INDEX
    if not path.is_file():
        write_index(folder, head)
        return
    found = read_index(folder)
    ours = json.loads(json.dumps(asdict(head)))
    del ours["count"]
    other = sorted(name for name, value in ours.items() if found.get(name) != value)
    if other:
        raise TrainingError(
            f"{folder} holds another set: it differs in {', '.join(other)}.",
            hint="Name another folder, or the settings that the set was begun with.",
            folder=str(folder),
            differs=other,
        )


def write_index(folder: Path, head: SetHead) -> None:
    """Write the index over all shards that are there, also those of other processes.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    rows = _rows(folder)
    while True:
        table = {"version": VERSION, "classes": list(CLASSES), **asdict(head), "shards": rows}
        write_json(folder / INDEX, table)
        # Another process may have finished a shard between looking and writing.
        found = _rows(folder)
        if found == rows:
            return
        rows = found


def read_index(folder: Path) -> dict[str, Any]:
    """Return a set's index.

    Raises:
        TrainingError: not there, not JSON, or of another version.
    """
    path = folder / INDEX
    index = _json(path)
    if index.get("version") != VERSION:
        raise _damaged(path, f"its version is {index.get('version')!r}, not {VERSION}")
    return index


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write JSON with sorted keys; the file appears whole or not."""
    with replacing(path) as temp:
        temp.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _rows(folder: Path) -> list[dict[str, Any]]:
    found = [path for path in folder.iterdir() if _RECORD.fullmatch(path.name)]
    return [_json(path) for path in sorted(found)]


def _shard(folder: Path, number: int) -> Path:
    return folder / f"shard_{number:06d}.npz"


def _record(path: Path) -> dict[str, Any]:
    record = _json(path.with_suffix(".json"))
    if not {"sha256", "bytes", "count", "first_seed"} <= set(record):
        raise _damaged(path.with_suffix(".json"), "entries are missing")
    return record


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _damaged(path, reason_of(error)) from error
    except ValueError as error:
        raise _damaged(path, "it is not JSON") from error
    if not isinstance(value, dict):
        raise _damaged(path, "it is not an object")
    return value


def _damaged(path: Path, reason: str) -> TrainingError:
    return TrainingError(
        f"{path} cannot be used: {reason}.",
        hint="Remove it and run `faceplate synth` again; it renders what is missing.",
        path=str(path),
        reason=reason,
    )
