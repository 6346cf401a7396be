"""Frames that only Blender can make for the engine: what feeds a node, and masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from faceplate.core.errors import InputError
from faceplate.core.footage import FrameRange, frame_path
from faceplate.plugin.blender import compat
from faceplate.plugin.blender.scene import Plate, absolute, clean, numbers_on_disk


@dataclass(frozen=True, slots=True)
class Feed:
    """A socket whose pictures are to be rendered into files.

    Attributes:
        socket: an output in the scene's compositor.
        pattern: of the EXR frames to write, absolute.
        shift: number of a frame's file less its scene frame.
        is_number: one number per pixel is wanted, and not a colour.
    """

    socket: Any
    pattern: str
    shift: int = 0
    is_number: bool = False

    def render(self, scene: Any) -> None:
        """Write the frames of the scene's range; the scene itself is left as it was.

        Raises:
            InputError: the compositor wrote no frame.
        """
        folder = Path(self.pattern).parent
        folder.mkdir(parents=True, exist_ok=True)
        for number in numbers_on_disk(self.pattern):  # of another range
            frame_path(self.pattern, number).unlink()
        node, index = self.socket.node, list(self.socket.node.outputs).index(self.socket)
        copy, tree = compat.copied_scene(scene)
        try:
            for output in list(tree.nodes):  # else the user's own outputs are written again
                if output.bl_idname in ("CompositorNodeOutputFile", "CompositorNodeViewer"):
                    tree.nodes.remove(output)
            source = tree.nodes[node.name].outputs[index]
            if self.is_number:
                source = compat.number_of(tree, source)
            tree.links.new(source, compat.file_output(tree, folder, "scene.####"))
            tree.links.new(source, compat.result_socket(tree))
            _render(copy, folder)
        finally:
            compat.remove_scene(copy, tree)
        made = numbers_on_disk(str(folder / "scene.%04d.exr"))
        if not made:
            raise InputError(
                f"The compositor wrote no frame of what {node.name} gives.",
                hint="Render the scene once and look whether there is a picture.",
            )
        for frame in made:
            written = folder / f"scene.{frame:04d}.exr"
            written.replace(frame_path(self.pattern, frame + self.shift))


def readable(plate: Plate, folder: Path) -> Plate:
    """Return a plate with a name for the frames that are rendered from what feeds it."""
    if plate.feed is None:
        return plate
    # From 5.0 on the frames say themselves which space Blender works in.
    known = "" if compat.is_new() else "lin_rec709_scene"
    return Plate(str(folder / "in.%04d.exr"), colorspace=plate.colorspace or known, feed=plate.feed)


def rendered_mask(mask: Any, plate: Plate, numbers: FrameRange, size: tuple[int, int]) -> str:
    """Render a mask in the plate's format, and return its frames as a hand-made matte.

    Args:
        mask: drawn in Blender.
        plate: which it belongs to.
        numbers: the plate's frames.
        size: its width and height in pixels.
    """
    folder = _folder_of(mask)
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
    return mask_frames(mask)


def mask_frames(mask: Any) -> str:
    """Return what a mask's frames are called as a hand-made matte, once they are rendered."""
    return f"{_folder_of(mask) / 'mask.%04d.exr'}:{compat.scalar_channel()}"


def _folder_of(mask: Any) -> Path:
    return Path(absolute(f"//faceplate/{clean(mask.name)}/mask"))


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
