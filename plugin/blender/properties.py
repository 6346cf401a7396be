"""The settings of a group or strip as Blender properties, made from the nodes' knobs."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from math import ceil, floor
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from faceplate.core.errors import KnobError
from faceplate.core.job import FaceChoice
from faceplate.nodes import NODES as ALL_NODES
from faceplate.nodes.face import METHOD, WEIGHTS
from faceplate.nodes.footage import ACTOR_SOURCE, PLATE
from faceplate.nodes.node import (
    ChoiceKnob,
    IntegerKnob,
    Knob,
    ListKnob,
    Node,
    NumberKnob,
)
from faceplate.plugin.blender import compat

NODES = {node.name: node for node in ALL_NODES}
"""The nodes that Blender offers, in menu order."""
NUMBER = "number"
"""Choice beside a knob's words: then its number counts."""

DRAWN_KNOBS = frozenset({"weights", "steps"})
"""Knobs that only the method fsgan uses."""

SPACES = (
    *("ACEScg", "ACES2065-1", "Linear Rec.709 (sRGB)", "Linear Rec.2020", "Linear P3-D65"),
    *("ACEScct", "sRGB - Texture", "Rec.1886 Rec.709 - Display"),
)
"""Colour spaces that are proposed; any name of the engine's config will do."""


def label_of(name: str) -> str:
    """Return a knob's name as a label.

    >>> label_of("motion_blur")
    'Motion Blur'
    """
    return name.replace("_", " ").title()


def word_property(knob: NumberKnob) -> str:
    """Return the name of the property that chooses between a knob's words and its number."""
    return f"{knob.name}_choice"


def properties_of(knob: Knob) -> dict[str, Any]:
    """Return the Blender properties that hold a knob, by name.

    What cannot change over the shot cannot be keyed.
    """
    said: dict[str, Any] = {"name": label_of(knob.name), "description": knob.help.rstrip(".")}
    if isinstance(knob, NumberKnob):
        options = {"ANIMATABLE"} if knob.keyed else set()
        default = knob.low if isinstance(knob.default, str) else knob.default
        number = FloatProperty(
            **said,
            default=default,
            min=knob.low,
            max=knob.high,
            subtype="FACTOR" if (knob.low, knob.high) == (0.0, 1.0) else "NONE",
            options=options,
        )
        if not knob.words:
            return {knob.name: number}
        items = [(word, label_of(word), "") for word in (*knob.words, NUMBER)]
        choice = EnumProperty(**said, items=items, default=knob.default, options=set())
        return {word_property(knob): choice, knob.name: number}
    if isinstance(knob, IntegerKnob):
        limits = {"min": knob.low, "max": knob.high}
        return {knob.name: IntProperty(**said, default=knob.default, **limits, options=set())}
    if isinstance(knob, ChoiceKnob):
        items = [(word, label_of(word), "") for word in knob.choices]
        return {knob.name: EnumProperty(**said, items=items, default=knob.default, options=set())}
    if isinstance(knob, ListKnob):
        items = [(word, label_of(word), "") for word in knob.choices]
        default_words = set(knob.default)
        options = {"ENUM_FLAG"}
        return {
            knob.name: EnumProperty(**said, items=items, default=default_words, options=options)
        }
    said |= {"search": _weights, "search_options": {"SUGGESTION"}} if knob is WEIGHTS else {}
    return {knob.name: StringProperty(**said, default=knob.default)}


def _weights(owner: Any, context: Any, typed: str) -> list[str]:
    return [name for name in ("small", "official") if typed.lower() in name]


def _knobs() -> Iterator[Knob]:
    for node in NODES.values():
        if node is not ACTOR_SOURCE:  # its file is the property `actor`, as of each that takes one
            yield from node.knobs


def _path(name: str, help: str) -> Any:
    return StringProperty(
        name=name,
        description=help.rstrip("."),
        subtype="FILE_PATH",
        options=compat.path_options(),
    )


def _spaces(owner: Any, context: Any, typed: str) -> list[str]:
    return [name for name in SPACES if typed.lower() in name.lower()]


class FaceplateSettings(bpy.types.PropertyGroup):
    """Settings of one node: saved in the file, copied with it, animated where a knob may be."""

    __annotations__ = {
        "node": StringProperty(description="The node that this group stands for, or nothing"),
        "plate": _path("Plate", PLATE.knob("pattern").help),
        "colorspace": StringProperty(
            name="Color Space",
            description=PLATE.knob("colorspace").help.rstrip("."),
            search=_spaces,
            search_options={"SUGGESTION"},
        ),
        "frames": StringProperty(name="Frames", description=PLATE.knob("frames").help.rstrip(".")),
        "movie_start": IntProperty(
            name="Movie Start",
            description="Scene frame of a movie's first frame",
            default=1,
            options=set(),
        ),
        "actor": _path("Actor", ACTOR_SOURCE.knob("file").help),
        "track": _path("Track", "A solved track; the analysis is skipped"),
        "matte_in": StringProperty(
            name="Matte", description="A hand-made matte as FILE:LAYER; it wins over ours"
        ),
        "mask": PointerProperty(
            name="Mask",
            description="A mask drawn in Blender; it wins over our matte",
            type=bpy.types.Mask,
        ),
        "face_by": EnumProperty(
            name="Face",
            description="Which face of the plate",
            items=[
                ("index", "Number", "0 is the largest face of the shot"),
                ("at", "Point", "The face at a point"),
                ("reference", "Picture", "The face that looks like a picture"),
                ("all", "All", "All faces"),
            ],
            options=set(),
        ),
        "face_index": IntProperty(name="Number", min=0, options=set()),
        "face_at": FloatVectorProperty(
            name="Point",
            description="Pixels of the plate from the top left",
            size=2,
            options=set(),
        ),
        "reference": _path("Picture", "A picture of the person"),
        "shot": StringProperty(
            name="Shot", description="The shot's name, which consent goes by; else the output's"
        ),
        "output": _path("Output", "Frames to write, as //comp.%04d.exr; else beside the file"),
        "draft": BoolProperty(
            name="Draft", description="Burn a mark in; needs no consent", options=set()
        ),
        "result": StringProperty(description="Frames that were rendered, or the track, or report"),
        "rendered": StringProperty(description="Which frames these are"),
        "analysed_with": StringProperty(description="What the analysis depended on"),
        "shift": IntProperty(description="Number of a frame's file less its scene frame"),
        "error": StringProperty(description="What went wrong last, or nothing"),
        "hint": StringProperty(description="What to do about it"),
        **{name: made for knob in _knobs() for name, made in properties_of(knob).items()},
    }


