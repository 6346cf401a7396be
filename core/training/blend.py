"""The task of blending: a face pasted on another person's, to the gradient-domain blend of both.

The loss is that of the released FSGANv2 code, `fsgan.md` 8.4, with a float solver. Ours, and unlike
it: the pasted face is a real view of the other person, of a near pose, warped by its landmarks, and
not what a frozen reenactment network drew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from scipy.interpolate import RBFInterpolator
from torch import Tensor
from torch.nn import functional

from faceplate.core.arrays import AnyArray, BoolArray, ByteArray, FloatArray
from faceplate.core.nets.blocks import pool_pyramid
from faceplate.core.stages.poisson import blend_gradients
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
from faceplate.core.training.ganlosses import WEIGHTS, poisson_blending_loss
from faceplate.core.training.pairs import (
    PairSettings,
    People,
    View,
    exposed,
    framing_of,
    people_of,
    stacked,
)
from faceplate.core.training.quality import qualities
from faceplate.core.training.settings import RunSettings, StageSettings
from faceplate.core.training.task import Batch, Model, Networks, Part, Update, Validation

NAME = "fsgan_blend"
LIGHT = "light_blend"
SIZE_PX = 256

_GRID = 24
"""Nodes along a side at which a warp is computed; between them it is interpolated."""
_STIFFNESS = 1e-3
_IRISES = 96
_JUDGED_SEED = 813


@dataclass(frozen=True, slots=True)
class BlendSettings:
    """What a blending network learns from, and what it is told to mind.

    Attributes:
        net: the generator and its judge.
        pairs: how views are cut.
        gan: weight of deceiving the discriminator.
        tries: persons drawn for each target, of whom the nearest in pose is pasted.
        least_rim, most_rim: how far the matte lies within the pasted face, shares of the side.
        holdout: share of the persons kept for validation when no set is named for it.
    """

    net: ContestSettings = field(default_factory=ContestSettings)
    pairs: PairSettings = field(default_factory=PairSettings)
    gan: float = WEIGHTS["blend"].gan
    tries: int = 8
    least_rim: float = 0.016
    most_rim: float = 0.05
    holdout: float = 0.05


@dataclass(frozen=True, slots=True)
class BlendBatches:
    """Makes batches of faces pasted on other persons', and of their blends.

    Attributes:
        people: to learn from.
        settings: of the task.
        stage: says size and number.
    """

    people: People
    settings: BlendSettings
    stage: StageSettings

    def __call__(self, rng: np.random.Generator) -> Batch:
        """Return "new", "plate" (B, h, w, 3) uint8 codes, "matte" (B, h, w) uint8, and "goal".

        The goal is (B, h, w, 3) float32, -1 to 1.
        """
        return stacked([self._one(rng) for _ in range(self.stage.batch)])

    def _one(self, rng: np.random.Generator) -> dict[str, AnyArray]:
        settings, size = self.settings, self.stage.size_px
        target, source, mirrored = self.people.strangers(rng, settings.tries)
        poses = self.people.poses
        level = poses[target][2] - poses[source][2] * (-1 if mirrored else 1)
        below = self.people.view(target, framing_of(rng, settings.pairs), size)
        turn = float(level) * (-1 if mirrored else 1)
        above = self.people.view(
            source, framing_of(rng, settings.pairs, turn=turn, mirrored=mirrored), size
        )
        (plate,), (new,) = (exposed([view], rng, settings.pairs) for view in (below, above))
        warp = warp_between(above, below)
        new = cv2.remap(new, warp, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        face = cv2.remap(above.face.astype(np.uint8), warp, None, cv2.INTER_NEAREST)
        width = 1 + 2 * round(rng.uniform(settings.least_rim, settings.most_rim) * size)
        matte = matte_within(face > 0, below.face, width)
        goal = blend_gradients(_as_network(new), _as_network(plate), matte)
        return {
            "new": new,
            "plate": plate,
            "matte": matte.astype(np.uint8),
            "goal": np.clip(goal, -1, 1),
        }


class BlendTask:
    """Trains the blending generator against a discriminator."""

    def __init__(self, run: RunSettings, settings: BlendSettings) -> None:
        """Open the data and build the networks.

        Raises:
            TrainingError: no data, or settings that do not fit.
            ModelError: a perceptual network is named that is not there.
        """
        self._run, self._settings = run, settings
        self._people, self._held = people_of(run.data, run.validation, settings.holdout, views=1)
        self._contest = Contest(settings.net, LIGHT, seed=run.seed, gan=settings.gan)

    @property
    def parts(self) -> Mapping[str, Part]:
        """The generator and its judge."""
        return self._contest.parts

    @property
    def digest(self) -> str:
        """The hash of the data's indices."""
        return self._people.pictures.digest

    def begin(self, stage: StageSettings, device: torch.device) -> BlendBatches:
        """Return what makes the batches of a stage."""
        self._contest.begin(stage, device)
        return BlendBatches(self._people, self._settings, stage)

    def step(
        self, networks: Networks, batch: Mapping[str, Tensor], update: Update
    ) -> dict[str, Tensor]:
        """Learn from one batch."""
        contest = self._contest
        new, plate, matte, given = _given(batch)
        goal = batch["goal"].permute(0, 3, 1, 2)
        made = networks[GENERATOR](pool_pyramid(given, contest.levels))
        found = contest.mixed(made, goal, matte)
        total = poisson_blending_loss(
            found,
            new,
            plate,
            matte,
            contest.weights,
            judge=networks[JUDGE],
            levels=contest.levels,
            goal=goal,
            **contest.taps,
        )
        losses = contest.learn(networks, update, total, found, plate)
        return {**losses, "l1": functional.l1_loss(found, goal)}

    def validate(self, networks: Networks, most: int) -> Validation:
        """Compare blends on held-out persons with the solver's, inside the matte."""

        def row(batch: Mapping[str, Tensor]) -> dict[str, float]:
            _, _, matte, given = _given(batch)
            found = networks[GENERATOR](pool_pyramid(given, self._contest.levels))
            pasted, goal = given[:, :3], batch["goal"].permute(0, 3, 1, 2)
            found, goal, pasted = (unsigned(x) for x in (found, goal, pasted))
            before = qualities(pasted, goal, matte)
            return (
                qualities(found, goal, matte)
                | {"outside l1": qualities(found, goal, 1 - matte)["l1"]}
                | {f"pasted {name}": value for name, value in before.items()}
            )

        return self._contest.validate(networks, self._batches, row, most, _JUDGED_SEED)

    def draw(self, networks: Networks, batch: Mapping[str, Tensor]) -> Mapping[str, ByteArray]:
        """Return one sheet: what is pasted, the solver's blend, what the generator makes."""
        *_, given = _given(batch)
        with torch.no_grad():
            found = networks[GENERATOR](pool_pyramid(given, self._contest.levels))
        return {"blend": sheet([given[:, :3], batch["goal"].permute(0, 3, 1, 2), found])}

    def models(self, networks: Networks) -> tuple[Model, ...]:
        """Return the generator."""
        return (
            self._contest.model(
                networks,
                self._run.name or NAME,
                self._people,
                how="; each face pasted on others by its landmarks",
                limits="Faces cut at 1.2 times their box.",
            ),
        )

    def _batches(self, stage: StageSettings) -> BlendBatches:
        return BlendBatches(self._held, self._settings, stage)


