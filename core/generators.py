"""Which networks draw a face: ours, FSGAN's released ones, or a user's own by their prefix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceplate.core.analyse import SEGMENTER
from faceplate.core.analysis.official import RELEASED_LABELS
from faceplate.core.card import ModelCard
from faceplate.core.errors import ModelMismatchError, ModelMissingError, ModelUnknownError
from faceplate.core.geometry.square import CROP_SIDE
from faceplate.core.nets.load import find_card, load_network
from faceplate.core.nets.run import Network
from faceplate.core.stages.inpaint import CUED_CHANNELS

SMALL, OFFICIAL = "small", "official"
"""Words for the weights that we trained, and for those that the authors released."""

MOVER = "landmark_transformer"
"""The network that moves landmarks between head poses; where it is not, they turn rigidly."""

_ROLES: Mapping[str, tuple[int, ...]] = {
    "reenact": (101,),
    "complete": (4, CUED_CHANNELS),
    "blend": (7,),
}
"""What a generator does, and how many channels it takes for it: FSGANv2, `fsgan.md` 7.

A completion may take cues besides, a design of ours.
"""
_PREFIXES: Mapping[str, str] = {SMALL: "fsgan", OFFICIAL: "official"}
_IMPORTED: Mapping[str, str] = {"official_complete": "official_inpaint"}
"""Names that an import gives."""


@dataclass(frozen=True, slots=True, eq=False)
class Generators:
    """The networks that draw a face.

    Attributes:
        reenact: a source view and landmarks to a face that has them.
        complete: a face with holes, and an outline, to a face of that outline.
        blend: a pasted face and its target to one that fits.
        segment: says what of a drawn picture is face.
        mover: moves landmarks between head poses, or None.
    """

    reenact: Network
    complete: Network
    blend: Network
    segment: Network
    mover: Network | None

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """What they are; our segmenter apart, which renders go through unless told otherwise."""
        drawn = [self.reenact, self.complete, self.blend]
        own = [] if self.segment.card.name == SEGMENTER else [self.segment]
        return tuple(n.card for n in [*drawn, *own, *([self.mover] if self.mover else [])])


def generator_cards(weights: str, folders: Sequence[Path], steps: int = 1) -> dict[str, ModelCard]:
    """Return the cards of the networks that are meant, by what they do.

    Beside "reenact", "complete" and "blend" there is "segment" where these weights have a segmenter
    of their own, and "mover" where more than one step is wanted and that network is there.

    Args:
        weights: "small", "official", or the prefix of the names.
        folders: where models are searched after those installed with us.
        steps: passes of the reenactment that are allowed.

    Raises:
        ModelMissingError: one is not there; the hint says how to get it.
        ModelMismatchError: one of them takes or gives something else.
    """
    prefix = _PREFIXES.get(weights, weights)
    cards = {role: _card(f"{prefix}_{role}", weights, folders) for role in _ROLES}
    for role, card in cards.items():
        _check(role, card)
    more = {"segment": f"{prefix}_segment"} if weights != SMALL else {}
    more |= {"mover": MOVER} if steps > 1 else {}
    for role, name in more.items():
        found = _known(name, folders)
        if found is not None:
            cards[role] = found
    if "segment" in cards and cards["segment"].labels != RELEASED_LABELS:
        raise ModelMismatchError(
            f"Model {cards['segment'].name} does not label {', '.join(RELEASED_LABELS)}.",
            hint="Import the released segmenter under that name, or remove the model.",
            name=cards["segment"].name,
        )
    return cards


def open_generators(
    weights: str,
    folders: Sequence[Path],
    segmenter: Network,
    *,
    steps: int,
    threads: int,
    device: str = "cpu",
) -> Generators:
    """Return the networks that are meant, ready to run.

    Args:
        weights, folders, steps: as `generator_cards` has them.
        segmenter: the plate's, which looks at drawn pictures where the weights bring none.
        threads: how many threads a network may use; it does not change what it draws.
        device: "cpu" or "cuda".

    Raises:
        ModelError: one is missing, altered or unfit.
        DeviceError: the device is not there.
    """
    cards = generator_cards(weights, folders, steps)
    opened = {
        role: segmenter
        if card == segmenter.card
        else load_network(card.name, threads=threads, device=device, also=folders)
        for role, card in cards.items()
    }
    return Generators(
        reenact=opened["reenact"],
        complete=opened["complete"],
        blend=opened["blend"],
        segment=opened.get("segment", segmenter),
        mover=opened.get("mover"),
    )


def _known(name: str, folders: Sequence[Path]) -> ModelCard | None:
    try:
        return find_card(name, also=folders)
    except ModelUnknownError:
        return None


def _card(name: str, weights: str, folders: Sequence[Path]) -> ModelCard:
    name = _IMPORTED.get(name, name)
    card = _known(name, folders)
    if card is not None:
        return card
    bring = "bring the released one in with `faceplate models import FILE.pth` and choose "
    hint = {
        SMALL: f"Install faceplate again, train it with `faceplate train`, or {bring}--weights "
        "official.",
        OFFICIAL: "Bring it in with `faceplate models import FILE.pth`.",
    }.get(weights, "Weights are small, official, or what the names of your models begin with.")
    raise ModelMissingError(name, f"{name}.toml", hint=hint)


def _check(role: str, card: ModelCard) -> None:
    """Compare a card with what a generator of this role takes and gives."""
    sides = (CROP_SIDE, CROP_SIDE // 2)
    takes = [[(count, side, side) for side in sides] for count in _ROLES[role]]
    wanted = takes[0]
    found = [tensor.shape for tensor in card.inputs]
    if found not in takes or card.outputs[0].shape != (3, CROP_SIDE, CROP_SIDE):
        raise ModelMismatchError(
            f"Model {card.name} cannot {role}: it takes {found} and gives "
            f"{card.outputs[0].shape}, and {wanted} and {(3, CROP_SIDE, CROP_SIDE)} are wanted.",
            hint="Choose other --weights; those of FSGAN's first version do not serve here.",
            name=card.name,
            role=role,
        )
