"""The task of segmentation: which class covers each pixel of a face crop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from faceplate.core.arrays import ByteArray, FloatArray
from faceplate.core.card import Tensor as CardTensor
from faceplate.core.errors import TrainingError
from faceplate.core.synth.camera import CameraSettings, photograph
from faceplate.core.synth.picture import CLASSES
from faceplate.core.synth.validation import SEEDS as VALIDATION_SEEDS
from faceplate.core.training.augment import AugmentSettings, Labelled, augment, centred
from faceplate.core.training.dataset import PictureSet, Sample, open_set
from faceplate.core.training.losses import segmentation_losses
from faceplate.core.training.photographs import Photographs, read_photographs
from faceplate.core.training.segmetrics import (
    Judged,
    Segmenter,
    SegmentReport,
    evaluate,
    groups_of,
)
from faceplate.core.training.settings import RunSettings, StageSettings
from faceplate.core.training.task import Batch, Model, Networks, Part, Update, Validation

PART = "segmenter"
SIZE_PX = 256
"""Side of the crops that the shipped network sees, and that it is judged on."""

_DOMAIN = "RGB in the network domain, codes 0..1; a square of twice the face's height"
_COLORS = np.array(
    [[40, 40, 40], [230, 170, 140], [200, 140, 20], [60, 120, 230], [220, 40, 60], [110, 180, 90]],
    np.uint8,
)
"""Of the classes, in pictures for TensorBoard."""
_DRAWN = 8


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """What a segmentation network learns from, and what it is told to mind.

    Attributes:
        class_weights: of the classes in the cross-entropy, in their order.
        dice: weight of the Dice loss.
        boundary: extra weight of pixels where areas meet.
        weight_decay: of the weights.
        shares: of each data folder in a batch; none means by number of pictures.
        holdout: share of the persons kept for validation when no set is named for it.
        photographs: folders of pictures without faces, which stand behind heads.
        augment: how far pictures are changed.
        camera: what the camera does to them.
    """

    class_weights: tuple[float, float, float, float, float, float] = (1.0, 1.2, 1.2, 2.0, 1.5, 1.0)
    dice: float = 1.0
    boundary: float = 1.5
    weight_decay: float = 1e-4
    shares: tuple[float, ...] = ()
    holdout: float = 0.05
    photographs: tuple[str, ...] = ()
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    camera: CameraSettings = field(default_factory=CameraSettings)


@dataclass(frozen=True, slots=True)
class Camera:
    """`photograph` with its settings; can be handed to another process."""

    settings: CameraSettings

    def __call__(self, linear: FloatArray, rng: np.random.Generator) -> ByteArray:
        """Return codes (h, w, 3) uint8 of linear light."""
        return photograph(linear, rng, self.settings)


@dataclass(frozen=True, slots=True)
class SegmentBatches:
    """Makes batches of augmented pictures.

    Attributes:
        sets: one set for each data folder.
        numbers: which pictures of each set to learn from.
        shares: chance of each set.
        settings: of the task.
        stage: says size and number.
        behind: photographs for backgrounds, or None.
    """

    sets: tuple[PictureSet, ...]
    numbers: tuple[tuple[int, ...], ...]
    shares: tuple[float, ...]
    settings: SegmentSettings
    stage: StageSettings
    behind: Photographs | None

    def __call__(self, rng: np.random.Generator) -> Batch:
        """Return "codes" (B, h, w, 3), "coverage" (B, h, w, 6), "valid" (B, h, w), all uint8."""
        made = [self._one(rng) for _ in range(self.stage.batch)]
        names = ("codes", "coverage", "valid")
        return {name: np.stack([getattr(one, name) for one in made]) for name in names}

    def _one(self, rng: np.random.Generator) -> Labelled:
        def draw() -> Sample:
            which = int(rng.choice(len(self.sets), p=self.shares))
            return self.sets[which].sample(self.numbers[which][rng.integers(self._count(which))])

        camera, settings = Camera(self.settings.camera), self.settings.augment
        return augment(draw(), draw, camera, rng, settings, self.stage.size_px, self.behind)

    def _count(self, which: int) -> int:
        return len(self.numbers[which])


class SegmentTask:
    """Trains one network that labels pixels; whichever takes (B, 3, h, w) and gives logits."""

    def __init__(
        self, run: RunSettings, settings: SegmentSettings, build: Callable[[], nn.Module]
    ) -> None:
        """Open the data and build the network.

        Args:
            run: names the data.
            settings: of the task.
            build: makes the network, with random weights.

        Raises:
            TrainingError: no data, or shares that do not fit it.
        """
        self._run = run
        self._settings = settings
        self._sets = tuple(open_set([Path(folder)]) for folder in run.data)
        whole = open_set([Path(folder) for folder in run.data])
        self._judged = open_set([Path(folder) for folder in run.validation or run.data])
        kept = 0.0 if run.validation else settings.holdout
        self._numbers = tuple(_persons(one, kept, held=False) for one in self._sets)
        everything = tuple(range(len(self._judged)))
        self._held = everything if run.validation else _persons(self._judged, kept, held=True)
        self._shares = _shares(settings.shares, self._numbers)
        self._digest = whole.digest
        self._behind = read_photographs(settings.photographs)
        network = build()
        self._parts = {PART: Part(network, weight_decay=settings.weight_decay)}

    @property
    def parts(self) -> Mapping[str, Part]:
        """The one network, as `PART`."""
        return self._parts

    @property
    def digest(self) -> str:
        """The hash of the data's indices."""
        return self._digest

    def begin(self, stage: StageSettings, device: torch.device) -> SegmentBatches:
        """Return what makes the batches of a stage."""
        return SegmentBatches(
            self._sets, self._numbers, self._shares, self._settings, stage, self._behind
        )

    def step(
        self, networks: Networks, batch: Mapping[str, Tensor], update: Update
    ) -> dict[str, Tensor]:
        """Learn from one batch."""
        codes, coverage = _planes(batch["codes"]), _planes(batch["coverage"])
        losses = segmentation_losses(
            networks[PART](codes),
            coverage / coverage.sum(1, keepdim=True).clamp_min(1e-3),
            batch["valid"].float() / 255,
            weights=torch.tensor(self._settings.class_weights, device=codes.device),
            dice=self._settings.dice,
            boundary=self._settings.boundary,
        )
        update(PART, losses["total"])
        return losses

    def validate(self, networks: Networks, most: int) -> Validation:
        """Judge the network on crops framed as at run time, photographed the same every time."""
        report = self.report(segmenter_of(networks[PART]), most)
        return Validation(report.score, report.numbers())

    def report(self, segmenter: Segmenter, most: int = 0) -> SegmentReport:
        """Judge any segmenter on the validation pictures; ``most`` 0 means all."""
        numbers = self._held
        if 0 < most < len(numbers):
            numbers = tuple(numbers[k * len(numbers) // most] for k in range(most))
        return evaluate(segmenter, judged_pictures(self._judged, numbers, self._settings.camera))

    def draw(self, networks: Networks, batch: Mapping[str, Tensor]) -> Mapping[str, ByteArray]:
        """Return one sheet: pictures, their labels, what the network says."""
        codes = batch["codes"][:_DRAWN]
        with torch.no_grad():
            found = networks[PART](_planes(codes)).argmax(1).cpu().numpy()
        true = batch["coverage"][:_DRAWN].argmax(3).cpu().numpy()
        rows = (codes.cpu().numpy(), _COLORS[true], _COLORS[found])
        return {"labels": np.concatenate([np.concatenate(list(row), axis=1) for row in rows])}

    def models(self, networks: Networks) -> tuple[Model, ...]:
        """Return the network, with pictures in and out as the engine's crops are."""
        pictures = sum(map(len, self._numbers))
        return (
            Model(
                name=self._run.name or "face_segment",
                network=Channelslast(networks[PART]),
                task="labels of the pixels around a face",
                inputs=(
                    CardTensor(
                        "input",
                        (SIZE_PX, SIZE_PX, 3),
                        "HWC",
                        _DOMAIN,
                    ),
                ),
                outputs=(
                    CardTensor(
                        "logits", (SIZE_PX, SIZE_PX, len(CLASSES)), "HWC", "logits of the labels"
                    ),
                ),
                labels=CLASSES,
                training=f"{pictures} pictures of heads rendered by faceplate",
                limits="Learnt from rendered heads only; one face to a crop, level and centred.",
            ),
        )


class Channelslast(nn.Module):
    """A network for pictures (B, h, w, C) instead of (B, C, h, w)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, codes: Tensor) -> Tensor:
        """Return (B, h, w, classes) logits of (B, h, w, 3) codes."""
        logits: Tensor = self.network(codes.permute(0, 3, 1, 2))
        return logits.permute(0, 2, 3, 1)


def segmenter_of(network: nn.Module) -> Segmenter:
    """Return a torch network as what `segmetrics.evaluate` takes."""
    device = next(network.parameters()).device

    def segment(codes: FloatArray) -> FloatArray:
        planes = torch.from_numpy(codes).to(device).permute(0, 3, 1, 2)
        with torch.no_grad():
            logits = network(planes)
        return np.asarray(logits.float().permute(0, 2, 3, 1).cpu().numpy())

    return segment


def judged_pictures(
    pictures: PictureSet, numbers: Sequence[int], camera: CameraSettings
) -> Iterator[Judged]:
    """Yield pictures to judge by; the same set gives the same bytes.

    The camera's faults are half as frequent and strong as in training, where they are overdone.
    """
    photographer = Camera(camera.scaled(0.5))
    for number in numbers:
        sample = pictures.sample(number)
        one = centred(sample, photographer, np.random.default_rng(sample.seed), SIZE_PX)
        groups = groups_of(sample.tags, sample.yaw)
        yield Judged(one.codes, one.coverage, one.valid, groups)


def _planes(pictures: Tensor) -> Tensor:
    """Return (B, C, h, w) float32, 0 to 1, of (B, h, w, C) bytes; channels stay last in memory."""
    return pictures.permute(0, 3, 1, 2).float() / 255


def _persons(pictures: PictureSet, holdout: float, *, held: bool) -> tuple[int, ...]:
    """Return the pictures of persons that are held out, or that are not.

    What is kept for validation by its seed is never learnt from, whatever folder it is in.
    """
    every = max(round(1 / holdout), 2) if holdout > 0 else 0
    rows = enumerate(zip(pictures.numbers("identity"), pictures.numbers("seeds"), strict=True))
    return tuple(
        number
        for number, (person, seed) in rows
        if bool(every and person % every == 0) is held and (held or seed not in VALIDATION_SEEDS)
    )


def _shares(asked: tuple[float, ...], numbers: tuple[tuple[int, ...], ...]) -> tuple[float, ...]:
    if not all(numbers):
        raise TrainingError(
            "A data folder has no picture to learn from.", hint="Render more, or leave it out."
        )
    if asked and (len(asked) != len(numbers) or min(asked) <= 0):
        raise TrainingError(
            f"There are {len(numbers)} data folders and shares {asked}.",
            hint="Give one share above 0 for each folder.",
        )
    shares = np.array(asked or [len(one) for one in numbers], np.float64)
    return tuple(float(share) for share in shares / shares.sum())
