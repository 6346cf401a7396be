"""FSGAN's released checkpoints as networks: the tensors alone decide what a file is.

Source: `fsgan.md` 1.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from faceplate.core.errors import ModelMismatchError
from faceplate.core.nets.arch import parse_architecture
from faceplate.core.nets.load import read_parameters
from faceplate.core.nets.torchfile import Checkpoint
from faceplate.core.recipes import RECIPES, Recognised

_COUNTER = ".num_batches_tracked"
_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Adopted:
    """A checkpoint as a network.

    Attributes:
        recognised: what it is.
        network: with the file's weights, in evaluation mode, without gradients.
        notes: what the user should know, a sentence each.
    """

    recognised: Recognised
    network: nn.Module
    notes: tuple[str, ...]


def adopt(checkpoint: Checkpoint) -> Adopted:
    """Return the network that a checkpoint's tensors make; they alone decide what it is.

    Raises:
        ModelMismatchError: no network that is known, or tensors that are missing, left over or of
            another shape; the sentence names them.
    """
    state = dict(checkpoint.state)
    if "in_conv.1.weight" in state and any(key.startswith("inner.") for key in state):
        # Saved before a generator had a finer level: the global net alone, without its prefix.
        state = {f"base.{key}": tensor for key, tensor in state.items()}
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
    recipe = next((recipe for recipe in RECIPES if recipe.matches(shapes)), None)
    if recipe is None:
        raise ModelMismatchError(
            f"{checkpoint.path} is none of the networks that can be imported: its tensors begin "
            f"with {', '.join(list(shapes)[:_SHOWN])}.",
            hint=f"Those are: {'; '.join(recipe.kind for recipe in RECIPES)}.",
            path=checkpoint.path,
        )
    try:
        with torch.device("meta"):
            found = recipe.recognise(shapes)
    # What torch and arithmetic make of layers without channels.
    except (ValueError, RuntimeError, LookupError, ArithmeticError, TypeError) as error:
        raise ModelMismatchError(
            f"{checkpoint.path} has the names of {recipe.kind}, in sizes that make no network.",
            hint="Get the file again from where it was published.",
            path=checkpoint.path,
        ) from error
    fill(found.network, state, checkpoint.path)
    return Adopted(found, found.network, _notes(found, checkpoint.architecture))


def load_trainable(name: str, folder: Path | None = None, also: Sequence[Path] = ()) -> nn.Module:
    """Return the torch network of a model that has its tensors, to be trained further.

    It is in evaluation mode and without gradients, on the CPU: the caller decides what learns.

    Args:
        name: of the model.
        folder: where cards and weights are; None for those that are installed with us.
        also: folders that are searched after it.

    Raises:
        ModelError: no such model, or one without its tensors, or files that do not fit it.
    """
    tensors = read_parameters(name, folder, also)
    state = {key: torch.from_numpy(np.array(tensor)) for key, tensor in tensors.items()}
    return adopt(Checkpoint(name, "", state, "")).network


def fill(network: nn.Module, state: dict[str, torch.Tensor], path: str) -> None:
    """Give a network without memory the tensors of a state, none more and none less.

    Counters of batches may be missing, as in files before PyTorch 0.4.1.

    Raises:
        ModelMismatchError: tensors that are missing, left over, or of another shape.
    """
    wanted = network.state_dict()
    for key in wanted:
        if key.endswith(_COUNTER) and key not in state:
            state[key] = torch.zeros((), dtype=torch.int64)
    missing = [key for key in wanted if key not in state]
    unknown = [key for key in state if key not in wanted]
    odd = [
        f"{key} is {tuple(state[key].shape)} instead of {tuple(tensor.shape)}"
        for key, tensor in wanted.items()
        if key in state
        and (
            state[key].shape != tensor.shape
            or state[key].is_floating_point() != tensor.is_floating_point()
        )
    ]
    for what, names in (("lacks", missing), ("has besides", unknown), ("does not fit:", odd)):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            raise ModelMismatchError(
                f"{path} {what} {', '.join(names[:_SHOWN])}{more}.",
                hint="Get the file again from where it was published.",
                path=path,
                names=names,
            )
    network.load_state_dict(state, assign=True)
    network.eval().requires_grad_(False)


def _notes(found: Recognised, text: str) -> tuple[str, ...]:
    """Compare the file's own description with its tensors, which are believed."""
    if not text:
        return ()
    try:
        said = parse_architecture(text).arguments
    except ModelMismatchError as error:
        return (f"{error} It was left aside.",)
    return tuple(
        f"The file says {key}={said[key]}, its tensors {value}; the tensors are believed."
        for key, value in found.described.items()
        if key in said and said[key] != value
    )
