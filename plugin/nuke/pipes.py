"""Walks up the pipes of a script: which nodes are ours, and what comes into them."""

from __future__ import annotations

import nuke

from faceplate.core.errors import GraphError
from faceplate.nodes import NODES
from faceplate.nodes.face import FACE_TRACK
from faceplate.nodes.footage import ACTOR_SOURCE
from faceplate.nodes.graph import Graph
from faceplate.nodes.node import Kind, Node
from faceplate.plugin.nuke.knobs import file_text, read_knobs
from faceplate.plugin.nuke.panel import KIND_KNOB
from faceplate.plugin.nuke.script import source_of


def definition_of(node: nuke.Node) -> Node | None:
    """Return which of our nodes a group is, or None."""
    knob = node.knob(KIND_KNOB) if node.Class() == "Group" else None
    name = None if knob is None else knob.value()
    return next((definition for definition in NODES if definition.name == name), None)


def with_actor(graph: Graph, node: nuke.Node, definition: Node) -> Graph:
    """Return a graph with a node that bears an actor, and all that its actor comes from."""
    name = node.name()
    if any(placed.name == name for placed in graph.nodes):
        return graph
    # Nothing here has a curve, so no frame is looked at.
    graph = graph.placed(name, definition, read_knobs(node, definition, ()))
    if not definition.inputs:
        return graph
    above = wired_in(node, 0, Kind.ACTOR)
    kind = None if above is None else definition_of(above)
    if above is not None and kind is not None:
        graph = with_actor(graph, above, kind)
        return graph.wired(above.name(), "actor", name, "actor")
    return with_file(graph, node)


def with_file(graph: Graph, node: nuke.Node) -> Graph:
    """Return a graph with the actor that a node names, where it names one."""
    file = file_text(node["actor_file"])
    if not file:
        return graph
    actor = f"the actor of {node.name()}"
    graph = graph.placed(actor, ACTOR_SOURCE, {"file": file})
    return graph.wired(actor, "actor", node.name(), "actor")


def wired_in(node: nuke.Node, pipe: int, kind: Kind) -> nuke.Node | None:
    """Return the node of ours in a pipe, or None for a loose one."""
    above = source_of(node, pipe)
    if above is None:
        return None
    definition = definition_of(above)
    if definition is None or all(port.kind is not kind for port in definition.outputs):
        raise GraphError(
            f"{above.name()}, in pipe {pipe + 1} of {node.name()}, gives no {kind.value}.",
            hint="Wire one of Faceplate's nodes there.",
        )
    return above


def actor_in(node: nuke.Node, pipe: int) -> str:
    """Return the file of the actor in a pipe, or that a node names itself, or "".

    Raises:
        GraphError: what is wired in gives no actor.
    """
    above = wired_in(node, pipe, Kind.ACTOR)
    definition = None if above is None else definition_of(above)
    if above is None or definition is None:
        return file_text(node["actor_file"])
    return actor_in(above, 0) if definition.inputs else file_text(above["file"])


def tracked_by(node: nuke.Node) -> nuke.Node:
    """Return the node whose analysis one of ours goes by: a FaceTrack in its pipes, else itself."""
    waiting, seen = [node], set()
    while waiting:
        above = waiting.pop(0)
        definition = definition_of(above)
        if definition is FACE_TRACK:
            return above
        if definition is None or above.fullName() in seen:
            continue
        seen.add(above.fullName())
        # Not up the plate: it may be another swap's result, with a track of its own.
        pipes = [n for n, port in enumerate(definition.inputs) if port.kind is not Kind.IMAGE]
        sources = (source_of(above, pipe) for pipe in pipes)
        waiting += [source for source in sources if source is not None]
    return node
