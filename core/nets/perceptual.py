"""VGG19 with batch norm, whose features say how alike two pictures look.

Source: the released FSGAN code, `fsgan.md` 8.1; layer order of torchvision's vgg19_bn.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

from torch import Tensor, nn

from faceplate.core.errors import ModelMismatchError

_BLOCKS = ((1, 2), (2, 2), (4, 4), (8, 4), (8, 4))
"""Channels, in widths, and convolutions of each block; a pool ends each."""

_TAPS_IN_PLACE = (2, 6, 12, 20, 29)
_TAPS = (1, 6, 11, 20, 29)
TAP_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""Weights of the five taps in the released loss."""


class Vgg19(nn.Module):
    """The perceptual network and, where weights have it, its classifier."""

    def __init__(
        self,
        classes: int | None = None,
        *,
        width: int = 64,
        side: int = 256,
        hidden: int = 4096,
        dropout: float = 0.5,
    ) -> None:
        """Make the network.

        Args:
            classes: outputs of the last layer; None leaves that layer out, as the loss does.
            width: channels of the first block.
            side: of the square pictures that the classifier takes, a multiple of 32.
            hidden: values between the classifier's layers.
            dropout: share of them that is left out while the classifier learns.
        """
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for factor, convolutions in _BLOCKS:
            for _ in range(convolutions):
                outputs = factor * width
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs)]
                layers.append(nn.ReLU())
                inputs = outputs
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        flat = inputs * (side // 32) ** 2
        heads = [nn.Linear(flat, hidden), nn.Linear(hidden, hidden)]
        self.classifier = nn.Sequential()
        for place, head in zip((0, 3), heads, strict=True):
            self.classifier.add_module(str(place), head)
            self.classifier.add_module(str(place + 1), nn.ReLU())
            self.classifier.add_module(str(place + 2), nn.Dropout(dropout))
        if classes is not None:
            self.classifier.add_module("6", nn.Linear(hidden, classes))

    def taps(self, picture: Tensor, *, in_place: bool = True) -> list[Tensor]:
        """Return the five features that the loss compares.

        Args:
            picture: (B, 3, h, w), -1 to 1.
            in_place: the features that the released code really compares: its ReLUs write over
                what stands before them, so that two of the taps are taken after the ReLU. Else
                the taps as its indices say them.
        """
        wanted = _TAPS_IN_PLACE if in_place else _TAPS
        found = []
        x = picture
        for place in range(wanted[-1] + 1):
            x = self.features[place](x)
            if place in wanted:
                found.append(x)
        return found

    def forward(self, picture: Tensor) -> Tensor:
        """Return the classifier's (B, classes) logits for (B, 3, side, side) pictures, -1 to 1."""
        return self.classifier(self.features(picture).flatten(1))


def frozen(network: nn.Module) -> nn.Module:
    """Return the network in evaluation mode and without gradients of its own.

    The released v2 code leaves it in training mode, where its statistics drift; v1 does not.
    """
    return network.eval().requires_grad_(False)


def is_vgg19(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Tell whether a state's keys are those of a VGG19 with batch norm."""
    return {"features.0.weight", "features.1.running_mean", "features.49.weight"} <= shapes.keys()


def vgg19_like(shapes: Mapping[str, tuple[int, ...]]) -> Vgg19:
    """Return an untrained network of the sizes of tensors that `is_vgg19` knows.

    Raises:
        ModelMismatchError: a classifier's layer is missing or odd.
    """
    width = shapes["features.0.weight"][0] if shapes["features.0.weight"] else 0
    first, last = shapes.get("classifier.0.weight", ()), shapes.get("classifier.6.weight")
    if not width or len(first) != 2 or (last is not None and len(last) != 2):
        raise ModelMismatchError(
            "The tensors make no VGG19: features.0, classifier.0 or classifier.6 is odd.",
            hint="Get the file again from where it was published.",
        )
    cells = first[1] // (_BLOCKS[-1][0] * width)
    return Vgg19(last[0] if last else None, width=width, side=32 * isqrt(cells), hidden=first[0])
