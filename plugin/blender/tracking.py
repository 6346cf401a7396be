"""A track in Blender's own words: markers, a mask that moves with them, shape-key curves."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import bpy

from faceplate.core.errors import InputError
from faceplate.core.footage import frame_path
from faceplate.core.job import Job
from faceplate.nodes.face import FACE_TRACK
from faceplate.plugin.blender import compat
from faceplate.plugin.blender.jobs import clip_job
from faceplate.plugin.blender.scene import (
    Plate,
    absolute,
    clean,
    is_ours,
    numbers_on_disk,
    plate_of,
    plate_of_clip,
    relative,
)
from faceplate.plugin.blender.scratch import readable
from faceplate.plugin.blender.session import Work

_OUTLINE = "outline_"
_MOVED_PX = 0.05
"""From here on a marker counts as moved by hand; single precision keeps to 0.001 in 8K."""

Points = Mapping[str, Mapping[int, tuple[float, float]]]
"""Name of a point to its places by plate frame, in pixels from the top left."""


def chosen_clip(context: Any) -> Any:
    """Return the clip of the clip editor, that of the active Face Track node, or the only one.

    Raises:
        InputError: none, or several; or that node was not tracked.
    """
    clip = getattr(context.space_data, "clip", None)
    if clip is not None:
        return clip
    tree: Any = getattr(getattr(context, "active_node", None), "node_tree", None)
    if is_ours(tree) and tree.faceplate.node == FACE_TRACK.name:
        return clip_of(context.scene, tree)
    clips = list(bpy.data.movieclips)
    if len(clips) != 1:
        raise InputError(
            f"There are {len(clips)} movie clips and none is chosen.",
            hint="Open the plate in a Movie Clip Editor, or select a Face Track node.",
        )
    return clips[0]


def clip_of(scene: Any, group: Any) -> Any:
    """Return the clip of a Face Track's plate with its track: the one that is there, or a new one.

    Raises:
        InputError: it was not tracked, or its plate is not on disk.
    """
    result = group.faceplate.result
    if not result:
        raise InputError(f"{group.name} has no track yet.", hint="Press Track.")
    plate = readable(plate_of(scene, group), Path(absolute(result)).parent / "plate")
    clips = [c for c in bpy.data.movieclips if plate_of_clip(c, "").pattern == plate.pattern]
    if not clips:
        numbers = numbers_on_disk(plate.pattern)
        if not numbers:
            raise InputError(f"{plate.pattern} is not on disk.")
        clip = bpy.data.movieclips.load(str(frame_path(plate.pattern, numbers[0])))
        is_movie = clip.source == "MOVIE"
        clip.frame_start = plate.start if is_movie else numbers[0] - plate.shift
        clips = [clip]
    clips[0].faceplate_track = result
    return clips[0]


def clip_with(track: Path) -> Any:
    """Return the clip whose markers came from a track, or None."""
    said = {relative(str(track)), str(track)}
    return next((clip for clip in bpy.data.movieclips if clip.faceplate_track in said), None)


def track_clip(scene: Any, clip: Any) -> Work:
    """Return the work of following the faces of a clip and keeping them as markers.

    Raises:
        InputError: the file was never saved, or the clip's plate cannot be named.
    """
    plate = plate_of_clip(clip, scene.faceplate.colorspace)
    out = Path(absolute(f"//faceplate/{clean(clip.name)}/{clean(clip.name)}.track"))
    owner = clip.session_uid

    def keep(facts: Mapping[str, Any]) -> str:
        found = next((c for c in bpy.data.movieclips if c.session_uid == owner), None)
        if found is None:
            raise InputError("The clip is gone; its track is on disk.", hint=f"See {out}.")
        found.faceplate_track = relative(str(out))
        add_markers(found, plate)
        return track_in_words(facts)

    return analysis(clip_job(scene.faceplate, plate, out), out, clip, keep, owner)


def analysis(
    job: Job, out: Path, clip: Any, keep: Callable[[Mapping[str, Any]], str], owner: int
) -> Work:
    """Return the work of following faces into a track.

    Markers that somebody moved since the last time go to the engine and win over what it sees, as
    do those that were moved before; removing ``.corrections.json`` beside the track forgets them.

    Args:
        job: of which plate.
        out: the track.
        clip: whose markers may have been moved, or None.
        keep: takes what was found; gives the sentence to close with.
        owner: `session_uid` of the data-block that it is done for.

    Raises:
        InputError: earlier corrections cannot be read.
    """
    params: dict[str, Any] = {"job": job.to_json(), "out": str(out)}
    corrected = out.with_suffix(".corrections.json")
    if clip is not None and clip.faceplate_track:
        add_corrections(corrected, corrections(clip, plate_of_clip(clip, "")))
    if corrected.is_file():
        params["corrections"] = str(corrected)
    return Work("Track", "analyse", params, keep, owner)


def track_in_words(facts: Mapping[str, Any]) -> str:
    """Return what an analysis found, in one sentence."""
    faces = facts.get("faces", ())
    if not faces:
        return "No face was found."
    seen = ", ".join(f"face {face['face']} in {face['frames']} frames" for face in faces)
    return f"Found {seen}."


# --- what the engine wrote ----------------------------------------------------------------------


def read_points(track: Path) -> tuple[tuple[int, int], dict[int, Points]]:
    """Return the plate's width and height, and the points of each face, that lie beside a track.

    Raises:
        InputError: they are not there, or of another version.
    """
    path = track.with_suffix(".points.json")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        faces: dict[int, Points] = {
            int(face["index"]): {
                name: {int(number): (x, y) for number, (x, y) in places.items()}
                for name, places in face["points"].items()
            }
            for face in found["faces"]
        }
        size = int(found["width"]), int(found["height"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} has no points ({type(error).__name__}).", hint="Track the faces again."
        ) from error
    return size, faces


def track_of(clip: Any) -> Path:
    """Return the track file that a clip's markers came from.

    Raises:
        InputError: its faces were not tracked.
    """
    if not clip.faceplate_track:
        raise InputError(f"The faces of {clip.name} are not tracked.", hint="Press Track Faces.")
    return Path(absolute(clip.faceplate_track))


# --- markers --------------------------------------------------------------------------------------


def add_markers(clip: Any, plate: Plate, *, outline: bool = False) -> list[str]:
    """Give a clip motion-tracking markers for the points of its faces; return the tracks' names.

    A track of that name is filled anew. Where a face is not seen, the markers are muted.

    Args:
        clip: whose faces were tracked.
        plate: its footage.
        outline: the 36 points around each face, and not the nine that a person would pick.

    Raises:
        InputError: its faces were not tracked.
    """
    (width, height), faces = read_points(track_of(clip))
    tracks, names = clip.tracking.tracks, []
    for face, points in faces.items():
        for name, places in points.items():
            if name.startswith(_OUTLINE) is not outline or not places:
                continue
            marked = {_clip_frame(clip, plate, number): place for number, place in places.items()}
            # Where the next frame does not show the face, a muted marker ends the track.
            ends = {frame + 1: place for frame, place in marked.items() if frame + 1 not in marked}
            first = min(marked)
            name = f"face{face}.{name}"
            found = tracks.get(name) or tracks.new(name=name, frame=first)
            for frame, (x, y) in (marked | ends).items():
                marker = found.markers.insert_frame(frame, co=(x / width, 1.0 - y / height))
                marker.mute = frame in ends
            for old in {marker.frame for marker in found.markers} - (marked.keys() | ends.keys()):
                found.markers.delete_frame(old)
            names.append(found.name)
    return names


def _clip_frame(clip: Any, plate: Plate, number: int) -> int:
    """Return the frame of a clip, which counts from 1 at its start, that shows a plate's frame."""
    return number - plate.shift - clip.frame_start + 1


