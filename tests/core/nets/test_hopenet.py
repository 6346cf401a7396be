"""Hopenet: the released keys, the specification's numbers, and what it learns by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from faceplate.core.errors import InputError
from faceplate.core.nets.hopenet import (
    BINS,
    Hopenet,
    decoded,
    hopenet_like,
    is_hopenet,
    labels_of,
    pose_loss,
)

SMALL = ((1, 1, 1, 1), 4)
Recipe = Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]


def shapes_of(network: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def test_the_released_layout_has_its_keys_and_counts() -> None:
    with torch.device("meta"):
        network = Hopenet()

    keys = list(network.state_dict())

    assert len(keys) == 326
    assert sum(key.endswith("num_batches_tracked") for key in keys) == 53
    assert sum(p.numel() for p in network.parameters()) == 23_919_890
    assert sum(b.numel() for b in network.buffers()) == 53_173
    assert keys[:2] == ["conv1.weight", "bn1.weight"]
    assert keys[-8::2] == [f"fc_{n}.weight" for n in ("yaw", "pitch", "roll", "finetune")]
    assert network.fc_finetune.weight.shape == (3, 2051)
    assert "layer3.5.conv2.weight" in keys
    assert "layer3.6.conv2.weight" not in keys


def test_the_specifications_angles_come_out_of_its_weights(recipe: Recipe) -> None:
    with torch.device("meta"):
        network = Hopenet()
    network.load_state_dict(recipe(network.state_dict()), assign=True)
    noise = np.random.RandomState(1).standard_normal((2, 3, 224, 224))  # noqa: NPY002

    with torch.no_grad():
        found = network.eval()(torch.from_numpy(noise.astype(np.float32)))

    wanted = [[1.73360, 3.79185, -0.76066], [1.42666, 3.75416, -0.97316]]
    np.testing.assert_allclose(found, wanted, atol=1e-4 * 3.8)


@pytest.mark.parametrize("bin_", [0, 1, 33, 65])
def test_a_certain_bin_is_its_lower_edge_in_degrees(bin_: int) -> None:
    scores = torch.full((1, BINS), -100.0)
    scores[0, bin_] = 0.0

    assert decoded(scores).item() == pytest.approx(-99 + 3 * bin_, abs=1e-4)


def test_two_equal_bins_are_the_angle_between_them() -> None:
    scores = torch.full((1, BINS), -100.0)
    scores[0, [30, 37]] = 5.0

    assert decoded(scores).item() == pytest.approx(-99 + 3 * 33.5, abs=1e-4)


def test_a_larger_picture_is_seen_in_its_upper_left_corner_only() -> None:
    torch.manual_seed(0)
    network = Hopenet(*SMALL).eval()
    picture = torch.rand(1, 3, 256, 256)
    changed = picture.clone()
    changed[..., 255:, 255:] += 5.0

    with torch.no_grad():
        before, after = network(picture), network(changed)

    assert torch.equal(before, after)


def test_labels_are_the_bins_between_the_edges() -> None:
    edges = np.arange(-99, 100, 3)
    angles = np.concatenate([edges[:-1], edges[:-1] + 1.5, edges[1:] - 1e-3])

    found = labels_of(torch.from_numpy(angles))

    assert found.tolist() == (np.digitize(angles, edges) - 1).tolist()
    assert set(found.tolist()) == set(range(BINS))


@pytest.mark.parametrize("angle", [-99.1, 99.0, 120.0])
def test_an_angle_without_a_bin_is_refused(angle: float) -> None:
    with pytest.raises(InputError, match="no bin"):
        labels_of(torch.tensor([0.0, angle]))


def test_the_loss_is_the_sum_over_three_angles_of_both_terms() -> None:
    draw = np.random.default_rng(3)
    scores = draw.standard_normal((3, 2, BINS))
    degrees = np.array([[10.0, -20.0, 31.0], [-98.0, 97.0, 0.0]])
    wanted = 0.0
    for angle in range(3):
        for sample in range(2):
            share = np.exp(scores[angle, sample]) / np.exp(scores[angle, sample]).sum()
            label = int((degrees[sample, angle] + 99) // 3)
            expected = (3 * np.arange(BINS) - 99) @ share
            wanted += -np.log(share[label]) / 2
            wanted += 0.5 * (expected - degrees[sample, angle]) ** 2 / 2

    a, b, c = torch.from_numpy(scores)
    found = pose_loss((a, b, c), torch.from_numpy(degrees), alpha=0.5)

    assert found.item() == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("sizes", [SMALL, ((2, 1, 3, 1), 8)])
def test_a_saved_network_is_known_again_and_runs_the_same(
    sizes: tuple[tuple[int, int, int, int], int],
) -> None:
    torch.manual_seed(0)
    network = Hopenet(*sizes).eval()
    state = network.state_dict()
    # Files of old PyTorch versions have no counters.
    old = {key: value for key, value in state.items() if not key.endswith("tracked")}

    assert is_hopenet(shapes_of(network))
    again = hopenet_like(shapes_of(network)).eval()
    again.load_state_dict(old, strict=True)

    picture = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(network(picture), again(picture))


def test_a_small_one_learns_a_turn() -> None:
    torch.manual_seed(0)
    network = Hopenet(*SMALL)
    ramp = torch.linspace(-1, 1, 224).expand(1, 3, 224, 224)
    pictures = torch.cat([ramp, -ramp])
    degrees = torch.tensor([[40.0, 0.0, 5.0], [-40.0, 0.0, -5.0]])
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(25):
        loss = pose_loss(network.logits(pictures), degrees, alpha=0.01)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < 0.5 * losses[0]
