"""The task of reenactment: one view of a person, and the landmarks of another, to that other.

Source: the released FSGAN and FSGANv2 code, `fsgan.md` 8.2, 8.3 and 9.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.core.arrays import AnyArray, ByteArray, FloatArray
from faceplate.core.nets.blocks import pool_pyramid
from faceplate.core.stages.turn import turn_rigidly
from faceplate.core.synth.picture import CLASSES
from faceplate.core.training.contest import (
    GENERATOR,
    JUDGE,
    Contest,
    ContestSettings,
    as_plane,
    sheet,
    signed,
    unsigned,
)
from faceplate.core.training.ganlosses import WEIGHTS, Stepwise, stepwise_loss
from faceplate.core.training.pairs import (
    FACE,
    HAIR,
    MOUTH,
    PairSettings,
    People,
    View,
    cut_pair,
    exposed,
    people_of,
    stacked,
)
from faceplate.core.training.quality import qualities
from faceplate.core.training.settings import RunSettings, StageSettings
from faceplate.core.training.task import Batch, Model, Networks, Part, Update, Validation

NAME = "fsgan_reenact"
LIGHT = "light_reenact"
SIZE_PX = 256

_POWER_STEPS, _FLOOR = 3, 0.8
"""A disc is (1 - distance / sqrt 2) squared thrice, from 0.8 up to 1: `stages.discs`."""
_JUDGED_SEED = 811


@dataclass(frozen=True, slots=True)
class ReenactSettings:
    """What a reenactment network learns from, and what it is told to mind.

    Attributes:
        net: the generator and its judge.
        pairs: how views are cut and paired.
        gan: weight of deceiving the discriminator.
        seg: of the labels, where the generator says any.
        stepwise: whether two steps by way of landmarks half way must reach the target too.
        holdout: share of the persons kept for validation when no set is named for it.
    """

    net: ContestSettings = field(default_factory=ContestSettings)
    pairs: PairSettings = field(default_factory=PairSettings)
    gan: float = WEIGHTS["reenact"].gan
    seg: float = WEIGHTS["reenact_labels"].seg
    stepwise: bool = False
    holdout: float = 0.05


@dataclass(frozen=True, slots=True)
class ReenactBatches:
    """Makes batches of pairs of views.

    Attributes:
        people: to learn from.
        settings: of the task.
        stage: says size and number.
    """

    people: People
    settings: ReenactSettings
    stage: StageSettings

    def __call__(self, rng: np.random.Generator) -> Batch:
        """Return "source", "target" (B, h, w, 3) uint8 codes, "points" and "halfway" (B, 98, 2).

        Besides them "face" (B, h, w) uint8 of 0 and 1, and "labels" (B, h, w) uint8: background,
        face, hair; both of the target.
        """
        return stacked([self._one(rng) for _ in range(self.stage.batch)])

    def _one(self, rng: np.random.Generator) -> dict[str, AnyArray]:
        settings = self.settings.pairs
        pair = self.people.pair(rng, settings.near)
        views = cut_pair(self.people, pair, rng, settings, self.stage.size_px)
        codes = exposed(views, rng, settings)
        source, target = views
        return {
            "source": codes[0],
            "target": codes[1],
            "points": target.points,
            "halfway": halfway_points(source, target),
            "face": target.face.astype(np.uint8),
            "labels": labels_of(target.coverage),
        }


class ReenactTask:
    """Trains the reenactment generator against a discriminator."""

    def __init__(self, run: RunSettings, settings: ReenactSettings) -> None:
        """Open the data and build the networks.

        Raises:
            TrainingError: no data with several views of a person, or settings that do not fit.
            ModelError: a perceptual network is named that is not there.
        """
        self._run, self._settings = run, settings
        self._people, self._held = people_of(run.data, run.validation, settings.holdout, views=2)
        seg = settings.seg if settings.net.labels else 0.0
        self._contest = Contest(settings.net, LIGHT, seed=run.seed, gan=settings.gan, seg=seg)

    @property
    def parts(self) -> Mapping[str, Part]:
        """The generator and its judge."""
        return self._contest.parts

    @property
    def digest(self) -> str:
        """The hash of the data's indices."""
        return self._people.pictures.digest

    def begin(self, stage: StageSettings, device: torch.device) -> ReenactBatches:
        """Return what makes the batches of a stage."""
        self._contest.begin(stage, device)
        return ReenactBatches(self._people, self._settings, stage)

    def step(
        self, networks: Networks, batch: Mapping[str, Tensor], update: Update
    ) -> dict[str, Tensor]:
        """Learn from one batch."""
        contest, settings = self._contest, self._settings
        source, target = signed(batch["source"]), signed(batch["target"])
        face = as_plane(batch["face"])
        sources = pool_pyramid(source, contest.levels)
        onehot = functional.one_hot(batch["labels"].long(), 3).permute(0, 3, 1, 2).float()
        made: list[Tensor] = []

        def generator(pyramid: Sequence[Tensor]) -> Tensor | tuple[Tensor, Tensor]:
            answer = networks[GENERATOR](pyramid)
            picture, labels = answer if isinstance(answer, tuple) else (answer, None)
            made.append(contest.mixed(picture, target, face) if len(made) != 1 else picture)
            return made[-1] if labels is None else (made[-1], labels)

        if settings.stepwise:
            sides = [level.shape[-1] for level in sources]
            step = Stepwise(
                sources,
                [disc_maps(batch["halfway"], side) for side in sides],
                [disc_maps(batch["points"], side) for side in sides],
                target,
                scores=onehot * 2 - 1,
                labels=batch["labels"].long(),
            )
            judge = networks[JUDGE] if contest.weights.gan else None
            total = stepwise_loss(generator, step, contest.weights, judge=judge, **contest.taps)
        else:
            answer = generator(with_discs(sources, batch["points"]))
            total = contest.loss(networks, made[0], target)
            if isinstance(answer, tuple) and contest.weights.seg:
                total = total + contest.weights.seg * functional.l1_loss(answer[1], onehot * 2 - 1)
        losses = contest.learn(networks, update, total, made[0], target)
        return {**losses, "l1": functional.l1_loss(made[0], target)}

    def validate(self, networks: Networks, most: int) -> Validation:
        """Compare pictures of held-out persons with the truth, inside the face."""

        def row(batch: Mapping[str, Tensor]) -> dict[str, float]:
            found = unsigned(self._reenacted(networks, batch))
            source, target = (unsigned(signed(batch[name])) for name in ("source", "target"))
            face = as_plane(batch["face"])
            before = qualities(source, target, face)
            return qualities(found, target, face) | {f"source {k}": v for k, v in before.items()}

        return self._contest.validate(networks, self._batches, row, most, _JUDGED_SEED)

    def draw(self, networks: Networks, batch: Mapping[str, Tensor]) -> Mapping[str, ByteArray]:
        """Return one sheet: sources, targets, what the generator makes."""
        found = self._reenacted(networks, batch)
        return {"reenact": sheet([signed(batch["source"]), signed(batch["target"]), found])}

    def models(self, networks: Networks) -> tuple[Model, ...]:
        """Return the generator."""
        return (
            self._contest.model(
                networks,
                self._run.name or NAME,
                self._people,
                limits=(
                    "Blurred where views are far apart. Faces cut at 1.2 "
                    "times their box, the source turned to the target's roll."
                ),
            ),
        )

    def _reenacted(self, networks: Networks, batch: Mapping[str, Tensor]) -> Tensor:
        source = signed(batch["source"])
        return reenacted(networks[GENERATOR], source, batch["points"], self._contest.levels)

    def _batches(self, stage: StageSettings) -> ReenactBatches:
        return ReenactBatches(self._held, self._settings, stage)


