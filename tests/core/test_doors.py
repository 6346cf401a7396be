"""Errors become one sentence and an exit code; caches are private; signals end a run."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faceplate.core.console import Console, Stopped
from faceplate.core.doors import default_threads, guard_file, prepare, private_folder, run
from faceplate.core.errors import (
    ConsentError,
    ContractError,
    DeviceError,
    DiskError,
    FaceplateError,
    InputError,
    ModelMissingError,
    OutputError,
)
from faceplate.core.report import Progress


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


CASES = [
    (InputError("The plate is odd.", hint="Look at it."), 2),
    (ModelMissingError("m", "m.onnx"), 3),
    (DeviceError("No card."), 4),
    (DiskError("comp.exr", "no space left on device"), 4),
    (ConsentError("No consent."), 5),
    (ContractError("Ours."), 70),
    (MemoryError(), 4),
    (PermissionError(13, "Permission denied", "comp.exr"), 4),
    (ZeroDivisionError("division by zero"), 70),
    (KeyboardInterrupt(), 130),
    (Stopped(143), 143),
]


@pytest.mark.parametrize(("error", "code"), CASES, ids=lambda case: str(case)[:20])
def test_every_error_has_its_exit_code_and_no_stack_trace(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Console(as_json=False, verbosity=0), raising(error)) == code

    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    assert said.out == ""
    assert len(said.err.splitlines()) <= 2


@pytest.mark.parametrize(("error", "code"), CASES[:9], ids=lambda case: str(case)[:20])
def test_every_error_is_one_json_object_for_a_program(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    run(Console(as_json=True, verbosity=0), raising(error))

    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert (said["event"], said["exit_code"]) == ("error", code)
    if isinstance(error, FaceplateError):
        assert (said["message"], said["hint"]) == (str(error), error.hint)


def test_our_own_fault_leaves_its_trace_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "renders" / "comp.log.jsonl"
    console = Console(as_json=False, verbosity=-1)
    console.open_log(log)

    run(console, raising(ZeroDivisionError("division by zero")))

    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in lines] == ["start", "error"]
    assert "ZeroDivisionError" in lines[-1]["trace"]


def test_each_job_of_a_command_has_its_own_log(tmp_path: Path) -> None:
    console = Console(as_json=False, verbosity=-1)

    for name in ("actor", "comp"):
        console.open_log(tmp_path / f"{name}.log.jsonl")
        console.progress(Progress(name, 1, 1))
    console.close()

    for name in ("actor", "comp"):
        lines = (tmp_path / f"{name}.log.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["event"] for line in lines] == ["start", "progress"]
        assert json.loads(lines[1])["stage"] == name


def test_a_refused_job_leaves_no_log_and_no_folder(tmp_path: Path) -> None:
    console = Console(as_json=False, verbosity=-1)
    console.open_log(tmp_path / "renders" / "comp.log.jsonl")

    run(console, raising(OutputError("It is the plate.")))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_heard_after_the_frame_in_hand(kind: signal.Signals, code: int) -> None:
    console = Console(as_json=False, verbosity=-1)
    done: list[int] = []

    def work() -> int:
        for frame in range(5):
            if console.stop():
                return console.stop.exit_code
            if frame == 2:
                os.kill(os.getpid(), kind)
            done.append(frame)
        return 0

    before = signal.getsignal(kind)

    assert run(console, work) == code
    assert done == [0, 1, 2]
    assert signal.getsignal(kind) == before


@pytest.mark.parametrize(("stage", "code"), [("observe", 143), ("render", 0)])
def test_only_a_stage_without_finished_frames_is_broken_off(stage: str, code: int) -> None:
    console = Console(as_json=False, verbosity=-1)

    def work() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        console.progress(Progress(stage, 1, 2, frame=1001))
        return 0

    assert run(console, work) == code


def test_a_warning_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(as_json=True, verbosity=0)

    for _ in range(3):
        console.progress(Progress("render", 1, 2, warnings=("Small source.",)))

    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events.count("warning") == 1
    assert events.count("progress") == 3


def test_quiet_says_errors_only(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(as_json=False, verbosity=-1)

    console.note("Expanding.")
    console.warn("Small source.")
    console.progress(Progress("render", 1, 2))
    console.result("Done.")
    console.error(InputError("The plate is odd.", hint="Look at it."))

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "error: The plate is odd.\n  Look at it.\n"


def test_compiled_code_is_kept_in_a_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceplate.core.doors.user_cache", lambda: tmp_path / "cache")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)

    prepare()

    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    assert folder.parent == tmp_path / "cache"
    assert folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.delenv("NUMBA_CACHE_DIR")


def test_a_place_for_compiled_code_that_is_set_is_respected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))

    prepare()

    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path)


def test_a_cache_below_a_file_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DiskError):
        private_folder(tmp_path / "file" / "cache")


@pytest.mark.parametrize(("asked", "slot", "threads"), [(3, "1", 3), (0, "5", 5)])
def test_threads_are_those_asked_for_then_the_slots(
    asked: int, slot: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", slot)

    assert default_threads(asked) == threads


def test_a_file_is_never_written_over_an_input(tmp_path: Path) -> None:
    plate = tmp_path / "plate.exr"
    plate.touch()
    (tmp_path / "link.exr").symlink_to(plate)
    os.link(plate, tmp_path / "hard.exr")

    for name in ("plate.exr", "link.exr", "hard.exr"):
        with pytest.raises(OutputError, match="one of the inputs"):
            guard_file(tmp_path / name, [plate], overwrite=True)


def test_another_file_is_replaced_only_when_told(tmp_path: Path) -> None:
    (tmp_path / "old.track").touch()

    with pytest.raises(OutputError, match="is there already"):
        guard_file(tmp_path / "old.track", [], overwrite=False)
    guard_file(tmp_path / "old.track", [], overwrite=True)
    guard_file(tmp_path / "new.track", [], overwrite=False)


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on file sizes")
def test_a_log_that_cannot_be_written_is_no_stack_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import resource

    console = Console(as_json=False, verbosity=0)
    console.open_log(tmp_path / "comp.log.jsonl")

    def work() -> int:
        console.progress(Progress("render", 1, 2))
        return 0

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        code = run(console, work)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert code == 4
    said = capsys.readouterr().err
    assert "File too large" in said
    assert len(said.splitlines()) <= 2
