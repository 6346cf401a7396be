"""From a trained network to an ONNX file: half-precision weights, and the same answers."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from faceplate.core.arrays import FloatArray
from faceplate.core.errors import ModelMismatchError
from faceplate.core.training.task import Model

OPSET = 17
_IR_VERSION = 8  # what onnxruntime 1.20, the oldest that we allow, reads without doubt
_HALF_FROM = 32  # below this a cast costs more than it saves
_PROBES = 3
_MOST_DIFFERENCE = 1e-4
_MOST_ROUNDING = 2e-2


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file, and how far its answers are from torch's.

    Attributes:
        content: the file.
        difference: largest difference between torch and onnxruntime, both with float32 weights, as
            a share of the outputs' largest absolute value.
        rounding: the same between float32 weights and those of the file, both in onnxruntime.
    """

    content: bytes
    difference: float
    rounding: float


def export_model(model: Model) -> Exported:
    """Return a model as an ONNX file of fixed shapes and batch 1.

    Batch norms are folded into convolutions first, and weights are stored in half precision with a
    cast to float32, which onnxruntime does away with as it loads the file.

    Raises:
        ModelMismatchError: it would answer otherwise than the trained network.
    """
    network = copy.deepcopy(model.network).cpu().float().eval()
    rng = np.random.default_rng(0)
    probes = [
        [rng.random((1, *one.shape), np.float32) for one in model.inputs] for _ in range(_PROBES)
    ]
    wanted = [_answers(network, probe) for probe in probes]
    traced = _traced(network, model, probes[0])
    content = _halved(traced)
    full, half = (_run(file, model, probes) for file in (traced, content))
    exported = Exported(content, _apart(wanted, full), _apart(full, half))
    for what, found, allowed in (
        ("in onnxruntime", exported.difference, _MOST_DIFFERENCE),
        ("with half-precision weights", exported.rounding, _MOST_ROUNDING),
    ):
        if not found <= allowed:
            raise ModelMismatchError(
                f"{what.capitalize()}, {model.name} answers otherwise: by {found:.1e} of its "
                f"range, where {allowed:.0e} is allowed.",
                hint="Look for an operator that is exported wrongly, or for huge weights.",
                name=model.name,
            )
    return exported


def _traced(network: nn.Module, model: Model, probe: Sequence[FloatArray]) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter warns that it is the older of two; the newer one needs another package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            tuple(map(torch.from_numpy, probe)),
            file,  # type: ignore[arg-type]  # the older exporter takes it
            input_names=[tensor.name for tensor in model.inputs],
            output_names=[tensor.name for tensor in model.outputs],
            opset_version=OPSET,
            dynamo=False,
        )
    return file.getvalue()


def _halved(content: bytes) -> bytes:
    """Return the file with its float32 weights in half precision, each behind a cast."""
    graph = onnx.load_model_from_string(content)
    graph.ir_version = _IR_VERSION
    kept, casts = [], []
    for weight in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _HALF_FROM:
            kept.append(weight)
            continue
        name = f"{weight.name}.half"
        with np.errstate(over="ignore"):  # what does not fit is found when the file is tried
            half = values.astype(np.float16)
        kept.append(onnx.numpy_helper.from_array(half, name))
        casts.append(
            onnx.helper.make_node("Cast", [name], [weight.name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.graph.node]
    del graph.graph.initializer[:], graph.graph.node[:]
    graph.graph.initializer.extend(kept)
    graph.graph.node.extend(nodes)
    onnx.checker.check_model(graph)
    return bytes(graph.SerializeToString(deterministic=True))


def _answers(network: nn.Module, probe: Sequence[FloatArray]) -> list[FloatArray]:
    with torch.no_grad():
        outputs = network(*map(torch.from_numpy, probe))
    outputs = outputs if isinstance(outputs, tuple | list) else [outputs]
    return [output.numpy() for output in outputs]


def _run(
    content: bytes, model: Model, probes: Sequence[Sequence[FloatArray]]
) -> list[list[FloatArray]]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [tensor.name for tensor in model.outputs]
    given = [tensor.name for tensor in model.inputs]
    return [session.run(names, dict(zip(given, probe, strict=True))) for probe in probes]


def _apart(some: list[list[FloatArray]], others: list[list[FloatArray]]) -> float:
    rows = zip(some, others, strict=True)
    pairs = [pair for row in rows for pair in zip(*row, strict=True)]
    largest = max(float(np.abs(one).max()) for one, _ in pairs)
    return max(float(np.abs(one - other).max()) for one, other in pairs) / max(largest, 1e-9)
