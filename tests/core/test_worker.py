"""The engine's process, asked as a host asks it: through the bridge, and by hand."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from faceplate.core.console import Stopper
from faceplate.core.errors import (
    ConsentError,
    DeviceError,
    EngineGoneError,
    FrameMissingError,
    JobError,
    StoppedError,
)
from faceplate.core.footage import frame_path
from faceplate.core.io.exr import read_frame
from faceplate.core.job import Job
from faceplate.core.render import render_shot
from faceplate.core.worker import Pipe, Request, Worker
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.plugin.bridge import Call, Engine, Event, find_engine

FRAMES = range(1001, 1007)
Started = Callable[[], Engine]


@pytest.fixture(scope="module")
def started(small_shot: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Return what gives an engine; the same one as long as it lives."""
    log = tmp_path_factory.mktemp("engine") / "engine.log"
    settings = {"threads": 1, "cache": str(small_shot.cache)}
    engine = Engine(find_engine(sys.executable), log=log, settings=settings)
    yield lambda: engine
    engine.close()


@pytest.fixture(scope="module")
def wanted(small_shot: Any) -> Path:
    """Render the shot in this process; return the folder."""
    folder = small_shot.root / "wanted"
    render(small_shot.job(folder / "c.%04d.exr"), small_shot)
    return Path(folder)


def render(job: Job, small_shot: Any) -> None:
    render_shot(
        job,
        progress=lambda _: None,
        should_stop=lambda: False,
        threads=1,
        cache_folder=small_shot.cache / "observations",
        revocations=frozenset(),
        today=date.today(),
    )


def watch(
    engine: Engine, call: Call, at: Callable[[Event], None] = lambda _: None, seconds: float = 60
) -> list[Event]:
    """Poll until a call is done, and look at each event as it comes; return all."""
    events: list[Event] = []
    end = time.monotonic() + seconds
    done = False
    while not done and time.monotonic() < end:
        done = call.is_done
        for event in engine.poll():
            events.append(event)
            at(event)
        time.sleep(0.002)
    assert done
    return events


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.exr")}


def test_a_render_gives_the_bytes_of_the_command_line(
    started: Started, small_shot: Any, wanted: Path, tmp_path: Path
) -> None:
    engine = started()

    call = engine.submit(small_shot.job(tmp_path / "c.%04d.exr").to_json())
    events = watch(engine, call)

    assert bytes_of(tmp_path) == bytes_of(wanted)
    facts = call.result()
    assert (facts["exit_code"], facts["replaced"], facts["stopped"]) == (0, 6, False)
    last = [e for e in events if e.kind == "progress" and e.facts["stage"] == "render"][-1]
    assert (last.facts["done"], last.facts["total"], last.facts["frame"]) == (6, 6, 1006)
    assert (tmp_path / "c.summary.json").exists() and (tmp_path / "c.log.jsonl").exists()


def test_an_engine_killed_in_a_render_is_started_again_and_ends_with_the_same_bytes(
    started: Started, small_shot: Any, wanted: Path, tmp_path: Path
) -> None:
    engine, killed = started(), []

    def kill(event: Event) -> None:
        if event.kind == "progress" and event.facts["stage"] == "render" and not killed:
            killed.append(engine.process_id)
            os.kill(engine.process_id or 0, signal.SIGKILL)

    call = engine.submit(small_shot.job(tmp_path / "c.%04d.exr").to_json())
    events = watch(engine, call, kill)

    (gone,) = [event for event in events if event.kind == "gone"]
    assert killed and "signal 9" in gone.facts["message"]
    assert engine.process_id not in killed
    assert call.result()["resumed"] >= 1
    assert bytes_of(tmp_path) == bytes_of(wanted)


def test_a_frame_that_kills_twice_is_named(
    started: Started, small_shot: Any, tmp_path: Path
) -> None:
    engine = started()

    def kill(event: Event) -> None:
        if event.kind in ("progress", "gone"):
            at = event.facts if event.kind == "progress" else None
            if at is None or at["stage"] == "render":
                while event.call.frame is None and not event.call.is_done:
                    time.sleep(0.001)
                os.kill(engine.process_id or 0, signal.SIGKILL)

    job = small_shot.job(tmp_path / "c.%04d.exr", frames="1003-1006", grain=0.5)
    call = engine.submit(job.to_json())
    watch(engine, call, kill)

    with pytest.raises(EngineGoneError, match=r"died twice on frame 100\d") as caught:
        call.result()
    assert caught.value.facts["frame"] in range(1003, 1007)


