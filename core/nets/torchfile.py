"""Reads PyTorch's checkpoint files as tensors and nothing else; no file's code ever runs."""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor

from faceplate.core.errors import ModelMismatchError, ModelMissingError, ModelUntrustedError
from faceplate.core.nets.picklescan import scan_pickle

_PICKLE_LIMIT = 64 * 2**20
"""Bytes: the largest real one, with names and shapes but no numbers, has 0.3 MB."""

_LEGACY_PICKLES = 5  # magic number, protocol, machine, object, keys of the storages

_KINDS = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64)

_DAMAGED = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    AssertionError,
    MemoryError,
    OverflowError,
    struct.error,
    OSError,
)
"""All that torch and zipfile raise on damaged bytes, which they read without checks."""


class _Unread:
    """Stands where a file holds a number of numpy's, which nobody asks for."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


_STAND_INS: list[Any] = [
    type(name, (_Unread,), {"__module__": module})
    for module, name in (
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "scalar"),
    )
]


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """What a checkpoint file holds.

    Attributes:
        path: where it is, for errors.
        sha256: of the file, in hex.
        state: key to tensor on the CPU, float32 or int64, without the prefix of a parallel run.
        architecture: the text that says what the tensors are, unread, or "".
    """

    path: str
    sha256: str
    state: dict[str, Tensor]
    architecture: str


def read_checkpoint(path: Path) -> Checkpoint:
    """Return the tensors of a .pth file of any PyTorch, or of a .safetensors file.

    Before PyTorch sees the file, its member names, sizes and every name that its pickle would look
    up are checked; then it is read in PyTorch's own mode for weights only.

    Raises:
        ModelMissingError: no such file.
        ModelUntrustedError: it asks for code, points outside of itself, or claims more than it is.
        ModelMismatchError: no checkpoint, a damaged one, or one without a network's tensors.
    """
    if not path.is_file():
        raise ModelMissingError(path.name, str(path))
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        start = stream.read(16)
    found: object
    if start[8:9] == b"{":
        found = _read_safetensors(path)
    elif start[:4] == b"PK\x03\x04":
        _check_archive(path)
        found = _load(path, mmap=True)
    elif start[:1] == b"\x80":
        _check_legacy(path)
        found = _load(path, mmap=False)
    elif tarfile.is_tarfile(path):
        raise untrusted(path, "it has the tar format of PyTorch before 0.2, which may hold code")
    else:
        raise damaged(path, "it does not begin as PyTorch's or safetensors' files do")
    state, architecture = _parts(path, found)
    return Checkpoint(str(path), digest, _checked(path, state), architecture)


def untrusted(path: Path, reason: str) -> ModelUntrustedError:
    """Return the error for a file that is not what it should be by intent."""
    return ModelUntrustedError(
        f"{path} is refused: {reason}; nothing of it was run.",
        hint="Get the file from where its authors published it.",
        path=str(path),
        reason=reason,
    )


def damaged(path: Path, reason: str) -> ModelMismatchError:
    """Return the error for a file that cannot be used."""
    return ModelMismatchError(
        f"{path} cannot be imported: {reason}.",
        hint="Get the file again from where it was published.",
        path=str(path),
        reason=reason,
    )


def _read_safetensors(path: Path) -> Mapping[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    # KeyError: a kind of number that torch lacks.
    except (SafetensorError, KeyError, OSError) as error:
        raise damaged(path, f"it is no whole safetensors file ({_first_line(error)})") from error


def _check_archive(path: Path) -> None:
    """Check the zip file that PyTorch writes since 1.6: members are plain, whole and inside."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(path, members)
            pickles = [m for m in members if PurePosixPath(m.filename).name == "data.pkl"]
            if len(pickles) != 1 or pickles[0].file_size > _PICKLE_LIMIT:
                raise damaged(path, "it is a zip file, but not one that PyTorch writes")
            content = archive.read(pickles[0])
    except (zipfile.BadZipFile, *_DAMAGED) as error:
        raise damaged(path, f"it is cut short or damaged ({_first_line(error)})") from error
    scan_pickle(io.BytesIO(content), path)


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    size = path.stat().st_size
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise untrusted(path, "two of its members bear one name")
    for member in members:
        parts = PurePosixPath(member.filename).parts
        if ".." in parts or parts[:1] == ("/",) or re.search(r"[\\:\0]", member.filename):
            raise untrusted(path, f"its member {member.filename!r} points outside of the file")
        if "code" in parts[1:2] or parts[1:] == ("constants.pkl",):
            raise untrusted(path, "it holds TorchScript code")
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise untrusted(path, f"its member {member.filename!r} is packed, as PyTorch's are not")
    claimed = sum(member.file_size for member in members)
    if claimed > size:
        raise untrusted(path, f"its members claim {claimed} bytes, the file has {size}")


def _check_legacy(path: Path) -> None:
    """Check the pickles, one after the other, with which files before PyTorch 1.6 begin."""
    with path.open("rb") as stream:
        start = io.BytesIO(stream.read(_PICKLE_LIMIT))
    for _ in range(_LEGACY_PICKLES):
        scan_pickle(start, path)


def _load(path: Path, *, mmap: bool) -> object:
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_STAND_INS):
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except _DAMAGED as error:
        raise damaged(path, f"it is cut short or damaged ({_first_line(error)})") from error


def _parts(path: Path, found: object) -> tuple[Mapping[Any, object], str]:
    """Return the state and the architecture's text of a loaded file."""
    if not isinstance(found, Mapping):
        raise damaged(path, "it holds no network's state")
    state = found.get("state_dict", found)
    if not isinstance(state, Mapping) or not state:
        raise damaged(path, "its state_dict holds no tensors")
    text = found.get("arch") if state is not found else None
    return state, text if isinstance(text, str) else ""


def _checked(path: Path, state: Mapping[Any, object]) -> dict[str, Tensor]:
    size = path.stat().st_size
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        if not isinstance(name, str):
            raise damaged(path, f"its state has the key {str(name)[:40]!r}")
        key = name.removeprefix("module.")
        if key in tensors:
            raise damaged(path, f"its state has {key} twice")
        if not isinstance(value, Tensor):
            raise damaged(path, f"{key} is a {type(value).__name__} where a tensor is wanted")
        if value.layout != torch.strided or value.device.type != "cpu" or value.dtype not in _KINDS:
            raise damaged(path, f"{key} has numbers of a kind that networks do not have")
        tensors[key] = value.detach()
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if claimed > size:
        raise untrusted(path, f"its tensors claim {claimed} bytes, the file has {size}")
    for key, tensor in tensors.items():
        plain = tensor if tensor.dtype == torch.int64 else tensor.to(torch.float32)
        if not torch.isfinite(plain).all():
            raise damaged(path, f"{key} holds numbers that are not finite")
        tensors[key] = plain.contiguous()
    return tensors


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:160].rstrip(".") or type(error).__name__
