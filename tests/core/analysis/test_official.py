"""FSGAN's analysis networks in the places of ours: known answers in, known faces out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from faceplate.core.analyse import AnalysisSettings, analyse_shot, open_observer
from faceplate.core.analysis.detect import Detection, Overview
from faceplate.core.analysis.landmark import MeshFit, box_of_mesh, wflw_landmarks
from faceplate.core.analysis.observe import observe
from faceplate.core.analysis.official import (
    DsfdDetector,
    HopenetPoser,
    HrnetLandmarker,
    Seers,
    house_pose,
    load_official,
    region_of_face,
)
from faceplate.core.analysis.picture import Region
from faceplate.core.analysis.pull import pull_mesh
from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.cli import app
from faceplate.core.demo.footage import write_footage
from faceplate.core.errors import KnobError, ModelError, ModelMismatchError
from faceplate.core.face import HeadPose
from faceplate.core.forecast import forecast_job
from faceplate.core.frame import Frame, Window
from faceplate.core.geometry.crop import cut
from faceplate.core.importing import import_checkpoint
from faceplate.core.io.exr import read_frame, write_frame
from faceplate.core.io.footage import open_footage
from faceplate.core.io.tracks import read_track
from faceplate.core.nets.dsfd import DSFD
from faceplate.core.nets.dsfd_boxes import ceiled_sizes
from faceplate.core.nets.heatmaps import soft_points
from faceplate.core.nets.hopenet import Hopenet
from faceplate.core.nets.hrnet import HRNet
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.ocio.config import open_config

MeshMaker = Callable[..., DoubleArray]


@dataclass
class Picture:
    """Linear pixels that are their own codes, somewhere in a raster."""

    pixels: FloatArray
    pixel_aspect: float = 1.0
    corner: tuple[int, int] = (0, 0)
    number: int = 1001

    @property
    def window(self) -> Window:
        x, y = self.corner
        return Window(x, y, x + self.pixels.shape[1], y + self.pixels.shape[0])

    @property
    def shown(self) -> Window:
        return self.window

    def linear(self, plate_from_crop: DoubleArray, size: tuple[int, int]) -> FloatArray:
        local = plate_from_crop.copy()
        local[:, 2] -= self.corner
        return cut(self.pixels, local, size)

    def codes(self, linear: FloatArray) -> FloatArray:
        return np.clip(linear, 0, 1)


@dataclass
class Answers:
    """A network that remembers what it is shown and says what it is told."""

    answer: Callable[[FloatArray], list[FloatArray]]
    seen: list[FloatArray] = field(default_factory=list)
    card: Any = None

    def run(self, batch: FloatArray) -> list[FloatArray]:
        self.seen.append(batch)
        return self.answer(batch)


def one_anchor(level: int, row: int, column: int, score: float) -> Answers:
    """A DSFD that is sure of one anchor."""

    def answer(batch: FloatArray) -> list[FloatArray]:
        sizes = ceiled_sizes(*batch.shape[1:3])
        scores = np.zeros((1, sum(h * w for h, w in sizes)), np.float32)
        first = sum(h * w for h, w in sizes[:level])
        scores[0, first + row * sizes[level][1] + column] = score
        return [np.zeros((1, scores.shape[1], 4), np.float32), scores]

    return Answers(answer)


def found_by(network: Answers, picture: Picture) -> list[Detection]:
    detector = DsfdDetector(network)  # type: ignore[arg-type]
    return detector.detect(picture, Overview.of(picture, 1080.0), 1.0)


def test_a_plate_is_shown_to_dsfd_at_its_own_resolution() -> None:
    pixels = np.random.default_rng(0).random((200, 300, 3)).astype(np.float32)
    network = one_anchor(2, 4, 5, 0.9)

    (face,) = found_by(network, Picture(pixels))

    np.testing.assert_array_equal(network.seen[0][0], pixels)
    # Level 2: a cell of 16 px, an anchor of 64^2 px, half as high again as wide.
    w, h = 64 * np.sqrt(2 / 3), 64 * np.sqrt(3 / 2)
    middle = np.array([5.5 * 16, 4.5 * 16])
    assert face.box == pytest.approx([*(middle - [w / 2, h / 2]), *(middle + [w / 2, h / 2])])
    assert face.score == pytest.approx(0.9)
    assert (face.points, face.turn) == (None, 0.0)


def test_boxes_are_square_pixels_of_the_raster() -> None:
    pixels = np.zeros((128, 160, 3), np.float32)
    network = one_anchor(1, 8, 8, 0.9)

    (face,) = found_by(network, Picture(pixels, pixel_aspect=2.0, corner=(30, -40)))

    assert network.seen[0].shape == (1, 128, 320, 3)
    assert (face.box[:2] + face.box[2:]) / 2 == pytest.approx([8.5 * 8 + 60, 8.5 * 8 - 40])


def test_a_plate_beyond_2160_px_is_reduced_by_a_whole_number() -> None:
    network = one_anchor(0, 1, 2, 0.9)

    (face,) = found_by(network, Picture(np.zeros((40, 4400, 3), np.float32)))

    # A third, and continued in black to 64 px.
    assert network.seen[0].shape == (1, 64, 1467, 3)
    assert (face.box[:2] + face.box[2:]) / 2 == pytest.approx([2.5 * 4 * 3, 1.5 * 4 * 3])


@pytest.mark.parametrize(("score", "count"), [(0.5, 0), (0.501, 1), (0.02, 0)])
def test_only_scores_above_a_half_are_faces(score: float, count: int) -> None:
    picture = Picture(np.zeros((128, 128, 3), np.float32))

    assert len(found_by(one_anchor(2, 1, 1, score), picture)) == count


@dataclass
class Base:
    """A landmarker that has found a mesh already."""

    mesh: DoubleArray
    networks: tuple[Any, ...] = ()

    def fit(self, picture: Any, detection: Any, gain: float) -> MeshFit:
        return MeshFit(self.mesh, 0.9, 0.02)

    def coefficients(self, mesh: DoubleArray) -> FloatArray:
        return np.full(52, mesh[0, 0], np.float32)


def peaks(points: DoubleArray, height: float) -> Answers:
    """An HRNet whose maps are Gaussians at places given as 0 to 1 of its picture."""
    at = (np.arange(64) + 0.5) / 64
    x = np.exp(-((at - points[:, :1]) ** 2) * 64**2 / 4.5)
    y = np.exp(-((at - points[:, 1:]) ** 2) * 64**2 / 4.5)
    maps = (height * y[:, :, None] * x[:, None, :]).astype(np.float32)
    return Answers(lambda batch: [maps[None]])


@pytest.fixture
def mesh(mesh_at: MeshMaker) -> DoubleArray:
    return mesh_at(HeadPose(10.0, 0.0, 5.0), height=220.0, middle=(300.0, 200.0))


def test_a_meshs_landmarks_become_hrnets(mesh: DoubleArray) -> None:
    region = region_of_face(mesh)
    corner = np.array([region.x, region.y]) - region.side / 2
    wanted = wflw_landmarks(mesh, 1.0).points + [7.0, -4.0]
    network = peaks((wanted - corner) / region.side, 0.8)
    landmarker = HrnetLandmarker(Base(mesh), network)  # type: ignore[arg-type]

    fit = landmarker.fit(Picture(np.zeros((400, 600, 3), np.float32)), SimpleNamespace(), 1.0)  # type: ignore[arg-type]

    found = wflw_landmarks(fit.points, 1.0).points
    # A map's pixel is 4.1 px here; half maps, cut hard, are right to a quarter of it.
    assert np.linalg.norm(found - wanted, axis=1).max() < 1.0
    assert np.abs(fit.points[:, :2] - mesh[:, :2] - [7.0, -4.0]).max() < 1.5
    assert (fit.score, fit.disagreement) == (0.9, 0.02)
    assert landmarker.coefficients(fit.points)[0] == pytest.approx(fit.points[0, 0])


def test_hrnet_sees_the_face_in_a_square_of_its_box_and_a_fifth(mesh: DoubleArray) -> None:
    pixels = np.zeros((400, 600, 3), np.float32)
    x0, y0, x1, y1 = (round(v) for v in box_of_mesh(mesh))
    pixels[y0:y1, x0:x1] = 0.25
    network = peaks(np.full((98, 2), 0.5), 1.0)

    HrnetLandmarker(Base(mesh), network).fit(Picture(pixels), SimpleNamespace(), 2.0)  # type: ignore[arg-type]

    (shown,) = network.seen[0]
    assert shown.shape == (256, 256, 3)
    assert shown.max() == pytest.approx(0.5)  # the gain
    lit = shown[..., 0] > 0.25
    longer = max(lit.any(axis=0).sum(), lit.any(axis=1).sum())
    assert longer == pytest.approx(256 / 1.2, abs=3)
    rows, columns = np.nonzero(lit)
    assert (rows.mean(), columns.mean()) == pytest.approx((127.5, 127.5), abs=1.5)


def test_maps_without_a_peak_leave_the_mesh_and_the_trust_goes(mesh: DoubleArray) -> None:
    network = peaks(np.full((98, 2), 0.5), 0.05)

    fit = HrnetLandmarker(Base(mesh), network).fit(  # type: ignore[arg-type]
        Picture(np.zeros((400, 600, 3), np.float32)),
        SimpleNamespace(),  # type: ignore[arg-type]
        1.0,
    )

    np.testing.assert_array_equal(fit.points, mesh)
    assert fit.score == 0.0


def test_hopenets_angles_become_the_heads(mesh: DoubleArray) -> None:
    network = Answers(lambda batch: [np.array([[25.0, -10.0, 4.0]], np.float32)])

    pose = HopenetPoser(network).pose(Picture(np.zeros((400, 600, 3), np.float32)), mesh, 1.0)  # type: ignore[arg-type]

    assert network.seen[0].shape == (1, 224, 224, 3)
    assert pose == house_pose(25.0, -10.0, 4.0)
    assert pose.yaw < -20


def axes_of(pose: HeadPose) -> DoubleArray:
    """Where a head's own left, its top and its nose point in the picture; x right, y down."""
    yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
    axes = np.eye(3)
    x, y, z = axes.T
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    y, z = y * np.cos(pitch) + z * np.sin(pitch), z * np.cos(pitch) - y * np.sin(pitch)
    x, y = x * np.cos(roll) + y * np.sin(roll), y * np.cos(roll) - x * np.sin(roll)
    return np.column_stack([x, -y])


