"""The sequencer: another face in a strip, as a second strip over it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from faceplate.core.errors import InputError
from faceplate.core.footage import FrameRange, frame_path, numbered_files
from faceplate.plugin.blender import compat
from faceplate.plugin.blender.group import mark
from faceplate.plugin.blender.jobs import strip_job
from faceplate.plugin.blender.requests import refuse, summary_in_words
from faceplate.plugin.blender.scene import Plate, absolute, clean
from faceplate.plugin.blender.session import Work


def swap_strip(scene: Any, *, overwrite: bool) -> Work:
    """Return the work of rendering the active strip's visible frames and laying them over it.

    The frames are plain RGBA: a strip cannot choose a layer, and 4.2 dies of several.

    Raises:
        InputError: no such strip, or one that the engine cannot read.
        FaceplateError: the job cannot be made.
    """
    strip = _active_strip(scene)
    settings = scene.faceplate
    numbers, plate = plate_of_strip(strip)
    folder = f"//faceplate/{clean(strip.name)}/strip/{clean(strip.name)}.%04d.exr"
    output = absolute(settings.output or folder)
    frames = str(FrameRange(numbers))
    job = strip_job(settings, plate, output, frames, overwrite=overwrite)
    scene_name, strip_name = scene.name, strip.name

    def check(facts: Mapping[str, Any]) -> Work:
        refuse(facts)
        return Work("Swap", "render", {"job": job.to_json()}, lay)

    def lay(summary: Mapping[str, Any]) -> str:
        editor = bpy.data.scenes[scene_name].sequence_editor
        source = compat.all_strips(editor).get(strip_name)
        if source is None:
            raise InputError(
                f"Strip {strip_name} is gone; its frames are on disk.", hint=f"See {job.output}."
            )
        paths = [frame_path(job.output, number) for number in numbers]
        lay_over(editor, source, [path for path in paths if path.is_file()])
        mark(bpy.data.scenes[scene_name], None)
        return summary_in_words(summary)

    return Work("Check", "check", {"job": job.to_json()}, check)


def plate_of_strip(strip: Any) -> tuple[tuple[int, ...], Plate]:
    """Return the visible frames' numbers, in the strip's order, and the plate they are of.

    Raises:
        InputError: a kind of strip, or a way of playing it, that has no frames of its own.
    """
    for is_so, words in (
        (getattr(strip, "use_reverse_frames", False), "plays backwards"),
        (len(getattr(strip, "retiming_keys", ())) > 0, "is retimed"),
        (compat.begins_inside(strip), "begins inside of its footage"),
    ):
        if is_so:
            raise InputError(
                f"Strip {strip.name} {words}.", hint="Render it to frames first and use these."
            )
    (start, end), (first, last) = compat.visible_range(strip), compat.content_range(strip)
    start, end = max(start, first), min(end, last)
    if strip.type == "MOVIE":
        plate = Plate(absolute(strip.filepath), start=first)
        return tuple(range(start, end)), plate
    if strip.type != "IMAGE":
        raise InputError(
            f"Strip {strip.name} is of kind {strip.type.lower()}.",
            hint="Take an image sequence or a movie; render other strips to frames first.",
        )
    folder = Path(absolute(strip.directory))
    names = [str(folder / element.filename) for element in strip.elements]
    found = numbered_files(names)
    if len(found) != 1 or (len(names) > 1 and not next(iter(found.values()))):
        raise InputError(
            f"Strip {strip.name} is made of several sequences.", hint="Make a strip of each."
        )
    ((pattern, numbers),) = found.items()
    if not numbers:
        return (first,), Plate(pattern, start=first)
    if numbers != tuple(range(numbers[0], numbers[0] + len(names))):
        raise InputError(
            f"Strip {strip.name} leaves out frames of its sequence.",
            hint="Make a strip of frames that follow each other.",
        )
    shown = numbers[start - first : end - first]
    return shown, Plate(pattern, shift=numbers[0] - first)


def lay_over(editor: Any, source: Any, paths: list[Path]) -> Any:
    """Place frames over a strip, from its first visible frame, in the lowest free channel.

    Raises:
        InputError: there are none.
    """
    if not paths:
        raise InputError(f"No frame of strip {source.name} was rendered.", hint="Render it again.")
    used = {strip.channel for strip in compat.all_strips(editor)}
    channel = next(n for n in range(source.channel + 1, 129) if n not in used)
    start = max(compat.visible_range(source)[0], compat.content_range(source)[0])
    name = f"{source.name} face"
    old = compat.all_strips(editor).get(name)
    if old is not None and old.channel > source.channel:
        channel = old.channel
        compat.strips(editor).remove(old)
    made = compat.strips(editor).new_image(
        name=name, filepath=str(paths[0]), channel=channel, frame_start=start
    )
    for path in paths[1:]:
        made.elements.append(path.name)
    made.blend_type, made.alpha_mode = "ALPHA_OVER", "PREMUL"
    is_exr = Path(_any_file(source)).suffix.lower() == ".exr"
    made.colorspace_settings.name = (
        source.colorspace_settings.name if is_exr else "Linear Rec.709"  # as the engine writes it
    )
    return made


def _any_file(strip: Any) -> str:
    return str(strip.filepath if strip.type == "MOVIE" else strip.elements[0].filename)


def _active_strip(scene: Any) -> Any:
    editor = scene.sequence_editor
    strip = editor.active_strip if editor is not None else None
    if strip is None:
        raise InputError("No strip is active.", hint="Click on the strip of the plate.")
    return strip
