"""The discriminator: the published counts, and its answers by another library's correlation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import correlate

from faceplate.core.errors import ContractError
from faceplate.core.nets.discriminator import MultiscaleDiscriminator


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def small() -> MultiscaleDiscriminator:
    network = MultiscaleDiscriminator(width=4).double()
    rng = torch.Generator().manual_seed(2)
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            low = 0.5 if key.endswith("running_var") else -0.5
            tensor.uniform_(low, low + 1, generator=rng)
    return network.eval()


def test_it_has_the_published_counts_and_keys() -> None:
    with torch.device("meta"):
        network = MultiscaleDiscriminator()
    state = network.state_dict()

    assert len(state) == 50
    assert sum(p.numel() for p in network.parameters()) == 5_533_058
    convolutions = [key for key, t in state.items() if t.ndim == 4 and key.startswith("layer1.")]
    assert convolutions == [f"layer1.{n}.weight" for n in (0, 2, 5, 8, 11)]
    assert {key for key in state if key.endswith("running_mean")} == {
        f"layer{k}.{n}.running_mean" for k in (0, 1) for n in (3, 6, 9)
    }
    assert tuple(state["layer0.8.weight"].shape) == (512, 256, 4, 4)


def test_its_answers_are_those_of_the_specification() -> None:
    network = small()
    state = {key: tensor.numpy() for key, tensor in network.state_dict().items()}
    picture = noise(1, 3, 24, 24)

    with torch.no_grad():
        found = network([picture])[0][0].numpy()

    x = picture[0].numpy()
    for place, stride in ((0, 2), (2, 2), (5, 2), (8, 1), (11, 1)):
        x = np.pad(x, ((0, 0), (2, 2), (2, 2)))
        weight, bias = state[f"layer0.{place}.weight"], state[f"layer0.{place}.bias"]
        planes = [correlate(x, kernel, mode="valid")[0] for kernel in weight]
        x = np.stack(planes)[:, ::stride, ::stride] + bias[:, None, None]
        if 0 < place < 11:
            mean, var, scale, shift = (
                state[f"layer0.{place + 1}.{name}"][:, None, None]
                for name in ("running_mean", "running_var", "weight", "bias")
            )
            x = (x - mean) / np.sqrt(var + 1e-5) * scale + shift
        x = np.where(x > 0, x, 0.2 * x) if place < 11 else 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(found, x, atol=1e-10)
    assert np.ptp(x) > 1e-3


def test_the_coarsest_level_always_goes_to_the_first_net() -> None:
    network = small()
    fine, coarse = noise(2, 3, 32, 32), noise(2, 3, 16, 16)

    both = network([fine, coarse])
    alone = network([coarse])

    assert len(both) == 2
    assert len(alone) == 1
    assert torch.equal(both[1], alone[0])
    assert torch.equal(both[0], network.layer1(fine))
    assert both[0].shape[-1] > both[1].shape[-1]


@pytest.mark.parametrize("pyramid", [noise(1, 3, 16, 16), [], [noise(1, 3, 16, 16)] * 3])
def test_what_is_no_pyramid_is_refused(pyramid: list[torch.Tensor]) -> None:
    with pytest.raises(ContractError, match="list of 1 to 2 levels"):
        small()(pyramid)
