"""Safetensors files: tensors by key, as bytes in and bytes out, with nothing that could run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from faceplate.core.arrays import AnyArray
from faceplate.core.errors import ModelMismatchError

Tensors: TypeAlias = dict[str, AnyArray]
"""Key to float32 or int64 array, as a network's state has them."""

ALLOWED = (np.dtype(np.float32), np.dtype(np.int64))


def tensors_of(content: bytes, path: str) -> Tensors:
    """Return the tensors in the bytes of a safetensors file; ``path`` is for the error.

    Raises:
        ModelMismatchError: not such a file, damaged, or numbers of another kind.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        found = load(content)
    # KeyError: a kind of number that numpy lacks.
    except (SafetensorError, KeyError) as error:
        raise ModelMismatchError(
            f"{path} is no safetensors file, or a damaged one ({_reason(error)}).",
            hint="Restore the file, or import the model again.",
            path=path,
        ) from error
    for key, tensor in found.items():
        if tensor.dtype not in ALLOWED:
            raise ModelMismatchError(
                f"{path} holds {key} as {tensor.dtype}; float32 and int64 are read.",
                hint="Import the model again.",
                path=path,
            )
    return found


def tensors_bytes(tensors: Mapping[str, AnyArray]) -> bytes:
    """Return a safetensors file of ``tensors``; the same tensors give the same bytes."""
    from safetensors.numpy import save

    # Not ascontiguousarray, which gives a single number an axis.
    return save({key: np.asarray(tensor, order="C") for key, tensor in tensors.items()})


def _reason(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
