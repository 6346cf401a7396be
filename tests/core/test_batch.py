"""Lists of shots: checked before any work, rendered one by one, counted, gone on with."""

from __future__ import annotations

import json
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from faceplate.core import batch, forecast
from faceplate.core.cli import app
from faceplate.core.console import INTERRUPTED, Console
from faceplate.core.errors import FaceplateError, ModelMissingError
from faceplate.nodes.shotfile import shot_text


@dataclass(frozen=True)
class Desk:
    """A folder of shot files and what there is to do with them."""

    folder: Path
    small: Any

    def shot(self, name: str, frames: str = "1001", **more: str) -> Path:
        """Write a shot file; ``more`` is appended to its tables."""
        entries = {
            "shot": f'name = "{name}"\nplate = "{self.small.plate}"\nframes = "{frames}"',
            "actor": f'file = "{self.small.actor}"',
            "output": f'comp = "out/{name}.%04d.exr"\ncontact_sheet = false\nlayers = ["comp"]',
        }
        entries |= {key: f"{entries.get(key, '')}\n{value}" for key, value in more.items()}
        text = "\n".join(f"[{table}]\n{lines}" for table, lines in entries.items())
        path = self.folder / f"{name}.toml"
        path.write_text(text)
        return path

    def run(self, *words: object) -> Result:
        cache = ("--cache", self.small.cache, "--report", self.folder / "report.json")
        return CliRunner().invoke(app, ["render", *map(str, (*words, *cache))])

    @property
    def report(self) -> Any:
        return json.loads((self.folder / "report.json").read_text())

    def frames(self) -> set[str]:
        return {path.name for path in self.folder.rglob("*.exr")}


@pytest.fixture
def desk(small_shot: Any, tmp_path: Path) -> Desk:
    return Desk(tmp_path, small_shot)


def test_a_shot_that_fails_does_not_stop_the_others(desk: Desk) -> None:
    late = desk.shot("late", frames="1006-1008")
    unread = desk.shot("unread", swap="fether = 3")
    good, also = desk.shot("good"), desk.shot("also", frames="1002-1003")

    done = desk.run(late, unread, good, also)

    assert done.exit_code == 2
    assert desk.frames() == {"good.1001.exr", "also.1002.exr", "also.1003.exr"}
    rows = {row["file"]: row for row in desk.report["shots"]}
    assert [rows[str(path)]["exit_code"] for path in (late, unread, good, also)] == [2, 2, 0, 0]
    assert "Frame 1007" in rows[str(late)]["problems"][0]
    assert "Did you mean feather?" in rows[str(unread)]["problems"][0]
    assert rows[str(also)]["facts"]["replaced"] == 2 and desk.report["exit_code"] == 2
    table = done.stdout[done.stdout.index("shot ") :]
    assert all(name in table for name in ("late", "unread.toml", "good", "also"))


