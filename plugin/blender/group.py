"""The node group that stands for a node of ours: plain, so it renders without the add-on.

A subclass of Blender's custom group would crash 4.5 and 5.0 where it is not registered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import bpy

from faceplate.core.errors import FaceplateError, InputError
from faceplate.core.footage import FrameRange, frame_path
from faceplate.nodes.node import Kind, Node, Port
from faceplate.plugin.blender import compat
from faceplate.plugin.blender.properties import NODES, label_of
from faceplate.plugin.blender.scene import (
    IMAGE,
    gives_picture,
    nodes_of,
    numbers_on_disk,
    relative,
)

MIX, COMP, DELIVERED = "Mix", "comp", "matte_blend"
_SOCKETS = {"RGBA": "NodeSocketColor", "VALUE": "NodeSocketFloat", "VECTOR": "NodeSocketVector"}
# All but pictures and mattes travels in the violet wires, which carry no pixels: they say what
# feeds what.
_KINDS = {Kind.IMAGE: _SOCKETS["RGBA"], Kind.MATTE: _SOCKETS["VALUE"]}
_ROOT = ("Combined", "Image")
_RENDERED = "Rendered"
_FAILED_COLOR = (0.45, 0.12, 0.10)


def title_of(node: Node) -> str:
    """Return what a node is called in Blender, as Face Swap."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", node.name)


def socket_name(port: Port) -> str:
    """Return what a port is called in Blender; the plate is the Image there."""
    return IMAGE if port.name == "plate" else label_of(port.name)


def new_group(node: Node) -> Any:
    """Return a new group for a node: its plate passes through until frames are rendered."""
    tree = bpy.data.node_groups.new(title_of(node), compat.TREE)
    tree.faceplate.node = node.name
    for port in node.inputs:
        kind = _KINDS.get(port.kind, _SOCKETS["VECTOR"])
        item = tree.interface.new_socket(socket_name(port), in_out="INPUT", socket_type=kind)
        item.hide_value = port.kind is not Kind.IMAGE
    if gives_picture(node):
        mix = tree.interface.new_socket(MIX, in_out="INPUT", socket_type="NodeSocketFloat")
        mix.default_value, mix.min_value, mix.max_value = 1.0, 0.0, 1.0
        mix.description = "How much of the finished frame is seen"
    _set_outputs(tree, _own_outputs(node))
    start, end = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    start.location, end.location = (-600, 0), (500, 0)
    if IMAGE in start.outputs:
        tree.links.new(start.outputs[IMAGE], end.inputs[IMAGE])
    return tree


def _own_outputs(node: Node) -> dict[str, str]:
    """Return the outputs that a node has before anything is rendered: name to kind of socket."""
    named = {
        socket_name(port): _KINDS.get(port.kind, _SOCKETS["VECTOR"])
        for port in node.outputs
        if port.kind not in (Kind.IMAGE, Kind.REPORT)
    }
    sees_plate = any(port.kind is Kind.IMAGE for port in node.inputs)
    return {IMAGE: _SOCKETS["RGBA"], **named} if sees_plate else named


def add_node(tree: Any, group: Any) -> Any:
    """Add a node that shows a group to a compositor tree, and return it."""
    shown = tree.nodes.new("CompositorNodeGroup")
    shown.node_tree = group
    shown.name = shown.label = group.name
    if MIX in shown.inputs:
        shown.inputs[MIX].default_value = 1.0
    shown.width = 200
    return shown


def show_result(group: Any, pattern: str, shift: int, space: str) -> None:
    """Make the layers of rendered frames a group's outputs.

    `Image` is the finished frame over the input by Mix, where a frame was rendered; elsewhere, and
    in a node that makes mattes only, the input passes. `comp` is the finished frame itself,
    `Matte` the delivered matte. Links to outputs that stay are kept.

    Args:
        group: a Faceplate group.
        pattern: of the frames, absolute.
        shift: number of a frame's file less its scene frame.
        space: Blender's name of the frames' colour space, or "" to leave Blender's guess.

    Raises:
        InputError: no frame is there.
    """
    numbers = numbers_on_disk(pattern)
    if not numbers:
        raise InputError(f"No frame of {pattern} is there.", hint="Render it again.")
    start, end = _kept(group)
    for node in [node for node in group.nodes if node not in (start, end)]:
        group.nodes.remove(node)
    footage = _footage(group, pattern, numbers, shift, space)
    sockets = [s for s in footage.outputs if s.enabled and s.name != "Alpha"]
    root = next(socket for socket in sockets if socket.name in _ROOT)
    node = NODES[group.faceplate.node]
    layers = {COMP if socket == root else socket.name: socket for socket in sockets}
    if not gives_picture(node):
        del layers[COMP]
    _set_outputs(group, _own_outputs(node) | {n: _SOCKETS[s.type] for n, s in layers.items()})
    for name, socket in layers.items():
        group.links.new(socket, end.inputs[name])
    for port in node.outputs:
        if port.kind is Kind.MATTE and DELIVERED in layers:
            group.links.new(layers[DELIVERED], end.inputs[socket_name(port)])
    if gives_picture(node):
        _lay_over(group, start, end, root, [number - shift for number in numbers])
    settings = group.faceplate
    settings.result, settings.shift = relative(pattern), shift
    settings.rendered = str(FrameRange(tuple(numbers)))


