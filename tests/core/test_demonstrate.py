"""The demo's jobs: both shots, and no output on top of an input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from faceplate.core.demo.footage import write_footage
from faceplate.core.demonstrate import demo_jobs
from faceplate.core.footage import find_footage
from faceplate.core.job import Job
from faceplate.core.output import guard_output
from faceplate.nodes.compile import Delivery, job_of, swap_graph


def test_both_shots_are_written_beside_their_inputs_and_never_over_them(tmp_path: Path) -> None:
    footage = write_footage(tmp_path, frames=1)

    def job(plate: str, actor: Path, out: str) -> Job:
        graph = swap_graph({"pattern": plate}, {"file": str(actor)}, {})
        return replace(job_of(graph, "swap", Delivery(output=out)), contact_sheet=False)

    jobs = demo_jobs(footage, tmp_path / "demo.actor", tmp_path, job)

    assert [one.plate for one in jobs] == [footage.plate, footage.covered]
    inputs = [
        found.path(number)
        for pattern in (footage.plate, footage.covered, footage.source)
        for found in [find_footage(pattern)]
        for number in found.frames
    ]
    for one in jobs:
        guard_output(one.output, [n for n in range(1001, 1025)], inputs)
    assert len({Path(one.output).parent for one in jobs}) == 2
