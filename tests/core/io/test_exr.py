"""EXR frames survive bit for bit, and what is no frame is refused by name."""

from __future__ import annotations

import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO as oiio  # noqa: N813 - its users' name for it
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from faceplate.core.arrays import AnyArray
from faceplate.core.errors import (
    ContractError,
    DiskError,
    FrameFormatError,
    FrameMissingError,
    OutputError,
)
from faceplate.core.frame import Frame, Window
from faceplate.core.io.atomic import sweep_temps
from faceplate.core.io.exr import read_frame, set_io_threads, to_half, write_frame

HEADER = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
ALL_HALVES = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(256, 256)
PAYLOADS = (0x7FC12345, 0x7F800001, 0xFF812345, 0x7F800000, 0xFF800000, 1, 0x80000000, 0x807FFFFF)


def frame_of(channels: dict[str, AnyArray], **changes: Any) -> Frame:
    height, width = next(iter(channels.values())).shape
    values: dict[str, Any] = {
        "number": 1001,
        "channels": channels,
        "data": Window(0, 0, width, height),
        "display": Window(0, 0, width, height),
        "pixel_aspect": 1.0,
        "space": "",
        "header": {},
    }
    return Frame(**(values | changes))


def noise(height: int = 24, width: int = 32) -> AnyArray:
    return np.random.default_rng(7).normal(0.4, 0.2, (height, width)).astype(np.float16)


def rgba(height: int = 24, width: int = 32) -> dict[str, AnyArray]:
    return {name: noise(height, width) * np.float16(i + 1) for i, name in enumerate("RGBA")}


def write_plain(path: Path, channels: dict[str, AnyArray], **header: Any) -> Path:
    OpenEXR.File(HEADER | header, dict(channels)).write(str(path))
    return path


def bits(plane: AnyArray) -> bytes:
    return np.ascontiguousarray(plane).tobytes()


def assert_same_pixels(one: Frame, other: Frame) -> None:
    assert set(one.channels) == set(other.channels)
    for name, plane in one.channels.items():
        assert plane.dtype == other.channels[name].dtype, name
        assert bits(plane) == bits(other.channels[name]), name


def attributes(path: Path) -> dict[str, tuple[str, bytes]]:
    """Return name to (type, value bytes) of the first header, read by a parser of our own."""
    return parsed(path.read_bytes())[0]


def add_attributes(path: Path, extra: dict[str, tuple[str, bytes]]) -> None:
    """Put attributes into a one-part file and move its chunk offsets along."""
    data = path.read_bytes()
    _, end = parsed(data)
    blob = b"".join(
        name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value
        for name, (kind, value) in extra.items()
    )
    first = struct.unpack_from("<Q", data, end + 1)[0]
    count = (first - end - 1) // 8
    offsets = struct.unpack_from(f"<{count}Q", data, end + 1)
    moved = struct.pack(f"<{count}Q", *(offset + len(blob) for offset in offsets))
    path.write_bytes(data[:end] + blob + b"\0" + moved + data[end + 1 + 8 * count :])


def parsed(data: bytes) -> tuple[dict[str, tuple[str, bytes]], int]:
    found = {}
    at = 8
    while data[at]:
        name, at = text_at(data, at)
        kind, at = text_at(data, at)
        size = struct.unpack_from("<i", data, at)[0]
        found[name] = (kind, data[at + 4 : at + 4 + size])
        at += 4 + size
    return found, at


