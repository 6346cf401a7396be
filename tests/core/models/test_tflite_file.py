"""Reading TFLite: dense and sparse constants, and padding."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplate.core.errors import ModelMismatchError
from faceplate.core.models.tflite_file import read_tflite, same_padding


def test_a_dense_constant_keeps_its_bits(tensor: Any, tflite_bytes: Any) -> None:
    values = np.random.default_rng(1).standard_normal((2, 3, 4)).astype(np.float16)

    graph = read_tflite(tflite_bytes([tensor((2, 3, 4), values)], [], [], [0]))

    assert graph.constants[0].dtype == np.float16
    assert np.array_equal(graph.constants[0], values)


def test_sparse_rows_land_where_they_belong(tensor: Any, tflite_bytes: Any) -> None:
    wanted = np.random.default_rng(2).integers(1, 9, (5, 7)).astype(np.float32)
    wanted[np.random.default_rng(3).random((5, 7)) < 0.7] = 0
    wanted[2] = 0  # a row with nothing in it
    columns = [np.flatnonzero(row) for row in wanted]
    segments = [0, *np.cumsum([len(c) for c in columns]).tolist()]
    levels = [5, (segments, np.concatenate(columns).tolist())]

    made = tensor((5, 7), wanted[wanted != 0], order=(0, 1), levels=levels)
    graph = read_tflite(tflite_bytes([made], [], [], [0]))

    assert np.array_equal(graph.constants[0], wanted)


def test_sparse_blocks_land_where_they_belong(tensor: Any, tflite_bytes: Any) -> None:
    """A 6 x 4 matrix of 2 x 2 blocks, of which two are stored; as TFLite's format page has it."""
    wanted = np.zeros((6, 4), np.float32)
    wanted[0:2, 2:4] = [[1, 2], [3, 4]]
    wanted[4:6, 0:2] = [[5, 6], [7, 8]]
    levels = [3, ([0, 1, 1, 2], [1, 0]), 2, 2]

    stored = np.arange(1, 9, dtype=np.float32)
    made = tensor((6, 4), stored, order=(0, 1, 2, 3), blocked=(0, 1), levels=levels)
    graph = read_tflite(tflite_bytes([made], [], [], [0]))

    assert np.array_equal(graph.constants[0], wanted)


def test_sparse_axes_may_be_stored_in_another_order(tensor: Any, tflite_bytes: Any) -> None:
    wanted = np.zeros((3, 2), np.float32)
    wanted[2, 0], wanted[0, 1], wanted[1, 1] = 1, 2, 3
    made = tensor(
        (3, 2),
        np.array([1, 2, 3], np.float32),
        order=(1, 0),
        levels=[2, ([0, 1, 3], [2, 0, 1])],
    )

    graph = read_tflite(tflite_bytes([made], [], [], [0]))

    assert np.array_equal(graph.constants[0], wanted)


def test_other_files_are_refused() -> None:
    with pytest.raises(ModelMismatchError, match="not a TFLite file"):
        read_tflite(b"PK\x03\x04 and so on")


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 4), st.integers(1, 3))
def test_same_padding_keeps_one_result_per_step(
    length: int, kernel: int, stride: int, dilation: int
) -> None:
    begin, end = same_padding((length,), (kernel,), (stride,), (dilation,))

    reach = (kernel - 1) * dilation + 1
    results = (length + begin + end - reach) // stride + 1
    assert results == -(-length // stride) or (begin, end) == (0, 0)
    assert begin <= end <= begin + 1  # what is odd goes to the end
    assert begin + end < max(reach, 1)


def test_an_odd_kernel_without_stride_is_padded_as_a_centred_filter() -> None:
    picture = np.random.default_rng(4).random((6, 5), np.float32)
    kernel = np.random.default_rng(5).random((3, 3), np.float32)
    top, left, bottom, right = same_padding((6, 5), (3, 3), (1, 1), (1, 1))

    padded = np.pad(picture, ((top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))

    expected = cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_CONSTANT)
    np.testing.assert_allclose((windows * kernel).sum((2, 3)), expected, atol=1e-5)