def reenacted(generator: nn.Module, source: Tensor, points: Tensor, levels: int) -> Tensor:
    """Return the pictures that a reenactment generator makes; nothing flows back.

    Args:
        generator: takes a pyramid of pictures and discs.
        source: (B, 3, h, w), -1 to 1.
        points: (B, 98, 2), the target's landmarks, 0 to 1 of the crop.
        levels: of the pyramid.
    """
    pictures = pool_pyramid(source, levels)
    with torch.no_grad():
        answer = generator(with_discs(pictures, points))
    picture: Tensor = answer[0] if isinstance(answer, tuple) else answer
    return picture


def with_discs(pictures: Sequence[Tensor], points: Tensor) -> list[Tensor]:
    """Return a pyramid of pictures (B, 3, h, w), each with the discs of landmarks behind it."""
    return [torch.cat([level, disc_maps(points, level.shape[-1])], 1) for level in pictures]


def disc_maps(points: Tensor, side: int) -> Tensor:
    """Return `stages.discs.landmark_discs` of a batch, on the batch's device.

    Args:
        points: (B, 98, 2), 0 to 1 of the crop.
        side: of the maps.

    Returns:
        (B, 98, side, side).
    """
    places = (torch.arange(side, device=points.device) + 0.5) / side
    across, down = (
        (places - points[:, :, axis, None]).square() for axis in range(points.shape[-1])
    )
    near = (down[..., None] + across[:, :, None]).mul_(0.5).sqrt_().neg_().add_(1).clamp_(min=0)
    for _ in range(_POWER_STEPS):
        near.square_()
    return near.sub_(_FLOOR).div_(1 - _FLOOR).clamp_(min=0)


def halfway_points(source: View, target: View) -> FloatArray:
    """Return the source's landmarks half way to the target's pose and place, (98, 2).

    The head is turned rigidly, as a mean face is; what is drawn there has no truth and needs none.
    """
    middle = (source.pose + target.pose) / 2
    turned = turn_rigidly(source.points[None], source.pose[None], middle[None])[0]
    shift = (target.points.mean(axis=0) - source.points.mean(axis=0)) / 2
    return np.asarray(turned + shift, np.float32)


def labels_of(coverage: ByteArray) -> ByteArray:
    """Return what covers most of each pixel: 0 background and all else, 1 face, 2 hair."""
    label = np.zeros(len(CLASSES), np.uint8)
    label[[FACE, MOUTH]], label[HAIR] = 1, 2
    return np.asarray(label[coverage.argmax(axis=2)], np.uint8)
