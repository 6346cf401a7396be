"""A strict fake of Nuke drives the real engine: analyse, preview, render, error, cancel, crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nuke
import numpy as np
import onnxruntime
import pytest
from nk_script import read_plainly, split_list

from faceplate.core.demo.footage import DemoFootage, write_footage
from faceplate.core.doors import user_cache
from faceplate.core.exports import TRACKED
from faceplate.core.footage import find_footage
from faceplate.core.io.exr import read_frame
from faceplate.core.io.tracks import read_track
from faceplate.core.output import JOB_ATTRIBUTE
from faceplate.core.shots import read_shot
from faceplate.nodes import NODES
from faceplate.plugin.nuke import buttons, menus, session
from faceplate.plugin.nuke.wiring import order_of

FRAMES = 3
MANY_FRAMES = 9
PATIENCE_SECONDS = 240.0


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoFootage]:
    """Four frames of the demo, and one engine for the whole module."""
    folder = tmp_path_factory.mktemp("shot")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEPLATE_PYTHON", sys.executable)
        patch.setenv("NUMBA_CACHE_DIR", os.environ.get("NUMBA_CACHE_DIR", _numba_cache()))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("FACEPLATE_SETTINGS", str(folder / "settings.json"))
        (folder / "settings.json").write_text('{"threads": 1}')
        patch.setenv("OMP_NUM_THREADS", "2")
        session.session.cache_clear()
        yield write_footage(folder, frames=FRAMES)
        session.session().close()
        session.session.cache_clear()


def _numba_cache() -> str:
    return str(user_cache() / "numba")


@pytest.fixture
def script(shot: DemoFootage, tmp_path: Path) -> Any:
    """A saved script with a Read of the plate, selected."""
    state = nuke.reset()
    plate = find_footage(shot.plate)
    root = state.root
    root["name"].setValue(str(tmp_path / "comp.nk"))
    root["first_frame"].setValue(plate.frames.numbers[0])
    root["last_frame"].setValue(plate.frames.numbers[-1])
    state.frame = plate.frames.numbers[1]
    read = nuke.nodes.Read()
    read["file"].setValue(shot.plate)
    frame = read_frame(plate.path(state.frame), state.frame)
    read.picture = nuke.Format((frame.display.width, frame.display.height))
    read.setSelected(True)
    return state


@pytest.fixture
def long_shot(script: Any, shot: DemoFootage) -> DemoFootage:
    """The same frames three times over: long enough to be stopped on the way."""
    known = find_footage(shot.plate)
    pattern = str(Path(shot.plate).parents[1] / "long" / "plate.%04d.exr")
    Path(pattern).parent.mkdir(exist_ok=True)
    for index in range(MANY_FRAMES):
        source = known.path(known.frames.numbers[index % FRAMES])
        if not Path(pattern % (1001 + index)).exists():
            os.link(source, pattern % (1001 + index))
    nuke.toNode("Read1")["file"].setValue(pattern)
    script.root["first_frame"].setValue(1001)
    script.root["last_frame"].setValue(1000 + MANY_FRAMES)
    return replace(shot, plate=pattern)


def node_of(kind: str, shot: DemoFootage | None = None) -> Any:
    """Add one of our nodes behind the plate, as the menu does."""
    menus.add(next(node for node in NODES if node.name == kind))
    node = nuke.toNode(f"{kind}1")
    node.setInput(0, nuke.toNode("Read1"))
    if node.knob("colorspace") is not None:
        node["colorspace"].setValue("ACEScg")
    if shot is not None:
        node["actor_file"].setValue(str(Path(shot.source.replace("%04d", "0001"))))
        node["draft"].setValue(True)
    return node


def press(node: Any, button: str, *, until: str = "") -> None:
    """Press a button and let Nuke's event loop run until the node says that it is done."""
    node[button].execute()
    busy = ("analysing", "rendering", "making", "training", "measuring")
    nuke.pump(
        lambda: (
            until in node["status"].value()
            if until
            else not node["status"].value().startswith(busy)
        ),
        PATIENCE_SECONDS,
    )


def assert_same_pixels(one: Path, other: Path) -> None:
    a, b = read_frame(one, 1), read_frame(other, 1)
    assert a.channels.keys() == b.channels.keys()
    for name, plane in a.channels.items():
        assert plane.tobytes() == b.channels[name].tobytes(), name


def frames_of(shot: DemoFootage) -> tuple[int, ...]:
    return find_footage(shot.plate).frames.numbers


