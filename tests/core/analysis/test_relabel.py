"""The released segmenter in the place of ours: its crop, its classes, and what mattes hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from seen_picture import Picture
from typer.testing import CliRunner, Result

from faceplate.core.analyse import AnalysisSettings, analysis_cards, open_labeller, open_observer
from faceplate.core.analysis.label import visible_share
from faceplate.core.analysis.observe import observe
from faceplate.core.analysis.official import RELEASED_LABELS, Seers, load_official
from faceplate.core.analysis.relabel import FaceHairLabeller, relabelled
from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.cli import app
from faceplate.core.demo.footage import write_footage
from faceplate.core.errors import KnobError, ModelError, ModelMismatchError
from faceplate.core.face import HeadPose
from faceplate.core.forecast import forecast_job
from faceplate.core.frame import Frame
from faceplate.core.importing import import_checkpoint
from faceplate.core.io.exr import read_frame
from faceplate.core.io.tracks import read_track
from faceplate.core.nets.unet import UNet
from faceplate.nodes.compile import Delivery, job_of, swap_graph

MeshMaker = Callable[..., DoubleArray]
NAMES = ("background", "face", "hair", "occluder", "mouth", "neck")
BACKGROUND, FACE, HAIR, OCCLUDER, MOUTH, NECK = range(len(NAMES))


def colour_net(weight: Any, bias: Any = (0.0, 0.0, 0.0)) -> UNet:
    """A network of the released layout whose logits are linear in the reds, greens and blues
    above the middle, of the pixel alone."""
    network = UNet(3, feature_scale=16).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        one = torch.eye(3)
        for name in (
            "conv1.conv1",
            "conv1.conv2",
            "up_concat1.conv.conv1",
            "up_concat1.conv.conv2",
        ):
            network.get_submodule(name)[0].weight[:3, :3, 1, 1] = one
            if name.startswith("conv1."):
                network.get_submodule(name)[1].weight.fill_(1.0)
        network.final.weight[:, :3, 0, 0] = torch.tensor(weight)
        network.final.bias.copy_(torch.tensor(bias))
    return network


PAINTED = [[0.0, 0.0, 60.0], [60.0, 0.0, 0.0], [0.0, 60.0, 0.0]]
"""Blue pixels are background, red ones face, green ones hair."""
NOTHING = [[0.0] * 3] * 3
SURE = {name: tuple(20.0 * (name == one) for one in RELEASED_LABELS) for name in RELEASED_LABELS}


def imported(network: torch.nn.Module, folder: Path) -> Path:
    """The folder that an import of a released file filled."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": network.state_dict()}, folder / "s.pth")
    import_checkpoint(folder / "s.pth", folder / "models", licence="CC0-1.0")
    return folder / "models"


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> FaceHairLabeller:
    folder = imported(colour_net(PAINTED), tmp_path_factory.mktemp("painted"))
    return FaceHairLabeller(load_official("segmenter", [folder]))


@pytest.mark.parametrize("aspect", [1.0, 2.0])
def test_labels_lie_where_the_picture_has_them_in_the_released_square(
    painted: FaceHairLabeller, mesh_at: MeshMaker, aspect: float
) -> None:
    mesh = mesh_at(HeadPose(20.0, 5.0, 25.0), height=200.0, middle=(300.0, 210.0))
    mesh[:, 0] /= aspect
    pixels = np.zeros((420, round(600 / aspect), 3), np.float32)
    pixels[..., 2] = 1
    pixels[100:260, round(260 / aspect) : round(330 / aspect)] = (1, 0, 0)
    pixels[260:300] = (0, 1, 0)

    crop = painted.label(Picture(pixels, aspect), mesh, 1.0)

    # The square of `fsgan.md` 2.4 in words of its own: it is centred on the box and does not turn.
    low, high = mesh[:468, :2].min(axis=0), mesh[:468, :2].max(axis=0)
    wide, tall = (high - low) * [aspect, 1.0]
    side = 1.2 * max(wide, tall)
    across = (low[0] + high[0]) / 2 + ((np.arange(256) + 0.5) / 256 - 0.5) * side / aspect
    down = (low[1] + high[1]) / 2 + ((np.arange(256) + 0.5) / 256 - 0.5) * side
    shown = pixels[np.floor(down).astype(int)[:, None], np.floor(across).astype(int)]
    said = np.stack(
        [
            crop.chances[..., [BACKGROUND, OCCLUDER]].sum(axis=2),
            crop.chances[..., [FACE, MOUTH]].sum(axis=2),
            crop.chances[..., HAIR],
        ],
        axis=2,
    )
    wanted = shown[..., [2, 0, 1]]
    # Off the edges, and a pixel and a half past them, which the cut and half pixels take.
    plain = np.ones((256, 256), bool)
    for axis, step in ((0, 2), (0, -2), (1, 2), (1, -2)):
        plain &= (np.roll(wanted, step, axis) == wanted).all(axis=2)
    np.testing.assert_allclose(said[plain], wanted[plain], atol=1e-3)
    assert 0.8 < plain.mean() < 1
    assert all(wanted[plain][:, label].any() for label in range(3))
    np.testing.assert_allclose(crop.chances.sum(axis=2), 1, atol=1e-5)
    assert not crop.chances[..., NECK].any()


