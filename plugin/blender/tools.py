"""The buttons that need no engine."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty

from faceplate.core.errors import FaceplateError
from faceplate.plugin.blender import compat, group, requests, scene, tracking
from faceplate.plugin.blender.operators import GROUP, chosen_group, failed, group_or_none
from faceplate.plugin.blender.properties import NODES
from faceplate.plugin.blender.session import Session


def plain_operators(session: Session) -> tuple[type, ...]:
    """Return the operators that Blender does alone."""

    class FACEPLATE_OT_add_node(bpy.types.Operator):  # noqa: N801 - Blender's way of naming
        """Add a Faceplate node to the compositor"""

        bl_idname = "faceplate.add_node"
        bl_label = "Add Faceplate Node"
        bl_options = {"REGISTER", "UNDO"}
        __annotations__ = {
            "node": EnumProperty(
                name="Node",
                items=[(n.name, group.title_of(n), n.summary) for n in NODES.values()],
            )
        }

        def execute(self, context: Any) -> set[str]:
            tree = _edited_tree(context)
            made = group.new_group(NODES[self.node])
            made.faceplate.movie_start = context.scene.frame_start
            node = group.add_node(tree, made)
            for other in tree.nodes:
                other.select = other == node
            tree.nodes.active = node
            return {"FINISHED"}

    class FACEPLATE_OT_cancel(bpy.types.Operator):  # noqa: N801
        """Stop what the engine does for this node; finished frames stay"""

        bl_idname = "faceplate.cancel"
        bl_label = "Cancel"

        def execute(self, context: Any) -> set[str]:
            for running in session.running:
                session.cancel(running)
            return {"FINISHED"}

    class FACEPLATE_OT_refresh(bpy.types.Operator):  # noqa: N801
        """Show the frames that are on disk now, for instance after a farm has rendered"""

        bl_idname = "faceplate.refresh"
        bl_label = "Refresh"
        bl_options = {"REGISTER", "UNDO"}
        __annotations__ = dict(GROUP)

        def execute(self, context: Any) -> set[str]:
            try:
                found = chosen_group(self, context)
                settings = found.faceplate
                plate = scene.plate_of(context.scene, found)
                output = scene.output_of(settings, found.name)
                group.show_result(found, output, plate.shift, "")
                group.mark(found, None)
            except FaceplateError as error:
                return failed(self, group_or_none(self, context), error)
            return {"FINISHED"}

    class FACEPLATE_OT_write_shot(bpy.types.Operator):  # noqa: N801
        """Write the shot file of this node, for `faceplate render` on a farm"""

        bl_idname = "faceplate.write_shot"
        bl_label = "Write Shot File"
        __annotations__ = dict(GROUP)

        def execute(self, context: Any) -> set[str]:
            try:
                path = requests.write_shot(context.scene, chosen_group(self, context))
            except FaceplateError as error:
                return failed(self, group_or_none(self, context), error)
            self.report({"INFO"}, f"Wrote {path}.")
            return {"FINISHED"}

    class FACEPLATE_OT_check_frames(bpy.types.Operator):  # noqa: N801
        """Say which frames of the range a Faceplate node would show as black: they are missing"""

        bl_idname = "faceplate.check_frames"
        bl_label = "Check Frames"

        def execute(self, context: Any) -> set[str]:
            for found in scene.groups():
                lack = scene.lack_of(context.scene, found)
                if lack.gone:
                    self.report({"ERROR"}, f"{found.name}: {lack.words}")
                    return {"CANCELLED"}
                if lack.never:
                    self.report({"WARNING"}, f"{found.name}: {lack.words}")
                    return {"FINISHED"}
            self.report({"INFO"}, "Every frame is there.")
            return {"FINISHED"}

    return (
        FACEPLATE_OT_add_node,
        FACEPLATE_OT_cancel,
        FACEPLATE_OT_refresh,
        FACEPLATE_OT_write_shot,
        FACEPLATE_OT_check_frames,
        *_track_operators(),
    )


def _track_operators() -> tuple[type, ...]:
    """Return the operators that use a clip's track."""
    face = {"face": IntProperty(name="Face", description="0 is the largest", min=0)}

    class FACEPLATE_OT_mask_from_face(bpy.types.Operator):  # noqa: N801
        """Make a mask around the face whose points follow tracks of its outline"""

        bl_idname = "faceplate.mask_from_face"
        bl_label = "Mask from Face"
        bl_options = {"REGISTER", "UNDO"}
        __annotations__ = dict(face)

        def execute(self, context: Any) -> set[str]:
            try:
                clip = tracking.chosen_clip(context)
                plate = scene.plate_of_clip(clip, "")
                mask = tracking.mask_of_face(context.scene, clip, plate, self.face)
            except FaceplateError as error:
                return failed(self, None, error)
            self.report({"INFO"}, f"Made mask {mask.name}.")
            return {"FINISHED"}

    class FACEPLATE_OT_shape_keys_from_face(bpy.types.Operator):  # noqa: N801
        """Animate the active object's shape keys that are named as ARKit names expressions"""

        bl_idname = "faceplate.shape_keys_from_face"
        bl_label = "Shape Keys from Face"
        bl_options = {"REGISTER", "UNDO"}
        __annotations__ = dict(face)

        def execute(self, context: Any) -> set[str]:
            try:
                clip = tracking.chosen_clip(context)
                plate = scene.plate_of_clip(clip, "")
                found = tracking.read_coefficients(tracking.track_of(clip), self.face)
                thing = context.view_layer.objects.active
                count = tracking.animate_shape_keys(thing, found, plate.shift)
            except FaceplateError as error:
                return failed(self, None, error)
            self.report({"INFO"}, f"Animated {count} shape keys of {thing.name}.")
            return {"FINISHED"}

    return FACEPLATE_OT_mask_from_face, FACEPLATE_OT_shape_keys_from_face


def _edited_tree(context: Any) -> Any:
    space = context.space_data
    tree = getattr(space, "edit_tree", None) if space is not None else None
    if tree is not None and tree.bl_idname == compat.TREE:
        return tree
    return compat.compositor_tree(context.scene)
