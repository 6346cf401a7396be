"""FSGAN's first version, once imported: it gives an actor's frame somebody's expression.

Of its networks the reenactment labels what it draws, and the blend fits that to the frame. The
released scripts show them squares of 2.0 or 1.2 times the box; those whose maps are drawn as here
were trained on the smaller, which both are shown. What they make is `stages.express`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.card import ModelCard
from faceplate.core.errors import (
    JobError,
    ModelMismatchError,
    ModelMissingError,
    ModelUnknownError,
)
from faceplate.core.geometry.square import CROP_SIDE
from faceplate.core.job import Job
from faceplate.core.netcrop import SourceCrop, source_crop
from faceplate.core.nets.load import find_card, load_network
from faceplate.core.nets.run import Network
from faceplate.core.stages.express import express_face
from faceplate.core.stages.views import SourceView

FIRST = "official_v1"
"""Word for the weights of the first version."""

_MODELS: Mapping[str, tuple[str, int, int]] = {
    "reenact": ("official_reenact_v1", 71, 2),
    "blend": ("official_blend_v1", 7, 1),
}
"""By role: the name that an import gives, channels that it takes, pictures that it gives."""


def check_first(job: Job) -> None:
    """Refuse what the first version's networks do not serve for here.

    Raises:
        JobError: another task, another pose, several passes, or a fine-tuning.
    """
    if job.knobs.method != "fsgan" or job.knobs.weights != FIRST:
        return
    fits = job.task == "reenact" and job.knobs.pose == "expression-only"
    if not fits or job.knobs.steps != 1 or job.finetune:
        raise JobError(
            f"Weights {FIRST} give an actor's frame an expression, in one pass, and nothing else.",
            hint="Use them in `faceplate reenact --pose expression-only`; or choose others.",
        )


def first_cards(folders: Sequence[Path]) -> dict[str, ModelCard]:
    """Return the cards of the first version's two networks, by what they do.

    Args:
        folders: where models are searched after those installed with us.

    Raises:
        ModelMissingError: one was not imported.
        ModelMismatchError: one of them takes or gives something else.
    """
    cards = {}
    for role, (name, channels, pictures) in _MODELS.items():
        try:
            card = find_card(name, also=folders)
        except ModelUnknownError as error:
            hint = "Bring it in with `faceplate models import FILE.pth`, or choose other --weights."
            raise ModelMissingError(name, f"{name}.toml", hint=hint) from error
        taken = [tensor.shape for tensor in card.inputs]
        given = [tensor.shape for tensor in card.outputs]
        sides = (CROP_SIDE, CROP_SIDE // 2)
        if (
            taken != [(channels, side, side) for side in sides]
            or given != [(3, CROP_SIDE, CROP_SIDE)] * pictures
        ):
            raise ModelMismatchError(
                f"Model {name} is none of FSGAN's first version: it takes {taken}, gives {given}.",
                hint="Import the released file again, under the name that it gets by itself.",
                name=name,
            )
        cards[role] = card
    return cards


class FirstFaces:
    """Draws expressions. What it remembers changes how long it takes, nothing else."""

    def __init__(
        self,
        reenact: Network,
        blend: Network,
        sources: Sequence[SourceView],
        encode: Callable[[FloatArray], FloatArray],
    ) -> None:
        """Draw on an actor's views.

        Args:
            reenact, blend: the networks.
            sources: the actor's views, ready for sampling.
            encode: linear Rec.709 to code values.
        """
        self._reenact, self._blend, self._sources, self._encode = reenact, blend, sources, encode
        self._crops: dict[int, SourceCrop] = {}

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """What the networks are."""
        return (self._reenact.card, self._blend.card)

    def expressed(self, index: int, points: AnyArray) -> FloatArray:
        """Return a view with somebody's mouth, (3, 256, 256) float32, -1 to 1.

        Args:
            index: of the view, which keeps its pose and place.
            points: (98, 3) landmarks of who has the mouth, in pixels of a crop of their own.
        """
        if index not in self._crops:
            self._crops[index] = source_crop(self._sources[index], self._encode)
        crop = self._crops[index]
        return express_face(self._reenact, self._blend, crop.codes, crop.points, points)


def open_first(
    folders: Sequence[Path],
    sources: Sequence[SourceView],
    encode: Callable[[FloatArray], FloatArray],
    *,
    threads: int,
    device: str,
) -> FirstFaces:
    """Open the first version's networks for an actor.

    Args:
        folders: as `first_cards` has them.
        sources, encode: as `FirstFaces` has them.
        threads: how many threads a network may use.
        device: "cpu" or "cuda".

    Raises:
        ModelError: one is missing, altered or unfit.
        DeviceError: the device is not there.
    """
    opened = {
        role: load_network(card.name, threads=threads, device=device, also=folders)
        for role, card in first_cards(folders).items()
    }
    return FirstFaces(opened["reenact"], opened["blend"], sources, encode)
