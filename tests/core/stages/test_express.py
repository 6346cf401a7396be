"""FSGAN's first version: the script that gives a face another one's mouth, against torch's own."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import nn
from torch.nn import functional

from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.nets.unet import MultiScaleResUNet
from faceplate.core.stages.express import (
    LANDMARKS_68,
    express_face,
    expression_maps,
    expression_points,
)


@dataclass
class Net:
    """A torch network behind the door of an imported one."""

    network: nn.Module

    def run(self, fine: FloatArray, coarse: FloatArray) -> list[FloatArray]:
        with torch.no_grad():
            found = self.network([torch.from_numpy(fine), torch.from_numpy(coarse)])
        found = found if isinstance(found, tuple) else (found,)
        return [one.numpy() for one in found]


def lively(network: MultiScaleResUNet) -> MultiScaleResUNet:
    """Give a network weights that pictures come through, not the pale ones of a beginning."""
    for parameter in network.parameters():
        if parameter.dim() == 4:
            nn.init.normal_(parameter, std=float(np.sqrt(2 / parameter[0].numel())))
    return network.eval()


@pytest.fixture(scope="module")
def networks() -> tuple[Net, Net]:
    torch.manual_seed(3)
    reenact = MultiScaleResUNet(71, (3, 3), (1, 0, 1), 2, variant="v1")
    blend = MultiScaleResUNet(7, 3, (1, 0, 1), 2, variant="v1")
    return Net(lively(reenact)), Net(lively(blend))


def faces(seed: int = 0) -> tuple[DoubleArray, DoubleArray]:
    """A cloud of 98 points, and the same turned, moved, and otherwise about the mouth."""
    rng = np.random.default_rng(seed)
    source = np.column_stack([rng.uniform(40, 215, (98, 2)), rng.uniform(-30, 30, 98)])
    turn = Rotation.from_euler("xyz", [8.0, -20.0, 12.0], degrees=True)
    target = turn.apply(source - source.mean(0)) + [120.0, 140.0, 5.0]
    target[76:96, 1] += rng.uniform(-9, 9, 20)
    return source, target


def script_points(source: DoubleArray, target: DoubleArray) -> DoubleArray:
    """Kabsch by scipy; the aligned mouth, re-centred at the source's."""
    own, other = source[list(LANDMARKS_68)], target[list(LANDMARKS_68)]
    turn, _ = Rotation.align_vectors(own - own.mean(0), other - other.mean(0))
    aligned = turn.apply(other - other.mean(0)) + own.mean(0)
    points = own[:, :2].copy()
    mouth = aligned[48:68, :2]
    points[48:68] = mouth - mouth.mean(0) + own[48:68, :2].mean(0)
    return points


def script_maps(points: DoubleArray) -> torch.Tensor:
    """One pixel each, a kernel of 13, and the highest of all made 1."""
    dots = torch.zeros(68, 1, 256, 256)
    for number, (x, y) in enumerate(points):
        column, row = (min(max(int(value), 0), 255) for value in (x, y))
        dots[number, 0, row, column] = 1
    bell = torch.exp(-(((torch.arange(13) - 6) / 4.0) ** 2))
    maps = functional.conv2d(dots, (bell[:, None] * bell)[None, None], padding=6)[:, 0]
    return maps / maps.max()


def test_the_68_landmarks_are_the_ones_that_the_two_layouts_share() -> None:
    assert len(set(LANDMARKS_68)) == 68
    assert LANDMARKS_68[8] == 16  # the chin
    assert (LANDMARKS_68[30], LANDMARKS_68[36], LANDMARKS_68[45]) == (54, 60, 72)  # nose, eyes
    assert LANDMARKS_68[48:] == tuple(range(76, 96))


def test_all_but_the_mouth_stays_and_the_mouth_is_turned_to_the_face() -> None:
    source, target = faces()

    found = expression_points(source, target)

    np.testing.assert_allclose(found[:, :2], script_points(source, target), atol=1e-6)
    assert np.abs(found[48:, :2] - source[76:96, :2]).max() > 4


def test_the_maps_are_the_scripts_at_both_levels() -> None:
    source, target = faces()
    source[0, :2] = (-3.0, 300.0)  # what lies outside is drawn at the border

    fine, coarse = expression_maps(source, target)

    wanted = script_maps(script_points(source, target))
    np.testing.assert_allclose(fine, wanted.numpy(), atol=1e-5)
    half = functional.interpolate(
        wanted[None], scale_factor=0.5, mode="bilinear", align_corners=False
    )[0]
    np.testing.assert_allclose(coarse, half.numpy(), atol=1e-5)


def test_the_whole_script_is_that_of_the_first_version(networks: tuple[Net, Net]) -> None:
    source, target = faces()
    rng = np.random.default_rng(5)
    picture = cv2.GaussianBlur(rng.random((256, 256, 3), np.float32), (0, 0), 4)

    found = express_face(*networks, picture, source, target)  # type: ignore[arg-type]

    maps = script_maps(script_points(source, target))
    half = functional.interpolate(maps[None], scale_factor=0.5, mode="bilinear")[0]
    views = [
        torch.from_numpy(one).permute(2, 0, 1) * 2 - 1 for one in (picture, cv2.pyrDown(picture))
    ]
    given = [torch.cat(pair)[None] for pair in zip(views, (maps, half), strict=True)]
    reenact, blend = (one.network for one in networks)
    with torch.no_grad():
        drawn, scores = reenact(given)
        face = (scores.argmax(1, keepdim=True) == 1).float()
        frame = views[0][None]
        pasted = torch.cat([drawn * face + frame * (1 - face), frame, face], 1)
        coarse = functional.avg_pool2d(pasted, 3, 2, 1, count_include_pad=False)
        wanted = blend([pasted, coarse])[0]
    assert 0.1 < face.mean() < 0.9
    assert wanted.std() > 0.05
    np.testing.assert_allclose(found, wanted.numpy(), atol=2e-4)
