from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from faceplate.core.analyse import (
    AnalysisSettings,
    FramePicture,
    analyse_shot,
    open_observer,
    plate_pictures,
)
from faceplate.core.analysis.observe import observe
from faceplate.core.arrays import FloatArray
from faceplate.core.face import Origin
from faceplate.core.frame import Frame, Window
from faceplate.core.geometry.crop import cut
from faceplate.core.io.exr import write_frame
from faceplate.core.io.footage import FootageReader, open_footage
from faceplate.core.io.tracks import write_track
from faceplate.core.overlay import draw_track, write_overlay
from faceplate.ocio.config import ColorConfig, open_config
from faceplate.ocio.network import NetworkView

SETTINGS = AnalysisSettings(smoothing=1.0, threads=1, cache_folder=None, embed=True)
SIZE = (260, 320)
MISSING = 1004


def frame_of(pixels: FloatArray, number: int = 1001) -> Frame:
    window = Window(0, 0, pixels.shape[1], pixels.shape[0])
    planes = {name: np.ascontiguousarray(pixels[..., i]) for i, name in enumerate("RGB")}
    return Frame(number, planes, window, window, 1.0, "lin_rec709_scene")


def moved(astronaut: FloatArray, number: int) -> FloatArray:
    """The person, drifting by 1.5 pixels a frame."""
    offset = 100.0 - 1.5 * (number - 1001)
    return cut(astronaut, np.array([[0.8, 0, offset], [0, 0.8, 10]]), SIZE)


@pytest.fixture(scope="module")
def astronaut() -> FloatArray:
    data = pytest.importorskip("skimage.data")
    return ((data.astronaut() / 255) ** 2.2).astype(np.float32)


@pytest.fixture(scope="module")
def config() -> ColorConfig:
    return open_config(None)


@pytest.fixture(scope="module")
def reader(
    astronaut: FloatArray, config: ColorConfig, tmp_path_factory: pytest.TempPathFactory
) -> FootageReader:
    folder = tmp_path_factory.mktemp("plate")
    for number in range(1001, 1008):
        if number != MISSING:
            write_frame(folder / f"p.{number}.exr", frame_of(moved(astronaut, number), number))
    return open_footage(str(folder / "p.%04d.exr"), config, colorspace="lin_rec709_scene")


def test_a_shot_is_one_face_with_its_gap_filled(reader: FootageReader, config: ColorConfig) -> None:
    calls: list[tuple[int, int]] = []

    shot = analyse_shot(
        reader, config, SETTINGS, progress=lambda done, total: calls.append((done, total))
    )

    (track,) = shot.tracks
    assert shot.frames == (1001, 1002, 1003, 1005, 1006, 1007)
    assert list(track.observations) == list(range(1001, 1008))
    assert [n for n, o in track.observations.items() if o.origin is Origin.FILLED] == [MISSING]
    noses = np.array([o.mesh[4, 0] for o in track.observations.values()])
    assert np.diff(noses) == pytest.approx(1.5 / 0.8, abs=1.2)
    assert calls[-1] == (6, 6)
    assert shot.space == reader.space
    light = 2 ** track.observations[1001].skin[1]
    assert 0.15 < light * shot.gain < 0.3


def test_threads_and_cache_change_no_byte(
    reader: FootageReader, config: ColorConfig, tmp_path: Path
) -> None:
    kept = replace(SETTINGS, cache_folder=tmp_path / "cache")
    ways = {"plain": SETTINGS, "threads": replace(SETTINGS, threads=2), "new": kept, "kept": kept}

    for name, settings in ways.items():
        write_track(tmp_path / name, analyse_shot(reader, config, settings))

    assert len({(tmp_path / name).read_bytes() for name in ways}) == 1
    assert len([p for p in (tmp_path / "cache").rglob("*") if p.is_file()]) == 6


def test_the_cache_is_believed_and_a_damaged_entry_is_not(
    reader: FootageReader, config: ColorConfig, tmp_path: Path
) -> None:
    kept = replace(SETTINGS, cache_folder=tmp_path)
    write_track(tmp_path / "a.track", analyse_shot(reader, config, kept))
    entries = sorted(p for p in tmp_path.rglob("*.zip"))
    entries[0].write_bytes(b"")
    entries[1].write_bytes(entries[2].read_bytes())  # believed: the wrong frame's faces

    shot = analyse_shot(reader, config, kept)

    write_track(tmp_path / "b.track", shot)
    assert (tmp_path / "a.track").read_bytes() != (tmp_path / "b.track").read_bytes()
    assert entries[0].stat().st_size > 0


def test_without_the_identity_network_the_shot_is_the_same_but_for_it(
    reader: FootageReader, config: ColorConfig
) -> None:
    shot = analyse_shot(reader, config, replace(SETTINGS, embed=False))

    assert len(shot.tracks) == 1
    assert not any(o.embedding.any() for o in shot.tracks[0].observations.values())


