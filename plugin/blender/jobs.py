"""Settings become jobs: of a strip and of a clip here, of wired nodes in `wiring`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faceplate.core.errors import InputError
from faceplate.core.job import Job
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.face import FACE_SWAP, FACE_TRACK
from faceplate.nodes.footage import PLATE
from faceplate.nodes.graph import Graph
from faceplate.plugin.blender.properties import face_choice, knob_values
from faceplate.plugin.blender.scene import Plate, absolute


def strip_job(settings: Any, plate: Plate, output: str, frames: str, *, overwrite: bool) -> Job:
    """Return the job that swaps the face in a strip; its frames are plain RGBA.

    Args:
        settings: the scene's `FaceplateSettings`.
        plate: what the strip shows.
        output: pattern of the frames to write, absolute.
        frames: which to write.
        overwrite: as in `wiring.order_of`.

    Raises:
        InputError: no actor is named.
        FaceplateError: a knob is not as it must be.
    """
    if not settings.actor:
        raise InputError("No actor is named.", hint="Choose an .actor file, or a picture.")
    swap = {**knob_values(settings, FACE_SWAP, plate.number_of), "layers": ("comp",)}
    graph = swap_graph(plate_knobs(plate, frames), {"file": absolute(settings.actor)}, swap)
    track = absolute(settings.track) or None
    delivery = delivery_of(settings, plate, output, track=track, overwrite=overwrite)
    return job_of(graph, "swap", delivery)


def clip_job(settings: Any, plate: Plate, track: Path) -> Job:
    """Return the job that follows the faces of a clip into a track.

    Raises:
        FaceplateError: a knob is not as it must be.
    """
    knobs = knob_values(settings, FACE_TRACK, plate.number_of)
    graph = Graph().placed("plate", PLATE, plate_knobs(plate, ""))
    graph = graph.placed("track", FACE_TRACK, knobs).wired("plate", "plate", "track", "plate")
    delivery = delivery_of(settings, plate, str(track.with_suffix(".%04d.exr")))
    return job_of(graph, "track", delivery)


def plate_knobs(plate: Plate, frames: str) -> dict[str, object]:
    """Return the knobs of a plate's node."""
    return {"pattern": plate.pattern, "colorspace": plate.colorspace, "frames": frames}


def delivery_of(
    settings: Any,
    plate: Plate,
    output: str,
    *,
    track: str | None = None,
    matte_in: str | None = None,
    overwrite: bool = False,
) -> Delivery:
    """Return what a job needs beside its nodes.

    Args:
        settings: say which face, the shot's name, and whether it is a draft.
        plate: what is read.
        output: pattern of the frames to write, absolute.
        track: a solved track.
        matte_in: a hand-made matte as ``FILE:LAYER``.
        overwrite: as in `wiring.order_of`.
    """
    return Delivery(
        output=output,
        name=settings.shot,
        face=face_choice(settings),
        track=track,
        matte_in=matte_in,
        start=plate.start,
        draft=settings.draft,
        overwrite=overwrite,
        contact_sheet=False,
    )
