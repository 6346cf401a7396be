"""What the three generators have in common: presets, losses, the discriminator, and export.

Source: the released FSGAN and FSGANv2 code, `fsgan.md` 5, 6, 8 and 13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from faceplate.core.arrays import ByteArray
from faceplate.core.card import Tensor as CardTensor
from faceplate.core.errors import TrainingError
from faceplate.core.nets.blocks import initialise, pool_pyramid
from faceplate.core.nets.discriminator import MultiscaleDiscriminator
from faceplate.core.nets.perceptual import Vgg19, frozen
from faceplate.core.nets.structure import GENERATORS, GeneratorStructure
from faceplate.core.nets.unet import MultiScaleResUNet
from faceplate.core.official import load_trainable
from faceplate.core.recipes import RECIPES
from faceplate.core.training.ganlosses import (
    LossWeights,
    Taps,
    deception_loss,
    discriminator_loss,
    reconstruction_loss,
)
from faceplate.core.training.pairs import People
from faceplate.core.training.settings import StageSettings
from faceplate.core.training.task import (
    Batches,
    Model,
    Networks,
    Part,
    Update,
    Validation,
)

GENERATOR, JUDGE = "generator", "judge"
OURS = "Small weights of ours, not the published ones."
"""How the card of everything that has the paper's name, and not its weights, begins."""
COARSE_PX = 128
"""Side up to which the global net works alone, as in the first stage of the released training."""

_BETAS = (0.5, 0.999)
_PROBE_SEED = 13
_JUDGED, _AT_ONCE = 160, 8
"""Pictures of a whole validation, and of one of its batches."""


@dataclass(frozen=True, slots=True)
class ContestSettings:
    """A generator, its judge and what they are told to mind.

    Attributes:
        structure: name of a generator in `nets.structure.GENERATORS`; "" for the light one.
        labels: whether the generator says labels besides, as v1's does.
        judge_width: channels of the discriminator's first layer; 64 as released.
        judge_share: of the generator's learning rate.
        identity_model: perceptual network on identities; "" leaves its part out.
        attributes_model: likewise on attributes.
        models: folder of models that is searched besides the installed ones.
        pixel, identity, attributes: weights within the reconstruction, as `LossWeights`.
        elsewhere: how much counts what is not face; 1 as released.
    """

    structure: str = ""
    labels: bool = False
    judge_width: int = 64
    judge_share: float = 0.1
    identity_model: str = ""
    attributes_model: str = ""
    models: str = ""
    pixel: float = 0.1
    identity: float = 0.5
    attributes: float = 0.5
    elsewhere: float = 1.0


