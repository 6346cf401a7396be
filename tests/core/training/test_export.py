"""Trained networks as files: small, exact, and with a card that fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from faceplate.core.card import Tensor as CardTensor
from faceplate.core.card import read_card
from faceplate.core.errors import ModelMismatchError
from faceplate.core.nets.load import load_network
from faceplate.core.nets.segnet import SegNet
from faceplate.core.training.cards import card_of, write_model
from faceplate.core.training.checkpoint import Position, save_weights
from faceplate.core.training.export import Exported, export_model
from faceplate.core.training.segment import Channelslast
from faceplate.core.training.settings import RunSettings
from faceplate.core.training.task import Model


def model(network: nn.Module, side: int = 32) -> Model:
    return Model(
        name="tiny",
        network=network,
        task="labels",
        inputs=(CardTensor("input", (side, side, 3), "HWC", "codes 0..1"),),
        outputs=(CardTensor("logits", (side, side, 4), "HWC", "logits"),),
        labels=("a", "b", "c", "d"),
        training="noise",
        limits="all of them",
    )


def small() -> nn.Module:
    torch.manual_seed(0)
    network = SegNet(4, channels=(4, 6, 8, 8, 12), blocks=(0, 1, 0, 1))
    with torch.no_grad():
        for _ in range(5):
            network(torch.rand(4, 3, 32, 32))  # so that batch norms have something to fold
    return Channelslast(network.eval())


def test_the_file_answers_as_the_network_does() -> None:
    network = small()
    exported = export_model(model(network))
    session = onnxruntime.InferenceSession(exported.content)
    picture = np.random.default_rng(7).random((1, 32, 32, 3), np.float32)

    (found,) = session.run(["logits"], {"input": picture})

    with torch.no_grad():
        wanted = network(torch.from_numpy(picture)).numpy()
    assert exported.difference < 1e-5
    assert 0 < exported.rounding < 5e-3
    assert np.abs(found - wanted).max() < 5e-3 * np.abs(wanted).max()


def test_weights_are_stored_in_half_precision() -> None:
    network = small()

    exported = export_model(model(network))

    graph = onnx.load_model_from_string(exported.content)
    large = [w for w in graph.graph.initializer if np.prod(w.dims) >= 32 and w.data_type != 7]
    count = sum(parameter.numel() for parameter in network.parameters())
    assert {weight.data_type for weight in large} == {onnx.TensorProto.FLOAT16}
    assert graph.opset_import[0].version == 17
    assert len(exported.content) < 2.6 * count + 30_000


def test_a_card_names_those_whose_footage_was_learnt_from(tmp_path: Path) -> None:
    weights = tmp_path / "best.safetensors"
    weights.write_bytes(b"")
    known = replace(model(small()), performers=("Ana (r7)",))

    cards = [
        card_of(
            one, Exported(b"file", 0, 0), RunSettings("blend"), Position(), weights=weights,
            metrics={},
        )
        for one in (known, model(small()))
    ]  # fmt: skip

    assert cards[0].licence.spdx == "LicenseRef-performers"
    assert cards[0].licence.statement.endswith("Ana (r7)")
    assert cards[1].licence.spdx == "Apache-2.0"


class Sum(nn.Module):
    """Takes two pictures of different sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, generator=torch.Generator().manual_seed(0)))

    def forward(self, fine: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor]:
        small = torch.einsum("oc,bchw->bohw", self.weight, coarse)
        return fine.mean((1, 2, 3)), small - fine.mean()


def test_a_network_of_several_inputs_takes_them_by_name_and_in_order() -> None:
    inputs = tuple(
        CardTensor(name, (3, side, side), "CHW", "codes")
        for name, side in (("fine", 8), ("low", 4))
    )
    outputs = (
        CardTensor("mean", (), "", "codes"),
        CardTensor("rest", (4, 4, 4), "CHW", "codes"),
    )
    two = Model("two", Sum(), "sum", inputs, outputs, (), training="", limits="")
    rng = np.random.default_rng(0)
    fine, low = (rng.random((1, 3, side, side), np.float32) for side in (8, 4))

    exported = export_model(two)

    session = onnxruntime.InferenceSession(exported.content)
    mean, rest = session.run(["mean", "rest"], {"low": low, "fine": fine})
    wanted = [x.detach().numpy() for x in Sum()(torch.from_numpy(fine), torch.from_numpy(low))]
    np.testing.assert_allclose(mean, wanted[0], atol=1e-3)
    np.testing.assert_allclose(rest, wanted[1], atol=1e-2)


class Huge(nn.Module):
    """Half precision cannot hold its weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((3, 40), 1e6))
        self.back = nn.Parameter(torch.full((40, 4), 1e-6))

    def forward(self, codes: Tensor) -> Tensor:
        return codes @ self.weight @ self.back


def test_weights_beyond_half_precision_are_refused() -> None:
    with pytest.raises(ModelMismatchError, match="half-precision weights, tiny answers otherwise"):
        export_model(model(Huge()))


def test_a_written_model_loads_with_the_card_that_the_run_wrote(tmp_path: Path) -> None:
    network = small()
    exported = export_model(model(network))
    weights = tmp_path / "best.safetensors"
    save_weights(weights, {"segmenter": network.state_dict()})
    position = Position(done=7, seconds=3.0, data="d" * 64, best_step=5, hardware="an abacus")
    settings = RunSettings("segment", seed=11)

    card = card_of(
        model(network), exported, settings, position, weights=weights, metrics={"iou face": 0.5}
    )
    write_model(tmp_path, card, exported)

    assert read_card(tmp_path / "tiny.toml") == card
    for fact in ("dddddddddddddddd", "seed 11", "step 5 of 7", "3 s on an abacus", "face 0.500"):
        assert fact in card.training
    picture = np.random.default_rng(7).random((2, 32, 32, 3), np.float32)
    (found,) = load_network("tiny", folder=tmp_path).run(picture)
    with torch.no_grad():
        wanted = network(torch.from_numpy(picture)).numpy()
    assert (found.argmax(3) == wanted.argmax(3)).mean() > 0.99
