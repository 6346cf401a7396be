"""Reads the nodes around one of ours as a graph, and makes the job of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nuke

from faceplate.core.errors import GraphError, InputError
from faceplate.core.footage import FrameRange, base_name
from faceplate.core.job import FaceChoice, Job
from faceplate.nodes import NODES
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.face import FACE_MATTE, FACE_TRACK, TRAIN_IDENTITY
from faceplate.nodes.footage import ACTOR_SOURCE, PLATE
from faceplate.nodes.graph import Graph
from faceplate.nodes.node import Kind, Node
from faceplate.plugin.nuke.corrections import corrections_file
from faceplate.plugin.nuke.group import KIND_KNOB
from faceplate.plugin.nuke.knobs import file_text, read_knobs
from faceplate.plugin.nuke.script import (
    Plate,
    Space,
    find_plate,
    ocio_config,
    script_range,
    source_of,
    work_folder,
    working_space,
)

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


@dataclass(frozen=True, slots=True)
class _Site:
    """A node of ours and what stands around it in the script.

    Attributes:
        output: what it writes: frames, or a track.
        numbers: the frames to make; curves are sampled at these.
    """

    node: nuke.Node
    definition: Node
    output: str
    space: Space
    plate: Plate
    numbers: FrameRange

    @property
    def plate_knobs(self) -> dict[str, object]:
        return {
            "pattern": self.plate.pattern,
            "colorspace": self.space.name,
            "frames": str(self.numbers),
        }

    def read(self, node: nuke.Node, definition: Node) -> dict[str, object]:
        return read_knobs(node, definition, self.numbers.numbers)

    @property
    def track(self) -> str:
        return str(Path(self.output).with_name(f"{base_name(self.output)}.track"))

    @property
    def plate_id(self) -> str:
        # A plate that is written is called after the node that writes it.
        files = "" if self.plate.written else f"{self.plate.pattern} "
        return f"{files}{self.plate.source} {self.space.name}"

    def order(self, job: Job) -> Order:
        analysis = self.analysis(job.knobs.smoothing)
        return Order(job, self.plate, self.numbers, self.track, self.plate_id, analysis)

    def analysis(self, smoothing: float) -> str:
        return f"{self.plate_id} {smoothing:g}"


def definition_of(node: nuke.Node) -> Node | None:
    """Return which of our nodes a group is, or None."""
    knob = node.knob(KIND_KNOB) if node.Class() == "Group" else None
    name = None if knob is None else knob.value()
    return next((definition for definition in NODES if definition.name == name), None)


def order_of(node: nuke.Node) -> Order:
    """Return what is to be rendered for a node, as its knobs and pipes stand now.

    Raises:
        FaceplateError: a pipe, a knob or the script is not as it must be.
    """
    site = _site(node)
    walk = _Walk(site)
    graph, name = walk.graph()
    track = walk.track or _corrected(site)
    return site.order(job_of(graph, name, _delivery(site, track)))


def analysis_of(node: nuke.Node) -> Order:
    """Return what is to be analysed for a node; that needs no actor.

    Raises:
        FaceplateError: a pipe, a knob or the script is not as it must be.
    """
    site = _site(node)
    owner = tracked_by(node)
    if owner.fullName() != node.fullName():
        raise GraphError(
            f"{node.name()} goes by the track of {owner.name()}.", hint="Press its buttons."
        )
    knobs = {"layers": ("matte",), "smoothing": _smoothing(node)}
    frames = str(Path(site.output).with_name(f"{base_name(site.output)}.%04d.exr"))
    delivery = Delivery(output=frames, ocio=site.space.ocio, contact_sheet=False)
    return site.order(job_of(swap_graph(site.plate_knobs, None, knobs), "swap", delivery))


def training_of(node: nuke.Node) -> Job:
    """Return the job of a TrainIdentity alone: it trains, and writes no frames.

    Raises:
        FaceplateError: a pipe or a knob is not as it must be.
    """
    graph = _with_actor(Graph(), node, TRAIN_IDENTITY)
    return job_of(graph, node.name(), Delivery(output="", ocio=ocio_config()))


def _with_actor(graph: Graph, node: nuke.Node, definition: Node) -> Graph:
    """Return a graph with a node that bears an actor, and all that its actor comes from."""
    name = node.name()
    if any(placed.name == name for placed in graph.nodes):
        return graph
    # Nothing here has a curve, so no frame is looked at.
    graph = graph.placed(name, definition, read_knobs(node, definition, ()))
    if not definition.inputs:
        return graph
    above = _wired(node, 0, Kind.ACTOR)
    kind = None if above is None else definition_of(above)
    if above is not None and kind is not None:
        graph = _with_actor(graph, above, kind)
        return graph.wired(above.name(), "actor", name, "actor")
    return _with_file(graph, node)


def _with_file(graph: Graph, node: nuke.Node) -> Graph:
    """Return a graph with the actor that a node names, where it names one."""
    file = file_text(node["actor_file"])
    if not file:
        return graph
    actor = f"the actor of {node.name()}"
    graph = graph.placed(actor, ACTOR_SOURCE, {"file": file})
    return graph.wired(actor, "actor", node.name(), "actor")


def _wired(node: nuke.Node, pipe: int, kind: Kind) -> nuke.Node | None:
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
        pipes = (source_of(above, pipe) for pipe in range(len(definition.inputs)))
        waiting += [source for source in pipes if source is not None]
    return node


def _smoothing(node: nuke.Node) -> float:
    knob = node.knob("smoothing")
    return 1.0 if knob is None else float(knob.value())


def _corrected(site: _Site) -> str | None:
    """Return a node's own track where an artist corrected it; any other the engine makes anew.

    Raises:
        InputError: the track is not that of the plate and the knobs as they stand now.
    """
    node = site.node
    if not corrections_file(site.track).is_file():
        return None
    if node["analysed_with"].value() != site.analysis(_smoothing(node)):
        raise InputError(
            f"{node.name()} has corrections, and was analysed with another plate or other knobs.",
            hint="Press its Analyse again, or Drop corrections.",
        )
    return site.track


def _site(node: nuke.Node) -> _Site:
    definition = definition_of(node)
    if definition is None:
        raise GraphError(f"{node.name()} is none of Faceplate's nodes any more.")
    output = _output(node, definition)
    space = working_space(str(node["colorspace"].value()).strip())
    plate = find_plate(node, space, Path(output).parent)
    return _Site(node, definition, output, space, plate, _numbers(node))


def _output(node: nuke.Node, definition: Node) -> str:
    """Return what a node writes: its output knob, or a name in the folder beside the script.

    Raises:
        InputError: the script was never saved, or the knob holds no whole path.
    """
    said = file_text(node["output"])
    if not said:
        ending = "track" if definition is FACE_TRACK else "%04d.exr"
        return str(work_folder(node) / f"{node.name()}.{ending}")
    if not Path(said).is_absolute():
        raise InputError(
            f"The output of {node.name()} is {said}, which begins nowhere.",
            hint="Give the whole path.",
        )
    return said


def _numbers(node: nuke.Node) -> FrameRange:
    knob = node.knob("frames")
    said = "" if knob is None else str(knob.value()).strip()
    first, last = script_range()
    return FrameRange.parse(said or f"{first}-{last}")


def _delivery(site: _Site, track: str | None) -> Delivery:
    node = site.node
    return Delivery(
        output=site.output,
        name=str(node["shot"].value()).strip(),
        face=_face(node, site.plate),
        track=track,
        matte_in=str(node["matte_in"].value()).strip() or None,
        ocio=site.space.ocio,
        layer_prefix=str(node["layer_prefix"].value()).strip(),
        compression=str(node["compression"].value()),
        draft=bool(node["draft"].value()),
        contact_sheet=False,
    )


def _face(node: nuke.Node, plate: Plate) -> FaceChoice:
    """Return which face an artist means; Nuke's y counts from the bottom, ours from the top."""
    choice = str(node["face"].value())
    if choice == "number":
        return FaceChoice(index=int(node["face_number"].value()))
    if choice == "point":
        x, y = (float(node["face_point"].getValue(part)) for part in (0, 1))
        return FaceChoice(at=(x, plate.size[1] - y))
    if choice == "reference":
        return FaceChoice(reference=file_text(node["face_reference"]))
    return FaceChoice(every=True) if choice == "all" else FaceChoice(index=0)


