"""Builds an ONNX file node by node; weights that are half-precision numbers stay so on disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

from faceplate.core.arrays import AnyArray
from faceplate.core.card import Tensor

_OPSET = 17
_IR_VERSION = 8  # what onnxruntime 1.20, the oldest that we allow, reads without doubt
_HALF_FROM = 32  # below this a cast costs more than it saves


class GraphBuilder:
    """A growing list of nodes. Values are known by the names that its methods return."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._count = 0

    def constant(self, values: AnyArray) -> str:
        """Return the name of fixed ``values``; float32 that fits half precision is stored so."""
        values = np.ascontiguousarray(values)
        if values.dtype == np.float32 and values.size >= _HALF_FROM:
            half = values.astype(np.float16)
            if np.array_equal(half.astype(np.float32), values):
                return self.add("Cast", [self._store(half)], to=onnx.TensorProto.FLOAT)
        return self._store(values)

    def add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Append a node of ONNX's operator ``kind`` and return the name of its output."""
        name = self._name("v")
        self._nodes.append(onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def finish(
        self, batch: int | str, inputs: Sequence[Tensor], outputs: Sequence[tuple[str, Tensor]]
    ) -> bytes:
        """Return the ONNX file, with only those nodes that the outputs need.

        Args:
            batch: length, or letter, of the first axis of inputs and outputs.
            inputs: what is given; nodes refer to them by their names.
            outputs: names of values and what they are called outside.
        """
        for value, tensor in outputs:
            shape = np.array([-1, *tensor.shape], np.int64)
            reshape = [value, self.constant(shape)]
            self._nodes.append(onnx.helper.make_node("Reshape", reshape, [tensor.name]))
        wanted = {tensor.name for _, tensor in outputs}
        nodes = []
        for node in reversed(self._nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                nodes.append(node)
        graph = onnx.helper.make_graph(
            nodes[::-1],
            "faceplate",
            [_value_info(tensor, batch) for tensor in inputs],
            [_value_info(tensor, batch) for _, tensor in outputs],
            [constant for constant in self._constants if constant.name in wanted],
        )
        model = onnx.helper.make_model(
            graph,
            opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
            producer_name="faceplate",
        )
        model.ir_version = _IR_VERSION
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))

    def _store(self, values: AnyArray) -> str:
        name = self._name("c")
        self._constants.append(onnx.numpy_helper.from_array(values, name))
        return name

    def _name(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"


def _value_info(tensor: Tensor, batch: int | str) -> Any:
    return onnx.helper.make_tensor_value_info(
        tensor.name, onnx.TensorProto.FLOAT, [batch, *tensor.shape]
    )
