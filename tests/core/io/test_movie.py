"""Movies are counted exactly, addressed by frame, and decoded to linear light."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from faceplate.core.arrays import AnyArray
from faceplate.core.errors import ColorSpaceError, FrameFormatError, FrameMissingError
from faceplate.core.frame import Frame
from faceplate.core.io.footage import open_footage
from faceplate.ocio.config import open_config

CONFIG = open_config(None)
LENGTH = 40


def bt1886(code: float) -> float:
    return float(np.sign(code) * abs(code) ** 2.4)


def encode(
    path: Path,
    pictures: list[AnyArray],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    source: str = "yuv420p",
    options: dict[str, str] | None = None,
    rotation: int = 0,
    aspect: Fraction = Fraction(1),
    tags: dict[str, int] | None = None,
) -> Path:
    """Write pictures given in a raw layout, (H * 3 / 2, W) for yuv420p."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        first = av.VideoFrame.from_ndarray(pictures[0], format=source)
        stream.width, stream.height = first.width, first.height
        stream.pix_fmt = pix_fmt
        stream.sample_aspect_ratio = aspect
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        if rotation:
            stream.set_display_rotation(rotation)
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format=source)))
        container.mux(stream.encode())
    return path


def grey(luma: int, height: int = 64, width: int = 64, neutral: int = 128) -> AnyArray:
    dtype = np.uint16 if neutral > 255 else np.uint8
    picture = np.full((height * 3 // 2, width), neutral, dtype)
    picture[:height] = luma
    return picture


def level(frame: Frame, name: str = "G") -> float:
    return float(np.median(frame.channels[name]))


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A movie with B-frames and few key frames whose luma counts the frames."""
    pictures = [grey(20 + 5 * index) for index in range(LENGTH)]
    path = tmp_path_factory.mktemp("movie") / "count.mp4"
    return encode(path, pictures, options={"qp": "0", "bf": "3", "g": "12"})


def wanted(index: int) -> float:
    return bt1886((20 + 5 * index - 16) / 219)


def test_frames_are_counted_exactly_and_begin_at_1001(counting: Path) -> None:
    reader = open_footage(str(counting), CONFIG)

    assert str(reader.frames) == f"1001-{1000 + LENGTH}"
    assert reader.rate == 25.0
    assert reader.space == "Linear Rec.709 (sRGB)"
    assert str(open_footage(str(counting), CONFIG, start=1).frames) == f"1-{LENGTH}"


def test_every_order_of_reading_gives_the_same_pictures(counting: Path) -> None:
    reader = open_footage(str(counting), CONFIG)
    orders = (range(LENGTH), reversed(range(LENGTH)), [39, 0, 17, 16, 18, 38, 3, 3, 0])

    for order in orders:
        for index in order:
            assert level(reader.read(1001 + index)) == pytest.approx(wanted(index), abs=2e-6)


def test_frames_are_float_linear_rec709_with_an_interop_id_alone(counting: Path) -> None:
    frame = open_footage(str(counting), CONFIG).read(1001)

    assert set(frame.channels) == {"R", "G", "B"}
    assert all(plane.dtype == np.float32 for plane in frame.channels.values())
    assert frame.header == {"colorInteropID": "lin_rec709_scene"}
    assert frame.number == 1001


def test_a_number_outside_the_movie_is_missing(counting: Path) -> None:
    reader = open_footage(str(counting), CONFIG)

    for number in (1000, 1001 + LENGTH):
        with pytest.raises(FrameMissingError, match=f"Frame {number} of"):
            reader.read(number)


def test_digests_tell_frames_apart_and_repeat(counting: Path) -> None:
    one, other = (open_footage(str(counting), CONFIG) for _ in range(2))
    digests = [one.digest(number) for number in one.frames]

    assert len(set(digests)) == LENGTH
    assert [other.digest(number) for number in reversed(one.frames.numbers)] == digests[::-1]


def test_head_and_foot_room_are_kept(tmp_path: Path) -> None:
    pictures = [grey(luma) for luma in (4, 16, 235, 250)]
    path = encode(tmp_path / "room.mp4", pictures, options={"qp": "0"})
    reader = open_footage(str(path), CONFIG)

    for number, luma in zip(reader.frames, (4, 16, 235, 250), strict=True):
        assert level(reader.read(number)) == pytest.approx(bt1886((luma - 16) / 219), abs=2e-6)


@pytest.mark.parametrize(
    ("size", "luma"),
    [((720, 1280), (0.2126, 0.0722)), ((144, 176), (0.299, 0.114))],
    ids=["HD is BT.709", "SD is BT.601"],
)
def test_untagged_colour_is_decoded_by_size(
    tmp_path: Path, size: tuple[int, int], luma: tuple[float, float]
) -> None:
    height, width = size
    picture = np.full((height * 3 // 2, width), 0, np.uint8)
    picture[:height] = 120
    chroma = picture[height:].reshape(2, -1)
    chroma[0], chroma[1] = 100, 160
    path = encode(tmp_path / "c.mp4", [picture], options={"qp": "0"})

    frame = open_footage(str(path), CONFIG).read(1001)

    kr, kb = luma
    y, pb, pr = (120 - 16) / 219, (100 - 128) / 224, (160 - 128) / 224
    red, blue = y + 2 * (1 - kr) * pr, y + 2 * (1 - kb) * pb
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    for name, code in (("R", red), ("G", green), ("B", blue)):
        assert level(frame, name) == pytest.approx(bt1886(code), abs=3e-6)


def test_ten_bits_are_kept(tmp_path: Path) -> None:
    pictures = [grey(500 + index, neutral=512) for index in range(4)]
    path = encode(
        tmp_path / "ten.mkv", pictures, codec="ffv1", pix_fmt="yuv420p10le", source="yuv420p10le"
    )
    reader = open_footage(str(path), CONFIG)

    levels = [level(reader.read(number)) for number in reader.frames]

    for index, value in enumerate(levels):
        assert value == pytest.approx(bt1886((500 + index - 64) / 876), abs=2e-6)
    assert len(set(levels)) == 4


def test_rgb_with_alpha_is_full_range_and_premultiplied(tmp_path: Path) -> None:
    picture = np.zeros((16, 16, 4), np.uint8)
    picture[...] = (255, 128, 64, 128)
    path = encode(tmp_path / "a.mkv", [picture], codec="ffv1", pix_fmt="bgra", source="bgra")

    frame = open_footage(str(path), CONFIG).read(1001)

    alpha = 128 / 255
    assert level(frame, "A") == pytest.approx(alpha)
    assert level(frame, "B") == pytest.approx(alpha, abs=2e-6)
    assert level(frame, "G") == pytest.approx(alpha * bt1886(128 / 255), abs=2e-6)
    assert level(frame, "R") == pytest.approx(alpha * bt1886(64 / 255), abs=2e-6)


def test_a_phone_movie_is_turned_upright(tmp_path: Path) -> None:
    picture = grey(50, 64, 128)
    picture[:64, :64] = 200  # the left half is bright
    path = encode(
        tmp_path / "p.mp4", [picture], options={"qp": "0"}, rotation=-90, aspect=Fraction(2)
    )

    frame = open_footage(str(path), CONFIG).read(1001)

    assert (frame.data.width, frame.data.height) == (64, 128)
    assert frame.pixel_aspect == 0.5
    assert frame.channels["G"][:60].min() > frame.channels["G"][70:].max()  # clockwise: left is up


def test_chroma_lies_on_the_even_columns_and_between_the_rows(tmp_path: Path) -> None:
    ramp = grey(128, 16, 64)
    chroma = ramp[16:].reshape(2, 8, 32)
    chroma[1] = 90 + 2 * np.arange(32)
    path = encode(tmp_path / "s.mkv", [ramp], codec="ffv1")

    red = open_footage(str(path), CONFIG).read(1001).channels["R"][8, :62]

    y = (128 - 16) / 219
    codes = np.sign(red) * np.abs(red) ** (1 / 2.4)
    slope = 2 * (1 - 0.299) / 224
    np.testing.assert_allclose(codes, y + slope * (90 + np.arange(62) - 128), atol=2e-5)


def test_hdr_movies_want_a_named_space_and_then_are_converted(tmp_path: Path) -> None:
    path = encode(tmp_path / "hdr.mp4", [grey(110)], options={"qp": "0"}, tags={"color_trc": 16})

    with pytest.raises(ColorSpaceError, match="PQ movie") as caught:
        open_footage(str(path), CONFIG)
    assert "--colorspace" in caught.value.hint

    frame = open_footage(str(path), CONFIG, colorspace="ARRI LogC3 (EI800)").read(1001)
    code = (110 - 16) / 219
    linear = (10 ** ((code - 0.385537) / 0.24719) - 0.052272) / 5.555556
    assert level(frame) == pytest.approx(linear, rel=1e-3)


def test_an_avi_without_time_stamps_is_counted_by_decoding(tmp_path: Path) -> None:
    pictures = [grey(20 + 5 * index) for index in range(12)]
    path = encode(tmp_path / "b.avi", pictures, options={"qp": "0", "bf": "2", "g": "5"})
    reader = open_footage(str(path), CONFIG)

    assert len(reader.frames) == 12
    for index in (11, 0, 5, 6, 2):
        assert level(reader.read(1001 + index)) == pytest.approx(wanted(index), abs=2e-6)


def test_a_cut_or_foreign_file_is_an_error_and_never_a_wrong_picture(
    tmp_path: Path, counting: Path
) -> None:
    data = counting.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    (tmp_path / "empty.mov").write_bytes(b"")
    (tmp_path / "text.mkv").write_text("hello")
    with av.open(str(tmp_path / "sound.mov"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(
            np.zeros((1, 800), np.int16), format="s16", layout="mono"
        )
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))

    for name in ("cut.mp4", "empty.mov", "text.mkv", "sound.mov"):
        with pytest.raises(FrameFormatError, match=name):
            open_footage(str(tmp_path / name), CONFIG)


@pytest.mark.parametrize(("name", "options"), [("a.mp4", {"movflags": "faststart"}), ("a.mkv", {})])
def test_a_movie_that_ends_too_early_is_refused(
    tmp_path: Path, name: str, options: dict[str, str]
) -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(16, 235, (96, 64)).astype(np.uint8) for _ in range(50)]
    path = tmp_path / name
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert len(open_footage(str(path), CONFIG).frames) == 50
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])

    with pytest.raises(FrameFormatError, match="cut short"):
        open_footage(str(path), CONFIG)
