"""What a face may undergo beside a swap: completed, driven, blended by hand."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from faceplate.core import firstversion
from faceplate.core.arrays import AnyArray
from faceplate.core.cli import app
from faceplate.core.errors import (
    ConsentError,
    FrameFormatError,
    FrameMissingError,
    JobError,
    ModelMissingError,
)
from faceplate.core.footage import frame_path
from faceplate.core.frame import Frame
from faceplate.core.fsgan import NetworkFaces
from faceplate.core.io.exr import read_frame, write_frame
from faceplate.core.job import FaceChoice, Job
from faceplate.core.render import render_shot
from faceplate.core.report import Summary

TODAY = date(2026, 1, 1)
PLAIN = {"grain": 0.0, "sharpness": 0.0, "motion_blur": 0.0}
COVER = slice(128, 146), slice(215, 268)
"""A board in front of the face's middle, rows and columns."""


def render(shot: Any, made: Job, *models: Path) -> Summary:
    return render_shot(
        made,
        progress=lambda _: None,
        should_stop=lambda: False,
        threads=1,
        cache_folder=shot.cache / "observations",
        revocations=frozenset(),
        today=TODAY,
        models=models,
    )


def comp(made: Job, number: int) -> Frame:
    return read_frame(frame_path(made.output, number), number)


def plate_of(shot: Any, number: int) -> Frame:
    return read_frame(frame_path(shot.plate, number), number)


def rgb(frame: Frame) -> AnyArray:
    return np.asarray(frame.rgb())


def completing(shot: Any, output: Path, drawn: str, **changes: Any) -> Job:
    """Return a job that takes away what a hand-made matte says is in front of the face."""
    made = shot.job(output, frames="1003", layers=("comp", "face", "matte"), **PLAIN)
    return replace(made, task="complete", actor=None, matte_in=drawn, **changes)


@pytest.fixture
def boarded(small_shot: Any, tmp_path: Path) -> tuple[Any, str]:
    """Return the shot with a board in front of one frame's face, and the board's matte."""
    folder = tmp_path / "boarded"
    folder.mkdir()
    for number in range(1001, 1007):
        frame = plate_of(small_shot, number)
        planes = {name: plane.copy() for name, plane in frame.channels.items()}
        if number == 1003:
            for name, value in zip("RGB", (0.02, 0.3, 0.05), strict=True):
                planes[name][COVER] = value
        write_frame(folder / f"p.{number}.exr", replace(frame, channels=planes))
    cover = np.zeros_like(planes["R"])
    cover[COVER] = 1
    write_frame(folder / "m.1003.exr", replace(frame, number=1003, channels={"roto.A": cover}))
    shot = replace(small_shot, plate=str(folder / "p.%04d.exr"))
    return shot, f"{folder}/m.%04d.exr:roto"


def test_a_covered_face_is_completed_from_its_own_frames_without_anybodys_consent(
    boarded: tuple[Any, str], small_shot: Any, tmp_path: Path
) -> None:
    shot, drawn = boarded
    made = completing(shot, tmp_path / "c.%04d.exr", drawn)

    summary = render(shot, made)

    result, plate = comp(made, 1003), plate_of(shot, 1003)
    blend = result.channels["matte_blend.A"]
    assert summary.replaced == 1
    assert blend[COVER].mean() > 0.9
    outside = blend == 0
    assert outside.sum() > 0.97 * outside.size
    for name in "RGBA":
        now, was = (f.channels[name].view(np.uint16) for f in (result, plate))
        np.testing.assert_array_equal(now[outside], was[outside])
    truth = rgb(plate_of(small_shot, 1003))[COVER]
    now, was = (np.abs(np.log2(rgb(f)[COVER] / truth)).mean() for f in (result, plate))
    assert now < 0.35 < was  # stops; the board was another thing altogether
    assert "Hidden parts" in str(result.header["faceplate/disclosure"])
    assert "its own frames" in str(result.header["faceplate/actor"])


