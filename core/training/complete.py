"""The task of completion: a face with holes, and where the target's face is, to a whole face.

The holes and the truth are those of the released FSGANv2 code, `fsgan.md` 8.5. Ours, and unlike it:
what is completed is the target's own picture made worse, unless a reenactment network is named;
and where its face is follows from the renderer's truth, bent and worn, for there is no segmenter in
the loop whose faults could be learnt. The version that is given cues, `fsgan.md` 12.2, is a design
of ours, too: of the paper's it is known only that it uses symmetry and landmarks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.core.arrays import AnyArray, BoolArray, ByteArray, FloatArray
from faceplate.core.errors import TrainingError
from faceplate.core.nets.blocks import pool_pyramid
from faceplate.core.nets.unet import MultiScaleResUNet
from faceplate.core.stages.mirror import NOTHING, is_other_half, mirror_motion
from faceplate.core.training.contest import (
    GENERATOR,
    Contest,
    ContestSettings,
    as_plane,
    named_network,
    sheet,
    signed,
    unsigned,
)
from faceplate.core.training.ganlosses import WEIGHTS
from faceplate.core.training.holes import ellipse_hole
from faceplate.core.training.pairs import (
    PairSettings,
    People,
    cut_pair,
    exposed,
    people_of,
    stacked,
)
from faceplate.core.training.quality import qualities
from faceplate.core.training.reenact import reenacted, with_discs
from faceplate.core.training.settings import RunSettings, StageSettings
from faceplate.core.training.task import Batch, Model, Networks, Part, Update, Validation

NAME = "fsgan_complete"
LIGHT, LIGHT_CUED = "light_inpaint", "light_inpaint_cues"
SIZE_PX = 256

_REENACT_CHANNELS = 101
_CUED_TASK = "face with holes, its other half and landmarks to a whole face; a design of ours"
_CUED_DOMAIN = (
    "RGB, network codes as -1 to 1, of the new face, -1 elsewhere; the target's matte, 0 to 1; "
    "the new face in its mirror and where it is known, likewise; 98 discs of landmarks, 0 to 1"
)
_CELLS = 6
"""Of the grid whose displacements bend a picture."""
_JUDGED_SEED = 812


@dataclass(frozen=True, slots=True)
class CompleteSettings:
    """What a completing network learns from, and what it is told to mind.

    Attributes:
        net: the generator and its judge.
        pairs: how views are cut.
        gan: weight of deceiving the discriminator.
        reenactor: frozen reenactment network that draws what is completed from another view, as in
            the released training; "" takes the target's own picture, made worse.
        blur: largest blur of that, in pixels of 256.
        bend: standard deviation of displacements in it, shares of the side.
        tint: of the channels' gains, in nepers.
        outline: standard deviation of how far the face's outline is displaced, shares of the side.
        worn: most that is worn off it, likewise.
        cues: whether the generator sees the other half of the face, and landmarks, besides.
        half: chance that a hole is half a face; 0.3 makes something of the cues.
        holdout: share of the persons kept for validation when no set is named for it.
    """

    net: ContestSettings = field(default_factory=ContestSettings)
    pairs: PairSettings = field(default_factory=PairSettings)
    gan: float = WEIGHTS["inpaint"].gan
    reenactor: str = ""
    blur: float = 2.5
    bend: float = 0.006
    tint: float = 0.06
    outline: float = 0.02
    worn: float = 0.05
    cues: bool = False
    half: float = 0.0
    holdout: float = 0.05


@dataclass(frozen=True, slots=True)
class CompleteBatches:
    """Makes batches of faces with holes.

    Attributes:
        people: to learn from.
        settings: of the task.
        stage: says size and number.
    """

    people: People
    settings: CompleteSettings
    stage: StageSettings

    def __call__(self, rng: np.random.Generator) -> Batch:
        """Return "new", "target" (B, h, w, 3) uint8 codes and "kept", "face" (B, h, w) uint8.

        "new" is another view, with "points" (B, 98, 2) of the target, where a reenactment network
        is to draw it; else the target made worse. "kept" is what remains of the new face. With
        cues, "mirror" (B, 2, 3) says where a place's other half is.
        """
        return stacked([self._one(rng) for _ in range(self.stage.batch)])

    def _one(self, rng: np.random.Generator) -> dict[str, AnyArray]:
        settings = self.settings
        pair = self.people.pair(rng, settings.pairs.near)
        views = cut_pair(self.people, pair, rng, settings.pairs, self.stage.size_px)
        source, codes = exposed(views, rng, settings.pairs)
        target = views[1]
        face = bent_outline(target.face, rng, settings)
        mirror = {"mirror": mirror_motion(target.points).astype(np.float32)}
        return (mirror if settings.cues else {}) | {
            "new": source if settings.reenactor else worsened(codes, rng, settings),
            "target": codes,
            "points": target.points,
            "kept": (face & ~self._hole(face, target.points, rng)).astype(np.uint8),
            "face": target.face.astype(np.uint8),
        }

    def _hole(self, face: BoolArray, points: FloatArray, rng: np.random.Generator) -> BoolArray:
        if self.settings.half and rng.random() < self.settings.half:
            half = is_other_half(points, len(face))
            return half if rng.random() < 0.5 else ~half
        return ellipse_hole(face, rng)


class CompleteTask:
    """Trains the completing generator against a discriminator."""

    def __init__(self, run: RunSettings, settings: CompleteSettings) -> None:
        """Open the data and build the networks.

        Raises:
            TrainingError: no data with several views of a person, or settings that do not fit.
            ModelError: a network is named that is not there.
        """
        self._run, self._settings = run, settings
        self._people, self._held = people_of(run.data, run.validation, settings.holdout, views=2)
        self._reenactor = _reenactor(settings)
        light = LIGHT_CUED if settings.cues else LIGHT
        self._contest = Contest(settings.net, light, seed=run.seed, gan=settings.gan)

    @property
    def parts(self) -> Mapping[str, Part]:
        """The generator and its judge."""
        return self._contest.parts

    @property
    def digest(self) -> str:
        """The hash of the data's indices."""
        return self._people.pictures.digest

    def begin(self, stage: StageSettings, device: torch.device) -> CompleteBatches:
        """Return what makes the batches of a stage."""
        self._contest.begin(stage, device)
        if self._reenactor is not None:
            self._reenactor.to(device)
        return CompleteBatches(self._people, self._settings, stage)

    def step(
        self, networks: Networks, batch: Mapping[str, Tensor], update: Update
    ) -> dict[str, Tensor]:
        """Learn from one batch."""
        contest = self._contest
        given, goal, face = self._given(batch)
        found = contest.mixed(networks[GENERATOR](self._levels(batch, given)), goal, face)
        total = contest.loss(networks, found, goal)
        losses = contest.learn(networks, update, total, found, goal)
        return {**losses, "l1": functional.l1_loss(found, goal)}

    def validate(self, networks: Networks, most: int) -> Validation:
        """Compare faces of held-out persons with the truth, whole and where there was a hole."""

        def row(batch: Mapping[str, Tensor]) -> dict[str, float]:
            given, goal, face = self._given(batch)
            found = networks[GENERATOR](self._levels(batch, given))
            found, goal, before = (unsigned(x) for x in (found, goal, given[:, :3]))
            hole = qualities(found, goal, face * (1 - as_plane(batch["kept"])))
            return (
                qualities(found, goal, face)
                | {f"hole {name}": hole[name] for name in ("l1", "psnr")}
                | {f"given {k}": v for k, v in qualities(before, goal, face).items()}
            )

        return self._contest.validate(networks, self._batches, row, most, _JUDGED_SEED)

    def draw(self, networks: Networks, batch: Mapping[str, Tensor]) -> Mapping[str, ByteArray]:
        """Return one sheet: what is given, the truth, what the generator makes."""
        given, goal, _ = self._given(batch)
        with torch.no_grad():
            found = networks[GENERATOR](self._levels(batch, given))
        return {"complete": sheet([given[:, :3], goal, found])}

    def models(self, networks: Networks) -> tuple[Model, ...]:
        """Return the generator."""
        kind = "reenacted by our network" if self._reenactor else "made worse, not reenacted"
        model = self._contest.model(
            networks,
            self._run.name or NAME,
            self._people,
            how=f"; faces {kind}, with elliptic holes",
            limits="Faces cut at 1.2 times their box.",
        )
        if self._settings.cues:
            inputs = tuple(replace(one, domain=_CUED_DOMAIN) for one in model.inputs)
            model = replace(model, task=_CUED_TASK, inputs=inputs)
        return (model,)

    def _given(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the generator's input at the finest level, its goal and the target's face."""
        new, target = signed(batch["new"]), signed(batch["target"])
        kept, face = as_plane(batch["kept"]), as_plane(batch["face"])
        if self._reenactor is not None:
            new = reenacted(self._reenactor, new, batch["points"], self._contest.levels)
        masked = new * kept - (1 - kept)
        given = [masked, face]
        if self._settings.cues:
            given.append(other_half(masked, kept, batch["mirror"]))
        return torch.cat(given, 1), target * face - (1 - face), face

    def _levels(self, batch: Mapping[str, Tensor], given: Tensor) -> list[Tensor]:
        """Return what the generator takes, the finest level first."""
        levels = pool_pyramid(given, self._contest.levels)
        return with_discs(levels, batch["points"]) if self._settings.cues else levels

    def _batches(self, stage: StageSettings) -> CompleteBatches:
        return CompleteBatches(self._held, self._settings, stage)


def other_half(masked: Tensor, kept: Tensor, mirror: Tensor) -> Tensor:
    """Return (B, 4, h, w): faces in their mirrors, and where they are known.

    The same as `stages.mirror.mirrored_face`, of batches and with gradients.

    Args:
        masked: (B, 3, h, w) faces of -1 to 1, -1 where they are not known.
        kept: (B, 1, h, w), 1 where they are.
        mirror: (B, 2, 3) from `mirror_motion`.
    """
    turn, shift = mirror[:, :, :2], mirror[:, :, 2]
    # From 0 to 1 of the crop to torch's -1 to 1.
    motion = torch.cat([turn, (turn.sum(2) + 2 * shift - 1)[..., None]], 2)
    stack = torch.cat([masked - NOTHING, kept], 1)
    places = functional.affine_grid(motion, list(stack.shape), align_corners=False)
    sampled = functional.grid_sample(stack, places, align_corners=False)
    return torch.cat([sampled[:, :3] + NOTHING, sampled[:, 3:]], 1)


def worsened(codes: ByteArray, rng: np.random.Generator, settings: CompleteSettings) -> ByteArray:
    """Return a picture as a reenactment network might have drawn it: soft, bent and tinted."""
    side = codes.shape[0]
    picture = codes.astype(np.float32)
    flow = _displacements(rng, side, settings.bend)
    picture = _bent(picture, flow, cv2.INTER_LINEAR)
    sigma = rng.uniform(0, settings.blur) * side / SIZE_PX
    if sigma > 0.1:
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    picture *= np.exp(rng.normal(0, settings.tint, 3)).astype(np.float32)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def bent_outline(
    face: BoolArray, rng: np.random.Generator, settings: CompleteSettings
) -> BoolArray:
    """Return where another view's face might lie that was drawn in the place of this one."""
    side = face.shape[0]
    moved = _bent(face.astype(np.uint8), _displacements(rng, side, settings.outline), 0)
    width = 1 + 2 * round(rng.uniform(0, settings.worn) * side / 2)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return np.asarray(cv2.erode(moved, kernel) > 0)


def _displacements(rng: np.random.Generator, side: int, spread: float) -> AnyArray:
    """Return smooth random displacements, (side, side, 2) pixels."""
    coarse = rng.normal(0, spread * side, (_CELLS, _CELLS, 2)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC))


def _bent(picture: AnyArray, flow: AnyArray, way: int) -> AnyArray:
    grid = np.stack(np.meshgrid(*[np.arange(picture.shape[0], dtype=np.float32)] * 2), axis=-1)
    return np.asarray(cv2.remap(picture, grid + flow, None, way, borderMode=cv2.BORDER_REPLICATE))


def _reenactor(settings: CompleteSettings) -> nn.Module | None:
    if not settings.reenactor:
        return None
    network = named_network(settings.reenactor, settings.net.models)
    if not isinstance(network, MultiScaleResUNet) or network.in_channels != _REENACT_CHANNELS:
        raise TrainingError(
            f"The model {settings.reenactor} reenacts nothing by 98 landmarks.",
            hint="Name one that `faceplate train reenact` made.",
        )
    return network
