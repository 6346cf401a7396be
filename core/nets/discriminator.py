"""The multi-scale patch discriminator of training.

Source: the released FSGANv2 code, `fsgan.md` 6, after pix2pixHD.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from faceplate.core.errors import ContractError

_SLOPE = 0.2
_KERNEL, _PADDING = 4, 2


class MultiscaleDiscriminator(nn.Module):
    """One patch discriminator for each level of a pyramid; it sees pictures and no condition.

    ``layer0`` sees the coarsest level in every stage of training, so ``layer1`` is new when the
    finer level comes in.
    """

    def __init__(self, in_channels: int = 3, levels: int = 2, width: int = 64) -> None:
        """Make the network.

        Args:
            in_channels: of the pictures.
            levels: most levels of a pyramid.
            width: channels of the first layer; the fourth has eight times as many.
        """
        super().__init__()
        self.levels = levels
        for number in range(levels):
            self.add_module(f"layer{number}", _patches(in_channels, width))

    def forward(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """Return how real each patch of each level looks.

        Args:
            pyramid: (B, C, h, w) pictures of -1 to 1, the finest first.

        Returns:
            (B, 1, h', w') chances of 0 to 1 for each level, in the order of the pyramid.

        Raises:
            ContractError: a bare tensor, no level or too many.
        """
        if isinstance(pyramid, Tensor) or not 1 <= len(pyramid) <= self.levels:
            raise ContractError(
                f"A discriminator takes a list of 1 to {self.levels} levels.",
                found=str(type(pyramid)) if isinstance(pyramid, Tensor) else len(pyramid),
            )
        last = len(pyramid) - 1
        return [self.get_submodule(f"layer{last - k}")(level) for k, level in enumerate(pyramid)]


def _patches(in_channels: int, width: int) -> nn.Sequential:
    def convolution(inputs: int, outputs: int, stride: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, _KERNEL, stride, _PADDING)

    layers: list[nn.Module] = [convolution(in_channels, width, 2), nn.LeakyReLU(_SLOPE)]
    for factor, stride in ((2, 2), (4, 2), (8, 1)):
        outputs = width * factor
        layers += [convolution(outputs // 2, outputs, stride), nn.BatchNorm2d(outputs)]
        layers.append(nn.LeakyReLU(_SLOPE))
    return nn.Sequential(*layers, convolution(8 * width, 1, 1), nn.Sigmoid())