def test_the_gain_lights_what_the_network_sees(
    painted: FaceHairLabeller, mesh_at: MeshMaker
) -> None:
    mesh = mesh_at(HeadPose(0.0, 0.0, 0.0), height=200.0, middle=(300.0, 210.0))
    pixels = np.full((420, 600, 3), (0.3, 0.0, 0.0), np.float32)

    dark, bright = (painted.label(Picture(pixels), mesh, gain) for gain in (1.0, 3.0))

    # Below the middle of the codes the painted network knows nothing.
    assert dark.chances[..., HAIR] == pytest.approx(1 / 3, abs=1e-3)
    assert bright.chances[..., [FACE, MOUTH]].sum(axis=2) == pytest.approx(1.0, abs=1e-3)


def said_everywhere(label: str) -> FloatArray:
    chances = np.zeros((256, 256, 3), np.float32)
    chances[..., RELEASED_LABELS.index(label)] = 1
    return chances


@pytest.fixture
def mesh(mesh_at: MeshMaker) -> DoubleArray:
    """A face in the middle of a crop, its mouth open by about 20 px."""
    mesh = mesh_at(HeadPose(0.0, 0.0, 0.0), height=210.0, middle=(128.0, 128.0))
    mesh[[14, 87, 317, 178, 402, 88, 318, 95, 324], 1] += 20
    return mesh[:, :2]