def test_a_cancelled_render_keeps_what_is_finished(
    started: Started, small_shot: Any, wanted: Path, tmp_path: Path
) -> None:
    engine = started()

    def cancel(event: Event) -> None:
        if event.kind == "progress" and event.facts["stage"] == "render":
            engine.cancel(event.call)

    call = engine.submit(small_shot.job(tmp_path / "c.%04d.exr").to_json())
    watch(engine, call, cancel)
    before = engine.process_id

    with pytest.raises(StoppedError):
        call.result()
    finished = bytes_of(tmp_path)
    assert 1 <= len(finished) < len(FRAMES)
    assert all(bytes_of(wanted)[name] == content for name, content in finished.items())
    assert engine.call("models").result(20)["models"]
    assert engine.process_id == before  # it stopped by itself


def test_a_preview_is_made_between_the_frames_of_a_render(
    started: Started, small_shot: Any, wanted: Path, tmp_path: Path
) -> None:
    engine, previews = started(), []
    job = small_shot.job(tmp_path / "c.%04d.exr")

    def ask(event: Event) -> None:
        if event.kind == "progress" and event.facts["stage"] == "render" and not previews:
            out = str(tmp_path / "preview" / "p.exr")
            previews.append(engine.call("preview", job=job.to_json(), frame=1006, out=out))

    call = engine.submit(job.to_json())
    events = watch(engine, call, ask)

    order = [event.call.method for event in events if event.kind == "done"]
    assert order[-2:] == ["preview", "render"]
    assert previews[0].result()["replaced"] is True
    ours = read_frame(tmp_path / "preview" / "p.exr", 1006).channels
    theirs = read_frame(frame_path(str(wanted / "c.%04d.exr"), 1006), 1006).channels
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert bytes_of(tmp_path) == bytes_of(wanted)


def test_a_second_render_of_a_shot_analyses_nothing_and_loads_nothing(
    started: Started, small_shot: Any, tmp_path: Path
) -> None:
    engine = started()
    first = small_shot.job(tmp_path / "a" / "c.%04d.exr", frames="1001")
    second = small_shot.job(tmp_path / "b" / "c.%04d.exr", frames="1001", grain=0.5, shape=1)
    engine.submit(first.to_json()).result(60)
    engine.poll()

    call = engine.submit(second.to_json())
    events = watch(engine, call)

    assert call.result()["replaced"] == 1
    assert {e.facts["stage"] for e in events if e.kind == "progress"} == {"render"}
    render(replace(second, output=str(tmp_path / "w" / "c.%04d.exr")), small_shot)
    assert bytes_of(tmp_path / "b") == bytes_of(tmp_path / "w")


def test_a_check_says_everything_and_writes_nothing(
    started: Started, small_shot: Any, tmp_path: Path
) -> None:
    engine = started()
    good = small_shot.job(tmp_path / "out" / "c.%04d.exr")
    bad = small_shot.job(tmp_path / "out" / "c.%04d.exr", frames="1005-1008")

    facts = engine.call("check", job=good.to_json()).result(30)
    wrong = engine.call("check", job=bad.to_json()).result(30)

    assert facts["ok"] is True and facts["problems"] == []
    assert (facts["frames"], facts["size"], facts["space"]) == (6, [480, 270], "ACEScg")
    assert 0 < facts["bytes_needed"] < facts["bytes_free"]
    assert wrong["ok"] is False
    assert wrong["problems"][0]["kind"] == "FrameMissingError"
    assert "1007" in wrong["problems"][0]["message"] and wrong["problems"][0]["hint"]
    assert not (tmp_path / "out").exists()


