"""The buttons that need no engine."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty

from faceplate.core.errors import FaceplateError, InputError
from faceplate.nodes.face import FACE_QC
from faceplate.plugin.blender import compat, group, requests, scene, tracking
from faceplate.plugin.blender.operators import (
    GROUP,
    Owner,
    chosen_group,
    failed,
    group_or_none,
    nobody,
)
from faceplate.plugin.blender.properties import NODES
from faceplate.plugin.blender.session import Session

Do = Callable[[Any, Any], str]
"""Takes the operator and the context; gives the sentence to close with, or nothing."""


def plain_operator(
    name: str,
    label: str,
    description: str,
    do: Do,
    owner: Owner = nobody,
    properties: dict[str, Any] | None = None,
    options: frozenset[str] = frozenset({"REGISTER", "UNDO"}),
) -> type:
    """Return an operator that Blender does at once.

    Args:
        name: as in ``bpy.ops.faceplate.NAME``.
        label: what the button says.
        description: its tooltip.
        do: does it.
        owner: whose settings show what went wrong.
        properties: the operator's own.
        options: of Blender's; those of a button that changes the file, if not given.
    """

    class PlainOperator(bpy.types.Operator):
        bl_idname = f"faceplate.{name}"
        bl_label = label
        bl_description = description
        bl_options = set(options)
        __annotations__ = dict(properties or {})

        def execute(self, context: Any) -> set[str]:
            try:
                words = do(self, context)
            except FaceplateError as error:
                return failed(self, owner(self, context), error)
            if words:
                self.report({"INFO"}, words)
            return {"FINISHED"}

    PlainOperator.__name__ = f"FACEPLATE_OT_{name}"
    return PlainOperator


def plain_operators(session: Session) -> tuple[type, ...]:
    """Return the operators that Blender does alone."""

    def cancel(operator: Any, context: Any) -> str:
        for running in session.running:
            session.cancel(running)
        return ""

    kinds = [(n.name, group.title_of(n), n.summary) for n in NODES.values()]
    face = {**GROUP, "face": IntProperty(name="Face", description="0 is the largest", min=0)}
    nothing: frozenset[str] = frozenset()
    return (
        plain_operator(
            "add_node",
            "Add Faceplate Node",
            "Add a Faceplate node to the compositor",
            _add_node,
            properties={"node": EnumProperty(name="Node", items=kinds)},
        ),
        plain_operator(
            "cancel",
            "Cancel",
            "Stop what the engine does; finished frames stay",
            cancel,
            options=nothing,
        ),
        plain_operator(
            "refresh",
            "Refresh",
            "Show the frames that are on disk now, for instance after a farm has rendered",
            _refresh,
            group_or_none,
            GROUP,
        ),
        plain_operator(
            "write_shot",
            "Write Shot File",
            "Write the shot file of this node, for `faceplate render` on a farm",
            lambda operator, context: (
                f"Wrote {requests.write_shot(context.scene, chosen_group(operator, context))}."
            ),
            group_or_none,
            GROUP,
            nothing,
        ),
        plain_operator(
            "check_frames",
            "Check Frames",
            "Say which frames of the range a Faceplate node would show as black: they are missing",
            _check_frames,
            options=nothing,
        ),
        plain_operator(
            "open_report",
            "Open Report",
            "Show what was measured in a web browser",
            _open_report,
            group_or_none,
            GROUP,
            nothing,
        ),
        plain_operator(
            "markers_in_clip",
            "Markers in Clip",
            "Show the track as motion-tracking markers of the plate's movie clip",
            _markers_in_clip,
            properties=GROUP,
        ),
        plain_operator(
            "mask_from_face",
            "Mask from Face",
            "Make a mask around the face whose points follow tracks of its outline",
            _mask_from_face,
            properties=face,
        ),
        plain_operator(
            "shape_keys_from_face",
            "Shape Keys from Face",
            "Animate the active object's shape keys that are named as ARKit names expressions",
            _shape_keys_from_face,
            properties=face,
        ),
    )


def _add_node(operator: Any, context: Any) -> str:
    space = context.space_data
    tree = getattr(space, "edit_tree", None) if space is not None else None
    if tree is None or tree.bl_idname != compat.TREE:
        tree = compat.compositor_tree(context.scene)
    made = group.new_group(NODES[operator.node])
    made.faceplate.movie_start = context.scene.frame_start
    node = group.add_node(tree, made)
    for other in tree.nodes:
        other.select = other == node
    tree.nodes.active = node
    return ""


def _refresh(operator: Any, context: Any) -> str:
    found = chosen_group(operator, context)
    plate = scene.plate_of(context.scene, found)
    group.show_result(found, scene.output_of(found.faceplate, found.name), plate.shift, "")
    group.mark(found, None)
    return ""


def _check_frames(operator: Any, context: Any) -> str:
    never = []
    for found in scene.groups():
        lack = scene.lack_of(context.scene, found)
        if lack.gone:
            raise InputError(f"{found.name}: {lack.words}", hint="Render the node again.")
        if lack.never:
            never.append(f"{found.name}: {lack.words}")
    for words in never:
        operator.report({"WARNING"}, words)
    return "" if never else "Every frame is there."


def _open_report(operator: Any, context: Any) -> str:
    found = chosen_group(operator, context)
    report = Path(scene.absolute(found.faceplate.result))
    if found.faceplate.node != FACE_QC.name or not report.is_file():
        raise InputError(f"{found.name} has no report.", hint="Press Measure.")
    webbrowser.open(report.as_uri())
    return ""


def _clip(operator: Any, context: Any) -> Any:
    if operator.group:
        return tracking.clip_of(context.scene, chosen_group(operator, context))
    return tracking.chosen_clip(context)


def _markers_in_clip(operator: Any, context: Any) -> str:
    clip = _clip(operator, context)
    names = tracking.add_markers(clip, scene.plate_of_clip(clip, ""))
    return f"{clip.name} has {len(names)} tracks of faces."


def _mask_from_face(operator: Any, context: Any) -> str:
    clip = _clip(operator, context)
    plate = scene.plate_of_clip(clip, "")
    mask = tracking.mask_of_face(context.scene, clip, plate, operator.face)
    return f"Made mask {mask.name}."


def _shape_keys_from_face(operator: Any, context: Any) -> str:
    clip = _clip(operator, context)
    plate = scene.plate_of_clip(clip, "")
    found = tracking.read_coefficients(tracking.track_of(clip), operator.face)
    thing = context.view_layer.objects.active
    count = tracking.animate_shape_keys(thing, found, plate.shift)
    return f"Animated {count} shape keys of {thing.name}."
