"""Panels and menu entries; what is drawn comes from the nodes' knobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from faceplate.core.footage import MOVIE_SUFFIXES
from faceplate.nodes.face import (
    FACE_BLEND,
    FACE_MATTE,
    FACE_QC,
    FACE_SWAP,
    FACE_TRACK,
    TRAIN_IDENTITY,
)
from faceplate.nodes.footage import ACTOR_SOURCE
from faceplate.nodes.node import Kind
from faceplate.plugin.blender import scene
from faceplate.plugin.blender.group import title_of
from faceplate.plugin.blender.properties import NODES, draw_knobs
from faceplate.plugin.blender.scene import gives_picture
from faceplate.plugin.blender.session import Session

_CATEGORY = "Faceplate"
RENDER = "Render"
_BUTTONS = {
    FACE_TRACK.name: "Track",
    TRAIN_IDENTITY.name: "Train",
    FACE_QC.name: "Measure",
    **dict.fromkeys((FACE_SWAP.name, FACE_BLEND.name, FACE_MATTE.name), RENDER),
}
"""What the main button of a node says; the others are rendered at the node that they feed."""
_FACE_FIELDS = {"index": "face_index", "at": "face_at", "reference": "reference"}


def panels(session: Session) -> tuple[type, ...]:
    """Return the panels; they show what the session is at."""

    class Panel:
        bl_category = _CATEGORY
        bl_region_type = "UI"

    class FACEPLATE_PT_node(Panel, bpy.types.Panel):  # noqa: N801 - Blender's way of naming
        """The active Faceplate node."""

        bl_space_type = "NODE_EDITOR"
        bl_label = "Faceplate"

        @classmethod
        def poll(cls, context: Any) -> bool:
            return scene.is_ours(getattr(context.active_node, "node_tree", None))

        def draw(self, context: Any) -> None:
            draw_node(self.layout, session, context.active_node.node_tree)

    class FACEPLATE_PT_knobs(Panel, bpy.types.Panel):  # noqa: N801
        """Its knobs."""

        bl_space_type = "NODE_EDITOR"
        bl_label = "Knobs"
        bl_parent_id = "FACEPLATE_PT_node"

        def draw(self, context: Any) -> None:
            self.layout.use_property_split = True
            settings = context.active_node.node_tree.faceplate
            node = NODES[settings.node]
            if node is not ACTOR_SOURCE:
                draw_knobs(self.layout, settings, node)

    class FACEPLATE_PT_strip(Panel, bpy.types.Panel):  # noqa: N801
        """The face in the active strip."""

        bl_space_type = "SEQUENCE_EDITOR"
        bl_label = "Faceplate"

        def draw(self, context: Any) -> None:
            draw_strip(self.layout, session, context.scene)

    class FACEPLATE_PT_clip(Panel, bpy.types.Panel):  # noqa: N801
        """The faces of the clip."""

        bl_space_type = "CLIP_EDITOR"
        bl_label = "Faceplate"

        def draw(self, context: Any) -> None:
            layout = self.layout
            layout.operator("faceplate.track_clip")
            column = layout.column(align=True)
            column.operator("faceplate.mask_from_face")
            column.operator("faceplate.shape_keys_from_face")
            draw_running(layout, session)

    return FACEPLATE_PT_node, FACEPLATE_PT_knobs, FACEPLATE_PT_strip, FACEPLATE_PT_clip


def draw_node(layout: Any, session: Session, group: Any) -> None:
    """Draw what a group reads and writes, its buttons, and what went wrong."""
    settings = group.faceplate
    node = NODES[settings.node]
    button = _BUTTONS.get(node.name)
    takes = {port.kind for port in node.inputs}
    draw_error(layout, settings)
    layout.use_property_split = True
    layout.label(text=title_of(node))
    if Kind.IMAGE in takes:
        draw_plate(layout, settings, is_end=button is not None)
    if Kind.ACTOR in takes or node is ACTOR_SOURCE:
        layout.prop(settings, "actor")
    if button == RENDER:
        draw_face(layout, settings)
        if Kind.TRACK in takes:
            for name in ("track", "mask", "matte_in"):
                layout.prop(settings, name)
        layout.prop(settings, "shot")
    if node is FACE_QC:
        draw_face(layout, settings)  # where the comp is frames from disk
    elif Kind.IMAGE in takes and button is not None:
        layout.prop(settings, "output")
    if gives_picture(node):
        layout.prop(settings, "draft")
    if button is not None:
        draw_buttons(layout, group, button)
    draw_running(layout, session)


def draw_plate(layout: Any, settings: Any, *, is_end: bool) -> None:
    """Draw which plate is read, and how, where a node's own button reads it."""
    layout.prop(settings, "plate")
    if is_end:
        layout.prop(settings, "colorspace")
        layout.prop(settings, "frames")
    if Path(settings.plate).suffix.lower() in MOVIE_SUFFIXES:
        layout.prop(settings, "movie_start")