def test_an_analysis_writes_a_track_that_a_render_takes(
    started: Started, small_shot: Any, wanted: Path, tmp_path: Path
) -> None:
    engine = started()
    job = small_shot.job(tmp_path / "c.%04d.exr", frames="1002")
    track = tmp_path / "t" / "plate.track"
    track.parent.mkdir()

    facts = engine.call("analyse", job=job.to_json(), out=str(track)).result(60)
    with_track = json.loads(job.to_json()) | {"track": str(track)}
    engine.submit(json.dumps(with_track)).result(60)

    assert facts["out"] == str(track) and track.exists()
    assert facts["faces"][0]["frames"] == 6
    assert all(Path(path).exists() for path in facts["outputs"])
    assert bytes_of(tmp_path)["c.1002.exr"] == bytes_of(wanted)["c.1002.exr"]


def test_errors_are_those_of_the_command_line(
    started: Started, small_shot: Any, tmp_path: Path
) -> None:
    missing = small_shot.job(tmp_path / "c.%04d.exr", frames="2000")

    with pytest.raises(FrameMissingError, match="Frame 2000") as caught:
        started().submit(missing.to_json()).result(30)

    assert caught.value.hint and caught.value.facts["number"] == 2000


def test_consent_that_was_withdrawn_in_the_preferences_counts(
    small_shot: Any, tmp_path: Path
) -> None:
    (tmp_path / "withdrawn.txt").write_text("faceplate demo shot\n")
    settings = {"cache": str(small_shot.cache), "revocations": str(tmp_path / "withdrawn.txt")}
    engine = Engine(find_engine(sys.executable), log=tmp_path / "engine.log", settings=settings)
    job = small_shot.job(tmp_path / "c.%04d.exr").to_json()
    calls = [engine.submit(job)]
    calls += [engine.call("preview", job=job, frame=1001, out=str(tmp_path / "p.exr"))]

    for call in calls:
        with pytest.raises(ConsentError, match="was withdrawn"):
            call.result(60)

    engine.close()
    assert bytes_of(tmp_path) == {}


# --- training ---------------------------------------------------------------------------------


class Pupil:
    """An engine with small generators to teach, and the jobs of a shot that they draw."""

    def __init__(self, engine: Engine, shot: Any, cache: Path) -> None:
        self.engine, self.cache, self._shot = engine, cache, shot

    def job(self, out: Path, samples: int, *, alone: bool = False) -> Job:
        """Return a job that fine-tunes, or the one that does nothing else."""
        drawn = {"method": "fsgan", "weights": "pupil"}
        plate: dict[str, object] = {"pattern": self._shot.plate, "frames": "1001-1002"}
        source: dict[str, object] = {"file": str(self._shot.actor)}
        graph = swap_graph(plate, source, drawn, {"samples": samples})
        delivery = Delivery(output=str(out / "c.%04d.exr"), name="small", contact_sheet=False)
        return job_of(graph, "training" if alone else "swap", delivery)

    @property
    def kept(self) -> list[Path]:
        """Networks that the cache keeps."""
        return sorted(self.cache.rglob("*.onnx"))