def test_poses_point_where_the_authors_draw_them() -> None:
    draw = np.random.default_rng(1)
    for _ in range(50):
        yaw, pitch, roll = draw.uniform(-60, 60, 3)
        y, p, r = np.radians([-yaw, pitch, roll])
        # The drawing's red, green (downwards) and blue axes, in closed form.
        right = [np.cos(y) * np.cos(r), np.cos(p) * np.sin(r) + np.cos(r) * np.sin(p) * np.sin(y)]
        down = [-np.cos(y) * np.sin(r), np.cos(p) * np.cos(r) - np.sin(p) * np.sin(y) * np.sin(r)]
        nose = [np.sin(y), -np.cos(y) * np.sin(p)]

        found = axes_of(house_pose(yaw, pitch, roll))

        np.testing.assert_allclose(found, [right, [-v for v in down], nose], atol=1e-9)


def test_a_mirrored_head_turns_and_tilts_the_other_way() -> None:
    one, other = house_pose(30.0, 12.0, 8.0), house_pose(-30.0, 12.0, -8.0)

    assert (one.yaw, one.pitch, one.roll) == pytest.approx((-other.yaw, other.pitch, -other.roll))


@pytest.mark.parametrize("changes", [{"detector": "sfd"}, {"landmarker": ""}, {"poser": "dsfd"}])
def test_an_unknown_choice_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(KnobError):
        Seers(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["dsfd", "hrnet", "hopenet"])
