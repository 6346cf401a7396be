"""From a torch network with any number of inputs to an ONNX file that gives the same answers."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime
import torch
from torch import nn

from faceplate.core.arrays import FloatArray
from faceplate.core.card import Tensor
from faceplate.core.errors import ModelMismatchError

_OPSET = 17
_MOST_DIFFERENCE = 5e-4
"""Of the largest answer; float32 networks of 150 layers differ by 1e-5 between the two."""

_ANY = (160, 224)
"""Lengths with which an axis of any length is tried, when the file is made and afterwards."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file.

    Attributes:
        content: its bytes.
        shapes: of the outputs, in order, without the batch's axis; 0 for an axis whose length
            follows that of an input.
    """

    content: bytes
    shapes: tuple[tuple[int, ...], ...]


def export_onnx(
    name: str, network: nn.Module, inputs: Sequence[Tensor], outputs: Sequence[str]
) -> Exported:
    """Return a network as an ONNX file of batch 1, float32.

    Args:
        name: of the model, for errors.
        network: in evaluation mode; takes one batch for each input, in order.
        inputs: what goes in, without the batch's axis; an axis of length 0 may have any.
        outputs: names of what comes out, in order.

    Raises:
        ModelMismatchError: onnxruntime answers otherwise than torch.
    """
    free = any(0 in one.shape for one in inputs)
    trials = [_trial(network, inputs, length) for length in _ANY[: 1 + free]]
    given, wanted = trials[0]
    first, last = ([one.shape for one in answers] for _, answers in (trials[0], trials[-1]))
    shapes = tuple(
        tuple(a if a == b else 0 for a, b in zip(here[1:], there[1:], strict=True))
        for here, there in zip(first, last, strict=True)
    )
    ends = [*((one.name, one.shape) for one in inputs), *zip(outputs, shapes, strict=True)]
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter warns that it is the older of two; the newer one needs another package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            tuple(map(torch.from_numpy, given)),
            file,  # type: ignore[arg-type] # the older exporter takes any file
            input_names=[one.name for one in inputs],
            output_names=list(outputs),
            dynamic_axes={
                end: {axis: f"{end}_{axis}" for axis, length in enumerate(shape, 1) if not length}
                for end, shape in ends
                if 0 in shape
            },
            opset_version=_OPSET,
            dynamo=False,
        )
    content = file.getvalue()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for given, wanted in trials:
        feed = {one.name: probe for one, probe in zip(inputs, given, strict=True)}
        found = session.run(list(outputs), feed)
        for output, want, have in zip(outputs, wanted, found, strict=True):
            _compare(name, output, want, have)
    return Exported(content, shapes)


def _trial(
    network: nn.Module, inputs: Sequence[Tensor], length: int
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return noise of the inputs' shapes and what the network says to it."""
    rng = np.random.default_rng(0)
    shapes = [(1, *(n or length for n in one.shape)) for one in inputs]
    probes = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    with torch.no_grad():
        answers = network(*map(torch.from_numpy, probes))
    answers = [answers] if isinstance(answers, torch.Tensor) else answers
    return probes, [answer.numpy() for answer in answers]


def _compare(name: str, output: str, wanted: FloatArray, found: FloatArray) -> None:
    reach = max(float(np.abs(wanted).max()), 1e-9)
    apart = float(np.abs(found - wanted).max()) / reach if found.shape == wanted.shape else np.inf
    if not apart <= _MOST_DIFFERENCE:
        raise ModelMismatchError(
            f"In onnxruntime, {output} of {name} differs by {apart:.1e} of its range, where "
            f"{_MOST_DIFFERENCE:.0e} is allowed.",
            hint="Try another version of onnxruntime or torch.",
            name=name,
            output=output,
        )
