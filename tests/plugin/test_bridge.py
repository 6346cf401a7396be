"""The host's side of the pipe, against a small engine that behaves, crashes, hangs or lies."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faceplate.core.errors import (
    ConsentError,
    EngineGoneError,
    EngineVersionError,
    FrameMissingError,
    InputError,
    StoppedError,
)
from faceplate.plugin import bridge
from faceplate.plugin.bridge import Call, Engine, Event, find_engine

# The other end of the protocol, written from the description in the bridge's docstring.
PEER = """
import json, os, signal, sys, threading, time

def say(**message):
    sys.stdout.write(json.dumps(dict(message, jsonrpc="2.0")) + "\\n")
    sys.stdout.flush()

stopped = set()

def work(number, method, p):
    if method == "env":
        say(id=number, result=dict(os.environ))
    elif method == "count":
        done = json.loads(open(p["done"]).read()) if os.path.exists(p["done"]) else []
        for frame in range(p["first"], p["last"] + 1):
            if number in stopped:
                return say(id=number, error={"code": -32800, "message": "cancelled"})
            if frame in done:
                continue
            say(method="begin", params={"call": number, "frame": frame})
            if frame == p.get("dies_on") and not os.path.exists(p.get("flag", "/nowhere")):
                if "flag" in p:
                    open(p["flag"], "w").close()
                print("about to fall", file=sys.stderr, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(p.get("pause", 0))
            done.append(frame)
            open(p["done"], "w").write(json.dumps(done))
            say(method="progress", params={"call": number, "frame": frame, "stage": "render",
                                           "done": len(done), "total": p["last"] - p["first"] + 1})
        say(id=number, result={"frames": done})
    elif method == "hang":
        time.sleep(1000)
    elif method == "child":
        child = os.fork()
        if child == 0:
            time.sleep(1000)
        say(method="log", params={"call": number, "level": "note", "text": str(child)})
        time.sleep(1000)
    elif method == "fail":
        say(id=number, error={"code": -32000, "message": p["message"], "data": p["data"]})
    elif method == "noise":
        sys.stdout.write("not a message\\n[1]\\n{}\\n"); sys.stdout.flush()
        say(method="progress", params={"call": 999})
        say(id=999, result={})
        say(id=number, result={"fine": True})

for line in sys.stdin:
    m = json.loads(line)
    if m["method"] == "hello":
        say(id=m["id"], result={"protocol": PROTOCOL, "settings": m["params"]["settings"]})
    elif m["method"] == "cancel":
        stopped.add(m["params"]["call"])
    else:
        threading.Thread(target=work, args=(m["id"], m["method"], m["params"]), daemon=True).start()
"""

Starter = Callable[..., Engine]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Return what makes an engine of the peer; all are closed at the end."""
    made: list[Engine] = []

    def starter(protocol: int = bridge.PROTOCOL, code: str = PEER) -> Engine:
        script = tmp_path / f"peer{len(made)}.py"
        script.write_text(code.replace("PROTOCOL", str(protocol)), encoding="utf-8")
        command = (sys.executable, "-I", "-u", str(script))
        made.append(Engine(command, log=tmp_path / "engine.log", settings={"threads": 2}))
        return made[-1]

    yield starter
    for engine in made:
        engine.close()


def counting(tmp_path: Path, **more: object) -> dict[str, object]:
    return {"first": 1001, "last": 1005, "done": str(tmp_path / "done.json"), **more}


def until(engine: Engine, call: Call, seconds: float = 20.0) -> list[Event]:
    """Poll as a host does until a call is done; return all events."""
    events, end = [], time.monotonic() + seconds
    while not call.is_done and time.monotonic() < end:
        events += engine.poll()
        time.sleep(0.005)
    assert call.is_done
    return events + engine.poll()


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][:1] != "Z"


def test_a_request_gets_its_progress_and_its_result(start: Starter, tmp_path: Path) -> None:
    engine = start()

    call = engine.call("count", **counting(tmp_path))
    events = until(engine, call)

    assert [e.facts["frame"] for e in events if e.kind == "progress"] == list(range(1001, 1006))
    assert [e.kind for e in events].count("done") == 1
    assert all(e.call is call for e in events)
    assert call.result() == {"frames": [1001, 1002, 1003, 1004, 1005]}


