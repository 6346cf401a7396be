"""The panel of each node: knobs tab by tab, and buttons that say when the plug-in is missing."""

from __future__ import annotations

from dataclasses import dataclass

from faceplate.nodes.face import (
    FACE_BLEND,
    FACE_MATTE,
    FACE_QC,
    FACE_REENACT,
    FACE_SWAP,
    FACE_TRACK,
    TRAIN_IDENTITY,
)
from faceplate.nodes.footage import COMPRESSION_KNOB, PLATE
from faceplate.nodes.node import Kind, Node
from faceplate.plugin.nuke import nktext
from faceplate.plugin.nuke.knobs import user_knobs
from faceplate.plugin.nuke.nktext import UserKnob

GROUP_VERSION = 2
"""Counted up whenever a group's inside or knobs change, so that old ones can be told."""
RENDERED = (FACE_SWAP, FACE_BLEND, FACE_MATTE)
"""Nodes that have frames to show."""
KIND_KNOB, VERSION_KNOB = "faceplate_node", "faceplate_version"

SHOWN = ("plate", "result", "preview", "view through STMap")
"""What the group puts out, in the order of its switch."""
FACES = ("largest", "number", "point", "reference", "all")
"""How the face is chosen."""

_MISSING = (
    "Faceplate is not installed in this Nuke, so its buttons do nothing here. Finished frames "
    "read and render all the same. To install it: python install.py nuke"
)


@dataclass(frozen=True, slots=True)
class Button:
    """A button of the panel: a function of `faceplate.plugin.nuke.buttons` and its words."""

    function: str
    label: str
    tooltip: str
    first: bool = False

    @property
    def knob(self) -> UserKnob:
        """The button as a knob; it says in words when the plug-in is missing."""
        command = (
            "try:\n"
            "    from faceplate.plugin.nuke import buttons\n"
            "except ImportError:\n"
            f"    nuke.message('{_MISSING}')\n"
            "else:\n"
            f"    buttons.{self.function}(nuke.thisNode())"
        )
        extra = ("T", nktext.word(command))
        return UserKnob(
            nktext.BUTTON, self.function, self.label, self.tooltip, None, extra, self.first
        )


ANALYSE = Button("analyse", "Analyse", "Find and follow the faces of the whole plate.", True)
PREVIEW = Button("preview", "Preview frame", "Make the frame that is shown, and show it.")
RENDER = Button("render", "Render", "Make all frames; finished ones are left alone.")
TRAIN = Button(
    "train", "Train", "Teach the networks this actor's face; what draws it then need not.", True
)
CANCEL_TRAINING = Button("cancel", "Cancel", "Stop between two steps; nothing is kept.")
MEASURE = Button("measure", "Measure", "Measure the comp and write the report.", True)
OPEN_REPORT = Button("open_report", "Open report", "Show the last report in a web browser.")
CANCEL_MEASURING = Button("cancel", "Cancel", "Stop after the frame in hand; nothing is written.")
CANCEL = Button("cancel", "Cancel", "Stop after the frame in hand.")
UPDATE = Button("update", "Update", "Take the newest group of this node; knobs are kept.", True)
SHOT_FILE = Button(
    "write_shot_file", "Write shot file", "Write this node as a shot file, for the farm.", True
)
EXPORTS = (
    Button("make_tracker", "Tracker", "Make a Tracker with nine points of the face.", True),
    Button("make_corner_pin", "Corner pin", "Make a CornerPin2D through eyes and mouth."),
    Button("make_roto", "Roto", "Make a Roto with the outline of the face."),
)
TAKE = Button(
    "take_corrections",
    "Take corrections",
    "Let keys that you moved in these nodes win over the solve around their frames; of the "
    "selected ones, or of all.",
    True,
)
DROP = Button("drop_corrections", "Drop corrections", "Forget them, and analyse as before.")
GRADE = Button("make_grade", "Light grade", "Make a Grade that takes the raw layer to the light.")


def panel(node: Node) -> list[UserKnob]:
    """Return the knobs of a node's panel, tab by tab."""
    return [
        UserKnob(nktext.TAB, "faceplate_tab", node.name),
        UserKnob(nktext.TEXT, "message", "", extra=("T", nktext.word(node.summary))),
        *_state(node),
        *_buttons(node),
        *_shown(node),
        *_faces(node),
        *_knobs(node),
        *_delivery(node),
        *_exports(node),
        UserKnob(nktext.TAB, "about_tab", "About"),
        UserKnob(nktext.TEXT, "about", "Group", extra=("T", str(GROUP_VERSION))),
        UPDATE.knob,
    ]


def _state(node: Node) -> list[UserKnob]:
    """Return the knobs that the plug-in keeps its own notes in."""

    def note(name: str, value: str | None = None) -> UserKnob:
        return UserKnob(nktext.STRING, name, name, value=value, hidden=True)

    version = UserKnob(nktext.INTEGER, VERSION_KNOB, "version", value=GROUP_VERSION, hidden=True)
    notes = [note(KIND_KNOB, node.name), version, note("status")]
    if node in RENDERED or node is FACE_TRACK:
        notes += [note("analysed"), note("analysed_with")]
    return [*notes, note("report")] if node is FACE_QC else notes


def _faces(node: Node) -> list[UserKnob]:
    knobs = []
    if any(port.kind is Kind.ACTOR for port in node.inputs):
        knobs.append(
            UserKnob(
                nktext.FILE, "actor_file", "actor", "The .actor file, or wire an ActorSource in."
            )
        )
    if node not in (*RENDERED, FACE_QC):
        return knobs
    choices = ("M", f"{{{' '.join(FACES)}}}")
    title = "Face" if node in RENDERED else "Face, where the comp is a Read"
    return [
        *knobs,
        UserKnob(nktext.TEXT, "face_title", title),
        UserKnob(nktext.CHOICE, "face", "face", "Which face of the plate.", None, choices),
        UserKnob(nktext.INTEGER, "face_number", "number", "0 is the largest.", new_line=False),
        UserKnob(nktext.POINT, "face_point", "point", "A point inside the face."),
        UserKnob(nktext.FILE, "face_reference", "reference", "A picture of the person."),
    ]


