"""What the plug-in makes of a script: spaces, plates, ranges, knobs, wires; and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nuke
import pytest

from faceplate.core.errors import ColorSpaceError, FaceplateError, InputError
from faceplate.core.job import FaceChoice, Job, Keys
from faceplate.core.jobfile import read_job, read_qc_job
from faceplate.core.qcjob import QcJob
from faceplate.nodes import NODES
from faceplate.nodes.face import FACE_QC
from faceplate.plugin.nuke import buttons, callbacks, menus, session
from faceplate.plugin.nuke.group import TILE
from faceplate.plugin.nuke.panel import GROUP_VERSION
from faceplate.plugin.nuke.renewal import renew
from faceplate.plugin.nuke.script import working_space
from faceplate.plugin.nuke.session import Task
from faceplate.plugin.nuke.settings import Settings
from faceplate.plugin.nuke.wiring import order_of

PLATE = "/shots/sc01/plate.%04d.exr"


class Recorder:
    """Stands for the session: remembers what was asked for and starts nothing."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []

    def start(self, task: Task) -> None:
        self.tasks.append(task)

    def cancel(self, node: str) -> bool:
        return False

    @property
    def job(self) -> Job:
        return read_job(self.tasks[-1].params["job"])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(buttons, "session", lambda: recorder)
    return recorder


@pytest.fixture
def script(tmp_path: Path) -> Any:
    state = nuke.reset()
    root = state.root
    root["name"].setValue(str(tmp_path / "comp.nk"))
    root["first_frame"].setValue(1001)
    root["last_frame"].setValue(1010)
    state.frame = 1003
    read = nuke.nodes.Read()
    read["file"].setValue(PLATE)
    read.setSelected(True)
    return state


def node_of(kind: str, *pipes: Any) -> Any:
    menus.add(next(node for node in NODES if node.name == kind))
    node = next(n for n in reversed(nuke.root().nodes()) if n.name().startswith(kind))
    for pipe, source in enumerate(pipes or (nuke.toNode("Read1"),)):
        node.setInput(pipe, source)
    return node


def swap() -> Any:
    node = node_of("FaceSwap")
    node["actor_file"].setValue("/actors/ana.actor")
    return node


# --- the script -----------------------------------------------------------------------------------


def test_nukes_own_linear_is_linear_rec709(script: Any) -> None:
    space = working_space()

    assert (space.name, space.ocio) == ("lin_rec709_scene", None)


def test_an_ocio_script_tells_its_config_and_the_name_of_its_space(script: Any) -> None:
    use_ocio(script, "scene_linear")

    space = working_space()

    assert (space.name, space.ocio) == ("scene_linear", "/show/config.ocio")
    assert working_space("ACES - ACEScg").name == "ACES - ACEScg"


def use_ocio(script: Any, space: str, config: str = "custom") -> None:
    root = script.root
    root["colorManagement"].setValue("OCIO")
    root["OCIO_config"].setValue(config)
    root["customOCIOConfigPath"].setValue("/show/config.ocio")
    root["workingSpaceLUT"].setValue(space)
    root["floatLut"].setValue(space)