def test_networks_complete_what_is_hidden_and_nothing_else(
    boarded: tuple[Any, str], toys: Any, tmp_path: Path
) -> None:
    shot, drawn = boarded
    toys.set_of("filler")
    toys.paints("filler_complete", "complete", (0.9, -0.9, -0.9))
    made = completing(shot, tmp_path / "c.%04d.exr", drawn)
    knobs = replace(made.knobs, method="fsgan", weights="filler", light=0.0, seam=0.0)

    render(shot, replace(made, knobs=knobs, layers=("comp", "raw", "matte")), toys.folder)

    result = comp(made, 1003)
    inner = (slice(132, 142), slice(222, 260))
    raw = [result.channels[f"raw.{c}"][inner].astype(np.float32) for c in "RG"]
    assert (raw[0] > 5 * raw[1]).all()  # what the completing network painted
    outside = result.channels["matte_blend.A"] == 0
    np.testing.assert_array_equal(rgb(result)[outside], rgb(plate_of(shot, 1003))[outside])


def test_where_nothing_hides_a_face_nothing_is_done(small_shot: Any, tmp_path: Path) -> None:
    none = np.zeros((270, 480), np.float16)
    frame = plate_of(small_shot, 1003)
    write_frame(tmp_path / "m.1003.exr", replace(frame, channels={"roto.A": none}))
    made = completing(small_shot, tmp_path / "c.%04d.exr", f"{tmp_path}/m.%04d.exr:roto")

    summary = render(small_shot, made)

    assert summary.untouched == {"nothing hidden": 1}
    np.testing.assert_array_equal(rgb(comp(made, 1003)), rgb(frame))


# --- driven -----------------------------------------------------------------------------------


def driving(shot: Any, output: Path, **knobs: object) -> Job:
    made = shot.job(output, frames="1001", layers=("comp",), **knobs)
    return replace(made, task="reenact")


@pytest.mark.parametrize("method", ["warp", "fsgan"])
@pytest.mark.parametrize("pose", ["full", "pose-only", "expression-only"])
def test_an_actor_is_driven_by_a_performance(
    method: str, pose: str, small_shot: Any, toys: Any, tmp_path: Path
) -> None:
    toys.set_of("source")
    made = driving(small_shot, tmp_path / "r.%04d.exr", method=method, weights="source", pose=pose)

    summary = render(small_shot, made, toys.folder)

    result = comp(made, 1001)
    assert summary.replaced == 1
    assert (result.data.width, result.data.height) == (256, 256)
    assert set(result.channels) == set("RGBA")
    assert result.header["colorInteropID"] == "lin_rec709_scene"
    middle = result.rgb()[100:180, 90:170]
    assert 0.02 < np.median(middle) < 1.0
    alpha = result.channels["A"].astype(np.float32)
    assert alpha[128, 128] > 0.9
    assert (alpha.min() == 1) == (method == "fsgan")
    assert "somebody else moves it" in str(result.header["faceplate/disclosure"])
    views = json.loads(str(result.header["faceplate/views"]))[0]["skin"]
    assert sum(views.values()) == pytest.approx(1, abs=1e-3)


def test_the_expression_alone_leaves_the_actors_own_framing(
    small_shot: Any, toys: Any, tmp_path: Path
) -> None:
    toys.set_of("source")
    pictures = []
    for number, pose in enumerate(("full", "expression-only")):
        made = driving(
            small_shot, tmp_path / f"{number}.%04d.exr", method="fsgan", weights="source", pose=pose
        )
        frames = replace(made, frames="1001,1005")
        render(small_shot, frames, toys.folder)
        pictures.append([rgb(comp(made, frame)) for frame in (1001, 1005)])

    # The toy shows the view that it is given: one that turns with the head, one that does not.
    assert np.abs(pictures[0][0] - pictures[0][1]).max() > 0
    np.testing.assert_array_equal(pictures[1][0], pictures[1][1])


