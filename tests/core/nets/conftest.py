"""Plain numpy, slow and from the definitions, to hold networks against."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch

from faceplate.core.arrays import AnyArray, DoubleArray

State = Mapping[str, torch.Tensor]


class Plain:
    """Layers of a state dict as loops over their definitions, in double precision."""

    def __init__(self, state: State) -> None:
        self.state = {key: value.double().numpy() for key, value in state.items()}

    def conv(
        self, name: str, x: DoubleArray, stride: int = 1, pad: int = 0, hole: int = 1
    ) -> DoubleArray:
        """(C, H, W) to (O, h, w): every output the sum over a padded window."""
        weight = self.state[f"{name}.weight"]
        bias = self.state.get(f"{name}.bias", np.zeros(len(weight)))
        x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
        reach = hole * (weight.shape[2] - 1) + 1
        rows, columns = ((size - reach) // stride + 1 for size in x.shape[1:])
        out = np.empty((len(weight), rows, columns))
        for i in range(rows):
            for j in range(columns):
                y0, x0 = i * stride, j * stride
                window = x[:, y0 : y0 + reach : hole, x0 : x0 + reach : hole]
                out[:, i, j] = np.tensordot(weight, window, axes=3) + bias
        return out

    def norm(self, name: str, x: DoubleArray) -> DoubleArray:
        """Batch normalisation by the running statistics."""
        mean, spread, weight, bias = (
            self.state[f"{name}.{part}"][:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / np.sqrt(spread + 1e-5) * weight + bias

    def bottleneck(self, name: str, x: DoubleArray, stride: int = 1) -> DoubleArray:
        y = relu(self.norm(f"{name}.bn1", self.conv(f"{name}.conv1", x)))
        y = relu(self.norm(f"{name}.bn2", self.conv(f"{name}.conv2", y, stride, 1)))
        y = self.norm(f"{name}.bn3", self.conv(f"{name}.conv3", y))
        if f"{name}.downsample.0.weight" in self.state:
            x = self.conv(f"{name}.downsample.0", x, stride)
            x = self.norm(f"{name}.downsample.1", x)
        return relu(x + y)


def relu(x: DoubleArray) -> DoubleArray:
    return np.maximum(x, 0)


def enlarge(x: DoubleArray, height: int, width: int) -> DoubleArray:
    """Bilinear, pixel centres at .5: each output a weighted mean of the nearest inputs."""
    out = x
    for axis, size in ((1, height), (2, width)):
        have = out.shape[axis]
        place = np.clip((np.arange(size) + 0.5) * have / size - 0.5, 0, None)
        low = np.minimum(place.astype(int), have - 1)
        high = np.minimum(low + 1, have - 1)
        part = (place - low).reshape([-1 if a == axis else 1 for a in range(3)])
        out = out.take(low, axis) * (1 - part) + out.take(high, axis) * part
    return out


def by_recipe(state: State) -> dict[str, torch.Tensor]:
    """Return the weights that the specification's reference values were made with."""
    draw = np.random.RandomState(0)  # noqa: NPY002 - the recipe says so
    drawn: dict[str, torch.Tensor] = {}
    for key, tensor in state.items():
        shape = tuple(tensor.shape)
        value: AnyArray
        if key.endswith("num_batches_tracked"):
            value = np.zeros(shape)
        elif key.endswith(("running_mean", "bias")):
            value = 0.1 * draw.standard_normal(shape)
        elif key.endswith("running_var") or len(shape) == 1:
            value = 0.5 + draw.random_sample(shape)
        else:
            value = 0.6 * np.sqrt(2 / np.prod(shape[1:])) * draw.standard_normal(shape)
        drawn[key] = torch.from_numpy(np.asarray(value, np.float32))
    return drawn


@pytest.fixture(scope="session")
def recipe() -> Callable[[State], dict[str, torch.Tensor]]:
    return by_recipe


@pytest.fixture(scope="session")
def plain() -> Callable[[State], Plain]:
    return Plain


@pytest.fixture(scope="session")
def plain_enlarge() -> Callable[[DoubleArray, int, int], DoubleArray]:
    return enlarge
