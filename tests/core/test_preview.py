"""Previews have the render's pixels, warm or cold, and see every change of what they read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.core import render
from faceplate.core.arrays import AnyArray
from faceplate.core.errors import ConsentError, FrameMissingError, OutputError
from faceplate.core.footage import frame_path
from faceplate.core.io.exr import read_frame, write_frame
from faceplate.core.job import Job
from faceplate.core.output import JOB_ATTRIBUTE
from faceplate.core.preview import OpenShots, Previews
from faceplate.core.replace import REENACTING
from faceplate.nodes.face import BLEND_KNOBS, FACE_REENACT

TODAY = date(2026, 1, 1)
LAYERS = ("comp", "face", "raw", "matte", "st", "motion", "confidence")


@pytest.fixture
def shot(small_shot: Any, tmp_path: Path) -> Any:
    """Return the small shot with a plate of its own, which a test may change."""
    shutil.copytree(small_shot.root / "plate", tmp_path / "plate")
    return replace(small_shot, root=tmp_path, plate=str(tmp_path / "plate" / "p.%04d.exr"))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with every slow step: an analysis, a reenactment."""
    said: list[str] = []

    def count(name: str) -> None:
        plain = getattr(render, name)

        def counting(*given: Any, **more: Any) -> Any:
            said.append(name)
            return plain(*given, **more)

        monkeypatch.setattr(render, name, counting)

    count("analyse_shot")
    count("reenact_face")
    return said


def previews_of(shot: Any) -> Callable[..., dict[str, AnyArray]]:
    """Return what makes a preview of a job and gives its channels."""
    kept = Previews(OpenShots(threads=1, cache_folder=shot.cache / "observations"))

    def make(job: Job, number: int) -> dict[str, AnyArray]:
        out = shot.root / "preview.exr"
        kept.preview(
            job,
            number,
            out,
            progress=lambda _: None,
            revocations=frozenset(),
            today=TODAY,
        )
        frame = read_frame(out, number)
        assert frame.header[JOB_ATTRIBUTE]
        return dict(frame.channels)

    return make


def rendered(shot: Any, job: Job, *numbers: int) -> list[dict[str, AnyArray]]:
    """Render frames of a job by the usual way; return their channels."""
    folder = shot.root / f"render{len(list(shot.root.iterdir()))}"
    frames = ",".join(map(str, numbers))
    job = replace(job, frames=frames, output=str(folder / "c.%04d.exr"))
    render.render_shot(
        job,
        progress=lambda _: None,
        should_stop=lambda: False,
        threads=1,
        cache_folder=shot.cache / "observations",
        revocations=frozenset(),
        today=TODAY,
    )
    return [dict(read_frame(frame_path(job.output, n), n).channels) for n in numbers]


def same(a: dict[str, AnyArray], b: dict[str, AnyArray]) -> bool:
    return a.keys() == b.keys() and all(a[n].tobytes() == b[n].tobytes() for n in a)


def test_warm_previews_have_the_pixels_of_cold_renders(shot: Any) -> None:
    preview = previews_of(shot)
    jobs = [
        shot.job("c.%04d.exr", layers=LAYERS),
        shot.job("c.%04d.exr", layers=LAYERS, feather=40, grain=0, light=0.2, seam=0, erode=3),
        shot.job("c.%04d.exr", layers=LAYERS, shape=1, expression=1.5, eyes="plate"),
        shot.job("c.%04d.exr", layers=("comp",), mix={1001: 0.0, 1003: 1.0}),
    ]

    seen = [preview(job, number) for job in jobs for number in (1002, 1004, 1002)]

    for index, job in enumerate(jobs):
        first, other, again = seen[3 * index : 3 * index + 3]
        for found, wanted in zip((first, other), rendered(shot, job, 1002, 1004), strict=True):
            assert same(found, wanted)
        assert same(first, again)