@pytest.mark.slow
def test_the_artist_analyses_previews_and_renders(script: Any, shot: DemoFootage) -> None:
    node = node_of("FaceSwap", shot)
    first, second, *_, last = frames_of(shot)

    press(node, "analyse")
    assert node["status"].value() == "analysed", node["message"].value()
    assert f"face 0: {FRAMES} frames" in node["message"].value()
    assert Path(node["analysed"].value()).is_file()

    press(node, "preview")
    assert node["status"].value() == f"preview {second}", node["message"].value()
    assert (node["show"].value(), node["message"].value()) == (
        "preview",
        f"Frame {second}: replaced.",
    )
    preview = node.node("Preview")
    assert preview["reload"].count == 1

    press(node, "render")
    assert (node["status"].value(), node["show"].value()) == ("rendered", "result")
    assert node["message"].value().startswith(f"{FRAMES} of {FRAMES} frames.")
    result = node.node("Result")
    rendered = find_footage(result["file"].value())
    assert rendered.frames.numbers == frames_of(shot)
    for ends in ("first", "origfirst", "last", "origlast"):
        assert result[ends].value() == (first if "first" in ends else last)
    assert result["origset"].value() is True
    assert_same_pixels(Path(preview["file"].value()), rendered.path(second))
    assert (node["tile_color"].value(), script.messages) == (0x36627FFF, [])
    assert script.bars[-1].percents[-1] == 100

    node["write_shot_file"].execute()
    shot_file = rendered.path(first).with_name("FaceSwap1.toml")
    assert node["message"].value() == f"Wrote {shot_file}."
    assert read_shot(shot_file).job == order_of(node).job

    os.utime(rendered.path(first), (1, 1))
    press(node, "render")
    assert f"{FRAMES} from before" in node["message"].value()
    assert rendered.path(first).stat().st_mtime == 1


