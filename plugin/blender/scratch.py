"""Frames that only Blender can make for the engine: what feeds a node, and masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from faceplate.core.errors import InputError
from faceplate.core.footage import FrameRange
from faceplate.plugin.blender import compat
from faceplate.plugin.blender.scene import Plate, absolute, clean


def rendered_feed(scene: Any, plate: Plate, group: Any, folder: Path) -> Plate:
    """Render what feeds a group into EXR frames, and return these as its plate.

    The scene's frames of the render range are written; the scene itself is left as it was.

    Args:
        scene: whose compositor the socket belongs to.
        plate: with a ``feed``.
        group: that is fed.
        folder: where the frames go.

    Raises:
        InputError: the compositor wrote no frame.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("in.*.exr"):  # of another range
        old.unlink()
    node_name, socket_index = plate.feed.node.name, list(plate.feed.node.outputs).index(plate.feed)
    copy, tree = compat.copied_scene(scene)
    try:
        for node in list(tree.nodes):  # else the user's own outputs are written again
            if node.bl_idname in ("CompositorNodeOutputFile", "CompositorNodeViewer"):
                tree.nodes.remove(node)
        source = tree.nodes[node_name].outputs[socket_index]
        tree.links.new(source, compat.file_output(tree, folder, "in.####"))
        tree.links.new(source, compat.result_socket(tree))
        _render(copy, folder)
    finally:
        compat.remove_scene(copy, tree)
    pattern = str(folder / "in.%04d.exr")
    if not any(folder.glob("in.*.exr")):
        raise InputError(
            f"The compositor wrote no frame of what feeds {group.name}.",
            hint="Render the scene once and look whether there is a picture.",
        )
    # From 5.0 on the frames say themselves which space Blender works in.
    known = "" if compat.is_new() else "lin_rec709_scene"
    return Plate(pattern, colorspace=plate.colorspace or known)


def rendered_mask(mask: Any, plate: Plate, numbers: FrameRange, size: tuple[int, int]) -> str:
    """Render a mask in the plate's format, and return its frames as a hand-made matte.

    Args:
        mask: drawn in Blender.
        plate: which it belongs to.
        numbers: the plate's frames.
        size: its width and height in pixels.
    """
    folder = Path(absolute(f"//faceplate/{clean(mask.name)}/mask"))
    folder.mkdir(parents=True, exist_ok=True)
    scratch = bpy.data.scenes.new("Faceplate Mask")
    tree = compat.compositor_tree(scratch)
    try:
        for node in list(tree.nodes):
            tree.nodes.remove(node)
        source = tree.nodes.new("CompositorNodeMask")
        source.mask = mask
        tree.links.new(source.outputs[0], compat.file_output(tree, folder, "scene.####"))
        tree.links.new(source.outputs[0], compat.result_socket(tree))
        render = scratch.render
        render.resolution_x, render.resolution_y = size
        render.resolution_percentage = 100
        for number in numbers:
            frame = number - plate.shift
            scratch.frame_start = scratch.frame_end = frame
            _render(scratch, folder)
            (folder / f"scene.{frame:04d}.exr").replace(folder / f"mask.{number:04d}.exr")
    finally:
        compat.remove_scene(scratch, tree)
    return f"{folder / 'mask.%04d.exr'}:{compat.scalar_channel()}"


def _render(scene: Any, folder: Path) -> None:
    """Render a scratch scene's compositor; the render result itself is thrown away."""
    render = scene.render
    render.use_compositing, render.use_sequencer = True, False
    if bpy.app.background:
        render.compositor_device = "CPU"  # 5.2 defaults to the GPU, and dies without one
    compat.set_exr(render.image_settings, depth="16")
    render.filepath = str(folder / ".render_####")
    scene.frame_step = 1
    bpy.ops.render.render(animation=True, scene=scene.name)
    for left in folder.glob(".render_*"):
        left.unlink()
