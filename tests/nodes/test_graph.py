"""Wires fit, go one way, and put nodes in order."""

from __future__ import annotations

from itertools import permutations

import pytest

from faceplate.core.errors import GraphError
from faceplate.nodes.face import FACE_BLEND, FACE_COMPLETE, FACE_MATTE, FACE_REENACT, FACE_TRACK
from faceplate.nodes.footage import ACTOR_SOURCE, PLATE
from faceplate.nodes.graph import Graph
from faceplate.nodes.node import Node

NODES = {
    "plate": PLATE,
    "actor": ACTOR_SOURCE,
    "track": FACE_TRACK,
    "matte": FACE_MATTE,
    "face": FACE_REENACT,
    "blend": FACE_BLEND,
}
WIRES = (
    ("plate", "plate", "track", "plate"),
    ("plate", "plate", "matte", "plate"),
    ("track", "track", "matte", "track"),
    ("plate", "plate", "face", "plate"),
    ("track", "track", "face", "track"),
    ("actor", "actor", "face", "actor"),
    ("plate", "plate", "blend", "plate"),
    ("face", "face", "blend", "face"),
    ("matte", "matte", "blend", "matte"),
)


def placed(order: tuple[str, ...]) -> Graph:
    graph = Graph()
    for name in order:
        graph = graph.placed(name, NODES[name])
    return graph


@pytest.mark.parametrize("order", list(permutations(NODES))[::97])
def test_what_feeds_comes_before_what_is_fed_however_it_was_placed(order: tuple[str, ...]) -> None:
    graph = placed(order)
    for wire in WIRES:
        graph = graph.wired(*wire)

    names = [node.name for node in graph.ordered()]

    assert sorted(names) == sorted(NODES)
    assert all(names.index(start) < names.index(end) for start, _, end, _ in WIRES)
    graph.check_inputs("blend")


def test_upstream_leaves_out_what_does_not_feed_the_node() -> None:
    graph = placed(tuple(NODES))
    for wire in WIRES:
        graph = graph.wired(*wire)

    assert [node.name for node in graph.upstream("matte")] == ["plate", "track", "matte"]


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (("plate", "plate", "blend", "face"), "gives image"),
        (("plate", "picture", "blend", "plate"), "no port picture"),
        (("plate", "plate", "blend", "picture"), "no port picture"),
        (("plate", "plate", "swap", "plate"), "No node is called swap"),
        (("nobody", "plate", "blend", "plate"), "No node is called nobody"),
    ],
)
def test_a_wire_that_does_not_fit_is_refused(wire: tuple[str, ...], reason: str) -> None:
    with pytest.raises(GraphError, match=reason):
        placed(tuple(NODES)).wired(*wire)


def test_an_input_takes_one_wire() -> None:
    graph = placed(tuple(NODES)).wired(*WIRES[0])

    with pytest.raises(GraphError, match="twice"):
        graph.wired(*WIRES[0])


def test_a_circle_is_refused() -> None:
    graph = Graph().placed("a", FACE_COMPLETE).placed("b", FACE_COMPLETE)
    graph = graph.wired("a", "face", "b", "face")

    with pytest.raises(GraphError, match="circle"):
        graph.wired("b", "face", "a", "face")


def test_a_missing_input_is_named() -> None:
    graph = placed(tuple(NODES))
    for wire in WIRES[:-1]:
        graph = graph.wired(*wire)

    with pytest.raises(GraphError, match=r"blend\.matte is not plugged in"):
        graph.check_inputs("blend")


@pytest.mark.parametrize("node", [PLATE, ACTOR_SOURCE])
def test_a_name_is_used_once(node: Node) -> None:
    with pytest.raises(GraphError, match="Two nodes are called plate"):
        placed(("plate",)).placed("plate", node)
