"""Turns a graph of nodes into a `Job`, every knob filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from faceplate.core.errors import GraphError
from faceplate.core.footage import FIRST_MOVIE_FRAME, base_name
from faceplate.core.job import TRAIN, FaceChoice, Finetune, Job, Keys, Knobs, value_at
from faceplate.nodes.face import ERODE, FACE_SWAP, FACE_TRACK, TRAIN_IDENTITY
from faceplate.nodes.footage import ACTOR_SOURCE, COMPRESSION_KNOB, PLATE
from faceplate.nodes.graph import Graph, Placed
from faceplate.nodes.node import Value

_WITH_FACE = ("FaceSwap", "FaceBlend")
_WITHOUT_FACE = ("FaceMatte", "FaceTrack")
_WITHOUT_ACTOR = ("complete", "blend")
"""Tasks that take the face from the plate's other frames, or from somebody's hand."""
# A later node's knob wins over an earlier one's: a track that is plugged into a swap is its track.
_COMPOSED = ("FaceSwap", "FaceTrack", "FaceMatte", "FaceReenact", "FaceComplete", "FaceBlend")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a job needs beside its nodes: where the result goes and what may be done.

    Attributes:
        output: pattern of the frames to write.
        name: the shot's name; "" takes the output's base name.
        face: which face of the plate.
        track: path of a solved track, or None to analyse.
        official: released networks that analyse in the places of ours.
        matte_in: hand-made matte as ``FILE:LAYER``, or None.
        task: of `core.job.TASKS`.
        element: hand-made face as ``FILE:LAYER``, or None.
        start: number of a movie's first frame.
        ocio: path of an OCIO config, or None.
        layer_prefix: put before the names of our layers.
        compression: of the EXR frames.
        draft: burn a mark in; needs no consent.
        lossy: allow lossy compression.
        overwrite: replace files that we did not write.
        contact_sheet: write a contact sheet.
    """

    output: str
    name: str = ""
    face: FaceChoice = FaceChoice(index=0)
    track: str | None = None
    official: tuple[str, ...] = ()
    matte_in: str | None = None
    task: str = "swap"
    element: str | None = None
    start: int = FIRST_MOVIE_FRAME
    ocio: str | None = None
    layer_prefix: str = ""
    compression: str = "zip"
    draft: bool = False
    lossy: bool = False
    overwrite: bool = False
    contact_sheet: bool = True


def swap_graph(
    plate: Mapping[str, object],
    actor: Mapping[str, object] | None,
    swap: Mapping[str, object],
    training: Mapping[str, object] | None = None,
) -> Graph:
    """Return the usual graph: a plate and an actor into one `FaceSwap`.

    Args:
        plate: knobs of `Plate`.
        actor: knobs of `ActorSource`, or None where no face is put in (mattes only).
        swap: knobs of `FaceSwap`.
        training: knobs of a `TrainIdentity` before it, whose weights are the swap's unless said;
            or None for no such node.

    Raises:
        GraphError, KnobError: an unknown knob, or a value out of range.
    """
    graph = Graph().placed("plate", PLATE, plate).placed("swap", FACE_SWAP, swap)
    graph = graph.wired("plate", "plate", "swap", "plate")
    user = "swap"
    if training is not None:
        weights = graph.node("swap").values["weights"]
        graph = graph.placed("training", TRAIN_IDENTITY, {"weights": weights, **training})
        graph = graph.wired("training", "actor", "swap", "actor")
        user = "training"
    if actor is None:
        return graph
    return graph.placed("actor", ACTOR_SOURCE, actor).wired("actor", "actor", user, "actor")


