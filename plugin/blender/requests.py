"""What the buttons of a node ask of the engine, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from faceplate.core.errors import InputError
from faceplate.core.footage import FrameRange, base_name, is_numbered
from faceplate.core.job import TRAIN, Job
from faceplate.core.qcjob import QcJob
from faceplate.nodes.face import FACE_QC, FACE_TRACK
from faceplate.nodes.shotfile import shot_text
from faceplate.plugin.blender import group as groups
from faceplate.plugin.blender import tracking
from faceplate.plugin.blender.properties import NODES, label_of
from faceplate.plugin.blender.scene import (
    Plate,
    blender_space,
    numbers_on_disk,
    plate_of_clip,
    relative,
)
from faceplate.plugin.blender.scratch import rendered_mask
from faceplate.plugin.blender.session import Work
from faceplate.plugin.blender.wiring import Order, analysis_of, measuring_of, order_of


def render_group(scene: Any, group: Any, *, overwrite: bool) -> Work:
    """Return the work of a group's button: frames to render and show in it, or faces to follow.

    Raises:
        FaceplateError: the job cannot be made.
    """
    if NODES[group.faceplate.node] is FACE_QC:
        return _measure(scene, group, overwrite=overwrite)
    order = ordered(scene, group, overwrite=overwrite)
    if NODES[group.faceplate.node] is FACE_TRACK:
        return _analyse(group, order)
    if order.job.task == TRAIN:
        return _train(group, order)
    owner = group.session_uid

    def check(facts: Mapping[str, Any]) -> Work:
        refuse(facts)
        drawn = order.job
        if order.mask is not None:
            frames = FrameRange.parse(drawn.frames) if drawn.frames else _all_frames(order.plate)
            drawn = _masked(order, frames, facts)
        show = _shower(facts, drawn, order.plate, owner)
        return Work("Render", "render", {"job": drawn.to_json()}, show, owner)

    return Work("Check", "check", {"job": order.job.to_json()}, check, owner)


def ordered(scene: Any, group: Any, *, overwrite: bool = False) -> Order:
    """Return what is to be made for a group, once Blender has rendered what feeds it.

    Raises:
        FaceplateError: the job cannot be made.
    """
    order = order_of(scene, group, overwrite=overwrite)
    for feed in order.feeds:
        feed.render(scene)
    return order


def _masked(order: Order, frames: FrameRange, facts: Mapping[str, Any]) -> Job:
    """Return an order's job with its mask, rendered in the size that a check found."""
    matte = rendered_mask(order.mask, order.plate, frames, facts["size"])
    return replace(order.job, matte_in=matte)


def _all_frames(plate: Plate) -> FrameRange:
    """Return a plate's frames.

    Raises:
        InputError: it is a movie, whose frames only the engine can count.
    """
    numbers = numbers_on_disk(plate.pattern)
    if not numbers or not is_numbered(plate.pattern):
        raise InputError(
            "A mask over a movie needs to know the frames.", hint="Set Frames, as 1-100."
        )
    return FrameRange(numbers)


def write_shot(scene: Any, group: Any) -> Path:
    """Write the shot file of a node, from which a farm renders it without Blender; return it.

    Raises:
        FaceplateError: the job cannot be made.
        InputError: a Face Track node, a mask that only Blender can draw, or the folder refuses.
    """
    order = order_of(scene, group)
    if NODES[group.faceplate.node] is FACE_TRACK or order.mask is not None:
        raise InputError(
            f"{group.name} cannot be written as a shot file.",
            hint="Write that of a node with frames, and with the mask as frames in Matte.",
        )
    for feed in order.feeds:
        feed.render(scene)
    output = Path(order.job.output)
    path = output.with_name(f"{base_name(order.job.output)}.toml")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shot_text(order.job), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}).") from error
    return path


def _shower(
    facts: Mapping[str, Any], job: Job, plate: Plate, owner: int
) -> Callable[[Mapping[str, Any]], str]:
    def show(summary: Mapping[str, Any]) -> str:
        # All but EXR goes out as linear Rec.709, whatever it came in.
        is_exr = Path(plate.pattern).suffix.lower() == ".exr"
        said = str(facts["space"]) if is_exr else "Linear Rec.709 (sRGB)"
        space = blender_space(said)
        warning = "" if space else f"Blender has no colour space {said}: set one in the new image."
        group = group_of(owner)
        groups.show_result(group, job.output, plate.shift, space)
        groups.mark(group, None)
        words = [summary_in_words(summary), warning, *summary.get("warnings", ())]
        return " ".join(word for word in words if word)

    return show


def refuse(facts: Mapping[str, Any]) -> None:
    """Raise the first of the problems that a check found.

    Raises:
        InputError: there is one.
    """
    for problem in facts.get("problems", ()):
        raise InputError(str(problem["message"]), hint=str(problem.get("hint", "")))


