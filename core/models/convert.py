"""TFLite to ONNX, for the operators of the networks that we ship."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import tflite

from faceplate.core.card import Tensor
from faceplate.core.errors import ModelMismatchError
from faceplate.core.models.conversion import Conversion, Layout
from faceplate.core.models.tflite_file import Graph, Operator, same_padding

_AXES_IN_ONNX = [0, 3, 1, 2]


def convert(graph: Graph, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> bytes:
    """Return the ONNX file that computes what ``graph`` does.

    Args:
        graph: a network of one input, batch length 1.
        inputs: what the input is called, with its shape.
        outputs: what the first outputs of the graph are called; further ones are left out.

    Raises:
        ModelMismatchError: an operator that no shipped network has, or other shapes.
    """
    wanted = [(1, *tensor.shape) for tensor in inputs]
    found = [graph.shapes[number] for number in graph.inputs]
    if wanted != found:
        raise ModelMismatchError(f"The card's inputs are {wanted}, the source has {found}.")
    conversion = Conversion(graph)
    for number, tensor in zip(graph.inputs, inputs, strict=True):
        conversion.put(number, tensor.name, "tflite")
    for operator in graph.operators:
        if operator.kind not in _RULES:
            raise ModelMismatchError(f"TFLite's operator {operator.kind} is not converted.")
        _RULES[operator.kind](conversion, operator)
    pairs = zip(graph.outputs, outputs, strict=False)
    values = [(conversion.get(number, "tflite"), tensor) for number, tensor in pairs]
    return conversion.builder.finish(1, inputs, values)


_Rule: TypeAlias = Callable[[Conversion, Operator], None]


def _unpack(c: Conversion, op: Operator) -> None:
    """Widen a constant: half to single (exact), sparse to dense (already so when read)."""
    c.constants[op.outputs[0]] = c.constants[op.inputs[0]].astype(np.float32)


def _convolution(c: Conversion, op: Operator, *, depthwise: bool) -> None:
    options = op.options("DepthwiseConv2DOptions" if depthwise else "Conv2DOptions")
    weights = c.weights(op.inputs[1])
    kernel = list(weights.shape[1:3])
    stride = [options.StrideH(), options.StrideW()]
    dilation = [options.DilationHFactor(), options.DilationWFactor()]
    order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
    inputs = [c.get(op.inputs[0], "onnx"), c.builder.constant(weights.transpose(order))]
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        inputs.append(c.builder.constant(c.weights(op.inputs[2])))
    value = c.builder.add(
        "Conv",
        inputs,
        kernel_shape=kernel,
        strides=stride,
        dilations=dilation,
        pads=_pads(c, op, options, kernel, stride, dilation),
        group=c.shape(op.inputs[0])[3] if depthwise else 1,
    )
    c.put(op.outputs[0], c.activated(value, options.FusedActivationFunction()), "onnx")


def _pads(
    c: Conversion,
    op: Operator,
    options: Any,
    kernel: list[int],
    stride: list[int],
    dilation: Sequence[int] = (1, 1),
) -> list[int]:
    if options.Padding() == tflite.Padding.VALID:
        return [0, 0, 0, 0]
    return same_padding(c.shape(op.inputs[0])[1:3], kernel, stride, dilation)


def _transposed_convolution(c: Conversion, op: Operator) -> None:
    """MediaPipe's Convolution2DTransposeBias; packed are padding, horizontal, vertical stride."""
    _, step_x, step_y = struct.unpack("<iii", op.custom[:12])
    weights = c.weights(op.inputs[1])
    if weights.shape[1:3] != (step_y, step_x):
        raise ModelMismatchError("Transposed convolutions with overlap are not converted.")
    inputs = [
        c.get(op.inputs[0], "onnx"),
        c.builder.constant(weights.transpose(3, 0, 1, 2)),
        c.builder.constant(c.weights(op.inputs[2])),
    ]
    stride = [step_y, step_x]
    value = c.builder.add("ConvTranspose", inputs, kernel_shape=stride, strides=stride)
    c.put(op.outputs[0], value, "onnx")


