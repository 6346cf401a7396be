"""Reads the Faceplate nodes around one of ours as a graph, and makes the job of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faceplate.core.errors import GraphError, InputError
from faceplate.core.job import Job
from faceplate.core.qcjob import QcJob
from faceplate.nodes.compile import Delivery, job_of
from faceplate.nodes.face import FACE_MATTE, FACE_SWAP, FACE_TRACK
from faceplate.nodes.footage import ACTOR_SOURCE, PLATE
from faceplate.nodes.graph import Graph
from faceplate.nodes.measure import qc_job_of
from faceplate.nodes.node import Kind, Node, Port
from faceplate.plugin.blender import compat
from faceplate.plugin.blender.group import COMP, socket_name
from faceplate.plugin.blender.jobs import delivery_of, plate_knobs
from faceplate.plugin.blender.properties import NODES, knob_values, shortest
from faceplate.plugin.blender.scene import (
    IMAGE,
    Plate,
    absolute,
    feed_of,
    is_ours,
    output_of,
    plate_at,
    plate_of,
)
from faceplate.plugin.blender.scratch import Feed, mask_frames, readable

_PLATE, _COMP = "the plate", "the comp"
_TRACK = "the track"


@dataclass(frozen=True, slots=True)
class Order:
    """What the engine is to make for a group.

    Attributes:
        job: complete, but for a mask.
        plate: what it reads.
        feeds: what must be rendered by Blender first.
        mask: drawn in Blender; once it is rendered in the plate's format, the job's matte. Or None.
    """

    job: Job
    plate: Plate
    feeds: tuple[Feed, ...]
    mask: Any


def order_of(scene: Any, group: Any, *, overwrite: bool = False) -> Order:
    """Return what is to be made for a group, as its settings and wires stand now.

    Args:
        scene: whose compositor shows the group.
        group: a Faceplate group.
        overwrite: replace files that are not ours. Said by who presses the button, never by a
            file, which may come from a stranger.

    Raises:
        FaceplateError: a wire or a setting is not as it must be.
    """
    walk = _Walk(scene, group)
    job = job_of(walk.graph(), group.name, walk.delivery(overwrite=overwrite))
    return Order(job, walk.plate, tuple(walk.feeds), walk.mask)


def measuring_of(
    scene: Any, group: Any, *, overwrite: bool = False
) -> tuple[QcJob, tuple[Feed, ...]]:
    """Return what is to be measured for a Face QC, and what must be rendered by Blender first.

    A Face Swap or Face Blend in Comp is measured by its own settings, as it was rendered.

    Args:
        scene: whose compositor shows the group.
        group: of a Face QC.
        overwrite: as in `order_of`, of the report.

    Raises:
        FaceplateError: a wire or a setting is not as it must be.
    """
    walk = _Walk(scene, group)
    graph, delivery = walk.graph(), walk.delivery(overwrite=overwrite)
    if walk.mask is not None:
        delivery = replace(delivery, matte_in=mask_frames(walk.mask))
    return qc_job_of(graph, group.name, delivery), tuple(walk.feeds)


def analysis_of(order: Order) -> str:
    """Return what an analysis depends on, as a text to compare."""
    return _analysis(order.plate, order.job.knobs.smoothing)


def _analysis(plate: Plate, smoothing: float) -> str:
    return f"{plate.source} {plate.colorspace} {smoothing:g}"


class _Walk:
    """Goes up the wires from one group, and remembers the files that it meets.

    Attributes:
        plate: of the group, and of all that feed it.
        feeds: what must be rendered by Blender first.
        mask: drawn in Blender, or None.
    """

    def __init__(self, scene: Any, group: Any) -> None:
        self._scene, self._group = scene, group
        self._render = group
        self._folder = Path(output_of(group.faceplate, group.name)).parent
        sees = any(port.kind is Kind.IMAGE for port in NODES[group.faceplate.node].inputs)
        plate = plate_of(scene, group) if sees else Plate("")
        self.plate = readable(plate, self._folder / "plate")
        self.feeds: list[Feed] = []
        if self.plate.feed is not None:
            self.feeds.append(Feed(self.plate.feed, self.plate.pattern))
        self.mask: Any = None
        self._track = absolute(group.faceplate.track) or None
        self._matte: str | None = None

    def graph(self) -> Graph:
        """Return the graph of the group: itself, all that feeds it, and the wires between."""
        knobs = plate_knobs(self.plate, self._group.faceplate.frames)
        graph = self._placed(Graph().placed(_PLATE, PLATE, knobs), self._group)
        return self._tracked(graph)

    def delivery(self, *, overwrite: bool) -> Delivery:
        """Return what the job needs beside the graph, once that is known."""
        settings = self._render.faceplate
        return delivery_of(
            settings,
            self.plate,
            output_of(settings, self._render.name),
            track=self._track,
            matte_in=self._matte,
            overwrite=overwrite,
        )

    def _placed(self, graph: Graph, group: Any) -> Graph:
        name, settings = group.name, group.faceplate
        if any(placed.name == name for placed in graph.nodes):
            return graph
        node = NODES[settings.node]
        if node is FACE_TRACK and group != self._group:
            self._take_track(group)
        if node in (FACE_SWAP, FACE_MATTE):
            self._take_drawn(settings)
        graph = graph.placed(name, node, self._knobs(settings, node))
        for port in node.inputs:
            if port.name == "plate":
                self._check_plate(group)
                graph = graph.wired(_PLATE, "plate", name, port.name)
            elif port.kind is Kind.IMAGE:
                graph = self._finished(graph, group, port)
            else:
                graph = self._fed(graph, group, port)
        return graph

    def _knobs(self, settings: Any, node: Node) -> dict[str, object]:
        if node is ACTOR_SOURCE:
            return {"file": absolute(settings.actor)}
        return knob_values(settings, node, self.plate.number_of)

    def _source(self, group: Any, port: Port) -> tuple[Any, Any]:
        """Return the socket in an input of a group, and the Faceplate group that it is of."""
        source = feed_of(self._scene, group, socket_name(port))
        tree: Any = None if source is None else getattr(source.node, "node_tree", None)
        return source, tree if is_ours(tree) else None

    def _finished(self, graph: Graph, group: Any, port: Port) -> Graph:
        """Return the graph with the finished frames that are plugged into an input of a group."""
        source, above = self._source(group, port)
        if above is not None and source.name in (IMAGE, COMP):
            self._render = above
            self._track = absolute(above.faceplate.track) or self._track
            graph = self._placed(graph, above)
            return graph.wired(above.name, "comp", group.name, port.name)
        comp = None if source is None else plate_at(source, "")
        if comp is None or comp.feed is not None:
            raise GraphError(
                f"{group.name} has no comp.",
                hint="Plug a Face Swap, a Face Blend or finished frames from disk into Comp.",
            )
        graph = graph.placed(_COMP, PLATE, plate_knobs(comp, ""))
        return graph.wired(_COMP, "plate", group.name, port.name)

    def _fed(self, graph: Graph, group: Any, port: Port) -> Graph:
        """Return the graph with what is plugged into an input of a group."""
        name = group.name
        source, above = self._source(group, port)
        if above is not None:
            for output in NODES[above.faceplate.node].outputs:
                if output.kind is port.kind and socket_name(output) == source.name:
                    graph = self._placed(graph, above)
                    return graph.wired(above.name, output.name, name, port.name)
        if source is not None:
            self._take_pictures(group, port, source)
        elif port.kind is Kind.ACTOR:
            actor = f"the actor of {name}"
            if not group.faceplate.actor and port.optional:
                there = [placed.name for placed in graph.nodes if placed.node is ACTOR_SOURCE]
                return graph.wired(there[0], "actor", name, port.name) if there else graph
            if not group.faceplate.actor:
                raise InputError(
                    f"{name} has no actor.",
                    hint="Choose an .actor file or a picture, or plug one into Actor.",
                )
            graph = graph.placed(actor, ACTOR_SOURCE, {"file": absolute(group.faceplate.actor)})
            return graph.wired(actor, "actor", name, port.name)
        return graph

    def _tracked(self, graph: Graph) -> Graph:
        """Return the graph where each node that needs a track and has none shares one."""
        loose = [
            placed.name
            for placed in graph.nodes
            for port in placed.node.inputs
            if port.kind is Kind.TRACK
            and not port.optional
            and graph.source_of(placed.name, port.name) is None
        ]
        if not loose:
            return graph
        there = [placed.name for placed in graph.nodes if placed.node is FACE_TRACK]
        track = there[0] if there else _TRACK
        if not there:
            end = graph.node(self._group.name).values
            knobs = {"smoothing": end["smoothing"]} if "smoothing" in end else {}
            graph = graph.placed(track, FACE_TRACK, knobs)
            graph = graph.wired(_PLATE, "plate", track, "plate")
        for name in loose:
            graph = graph.wired(track, "track", name, "track")
        return graph

    # --- files that are met on the way ------------------------------------------------------------

    def _check_plate(self, group: Any) -> None:
        if group == self._group or not self.plate.pattern:
            return
        source = plate_of(self._scene, group).source
        if source != self.plate.source:
            raise GraphError(
                f"{group.name} looks at {source}, and {self._group.name} at {self.plate.source}.",
                hint="Plug the same plate into all Faceplate nodes of a shot.",
            )

    def _take_track(self, group: Any) -> None:
        settings = group.faceplate
        if not settings.result:
            raise InputError(
                f"{group.name} has no track yet.", hint="Select that node and press Track."
            )
        plate = readable(plate_of(self._scene, group), self._folder)
        if settings.analysed_with != _analysis(plate, shortest(settings.smoothing)):
            raise InputError(
                f"{group.name} was tracked with another plate or other knobs.",
                hint="Select that node and press Track again.",
            )
        self._track = absolute(settings.result)

    def _take_drawn(self, settings: Any) -> None:
        """Take a matte that was made by hand, unless one nearer to the end was taken."""
        if self._matte is not None or self.mask is not None:
            return
        self.mask = settings.mask
        path, colon, layer = settings.matte_in.rpartition(":")
        if colon and path.lower().endswith(".exr"):
            self._matte = f"{absolute(path)}:{layer}"
        else:
            self._matte = absolute(settings.matte_in) or None

    def _take_pictures(self, group: Any, port: Port, source: Any) -> None:
        """Take pictures of Blender's as a matte that was made by hand: a wire wins over the panel.

        Raises:
            GraphError: they are none, or the node takes only what one of ours gives.
        """
        if port.kind is not Kind.MATTE or NODES[group.faceplate.node] is not FACE_SWAP:
            raise GraphError(
                f"{source.name} of {source.node.name}, in {socket_name(port)} of {group.name}, "
                f"gives no {port.kind.value}.",
                hint="Plug in one of Faceplate's nodes.",
            )
        pattern = str(self._folder / "matte" / "in.%04d.exr")
        self.feeds.append(Feed(source, pattern, self.plate.shift, is_number=True))
        self._matte, self.mask = f"{pattern}:{compat.scalar_channel()}", None