class _Walk:
    """Goes up the pipes from one node, and remembers the track that it meets."""

    def __init__(self, site: _Site) -> None:
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
        above = _wired(node, 1, Kind.TRACK)
        if above is not None:
            self._take_track(above)
            knobs["smoothing"] = self._site.read(above, FACE_TRACK)["smoothing"]
        return swap_graph(self._site.plate_knobs, None, knobs)

    def _placed(self, graph: Graph, node: nuke.Node, definition: Node) -> Graph:
        """Return the graph with a node, all that feeds it, and the wires between."""
        name = node.name()
        if any(placed.name == name for placed in graph.nodes):
            return graph
        if definition is FACE_TRACK:
            self._take_track(node)
        graph = graph.placed(name, definition, self._site.read(node, definition))
        for pipe, port in enumerate(definition.inputs):
            if port.kind is Kind.IMAGE:
                self._check_plate(node, pipe)
                graph = graph.wired(_PLATE, "plate", name, port.name)
                continue
            above = _wired(node, pipe, port.kind)
            kind = None if above is None else definition_of(above)
            if above is not None and kind is not None:
                graph = self._placed(graph, above, kind)
                output = next(out.name for out in kind.outputs if out.kind is port.kind)
                graph = graph.wired(above.name(), output, name, port.name)
            elif port.kind is Kind.ACTOR:
                graph = _with_file(graph, node)
        return graph

    def _check_plate(self, node: nuke.Node, pipe: int) -> None:
        source = source_of(node, pipe)
        if source is None or source.fullName() != self._site.plate.source:
            raise GraphError(
                f"{node.name()} looks at another plate than {self._site.plate.source}.",
                hint="Wire the same plate into all of Faceplate's nodes of a shot.",
            )

    def _take_track(self, node: nuke.Node) -> None:
        """Take the track that a FaceTrack was analysed into.

        Raises:
            InputError: it was not, or since then its plate or its knobs have changed.
        """
        smoothing = float(node["smoothing"].value())
        if not node["analysed"].value():
            raise InputError(f"{node.name()} is not analysed.", hint="Press its Analyse.")
        if node["analysed_with"].value() != self._site.analysis(smoothing):
            raise InputError(
                f"{node.name()} was analysed with another plate or other knobs.",
                hint="Press its Analyse again.",
            )
        self.track = str(node["analysed"].value())
