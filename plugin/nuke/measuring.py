"""Reads the nodes around a FaceQC, and makes the job that measures a finished shot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import nuke

from faceplate.core.errors import GraphError, InputError
from faceplate.core.footage import is_numbered
from faceplate.core.qcjob import Limits, QcJob, qc_of_render
from faceplate.nodes.compile import Delivery
from faceplate.nodes.face import FACE_BLEND, FACE_QC, FACE_SWAP
from faceplate.nodes.measure import qc_graph, qc_job_of
from faceplate.nodes.node import Kind
from faceplate.plugin.nuke.knobs import file_text
from faceplate.plugin.nuke.pipes import actor_in, definition_of, wired_in
from faceplate.plugin.nuke.script import Plate, source_of
from faceplate.plugin.nuke.sites import Site, face_of, site_of
from faceplate.plugin.nuke.wiring import order_of, track_in

_PLATE, _COMP, _TRACK, _ACTOR = range(4)
"""Pipes of a FaceQC."""


def measuring_of(node: nuke.Node) -> tuple[QcJob, Plate]:
    """Return what is to be measured for a FaceQC, and its plate.

    A FaceSwap or FaceBlend in the comp's pipe is measured as it was rendered; of anything else the
    files are, and then this node says which face and which layers.

    Raises:
        FaceplateError: a pipe, a knob or the script is not as it must be.
    """
    site = site_of(node)
    comp = source_of(node, _COMP)
    if comp is None:
        raise InputError(
            f"{node.name()} has no comp.",
            hint="Wire a FaceSwap, a FaceBlend, or a Read of the comp into its second pipe.",
        )
    tracker = wired_in(node, _TRACK, Kind.TRACK)
    track = None if tracker is None else track_in(site, tracker)
    if definition_of(comp) in (FACE_SWAP, FACE_BLEND):
        return _of_render(site, comp, track)
    return _of_files(site, comp, track), site.plate


def _of_render(site: Site, comp: nuke.Node, track: str | None) -> tuple[QcJob, Plate]:
    node, order = site.node, order_of(comp)
    if order.plate.source != site.plate.source:
        raise GraphError(
            f"{comp.name()} is a comp of {order.plate.source}, and {node.name()} has the plate "
            f"{site.plate.source}.",
            hint="Wire the same plate into both.",
        )
    values = FACE_QC.values(site.read(node, FACE_QC))
    limits: dict[str, Any] = {field.name: values[field.name] for field in fields(Limits)}
    job = qc_of_render(order.job, Limits(**limits), report=site.output)
    changes: dict[str, Any] = {"track": track} if track is not None else {}
    actor = actor_in(node, _ACTOR)
    changes |= {"actor": actor} if actor else {}
    changes |= {"frames": str(site.numbers)} if node["frames"].value() else {}
    # The render wrote that plate, if it had to be written.
    return replace(job, **changes), replace(order.plate, written=False)


def _of_files(site: Site, comp: nuke.Node, track: str | None) -> QcJob:
    node = site.node
    files = file_text(comp["file"]) if comp.Class() == "Read" else ""
    if not (files.lower().endswith(".exr") and is_numbered(files)):
        raise GraphError(
            f"{comp.name()}, the comp of {node.name()}, is neither FaceSwap nor FaceBlend, nor a "
            "Read of numbered EXR files.",
            hint="Write the comp to EXR with all its channels, and wire a Read of that in.",
        )
    actor = actor_in(node, _ACTOR)
    graph = qc_graph(
        site.plate_knobs, files, {"file": actor} if actor else None, site.read(node, FACE_QC)
    )
    delivery = Delivery(
        output="",
        face=face_of(node, site.plate),
        track=track,
        ocio=site.space.ocio,
        layer_prefix=str(node["layer_prefix"].value()).strip(),
    )
    return qc_job_of(graph, "qc", delivery, site.output)


def verdict_of(answer: Mapping[str, Any], limits: Limits) -> str:
    """Say what was measured, in a sentence or two."""
    past = [
        f"{name.replace('_', ' ')} {answer['values'][name]:.3g} (limit {getattr(limits, name):g})"
        for name in answer["exceeded"]
    ]
    verdict = f"Past its limits: {', '.join(past)}." if past else "Within all limits."
    return " ".join([verdict, *answer["notes"], f"See {answer['report']}."])
