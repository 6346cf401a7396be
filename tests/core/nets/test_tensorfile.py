"""Safetensors as bytes: what goes in comes out, and what is none is refused."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save

from faceplate.core.errors import ModelMismatchError
from faceplate.core.nets.tensorfile import tensors_bytes, tensors_of

TENSORS = {
    "b.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1),
    "a.num_batches_tracked": np.array(7),
    "c": np.zeros((0, 3), np.float32),
}


def test_tensors_come_back_with_shape_and_bits() -> None:
    found = tensors_of(tensors_bytes(TENSORS), "a")

    assert found.keys() == TENSORS.keys()
    for key, tensor in TENSORS.items():
        assert (found[key].shape, found[key].dtype) == (tensor.shape, tensor.dtype)
        assert np.array_equal(found[key], tensor)


def test_the_order_of_keys_makes_no_other_bytes() -> None:
    assert tensors_bytes(TENSORS) == tensors_bytes(dict(reversed(TENSORS.items())))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x02",
        (10 * 2**30).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"{]",
        tensors_bytes(TENSORS)[:-1],
        tensors_bytes(TENSORS) + b"more",
        b'\x28\x00\x00\x00\x00\x00\x00\x00{"a":{"dtype":"F32","shape":[9],"data_of',
    ],
)
def test_what_is_no_safetensors_file_is_refused(content: bytes) -> None:
    with pytest.raises(ModelMismatchError, match=r"a\.safetensors is no safetensors file"):
        tensors_of(content, "a.safetensors")


@pytest.mark.parametrize("dtype", [np.float16, np.uint8, ml_dtypes.bfloat16])
def test_numbers_of_another_kind_are_refused(dtype: type) -> None:
    content = save({"w": np.ones(3, dtype)})

    with pytest.raises(ModelMismatchError, match="holds w as|BF16"):
        tensors_of(content, "a.safetensors")
