"""Export: an ONNX file with any number of inputs, and never one that answers otherwise."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from faceplate.core.card import Tensor as CardTensor
from faceplate.core.errors import ModelMismatchError
from faceplate.core.nets.export import export_onnx

A, B = CardTensor("a", (2, 8, 8), "CHW", "x"), CardTensor("b", (3, 4, 4), "CHW", "x")


class Both(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(2, 4, 3, padding=1)
        self.coarse = nn.Conv2d(3, 4, 1)

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        below = self.coarse(b)
        return self.fine(a) + nn.functional.interpolate(below, scale_factor=2), below


class Wild(nn.Module):
    """Answers otherwise whenever it is asked, which no file can do."""

    calls = 0

    def forward(self, a: Tensor) -> Tensor:
        self.calls += 1
        return a * self.calls


def test_inputs_and_outputs_have_their_names_and_answers() -> None:
    network = Both().eval()

    made = export_onnx("both", network, [A, B], ["x", "y"])
    session = onnxruntime.InferenceSession(made.content, providers=["CPUExecutionProvider"])
    a, b = (np.random.default_rng(1).random((1, *t.shape), np.float32) for t in (A, B))
    found = session.run(["x", "y"], {"a": a, "b": b})

    with torch.no_grad():
        wanted = network(torch.from_numpy(a), torch.from_numpy(b))
    assert made.shapes == ((4, 8, 8), (4, 4, 4))
    for have, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(have, want.numpy(), atol=1e-5)


def test_an_axis_of_any_length_stays_free() -> None:
    free = CardTensor("a", (2, 0, 0), "CHW", "x")

    made = export_onnx("one", nn.Conv2d(2, 3, 3, stride=2).eval(), [free], ["x"])
    session = onnxruntime.InferenceSession(made.content, providers=["CPUExecutionProvider"])

    assert made.shapes == ((3, 0, 0),)
    assert session.run(["x"], {"a": np.zeros((1, 2, 9, 31), np.float32)})[0].shape == (1, 3, 4, 15)


def test_a_file_that_answers_otherwise_is_not_made() -> None:
    with pytest.raises(ModelMismatchError, match="x of wild differs by"):
        export_onnx("wild", Wild().eval(), [A], ["x"])
