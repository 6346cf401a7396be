"""From a model's name to a network: card, file, hash, and only then a session."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np

from faceplate.core.arrays import FloatArray
from faceplate.core.card import ModelCard, read_card
from faceplate.core.errors import (
    ModelError,
    ModelMismatchError,
    ModelMissingError,
    ModelUnknownError,
    ModelUntrustedError,
)
from faceplate.core.nets.run import Network, open_network
from faceplate.core.nets.tensorfile import Tensors, tensors_of

_SMALLEST = "face_det_short"
"""Network that a device is tried with: it is shipped, and loads at once."""
_ANY = 160
"""Length of an axis that may have any, when a model is tried."""


def load_network(
    name: str,
    *,
    threads: int = 1,
    device: str = "cpu",
    folder: Path | None = None,
    also: Sequence[Path] = (),
) -> Network:
    """Return the model called ``name``, ready to run.

    Args:
        name: the card's name, e.g. "face_mesh478".
        threads: how many threads one call may use.
        device: "cpu" or "cuda"; there is no falling back from one to the other.
        folder: where cards and weights are; None for those that are installed with us.
        also: folders that are searched after it, for models that the user brought.

    Raises:
        ModelUnknownError: no such model; the hint lists those there are.
        ModelMissingError: the card or the weights file is not there.
        ModelMismatchError: a faulty card, or weights that do not fit it.
        ModelUntrustedError: the weights are not the bytes that the card vouches for.
        DeviceError: the device is not there.
        KnobError: a device of another name, or ``threads`` below 1.
    """
    card, place = _find(name, [_folder(folder), *also])
    weights = trusted_file(card.name, place / card.file, card.sha256)
    return open_network(card, weights, threads=threads, device=device)


def check_device(device: str) -> None:
    """Refuse a device on which no network would run, before any work.

    Args:
        device: "cpu", which every machine has, or "cuda", which is tried with a small network.

    Raises:
        DeviceError: the device is not there.
        KnobError: a device of another name.
    """
    if device != "cpu":
        load_network(_SMALLEST, device=device)


def find_card(name: str, folder: Path | None = None, also: Sequence[Path] = ()) -> ModelCard:
    """Return the card of one model; ``folder`` and ``also`` as for `load_network`.

    Raises:
        ModelUnknownError: no such model; the hint lists those there are.
        ModelMissingError: weights of that name are there, their card is not.
        ModelMismatchError: a faulty card.
    """
    return _find(name, [_folder(folder), *also])[0]


def read_parameters(name: str, folder: Path | None = None, also: Sequence[Path] = ()) -> Tensors:
    """Return the tensors of one model, by their keys, as training and export need them.

    Raises:
        ModelError: as `load_network`, or the model has no tensors beside its weights file.
    """
    card, place = _find(name, [_folder(folder), *also])
    if card.parameters is None:
        raise ModelMismatchError(
            f"Model {name} comes without its tensors: it can be run, not trained.",
            hint="Import its checkpoint again, or choose another model.",
            name=name,
        )
    content = trusted_file(name, place / card.parameters.file, card.parameters.sha256)
    return tensors_of(content, str(place / card.parameters.file))


def list_cards(folder: Path | None = None, also: Sequence[Path] = ()) -> list[ModelCard]:
    """Return the cards of all models in ``folder`` (None: installed with us), by name.

    Those in the folders ``also`` follow, folder by folder.

    Raises:
        ModelMissingError: a folder is not there, or weights in it have no card.
        ModelMismatchError: a faulty card.
    """
    return [card for place in (_folder(folder), *also) for card in _cards_in(place)]


def _cards_in(place: Path) -> list[ModelCard]:
    if not place.is_dir():
        raise ModelMissingError("folder", str(place))
    names = {path.stem for pattern in ("*.toml", "*.onnx") for path in place.glob(pattern)}
    return [_find(name, [place])[0] for name in sorted(names)]


def check_models(
    folder: Path | None = None, also: Sequence[Path] = ()
) -> list[tuple[ModelCard, ModelError | None]]:
    """Return every card with what is wrong with its model, or None.

    Each network is loaded on the CPU and run once, on a ramp from 0 to 1: zeros would be a face of
    no size to the expression network, which divides by it.

    Raises:
        ModelMissingError: weights without a card.
        ModelMismatchError: a card that cannot be read.
    """
    places = (_folder(folder), *also)
    return [(card, _problem(card, place)) for place in places for card in _cards_in(place)]


def _problem(card: ModelCard, folder: Path) -> ModelError | None:
    try:
        outputs = load_network(card.name, folder=folder).run(
            *(_ramp((1, *tensor.shape)) for tensor in card.inputs)
        )
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


def _ramp(shape: tuple[int, ...]) -> FloatArray:
    shape = tuple(length or _ANY for length in shape)
    return np.linspace(0, 1, math.prod(shape), dtype=np.float32).reshape(shape)


def _find(name: str, places: Sequence[Path]) -> tuple[ModelCard, Path]:
    """Return a card and the folder that it was found in, the first one that has it."""
    known: list[str] = []
    for place in places:
        paths = {path.stem: path for path in sorted(place.glob("*.toml"))}
        if name in paths:
            return read_card(paths[name]), place
        if name in {path.stem for path in place.glob("*.onnx")}:
            raise ModelMissingError(name, str(place / f"{name}.toml"))
        known += paths
    raise ModelUnknownError(name, known)


def _folder(folder: Path | None) -> Path:
    return Path(str(resources.files("faceplate.core.models"))) if folder is None else folder


def trusted_file(name: str, path: Path, sha256: str) -> bytes:
    """Return the bytes of a model's file once they are those that its card vouches for.

    Raises:
        ModelMissingError: the file is not there.
        ModelUntrustedError: it has another hash.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelMissingError(name, str(path)) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelUntrustedError(
            f"The weights of {name} in {path} are not those of its card: "
            f"{len(content)} bytes have sha256 {found[:16]} instead of {sha256[:16]}.",
            hint="Install faceplate or import the model again; do not use this file.",
            name=name,
            path=str(path),
            found=found,
            wanted=sha256,
        )
    return content