def corrections(clip: Any, plate: Plate) -> dict[int, Points]:
    """Return the markers that somebody moved since they came from a track, face by face.

    Raises:
        InputError: the clip's faces were not tracked.
    """
    (width, height), faces = read_points(track_of(clip))
    found: dict[int, Points] = {}
    for face, points in faces.items():
        moved: dict[str, dict[int, tuple[float, float]]] = {}
        for name, places in points.items():
            track = clip.tracking.tracks.get(f"face{face}.{name}")
            for marker in track.markers if track is not None else ():
                number = marker.frame + plate.shift + clip.frame_start - 1
                if marker.mute or number not in places:
                    continue
                x, y = marker.co[0] * width, (1.0 - marker.co[1]) * height
                if max(abs(x - places[number][0]), abs(y - places[number][1])) > _MOVED_PX:
                    moved.setdefault(name, {})[number] = (x, y)
        if moved:
            found[face] = moved
    return found


def add_corrections(path: Path, moved: Mapping[int, Points]) -> None:
    """Add moved points to those of a file, which keeps them as the engine reads them.

    Raises:
        InputError: the file is there and cannot be read.
    """
    if not moved:
        return
    faces: dict[int, dict[str, dict[str, Any]]] = {}
    try:
        if path.is_file():
            content = json.loads(path.read_text(encoding="utf-8"))
            faces = {int(face["index"]): face["points"] for face in content["faces"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read.", hint="Remove it to begin anew.") from error
    for face, points in moved.items():
        for name, places in points.items():
            kept = faces.setdefault(face, {}).setdefault(name, {})
            kept.update({str(number): list(place) for number, place in places.items()})
    content = {"version": 1, "faces": [{"index": i, "points": p} for i, p in faces.items()]}
    path.write_text(json.dumps(content, sort_keys=True) + "\n", encoding="utf-8")


# --- mask ---------------------------------------------------------------------------------------


def mask_of_face(scene: Any, clip: Any, plate: Plate, face: int) -> Any:
    """Return a new mask around a face whose points each follow a track of the outline.

    Raises:
        InputError: the face is not tracked, or is not seen in the scene's current frame.
    """
    (width, height), faces = read_points(track_of(clip))
    number = plate.number_of(scene.frame_current)
    points = {n: p for n, p in faces.get(face, {}).items() if n.startswith(_OUTLINE)}
    if not points or any(number not in places for places in points.values()):
        raise InputError(
            f"Face {face} is not seen in frame {number}.", hint="Go to a frame that shows it."
        )
    add_markers(clip, plate, outline=True)
    mask = bpy.data.masks.new(f"face{face}")
    mask.frame_start, mask.frame_end = scene.frame_start, scene.frame_end
    spline = mask.layers.new(name="outline").splines.new()
    spline.use_cyclic = True
    spline.points.add(len(points) - 1)
    for point, (name, places) in zip(spline.points, sorted(points.items()), strict=True):
        parent = point.parent
        parent.id_type, parent.type, parent.id = "MOVIECLIP", "POINT_TRACK", clip
        parent.parent = clip.tracking.objects[0].name
        # Blender notes here where the track is in the current frame, so the point's place comes
        # after it.
        parent.sub_parent = f"face{face}.{name}"
        point.handle_type = "AUTO"
        point.co = _in_mask(*places[number], width, height)
    return mask


def _in_mask(x: float, y: float, width: int, height: int) -> tuple[float, float]:
    """Return a pixel in a mask's own measure: y up, the longer side is 1, the middle 0.5."""
    longer = max(width, height)
    return 0.5 + (x - width / 2) / longer, 0.5 + (height / 2 - y) / longer


# --- shape keys -----------------------------------------------------------------------------------


def read_coefficients(track: Path, face: int) -> dict[str, dict[int, float]]:
    """Return the expression of a face from the table beside a track: name, plate frame, 0 to 1.

    Raises:
        InputError: no such table, or the face is not in it.
    """
    path = track.with_suffix(".csv")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["face"] == str(face)]
    except (OSError, KeyError) as error:
        raise InputError(f"{path} cannot be read.", hint="Track the faces again.") from error
    if not rows:
        raise InputError(f"{path} has no face {face}.", hint="Choose another face.")
    known = ("frame", "face", "origin", "confidence", "yaw", "pitch", "roll")
    names = [name for name in rows[0] if name not in known]
    return {name: {int(row["frame"]): float(row[name]) for row in rows} for name in names}


def animate_shape_keys(
    thing: Any, coefficients: Mapping[str, Mapping[int, float]], shift: int
) -> int:
    """Animate the shape keys whose names are coefficients'; return how many there are.

    Args:
        thing: an object with shape keys.
        coefficients: name to the value in each plate frame.
        shift: number of a plate's frame less its scene frame.

    Raises:
        InputError: it has no such shape key.
    """
    keys = getattr(thing.data, "shape_keys", None) if thing is not None else None
    found = [name for name in coefficients if keys is not None and name in keys.key_blocks]
    if not found:
        raise InputError(
            "The active object has no shape key with the name of a coefficient.",
            hint="They are ARKit's: jawOpen, eyeBlinkLeft, mouthSmileRight and so on.",
        )
    for name in found:
        places = coefficients[name]
        curve = compat.new_fcurve(keys, f'key_blocks["{name}"].value')
        curve.keyframe_points.add(len(places))
        curve.keyframe_points.foreach_set("co", list(_flat(places, shift)))
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
        curve.update()
    return len(found)


def _flat(places: Mapping[int, float], shift: int) -> Iterable[float]:
    for number in sorted(places):
        yield float(number - shift)
        yield places[number]
