"""The state of a run in one safetensors file: tensors as they are, everything else as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from faceplate.core.errors import ModelMismatchError, TrainingError
from faceplate.core.io.atomic import replacing

VERSION = 1
_KEY = "faceplate"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a run has come, and what it found on the way.

    What is random in a step follows from the run's seed and the step's number, so there is no
    generator whose state would have to be kept.

    Attributes:
        stage: index of the stage.
        step: steps finished in that stage.
        done: steps finished in all.
        seconds: time spent on them.
        data: digest of the data that the last step saw.
        best: the best validation's score, or None.
        metrics: what that validation measured.
        best_step: the step after which it was.
        hardware: what the last steps ran on, in words.
        skipped: steps whose loss was not finite, which changed nothing.
    """

    stage: int = 0
    step: int = 0
    done: int = 0
    seconds: float = 0.0
    data: str = ""
    best: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    best_step: int = 0
    hardware: str = ""
    skipped: int = 0


def save_checkpoint(
    path: Path,
    position: Position,
    networks: Mapping[str, nn.Module],
    averaged: Mapping[str, Mapping[str, Tensor]],
    optimisers: Mapping[str, Optimizer],
) -> None:
    """Write everything that the next step depends on; the file appears whole or not at all.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    tensors: dict[str, Tensor] = {}
    for name, network in networks.items():
        _put(tensors, f"weights/{name}", network.state_dict())
        _put(tensors, f"averaged/{name}", averaged[name])
    for name, optimiser in optimisers.items():
        for index, state in optimiser.state_dict()["state"].items():
            _put(tensors, f"optimiser/{name}/{index}", state)
    head = {field: getattr(position, field) for field in Position.__slots__}
    _save(path, tensors, {"version": VERSION, "position": head})


def load_checkpoint(
    path: Path,
    networks: Mapping[str, nn.Module],
    averaged: Mapping[str, dict[str, Tensor]],
) -> tuple[Position, dict[str, dict[int, dict[str, Tensor]]]]:
    """Put a checkpoint's weights into networks.

    Returns:
        The position, and for each network the optimiser's state by the parameter's index, which
        is for an optimiser that may not be there yet.

    Raises:
        TrainingError: not there, or not a checkpoint of ours.
        ModelMismatchError: of other networks.
    """
    head, tensors = _load(path)
    try:
        if head["version"] != VERSION:
            raise ValueError(f"it has version {head['version']}, not {VERSION}")
        position = Position(**head["position"])
    except (KeyError, TypeError, ValueError) as error:
        raise _unfit(path, str(error)) from error
    for name, network in networks.items():
        _fill(path, name, network, _below(tensors, f"weights/{name}/"))
        averaged[name].clear()
        averaged[name].update(_below(tensors, f"averaged/{name}/"))
    states: dict[str, dict[int, dict[str, Tensor]]] = {name: {} for name in networks}
    for key, tensor in _below(tensors, "optimiser/").items():
        name, index, entry = key.split("/")
        states.setdefault(name, {}).setdefault(int(index), {})[entry] = tensor
    return position, states


def restore_optimiser(optimiser: Optimizer, state: Mapping[int, Mapping[str, Tensor]]) -> None:
    """Give an optimiser the state that `load_checkpoint` returned; its settings stay its own."""
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def save_weights(path: Path, weights: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Write the weights of networks by name, and nothing else.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    tensors: dict[str, Tensor] = {}
    for name, entries in weights.items():
        _put(tensors, name, entries)
    _save(path, tensors, {"version": VERSION})


def load_weights(path: Path, networks: Mapping[str, nn.Module]) -> None:
    """Put weights that `save_weights` wrote into networks.

    Raises:
        TrainingError: not there, or not such a file.
        ModelMismatchError: of other networks.
    """
    _, tensors = _load(path)
    for name, network in networks.items():
        _fill(path, name, network, _below(tensors, f"{name}/"))


def _put(tensors: dict[str, Tensor], prefix: str, entries: Mapping[str, Tensor]) -> None:
    for key, tensor in entries.items():
        tensors[f"{prefix}/{key}"] = tensor.detach().cpu().contiguous().clone()


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key[len(prefix) :]: t for key, t in tensors.items() if key.startswith(prefix)}


def _fill(path: Path, name: str, network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise ModelMismatchError(
            f"{path} holds other weights than {name} has.",
            hint="Train into another folder, or with the settings that the file was made with.",
            path=str(path),
            reason=str(error),
        ) from error


def _save(path: Path, tensors: dict[str, Tensor], head: Mapping[str, Any]) -> None:
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={_KEY: json.dumps(head)})


def _load(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, "pt", device="cpu") as file:
            head = json.loads((file.metadata() or {})[_KEY])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError, torch.OutOfMemoryError) as error:
        raise _unfit(path, str(error).strip().split("\n")[0]) from error
    return head, tensors


def _unfit(path: Path, reason: str) -> TrainingError:
    return TrainingError(
        f"{path} is not a state that training can go on from: {reason}.",
        hint="Remove it to begin again, or train into another folder.",
        path=str(path),
    )