def _knobs(node: Node) -> list[UserKnob]:
    """Return the node's own knobs, under titles: a swap has those of the nodes it stands for.

    What concerns the written frames comes later, on a tab of its own.
    """
    parts = _PARTS.get(node.name, ())
    knobs: list[UserKnob] = []
    last = ""
    for knob in node.knobs:
        if knob.name in ("seed", "layers"):
            continue
        title = next((title for title, names in parts if knob.name in names), last)
        if title != last:
            knobs.append(UserKnob(nktext.TEXT, f"{title.lower()}_title", title))
        last = title
        knobs += user_knobs(knob)
    return knobs


def _names(node: Node) -> frozenset[str]:
    return frozenset(knob.name for knob in node.knobs)


_PARTS = {
    FACE_SWAP.name: (
        ("Reenact", _names(FACE_REENACT)),
        ("Policy", frozenset({"confidence", "policy", "missing"})),
        ("Blend", _names(FACE_BLEND)),
        ("Track", _names(FACE_TRACK)),
    ),
    FACE_QC.name: (("Limits", _names(FACE_QC)),),
}
"""Node to titles on its panel, and the knobs below each."""


def _buttons(node: Node) -> list[UserKnob]:
    buttons: tuple[Button, ...] = ()
    if node is FACE_TRACK:
        buttons = (ANALYSE, CANCEL)
    elif node is TRAIN_IDENTITY:
        buttons = (TRAIN, CANCEL_TRAINING)
    elif node is FACE_QC:
        buttons = (MEASURE, OPEN_REPORT, CANCEL_MEASURING)
    elif node in RENDERED:
        buttons = (ANALYSE, PREVIEW, RENDER, CANCEL)
    return [button.knob for button in buttons]


def _shown(node: Node) -> list[UserKnob]:
    if node not in RENDERED:
        return []
    shown = SHOWN if node is not FACE_MATTE else SHOWN[:3]
    choices = ("M", f"{{{' '.join(map(nktext.word, shown))}}}")
    opacity = "Amount of the result over the plate, without rendering again."
    return [
        UserKnob(nktext.CHOICE, "show", "show", "What the node puts out.", None, choices, True),
        UserKnob(nktext.FLOAT, "opacity", "opacity", opacity, 1.0, ("R", "0", "1")),
    ]


def _delivery(node: Node) -> list[UserKnob]:
    knobs = [UserKnob(nktext.TAB, "output_tab", "Output")]
    if node is FACE_TRACK:
        where = "The .track file to write; empty: a folder beside the script."
        knobs.append(UserKnob(nktext.FILE, "output", "output", where))
    elif node in RENDERED:
        where = "Frames to write, as comp.%04d.exr; empty: a folder beside the script."
        frames = "Frames to render, as 1001-1100; empty: the script's range."
        knobs += [
            UserKnob(nktext.FILE, "output", "output", where),
            UserKnob(nktext.STRING, "frames", "frames", frames),
        ]
    elif node is FACE_QC:
        where = "The .html report to write; empty: a folder beside the script."
        frames = "Frames to measure, as 1001-1100; empty: those of the swap, or the script's range."
        knobs += [
            UserKnob(nktext.FILE, "output", "output", where),
            UserKnob(nktext.STRING, "frames", "frames", frames),
            UserKnob(
                nktext.STRING,
                "layer_prefix",
                "layer prefix",
                "Of a comp that is a Read.",
            ),
        ]
    if node in (*RENDERED, FACE_TRACK, FACE_QC):
        space = "Colour space of the plate; empty: the script's working space."
        again = "Read the plate that was written last time instead of writing it again."
        knobs += [
            UserKnob(nktext.STRING, PLATE.knob("colorspace").name, "colorspace", space),
            UserKnob(nktext.CHECK_BOX, "keep_plate", "keep written plate", again, new_line=True),
        ]
    if node in RENDERED:
        knobs += [
            *(part for knob in node.knobs if knob.name == "layers" for part in user_knobs(knob)),
            *user_knobs(COMPRESSION_KNOB),
            UserKnob(
                nktext.STRING, "layer_prefix", "layer prefix", "Put before our layers' names."
            ),
            UserKnob(nktext.STRING, "shot", "shot", "The shot's name, which consent goes by."),
            UserKnob(nktext.STRING, "matte_in", "matte in", "Hand-made matte as FILE:LAYER."),
            UserKnob(
                nktext.CHECK_BOX,
                "draft",
                "draft",
                "Burn a mark in; needs no consent.",
                new_line=True,
            ),
        ]
    seed = [part for knob in node.knobs if knob.name == "seed" for part in user_knobs(knob)]
    return [*knobs, *seed] if len(knobs) > 1 else seed


def _exports(node: Node) -> list[UserKnob]:
    if node is not FACE_TRACK and node not in (FACE_SWAP, FACE_BLEND):
        return []
    number = UserKnob(nktext.INTEGER, "export_face", "face", "Number of the face, 0 the largest.")
    knobs = [UserKnob(nktext.TAB, "export_tab", "Exports"), number]
    knobs += [button.knob for button in (*EXPORTS, TAKE, DROP)]
    return knobs if node is FACE_TRACK else [*knobs, GRADE.knob, SHOT_FILE.knob]