def test_weights_that_were_not_imported_are_named_with_the_way_to_get_them(
    kind: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=f"weights of {kind} are not here") as caught:
        load_official(kind, [tmp_path])

    assert "faceplate models import" in caught.value.hint


def everywhere(level: int, offsets: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)) -> DSFD:
    """A small DSFD whose every anchor of one level is a face, at some offset from it."""
    network = DSFD(width=4, depths=(1, 1, 1, 1))
    with torch.no_grad():
        for number, (loc, conf) in enumerate(zip(network.loc, network.conf, strict=True)):
            loc.conv4.weight.zero_()
            loc.conv4.bias[:4] = torch.tensor(offsets)
            conf.conv4.bias[:4] = 0.0
            faces = [3] if number == 0 else [0, 1, 2]
            conf.conv4.bias[faces] = 4.0 if number == level else -8.0
    return network


@pytest.fixture(scope="module")
def released() -> dict[str, torch.nn.Module]:
    """Small networks of random weights in the released layouts."""
    torch.manual_seed(0)
    return {
        "dsfd": everywhere(3).eval(),
        "hrnet": HRNet(98, (4, 4, 4, 4), 1, (1, 1, 1)).eval(),
        "hopenet": Hopenet((1, 1, 1, 1), 4).eval(),
    }