class Contest:
    """A generator against its discriminator.

    Attributes:
        parts: both, by name.
        weights: of the losses.
        taps: perceptual networks on identities and attributes, or None.
        levels: of the stage's pyramids.
    """

    def __init__(
        self, settings: ContestSettings, light: str, *, seed: int, gan: float, seg: float = 0.0
    ) -> None:
        """Build both networks, with the weights that the released ones began with.

        Args:
            settings: what is built.
            light: the generator's structure where the settings name none.
            seed: of the first weights.
            gan: weight of deceiving the discriminator.
            seg: of the labels.

        Raises:
            TrainingError: an unknown structure, or a perceptual network of another kind.
            ModelError: no such perceptual network, or one without its tensors.
        """
        self.settings = settings
        generator = _structure(settings, light).build()
        judge = MultiscaleDiscriminator(width=settings.judge_width, levels=generator.levels)
        for network in (generator, judge):
            initialise(network, torch.Generator().manual_seed(seed))
        self.parts: Mapping[str, Part] = {
            GENERATOR: Part(generator, betas=_BETAS, weight_decay=0.0),
            JUDGE: Part(judge, settings.judge_share, betas=_BETAS, weight_decay=0.0),
        }
        self.weights = LossWeights(
            settings.pixel, settings.identity, settings.attributes, gan=gan, seg=seg
        )
        names = (settings.identity_model, settings.attributes_model)
        self._perceptual = [_perceptual(name, settings.models) for name in names]
        self.levels = generator.levels

    @property
    def taps(self) -> dict[str, Taps | None]:
        """The perceptual networks as the losses take them, by the losses' names for them."""
        found = (None if net is None else net.taps for net in self._perceptual)
        return dict(zip(("identity", "attributes"), found, strict=True))

    def begin(self, stage: StageSettings, device: torch.device) -> None:
        """Choose the levels of a stage, and let only those learn that it uses."""
        generator, judge = (self.parts[name].network for name in (GENERATOR, JUDGE))
        assert isinstance(generator, MultiScaleResUNet)
        self.levels = min(generator.levels, 2 if stage.size_px > COARSE_PX else 1)
        for network in (generator, judge):
            network.requires_grad_(False)
        for name, child in generator.named_children():
            child.requires_grad_(name == "base" or self.levels > 1)
        for name, child in generator.get_submodule("base").named_children():
            child.requires_grad_(not name.startswith("out_conv") or self.levels == 1)
        for number in range(self.levels):
            judge.get_submodule(f"layer{number}").requires_grad_(True)
        for perceptual in self._perceptual:
            if perceptual is not None:
                perceptual.to(device)

    def validate(
        self,
        networks: Networks,
        make: Callable[[StageSettings], Batches],
        row_of: Callable[[Mapping[str, Tensor]], dict[str, float]],
        most: int,
        seed: int,
    ) -> Validation:
        """Judge as `measured` does, at the size that the stage's levels are for.

        Weights whose finer level has learnt score above all whose finer level has not: it is they
        that can be shipped.
        """
        found = measured(
            make,
            row_of,
            size_px=COARSE_PX * self.levels,
            count=min(most or _JUDGED, _JUDGED),
            seed=seed,
            device=next(networks[GENERATOR].parameters()).device,
        )
        return Validation(found.score + self.levels, found.numbers)

    def mixed(self, found: Tensor, goal: Tensor, minded: Tensor) -> Tensor:
        """Return what was made, led towards the goal where differences are to count less.

        Args:
            found: (B, 3, h, w), what the generator made.
            goal: likewise, what it should have made.
            minded: (B, 1, h, w), 1 where differences count fully.
        """
        if self.settings.elsewhere == 1:
            return found
        share = minded + self.settings.elsewhere * (1 - minded)
        return goal + share * (found - goal)

    def loss(self, networks: Networks, found: Tensor, goal: Tensor) -> Tensor:
        """Return the generator's loss: reconstruction and deception."""
        total = self.weights.rec * reconstruction_loss(found, goal, self.weights, **self.taps)
        if self.weights.gan:
            fakes = pool_pyramid(found, self.levels)
            total = total + self.weights.gan * deception_loss(networks[JUDGE], fakes)
        return total

    def learn(
        self, networks: Networks, update: Update, total: Tensor, found: Tensor, real: Tensor
    ) -> dict[str, Tensor]:
        """Take a step of the generator, then one of the discriminator; return their losses.

        Args:
            networks: both.
            update: takes a step.
            total: the generator's loss.
            found: (B, 3, h, w), what it made.
            real: pictures that the discriminator is to believe.
        """
        update(GENERATOR, total)
        if not self.weights.gan:
            return {"generator": total}
        fakes, reals = (pool_pyramid(x, self.levels) for x in (found.detach(), real))
        judged = discriminator_loss(networks[JUDGE], reals, fakes)
        update(JUDGE, judged)
        return {"generator": total, "judge": judged}

    def model(
        self, networks: Networks, name: str, people: People, *, how: str = "", limits: str
    ) -> Model:
        """Return the generator with the inputs that the engine gives to generators.

        Args:
            networks: both.
            name: of the model.
            people: whom it learnt from.
            how: what was done with their views, if anything.
            limits: what it cannot do.

        Raises:
            TrainingError: no stage was larger than `COARSE_PX`, so that its finer level is noise.
        """
        generator = networks[GENERATOR]
        _check_learnt(generator)
        shapes = {key: tuple(tensor.shape) for key, tensor in generator.state_dict().items()}
        recipe = next(recipe for recipe in RECIPES if recipe.matches(shapes))
        with torch.device("meta"):
            known = recipe.recognise(shapes)
        runnable = known.runnable(generator)
        return Model(
            name=name,
            network=runnable,
            task=known.task,
            inputs=known.inputs,
            outputs=outputs_of(runnable, known.inputs, known.outputs),
            labels=(),
            training=f"{OURS} {people.text}{how}",
            limits=limits,
            parameters=generator,
            performers=people.pictures.performers,
        )


