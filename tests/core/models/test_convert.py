"""Conversion: the ONNX file answers what TFLite's rules say, worked out here with numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tflite
from numpy.typing import NDArray

from faceplate.core.card import Tensor
from faceplate.core.errors import ModelMismatchError
from faceplate.core.models.convert import convert
from faceplate.core.models.tflite_file import read_tflite

Array = NDArray[Any]
PICTURE = (1, 7, 6, 4)
NONE, RELU = tflite.ActivationFunctionType.NONE, tflite.ActivationFunctionType.RELU
SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID


def rounded(*shape: int, seed: int = 0) -> Array:
    """Random numbers that half precision holds."""
    values = np.random.default_rng(seed).standard_normal(shape)
    return values.astype(np.float16).astype(np.float32)


def answer(file: bytes, shape: tuple[int, ...], result: tuple[int, ...], value: Array) -> Array:
    """Convert a TFLite file and run what comes out on ``value``."""
    onnx_file = convert(
        read_tflite(file),
        [Tensor("input", shape[1:], "", "")],
        [Tensor("output", result[1:], "", "")],
    )
    session = onnxruntime.InferenceSession(onnx_file, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"input": value})
    assert found.shape == result
    return np.asarray(found)


def conv(value: Array, weights: Array, bias: Array, stride: int, padding: int) -> Array:
    """Loop over places; weights are (out, kh, kw, in)."""
    kernel = weights.shape[1]
    size = value.shape[1:3]
    results = [-(-n // stride) if padding == SAME else (n - kernel) // stride + 1 for n in size]
    total = [
        max((r - 1) * stride + kernel - n, 0) if padding == SAME else 0
        for r, n in zip(results, size, strict=True)
    ]
    around = [(0, 0), *((t // 2, t - t // 2) for t in total), (0, 0)]
    padded = np.pad(value, around)
    out = np.zeros((1, *results, len(weights)), np.float64)
    for y in range(results[0]):
        for x in range(results[1]):
            part = padded[0, y * stride : y * stride + kernel, x * stride : x * stride + kernel]
            out[0, y, x] = (part * weights).sum((1, 2, 3)) + bias
    return out


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("activation", [NONE, RELU])
def test_convolutions(
    stride: int, padding: int, activation: int, tensor: Any, operator: Any, tflite_bytes: Any
) -> None:
    weights, bias, value = rounded(5, 3, 3, 4), rounded(5, seed=1), rounded(*PICTURE, seed=2)
    expected = conv(value, weights, bias, stride, padding)
    options = {
        "Padding": padding,
        "StrideH": stride,
        "StrideW": stride,
        "DilationHFactor": 1,
        "DilationWFactor": 1,
        "FusedActivationFunction": activation,
    }
    file = tflite_bytes(
        [tensor(PICTURE), tensor(weights.shape, weights.astype(np.float16))]
        + [tensor(weights.shape), tensor((5,), bias), tensor(expected.shape)],
        [
            operator("DEQUANTIZE", [1], [2]),
            operator("CONV_2D", [0, 2, 3], [4], "Conv2DOptions", options),
        ],
        [0],
        [4],
    )

    found = answer(file, PICTURE, expected.shape, value)

    if activation == RELU:
        expected = np.maximum(expected, 0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_convolutions(stride: int, tensor: Any, operator: Any, tflite_bytes: Any) -> None:
    weights, bias, value = rounded(1, 3, 3, 4), rounded(4, seed=1), rounded(*PICTURE, seed=2)
    full = np.zeros((4, 3, 3, 4), np.float32)
    for channel in range(4):
        full[channel, :, :, channel] = weights[0, :, :, channel]
    expected = conv(value, full, bias, stride, SAME)
    options = {
        "Padding": SAME,
        "StrideH": stride,
        "StrideW": stride,
        "DepthMultiplier": 1,
        "DilationHFactor": 1,
        "DilationWFactor": 1,
    }
    file = tflite_bytes(
        [tensor(PICTURE), tensor((1, 3, 3, 4), weights), tensor((4,), bias)]
        + [tensor(expected.shape)],
        [operator("DEPTHWISE_CONV_2D", [0, 1, 2], [3], "DepthwiseConv2DOptions", options)],
        [0],
        [3],
    )

    found = answer(file, PICTURE, expected.shape, value)

    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_prelu_has_a_slope_per_channel(tensor: Any, operator: Any, tflite_bytes: Any) -> None:
    slope, value = rounded(1, 1, 4), rounded(*PICTURE, seed=3)
    file = tflite_bytes(
        [tensor(PICTURE), tensor((1, 1, 4), slope), tensor(PICTURE)],
        [operator("PRELU", [0, 1], [2])],
        [0],
        [2],
    )

    found = answer(file, PICTURE, PICTURE, value)

    np.testing.assert_allclose(found, np.where(value > 0, value, slope * value), atol=1e-6)


def test_a_constant_broadcasts_over_the_last_axis_of_a_picture(
    tensor: Any, operator: Any, tflite_bytes: Any
) -> None:
    """The padding makes the converter hold the picture in ONNX's layout."""
    around = np.array([[0, 0], [1, 0], [0, 2], [0, 0]], np.int32)
    factor, value = rounded(4), rounded(*PICTURE, seed=4)
    shape = (1, 8, 8, 4)
    file = tflite_bytes(
        [tensor(PICTURE), tensor((4, 2), around), tensor(shape), tensor((4,), factor)]
        + [tensor(shape)],
        [
            operator("PAD", [0, 1], [2]),
            operator("MUL", [2, 3], [4], "MulOptions", {"FusedActivationFunction": RELU}),
        ],
        [0],
        [4],
    )

    found = answer(file, PICTURE, shape, value)

    np.testing.assert_array_equal(found, np.maximum(np.pad(value, around) * factor, 0))