def test_a_blend_knob_runs_the_blend_alone(shot: Any, counted: list[str]) -> None:
    preview = previews_of(shot)
    preview(shot.job("c.%04d.exr"), 1002)
    counted.clear()

    for knob in (*BLEND_KNOBS,):
        preview(shot.job("c.%04d.exr", **{knob.name: 0.5}), 1002)
    preview(shot.job("c.%04d.exr", erode=2, mix=0.5, layers=LAYERS, confidence=0.1), 1002)

    assert counted == []


@pytest.mark.parametrize("name", ["shape", "expression", "pose", "views", "eyes", "mouth"])
def test_a_knob_of_the_face_itself_runs_more(name: str, shot: Any, counted: list[str]) -> None:
    knob: Any = FACE_REENACT.knob(name)
    preview = previews_of(shot)
    preview(shot.job("c.%04d.exr"), 1002)
    counted.clear()
    other = knob.choices[1] if hasattr(knob, "choices") else 1 if knob.name == "views" else 0.7

    preview(shot.job("c.%04d.exr", **{knob.name: other}), 1002)
    preview(shot.job("c.%04d.exr"), 1002)

    assert knob.name in REENACTING
    assert counted == ["reenact_face"]  # and going back costs nothing


def test_another_frame_needs_no_analysis(shot: Any, counted: list[str]) -> None:
    preview = previews_of(shot)
    preview(shot.job("c.%04d.exr"), 1002)
    counted.clear()

    preview(shot.job("c.%04d.exr"), 1003)

    assert counted == ["reenact_face"]


def test_a_plate_that_was_written_anew_is_seen(shot: Any, counted: list[str]) -> None:
    preview = previews_of(shot)
    before = preview(shot.job("c.%04d.exr"), 1002)
    frame = read_frame(shot.root / "plate" / "p.1002.exr", 1002)
    brighter = {name: plane * np.float16(1.5) for name, plane in frame.channels.items()}
    write_frame(shot.root / "plate" / "p.1002.exr", replace(frame, channels=brighter))
    counted.clear()

    after = preview(shot.job("c.%04d.exr"), 1002)

    assert counted == ["analyse_shot", "reenact_face"]
    assert not same(before, after)
    assert same(after, rendered(shot, shot.job("c.%04d.exr"), 1002)[0])


def test_a_frame_more_is_seen_too(shot: Any, counted: list[str]) -> None:
    preview = previews_of(shot)
    preview(shot.job("c.%04d.exr"), 1002)
    shutil.copy(shot.root / "plate" / "p.1006.exr", shot.root / "plate" / "p.1007.exr")
    counted.clear()

    preview(shot.job("c.%04d.exr"), 1007)

    assert "analyse_shot" in counted


def test_a_file_that_was_only_touched_costs_an_analysis_and_no_more(
    shot: Any, counted: list[str]
) -> None:
    preview = previews_of(shot)
    preview(shot.job("c.%04d.exr"), 1002)
    os.utime(shot.root / "plate" / "p.1002.exr", (1, 1))
    counted.clear()

    preview(shot.job("c.%04d.exr"), 1002)

    assert counted == ["analyse_shot"]  # the key of the face is its content


def test_a_warm_preview_refuses_what_a_cold_one_would(shot: Any) -> None:
    kept = Previews(OpenShots(threads=1, cache_folder=shot.cache / "observations"))
    job = shot.job("c.%04d.exr")

    def make(number: int, out: Path, revocations: frozenset[str] = frozenset()) -> None:
        kept.preview(
            job, number, out, progress=lambda _: None, revocations=revocations, today=TODAY
        )

    make(1002, shot.root / "p.exr")

    with pytest.raises(ConsentError):
        make(1002, shot.root / "p.exr", frozenset({"faceplate demo shot"}))
    with pytest.raises(FrameMissingError):
        make(1999, shot.root / "p.exr")
    with pytest.raises(OutputError, match="one of the inputs"):
        make(1002, shot.root / "plate" / "p.1003.exr")
    with pytest.raises(OutputError, match="not an EXR"):
        make(1002, shot.root / "p.png")
