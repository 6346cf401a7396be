"""Answers questions about the file: which plate feeds a node, its frames, where results go."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from faceplate.core.errors import FaceplateError, InputError
from faceplate.core.footage import (
    FIRST_MOVIE_FRAME,
    MOVIE_SUFFIXES,
    FrameRange,
    find_footage,
    frame_path,
    is_numbered,
)
from faceplate.nodes.node import Kind, Node
from faceplate.plugin.blender import compat
from faceplate.plugin.blender.properties import NODES

IMAGE = "Image"
"""What a node's plate, and its picture, are called in Blender."""
_DIGITS = re.compile(r"(\d+)(\.\w+)$")
# A picture's own output; everything else of an Image node is a layer of it.
_ROOT_SOCKETS = ("Image", "Combined")

SPACES = {
    "Linear Rec.709 (sRGB)": "Linear Rec.709",
    "Linear P3-D65": "Linear DCI-P3 D65",
    "sRGB Encoded Rec.709 (sRGB)": "sRGB",
}
"""The engine's name of a colour space, where Blender has another one."""


@dataclass(frozen=True, slots=True)
class Plate:
    """Footage as the engine reads it, and where it stands in the scene.

    Attributes:
        pattern: frames with ``%04d``, a movie, or a still; absolute.
        shift: number of a frame's file less its scene frame.
        start: number of a movie's first frame.
        colorspace: what is known of its colour space, or "".
        feed: the socket whose pictures the frames are to be, and must be rendered first, or None.
    """

    pattern: str
    shift: int = 0
    start: int = FIRST_MOVIE_FRAME
    colorspace: str = ""
    feed: Any = None

    @property
    def source(self) -> str:
        """What the frames come from, as a text to compare: files, or a socket."""
        if self.feed is None:
            return self.pattern
        return f"{self.feed.name} of {self.feed.node.name}"

    def number_of(self, scene_frame: int) -> int:
        """Return the number of the plate's frame that a scene frame shows."""
        return scene_frame + self.shift


def absolute(path: str) -> str:
    """Return a path without Blender's ``//``; relative ones are refused, for lack of a folder.

    Raises:
        InputError: the path is relative to a file that was never saved.
    """
    if path.startswith("//") and not bpy.data.filepath:
        raise InputError(
            f"{path} lies beside a file that was never saved.", hint="Save the file first."
        )
    # Path.resolve would follow links, and those of a studio move.
    return os.path.abspath(bpy.path.abspath(path)) if path else ""  # noqa: PTH100


def pattern_of(path: str) -> str:
    """Return the pattern of the sequence that a frame belongs to.

    >>> pattern_of("/shots/plate.1001.exr"), pattern_of("/shots/a.mov")
    ('/shots/plate.%04d.exr', '/shots/a.mov')
    """
    name = Path(path).name
    match = _DIGITS.search(name)
    if match is None or is_numbered(path) or Path(path).suffix.lower() in MOVIE_SUFFIXES:
        return path
    return str(Path(path).with_name(f"{name[: match.start()]}%0{len(match[1])}d{match[2]}"))


# --- which plate ------------------------------------------------------------------------------


def plate_of(scene: Any, group: Any) -> Plate:
    """Return the plate of a Faceplate group: what its settings name, else what feeds it.

    Raises:
        InputError: no plate is named and nothing is plugged in.
    """
    settings = group.faceplate
    if settings.plate:
        # One frame that somebody picked stands for its sequence.
        pattern = pattern_of(absolute(settings.plate))
        start = FIRST_MOVIE_FRAME if is_numbered(pattern) else settings.movie_start
        return Plate(pattern, start=start, colorspace=settings.colorspace)
    socket = feed_of(scene, group, IMAGE)
    if socket is None:
        raise InputError(
            f"{group.name} has no plate.", hint="Name the plate, or plug one into Image."
        )
    return plate_at(socket, settings.colorspace)


def feed_of(scene: Any, group: Any, name: str) -> Any:
    """Return the socket that is plugged into an input of a group, or None.

    Reroutes are looked through, and so are our nodes that pass the plate on as it came.
    """
    for node in nodes_of(group, compat.compositor_tree(scene)):
        socket = node.inputs.get(name)
        while socket is not None and socket.is_linked:
            source = socket.links[0].from_socket
            if not _passes(source):
                return source
            socket = source.node.inputs[0]
    return None


def _passes(source: Any) -> bool:
    """Return whether an output gives what its node's first input gets."""
    node = source.node
    if node.bl_idname == "NodeReroute":
        return True
    tree: Any = getattr(node, "node_tree", None)
    return is_ours(tree) and source.name == IMAGE and not gives_picture(NODES[tree.faceplate.node])


def nodes_of(group: Any, tree: Any) -> Iterator[Any]:
    """Walk the nodes of a tree that show a group."""
    for node in tree.nodes:
        if node.bl_idname == "CompositorNodeGroup" and node.node_tree == group:
            yield node