def _prelu(c: Conversion, op: Operator) -> None:
    """Write PReLU as a x + (1 - a) relu(x), each factor a depthwise 1x1 convolution.

    onnxruntime leaves its blocked layout for a PRelu and keeps it for these: three times as fast.
    """
    value = c.get(op.inputs[0], "onnx")
    slope = c.weights(op.inputs[1])
    channels = c.shape(op.inputs[0])[3]
    if slope.size != channels:
        raise ModelMismatchError("Only PReLU with one slope per channel is converted.")
    slope = slope.reshape(channels, 1, 1, 1)
    parts = [
        c.builder.add(
            "Conv", [part, c.builder.constant(factor)], kernel_shape=[1, 1], group=channels
        )
        for part, factor in (
            (value, slope),
            (c.builder.add("Relu", [value]), np.float32(1) - slope),
        )
    ]
    c.put(op.outputs[0], c.builder.add("Add", parts), "onnx")


def _elementwise(c: Conversion, op: Operator, *, kind: str, options: str) -> None:
    layout: Layout = "tflite"
    if len(c.shape(op.outputs[0])) == 4 and any(c.has(number, "onnx") for number in op.inputs):
        layout = "onnx"
    value = c.builder.add(kind, [c.get(number, layout) for number in op.inputs])
    c.put(op.outputs[0], c.activated(value, op.options(options).FusedActivationFunction()), layout)


def _squared_difference(c: Conversion, op: Operator) -> None:
    difference = c.builder.add("Sub", [c.get(number, "tflite") for number in op.inputs])
    c.put(op.outputs[0], c.builder.add("Mul", [difference, difference]), "tflite")


def _unary(c: Conversion, op: Operator, *, kinds: Sequence[str]) -> None:
    layout: Layout = "onnx" if c.has(op.inputs[0], "onnx") else "tflite"
    value = c.get(op.inputs[0], layout)
    for kind in kinds:
        value = c.builder.add(kind, [value])
    c.put(op.outputs[0], value, layout)


def _reduced(c: Conversion, op: Operator, *, kind: str) -> None:
    keep = int(op.options("ReducerOptions").KeepDims())
    dimensions = len(c.shape(op.inputs[0]))
    axes = [int(axis) % dimensions for axis in np.ravel(c.constants[op.inputs[1]])]
    value = c.get(op.inputs[0], "tflite")
    if kind == "ReduceSum":
        axes_value = c.builder.constant(np.array(axes, np.int64))
        value = c.builder.add(kind, [value, axes_value], keepdims=keep)
    else:
        value = c.builder.add(kind, [value], axes=axes, keepdims=keep)
    c.put(op.outputs[0], value, "tflite")


def _pooled(c: Conversion, op: Operator, *, kind: str) -> None:
    options = op.options("Pool2DOptions")
    kernel = [options.FilterHeight(), options.FilterWidth()]
    value = c.get(op.inputs[0], "onnx")
    if kind == "AveragePool" and tuple(kernel) == c.shape(op.inputs[0])[1:3]:
        value = c.builder.add("GlobalAveragePool", [value])
    else:
        stride = [options.StrideH(), options.StrideW()]
        pads = _pads(c, op, options, kernel, stride)
        value = c.builder.add(kind, [value], kernel_shape=kernel, strides=stride, pads=pads)
    c.put(op.outputs[0], c.activated(value, options.FusedActivationFunction()), "onnx")


def _padded(c: Conversion, op: Operator) -> None:
    around = c.constants[op.inputs[1]][_AXES_IN_ONNX]
    pads = np.concatenate([around[:, 0], around[:, 1]]).astype(np.int64)
    value = c.builder.add("Pad", [c.get(op.inputs[0], "onnx"), c.builder.constant(pads)])
    c.put(op.outputs[0], value, "onnx")


def _transposed(c: Conversion, op: Operator) -> None:
    order = c.constants[op.inputs[1]].tolist()
    value = c.builder.add("Transpose", [c.get(op.inputs[0], "tflite")], perm=order)
    c.put(op.outputs[0], value, "tflite")


def _reshaped(c: Conversion, op: Operator) -> None:
    c.put(op.outputs[0], _as_output(c, op, c.get(op.inputs[0], "tflite")), "tflite")


