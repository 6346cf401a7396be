"""Real Blender, in every version that is there, does with the extension what an artist does.

Needs FACEPLATE_BPY_VENVS: a folder of virtual environments, each with a `bpy` wheel in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceplate.core.arrays import FloatArray
from faceplate.core.io.exr import read_frame, write_frame
from faceplate.core.shots import read_shot

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "core" / "demo"
STEPS = Path(__file__).with_name("steps.py")
NUMBERS = (1001, 1002, 1003)
SPACE = "lin_rec709_scene"  # so that Blender, which works in it, converts nothing


def environments() -> list[Path]:
    folder = os.environ.get("FACEPLATE_BPY_VENVS")
    return sorted(Path(folder).glob("*/bin/python")) if folder else []


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not environments(),
        reason="FACEPLATE_BPY_VENVS names no folder of environments with bpy: "
        "THE BLENDER EXTENSION IS NOT TESTED IN BLENDER",
    ),
]


class Shot:
    """The demo's plate and actor, and what the command line makes of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plate = str(folder / "plate.%04d.exr")
        self.actor = str(folder / "demo.actor")
        self.comp = str(folder / "cli" / "comp.%04d.exr")
        for number in (*NUMBERS, 1004):
            frame = read_frame(DEMO / "plate" / f"plate.{number}.exr", number)
            header = {**frame.header, "colorInteropID": SPACE}
            write_frame(Path(self.plate % number), replace(frame, header=header))
        sources = map(str, sorted((DEMO / "source").glob("*.exr")))
        faceplate("actor", "build", *sources, "--out", self.actor, "--cache", self.cache)
        self.swap(self.comp)

    @property
    def cache(self) -> str:
        return str(self.folder / "cache")

    def swap(self, out: str) -> None:
        frames = f"{NUMBERS[0]}-{NUMBERS[-1]}"
        words = ["--actor", self.actor, "--out", out, "--frames", frames, "--shot", "demo"]
        words += ["--draft", "--no-contact", "--cache", self.cache]
        faceplate("swap", self.plate, *words)


def faceplate(*words: str) -> None:
    command = [sys.executable, "-m", "faceplate.core.cli", *words, "-q"]
    subprocess.run(command, check=True, timeout=300)


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    return Shot(tmp_path_factory.mktemp("shot"))