def measured(
    make: Callable[[StageSettings], Batches],
    row_of: Callable[[Mapping[str, Tensor]], dict[str, float]],
    *,
    size_px: int,
    count: int,
    seed: int,
    device: torch.device,
) -> Validation:
    """Judge by batches that are the same every time; less "l1" is better.

    Args:
        make: gives what makes batches of a size and number.
        row_of: measures one batch, without gradients.
        size_px: side of the pictures.
        count: of the pictures.
        seed: of the batches.
        device: where they go.
    """
    stage = StageSettings(size_px=size_px, batch=min(count, _AT_ONCE))
    batches, rows = make(stage), []
    for number in range(-(-count // stage.batch)):
        made = batches(np.random.default_rng([seed, number]))
        batch = {name: torch.from_numpy(array).to(device) for name, array in made.items()}
        with torch.no_grad():
            rows.append(row_of(batch))
    numbers = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return Validation(-numbers["l1"], numbers)


def outputs_of(
    network: nn.Module, inputs: Sequence[CardTensor], outputs: Sequence[tuple[str, str, str]]
) -> tuple[CardTensor, ...]:
    """Return what a card says of outputs (name, layout, domain), once the network has been run."""
    chance = torch.Generator().manual_seed(_PROBE_SEED)
    device = next(network.parameters()).device
    probes = [torch.rand((1, *one.shape), generator=chance).to(device) for one in inputs]
    with torch.no_grad():
        answers = network(*probes)
    answers = [answers] if isinstance(answers, Tensor) else answers
    return tuple(
        CardTensor(name, tuple(answer.shape[1:]), layout, domain)
        for (name, layout, domain), answer in zip(outputs, answers, strict=True)
    )


def signed(codes: Tensor) -> Tensor:
    """Return (B, 3, h, w) pictures of -1 to 1 from (B, h, w, 3) codes in bytes."""
    return codes.permute(0, 3, 1, 2).float() / 127.5 - 1


def unsigned(pictures: Tensor) -> Tensor:
    """Return pictures of -1 to 1 as codes of 0 to 1, what lies beyond cut off."""
    return ((pictures + 1) / 2).clamp(0, 1)


def as_plane(matte: Tensor) -> Tensor:
    """Return (B, 1, h, w) of 0 and 1 from (B, h, w) booleans in bytes."""
    return matte[:, None].float()


def sheet(rows: Sequence[Tensor], most: int = 6) -> ByteArray:
    """Return one picture (H, W, 3) of rows of pictures (B, 3, h, w), -1 to 1."""
    drawn = [
        unsigned(row[:most].detach().float()).mul(255).round().byte().permute(0, 2, 3, 1).cpu()
        for row in rows
    ]
    lines = [np.concatenate(list(row.numpy()), axis=1) for row in drawn]
    return np.concatenate(lines, axis=0)


def named_network(name: str, models: str) -> nn.Module:
    """Return a network to learn with: from a run's or another folder where it is there, else ours.

    Args:
        name: of the model.
        models: the folder, or "".

    Raises:
        ModelError: no such model, or one without its tensors.
    """
    own = Path(models) if models and (Path(models) / f"{name}.toml").is_file() else None
    return load_trainable(name, own)


def _check_learnt(generator: nn.Module) -> None:
    """Check that no layer that runs in the engine has never seen a batch."""
    new = [
        name
        for name, buffer in generator.named_buffers()
        if name.endswith("num_batches_tracked") and not buffer.item()
    ]
    if new:
        raise TrainingError(
            "The generator's finer level has not learnt yet, so there is nothing to ship.",
            hint=f"End with a stage of more than {COARSE_PX} px, as 256, and go on by --resume.",
            layer=new[0],
        )


def _structure(settings: ContestSettings, light: str) -> GeneratorStructure:
    name = settings.structure or light
    if name not in GENERATORS:
        raise TrainingError(
            f"There is no generator of structure {name}.", hint=f"Known: {', '.join(GENERATORS)}."
        )
    structure = GENERATORS[name]
    if structure.in_channels != GENERATORS[light].in_channels:
        raise TrainingError(
            f"A generator of structure {name} has another task.", hint=f"As {light}, but larger."
        )
    return replace(structure, out_channels=(3, 3)) if settings.labels else structure


def _perceptual(name: str, folder: str) -> Vgg19 | None:
    if not name:
        return None
    network = named_network(name, folder)
    if not isinstance(network, Vgg19):
        raise TrainingError(
            f"The model {name} is no perceptual network.",
            hint="Train one with `faceplate train perceptual`, or import one.",
        )
    frozen(network)
    return network
