"""Footage is found, its colour space is told by the order of trust, stills become light."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO as oiio  # noqa: N813 - its users' name for it
import pytest

from faceplate.core.arrays import AnyArray
from faceplate.core.errors import (
    ColorSpaceError,
    FootagePatternError,
    FrameFormatError,
    FrameMissingError,
)
from faceplate.core.io.footage import open_footage
from faceplate.core.io.plate import gamut_space
from faceplate.ocio.config import ColorConfig, open_config

CONFIG = open_config(None)
LINEAR = "Linear Rec.709 (sRGB)"
REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
AP1 = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)


def exr(path: Path, **header: Any) -> Path:
    plane = np.full((3, 4), 0.5, np.float16)
    base = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(base | header, {name: plane for name in "RGB"}).write(str(path))
    return path


def still(path: Path, pixels: AnyArray, **attributes: Any) -> Path:
    height, width, depth = pixels.shape
    spec = oiio.ImageSpec(width, height, depth, str(pixels.dtype).replace("float32", "float"))
    for name, value in attributes.items():
        spec.attribute(name.replace("__", ":"), value)
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec)
    assert file.write_image(pixels)
    assert file.close()
    return path


def space_of(path: Path, config: ColorConfig = CONFIG, **options: Any) -> str:
    return open_footage(str(path), config, **options).space


def srgb_to_linear(code: float) -> float:
    return code / 12.92 if code <= 0.04045 else ((code + 0.055) / 1.055) ** 2.4


def studio(folder: Path) -> ColorConfig:
    path = folder / "studio.ocio"
    path.write_text(
        "ocio_profile_version: 2\n"
        "roles: {scene_linear: House, aces_interchange: AP0}\n"
        "file_rules:\n"
        '  - !<Rule> {name: Plates, colorspace: House, pattern: "*plate*", extension: "exr"}\n'
        "  - !<Rule> {name: Default, colorspace: AP0}\n"
        "displays: {sRGB: [!<View> {name: Raw, colorspace: House}]}\n"
        "colorspaces: [!<ColorSpace> {name: AP0}, !<ColorSpace> {name: House}]\n"
    )
    return open_config(str(path))


def test_the_space_is_told_in_the_order_of_trust(tmp_path: Path) -> None:
    config = studio(tmp_path)
    tags: dict[str, Any] = {
        "colorInteropID": "lin_ap1_scene",
        "acesImageContainerFlag": 1,
        "chromaticities": REC709,
    }
    path = tmp_path / "plate.exr"

    exr(path, **tags)
    assert space_of(path, config, colorspace="ARRI LogC4") == "ARRI LogC4"
    assert space_of(path, config) == "ACEScg"
    del tags["colorInteropID"]
    exr(path, **tags)
    assert space_of(path, config) == "ACES2065-1"
    del tags["acesImageContainerFlag"]
    exr(path, **tags)
    assert space_of(path, config) == LINEAR
    exr(path)
    assert space_of(path, config) == "House"


def test_nothing_known_is_an_error_that_names_file_and_flag(tmp_path: Path) -> None:
    path = exr(tmp_path / "render.exr")

    for config in (CONFIG, studio(tmp_path)):  # the default rule says nothing of this file
        with pytest.raises(ColorSpaceError, match=r"render\.exr does not say") as caught:
            space_of(path, config)
        assert "--colorspace" in caught.value.hint
        assert "ACEScg" in caught.value.hint
    exr(path, colorInteropID="unknown", acesImageContainerFlag=0)
    with pytest.raises(ColorSpaceError, match="does not say"):
        space_of(path)


@pytest.mark.parametrize(
    ("tag", "words"),
    [("data", "holds data"), ("srgb_rec709_display", "display-referred"), ("nowhere", "'nowhere'")],
)
def test_an_unfit_tag_is_refused_with_the_file_and_a_way_out(
    tmp_path: Path, tag: str, words: str
) -> None:
    path = exr(tmp_path / "plate.exr", colorInteropID=tag)

    with pytest.raises(ColorSpaceError, match=words) as caught:
        space_of(path)
    assert "plate.exr" in str(caught.value)
    assert "--colorspace" in caught.value.hint
    assert space_of(path, colorspace="acescg") == "ACEScg"


def test_an_unfit_word_of_the_user_is_refused(tmp_path: Path) -> None:
    path = exr(tmp_path / "plate.exr")

    for word, text in (("Raw", "data"), ("sRGB - Display", "display-ref"), ("ACEgc", "ACEgc")):
        with pytest.raises(ColorSpaceError, match=text):
            space_of(path, colorspace=word)


def test_primaries_are_matched_with_the_digits_that_writers_keep() -> None:
    assert gamut_space(REC709) == "lin_rec709_scene"
    assert gamut_space(tuple(round(v, 3) for v in AP1)) == "lin_ap1_scene"
    assert gamut_space((0.7, 0.3, 0.2, 0.7, 0.1, 0.05, 0.3127, 0.329)) == ""
    for name, own in (("lin_ap1_scene", AP1), ("lin_rec709_scene", REC709)):
        assert OpenEXR.chromaticitiesToColorInteropID(own) == name


def test_a_sequence_is_read_in_the_space_of_its_first_frame(tmp_path: Path) -> None:
    for number in (1001, 1002, 1004):
        exr(tmp_path / f"p.{number}.exr", colorInteropID="lin_ap1_scene", shot=f"n{number}")
    exr(tmp_path / "p.1002.exr", colorInteropID="lin_ap0_scene", shot="n1002")

    for pattern in ("p.%04d.exr", "p.####.exr"):
        reader = open_footage(str(tmp_path / pattern), CONFIG)
        assert str(reader.frames) == "1001-1002,1004"
        assert [reader.read(n).space for n in reader.frames] == ["ACEScg"] * 3
        assert reader.read(1004).header["shot"] == "n1004"
        assert reader.read(1004).number == 1004
        assert reader.rate is None
        with pytest.raises(FrameMissingError, match="Frame 1003"):
            reader.read(1003)
    (tmp_path / "p.1004.exr").unlink()
    with pytest.raises(FrameMissingError, match="Frame 1004"):
        reader.read(1004)
    with pytest.raises(FrameMissingError, match="Frame 1004"):
        reader.digest(1004)


def test_a_digest_changes_with_the_file_and_with_the_space(tmp_path: Path) -> None:
    path = exr(tmp_path / "p.exr")

    first = open_footage(str(path), CONFIG, colorspace="ACEScg").digest(1001)
    again = open_footage(str(path), CONFIG, colorspace="lin_ap1_scene").digest(1001)
    other_space = open_footage(str(path), CONFIG, colorspace="ACES2065-1").digest(1001)
    exr(path, note="new")
    other_file = open_footage(str(path), CONFIG, colorspace="ACEScg").digest(1001)

    assert first == again
    assert len({first, other_space, other_file}) == 3


def test_a_grey_exr_is_refused_by_what_it_has(tmp_path: Path) -> None:
    base = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    path = tmp_path / "grey.exr"
    OpenEXR.File(base, {"Y": np.zeros((2, 2), np.float16)}).write(str(path))

    with pytest.raises(FrameFormatError, match=r"no R, G, B channels \(it has Y\)"):
        open_footage(str(path), CONFIG, colorspace="ACEScg")


def test_blender_layers_count_as_colour(tmp_path: Path) -> None:
    base = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    names = [f"ViewLayer.Combined.{c}" for c in "RGBA"]
    path = tmp_path / "blender.exr"
    OpenEXR.File(
        base | {"colorInteropID": "lin_rec709_scene"},
        {n: np.zeros((2, 2), np.float16) for n in names},
    ).write(str(path))

    frame = open_footage(str(path), CONFIG).read(1001)

    assert frame.color_names == tuple(names[:3])
    assert frame.space == LINEAR


@pytest.mark.parametrize(
    ("name", "dtype"), [("a.png", np.uint8), ("a.png", np.uint16), ("a.tif", np.uint8),
                        ("a.tif", np.uint16), ("a.dpx", np.uint16)]
)  # fmt: skip
def test_integer_stills_are_srgb(tmp_path: Path, name: str, dtype: type) -> None:
    top = np.iinfo(dtype).max
    pixels = np.linspace(0, top, 5 * 7 * 3).astype(dtype).reshape(5, 7, 3)
    path = still(tmp_path / name, pixels)

    reader = open_footage(str(path), CONFIG)
    frame = reader.read(1001)

    wanted = np.vectorize(srgb_to_linear)(pixels / top)
    assert reader.space == LINEAR
    assert frame.header == {"colorInteropID": "lin_rec709_scene"}
    assert all(plane.dtype == np.float32 for plane in frame.channels.values())
    np.testing.assert_allclose(frame.rgb(), wanted, rtol=1e-6)


def test_a_jpeg_is_close_to_what_was_written(tmp_path: Path) -> None:
    path = still(tmp_path / "a.jpg", np.full((16, 16, 3), 180, np.uint8))

    frame = open_footage(str(path), CONFIG).read(1001)

    np.testing.assert_allclose(frame.rgb(), srgb_to_linear(180 / 255), rtol=0.02)


def test_grey_one_pixel_and_alpha_stills(tmp_path: Path) -> None:
    grey = still(tmp_path / "g.png", np.full((1, 1, 1), 128, np.uint8))
    alpha = still(
        tmp_path / "a.png",
        np.array([[[255, 128, 0, 51]]], np.uint8),
        oiio__UnassociatedAlpha=1,
    )

    frame = open_footage(str(grey), CONFIG).read(1001)
    cut = open_footage(str(alpha), CONFIG).read(1001)

    assert set(frame.channels) == {"R", "G", "B"}
    np.testing.assert_allclose(frame.rgb(), srgb_to_linear(128 / 255), rtol=1e-6)
    assert cut.channels["A"][0, 0] == np.float32(0.2)
    wanted = [0.2, 0.2 * srgb_to_linear(128 / 255), 0.0]
    np.testing.assert_allclose(cut.rgb()[0, 0], wanted, rtol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_honoured(tmp_path: Path, orientation: int) -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[0, :2] = 255
    path = still(tmp_path / "o.tif", pixels, Orientation=orientation)

    frame = open_footage(str(path), CONFIG).read(1001)

    upright = oiio.ImageBufAlgo.reorient(oiio.ImageBuf(str(path)))
    np.testing.assert_allclose(frame.rgb(), upright.get_pixels("float"), atol=1e-6)


def test_float_stills_and_log_dpx_want_a_named_space(tmp_path: Path) -> None:
    path = still(tmp_path / "f.tif", np.full((2, 3, 3), 0.5, np.float32))

    with pytest.raises(ColorSpaceError, match="float values") as caught:
        open_footage(str(path), CONFIG).read(1001)
    assert "--colorspace" in caught.value.hint
    frame = open_footage(str(path), CONFIG, colorspace="lin_rec709_scene").read(1001)
    np.testing.assert_array_equal(frame.rgb(), np.full((2, 3, 3), 0.5, np.float32))
    frame = open_footage(str(path), CONFIG, colorspace="ACEScct").read(1001)
    np.testing.assert_allclose(frame.rgb(), 2 ** (0.5 * 17.52 - 9.72), rtol=1e-4)


def test_stills_with_numbers_make_a_sequence(tmp_path: Path) -> None:
    for number in (7, 8):
        still(tmp_path / f"s.{number:03d}.png", np.full((2, 2, 3), number, np.uint8))

    reader = open_footage(str(tmp_path / "s.%03d.png"), CONFIG)

    assert reader.frames.numbers == (7, 8)
    assert reader.read(8).rgb()[0, 0, 0] == pytest.approx(8 / 255 / 12.92, rel=1e-5)


@pytest.mark.parametrize("name", ["c.png", "c.jpg", "c.tif"])
def test_a_cut_still_is_refused(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    path = still(tmp_path / name, noise)
    data = path.read_bytes()

    for keep in (0, 10, len(data) // 2, len(data) * 9 // 10):
        path.write_bytes(data[:keep])
        with pytest.raises(FrameFormatError):
            open_footage(str(path), CONFIG).read(1001)


def test_what_is_not_there_is_a_pattern_error(tmp_path: Path) -> None:
    for name in ("none.%04d.exr", "none.exr", "none.mp4", "none.png", "no/folder.####.exr"):
        with pytest.raises(FootagePatternError, match="on disk"):
            open_footage(str(tmp_path / name), CONFIG)