def draw_buttons(layout: Any, group: Any, button: str) -> None:
    """Draw a node's buttons."""
    row = layout.row(align=True)
    row.operator("faceplate.render", text=button)
    if button == RENDER:
        row.operator("faceplate.preview")
        row.operator("faceplate.refresh", text="", icon="FILE_REFRESH")
        layout.operator("faceplate.write_shot")
        draw_lack(layout, group)
    elif group.faceplate.node == FACE_TRACK.name and group.faceplate.result:
        layout.operator("faceplate.markers_in_clip")
        column = layout.column(align=True)
        column.operator("faceplate.mask_from_face")
        column.operator("faceplate.shape_keys_from_face")
    elif group.faceplate.node == FACE_QC.name and group.faceplate.result:
        layout.operator("faceplate.open_report")


def draw_face(layout: Any, settings: Any) -> None:
    """Draw which face of the plate is meant."""
    layout.prop(settings, "face_by")
    if settings.face_by in _FACE_FIELDS:
        layout.prop(settings, _FACE_FIELDS[settings.face_by])


def draw_lack(layout: Any, group: Any) -> None:
    """Say which frames were rendered; whether they are still there, a button finds out."""
    if group.faceplate.rendered:
        row = layout.row()
        row.label(text=f"Rendered: {group.faceplate.rendered}")
        row.operator("faceplate.check_frames", text="", icon="CHECKMARK")


def draw_strip(layout: Any, session: Session, shown: Any) -> None:
    """Draw the settings of the face in a strip, and the button."""
    settings = shown.faceplate
    draw_error(layout, settings)
    layout.use_property_split = True
    for name in ("actor", "colorspace", "track", "shot", "output", "draft"):
        layout.prop(settings, name)
    draw_face(layout, settings)
    layout.operator("faceplate.swap_strip")
    draw_running(layout, session)
    draw_knobs(layout, settings, FACE_SWAP, skip=frozenset({"layers"}))


def draw_error(layout: Any, settings: Any) -> None:
    """Draw what went wrong last, and what to do about it."""
    if settings.error:
        box = layout.box()
        box.alert = True
        for line in (*_wrapped(settings.error), *_wrapped(settings.hint)):
            box.label(text=line)
        # Asked for here, by a person: a file that came from a stranger must not choose it.
        if settings.node and "--overwrite" in settings.hint:
            box.operator("faceplate.render", text="Render and Replace").overwrite = True


def _wrapped(text: str, width: int = 34) -> list[str]:
    """Return a text in lines; a panel does not break them.

    >>> _wrapped("one two three", 8)
    ['one two', 'three']
    """
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [line for line in lines if line]


def draw_running(layout: Any, session: Session) -> None:
    """Draw how far the engine is, and a button that stops it."""
    for running in session.running:
        row = layout.row()
        row.progress(factor=running.factor, text=running.words)
        row.operator("faceplate.cancel", text="", icon="X")


def draw_add_menu(menu: Any, context: Any) -> None:
    """Draw one entry for each node in the compositor's Add menu."""
    if context.space_data.tree_type != "CompositorNodeTree":
        return
    for node in NODES.values():
        menu.layout.operator("faceplate.add_node", text=title_of(node)).node = node.name
