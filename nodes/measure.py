"""Turns a graph that ends in a `FaceQC` into the job that measures a finished shot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from faceplate.core.errors import GraphError
from faceplate.core.footage import base_name
from faceplate.core.qcjob import Limits, QcJob, report_path
from faceplate.nodes.compile import Delivery
from faceplate.nodes.face import FACE_QC, FACE_TRACK
from faceplate.nodes.footage import ACTOR_SOURCE, PLATE
from faceplate.nodes.graph import Graph, Placed

_RENDERS = ("FaceSwap", "FaceBlend")
"""Nodes whose frames stand where the delivery says."""


def qc_graph(
    plate: Mapping[str, object],
    comp: str,
    actor: Mapping[str, object] | None,
    limits: Mapping[str, object],
) -> Graph:
    """Return the usual graph: a plate, a comp on disk, and an actor or none, into a `FaceQC`.

    Args:
        plate: knobs of `Plate`.
        comp: pattern of the finished frames.
        actor: knobs of `ActorSource`, or None.
        limits: knobs of `FaceQC`.

    Raises:
        GraphError, KnobError: an unknown knob, or a value out of range.
    """
    graph = Graph().placed("plate", PLATE, plate).placed("comp", PLATE, {"pattern": comp})
    graph = graph.placed("qc", FACE_QC, limits)
    graph = graph.wired("plate", "plate", "qc", "plate").wired("comp", "plate", "qc", "comp")
    if actor is None:
        return graph
    return graph.placed("actor", ACTOR_SOURCE, actor).wired("actor", "actor", "qc", "actor")


def qc_job_of(graph: Graph, name: str, delivery: Delivery, report: str = "") -> QcJob:
    """Return the job that measures what is plugged into a `FaceQC`.

    Args:
        graph: nodes and wires. The comp comes from a `Plate`, which names frames on disk, or from
            a `FaceSwap` or `FaceBlend`, whose frames are those of the delivery.
        name: the placed `FaceQC`.
        delivery: as of the render.
        report: the HTML file to write; "" for one beside the comp.

    Raises:
        GraphError: not a `FaceQC`, an input missing, or footage without a pattern.
    """
    end = graph.node(name)
    if end.node is not FACE_QC:
        raise GraphError(f"{end.node.name} measures nothing.", hint="Give it to a FaceQC.")
    graph.check_inputs(name)
    plate, comp = (_source(graph, name, port) for port in ("plate", "comp"))
    pattern = _pattern(plate)
    finished = delivery.output if comp.node.name in _RENDERS else _pattern(comp)
    if not finished:
        raise GraphError("There is no comp.", hint="Give the pattern of the finished frames.")
    actor = _upstream(graph, graph.source_of(name, "actor"), ACTOR_SOURCE.name)
    tracker = graph.source_of(name, "track")
    smoothing = next(
        placed.values["smoothing"]
        for placed in (tracker, comp, _defaults())
        if placed is not None and "smoothing" in placed.values
    )
    limits: dict[str, Any] = {field.name: end.values[field.name] for field in fields(Limits)}
    return QcJob(
        name=delivery.name or base_name(finished),
        plate=pattern,
        start=delivery.start,
        colorspace=str(plate.values["colorspace"]) or None,
        ocio=delivery.ocio,
        comp=finished,
        actor=(str(actor.values["file"]) or None) if actor else None,
        track=delivery.track,
        official=delivery.official,
        matte_in=delivery.matte_in,
        covers=delivery.task == "complete",
        face=delivery.face,
        frames=str(plate.values["frames"]) or None,
        layer_prefix=delivery.layer_prefix,
        smoothing=float(str(smoothing)),
        report=report or report_path(finished),
        overwrite=delivery.overwrite,
        limits=Limits(**limits),
    )


def _defaults() -> Placed:
    return Placed("track", FACE_TRACK, FACE_TRACK.values({}))


def _source(graph: Graph, name: str, port: str) -> Placed:
    found = graph.source_of(name, port)
    assert found is not None  # it is not optional, and that was checked
    return found


def _pattern(placed: Placed) -> str:
    """Return the frames on disk that a node names."""
    if placed.node is not PLATE:
        raise GraphError(
            f"{placed.node.name} names no frames on disk.",
            hint="Plug in the plate's own footage, and as comp a FaceSwap, a FaceBlend or footage.",
        )
    if not placed.values["pattern"]:
        raise GraphError("There is no plate.", hint="Give the pattern of the plate's frames.")
    return str(placed.values["pattern"])


def _upstream(graph: Graph, placed: Placed | None, kind: str) -> Placed | None:
    """Return the node of a kind that a node is, or is fed by; None for none."""
    if placed is None:
        return None
    return next((p for p in graph.upstream(placed.name) if p.node.name == kind), None)