def is_in_polygon(points: DoubleArray, corners: DoubleArray) -> FloatArray:
    """Even-odd rule, ray by ray."""
    inside = np.zeros(len(points), bool)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (a[1] > points[:, 1]) != (b[1] > points[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            x = a[0] + (points[:, 1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
        inside ^= crosses & (points[:, 0] < x)
    return inside


CENTRES = np.stack(np.meshgrid(np.arange(256) + 0.5, np.arange(256) + 0.5), axis=-1).reshape(-1, 2)


def test_the_mouth_is_what_is_face_between_the_inner_lips(mesh: DoubleArray) -> None:
    lips = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88]
    wanted = is_in_polygon(CENTRES, mesh[[*lips, 95]]).reshape(256, 256)

    chances = relabelled(said_everywhere("face"), mesh)

    assert wanted.sum() > 300
    assert (chances[..., MOUTH] > 0.5).sum() == pytest.approx(wanted.sum(), rel=0.15)
    assert ((chances[..., MOUTH] > 0.5) & ~wanted).sum() < 0.15 * wanted.sum()
    np.testing.assert_array_equal(chances[..., FACE], 1 - chances[..., MOUTH])


def test_a_shut_mouth_has_no_inside(mesh_at: MeshMaker) -> None:
    mesh = mesh_at(HeadPose(0.0, 0.0, 0.0), height=210.0, middle=(128.0, 128.0))[:, :2]
    upper = [191, 80, 81, 82, 13, 312, 311, 310, 415]
    mesh[[95, 88, 178, 87, 14, 317, 402, 318, 324]] = mesh[upper]

    chances = relabelled(said_everywhere("face"), mesh)

    assert chances[..., MOUTH].sum() < 60


def test_background_well_inside_the_mesh_is_an_occluder_and_outside_it_is_not(
    mesh: DoubleArray,
) -> None:
    chances = relabelled(said_everywhere("background"), mesh)

    middle = mesh.mean(axis=0)
    outwards = (CENTRES - middle).reshape(256, 256, 2)
    radius = np.hypot(*np.moveaxis(outwards, 2, 0))
    # What the outline is in a direction: the farthest point of the mesh along it.
    directions = outwards / radius[..., None]
    outline = (directions @ (mesh[:468] - middle).T).max(axis=2)
    occluder = chances[..., OCCLUDER]
    assert (occluder[radius < outline - 30] == 1).all()
    assert (occluder[radius > outline + 1] == 0).all()
    assert occluder[(radius > outline - 2) & (radius < outline)].mean() < 0.2
    np.testing.assert_allclose(occluder + chances[..., BACKGROUND], 1, atol=1e-6)


def test_hair_is_the_networks_own(mesh: DoubleArray) -> None:
    chances = relabelled(said_everywhere("hair"), mesh)

    assert (chances[..., HAIR] == 1).all()


def test_a_network_to_which_all_is_face_sees_the_whole_face(
    mesh_at: MeshMaker, tmp_path: Path
) -> None:
    mesh = mesh_at(HeadPose(0.0, 0.0, 0.0), height=200.0, middle=(300.0, 210.0))
    shares = {}
    for name in RELEASED_LABELS:
        folder = imported(colour_net(NOTHING, SURE[name]), tmp_path / name)
        labeller = FaceHairLabeller(load_official("segmenter", [folder]))
        crop = labeller.label(Picture(np.zeros((420, 600, 3), np.float32)), mesh, 1.0)
        shares[name] = visible_share(crop, mesh, labeller.names)

    assert shares == pytest.approx({"background": 0.0, "face": 1.0, "hair": 0.0}, abs=1e-5)


def test_observations_depend_on_the_segmenter_that_is_chosen(tmp_path: Path) -> None:
    folder = imported(colour_net(NOTHING, SURE["hair"]), tmp_path)
    data = pytest.importorskip("skimage.data")
    picture = Picture(((data.astronaut() / 255) ** 2.2).astype(np.float32))
    chosen = Seers(segmenter="official", folders=(folder,))
    ours, theirs = (
        open_observer(AnalysisSettings(1.0, 1, None, embed=False, seers=seers))
        for seers in (Seers(), chosen)
    )

    (seen,), (hidden,) = observe(picture, ours), observe(picture, theirs)

    np.testing.assert_array_equal(seen.mesh, hidden.mesh)
    assert hidden.confidence < 0.2 < seen.confidence
    hashes = [{network.card.sha256 for network in one.networks} for one in (ours, theirs)]
    assert hashes[0] != hashes[1]
    # The segmenter is named apart, as the plate's own.
    assert analysis_cards(chosen) == analysis_cards(Seers())
    assert open_labeller(chosen).network.card.name == "official_segment"


@pytest.mark.parametrize(
    ("kinds", "segmenter"), [((), "ours"), (("segmenter",), "official"), (("dsfd",), "ours")]
)
def test_a_job_lists_the_segmenter_beside_the_others(
    kinds: tuple[str, ...], segmenter: str
) -> None:
    assert Seers.of(kinds).segmenter == segmenter
    assert Seers.of(kinds).kinds == kinds


def test_an_unknown_segmenter_is_refused() -> None:
    with pytest.raises(KnobError, match="ours or official"):
        Seers(segmenter="unet")


def test_a_segmenter_that_was_not_imported_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="weights of the segmenter are not here") as caught:
        load_official("segmenter", [tmp_path])

    assert "faceplate models import" in caught.value.hint


def test_a_segmenter_of_other_labels_is_refused(tmp_path: Path) -> None:
    folder = imported(colour_net(PAINTED), tmp_path)
    card = folder / "official_segment.toml"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace('"hair",\n', '"hat",\n'), encoding="utf-8")

    with pytest.raises(ModelMismatchError, match="no segmenter of background, face, hair"):
        load_official("segmenter", [folder])


def test_a_track_does_not_make_the_segmenter_needless(tmp_path: Path) -> None:
    graph = swap_graph({"pattern": str(tmp_path / "p.%04d.exr")}, None, {"layers": ("matte",)})
    delivery = Delivery(output=str(tmp_path / "c.%04d.exr"), official=("segmenter",))
    job = replace(job_of(graph, "swap", delivery), track="a.track")

    found = forecast_job(job, revocations=frozenset(), today=date(2026, 1, 1), models=[tmp_path])

    assert any("weights of the segmenter" in str(problem) for problem in found.problems)


# --- at the command line ----------------------------------------------------------------------


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one frame of the demo: plate, source, and an empty cache."""
    root = tmp_path_factory.mktemp("shot")
    write_footage(root / "demo", frames=1)
    return root


def layer(frame: Frame, name: str) -> FloatArray:
    return frame.channels[f"{name}.A"].astype(np.float32)


@pytest.mark.slow
def test_mattes_are_made_with_a_released_segmenter_once_it_is_imported(
    shot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEPLATE_MODELS", str(shot / "models"))
    plate, chosen = shot / "demo/plate/plate.%04d.exr", ("--segmenter", "official")
    fixed = ("--colorspace", "ACEScg", "--cache", shot / "cache", "--json")
    out = {name: shot / name / "m.%04d.exr" for name in ("none", "ours", "theirs", "swap")}

    none = run("matte", plate, *fixed, *chosen, "--out", out["none"])
    network = colour_net(NOTHING, SURE["face"])
    shutil.rmtree(shot / "models", ignore_errors=True)
    torch.save({"state_dict": network.state_dict()}, shot / "celeba_unet.pth")
    brought = run("models", "import", shot / "celeba_unet.pth", "--licence", "CC0-1.0")
    tracked = run("track", plate, *fixed, *chosen, "--out", shot / "a.track")
    ours = run("matte", plate, *fixed, "--out", out["ours"])
    theirs = run("matte", plate, *fixed, *chosen, "--out", out["theirs"])

    assert none.exit_code == 3
    assert "faceplate models import" in none.output
    done = (brought, tracked, ours, theirs)
    assert [one.exit_code for one in done] == [0, 0, 0, 0], [one.output for one in done]
    track = read_track(shot / "a.track")
    (number,) = track.frames
    frames = {
        name: read_frame(Path(str(out[name]) % number), number) for name in ("ours", "theirs")
    }
    face = track.tracks[0].observations[number]
    x, y = np.meshgrid(np.arange(960) + 0.5, np.arange(540) + 0.5)
    assert layer(frames["theirs"], "matte_face").shape == x.shape
    # All of the square of 1.2 times the box is face but the inside of the mouth; nothing else is.
    low, high = face.mesh[:468, :2].min(axis=0), face.mesh[:468, :2].max(axis=0)
    middle, half = (low + high) / 2, 0.6 * (high - low).max()
    reach = np.maximum(np.abs(x - middle[0]), np.abs(y - middle[1]))
    seen = layer(frames["theirs"], "matte_face") + layer(frames["theirs"], "matte_mouth")
    assert (seen[reach < half - 12] > 0.99).all()
    assert not seen[reach > half + 12].any()
    assert not layer(frames["theirs"], "matte_hair").any()
    assert not layer(frames["theirs"], "matte_occluder").any()
    assert layer(frames["ours"], "matte_hair").any()
    headers = {name: frame.header for name, frame in frames.items()}
    models = {
        k: {m.split(" ")[0] for m in str(h["faceplate/models"]).split("; ")}
        for k, h in headers.items()
    }
    assert models["theirs"] - models["ours"] == {"official_segment"}
    assert models["ours"] - models["theirs"] == {"face_segment"}
    assert headers["ours"]["faceplate/job"] != headers["theirs"]["faceplate/job"]

    source = sorted((shot / "demo/source").glob("*.exr"))[0]
    built = run(
        *("actor", "build", source, "--cache", shot / "cache", *chosen),
        *("--out", shot / "a.actor", "--json"),
    )
    swapped = run(
        *("swap", plate, *fixed, *chosen, "--actor", source, "--draft", "--no-contact"),
        *("--out", out["swap"]),
    )

    assert built.exit_code == swapped.exit_code == 0, built.output + swapped.output
    header = read_frame(Path(str(out["swap"]) % number), number).header
    assert "--segmenter official" in str(header["faceplate/command"])
    # An actor that was made of the picture is another one where another network looked at it.
    assert len(list((shot / "cache/actors").iterdir())) == 1
    again = run(
        "swap", plate, *fixed, "--actor", source, "--draft", "--no-contact", "--out", out["swap"]
    )
    assert json.loads(again.output.splitlines()[-1])["resumed"] == 0
    assert len(list((shot / "cache/actors").iterdir())) == 2
    job = json.loads(
        next(
            line for line in (shot / "swap/m.log.jsonl").read_text().splitlines() if '"job"' in line
        )
    )
    assert json.loads(job["job"])["official"] == ["segmenter"]