def _lay_over(group: Any, start: Any, end: Any, finished: Any, frames: Sequence[int]) -> None:
    """Lay finished frames over the input by Mix, in the scene's frames that were rendered."""
    rendered = compat.value_node(group, _RENDERED)
    rendered.location = (-600, -250)
    _key_rendered(group, frames)
    mix = compat.mix_node(group)
    factor = compat.product_of(group, start.outputs[MIX], rendered.outputs[0])
    group.links.new(factor, mix.factor)
    group.links.new(start.outputs[IMAGE], mix.a)
    group.links.new(finished, mix.b)
    group.links.new(mix.result, end.inputs[IMAGE])
    mix.result.node.location, factor.node.location = (200, 150), (-300, -150)


def _kept(group: Any) -> tuple[Any, Any]:
    ends = {node.bl_idname: node for node in group.nodes}
    try:
        return ends["NodeGroupInput"], ends["NodeGroupOutput"]
    except KeyError:
        raise InputError(
            f"{group.name} has lost its Group Input or Group Output.",
            hint="Add a new Faceplate node.",
        ) from None


def _footage(group: Any, pattern: str, numbers: Sequence[int], shift: int, space: str) -> Any:
    """Return an Image node that shows the frames under their scene frames."""
    first, last = numbers[0], numbers[-1]
    path = str(frame_path(pattern, first))
    image = bpy.data.images.load(path, check_existing=True)
    image.source = "SEQUENCE"
    image.reload()  # the files may be new ones
    if space:
        image.colorspace_settings.name = space
    node = group.nodes.new("CompositorNodeImage")
    node.image = image
    node.frame_start, node.frame_duration = first - shift, last - first + 1
    node.frame_offset = first - 1
    node.use_auto_refresh = True
    node.location = (-300, 250)
    return node


def _set_outputs(group: Any, wanted: dict[str, str]) -> None:
    """Give a group's interface these outputs, in this order; those that fit stay as they are."""
    interface = group.interface
    for item in [i for i in interface.items_tree if i.item_type == "SOCKET"]:
        if item.in_out == "OUTPUT" and wanted.get(item.name) != item.socket_type:
            interface.remove(item)
    there = {
        i.name for i in interface.items_tree if i.item_type == "SOCKET" and i.in_out == "OUTPUT"
    }
    for name, kind in wanted.items():
        if name not in there:
            interface.new_socket(name, in_out="OUTPUT", socket_type=kind)


def _key_rendered(group: Any, frames: Iterable[int]) -> None:
    """Animate the node that says where a frame was rendered: 1 there and 0 elsewhere."""
    there = set(frames)
    keys = {frame: 1.0 for frame in there if frame - 1 not in there}
    keys |= {frame + 1: 0.0 for frame in there if frame + 1 not in there}
    keys[min(there) - 1] = 0.0
    curve = compat.new_fcurve(group, f'nodes["{_RENDERED}"].outputs[0].default_value')
    curve.keyframe_points.add(len(keys))
    curve.keyframe_points.foreach_set("co", [v for key in sorted(keys.items()) for v in key])
    for point in curve.keyframe_points:
        point.interpolation = "CONSTANT"
    curve.update()


# --- what went wrong --------------------------------------------------------------------------


def mark(owner: Any, error: FaceplateError | None) -> None:
    """Show an error in the settings of a group or scene, or clear it.

    Every node that shows the group says it, too.
    """
    settings = owner.faceplate
    settings.error, settings.hint = (str(error), error.hint) if error is not None else ("", "")
    if not isinstance(owner, bpy.types.NodeTree):
        return
    for tree in compat.compositor_trees():
        for node in nodes_of(owner, tree):
            node.label = str(error) if error is not None else owner.name
            node.use_custom_color = error is not None
            if error is not None:
                node.color = _FAILED_COLOR