def test_asking_never_waits(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "_GRACE_SECONDS", 0.1)
    engine = start(code="import time; time.sleep(5)")
    began = time.monotonic()

    call = engine.submit("{}")

    assert time.monotonic() - began < 1
    assert not call.is_done and engine.poll() == []
    engine.close()


def test_the_host_s_own_environment_does_not_reach_the_engine(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "OCIO", "QT_PLUGIN_PATH"):
        monkeypatch.setenv(name, "/broken")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")

    found = start().call("env").result(20)

    assert "/broken" not in found.values()
    assert found["CUDA_VISIBLE_DEVICES"] == "1" and "PATH" in found


def test_noise_on_the_pipe_is_no_answer(start: Starter) -> None:
    assert start().call("noise").result(20) == {"fine": True}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"kind": "ConsentError", "hint": "Ask.", "facts": {"a": 1}}, ConsentError),
        ({"kind": "FrameMissingError", "hint": "", "facts": {}}, FrameMissingError),
    ],
)
def test_an_error_of_the_engine_is_the_same_error_here(
    data: dict[str, object], kind: type[Exception], start: Starter
) -> None:
    engine = start()
    call = engine.call("fail", message="It will not do.", data=data)
    (event,) = until(engine, call)

    with pytest.raises(kind, match=r"It will not do\.") as caught:
        call.result()

    assert getattr(caught.value, "hint", None) == data["hint"]
    assert event.kind == "failed"
    assert event.facts["message"] == "It will not do."
    assert event.facts["exit_code"] == kind.exit_code  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["os", "FaceplateError.__init__", "Nonsense", "annotations"])
def test_an_error_of_no_known_name_is_still_one_of_ours(name: str, start: Starter) -> None:
    call = start().call("fail", message="Odd.", data={"kind": name})

    with pytest.raises(Exception, match=r"Odd\.") as caught:
        call.result(20)

    assert type(caught.value).__module__ == "faceplate.core.errors"


def test_another_major_protocol_is_refused(start: Starter, tmp_path: Path) -> None:
    engine = start(protocol=2)

    call = engine.call("count", **counting(tmp_path))
    until(engine, call)

    with pytest.raises(EngineVersionError, match="speaks protocol 2; this plug-in speaks 1"):
        call.result()
    assert not engine.is_running


def test_after_a_crash_the_call_goes_on_in_a_new_engine(start: Starter, tmp_path: Path) -> None:
    engine = start()
    flag = str(tmp_path / "fell")

    call = engine.call("count", **counting(tmp_path, dies_on=1003, flag=flag))
    events = until(engine, call)

    (gone,) = [e for e in events if e.kind == "gone"]
    assert gone.facts["frame"] == 1003
    assert "died on frame 1003 (signal 9)" in gone.facts["message"]
    assert "about to fall" in gone.facts["hint"]
    assert call.result()["frames"] == [1001, 1002, 1003, 1004, 1005]


def test_two_crashes_on_one_frame_stop_and_name_it(start: Starter, tmp_path: Path) -> None:
    engine = start()

    call = engine.call("count", **counting(tmp_path, dies_on=1004))
    events = until(engine, call)

    assert [e.kind for e in events if e.kind in ("gone", "failed")] == ["gone", "failed"]
    with pytest.raises(EngineGoneError, match=r"died twice on frame 1004 .*signal 9") as caught:
        call.result()
    assert caught.value.facts["frame"] == 1004 and caught.value.exit_code == 4
    assert json.loads((tmp_path / "done.json").read_text()) == [1001, 1002, 1003]
    assert start().call("noise").result(20) == {"fine": True}  # and the host lives on


def test_a_killed_engine_is_started_again_for_the_next_request(start: Starter) -> None:
    engine = start()
    engine.call("noise").result(20)
    first = engine.process_id
    assert first is not None
    os.kill(first, signal.SIGKILL)

    assert engine.call("noise").result(20) == {"fine": True}

    assert engine.process_id not in (None, first)


def test_a_cancelled_call_stops_by_message(start: Starter, tmp_path: Path) -> None:
    engine = start()
    call = engine.call("count", **counting(tmp_path, last=1999, pause=0.02))
    while not (tmp_path / "done.json").exists():
        time.sleep(0.01)
    process = engine.process_id

    engine.cancel(call)
    until(engine, call)

    with pytest.raises(StoppedError, match="count was stopped"):
        call.result()
    assert engine.is_running and engine.process_id == process