@pytest.fixture(scope="module")
def imported(
    released: dict[str, torch.nn.Module], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder that an import of their files filled."""
    folder = tmp_path_factory.mktemp("models")
    for name, network in released.items():
        state = {f"module.{key}": value for key, value in network.state_dict().items()}
        torch.save({"state_dict": state}, folder / f"{name}.pth")
        import_checkpoint(folder / f"{name}.pth", folder / "imported", licence="CC0-1.0")
    return folder / "imported"


@pytest.fixture(scope="module")
def person() -> FloatArray:
    """A person, linear, 512 px; the face is about 110 px high."""
    data = pytest.importorskip("skimage.data")
    return ((data.astronaut() / 255) ** 2.2).astype(np.float32)


@dataclass
class Shown(Picture):
    """Linear pixels, seen with a gamma."""

    def codes(self, linear: FloatArray) -> FloatArray:
        return np.clip(linear, 0, 1) ** np.float32(1 / 2.2)


def settings(**seers: Any) -> AnalysisSettings:
    return AnalysisSettings(1.0, 1, None, embed=False, seers=Seers(**seers))


def crop_of(picture: Picture, region: Region, size: int, gain: float) -> torch.Tensor:
    """What a network should see, in torch's order of axes."""
    linear = picture.linear(region.square_from_crop(size), (size, size)) * np.float32(gain)
    return torch.from_numpy(picture.codes(linear).transpose(2, 0, 1).copy())[None]


def test_an_imported_dsfd_finds_the_face_that_ours_finds(
    imported: Path, person: FloatArray
) -> None:
    picture = Shown(person)
    (wanted,) = observe(picture, open_observer(settings()))

    faces = observe(picture, open_observer(settings(detector="dsfd", folders=(imported,))))

    # Every 32 px a box of 105 x 157 px: the mesh, found twice, tells faces from the rest.
    apart = [np.abs(face.mesh[:, :2] - wanted.mesh[:, :2]).mean() for face in faces]
    assert min(apart) < 4.0
    assert faces[int(np.argmin(apart))].confidence > 0.8


@dataclass
class Watched:
    """A landmarker that remembers what it found, and at which gain."""

    base: Any
    found: list[tuple[MeshFit, float]] = field(default_factory=list)

    @property
    def networks(self) -> tuple[Any, ...]:
        return self.base.networks  # type: ignore[no-any-return]

    def fit(self, picture: Any, detection: Any, gain: float) -> MeshFit:
        fit = self.base.fit(picture, detection, gain)
        self.found.append((fit, gain))
        return fit  # type: ignore[no-any-return]

    def coefficients(self, mesh: DoubleArray) -> FloatArray:
        return self.base.coefficients(mesh)  # type: ignore[no-any-return]


def test_an_imported_hopenet_tells_the_pose(
    imported: Path, released: dict[str, torch.nn.Module], person: FloatArray
) -> None:
    picture = Shown(person)
    observer = open_observer(settings(poser="hopenet", folders=(imported,)))
    watched = Watched(observer.landmarker)

    (face,) = observe(picture, replace(observer, landmarker=watched))

    ((fit, gain),) = watched.found
    crop = crop_of(picture, region_of_face(fit.points), 224, gain)
    with torch.no_grad():
        yaw, pitch, roll = released["hopenet"]((crop - 0.5) / 0.5)[0].tolist()
    wanted = house_pose(yaw, pitch, roll)
    assert (face.pose.yaw, face.pose.pitch, face.pose.roll) == pytest.approx(
        (wanted.yaw, wanted.pitch, wanted.roll), abs=0.01
    )


def test_an_imported_hrnet_moves_the_mesh(
    imported: Path, released: dict[str, torch.nn.Module], person: FloatArray
) -> None:
    picture = Shown(person)
    landmarker = open_observer(settings(landmarker="hrnet", folders=(imported,))).landmarker
    watched = Watched(landmarker.base)  # type: ignore[attr-defined]
    detection = Detection(0.9, np.array([180.0, 70.0, 272.0, 179.0]), None)

    found = replace(landmarker, base=watched).fit(picture, detection, 1.5)  # type: ignore[type-var]

    ((fit, gain),) = watched.found
    region = region_of_face(fit.points)
    mean, deviation = (
        torch.tensor(values)[:, None, None]
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    with torch.no_grad():
        maps = released["hrnet"]((crop_of(picture, region, 256, gain) - mean) / deviation)
    local, confidence = soft_points(maps[0].numpy())
    corner = np.array([region.x, region.y]) - region.side / 2
    wanted = pull_mesh(fit.points, local * region.side + corner, confidence >= 0.1)
    assert np.abs(found.points - wanted).max() < 0.1
    assert np.abs(found.points - fit.points).max() > 5.0
    assert found.score == pytest.approx(min(fit.score, (confidence >= 0.1).mean()))


def test_a_shot_keeps_hopenets_pose_and_its_cache_tells_the_choices_apart(
    imported: Path, person: FloatArray, tmp_path: Path
) -> None:
    config = open_config(None)
    window = Window(0, 0, 512, 512)
    planes = {name: np.ascontiguousarray(person[..., i]) for i, name in enumerate("RGB")}
    for number in range(1001, 1004):
        write_frame(
            tmp_path / f"p.{number}.exr",
            Frame(number, planes, window, window, 1.0, "lin_rec709_scene"),
        )
    reader = open_footage(str(tmp_path / "p.%04d.exr"), config, colorspace="lin_rec709_scene")
    poses = []

    for poser in ("mesh", "hopenet"):
        chosen = replace(settings(poser=poser, folders=(imported,)), cache_folder=tmp_path / "kept")
        (track,) = analyse_shot(reader, config, chosen).tracks
        poses.append([face.pose for face in track.observations.values()])

    ours, theirs = poses
    assert len(ours) == len(theirs) == 3
    # A picture that stands still has one pose, which smoothing leaves as it is.
    assert len({round(pose.pitch, 3) for pose in theirs}) == 1
    assert abs(theirs[1].pitch - ours[1].pitch) > 1.0


def test_another_network_under_the_name_is_refused(imported: Path, tmp_path: Path) -> None:
    torch.save(HRNet(68, (4, 4, 4, 4), 1, (1, 1, 1)).state_dict(), tmp_path / "68.pth")
    import_checkpoint(tmp_path / "68.pth", tmp_path / "few", licence="CC0-1.0")
    shutil.copytree(imported, tmp_path / "mixed")
    card = (tmp_path / "mixed" / "official_pose.toml").read_text(encoding="utf-8")
    renamed = card.replace('name = "official_pose"', 'name = "official_detect"')
    (tmp_path / "mixed" / "official_detect.toml").write_text(renamed, encoding="utf-8")

    for kind, folder in (("hrnet", "few"), ("dsfd", "mixed")):
        with pytest.raises(ModelMismatchError, match=f"is no {kind}"):
            load_official(kind, [tmp_path / folder])


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.slow
def test_released_networks_are_imported_chosen_and_named_in_the_frames(
    released: dict[str, torch.nn.Module], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEPLATE_MODELS", str(tmp_path / "models"))
    write_footage(tmp_path / "demo", frames=1)
    plate = tmp_path / "demo/plate/plate.%04d.exr"
    chosen = ("--detector", "dsfd", "--pose-net", "hopenet")
    fixed = ("--colorspace", "ACEScg", "--cache", tmp_path / "cache")

    # The demo's face, 234 x 275 px, has its middle 53 px right of and 41 px above an anchor of
    # 418 x 540 px; boxes of 209 x 230 px every 128 px leave each other be.
    moved = (53 / 41.8, -41 / 54.0, 5 * np.log(209 / 418), 5 * np.log(230 / 540))
    for name, network in {"d": everywhere(5, moved), "p": released["hopenet"]}.items():
        assert run("track", plate, *fixed, *chosen, "--out", tmp_path / "no.track").exit_code == 3
        torch.save(network.state_dict(), tmp_path / f"{name}.pth")
        done = run("models", "import", tmp_path / f"{name}.pth", "--licence", "CC0-1.0")
        assert done.exit_code == 0, done.output
    tracked = run("track", plate, *fixed, *chosen, "--out", tmp_path / "a.track", "--json")
    source = sorted((tmp_path / "demo/source").glob("*.exr"))[0]
    swapped = run(
        *("swap", plate, *fixed, *chosen, "--actor", source, "--draft", "--no-contact"),
        *("--out", tmp_path / "c.%04d.exr", "--face-at", "500,280", "--json"),
    )

    assert tracked.exit_code == swapped.exit_code == 0, tracked.output + swapped.output
    shot = read_track(tmp_path / "a.track")
    (number,) = shot.frames
    seen = [track.observations[number] for track in shot.tracks]
    assert min(abs(face.height - 275) for face in seen) < 30
    assert max(abs(face.pose.yaw) for face in seen) < 10  # a random Hopenet's angle
    header = read_frame(tmp_path / f"c.{number}.exr", number).header
    assert "--detector dsfd --pose-net hopenet" in str(header["faceplate/command"])
    models = [line.split(" ")[0] for line in str(header["faceplate/models"]).split("; ")]
    assert {"official_detect", "official_pose"} <= set(models)
    assert "face_det_full" not in models


def test_a_forecast_says_that_weights_are_not_here(tmp_path: Path) -> None:
    graph = swap_graph({"pattern": str(tmp_path / "p.%04d.exr")}, None, {"layers": ("matte",)})
    delivery = Delivery(output=str(tmp_path / "c.%04d.exr"), official=("hrnet",))
    job = job_of(graph, "swap", delivery)

    found = [
        forecast_job(one, revocations=frozenset(), today=date(2026, 1, 1), models=[tmp_path])
        for one in (job, replace(job, track="a.track"))
    ]

    said = [[str(problem) for problem in one.problems] for one in found]
    assert any("released weights of hrnet" in text for text in said[0])
    assert not any("hrnet" in text for text in said[1])  # a track needs no networks


def test_an_unknown_choice_on_the_command_line_is_exit_2(tmp_path: Path) -> None:
    done = run("track", tmp_path / "p.%04d.exr", "--out", tmp_path / "t", "--detector", "sfd")

    assert done.exit_code == 2
    assert "mediapipe or dsfd" in done.output