@pytest.fixture(scope="module")
def first_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that an import of tiny networks of the first version filled."""
    import torch  # takes seconds, and few tests need it

    from faceplate.core.importing import import_checkpoint
    from faceplate.core.nets.unet import MultiScaleResUNet

    folder = tmp_path_factory.mktemp("first")
    torch.manual_seed(2)
    for name, channels, out in (("r", 71, (3, 3)), ("b", 7, 3)):
        network = MultiScaleResUNet(channels, out, (1, 0, 1), 2, variant="v1")
        torch.save({"state_dict": network.state_dict()}, folder / f"{name}.pth")
        import_checkpoint(folder / f"{name}.pth", folder / "models", licence="CC0-1.0")
    return folder / "models"


def test_the_first_versions_networks_give_an_actors_frame_an_expression(
    small_shot: Any, first_version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, seen = firstversion.express_face, []

    def watching(*given: Any) -> AnyArray:
        seen.append(given[2:])
        return plain(*given)

    monkeypatch.setattr(firstversion, "express_face", watching)
    knobs = {"method": "fsgan", "weights": "official_v1", "pose": "expression-only"}
    made = driving(small_shot, tmp_path / "r.%04d.exr", **knobs)

    summary = render(small_shot, replace(made, frames="1001,1005"), first_version)

    header = comp(made, 1001).header
    assert summary.replaced == 2
    assert comp(made, 1005).rgb().shape == (256, 256, 3)
    names = [model.split(" ")[0] for model in str(header["faceplate/models"]).split("; ")]
    assert names[-2:] == ["official_reenact_v1", "official_blend_v1"]
    # The actor's own frame and landmarks both times, and the performer's who moves.
    (picture, own, first), (again, same, second) = seen
    np.testing.assert_array_equal(picture, again)
    np.testing.assert_array_equal(own, same)
    assert np.abs(first - second).max() > 0.1


@pytest.mark.parametrize(
    "changes", [{"pose": "full"}, {"steps": 2}, {"task": "swap"}], ids=lambda c: next(iter(c))
)
def test_the_first_version_serves_for_nothing_else(
    changes: dict[str, Any], small_shot: Any, first_version: Path, tmp_path: Path
) -> None:
    knobs = {"method": "fsgan", "weights": "official_v1", "pose": "expression-only", **changes}
    task = knobs.pop("task", "reenact")
    made = replace(driving(small_shot, tmp_path / "r.%04d.exr", **knobs), task=task)

    with pytest.raises(JobError, match="official_v1 give an actor's frame an expression"):
        render(small_shot, made, first_version)


def test_a_first_version_that_was_not_imported_is_named(small_shot: Any, tmp_path: Path) -> None:
    knobs = {"method": "fsgan", "weights": "official_v1", "pose": "expression-only"}
    made = driving(small_shot, tmp_path / "r.%04d.exr", **knobs)

    with pytest.raises(ModelMissingError, match="official_reenact_v1") as caught:
        render(small_shot, made, tmp_path)

    assert "faceplate models import" in caught.value.hint


def test_the_pose_alone_keeps_the_actors_own_expression(
    small_shot: Any, toys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys.set_of("source")
    plain, seen = NetworkFaces.driven, []

    def watching(self: NetworkFaces, *given: Any) -> AnyArray:
        main = self.crop(int(np.argmax(given[2])))
        seen.append((given[0], main.points))
        return plain(self, *given)

    monkeypatch.setattr(NetworkFaces, "driven", watching)
    for pose in ("pose-only", "full"):
        knobs = {"method": "fsgan", "weights": "source", "pose": pose, "shape": 1.0}
        render(small_shot, driving(small_shot, tmp_path / f"{pose}.%04d.exr", **knobs), toys.folder)

    apart = []
    for points, own in seen:
        a, b = own - own.mean(0), points - points.mean(0)
        u, sizes, vt = np.linalg.svd(b.T @ a)
        turned = (sizes.sum() / np.square(a).sum()) * a @ (u @ vt).T
        apart.append(np.abs(turned - b).max())
    assert apart[0] < 1e-3 < 2 < apart[1]  # crop pixels: turned and scaled, and no more


def test_without_a_performer_the_frame_is_black_and_says_so(
    small_shot: Any, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    frame = plate_of(small_shot, 1001)
    dark = {name: np.zeros_like(plane) for name, plane in frame.channels.items()}
    write_frame(tmp_path / "empty" / "p.1001.exr", replace(frame, channels=dark))
    shot = replace(small_shot, plate=str(tmp_path / "empty" / "p.%04d.exr"))

    summary = render(shot, driving(shot, tmp_path / "r.%04d.exr"))

    assert summary.untouched == {"no face": 1}
    result = comp(driving(shot, tmp_path / "r.%04d.exr"), 1001)
    assert not result.rgb().any()
    assert result.header["faceplate/frame"] == "untouched: no face"


# --- blended by hand --------------------------------------------------------------------------


@pytest.fixture
def element(small_shot: Any, tmp_path: Path) -> str:
    """Return a hand-made face: the plate's own, half a stop darker, in a soft-edged block."""
    frame = plate_of(small_shot, 1001)
    alpha = np.zeros((270, 480), np.float32)
    alpha[110:160, 215:265] = 1
    alpha[110:114, 215:265] = 0.5
    color = frame.rgb() * np.float32(2**-0.5) * alpha[..., None]
    planes = {f"hand.{c}": color[..., k].astype(np.float16) for k, c in enumerate("RGB")}
    planes["hand.A"] = alpha.astype(np.float16)
    write_frame(tmp_path / "e.1001.exr", replace(frame, channels={**frame.channels, **planes}))
    return f"{tmp_path}/e.%04d.exr:hand"