@pytest.mark.parametrize("place", ["nuke-default/config.ocio", "nuke-default.ocio"])
def test_a_config_that_comes_with_nuke_is_found_beside_it(
    script: Any, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plugins" / "OCIOConfigs" / "configs" / place
    path.parent.mkdir(parents=True)
    path.write_text("")
    monkeypatch.setattr(nuke, "EXE_PATH", str(tmp_path / "Nuke15.1"))
    use_ocio(script, "scene_linear", "nuke-default")

    assert working_space().ocio == str(path)


def test_a_space_that_is_not_linear_or_a_lost_config_is_refused(script: Any) -> None:
    script.root["workingSpaceLUT"].setValue("sRGB")
    with pytest.raises(ColorSpaceError, match="works in sRGB, which is not scene-linear"):
        working_space()
    assert working_space("ACEScg").name == "ACEScg"

    use_ocio(script, "scene_linear", "lost")
    with pytest.raises(ColorSpaceError, match="config lost is not on disk"):
        working_space()


# --- the plate ------------------------------------------------------------------------------------


def changed(name: str, value: Any) -> Callable[[Any], None]:
    return lambda read: read[name].setValue(value)


def squeezed(read: Any) -> None:
    read.picture = nuke.Format((1828, 1556), 2.0)


@pytest.mark.parametrize(
    ("change", "written"),
    [
        (lambda read: None, False),
        (changed("colorspace", "linear"), False),
        (changed("colorspace", "default (linear)"), False),
        (lambda read: (changed("colorspace", "sRGB")(read), changed("raw", True)(read)), False),
        (changed("colorspace", "sRGB"), True),
        (changed("premultiplied", True), True),
        (changed("disable", True), True),
        (changed("frame", "frame+10"), True),
        (changed("file", "/shots/sc01/plate.mov"), True),
        (changed("file", "/shots/sc01/plate.%04d.dpx"), True),
        (changed("file", "/shots/sc01/still.exr"), True),
        (squeezed, True),
    ],
)
def test_files_are_the_plate_only_where_their_pixels_are_the_scripts(
    script: Any, change: Callable[[Any], None], written: bool
) -> None:
    node = swap()
    change(nuke.toNode("Read1"))

    order = order_of(node)

    assert order.plate.written is written
    own = Path(script.root["name"].value()).parent / "faceplate/FaceSwap1/plate"
    wanted = str(own / "FaceSwap1.%04d.exr") if written else PLATE
    assert (order.job.plate, order.job.colorspace) == (wanted, "lin_rec709_scene")


def test_dots_are_seen_through_and_everything_else_is_written(script: Any) -> None:
    node = swap()
    dot, grade = nuke.nodes.Dot(), nuke.nodes.Grade()
    dot.setInput(0, nuke.toNode("Read1"))
    grade.setInput(0, nuke.toNode("Read1"))

    node.setInput(0, dot)
    assert order_of(node).job.plate == PLATE
    node.setInput(0, grade)
    assert order_of(node).plate.written


def test_a_plate_is_written_at_full_size_over_the_scripts_range_and_proxy_comes_back(
    script: Any, asked: Recorder
) -> None:
    node = swap()
    changed("colorspace", "sRGB")(nuke.toNode("Read1"))
    script.root["proxy"].setValue(True)
    wrote: list[int] = []

    def write(write: Any, number: int) -> None:
        path = Path(write["file"].value() % number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        wrote.append(number)

    script.render = write

    node["preview"].execute()
    assert script.executed == [("FaceSwap1.PlateOut", 1001, 1010, False)]
    assert wrote == list(range(1001, 1011))
    assert script.root["proxy"].value() is True
    out = node.node("PlateOut")
    assert (out["disable"].value(), out["raw"].value(), out["channels"].value()) == (
        True,
        True,
        "rgba",
    )
    assert out["file"].value() == asked.job.plate

    node["preview"].execute()
    assert len(script.executed) == 1, "a preview takes the plate that is there"
    node["render"].execute()
    assert len(script.executed) == 2, "a render writes it again"
    node["keep_plate"].setValue(True)
    node["render"].execute()
    assert len(script.executed) == 2


@pytest.mark.parametrize(
    ("failure", "said"),
    [("Cancelled", "Writing the plate was stopped."), ("no licence", "could not be written: no l")],
)
def test_a_plate_that_cannot_be_written_is_said_and_nothing_is_asked_for(
    script: Any, asked: Recorder, failure: str, said: str
) -> None:
    node = swap()
    changed("colorspace", "sRGB")(nuke.toNode("Read1"))
    script.root["proxy"].setValue(True)

    def fail(write: Any, number: int) -> None:
        raise RuntimeError(failure)

    script.render = fail

    node["render"].execute()

    assert said in node["message"].value()
    assert (asked.tasks, script.root["proxy"].value()) == ([], True)
    assert node.node("PlateOut")["disable"].value() is True


# --- knobs ----------------------------------------------------------------------------------------


def test_a_new_node_makes_the_job_of_the_defaults_over_the_scripts_range(script: Any) -> None:
    from faceplate.nodes.compile import Delivery, job_of, swap_graph

    order = order_of(swap())

    plate = {"pattern": PLATE, "colorspace": "lin_rec709_scene", "frames": "1001-1010"}
    output = str(
        Path(script.root["name"].value()).parent / "faceplate/FaceSwap1/FaceSwap1.%04d.exr"
    )
    wanted = job_of(
        swap_graph(plate, {"file": "/actors/ana.actor"}, {}),
        "swap",
        Delivery(output=output, contact_sheet=False),
    )
    assert order.job == wanted


def test_curves_become_keys_that_say_the_same(script: Any) -> None:
    node = swap()
    mix = node["mix"]
    mix.setAnimated()
    mix.animation(0).addKey([nuke.AnimationKey(f, v) for f, v in ((1002, 0), (1006, 1), (1010, 1))])
    node["seam"].setAnimated()
    node["seam"].animation(0).addKey([nuke.AnimationKey(1001, 0.5), nuke.AnimationKey(1010, 0.5)])
    node["shape"].setExpression("sin(frame)")

    knobs = order_of(node).job.knobs

    assert knobs.mix == Keys(((1001, 0.0), (1002, 0.0), (1006, 1.0), (1010, 1.0)))
    assert all(knobs.mix.at(n) == pytest.approx(mix.getValueAt(n)) for n in range(1001, 1011))
    assert (knobs.seam, knobs.shape) == (0.5, 0.3)


def test_every_panel_setting_arrives_in_the_job(script: Any) -> None:
    node = swap()
    settings = {
        "method": "hybrid",
        "views": 2,
        "pose": "pose-only",
        "sharpness_auto": False,
        "sharpness": 1.5,
        "policy": "hold",
        "seed": 7,
        "layers_st": True,
        "layers_matte": False,
        "frames": "1002,1005-1007",
        "output": "/renders/v003/comp.%04d.exr",
        "layer_prefix": "fp_",
        "compression": "zips",
        "shot": "sc042_0130",
        "matte_in": "/roto/hand.%04d.exr:A",
        "draft": True,
        "colorspace": "ACEScg",
    }
    for name, value in settings.items():
        node[name].setValue(value)

    job = order_of(node).job

    assert (job.knobs.method, job.knobs.views, job.knobs.pose) == ("hybrid", 2, "pose-only")
    assert (job.knobs.sharpness, job.knobs.motion_blur) == (1.5, "auto")
    assert (job.policy, job.seed, job.layers) == ("hold", 7, ("comp", "face", "st"))
    assert (job.frames, job.output) == ("1002,1005-1007", "/renders/v003/comp.%04d.exr")
    assert (job.layer_prefix, job.compression, job.name) == ("fp_", "zips", "sc042_0130")
    assert (job.matte_in, job.draft) == ("/roto/hand.%04d.exr:A", True)
    assert job.colorspace == "ACEScg"


@pytest.mark.parametrize(
    ("settings", "face"),
    [
        ({"face": "largest"}, FaceChoice(index=0)),
        ({"face": "number", "face_number": 2}, FaceChoice(index=2)),
        ({"face": "point"}, FaceChoice(at=(300.0, 1080 - 200.0))),
        ({"face": "reference", "face_reference": "/refs/ana.jpg"}, None),
        ({"face": "all"}, FaceChoice(every=True)),
    ],
)
def test_the_face_is_the_one_that_was_chosen(
    script: Any, settings: dict[str, Any], face: FaceChoice | None
) -> None:
    node = swap()
    node["face_point"].setValue(300.0, 0)
    node["face_point"].setValue(200.0, 1)
    for name, value in settings.items():
        node[name].setValue(value)

    assert order_of(node).job.face == (face or FaceChoice(reference="/refs/ana.jpg"))


def unsaved(node: Any) -> None:
    nuke.root()["name"].setValue("")


def loose(node: Any) -> None:
    node.setInput(0, None)


def stereo(node: Any) -> None:
    nuke.toNode("Read1")["file"].setValue("/shots/plate.%V.%04d.exr")


def actor_of_another_kind(node: Any) -> None:
    node.setInput(1, nuke.toNode("Read1"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (unsaved, "The script is not saved"),
        (loose, "FaceSwap1 has no plate. Wire the plate into its first pipe."),
        (stereo, "Read1 is a stereo plate"),
        (actor_of_another_kind, "Read1, in pipe 2 of FaceSwap1, gives no actor"),
        (changed("actor_file", ""), "FaceSwap1.actor is not plugged in"),
        (changed("output", "comp.%04d.exr"), "which begins nowhere"),
        (changed("frames", "all"), "'all' is not a frame range"),
        (lambda node: node["mix"].setValue(1.5), "Knob mix is 1.5; it takes 0 to 1"),
        (changed("layers_comp", False), ""),
    ],
)
def test_what_cannot_be_made_stands_on_the_node_in_words(
    script: Any, asked: Recorder, change: Callable[[Any], None], said: str
) -> None:
    node = swap()
    change(node)

    node["render"].execute()

    if said:
        assert said in node["message"].value()
        assert (node["status"].value(), asked.tasks) == ("error", [])
    else:
        assert asked.job.layers == ("face", "matte")


def test_the_nodes_of_a_graph_must_look_at_one_plate(script: Any) -> None:
    node = node_of("FaceBlend")
    other = nuke.nodes.Read()
    reenact = node_of("FaceReenact", other)
    node.setInput(1, reenact)

    with pytest.raises(FaceplateError, match="FaceReenact1 looks at another plate than Read1"):
        order_of(node)


def test_an_actor_source_in_the_pipe_wins_over_the_knob(script: Any) -> None:
    node = swap()
    source = node_of("ActorSource", None)
    source["file"].setValue("/actors/bob.actor")
    node.setInput(1, source)

    assert order_of(node).job.actor == "/actors/bob.actor"


def trained(*, method: str = "fsgan") -> Any:
    """A swap whose actor comes through a TrainIdentity."""
    swap, source = node_of("FaceSwap"), node_of("ActorSource", None)
    training = node_of("TrainIdentity", source)
    source["file"].setValue("/actors/ana.actor")
    swap["method"].setValue(method)
    swap.setInput(1, training)
    return swap


def test_a_training_in_the_actors_pipe_is_part_of_the_swaps_job(script: Any) -> None:
    swap = trained()
    nuke.toNode("TrainIdentity1")["samples"].setValue(90)
    nuke.toNode("TrainIdentity1")["seed"].setValue(4)

    job = order_of(swap).job

    assert (job.actor, job.task) == ("/actors/ana.actor", "swap")
    assert job.finetune is not None
    assert (job.finetune.samples, job.finetune.seed) == (90, 4)


@pytest.mark.parametrize(
    ("method", "weights", "said"),
    [
        ("warp", "small", "Method warp has no network to fine-tune."),
        ("fsgan", "official", "TrainIdentity1 teaches the networks 'official'"),
    ],
)
def test_a_training_of_what_does_not_draw_the_face_is_refused_in_words(
    script: Any, asked: Recorder, method: str, weights: str, said: str
) -> None:
    swap = trained(method=method)
    nuke.toNode("TrainIdentity1")["weights"].setValue(weights)

    swap["render"].execute()

    assert said in swap["message"].value()
    assert asked.tasks == []


@pytest.mark.parametrize("by", ["pipe", "knob"])
def test_the_train_button_asks_for_the_training_that_the_swap_would_do(
    script: Any, asked: Recorder, by: str
) -> None:
    swap = trained()
    training = nuke.toNode("TrainIdentity1")
    if by == "knob":
        training.setInput(0, None)
        training["actor_file"].setValue("/actors/ana.actor")

    training["train"].execute()

    (task,) = asked.tasks
    assert (task.method, asked.job.task, asked.job.actor) == ("train", "train", "/actors/ana.actor")
    assert asked.job.finetune == order_of(swap).job.finetune
    assert training["status"].value() == "training"
    task.finish(training, {"sentence": "Learnt ana in 30 steps."})
    assert (training["status"].value(), training["message"].value()) == (
        "trained",
        "Learnt ana in 30 steps.",
    )


def test_a_training_without_an_actor_says_so(script: Any, asked: Recorder) -> None:
    training = node_of("TrainIdentity", None)

    training["train"].execute()

    assert "actor" in training["message"].value()
    assert (training["status"].value(), asked.tasks) == ("error", [])


# --- measuring ------------------------------------------------------------------------------------


def qc(asked: Recorder) -> QcJob:
    (task,) = asked.tasks
    assert task.method == "qc"
    return read_qc_job(task.params["job"])


def comp_in_a_read() -> Any:
    comp = nuke.nodes.Read()
    comp["file"].setValue("/renders/v003/comp.%04d.exr")
    return comp


def test_a_swap_is_measured_as_it_was_rendered(script: Any, asked: Recorder) -> None:
    comp = swap()
    comp["frames"].setValue("1002-1005")
    comp["layer_prefix"].setValue("fp_")
    node = node_of("FaceQC", nuke.toNode("Read1"), comp)
    node["seam_most"].setValue(0.125)

    node["measure"].execute()

    job, render = qc(asked), order_of(comp).job
    assert (job.plate, job.comp, job.actor) == (PLATE, render.output, "/actors/ana.actor")
    assert (job.frames, job.layer_prefix) == ("1002-1005", "fp_")
    assert job.limits.seam_most == 0.125
    assert job.limits.drift_most == FACE_QC.knob("drift_most").default
    own = Path(script.root["name"].value()).parent / "faceplate/FaceQC1/FaceQC1.qc.html"
    assert job.report == str(own)


def test_a_comp_from_files_is_measured_with_the_nodes_own_face_and_actor(
    script: Any, asked: Recorder
) -> None:
    training, source = node_of("TrainIdentity", None), node_of("ActorSource", None)
    source["file"].setValue("/actors/bob.actor")
    training.setInput(0, source)
    node = node_of("FaceQC", nuke.toNode("Read1"), comp_in_a_read(), None, training)
    for name, value in {
        "face": "number",
        "face_number": 2,
        "layer_prefix": "fp_",
        "output": "/reports/sc01.qc.html",
        "frames": "1001-1003",
    }.items():
        node[name].setValue(value)

    node["measure"].execute()

    job = qc(asked)
    assert (job.plate, job.comp) == (PLATE, "/renders/v003/comp.%04d.exr")
    assert (job.actor, job.face, job.layer_prefix) == (
        "/actors/bob.actor",
        FaceChoice(index=2),
        "fp_",
    )
    assert (job.report, job.frames) == ("/reports/sc01.qc.html", "1001-1003")
    assert job.colorspace == "lin_rec709_scene"


def without_a_comp(node: Any) -> None:
    node.setInput(1, None)


def with_a_grade(node: Any) -> None:
    node.setInput(1, nuke.nodes.Grade())


def with_another_plate(node: Any) -> None:
    comp = swap()
    comp.setInput(0, comp_in_a_read())
    node.setInput(1, comp)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_a_comp, "FaceQC1 has no comp. Wire a FaceSwap, a FaceBlend, or a Read"),
        (
            with_a_grade,
            "Grade1, the comp of FaceQC1, is neither FaceSwap nor FaceBlend, nor a Read",
        ),
        (with_another_plate, "FaceSwap1 is a comp of Read3, and FaceQC1 has the plate Read1."),
        (lambda node: node["seam_most"].setValue(99.0), "Knob seam_most is 99"),
        (lambda node: node["output"].setValue("qc.html"), "which begins nowhere"),
    ],
)
def test_what_cannot_be_measured_is_said(
    script: Any, asked: Recorder, change: Callable[[Any], None], said: str
) -> None:
    node = node_of("FaceQC", nuke.toNode("Read1"), comp_in_a_read())
    change(node)

    node["measure"].execute()

    assert said in node["message"].value()
    assert asked.tasks == []


