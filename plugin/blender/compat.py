"""What Blender 4.2, 4.5, 5.0 and 5.2 say differently, said once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bpy

TREE = "CompositorNodeTree"


def is_new() -> bool:
    """Return whether compositor trees are data-blocks of their own, as from 5.0 on."""
    return bool(bpy.app.version >= (5, 0, 0))


def path_options() -> set[str]:
    """Return the options of a property for paths that may begin with ``//``.

    From 4.5 on Blender shows such a path in red where the property does not say that it may.
    """
    return {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()


def compositor_tree(scene: Any) -> Any:
    """Return a scene's compositor tree; it is made when there is none."""
    if not is_new():
        scene.use_nodes = True  # from 5.0 on it does nothing, and warns
        return scene.node_tree
    if scene.compositing_node_group is None:
        tree = bpy.data.node_groups.new(f"{scene.name} Comp", TREE)
        scene.compositing_node_group = tree
    return scene.compositing_node_group


def compositor_trees() -> Iterator[Any]:
    """Walk every compositor tree of the file: groups, and those that scenes own."""
    yield from (group for group in bpy.data.node_groups if group.bl_idname == TREE)
    if not is_new():
        yield from (scene.node_tree for scene in bpy.data.scenes if scene.node_tree)


def copied_scene(scene: Any) -> tuple[Any, Any]:
    """Return a copy of a scene with a compositor tree of its own, and that tree."""
    copy = scene.copy()
    if not is_new():
        return copy, copy.node_tree
    # The copy shares the tree from 5.0 on.
    copy.compositing_node_group = scene.compositing_node_group.copy()
    return copy, copy.compositing_node_group


def remove_scene(scene: Any, tree: Any) -> None:
    """Remove what `copied_scene` or `compositor_tree` made for a scratch scene."""
    bpy.data.scenes.remove(scene)
    if is_new():
        bpy.data.node_groups.remove(tree)


def result_socket(tree: Any) -> Any:
    """Return the input that becomes the render result."""
    if not is_new():
        kind = "CompositorNodeComposite"
    else:
        kind = "NodeGroupOutput"
        sockets = [item for item in tree.interface.items_tree if item.item_type == "SOCKET"]
        if not any(item.in_out == "OUTPUT" for item in sockets):
            tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    found = [node for node in tree.nodes if node.bl_idname == kind]
    return (found[0] if found else tree.nodes.new(kind)).inputs[0]


class Mix(NamedTuple):
    """The sockets of a node that mixes two colours."""

    factor: Any
    a: Any
    b: Any
    result: Any


def mix_node(tree: Any) -> Mix:
    """Add a node that mixes two colours, and return its sockets."""
    if not is_new():
        node = tree.nodes.new("CompositorNodeMixRGB")
        return Mix(node.inputs[0], node.inputs[1], node.inputs[2], node.outputs[0])
    node = tree.nodes.new("ShaderNodeMix")
    node.data_type = "RGBA"
    sockets = {socket.identifier: socket for socket in (*node.inputs, *node.outputs)}
    names = ("Factor_Float", "A_Color", "B_Color", "Result_Color")
    return Mix(*(sockets[name] for name in names))


def set_exr(image_format: Any, *, depth: str, layers: bool = False) -> None:
    """Set a render's or File Output's format to EXR.

    Args:
        image_format: the settings to change.
        depth: "16" or "32".
        layers: whether one file holds several layers.
    """
    if hasattr(image_format, "media_type"):  # it filters the formats, so it comes first
        image_format.media_type = "MULTI_LAYER_IMAGE" if layers else "IMAGE"
    image_format.file_format = "OPEN_EXR_MULTILAYER" if layers else "OPEN_EXR"
    image_format.color_depth, image_format.exr_codec = depth, "ZIP"
    if not layers:
        image_format.color_mode = "RGBA"


