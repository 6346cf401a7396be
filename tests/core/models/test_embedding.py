"""The face embedding's weights: listed and stored must agree."""

from __future__ import annotations

import json

import numpy as np
import pytest

from faceplate.core.card import Tensor
from faceplate.core.errors import ModelMismatchError
from faceplate.core.models.embedding import convert_embedding

IMAGE = Tensor("input", (150, 150, 3), "HWC", "codes")
EMBEDDING = Tensor("embedding", (128,), "C", "vector")
LISTED = [
    {"name": "a", "shape": [2, 3], "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1}},
    {"name": "b", "shape": [2]},
]
STORED = bytes(range(6)) + np.array([1, 2], np.float32).tobytes()


@pytest.mark.parametrize(
    ("stored", "said"),
    [(STORED[:-1], "shorter"), (STORED + b"\0", "longer"), (STORED, "lack conv32_down")],
)
def test_weights_that_do_not_fit_their_list_are_refused(stored: bytes, said: str) -> None:
    manifest = json.dumps([{"weights": LISTED}]).encode()

    with pytest.raises(ModelMismatchError, match=said):
        convert_embedding(manifest, stored, IMAGE, EMBEDDING)
