"""A job that measures goes through JSON unchanged, and is not taken for a render."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from faceplate.core.errors import JobError, JobVersionError
from faceplate.core.job import FaceChoice
from faceplate.core.jobfile import read_job, read_qc_job
from faceplate.core.qcjob import Limits, QcJob, qc_of_render
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.measure import qc_graph, qc_job_of

DELIVERY = Delivery(output="renders/c.%04d.exr", track="t.track", official=("dsfd",))


def made(**limits: object) -> QcJob:
    plate = {"pattern": "p.%04d.exr", "frames": "1001-1010"}
    graph = qc_graph(plate, "renders/c.%04d.exr", {"file": "a.actor"}, limits)
    return qc_job_of(graph, "qc", DELIVERY)


@pytest.mark.parametrize(
    "face",
    [FaceChoice(index=2), FaceChoice(at=(1.5, 2.0)), FaceChoice(reference="r.jpg")],
)
def test_a_job_is_what_its_json_says(face: FaceChoice) -> None:
    job = replace(made(jitter_most=0.25, altered_most=7), face=face)

    assert read_qc_job(job.to_json()) == job
    assert json.loads(job.to_json())["kind"] == "qc"


def test_every_face_goes_through_json() -> None:
    job = replace(made(), face=FaceChoice(every=True))

    assert read_qc_job(job.to_json()) == job


def test_neither_kind_of_job_is_taken_for_the_other() -> None:
    graph = swap_graph({"pattern": "p.%04d.exr"}, {"file": "a.actor"}, {})
    render = job_of(graph, "swap", DELIVERY)

    with pytest.raises(JobError, match="kind 'qc'"):
        read_job(made().to_json())
    with pytest.raises(JobError, match="does not measure"):
        read_qc_job(render.to_json())


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"limits": {"jitter_most": 1}}, "limits lacks the entry"),
        ({"limits": 3}, "limits is 3"),
        ({"sharpness": 1}, "unknown entry sharpness"),
        ({"covers": "yes"}, "covers is 'yes'"),
    ],
)
def test_a_wrong_entry_is_named(change: dict[str, Any], match: str) -> None:
    text = json.dumps({**json.loads(made().to_json()), **change})

    with pytest.raises(JobError, match=match):
        read_qc_job(text)


def test_another_version_is_refused() -> None:
    text = json.dumps({**json.loads(made().to_json()), "version": 1})

    with pytest.raises(JobVersionError):
        read_qc_job(text)


def test_what_a_render_wrote_is_measured_by_what_the_render_was_told() -> None:
    graph = swap_graph({"pattern": "p.%04d.exr"}, {"file": "a.actor"}, {"smoothing": 0.5})
    render = job_of(graph, "swap", replace(DELIVERY, layer_prefix="fp_", matte_in="r.exr:A"))
    limits = made().limits

    job = qc_of_render(render, limits)

    assert isinstance(job.limits, Limits)
    assert (job.comp, job.report) == ("renders/c.%04d.exr", "renders/c.qc.html")
    assert (job.plate, job.actor, job.track) == ("p.%04d.exr", "a.actor", "t.track")
    assert (job.smoothing, job.layer_prefix, job.matte_in) == (0.5, "fp_", "r.exr:A")
    with pytest.raises(JobError, match="lies on no plate"):
        qc_of_render(replace(render, task="reenact"), limits)
