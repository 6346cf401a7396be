"""Every group is script text that Nuke reads, says what its node says, and needs no plug-in."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from nk_script import Node as Read
from nk_script import ScriptError, Stage, read_plainly, read_with_tcl, split_list

from faceplate.nodes import NODES
from faceplate.nodes.node import ChoiceKnob, IntegerKnob, ListKnob, Node, NumberKnob
from faceplate.plugin.nuke import knobs, nktext
from faceplate.plugin.nuke.group import LAYERS, group_text, write_groups
from faceplate.plugin.nuke.panel import FACES, RENDERED, SHOWN, Button

GROUPS = Path(nktext.__file__).with_name("groups")
BY_NAME = pytest.mark.parametrize("node", NODES, ids=lambda node: node.name)


def tcl(text: str) -> Stage:
    pytest.importorskip("tkinter", reason="no tkinter here: THE TCL READER OF .nk DOES NOT RUN")
    return read_with_tcl(text)


def group_of(text: str) -> Read:
    (group,) = read_plainly(text).nodes
    return group


@BY_NAME
def test_tcl_reads_every_group_and_finds_what_the_plain_reader_finds(node: Node) -> None:
    text = (GROUPS / f"{node.name}.nk").read_text(encoding="utf-8")

    stage, plain = tcl(text), read_plainly(text)

    assert stage.nodes == plain.nodes
    assert stage.layers == plain.layers
    (group,) = stage.nodes
    assert (group.kind, group.knobs["faceplate_node"]) == ("Group", node.name)


@pytest.mark.parametrize(
    ("damage", "by"),
    [
        ("}\n", ""),
        ("push $NShow", "push $NSho"),
        ("inputs 4", "inputs 99"),
        ("Output {", "Outpt {"),
        ("addUserKnob {20 ", "addUserKnob {99 "),
        ("name Preview", "name Result"),
        ("set Nplate [stack 0]", "set Nplate [exec touch planted]"),
    ],
)
@pytest.mark.parametrize("read", [tcl, read_plainly], ids=["tcl", "plain"])
def test_both_readers_refuse_a_damaged_group(
    damage: str, by: str, read: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (GROUPS / "FaceSwap.nk").read_text(encoding="utf-8")
    assert damage in text

    with pytest.raises((ScriptError, KeyError)):
        _ = read(text.replace(damage, by, 1)).nodes  # type: ignore[operator]

    assert not (tmp_path / "planted").exists()


def test_the_files_are_what_the_nodes_say(tmp_path: Path) -> None:
    written = {path.name: path.read_bytes() for path in write_groups(tmp_path)}

    kept = {path.name: path.read_bytes() for path in GROUPS.glob("*")}

    assert kept == written, "run: python -m faceplate.plugin.nuke.group"


@BY_NAME
def test_a_new_group_holds_the_defaults_of_its_node(node: Node) -> None:
    group = group_of(group_text(node))

    for knob in node.knobs:
        if isinstance(knob, ListKnob):
            boxes = [name for name in knob.choices if f"layers_{name}" in group.knobs]
            assert tuple(boxes) == knob.default
            assert all(group.user[f"layers_{name}"][0] == "6" for name in knob.choices)
            continue
        definition, value = group.user[knob.name], group.knobs.get(knob.name)
        if isinstance(knob, NumberKnob):
            for word in knob.words:
                assert (group.knobs.get(f"{knob.name}_{word}") == "true") == (knob.default == word)
            number = knob.default if isinstance(knob.default, float) else 0.0
            assert (definition[0], float(value or 0)) == ("7", number)
            ends = definition[definition.index("R") + 1 :][:2]
            assert [float(end) for end in ends] == [knob.low, knob.high]
        elif isinstance(knob, IntegerKnob):
            assert (definition[0], int(value or 0)) == ("3", knob.default)
        elif isinstance(knob, ChoiceKnob):
            choices = split_list(definition[definition.index("M") + 1])
            assert (definition[0], tuple(choices)) == ("4", knob.choices)
            assert (value or choices[0]) == knob.default
        assert knob.help in definition[definition.index("t") + 1]


@BY_NAME
def test_pipes_stand_in_the_order_of_the_nodes_ports(node: Node) -> None:
    inside = group_of(group_text(node)).inside

    pipes = {int(n.knobs["number"]): n.name for n in inside if n.kind == "Input"}

    names = [port.name for port in node.inputs]
    assert [pipes[number] for number in range(len(names))] == names
    assert sorted(pipes) == list(range(len(pipes)))


@pytest.mark.parametrize("node", RENDERED, ids=lambda node: node.name)
def test_without_the_plug_in_a_group_reads_frames_raw_and_stops_where_one_is_missing(
    node: Node,
) -> None:
    group = group_of(group_text(node))

    show = next(n for n in group.inside if n.kind == "Output").inputs[0]
    assert show is not None
    plate, mixed, preview, *rest = show.inputs
    assert (show.kind, show.knobs["which"]) == ("Switch", "{parent.show}")
    assert plate is group.node("plate")
    assert mixed is not None
    assert mixed.inputs == [group.node("Result"), plate]
    assert (mixed.knobs["operation"], mixed.knobs["mix"]) == ("copy", "{1-parent.opacity}")
    assert preview is group.node("Preview")
    assert len(rest) == len(SHOWN) - 3 or node.name == "FaceMatte"
    for name in ("Result", "Preview"):
        knobs = group.node(name).knobs
        assert (knobs["raw"], knobs["on_error"], knobs["file_type"]) == ("true", "error", "exr")
    assert group.node("PlateOut").knobs["disable"] == "true"


def test_the_map_takes_its_coordinates_from_the_st_layer() -> None:
    group = group_of((GROUPS / "FaceSwap.nk").read_text(encoding="utf-8"))

    moved = group.node("Through")

    coordinates = group.node("Coordinates")
    assert moved.inputs == [group.node("view"), coordinates]
    assert coordinates.inputs == [group.node("Result")]
    assert (coordinates.knobs["expr0"], coordinates.knobs["expr1"]) == ("st.X", "st.Y")
    assert (moved.knobs["channels"], moved.knobs["uv"]) == ("rgba", "rgb")
    assert group.node("Cut").inputs == [moved, coordinates]


def test_the_layers_are_those_of_a_turnover_frame() -> None:
    from faceplate.core.layers import CHANNELS

    long_names = {"R": "red", "G": "green", "B": "blue", "A": "alpha"}
    written = {
        f"{name.split('.')[0]}.{long_names.get(name.split('.')[1], name.split('.')[1])}"
        for channels in CHANNELS.values()
        for name in channels
    }

    stage = read_plainly((GROUPS / "FaceSwap.nk").read_text(encoding="utf-8"))

    assert {channel for channels in stage.layers.values() for channel in channels} == written
    assert list(stage.layers) == [name for name, _ in LAYERS]


class Messages:
    """Stands for Nuke where a button is pressed and the plug-in is not there."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


