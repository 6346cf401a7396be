"""Moves a face's landmarks from one head pose to another, without a 3-D model: a design of ours.

The paper has such a network and says of it no more than that; nothing of its architecture, losses
or weights is public, and "transformer" is its name for what transforms landmarks. This one is a
plain perceptron, and its results are not the paper's: see `fsgan.md` 12.1.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from faceplate.core.face import Layout

_POINTS = Layout.WFLW_98.count
_ANGLES = 8
"""Sines and cosines of yaw and pitch, here and there."""
_LEAST_SIZE = 1e-6
_RADIANS = math.pi / 180


class LandmarkTransformer(nn.Module):
    """A perceptron that says how upright landmarks of unit size move when the head turns.

    The angles gate every hidden layer, for a turn multiplies what depends on the face. Roll is a
    turn of the picture, so it is taken out before and put in afterwards, exactly; place and size
    are likewise those of the face that comes in.
    """

    def __init__(self, hidden: int = 512, layers: int = 2) -> None:
        """Make the network.

        Args:
            hidden: values of a layer.
            layers: hidden ones.
        """
        super().__init__()
        widths = [2 * _POINTS + _ANGLES, *[hidden] * layers]
        self.layers = nn.ModuleList(_Gated(*pair) for pair in pairwise(widths))
        self.last = nn.Linear(widths[-1], 2 * _POINTS)

    def forward(self, points: Tensor, pose: Tensor, wanted: Tensor) -> Tensor:
        """Return the landmarks as they are when the same face, acting the same, looks elsewhere.

        Args:
            points: (B, 98, 2) in any unit, x right, y down.
            pose: (B, 3) yaw, pitch and roll of them in degrees, signs of `HeadPose`.
            wanted: likewise, of the landmarks that come out.

        Returns:
            (B, 98, 2) in the same unit, about the same middle.
        """
        middle = points.mean(1, keepdim=True)
        upright = _rolled(points - middle, -pose[:, 2])
        size = size_of(upright)
        shape = upright / size
        turns = torch.cat([pose[:, :2], wanted[:, :2]], 1) * _RADIANS
        angles = torch.cat([turns.sin(), turns.cos()], 1)
        x = torch.cat([shape.flatten(1), angles], 1)
        for layer in self.layers:
            x = layer(x, angles)
        moves: Tensor = self.last(x).unflatten(1, (_POINTS, 2))
        moved = shape + moves - moves.mean(1, keepdim=True)
        return _rolled(moved * size, wanted[:, 2]) + middle


class _Gated(nn.Module):
    """A layer whose values are multiplied by what the angles say."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.values = nn.Linear(inputs, outputs, bias=False)
        self.norm = nn.BatchNorm1d(outputs)
        self.gate = nn.Linear(_ANGLES, outputs)

    def forward(self, x: Tensor, angles: Tensor) -> Tensor:
        """Return (B, outputs)."""
        return torch.relu(self.norm(self.values(x)) * (1 + self.gate(angles)))


def size_of(points: Tensor) -> Tensor:
    """Return the root of the mean squared distance from the middle, (B, 1, 1)."""
    away = points - points.mean(1, keepdim=True)
    return away.square().sum(2).mean(1).clamp_min(_LEAST_SIZE**2).sqrt()[:, None, None]


def _rolled(points: Tensor, degrees: Tensor) -> Tensor:
    """Return (B, N, 2) points, y down, tilted to the face's own left about the origin."""
    angle = degrees * _RADIANS
    cosine, sine = angle.cos()[:, None], angle.sin()[:, None]
    x, y = points[:, :, 0], points[:, :, 1]
    return torch.stack([cosine * x - sine * y, sine * x + cosine * y], 2)