def face_choice(settings: Any) -> FaceChoice:
    """Return which face the settings choose."""
    if settings.face_by == "at":
        return FaceChoice(at=(shortest(settings.face_at[0]), shortest(settings.face_at[1])))
    if settings.face_by == "reference":
        return FaceChoice(reference=bpy.path.abspath(settings.reference))
    return (
        FaceChoice(every=True)
        if settings.face_by == "all"
        else FaceChoice(index=settings.face_index)
    )


def knob_values(settings: Any, node: Node, number_of: Callable[[int], int]) -> dict[str, object]:
    """Return the knobs that a node's settings hold, animation curves as keys.

    Args:
        settings: a `FaceplateSettings`.
        node: whose knobs.
        number_of: scene frame to the plate's frame number.

    Raises:
        KnobError: a knob is driven, which has no keys.
    """
    return {knob.name: _value(settings, knob, number_of) for knob in node.knobs}


def _value(settings: Any, knob: Knob, number_of: Callable[[int], int]) -> object:
    value = getattr(settings, knob.name)
    if isinstance(knob, ListKnob):
        return tuple(word for word in knob.choices if word in value)
    if not isinstance(knob, NumberKnob):
        return value
    if knob.words and getattr(settings, word_property(knob)) != NUMBER:
        return getattr(settings, word_property(knob))
    curve = _curve(settings, knob)
    return shortest(value) if curve is None else _keys(curve, knob, number_of)


def _curve(settings: Any, knob: NumberKnob) -> Any:
    owner, path = settings.id_data, settings.path_from_id(knob.name)
    data = owner.animation_data
    if data is not None and any(driver.data_path == path for driver in data.drivers):
        raise KnobError(knob.name, "driven", f"{knob.wanted}: bake the driver into keys")
    for curve in compat.fcurves(owner):
        if curve.data_path == path and not curve.mute and len(curve.keyframe_points):
            return curve
    return None


def _keys(curve: Any, knob: NumberKnob, number_of: Callable[[int], int]) -> dict[int, float]:
    """Return a curve as keys: its own where these say all, else one for each frame."""
    points = list(curve.keyframe_points)
    straight = all(point.interpolation == "LINEAR" for point in points[:-1])
    on_frames = all(float(point.co[0]).is_integer() for point in points)
    if straight and on_frames and not len(curve.modifiers):
        pairs = [(int(point.co[0]), point.co[1]) for point in points]
    else:
        frames = range(floor(points[0].co[0]), ceil(points[-1].co[0]) + 1)
        pairs = [(frame, curve.evaluate(frame)) for frame in frames]
    return {
        number_of(frame): shortest(min(max(value, knob.low), knob.high)) for frame, value in pairs
    }


def shortest(value: float) -> float:
    """Return the number with the fewest digits that is the same in single precision.

    Blender keeps 0.3 as 0.30000001192092896; a job must say what was typed.

    >>> shortest(0.30000001192092896), shortest(12.0)
    (0.3, 12.0)
    """
    single = struct.pack("f", value)
    digits = (float(f"{value:.{count}g}") for count in range(1, 9))
    return next((short for short in digits if struct.pack("f", short) == single), value)


def draw_knobs(
    layout: Any, settings: Any, node: Node, *, skip: frozenset[str] = frozenset()
) -> None:
    """Draw a node's knobs, in its own order, but for those that are settled.

    What only the method fsgan uses is grey under another one.
    """
    for knob in node.knobs:
        if knob.name in skip:
            continue
        row = layout
        if knob.name in DRAWN_KNOBS and METHOD in node.knobs:
            row = layout.row()
            row.active = settings.method == "fsgan"
        if isinstance(knob, NumberKnob) and knob.words:
            choice = word_property(knob)
            row.prop(settings, choice)
            if getattr(settings, choice) == NUMBER:
                row.prop(settings, knob.name, text=knob.unit.title() or " ")
        elif isinstance(knob, ListKnob):
            row = layout.row()
            row.label(text=label_of(knob.name))
            column = row.column(align=True)
            column.use_property_split = False  # with it, Blender puts all words into one row
            column.prop(settings, knob.name)
        else:
            row.prop(settings, knob.name)
