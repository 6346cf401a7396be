"""A graph survives its text, and text that is no graph is refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from faceplate.core.errors import FaceplateError, GraphError, JobVersionError, KnobError
from faceplate.nodes import NODES
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.face import FACE_BLEND, FACE_MATTE, FACE_REENACT, FACE_SWAP, FACE_TRACK
from faceplate.nodes.footage import ACTOR_SOURCE, PLATE
from faceplate.nodes.graph import Graph
from faceplate.nodes.graphfile import graph_from_json, graph_to_json


def whole() -> Graph:
    """Return a graph of six kinds of node with keys, words, lists and non-ASCII texts."""
    graph = Graph().placed("plate", PLATE, {"pattern": "Å/é.%04d.exr", "frames": "1001-1010"})
    graph = graph.placed("actor", ACTOR_SOURCE, {"file": "ana.actor"})
    graph = graph.placed("track", FACE_TRACK, {"smoothing": 0.5}).placed("matte", FACE_MATTE)
    graph = graph.placed("face", FACE_REENACT, {"shape": {1010: 1.0, 1001: 0.1}, "views": 2})
    graph = graph.placed("blend", FACE_BLEND, {"sharpness": "auto", "layers": ["matte", "comp"]})
    for source, target in (
        *(("plate", name) for name in ("track", "matte", "face", "blend")),
        *(("track", name) for name in ("matte", "face")),
        ("actor", "face"),
        *((name, "blend") for name in ("face", "matte")),
    ):
        graph = graph.wired(source, source, target, source)
    return graph


def test_a_graph_survives_its_text() -> None:
    graph = whole()

    again = graph_from_json(graph_to_json(graph))

    assert again == graph
    delivery = Delivery(output="c.%04d.exr")
    assert job_of(again, "blend", delivery) == job_of(graph, "blend", delivery)
    assert graph_to_json(again) == graph_to_json(graph)


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.name)
def test_every_node_can_be_kept(node: Any) -> None:
    graph = Graph().placed("it", node)

    assert graph_from_json(graph_to_json(graph)) == graph


def test_a_graph_with_a_training_survives_its_text_and_makes_the_same_jobs() -> None:
    knobs = {"method": "fsgan"}
    graph = swap_graph({"pattern": "p.%04d.exr"}, {"file": "a.actor"}, knobs, {"samples": 60})

    again = graph_from_json(graph_to_json(graph))

    assert again == graph
    for name in ("swap", "training"):
        delivery = Delivery(output="c.%04d.exr")
        assert job_of(again, name, delivery) == job_of(graph, name, delivery)


def test_a_knob_that_a_text_lacks_has_its_default() -> None:
    found = json.loads(graph_to_json(Graph().placed("swap", FACE_SWAP, {"mix": 0.25})))
    del found["nodes"][0]["knobs"]["grain"]

    values = graph_from_json(json.dumps(found)).node("swap").values

    assert (values["mix"], values["grain"]) == (0.25, FACE_SWAP.knob("grain").default)


def put(*path: Any) -> Callable[[Any], None]:
    """Return what puts the last of ``path`` where the rest leads."""

    def change(content: Any) -> None:
        *where, last, value = path
        for step in where:
            content = content[step]
        content[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (put("version", 2), JobVersionError, "version 2"),
        (put("more", 1), GraphError, "unknown entry more"),
        (lambda content: content.pop("wires"), GraphError, "lacks the entry wires"),
        (put("wires", {}), GraphError, "wires are not a list"),
        (put("nodes", 0, "node", "Plait"), GraphError, "no node 'Plait'"),
        (put("nodes", 0, "node", ["Plate"]), GraphError, "no node"),
        (put("nodes", 0, "knobs", []), GraphError, "an object as knobs"),
        (put("nodes", 0, "name", 7), GraphError, "a text as name"),
        (put("nodes", 0, 7), GraphError, "is not an object"),
        (put("nodes", 1, "name", "plate"), GraphError, "called plate"),
        (put("nodes", 2, "knobs", "smooth", 1), GraphError, "no knob called smooth"),
        (put("nodes", 2, "knobs", "smoothing", 9), KnobError, "smoothing"),
        (put("wires", 0, ["plate", "plate"]), GraphError, "not a wire"),
        (put("wires", 0, 3, "actor"), GraphError, "no port actor"),
        (lambda c: c["wires"].append(c["wires"][0]), GraphError, "plugged in twice"),
    ],
)
def test_what_is_no_graph_is_refused_in_words(
    change: Callable[[Any], object], kind: type[FaceplateError], words: str
) -> None:
    content = json.loads(graph_to_json(whole()))

    change(content)

    with pytest.raises(kind, match=words):
        graph_from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '"graph"'])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(GraphError):
        graph_from_json(text)