def summary_in_words(summary: Mapping[str, Any]) -> str:
    """Return what a render did, in one sentence.

    >>> summary_in_words({"frames": 3, "done": 3, "replaced": 2, "untouched": {"no face": 1}})
    '3 of 3 frames are there, 2 replaced now (no face: 1).'
    """
    reasons = ", ".join(f"{reason}: {count}" for reason, count in summary["untouched"].items())
    beside = f" ({reasons})" if reasons else ""
    failed = f" {summary['failed']}" if summary.get("failed") else ""
    counts = f"{summary['done']} of {summary['frames']} frames are there"
    return f"{counts}, {summary['replaced']} replaced now{beside}.{failed}"


def track_file(output: str) -> Path:
    """Return the track that lies beside frames.

    >>> str(track_file("/shots/face/face.%04d.exr"))
    '/shots/face/face.track'
    """
    return Path(output).with_name(f"{base_name(output)}.track")


def _analyse(group: Any, order: Order) -> Work:
    out, owner = track_file(order.job.output), group.session_uid
    said = analysis_of(order)

    def keep(facts: Mapping[str, Any]) -> str:
        found = group_of(owner)
        found.faceplate.result, found.faceplate.analysed_with = relative(str(facts["out"])), said
        groups.mark(found, None)
        clip = tracking.clip_with(out)
        if clip is not None:
            tracking.add_markers(clip, plate_of_clip(clip, ""))
        return tracking.track_in_words(facts)

    return tracking.analysis(order.job, out, tracking.clip_with(out), keep, owner)


def _train(group: Any, order: Order) -> Work:
    owner = group.session_uid

    def keep(facts: Mapping[str, Any]) -> str:
        groups.mark(group_of(owner), None)
        return str(facts["sentence"])

    return Work("Train", "train", {"job": order.job.to_json()}, keep, owner)


def _measure(scene: Any, group: Any, *, overwrite: bool) -> Work:
    (job, feeds), owner = measuring_of(scene, group, overwrite=overwrite), group.session_uid
    for feed in feeds:
        feed.render(scene)

    def keep(facts: Mapping[str, Any]) -> str:
        found = group_of(owner)
        found.faceplate.result = relative(str(facts["report"]))
        if not facts["passed"]:
            raise InputError(past_limits(facts, job), hint="See the report.")
        groups.mark(found, None)
        return " ".join(["Within all limits.", *facts["notes"]])

    return Work("Measure", "qc", {"job": job.to_json()}, keep, owner)


def past_limits(facts: Mapping[str, Any], job: QcJob) -> str:
    """Return which limits a shot is past, in one sentence."""
    named = [
        f"{label_of(name)} is {facts['values'][name]:.3g} (limit {getattr(job.limits, name):g})"
        for name in facts["exceeded"]
    ]
    return f"The shot is past its limits: {', '.join(named)}."


def preview_group(scene: Any, group: Any, folder: Path) -> Work:
    """Return the work of making the current frame, which is shown in the open image editors.

    Raises:
        FaceplateError: the job cannot be made.
    """
    order = ordered(scene, group)
    number = order.plate.number_of(scene.frame_current)
    out = folder / f"preview.{number:04d}.exr"
    owner = group.session_uid

    def show(facts: Mapping[str, Any]) -> str:
        show_picture(Path(facts["out"]))
        groups.mark(group_of(owner), None)
        state = "replaced" if facts["replaced"] else f"untouched ({facts['reason']})"
        return f"Frame {facts['frame']}: {state}, {facts['seconds']:.2f} s."

    def make(job: Job) -> Work:
        params = {"job": job.to_json(), "frame": number, "out": str(out)}
        return Work("Preview", "preview", params, show, owner)

    def check(facts: Mapping[str, Any]) -> Work:
        refuse(facts)
        return make(_masked(order, FrameRange((number,)), facts))

    if order.mask is None:
        return make(order.job)
    return Work("Check", "check", {"job": order.job.to_json()}, check, owner)


def show_picture(path: Path) -> Any:
    """Load a picture under one name, show it in every open image editor, and return it."""
    found = bpy.data.images.get("Faceplate Preview")
    if found is None:
        found = bpy.data.images.load(str(path))
        found.name = "Faceplate Preview"
    else:
        found.filepath = str(path)
        found.reload()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR":
                area.spaces.active.image = found
    return found


def group_of(owner: int) -> Any:
    """Return the group that work was begun for, by the identity that survives undo and renaming.

    Raises:
        InputError: it is gone: deleted, or another file was opened.
    """
    for found in bpy.data.node_groups:
        if found.session_uid == owner:
            return found
    raise InputError(
        "The node that this was rendered for is gone; the frames are on disk.",
        hint="Add a Faceplate node and name them as its output.",
    )
