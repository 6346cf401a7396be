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
        {
            "cudnn_conv_algo_search": "DEFAULT",
            "use_tf32": "0",
            # Each session has an arena of its own: as large as it needs, and not twice as large.
            "arena_extend_strategy": "kSameAsRequested",
        },
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
        card: what it is; ``card.inputs`` say the domains that batches must be in.
    """

    card: ModelCard
    _session: Any = field(repr=False)

    def run(self, *batches: FloatArray) -> list[FloatArray]:
        """Return the outputs for every element of the batches, one batch for each of the inputs.

        The elements run one after the other: a net then sees the same shapes whatever the batch,
        so that an element's result has the same bits alone and in company.

        Args:
            batches: (B, *shape) float32 each, with shapes and domains of ``card.inputs``, in
                order; B may be 0. An axis that the card says 0 of may have any length from 1.

        Returns:
            For each of ``card.outputs``, in order, a float32 array (B, *its shape), an axis of
            any length being as long as the network made it.

        Raises:
            ModelMismatchError: another number of batches, another shape or dtype.
            DeviceError: the device gave up, for want of memory as a rule.
        """
        self._check(batches)
        count = len(batches[0])
        names = [out.name for out in self.card.outputs]
        outputs = [np.empty((count, *out.shape), np.float32) for out in self.card.outputs]
        for number in range(count):
            feed = {
                wanted.name: np.ascontiguousarray(batch[number : number + 1])
                for wanted, batch in zip(self.card.inputs, batches, strict=True)
            }
            results = self._answers(names, feed)
            if number == 0:
                outputs = [np.empty((count, *one.shape[1:]), np.float32) for one in results]
            for output, result in zip(outputs, results, strict=True):
                output[number] = result[0]
        return outputs

    def _check(self, batches: tuple[FloatArray, ...]) -> None:
        fits = len(batches) == len(self.card.inputs) and all(
            batch.ndim > 0
            and batch.dtype == np.float32
            and _is_of(batch.shape[1:], wanted.shape)
            and len(batch) == len(batches[0])
            for wanted, batch in zip(self.card.inputs, batches, strict=False)
        )
        if not fits:
            shapes = [", ".join(["B", *map(str, wanted.shape)]) for wanted in self.card.inputs]
            given = [f"{batch.dtype} {batch.shape}" for batch in batches]
            found = [batch.shape for batch in batches]
            raise ModelMismatchError(
                f"Model {self.card.name} takes float32 ({') and ('.join(shapes)}), "
                f"but was given {' and '.join(given) or 'nothing'}.",
                hint="This is a fault in the caller: see `inputs` in the model's card.",
                name=self.card.name,
                found=found[0] if len(found) == 1 else found,
                dtype=", ".join(str(batch.dtype) for batch in batches),
            )

    def _answers(self, names: list[str], feed: dict[str, FloatArray]) -> list[FloatArray]:
        try:
            return self._session.run(names, feed)
        except (state.EPFail, state.Fail, state.RuntimeException) as error:
            raise DeviceError(
                f"Model {self.card.name} failed while it ran: {_first_line(error)}.",
                hint="Free memory on the device, or choose another one.",
                name=self.card.name,
            ) from error


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
        offers = f"this onnxruntime offers only {', '.join(available)}"
        raise _no_device(card, device, provider, offers)
    try:
        session = onnxruntime.InferenceSession(
            weights,
            _session_options(threads),
            providers=[(provider, options)],
            enable_fallback=0,  # else onnxruntime prints, and goes on with the CPU
        )
    except (ValueError, RuntimeError, state.EPFail) as error:
        raise _no_device(card, device, provider, _first_line(error)) from error
    except _LOADING as error:
        raise ModelMismatchError(
            f"Model {card.name} cannot be loaded: {_first_line(error)}.",
            hint="Install faceplate again, or check the version of onnxruntime.",
            name=card.name,
        ) from error
    running = session.get_providers()[0]
    if running != provider:
        raise _no_device(card, device, provider, f"onnxruntime would run it with {running}")
    _check_signature(card, session)
    return Network(card, session)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")


def _session_options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _QUIET
    # Spinning threads would take the cores from the frames that are rendered beside this one.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _no_device(card: ModelCard, device: str, provider: str, reason: str) -> DeviceError:
    return DeviceError(
        f"Model {card.name} cannot run on {device} ({provider}): {reason}.",
        hint="Choose the device cpu, or install faceplate's engine with onnxruntime for the GPU.",
        name=card.name,
        device=device,
        reason=reason,
    )


def _check_signature(card: ModelCard, session: Any) -> None:
    """Compare names and shapes in the file with the card."""
    found = {node.name: _lengths(node) for node in session.get_inputs()}
    wanted = {tensor.name: tensor.shape for tensor in card.inputs}
    if found != wanted or len(wanted) != len(card.inputs):
        raise _misfit(card, "input", [(tensor.name, tensor.shape) for tensor in card.inputs], found)
    held = {node.name: _lengths(node) for node in session.get_outputs()}
    for tensor in card.outputs:
        if held.get(tensor.name) != tensor.shape:
            raise _misfit(card, "output", {tensor.name: tensor.shape}, held)


def _lengths(node: Any) -> tuple[int, ...]:
    """Return a node's shape as a card has it: 0 for an axis that the file only names."""
    return tuple(axis if isinstance(axis, int) else 0 for axis in node.shape[1:])


def _is_of(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Return whether a shape is the wanted one, in which 0 stands for any length from 1."""
    return len(shape) == len(wanted) and all(
        have == want if want else have > 0 for have, want in zip(shape, wanted, strict=True)
    )


def _misfit(card: ModelCard, what: str, wanted: object, found: object) -> ModelMismatchError:
    return ModelMismatchError(
        f"The weights of {card.name} do not fit its card: {what} {wanted} is wanted, "
        f"the file has {found}.",
        hint="Restore the card and the weights, or install faceplate again.",
        name=card.name,
    )