def test_a_plate_without_a_face_has_no_tracks(config: ColorConfig, tmp_path: Path) -> None:
    write_frame(tmp_path / "p.1.exr", frame_of(np.full((64, 64, 3), 0.18, np.float32), 1))
    reader = open_footage(str(tmp_path / "p.%d.exr"), config, colorspace="lin_rec709_scene")

    shot = analyse_shot(reader, config, SETTINGS)

    assert (list(shot.tracks), shot.frames, shot.gain) == ([], (1,), 1.0)


def test_wild_pixels_beside_a_face_change_little(
    astronaut: FloatArray, config: ColorConfig
) -> None:
    observer, view = open_observer(SETTINGS), NetworkView(config, "lin_rec709_scene", 1.0)
    wild = astronaut.copy()
    wild[400:420, 20:60] = np.nan
    wild[10, 10] = np.inf
    wild[11, 11] = -np.inf
    wild[450:460, 400:450] = 6e4

    (plain,) = observe(FramePicture(frame_of(astronaut), view), observer)
    (found,) = observe(FramePicture(frame_of(wild), view), observer)

    assert np.abs(found.mesh - plain.mesh).max() < 1.0


def test_halves_and_floats_of_one_value_are_one_picture(
    astronaut: FloatArray, config: ColorConfig
) -> None:
    view = NetworkView(config, "lin_rec709_scene", 1.0)
    half = astronaut.astype(np.float16)
    half[:6, 0, 0] = [np.nan, np.inf, -np.inf, 6e-8, -0.0, 65504]
    transform = np.array([[1.7, 0.3, -20], [-0.3, 1.7, -5]])

    found = [
        FramePicture(frame_of(pixels), view).linear(transform, (200, 200))
        for pixels in (half, half.astype(np.float32))
    ]

    assert np.isfinite(found[0]).all()
    assert np.array_equal(found[0], found[1])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -1.0, 65504.0])
def test_a_frame_of_one_wild_value_has_no_face(value: float, config: ColorConfig) -> None:
    view = NetworkView(config, "lin_rec709_scene", 1.0)
    picture = FramePicture(frame_of(np.full((90, 120, 3), value, np.float32)), view)

    assert observe(picture, open_observer(SETTINGS)) == []


def test_the_overlay_shows_every_frame_and_is_tagged(
    reader: FootageReader, config: ColorConfig, tmp_path: Path
) -> None:
    shot = analyse_shot(reader, config, SETTINGS)

    for name in ("a.mp4", "b.mp4"):
        write_overlay(tmp_path / name, plate_pictures(reader, config), shot, rate=24.0)

    with av.open(str(tmp_path / "a.mp4")) as movie:
        stream = movie.streams.video[0]
        context = stream.codec_context
        tags = (context.color_primaries, context.color_trc, context.colorspace)
        assert tags == (1, 1, 1)
        assert len(list(movie.decode(video=0))) == 6
        assert (context.width % 2, context.height % 2) == (0, 0)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_the_drawing_lies_on_the_face_and_leaves_the_rest(
    reader: FootageReader, config: ColorConfig
) -> None:
    shot = analyse_shot(reader, config, SETTINGS)
    picture = next(plate_pictures(reader, config))

    drawn = draw_track(picture, shot).astype(int)
    plain = draw_track(picture, replace(shot, tracks=[])).astype(int)

    changed = np.abs(drawn - plain).max(axis=2) > 8
    scale = drawn.shape[1] / SIZE[1]
    x0, y0, x1, y1 = (round(v * scale) for v in shot.tracks[0].observations[1001].box)
    assert changed[y0:y1, x0:x1].mean() > 0.2
    outside = changed.copy()
    outside[max(y0 - 8, 0) : y1 + 60, max(x0 - 8, 0) : x1 + 140] = False
    assert not outside.any()


def test_a_data_window_that_follows_the_picture_is_no_cut(
    astronaut: FloatArray, config: ColorConfig, tmp_path: Path
) -> None:
    whole = np.zeros((*SIZE, 3), np.float32)
    whole[30:230, 60:260] = moved(astronaut, 1001)[30:230, 60:260]
    display = Window(0, 0, SIZE[1], SIZE[0])
    for number in range(1001, 1009):
        data = display if number < 1005 else Window(60, 30, 260, 230)
        planes = frame_of(whole[data.slices_in(display)], number).channels
        frame = Frame(number, planes, data, display, 1.0, "lin_rec709_scene")
        write_frame(tmp_path / f"p.{number}.exr", frame)
    reader = open_footage(str(tmp_path / "p.%04d.exr"), config, colorspace="lin_rec709_scene")

    shot = analyse_shot(reader, config, SETTINGS)

    (track,) = shot.tracks
    assert track.cuts == ()
    assert len(track.observations) == 8