def test_what_nobody_foresaw_stops_one_shot_only(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = batch.render_quietly

    def fail(console: Any, job: Any, **more: Any) -> Any:
        if job.name == "odd":
            raise ZeroDivisionError("by nothing")
        return plain(console, job, **more)

    monkeypatch.setattr(batch, "render_quietly", fail)

    done = desk.run(desk.shot("odd"), desk.shot("good"))

    assert done.exit_code == 70
    assert desk.frames() == {"good.1001.exr"}
    assert "by nothing" in desk.report["shots"][0]["problems"][0]


def test_a_second_run_goes_on(desk: Desk) -> None:
    first, second = desk.shot("first", frames="1001-1002"), desk.shot("second")
    desk.run(first)
    before = {path: path.stat().st_mtime_ns for path in desk.folder.rglob("*.exr")}

    done = desk.run(first, second)

    assert done.exit_code == 0
    assert [row["facts"]["resumed"] for row in desk.report["shots"]] == [2, 0]
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_a_batch_that_is_stopped_says_what_was_not_begun(desk: Desk) -> None:
    files = [desk.shot("first", frames="1001-1002"), desk.shot("second")]
    console = Console(as_json=False, verbosity=-1)

    def stop() -> None:
        if desk.frames():
            console.stop.exit_code = INTERRUPTED

    console.stop.between = stop
    settings = batch.BatchSettings(
        show=None,
        sets=(),
        frames="",
        report=desk.folder / "report.json",
        ocio=None,
        revocations=None,
        today=batch.date.today(),
        threads=1,
        device="cpu",
        cache_folder=desk.small.cache,
    )

    code = batch.render_shots(console, files, settings)
    console.close()

    assert code == INTERRUPTED
    assert [row["exit_code"] for row in desk.report["shots"]] == [INTERRUPTED, None]
    assert desk.frames() == {"first.1001.exr"}


def test_two_shots_may_not_write_the_same_frames(desk: Desk) -> None:
    one = desk.shot("one")
    other = desk.shot("other")
    other.write_text(one.read_text())

    done = desk.run(one, other)

    assert done.exit_code == 2
    assert "writes the same frames as" in desk.report["shots"][1]["problems"][0]
    assert desk.frames() == {"one.1001.exr"}


def test_sets_and_frames_count_for_all(desk: Desk) -> None:
    files = [desk.shot("one", frames="1001-1006"), desk.shot("two")]

    desk.run(*files, "--set", "draft=true", "--frames", "1004")

    assert desk.frames() == {"one.1004.exr", "two.1004.exr"}


def test_the_shot_of_a_host_renders_without_the_host(desk: Desk) -> None:
    job = desk.small.job(desk.folder / "host" / "c.%04d.exr", frames="1003", feather=20)
    (desk.folder / "host.toml").write_text(shot_text(job), encoding="utf-8")

    done = desk.run(desk.folder / "host.toml")

    assert done.exit_code == 0 and desk.frames() == {"c.1003.exr"}


# --- the dry run ------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_and_counts(desk: Desk) -> None:
    desk.run(desk.shot("one", frames="1001-1002"), "--frames", "1001")
    before = desk.frames()

    done = desk.run(desk.shot("one", frames="1001-1002"), desk.shot("two"), "--dry-run")

    assert done.exit_code == 0
    assert desk.frames() == before
    facts = [row["facts"] for row in desk.report["shots"]]
    assert [(f["frames"], f["finished"]) for f in facts] == [(2, 1), (1, 0)]
    assert facts[0]["bytes_needed"] == facts[1]["bytes_needed"] > 0  # one frame each is lacking
    assert (facts[0]["space"], facts[0]["size"]) == ("ACEScg", [480, 270])


def test_the_space_that_is_foretold_is_enough(desk: Desk) -> None:
    layers = 'layers="comp,face,raw,matte,st,motion,confidence"'
    words = (desk.shot("one", frames="1001-1003"), "--set", f"output.{layers}")
    desk.run(*words, "--dry-run")
    foretold = desk.report["shots"][0]["facts"]["bytes_needed"]

    desk.run(*words)

    taken = sum(path.stat().st_size for path in desk.folder.rglob("*.exr"))
    assert taken <= foretold < 10 * taken  # these frames have no noise, and compress well


@pytest.mark.parametrize(
    ("more", "exit_code", "words"),
    [
        ({"shot": 'colorspace = "ACEScq"'}, 2, "ACEScq"),
        ({"shot": 'ocio = "/etc/hostname"'}, 2, "hostname"),
        ({"output": 'layers = ["comp"]\n'}, 2, "is not TOML"),
        ({"swap": 'method = "fsgan"\nweights = "nobody"'}, 3, "nobody_reenact"),
        ({"face": "index = 5"}, 0, ""),  # who is in the plate is not known before the work
    ],
)
def test_what_would_stop_a_shot_is_said_before_any_work(
    more: dict[str, str], exit_code: int, words: str, desk: Desk
) -> None:
    done = desk.run(desk.shot("one", **more), "--dry-run")

    assert done.exit_code == exit_code, desk.report
    assert words in "".join(desk.report["shots"][0]["problems"])


def test_consent_a_damaged_frame_and_a_track_of_other_frames_are_all_said_at_once(
    desk: Desk, tmp_path: Path
) -> None:
    for number in (1001, 1002):
        source = Path(desk.small.plate % number).read_bytes()
        (tmp_path / f"q.{number}.exr").write_bytes(source if number == 1001 else source[:40])
    (tmp_path / "gone.txt").write_text("faceplate demo shot")
    (tmp_path / "bad.track").write_bytes(b"no track")
    file = desk.shot("one", frames="1001-1002", consent='revocations = "gone.txt"')
    file.write_text(
        file.read_text()
        .replace(desk.small.plate, "q.%04d.exr")
        .replace("[actor]", 'track = "bad.track"\n[actor]')
    )

    done = desk.run(file, "--dry-run")

    problems = " ".join(desk.report["shots"][0]["problems"])
    assert done.exit_code == 5
    assert "was withdrawn" in problems
    assert "q.1002.exr" in problems
    assert "bad.track" in problems


def test_a_full_disk_is_foreseen_for_all_shots_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [desk.shot("one", frames="1001-1003"), desk.shot("two", frames="1001-1003")]
    desk.run(*files, "--dry-run")
    each = desk.report["shots"][0]["facts"]["bytes_needed"]
    usage = namedtuple("usage", "total used free")  # noqa: PYI024
    monkeypatch.setattr(forecast, "_LEFT_FREE_BYTES", 0)
    monkeypatch.setattr(
        forecast.shutil, "disk_usage", lambda _: usage(9 * each, 8 * each, each * 3 // 2)
    )

    done = desk.run(*files, "--dry-run")

    assert done.exit_code == 4
    assert [row["exit_code"] for row in desk.report["shots"]] == [0, 4]
    assert "GB are free" in desk.report["shots"][1]["problems"][0]


def test_a_picture_may_stand_for_an_actor(desk: Desk) -> None:
    file = desk.shot("one")
    picture = Path(desk.small.plate % 1001)
    file.write_text(file.read_text().replace(str(desk.small.actor), str(picture)))

    assert desk.run(file, "--dry-run").exit_code == 0


def test_a_missing_model_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModelMissingError(name, "x.onnx")

    monkeypatch.setattr(forecast, "load_network", missing)

    done = desk.run(desk.shot("one"), "--dry-run")

    assert done.exit_code == 3


def test_the_report_is_no_plate(desk: Desk) -> None:
    file = desk.shot("one")

    done = CliRunner().invoke(app, ["render", str(file), "--report", str(file)])

    assert done.exit_code == 2 and "[shot]" in file.read_text()


def test_every_error_class_has_an_exit_code_of_the_manual() -> None:
    codes = {kind.exit_code for kind in FaceplateError.__subclasses__()}

    assert codes <= {2, 3, 4, 5, 70, 130}
