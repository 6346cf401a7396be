"""Sets of pictures on disk: shards of rendered heads, or of real frames with guessed labels."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from faceplate.core.arrays import AnyArray, ByteArray, FloatArray
from faceplate.core.errors import TrainingError
from faceplate.core.synth.shards import read_index

_NEEDED = {"rgb", "coverage", "wflw98", "pose", "identity", "seeds", "tags"}
_LOCAL_HEADER = 30
"""Bytes of a zip member's own header before its name."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One picture of a set.

    Attributes:
        linear: (S, S, 3) float16, linear Rec.709.
        coverage: (S, S, 6) uint8, 255 times the share of each class.
        valid: (S, S) uint8, 255 times how far the coverage is to be trusted; None means everywhere.
        wflw98: (98, 2) float32, picture pixels.
        mesh478: (478, 2) float32, picture pixels; None where the set has none.
        yaw: degrees.
        seed: what the picture was rendered from.
        tags: what is to be seen in it.
    """

    linear: NDArray[np.float16]
    coverage: ByteArray
    valid: ByteArray | None
    wflw98: FloatArray
    mesh478: FloatArray | None
    yaw: float
    seed: int
    tags: frozenset[str]


@dataclass(slots=True)
class PictureSet:
    """Pictures of one or several folders, read from disk as they are asked for.

    It can be handed to another process: what is open stays behind.

    Attributes:
        folders: where the shards are.
        shards: every shard's file and number of pictures.
        digest: hash over all indices: the same digest, the same pictures.
    """

    folders: tuple[Path, ...]
    shards: tuple[tuple[Path, int], ...]
    digest: str
    _open: dict[int, dict[str, AnyArray]] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> tuple[Any, ...]:
        """Return what makes the set again, without open files."""
        return self.folders, self.shards, self.digest

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Make the set again."""
        self.folders, self.shards, self.digest = state
        self._open = {}

    def __len__(self) -> int:
        """Return the number of pictures."""
        return sum(count for _, count in self.shards)

    def sample(self, number: int) -> Sample:
        """Return one picture, counted over all shards."""
        for shard, (_, count) in enumerate(self.shards):
            if number < count:
                return _sample(self._arrays(shard), number)
            number -= count
        raise IndexError(number)

    def numbers(self, name: str) -> list[int]:
        """Return one whole number of every picture, in order: "seeds" or "identity"."""
        return [int(value) for value in self.column(name)]

    def column(self, name: str) -> AnyArray:
        """Return one array of every picture, in order: "pose" (P, 3) or "expression" (P, E)."""
        arrays = [self._arrays(shard) for shard in range(len(self.shards))]
        for (path, _), shard in zip(self.shards, arrays, strict=True):
            if name not in shard:
                raise TrainingError(
                    f"The pictures of {path} have no {name}.", hint="Render the set again."
                )
        return np.concatenate([np.asarray(shard[name]) for shard in arrays])

    def _arrays(self, shard: int) -> dict[str, AnyArray]:
        if shard not in self._open:
            path = self.shards[shard][0]
            arrays = mapped_arrays(path)
            missing = sorted(_NEEDED - arrays.keys())
            if missing:
                raise TrainingError(
                    f"{path} is not a shard of pictures: it has no {missing[0]}.",
                    hint="Render the set again.",
                )
            self._open[shard] = arrays
        return self._open[shard]


def open_set(folders: Sequence[Path]) -> PictureSet:
    """Return the pictures in all of ``folders``.

    Raises:
        TrainingError: no folder, no index or one of another version, or a shard that is missing.
    """
    if not folders:
        raise TrainingError("No data is named.", hint="Give --data with a folder of shards.")
    shards: list[tuple[Path, int]] = []
    total = hashlib.sha256()
    for folder in folders:
        index = read_index(folder)
        total.update(json.dumps(index, sort_keys=True).encode())
        try:
            rows = [(folder / str(row["file"]), int(row["count"])) for row in index["shards"]]
        except (KeyError, TypeError, ValueError) as error:
            raise _no_set(folder, f"its index has no usable list of shards ({error})") from error
        for path, _ in rows:
            if not path.is_file():
                raise _no_set(folder, f"{path.name} is missing")
        shards += rows
    return PictureSet(tuple(folders), tuple(shards), total.hexdigest())


def mapped_arrays(path: Path) -> dict[str, AnyArray]:
    """Return the arrays of an ``.npz``; those that lie in it uncompressed stay on disk.

    Raises:
        TrainingError: not an archive of arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            return {
                info.filename.removesuffix(".npy"): _array(archive, info, file, path)
                for info in archive.infolist()
            }
    except (OSError, ValueError, zipfile.BadZipFile, struct.error) as error:
        raise TrainingError(
            f"{path} is not a shard of pictures: {error}.", hint="Render the set again."
        ) from error


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: Any, path: Path) -> AnyArray:
    if info.compress_type != zipfile.ZIP_STORED:
        with archive.open(info) as member:
            return npy.read_array(member, allow_pickle=False)
    file.seek(info.header_offset)
    name, extra = struct.unpack("<HH", file.read(_LOCAL_HEADER)[26:])
    file.seek(info.header_offset + _LOCAL_HEADER + name + extra)
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject:
        raise ValueError(f"{info.filename} holds objects")
    if 0 in shape:
        return np.zeros(shape, dtype)
    order = "F" if fortran else "C"
    return np.memmap(path, dtype, "r", file.tell(), shape, order)  # type: ignore[call-overload]


def _sample(arrays: dict[str, AnyArray], number: int) -> Sample:
    mesh = arrays.get("mesh478")
    valid = arrays.get("valid")
    return Sample(
        linear=arrays["rgb"][number],
        coverage=arrays["coverage"][number],
        valid=None if valid is None else valid[number],
        wflw98=np.asarray(arrays["wflw98"][number], np.float32),
        mesh478=None if mesh is None else np.asarray(mesh[number], np.float32),
        yaw=float(arrays["pose"][number][0]),
        seed=int(arrays["seeds"][number]),
        tags=frozenset(str(arrays["tags"][number]).split()),
    )


def _no_set(folder: Path, reason: str) -> TrainingError:
    return TrainingError(
        f"{folder} is not a set of pictures: {reason}.",
        hint="Render one, or check the name given to --data.",
        folder=str(folder),
    )