def file_output(tree: Any, folder: Path, stem: str) -> Any:
    """Add a File Output node that writes 32-bit RGBA EXR, and return its input.

    Args:
        tree: a compositor tree.
        folder: where the files go.
        stem: the files' name with ``####``: without it 5.x writes all frames over each other.
    """
    node = tree.nodes.new("CompositorNodeOutputFile")
    set_exr(node.format, depth="32")
    if hasattr(node, "save_as_render"):
        node.save_as_render = False
    if is_new():
        node.directory, node.file_name = str(folder), stem
        node.file_output_items.clear()
        node.file_output_items.new("RGBA", "")  # a name would be added to the file's
        return node.inputs[0]
    node.base_path = str(folder)
    slot = node.file_slots[0]
    slot.path, slot.save_as_render = stem, False
    return node.inputs[0]


def scalar_channel() -> str:
    """Return the channel in which File Output writes one number per pixel."""
    return "V" if bpy.app.version < (4, 5, 0) else "R"


def value_node(tree: Any, name: str) -> Any:
    """Add a node that gives one number, and return it."""
    node = tree.nodes.new("ShaderNodeValue" if is_new() else "CompositorNodeValue")
    node.name = node.label = name
    return node


def product_of(tree: Any, a: Any, b: Any) -> Any:
    """Add a node that multiplies what two sockets give, and return its output."""
    node = _times_node(tree)
    tree.links.new(a, node.inputs[0])
    tree.links.new(b, node.inputs[1])
    return node.outputs[0]


def number_of(tree: Any, source: Any) -> Any:
    """Add a node that gives one number per pixel of what a socket gives, and return its output."""
    node = _times_node(tree)
    tree.links.new(source, node.inputs[0])
    node.inputs[1].default_value = 1.0
    return node.outputs[0]


def _times_node(tree: Any) -> Any:
    node = tree.nodes.new("ShaderNodeMath" if is_new() else "CompositorNodeMath")
    node.operation = "MULTIPLY"
    return node


def fcurves(datablock: Any) -> list[Any]:
    """Return the animation curves of a data-block."""
    data = datablock.animation_data
    if data is None or data.action is None:
        return []
    if bpy.app.version < (4, 4, 0):
        return list(data.action.fcurves)
    from bpy_extras import anim_utils

    bag = anim_utils.action_get_channelbag_for_slot(data.action, data.action_slot)
    return list(bag.fcurves) if bag is not None else []


def new_fcurve(datablock: Any, path: str) -> Any:
    """Return an empty animation curve for a property, in place of the one that was there."""
    data = datablock.animation_data_create()
    if data.action is None:
        data.action = bpy.data.actions.new(f"{datablock.name} Faceplate")
    for curve in fcurves(datablock):
        if curve.data_path == path:
            curve.keyframe_points.clear()
            return curve
    if hasattr(data.action, "fcurve_ensure_for_datablock"):
        return data.action.fcurve_ensure_for_datablock(datablock, path)
    return data.action.fcurves.new(path)


def strips(editor: Any) -> Any:
    """Return a sequence editor's own strips."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def all_strips(editor: Any) -> Any:
    """Return a sequence editor's strips, also those inside of metas."""
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def visible_range(strip: Any) -> tuple[int, int]:
    """Return the first scene frame of a strip and the one after its last, as it is trimmed."""
    if hasattr(strip, "left_handle"):
        return int(strip.left_handle), int(strip.right_handle)
    return int(strip.frame_final_start), int(strip.frame_final_end)


def begins_inside(strip: Any) -> bool:
    """Return whether a strip leaves out the start of its footage for good."""
    new = hasattr(strip, "content_trim_start")
    return bool(strip.content_trim_start if new else strip.animation_offset_start)


def content_range(strip: Any) -> tuple[int, int]:
    """Return the scene frames of a strip's footage as if it were not trimmed, end excluded."""
    if hasattr(strip, "content_start"):
        start, length = strip.content_start, strip.content_duration
    else:
        start, length = strip.frame_start, strip.frame_duration
    return int(start), int(start) + int(length)
