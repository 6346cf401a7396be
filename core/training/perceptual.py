"""The task of the perceptual network: who is seen and what they look like, so that features matter.

Its features tell the generators' losses how alike two faces are. It learns from rendered persons
and their attributes alone. Never from ImageNet, and no embedding of faces has a part in it.

Source: VGG19 as in the released FSGAN code, `fsgan.md` 8.1; persons and attributes are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from faceplate.core.arrays import AnyArray, ByteArray, FloatArray
from faceplate.core.errors import TrainingError
from faceplate.core.nets.perceptual import Vgg19
from faceplate.core.recipes import RECIPES
from faceplate.core.synth.camera import CLEAN, CameraSettings
from faceplate.core.synth.expressions import EXPRESSIONS
from faceplate.core.training.contest import OURS, outputs_of, sheet, signed
from faceplate.core.training.pairs import (
    PairSettings,
    People,
    exposed,
    framing_of,
    open_people,
    stacked,
)
from faceplate.core.training.settings import RunSettings, StageSettings
from faceplate.core.training.task import Batch, Model, Networks, Part, Update, Validation

PART = "perceptual"
NAME = "face_perceptual"
TAGS = (
    "tone0", "tone1", "tone2", "tone3", "tone4", "tone5", "black", "dark", "brown", "fair", "blond",
    "red", "grey", "white", "bald", "beard", "glasses", "hat",
)  # fmt: skip
"""Attributes that a picture has or has not; as the renderer calls them."""
ACTIONS = ("jawOpen", "mouthSmile", "mouthPucker", "eyeBlink", "browInnerUp", "browDown")
"""Expressions that are shown or not, on either side."""
TURNS = ("turned left", "turned right", "looks up", "looks down")

_SHOWN = 0.3
_TURNED_DEGREES = (15.0, 6.0)
_JUDGED_SEED, _AT_ONCE = 814, 32
_FAULTS = CameraSettings(
    **{name: 0.0 for name in CLEAN.__slots__} | {"defocus": 0.2, "grain": 0.3, "video": 0.3}
)


@dataclass(frozen=True, slots=True)
class PerceptualSettings:
    """What the perceptual network is and learns from.

    Attributes:
        width: channels of the first block; 64 as released.
        hidden: values between the classifier's layers; 4096 as released.
        dropout: share of them that is left out; a narrow network learns nothing at 0.5.
        persons: weight of telling persons apart.
        attributes: weight of the attributes.
        pairs: how views are cut; nothing is paired.
    """

    width: int = 8
    hidden: int = 512
    dropout: float = 0.0
    persons: float = 1.0
    attributes: float = 1.0
    pairs: PairSettings = field(
        default_factory=lambda: PairSettings(
            zoom=0.08, shift=0.04, turn=10.0, stops=0.5, balance=0.08, camera=_FAULTS
        )
    )


@dataclass(frozen=True, slots=True)
class PerceptualBatches:
    """Makes batches of single views.

    Attributes:
        people: whom to learn.
        views: the pictures of each person that may be drawn.
        marks: (P, M) uint8; which tags and actions each picture of the set shows.
        settings: of the task.
        stage: says size and number.
    """

    people: People
    views: tuple[tuple[int, ...], ...]
    marks: ByteArray
    settings: PerceptualSettings
    stage: StageSettings

    def __call__(self, rng: np.random.Generator) -> Batch:
        """Return "codes" (B, h, w, 3) uint8, "person" (B,) int64, "marks" (B, M + turns) uint8."""
        return stacked([self._one(rng) for _ in range(self.stage.batch)])

    def _one(self, rng: np.random.Generator) -> dict[str, AnyArray]:
        person = int(rng.integers(len(self.views)))
        number = self.views[person][rng.integers(len(self.views[person]))]
        settings = self.settings.pairs
        framing = framing_of(
            rng,
            settings,
            turn=float(rng.normal(0, settings.turn)),
            mirrored=bool(rng.random() < settings.flip),
        )
        view = self.people.view(number, framing, self.stage.size_px)
        (codes,) = exposed([view], rng, settings)
        return {
            "codes": codes,
            "person": np.array(person),
            "marks": np.concatenate([self.marks[number], turns_of(view.pose)]),
        }


class PerceptualTask:
    """Trains a network to tell persons apart and to name what they look like."""

    def __init__(self, run: RunSettings, settings: PerceptualSettings) -> None:
        """Open the data and build the network; one view of each person is kept to judge by.

        Raises:
            TrainingError: no data, stages of several sizes, or nobody with two views.
        """
        sizes = {stage.size_px for stage in run.stages}
        if len(sizes) > 1:
            raise TrainingError(
                "The perceptual network's classifier takes one size of picture.",
                hint="Give all stages the same size_px.",
            )
        self._run, self._settings = run, settings
        self._people = open_people(run.data)
        views = [numbers for numbers in self._people.views if len(numbers) > 1]
        if not views:
            raise TrainingError(
                "Nobody in the data has 2 views.",
                hint="Render a set with `faceplate synth --views 4`.",
            )
        self._learnt = tuple(numbers[:-1] for numbers in views)
        self._kept = tuple(numbers[-1:] for numbers in views)
        self._marks = marks_of(self._people)
        classes = len(views) + self._marks.shape[1] + len(TURNS)
        (side,) = sizes
        network = Vgg19(
            classes,
            width=settings.width,
            side=side,
            hidden=settings.hidden,
            dropout=settings.dropout,
        )
        self._parts = {PART: Part(network)}

    @property
    def parts(self) -> Mapping[str, Part]:
        """The one network, as `PART`."""
        return self._parts

    @property
    def digest(self) -> str:
        """The hash of the data's indices."""
        return self._people.pictures.digest

    def begin(self, stage: StageSettings, device: torch.device) -> PerceptualBatches:
        """Return what makes the batches of a stage."""
        return PerceptualBatches(self._people, self._learnt, self._marks, self._settings, stage)

    def step(
        self, networks: Networks, batch: Mapping[str, Tensor], update: Update
    ) -> dict[str, Tensor]:
        """Learn from one batch."""
        persons, marks = self._answers(networks, batch)
        who = functional.cross_entropy(persons, batch["person"])
        what = functional.binary_cross_entropy_with_logits(marks, batch["marks"].float())
        total = self._settings.persons * who + self._settings.attributes * what
        update(PART, total)
        return {"total": total, "persons": who, "attributes": what}

    def validate(self, networks: Networks, most: int) -> Validation:
        """Measure how often persons are known again from a view that was not learnt from."""
        count = min(most or len(self._kept), len(self._kept))
        stage = StageSettings(size_px=self._run.stages[0].size_px, batch=min(count, _AT_ONCE))
        batches = PerceptualBatches(self._people, self._kept, self._marks, self._settings, stage)
        device = next(networks[PART].parameters()).device
        known, right, chance = [], [], []
        for number in range(-(-count // stage.batch)):
            made = batches(np.random.default_rng([_JUDGED_SEED, number]))
            batch = {name: torch.from_numpy(array).to(device) for name, array in made.items()}
            with torch.no_grad():
                persons, marks = self._answers(networks, batch)
            known.append(float((persons.argmax(1) == batch["person"]).float().mean()))
            truth = batch["marks"] > 0
            right.append(float(((marks > 0) == truth).float().mean()))
            share = truth.float().mean(0)
            chance.append(float(torch.maximum(share, 1 - share).mean()))
        numbers = {
            "persons known": float(np.mean(known)),
            "attributes right": float(np.mean(right)),
            "attributes by their commonest value": float(np.mean(chance)),
        }
        return Validation(numbers["persons known"] + numbers["attributes right"], numbers)

    def draw(self, networks: Networks, batch: Mapping[str, Tensor]) -> Mapping[str, ByteArray]:
        """Return one sheet of what is seen."""
        return {"seen": sheet([signed(batch["codes"])])}

    def models(self, networks: Networks) -> tuple[Model, ...]:
        """Return the network as what gives the features that losses compare."""
        network = networks[PART]
        shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
        recipe = next(recipe for recipe in RECIPES if recipe.matches(shapes))
        with torch.device("meta"):
            known = recipe.recognise(shapes)
        runnable = known.runnable(network)
        views = sum(map(len, self._learnt))
        return (
            Model(
                name=self._run.name or NAME,
                network=runnable,
                task=known.task,
                inputs=known.inputs,
                outputs=outputs_of(runnable, known.inputs, known.outputs),
                labels=(),
                training=(
                    f"{OURS} Persons and attributes of "
                    f"{views} views of {len(self._learnt)} rendered heads"
                ),
                limits=known.limits,
                parameters=network,
            ),
        )

    def _answers(self, networks: Networks, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the logits of persons and of attributes."""
        count = len(self._learnt)
        logits: Tensor = networks[PART](signed(batch["codes"])).float()
        return logits[:, :count], logits[:, count:]


def marks_of(people: People) -> ByteArray:
    """Return which of `TAGS` and `ACTIONS` each picture shows, (P, M) uint8 of 0 and 1."""
    words = [set(str(text).split()) for text in people.pictures.column("tags")]
    tags = np.array([[tag in one for tag in TAGS] for one in words], np.uint8)
    acting = people.pictures.column("expression")
    sides = [
        [k for k, name in enumerate(EXPRESSIONS) if name.split("_")[0] == action]
        for action in ACTIONS
    ]
    shown = np.stack([acting[:, places].max(axis=1) > _SHOWN for places in sides], axis=1)
    return np.concatenate([tags, shown.astype(np.uint8)], axis=1)


def turns_of(pose: FloatArray) -> ByteArray:
    """Return which of `TURNS` a pose is, uint8 of 0 and 1."""
    (yaw, pitch, _), (aside, up) = pose, _TURNED_DEGREES
    return np.array([yaw > aside, yaw < -aside, pitch > up, pitch < -up], np.uint8)
