"""Reads a TFLite file into plain values: shapes, constants, operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from faceplate.core.arrays import AnyArray
from faceplate.core.errors import ModelMismatchError

_KINDS = {
    code: name for name, code in vars(tflite.BuiltinOperator).items() if not name.startswith("_")
}
_DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
    tflite.TensorType.INT64: np.int64,
    tflite.TensorType.UINT8: np.uint8,
    tflite.TensorType.INT8: np.int8,
}
_VECTORS = {
    tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
    tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
    tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
}


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of the graph.

    Attributes:
        kind: the operator's name, e.g. "CONV_2D", or the name of a custom one.
        inputs: numbers of the tensors read; -1 for one that is left out.
        outputs: numbers of the tensors written.
        custom: the options of a custom operator, as its author packed them.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    custom: bytes
    _table: Any

    def options(self, name: str) -> Any:
        """Return the built-in options as the flatbuffer class called ``name``."""
        options = getattr(tflite, name)()
        options.Init(self._table.Bytes, self._table.Pos)
        return options


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The first subgraph of a TFLite file; tensors are known by number.

    Attributes:
        inputs: tensors to be given.
        outputs: tensors that are wanted.
        shapes: of every tensor, in TFLite's layout (pictures are N, H, W, C).
        constants: tensors with fixed values, dense.
        operators: in the order in which they run.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    constants: dict[int, AnyArray]
    operators: tuple[Operator, ...]


def read_tflite(content: bytes) -> Graph:
    """Return the graph in the bytes of a TFLite file.

    Raises:
        ModelMismatchError: not TFLite, or tensors of a type that no shipped model has.
    """
    if content[4:8] != b"TFL3":
        raise ModelMismatchError("The source of a model is not a TFLite file.")
    model = tflite.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    tensors = [graph.Tensors(number) for number in range(graph.TensorsLength())]
    constants = {}
    for number, tensor in enumerate(tensors):
        buffer = model.Buffers(tensor.Buffer())
        if buffer.DataLength():
            constants[number] = _constant(tensor, buffer.DataAsNumpy().tobytes())
    return Graph(
        inputs=tuple(graph.InputsAsNumpy().tolist()),
        outputs=tuple(graph.OutputsAsNumpy().tolist()),
        shapes=tuple(_shape(tensor) for tensor in tensors),
        constants=constants,
        operators=tuple(
            _operator(model, graph.Operators(number)) for number in range(graph.OperatorsLength())
        ),
    )


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(tensor.ShapeAsNumpy().tolist()) if tensor.ShapeLength() else ()


def _operator(model: Any, operator: Any) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Old files have the code in one field, new ones in the other; the unused one is smaller.
    kind = _KINDS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
    custom = operator.CustomOptionsAsNumpy().tobytes() if operator.CustomOptionsLength() else b""
    return Operator(
        kind=code.CustomCode().decode() if kind == "CUSTOM" else kind,
        inputs=tuple(operator.InputsAsNumpy().tolist()),
        outputs=tuple(operator.OutputsAsNumpy().tolist()),
        custom=custom,
        _table=operator.BuiltinOptions(),
    )


def _constant(tensor: Any, data: bytes) -> AnyArray:
    if tensor.Type() not in _DTYPES:
        raise ModelMismatchError(f"Tensors of TFLite type {tensor.Type()} are not converted.")
    values = np.frombuffer(data, _DTYPES[tensor.Type()])
    sparsity = tensor.Sparsity()
    return values.reshape(_shape(tensor)) if sparsity is None else _dense(tensor, sparsity, values)


def _dense(tensor: Any, sparsity: Any, values: AnyArray) -> AnyArray:
    """Put the stored values of a sparse tensor where they belong, zeros elsewhere.

    The levels form a tree: a dense level has every index below each parent, a sparse one those
    that it lists. A leaf's place in the last level is its place in ``values``. Axes numbered
    beyond the tensor's own are inside the blocks into which some of its axes are cut.
    """
    shape = _shape(tensor)
    order = sparsity.TraversalOrderAsNumpy().tolist()
    blocked = sparsity.BlockMapAsNumpy().tolist() if sparsity.BlockMapLength() else []
    place = np.zeros(1, np.int64)
    index: dict[int, AnyArray] = {}
    block_size: dict[int, int] = {}
    for level, axis in enumerate(order):
        parent, place, below = _branch(sparsity.DimMetadata(level), place)
        index = {known: numbers[parent] for known, numbers in index.items()}
        index[axis] = below
        if axis >= len(shape):
            block_size[axis] = sparsity.DimMetadata(level).DenseSize()
    for number, axis in enumerate(blocked):
        inner = len(shape) + number
        index[axis] = index[axis] * block_size[inner] + index[inner]
    dense = np.zeros(shape, values.dtype)
    dense[tuple(index[axis] for axis in range(len(shape)))] = values[place]
    return dense


def _branch(metadata: Any, place: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Return, for every node of the next level: its parent, its place and its index."""
    if metadata.Format() == tflite.DimensionType.DENSE:
        size = metadata.DenseSize()
        parent = np.repeat(np.arange(len(place)), size)
        below = np.tile(np.arange(size), len(place))
        return parent, place[parent] * size + below, below
    segments = _vector(metadata.ArraySegmentsType(), metadata.ArraySegments())
    indices = _vector(metadata.ArrayIndicesType(), metadata.ArrayIndices())
    counts = segments[place + 1] - segments[place]
    parent = np.repeat(np.arange(len(place)), counts)
    first = segments[place] - (np.cumsum(counts) - counts)
    found = first[parent] + np.arange(len(parent))
    return parent, found, indices[found]


def _vector(kind: int, table: Any) -> AnyArray:
    vector = _VECTORS[kind]()
    vector.Init(table.Bytes, table.Pos)
    return np.asarray(vector.ValuesAsNumpy(), np.int64)


def same_padding(
    size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> list[int]:
    """Return TFLite's padding "SAME" as ONNX writes it: all axes' begins, then all ends.

    >>> same_padding((5, 4), (3, 3), (2, 2), (1, 1))
    [1, 0, 1, 1]
    """
    begins, ends = [], []
    for length, window, step, spread in zip(size, kernel, stride, dilation, strict=True):
        reach = (window - 1) * spread + 1
        total = max((-(-length // step) - 1) * step + reach - length, 0)
        begins.append(total // 2)
        ends.append(total - total // 2)
    return begins + ends
