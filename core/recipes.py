"""The kinds of FSGAN's released files: how each is told by its tensors, and what its card says.

Source: `fsgan.md` 1 and 7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from faceplate.core.card import Tensor
from faceplate.core.errors import ModelMismatchError
from faceplate.core.nets.dsfd import dsfd_like, is_dsfd
from faceplate.core.nets.hopenet import SIDE as POSE_SIDE
from faceplate.core.nets.hopenet import hopenet_like, is_hopenet
from faceplate.core.nets.hrnet import hrnet_like, is_hrnet
from faceplate.core.nets.perceptual import TAP_WEIGHTS, Vgg19, is_vgg19, vgg19_like
from faceplate.core.nets.structure import (
    Shapes,
    infer_generator,
    infer_segmenter,
    is_generator,
    is_segmenter,
)

_SIDE = 256
_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_DETECT_MEAN = (123 / 255, 117 / 255, 104 / 255)


@dataclass(frozen=True, slots=True, eq=False)
class Recognised:
    """A network of the sizes that some tensors have, and what its card says.

    Attributes:
        name: what the model is called unless the user says otherwise.
        task: what it does, in a few words.
        network: of these sizes, on torch's device without memory.
        outputs: name, layout and domain of what comes out.
        inputs: what goes in.
        training: what the released weights learnt from, as far as it is known.
        limits: what they cannot do.
        described: arguments of the released class and their values here, to compare a file's own
            text with.
        labels: names of the elements of the first output, or ().
        runnable: makes of the network what takes ``inputs`` and gives ``outputs``.
    """

    name: str
    task: str
    network: nn.Module
    inputs: tuple[Tensor, ...]
    outputs: tuple[tuple[str, str, str], ...]
    training: str
    limits: str
    described: Mapping[str, object] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    runnable: Callable[[nn.Module], nn.Module] = lambda network: network


@dataclass(frozen=True, slots=True)
class Recipe:
    """A kind of released file.

    Attributes:
        kind: in a few words, for a person whose file is none of them.
        matches: tells from keys and shapes whether tensors are of this kind.
        recognise: says of which sizes; runs on torch's device without memory.
    """

    kind: str
    matches: Callable[[Shapes], bool]
    recognise: Callable[[Shapes], Recognised]


class _Levels(nn.Module):
    """A generator whose levels are arguments of their own."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *levels: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """Return the generator's answer."""
        return self.network(list(levels))


class _Taps(nn.Module):
    """A perceptual network that answers with its features."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        assert isinstance(network, Vgg19)
        self.network = network

    def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the five features."""
        return tuple(self.network.taps(picture))


def _of_codes(
    *, mean: tuple[float, ...], deviation: tuple[float, ...], reversed_: bool = False
) -> Callable[[nn.Module], nn.Module]:
    return lambda network: _Codes(network, mean, deviation, reversed_=reversed_)


class _Codes(nn.Module):
    """A network that takes pictures as the analysis has them: (B, h, w, 3) RGB codes, 0 to 1."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(
        self,
        network: nn.Module,
        mean: tuple[float, ...],
        deviation: tuple[float, ...],
        *,
        reversed_: bool,
    ) -> None:
        super().__init__()
        self.network = network
        self.reversed_ = reversed_
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("deviation", torch.tensor(deviation))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """Return the network's answer to the picture in its own range and order of channels."""
        x = (pictures - self.mean) / self.deviation
        return self.network((x.flip(-1) if self.reversed_ else x).permute(0, 3, 1, 2))


_CODES = "RGB in the network domain, codes 0..1"
_PICTURE = "RGB, network codes as -1 to 1"
_ROLES = {
    101: ("reenact", f"{_PICTURE}, of the source; then 98 discs of the target's landmarks, 0 to 1"),
    71: ("reenact", f"{_PICTURE}, of the source; then 68 maps of the target's landmarks, 0 to 1"),
    4: ("inpaint", f"{_PICTURE}, of the new face, -1 elsewhere; then the target's matte, 0 to 1"),
    7: ("blend", f"{_PICTURE}, of the new face on the target; the target; its matte, 0 to 1"),
}
_TASKS = {
    "reenact": "source face and landmarks to a face that follows them",
    "inpaint": "face with holes to a whole face",
    "blend": "pasted face to one that fits skin and light",
    "generate": "picture from a picture and maps",
}


def _generator(shapes: Shapes) -> Recognised:
    structure = infer_generator(shapes)
    count = structure.in_channels
    role, domain = _ROLES.get(count, ("generate", f"{count} channels of an unknown meaning"))
    finest = _SIDE if structure.enhancers else _SIDE // 2
    names = ["fine", "coarse"] if structure.enhancers == 1 else []
    names = names or [f"level{number}" for number in range(structure.enhancers + 1)]
    outputs = [("picture", "CHW", _PICTURE)]
    if len(structure.out_channels) > 1:
        outputs.append(("labels", "CHW", "scores of background, face, hair; -1 to 1"))
    old = structure.variant == "v1"
    return Recognised(
        name=f"official_{role}{'_v1' if old else ''}",
        task=_TASKS[role],
        network=structure.build(),
        inputs=tuple(
            Tensor(name, (count, finest >> level, finest >> level), "CHW", domain)
            for level, name in enumerate(names)
        ),
        outputs=tuple(outputs),
        training="IJB-C; the reenactment of v2.1 also videos that the authors collected.",
        limits="Faces cut as the file's name says: "
        + ("2.0 times the box, 1.2 in the stepwise file." if old else "1.2 times the box."),
        described={
            "in_nc": count,
            "out_nc": structure.out_channels if len(outputs) > 1 else structure.out_channels[0],
            "flat_layers": structure.flat_layers,
            "ngf": structure.width,
        },
        runnable=_Levels,
    )


