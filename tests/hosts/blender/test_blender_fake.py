"""What needs a window, against a strict fake: modal operators, panels, registration."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faceplate.nodes import NODES

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("fake_bpy", HERE / "fake_bpy.py")
assert spec is not None and spec.loader is not None
fake = importlib.util.module_from_spec(spec)
sys.modules["fake_bpy"] = fake
spec.loader.exec_module(fake)

TICK = fake.Event("TIMER")
ESC = fake.Event("ESC", "PRESS")
PATIENCE_SECONDS = 60.0


@pytest.fixture
def bpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    made = fake.Bpy(tmp_path)
    fake.forget_add_on()
    for name, found in made.modules.items():
        monkeypatch.setitem(sys.modules, name, found)
    annotations = import_module("faceplate.plugin.blender.preferences").FaceplatePreferences
    for name, found in annotations.__annotations__.items():
        default = found.options.get("default", 0 if found.kind == "Int" else "")
        setattr(made.preferences, name, default)
    made.preferences.engine, made.preferences.cache = sys.executable, str(tmp_path / "cache")
    yield made
    fake.forget_add_on()


@pytest.fixture
def session(bpy: Any) -> Iterator[Any]:
    made = import_module("faceplate.plugin.blender.session").Session()
    yield made
    made.close()


@pytest.fixture
def owner() -> SimpleNamespace:
    return SimpleNamespace(faceplate=SimpleNamespace(error="", hint=""))


@pytest.fixture
def button(bpy: Any, session: Any, owner: SimpleNamespace) -> Callable[[str], Any]:
    """Return the maker of an operator that asks for something; its owner shows what went wrong."""
    operators = import_module("faceplate.plugin.blender.operators")
    work = import_module("faceplate.plugin.blender.session").Work

    def make(method: str, **params: object) -> Any:
        def prepare(operator: Any, context: Any) -> Any:
            return work("Try", method, params, lambda facts: f"{len(facts)} facts", owner=7)

        kind = operators.engine_operator(
            session, "try", "Try", "Try it", prepare, lambda *_: owner, {}
        )
        return kind()

    return make


def press(operator: Any, bpy: Any) -> set[str]:
    found: set[str] = operator.invoke(bpy.context, fake.Event("LEFTMOUSE", "PRESS"))
    return found


def tick(operator: Any, bpy: Any, *, between: Callable[[], None] = lambda: None) -> set[str]:
    """Give an operator timer events until it ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found: set[str] = operator.modal(bpy.context, TICK)
        if found != {"PASS_THROUGH"}:
            return found
        between()
        time.sleep(0.01)
    raise AssertionError("it does not end")


def test_a_button_works_while_the_person_goes_on(
    bpy: Any, session: Any, button: Callable[..., Any]
) -> None:
    operator = button("models")

    assert press(operator, bpy) == {"RUNNING_MODAL"}
    assert operator.modal(bpy.context, fake.Event("MOUSEMOVE")) == {"PASS_THROUGH"}
    assert session.of(7) is not None
    assert tick(operator, bpy) == {"FINISHED"}

    assert operator.reports == [("INFO", "1 facts")]
    assert (bpy.manager.timers, bpy.workspace.status, session.running) == ([], None, [])


def test_an_error_is_reported_and_shown_and_leaves_no_timer(
    bpy: Any, session: Any, button: Callable[..., Any], owner: SimpleNamespace
) -> None:
    operator = button("check", job="{}")

    press(operator, bpy)

    assert tick(operator, bpy) == {"CANCELLED"}
    ((kind, text),) = operator.reports
    assert kind == "ERROR" and owner.faceplate.error in text and owner.faceplate.error
    assert (bpy.manager.timers, bpy.workspace.status, session.running) == ([], None, [])


def test_one_node_is_not_rendered_twice_at_a_time(
    bpy: Any, session: Any, button: Callable[..., Any]
) -> None:
    first, second = button("models"), button("models")
    press(first, bpy)

    assert press(second, bpy) == {"CANCELLED"}

    assert "at work already" in second.reports[0][1]
    assert tick(first, bpy) == {"FINISHED"}


def test_escape_stops_it(bpy: Any, session: Any, button: Callable[..., Any]) -> None:
    operator = button("models")
    press(operator, bpy)

    assert operator.modal(bpy.context, ESC) == {"RUNNING_MODAL"}

    assert tick(operator, bpy) in ({"CANCELLED"}, {"FINISHED"})  # it may have been faster
    if operator.reports[0][0] == "ERROR":
        assert "was stopped" in operator.reports[0][1]
    assert bpy.manager.timers == []


def test_blender_survives_an_engine_that_is_killed_and_starts_it_again(
    bpy: Any, session: Any, button: Callable[..., Any], owner: SimpleNamespace
) -> None:
    warm = button("models")
    press(warm, bpy)
    assert tick(warm, bpy) == {"FINISHED"}
    first = session.process_id
    os.kill(first, signal.SIGKILL)

    again = button("models")
    press(again, bpy)

    assert tick(again, bpy) == {"FINISHED"}
    assert session.process_id != first
    assert owner.faceplate.error == ""


def test_an_engine_that_cannot_be_started_is_named(
    bpy: Any, button: Callable[..., Any], owner: SimpleNamespace
) -> None:
    bpy.preferences.engine = "/nowhere/python"
    operator = button("models")

    assert press(operator, bpy) == {"CANCELLED"}

    assert "/nowhere/python" in owner.faceplate.error
    assert bpy.manager.timers == []