def plate_at(socket: Any, colorspace: str) -> Plate:
    """Return the files behind a socket; else frames that are to be rendered from it."""
    node = socket.node
    if node.bl_idname == "CompositorNodeImage" and socket.name in _ROOT_SOCKETS and node.image:
        image, path = node.image, absolute(node.image.filepath)
        if image.source == "SEQUENCE":
            shift = node.frame_offset + 1 - node.frame_start
            return Plate(pattern_of(path), shift, colorspace=colorspace)
        if image.source == "MOVIE":
            # A movie's frames get the numbers of the scene.
            start = node.frame_start - node.frame_offset
            return Plate(path, start=start, colorspace=colorspace)
        if image.source == "FILE":
            return Plate(path, start=bpy.context.scene.frame_current, colorspace=colorspace)
    if node.bl_idname == "CompositorNodeMovieClip" and socket.name == "Image" and node.clip:
        return plate_of_clip(node.clip, colorspace)
    return Plate("", colorspace=colorspace, feed=socket)


def plate_of_clip(clip: Any, colorspace: str) -> Plate:
    """Return the footage of a movie clip."""
    path = absolute(clip.filepath)
    if clip.source == "MOVIE":
        start = clip.frame_start - clip.frame_offset
        return Plate(path, start=start, colorspace=colorspace)
    match = _DIGITS.search(Path(path).name)
    first = int(match[1]) if match else 0
    shift = first + clip.frame_offset - clip.frame_start
    return Plate(pattern_of(path), shift, colorspace=colorspace)


# --- where results go -------------------------------------------------------------------------


def output_of(settings: Any, name: str) -> str:
    """Return the pattern of the frames to write: what is set, else beside the file.

    Raises:
        InputError: nothing is set and the file was never saved, or no place for the number.
    """
    said = settings.output or f"//faceplate/{clean(name)}/{clean(name)}.%04d.exr"
    pattern = absolute(said)
    if not is_numbered(pattern):
        raise InputError(
            f"Output {said} has no place for the frame number.",
            hint="Write it as //comp.%04d.exr or //comp.####.exr.",
        )
    return pattern


def relative(pattern: str) -> str:
    """Return a path beside the file where that is possible, so that both move together."""
    if not bpy.data.filepath:
        return pattern
    folder = Path(bpy.data.filepath).parent
    return f"//{Path(pattern).relative_to(folder)}" if folder in Path(pattern).parents else pattern


def clean(name: str) -> str:
    """Return a name that any file system takes.

    >>> clean("Face Swap.001")
    'face_swap_001'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "face"


def numbers_on_disk(pattern: str) -> tuple[int, ...]:
    """Return the frame numbers of a sequence that are there; none is an answer."""
    try:
        return find_footage(pattern).frames.numbers
    except FaceplateError:
        return ()


@dataclass(frozen=True, slots=True)
class Lack:
    """Frames of a result that a scene will ask for in vain.

    Attributes:
        gone: were rendered and are not there any more; Blender shows them black without an error.
        never: were not rendered; the plate is seen.
    """

    gone: tuple[int, ...]
    never: tuple[int, ...]

    @property
    def words(self) -> str:
        """What is lacking, as a sentence; "" when nothing is."""
        parts = [
            f"{words}: {FrameRange(numbers)}."
            for numbers, words in ((self.gone, "Frames are gone"), (self.never, "Not rendered"))
            if numbers
        ]
        return " ".join(parts)


def lack_of(scene: Any, group: Any) -> Lack:
    """Return the frames of a group's result that a scene will ask for and that are not there."""
    settings = group.faceplate
    if not settings.rendered:
        return Lack((), ())
    pattern, rendered = absolute(settings.result), set(FrameRange.parse(settings.rendered))
    wanted = [
        frame + settings.shift
        for frame in range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    ]
    gone = [n for n in wanted if n in rendered and not frame_path(pattern, n).is_file()]
    return Lack(tuple(gone), tuple(n for n in wanted if n not in rendered))


def groups() -> list[Any]:
    """Return the Faceplate groups of the file."""
    return [group for group in bpy.data.node_groups if is_ours(group)]


def is_ours(tree: Any) -> bool:
    """Return whether a tree is a Faceplate group."""
    return tree is not None and tree.bl_idname == compat.TREE and tree.faceplate.node in NODES


def gives_picture(node: Node) -> bool:
    """Return whether a node makes a new picture, and so has frames to show as its Image."""
    return any(port.kind is Kind.IMAGE for port in node.outputs)


def blender_space(space: str) -> str:
    """Return Blender's name of a colour space of the engine, or "" where it has none."""
    settings = bpy.types.ColorManagedInputColorspaceSettings.bl_rna
    known = settings.properties["name"].enum_items
    found = SPACES.get(space, space)
    return found if found in known else ""