def test_an_engine_that_does_not_listen_is_killed_with_all_it_started(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "_GRACE_SECONDS", 0.2)
    engine = start()
    call = engine.call("child")
    while not (events := engine.poll()):
        time.sleep(0.01)
    child = int(events[0].facts["text"])

    engine.cancel(call)

    with pytest.raises(StoppedError):
        call.result(20)
    end = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_alive(child)
    assert engine.call("noise").result(20) == {"fine": True}


def test_a_call_out_of_time_is_stopped(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "_GRACE_SECONDS", 0.1)
    engine = start()

    call = engine.call("hang", timeout_seconds=0.5)

    with pytest.raises(StoppedError, match=r"hang took longer than 0\.5 s"):
        call.result(20)


def test_waiting_has_a_time_out_of_its_own(start: Starter) -> None:
    call = start().call("hang")

    with pytest.raises(TimeoutError):
        call.result(0.05)
    assert not call.is_done


def test_closing_ends_the_process_and_fails_what_is_open(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "_GRACE_SECONDS", 0.2)
    engine = start()
    engine.call("noise").result(20)
    call, process = engine.call("hang"), engine.process_id
    assert process is not None

    engine.close()

    with pytest.raises(StoppedError, match="closed"):
        call.result(5)
    assert not is_alive(process) and not engine.is_running


def test_an_engine_that_cannot_start_says_its_last_words(start: Starter) -> None:
    engine = start(code="import faceplate_that_is_not_there")

    with pytest.raises(EngineGoneError, match=r"did not start \(exit code 1\)") as caught:
        engine.submit("{}").result(20)

    assert "ModuleNotFoundError" in caught.value.hint and "engine.log" in caught.value.hint


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    engine = Engine((str(tmp_path / "none"), "-I"), log=tmp_path / "engine.log")

    with pytest.raises(EngineGoneError, match="none cannot be started"):
        engine.submit("{}").result(5)


def test_the_log_is_kept_small(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "engine.log").write_bytes(b"x" * (1 << 23))

    start().call("noise").result(20)

    assert (tmp_path / "engine.log").stat().st_size < 1 << 20


# --- where the engine is ----------------------------------------------------------------------


def environment(folder: Path) -> Path:
    """Make a folder that looks like an environment; return its Python."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return python


def test_preferences_come_first_and_then_the_environment_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, exported = environment(tmp_path / "said"), environment(tmp_path / "exported")
    monkeypatch.setenv("FACEPLATE_PYTHON", str(exported))

    assert find_engine(str(said.parent.parent))[0] == str(said)
    assert find_engine()[0] == str(exported)
    assert find_engine()[1:] == ("-I", "-u", "-m", "faceplate.core.worker")


def test_a_copy_of_the_plug_in_finds_what_install_left_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = environment(tmp_path / "env")
    copied = tmp_path / "faceplate" / "plugin"
    copied.mkdir(parents=True)
    monkeypatch.delenv("FACEPLATE_PYTHON", raising=False)
    monkeypatch.setattr(bridge, "__file__", str(copied / "bridge.py"))
    with pytest.raises(InputError, match="The engine was not found") as caught:
        find_engine()
    assert "install.py engine" in caught.value.hint

    (copied / bridge.POINTER).write_text(json.dumps({"python": str(python)}))

    assert find_engine()[0] == str(python)


def test_a_checkout_finds_its_own_environment_once_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = environment(tmp_path / ".venv")
    (tmp_path / "plugin").mkdir()
    monkeypatch.delenv("FACEPLATE_PYTHON", raising=False)
    monkeypatch.setattr(bridge, "__file__", str(tmp_path / "plugin" / "bridge.py"))
    with pytest.raises(InputError):
        find_engine()

    (tmp_path / ".venv" / bridge.STAMP).write_text("{}")

    assert find_engine()[0] == str(python)


@pytest.mark.parametrize("said", ["bin/python", "/nowhere/python", "/etc"])
def test_what_the_preferences_say_must_be_there(said: str) -> None:
    with pytest.raises(InputError, match="from the preferences, is not a Python"):
        find_engine(said)