def blending(shot: Any, output: Path, element: str, **knobs: object) -> Job:
    made = shot.job(output, frames="1001", layers=("comp", "face", "raw", "matte"), **knobs)
    return replace(made, task="blend", actor=None, element=element)


def test_a_hand_made_face_takes_the_plates_light_and_keeps_its_own_edge(
    small_shot: Any, element: str, tmp_path: Path
) -> None:
    made = blending(small_shot, tmp_path / "c.%04d.exr", element, **PLAIN)

    summary = render(small_shot, made)

    result, plate = comp(made, 1001), plate_of(small_shot, 1001)
    assert summary.replaced == 1
    blend = result.channels["matte_blend.A"].astype(np.float32)
    assert set(np.unique(blend)) == {0.0, 0.5, 1.0}
    assert np.count_nonzero(blend) == 50 * 50
    np.testing.assert_array_equal(rgb(result)[blend == 0], rgb(plate)[blend == 0])
    core = (slice(118, 156), slice(220, 260))
    stops = np.log2(rgb(result)[core] / rgb(plate)[core])
    assert abs(np.median(stops)) < 0.1  # the half stop is gone
    raw = np.stack([result.channels[f"raw.{c}"] for c in "RGB"], axis=2)[core].astype(np.float32)
    np.testing.assert_allclose(raw, rgb(plate)[core] * 2**-0.5, rtol=5e-3)
    assert "laid over" in str(result.header["faceplate/disclosure"])
    assert result.header["faceplate/element"] == "e.%04d.exr:hand"


def test_its_matte_may_come_from_elsewhere(small_shot: Any, element: str, tmp_path: Path) -> None:
    frame = plate_of(small_shot, 1001)
    matte = np.zeros((270, 480), np.float16)
    matte[120:140, 220:260] = 0.25
    write_frame(tmp_path / "m.1001.exr", replace(frame, channels={"roto.A": matte}))
    made = blending(small_shot, tmp_path / "c.%04d.exr", element, **PLAIN)

    render(small_shot, replace(made, matte_in=f"{tmp_path}/m.%04d.exr:roto"))

    found = comp(made, 1001).channels["matte_blend.A"]
    np.testing.assert_array_equal(found, matte)


def test_a_face_that_a_draft_of_ours_put_in_needs_consent(
    small_shot: Any, element: str, tmp_path: Path
) -> None:
    path = Path(element.partition("%")[0] + "1001.exr")
    frame = read_frame(path, 1001)
    said = {"faceplate/job": "j", "faceplate/actor": "ana 12"}
    made = blending(small_shot, tmp_path / "c.%04d.exr", element)

    write_frame(path, replace(frame, header={**frame.header, **said}))
    with pytest.raises(ConsentError, match="without consent"):
        render(small_shot, made)
    said["faceplate/consent"] = "release 7"
    write_frame(path, replace(frame, header={**frame.header, **said}))
    with pytest.raises(ConsentError, match="withdrawn"):
        render_shot(
            made,
            progress=lambda _: None,
            should_stop=lambda: False,
            threads=1,
            cache_folder=small_shot.cache / "observations",
            revocations=frozenset({"release 7"}),
            today=TODAY,
        )
    render(small_shot, made)

    assert comp(made, 1001).header["faceplate/actor"] == "ana 12"
    assert comp(made, 1001).header["faceplate/consent"] == "release 7"