def test_a_device_that_is_not_there_is_an_error_and_no_other_one_is_taken(
    bpy: Any,
    button: Callable[..., Any],
    owner: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    bpy.preferences.device = "cuda"
    operator = button("models")

    press(operator, bpy)

    assert tick(operator, bpy) == {"CANCELLED"}
    assert "cuda" in owner.faceplate.error.lower()


def test_in_the_background_a_button_waits_for_the_end(bpy: Any, button: Callable[..., Any]) -> None:
    bpy.app.background = True
    operator = button("models")

    assert press(operator, bpy) == {"FINISHED"}

    assert bpy.manager.handlers == []


def test_what_is_registered_is_taken_away_again(bpy: Any) -> None:
    add_on = import_module("faceplate.plugin.blender").AddOn("faceplate")

    add_on.register()
    assert len(bpy.registered) > 15
    assert bpy.menu.entries and bpy.render_init
    assert bpy.types.NodeTree.faceplate.kind == "Pointer"
    add_on.unregister()

    assert (bpy.registered, bpy.menu.entries, bpy.render_init) == ([], [], [])
    for kind, name in (("NodeTree", "faceplate"), ("MovieClip", "faceplate_track")):
        assert not hasattr(getattr(bpy.types, kind), name)


def settings_of(node: str) -> SimpleNamespace:
    """Return settings as they are before anybody touched them."""
    group = import_module("faceplate.plugin.blender.properties").FaceplateSettings
    values: dict[str, Any] = {"__annotations__": group.__annotations__}
    for name, found in group.__annotations__.items():
        first = next(iter(found.options.get("items") or [("",)]))[0]
        values[name] = found.options.get("default", first if found.kind == "Enum" else "")
    return SimpleNamespace(**values | {"node": node})


@pytest.mark.parametrize("node", [node.name for node in NODES])
def test_the_panel_shows_every_knob_of_the_node(node: str, bpy: Any, session: Any) -> None:
    buttons = {"FaceSwap", "FaceBlend", "FaceMatte", "FaceTrack", "TrainIdentity", "FaceQC"}
    ui = import_module("faceplate.plugin.blender.ui")
    properties = import_module("faceplate.plugin.blender.properties")
    settings = settings_of(node)
    settings.error, settings.hint = "Frame 3 of plate is not on disk.", "Render it."
    layout = fake.Layout()

    ui.draw_node(layout, session, SimpleNamespace(faceplate=settings))
    if node != "ActorSource":
        properties.draw_knobs(layout, settings, properties.NODES[node])

    drawn = {name for kind, name in layout.drawn if kind == "prop"}
    for knob in properties.NODES[node].knobs:
        name = "actor" if knob.name == "file" else knob.name
        assert (f"{name}_choice" if getattr(knob, "words", ()) else name) in drawn
    assert ("label", "Frame 3 of plate is not on disk.") in layout.drawn
    assert (("operator", "faceplate.render") in layout.drawn) is (node in buttons)


@pytest.mark.parametrize(("method", "is_active"), [("warp", False), ("fsgan", True)])
def test_networks_are_chosen_where_the_method_has_some(
    method: str, is_active: bool, bpy: Any
) -> None:
    properties = import_module("faceplate.plugin.blender.properties")
    settings, layout = settings_of("FaceSwap"), fake.Layout()
    settings.method = method

    properties.draw_knobs(layout, settings, properties.NODES["FaceSwap"])

    assert ("prop", "weights") in layout.drawn
    assert [row.active for row in layout.rows] == [is_active, is_active, True]  # the last: layers


def test_the_device_is_told_to_the_engine_by_the_preferences(bpy: Any, session: Any) -> None:
    preferences = import_module("faceplate.plugin.blender.preferences")
    bpy.preferences.device = "cuda"

    assert preferences.settings_of(bpy.preferences)["device"] == "cuda"
    assert "device" not in settings_of("FaceSwap").__annotations__


def test_files_of_others_are_replaced_only_by_a_button_of_its_own(bpy: Any) -> None:
    ui = import_module("faceplate.plugin.blender.ui")
    settings = settings_of("FaceSwap")
    settings.error, layout = "comp.1001.exr is not ours.", fake.Layout()

    for settings.hint in ("Choose another name.", "Replace it with --overwrite."):
        ui.draw_error(layout, settings)

    assert [name for kind, name in layout.drawn if kind == "operator"] == ["faceplate.render"]
    assert "overwrite" not in settings.__annotations__


def test_every_button_of_the_panels_is_an_operator(bpy: Any, session: Any) -> None:
    ui = import_module("faceplate.plugin.blender.ui")
    operators = import_module("faceplate.plugin.blender.operators")
    layout = fake.Layout()
    for node in ("FaceSwap", "FaceTrack", "FaceQC"):
        settings = settings_of(node)
        settings.result = "//faceplate/face_track.track"
        ui.draw_node(layout, session, SimpleNamespace(faceplate=settings))
    scene = SimpleNamespace(faceplate=settings_of("FaceSwap"))
    ui.draw_strip(layout, session, scene)
    for panel in ui.panels(session):
        if panel.__name__ == "FACEPLATE_PT_clip":
            panel.draw(SimpleNamespace(layout=layout), bpy.context)

    tools = import_module("faceplate.plugin.blender.tools")
    made = (*operators.engine_operators(session), *tools.plain_operators(session))

    drawn = {name for kind, name in layout.drawn if kind == "operator"}
    assert drawn <= {kind.bl_idname for kind in made}
    assert {"faceplate.track_clip", "faceplate.swap_strip", "faceplate.markers_in_clip"} <= drawn
