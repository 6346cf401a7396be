"""The method fsgan on small frames of the demo, with toy networks behind the real loader."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.errors import ModelMissingError
from faceplate.core.face import HeadPose
from faceplate.core.footage import frame_path
from faceplate.core.frame import Frame, Window
from faceplate.core.fsgan import NetworkFaces, view_weights
from faceplate.core.io.exr import read_frame, write_frame
from faceplate.core.job import Job
from faceplate.core.render import Shot, look_at, open_job, render_shot
from faceplate.core.replace import Reenacted
from faceplate.core.report import Progress, Summary
from faceplate.core.source import Actor
from faceplate.core.stages.appearance import AppearanceMap
from faceplate.core.stages.segment import Labels

TODAY = date(2026, 1, 1)
LAYERS = ("comp", "face", "raw", "matte", "st", "motion", "confidence")
PLAIN = {"grain": 0.0, "sharpness": 0.0, "motion_blur": 0.0}
GREEN = (-0.9, 0.9, -0.9)


@pytest.fixture(scope="module")
def models(toys: Any) -> Any:
    """Return the toys with the sets that these tests draw with."""
    toys.set_of("source")
    toys.set_of("target", blend=(3, 4, 5))
    toys.set_of("green")
    toys.paints("green_reenact", "reenact", GREEN)
    toys.set_of("cued")
    toys.picks("cued_complete", "cued", (4, 5, 6))
    for seed, role in enumerate(("reenact", "complete", "blend")):
        toys.random(f"tiny_{role}", role, seed)
    return toys


def job(shot: Any, output: Path | str, weights: str, **knobs: object) -> Job:
    return shot.job(output, method="fsgan", weights=weights, layers=LAYERS, **knobs)


def render(shot: Any, made: Job, models: Any, *, threads: int = 1, **more: Any) -> Summary:
    return render_shot(
        made,
        progress=more.get("progress", lambda _: None),
        should_stop=lambda: False,
        threads=threads,
        cache_folder=shot.cache / "observations",
        revocations=frozenset(),
        today=TODAY,
        models=[models.folder],
    )


def opened(shot: Any, made: Job, models: Any) -> Shot:
    return open_job(
        made,
        progress=lambda _: None,
        revocations=frozenset(),
        today=TODAY,
        threads=1,
        cache_folder=shot.cache / "observations",
        models=[models.folder],
    )[1]


def drawn(shot: Shot, number: int) -> Reenacted:
    cast = shot.casts[0]
    face = cast.track.at(number)
    assert face is not None
    assert shot.networks is not None

    def label(window: Window, linear: FloatArray) -> Labels:
        return shot.labels.of(cast.track, face, window, linear)

    frame, look = shot.recent.read(number), look_at(shot.job, number)
    new = shot.networks.reenact_face(frame, face, cast, shot.view, look, label)
    assert new is not None
    return new


def comp(made: Job, number: int) -> Frame:
    return read_frame(frame_path(made.output, number), number)


def with_lamps(shot: Any, folder: Path, numbers: range) -> Any:
    """Return the shot with a lamp beside the face, glints on it, and wild values in a corner."""
    folder.mkdir()
    words = np.array([0x7E01, 0xFC00, 0x7C00, 0x0001, 0xBC00, 0x7B53], np.uint16)
    for number in numbers:
        frame = read_frame(frame_path(shot.plate, number), number)
        planes = {name: plane.copy() for name, plane in frame.channels.items()}
        for name in "RGB":
            planes[name][60:90, 150:165] = 8.0
            planes[name][120:122, 236:239] = 8.0
            planes[name][150, 250] = 30.0
            planes[name][:10, :20] = np.resize(words.view(np.float16), (10, 20))
        write_frame(folder / f"p.{number}.exr", replace(frame, channels=planes))
    return replace(shot, plate=str(folder / "p.%04d.exr"))


def test_an_identical_answer_gives_the_plate_back_with_its_highlights(
    small_shot: Any, models: Any, tmp_path: Path
) -> None:
    shot = with_lamps(small_shot, tmp_path / "lamps", range(1001, 1004))
    made = job(shot, tmp_path / "c.%04d.exr", "target", frames="1002", **PLAIN)
    view = opened(shot, made, models)

    new = drawn(view, 1002)
    render(shot, made, models)

    light = view.view.shaper.decode(new.warped.codes) * np.float32(new.exposure)
    np.testing.assert_allclose(light, new.plate, rtol=1e-5, atol=1e-6)
    assert new.plate.max() > 7
    result, plate = comp(made, 1002), read_frame(frame_path(shot.plate, 1002), 1002)
    face = result.channels["matte_blend.A"].astype(np.float32)
    assert face[120:122, 236:239].min() > 0.5  # the glints lie on the face
    for name in "RGB":
        now, was = (frame.channels[name].astype(np.float32) for frame in (result, plate))
        np.testing.assert_allclose(now[10:], was[10:], rtol=2e-3, atol=1e-4)


def test_a_completion_that_takes_cues_draws_too(
    small_shot: Any, models: Any, tmp_path: Path
) -> None:
    pictures = []
    for weights in ("source", "cued"):
        made = job(small_shot, tmp_path / f"{weights}.%04d.exr", weights, frames="1002", **PLAIN)
        assert render(small_shot, made, models).replaced == 1
        pictures.append(np.asarray(comp(made, 1002).rgb()))

    # The toy hands on the face in its mirror: a face, but another one.
    apart = np.abs(pictures[0] - pictures[1])[110:160, 215:265]
    assert 0.001 < np.median(apart) < 0.2


def test_a_squeezed_plate_is_drawn_on_its_own_pixels(
    small_shot: Any, models: Any, tmp_path: Path
) -> None:
    (tmp_path / "wide").mkdir()
    for number in (1001, 1002, 1003):
        frame = read_frame(frame_path(small_shot.plate, number), number)
        planes = {
            name: cv2.resize(plane.astype(np.float32), (240, 270), interpolation=cv2.INTER_AREA)
            for name, plane in frame.channels.items()
        }
        window = Window(0, 0, 240, 270)
        squeezed = replace(
            frame,
            channels={name: plane.astype(np.float16) for name, plane in planes.items()},
            data=window,
            display=window,
            pixel_aspect=2.0,
        )
        write_frame(tmp_path / "wide" / f"p.{number}.exr", squeezed)
    shot = replace(small_shot, plate=str(tmp_path / "wide" / "p.%04d.exr"))
    same = job(shot, tmp_path / "s.%04d.exr", "target", frames="1002", **PLAIN)
    other = job(shot, tmp_path / "o.%04d.exr", "source", frames="1002", **PLAIN)
    square = job(small_shot, tmp_path / "q.%04d.exr", "source", frames="1002", **PLAIN)

    for shown, made in ((shot, same), (shot, other), (small_shot, square)):
        assert render(shown, made, models).replaced == 1

    plate = read_frame(frame_path(shot.plate, 1002), 1002)
    np.testing.assert_allclose(comp(same, 1002).rgb(), plate.rgb(), rtol=2e-3, atol=1e-4)
    found, wanted = comp(other, 1002), comp(square, 1002)
    core = found.channels["matte_blend.A"] > 0.95
    small = cv2.resize(wanted.rgb(), (240, 270), interpolation=cv2.INTER_AREA)
    stops = np.log2(np.maximum(found.rgb()[core], 1e-3) / np.maximum(small[core], 1e-3))
    assert core.sum() > 600
    assert np.abs(stops).mean() < 0.35


def test_what_a_constant_generator_paints_is_the_face_inside_the_eroded_matte(
    small_shot: Any, models: Any, tmp_path: Path
) -> None:
    made = job(small_shot, tmp_path / "c.%04d.exr", "green", frames="1001")

    shot = opened(small_shot, made, models)
    new = drawn(shot, 1001)

    codes = (np.float32(GREEN) + 1) / 2
    deep = new.new > 0.999
    assert deep.sum() > 1500
    np.testing.assert_allclose(
        new.warped.codes[deep], np.broadcast_to(codes, (deep.sum(), 3)), atol=2e-3
    )
    render(small_shot, made, models)
    raw = np.stack([comp(made, 1001).channels[f"raw.{c}"] for c in "RGB"], axis=2)
    inner = new.window.slices_in(comp(made, 1001).data)
    wanted = shot.view.light(
        shot.view.shaper.decode(codes[None, None]) / np.float32(shot.view.gain)
    )
    found = raw[inner][deep & new.warped.raster.cover].astype(np.float32)
    np.testing.assert_allclose(found, np.broadcast_to(wanted[0], found.shape), rtol=0.02)


@pytest.fixture(scope="module")
def tiny(
    small_shot: Any, models: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Job, Summary]:
    """Render three frames with tiny random networks and our segmenter."""
    root = tmp_path_factory.mktemp("tiny")
    shot = with_lamps(small_shot, root / "plate", range(1001, 1004))
    made = job(shot, root / "c.%04d.exr", "tiny")
    return shot, made, render(shot, made, models)


def test_outside_of_the_matte_every_bit_stays(tiny: tuple[Any, Job, Summary]) -> None:
    shot, made, summary = tiny

    assert summary.replaced == 3
    for number in (1001, 1002, 1003):
        plate = read_frame(frame_path(shot.plate, number), number)
        result = comp(made, number)
        outside = result.channels["matte_blend.A"] == 0
        assert outside[60:90, 150:165].all()
        assert (~outside).sum() > 1500
        for name in "RGBA":
            now, was = (f.channels[name].view(np.uint16) for f in (result, plate))
            np.testing.assert_array_equal(now[outside], was[outside])
        inside = np.stack([result.channels[c] for c in "RGB"])[:, ~outside]
        assert np.isfinite(inside.astype(np.float32)).all()


def test_every_layer_is_as_with_a_warp(tiny: tuple[Any, Job, Summary]) -> None:
    result = comp(tiny[1], 1002)
    core = result.channels["matte_blend.A"] > 0.9

    assert {"face.A", "raw.R", "st.X", "motion.Z", "confidence.A"} <= set(result.channels)
    u, v = result.channels["st.X"][core], result.channels["st.Y"][core]
    rows, columns = np.nonzero(core)
    assert np.corrcoef(columns, u)[0, 1] > 0.8
    assert np.corrcoef(rows, v)[0, 1] < -0.8
    assert np.abs(result.channels["motion.X"][core]).max() > 0
    alpha = result.channels["face.A"].astype(np.float32)
    np.testing.assert_array_equal(result.channels["face.A"], result.channels["matte_blend.A"])
    plate = read_frame(frame_path(tiny[0].plate, 1002), 1002)
    for name in "RGB":
        before = np.nan_to_num(plate.channels[name][20:].astype(np.float32))
        joined = before * (1 - alpha[20:]) + result.channels[f"face.{name}"][20:]
        np.testing.assert_allclose(result.channels[name][20:], joined, rtol=2e-3, atol=1e-4)


def test_the_header_says_which_networks_drew_and_in_how_many_passes(
    tiny: tuple[Any, Job, Summary],
) -> None:
    header = comp(tiny[1], 1001).header

    for role in ("reenact", "complete", "blend"):
        assert f"tiny_{role} " in str(header["faceplate/models"])
    assert header["faceplate/steps"] == "one pass, as in the released code"
    assert "--method fsgan --weights tiny" in str(header["faceplate/command"])


def test_any_chunk_and_thread_count_gives_the_same_bytes(
    tiny: tuple[Any, Job, Summary], models: Any, tmp_path: Path
) -> None:
    shot, made, _ = tiny
    alone = replace(made, output=str(tmp_path / "x.%04d.exr"))

    for number in ("1003", "1001"):
        render(shot, replace(alone, frames=number), models, threads=2)

    for number in (1003, 1001):
        paths = [frame_path(one.output, number) for one in (alone, made)]
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_finished_frames_are_left_alone_until_a_network_is_another(
    tiny: tuple[Any, Job, Summary], models: Any, tmp_path: Path
) -> None:
    shot, made, _ = tiny
    again = render(shot, made, models)

    other = type(models)(tmp_path)
    for role in ("reenact", "complete", "blend"):
        for suffix in ("onnx", "toml"):
            file = f"tiny_{role}.{suffix}"
            (tmp_path / file).write_bytes((models.folder / file).read_bytes())
    other.random("tiny_blend", "blend", 77)
    changed = opened(shot, made, other).frame_job(1001)

    assert (again.resumed, again.done) == (3, 3)
    assert changed != opened(shot, made, models).frame_job(1001)


@pytest.fixture
def gone(small_shot: Any, tmp_path: Path) -> Any:
    """Return the shot with a face in its first four frames, and a board in front of the last."""
    folder = tmp_path / "gone"
    folder.mkdir()
    for number in range(1001, 1007):
        frame = read_frame(frame_path(small_shot.plate, number), number)
        planes = {name: plane.copy() for name, plane in frame.channels.items()}
        for name in "RGB" if number > 1004 else "":
            planes[name][70:200, 195:290] = 0.1
        write_frame(folder / f"p.{number}.exr", replace(frame, channels=planes))
    return replace(small_shot, plate=str(folder / "p.%04d.exr"))


def test_the_policies_hold_and_pass(
    gone: Any, models: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[AnyArray] = []
    plain = NetworkFaces.driven

    def counting(self: NetworkFaces, *given: Any) -> FloatArray:
        calls.append(given[0])
        return plain(self, *given)

    monkeypatch.setattr(NetworkFaces, "driven", counting)
    held = job(gone, tmp_path / "h.%04d.exr", "source", frames="1004-1006", **PLAIN)
    held = replace(held, policy="hold")
    passed = replace(held, policy="pass", output=str(tmp_path / "p.%04d.exr"))

    first, second = (render(gone, one, models) for one in (held, passed))

    assert first.replaced == 3
    assert sum(second.untouched.values()) == 2
    assert len(calls) == 2  # once a job: a held face is not drawn again
    faces = [comp(held, number).channels["face.G"] for number in (1004, 1005, 1006)]
    np.testing.assert_array_equal(faces[1], faces[2])
    np.testing.assert_array_equal(faces[0] > 0, faces[1] > 0)
    assert not comp(passed, 1006).channels["face.A"].any()


def test_own_eyes_and_mouth_stay_the_plates(small_shot: Any, models: Any, tmp_path: Path) -> None:
    mattes: dict[str, AnyArray] = {}
    for knob in ("eyes", "mouth", ""):
        made = job(
            small_shot, tmp_path / f"{knob}.%04d.exr", "source", **({knob: "plate"} if knob else {})
        )
        shot = opened(small_shot, made, models)
        mattes[knob or "none"] = drawn(shot, 1001).warped.own

    assert not mattes["none"].any()
    rows = {knob: np.nonzero(mattes[knob] > 0.5)[0].mean() for knob in ("eyes", "mouth")}
    assert rows["eyes"] < rows["mouth"]


def test_missing_networks_stop_the_job_before_the_analysis(
    small_shot: Any, toys: Any, tmp_path: Path
) -> None:
    made = job(small_shot, tmp_path / "c.%04d.exr", "nowhere")
    said: list[Progress] = []

    with pytest.raises(ModelMissingError, match="nowhere_reenact") as caught:
        render(small_shot, made, toys, progress=said.append)

    assert caught.value.exit_code == 3
    assert caught.value.hint
    assert said == []
    assert list(tmp_path.iterdir()) == []


def actor_with(poses: list[tuple[float, float]]) -> Any:
    class Bare:
        map = AppearanceMap.build(np.array(poses))

    return Bare()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_weights_sum_to_one_over_no_more_views_than_wanted(count: int) -> None:
    rng = np.random.default_rng(0)
    actor: Actor = actor_with([tuple(p) for p in rng.uniform(-50, 50, (9, 2))])

    for yaw, pitch in rng.uniform(-90, 90, (60, 2)):
        weights = view_weights(actor, HeadPose(yaw, pitch, 0.0), count)

        assert weights.dtype == np.float32
        assert weights.min() >= 0
        assert weights.sum() == pytest.approx(1, abs=1e-6)
        assert 1 <= np.count_nonzero(weights) <= count
        if count == 3:
            np.testing.assert_allclose(weights, actor.map.weights_at(yaw, pitch), atol=1e-6)


def test_of_views_alike_the_first_is_taken() -> None:
    actor: Actor = actor_with([(-10.0, 0.0), (10.0, 0.0), (0.0, 17.0)])

    weights = view_weights(actor, HeadPose(0.0, 0.0, 0.0), 1)

    assert np.count_nonzero(weights) == 1


def test_the_light_match_compares_new_skin_alone(
    small_shot: Any, models: Any, tmp_path: Path
) -> None:
    """A source of another exposure comes to the plate's level, though the rim is the plate's."""
    made = job(small_shot, tmp_path / "c.%04d.exr", "source", frames="1001", seam=0.0, **PLAIN)
    shot = opened(small_shot, made, models)
    new = drawn(shot, 1001)

    render(small_shot, made, models)

    result = comp(made, 1001)
    inner = new.window.slices_in(result.data)
    skin = (new.new > 0.99) & (new.warped.features < 0.1) & (new.warped.depth > 0.06)
    plate = read_frame(frame_path(small_shot.plate, 1001), 1001)
    now, was = (frame.rgb()[inner][skin] for frame in (result, plate))
    assert abs(np.log2(np.median(now) / np.median(was))) < 0.15
    # What lies around the new face is the plate's already, and keeps its light.
    rim = (new.new < 0.01) & (result.channels["matte_blend.A"][inner] > 0.2)
    assert rim.sum() > 50
    now, was = (frame.rgb()[inner][rim] for frame in (result, plate))
    np.testing.assert_allclose(now, was, rtol=5e-3)
