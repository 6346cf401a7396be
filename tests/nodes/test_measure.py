"""A graph that ends in a FaceQC becomes a job that measures."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from faceplate.core.errors import GraphError, KnobError
from faceplate.core.qcjob import Limits
from faceplate.nodes.compile import Delivery, swap_graph
from faceplate.nodes.face import FACE_QC, FACE_TRACK, LIMIT_KNOBS, TRAIN_IDENTITY
from faceplate.nodes.footage import ACTOR_SOURCE, PLATE
from faceplate.nodes.graph import Graph
from faceplate.nodes.measure import qc_graph, qc_job_of

DELIVERY = Delivery(output="renders/sc042.%04d.exr", overwrite=True)
PLATE_KNOBS = {"pattern": "p.%04d.exr", "colorspace": "ACEScg", "frames": "1001-1010"}


def after_swap() -> Graph:
    """Return a swap whose comp goes into a FaceQC, with the plate beside it."""
    graph = swap_graph(PLATE_KNOBS, {"file": "a.actor"}, {"smoothing": 0.5})
    graph = graph.placed("qc", FACE_QC, {"seam_most": 0.1})
    return graph.wired("plate", "plate", "qc", "plate").wired("swap", "comp", "qc", "comp")


def test_the_limits_of_a_job_are_the_knobs_of_the_node() -> None:
    names = [knob.name for knob in LIMIT_KNOBS]
    job = qc_job_of(qc_graph(PLATE_KNOBS, "c.%04d.exr", None, {"leak_most": 2}), "qc", DELIVERY)

    assert names == [field.name for field in fields(Limits)]
    assert job.limits.leak_most == 2.0
    assert all(
        getattr(job.limits, knob.name) == knob.default
        for knob in LIMIT_KNOBS
        if knob.name != "leak_most"
    )


@pytest.mark.parametrize("knob", LIMIT_KNOBS, ids=lambda knob: knob.name)
def test_the_documentation_names_every_limit_with_its_default(knob: Any) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "qc.md").read_text(encoding="utf-8")

    assert f"`{knob.name}` {knob.default:g}" in page


def test_footage_on_disk_is_measured_as_it_is_named() -> None:
    graph = qc_graph(PLATE_KNOBS, "other/c.%04d.exr", {"file": "a.actor"}, {})

    job = qc_job_of(graph, "qc", DELIVERY, "there/r.html")

    assert (job.plate, job.colorspace, job.frames) == ("p.%04d.exr", "ACEScg", "1001-1010")
    assert (job.comp, job.actor, job.report) == ("other/c.%04d.exr", "a.actor", "there/r.html")
    assert (job.name, job.smoothing) == ("c", 1.0)


def test_the_comp_of_a_swap_is_what_its_render_writes() -> None:
    job = qc_job_of(after_swap(), "qc", DELIVERY)

    assert job.comp == "renders/sc042.%04d.exr" and job.report == "renders/sc042.qc.html"
    assert (job.smoothing, job.limits.seam_most, job.actor) == (0.5, 0.1, None)


def test_an_actor_counts_through_its_training_and_a_track_decides_the_smoothing() -> None:
    graph = qc_graph(PLATE_KNOBS, "c.%04d.exr", None, {})
    graph = graph.placed("a", ACTOR_SOURCE, {"file": "a.actor"}).placed("t", TRAIN_IDENTITY)
    graph = graph.wired("a", "actor", "t", "actor").wired("t", "actor", "qc", "actor")
    graph = graph.placed("k", FACE_TRACK, {"smoothing": 2.0}).wired("plate", "plate", "k", "plate")

    job = qc_job_of(graph.wired("k", "track", "qc", "track"), "qc", DELIVERY)

    assert (job.actor, job.smoothing) == ("a.actor", 2.0)


def test_a_node_that_cannot_be_measured_is_named() -> None:
    bare = Graph().placed("plate", PLATE, PLATE_KNOBS).placed("qc", FACE_QC)
    no_comp = bare.wired("plate", "plate", "qc", "plate")
    nothing = qc_graph(PLATE_KNOBS, "", None, {})
    swapped = after_swap()
    wrong = swap_graph(PLATE_KNOBS, {"file": "a"}, {}).placed("qc", FACE_QC)
    wrong = wrong.wired("swap", "comp", "qc", "plate").wired("plate", "plate", "qc", "comp")

    for graph, name, match in (
        (no_comp, "qc", "qc.comp is not plugged in"),
        (swapped, "swap", "FaceSwap measures nothing"),
        (nothing, "qc", "no pattern|There is no"),
        (wrong, "qc", "FaceSwap names no frames on disk"),
    ):
        with pytest.raises(GraphError, match=match):
            qc_job_of(graph, name, DELIVERY)


@pytest.mark.parametrize(
    "limits", [{"pose_most": -1}, {"altered_most": 0.5}, {"jitter_most": {1001: 1.0}}]
)
def test_a_limit_is_one_number_of_its_kind(limits: dict[str, Any]) -> None:
    with pytest.raises(KnobError):
        qc_graph(PLATE_KNOBS, "c.%04d.exr", None, limits)