@pytest.fixture(scope="module")
def pupil(small_shot: Any, toys: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pupil]:
    for seed, role in enumerate(("reenact", "complete", "blend")):
        toys.random(f"pupil_{role}", role, seed)
    cache = tmp_path_factory.mktemp("cache")
    untaught = shutil.ignore_patterns("finetuned")  # other tests teach, too
    shutil.copytree(small_shot.cache, cache, ignore=untaught, dirs_exist_ok=True)
    log = tmp_path_factory.mktemp("engine") / "engine.log"
    settings = {"threads": 1, "cache": str(cache)}
    engine = Engine(find_engine(sys.executable), log=log, settings=settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEPLATE_MODELS", str(toys.folder))
        assert engine.call("cache").result(60)
    yield Pupil(engine, small_shot, cache)
    engine.close()


def stages(events: list[Event], call: Call) -> list[tuple[str, int, int]]:
    """Return what a call said of its progress."""
    return [
        (event.facts["stage"], event.facts["done"], event.facts["total"])
        for event in events
        if event.call is call and event.kind == "progress"
    ]


def test_a_training_that_is_cancelled_stops_between_two_steps_and_keeps_nothing(
    pupil: Pupil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceplate.plugin.bridge._GRACE_SECONDS", 60.0)  # on a busy machine
    engine = pupil.engine

    def cancel(event: Event) -> None:
        if event.kind == "progress" and event.facts["done"]:
            engine.cancel(event.call)

    before = engine.process_id
    call = engine.call("train", job=pupil.job(tmp_path, 3000, alone=True).to_json())
    events = watch(engine, call, cancel, 240)

    with pytest.raises(StoppedError):
        call.result()
    assert 0 < stages(events, call)[-1][1] < 1000
    assert pupil.kept == []
    assert engine.call("cache").result(20) and engine.process_id == before


def test_previews_are_made_while_networks_are_taught_and_those_that_need_them_afterwards(
    pupil: Pupil, small_shot: Any, tmp_path: Path
) -> None:
    engine, asked = pupil.engine, []
    taught = pupil.job(tmp_path, 9)
    plain = small_shot.job(tmp_path / "p.%04d.exr")

    def ask(event: Event) -> None:
        if event.kind == "progress" and event.facts["done"] and not asked:
            for name, job in (("taught", taught), ("plain", plain)):
                out = str(tmp_path / f"{name}.exr")
                asked.append(engine.call("preview", job=job.to_json(), frame=1001, out=out))

    training = engine.call("train", job=taught.to_json())
    events = watch(engine, training, ask, 240)
    needy, other = asked
    is_first = not needy.is_done
    more = watch(engine, needy)

    order = [event.call for event in (*events, *more) if event.kind == "done"]
    assert is_first and order[-3:] == [other, training, needy]
    assert stages(events, training)[-1] == ("finetune", 3, 3)
    assert "finetune" not in {stage for stage, _, _ in stages(more, needy)}
    assert needy.result()["replaced"] and other.result()["replaced"]
    assert not training.result()["kept"]
    assert len(pupil.kept) == 1


def test_a_render_trains_first_and_says_so_and_a_training_then_finds_it_kept(
    pupil: Pupil, tmp_path: Path
) -> None:
    engine, samples = pupil.engine, 6

    render = engine.submit(pupil.job(tmp_path, samples).to_json())
    events = watch(engine, render, seconds=240)
    training = engine.call("train", job=pupil.job(tmp_path, samples, alone=True).to_json())
    found = training.result(60)

    told = [one for one in stages(events, render) if one[0] == "finetune"]
    assert told[0] == ("finetune", 0, 2) and told[-1] == ("finetune", 2, 2)
    assert stages(events, render)[-1] == ("render", 2, 2)
    assert render.result()["replaced"] == 2
    assert found["kept"] and (found["steps"], found["views"], found["weights"]) == (2, 2, "pupil")
    assert found["first"] > 0 and found["last"] > 0 and found["seconds"] > 0
    header = read_frame(tmp_path / "c.1001.exr", 1001).header
    assert header["faceplate/finetune"] == found["sentence"]


def test_a_training_is_no_render_and_a_job_that_learns_nothing_no_training(
    pupil: Pupil, small_shot: Any, tmp_path: Path
) -> None:
    alone = pupil.job(tmp_path, 6, alone=True).to_json()

    rendered = pupil.engine.call("render", job=alone)
    trained = pupil.engine.call("train", job=small_shot.job(tmp_path / "c.%04d.exr").to_json())
    checked = pupil.engine.call("check", job=alone).result(60)

    with pytest.raises(JobError, match="makes no frames"):
        rendered.result(60)
    with pytest.raises(JobError, match="fine-tunes nothing"):
        trained.result(60)
    assert checked["ok"] and checked["frames"] == 0


# --- the protocol, by hand --------------------------------------------------------------------


class Peer:
    """A worker and its pipe, with nothing in between."""

    def __init__(self, log: Path) -> None:
        command = [sys.executable, "-I", "-u", "-m", "faceplate.core.worker"]
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )

    def send(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method: str, number: int = 1, **params: object) -> Any:
        content = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.send(json.dumps(content))
        return self.hear()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    made = Peer(tmp_path / "peer.log")
    yield made
    made.process.kill()
    made.process.wait()


def test_hello_comes_first_and_only_in_our_version(peer: Peer) -> None:
    before = peer.ask("models")
    other = peer.ask("hello", protocol=2)
    still = peer.ask("models")
    hello = peer.ask("hello", protocol=1)

    assert before["error"]["message"] == "say hello first"
    assert "protocol 1, and not 2" in other["error"]["message"]
    assert still["error"]["code"] == -32600
    assert hello["result"]["protocol"] == 1
    assert hello["result"]["process"] == peer.process.pid


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(),
    reason="this machine's onnxruntime offers a GPU",
)
def test_a_device_that_is_not_there_is_said_at_hello_and_the_next_hello_may_do(peer: Peer) -> None:
    gone = peer.ask("hello", protocol=1, settings={"device": "cuda"})["error"]
    unknown = peer.ask("hello", protocol=1, settings={"device": "gpu"})["error"]
    before = peer.ask("models")
    hello = peer.ask("hello", protocol=1, settings={"device": "cpu"})

    assert (gone["data"]["kind"], gone["data"]["exit_code"]) == ("DeviceError", 4)
    assert "cannot run on cuda (CUDAExecutionProvider): this onnxruntime" in gone["message"]
    assert "device cpu" in gone["data"]["hint"]
    assert unknown["data"]["kind"] == "KnobError"
    assert before["error"]["message"] == "say hello first"
    assert hello["result"]["device"] == "cpu"


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(),
    reason="this machine's onnxruntime offers a GPU",
)
def test_a_host_hears_of_a_missing_device_with_its_first_call_and_nothing_is_made(
    small_shot: Any, tmp_path: Path
) -> None:
    settings = {"threads": 1, "cache": str(small_shot.cache), "device": "cuda"}
    engine = Engine(find_engine(sys.executable), log=tmp_path / "log", settings=settings)

    call = engine.submit(small_shot.job(tmp_path / "c.%04d.exr").to_json())

    with pytest.raises(DeviceError, match="cannot run on cuda"):
        call.result(60)
    assert bytes_of(tmp_path) == {}
    engine.close()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nonsense", -32700),
        ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), -32700),
        ("[]", -32600),
        ('{"id": 1}', -32600),
        ('{"id": 1, "method": "hello", "params": []}', -32602),
    ],
)
def test_what_is_no_request_gets_an_error_and_the_worker_goes_on(
    text: str, code: int, peer: Peer
) -> None:
    peer.send(text)

    assert peer.hear()["error"]["code"] == code
    assert peer.ask("hello", protocol=1)["result"]


