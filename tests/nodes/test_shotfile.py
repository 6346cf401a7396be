"""The shot file of a host is the job that it was made of."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import tomllib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceplate.core.errors import InputError
from faceplate.core.job import TASKS, FaceChoice, Job
from faceplate.core.shots import read_shot
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.face import FACE_SWAP, TRAIN_IDENTITY
from faceplate.nodes.footage import ACTOR_SOURCE
from faceplate.nodes.graph import Graph
from faceplate.nodes.node import (
    ChoiceKnob,
    IntegerKnob,
    Knob,
    ListKnob,
    NumberKnob,
    TextKnob,
)
from faceplate.nodes.shotfile import shot_text

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\x7f"))


def values_of(knob: Knob) -> st.SearchStrategy[object]:
    if isinstance(knob, NumberKnob):
        number = st.floats(knob.low, knob.high)
        kinds = [number, *map(st.just, knob.words)]
        kinds += [st.dictionaries(st.integers(-99, 9999), number, min_size=1)] * knob.keyed
        return st.one_of(kinds)
    if isinstance(knob, IntegerKnob):
        return st.integers(knob.low, knob.high)
    if isinstance(knob, ChoiceKnob):
        return st.sampled_from(knob.choices)
    if isinstance(knob, TextKnob):
        return TEXT
    assert isinstance(knob, ListKnob)
    return st.lists(st.sampled_from(knob.choices), min_size=1, unique=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with every file that a job may name, none of them a real one."""
    folder = tmp_path_factory.mktemp('f "ü" \\n')
    for name in ("plate.1001.exr", "a.actor", "b.track", "c.ocio", "ref.jpg", "m.1001.exr"):
        (folder / name).touch()
    return folder


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_written_shot_is_read_as_the_same_job(data: st.DataObject, files: Path) -> None:
    here = str(files)
    knobs = {k.name: data.draw(values_of(k), k.name) for k in FACE_SWAP.knobs}
    maybe = st.booleans()
    plate = {"pattern": f"{here}/plate.%04d.exr", "colorspace": data.draw(TEXT)}
    plate["frames"] = data.draw(st.sampled_from(["", "1001", "-3--1", "1001-1100x2"]))
    faces = [
        FaceChoice(index=data.draw(st.integers(0, 9))),
        FaceChoice(at=(812.5, -4.0)),
        FaceChoice(reference=f"{here}/ref.jpg"),
        FaceChoice(every=True),
    ]
    delivery = Delivery(
        output=f"{here}/out/c.%04d.exr",
        name=data.draw(TEXT),
        face=data.draw(st.sampled_from(faces)),
        track=f"{here}/b.track" if data.draw(maybe) else None,
        official=data.draw(
            st.sampled_from([(), ("dsfd",), ("dsfd", "hrnet", "hopenet", "segmenter")])
        ),
        matte_in=f"{here}/m.%04d.exr:roto" if data.draw(maybe) else None,
        task=data.draw(st.sampled_from(TASKS)),
        element=f"{here}/m.%04d.exr:face" if data.draw(maybe) else None,
        ocio=f"{here}/c.ocio" if data.draw(maybe) else None,
        start=data.draw(st.integers(-5, 5000)),
        layer_prefix=data.draw(TEXT),
        draft=data.draw(maybe),
        overwrite=data.draw(maybe),
        contact_sheet=data.draw(maybe),
    )
    training = {
        k.name: data.draw(values_of(k)) for k in TRAIN_IDENTITY.knobs if k.name != "weights"
    }
    taught = training if knobs["method"] == "fsgan" and data.draw(maybe) else None
    graph = swap_graph(plate, {"file": f"{here}/a.actor"}, knobs, taught)
    job = job_of(graph, "swap", delivery)

    (files / "shot.toml").write_text(shot_text(job), encoding="utf-8")

    assert read_shot(files / "shot.toml").job == job


def simple(files: Path, **changes: object) -> Job:
    plate = {"pattern": f"{files}/plate.%04d.exr"}
    delivery = Delivery(output=f"{files}/c.%04d.exr")
    job = job_of(swap_graph(plate, {"file": f"{files}/a.actor"}, {}), "swap", delivery)
    return replace(job, **changes)  # type: ignore[arg-type]


def test_a_show_does_not_change_what_a_host_has_written(files: Path) -> None:
    job = simple(files)
    (files / "shot.toml").write_text(shot_text(job), encoding="utf-8")
    show = files / "other.toml"
    show.write_text('[shot]\ncolorspace = "ACEScg"\n[swap]\ngrain = 2\n[output]\ndraft = true\n')

    assert read_shot(files / "shot.toml", show=show).job == job


def test_mattes_alone_are_a_shot_too(files: Path) -> None:
    knobs = {"layers": ("matte",), "erode": 3.0}
    graph = swap_graph({"pattern": f"{files}/plate.%04d.exr"}, None, knobs)
    job = job_of(graph, "swap", Delivery(output=f"{files}/m.%04d.exr"))
    (files / "shot.toml").write_text(shot_text(job), encoding="utf-8")

    assert read_shot(files / "shot.toml").job == job


def test_a_training_alone_has_no_shot_file(files: Path) -> None:
    actor = {"file": f"{files}/a.actor"}
    graph = Graph().placed("actor", ACTOR_SOURCE, actor).placed("it", TRAIN_IDENTITY)
    job = job_of(graph.wired("actor", "actor", "it", "actor"), "it", Delivery(output=""))

    with pytest.raises(InputError, match="only trains"):
        shot_text(job)


def test_control_characters_are_escaped(files: Path) -> None:
    text = shot_text(simple(files, name='a\x00\n"\\\x7f\u2028ü'))

    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
    assert tomllib.loads(text)["shot"]["name"] == 'a\x00\n"\\\x7f\u2028ü'


def test_a_name_that_is_no_unicode_is_refused(files: Path) -> None:
    with pytest.raises(InputError, match="not Unicode"):
        shot_text(simple(files, plate="/p/\udcff.%04d.exr"))
