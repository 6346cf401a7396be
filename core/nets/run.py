"""A loaded network: a card, a session on one device, arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from faceplate.core.arrays import FloatArray
from faceplate.core.card import ModelCard
from faceplate.core.errors import DeviceError, KnobError, ModelMismatchError

PROVIDERS: dict[str, tuple[str, dict[str, str]]] = {
    "cpu": ("CPUExecutionProvider", {}),
    # A searched algorithm or TF32 would give other bits from run to run and card to card.
    "cuda": (
        "CUDAExecutionProvider",
        {"cudnn_conv_algo_search": "DEFAULT", "use_tf32": "0"},
    ),
}
"""Device name to onnxruntime's provider and its options."""

_LOADING = (
    state.Fail,
    state.InvalidArgument,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NotImplemented,
    state.RuntimeException,
)
_QUIET = 3  # onnxruntime's severity "error": its warnings are about graphs, not for artists


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A model that is ready to run. Safe to call from several threads.

    Attributes:
        card: what it is; ``card.inputs[0]`` says the domain that a batch must be in.
    """

    card: ModelCard
    _session: Any = field(repr=False)

    def run(self, batch: FloatArray) -> list[FloatArray]:
        """Return the outputs for every element of ``batch``.

        The elements run one after the other: a net then sees the same shapes whatever the batch,
        so that an element's result has the same bits alone and in company.

        Args:
            batch: (B, *shape) float32 with shape and domain of ``card.inputs[0]``; B may be 0.

        Returns:
            For each of ``card.outputs``, in order, a float32 array (B, *its shape).

        Raises:
            ModelMismatchError: another shape or dtype.
        """
        wanted = self.card.inputs[0]
        if batch.dtype != np.float32 or batch.shape[1:] != wanted.shape or batch.ndim == 0:
            shape = ", ".join(["B", *map(str, wanted.shape)])
            raise ModelMismatchError(
                f"Model {self.card.name} takes float32 ({shape}), "
                f"but was given {batch.dtype} {batch.shape}.",
                hint="This is a fault in the caller: see `inputs` in the model's card.",
                name=self.card.name,
                found=batch.shape,
                dtype=str(batch.dtype),
            )
        outputs = [np.empty((len(batch), *out.shape), np.float32) for out in self.card.outputs]
        names = [out.name for out in self.card.outputs]
        for number in range(len(batch)):
            one = np.ascontiguousarray(batch[number : number + 1])
            results = self._session.run(names, {wanted.name: one})
            for output, result in zip(outputs, results, strict=True):
                output[number] = result.reshape(output.shape[1:])
        return outputs


def open_network(card: ModelCard, weights: bytes, *, threads: int, device: str) -> Network:
    """Return a network on ``device`` from the bytes of an ONNX file that is already trusted.

    Args:
        card: says which inputs and outputs the file must have.
        weights: the ONNX file.
        threads: how many threads one call may use, at least 1.
        device: "cpu" or "cuda". There is no falling back from one to the other.

    Raises:
        ModelMismatchError: not an ONNX file, or its inputs and outputs are not the card's.
        DeviceError: the device is not there, or another one would run.
        KnobError: ``threads`` below 1, or a device of another name.
    """
    if threads < 1:
        raise KnobError("threads", threads, "a whole number from 1")
    if device not in PROVIDERS:
        raise KnobError("device", device, " or ".join(PROVIDERS))
    provider, options = PROVIDERS[device]
    available = onnxruntime.get_available_providers()
    if provider not in available:
        raise _other_device(card, device, provider, available)
    try:
        session = onnxruntime.InferenceSession(
            weights, _session_options(threads), providers=[(provider, options)]
        )
    except _LOADING as error:
        raise ModelMismatchError(
            f"Model {card.name} cannot be loaded: {str(error).splitlines()[0]}.",
            hint="Install faceplate again, or check the version of onnxruntime.",
            name=card.name,
        ) from error
    session.disable_fallback()
    if session.get_providers()[0] != provider:
        raise _other_device(card, device, provider, session.get_providers())
    _check_signature(card, session)
    return Network(card, session)


def _session_options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _QUIET
    # Spinning threads would take the cores from the frames that are rendered beside this one.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _other_device(card: ModelCard, device: str, wanted: str, found: list[str]) -> DeviceError:
    hint = "Choose the device cpu, or install faceplate's engine with onnxruntime for the GPU."
    return DeviceError(
        f"Model {card.name} was asked to run on {device} ({wanted}), "
        f"but onnxruntime would run {found[0]}.",
        hint=hint,
        name=card.name,
        wanted=wanted,
        found=found,
    )


def _check_signature(card: ModelCard, session: Any) -> None:
    """Compare names and shapes in the file with the card."""
    if len(card.inputs) != 1:
        raise _misfit(card, "input", "one", [tensor.name for tensor in card.inputs])
    found = {node.name: node.shape for node in session.get_inputs()}
    wanted = card.inputs[0]
    if {name: tuple(shape[1:]) for name, shape in found.items()} != {wanted.name: wanted.shape}:
        raise _misfit(card, "input", {wanted.name: wanted.shape}, found)
    names = [node.name for node in session.get_outputs()]
    missing = [tensor.name for tensor in card.outputs if tensor.name not in names]
    if missing:
        raise _misfit(card, "output", missing[0], names)


def _misfit(card: ModelCard, what: str, wanted: object, found: object) -> ModelMismatchError:
    return ModelMismatchError(
        f"The weights of {card.name} do not fit its card: {what} {wanted} is wanted, "
        f"the file has {found}.",
        hint="Restore the card and the weights, or install faceplate again.",
        name=card.name,
    )