def test_an_unknown_request_or_a_bad_job_is_an_answer(peer: Peer) -> None:
    peer.ask("hello", protocol=1)

    unknown = peer.ask("fly")["error"]
    bare = peer.ask("render")["error"]
    bad = peer.ask("render", job='{"version": 99}')["error"]

    assert "no request fly" in unknown["message"] and "render" in unknown["data"]["hint"]
    assert (bare["data"]["kind"], bare["data"]["exit_code"]) == ("JobError", 2)
    assert bad["data"]["kind"] == "JobVersionError"


def test_progress_is_said_ten_times_a_second_and_at_the_end() -> None:
    stream = io.BytesIO()
    worker = Worker(Pipe(stream))  # type: ignore[arg-type]
    request = Request(7, "render", {}, Stopper())
    began = time.monotonic()

    for done in range(2001):
        worker._tell(request, "progress", {"done": done, "total": 2000})
        worker._tell(request, "log", {"text": str(done)})

    said = [json.loads(line) for line in stream.getvalue().splitlines()]
    progress = [message["params"]["done"] for message in said if message["method"] == "progress"]
    assert len(progress) <= 2 + 10 * (time.monotonic() - began)
    assert progress[0] == 0 and progress[-1] == 2000
    assert sum(message["method"] == "log" for message in said) == 2001
    assert all(message["params"]["call"] == 7 for message in said)


def test_the_engine_ends_with_a_host_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from faceplate.plugin.bridge import Engine, find_engine\n"
        "engine = Engine(find_engine(sys.executable), log=Path(sys.argv[1]))\n"
        "engine.call('models').result(60)\nprint(engine.process_id, flush=True)\ntime.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "engine.log")]
    host = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    engine = Path(f"/proc/{host.stdout.readline().strip()}/stat")
    assert engine.exists()

    host.kill()
    host.wait()

    end = time.monotonic() + 15
    while engine.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not engine.exists() or engine.read_text().rpartition(") ")[2][:1] == "Z"


def test_the_worker_ends_with_its_input(peer: Peer) -> None:
    peer.ask("hello", protocol=1)
    assert peer.process.stdin is not None

    peer.process.stdin.close()

    assert peer.process.wait(10) == 0
