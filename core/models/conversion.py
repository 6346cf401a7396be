"""How far the conversion of a TFLite graph has come, tensor by tensor."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import tflite

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.errors import ModelMismatchError
from faceplate.core.models.onnx_graph import GraphBuilder
from faceplate.core.models.tflite_file import Graph

Layout: TypeAlias = Literal["tflite", "onnx"]
"""How a picture's axes lie: N, H, W, C or N, C, H, W. Other arrays are the same in both."""

_TO_ONNX, _TO_TFLITE = [0, 3, 1, 2], [0, 2, 3, 1]


class Conversion:
    """Where every tensor of the graph stands so far: a constant, or a value in some layout."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.builder = GraphBuilder()
        self.constants = dict(graph.constants)
        self._values: dict[tuple[int, Layout], str] = {}

    def put(self, tensor: int, value: str, layout: Layout) -> None:
        """Say that ``tensor`` is computed: the builder's ``value``, in ``layout``."""
        self._values[tensor, layout] = value

    def has(self, tensor: int, layout: Layout) -> bool:
        """Return whether the tensor stands in ``layout`` without a transpose."""
        return (tensor, layout) in self._values

    def get(self, tensor: int, layout: Layout) -> str:
        """Return the tensor's value in ``layout``, transposed once where it has another."""
        if not self.has(tensor, layout):
            if tensor in self.constants:
                value = self.builder.constant(_laid_out(self.constants[tensor], layout))
            else:
                other: Layout = "tflite" if layout == "onnx" else "onnx"
                order = _TO_ONNX if layout == "onnx" else _TO_TFLITE
                value = self.builder.add("Transpose", [self._values[tensor, other]], perm=order)
            self._values[tensor, layout] = value
        return self._values[tensor, layout]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Return the tensor's shape in TFLite's layout."""
        return self.graph.shapes[tensor]

    def weights(self, tensor: int) -> FloatArray:
        """Return a constant as float32."""
        return self.constants[tensor].astype(np.float32)

    def activated(self, value: str, activation: int) -> str:
        """Return ``value`` after the activation that is fused into an operator."""
        if activation == tflite.ActivationFunctionType.NONE:
            return value
        if activation == tflite.ActivationFunctionType.RELU:
            return self.builder.add("Relu", [value])
        raise ModelMismatchError(f"TFLite's fused activation {activation} is not converted.")


def _laid_out(values: AnyArray, layout: Layout) -> AnyArray:
    """Turn a constant that broadcasts against pictures (H, W, C) to their layout in ONNX."""
    if layout == "tflite":
        return values
    picture = values.reshape((1,) * (3 - values.ndim) + values.shape)
    return np.moveaxis(picture, -1, -3)
