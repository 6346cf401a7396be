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

from faceplate.core.card import Tensor
from faceplate.core.errors import ModelMismatchError

_OPSET = 17
_MOST_DIFFERENCE = 5e-4
"""Of the largest answer; float32 networks of 150 layers differ by 1e-5 between the two."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file.

    Attributes:
        content: its bytes.
        shapes: of the outputs, in order, without the batch's axis.
    """

    content: bytes
    shapes: tuple[tuple[int, ...], ...]


def export_onnx(
    name: str, network: nn.Module, inputs: Sequence[Tensor], outputs: Sequence[str]
) -> Exported:
    """Return a network as an ONNX file of fixed shapes and batch 1, float32.

    Args:
        name: of the model, for errors.
        network: in evaluation mode; takes one batch for each input, in order.
        inputs: what goes in, without the batch's axis.
        outputs: names of what comes out, in order.

    Raises:
        ModelMismatchError: onnxruntime answers otherwise than torch.
    """
    rng = np.random.default_rng(0)
    probes = [rng.standard_normal((1, *one.shape)).astype(np.float32) for one in inputs]
    given = tuple(torch.from_numpy(probe) for probe in probes)
    with torch.no_grad():
        answers = network(*given)
    wanted = [answers] if isinstance(answers, torch.Tensor) else list(answers)
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter warns that it is the older of two; the newer one needs another package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            given,
            file,
            input_names=[one.name for one in inputs],
            output_names=list(outputs),
            opset_version=_OPSET,
            dynamo=False,
        )
    content = file.getvalue()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    feed = {one.name: probe for one, probe in zip(inputs, probes, strict=True)}
    for output, want, found in zip(outputs, wanted, session.run(list(outputs), feed), strict=True):
        reach = max(float(want.abs().max()), 1e-9)
        apart = float(np.abs(found - want.numpy()).max()) / reach
        if not apart <= _MOST_DIFFERENCE:
            raise ModelMismatchError(
                f"In onnxruntime, {output} of {name} differs by {apart:.1e} of its range, where "
                f"{_MOST_DIFFERENCE:.0e} is allowed.",
                hint="Try another version of onnxruntime or torch.",
                name=name,
                output=output,
            )
    return Exported(content, tuple(tuple(want.shape[1:]) for want in wanted))
