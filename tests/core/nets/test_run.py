"""Running a network: shapes, and the same bits whatever the threads and the company."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest

from faceplate.core.arrays import FloatArray
from faceplate.core.card import ModelCard
from faceplate.core.errors import ModelMismatchError
from faceplate.core.nets.load import find_card, list_cards, load_network

CARDS = list_cards()
HAS_CUDA = "CUDAExecutionProvider" in onnxruntime.get_available_providers()

each_network = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)


def inputs_of(card: ModelCard, count: int) -> FloatArray:
    """Noise, smooth and rough, of the size of codes."""
    shape = (count, *card.inputs[0].shape)
    rng = np.random.default_rng(7)
    return rng.random(shape, np.float32) * np.linspace(0.2, 1, shape[-2], dtype=np.float32)[:, None]


@each_network
def test_results_have_the_cards_shapes_and_are_finite(card: ModelCard) -> None:
    results = load_network(card.name).run(inputs_of(card, 2))

    assert [array.shape for array in results] == [(2, *out.shape) for out in card.outputs]
    assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in results)


@each_network
def test_different_inputs_give_different_results(card: ModelCard) -> None:
    first = load_network(card.name).run(inputs_of(card, 2))[0]

    assert not np.array_equal(first[0], first[1])


@each_network
def test_one_thread_and_two_give_the_same_bits(card: ModelCard) -> None:
    batch = inputs_of(card, 2)

    one = load_network(card.name, threads=1).run(batch)
    two = load_network(card.name, threads=2).run(batch)

    assert [array.tobytes() for array in one] == [array.tobytes() for array in two]


@each_network
def test_alone_and_in_a_batch_give_the_same_bits(card: ModelCard) -> None:
    network = load_network(card.name)
    batch = inputs_of(card, 3)

    together = network.run(batch)
    alone = [network.run(batch[number : number + 1]) for number in range(3)]

    for number, output in enumerate(together):
        assert output.tobytes() == b"".join(results[number].tobytes() for results in alone)


def test_an_empty_batch_gives_empty_results() -> None:
    card = find_card("face_det_short")

    results = load_network(card.name).run(inputs_of(card, 0))

    assert [array.shape for array in results] == [(0, 896, 16), (0, 896, 1)]


def test_strided_input_is_read_as_the_picture_it_is() -> None:
    network = load_network("face_det_short")
    batch = inputs_of(network.card, 1)
    turned = np.ascontiguousarray(batch.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)

    assert not turned.flags.c_contiguous
    assert network.run(turned)[1].tobytes() == network.run(batch)[1].tobytes()


def test_several_threads_may_use_one_network_at_once() -> None:
    network = load_network("face_det_short")
    batch = inputs_of(network.card, 8)

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


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_CUDA, reason="onnxruntime has no CUDA here")
@each_network
def test_the_gpu_agrees_with_the_cpu_and_with_itself(card: ModelCard) -> None:
    batch = inputs_of(card, 2)
    network = load_network(card.name, device="cuda")

    here = load_network(card.name).run(batch)
    there = network.run(batch)

    assert [a.tobytes() for a in network.run(batch)] == [a.tobytes() for a in there]
    for cpu, gpu in zip(here, there, strict=True):
        np.testing.assert_allclose(gpu, cpu, rtol=1e-3, atol=1e-3 * max(1.0, float(abs(cpu).max())))
