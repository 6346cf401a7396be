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

_SIDES = (96, 133)
"""Lengths that an axis of any length is tried with."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file.

    Attributes:
        content: its bytes.
        shapes: of the outputs, in order, without the batch's axis; 0 for any length.
    """

    content: bytes
    shapes: tuple[tuple[int, ...], ...]


def export_onnx(
    name: str, network: nn.Module, inputs: Sequence[Tensor], outputs: Sequence[str]
) -> Exported:
    """Return a network as an ONNX file of batch 1, float32, that was tried in onnxruntime.

    Args:
        name: of the model, for errors.
        network: in evaluation mode; takes one batch for each input, in order.
        inputs: what goes in, without the batch's axis; a length of 0 may be any.
        outputs: names of what comes out, in order.

    Raises:
        ModelMismatchError: onnxruntime answers otherwise than torch.
    """
    rng = np.random.default_rng(0)
    free = any(0 in one.shape for one in inputs)
    sides = _SIDES if free else _SIDES[:1]
    trials = [_trial(network, [_noise(rng, one.shape, side) for one in inputs]) for side in sides]
    first, last = trials[0], trials[-1]
    shapes = tuple(
        tuple(a if a == b else 0 for a, b in zip(one.shape[1:], other.shape[1:], strict=True))
        for one, other in zip(first.answers, last.answers, strict=True)
    )
    lengths = [(one.name, one.shape) for one in inputs] + [*zip(outputs, shapes, strict=True)]
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter warns that it is the older of two; the newer one needs another package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            first.given,
            file,  # type: ignore[arg-type] # the older exporter takes any file
            input_names=[one.name for one in inputs],
            output_names=list(outputs),
            opset_version=_OPSET,
            dynamic_axes={
                tensor: {axis: f"{tensor}_{axis}" for axis, n in enumerate(shape, 1) if n == 0}
                for tensor, shape in lengths
            },
            dynamo=False,
        )
    content = file.getvalue()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for trial in trials:
        feed = {one.name: x.numpy() for one, x in zip(inputs, trial.given, strict=True)}
        results = session.run(list(outputs), feed)
        for output, want, found in zip(outputs, trial.answers, results, strict=True):
            _compare(name, output, want.numpy(), found)
    return Exported(content, shapes)


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    given: tuple[torch.Tensor, ...]
    answers: tuple[torch.Tensor, ...]


def _noise(rng: np.random.Generator, shape: tuple[int, ...], side: int) -> torch.Tensor:
    """Return noise of a shape, with lengths around ``side`` where any will do."""
    lengths = [length or side + 3 * axis for axis, length in enumerate(shape)]
    return torch.from_numpy(rng.standard_normal((1, *lengths)).astype(np.float32))


def _trial(network: nn.Module, given: Sequence[torch.Tensor]) -> _Trial:
    with torch.no_grad():
        answers = network(*given)
    return _Trial(tuple(given), (answers,) if isinstance(answers, torch.Tensor) else (*answers,))


def _compare(name: str, output: str, want: FloatArray, found: FloatArray) -> None:
    reach = max(float(np.abs(want).max()), 1e-9)
    apart = float(np.abs(found - want).max()) / reach if found.shape == want.shape else np.inf
    if not apart <= _MOST_DIFFERENCE:
        raise ModelMismatchError(
            f"In onnxruntime, {output} of {name} differs by {apart:.1e} of its range, where "
            f"{_MOST_DIFFERENCE:.0e} is allowed.",
            hint="Try another version of onnxruntime or torch.",
            name=name,
            output=output,
        )