def text_at(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 1


def test_every_half_survives_reading_and_writing(tmp_path: Path) -> None:
    source = write_plain(tmp_path / "in.exr", {name: ALL_HALVES for name in "RGBA"})

    frame = read_frame(source, 1001)
    write_frame(tmp_path / "out.exr", frame)

    assert all(bits(plane) == bits(ALL_HALVES) for plane in frame.channels.values())
    assert_same_pixels(read_frame(tmp_path / "out.exr", 1001), frame)
    independent = oiio.ImageInput.open(str(tmp_path / "out.exr")).read_image(0, 0, 0, 4, "half")
    assert all(bits(independent[..., i]) == bits(ALL_HALVES) for i in range(4))


@given(
    hnp.arrays(np.uint32, (5, 7), elements=st.integers(0, 2**32 - 1) | st.sampled_from(PAYLOADS))
)
def test_any_float_and_integer_bits_survive_beside_halves(words: AnyArray) -> None:
    channels = {
        "R": words.view(np.float32),
        "G": (words >> 16).astype(np.uint16).view(np.float16),
        "B": words.view(np.float32),
        "id.V": words,
        "A": ALL_HALVES[:5, :7],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mixed.exr")
        write_frame(path, frame_of(channels))

        back = read_frame(path, 1001)
        file = oiio.ImageInput.open(str(path))
        spec = file.spec()
        for index, name in enumerate(spec.channelnames):
            kind = str(spec.channelformats[index])
            assert bits(file.read_image(0, 0, index, index + 1, kind)[..., 0]) == bits(
                channels[name]
            )

    assert_same_pixels(back, frame_of(channels))


def test_windows_outside_the_display_and_pixel_aspect_come_back(tmp_path: Path) -> None:
    overscan = frame_of(
        rgba(), data=Window(-5, -3, 27, 21), display=Window(0, 0, 20, 16), pixel_aspect=2.0
    )
    apart = frame_of(rgba(), data=Window(100, 90, 132, 114), display=Window(0, 0, 20, 16))

    for frame in (overscan, apart):
        write_frame(tmp_path / "w.exr", frame)
        back = read_frame(tmp_path / "w.exr", 1001)
        spec = oiio.ImageInput.open(str(tmp_path / "w.exr")).spec()

        assert (back.data, back.display) == (frame.data, frame.display)
        assert back.pixel_aspect == frame.pixel_aspect == spec.getattribute("PixelAspectRatio")
        assert (spec.x, spec.y, spec.width, spec.height) == (frame.data.x0, frame.data.y0, 32, 24)
        assert (spec.full_width, spec.full_height) == (20, 16)
        assert_same_pixels(back, frame)


def test_metadata_of_every_kind_comes_back(tmp_path: Path) -> None:
    source = write_plain(
        tmp_path / "in.exr",
        rgba(),
        framesPerSecond=Fraction(24000, 1001),
        timeCode=OpenEXR.TimeCode(1, 2, 3, 4, *[0] * 6, *range(1, 9)),
        chromaticities=(0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767),
        owner="Ana \u0160umi\u0107",
        someBox=(np.array([1, 2], np.int32), np.array([3, 4], np.int32)),
        worldToCamera=np.eye(4, dtype=np.float32),
        shots=["sh010", "sh020"],
        capDate="2025:02:03 04:05:06",
    )
    exotic = {
        "third": ("double", struct.pack("<d", 1 / 3)),
        "place": ("v3d", struct.pack("<3d", 0.1, 0.2, 0.3)),
        "unknown": ("studioType", b"\x00\x01\xff"),
        "manifest" + "x" * 40: ("string", b"{}" * 50_000),
        "nan": ("float", struct.pack("<I", 0x7FC12345)),
    }
    add_attributes(source, exotic)
    before = attributes(source)

    write_frame(tmp_path / "out.exr", read_frame(source, 1001))

    after = attributes(tmp_path / "out.exr")
    assert after == before
    assert after["unknown"] == exotic["unknown"]


def test_aces_container_flag_is_dropped_and_lossy_compression_becomes_zip(tmp_path: Path) -> None:
    source = write_plain(
        tmp_path / "in.exr",
        rgba(),
        acesImageContainerFlag=1,
        compression=OpenEXR.DWAA_COMPRESSION,
    )
    frame = read_frame(source, 1001)

    write_frame(tmp_path / "out.exr", frame, compression="plate")

    header = OpenEXR.File(str(tmp_path / "out.exr"), header_only=True).header()
    assert "acesImageContainerFlag" not in header
    assert header["compression"] == OpenEXR.ZIP_COMPRESSION
    assert_same_pixels(read_frame(tmp_path / "out.exr", 1001), frame)


@pytest.mark.parametrize("name", ["none", "rle", "zips", "zip", "piz"])
def test_lossless_compression_is_kept_when_asked(tmp_path: Path, name: str) -> None:
    write_frame(tmp_path / "a.exr", frame_of(rgba()), compression=name)

    write_frame(tmp_path / "b.exr", read_frame(tmp_path / "a.exr", 1), compression="plate")

    spec = oiio.ImageInput.open(str(tmp_path / "b.exr")).spec()
    assert spec.getattribute("compression") == name
    assert_same_pixels(read_frame(tmp_path / "b.exr", 1), frame_of(rgba()))


def test_a_lossy_compression_is_not_offered(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="compression dwaa is not offered"):
        write_frame(tmp_path / "a.exr", frame_of(rgba()), compression="dwaa")


def test_parts_become_layers_of_one_picture(tmp_path: Path) -> None:
    colour, depth = rgba(), noise().astype(np.float32)
    layers = {"face.R": colour["R"], "face.G": colour["G"], "face.B": colour["B"]}
    path = tmp_path / "parts.exr"
    whole = {"displayWindow": (np.array([0, 0], np.int32), np.array([31, 23], np.int32))}
    smaller = whole | {"dataWindow": (np.array([4, 5], np.int32), np.array([7, 6], np.int32))}
    OpenEXR.File(
        [
            OpenEXR.Part(dict(HEADER), dict(colour), name="Combined"),
            OpenEXR.Part(dict(HEADER), dict(layers), name="face"),
            OpenEXR.Part(dict(HEADER), {"Z": depth}, name="depth"),
            OpenEXR.Part(HEADER | smaller, {"A": np.ones((2, 4), np.float16)}, name="matte"),
        ]
    ).write(str(path))

    frame = read_frame(path, 1001)
    some = read_frame(path, 1001, channels=["R", "G", "B", "matte.A"])

    assert set(frame.channels) == {*colour, *layers, "Z", "matte.A"}
    assert bits(frame.channels["A"]) == bits(colour["A"])
    assert bits(frame.channels["Z"]) == bits(depth)
    assert frame.channels["matte.A"].sum() == 8
    assert frame.channels["matte.A"][5:7, 4:8].all()
    assert set(some.channels) == {"R", "G", "B", "matte.A"}
    assert all(bits(plane) == bits(frame.channels[name]) for name, plane in some.channels.items())


def test_tiled_and_mip_mapped_files_become_scanlines_of_the_largest_level(tmp_path: Path) -> None:
    pixels = np.stack([noise(64, 64)] * 3, axis=-1)
    spec = oiio.ImageSpec(64, 64, 3, "half")
    spec.tile_width = spec.tile_height = 16
    tiled = oiio.ImageOutput.create("openexr")
    assert tiled.open(str(tmp_path / "tiled.exr"), spec)
    assert tiled.write_image(pixels)
    assert tiled.close()
    buffer = oiio.ImageBuf(str(tmp_path / "tiled.exr"))
    assert oiio.ImageBufAlgo.make_texture(oiio.MakeTxTexture, buffer, str(tmp_path / "mip.exr"))

    for name in ("tiled.exr", "mip.exr"):
        frame = read_frame(tmp_path / name, 1001)
        write_frame(tmp_path / "out.exr", frame)

        header = OpenEXR.File(str(tmp_path / "out.exr"), header_only=True).header()
        assert header["type"] == OpenEXR.scanlineimage
        assert "tiles" not in header
        assert bits(read_frame(tmp_path / "out.exr", 1001).channels["G"]) == bits(noise(64, 64))


@pytest.mark.parametrize("kind", ["ZIP", "ZIPS", "PIZ", "NO", "RLE"])
def test_a_file_cut_anywhere_is_refused_without_a_word_on_stdout(
    tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = write_plain(
        tmp_path / "whole.exr",
        rgba(120, 160),
        compression=getattr(OpenEXR, f"{kind}_COMPRESSION"),
    ).read_bytes()
    size = len(whole)

    for keep in (7, 200, size // 2, size * 9 // 10, size * 999 // 1000, size - 8, size - 1):
        (tmp_path / "cut.exr").write_bytes(whole[:keep])
        with pytest.raises(FrameFormatError, match="damaged or (half written|cut short)"):
            read_frame(tmp_path / "cut.exr", 1001)
    (tmp_path / "hole.exr").write_bytes(whole[: size // 2] + bytes(size - size // 2))
    with pytest.raises(FrameFormatError, match="half written"):
        read_frame(tmp_path / "hole.exr", 1001)

    assert capfd.readouterr().out == ""


def test_a_cut_part_of_several_is_refused_even_when_others_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "parts.exr"
    parts = [OpenEXR.Part(dict(HEADER), rgba(64, 64), name=name) for name in ("one", "two")]
    OpenEXR.File(parts).write(str(path))
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(FrameFormatError, match="half written"):
        read_frame(path, 1001)
    with pytest.raises(FrameFormatError, match="half written"):
        read_frame(path, 1001, channels=["two.R"])


def test_what_is_no_frame_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.exr").write_bytes(b"")
    (tmp_path / "text.exr").write_text("not a picture at all, though long enough to be read")
    missing = tmp_path / "gone.1042.exr"

    with pytest.raises(FrameFormatError, match=r"empty.exr cannot be read: the file is empty."):
        read_frame(tmp_path / "empty.exr", 1001)
    with pytest.raises(FrameFormatError, match="it is not an EXR file"):
        read_frame(tmp_path / "text.exr", 1001)
    with pytest.raises(FrameMissingError, match=r"Frame 1042 of .*gone.1042.exr is not on disk."):
        read_frame(missing, 1042)
    with pytest.raises(FrameFormatError):
        read_frame(tmp_path, 1001)


def test_deep_pictures_are_refused_by_name(tmp_path: Path) -> None:
    spec = oiio.ImageSpec(4, 4, 5, "float")
    spec.channelnames = ("R", "G", "B", "A", "Z")
    spec.deep = True
    deep = oiio.DeepData()
    deep.init(16, 5, ("float",) * 5, spec.channelnames)
    file = oiio.ImageOutput.create("openexr")
    assert file.open(str(tmp_path / "deep.exr"), spec)
    assert file.write_deep_image(deep)
    assert file.close()

    with pytest.raises(FrameFormatError, match="deep EXR is not supported"):
        read_frame(tmp_path / "deep.exr", 1001)


def test_luma_chroma_pictures_are_refused_by_name(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "yc.exr", {name: noise(8, 8) for name in ("BY", "RY", "Y")})
    data = path.read_bytes()
    for name in (b"BY", b"RY"):
        full = name + b"\0" + struct.pack("<iiii", 1, 0, 1, 1)
        assert full in data
        data = data.replace(full, name + b"\0" + struct.pack("<iiii", 1, 0, 2, 2))
    path.write_bytes(data)

    with pytest.raises(FrameFormatError, match="luma-chroma"):
        read_frame(tmp_path / "yc.exr", 1001)


def test_stereo_pictures_are_refused_by_name(tmp_path: Path) -> None:
    views = [OpenEXR.Part(HEADER | {"view": view}, rgba(), name=view) for view in ("left", "right")]
    OpenEXR.File(views).write(str(tmp_path / "parts.exr"))
    prefixed = rgba() | {f"right.{name}": plane for name, plane in rgba().items()}
    write_plain(tmp_path / "prefix.exr", prefixed)
    write_plain(tmp_path / "multi.exr", rgba(), multiView=["left", "right"])

    for name in ("parts", "prefix", "multi"):
        with pytest.raises(FrameFormatError, match="stereo EXR is not supported"):
            read_frame(tmp_path / f"{name}.exr", 1001)


def test_a_header_that_claims_a_monstrous_size_is_refused_before_it_is_allocated(
    tmp_path: Path,
) -> None:
    path = write_plain(tmp_path / "huge.exr", rgba())
    data = path.read_bytes()
    window = struct.pack("<4i", 0, 0, 31, 23)
    path.write_bytes(data.replace(window, struct.pack("<4i", 0, 0, 99_999, 99_999)))

    with pytest.raises(FrameFormatError):
        read_frame(path, 1001)


@pytest.mark.slow
def test_a_picture_12000_pixels_wide_is_read_and_written(tmp_path: Path) -> None:
    wide = {name: np.full((9000, 12000), 0.25, np.float16) for name in "RGB"}
    write_frame(tmp_path / "wide.exr", frame_of(wide), compression="rle")

    assert bits(read_frame(tmp_path / "wide.exr", 1, channels="G").channels["G"]) == bits(wide["G"])


def test_bytes_depend_on_the_frame_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    frame = frame_of(rgba(256, 256) | {"z.V": noise(256, 256).astype(np.float32)})
    backwards = frame_of(dict(reversed(list(frame.channels.items()))))

    set_io_threads(1)
    write_frame(tmp_path / "a.exr", frame)
    time.sleep(1.1)
    set_io_threads(3)
    write_frame(tmp_path / "there" / "other.exr", backwards)
    set_io_threads(1)

    first = (tmp_path / "a.exr").read_bytes()
    assert (tmp_path / "there" / "other.exr").read_bytes() == first
    assert attributes(tmp_path / "a.exr")["capDate"][1] == b"1970:01:01 00:00:00"


def write_within(limit: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """Write a frame in a process whose files cannot grow past a size, as on a full disk."""
    code = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from faceplate.core.errors import DiskError\n"
        "from faceplate.core.frame import Frame, Window\n"
        "from faceplate.core.io.exr import write_frame\n"
        "p = np.random.default_rng(0).random((90, 90)).astype(np.float16)\n"
        "w = Window(0, 0, 90, 90)\n"
        "f = Frame(1, {c: p for c in 'RGB'}, w, w, 1.0, '')\n"
        "try: write_frame(Path(sys.argv[1]), f)\n"
        "except DiskError as error: sys.exit(str(error))\n"
    )

    def choke() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-c", code, str(folder / "out.exr")]
    return subprocess.run(command, preexec_fn=choke, capture_output=True, text=True)


def test_a_full_disk_leaves_the_old_frame_and_no_rubbish(tmp_path: Path) -> None:
    (tmp_path / "out.exr").write_bytes(b"old")

    for limit in (0, 100, 9000, 16_000):
        done = write_within(limit, tmp_path)

        assert done.returncode == 1
        assert done.stderr.strip().endswith("out.exr could not be written: File too large.")
        assert [path.name for path in tmp_path.iterdir()] == ["out.exr"]
        assert (tmp_path / "out.exr").read_bytes() == b"old"


def test_a_place_that_takes_no_file_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder.exr").mkdir()

    for path in (tmp_path / "gone" / "a.exr", tmp_path / "file" / "a.exr", tmp_path / "folder.exr"):
        with pytest.raises(DiskError, match="could not be written"):
            write_frame(path, frame_of(rgba()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.exr"]


def test_a_type_that_exr_does_not_know_is_our_own_fault(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="float64"):
        write_frame(tmp_path / "a.exr", frame_of({"R": np.zeros((2, 2))}))
    with pytest.raises(ContractError, match="attribute"):
        write_frame(tmp_path / "a.exr", frame_of(rgba(), header={"bad": object()}))
    assert list(tmp_path.iterdir()) == []


def test_sweeping_removes_what_dead_writers_of_this_host_left(tmp_path: Path) -> None:
    host = socket.gethostname()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    dead = tmp_path / f".a.0001.exr.{host}.{child.pid}.tmp"
    kept = [
        tmp_path / f".b.exr.{host}.{os.getpid()}.tmp",
        tmp_path / f".c.exr.another-host.{child.pid}.tmp",
        tmp_path / "d.tmp",
    ]
    for path in (dead, *kept):
        path.touch()

    assert sweep_temps(tmp_path) == [dead]
    assert sorted(tmp_path.iterdir()) == sorted(kept)


@given(hnp.arrays(np.float32, 40, elements=st.floats(width=32)))
def test_halves_never_become_infinite_and_what_was_changed_is_counted(values: AnyArray) -> None:
    halves, wild, clamped = to_half(values)

    assert np.isfinite(halves).all()
    assert wild == sum(not np.isfinite(v) for v in values.tolist())
    assert clamped == sum(65504 < abs(v) < float("inf") for v in values.tolist())
    fine = np.abs(values) <= 65504
    assert bits(halves[fine]) == bits(values[fine].astype(np.float16))
    assert (halves[np.isnan(values)] == 0).all()
