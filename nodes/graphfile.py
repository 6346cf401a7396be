"""Graphs as JSON text, for hosts to keep in a scene or script; standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from faceplate.core.errors import GraphError, JobVersionError
from faceplate.core.job import Keys
from faceplate.nodes import NODES
from faceplate.nodes.footage import PLATE
from faceplate.nodes.graph import Graph, Placed
from faceplate.nodes.node import Node, Value

VERSION = 1
_KNOWN: Mapping[str, Node] = {node.name: node for node in (PLATE, *NODES)}


def graph_to_json(graph: Graph) -> str:
    """Return a graph as JSON text, one line, keys sorted; every knob is written out."""
    content = {
        "version": VERSION,
        "nodes": [_node(placed) for placed in graph.nodes],
        "wires": [[wire.source, wire.output, wire.target, wire.input] for wire in graph.wires],
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _node(placed: Placed) -> dict[str, object]:
    knobs = {name: _plain(value) for name, value in placed.values.items()}
    return {"name": placed.name, "node": placed.node.name, "knobs": knobs}


def _plain(value: Value) -> object:
    if isinstance(value, Keys):
        return {str(frame): point for frame, point in value.points}
    return list(value) if isinstance(value, tuple) else value


def graph_from_json(text: str) -> Graph:
    """Read a graph that `graph_to_json` wrote; a knob that is left out has its default.

    Raises:
        GraphError: not JSON, an entry that is unknown or of the wrong kind, or wires that do not
            fit.
        KnobError: a knob's value is out of range.
        JobVersionError: made by another version.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise GraphError(f"The graph is not JSON: {error}.") from error
    content = _table(found, "The graph", {"version", "nodes", "wires"})
    if content["version"] != VERSION:
        raise JobVersionError("The graph", content["version"], VERSION)
    graph = Graph()
    for entry in _list(content["nodes"], "nodes"):
        node = _table(entry, "A node of the graph", {"name", "node", "knobs"})
        if not isinstance(node["name"], str) or not isinstance(node["knobs"], dict):
            raise GraphError("A node of the graph needs a text as name and an object as knobs.")
        graph = graph.placed(node["name"], _kind(node["node"]), node["knobs"])
    for wire in _list(content["wires"], "wires"):
        if not (isinstance(wire, list) and len(wire) == 4 and all(_is_text(w) for w in wire)):
            raise GraphError(
                f"{wire!r} is not a wire.", hint="It is four names: source, output, target, input."
            )
        graph = graph.wired(*wire)
    return graph


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _kind(name: object) -> Node:
    if isinstance(name, str) and name in _KNOWN:
        return _KNOWN[name]
    raise GraphError(f"There is no node {name!r}.", hint=f"There are: {', '.join(_KNOWN)}.")


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise GraphError(f"The graph's {what} are not a list.")
    return value


def _table(value: object, what: str, keys: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise GraphError(f"{what} is not an object.")
    unknown, absent = sorted(value.keys() - keys), sorted(keys - value.keys())
    if unknown or absent:
        fault = f"has an unknown entry {unknown[0]}" if unknown else f"lacks the entry {absent[0]}"
        raise GraphError(f"{what} {fault}.", hint=f"It takes: {', '.join(sorted(keys))}.")
    return value
