"""Reads the nodes around one of ours as a graph, and makes the job of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nuke

from faceplate.core.errors import GraphError, InputError
from faceplate.core.footage import FrameRange, base_name
from faceplate.core.job import Job
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.face import FACE_MATTE, FACE_TRACK, TRAIN_IDENTITY
from faceplate.nodes.footage import PLATE
from faceplate.nodes.graph import Graph
from faceplate.nodes.node import Kind, Node
from faceplate.plugin.nuke.corrections import corrections_file
from faceplate.plugin.nuke.pipes import definition_of, tracked_by, wired_in, with_actor, with_file
from faceplate.plugin.nuke.script import (
    Plate,
    ocio_config,
    source_of,
)
from faceplate.plugin.nuke.sites import Site, face_of, site_of, smoothing_of

_PLATE = "the plate"


@dataclass(frozen=True, slots=True)
class Order:
    """What the engine is to make for a node.

    Attributes:
        job: complete.
        plate: what the job's plate is, and whether it must be written first.
        numbers: the frames to make.
        track: file that an analysis goes into.
        plate_id: what the plate is, as a text to compare.
        analysis: what an analysis of this plate depends on, as a text to compare.
    """

    job: Job
    plate: Plate
    numbers: FrameRange
    track: str
    plate_id: str
    analysis: str


def order_of(node: nuke.Node) -> Order:
    """Return what is to be rendered for a node, as its knobs and pipes stand now.

    Raises:
        FaceplateError: a pipe, a knob or the script is not as it must be.
    """
    site = site_of(node)
    walk = _Walk(site)
    graph, name = walk.graph()
    track = walk.track or _corrected(site)
    return _order(site, job_of(graph, name, _delivery(site, track)))


def analysis_of(node: nuke.Node) -> Order:
    """Return what is to be analysed for a node; that needs no actor.

    Raises:
        FaceplateError: a pipe, a knob or the script is not as it must be.
    """
    site = site_of(node)
    owner = tracked_by(node)
    if owner.fullName() != node.fullName():
        raise GraphError(
            f"{node.name()} goes by the track of {owner.name()}.", hint="Press its buttons."
        )
    knobs = {"layers": ("matte",), "smoothing": smoothing_of(node)}
    frames = str(Path(site.output).with_name(f"{base_name(site.output)}.%04d.exr"))
    delivery = Delivery(output=frames, ocio=site.space.ocio, contact_sheet=False)
    return _order(site, job_of(swap_graph(site.plate_knobs, None, knobs), "swap", delivery))


def _order(site: Site, job: Job) -> Order:
    analysis = site.analysis(job.knobs.smoothing)
    return Order(job, site.plate, site.numbers, site.track, site.plate_id, analysis)


def training_of(node: nuke.Node) -> Job:
    """Return the job of a TrainIdentity alone: it trains, and writes no frames.

    Raises:
        FaceplateError: a pipe or a knob is not as it must be.
    """
    graph = with_actor(Graph(), node, TRAIN_IDENTITY)
    return job_of(graph, node.name(), Delivery(output="", ocio=ocio_config()))


def _corrected(site: Site) -> str | None:
    """Return a node's own track where an artist corrected it; any other the engine makes anew.

    Raises:
        InputError: the track is not that of the plate and the knobs as they stand now.
    """
    node = site.node
    if not corrections_file(site.track).is_file():
        return None
    if node["analysed_with"].value() != site.analysis(smoothing_of(node)):
        raise InputError(
            f"{node.name()} has corrections, and was analysed with another plate or other knobs.",
            hint="Press its Analyse again, or Drop corrections.",
        )
    return site.track


def track_in(site: Site, node: nuke.Node) -> str:
    """Return the track that a FaceTrack was analysed into.

    Raises:
        InputError: it was not, or since then its plate or its knobs have changed.
    """
    if not node["analysed"].value():
        raise InputError(f"{node.name()} is not analysed.", hint="Press its Analyse.")
    if node["analysed_with"].value() != site.analysis(smoothing_of(node)):
        raise InputError(
            f"{node.name()} was analysed with another plate or other knobs.",
            hint="Press its Analyse again.",
        )
    return str(node["analysed"].value())


def _delivery(site: Site, track: str | None) -> Delivery:
    node = site.node
    return Delivery(
        output=site.output,
        name=str(node["shot"].value()).strip(),
        face=face_of(node, site.plate),
        track=track,
        matte_in=str(node["matte_in"].value()).strip() or None,
        ocio=site.space.ocio,
        layer_prefix=str(node["layer_prefix"].value()).strip(),
        compression=str(node["compression"].value()),
        draft=bool(node["draft"].value()),
        contact_sheet=False,
    )


class _Walk:
    """Goes up the pipes from one node, and remembers the track that it meets."""

    def __init__(self, site: Site) -> None:
        self.track: str | None = None
        self._site = site

    def graph(self) -> tuple[Graph, str]:
        """Return the graph of the node, and the name in it of what is rendered."""
        node, definition = self._site.node, self._site.definition
        if definition is FACE_MATTE:
            return self._mattes(), "swap"
        graph = Graph().placed(_PLATE, PLATE, self._site.plate_knobs)
        return self._placed(graph, node, definition), node.name()

    def _mattes(self) -> Graph:
        """Return the graph that makes mattes of a plate and no face."""
        node = self._site.node
        knobs: dict[str, object] = {"layers": ("matte",), **self._site.read(node, FACE_MATTE)}
        above = wired_in(node, 1, Kind.TRACK)
        if above is not None:
            self.track = track_in(self._site, above)
            knobs["smoothing"] = self._site.read(above, FACE_TRACK)["smoothing"]
        return swap_graph(self._site.plate_knobs, None, knobs)

    def _placed(self, graph: Graph, node: nuke.Node, definition: Node) -> Graph:
        """Return the graph with a node, all that feeds it, and the wires between."""
        name = node.name()
        if any(placed.name == name for placed in graph.nodes):
            return graph
        if definition is FACE_TRACK:
            self.track = track_in(self._site, node)
        graph = graph.placed(name, definition, self._site.read(node, definition))
        for pipe, port in enumerate(definition.inputs):
            if port.kind is Kind.IMAGE:
                self._check_plate(node, pipe)
                graph = graph.wired(_PLATE, "plate", name, port.name)
                continue
            above = wired_in(node, pipe, port.kind)
            kind = None if above is None else definition_of(above)
            if above is not None and kind is not None:
                graph = self._placed(graph, above, kind)
                output = next(out.name for out in kind.outputs if out.kind is port.kind)
                graph = graph.wired(above.name(), output, name, port.name)
            elif port.kind is Kind.ACTOR:
                graph = with_file(graph, node)
        return graph

    def _check_plate(self, node: nuke.Node, pipe: int) -> None:
        source = source_of(node, pipe)
        if source is None or source.fullName() != self._site.plate.source:
            raise GraphError(
                f"{node.name()} looks at another plate than {self._site.plate.source}.",
                hint="Wire the same plate into all of Faceplate's nodes of a shot.",
            )