def test_the_verdict_stands_on_the_node_and_its_report_opens(
    script: Any, asked: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(buttons.webbrowser, "open", opened.append)
    node = node_of("FaceQC", nuke.toNode("Read1"), comp_in_a_read())
    node["open_report"].execute()
    assert node["message"].value() == "FaceQC1 has no report. Press its Measure."
    node["seam_most"].setValue(0.25)

    node["measure"].execute()
    report = tmp_path / "my report.html"
    report.write_text("")
    answer = {"report": str(report), "notes": ["Identity was not measured."]}
    asked.tasks[0].finish(
        node,
        {**answer, "passed": False, "exceeded": ["seam_most"], "values": {"seam_most": 0.51234}},
    )

    assert node["status"].value() == "past limits"
    assert node["message"].value() == (
        f"Past its limits: seam most 0.512 (limit 0.25). Identity was not measured. See {report}."
    )
    asked.tasks[0].finish(node, {**answer, "passed": True, "exceeded": [], "values": {}})
    assert node["message"].value().startswith("Within all limits. ")
    node["open_report"].execute()
    assert opened == [report.as_uri()]


def test_the_point_of_a_face_counts_from_the_full_height_in_proxy_too(script: Any) -> None:
    node = swap()
    read = nuke.toNode("Read1")
    script.root["proxy"].setValue(True)
    read.format = lambda: nuke.Format((960, 540) if script.root["proxy"].value() else (1920, 1080))
    node["face"].setValue("point")
    node["face_point"].setValue(300.0, 0)
    node["face_point"].setValue(200.0, 1)

    assert order_of(node).job.face == FaceChoice(at=(300.0, 1080 - 200.0))
    assert script.root["proxy"].value() is True


def test_mattes_need_no_actor(script: Any) -> None:
    node = node_of("FaceMatte")
    node["erode"].setValue(3.0)

    job = order_of(node).job

    assert (job.actor, job.layers, job.knobs.erode) == (None, ("matte",), 3.0)


# --- buttons --------------------------------------------------------------------------------------


def test_a_prefix_makes_its_layers_known_before_they_are_read(script: Any, asked: Recorder) -> None:
    node = swap()
    node["layer_prefix"].setValue("fp_")

    node["render"].execute()

    assert script.layers["fp_face"] == [f"fp_face.{c}" for c in ("red", "green", "blue", "alpha")]
    assert script.layers["fp_st"] == ["fp_st.X", "fp_st.Y", "fp_st.Z"]
    coordinates = node.node("Coordinates")
    expressions = [coordinates[f"expr{i}"].value() for i in range(4)]
    assert expressions == ["fp_st.X", "fp_st.Y", "0", "fp_matte_blend.alpha"]


def test_what_nobody_foresaw_is_a_sentence_on_the_node(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(buttons, "session", broken)
    node = swap()

    node["render"].execute()

    said = "Faceplate made a mistake (ZeroDivisionError: division by zero). Please report it."
    assert (node["status"].value(), node["message"].value()) == ("error", said)


def test_the_shot_file_is_the_nodes_job(script: Any, asked: Recorder) -> None:
    import tomllib

    node = swap()
    node["mix"].setAnimated()
    node["mix"].animation(0).addKey([nuke.AnimationKey(1001, 0), nuke.AnimationKey(1010, 1)])

    node["write_shot_file"].execute()

    job = order_of(node).job
    path = Path(job.output).with_name("FaceSwap1.toml")
    assert node["message"].value() == f"Wrote {path}."
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    assert found["shot"]["plate"] == PLATE
    assert found["swap"]["mix"] == {"1001": 0.0, "1010": 1.0}
    assert found["output"]["comp"] == job.output
    assert asked.tasks == []


def test_cancel_of_a_node_at_rest_says_so(script: Any, asked: Recorder) -> None:
    node = swap()

    node["cancel"].execute()

    assert node["message"].value() == "Nothing runs for this node."


@pytest.mark.parametrize("button", ["make_tracker", "make_corner_pin", "make_roto"])
def test_an_export_without_an_analysis_says_what_to_press(
    script: Any, asked: Recorder, button: str
) -> None:
    node = swap()

    node[button].execute()

    assert node["message"].value() == "FaceSwap1 is not analysed. Press its Analyse."


def test_a_missing_engine_is_said_on_the_node(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(said: str) -> tuple[str, ...]:
        raise InputError("The engine was not found.", hint="Run install.py engine.")

    monkeypatch.setattr(session, "find_engine", lost)
    monkeypatch.setattr(session, "read_settings", Settings)
    fresh = session.Session()
    monkeypatch.setattr(buttons, "session", lambda: fresh)
    node = swap()

    node["render"].execute()

    assert node["status"].value() == "error"
    assert node["message"].value() == "The engine was not found. Run install.py engine."


# --- on a farm ------------------------------------------------------------------------------------


@pytest.fixture
def comp(script: Any, tmp_path: Path) -> Any:
    """A Write below a swap that has one of two frames."""
    callbacks.register()
    node = swap()
    read = node.node("Result")
    read["file"].setValue(str(tmp_path / "comp.%04d.exr"))
    (tmp_path / "comp.1001.exr").write_text("")
    node["show"].setValue("result")
    grade, write = nuke.nodes.Grade(), nuke.nodes.Write()
    grade.setInput(0, node)
    write.setInput(0, grade)
    return write


def test_a_write_stops_at_a_frame_that_was_not_rendered(comp: Any, tmp_path: Path) -> None:
    session.session.cache_clear()

    nuke.execute(comp, 1001, 1001)
    with pytest.raises(RuntimeError, match="FaceSwap1 has no frame 1002: .*comp.1002.exr is not"):
        nuke.execute(comp, 1001, 1002)

    assert session.session.cache_info().currsize == 0, "a farm must not start an engine"


@pytest.mark.parametrize(("knob", "value"), [("show", "plate"), ("disable", True)])
def test_frames_that_are_not_shown_are_not_asked_for(comp: Any, knob: str, value: Any) -> None:
    nuke.toNode("FaceSwap1")[knob].setValue(value)

    nuke.execute(comp, 1001, 1002)


def test_without_an_interface_only_the_check_is_registered(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nuke, "GUI", False)

    callbacks.register()

    assert [call for call, _ in script.before_frame] == [callbacks.check_frame]
    assert script.script_close == []


# --- newer groups ---------------------------------------------------------------------------------


def test_an_older_group_is_replaced_and_keeps_what_was_set(script: Any) -> None:
    old = swap()
    old["faceplate_version"].setValue(GROUP_VERSION - 1)
    old["mix"].setAnimated()
    old["mix"].animation(0).addKey([nuke.AnimationKey(1001, 0.25), nuke.AnimationKey(1005, 0.75)])
    old["show"].setValue("result")
    old["layers_st"].setValue(True)
    old.node("Result")["file"].setValue("/renders/comp.%04d.exr")
    old.setXYpos(40, 80)
    below = nuke.nodes.Grade()
    below.setInput(0, old)

    menus.renew_all()

    new = nuke.toNode("FaceSwap1")
    assert new is not old and len(nuke.allNodes("Group")) == 1
    assert new["faceplate_version"].value() == GROUP_VERSION
    assert [new["mix"].getValueAt(n) for n in (1001, 1003, 1005)] == [0.25, 0.5, 0.75]
    assert (new["show"].value(), new["layers_st"].value()) == ("result", True)
    assert new["actor_file"].value() == "/actors/ana.actor"
    assert new.node("Result")["file"].value() == "/renders/comp.%04d.exr"
    assert new.input(0) is nuke.toNode("Read1") and below.input(0) is new
    assert (new.xpos(), new.ypos()) == (40, 80)
    assert new["message"].value() == f"Updated to group {GROUP_VERSION}."


def test_the_newest_group_stays(script: Any) -> None:
    node = swap()

    renew("FaceSwap1")

    assert nuke.toNode("FaceSwap1") is node
    assert node["message"].value() == "This is the newest FaceSwap."


def test_the_update_button_does_not_delete_its_own_node_while_it_is_held(script: Any) -> None:
    node = swap()
    node["faceplate_version"].setValue(0)

    node["update"].execute()
    assert nuke.toNode("FaceSwap1") is node
    nuke.pump(lambda: nuke.toNode("FaceSwap1") is not node, 10)

    assert nuke.toNode("FaceSwap1")["tile_color"].value() == TILE
