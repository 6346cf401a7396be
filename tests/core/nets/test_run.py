"""Running a network: shapes, and the same bits whatever the threads and the company."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from faceplate.core.arrays import FloatArray
from faceplate.core.card import Licence, ModelCard, Origin, Tensor
from faceplate.core.errors import ModelMismatchError
from faceplate.core.nets.load import find_card, list_cards, load_network
from faceplate.core.nets.run import open_network

CARDS = list_cards()
HAS_CUDA = "CUDAExecutionProvider" in onnxruntime.get_available_providers()

each_network = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)


def inputs_of(card: ModelCard, count: int) -> list[FloatArray]:
    """Noise, smooth and rough, of the size of codes, for every input."""
    rng = np.random.default_rng(7)
    shapes = [(count, *tensor.shape) for tensor in card.inputs]
    ramps = [np.linspace(0.2, 1, shape[-2], dtype=np.float32)[:, None] for shape in shapes]
    return [rng.random(s, np.float32) * ramp for s, ramp in zip(shapes, ramps, strict=True)]


@each_network
def test_results_have_the_cards_shapes_and_are_finite(card: ModelCard) -> None:
    results = load_network(card.name).run(*inputs_of(card, 2))

    assert [array.shape for array in results] == [(2, *out.shape) for out in card.outputs]
    assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in results)


@each_network
def test_different_inputs_give_different_results(card: ModelCard) -> None:
    first = load_network(card.name).run(*inputs_of(card, 2))[0]

    assert not np.array_equal(first[0], first[1])


@each_network
def test_one_thread_and_two_give_the_same_bits(card: ModelCard) -> None:
    batch = inputs_of(card, 2)

    one = load_network(card.name, threads=1).run(*batch)
    two = load_network(card.name, threads=2).run(*batch)

    assert [array.tobytes() for array in one] == [array.tobytes() for array in two]


@each_network
def test_alone_and_in_a_batch_give_the_same_bits(card: ModelCard) -> None:
    network = load_network(card.name)
    batch = inputs_of(card, 3)

    together = network.run(*batch)
    alone = [network.run(*(part[n : n + 1] for part in batch)) for n in range(3)]

    for number, output in enumerate(together):
        assert output.tobytes() == b"".join(results[number].tobytes() for results in alone)


def test_an_empty_batch_gives_empty_results() -> None:
    card = find_card("face_det_short")

    results = load_network(card.name).run(*inputs_of(card, 0))

    assert [array.shape for array in results] == [(0, 896, 16), (0, 896, 1)]


def test_strided_input_is_read_as_the_picture_it_is() -> None:
    network = load_network("face_det_short")
    (batch,) = inputs_of(network.card, 1)
    turned = np.ascontiguousarray(batch.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)

    assert not turned.flags.c_contiguous
    assert network.run(turned)[1].tobytes() == network.run(batch)[1].tobytes()


def test_several_threads_may_use_one_network_at_once() -> None:
    network = load_network("face_det_short")
    (batch,) = inputs_of(network.card, 8)

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda number: network.run(batch[number : number + 1])[0], range(8)))

    assert np.concatenate(parts).tobytes() == network.run(batch)[0].tobytes()


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((1, 128, 129, 3), np.float32),
        np.zeros((1, 3, 128, 128), np.float32),
        np.zeros((128, 128, 3), np.float32),
        np.zeros((), np.float32),
        np.zeros((1, 128, 128, 3), np.float64),
        np.zeros((1, 128, 128, 3), np.uint8),
    ],
    ids=lambda batch: f"{batch.dtype}{batch.shape}",
)
def test_input_of_another_shape_or_dtype_is_refused(batch: FloatArray) -> None:
    network = load_network("face_det_short")

    with pytest.raises(ModelMismatchError, match=r"float32 \(B, 128, 128, 3\)") as caught:
        network.run(batch)

    assert caught.value.facts["found"] == batch.shape


def halved(height: int, width: int) -> tuple[ModelCard, bytes]:
    """A network that keeps every other row and column; 0 stands for an axis of any length."""
    helper = onnx.helper
    axes = [1, height or "rows", width or "columns"]
    ends = [1, height // 2 or "fewer rows", width // 2 or "fewer columns"]
    real = onnx.TensorProto.FLOAT
    numbers = {"starts": [0, 0], "ends": [9999, 9999], "axes": [1, 2], "steps": [2, 2]}
    graph = helper.make_graph(
        [helper.make_node("Slice", ["input", *numbers], ["output"])],
        "halved",
        [helper.make_tensor_value_info("input", real, axes)],
        [helper.make_tensor_value_info("output", real, ends)],
        [helper.make_tensor(k, onnx.TensorProto.INT64, [2], v) for k, v in numbers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    card = replace(
        find_card("selfie_seg"),
        inputs=(Tensor("input", (height, width), "HW", "codes"),),
        outputs=(Tensor("output", (height // 2, width // 2), "HW", "codes"),),
    )
    return card, model.SerializeToString()


@pytest.mark.parametrize("size", [(4, 6), (7, 1), (30, 12)])
def test_an_axis_of_any_length_takes_any(size: tuple[int, int]) -> None:
    network = open_network(*halved(0, 0), threads=1, device="cpu")
    batch = np.random.default_rng(0).random((3, *size), np.float32)

    (output,) = network.run(batch)

    np.testing.assert_array_equal(output, batch[:, ::2, ::2])


def test_one_axis_may_be_of_any_length_and_the_other_not() -> None:
    network = open_network(*halved(0, 6), threads=1, device="cpu")

    assert network.run(np.zeros((1, 10, 6), np.float32))[0].shape == (1, 5, 3)
    assert network.run(np.zeros((0, 10, 6), np.float32))[0].shape[0] == 0
    for shape in ((1, 10, 8), (1, 0, 6), (1, 10, 6, 1)):
        with pytest.raises(ModelMismatchError, match=r"\(B, 0, 6\)"):
            network.run(np.zeros(shape, np.float32))


def test_a_card_with_a_length_does_not_fit_a_file_without() -> None:
    (card, _), (_, content) = halved(4, 6), halved(0, 6)

    with pytest.raises(ModelMismatchError, match="do not fit its card"):
        open_network(card, content, threads=1, device="cpu")


TWO = ModelCard(
    name="two",
    task="to take two",
    file="two.onnx",
    sha256="0" * 64,
    bytes=1,
    licence=Licence("CC0-1.0", "ours"),
    origin=Origin("faceplate", "test", "1", "none", "0" * 64),
    inputs=(Tensor("fine", (2, 3), "HW", "a"), Tensor("coarse", (3,), "W", "b")),
    outputs=(Tensor("gap", (2, 3), "HW", "fine less coarse"),),
    training="none",
    limits="all",
    clearance="open",
)


def two_inputs() -> bytes:
    value = onnx.helper.make_tensor_value_info
    ends = {t.name: value(t.name, 1, [1, *t.shape]) for t in (*TWO.inputs, *TWO.outputs)}
    node = onnx.helper.make_node("Sub", ["fine", "coarse"], ["gap"])
    graph = onnx.helper.make_graph(
        [node],
        "two",
        [ends["coarse"], ends["fine"]],
        [ends["gap"]],  # not in the card's order
    )
    opset = onnx.helper.make_opsetid("", 17)
    return bytes(
        onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()
    )


def test_inputs_are_fed_in_the_cards_order() -> None:
    network = open_network(TWO, two_inputs(), threads=1, device="cpu")
    fine = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    coarse = np.arange(12, dtype=np.float32).reshape(4, 3) * 10

    (found,) = network.run(fine, coarse)

    assert np.array_equal(found, fine - coarse[:, None])


@pytest.mark.parametrize(
    "shapes",
    [[(1, 2, 3)], [], [(1, 2, 3), (2, 3)], [(1, 3), (1, 2, 3)], [(1, 2, 3), (1, 3), (1, 3)]],
)
def test_other_batches_than_the_card_has_are_refused(shapes: list[tuple[int, ...]]) -> None:
    network = open_network(TWO, two_inputs(), threads=1, device="cpu")

    with pytest.raises(ModelMismatchError, match=r"takes float32 \(B, 2, 3\) and \(B, 3\)"):
        network.run(*(np.zeros(shape, np.float32) for shape in shapes))


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_CUDA, reason="onnxruntime has no CUDA here")
@each_network
def test_the_gpu_agrees_with_the_cpu_and_with_itself(card: ModelCard) -> None:
    batch = inputs_of(card, 2)
    network = load_network(card.name, device="cuda")

    here = load_network(card.name).run(*batch)
    there = network.run(*batch)

    assert [a.tobytes() for a in network.run(*batch)] == [a.tobytes() for a in there]
    for cpu, gpu in zip(here, there, strict=True):
        np.testing.assert_allclose(gpu, cpu, rtol=1e-3, atol=1e-3 * max(1.0, float(abs(cpu).max())))