@BY_NAME
def test_a_button_says_in_words_when_the_plug_in_is_missing(node: Node) -> None:
    group = group_of(group_text(node))
    buttons = [words for words in group.user.values() if words[0] == "22"]
    missing = compile("raise ImportError", "missing", "exec")

    for words in buttons:
        nuke = Messages()
        command = words[len(words) - 1 - words[::-1].index("T") + 1]
        command = command.replace("from faceplate.plugin.nuke import buttons", "exec(missing)")
        exec(command, {"nuke": nuke, "missing": missing})

        assert len(nuke.said) == 1
        assert nuke.said[0].startswith("Faceplate is not installed in this Nuke")
    assert buttons


def test_the_buttons_are_reached_first_and_every_knob_stands_under_its_title() -> None:
    user = group_of((GROUPS / "FaceSwap.nk").read_text(encoding="utf-8")).user
    order = list(user)

    first = [name for name in order if user[name][0] != "26" and "+INVISIBLE" not in user[name]]
    assert first[1:7] == ["analyse", "preview", "render", "cancel", "show", "opacity"]
    titles = {name: user[name][user[name].index("l") + 1] for name in order if "_title" in name}
    assert list(titles.values()) == ["Face", "Reenact", "Blend", "Policy", "Track", "layers"]
    under: dict[str, str] = {}
    for name in order[: order.index("output_tab")]:
        under[name] = next((t for t in reversed(order[: order.index(name)]) if t in titles), "")
    assert under["face_point"] == "face_title"
    assert under["method"] == under["mouth"] == "reenact_title"
    assert under["erode"] == under["grain"] == under["mix"] == "blend_title"
    assert under["confidence"] == under["missing"] == "policy_title"
    assert under["smoothing"] == "track_title"


def test_every_choice_of_a_face_is_on_the_panel() -> None:
    group = group_of((GROUPS / "FaceSwap.nk").read_text(encoding="utf-8"))

    words = group.user["face"]

    assert tuple(split_list(words[words.index("M") + 1])) == FACES


@pytest.mark.parametrize(
    "value", ["", "a b", 'say "x"', "[value a]", "{", "}", "$x", "back\\slash", "two\nlines", "ä"]
)
def test_any_word_reads_back_as_it_was(value: str) -> None:
    text = f"knob {nktext.word(value)}"

    assert split_list(text) == ["knob", value]
    tkinter = pytest.importorskip("tkinter", reason="no tkinter: TCL'S OWN SPLITTING IS NOT TRIED")
    assert list(tkinter.Tcl().splitlist(text)) == ["knob", value]


@pytest.mark.parametrize("module", [nktext, knobs])
def test_examples_in_docstrings_run(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]

    assert result.attempted and not result.failed


def test_a_button_names_a_function_that_is_there() -> None:
    source = (GROUPS.parent / "buttons.py").read_text(encoding="utf-8")
    every = {
        name
        for node in NODES
        for name, words in group_of(group_text(node)).user.items()
        if words[0] == "22"
    }

    assert all(f"\n@_button\ndef {name}(node: nuke.Node)" in source for name in every)
    assert Button("render", "Render", "").knob.name in every
