"""The card of a model that we trained: written by the run, from what the run knows."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import nn

from faceplate.core.card import Licence, ModelCard, Origin, Parameters, card_text
from faceplate.core.io.atomic import replacing
from faceplate.core.nets.tensorfile import tensors_bytes
from faceplate.core.training.checkpoint import Position
from faceplate.core.training.export import Exported
from faceplate.core.training.settings import RunSettings
from faceplate.core.training.task import Model

_LICENCE = Licence("Apache-2.0", "ours: trained by faceplate on pictures that it rendered itself")


def card_of(
    model: Model,
    exported: Exported,
    settings: RunSettings,
    position: Position,
    *,
    weights: Path,
    metrics: Mapping[str, float],
) -> ModelCard:
    """Return the card of an exported model.

    Args:
        model: what was exported.
        exported: the file and how exact it is.
        settings: of the run.
        position: how far the run came.
        weights: the safetensors file that the model was made from.
        metrics: what the shipped weights measured.
    """
    stages = ", ".join(
        f"{stage.steps} steps of {stage.batch} at {stage.size_px} px" for stage in settings.stages
    )
    measured = ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())
    rounding = f"The file differs from the trained network by {exported.rounding:.1e} of its range."
    training = (
        f"{model.training}. Data {position.data[:16]}, seed {settings.seed}; {stages}; best after "
        f"step {position.best_step} of {position.done} done, in {position.seconds:.0f} s on "
        f"{position.hardware}. Validation: {measured}. {rounding}"
    )
    return ModelCard(
        name=model.name,
        task=model.task,
        file=f"{model.name}.onnx",
        sha256=hashlib.sha256(exported.content).hexdigest(),
        bytes=len(exported.content),
        licence=_footage_licence(model.performers) if model.performers else _LICENCE,
        origin=Origin(
            registry="faceplate",
            package="faceplate",
            version=importlib.metadata.version("faceplate"),
            file=weights.name,
            sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        ),
        inputs=model.inputs,
        outputs=model.outputs,
        training=training,
        limits=model.limits,
        clearance="open",
        labels=model.labels,
        parameters=_parameters(model),
    )


def _footage_licence(performers: Sequence[str]) -> Licence:
    return Licence(
        "LicenseRef-performers",
        "whoever trained it, within what was agreed to by those whose footage it learnt from: "
        + "; ".join(performers),
    )


def write_model(
    folder: Path, card: ModelCard, exported: Exported, model: Model | None = None
) -> tuple[Path, ...]:
    """Write a model and its card into ``folder``; return their paths.

    Args:
        folder: where.
        card: of the model.
        exported: the file.
        model: whose tensors are written too, where its card says so.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    contents = {card.file: exported.content}
    if card.parameters is not None and model is not None and model.parameters is not None:
        contents[card.parameters.file] = _tensors(model.parameters)
    # The card comes last: without it the weights are not used.
    contents[f"{card.name}.toml"] = card_text(card).encode()
    for name, content in contents.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content)
    return tuple(folder / name for name in contents)


def _parameters(model: Model) -> Parameters | None:
    if model.parameters is None:
        return None
    content = _tensors(model.parameters)
    return Parameters(f"{model.name}.safetensors", hashlib.sha256(content).hexdigest())


def _tensors(network: nn.Module) -> bytes:
    return tensors_bytes({k: t.detach().cpu().numpy() for k, t in network.state_dict().items()})
