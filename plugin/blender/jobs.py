"""Settings become a job."""

from __future__ import annotations

from typing import Any

from faceplate.core.errors import InputError
from faceplate.core.job import Job
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.face import FACE_SWAP
from faceplate.nodes.node import Node
from faceplate.plugin.blender.properties import face_choice, knob_values
from faceplate.plugin.blender.scene import Plate, absolute

_SWAP_KNOBS = frozenset(knob.name for knob in FACE_SWAP.knobs)


def job_for(
    settings: Any,
    node: Node,
    plate: Plate,
    output: str,
    *,
    frames: str | None = None,
    layers: tuple[str, ...] | None = None,
    overwrite: bool = False,
) -> Job:
    """Return the job that settings describe.

    Args:
        settings: a `FaceplateSettings`.
        node: whose knobs count.
        plate: what is read.
        output: pattern of the frames to write, absolute.
        frames: instead of those that the settings name.
        layers: instead of those that the settings name.
        overwrite: replace files that are not ours. Said by who presses the button, never by a
            file, which may come from a stranger.

    Raises:
        InputError: no actor, or a knob that makes no job.
    """
    knobs = knob_values(settings, node, plate.number_of)
    actor: dict[str, object] | None = None
    if node is FACE_SWAP:
        if not settings.actor:
            raise InputError("No actor is named.", hint="Choose an .actor file, or a picture.")
        actor = {"file": absolute(settings.actor)}
    else:
        knobs = {name: value for name, value in knobs.items() if name in _SWAP_KNOBS}
        layers = ("matte",)
    if layers is not None:
        knobs["layers"] = layers
    span = settings.frames if frames is None else frames
    graph = swap_graph(
        {"pattern": plate.pattern, "colorspace": plate.colorspace, "frames": span}, actor, knobs
    )
    delivery = Delivery(
        output=output,
        name=settings.shot,
        face=face_choice(settings),
        track=_track(settings),
        matte_in=_matte(settings),
        start=plate.start,
        draft=settings.draft,
        overwrite=overwrite,
        contact_sheet=False,
    )
    return job_of(graph, "swap", delivery)


def _track(settings: Any) -> str | None:
    """Return the track that is named, or that of a Face Track node.

    Raises:
        InputError: that node was not tracked yet.
    """
    node = settings.track_from
    if node is None:
        return absolute(settings.track) or None
    return absolute(_result(node, "Track"))


def _matte(settings: Any) -> str | None:
    """Return the matte that is named, or that of a Face Matte node.

    Raises:
        InputError: that node was not rendered yet.
    """
    if settings.matte_from is not None:
        return f"{absolute(_result(settings.matte_from, 'Render'))}:matte_face"
    path, colon, layer = settings.matte_in.rpartition(":")
    if colon and path.lower().endswith(".exr"):
        return f"{absolute(path)}:{layer}"
    return absolute(settings.matte_in) or None


def _result(group: Any, button: str) -> str:
    if not group.faceplate.result:
        raise InputError(
            f"{group.name} has no result yet.", hint=f"Select that node and press {button}."
        )
    return str(group.faceplate.result)
