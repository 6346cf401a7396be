"""A knob keeps its name from node to stage, and its default stands in the node alone."""

from __future__ import annotations

import inspect
import json
from dataclasses import MISSING, fields, replace
from typing import Any

import pytest

from faceplate.core.job import Finetune, Job, Knobs
from faceplate.core.render import look_at
from faceplate.core.replace import REENACTING, Look
from faceplate.core.stages import blend, grain, light, warp
from faceplate.core.training.finetune import FinetuneSettings
from faceplate.nodes import NODES
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.face import (
    BLEND_KNOBS,
    FACE_BLEND,
    FACE_REENACT,
    FACE_SWAP,
    REENACT_KNOBS,
    TRAIN_IDENTITY,
    WEIGHTS,
)
from faceplate.nodes.node import (
    ChoiceKnob,
    IntegerKnob,
    Knob,
    ListKnob,
    Node,
    NumberKnob,
    TextKnob,
)

JOB_ENTRIES = {field.name for field in fields(Job)}
KNOB_ENTRIES = {field.name for field in fields(Knobs)}


def job(**knobs: object) -> Job:
    graph = swap_graph({"pattern": "p.%04d.exr"}, {"file": "a.actor"}, knobs)
    return job_of(graph, "swap", Delivery(output="c.%04d.exr"))


def another(knob: Knob) -> Any:
    """Return a value that a knob takes and that is not its default."""
    if isinstance(knob, NumberKnob):
        return next(v for v in (knob.low, knob.high) if v != knob.default)
    if isinstance(knob, IntegerKnob):
        return next(v for v in (knob.low, knob.high) if v != knob.default)
    if isinstance(knob, TextKnob):
        return "other"
    assert isinstance(knob, (ChoiceKnob, ListKnob))
    other = next(c for c in knob.choices if c not in (knob.default, *knob.default))
    return other if isinstance(knob, ChoiceKnob) else (other,)


@pytest.mark.parametrize("knob", FACE_SWAP.knobs, ids=lambda knob: knob.name)
def test_a_knob_is_one_entry_of_the_job_by_its_own_name(knob: Knob) -> None:
    plain, changed = (
        json.loads(job().to_json()),
        json.loads(job(**{knob.name: another(knob)}).to_json()),
    )

    where = "knobs" if knob.name in KNOB_ENTRIES else knob.name
    assert {name for name in plain if plain[name] != changed[name]} == {where}
    if where == "knobs":
        different = {n for n in KNOB_ENTRIES if plain["knobs"][n] != changed["knobs"][n]}
        assert different == {knob.name}


@pytest.mark.parametrize("knob", TRAIN_IDENTITY.knobs, ids=lambda knob: knob.name)
def test_a_knob_of_training_is_one_entry_of_both_jobs_by_its_own_name(knob: Knob) -> None:
    def found(name: str, **training: object) -> dict[str, Any]:
        drawn = {"method": "fsgan", "weights": training.get("weights", WEIGHTS.default)}
        source: dict[str, object] = {"file": "a.actor"}
        graph = swap_graph({"pattern": "p.%04d.exr"}, source, drawn, training)
        made: dict[str, Any] = json.loads(job_of(graph, name, Delivery(output="c.exr")).to_json())
        return {**made, **made["knobs"], **made["finetune"], "swap's seed": made["seed"]}

    for name in ("swap", "training"):
        plain, changed = found(name), found(name, **{knob.name: another(knob)})
        outer = {"knobs", "finetune"}
        assert {n for n in plain if plain[n] != changed[n]} - outer == {knob.name}


def test_what_teaches_has_no_default_of_its_own_for_a_knob() -> None:
    settings = {f.name: f for f in fields(FinetuneSettings)}

    for entry in fields(Finetune):
        assert TRAIN_IDENTITY.knob(entry.name).name in settings
        assert entry.default is MISSING and settings[entry.name].default is MISSING


def test_the_job_has_no_knob_that_the_swap_lacks() -> None:
    assert {knob.name for knob in FACE_SWAP.knobs} >= KNOB_ENTRIES


@pytest.mark.parametrize("name", [field.name for field in fields(Look)])
def test_a_stage_gets_a_knob_s_value_at_its_frame_by_its_own_name(name: str) -> None:
    value = another(FACE_SWAP.knob(name))

    look = look_at(job(**{name: value}), 1001)

    assert getattr(look, name) == value
    assert replace(look, **{name: getattr(look_at(job(), 1001), name)}) == look_at(job(), 1001)


def test_the_look_is_the_knobs_of_reenactment_and_blend() -> None:
    of_nodes = {knob.name for knob in (*REENACT_KNOBS, *BLEND_KNOBS)} | {"erode", "mix"}

    assert {field.name for field in fields(Look)} == of_nodes
    assert set(REENACTING) == {knob.name for knob in REENACT_KNOBS}


@pytest.mark.parametrize(
    ("operator", "node"),
    [
        (warp.driven_mesh, FACE_REENACT),
        (warp.warp_face, FACE_REENACT),
        (light.match_light, FACE_BLEND),
        (blend.match_seam, FACE_BLEND),
        (grain.add_grain, FACE_BLEND),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_a_stage_takes_knobs_by_keyword_and_has_no_default_of_its_own(
    operator: Any, node: Node
) -> None:
    names = {knob.name for knob in node.knobs}
    taken = [p for p in inspect.signature(operator).parameters.values() if p.name in names]

    assert taken
    assert all(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in taken)


def test_a_knob_of_one_name_is_the_same_in_every_node() -> None:
    known: dict[str, Knob] = {}

    for node in NODES:
        for knob in node.knobs:
            assert known.setdefault(knob.name, knob) == knob
