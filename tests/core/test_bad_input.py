"""Bad input at the command line: one sentence, the right exit code, nothing lost."""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import av
import cv2
import numpy as np
import OpenEXR
import OpenImageIO as oiio  # noqa: N813 - as its own documentation has it
import pytest
from typer.testing import CliRunner, Result

from faceplate.core.cli import app
from faceplate.core.demo.footage import SPACE, shipped, write_footage
from faceplate.core.frame import Frame, Window
from faceplate.core.io.exr import read_frame, write_frame


@dataclass(frozen=True)
class Bench:
    """A folder with an actor, and a clean half-size frame of the demo."""

    root: Path
    frame: Frame

    def words(self, plate: Path | str, out: Path, *more: str) -> list[str]:
        fixed = ["--actor", str(self.root / "b.actor"), "--cache", str(self.root / "cache")]
        return ["swap", str(plate), *fixed, "--out", str(out / "c.%04d.exr"), *more]

    def swap(self, plate: Path | str, out: Path, *more: str) -> Result:
        return CliRunner().invoke(app, self.words(plate, out, *more, "--no-contact"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    root = tmp_path_factory.mktemp("bad")
    footage = write_footage(root / "demo", frames=1)
    build = ["actor", "build", str(root / "demo/source/source.0001.exr"), "--colorspace", SPACE]
    build += ["--out", str(root / "b.actor"), "--consent", str(footage.consent)]
    done = CliRunner().invoke(app, [*build, "--cache", str(root / "cache")])
    assert done.exit_code == 0, done.output
    clean = shipped("plate")
    frame = read_frame(clean.path(clean.frames.numbers[4]), 1001)
    small = cv2.resize(frame.rgb(), (480, 270), interpolation=cv2.INTER_AREA)
    return Bench(root, picture(small))


def picture(rgb: np.ndarray, number: int = 1001) -> Frame:
    window = Window(0, 0, rgb.shape[1], rgb.shape[0])
    planes = {name: rgb[..., k].astype(np.float16) for k, name in enumerate("RGB")}
    return Frame(number, planes, window, window, 1.0, SPACE, {"colorInteropID": "lin_ap1_scene"})


def sequence(folder: Path, frames: dict[int, Frame]) -> str:
    folder.mkdir()
    for number, frame in frames.items():
        write_frame(folder / f"p.{number}.exr", replace(frame, number=number))
    return str(folder / "p.%04d.exr")


def cut_short(bench: Bench, folder: Path) -> str:
    plate = sequence(folder, {1001: bench.frame})
    path = folder / "p.1001.exr"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return plate


def deep(bench: Bench, folder: Path) -> str:
    folder.mkdir()
    spec = oiio.ImageSpec(4, 4, 4, "float")
    spec.channelnames, spec.deep = ("R", "G", "B", "A"), True
    data = oiio.DeepData()
    data.init(spec)
    out = oiio.ImageOutput.create("openexr")
    assert out.open(str(folder / "p.1001.exr"), spec)
    assert out.write_deep_image(data)
    out.close()
    return str(folder / "p.%04d.exr")


def luma_chroma(bench: Bench, folder: Path) -> str:
    """Write three planes and say in the header that two are of half size."""
    folder.mkdir()
    planes = {n: np.zeros((8, 8), np.float16) for n in ("BY", "RY", "Y")}
    path = folder / "p.1001.exr"
    OpenEXR.File({"type": OpenEXR.scanlineimage}, planes).write(str(path))
    data = path.read_bytes()
    for name in (b"BY\0", b"RY\0"):
        data = data.replace(
            name + struct.pack("<iiii", 1, 0, 1, 1), name + struct.pack("<iiii", 1, 0, 2, 2)
        )
    path.write_bytes(data)
    return str(folder / "p.%04d.exr")


def stereo(bench: Bench, folder: Path) -> str:
    planes = {f"left.{n}": p for n, p in bench.frame.channels.items()}
    return sequence(folder, {1001: replace(bench.frame, channels=planes)})


def spaceless(bench: Bench, folder: Path) -> str:
    return sequence(folder, {1001: replace(bench.frame, header={})})


def good(bench: Bench, folder: Path) -> str:
    return sequence(folder, {1001: bench.frame})


def assert_one_sentence(done: Result) -> None:
    """Check that a person hears what is wrong, once, and what to do."""
    lines = done.stderr.splitlines()
    (at,) = [k for k, line in enumerate(lines) if line.startswith("error: ")]
    assert lines[at].endswith(".")
    assert lines[at + 1].startswith("  ") and lines[at + 1].endswith(".")
    assert len(lines) == at + 2
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("make", "more", "code", "said"),
    [
        pytest.param(good, ("--frames", "1001-1004"), 2, "Frame 1002", id="missing frame"),
        pytest.param(cut_short, (), 2, "p.1001.exr", id="half-written"),
        pytest.param(deep, (), 2, "deep", id="deep"),
        pytest.param(luma_chroma, (), 2, "luma", id="luma-chroma"),
        pytest.param(stereo, (), 2, "stereo", id="stereo"),
        pytest.param(spaceless, (), 2, "colour space", id="no space"),
        pytest.param(good, ("--colorspace", "ACEScq"), 2, "ACEScq", id="unknown space"),
        pytest.param(good, ("--colorspace", "Raw"), 2, "data", id="data space"),
        pytest.param(good, ("--face", "3"), 2, "no face number 3", id="no such face"),
        pytest.param(good, ("--face-at", "2,2"), 2, "2,2", id="nobody there"),
        pytest.param(good, ("--method", "hybrid"), 3, "hybrid", id="no networks"),
        pytest.param(good, ("--feather", "900"), 2, "feather", id="knob out of range"),
    ],
)
def test_a_plate_or_wish_that_will_not_do_is_named(
    make: Callable[[Bench, Path], str],
    more: tuple[str, ...],
    code: int,
    said: str,
    bench: Bench,
    tmp_path: Path,
) -> None:
    plate = make(bench, tmp_path / "plate")
    before = {p: p.read_bytes() for p in (tmp_path / "plate").iterdir()}

    done = bench.swap(plate, tmp_path / "out", *more)

    assert done.exit_code == code, done.output
    assert said in done.output.replace("\n", " ")
    assert_one_sentence(done)
    written = {path.name for path in tmp_path.glob("*")} | {p.name for p in tmp_path.glob("out/*")}
    assert written <= {"plate", "out", "c.log.jsonl"}
    assert {p: p.read_bytes() for p in (tmp_path / "plate").iterdir()} == before


@pytest.mark.parametrize("damage", ["cut", "text", "none", "version", "altered"])
def test_an_actor_that_cannot_be_read_is_exit_2(damage: str, bench: Bench, tmp_path: Path) -> None:
    plate = good(bench, tmp_path / "plate")
    broken = tmp_path / "x.actor"
    whole = (bench.root / "b.actor").read_bytes()
    if damage in ("version", "altered"):
        before, after = (
            (b'"version": 1', b'"version": 7') if damage == "version" else (b'"b"', b'"c"')
        )
        with zipfile.ZipFile(bench.root / "b.actor") as old, zipfile.ZipFile(broken, "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name).replace(before, after))
    elif damage != "none":
        broken.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"not an actor")

    words = ["swap", plate, "--actor", str(broken), "--out", str(tmp_path / "c.%04d.exr")]
    done = CliRunner().invoke(app, words)

    assert done.exit_code == 2, done.output
    assert "x.actor" in done.output.replace("\n", "")
    assert "version 7" in done.output or damage != "version"
    assert_one_sentence(done)
    assert not list(tmp_path.glob("c.*.exr"))


def test_output_over_the_plate_is_refused_even_with_overwrite(bench: Bench, tmp_path: Path) -> None:
    plate = good(bench, tmp_path / "plate")
    before = (tmp_path / "plate/p.1001.exr").read_bytes()

    words = bench.words(plate, tmp_path)
    words[words.index("--out") + 1] = plate
    done = CliRunner().invoke(app, [*words, "--overwrite"])

    assert done.exit_code == 2
    assert (tmp_path / "plate/p.1001.exr").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_a_resource_error(bench: Bench, tmp_path: Path) -> None:
    plate = good(bench, tmp_path / "plate")
    (tmp_path / "taken").write_text("a file")

    done = bench.swap(plate, tmp_path / "taken" / "deeper")

    assert done.exit_code == 4, done.output
    assert_one_sentence(done)


def summary_of(done: Result) -> dict[str, object]:
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "rgb",
    [
        pytest.param(np.full((90, 160, 3), 0.18, np.float32), id="grey"),
        pytest.param(np.zeros((90, 160, 3), np.float32), id="black"),
        pytest.param(np.full((1, 1, 3), 0.5, np.float32), id="1x1"),
        pytest.param(np.full((90, 160, 3), np.nan, np.float32), id="all NaN"),
    ],
)
def test_a_picture_without_a_face_passes_through_and_is_counted(
    rgb: np.ndarray, bench: Bench, tmp_path: Path
) -> None:
    plate = sequence(tmp_path / "plate", {1001: picture(rgb)})

    done = summary_of(bench.swap(plate, tmp_path / "out", "--json"))

    assert done["untouched"] == {"no face": 1}
    result = read_frame(tmp_path / "out/c.1001.exr", 1001)
    for name in "RGB":
        own = result.channels[name].view(np.uint16)
        np.testing.assert_array_equal(own, rgb[..., 0].astype(np.float16).view(np.uint16))


