"""Generators that were taught one actor's face, kept with what else the cache has of the person."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from faceplate.core.arrays import FloatArray
from faceplate.core.card import ModelCard, Tensor
from faceplate.core.errors import ActorError, ModelError, ModelUnknownError
from faceplate.core.generators import OFFICIAL
from faceplate.core.geometry.square import CROP_SIDE
from faceplate.core.io.cache import key_of
from faceplate.core.io.taught import find_taught, keep_taught, taught_file
from faceplate.core.job import Finetune
from faceplate.core.netcrop import SourceCrop
from faceplate.core.nets.load import find_card
from faceplate.core.report import Progress
from faceplate.core.source import Actor

if TYPE_CHECKING:
    from faceplate.core.training.finetune import FinetuneSettings

_RECIPE = 1
"""Raised whenever the same views would give other weights."""
_PERCEPTUAL, _PERCEPTUAL_RELEASED = "face_perceptual", "official_perceptual_identity"
_STAGE, _UNIT = "finetune", "steps"


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """A reenactment network that knows an actor.

    Attributes:
        card: what it is.
        content: its ONNX file.
        views: of the actor, that it learned from.
        steps: of the training.
        first, last: mean loss of the first and of the last tenth of the steps.
        seconds: that the training took, or the finding.
        kept: whether it was in the cache, and nothing was trained.
        sentence: how it was taught, in words.
    """

    card: ModelCard
    content: bytes
    views: int
    steps: int
    first: float
    last: float
    seconds: float
    kept: bool
    sentence: str


def teach_actor(
    card: ModelCard,
    actor: Actor,
    crops: Sequence[SourceCrop],
    weights: str,
    folders: Sequence[Path],
    how: Finetune,
    *,
    cache_folder: Path | None,
    progress: Callable[[Progress], None],
) -> Taught:
    """Return a reenactment network that knows the actor: a kept one, or trained now.

    The same views and networks give the same weights: it is trained on one thread of the CPU,
    once, and found in the cache afterwards. `actor wipe` removes it there.

    Args:
        card: of the network as it was before.
        actor: whose face.
        crops: the actor's views as the networks take them.
        weights: which generators it is of.
        folders: where models are searched after those installed with us.
        how: how much it learns.
        cache_folder: where the result is kept, or None.
        progress: told of every step; what it raises ends the training, and nothing is kept.

    Raises:
        ActorError: one view makes no pair.
        ModelError: the network has no tensors to train, or torch is not installed.
        DiskError: the cache refuses.
    """
    began = time.perf_counter()
    try:
        from faceplate.core.training.finetune import FinetuneSettings
    except ImportError as error:
        raise ModelError(
            "Networks are fine-tuned with torch, which is not installed.",
            hint="Run `python install.py engine --train`, or leave --finetune out.",
        ) from error
    if len(crops) < 2:
        raise ActorError(
            f"Actor {actor.name} has one view, and fine-tuning learns from pairs.",
            hint="Build the actor from more footage, or leave --finetune out.",
        )
    settings = FinetuneSettings(how.samples, how.seed)
    perceptual = _perceptual(weights, folders)
    key = key_of(
        str(_RECIPE),
        card.sha256,
        "" if perceptual is None else perceptual.sha256,
        json.dumps(asdict(settings), sort_keys=True),
    )
    place = None if cache_folder is None else taught_file(cache_folder, actor.digest, key)
    found = None if place is None else find_taught(place)
    content, report = found or _trained(card, crops, perceptual, folders, settings, progress)
    if found is None and place is not None:
        keep_taught(place, content, report)
    taught = replace(
        card,
        name=f"{card.name}_finetuned",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        training=f"{card.training} Then the views of one actor.",
        parameters=None,
    )
    judge = "pixels alone, for want of a perceptual network"
    judge = judge if perceptual is None else f"pixels and {perceptual.name}"
    return Taught(
        card=taught,
        content=content,
        views=len(crops),
        steps=settings.steps,
        first=report["first"],
        last=report["last"],
        seconds=time.perf_counter() - began,
        kept=found is not None,
        sentence=f"{settings.steps} steps of {settings.batch} on {len(crops)} views by {judge}; "
        f"loss {report['first']:.4f} to {report['last']:.4f}",
    )


def _perceptual(weights: str, folders: Sequence[Path]) -> ModelCard | None:
    name = _PERCEPTUAL_RELEASED if weights == OFFICIAL else _PERCEPTUAL
    try:
        return find_card(name, also=folders)
    except ModelUnknownError:
        return None


def _trained(
    card: ModelCard,
    crops: Sequence[SourceCrop],
    perceptual: ModelCard | None,
    folders: Sequence[Path],
    settings: FinetuneSettings,
    progress: Callable[[Progress], None],
) -> tuple[bytes, dict[str, float]]:
    import torch

    from faceplate.core.nets.export import export_onnx
    from faceplate.core.nets.perceptual import Vgg19, frozen
    from faceplate.core.official import load_trainable
    from faceplate.core.training.finetune import finetune

    progress(Progress(_STAGE, 0, settings.steps, unit=_UNIT))
    network = load_trainable(card.name, also=folders)
    taps = None
    if perceptual is not None:
        judge = frozen(load_trainable(perceptual.name, also=folders))
        assert isinstance(judge, Vgg19)
        taps = judge.taps

    class Levels(torch.nn.Module):
        """The generator, its levels as arguments of their own."""

        def forward(self, fine: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
            """Return the generator's picture."""
            picture: torch.Tensor = network([fine, coarse])
            return picture

    def told(done: int, total: int) -> None:
        progress(Progress(_STAGE, done, total, unit=_UNIT))

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # others would add in another order
    try:
        points = [crop.points[:, :2] / CROP_SIDE for crop in crops]
        pictures: list[FloatArray] = [crop.codes for crop in crops]
        report = finetune(network, pictures, points, taps, settings, progress=told)
    finally:
        torch.set_num_threads(before)
    levels = Levels()
    levels.network = network  # so that the file has the weights by their names
    names = [tensor.name for tensor in card.outputs]
    inputs: tuple[Tensor, ...] = card.inputs
    content = export_onnx(card.name, levels.eval(), inputs, names).content
    return content, asdict(report)