def test_another_element_is_another_frame(small_shot: Any, element: str, tmp_path: Path) -> None:
    made = blending(small_shot, tmp_path / "c.%04d.exr", element)
    render(small_shot, made)
    again = render(small_shot, made)

    path = Path(element.partition("%")[0] + "1001.exr")
    frame = read_frame(path, 1001)
    channels = {**frame.channels, "hand.R": frame.channels["hand.R"] * np.float16(2)}
    write_frame(path, replace(frame, channels=channels))

    assert again.resumed == 1
    assert render(small_shot, made).resumed == 0


def test_an_element_without_alpha_or_matte_is_refused(
    small_shot: Any, element: str, tmp_path: Path
) -> None:
    path = Path(element.partition("%")[0] + "1001.exr")
    frame = read_frame(path, 1001)
    channels = {name: plane for name, plane in frame.channels.items() if name != "hand.A"}
    write_frame(path, replace(frame, channels=channels))

    with pytest.raises(FrameFormatError, match="no alpha") as caught:
        render(small_shot, blending(small_shot, tmp_path / "c.%04d.exr", element))

    assert "--matte-in" in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"task": "swap", "element": "ELEMENT"}, JobError, "Task swap has a hand-made"),
        ({"task": "blend"}, JobError, "Task blend has no hand-made"),
        ({"task": "reenact", "actor": None}, JobError, "one performer"),
        ({"task": "reenact", "face": FaceChoice(every=True)}, JobError, "one performer"),
        (
            {"task": "complete", "actor": None, "face": FaceChoice(every=True)},
            JobError,
            "one face is completed",
        ),
        (
            {"task": "blend", "actor": None, "element": "ELEMENT", "frames": "1002"},
            FrameMissingError,
            "1002",
        ),
    ],
)
def test_a_task_that_lacks_something_is_refused_before_the_work(
    changes: dict[str, Any],
    error: type[Exception],
    match: str,
    small_shot: Any,
    element: str,
    tmp_path: Path,
) -> None:
    changes = {key: element if value == "ELEMENT" else value for key, value in changes.items()}
    made = replace(small_shot.job(tmp_path / "out" / "c.%04d.exr"), **changes)

    with pytest.raises(error, match=match):
        render(small_shot, made)

    assert not (tmp_path / "out").exists()


def test_each_task_has_a_command_and_its_frames_say_it(
    small_shot: Any, boarded: tuple[Any, str], element: str, tmp_path: Path
) -> None:
    fixed = ["--cache", str(small_shot.cache), "--threads", "1"]
    shot, drawn = boarded
    actor = str(small_shot.actor)
    given = {
        "complete": [shot.plate, "--frames", "1003", "--matte-in", drawn, "--no-contact"],
        "reenact": [small_shot.plate, "--frames", "1001", "--actor", actor, "--pose", "pose-only"],
        "blend": [small_shot.plate, "--frames", "1001", "--element", element, "--no-contact"],
    }
    paths = {
        "p.%04d.exr": "",
        "small.actor": actor,
        "e.%04d.exr:hand": element,
        "m.%04d.exr:roto": drawn,
    }

    for task, words in given.items():
        out = tmp_path / task / "c.%04d.exr"
        done = CliRunner().invoke(app, [task, *words, "--out", str(out), *fixed])
        assert done.exit_code == 0, done.output
        (path,) = (tmp_path / task).glob("c.*.exr")
        said = shlex.split(str(read_frame(path, 1001).header["faceplate/command"]))
        places = {
            **paths,
            "p.%04d.exr": words[0],
            "comp.%04d.exr": f"{tmp_path}/again/{task}.%04d.exr",
        }
        more = ["--frames", words[2], *fixed] + ["--no-contact"] * (task != "reenact")
        again = CliRunner().invoke(app, [*(places.get(w, w) for w in said[1:]), *more])
        assert again.exit_code == 0, again.output
        other = tmp_path / "again" / f"{task}.{words[2]}.exr"
        assert other.read_bytes() == path.read_bytes()