def _as_output(c: Conversion, op: Operator, value: str) -> str:
    shape = c.builder.constant(np.array(c.shape(op.outputs[0]), np.int64))
    return c.builder.add("Reshape", [value, shape])


def _concatenated(c: Conversion, op: Operator) -> None:
    options = op.options("ConcatenationOptions")
    axis = options.Axis() % len(c.shape(op.outputs[0]))
    value = c.builder.add("Concat", [c.get(number, "tflite") for number in op.inputs], axis=axis)
    c.put(op.outputs[0], c.activated(value, options.FusedActivationFunction()), "tflite")


def _resized(c: Conversion, op: Operator) -> None:
    options = op.options("ResizeBilinearOptions")
    mode = "half_pixel" if options.HalfPixelCenters() else "asymmetric"
    height, width = c.constants[op.inputs[1]].tolist()
    batch, _, _, channels = c.shape(op.inputs[0])
    size = c.builder.constant(np.array([batch, channels, height, width], np.int64))
    value = c.builder.add(
        "Resize",
        [c.get(op.inputs[0], "onnx"), "", "", size],
        mode="linear",
        coordinate_transformation_mode="align_corners" if options.AlignCorners() else mode,
    )
    c.put(op.outputs[0], value, "onnx")


def _depth_to_space(c: Conversion, op: Operator) -> None:
    block = op.options("DepthToSpaceOptions").BlockSize()
    value = c.get(op.inputs[0], "onnx")
    c.put(op.outputs[0], c.builder.add("DepthToSpace", [value], blocksize=block), "onnx")


def _sliced(c: Conversion, op: Operator) -> None:
    options = op.options("StridedSliceOptions")
    begin, end, step = (c.constants[number].astype(np.int64) for number in op.inputs[1:4])
    axes = np.arange(len(begin))
    begin = np.where(options.BeginMask() >> axes & 1, 0, begin)
    end = np.where(options.EndMask() >> axes & 1, c.shape(op.inputs[0]), end)
    end = np.where(options.ShrinkAxisMask() >> axes & 1, begin + 1, end)
    numbers = [c.builder.constant(values) for values in (begin, end, axes, step)]
    value = c.builder.add("Slice", [c.get(op.inputs[0], "tflite"), *numbers])
    c.put(op.outputs[0], _as_output(c, op, value), "tflite")


def _with(rule: Callable[..., None], **options: Any) -> _Rule:
    return lambda conversion, operator: rule(conversion, operator, **options)


_RULES: dict[str, _Rule] = {
    "ADD": _with(_elementwise, kind="Add", options="AddOptions"),
    "AVERAGE_POOL_2D": _with(_pooled, kind="AveragePool"),
    "CONCATENATION": _concatenated,
    "CONV_2D": _with(_convolution, depthwise=False),
    "Convolution2DTransposeBias": _transposed_convolution,
    "DENSIFY": _unpack,
    "DEPTHWISE_CONV_2D": _with(_convolution, depthwise=True),
    "DEPTH_TO_SPACE": _depth_to_space,
    "DEQUANTIZE": _unpack,
    "DIV": _with(_elementwise, kind="Div", options="DivOptions"),
    "HARD_SWISH": _with(_unary, kinds=["HardSwish"]),
    "LOGISTIC": _with(_unary, kinds=["Sigmoid"]),
    "MAX_POOL_2D": _with(_pooled, kind="MaxPool"),
    "MEAN": _with(_reduced, kind="ReduceMean"),
    "MUL": _with(_elementwise, kind="Mul", options="MulOptions"),
    "NEG": _with(_unary, kinds=["Neg"]),
    "PAD": _padded,
    "PRELU": _prelu,
    "RELU": _with(_unary, kinds=["Relu"]),
    "RESHAPE": _reshaped,
    "RESIZE_BILINEAR": _resized,
    "RSQRT": _with(_unary, kinds=["Sqrt", "Reciprocal"]),
    "SQRT": _with(_unary, kinds=["Sqrt"]),
    "SQUARED_DIFFERENCE": _squared_difference,
    "STRIDED_SLICE": _sliced,
    "SUB": _with(_elementwise, kind="Sub", options="SubOptions"),
    "SUM": _with(_reduced, kind="ReduceSum"),
    "TRANSPOSE": _transposed,
}
