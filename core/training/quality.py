"""How near pictures are to the true ones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_SIDE, _SPREAD = 11, 1.5
_FLOORS = (0.01**2, 0.03**2)
"""Constants of SSIM for values of 0 to 1."""


def psnr(found: Tensor, wanted: Tensor, share: Tensor) -> Tensor:
    """Return each picture's peak signal-to-noise ratio in dB, (B,).

    Args:
        found: (B, 3, h, w), 0 to 1.
        wanted: likewise.
        share: (B, 1, h, w), how much each pixel counts.
    """
    error = ((found - wanted).square() * share).sum((1, 2, 3))
    return -10 * torch.log10((error / _area(share)).clamp_min(1e-10))


def mean_difference(found: Tensor, wanted: Tensor, share: Tensor) -> Tensor:
    """Return each picture's mean absolute difference, (B,); arguments as for `psnr`."""
    return ((found - wanted).abs() * share).sum((1, 2, 3)) / _area(share)


def ssim(found: Tensor, wanted: Tensor, share: Tensor) -> Tensor:
    """Return each picture's structural similarity, (B,); arguments as for `psnr`.

    Source: Wang et al., "Image quality assessment", 2004.
    """
    steps = torch.arange(_SIDE, device=found.device) - _SIDE // 2
    bell = torch.exp(-steps.square() / (2 * _SPREAD**2))
    kernel = (bell[:, None] * bell / bell.sum() ** 2).expand(3, 1, -1, -1)

    def local(picture: Tensor) -> Tensor:
        wide = functional.pad(picture, (_SIDE // 2,) * 4, mode="reflect")
        return functional.conv2d(wide, kernel, groups=3)

    a, b = local(found), local(wanted)
    aa, bb = local(found.square()) - a.square(), local(wanted.square()) - b.square()
    ab = local(found * wanted) - a * b
    first, second = _FLOORS
    map_ = ((2 * a * b + first) * (2 * ab + second)) / (
        (a.square() + b.square() + first) * (aa + bb + second)
    )
    return (map_ * share).sum((1, 2, 3)) / _area(share)


def qualities(found: Tensor, wanted: Tensor, share: Tensor) -> dict[str, float]:
    """Return the means of all three over a batch, by name; arguments as for `psnr`."""
    return {
        "l1": float(mean_difference(found, wanted, share).mean()),
        "psnr": float(psnr(found, wanted, share).mean()),
        "ssim": float(ssim(found, wanted, share).mean()),
    }


def _area(share: Tensor) -> Tensor:
    return 3 * share.sum((1, 2, 3)).clamp_min(1e-6)
