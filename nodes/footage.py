"""Footage in and out: `Plate`, `ActorSource`, and what the result is called."""

from __future__ import annotations

from faceplate.nodes.node import ChoiceKnob, Kind, Knob, ListKnob, Node, Port, TextKnob

LAYERS = ("comp", "face", "raw", "matte", "st", "motion", "confidence")

LAYERS_KNOB: Knob = ListKnob(
    "layers",
    default=("comp", "face", "matte"),
    choices=LAYERS,
    help="Layers of the written frames; matte stands for all five mattes.",
)

COMPRESSION_KNOB: Knob = ChoiceKnob(
    "compression",
    default="zip",
    choices=("zip", "zips", "piz", "rle", "no"),
    help="Compression of the written EXR.",
)

PLATE = Node(
    name="Plate",
    summary="Name the footage whose face is replaced.",
    inputs=(),
    outputs=(Port("plate", Kind.IMAGE),),
    knobs=(
        TextKnob("pattern", "", help="Frames as plate.%04d.exr, a movie, or a still."),
        TextKnob("colorspace", "", help="Colour space; empty finds it out from the file."),
        TextKnob("frames", "", help="Frames to render, as 1001-1100; empty means all."),
    ),
)

ACTOR_SOURCE = Node(
    name="ActorSource",
    summary="Name the performer whose face is put onto the plate.",
    inputs=(),
    outputs=(Port("actor", Kind.ACTOR),),
    knobs=(TextKnob("file", "", help="The .actor file; or a picture, for a draft."),),
)
