"""The device that is asked for is the one that every network runs on, or nothing is done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import typer
from typer.testing import CliRunner, Result

from faceplate.core.cli import app
from faceplate.core.errors import DeviceError, KnobError
from faceplate.core.forecast import forecast_job
from faceplate.core.io.exr import read_frame
from faceplate.core.nets import load
from faceplate.core.nets.load import check_device
from faceplate.core.nets.run import open_network

WITHOUT_GPU = "CUDAExecutionProvider" not in onnxruntime.get_available_providers()


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def commands(group: typer.Typer) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the options of every command."""
    found = typer.main.get_command(group)
    waiting = [("", found)]
    while waiting:
        name, command = waiting.pop()
        inner = getattr(command, "commands", None)
        if inner is not None:
            waiting += [(f"{name} {key}".strip(), one) for key, one in inner.items()]
        else:
            yield name, [option for one in command.params for option in one.opts]


def test_every_command_that_runs_networks_lets_one_choose_the_device() -> None:
    found = {name: "--device" in options for name, options in commands(app)}

    without = {name for name, options in commands(app) if "--threads" not in options}
    # Fine-tuning is the CPU's: the same actor gives the same weights everywhere.
    assert {name for name, has in found.items() if not has} == without | {"actor finetune"}


@pytest.mark.skipif(not WITHOUT_GPU, reason="this machine's onnxruntime offers a GPU")
@pytest.mark.parametrize(
    "words",
    [
        ("swap", "PLATE", "--actor", "ACTOR", "--out", "OUT"),
        ("complete", "PLATE", "--out", "OUT"),
        ("reenact", "PLATE", "--actor", "ACTOR", "--out", "OUT"),
        ("blend", "PLATE", "--element", "PLATE:face", "--out", "OUT"),
        ("matte", "PLATE", "--out", "OUT"),
        ("track", "PLATE", "--out", "TRACK"),
        ("actor", "build", "PLATE", "--out", "NEW"),
        ("qc", "PLATE", "--plate", "PLATE", "--out", "REPORT"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_device_that_is_not_there_is_said_before_anything_is_written(
    words: tuple[str, ...], small_shot: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    names = {"PLATE": small_shot.plate, "ACTOR": small_shot.actor, "OUT": out / "c.%04d.exr"}
    names |= {"TRACK": out / "a.track", "NEW": out / "b.actor", "REPORT": out / "r.html"}
    said = [str(names.get(w, w)).replace("PLATE:", f"{small_shot.plate}:") for w in words]

    done = run(*said, "--device", "cuda", "--cache", tmp_path / "cache", "--json")

    facts = [json.loads(line) for line in done.stdout.splitlines()]
    (error,) = [fact for fact in facts if fact["event"] == "error"]
    assert done.exit_code == DeviceError.exit_code == 4
    assert (
        "cannot run on cuda (CUDAExecutionProvider): this onnxruntime offers only"
        in (error["message"])
    )
    assert not out.exists()


@pytest.mark.skipif(not WITHOUT_GPU, reason="this machine's onnxruntime offers a GPU")
def test_a_dry_run_says_it_too(small_shot: Any, tmp_path: Path) -> None:
    job = small_shot.job(tmp_path / "c.%04d.exr")

    given = {"revocations": frozenset(), "today": date(2026, 1, 1)}
    found, fine = (forecast_job(job, **given, device=device) for device in ("cuda", "cpu"))

    assert [type(problem) for problem in found.problems] == [DeviceError]
    assert fine.problems == ()


def test_a_device_of_no_known_name_is_a_knob_error_and_the_cpu_is_always_there() -> None:
    check_device("cpu")

    with pytest.raises(KnobError, match="Knob device is 'gpu'; it takes cpu or cuda"):
        check_device("gpu")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return what will be opened, by name and device, on a machine whose CUDA is a CPU."""
    found: list[tuple[str, str]] = []

    def record(card: Any, weights: bytes, *, threads: int, device: str) -> Any:
        found.append((card.name, device))
        return open_network(card, weights, threads=threads, device="cpu")

    monkeypatch.setattr(load, "open_network", record)
    monkeypatch.setattr("faceplate.core.fsganshot.open_network", record)
    return found


def test_every_network_of_a_swap_is_opened_on_the_device(
    opened: list[tuple[str, str]],
    small_shot: Any,
    toys: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for seed, role in enumerate(("reenact", "complete", "blend")):
        toys.random(f"mover_{role}", role, seed)
    monkeypatch.setenv("FACEPLATE_MODELS", str(toys.folder))
    reference = small_shot.plate.replace("%04d", "1003")
    drawn = ("--method", "fsgan", "--weights", "mover", "--steps", 2)
    where = ("--cache", tmp_path / "cache", "--no-contact", "--threads", 1)

    done = run(
        *("swap", small_shot.plate, "--actor", small_shot.actor, "--shot", "small"),
        *("--out", tmp_path / "c.%04d.exr", "--frames", "1001", "--reference", reference),
        *(*drawn, "--finetune", "--finetune-samples", 3, "--device", "cuda", *where),
    )

    assert done.exit_code == 0, done.output
    assert {device for _, device in opened} == {"cuda"}
    names = {name for name, _ in opened}
    assert {"face_mesh478", "face_segment", "face_embed", "landmark_transformer"} <= names
    assert {f"mover_{role}" for role in ("reenact", "complete", "blend")} <= names
    assert "mover_reenact_finetuned" in names
    header = read_frame(tmp_path / "c.1001.exr", 1001).header
    assert header["faceplate/device"] == "cuda"
    assert "--device" not in str(header["faceplate/command"])
    assert json.loads((tmp_path / "c.summary.json").read_text())["device"] == "cuda"
    assert "networks on cuda" in done.output


def test_every_network_of_an_actor_and_a_track_is_opened_on_the_device_and_kept_apart(
    opened: list[tuple[str, str]], small_shot: Any, tmp_path: Path
) -> None:
    plate = small_shot.plate.replace("%04d", "1001")
    cache = tmp_path / "cache"

    def kept(device: str) -> int:
        """Build and track with a device; return how many observations are then kept."""
        folder = tmp_path / device
        common = ("--device", device, "--cache", cache, "--threads", 1, "--colorspace", "ACEScg")
        for words in (("actor", "build", plate), ("track", plate)):
            out = folder / ("a.actor" if words[0] == "actor" else "a.track")
            folder.mkdir(exist_ok=True)
            done = run(*words, "--out", out, *common)
            assert done.exit_code == 0, done.output
        return sum(path.is_file() for path in (cache / "observations").rglob("*"))

    first = kept("cuda")
    on_gpu = {device for _, device in opened}
    opened.clear()
    both = kept("cpu")

    assert on_gpu == {"cuda"}
    assert {device for _, device in opened} == {"cpu"}
    assert (first, both) == (1, 2)
