"""The landmark transformer: what holds of it whatever its weights are."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from faceplate.core.nets.transformer import LandmarkTransformer, size_of


def network(seed: int = 0) -> LandmarkTransformer:
    torch.manual_seed(seed)
    net = LandmarkTransformer(hidden=32, layers=2)
    for _ in range(3):
        net(face(8), poses(8), poses(8, 1))
    return net.eval()


def face(count: int = 4, seed: int = 5) -> Tensor:
    return torch.randn(count, 98, 2, generator=torch.Generator().manual_seed(seed)) * 30 + 100


def poses(count: int = 4, seed: int = 0) -> Tensor:
    chance = torch.Generator().manual_seed(seed)
    return (torch.rand(count, 3, generator=chance) - 0.5) * torch.tensor([120.0, 50.0, 50.0])


def tilted(points: Tensor, degrees: Tensor, about: Tensor) -> Tensor:
    """Points of a picture that is turned clockwise, y being down."""
    angle = torch.deg2rad(degrees)[:, None]
    x, y = (points - about).unbind(2)
    turned = [angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y]
    return torch.stack(turned, 2) + about


def test_place_and_size_of_the_face_pass_through() -> None:
    net, points = network(), face()

    plain = net(points, poses(), poses(4, 1))
    moved = net(points * 2.5 - 40, poses(), poses(4, 1))

    torch.testing.assert_close(moved, plain * 2.5 - 40, atol=1e-3, rtol=1e-4)


def test_the_middle_stays() -> None:
    points = face()

    found = network()(points, poses(), poses(4, 1))

    torch.testing.assert_close(found.mean(1), points.mean(1), atol=1e-3, rtol=0)


def test_roll_is_a_turn_of_the_picture_and_nothing_else() -> None:
    net, points, here, there = network(), face(), poses(), poses(4, 1)
    tilt = torch.tensor([10.0, -35.0, 80.0, 3.0])
    middle = points.mean(1, keepdim=True)
    more = torch.zeros(4, 3)
    more[:, 2] = tilt

    plain = net(points, here, there)

    torch.testing.assert_close(
        net(tilted(points, tilt, middle), here + more, there), plain, atol=2e-3, rtol=0
    )
    torch.testing.assert_close(
        net(points, here, there + more), tilted(plain, tilt, middle), atol=2e-3, rtol=0
    )


def test_the_poses_decide_where_points_go() -> None:
    net, points = network(), face()

    found = net(points, poses(), poses(4, 1))

    assert (found - net(points, poses(), poses(4, 2))).abs().max() > 0.5
    assert (found - net(points, poses(4, 3), poses(4, 1))).abs().max() > 0.5


def test_a_face_of_no_size_gives_finite_points() -> None:
    found = network()(torch.full((2, 98, 2), 7.0), poses(2), poses(2, 1))

    assert torch.isfinite(found).all()
    torch.testing.assert_close(found, torch.full_like(found, 7.0), atol=1e-3, rtol=0)


@pytest.mark.parametrize("factor", [1.0, 50.0])
def test_size_is_the_spread_about_the_middle(factor: float) -> None:
    points = torch.tensor([[[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]]) * factor + 9

    assert size_of(points).item() == pytest.approx(2**0.5 * factor)