def test_a_face_in_a_12000_px_picture_is_found_and_replaced(bench: Bench, tmp_path: Path) -> None:
    wide = np.full((600, 12_000, 3), 0.1, np.float32)
    wide[100:370, 9000:9480] = bench.frame.rgb()
    plate = sequence(tmp_path / "plate", {1001: picture(wide)})

    done = summary_of(bench.swap(plate, tmp_path / "out", "--json", "--layers", "comp,matte"))

    assert done["replaced"] == 1
    matte = read_frame(tmp_path / "out/c.1001.exr", 1001).channels["matte_blend.A"]
    columns = np.nonzero(matte.max(axis=0) > 0)[0]
    assert 9000 <= columns.min() < columns.max() < 9480


def moved(frame: Frame, dx: int, dy: int = 0, size: tuple[int, int] = (270, 480)) -> np.ndarray:
    """Return the frame's picture shifted over grey."""
    canvas = np.full((*size, 3), 0.12, np.float32)
    shift = np.array([[1.0, 0, dx], [0, 1, dy]])
    return cv2.warpAffine(
        frame.rgb(), shift, size[::-1], dst=canvas, borderMode=cv2.BORDER_TRANSPARENT
    )


def test_a_face_that_leaves_the_frame_is_replaced_as_long_as_it_is_there(
    bench: Bench, tmp_path: Path
) -> None:
    frames = {1001 + k: picture(moved(bench.frame, 30 * k)) for k in range(10)}
    plate = sequence(tmp_path / "plate", frames)

    done = summary_of(bench.swap(plate, tmp_path / "out", "--json"))

    assert done["done"] == 10
    assert 5 <= int(str(done["replaced"])) < 10
    assert sum(dict(done["untouched"]).values()) == 10 - int(str(done["replaced"]))  # type: ignore[call-overload]