class Blender:
    """One Blender with settings of its own, in which steps are done one after the other."""

    def __init__(self, python: Path, shot: Shot, folder: Path, archive: Path) -> None:
        self.python, self.folder = python, folder
        task = {
            "zip": str(archive),
            "engine": sys.executable,
            "cache": shot.cache,
            "plate": shot.plate,
            "actor": shot.actor,
            "size": (960, 540),
        }
        (folder / "task.json").write_text(json.dumps(task))
        self._done: dict[str, Any] = {}

    def does(self, step: str) -> Any:
        """Return what a step found; it is done once."""
        if step not in self._done:
            resources = "bare" if step in ("without", "mattes_alone") else "user"
            done = subprocess.run(
                [str(self.python), "-W", "error::DeprecationWarning", str(STEPS), step, "."],
                cwd=self.folder,
                env={**os.environ, "BLENDER_USER_RESOURCES": str(self.folder / resources)},
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
            self._done[step] = json.loads((self.folder / f"{step}.json").read_text())
        return self._done[step]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("zip") / "faceplate.zip"
    command = [sys.executable, str(ROOT / "install.py"), "blender-zip", "--out", str(out)]
    subprocess.run(command, check=True, timeout=60)
    return out


@pytest.fixture(scope="module", params=environments(), ids=lambda path: path.parts[-3])
def blender(
    request: pytest.FixtureRequest,
    shot: Shot,
    archive: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Blender]:
    made = Blender(request.param, shot, tmp_path_factory.mktemp("blender"), archive)
    made.does("swap")
    yield made


def plane(path: Path, channel: str) -> FloatArray:
    channels = read_frame(path, 1).channels
    # A lone number per pixel is V in 4.2 and R, G and B later.
    name = channel if channel in channels else next(n for n in ("V", "R") if n in channels)
    return channels[name].astype(np.float32)


def finished(shot: Shot) -> dict[str, dict[int, dict[str, FloatArray]]]:
    """Return what the command line wrote: output of the node, frame of the scene, channel."""
    found: dict[str, dict[int, dict[str, FloatArray]]] = {}
    for scene_frame, number in enumerate(NUMBERS, 1):
        channels = read_frame(Path(shot.comp % number), number).channels
        for output, prefix in (("Image", ""), ("comp", ""), ("face", "face.")):
            letters = "RGBA" if output == "face" else "RGB"
            planes = {letter: channels[f"{prefix}{letter}"] for letter in letters}
            found.setdefault(output, {})[scene_frame] = planes
        found.setdefault("matte_blend", {})[scene_frame] = {"R": channels["matte_blend.A"]}
    return found


def assert_same_pixels(folder: Path, shot: Shot) -> None:
    for output, frames in finished(shot).items():
        for scene_frame, planes in frames.items():
            path = folder / output / f"out.{scene_frame:04d}.exr"
            for letter, wanted in planes.items():
                found = plane(path, letter)
                np.testing.assert_array_equal(found, wanted, err_msg=f"{path} {letter}")


def test_the_zip_passes_blenders_own_validator(blender: Blender, archive: Path) -> None:
    (tool,) = blender.python.parents[1].glob(
        "lib/python*/site-packages/bpy/*/scripts/*/bl_pkg/cli/blender_ext.py"
    )

    done = subprocess.run(
        [str(blender.python), str(tool), "validate", str(archive)], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_installing_breaks_no_policy_of_extensions(blender: Blender) -> None:
    assert blender.does("swap")["warnings"] == []


def test_the_layers_become_outputs_with_the_pixels_of_the_command_line(
    blender: Blender, shot: Shot
) -> None:
    found = blender.does("swap")

    assert found["outputs"] == {
        **dict.fromkeys(("Image", "comp", "face"), "RGBA"),
        **{f"matte_{n}": "VALUE" for n in ("face", "hair", "occluder", "mouth", "blend")},
    }
    assert (found["error"], found["rendered"], found["space"]) == (
        "",
        "1001-1003",
        "Linear Rec.709",
    )
    assert_same_pixels(blender.folder / "first", shot)


def test_frames_from_blender_are_those_of_the_command_line(blender: Blender, shot: Shot) -> None:
    blender.does("swap")

    for number in NUMBERS:
        ours = blender.folder / "faceplate" / "face_swap" / f"face_swap.{number}.exr"
        frame, wanted = read_frame(ours, number), read_frame(Path(shot.comp % number), number)
        assert frame.header["faceplate/job"] == wanted.header["faceplate/job"]


def test_the_file_renders_where_the_add_on_never_was(blender: Blender, shot: Shot) -> None:
    found = blender.does("without")

    assert "CompositorNodeGroup" in found["node classes"]
    assert_same_pixels(blender.folder / "without", shot)


def test_settings_survive_a_machine_without_the_add_on(blender: Blender, shot: Shot) -> None:
    blender.does("without")

    found = blender.does("again")

    assert (found["actor"], found["rendered"], found["draft"]) == (shot.actor, "1001-1003", True)
    assert found["copied"] == shot.actor


def test_frames_that_are_gone_are_named_before_a_render(blender: Blender) -> None:
    blender.does("without")

    found = blender.does("again")

    assert "Frames are gone: 1002." in found["check"]
    error, hint, label, is_coloured = found["before render"]
    assert (error, label) == ("Frames are gone: 1002.", "Frames are gone: 1002.")
    assert "Render" in hint and is_coloured


def test_an_error_stands_on_panel_and_node_until_it_is_mended(blender: Blender) -> None:
    blender.does("without")

    found = blender.does("again")

    report, error, label = found["no actor"]
    assert error.startswith("/nowhere/ana.actor") and error in report
    assert label and error.startswith(label)
    assert found["mended"] == ["", "Face Swap", False]
    assert "/nowhere/python" in found["no engine"]


def test_a_preview_has_the_pixels_of_the_render(blender: Blender, shot: Shot) -> None:
    blender.does("without")
    blender.does("again")

    frame = read_frame(blender.folder / "preview.exr", 1002)

    wanted = read_frame(Path(shot.comp % 1002), 1002)
    for name in wanted.channels:
        np.testing.assert_array_equal(frame.channels[name], wanted.channels[name], err_msg=name)


def test_settings_make_the_job_that_the_command_line_makes(blender: Blender, shot: Shot) -> None:
    found = blender.does("knobs")

    job = found["default"]
    assert found["plate"] == [shot.plate, 1000]
    assert (job["plate"], job["actor"], job["draft"]) == (shot.plate, shot.actor, True)
    assert job["knobs"]["shape"] == 0.3  # and not the single precision number that Blender keeps
    assert job["knobs"]["sharpness"] == "auto"
    assert found["changed"] == [2.5, {"at": [12.5, 40]}, ["comp", "st"]]


def test_a_shot_file_is_the_same_job_without_blender(blender: Blender) -> None:
    job = blender.does("knobs")["default"]

    (path,) = (blender.folder / "knobs").rglob("*.toml")
    order = read_shot(path)

    assert json.loads(order.job.to_json()) == {**job, "output": order.job.output}


def test_animation_becomes_keys_of_the_plates_frames(blender: Blender) -> None:
    found = blender.does("knobs")

    assert found["linear"] == {"1001": 0.0, "1005": 1.0}
    bezier = found["bezier"]
    assert list(bezier) == ["1001", "1002", "1003", "1004", "1005"]
    assert 0.0 < bezier["1002"] < 0.25 and bezier["1003"] == pytest.approx(0.5)


def test_what_cannot_be_keyed_is_refused(blender: Blender) -> None:
    found = blender.does("knobs")

    assert "grain" in found["driven"]
    assert "animatable" in found["views"]


def test_examples_in_docstrings_run_in_blender(blender: Blender) -> None:
    examples = blender.does("knobs")["examples"]

    assert len(examples) > 10
    assert set(examples.values()) == {0}


def test_what_feeds_the_node_and_is_no_file_is_rendered_first(blender: Blender, shot: Shot) -> None:
    found = blender.does("feed")

    before, after = found["nodes"]
    assert before == after
    assert found["rendered"] == "2"
    for number in (1, 2, 3):
        plate = blender.folder / "feed" / "faceplate" / "face_swap" / "plate"
        fed = read_frame(plate / f"in.{number:04d}.exr", number)
        wanted = read_frame(Path(shot.plate % (number + 1000)), number)
        for letter in "RGB":
            np.testing.assert_array_equal(
                fed.channels[letter], wanted.channels[letter].astype(np.float32) / 2
            )


def test_a_strip_gets_a_second_one_that_shows_the_swap(blender: Blender, shot: Shot) -> None:
    found = blender.does("strip")

    assert "No actor is named." in found["no actor"][0]
    assert (found["no actor"][1], found["error"]) == ("No actor is named.", "")
    assert found["strips"] == [["plate", 1, 12, 14], ["plate face", 2, 12, 14]]
    assert found["files"] == ["plate.1002.exr", "plate.1003.exr"]
    for scene_frame, number in ((12, 1002), (13, 1003)):
        path = blender.folder / "strip" / f"render.{scene_frame:04d}.exr"
        wanted = read_frame(Path(shot.comp % number), number).channels
        for letter in "RGB":
            np.testing.assert_array_equal(plane(path, letter), wanted[letter].astype(np.float32))


def points_of(blender: Blender) -> Mapping[str, Mapping[str, tuple[float, float]]]:
    (path,) = (blender.folder / "track" / "faceplate").rglob("*.points.json")
    points: Mapping[str, Mapping[str, tuple[float, float]]]
    points = json.loads(path.read_text())["faces"][0]["points"]
    return points


def test_markers_stand_where_the_engine_sees_the_face(blender: Blender) -> None:
    markers = blender.does("track")["markers"]

    wanted = {n: p for n, p in points_of(blender).items() if not n.startswith("outline")}
    assert set(markers) == {f"face0.{name}" for name in wanted}
    del wanted["nose_tip"]  # is corrected later
    for name, places in wanted.items():
        *seen, end = (markers[f"face0.{name}"][str(frame)] for frame in range(1, 6))
        assert [point[2] for point in seen] == [False] * 4
        assert end[2]  # muted: the plate ends
        np.testing.assert_allclose(
            [point[:2] for point in seen], [places[str(1000 + f)] for f in range(1, 5)], atol=2e-3
        )


def test_a_marker_that_was_moved_wins_over_the_engine(blender: Blender) -> None:
    found = blender.does("track")

    seen, moved = found["markers"]["face0.nose_tip"], found["moved"]
    assert moved["2"] - seen["2"][0] == pytest.approx(5.0, abs=0.01)
    assert moved["3"] - seen["3"][0] == pytest.approx(5.0 * 5 / 6, abs=0.01)  # it fades out
    (table,) = (blender.folder / "track" / "faceplate").rglob("*.csv")
    head, *rows = (line.split(",") for line in table.read_text().splitlines())
    assert {row[head.index("origin")] for row in rows} == {"keyed"}


def test_a_mask_follows_the_face_in_every_frame(blender: Blender) -> None:
    assert blender.does("track")["points"] == 36

    outline = {n: p for n, p in points_of(blender).items() if n.startswith("outline")}
    for scene_frame in range(1, 5):
        number = str(1000 + scene_frame)
        corners = np.array([outline[name][number] for name in sorted(outline)])
        wanted = np.zeros((540, 960), np.uint8)
        cv2.fillPoly(wanted, [np.round(corners).astype(np.int32)], 1)
        found = plane(blender.folder / "mask" / f"render.{scene_frame:04d}.exr", "R") > 0.5
        both, either = (found & (wanted > 0)).sum(), (found | (wanted > 0)).sum()
        assert both / either > 0.97, scene_frame


def test_a_mask_that_was_drawn_wins_over_the_engines_matte(blender: Blender) -> None:
    masked = Path(blender.does("track")["masked"] % 1001)

    swapped = read_frame(masked, 1001).channels["matte_blend.A"] > 0.5
    drawn = plane(next((blender.folder / "track").rglob("mask.1001.exr")), "R") > 0.5
    assert swapped.any()
    assert (swapped & ~drawn).sum() <= 0.02 * swapped.sum()
    preview = read_frame(blender.folder / "masked.exr", 1002).channels
    for name, wanted in read_frame(
        masked.with_name(masked.name.replace("1001", "1002")), 1002
    ).channels.items():
        np.testing.assert_array_equal(preview[name], wanted, err_msg=name)


def test_shape_keys_follow_the_expression(blender: Blender) -> None:
    found = blender.does("track")

    assert "no shape key" in found["no keys"]
    (table,) = (blender.folder / "track" / "faceplate").rglob("*.csv")
    head, *rows = (line.split(",") for line in table.read_text().splitlines())
    wanted = [float(row[head.index("jawOpen")]) for row in rows]
    assert [v[0] for v in found["keys"].values()] == pytest.approx(wanted, abs=1e-4)
    assert {v[1] for v in found["keys"].values()} == {0.0}


def test_a_chain_of_nodes_says_what_the_wires_carry_before_anything_is_rendered(
    blender: Blender,
) -> None:
    outputs = blender.does("chain")["outputs"]

    assert outputs["Face Track"] == ["Image", "Track"]
    assert outputs["Face Matte"] == ["Image", "Matte"]


def test_tracking_and_mattes_of_their_own_feed_a_swap(blender: Blender) -> None:
    found = blender.does("chain")

    job = found["swap"]
    assert Path(found["track"]).is_file() and job["track"] == found["track"]
    assert (job["knobs"]["erode"], job["knobs"]["smoothing"]) == (3.5, 0.5)  # 1.5 and 2 add up


def test_the_swap_in_parts_is_the_job_of_the_swap_in_one(blender: Blender) -> None:
    found = blender.does("chain")

    assert {**found["parts"], "output": ""} == {**found["swap"], "output": ""}
    for number in (1001, 1002):
        frame = read_frame(Path(found["blend"] % number), number)
        assert frame.header["faceplate/frame"] == "replaced"


def test_a_wire_that_does_not_fit_is_said_in_words(blender: Blender) -> None:
    found = blender.does("chain")

    report, error, label = found["not tracked"]
    assert error == "Face Track has no track yet." and error in report and error.startswith(label)
    for name, words in (
        ("tracked otherwise", "Face Track was tracked with another plate or other knobs."),
        ("no frames", "FaceComplete gives no frames."),
        ("no face", "Value of Value, in Face of Face Blend, gives no face."),
        ("no matte", "Value of Value, in Matte of Face Complete, gives no matte."),
        ("other plate", "Face Matte looks at Value of Value, and Face Blend at"),
        ("trains a warp", "Method warp has no network to fine-tune."),
    ):
        assert words in found[name], name


def test_what_networks_are_taught_stands_in_the_job_of_the_swap(blender: Blender) -> None:
    found = blender.does("chain")

    assert found["swap"]["finetune"] is None
    assert found["trained"]["finetune"] == found["training"]["finetune"]
    assert found["trained"]["finetune"]["samples"] == 6
    assert (found["training"]["task"], found["trained"]["task"]) == ("train", "swap")
    assert found["training"]["actor"] == found["trained"]["actor"]


def test_networks_are_taught_an_actor_with_progress(blender: Blender) -> None:
    sentence, *steps = blender.does("chain")["taught"]

    assert sentence.startswith("2 steps of 3")  # six pairs
    assert steps and all(step.startswith("Train: ") for step in steps)


def test_a_finished_shot_is_measured_as_it_was_rendered(blender: Blender) -> None:
    found = blender.does("chain")

    assert "Face QC has no comp." in found["no comp"]
    assert found["within"] == ""
    report, error, label = found["past"]
    assert "past its limits: Landmarks Most is" in error and error in report
    assert label and error.startswith(label)
    page = Path(found["report"])
    assert page.name == "face_blend.qc.html" and "<html" in page.read_text()
    measured = json.loads(page.with_suffix(".json").read_text())
    (identity,) = (m for m in measured["measures"] if m["limit_name"] == "identity_most")
    assert 0.0 < identity["value"] < 1.0  # the swap's actor was found up the wires


def test_a_matte_node_renders_its_mattes_also_without_the_add_on(blender: Blender) -> None:
    mattes = blender.does("chain")["mattes"]
    blender.does("mattes_alone")

    names = ("face", "hair", "occluder", "mouth", "blend")
    assert mattes == {
        "Image": "RGBA",
        "Matte": "VALUE",
        **{f"matte_{name}": "VALUE" for name in names},
    }
    for number in (1, 2):
        made = blender.folder / "faceplate" / "face_matte" / f"face_matte.{number + 1000}.exr"
        wanted = read_frame(made, number).channels
        for output, channel in (("Matte", "matte_blend.A"), ("matte_face", "matte_face.A")):
            path = blender.folder / "chain" / "layers" / output / f"out.{number:04d}.exr"
            np.testing.assert_array_equal(plane(path, "R"), wanted[channel].astype(np.float32))
        assert wanted["matte_blend.A"].max() == 1.0


def test_any_pictures_of_blenders_are_a_matte_made_by_hand(blender: Blender) -> None:
    pattern, _, channel = blender.does("chain")["by hand"].rpartition(":")

    for number in (1001, 1002):  # under the plate's numbers, and not the scene's
        made = blender.folder / "faceplate" / "face_matte" / f"face_matte.{number}.exr"
        found = read_frame(Path(pattern % number), number).channels[channel]
        wanted = read_frame(made, number).channels["matte_face.A"]
        np.testing.assert_array_equal(found, wanted.astype(np.float32))


def test_a_track_node_gives_markers_and_masks_and_takes_corrections(blender: Blender) -> None:
    found = blender.does("chain")

    assert found["clip"] == [1, 9]
    assert found["moved"] == pytest.approx(5.0, abs=0.01)
    assert found["masks"] == ["face0"]


def test_an_engine_that_is_killed_is_started_again_and_finishes(blender: Blender) -> None:
    found = blender.does("crash")

    report, error, hint, label = found["twice"]
    assert "twice on frame" in error and error in report and "engine.log" in hint
    assert label and error.startswith(label)
    assert found["killed"] == 1
    assert found["once"] == ["", "", "Face Swap"]
    assert found["frames"] == [f"face_swap.{number}.exr" for number in range(1001, 1005)]


def test_uninstalling_leaves_nothing(blender: Blender) -> None:
    found = blender.does("remove")

    assert not any(found.values()), found