def job_of(graph: Graph, name: str, delivery: Delivery) -> Job:
    """Return the job that renders a node of a graph.

    Args:
        graph: nodes and wires.
        name: the placed node to render: a `FaceSwap` or `FaceBlend`, a `FaceMatte` for mattes
            only, a `FaceTrack` for a job to analyse and not to render, a `TrainIdentity` for one to
            train and not to render. A `FaceSwap` without an actor makes mattes only, too, and then
            its layers may not ask for a face.
        delivery: where the result goes; nowhere for a `TrainIdentity`.

    The seed is that of the rendered node. A `FaceTrack` that is plugged in decides the smoothing;
    a `FaceMatte` that is adds its erosion.

    Raises:
        GraphError: not a node that gives frames, an input missing, a plate without a pattern, or
            a training of networks that do not draw the face.
        KnobError: two erosions that add up to more than one may be.
    """
    end = graph.node(name)
    if end.node is TRAIN_IDENTITY:
        return _training_job(graph, end, delivery)
    parts = list(graph.upstream(name))
    plate, actor = _only(parts, "Plate"), _only(parts, "ActorSource")
    if end.node.name not in (*_WITH_FACE, *_WITHOUT_FACE):
        raise GraphError(
            f"{end.node.name} gives no frames.",
            hint="Render a FaceSwap, FaceBlend, FaceMatte, FaceTrack or TrainIdentity.",
        )
    if plate is None or not plate.values["pattern"]:
        raise GraphError("There is no plate.", hint="Give the pattern of the plate's frames.")
    values = {**_knob_values(parts), "seed": end.values["seed"]}
    layers = values["layers"] if end.node.name in _WITH_FACE else ("matte",)
    alone = set(layers) == {"matte"} or delivery.task in _WITHOUT_ACTOR
    if end.node.name in _WITHOUT_FACE or actor is not None or not alone:
        graph.check_inputs(name)
    return Job(
        name=delivery.name or base_name(delivery.output),
        plate=str(plate.values["pattern"]),
        start=delivery.start,
        colorspace=str(plate.values["colorspace"]) or None,
        ocio=delivery.ocio,
        actor=(str(actor.values["file"]) or None) if actor else None,
        track=delivery.track,
        official=delivery.official,
        matte_in=delivery.matte_in,
        task=delivery.task,
        element=delivery.element,
        finetune=_finetune(_only(parts, "TrainIdentity"), values),
        face=delivery.face,
        frames=str(plate.values["frames"]) or None,
        output=delivery.output,
        layers=layers,
        layer_prefix=delivery.layer_prefix,
        compression=str(COMPRESSION_KNOB.check(delivery.compression)),
        knobs=Knobs(**{field.name: values[field.name] for field in fields(Knobs)}),
        policy=values["policy"],
        missing=values["missing"],
        seed=values["seed"],
        draft=delivery.draft,
        lossy=delivery.lossy,
        overwrite=delivery.overwrite,
        contact_sheet=delivery.contact_sheet,
    )


def _training_job(graph: Graph, end: Placed, delivery: Delivery) -> Job:
    """Return the job of a `TrainIdentity` alone: its actor, its knobs, and no frames."""
    graph.check_inputs(end.name)
    parts = list(graph.upstream(end.name))
    actor, _ = _only(parts, "ActorSource"), _only(parts, "TrainIdentity")
    if actor is None or not actor.values["file"]:
        raise GraphError(f"{end.name} has no actor.", hint="Name an .actor file in ActorSource.")
    # Of a swap that would use it, only what decides the training counts.
    drawn = {"method": "fsgan", "weights": end.values["weights"]}
    swap = swap_graph({"pattern": "plate"}, actor.values, drawn, end.values)
    name = delivery.name or base_name(str(actor.values["file"]))
    job = job_of(swap, "swap", Delivery(output="", name=name, ocio=delivery.ocio))
    return replace(job, task=TRAIN, plate="", layers=(), contact_sheet=False)


def _finetune(training: Placed | None, drawn: Mapping[str, Any]) -> Finetune | None:
    """Return how networks are taught, once they are those that draw the face."""
    if training is None:
        return None
    if drawn["method"] != "fsgan":
        raise GraphError(
            f"Method {drawn['method']} has no network to fine-tune.",
            hint="Choose the method fsgan, or take the fine-tuning (TrainIdentity) out.",
        )
    values: Mapping[str, Any] = training.values
    if values["weights"] != drawn["weights"]:
        raise GraphError(
            f"{training.name} teaches the networks {values['weights']!r}, and the face is drawn by "
            f"{drawn['weights']!r}.",
            hint="Give both nodes the same weights.",
        )
    return Finetune(values["samples"], values["seed"])


def _only(parts: list[Placed], kind: str) -> Placed | None:
    found = [placed for placed in parts if placed.node.name == kind]
    if len(found) > 1:
        raise GraphError(
            f"{found[0].name} and {found[1].name} are both {kind}; a job takes one.",
            hint="Render twice, the second time on the result of the first.",
        )
    return found[0] if found else None


def _knob_values(parts: list[Placed]) -> dict[str, Any]:
    """Return each knob's value over all nodes of the graph; two erosions add up."""
    values: dict[str, Value] = {**FACE_TRACK.values({}), **FACE_SWAP.values({})}
    erosions: list[Value] = []
    for kind in _COMPOSED:
        placed = _only(parts, kind)
        if placed is not None:
            values.update(placed.values)
            erosions += [placed.values["erode"]] if "erode" in placed.values else []
    if len(erosions) > 1:
        values["erode"] = ERODE.check(_added(erosions[0], erosions[1]))
    return values


def _added(a: Any, b: Any) -> float | Keys:
    """Return the sum of two curves; where either has a key, so has the sum."""
    frames = [frame for curve in (a, b) if isinstance(curve, Keys) for frame, _ in curve.points]
    if not frames:
        return float(a) + float(b)
    return Keys.from_mapping({n: value_at(a, n) + value_at(b, n) for n in frames})
