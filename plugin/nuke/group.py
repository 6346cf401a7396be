"""Each node as the text of a Nuke group: a script opens and renders it where no plug-in is.

``python -m faceplate.plugin.nuke.group`` writes the files of ``groups/`` again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from faceplate.nodes import NODES
from faceplate.nodes.face import FACE_MATTE, FACE_QC, FACE_TRACK
from faceplate.nodes.footage import ACTOR_SOURCE
from faceplate.nodes.node import Node
from faceplate.plugin.nuke import nktext
from faceplate.plugin.nuke.nktext import Expression, Script
from faceplate.plugin.nuke.panel import RENDERED, panel

NUKE_VERSION = "15.0 v1"
"""Oldest Nuke that these are for: the first one with Python 3.10."""

LAYERS = (
    ("face", ("red", "green", "blue", "alpha")),
    ("raw", ("red", "green", "blue")),
    *((f"matte_{part}", ("alpha",)) for part in ("face", "hair", "occluder", "mouth", "blend")),
    ("st", ("X", "Y", "Z")),
    ("motion", ("X", "Y", "Z")),
    ("confidence", ("alpha",)),
)
"""Layers of a turnover frame under the names that Nuke's reader gives their channels."""

COORDINATES = {"expr0": "st.X", "expr1": "st.Y", "expr3": "matte_blend.alpha"}
"""Knob of the node that feeds the STMap to the channel that it takes."""
TILE = 0x36627FFF
"""Colour of a node that is well."""
_RESULT_KNOBS: dict[str, nktext.Value | Expression] = {
    "file_type": "exr",
    "raw": True,
    "on_error": "error",
}


def group_text(node: Node) -> str:
    """Return a node as script text, to be put behind what is selected."""
    script = Script()
    script.header(NUKE_VERSION)
    if node in RENDERED:
        for name, channels in LAYERS:
            script.layer(name, channels)
    knobs: dict[str, nktext.Value] = {
        "tile_color": f"0x{TILE:08x}",
        "label": "[value status]",
        "help": node.summary,
        "selected": True,
    }
    with script.group(f"{node.name}1", knobs=knobs, user=panel(node)):
        _inside(script, node)
    return script.text


def write_groups(folder: Path) -> list[Path]:
    """Write every group into a folder; return the files."""
    paths = [folder / f"{node.name}.nk" for node in NODES]
    for path, node in zip(paths, NODES, strict=True):
        path.write_text(group_text(node), encoding="utf-8", newline="\n")
    return paths


# --- the inside -----------------------------------------------------------------------------------


def _inside(script: Script, node: Node) -> None:
    """Write the nodes inside of the group, from its inputs to its output."""
    inputs = [
        script.node("Input", port.name, knobs={"number": number}, place=(110 * number, -200))
        for number, port in enumerate(node.inputs)
    ]
    if node in (*RENDERED, FACE_TRACK, FACE_QC):
        _plate_out(script, inputs[0])
    if node in RENDERED:
        end = _pictures(script, node, inputs)
    elif node is FACE_QC:
        end = inputs[1]  # the comp, so that it can stand in the stream
    elif node is ACTOR_SOURCE:
        end = script.node("Constant", "Nothing", knobs={"channels": "rgb"}, place=(0, -100))
    else:
        end = inputs[0]
    script.node("Output", "Output1", inputs=[end], place=(0, 300))


def _plate_out(script: Script, plate: str) -> None:
    """Write what makes files of a plate that is none; it is off but for that moment."""
    script.node(
        "Write",
        "PlateOut",
        inputs=[plate],
        knobs={
            "channels": "rgba",
            "file_type": "exr",
            "datatype": "32 bit float",
            "raw": True,
            "create_directories": True,
            "disable": True,
        },
        place=(-110, -100),
    )


def _pictures(script: Script, node: Node, inputs: Sequence[str]) -> str:
    """Write what reads the frames of a node, and the switch that shows them."""
    plate = inputs[0]
    result = script.node("Read", "Result", knobs=_RESULT_KNOBS, place=(110, -100))
    preview = script.node("Read", "Preview", knobs=_RESULT_KNOBS, place=(220, -100))
    # The plate's colours over the result, so that the result's layers stay.
    mixed = script.node(
        "Merge2",
        "Opacity",
        inputs=[result, plate],
        knobs={"operation": "copy", "mix": Expression("1-parent.opacity")},
        place=(110, 0),
    )
    shown = [plate, mixed, preview]
    if node is not FACE_MATTE:
        number = len(inputs)
        view = script.node("Input", "view", knobs={"number": number}, place=(110 * number, -200))
        shown.append(_through_map(script, view, result))
    switch = {"which": Expression("parent.show")}
    return script.node("Switch", "Show", inputs=shown, knobs=switch, place=(0, 200))


def _through_map(script: Script, view: str, result: str) -> str:
    """Write what puts a picture of the main view onto the plate by the STMap."""
    # By name, because a layer's letters alone do not say which is first.
    coordinates = script.node(
        "Expression",
        "Coordinates",
        inputs=[result],
        knobs={**COORDINATES, "expr2": "0"},
        place=(330, 0),
    )
    moved = script.node(
        "STMap",
        "Through",
        inputs=[view, coordinates],
        knobs={"channels": "rgba", "uv": "rgb"},
        place=(330, 80),
    )
    return script.node(
        "Merge2",
        "Cut",
        inputs=[moved, coordinates],
        knobs={"operation": "mask"},
        place=(330, 140),
    )


if __name__ == "__main__":
    write_groups(Path(__file__).with_name("groups"))
