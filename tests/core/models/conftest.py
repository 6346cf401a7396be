"""Writes small TFLite files, so that reading and converting can be tested without any package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import pytest
import tflite
from numpy.typing import NDArray

Level = int | tuple[list[int], list[int]]
"""A dense level's size, or a sparse level's segments and indices."""

DTYPES = {"float32": tflite.TensorType.FLOAT32, "float16": tflite.TensorType.FLOAT16}
DTYPES["int32"] = tflite.TensorType.INT32


@dataclass
class MadeTensor:
    """A tensor to be written; with values it is a constant."""

    shape: Sequence[int]
    values: NDArray[Any] | None = None
    order: Sequence[int] = ()
    blocked: Sequence[int] = ()
    levels: Sequence[Level] = ()


@dataclass
class MadeOperator:
    """An operator to be written; options are written by name through tflite's functions."""

    kind: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options_name: str = ""
    options: dict[str, int] = field(default_factory=dict)


@pytest.fixture
def tensor() -> type[MadeTensor]:
    return MadeTensor


@pytest.fixture
def operator() -> type[MadeOperator]:
    return MadeOperator


@pytest.fixture
def tflite_bytes() -> Callable[..., bytes]:
    return write


def write(
    tensors: list[MadeTensor],
    operators: list[MadeOperator],
    inputs: Sequence[int],
    outputs: Sequence[int],
) -> bytes:
    """Return the bytes of a TFLite file."""
    b = flatbuffers.Builder(1024)
    buffers = [_table(b, "Buffer")]
    made = []
    for number, one in enumerate(tensors):
        used = 0
        if one.values is not None:
            data = b.CreateByteVector(one.values.tobytes())
            buffers.append(_table(b, "Buffer", Data=data))
            used = len(buffers) - 1
        dtype = "float32" if one.values is None else str(one.values.dtype)
        parts = {
            "Shape": _ints(b, one.shape),
            "Type": DTYPES[dtype],
            "Buffer": used,
            "Name": b.CreateString(f"t{number}"),
        }
        if one.levels:
            parts["Sparsity"] = _sparsity(b, one)
        made.append(_table(b, "Tensor", **parts))
    kinds = sorted({one.kind for one in operators})
    codes = [_code(b, kind) for kind in kinds]
    steps = [_operator(b, one, kinds.index(one.kind)) for one in operators]
    graph = _table(
        b,
        "SubGraph",
        Tensors=_tables(b, made),
        Inputs=_ints(b, inputs),
        Outputs=_ints(b, outputs),
        Operators=_tables(b, steps),
    )
    model = _table(
        b,
        "Model",
        Version=3,
        OperatorCodes=_tables(b, codes),
        Subgraphs=_tables(b, [graph]),
        Buffers=_tables(b, buffers),
    )
    b.Finish(model, file_identifier=b"TFL3")
    return bytes(b.Output())


def _table(b: flatbuffers.Builder, kind: str, **parts: int) -> int:
    getattr(tflite, f"{kind}Start")(b)
    for name, value in parts.items():
        getattr(tflite, f"{kind}Add{name}")(b, value)
    return int(getattr(tflite, f"{kind}End")(b))


def _ints(b: flatbuffers.Builder, numbers: Sequence[int]) -> int:
    return int(b.CreateNumpyVector(np.array(numbers, np.int32)))


def _tables(b: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return int(b.EndVector())


def _code(b: flatbuffers.Builder, kind: str) -> int:
    code = getattr(tflite.BuiltinOperator, kind, tflite.BuiltinOperator.CUSTOM)
    # Files hold small codes twice: readers older than the wide field know only the narrow one.
    narrow = min(code, tflite.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
    parts = {"BuiltinCode": code, "DeprecatedBuiltinCode": narrow}
    if code == tflite.BuiltinOperator.CUSTOM:
        parts["CustomCode"] = b.CreateString(kind)
    return _table(b, "OperatorCode", **parts)


def _operator(b: flatbuffers.Builder, one: MadeOperator, code: int) -> int:
    parts = {"OpcodeIndex": code, "Inputs": _ints(b, one.inputs), "Outputs": _ints(b, one.outputs)}
    if one.options_name:
        parts["BuiltinOptions"] = _table(b, one.options_name, **one.options)
        parts["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, one.options_name)
    return _table(b, "Operator", **parts)


def _sparsity(b: flatbuffers.Builder, one: MadeTensor) -> int:
    levels = []
    for level in one.levels:
        if isinstance(level, int):
            parts = {"Format": tflite.DimensionType.DENSE, "DenseSize": level}
        else:
            segments, indices = level
            parts = {"Format": tflite.DimensionType.SPARSE_CSR}
            parts["ArraySegmentsType"] = tflite.SparseIndexVector.Int32Vector
            parts["ArraySegments"] = _table(b, "Int32Vector", Values=_ints(b, segments))
            small = b.CreateNumpyVector(np.array(indices, np.uint8))
            parts["ArrayIndicesType"] = tflite.SparseIndexVector.Uint8Vector
            parts["ArrayIndices"] = _table(b, "Uint8Vector", Values=small)
        levels.append(_table(b, "DimensionMetadata", **parts))
    parts = {"TraversalOrder": _ints(b, one.order), "DimMetadata": _tables(b, levels)}
    if one.blocked:
        parts["BlockMap"] = _ints(b, one.blocked)
    return _table(b, "SparsityParameters", **parts)
