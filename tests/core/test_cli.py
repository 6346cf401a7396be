"""The commands as a person types them, on the demo's frames."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from faceplate.core.cli import app
from faceplate.core.demo.footage import write_footage
from faceplate.core.io.exr import read_frame
from faceplate.nodes.face import FACE_SWAP


@dataclass(frozen=True)
class Shell:
    """A folder with two frames of plate, one of source, and actors with and without consent."""

    folder: Path

    def run(self, *words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def swap(self, *words: object, plate: str = "plate/plate.%04d.exr") -> Result:
        fixed = ("--colorspace", "ACEScg", "--cache", self.path("cache"), "--no-contact")
        return self.run("swap", self.path(plate), *fixed, *words)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    folder = tmp_path_factory.mktemp("shell")
    footage = write_footage(folder / "all", frames=2)
    shutil.move(folder / "all" / "plate", folder / "plate")
    (folder / "source").mkdir()
    source = sorted((folder / "all" / "source").glob("*.exr"))[0]
    shutil.move(source, folder / "source" / source.name)
    shell = Shell(folder)
    for name, words in (("demo", ("--consent", footage.consent)), ("bare", ())):
        done = shell.run(
            *("actor", "build", folder / "source" / source.name, "--colorspace", "ACEScg"),
            *("--out", shell.path(f"{name}.actor"), "--cache", shell.path("cache"), *words),
        )
        assert done.exit_code == 0, done.output
    return shell


def test_help_names_every_knob_of_the_node(shell: Shell) -> None:
    shown = CliRunner().invoke(app, ["swap", "--help"], env={"COLUMNS": "200"}).output

    assert all(f"--{knob.name.replace('_', '-')}" in shown for knob in FACE_SWAP.knobs)


@pytest.mark.parametrize(
    "words",
    [
        ("swap",),
        ("swap", "p.%04d.exr", "--fether", "3"),
        ("fly",),
        ("swap", "p.%04d.exr", "--actor", "a.actor", "--out", "c.%04d.exr", "--threads", "many"),
    ],
)
def test_a_command_that_cannot_be_read_is_exit_2(words: tuple[str, ...], shell: Shell) -> None:
    done = shell.run(*words)

    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_a_swap_writes_frames_and_a_log_and_resumes(shell: Shell) -> None:
    words = ("--actor", shell.path("demo.actor"), "--out", shell.path("full/c.%04d.exr"), "--json")

    first = shell.swap(*words)
    frames = {p.name: p.read_bytes() for p in (shell.folder / "full").glob("*.exr")}
    second = shell.swap(*words)

    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    summaries = [json.loads(run.stdout.splitlines()[-1]) for run in (first, second)]
    assert [s["replaced"] + s["resumed"] for s in summaries] == [2, 2]
    assert [s["resumed"] for s in summaries] == [0, 2]
    assert len(frames) == 2
    assert frames == {p.name: p.read_bytes() for p in (shell.folder / "full").glob("*.exr")}
    log = (shell.folder / "full" / "c.log.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line)["event"] for line in log]
    assert events.count("start") == events.count("summary") == 2
    kept = json.loads((shell.folder / "full" / "c.summary.json").read_text(encoding="utf-8"))
    assert (kept["frames"], kept["done"], kept["resumed"]) == (2, 2, 2)


def test_another_knob_renders_the_frames_again(shell: Shell) -> None:
    words = ("--actor", shell.path("demo.actor"), "--out", shell.path("again/c.%04d.exr"), "--json")

    runs = [shell.swap(*words, "--mix", mix) for mix in ("1", "0.5", "0.5")]

    assert [json.loads(r.stdout.splitlines()[-1])["resumed"] for r in runs] == [0, 0, 2]


def test_the_command_in_the_header_gives_the_same_bytes(shell: Shell) -> None:
    given = ("--mix", "1001=0.25,1024=1", "--feather", "7.5", "--eyes", "source", "--seed", "3")
    more = ("--layers", "comp,matte,st", "--layer-prefix", "fp_", "--face-at", "480,270")
    actor = ("--actor", shell.path("demo.actor"))
    first = shell.swap(*actor, "--out", shell.path("said/comp.%04d.exr"), *given, *more)
    assert first.exit_code == 0, first.output
    frames = sorted((shell.folder / "said").glob("*.exr"))

    words = shlex.split(str(read_frame(frames[0], 1).header["faceplate/command"]))
    places = {
        "plate.%04d.exr": shell.path("plate/plate.%04d.exr"),
        "demo.actor": shell.path("demo.actor"),
        "comp.%04d.exr": shell.path("done/comp.%04d.exr"),
    }
    cache = ("--cache", shell.path("cache"), "--no-contact")
    second = shell.run(*(places.get(word, word) for word in words[1:]), *cache)

    assert second.exit_code == 0, second.output
    for frame in frames:
        assert frame.read_bytes() == (shell.folder / "done" / frame.name).read_bytes()


def test_the_plate_is_never_written_to(shell: Shell) -> None:
    plate = {p: p.read_bytes() for p in (shell.folder / "plate").iterdir()}

    done = shell.swap(
        *("--actor", shell.path("demo.actor"), "--out", shell.path("plate/plate.%04d.exr")),
        "--overwrite",
    )

    assert done.exit_code == 2
    assert "one of the inputs" in done.output
    assert plate == {p: p.read_bytes() for p in (shell.folder / "plate").iterdir()}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--actor", "bare.actor"), 5, "--draft"),
        (("--actor", "none.actor"), 2, "none.actor"),
        (("--actor", "demo.actor", "--revocations", "none.txt"), 5, "none.txt"),
        (("--actor", "demo.actor", "--frames", "1-2"), 2, "Frame 1 "),
        (("--actor", "demo.actor", "--frames", "2-1"), 2, "frame range"),
        (("--actor", "demo.actor", "--method", "hybrid"), 3, "hybrid"),
        (("--actor", "demo.actor", "--mix", "2"), 2, "Knob mix"),
        (("--actor", "demo.actor", "--compression", "dwaa"), 2, "Knob compression"),
        (("--actor", "demo.actor", "--face", "0", "--face-at", "1,1"), 2, "exclude each other"),
        (("--actor", "demo.actor", "--face", "9"), 2, "face number 9"),
        (("--actor", "demo.actor", "--colorspace", "ACESxx"), 2, "ACEScg"),
        (("--actor", "demo.actor", "--ocio", "none.ocio"), 2, "none.ocio"),
    ],
)
def test_bad_input_is_one_sentence_and_its_exit_code(
    words: tuple[str, ...], code: int, said: str, shell: Shell
) -> None:
    paths = [shell.path(word) if word.endswith(".actor") else word for word in words]

    done = shell.swap(*paths, "--out", shell.path("bad/c.%04d.exr"))

    assert done.exit_code == code, done.output
    assert said in done.output
    assert "Traceback" not in done.output
    assert not list(shell.folder.glob("bad/*.exr"))


def test_a_plate_that_is_not_there_is_exit_2(shell: Shell) -> None:
    words = ("--actor", shell.path("demo.actor"), "--out", shell.path("bad/c.%04d.exr"))

    assert shell.swap(*words, plate="none.%04d.exr").exit_code == 2


def test_a_draft_needs_no_consent(shell: Shell) -> None:
    words = ("--actor", shell.path("bare.actor"), "--out", shell.path("draft/c.%04d.exr"))

    assert shell.swap(*words, "--draft").exit_code == 0


def test_a_picture_serves_as_an_actor_and_makes_a_draft(shell: Shell) -> None:
    picture = next((shell.folder / "source").iterdir())

    done = shell.swap("--actor", picture, "--out", shell.path("photo/c.%04d.exr"))

    assert done.exit_code == 0, done.output
    assert "draft" in done.output
    assert len(list(shell.folder.glob("photo/*.exr"))) == 2


def test_mattes_need_no_actor(shell: Shell) -> None:
    done = shell.run(
        *("matte", shell.path("plate/plate.%04d.exr"), "--out", shell.path("mattes/m.%04d.exr")),
        *("--colorspace", "ACEScg", "--cache", shell.path("cache")),
    )

    assert done.exit_code == 0, done.output
    assert len(list(shell.folder.glob("mattes/*.exr"))) == 2


def test_a_track_is_written_beside_what_hosts_read_and_serves_a_swap(shell: Shell) -> None:
    (shell.folder / "tracks").mkdir(exist_ok=True)
    track = shell.path("tracks/shot.track")
    words = ("track", shell.path("plate/plate.%04d.exr"), "--colorspace", "ACEScg", "--out", track)

    done = shell.run(*words, "--cache", shell.path("cache"))
    again = shell.run(*words, "--cache", shell.path("cache"))
    swap = shell.swap(
        *("--actor", shell.path("demo.actor"), "--out", shell.path("tracked/c.%04d.exr")),
        *("--track", track),
    )

    assert done.exit_code == 0, done.output
    written = {path.name for path in (shell.folder / "tracks").iterdir()}
    assert {"shot.track", "shot.mp4", "shot.csv", "shot.face0.nk"} <= written
    assert again.exit_code == 2  # it is there already
    assert swap.exit_code == 0, swap.output


def test_an_actor_is_shown_checked_and_wiped(shell: Shell) -> None:
    copy = shell.path("copy.actor")
    shutil.copy(shell.path("bare.actor"), copy)
    cache = ("--cache", shell.path("wiped"))

    sheet = shell.folder / "sheet.png"

    assert "drafts only" in shell.run("actor", "show", copy, "--out", sheet).output
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert shell.run("actor", "show", copy, "--out", sheet).exit_code == 2
    assert shell.run("actor", "check", copy).exit_code == 5
    assert shell.run("actor", "check", shell.path("demo.actor"), "--shot", "any").exit_code == 0
    assert shell.run("actor", "wipe", copy, *cache).exit_code == 2
    assert Path(copy).exists()
    assert shell.run("actor", "wipe", copy, "--yes", *cache).exit_code == 0
    assert not Path(copy).exists()


def test_a_faulty_consent_stops_the_building(shell: Shell) -> None:
    faulty = shell.folder / "faulty.toml"
    faulty.write_text("[consent]\nperformer = 1\n", encoding="utf-8")

    done = shell.run(
        *("actor", "build", "ana.exr", "--out", shell.path("x.actor"), "--consent", faulty)
    )

    assert done.exit_code == 5
    assert "faulty.toml" in done.output


def test_models_are_listed_and_whole(shell: Shell) -> None:
    listed = shell.run("models", "list", "--json")
    checked = shell.run("models", "check", "--json")

    names = {json.loads(line)["name"] for line in listed.stdout.splitlines()}
    states = [json.loads(line) for line in checked.stdout.splitlines()]
    assert "face_mesh478" in names
    assert checked.exit_code == 0
    assert {state["model"] for state in states if state["ok"]} == names


def test_the_cache_says_what_it_keeps_and_forgets(shell: Shell, tmp_path: Path) -> None:
    shutil.copytree(shell.folder / "cache" / "observations", tmp_path / "observations")

    kept = json.loads(shell.run("cache", "--cache", tmp_path, "--json").stdout)
    shell.run("cache", "--cache", tmp_path, "--clear")
    after = json.loads(shell.run("cache", "--cache", tmp_path, "--json").stdout)

    assert kept["files"] > 0
    assert after["files"] == 0


def test_doctor_examines_a_folder_that_is_not_there(shell: Shell, tmp_path: Path) -> None:
    done = shell.run("doctor", tmp_path / "none", "--no-swap", "--json")

    checks = {c["check"]: c for c in map(json.loads, done.stdout.splitlines())}
    assert done.exit_code == 4
    assert not checks["disk"]["ok"]
    assert checks["Python"]["ok"] and checks["models"]["ok"] and checks["colour"]["ok"]
