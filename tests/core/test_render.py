"""The product's promises on real renders of the demo shot, small."""

from __future__ import annotations

import dataclasses
import random
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.core.actor import ActorSettings, build_actor, write_actor
from faceplate.core.analyse import AnalysisSettings, analyse_shot
from faceplate.core.consent import read_consent
from faceplate.core.demo.footage import SPACE, shipped, write_footage
from faceplate.core.errors import (
    ColorSpaceError,
    ConsentError,
    FaceplateError,
    FrameMissingError,
    ModelMismatchError,
    OutputError,
    TrackError,
)
from faceplate.core.footage import FrameRange, frame_path
from faceplate.core.frame import Frame, Window
from faceplate.core.io.exr import read_frame, write_frame
from faceplate.core.io.footage import open_footage
from faceplate.core.io.tracks import write_track
from faceplate.core.job import FaceChoice, Job, Keys
from faceplate.core.jobfile import read_job
from faceplate.core.layers import MATTES
from faceplate.core.render import render_shot
from faceplate.core.report import Progress, Summary
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.ocio.config import open_config
from faceplate.ocio.network import NetworkView

TODAY = date(2026, 1, 1)
LAYERS = ("comp", "face", "raw", "matte", "st", "motion", "confidence")


@dataclasses.dataclass(frozen=True)
class Stage:
    """A small plate, an actor, and room to render in."""

    root: Path
    cache: Path
    actor: Path
    clean: Mapping[int, Frame]

    def plate(self, name: str, frames: Mapping[int, Frame] | None = None) -> str:
        """Write a plate; the clean one by default."""
        folder = self.root / name
        folder.mkdir()
        for number, frame in (frames or self.clean).items():
            write_frame(folder / f"p.{number}.exr", replace(frame, number=number))
        return str(folder / "p.%04d.exr")

    def job(self, plate: str, out: str, **changes: object) -> Job:
        """Return a job with every layer; ``changes`` replace entries or knobs."""
        graph = swap_graph({"pattern": plate}, {"file": str(self.actor)}, {})
        delivery = Delivery(output=str(self.root / out), name="sh010", contact_sheet=False)
        job = replace(job_of(graph, "swap", delivery), layers=LAYERS)
        knobs = {k: v for k, v in changes.items() if hasattr(job.knobs, k)}
        rest = {k: v for k, v in changes.items() if k not in knobs}
        return replace(job, knobs=replace(job.knobs, **knobs), **rest)  # type: ignore[arg-type]

    def render(self, job: Job, *, threads: int = 1) -> Summary:
        """Render a job."""
        return render_shot(
            job,
            progress=lambda _: None,
            should_stop=lambda: False,
            threads=threads,
            cache_folder=self.cache,
            revocations=frozenset(),
            today=TODAY,
        )


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Halve three frames of the demo and build an actor of its source."""
    root = tmp_path_factory.mktemp("render")
    footage = write_footage(root / "demo", frames=1)
    plate = shipped("plate")
    clean = {}
    for number, source in zip((1001, 1002, 1003), plate.frames.numbers[8:], strict=False):
        frame = read_frame(plate.path(source), source)
        small = cv2.resize(frame.rgb(), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        small = np.ascontiguousarray(small[: small.shape[0] // 2 * 2])
        window = Window(0, 0, small.shape[1], small.shape[0])
        planes = {name: small[..., k].astype(np.float16) for k, name in enumerate("RGB")}
        planes["A"] = np.ones(small.shape[:2], np.float16)
        header = {"colorInteropID": "lin_ap1_scene", "comments": "as shot"}
        clean[number] = Frame(number, planes, window, window, 1.0, SPACE, header)
    config = open_config(None)
    actor = build_actor(
        [open_footage(footage.source, config)],
        config,
        name="b",
        consent=read_consent(footage.consent),
        max_views=3,
        settings=ActorSettings(cache_folder=root / "cache"),
    )
    write_actor(root / "b.actor", actor)
    return Stage(root, root / "cache", root / "b.actor", clean)


@pytest.fixture(scope="module")
def rendered(stage: Stage) -> tuple[str, str, Summary]:
    """Render the clean plate once: plate pattern, output pattern, summary."""
    plate = stage.plate("clean")
    job = stage.job(plate, "clean_out/c.%04d.exr")
    return plate, job.output, stage.render(job)


def comp(pattern: str, number: int = 1001) -> Frame:
    return read_frame(frame_path(pattern, number), number)


def bits(plane: np.ndarray) -> np.ndarray:
    return plane.view({2: np.uint16, 4: np.uint32}[plane.dtype.itemsize])


def assert_untouched_outside(plate: Frame, result: Frame) -> int:
    """Check bits, types, windows and names outside the matte; return the touched pixels."""
    assert (result.data, result.display) == (plate.data, plate.display)
    assert result.pixel_aspect == pytest.approx(plate.pixel_aspect)
    outside = result.channels["matte_blend.A"] == 0
    for name, plane in plate.channels.items():
        own = result.channels[name]
        assert own.dtype == plane.dtype
        where = outside if name in "RGB" else np.ones_like(outside)
        np.testing.assert_array_equal(bits(own)[where], bits(plane)[where], err_msg=name)
    return int((~outside).sum())


def test_every_frame_gets_a_new_face_and_every_layer(rendered: tuple[str, str, Summary]) -> None:
    plate, output, summary = rendered

    result = comp(output)

    assert (summary.done, summary.replaced) == (3, 3)
    assert assert_untouched_outside(comp(plate), result) > 3000
    names = {"R", "G", "B", "A", "face.R", "face.A", "raw.B", "st.Z", "motion.X", "confidence.A"}
    assert names | {f"{m}.A" for m in MATTES} <= set(result.channels)
    assert {result.channels[n].dtype for n in ("st.X", "motion.Y")} == {np.dtype(np.float32)}
    assert result.channels["matte_face.A"].dtype == np.float16
    assert result.header["comments"] == "as shot"
    assert result.header["faceplate/shot"] == "sh010"
    assert result.header["faceplate/consent"] == "faceplate demo shot"
    inside = result.channels["matte_blend.A"] > 0.9
    change = np.abs(result.rgb() - comp(plate).rgb())[inside]
    assert change.mean() > 0.005


def test_face_over_plate_is_the_comp(rendered: tuple[str, str, Summary]) -> None:
    plate, output, _ = rendered
    before, after = comp(plate), comp(output)

    alpha = after.channels["face.A"].astype(np.float32)
    for name in "RGB":
        face = after.channels[f"face.{name}"].astype(np.float32)
        joined = before.channels[name].astype(np.float32) * (1 - alpha) + face
        np.testing.assert_allclose(after.channels[name], joined.astype(np.float16), rtol=1e-3)
    np.testing.assert_array_equal(after.channels["face.A"], after.channels["matte_blend.A"])


def test_raw_reaches_past_the_matte(rendered: tuple[str, str, Summary]) -> None:
    result = comp(rendered[1])
    matte = (result.channels["matte_blend.A"] > 0.02).astype(np.uint8)
    raw = np.abs(np.stack([result.channels[f"raw.{c}"] for c in "RGB"])).sum(axis=0) > 0
    height = np.ptp(np.nonzero(matte)[0])
    reach = int(np.ceil(0.05 * height))
    wide = cv2.dilate(matte, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2))

    assert (raw & (wide > 0)).sum() / (wide > 0).sum() > 0.97


def test_the_st_map_fetches_the_face_from_its_view(
    rendered: tuple[str, str, Summary], stage: Stage
) -> None:
    result = comp(rendered[1])
    u, v, index = (result.channels[f"st.{c}"] for c in "XYZ")
    core = result.channels["matte_blend.A"] > 0.99

    assert len(np.unique(index[core])) == 1
    assert 0 <= u[core].min() < u[core].max() <= 1
    assert 0 <= v[core].min() < v[core].max() <= 1
    rows, columns = np.nonzero(core)
    assert np.corrcoef(columns, u[core])[0, 1] > 0.8
    assert np.corrcoef(rows, v[core])[0, 1] < -0.8  # v counts from the bottom


def wild_values(frame: Frame, where: tuple[slice, slice]) -> Frame:
    """Plant what must survive: NaN payloads, infinities, subnormals, negatives, 60 000."""
    words = np.array([0x7E01, 0xFC00, 0x7C00, 0x0001, 0xBC00, 0x7B53, 0x7D55], np.uint16)
    planes = dict(frame.channels)
    for name in "RGB":
        plane = planes[name].copy()
        patch = plane[where]
        patch[...] = np.resize(words.view(np.float16), patch.shape)
        planes[name] = plane
    return replace(frame, channels=planes)


def shifted(frame: Frame, dx: int, dy: int) -> Frame:
    data = Window(dx, dy, dx + frame.data.width, dy + frame.data.height)
    return replace(frame, data=data, display=Window(0, 0, 300, 200))


def squeezed(frame: Frame, aspect: float) -> Frame:
    width = round(frame.data.width / aspect)
    planes = {
        name: cv2.resize(
            p.astype(np.float32), (width, p.shape[0]), interpolation=cv2.INTER_AREA
        ).astype(np.float16)
        for name, p in frame.channels.items()
    }
    window = Window(0, 0, width, frame.data.height)
    return replace(frame, channels=planes, data=window, display=window, pixel_aspect=aspect)


def with_more(frame: Frame) -> Frame:
    shape = frame.channels["R"].shape
    rng = np.random.default_rng(1)
    more = {
        "depth.Z": rng.standard_normal(shape).astype(np.float32),
        "crypto.id": rng.integers(0, 2**32, shape, dtype=np.uint32),
        "mask.A": rng.random(shape).astype(np.float16),
    }
    return replace(frame, channels={**frame.channels, **more})


def as_float(frame: Frame) -> Frame:
    planes = {name: p.astype(np.float32) * np.float32(1.0001) for name, p in frame.channels.items()}
    return replace(frame, channels=planes)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda f: wild_values(f, (slice(0, 20), slice(0, 60))), id="wild corner"),
        pytest.param(lambda f: wild_values(f, (slice(95, 103), slice(235, 245))), id="wild face"),
        pytest.param(lambda f: shifted(f, -40, -17), id="overscan"),
        pytest.param(lambda f: squeezed(f, 2.0), id="anamorphic"),
        pytest.param(lambda f: squeezed(f, 2 / 3), id="narrow pixels"),
        pytest.param(with_more, id="more layers"),
        pytest.param(as_float, id="float plate"),
    ],
)
def test_what_the_matte_leaves_out_keeps_every_bit(
    change: Callable[[Frame], Frame], stage: Stage, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id.replace(" ", "_")
    plate = stage.plate(name, {1001: change(stage.clean[1001])})
    job = stage.job(plate, f"{name}_out/c.%04d.exr", layers=("comp", "face", "matte"))

    summary = stage.render(job)

    touched = assert_untouched_outside(comp(plate), comp(job.output))
    assert summary.replaced == 1
    assert touched > 1500
    for name in ("R", "G", "B", "face.R", "matte_blend.A"):
        inside = comp(job.output).channels["matte_blend.A"] > 0
        assert np.isfinite(comp(job.output).channels[name][inside]).all()


def test_a_squeezed_plate_is_replaced_like_the_square_one(
    stage: Stage, rendered: tuple[str, str, Summary]
) -> None:
    plate = stage.plate("squeeze", {1001: squeezed(stage.clean[1001], 2.0)})
    job = stage.job(plate, "squeeze_out/c.%04d.exr", grain=0.0, layers=("comp", "matte"))
    square = stage.job(rendered[0], "square_out/c.%04d.exr", grain=0.0, frames="1001")

    stage.render(job)
    stage.render(square)

    small = squeezed(comp(square.output), 2.0).rgb()
    both = (comp(job.output).channels["matte_blend.A"] > 0.95).astype(bool)
    assert np.abs(np.log2(comp(job.output).rgb()[both] / small[both])).mean() < 0.25


def test_a_lamp_of_40_beside_the_face_stays_40(stage: Stage) -> None:
    frame = stage.clean[1001]
    planes = {n: p.copy() for n, p in frame.channels.items()}
    for name in "RGB":
        planes[name][60:90, 150:175] = 40.0
    plate = stage.plate("lamp", {1001: replace(frame, channels=planes)})
    job = stage.job(plate, "lamp_out/c.%04d.exr", layers=("comp", "matte"))

    stage.render(job)

    result = comp(job.output)
    outside = result.channels["matte_blend.A"] == 0
    assert_untouched_outside(comp(plate), result)
    assert (result.rgb()[~outside] < 20).all()  # and it did not bleed into the face


def file_bytes(pattern: str, numbers: tuple[int, ...] = (1001, 1002, 1003)) -> list[bytes]:
    return [frame_path(pattern, n).read_bytes() for n in numbers]


def test_any_chunk_order_thread_count_and_second_gives_the_same_bytes(
    stage: Stage, rendered: tuple[str, str, Summary], tmp_path: Path
) -> None:
    plate, output, _ = rendered
    wanted = file_bytes(output)
    time.sleep(1.1)
    alone = stage.job(plate, str(tmp_path / "another name" / "x.%04d.exr"))
    numbers = ["1002", "1003", "1001"]
    random.Random(3).shuffle(numbers)

    for number in numbers:
        stage.render(replace(alone, frames=number), threads=2)

    assert file_bytes(alone.output) == wanted
    fresh = replace(stage, cache=tmp_path / "empty cache")
    whole = replace(alone, output=str(tmp_path / "y.%04d.exr"), frames="1001,1003")
    fresh.render(whole, threads=2)
    assert file_bytes(whole.output, (1001, 1003)) == [wanted[0], wanted[2]]


def test_a_solved_track_on_disk_gives_the_same_bytes(
    stage: Stage, rendered: tuple[str, str, Summary], tmp_path: Path
) -> None:
    plate, output, _ = rendered
    config = open_config(None)
    settings = AnalysisSettings(1.0, 1, None, embed=True)
    write_track(tmp_path / "s.track", analyse_shot(open_footage(plate, config), config, settings))

    job = stage.job(plate, str(tmp_path / "t.%04d.exr"), track=str(tmp_path / "s.track"))
    stage.render(job)

    assert file_bytes(job.output) == file_bytes(output)


def test_finished_frames_are_left_alone_and_a_lost_one_comes_back(
    stage: Stage, rendered: tuple[str, str, Summary], tmp_path: Path
) -> None:
    plate, output, _ = rendered
    job = stage.job(plate, str(tmp_path / "r.%04d.exr"))
    for number in (1001, 1002):
        shutil.copy2(frame_path(output, number), frame_path(job.output, number))
    half = frame_path(job.output, 1003)
    half.write_bytes(frame_path(output, 1003).read_bytes())
    before = frame_path(job.output, 1001).stat().st_mtime_ns
    half.unlink()

    summary = stage.render(job)

    assert (summary.resumed, summary.replaced, summary.done) == (2, 1, 3)
    assert frame_path(job.output, 1001).stat().st_mtime_ns == before
    assert file_bytes(job.output) == file_bytes(output)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"r.{n}.exr" for n in (1001, 1002, 1003)]


def test_another_knob_renders_our_own_frames_again(
    stage: Stage, rendered: tuple[str, str, Summary], tmp_path: Path
) -> None:
    job = stage.job(rendered[0], str(tmp_path / "k.%04d.exr"), frames="1001")
    stage.render(job)
    first = file_bytes(job.output, (1001,))

    summary = stage.render(replace(job, knobs=replace(job.knobs, feather=30.0)))

    assert summary.resumed == 0
    assert file_bytes(job.output, (1001,)) != first


def test_a_stop_between_frames_leaves_whole_frames(
    stage: Stage, rendered: tuple[str, str, Summary], tmp_path: Path
) -> None:
    job = stage.job(rendered[0], str(tmp_path / "s.%04d.exr"))
    seen: list[Progress] = []

    summary = render_shot(
        job,
        progress=seen.append,
        should_stop=lambda: any(p.stage == "render" for p in seen),
        threads=1,
        cache_folder=stage.cache,
        revocations=frozenset(),
        today=TODAY,
    )

    assert (summary.stopped, summary.done) == (True, 1)
    assert file_bytes(job.output, (1001,)) == file_bytes(rendered[1], (1001,))


def test_mix_may_be_keyed_and_at_zero_the_plate_is_as_it_was(
    stage: Stage, rendered: tuple[str, str, Summary], tmp_path: Path
) -> None:
    keys = Keys(((1001, 0.0), (1003, 1.0)))
    job = stage.job(rendered[0], str(tmp_path / "m.%04d.exr"), mix=keys)
    stage.render(job)

    for name in "RGB":
        np.testing.assert_array_equal(
            bits(comp(job.output).channels[name]), bits(comp(rendered[0]).channels[name])
        )
    halfway = comp(job.output, 1002).channels["face.A"].max()
    assert halfway == pytest.approx(0.5, abs=0.01)
    assert file_bytes(job.output, (1003,)) != file_bytes(rendered[1], (1003,))  # the hash differs
    np.testing.assert_array_equal(comp(job.output, 1003).rgb(), comp(rendered[1], 1003).rgb())


def without_face(frame: Frame) -> Frame:
    """Paint the face over and keep what is around it: no cut."""
    planes = {n: p.copy() for n, p in frame.channels.items()}
    for name in "RGB":
        planes[name][40:240, 160:330] = np.median(planes[name])
    return replace(frame, channels=planes)


def elsewhere(frame: Frame) -> Frame:
    planes = {n: np.full_like(p, 0.2) for n, p in frame.channels.items()}
    return replace(frame, channels=planes)


@pytest.mark.parametrize(
    ("policy", "later"),
    [
        ("pass", without_face),
        ("hold", without_face),
        ("hold", elsewhere),  # beyond a cut there is nothing to hold
        ("fail", without_face),
    ],
)
def test_a_frame_without_its_face_follows_the_policy(
    policy: str, later: Callable[[Frame], Frame], stage: Stage, tmp_path: Path
) -> None:
    frames = {n: stage.clean[1001] for n in range(1001, 1006)}
    frames |= {n: later(stage.clean[1001]) for n in range(1006, 1020)}
    plate = tmp_path / "plate"
    plate.mkdir()
    for number, frame in frames.items():
        write_frame(plate / f"p.{number}.exr", replace(frame, number=number))
    job = stage.job(
        str(plate / "p.%04d.exr"),
        str(tmp_path / "c.%04d.exr"),
        policy=policy,
        frames="1001,1019",
        layers=("comp", "face", "matte", "motion"),
    )

    summary = stage.render(job)
    again = stage.render(job)

    holds = policy == "hold" and later is without_face
    held = comp(job.output, 1019).channels["face.A"].max() > 0.9
    assert summary.done == 2
    assert held == holds
    assert again.resumed == 2
    for run in (summary, again):  # what was true of a frame stays true when it is there already
        assert bool(run.failed) == (policy == "fail")
        assert run.untouched == ({} if holds else {"no face": 1})
    last = comp(job.output, 1019)
    assert last.header["faceplate/frame"] == ("replaced" if holds else "untouched: no face")
    assert ("faceplate/disclosure" in last.header) == holds
    assert not last.channels["motion.Z"].any()
    assert_untouched_outside(read_frame(plate / "p.1019.exr", 1019), comp(job.output, 1019))


@pytest.mark.parametrize("missing", ["error", "skip", "slate"])
def test_a_missing_plate_frame_follows_its_rule(missing: str, stage: Stage, tmp_path: Path) -> None:
    plate = stage.plate(f"gap_{missing}", {n: stage.clean[1001] for n in (1001, 1003)})
    job = stage.job(plate, str(tmp_path / "c.%04d.exr"), missing=missing, frames="1001-1003")

    if missing == "error":
        with pytest.raises(FrameMissingError, match="Frame 1002"):
            stage.render(job)
        assert list(tmp_path.iterdir()) == []
        return
    summary = stage.render(job)

    assert summary.untouched == {"plate frame missing": 1}
    assert frame_path(job.output, 1002).is_file() == (missing == "slate")
    if missing == "slate":
        assert comp(job.output, 1002).rgb().max() > 0.5  # the words
        assert set(comp(job.output, 1002).channels) == set(comp(job.output, 1001).channels)


def test_a_held_face_stays_where_it_was_in_a_smaller_data_window(
    stage: Stage, tmp_path: Path
) -> None:
    frame = stage.clean[1001]
    data = Window(200, 60, 400, 150)
    part = {name: p[data.slices_in(frame.data)].copy() for name, p in frame.channels.items()}
    small = replace(frame, channels=part, data=data)
    plate = stage.plate("held", {1001: frame, 1002: frame, 1003: small, 1004: small})
    config = open_config(None)
    settings = AnalysisSettings(1.0, 1, stage.cache, embed=True)
    reader = open_footage(plate, config).limited(FrameRange((1001,)))
    seen = analyse_shot(reader, config, settings)
    write_track(tmp_path / "s.track", replace(seen, frames=(1001, 1002, 1003, 1004)))
    job = stage.job(
        plate, str(tmp_path / "c.%04d.exr"), policy="hold", track=str(tmp_path / "s.track")
    )
    faded = replace(
        job,
        knobs=replace(job.knobs, mix=Keys(((1003, 1.0), (1004, 0.0)))),
        output=str(tmp_path / "f.%04d.exr"),
        frames="1003-1004",
    )

    summary = stage.render(job)
    stage.render(faded)

    assert summary.replaced == 4
    assert_untouched_outside(comp(plate, 1003), comp(job.output, 1003))
    whole, cut = comp(job.output, 1002), comp(job.output, 1003)
    for name in ("face.R", "face.A", "raw.G", "matte_face.A", "st.X"):
        np.testing.assert_array_equal(
            cut.channels[name], whole.channels[name][data.slices_in(whole.data)], err_msg=name
        )
    assert comp(faded.output, 1003).channels["face.A"].max() > 0.9
    assert comp(faded.output, 1004).channels["face.A"].max() == 0  # a held face fades out, too


def test_a_face_that_is_all_covered_is_told_from_a_replaced_one(
    stage: Stage, rendered: tuple[str, str, Summary], tmp_path: Path
) -> None:
    config = open_config(None)
    settings = AnalysisSettings(1.0, 1, stage.cache, embed=True)
    seen = analyse_shot(open_footage(rendered[0], config), config, settings)
    write_track(tmp_path / "s.track", seen)
    frame = stage.clean[1001]
    planes = {n: p.copy() for n, p in frame.channels.items()}
    for name, level in (("R", 0.02), ("G", 0.9), ("B", 0.05)):
        planes[name][10:260, 130:360] = level
    plate = stage.plate("covered", {1001: replace(frame, channels=planes), 1002: frame})
    track = str(tmp_path / "s.track")

    summary = stage.render(stage.job(plate, str(tmp_path / "c.%04d.exr"), track=track))

    assert summary.untouched == {"face hidden": 1}
    assert summary.replaced == 1
    result = comp(str(tmp_path / "c.%04d.exr"))
    assert result.header["faceplate/frame"] == "untouched: face hidden"
    assert result.channels["face.A"].max() == 0
    assert result.channels["matte_occluder.A"].max() > 0.9


def test_a_track_of_other_frames_is_refused(
    stage: Stage, rendered: tuple[str, str, Summary], tmp_path: Path
) -> None:
    config = open_config(None)
    reader = open_footage(rendered[0], config).limited(FrameRange((1001, 1002)))
    settings = AnalysisSettings(1.0, 1, stage.cache, embed=True)
    write_track(tmp_path / "s.track", analyse_shot(reader, config, settings))
    job = stage.job(rendered[0], str(tmp_path / "c.%04d.exr"), track=str(tmp_path / "s.track"))

    with pytest.raises(TrackError, match=r"s\.track knows nothing of frame 1003"):
        stage.render(job)

    assert [p.name for p in tmp_path.iterdir()] == ["s.track"]


def test_a_strangers_file_late_in_the_range_stops_the_job_before_the_work(
    stage: Stage, rendered: tuple[str, str, Summary], tmp_path: Path
) -> None:
    (tmp_path / "c.1003.exr").write_bytes(b"precious")

    with pytest.raises(OutputError, match=r"c\.1003\.exr"):
        stage.render(stage.job(rendered[0], str(tmp_path / "c.%04d.exr")))

    assert [p.name for p in tmp_path.iterdir()] == ["c.1003.exr"]
    assert (tmp_path / "c.1003.exr").read_bytes() == b"precious"


def test_a_job_that_went_through_json_is_the_same_job(
    stage: Stage, rendered: tuple[str, str, Summary]
) -> None:
    job = stage.job(rendered[0], rendered[1])

    assert stage.render(read_job(job.to_json())).resumed == 3


def test_wild_pixels_all_over_the_face_do_not_spread(
    stage: Stage, rendered: tuple[str, str, Summary], tmp_path: Path
) -> None:
    clean = stage.clean[1001]
    wild = wild_values(clean, (slice(None), slice(None)))
    hit = np.random.default_rng(5).random(clean.channels["R"].shape) < 0.005
    planes = {n: np.where(hit, wild.channels[n], p) for n, p in clean.channels.items()}
    for name in planes:  # np.where may quieten a NaN
        bits(planes[name])[hit] = bits(wild.channels[name])[hit]
    plate = stage.plate("sparse", {1001: replace(clean, channels=planes)})
    config = open_config(None)
    settings = AnalysisSettings(1.0, 1, stage.cache, embed=True)
    write_track(
        tmp_path / "s.track", analyse_shot(open_footage(rendered[0], config), config, settings)
    )
    changes = {"track": str(tmp_path / "s.track"), "grain": 0.0, "frames": "1001"}
    job = stage.job(plate, str(tmp_path / "c.%04d.exr"), **changes)
    calm = stage.job(rendered[0], str(tmp_path / "d.%04d.exr"), **changes)

    stage.render(job)
    stage.render(calm)

    result, wanted = comp(job.output), comp(calm.output)
    assert assert_untouched_outside(comp(plate), result) > 3000
    core = (result.channels["matte_blend.A"] > 0.9) & (wanted.channels["matte_blend.A"] > 0.9)
    assert core.sum() > 0.7 * (wanted.channels["matte_blend.A"] > 0.9).sum()
    # Through a matte below 1 a wild pixel still shows, as the formula of the comp has it.
    core &= ~hit | (result.channels["matte_blend.A"] == 1)
    ratio = np.log2(result.rgb()[core] / wanted.rgb()[core])
    assert np.quantile(np.abs(ratio), 0.9) < 0.15


def test_a_plate_layer_with_our_name_is_named_and_a_prefix_helps(
    stage: Stage, tmp_path: Path
) -> None:
    frame = stage.clean[1001]
    planes = {**frame.channels, "face.R": frame.channels["R"]}
    plate = stage.plate("clash", {1001: replace(frame, channels=planes)})
    job = stage.job(plate, str(tmp_path / "c.%04d.exr"))

    with pytest.raises(FaceplateError, match="face.R") as caught:
        stage.render(job)
    stage.render(replace(job, layer_prefix="fp_"))

    assert caught.value.exit_code == 2
    assert "--layer-prefix" in caught.value.hint
    result = comp(job.output)
    np.testing.assert_array_equal(bits(result.channels["face.R"]), bits(planes["face.R"]))
    assert "fp_face.R" in result.channels


def test_a_log_plate_goes_out_in_its_own_space(stage: Stage, tmp_path: Path) -> None:
    config = open_config(None)
    to_linear = NetworkView(config, SPACE, 1.0)
    log = NetworkView(config, "ACEScct", 1.0)
    frame = stage.clean[1001]
    codes = log.scene(to_linear.linear(frame.rgb()))
    planes = {n: codes[..., k] for k, n in enumerate("RGB")}
    header = {k: v for k, v in frame.header.items() if k != "colorInteropID"}
    plate = stage.plate("log", {1001: replace(frame, channels=planes, header=header)})
    job = stage.job(plate, str(tmp_path / "c.%04d.exr"), colorspace="ACEScct")

    stage.render(job)

    result = comp(job.output)
    assert_untouched_outside(comp(plate), result)
    core = result.channels["matte_blend.A"] > 0.95
    assert 0.1 < np.median(result.rgb()[core]) < 0.6  # codes, not light
    light = log.linear(result.rgb())[core]
    face = np.stack([result.channels[f"face.{c}"] for c in "RGB"], axis=2)[core].astype(np.float32)
    alpha = result.channels["face.A"][core][:, None].astype(np.float32)
    under = log.linear(comp(plate).rgb())[core]
    np.testing.assert_allclose(light, under * (1 - alpha) + face, rtol=0.02, atol=1e-3)


def test_a_draft_is_marked_and_a_final_needs_consent(
    stage: Stage, rendered: tuple[str, str, Summary], tmp_path: Path
) -> None:
    config = open_config(None)
    reader = open_footage(str(shipped("source").pattern), config)
    bare = build_actor(
        [reader],
        config,
        name="bare",
        max_views=1,
        settings=ActorSettings(cache_folder=stage.cache),
    )
    write_actor(tmp_path / "bare.actor", bare)
    job = stage.job(
        rendered[0],
        str(tmp_path / "c.%04d.exr"),
        actor=str(tmp_path / "bare.actor"),
        frames="1001",
    )

    with pytest.raises(ConsentError) as caught:
        stage.render(job)
    assert caught.value.exit_code == 5
    assert "--draft" in caught.value.hint
    assert not frame_path(job.output, 1001).exists()
    stage.render(replace(job, draft=True))

    foot = slice(comp(job.output).data.height - 8, None)
    assert (comp(job.output).rgb()[foot] != comp(rendered[0]).rgb()[foot]).mean() > 0.5


def test_two_faces_are_replaced_together_or_one_by_number(stage: Stage, tmp_path: Path) -> None:
    frame = stage.clean[1001]
    wide = {n: np.hstack([p, p]) for n, p in frame.channels.items()}
    window = Window(0, 0, 2 * frame.data.width, frame.data.height)
    plate = stage.plate("two", {1001: replace(frame, channels=wide, data=window, display=window)})
    job = stage.job(plate, str(tmp_path / "all.%04d.exr"), face=FaceChoice(every=True))
    one = replace(job, output=str(tmp_path / "one.%04d.exr"), face=FaceChoice(at=(760.0, 110.0)))

    stage.render(job)
    stage.render(one)

    both, right = (comp(j.output).channels["face.A"].astype(np.float32) for j in (job, one))
    half = frame.data.width
    assert both[:, :half].max() > 0.9
    assert both[:, half:].max() > 0.9
    assert right[:, :half].max() == 0
    np.testing.assert_array_equal(right[:, half:] > 0.5, both[:, half:] > 0.5)
    assert_untouched_outside(comp(plate), comp(job.output))


def test_mattes_alone_leave_the_picture_as_it_was(
    stage: Stage, rendered: tuple[str, str, Summary], tmp_path: Path
) -> None:
    job = stage.job(rendered[0], str(tmp_path / "m.%04d.exr"), actor=None, frames="1001")

    stage.render(job)

    result = comp(job.output)
    for name in "RGB":
        np.testing.assert_array_equal(
            bits(result.channels[name]), bits(comp(rendered[0]).channels[name])
        )
    assert result.channels["matte_face.A"].max() > 0.9


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"colorspace": "ACEScq"}, ColorSpaceError, "ACEScq"),
        ({"face": FaceChoice(index=4)}, TrackError, "no face number 4"),
        ({"frames": "2000"}, FrameMissingError, "Frame 2000"),
        ({"output": "PLATE"}, OutputError, "one of the inputs"),
        ({"method": "hybrid"}, ModelMismatchError, "hybrid needs generator networks"),
    ],
)
def test_a_job_that_cannot_be_done_writes_nothing(
    changes: dict[str, object],
    error: type[FaceplateError],
    match: str,
    stage: Stage,
    rendered: tuple[str, str, Summary],
    tmp_path: Path,
) -> None:
    before = file_bytes(rendered[0])
    job = stage.job(rendered[0], str(tmp_path / "c.%04d.exr"), **changes)
    if job.output == "PLATE":
        job = replace(job, output=rendered[0], overwrite=True)

    with pytest.raises(error, match=match):
        stage.render(job)

    assert list(tmp_path.iterdir()) == []
    assert file_bytes(rendered[0]) == before


def test_a_hand_made_matte_wins_and_counts_in_the_hash(stage: Stage) -> None:
    plate = stage.plate("rotoed", {1001: stage.clean[1001]})
    frame = stage.clean[1001]
    drawn = np.zeros((frame.data.height, frame.data.width), np.float16)
    drawn[:, frame.data.width // 2 :] = 0.5
    for name, cover in (("half", drawn), ("none", np.zeros_like(drawn))):
        roto = replace(frame, channels={"roto.A": cover})
        write_frame(stage.root / f"{name}.1001.exr", roto)
    rest = {"eyes": "source", "mouth": "source", "motion_blur": 0.0}
    free = stage.render(stage.job(plate, "free.%04d.exr", **rest))
    half = stage.job(
        plate, "half_out.%04d.exr", matte_in=f"{stage.root}/half.%04d.exr:roto", **rest
    )
    none = stage.job(
        plate, "none_out.%04d.exr", matte_in=f"{stage.root}/none.%04d.exr:roto", **rest
    )

    stage.render(half)
    summary = stage.render(none)

    blend = read_frame(frame_path(half.output, 1001), 1001).channels["matte_blend.A"]
    assert free.replaced == 1
    assert set(np.unique(blend)) == {0.0, 0.5}
    assert not blend[drawn == 0].any()
    assert summary.untouched == {"face hidden": 1}
    with pytest.raises(FrameMissingError, match="1002"):
        stage.render(
            stage.job(stage.plate("three"), "x.%04d.exr", matte_in=f"{stage.root}/half.%04d.exr")
        )
