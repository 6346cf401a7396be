"""A machine's settings are asked for, kept, told to the engine, and never taken from a script."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nuke
import pytest

from faceplate.core.errors import InputError
from faceplate.plugin.nuke import menus, session, settings
from faceplate.plugin.nuke.session import Task
from faceplate.plugin.nuke.settings import Settings, read_settings, settings_file, write_settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with nothing in it, and a Nuke that has just started."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(settings.VARIABLE, raising=False)
    monkeypatch.setattr(menus, "session", session.Session)
    nuke.reset()
    return tmp_path


def answering(**answers: str) -> Callable[[Any], bool]:
    """Return an artist who types into the lines whose labels begin so, and presses OK."""

    def answer(panel: Any) -> bool:
        for start, text in answers.items():
            (label,) = (label for label in panel.lines if label.startswith(start))
            assert label not in panel.choices or text in panel.choices[label]
            panel.lines[label] = text
        return True

    return answer


def test_without_a_file_the_engine_takes_a_cpu_and_all_threads(home: Path) -> None:
    assert read_settings() == Settings()
    assert read_settings().told == {
        "device": "cpu",
        "threads": 0,
        "cache": None,
        "revocations": None,
    }
    assert settings_file() == home / ".nuke" / "faceplate.json"
    assert not settings_file().exists()


def test_what_the_artist_types_is_kept_and_shown_again(home: Path) -> None:
    nuke.STATE.answer = answering(device="cuda", threads="4", cache=" ~/fast ")

    menus.change_settings()

    assert nuke.STATE.messages == []
    kept = read_settings()
    assert (kept.device, kept.threads, kept.cache, kept.engine) == ("cuda", 4, "~/fast", "")
    assert kept.told["cache"] == str(home / "fast")
    shown: dict[str, str] = {}

    def leave(panel: Any) -> bool:
        shown.update(panel.lines)
        return False

    nuke.STATE.answer = leave
    before = settings_file().read_bytes()
    menus.change_settings()

    assert [shown[label] for label in shown if label.startswith(("device", "threads"))] == [
        "cuda",
        "4",
    ]
    assert settings_file().read_bytes() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read: "),
        ("[]", "it is no object"),
        ('{"device": "tpu"}', "device is 'tpu'. It is cpu or cuda."),
        ('{"device": 1}', "device is 1"),
        ('{"threads": true}', "threads is True"),
        ('{"threads": -1}', "threads is -1. It is 0"),
        ('{"thread": 2}', "thread is 2"),
    ],
)
def test_a_file_that_says_what_there_is_not_is_refused(text: str, said: str) -> None:
    settings_file().parent.mkdir()
    settings_file().write_text(text)

    with pytest.raises(InputError) as caught:
        read_settings()

    assert said in f"{caught.value} {caught.value.hint}"


def test_a_broken_file_can_be_written_anew_from_the_window() -> None:
    settings_file().parent.mkdir()
    settings_file().write_text("{")
    nuke.STATE.answer = answering(threads="2")

    menus.change_settings()

    assert nuke.STATE.messages[0].endswith("This begins with the defaults.")
    assert read_settings() == Settings(threads=2)


@pytest.mark.parametrize("threads", ["many", "-1", "1.5", "5000"])
def test_a_number_of_threads_that_is_none_is_said(threads: str) -> None:
    nuke.STATE.answer = answering(threads=threads)

    menus.change_settings()

    assert nuke.STATE.messages[0].startswith("The setting threads is ")
    assert not settings_file().exists()


def test_a_studios_file_counts_instead_of_the_users(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_settings(Settings(threads=3))
    studio = home / "show" / "faceplate.json"
    monkeypatch.setenv(settings.VARIABLE, str(studio))

    with pytest.raises(InputError, match="cannot be read"):
        read_settings()
    studio.parent.mkdir()
    studio.write_text(json.dumps({"device": "cuda"}))

    assert read_settings() == Settings(device="cuda")


def test_a_place_that_cannot_be_written_is_said(home: Path) -> None:
    (home / ".nuke").write_text("")
    nuke.STATE.answer = answering()

    menus.change_settings()

    assert "faceplate.json cannot be written" in nuke.STATE.messages[0]


class Engine:
    """Stands for the bridge: keeps what it was made with."""

    made: list[Engine] = []

    def __init__(self, command: tuple[str, ...], *, log: Path, settings: dict[str, Any]) -> None:
        self.command, self.settings, self.is_closed = command, settings, False
        self.made.append(self)

    def call(self, method: str, **params: Any) -> Any:
        return nuke.Format()  # anything: it is only asked whether it is done

    def close(self) -> None:
        self.is_closed = True


class Open(session.Session):
    """A session whose requests nobody watches."""

    def _wait(self, task: Task, call: Any) -> None:
        call.is_done = False
        self.call = call


def test_the_engine_is_told_and_begins_anew_only_where_nothing_runs(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "made", [])
    monkeypatch.setattr(session, "Engine", Engine)
    monkeypatch.setattr(session, "find_engine", lambda said: (said,))
    monkeypatch.setattr(nuke, "GUI", False)
    one = Open()
    monkeypatch.setattr(menus, "session", lambda: one)
    write_settings(Settings(engine="/opt/engine", device="cuda", threads=2))
    one.start(Task("FaceSwap1", "Rendering", "render", {}, lambda node, answer: None))
    (engine,) = Engine.made
    assert (engine.command, engine.settings["device"]) == (("/opt/engine",), "cuda")
    assert engine.settings["threads"] == 2

    nuke.STATE.answer = answering(device="cpu")
    menus.change_settings()
    assert not engine.is_closed
    assert "What runs goes on as before" in nuke.STATE.messages[0]
    one.call.is_done = True
    menus.change_settings()

    assert engine.is_closed
    one.start(Task("FaceSwap1", "Rendering", "render", {}, lambda node, answer: None))
    assert Engine.made[-1].settings["device"] == "cpu"
