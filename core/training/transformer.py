"""The task of the landmark transformer: landmarks of one head under two poses, exact by geometry.

The network and all that is here are a design of ours; the paper names such a network and publishes
nothing of it: `fsgan.md` 12.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import torch
from torch import Tensor

from faceplate.core.analysis.canonical import PARTS
from faceplate.core.arrays import AnyArray, ByteArray, DoubleArray, FloatArray
from faceplate.core.card import Tensor as CardTensor
from faceplate.core.errors import TrainingError
from faceplate.core.face import Layout
from faceplate.core.nets.transformer import LandmarkTransformer, size_of
from faceplate.core.stages.turn import turn_rigidly
from faceplate.core.synth.acting import sample_expression
from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.landmarks import LandmarkHead, sample_shapes, seen
from faceplate.core.synth.standin import procedural_head
from faceplate.core.training.settings import RunSettings, StageSettings
from faceplate.core.training.task import Batch, Model, Networks, Part, Update, Validation

PART = "transformer"
NAME = "landmark_transformer"
BANDS = (0, 15, 30, 45, 60)
"""Edges of the bands of pose distance, degrees."""

_HELD, _LEAST_HELD = 20_000, 500
"""Heads of a whole validation, and of a hasty one."""
_HELD_SEED, _ACTING_SEED = 7_310, 7_311
_DISTANCES = (38.0, 260.0)
"""Of the camera, cm, as the renderer draws it."""
_GAZE_DEGREES = (14.0, 8.0)
_EYE_CORNERS = (60, 72)
_FEATURES = (3, 2, 6, 7, 8, 9)
"""Mouth and eyes, in `PARTS`."""
_POSES = 3
_DRAWN, _SIDE, _SHOWN_CM = 6, 128, 22.0
_GREY, _GREEN, _RED = (170, 170, 170), (60, 220, 60), (230, 60, 60)

Turn: TypeAlias = Callable[[AnyArray, AnyArray, AnyArray], AnyArray]
"""Takes landmarks (B, 98, 2), their poses and wanted poses (B, 3) to landmarks."""


@dataclass(frozen=True, slots=True)
class TransformerSettings:
    """What the landmark transformer learns from, and what it is told to mind.

    Attributes:
        hidden: values of a layer.
        layers: hidden ones.
        yaw, pitch, roll: largest angles, degrees.
        expressions: how many are drawn; heads act mixtures of two.
        noise: standard deviation of what is added to the landmarks that come in, shares of the
            face's size.
        noise_degrees: likewise of the angles that are said of them.
        features: weight of mouth and eyes against the other points.
        cycle: weight of coming back to where one began.
        composition: weight of arriving by two turns where one turn leads.
        identity: weight of staying where no turn is wanted.
    """

    hidden: int = 512
    layers: int = 2
    yaw: float = 75.0
    pitch: float = 35.0
    roll: float = 35.0
    expressions: int = 4096
    noise: float = 0.004
    noise_degrees: float = 1.0
    features: float = 2.0
    cycle: float = 0.25
    composition: float = 0.25
    identity: float = 0.25


@dataclass(frozen=True, slots=True)
class TurnBatches:
    """Makes batches of heads that each look into three directions.

    Attributes:
        head: what is turned.
        acting: (M, E) expressions.
        settings: of the task.
        count: heads in a batch.
    """

    head: LandmarkHead
    acting: FloatArray
    settings: TransformerSettings
    count: int

    def __call__(self, rng: np.random.Generator) -> Batch:
        """Return "points" (B, 3, 98, 2) in cm, "poses" (B, 3, 3) in degrees, "eyes" (B,) in cm.

        "eyes" is the distance between the outer corners, by which errors are measured.
        """
        count, limits = self.count, (self.settings.yaw, self.settings.pitch, self.settings.roll)
        shapes = sample_shapes(rng, count, self.head.identities)
        first, second = self.acting[rng.integers(len(self.acting), size=(2, count))]
        share = rng.random((count, 1), np.float32)
        gaze = rng.standard_normal((count, 2)) * _GAZE_DEGREES
        heads = self.head.landmarks(shapes, first * share + second * (1 - share), gaze)
        poses = rng.uniform(-1, 1, (count, _POSES, 3)) * limits
        near, far = (float(np.log(distance)) for distance in _DISTANCES)
        distance = np.exp(rng.uniform(near, far, count))
        right, left = _EYE_CORNERS
        return {
            "points": np.stack([seen(heads, poses[:, k], distance) for k in range(_POSES)], axis=1),
            "poses": poses.astype(np.float32),
            "eyes": np.linalg.norm(heads[:, right] - heads[:, left], axis=1).astype(np.float32),
        }


class TransformerTask:
    """Trains the landmark transformer; needs no picture."""

    def __init__(self, run: RunSettings, settings: TransformerSettings) -> None:
        """Read the head model that the run names as its data, and build the network.

        Raises:
            TrainingError: more than one file of data, or one that is no file.
            ModelError: it is no head model.
        """
        if len(run.data) > 1 or run.validation:
            raise TrainingError(
                "The landmark transformer learns from one head model and needs no other data.",
                hint="Give --data once, with the file of a head; none is for the stand-in.",
            )
        path = Path(run.data[0]) if run.data else None
        if path is not None and not path.is_file():
            raise TrainingError(f"{path} is no file of a head model.", hint="Check the path.")
        self._run, self._settings = run, settings
        model = HeadModel.load(path) if path else procedural_head()
        self._digest = hashlib.sha256(path.read_bytes()).hexdigest() if path else "procedural"
        self._heads = model.name
        self._head = LandmarkHead.of(model)
        rng = np.random.default_rng(_ACTING_SEED)
        self._acting = np.array(
            [sample_expression(rng, (0.0, 0.0)) for _ in range(settings.expressions)], np.float32
        )
        self._parts = {PART: Part(LandmarkTransformer(settings.hidden, settings.layers))}

    @property
    def parts(self) -> Mapping[str, Part]:
        """The one network, as `PART`."""
        return self._parts

    @property
    def digest(self) -> str:
        """The hash of the head model."""
        return self._digest

    def begin(self, stage: StageSettings, device: torch.device) -> TurnBatches:
        """Return what makes the batches of a stage; pictures have no part in it."""
        return TurnBatches(self._head, self._acting, self._settings, stage.batch)

    def step(
        self, networks: Networks, batch: Mapping[str, Tensor], update: Update
    ) -> dict[str, Tensor]:
        """Learn from one batch: from each of three poses to the next, and by way of the second."""
        settings, network = self._settings, networks[PART]
        points, poses = batch["points"], batch["poses"]
        goal, wanted = (x.roll(-1, 1).flatten(0, 1) for x in (points, poses))
        given, said = points.flatten(0, 1), poses.flatten(0, 1)
        size = size_of(given)
        noisy = given + settings.noise * size * torch.randn_like(given)
        unsure = said + settings.noise_degrees * torch.randn_like(said)
        turned = network(noisy, unsure, wanted)
        halfway = turned.unflatten(0, (-1, _POSES))[:, 0]
        ends, ways = (torch.cat([x[:, 2], x[:, 0]]) for x in (points, poses))
        twice = network(halfway.repeat(2, 1, 1), poses[:, 1].repeat(2, 1), ways)
        onward, back = self._apart(twice, ends, size_of(ends)).chunk(2)
        losses = {
            "turn": self._apart(turned, goal, size).mean(),
            "composition": onward.mean(),
            "cycle": back.mean(),
            "identity": self._apart(network(given, said, said), given, size).mean(),
        }
        total = losses["turn"]
        for name in ("cycle", "composition", "identity"):
            total = total + getattr(settings, name) * losses[name]
        update(PART, total)
        return {"total": total, **losses}

    def validate(self, networks: Networks, most: int) -> Validation:
        """Measure errors on heads that no training has drawn, for each band of pose distance."""
        network = networks[PART]
        device = next(network.parameters()).device

        def turn(points: AnyArray, pose: AnyArray, wanted: AnyArray) -> AnyArray:
            given = [torch.from_numpy(np.asarray(x, np.float32)) for x in (points, pose, wanted)]
            with torch.no_grad():
                answer: Tensor = network(*(x.to(device) for x in given))
            return answer.cpu().numpy()

        heads = held_turns(
            self._head, self._acting, self._settings, max(most, _LEAST_HELD) if most else _HELD
        )
        found, rigid = errors_by_distance(turn, heads), errors_by_distance(turn_rigidly, heads)
        numbers = {f"error {name}": value for name, value in found.items()}
        numbers |= {f"rigid {name}": value for name, value in rigid.items()}
        return Validation(-float(np.mean(list(found.values()))), numbers)

    def draw(self, networks: Networks, batch: Mapping[str, Tensor]) -> Mapping[str, ByteArray]:
        """Return one sheet: landmarks, where they should be (green), where they are (red)."""
        points, poses = batch["points"][:_DRAWN], batch["poses"][:_DRAWN]
        with torch.no_grad():
            turned = networks[PART](points[:, 0], poses[:, 0], poses[:, 1])
        rows = [(points[:, 0], _GREY), (points[:, 1], _GREEN), (turned, _RED)]
        first, wanted, found = (_centred(row.cpu().numpy()) for row, _ in rows)
        tops = [_dots([(one, _GREY)]) for one in first]
        below = [_dots([(a, _GREEN), (b, _RED)]) for a, b in zip(wanted, found, strict=True)]
        return {"landmarks": np.concatenate([np.concatenate(r, 1) for r in (tops, below)], 0)}

    def models(self, networks: Networks) -> tuple[Model, ...]:
        """Return the network as it is."""
        count = Layout.WFLW_98.count
        angles = "yaw, pitch, roll in degrees, signs of HeadPose"
        return (
            Model(
                name=self._run.name or NAME,
                network=networks[PART],
                task="landmarks under one head pose to those under another",
                inputs=(
                    CardTensor("points", (count, 2), "NC", "WFLW-98, any unit, x right, y down"),
                    CardTensor("pose", (3,), "C", f"{angles}; of the points"),
                    CardTensor("wanted", (3,), "C", f"{angles}; of what comes out"),
                ),
                outputs=(
                    CardTensor("turned", (count, 2), "NC", "as the points, about their middle"),
                ),
                labels=(),
                training=(
                    "A design of ours for a component of FSGANv2 whose details are not published. "
                    f"Landmarks of random {self._heads} heads, projected under random poses"
                ),
                limits=(
                    f"Poses within {self._settings.yaw:g} degrees of yaw and "
                    f"{self._settings.pitch:g} of pitch; learnt from modelled heads only."
                ),
            ),
        )

    def _apart(self, found: Tensor, wanted: Tensor, size: Tensor) -> Tensor:
        """Return the mean absolute difference of each face's shape, (B,), in its size."""
        away = (_about_middle(found) - _about_middle(wanted)).abs().mean(2) / size[:, :, 0]
        weights = away.new_ones(away.shape[1])
        weights[[point for part in _FEATURES for point in PARTS[part]]] = self._settings.features
        return (away * weights).sum(1) / weights.sum()


