"""From a model's name to a network: card, file, hash, and only then a session."""

from __future__ import annotations

import hashlib
import math
from importlib import resources
from pathlib import Path

import numpy as np

from faceplate.core.card import ModelCard, read_card
from faceplate.core.errors import (
    ModelError,
    ModelMismatchError,
    ModelMissingError,
    ModelUnknownError,
    ModelUntrustedError,
)
from faceplate.core.nets.run import Network, open_network


def load_network(
    name: str, *, threads: int = 1, device: str = "cpu", folder: Path | None = None
) -> Network:
    """Return the model called ``name``, ready to run.

    Args:
        name: the card's name, e.g. "face_mesh478".
        threads: how many threads one call may use.
        device: "cpu" or "cuda"; there is no falling back from one to the other.
        folder: where cards and weights are; None for those that are installed with us.

    Raises:
        ModelUnknownError: no such model; the hint lists those there are.
        ModelMissingError: the card or the weights file is not there.
        ModelMismatchError: a faulty card, or weights that do not fit it.
        ModelUntrustedError: the weights are not the bytes that the card vouches for.
        DeviceError: the device is not there.
        KnobError: a device of another name, or ``threads`` below 1.
    """
    card = find_card(name, folder)
    weights = _trusted_weights(card, _folder(folder))
    return open_network(card, weights, threads=threads, device=device)


def find_card(name: str, folder: Path | None = None) -> ModelCard:
    """Return the card of one model.

    Raises:
        ModelUnknownError: no such model; the hint lists those there are.
        ModelMissingError: weights of that name are there, their card is not.
        ModelMismatchError: a faulty card.
    """
    place = _folder(folder)
    paths = {path.stem: path for path in sorted(place.glob("*.toml"))}
    if name in paths:
        return read_card(paths[name])
    if name in {path.stem for path in place.glob("*.onnx")}:
        raise ModelMissingError(name, str(place / f"{name}.toml"))
    raise ModelUnknownError(name, list(paths))


def list_cards(folder: Path | None = None) -> list[ModelCard]:
    """Return the cards of all models in ``folder`` (None: installed with us), by name.

    Raises:
        ModelMissingError: the folder is not there, or weights in it have no card.
        ModelMismatchError: a faulty card.
    """
    place = _folder(folder)
    if not place.is_dir():
        raise ModelMissingError("folder", str(place))
    names = {path.stem for pattern in ("*.toml", "*.onnx") for path in place.glob(pattern)}
    return [find_card(name, place) for name in sorted(names)]


def check_models(folder: Path | None = None) -> list[tuple[ModelCard, ModelError | None]]:
    """Return every card with what is wrong with its model, or None.

    Each network is loaded on the CPU and run once, on a ramp from 0 to 1: zeros would be a face of
    no size to the expression network, which divides by it.

    Raises:
        ModelMissingError: weights without a card.
        ModelMismatchError: a card that cannot be read.
    """
    return [(card, _problem(card, folder)) for card in list_cards(folder)]


def _problem(card: ModelCard, folder: Path | None) -> ModelError | None:
    try:
        network = load_network(card.name, folder=folder)
        shape = (1, *card.inputs[0].shape)
        outputs = network.run(np.linspace(0, 1, math.prod(shape), dtype=np.float32).reshape(shape))
    except ModelError as error:
        return error
    for tensor, output in zip(card.outputs, outputs, strict=True):
        if not np.isfinite(output).all():
            return ModelMismatchError(
                f"Model {card.name} answers a ramp with a {tensor.name} that is not finite.",
                hint="Install faceplate again, or check the version of onnxruntime.",
                name=card.name,
            )
    return None


def _folder(folder: Path | None) -> Path:
    return Path(str(resources.files("faceplate.core.models"))) if folder is None else folder


def _trusted_weights(card: ModelCard, folder: Path) -> bytes:
    path = folder / card.file
    try:
        weights = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelMissingError(card.name, str(path)) from error
    found = hashlib.sha256(weights).hexdigest()
    if found != card.sha256:
        raise ModelUntrustedError(
            f"The weights of {card.name} in {path} are not those of its card: "
            f"{len(weights)} bytes with sha256 {found[:16]} instead of "
            f"{card.bytes} bytes with {card.sha256[:16]}.",
            hint="Install faceplate again; do not use this file.",
            name=card.name,
            path=str(path),
            found=found,
            wanted=card.sha256,
        )
    return weights