def warp_between(source: View, target: View) -> FloatArray:
    """Return where in the source's crop each pixel of the target's lies by their landmarks.

    Returns:
        (h, w, 2) float32, as OpenCV's remap takes it: x and y, whole numbers at pixel centres.
    """
    side = target.linear.shape[0]
    nodes = np.linspace(0, 1, _GRID)
    across, down = np.meshgrid(nodes, nodes)
    spline = RBFInterpolator(
        target.points[:_IRISES].astype(np.float64),
        source.points[:_IRISES].astype(np.float64),
        smoothing=_STIFFNESS,
        kernel="thin_plate_spline",
    )
    coarse = spline(np.column_stack([across.ravel(), down.ravel()])).reshape(_GRID, _GRID, 2)
    places = ((np.arange(side) + 0.5) / side * (_GRID - 1)).astype(np.float32)
    columns, rows = np.meshgrid(places, places)
    fine = cv2.remap(coarse.astype(np.float32), columns, rows, cv2.INTER_LINEAR)
    return np.asarray(fine * side - 0.5, np.float32)


def matte_within(new: BoolArray, plate: BoolArray, width: int) -> BoolArray:
    """Return where both faces are, and far enough within the new one that its rim is skin too.

    Args:
        new: (h, w), where the new face is.
        plate: (h, w), where the plate's is.
        width: of what is taken off around the new one, twice, in pixels; odd.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    inner = cv2.erode(new.astype(np.uint8), kernel, borderValue=0) > 0
    return np.asarray(inner & plate)


def _given(batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the new faces, the plates, the mattes, and the generator's input from all three."""
    new, plate, matte = signed(batch["new"]), signed(batch["plate"]), as_plane(batch["matte"])
    pasted = new * matte + plate * (1 - matte)
    return new, plate, matte, torch.cat([pasted, plate, matte], 1)


def _as_network(codes: ByteArray) -> FloatArray:
    return codes.astype(np.float32) / np.float32(127.5) - np.float32(1)
