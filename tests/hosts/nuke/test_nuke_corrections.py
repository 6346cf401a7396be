"""What an artist moves in an exported node comes back: that alone, and what cannot is said."""

from __future__ import annotations

import doctest
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nuke
import numpy as np
import pytest
from nk_script import split_list

from faceplate.core.errors import FaceplateError, InputError
from faceplate.core.exports import POINTS, TRACKED, tracker_text
from faceplate.core.face import FaceObservation, HeadPose, Origin
from faceplate.core.frame import Window
from faceplate.core.keyed import read_corrections as engine_reads
from faceplate.core.track import FaceTrack
from faceplate.nodes import NODES
from faceplate.plugin.nuke import buttons, corrections, exported, menus, nkread, pipes
from faceplate.plugin.nuke.session import Task
from faceplate.plugin.nuke.wiring import analysis_of, order_of

WIDTH, HEIGHT = 640, 360
FRAMES = range(1001, 1013)


class Engine:
    """Stands for the session: does what the engine does with a track's points, and no more."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.fails = False
        self.asked: dict[int, Any] = {}
        """What the last request told the engine to correct, as the engine itself reads it."""

    def start(self, task: Task) -> None:
        self.tasks.append(task)
        said = task.params.get("corrections")
        self.asked = {} if said is None else dict(engine_reads(Path(said)))
        if not self.fails:
            answer = {"out": task.params["out"], "faces": []}
            task.finish(nuke.toNode(task.node), answer)


def place(name: str, frame: int) -> tuple[float, float]:
    """Where a point is, from the top left; no two points, no two frames alike."""
    index = list(POINTS.values()).index(POINTS[name])
    return 100.0 + 3.0 * index + 0.25 * (frame - 1001), 50.0 + 2.0 * index


def write_track(track: Path, place: Callable[[str, int], tuple[float, float]] = place) -> None:
    """Write what the engine writes beside a track: points and a Tracker."""
    track.parent.mkdir(parents=True, exist_ok=True)
    track.write_text("")
    names = {name: {str(n): place(name, n) for n in FRAMES} for name in POINTS}
    found = {"version": 1, "width": WIDTH, "height": HEIGHT}
    content = {**found, "faces": [{"index": 0, "points": names}]}
    track.with_suffix(".points.json").write_text(json.dumps(content, sort_keys=True))
    observations = {}
    for number in FRAMES:
        mesh = np.zeros((478, 3), np.float32)
        for name, point in POINTS.items():
            mesh[point, :2] = place(name, number)
        observations[number] = FaceObservation(
            number=number,
            box=(0.0, 0.0, 1.0, 1.0),
            mesh=mesh,
            pose=HeadPose(0.0, 0.0, 0.0),
            expression=np.zeros(52, np.float32),
            embedding=np.zeros(128, np.float32),
            skin=np.zeros(6, np.float32),
            noise=np.zeros(3, np.float32),
            sharpness=0.0,
            confidence=1.0,
            origin=Origin.SEEN,
        )
    text = tracker_text(FaceTrack(0, observations), Window(0, 0, WIDTH, HEIGHT))
    track.with_suffix(".face0.nk").write_text(text)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    found = Engine()
    monkeypatch.setattr(buttons, "session", lambda: found)
    return found


@pytest.fixture
def node(engine: Engine, tmp_path: Path) -> Any:
    """A FaceTrack that is analysed."""
    state = nuke.reset()
    state.root["name"].setValue(str(tmp_path / "comp.nk"))
    state.root["first_frame"].setValue(FRAMES[0])
    state.root["last_frame"].setValue(FRAMES[-1])
    read = nuke.nodes.Read()
    read["file"].setValue("/shots/sc01/plate.%04d.exr")
    read.picture = nuke.Format((WIDTH, HEIGHT))
    read.setSelected(True)
    made = add("FaceTrack")
    write_track(Path(analysis_of(made).track))
    made["analyse"].execute()
    made.setSelected(False)
    return made


def add(kind: str) -> Any:
    menus.add(next(definition for definition in NODES if definition.name == kind))
    made = nuke.toNode(f"{kind}1")
    made.setInput(0, nuke.toNode("Read1"))
    return made


def move(tracker: Any, name: str, frame: int, by: tuple[float, float]) -> None:
    """Move a key of a Tracker as an artist does; Nuke writes the whole table anew."""
    edit_row(tracker, name, lambda row: [*row[:2], *moved_cells(row[2:4], frame, by), *row[4:]])


def moved_cells(cells: list[str], frame: int, by: tuple[float, float]) -> list[str]:
    result = []
    for cell, part in zip(cells, by, strict=True):
        values = [float(word) for word in cell.split() if word[0] in "-0123456789"]
        points = dict(zip(FRAMES, values, strict=True))
        points[frame] += part
        result.append("curve L " + " ".join(f"x{n} {v!r} l" for n, v in points.items()))
    return result


def edit_row(tracker: Any, name: str, change: Callable[[list[str]], list[str]]) -> None:
    size, columns, rows = split_list(tracker["tracks"].value())
    table = [split_list(row) for row in split_list(rows)]
    edited = [change(row) if row[1] == name else row for row in table]
    text = "\n".join("{ " + " ".join(f"{{{cell}}}" for cell in row) + " }" for row in edited)
    tracker["tracks"].setValue(f"{{ {size} }}\n{{ {columns} }}\n{{\n{text}\n}}")


def export(node: Any, button: str) -> Any:
    before = {made.fullName() for made in nuke.allNodes()}
    node[button].execute()
    (made,) = (made for made in nuke.allNodes() if made.fullName() not in before)
    made.setSelected(False)
    return made


def message_of(node: Any) -> str:
    return str(node["message"].value())


# --- what comes back ------------------------------------------------------------------------------


def test_a_moved_key_of_a_tracker_comes_back_alone(node: Any, engine: Engine) -> None:
    tracker = export(node, "make_tracker")

    move(tracker, "nose_tip", 1004, (4.0, -1.5))
    node["take_corrections"].execute()

    x, y = place("nose_tip", 1004)
    ((point, places),) = engine.asked[0].items()
    assert (point, list(places)) == (POINTS["nose_tip"], [1004])
    # Nuke's y goes up.
    assert places[1004] == pytest.approx((x + 4.0, y + 1.5), abs=1e-3)
    assert message_of(node).endswith("Corrected by hand: 1 point in 1 frame.")


def test_nothing_comes_back_of_what_was_not_touched(node: Any, engine: Engine) -> None:
    names = [export(node, f"make_{what}").name() for what in ("tracker", "corner_pin", "roto")]

    node["take_corrections"].execute()

    assert names == ["Faceplate_face0", "Faceplate_pin0", "Faceplate_roto0"]
    assert message_of(node) == f"Nothing was moved in {', '.join(names)}."
    assert [task.method for task in engine.tasks] == ["analyse"]


def test_pin_and_roto_come_back_too(node: Any, engine: Engine) -> None:
    pin, roto = export(node, "make_corner_pin"), export(node, "make_roto")
    x, y = place("mouth_left", 1002)

    pin["to2"].setValueAt(x + 2.0, 1002, 0)
    (shape,) = roto["curves"].rootLayer
    ox, oy = place("outline_07", 1003)
    shape[7].center.addPositionKey(1003, (ox, HEIGHT - oy + 5.0))
    node["take_corrections"].execute()

    assert engine.asked[0] == {
        POINTS["mouth_left"]: {1002: pytest.approx((x + 2.0, y))},
        POINTS["outline_07"]: {1003: pytest.approx((ox, oy - 5.0))},
    }


def test_a_shape_that_was_moved_as_a_whole_in_one_frame_comes_back_there(
    node: Any, engine: Engine
) -> None:
    roto = export(node, "make_roto")
    (shape,) = roto["curves"].rootLayer
    shape.transform.at[1005.0] = nuke._CTransform(translation=nuke._CVec3(3.0, 2.0, 0.0))

    node["take_corrections"].execute()

    found = engine.asked[0]
    assert {frame for places in found.values() for frame in places} == {1005}
    assert len(found) == 36
    x, y = place("outline_11", 1005)
    assert found[POINTS["outline_11"]][1005] == pytest.approx((x + 3.0, y - 2.0))


def test_a_second_export_adds_to_the_first_and_the_old_one_pulls_nothing_back(
    node: Any, engine: Engine
) -> None:
    first = export(node, "make_tracker")
    move(first, "chin", 1003, (0.0, 6.0))
    node["take_corrections"].execute()
    # The engine fades a correction out: the frames around it are elsewhere now.
    write_track(
        Path(node["analysed"].value()),
        lambda name, n: (place(name, n)[0], place(name, n)[1] + 3.0 * (1002 <= n <= 1004)),
    )

    node["take_corrections"].execute()
    assert message_of(node).startswith("Nothing was moved in Faceplate_face0.")
    second = export(node, "make_tracker")
    move(second, "chin", 1010, (1.0, 0.0))
    node["take_corrections"].execute()

    assert {POINTS["chin"]: [1003, 1010]} == {p: sorted(at) for p, at in engine.asked[0].items()}


def test_a_key_that_is_put_back_is_corrected_no_more(node: Any, engine: Engine) -> None:
    tracker = export(node, "make_tracker")
    move(tracker, "chin", 1003, (0.0, 6.0))
    move_back = tracker["tracks"].value()
    move(tracker, "nose_tip", 1004, (0.0, 6.0))
    node["take_corrections"].execute()
    assert len(engine.asked[0]) == 2

    tracker["tracks"].setValue(move_back)
    node["take_corrections"].execute()
    assert list(engine.asked[0]) == [POINTS["chin"]]
    move(tracker, "chin", 1003, (0.0, -6.0))
    node["take_corrections"].execute()

    assert engine.asked == {}
    assert not list(Path(node["analysed"].value()).parent.glob("*.corrections*"))
    assert message_of(node).endswith("No point is corrected any more.")


def test_a_later_analysis_keeps_the_corrections_until_they_are_dropped(
    node: Any, engine: Engine
) -> None:
    tracker = export(node, "make_tracker")
    move(tracker, "chin", 1003, (0.0, 6.0))
    node["take_corrections"].execute()

    node["analyse"].execute()
    assert list(engine.asked[0]) == [POINTS["chin"]]
    node["drop_corrections"].execute()
    assert engine.asked == {}
    node["analyse"].execute()
    assert engine.asked == {}
    node["drop_corrections"].execute()
    assert message_of(node) == "FaceTrack1 has no corrections."
    node["take_corrections"].execute()

    assert list(engine.asked[0]) == [POINTS["chin"]], "what stands in the Tracker can be taken anew"


def test_what_the_engine_could_not_follow_is_not_kept(node: Any, engine: Engine) -> None:
    tracker = export(node, "make_tracker")
    move(tracker, "chin", 1003, (0.0, 6.0))
    engine.fails = True

    node["take_corrections"].execute()

    assert not corrections.corrections_file(node["analysed"].value()).exists()
    engine.fails = False
    node["take_corrections"].execute()
    assert list(engine.asked[0]) == [POINTS["chin"]]


def test_a_track_that_is_switched_off_or_has_lost_its_key_says_nothing(
    node: Any, engine: Engine
) -> None:
    tracker = export(node, "make_tracker")
    move(tracker, "chin", 1003, (0.0, 6.0))
    move(tracker, "nose_tip", 1004, (0.0, 6.0))
    edit_row(tracker, "chin", lambda row: ["curve K x1001 1 x1003 0", *row[1:]])
    edit_row(tracker, "forehead", lambda row: [*row[:2], "curve x1001 9 x1002", "9", *row[4:]])

    node["take_corrections"].execute()

    assert list(engine.asked[0]) == [POINTS["nose_tip"]]


def test_keys_in_frames_without_the_face_are_named_and_left_out(node: Any, engine: Engine) -> None:
    pin = export(node, "make_corner_pin")
    for frame in (1050, 1051):
        for part in (0, 1):
            pin["to1"].setValueAt(5.0, frame, part)

    node["take_corrections"].execute()

    assert message_of(node).endswith("Keys in frames without the face were left out: 1050-1051.")
    assert len(engine.tasks) == 1


def test_the_selected_ones_are_taken_and_the_others_wait(node: Any, engine: Engine) -> None:
    tracker, pin = export(node, "make_tracker"), export(node, "make_corner_pin")
    move(tracker, "chin", 1003, (0.0, 6.0))
    pin["to1"].setValueAt(5.0, 1004, 0)
    pin.setSelected(True)

    node["take_corrections"].execute()

    assert list(engine.asked[0]) == [POINTS["mouth_right"]]


def test_a_swap_goes_by_its_own_track_once_that_is_corrected(node: Any, engine: Engine) -> None:
    nuke.toNode("Read1").setSelected(True)
    swap = add("FaceSwap")
    swap["actor_file"].setValue("/actors/ana.actor")
    write_track(Path(analysis_of(swap).track))
    swap["analyse"].execute()
    for one in nuke.selectedNodes():
        one.setSelected(False)
    assert order_of(swap).job.track is None
    tracker = export(swap, "make_tracker")
    move(tracker, "chin", 1003, (0.0, 6.0))

    swap["take_corrections"].execute()

    assert order_of(swap).job.track == swap["analysed"].value()
    swap["smoothing"].setValue(0.5)
    with pytest.raises(InputError, match="has corrections, and was analysed with another plate"):
        order_of(swap)


def test_a_swap_behind_a_track_exports_that_track_and_sends_corrections_there(
    node: Any, engine: Engine
) -> None:
    nuke.toNode("Read1").setSelected(True)
    swap = add("FaceSwap")
    swap.setInput(2, node)

    tracker = export(swap, "make_tracker")
    swap["take_corrections"].execute()

    assert message_of(swap) == "FaceSwap1 goes by the track of FaceTrack1. Press its buttons."
    found = exported.mark_of(tracker)
    assert found is not None and found.track == node["analysed"].value()


def test_a_swap_of_a_swaps_result_goes_by_a_track_of_its_own(node: Any) -> None:
    first, blend = add("FaceSwap"), add("FaceBlend")
    first.setInput(2, node)
    blend.setInput(0, first)
    assert pipes.tracked_by(first) is node
    assert pipes.tracked_by(blend) is blend

    reenact = add("FaceReenact")
    reenact.setInput(1, node)
    blend.setInput(1, reenact)

    assert pipes.tracked_by(blend) is node


# --- what cannot be taken -------------------------------------------------------------------------


def of_another_shot(node: Any, tracker: Any) -> None:
    tracker["faceplate_track"].setValue("/shots/sc02/FaceTrack1.track")
    tracker.setSelected(True)


def of_somebody_else(node: Any, tracker: Any) -> None:
    nuke.nodes.Roto().setSelected(True)


def gone(node: Any, tracker: Any) -> None:
    nuke.delete(tracker)


def without_a_column(node: Any, tracker: Any) -> None:
    size, columns, rows = split_list(tracker["tracks"].value())
    kept = [f"{{{column}}}" for column in split_list(columns) if "track_y" not in column.split()]
    tracker["tracks"].setValue(f"{{ {size} }} {{ {' '.join(kept)} }} {{ {rows} }}")


def with_a_short_row(node: Any, tracker: Any) -> None:
    edit_row(tracker, "chin", lambda row: row[:30])


def with_an_expression(node: Any, tracker: Any) -> None:
    edit_row(tracker, "chin", lambda row: [*row[:2], "parent.Other.tracks.1.track_x", *row[3:]])


def with_an_expression_over_keys(node: Any, tracker: Any) -> None:
    edit_row(tracker, "chin", lambda row: [*row[:2], '"curve + 2" x1001 5', *row[3:]])


def without_what_was_exported(node: Any, tracker: Any) -> None:
    Path(tracker["faceplate_points"].value()).unlink()


def another_plate(node: Any, tracker: Any) -> None:
    nuke.toNode("Read1")["file"].setValue("/shots/sc02/plate.%04d.exr")


def other_knobs(node: Any, tracker: Any) -> None:
    node["smoothing"].setValue(0.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (of_another_shot, "is of another shot: it came from /shots/sc02/FaceTrack1.track"),
        (of_somebody_else, "Roto1 was not made by one of Faceplate's export buttons."),
        (gone, "There is no Tracker, Corner pin or Roto of this track"),
        (without_a_column, "Faceplate_face0 has a table without the column track_y. Undo that"),
        (with_a_short_row, "Faceplate_face0 has a row of 30 cells under 31 columns."),
        (
            with_an_expression,
            "the expression 'parent.Other.tracks.1.track_x' in place of keys of chin.",
        ),
        (with_an_expression_over_keys, "the expression '\"curve + 2\" x1001 5' in place of keys"),
        (without_what_was_exported, "Export Faceplate_face0 again."),
        (another_plate, "is not analysed with this plate and these knobs. Press its Analyse"),
        (other_knobs, "is not analysed with this plate and these knobs. Press its Analyse"),
    ],
)
def test_a_tracker_that_cannot_be_taken_is_refused_in_words(
    node: Any, engine: Engine, change: Callable[[Any, Any], None], said: str
) -> None:
    tracker = export(node, "make_tracker")
    change(node, tracker)

    node["take_corrections"].execute()

    assert said in message_of(node)
    assert (node["status"].value(), len(engine.tasks)) == ("error", 1)


def a_point_less(shape: Any) -> None:
    shape.remove(3)


def another_name(shape: Any) -> None:
    shape.name = "mine"


def an_expression(shape: Any) -> None:
    shape[2].center.curves[1].useExpression = True


def turned(shape: Any) -> None:
    shape.transform.at[1002.0] = nuke._CTransform(rotation=nuke._CVec3(0.0, 0.0, 5.0))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (a_point_less, "Faceplate_roto0 has 35 points in face0 where 36 were exported."),
        (another_name, "Faceplate_roto0 has 0 shapes called face0 where one was exported."),
        (an_expression, "an expression in place of keys of point 3."),
        (turned, "face0 turned, scaled or skewed as a whole in frame 1002."),
    ],
)
def test_a_roto_that_cannot_be_taken_is_refused_in_words(
    node: Any, engine: Engine, change: Callable[[Any], None], said: str
) -> None:
    (shape,) = export(node, "make_roto")["curves"].rootLayer
    change(shape)

    node["take_corrections"].execute()

    assert said in message_of(node)
    assert len(engine.tasks) == 1


def test_a_pin_with_an_expression_is_refused_in_words(node: Any, engine: Engine) -> None:
    pin = export(node, "make_corner_pin")
    pin["to3"].setExpression("frame", 1)

    node["take_corrections"].execute()

    assert "Faceplate_pin0 has an expression in place of keys of to3." in message_of(node)


def test_two_nodes_that_disagree_are_refused_in_words(node: Any, engine: Engine) -> None:
    tracker, pin = export(node, "make_tracker"), export(node, "make_corner_pin")
    move(tracker, "mouth_left", 1002, (4.0, 0.0))
    pin["to2"].setValueAt(5.0, 1002, 0)

    node["take_corrections"].execute()

    assert message_of(node) == (
        "Faceplate_face0 and Faceplate_pin0 place mouth_left differently in frame 1002. "
        "Select the one to take."
    )


def test_corrections_of_another_plate_are_not_used_for_this_one(node: Any, engine: Engine) -> None:
    tracker = export(node, "make_tracker")
    move(tracker, "chin", 1003, (0.0, 6.0))
    node["take_corrections"].execute()
    another_plate(node, tracker)

    node["analyse"].execute()

    assert "are of another plate (/shots/sc01/plate.%04d.exr Read1" in message_of(node)
    assert len(engine.tasks) == 2
    node["drop_corrections"].execute()
    node["analyse"].execute()
    assert node["status"].value() == "analysed"


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [nkread, corrections])
def test_examples_in_docstrings_run(module: Any) -> None:
    result = doctest.testmod(module)

    assert result.attempted and not result.failed


@pytest.mark.parametrize("seed", range(20))
def test_any_curve_that_nuke_may_write_reads_back(seed: int) -> None:
    chance = random.Random(seed)
    keys = {
        chance.randrange(-50, 1200): round(chance.uniform(-5000, 5000), 4)
        for _ in range(chance.randrange(1, 40))
    }
    words = ["curve", *chance.choice(([], ["i"], ["K"], ["L"], ["C"]))]
    last = None
    for frame in sorted(keys):
        if last is None or frame != last + 1 or chance.random() < 0.2:
            words.append(f"x{frame}")
        words.append(chance.choice((repr(keys[frame]), f"{keys[frame]:.6e}")))
        words += chance.choice(([], ["l"], ["s0"], ["s-1.5e-3", "t0.25"], ["u1", "v0.5"]))
        last = frame

    found = nkread.read_curve(" ".join(words))

    assert found == pytest.approx(keys, abs=1e-2)
    assert list(found) == sorted(keys)


@pytest.mark.parametrize("text", ["frame", '"curve" + 1', "curve x1 abc", "{curve x1 5}", "curve)"])
def test_what_is_no_curve_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expression|word"):
        nkread.read_curve(text)


@pytest.mark.parametrize(
    "text", ["", "a {b", '"open', "{ {1 31 0} {} }", "{1 31 0} {{1 2}} {}", "{} {} {} {}"]
)
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="table|open"):
        nkread.read_tracks(text, ["chin"])


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_table_reads_with_or_without_braces_around_it(wrapped: bool, tmp_path: Path) -> None:
    write_track(tmp_path / "a.track")
    text = (tmp_path / "a.face0.nk").read_text()
    table = text[text.index(" tracks {") + 9 : text.index("}\n name ")]

    rows = nkread.read_tracks(f"{{ {table} }}" if wrapped else table, list(TRACKED))

    assert list(rows) == list(TRACKED)
    assert rows["chin"].places[1003] == pytest.approx(
        (place("chin", 1003)[0], HEIGHT - place("chin", 1003)[1])
    )


def test_a_file_that_is_no_corrections_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.corrections.json"
    for text in ("", "[]", '{"faces": [{"index": 0, "points": {"chin": {"x": [1, 2]}}}]}'):
        path.write_text(text)
        with pytest.raises(FaceplateError, match="cannot be read"):
            corrections.read_corrections(path, "plate")
