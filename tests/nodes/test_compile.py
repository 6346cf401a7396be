"""Graphs become jobs, complete and the same from every door."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from faceplate.core.errors import GraphError, KnobError
from faceplate.core.job import TRAIN, Finetune, Job, Keys, Knobs
from faceplate.core.jobfile import read_job
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.face import (
    FACE_BLEND,
    FACE_MATTE,
    FACE_REENACT,
    FACE_SWAP,
    FACE_TRACK,
    TRAIN_IDENTITY,
)
from faceplate.nodes.footage import ACTOR_SOURCE, PLATE
from faceplate.nodes.graph import Graph

DELIVERY = Delivery(output="renders/sc042_0130.%04d.exr")
PLATE_KNOBS = {"pattern": "plate.%04d.exr"}
ACTOR_KNOBS = {"file": "ana.actor"}


def compiled(swap: dict[str, Any], delivery: Delivery = DELIVERY) -> Job:
    return job_of(swap_graph(PLATE_KNOBS, ACTOR_KNOBS, swap), "swap", delivery)


def composed(matte: dict[str, Any], blend: dict[str, Any]) -> Graph:
    graph = Graph().placed("plate", PLATE, PLATE_KNOBS).placed("actor", ACTOR_SOURCE, ACTOR_KNOBS)
    graph = graph.placed("track", FACE_TRACK, {"smoothing": 0.5}).placed("matte", FACE_MATTE, matte)
    graph = graph.placed("face", FACE_REENACT, {"views": 2}).placed("blend", FACE_BLEND, blend)
    for source, target in (
        *(("plate", name) for name in ("track", "matte", "face", "blend")),
        *(("track", name) for name in ("matte", "face")),
        ("actor", "face"),
        *((name, "blend") for name in ("face", "matte")),
    ):
        graph = graph.wired(source, source, target, source)
    return graph


def test_a_job_without_knobs_has_the_nodes_defaults() -> None:
    job = compiled({})

    defaults = FACE_SWAP.values({})
    assert all(getattr(job.knobs, f.name) == defaults[f.name] for f in fields(Knobs))
    assert (job.policy, job.missing, job.layers) == ("pass", "error", ("comp", "face", "matte"))
    assert (job.plate, job.actor, job.frames, job.colorspace) == (
        "plate.%04d.exr",
        "ana.actor",
        None,
        None,
    )


def test_a_job_survives_json_with_keys() -> None:
    job = compiled({"mix": {1001: 0.0, 1010: 1.0}, "sharpness": 2.5})

    assert job.knobs.mix == Keys(((1001, 0.0), (1010, 1.0)))
    assert read_job(job.to_json()) == job


def test_a_default_that_is_typed_makes_the_same_job() -> None:
    assert compiled(dict(FACE_SWAP.values({}))) == compiled({})


@pytest.mark.parametrize(("given", "name"), [("", "sc042_0130"), ("other", "other")])
def test_the_shots_name_is_the_outputs_unless_said(given: str, name: str) -> None:
    assert compiled({}, Delivery(output=DELIVERY.output, name=given)).name == name


def test_single_nodes_make_the_job_that_the_swap_node_makes() -> None:
    single = job_of(composed({}, {"feather": 20.0}), "blend", DELIVERY)

    assert single == compiled({"feather": 20.0, "views": 2, "smoothing": 0.5})


def test_two_erosions_add_up() -> None:
    job = job_of(composed({"erode": 3.0}, {"erode": {1001: -1.0, 1003: 1.0}}), "blend", DELIVERY)

    assert job.knobs.erode == Keys(((1001, 2.0), (1003, 4.0)))


def test_two_erosions_past_the_range_are_refused() -> None:
    with pytest.raises(KnobError, match="erode"):
        job_of(composed({"erode": 60.0}, {"erode": 60.0}), "blend", DELIVERY)


def test_mattes_need_no_actor_and_a_face_does() -> None:
    mattes = swap_graph(PLATE_KNOBS, None, {"layers": ["matte"]})

    assert job_of(mattes, "swap", DELIVERY).actor is None
    with pytest.raises(GraphError, match="actor is not plugged in"):
        job_of(swap_graph(PLATE_KNOBS, None, {}), "swap", DELIVERY)


def test_a_plate_without_a_pattern_is_refused() -> None:
    with pytest.raises(GraphError, match="no plate"):
        job_of(swap_graph({}, ACTOR_KNOBS, {}), "swap", DELIVERY)


def test_a_node_that_gives_no_frames_is_refused() -> None:
    with pytest.raises(GraphError, match="FaceReenact gives no frames"):
        job_of(composed({}, {}), "face", DELIVERY)


def test_tracking_and_mattes_are_jobs_of_their_own_without_an_actor() -> None:
    graph = composed({"erode": 2.0}, {"erode": 5.0, "feather": 20.0})

    track = job_of(graph, "track", Delivery(output="plate.track"))
    matte = job_of(graph, "matte", DELIVERY)

    assert (track.actor, track.layers, track.output) == (None, ("matte",), "plate.track")
    assert track.knobs.smoothing == matte.knobs.smoothing == 0.5
    assert (matte.actor, matte.layers, matte.knobs.erode) == (None, ("matte",), 2.0)
    assert read_job(track.to_json()) == track and read_job(matte.to_json()) == matte


def test_mattes_without_a_track_are_refused() -> None:
    graph = Graph().placed("plate", PLATE, PLATE_KNOBS).placed("matte", FACE_MATTE)
    graph = graph.wired("plate", "plate", "matte", "plate")

    with pytest.raises(GraphError, match=r"matte\.track is not plugged in"):
        job_of(graph, "matte", DELIVERY)


def test_a_track_and_a_matte_that_feed_a_swap_decide_smoothing_and_add_erosion() -> None:
    graph = swap_graph(PLATE_KNOBS, ACTOR_KNOBS, {"smoothing": 2.0, "erode": 1.0, "seed": 3})
    graph = graph.placed("track", FACE_TRACK, {"smoothing": 0.5, "seed": 9})
    graph = graph.placed("matte", FACE_MATTE, {"erode": 2.0, "seed": 8})
    for source, target in (
        *(("plate", name) for name in ("track", "matte")),
        *(("track", name) for name in ("matte", "swap")),
        ("matte", "swap"),
    ):
        graph = graph.wired(source, source, target, source)

    job = job_of(graph, "swap", DELIVERY)

    assert (job.knobs.smoothing, job.knobs.erode, job.seed) == (0.5, 3.0, 3)


def test_two_swaps_in_a_row_are_refused() -> None:
    graph = swap_graph(PLATE_KNOBS, ACTOR_KNOBS, {}).placed("second", FACE_SWAP)
    graph = graph.wired("swap", "comp", "second", "plate")
    graph = graph.wired("actor", "actor", "second", "actor")

    with pytest.raises(GraphError, match="both FaceSwap"):
        job_of(graph, "second", DELIVERY)


DRAWN = {"method": "fsgan", "weights": "official"}
TRAINED = {"weights": "official", "samples": 90, "seed": 5}


def taught(user: str, knobs: dict[str, Any], training: dict[str, Any] = TRAINED) -> Graph:
    """Return the graph of a swap, or of single nodes, whose actor passes through a training."""
    graph = swap_graph(PLATE_KNOBS, ACTOR_KNOBS, knobs)
    if user == "face":
        graph = composed({}, {})
        drawing = [replace(p, values={**p.values, **knobs}) for p in graph.nodes if p.name == user]
        graph = replace(graph, nodes=(*(p for p in graph.nodes if p.name != user), *drawing))
    graph = replace(graph, wires=tuple(w for w in graph.wires if w.source != "actor"))
    graph = graph.placed("training", TRAIN_IDENTITY, training)
    graph = graph.wired("actor", "actor", "training", "actor")
    return graph.wired("training", "actor", user, "actor")


@pytest.mark.parametrize(("user", "rendered"), [("swap", "swap"), ("face", "blend")])
def test_a_training_before_who_draws_is_that_job_and_how_to_fine_tune(
    user: str, rendered: str
) -> None:
    job = job_of(taught(user, DRAWN), rendered, DELIVERY)

    plain = swap_graph(PLATE_KNOBS, ACTOR_KNOBS, DRAWN)
    smoothing = job.knobs.smoothing
    expected = job_of(plain, "swap", DELIVERY)
    assert job.finetune == Finetune(samples=90, seed=5)
    assert (job.seed, job.task, job.actor) == (0, "swap", "ana.actor")
    changed = replace(
        expected,
        finetune=job.finetune,
        knobs=replace(expected.knobs, smoothing=smoothing, views=job.knobs.views),
    )
    assert job == changed
    assert read_job(job.to_json()) == job


def test_the_usual_graph_takes_a_training_of_the_swap_s_own_weights() -> None:
    graph = swap_graph(PLATE_KNOBS, ACTOR_KNOBS, DRAWN, {"samples": 90, "seed": 5})

    assert job_of(graph, "swap", DELIVERY) == job_of(taught("swap", DRAWN), "swap", DELIVERY)


def test_a_training_alone_is_a_job_that_has_no_plate_and_writes_nothing() -> None:
    graph = taught("swap", {"method": "warp"})  # of what comes after it, nothing counts

    job = job_of(graph, "training", DELIVERY)

    assert (job.task, job.plate, job.output, job.layers) == (TRAIN, "", "", ())
    assert (job.actor, job.finetune) == ("ana.actor", Finetune(samples=90, seed=5))
    assert (job.knobs.method, job.knobs.weights) == ("fsgan", "official")
    assert job.name == "ana"
    assert read_job(job.to_json()) == job
    whole = job_of(taught("swap", DRAWN), "swap", DELIVERY)
    assert (whole.finetune, whole.knobs.weights) == (job.finetune, job.knobs.weights)


@pytest.mark.parametrize("user", ["swap", "face"])
@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        ({"method": "warp", "weights": "official"}, "Method warp has no network to fine-tune"),
        ({"method": "fsgan", "weights": "small"}, "training teaches the networks 'official', and"),
    ],
)
def test_a_training_of_what_does_not_draw_is_refused(
    user: str, drawn: dict[str, Any], words: str
) -> None:
    rendered = {"swap": "swap", "face": "blend"}[user]

    with pytest.raises(GraphError, match=words):
        job_of(taught(user, drawn), rendered, DELIVERY)


def test_a_training_without_an_actor_is_refused() -> None:
    alone = Graph().placed("it", TRAIN_IDENTITY)
    nameless = alone.placed("actor", ACTOR_SOURCE).wired("actor", "actor", "it", "actor")

    with pytest.raises(GraphError, match=r"it\.actor is not plugged in"):
        job_of(alone, "it", DELIVERY)
    with pytest.raises(GraphError, match="it has no actor"):
        job_of(nameless, "it", DELIVERY)


@pytest.mark.parametrize("rendered", ["swap", "second"])
def test_two_trainings_in_a_row_are_refused(rendered: str) -> None:
    graph = taught("swap", DRAWN)
    graph = replace(graph, wires=tuple(w for w in graph.wires if w.source != "training"))
    graph = graph.placed("second", TRAIN_IDENTITY, TRAINED)
    graph = graph.wired("training", "actor", "second", "actor")
    graph = graph.wired("second", "actor", "swap", "actor")

    with pytest.raises(GraphError, match="both TrainIdentity"):
        job_of(graph, rendered, DELIVERY)