def _segmenter(shapes: Shapes) -> Recognised:
    structure = infer_segmenter(shapes)
    if structure.classes != 3 or structure.in_channels != 3:
        raise ModelMismatchError(
            f"This segmenter makes {structure.classes} classes of {structure.in_channels} "
            "channels; the released ones make 3 of 3.",
            hint="Import a released file, or train a segmenter of your own.",
        )
    return Recognised(
        name="official_segment",
        task="crop to background, face and hair",
        network=structure.build(),
        inputs=(Tensor("picture", (_SIDE, _SIDE, 3), "HWC", _CODES),),
        outputs=(("logits", "CHW", "logit of background, face, hair"),),
        training="v2: CelebAMask-HQ. v1: LFW parts, Figaro and frames that the authors labelled.",
        limits="Faces cut as the file's name says: 1.2 times the box in v2, 2.0 in v1; "
        "--segmenter official shows it 1.2 times. No mouths, no occluders: in mattes they follow "
        "from the mesh, a design of faceplate's.",
        described={
            "num_classes": structure.classes,
            "n_classes": structure.classes,
            "feature_scale": structure.feature_scale,
        },
        labels=("background", "face", "hair"),
        runnable=_of_codes(mean=(0.5, 0.5, 0.5), deviation=(0.5, 0.5, 0.5)),
    )


def _perceptual(shapes: Shapes) -> Recognised:
    network = vgg19_like(shapes)
    head = shapes.get("classifier.6.weight", (0,))[0]
    kind = "attributes" if head == 28 else "identity"
    return Recognised(
        name=f"official_perceptual_{kind}",
        task="face to features that losses compare",
        network=network,
        inputs=(Tensor("picture", (3, _SIDE, _SIDE), "CHW", _PICTURE),),
        outputs=tuple(
            (f"tap{number}", "CHW", "features of a loss")
            for number in range(1, len(TAP_WEIGHTS) + 1)
        ),
        training="Identities of VGGFace2, or 28 attributes of CelebA.",
        limits="For losses; it names nobody. Never chooses views or judges consent.",
        runnable=_Taps,
    )


def _landmarks(shapes: Shapes) -> Recognised:
    return Recognised(
        name="official_landmarks",
        task="face to heat maps of landmarks",
        network=hrnet_like(shapes),
        inputs=(Tensor("picture", (_SIDE, _SIDE, 3), "HWC", _CODES),),
        outputs=(("maps", "NHW", "heat of each landmark, at a quarter of the size"),),
        training="WFLW.",
        limits="One face, upright, in a square of 1.2 times its box.",
        runnable=_of_codes(mean=_IMAGENET_MEAN, deviation=_IMAGENET_DEVIATION),
    )


def _pose(shapes: Shapes) -> Recognised:
    return Recognised(
        name="official_pose",
        task="face to head pose",
        network=hopenet_like(shapes),
        inputs=(Tensor("picture", (POSE_SIDE, POSE_SIDE, 3), "HWC", _CODES),),
        outputs=(("pose", "N", "yaw, pitch, roll in degrees, with the signs of 300W-LP"),),
        training="300W-LP.",
        limits="Angles within 99 degrees. Fed as FSGAN does, not as it was trained.",
        runnable=_of_codes(mean=(0.5, 0.5, 0.5), deviation=(0.5, 0.5, 0.5)),
        labels=("yaw", "pitch", "roll"),
    )


def _detector(shapes: Shapes) -> Recognised:
    return Recognised(
        name="official_detect",
        task="picture to faces",
        network=dsfd_like(shapes),
        inputs=(Tensor("picture", (0, 0, 3), "HWC", _CODES),),
        outputs=(
            ("offsets", "NC", "of the anchors, in their variances"),
            ("scores", "N", "chance of a face at each anchor"),
        ),
        training="WIDER FACE.",
        limits="Time and memory grow with the picture: 2.5 GB and 50 s of one core at 1920 x 1080.",
        # BGR to the network, which is all that it knows of it.
        runnable=_of_codes(mean=_DETECT_MEAN, deviation=(1 / 255,) * 3, reversed_=True),
    )


RECIPES: tuple[Recipe, ...] = (
    Recipe("generators (reenactment, inpainting, blending; v1 and v2)", is_generator, _generator),
    Recipe("the segmenter", is_segmenter, _segmenter),
    Recipe("the perceptual VGG19", is_vgg19, _perceptual),
    Recipe("HRNet's landmarks", is_hrnet, _landmarks),
    Recipe("Hopenet", is_hopenet, _pose),
    Recipe("DSFD", is_dsfd, _detector),
)
"""All kinds of released files, by keys and shapes; the first that matches is taken."""