@pytest.mark.slow
def test_the_command_line_gives_the_same_bytes_from_the_shot_file(
    script: Any, shot: DemoFootage, tmp_path: Path
) -> None:
    node = node_of("FaceSwap", shot)
    node["frames"].setValue(str(script.frame))
    node["mix"].setAnimated()
    first, *_, last = frames_of(shot)
    node["mix"].animation(0).addKey([nuke.AnimationKey(first, 0), nuke.AnimationKey(last, 1)])
    press(node, "render")
    node["write_shot_file"].execute()
    rendered = Path(node.node("Result")["file"].value() % script.frame)

    words = [str(rendered.with_name("FaceSwap1.toml")), "--quiet", "--threads", "1"]
    other = tmp_path / "farm" / "comp.%04d.exr"
    done = subprocess.run(
        [sys.executable, "-m", "faceplate.core.cli", "render", *words, "--set", f"comp={other}"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert Path(str(other) % script.frame).read_bytes() == rendered.read_bytes()


def test_a_tracker_has_31_columns_and_stands_on_the_face(script: Any, shot: DemoFootage) -> None:
    node = node_of("FaceTrack")

    press(node, "analyse")
    node["make_tracker"].execute()

    tracker = nuke.toNode("Faceplate_face0")
    size, columns, rows = split_list(tracker["tracks"].value())
    assert split_list(size) == ["1", "31", str(len(TRACKED))]
    assert [len(split_list(column)) for column in split_list(columns)] == [6] * 31
    assert [len(split_list(row)) for row in split_list(rows)] == [31] * len(TRACKED)
    track = read_track(Path(node["analysed"].value())).face(0)
    height = nuke.toNode("Read1").picture.height()
    seen = 0
    for row in map(split_list, split_list(rows)):
        x, y = (curve_in(row[column]) for column in (2, 3))
        for number, face in track.observations.items():
            wanted = face.mesh[TRACKED[row[1]], :2]
            assert abs(x[number] - wanted[0]) < 0.1
            assert abs((height - y[number]) - wanted[1]) < 0.1
            seen += 1
    assert seen == FRAMES * len(TRACKED)
    text = Path(node["analysed"].value()).with_suffix(".face0.nk").read_text(encoding="utf-8")
    (pasted,) = read_plainly(text).nodes
    assert (pasted.kind, pasted.inputs) == ("Tracker4", [])


def curve_in(text: str) -> dict[int, float]:
    """Read a curve as Nuke means it: ``x`` sets the frame, each value after it moves on by one."""
    words = text.split()
    assert words[0] == "curve"
    points: dict[int, float] = {}
    frame = 0
    for word in words[1:]:
        if word.startswith("x"):
            frame = int(word[1:])
        else:
            points[frame] = float(word)
            frame += 1
    return points


def test_pin_and_roto_stand_on_the_face(script: Any, shot: DemoFootage) -> None:
    node = node_of("FaceTrack")
    press(node, "analyse")
    track = read_track(Path(node["analysed"].value())).face(0)
    height = nuke.toNode("Read1").picture.height()
    first = frames_of(shot)[0]

    node["make_corner_pin"].execute()
    node["make_roto"].execute()

    pin = nuke.toNode("Faceplate_pin0")
    corners = [[pin[f"to{i}"].getValueAt(n, part) for part in (0, 1)] for i, n in _each(track)]
    wanted = [
        (float(face.mesh[TRACKED[name], 0]), height - float(face.mesh[TRACKED[name], 1]))
        for name in ("mouth_right", "mouth_left", "left_eye_outer", "right_eye_outer")
        for face in track.observations.values()
    ]
    assert corners == [pytest.approx(point, abs=0.1) for point in wanted]
    assert [pin["from1"].getValue(part) for part in (0, 1)] == [
        pin["to1"].getValueAt(first, part) for part in (0, 1)
    ]
    lower_left, lower_right, upper_right, upper_left = (
        pin[f"from{i}"].value() for i in range(1, 5)
    )
    assert lower_left[0] < lower_right[0] and upper_left[0] < upper_right[0]
    assert lower_left[1] < upper_left[1] and lower_right[1] < upper_right[1]

    curves = nuke.toNode("Faceplate_roto0")["curves"]
    (shape,) = curves.rootLayer.shapes
    assert (curves.change_count, len(shape.points), shape.name) == (1, 36, "face0")
    for point in shape.points:
        assert sorted(point.center.keys) == sorted(track.observations)
    xs, ys = zip(*(point.center.keys[first] for point in shape.points), strict=True)
    mesh = track.observations[first].mesh
    assert (min(xs), max(xs)) == pytest.approx(
        (mesh[:468, 0].min(), mesh[:468, 0].max()), abs=0.1 * (max(xs) - min(xs))
    )
    assert min(ys) == pytest.approx(height - mesh[:468, 1].max(), abs=3)


def _each(track: Any) -> list[tuple[int, int]]:
    return [(corner, number) for corner in range(1, 5) for number in track.observations]


@pytest.mark.slow
def test_a_corrected_point_is_where_the_artist_put_it_and_the_rest_stays(
    script: Any, long_shot: DemoFootage
) -> None:
    node = node_of("FaceTrack")
    press(node, "analyse")
    path = Path(node["analysed"].value())
    before, bytes_before = read_track(path).face(0), path.read_bytes()
    node["make_tracker"].execute()
    tracker = nuke.toNode("Faceplate_face0")
    untouched = tracker["tracks"].value()
    height = nuke.toNode("Read1").picture.height()

    # The nose, in the first frame, by 4 px to the right and 3 px up.
    x, y = (curve_in(cell) for cell in _row(untouched, "nose_tip")[2:4])
    put = (x[1001] + 4.0, y[1001] + 3.0)
    text = untouched.replace(f"{x[1001]!r} ", f"{put[0]!r} ", 1)
    tracker["tracks"].setValue(text.replace(f"{y[1001]!r} ", f"{put[1]!r} ", 1))
    press(node, "take_corrections")

    assert node["status"].value() == "analysed", node["message"].value()
    assert node["message"].value().endswith("Corrected by hand: 1 point in 1 frame.")
    after = read_track(path).face(0)
    nose = TRACKED["nose_tip"]
    got = after.observations[1001].mesh[nose, :2]
    assert got == pytest.approx((put[0], height - put[1]), abs=0.01)
    keyed = after.observations[1001]
    assert (keyed.origin.value, keyed.confidence) == ("keyed", 1.0)
    moved = {
        number: float(np.abs(face.mesh - before.observations[number].mesh).max())
        for number, face in after.observations.items()
    }
    assert all(moved[number] > moved[number + 1] > 0 for number in range(1001, 1005))
    assert all(moved[number] == 0 for number in range(1007, 1001 + MANY_FRAMES))
    for name in TRACKED.keys() - {"nose_tip"}:
        other = TRACKED[name]
        at = before.observations[1001].mesh[other, :2]
        assert after.observations[1001].mesh[other, :2] == pytest.approx(at, abs=0.01), name

    press(node, "take_corrections")
    assert node["message"].value() == "Nothing was moved in Faceplate_face0."
    tracker["tracks"].setValue(untouched)
    press(node, "take_corrections")
    assert node["message"].value().endswith("No point is corrected any more.")
    assert path.read_bytes() == bytes_before


@pytest.mark.slow
def test_a_swap_that_was_corrected_goes_by_its_corrected_track(
    script: Any, shot: DemoFootage
) -> None:
    node = node_of("FaceSwap", shot)
    press(node, "analyse")
    press(node, "preview")
    before = read_frame(node.node("Preview")["file"].value(), 1)
    node["make_corner_pin"].execute()
    pin = nuke.toNode("Faceplate_pin0")
    was = pin["to2"].getValueAt(script.frame, 0)

    pin["to2"].setValueAt(was + 6.0, script.frame, 0)
    press(node, "take_corrections")
    press(node, "preview")

    assert node["message"].value() == f"Frame {script.frame}: replaced."
    after = read_frame(node.node("Preview")["file"].value(), 1)
    assert (after.channels["R"] != before.channels["R"]).sum() > 100
    node["write_shot_file"].execute()
    written = node["message"].value().removeprefix("Wrote ").removesuffix(".")
    assert read_shot(Path(written)).job.track == node["analysed"].value()
    press(node, "drop_corrections")
    press(node, "preview")
    dropped = read_frame(node.node("Preview")["file"].value(), 1)
    assert dropped.channels["R"].tobytes() == before.channels["R"].tobytes()


def _row(table: str, name: str) -> list[str]:
    return next(row for row in map(split_list, split_list(split_list(table)[2])) if row[1] == name)


def test_a_device_that_is_not_there_is_said_before_any_work(
    script: Any, shot: DemoFootage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA: THE REFUSAL OF A MISSING DEVICE IS NOT TRIED")
    (tmp_path / "settings.json").write_text('{"device": "cuda"}')
    monkeypatch.setenv("FACEPLATE_SETTINGS", str(tmp_path / "settings.json"))
    other = session.Session()
    monkeypatch.setattr(buttons, "session", lambda: other)
    node = node_of("FaceTrack")

    press(node, "analyse")
    other.close()

    assert node["status"].value() == "error"
    assert "cuda" in node["message"].value().lower()
    assert not list(tmp_path.rglob("*.track"))


def test_a_training_that_cannot_begin_says_why_on_the_node(script: Any, tmp_path: Path) -> None:
    training = node_of("TrainIdentity")
    training["actor_file"].setValue(str(tmp_path / "nobody.actor"))
    training.setInput(0, None)

    press(training, "train")

    assert training["status"].value() == "error"
    assert "nobody.actor" in training["message"].value()


@pytest.mark.slow
def test_a_finished_shot_is_measured_from_the_panel(script: Any, shot: DemoFootage) -> None:
    node = node_of("FaceSwap", shot)
    node["frames"].setValue(str(script.frame))
    press(node, "render")
    qc = node_of("FaceQC")
    qc.setInput(1, node)

    press(qc, "measure")

    verdicts = {"within limits": "Within all limits.", "past limits": "Past its limits: "}
    assert qc["status"].value() in verdicts, qc["message"].value()
    assert qc["message"].value().startswith(verdicts[qc["status"].value()])
    # The swap keeps the plate and every frame, whatever else there may be to say.
    assert "altered most" not in qc["message"].value()
    assert "missing most" not in qc["message"].value()
    report = Path(qc["report"].value())
    assert report.is_file() and report.with_suffix(".json").is_file()


def test_a_grade_takes_the_raw_layer_to_the_light(script: Any, shot: DemoFootage) -> None:
    node = node_of("FaceSwap", shot)
    node["frames"].setValue(str(script.frame))

    press(node, "make_grade")
    assert "without the layer raw. Tick it" in node["message"].value()
    node["layers_raw"].setValue(True)
    press(node, "render")
    node["make_grade"].execute()
    nuke.pump(lambda: nuke.toNode("Grade1") is not None, PATIENCE_SECONDS)

    grade = nuke.toNode("Grade1")
    gains = [grade["multiply"].getValueAt(script.frame, part) for part in range(3)]
    frame = read_frame(node.node("Result")["file"].value() % script.frame, script.frame)
    planes = {name: plane.astype(np.float64) for name, plane in frame.channels.items()}
    solid = planes["face.A"] > 0.5
    assert grade["channels"].value() == "raw"
    for gain, letter in zip(gains, "RGB", strict=True):
        face = planes[f"face.{letter}"][solid] / planes["face.A"][solid]
        raw = planes[f"raw.{letter}"][solid] * gain
        stops = np.log2(np.maximum(raw, 1e-3)) - np.log2(np.maximum(face, 1e-3))
        assert abs(stops.mean()) < 0.03


def test_what_goes_wrong_stands_on_the_node_in_words(script: Any, shot: DemoFootage) -> None:
    node = node_of("FaceSwap", shot)
    node["actor_file"].setValue(str(Path(shot.plate).with_name("nobody.actor")))

    press(node, "render")

    assert node["status"].value() == "error"
    assert "nobody.actor" in node["message"].value()
    assert node["tile_color"].value() == 0xC03030FF
    assert (node["show"].value(), script.messages) == ("plate", [])

    node["actor_file"].setValue(shot.source.replace("%04d", "0001"))
    press(node, "preview")

    assert node["status"].value().startswith("preview"), node["message"].value()
    assert node["tile_color"].value() == 0x36627FFF


@pytest.mark.parametrize("by", ["button", "bar"])
def test_cancel_keeps_the_finished_frames(script: Any, long_shot: DemoFootage, by: str) -> None:
    node = node_of("FaceSwap", long_shot)
    output = Path(script.root["name"].value()).with_name("slow")
    node["output"].setValue(str(output / "slow.%04d.exr"))

    node["render"].execute()
    nuke.pump(lambda: any(output.glob("slow.*.exr")), PATIENCE_SECONDS)
    if by == "button":
        node["cancel"].execute()
    else:
        script.bars[-1].is_cancelled = True
    nuke.pump(lambda: node["status"].value() != "rendering", PATIENCE_SECONDS)

    assert (node["status"].value(), node["message"].value()) == ("stopped", "render was stopped.")
    done = list(output.glob("slow.*.exr"))
    assert 0 < len(done) < MANY_FRAMES
    assert all(JOB_ATTRIBUTE in read_frame(path, 1).header for path in done)


@pytest.mark.slow
def test_an_engine_that_is_killed_is_started_again_and_finishes(
    script: Any, long_shot: DemoFootage
) -> None:
    node = node_of("FaceSwap", long_shot)
    output = Path(script.root["name"].value()).with_name("killed")
    node["output"].setValue(str(output / "killed.%04d.exr"))
    node["render"].execute()
    nuke.pump(lambda: any(output.glob("killed.*.exr")), PATIENCE_SECONDS)
    process = session.session().process_id
    assert process is not None

    os.kill(process, signal.SIGKILL)
    nuke.pump(lambda: node["status"].value() == "engine restarted", PATIENCE_SECONDS)
    said = node["message"].value()
    nuke.pump(lambda: node["status"].value() != "engine restarted", PATIENCE_SECONDS)

    assert "(signal 9). It is started again." in said
    assert node["status"].value() == "rendered", node["message"].value()
    assert len(list(output.glob("killed.*.exr"))) == MANY_FRAMES
    assert session.session().process_id != process


def test_a_nuke_without_an_interface_waits_and_lets_the_error_out(
    script: Any, shot: DemoFootage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nuke, "GUI", False)
    node = node_of("FaceSwap", shot)

    node["render"].execute()

    assert node["status"].value() == "rendered"
    assert any("render 3/3 (100 %)" in line for line in script.printed)
    assert script.bars == []
    node["actor_file"].setValue("")
    with pytest.raises(Exception, match="actor is not plugged in"):
        node["render"].execute()


def test_a_tracked_and_matted_graph_renders_like_the_swap(script: Any, shot: DemoFootage) -> None:
    read = nuke.toNode("Read1")
    track, matte, face, blend = (
        node_of(kind) for kind in ("FaceTrack", "FaceMatte", "FaceReenact", "FaceBlend")
    )
    face["actor_file"].setValue(shot.source.replace("%04d", "0001"))
    for node, pipes in (
        (matte, (read, track)),
        (face, (read, track)),
        (blend, (read, face, matte)),
    ):
        for pipe, source in enumerate(pipes):
            node.setInput(pipe, source)
    blend["draft"].setValue(True)
    blend["frames"].setValue(str(script.frame))

    press(blend, "render")
    assert (blend["status"].value(), blend["message"].value()) == (
        "error",
        "FaceTrack1 is not analysed. Press its Analyse.",
    )
    press(track, "analyse")
    press(blend, "render")
    swap = node_of("FaceSwap", shot)
    swap["frames"].setValue(str(script.frame))
    swap["output"].setValue(blend.node("Result")["file"].value().replace("FaceBlend1", "Swap"))
    press(swap, "render")

    results = [node.node("Result")["file"].value() % script.frame for node in (blend, swap)]
    assert_same_pixels(*map(Path, results))
    track["smoothing"].setValue(0.0)
    press(blend, "render")
    assert "analysed with another plate or other knobs" in blend["message"].value()