def test_two_faces_that_cross_stay_two(bench: Bench, tmp_path: Path) -> None:
    face = cv2.resize(bench.frame.rgb()[:, 140:340], (100, 135), interpolation=cv2.INTER_AREA)
    frames = {}
    for k in range(8):
        canvas = np.full((300, 700, 3), 0.12, np.float32)
        canvas[20:155, 50 + 60 * k : 150 + 60 * k] = face
        canvas[160:295, 520 - 60 * k : 620 - 60 * k] = face * np.float32([0.5, 0.6, 0.8])
        frames[1001 + k] = picture(canvas)
    plate = sequence(tmp_path / "plate", frames)

    done = bench.swap(plate, tmp_path / "out", "--face-at", "90,90", "--layers", "comp,matte")

    assert done.exit_code == 0, done.output
    for k in range(8):
        matte = read_frame(tmp_path / f"out/c.{1001 + k}.exr", 1001).channels["matte_blend.A"]
        rows, columns = np.nonzero(matte > 0.5)
        if len(rows):
            assert rows.max() < 158, k  # never the other face
            assert abs(columns.mean() - (100 + 60 * k)) < 30, k


def test_a_cut_in_the_middle_does_not_smear_the_face_across(bench: Bench, tmp_path: Path) -> None:
    left = picture(moved(bench.frame, -60))
    right_picture = moved(bench.frame, 120, 10) * np.float32(0.5)
    right = picture(right_picture[:, ::-1] * np.float32([1.2, 0.8, 1.0]))
    frames = {n: left for n in range(1001, 1006)} | {n: right for n in range(1006, 1011)}
    plate = sequence(tmp_path / "plate", frames)
    alone = sequence(tmp_path / "alone", {1006: right, 1007: right, 1008: right})

    done = bench.swap(plate, tmp_path / "out", "--layers", "comp,matte", "--face", "0")
    bench.swap(alone, tmp_path / "ref", "--layers", "comp,matte")

    assert done.exit_code == 0, done.output
    cut = read_frame(tmp_path / "out/c.1006.exr", 1006).channels["matte_blend.A"]
    steady = read_frame(tmp_path / "ref/c.1007.exr", 1007).channels["matte_blend.A"]
    both = (cut > 0.5) & (steady > 0.5)
    assert both.sum() / max(int((steady > 0.5).sum()), 1) > 0.9