def held_turns(
    head: LandmarkHead, acting: FloatArray, settings: TransformerSettings, count: int
) -> Batch:
    """Return the heads that are judged by: the same for the same head model and count."""
    batches = TurnBatches(head, acting, settings, count)
    return batches(np.random.default_rng(_HELD_SEED))


def errors_by_distance(turn: Turn, heads: Batch) -> dict[str, float]:
    """Return the mean error of each band of pose distance, in distances of the outer eye corners.

    The distance of poses is that of their yaws and pitches; roll costs nobody anything. The error
    is the mean distance of the 98 points from the truth, about their common middles.

    Args:
        turn: what is judged.
        heads: as `TurnBatches` makes them.
    """
    points, poses = heads["points"], heads["poses"]
    found = np.asarray(turn(points[:, 0], poses[:, 0], poses[:, 1]))
    away = np.linalg.norm(_centred(found) - _centred(points[:, 1]), axis=2).mean(1)
    errors = away / heads["eyes"]
    far = np.hypot(*(poses[:, 0] - poses[:, 1])[:, :2].T)
    inside = {f"{low}-{high}": (far >= low) & (far < high) for low, high in pairwise(BANDS)}
    return {name: float(errors[band].mean()) for name, band in inside.items() if band.any()}


def _about_middle(points: Tensor) -> Tensor:
    return points - points.mean(1, keepdim=True)


def _centred(points: AnyArray) -> DoubleArray:
    return np.asarray(points - np.mean(points, axis=1, keepdims=True), np.float64)


def _dots(groups: Sequence[tuple[DoubleArray, tuple[int, int, int]]]) -> ByteArray:
    """Return a picture of landmarks in cm about its middle."""
    picture = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    for points, color in groups:
        for x, y in points * (_SIDE / _SHOWN_CM) + _SIDE / 2:
            cv2.circle(picture, (round(x), round(y)), 1, color, cv2.FILLED)
    return picture
