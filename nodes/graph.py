"""Nodes wired into a graph: kinds are checked, cycles refused, order found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from faceplate.core.errors import GraphError
from faceplate.nodes.node import Node, Port, Value


@dataclass(frozen=True, slots=True)
class Wire:
    """From an output of one placed node to an input of another, by the names they were given."""

    source: str
    output: str
    target: str
    input: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A node in a graph.

    Attributes:
        name: unique in the graph.
        node: its definition.
        values: all its knobs, checked.
    """

    name: str
    node: Node
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Graph:
    """Placed nodes and wires; every state of it can be wired further, none is changed.

    Attributes:
        nodes: in the order they were placed.
        wires: in the order they were plugged in.
    """

    nodes: tuple[Placed, ...] = ()
    wires: tuple[Wire, ...] = field(default=())

    def placed(self, name: str, node: Node, knobs: Mapping[str, object] | None = None) -> Graph:
        """Return the graph with a node more.

        Raises:
            GraphError: the name is taken, or a knob is not one of the node's.
            KnobError: a knob's value is out of range.
        """
        if any(found.name == name for found in self.nodes):
            raise GraphError(f"Two nodes are called {name}.", hint="Give one another name.")
        return Graph((*self.nodes, Placed(name, node, node.values(knobs or {}))), self.wires)

    def wired(self, source: str, output: str, target: str, input: str) -> Graph:
        """Return the graph with a wire more.

        Raises:
            GraphError: no such node or port, kinds that differ, an input plugged twice, a cycle.
        """
        start = _port(self.node(source).node, self.node(source).node.outputs, output)
        end = _port(self.node(target).node, self.node(target).node.inputs, input)
        if start.kind is not end.kind:
            raise GraphError(
                f"{source}.{output} gives {start.kind.value}; "
                f"{target}.{input} takes {end.kind.value}."
            )
        if any(wire.target == target and wire.input == input for wire in self.wires):
            raise GraphError(f"{target}.{input} is plugged in twice.", hint="Take one wire away.")
        graph = Graph(self.nodes, (*self.wires, Wire(source, output, target, input)))
        graph.ordered()
        return graph

    def node(self, name: str) -> Placed:
        """Return a placed node.

        Raises:
            GraphError: there is none of this name.
        """
        for found in self.nodes:
            if found.name == name:
                return found
        raise GraphError(f"No node is called {name}.")

    def source_of(self, target: str, input: str) -> Placed | None:
        """Return the node that feeds an input, or None."""
        for wire in self.wires:
            if (wire.target, wire.input) == (target, input):
                return self.node(wire.source)
        return None

    def upstream(self, name: str) -> Iterator[Placed]:
        """Walk a node and all that feeds it, each once, what feeds before what is fed."""
        needed = {name}
        for placed in reversed(self.ordered()):
            if placed.name in needed:
                needed |= {wire.source for wire in self.wires if wire.target == placed.name}
        return (placed for placed in self.ordered() if placed.name in needed)

    def ordered(self) -> Sequence[Placed]:
        """Return the nodes, each after all that feed it.

        Raises:
            GraphError: the wires go in a circle.
        """
        done: list[Placed] = []
        rest = list(self.nodes)
        while rest:
            waiting = {placed.name for placed in rest}
            ready = [
                placed
                for placed in rest
                if not any(w.target == placed.name and w.source in waiting for w in self.wires)
            ]
            if not ready:
                raise GraphError(f"The wires go in a circle through {rest[0].name}.")
            done += ready
            rest = [placed for placed in rest if placed not in ready]
        return done

    def check_inputs(self, name: str) -> None:
        """Check that a node and all that feeds it have what they need.

        Raises:
            GraphError: an input that is not optional is not plugged in.
        """
        for placed in self.upstream(name):
            for port in placed.node.inputs:
                if not port.optional and self.source_of(placed.name, port.name) is None:
                    raise GraphError(
                        f"{placed.name}.{port.name} is not plugged in.",
                        hint=f"It takes {port.kind.value}.",
                    )


def _port(node: Node, ports: tuple[Port, ...], name: str) -> Port:
    for port in ports:
        if port.name == name:
            return port
    names = ", ".join(port.name for port in ports) or "none"
    raise GraphError(f"{node.name} has no port {name} there.", hint=f"It has: {names}.")