def test_a_movie_and_a_still_serve_as_plates(bench: Bench, tmp_path: Path) -> None:
    codes = np.clip(bench.frame.rgb() * 1.4, 0, 1) ** (1 / 2.4) * 255
    shown = np.ascontiguousarray(codes.round().astype(np.uint8))
    cv2.imwrite(str(tmp_path / "still.png"), shown[..., ::-1])
    with av.open(str(tmp_path / "m.mp4"), "w") as movie:
        stream = movie.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 480, 270, "yuv420p"
        for _ in range(3):
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        movie.mux(stream.encode())

    of_movie = summary_of(bench.swap(tmp_path / "m.mp4", tmp_path / "m", "--json"))
    of_still = summary_of(bench.swap(tmp_path / "still.png", tmp_path / "s", "--json"))

    assert (of_movie["replaced"], of_still["replaced"]) == (3, 1)
    frames = sorted(p.name for p in (tmp_path / "m").glob("*.exr"))
    assert frames == ["c.1001.exr", "c.1002.exr", "c.1003.exr"]
    header = read_frame(tmp_path / "m/c.1001.exr", 1001).header
    assert header["colorInteropID"] == "lin_rec709_scene"


def faceplate(words: list[str], **kwargs: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "faceplate.core.cli", *words]
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs
    )


def test_a_full_disk_leaves_no_frame_and_no_temporary_file(bench: Bench, tmp_path: Path) -> None:
    plate = good(bench, tmp_path / "plate")
    words = bench.words(plate, tmp_path / "out", "--no-contact")

    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    child = faceplate(words, preexec_fn=no_room)
    output, _ = child.communicate(timeout=120)

    assert child.returncode == 4, output
    assert "Traceback" not in output
    assert [p.name for p in (tmp_path / "out").iterdir() if ".exr" in p.name] == []


def test_a_killed_render_goes_on_where_it_stopped_with_the_same_bytes(
    bench: Bench, tmp_path: Path
) -> None:
    frames = {1001 + k: picture(moved(bench.frame, k)) for k in range(12)}
    plate = sequence(tmp_path / "plate", frames)
    out = tmp_path / "out"

    child = faceplate(bench.words(plate, out, "--no-contact"))
    deadline = time.monotonic() + 90
    while not list(out.glob("c.*.exr")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    finished = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in out.glob("c.*.exr")}
    again = summary_of(bench.swap(plate, out, "--json"))
    whole = summary_of(bench.swap(plate, tmp_path / "ref", "--json"))

    assert 1 <= len(finished) < 12
    assert again["resumed"] == len(finished)
    assert whole["replaced"] == 12
    for name, (content, written) in finished.items():
        assert ((out / name).read_bytes(), (out / name).stat().st_mtime_ns) == (content, written)
    for path in (tmp_path / "ref").glob("c.*.exr"):
        assert path.read_bytes() == (out / path.name).read_bytes()
    assert not [p for p in out.iterdir() if p.name.endswith(".tmp")]