def test_reshaping_reads_a_picture_in_its_own_order(
    tensor: Any, operator: Any, tflite_bytes: Any
) -> None:
    value = rounded(*PICTURE, seed=5)
    file = tflite_bytes(
        [tensor(PICTURE), tensor(PICTURE), tensor((1, 42, 4))],
        [operator("RELU", [0], [1]), operator("RESHAPE", [1], [2])],
        [0],
        [2],
    )

    found = answer(file, PICTURE, (1, 42, 4), value)

    np.testing.assert_array_equal(found, np.maximum(value, 0).reshape(1, 42, 4))


def test_outputs_that_no_card_names_are_left_out_with_their_nodes(
    tensor: Any, operator: Any, tflite_bytes: Any
) -> None:
    file = tflite_bytes(
        [tensor(PICTURE), tensor(PICTURE), tensor(PICTURE)],
        [operator("RELU", [0], [1]), operator("LOGISTIC", [0], [2])],
        [0],
        [1, 2],
    )
    named = [Tensor("only", PICTURE[1:], "HWC", "")]

    made = convert(read_tflite(file), [Tensor("input", PICTURE[1:], "HWC", "")], named)

    graph = onnx.load_from_string(made).graph
    assert [output.name for output in graph.output] == ["only"]
    assert "Sigmoid" not in {node.op_type for node in graph.node}


def test_an_unknown_operator_is_named(tensor: Any, operator: Any, tflite_bytes: Any) -> None:
    file = tflite_bytes(
        [tensor(PICTURE), tensor(PICTURE)], [operator("Landmarks2Matrix", [0], [1])], [0], [1]
    )

    with pytest.raises(ModelMismatchError, match="Landmarks2Matrix"):
        answer(file, PICTURE, PICTURE, rounded(*PICTURE))


def test_a_card_of_another_input_shape_is_refused(
    tensor: Any, operator: Any, tflite_bytes: Any
) -> None:
    file = tflite_bytes([tensor(PICTURE), tensor(PICTURE)], [operator("RELU", [0], [1])], [0], [1])

    with pytest.raises(ModelMismatchError, match="the source has"):
        answer(file, (1, 8, 8, 4), PICTURE, rounded(1, 8, 8, 4))
