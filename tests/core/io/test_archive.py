from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from faceplate.core.errors import DiskError, InputError, TrackError
from faceplate.core.io.archive import array_bytes, array_of, read_archive, write_archive

MEMBERS = {"head.json": b"{}", "face0/mesh.npy": bytes(range(256)) * 9, "a": b""}


@pytest.mark.parametrize("compress", [False, True])
def test_what_was_written_is_read(tmp_path: Path, compress: bool) -> None:
    path = tmp_path / "a.zip"

    write_archive(path, MEMBERS, compress=compress)

    assert read_archive(path) == MEMBERS
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip"]


def test_the_same_members_are_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    write_archive(tmp_path / "a", MEMBERS)
    write_archive(tmp_path / "b", dict(reversed(MEMBERS.items())))

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a//b", "a/../b", "", "a/", ".x", "a\\b", "a b", "c:x"]
)
def test_odd_names_are_refused_both_ways(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        write_archive(tmp_path / "a", {name: b"x"})
    with zipfile.ZipFile(tmp_path / "b", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name or "\t"), b"x")

    with pytest.raises(TrackError, match="cannot be used"):
        read_archive(tmp_path / "b", error=TrackError)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(50_000_000))

    with pytest.raises(InputError, match="unpacks to 50000000"):
        read_archive(tmp_path / "bomb")


def test_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    write_archive(tmp_path / "a", {"a": bytes(600), "b": bytes(600)})

    with pytest.raises(InputError, match="more than 1000"):
        read_archive(tmp_path / "a", most_bytes=1000)


def test_a_table_of_contents_that_lies_about_a_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_archive(path, {"a": bytes(1000)})
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, central + 24, 10)  # the member's size, unpacked
    path.write_bytes(content)

    with pytest.raises(InputError, match="damaged"):
        read_archive(path)


def test_doubled_names_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        archive.writestr("x", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("x", b"2")

    with pytest.raises(InputError, match="one name"):
        read_archive(tmp_path / "a")


def test_a_file_cut_anywhere_or_with_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_archive(path, {"x": bytes(range(200))})
    whole = path.read_bytes()

    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_archive(path)
    flipped = bytearray(whole)
    flipped[60] ^= 1  # inside the member's content
    path.write_bytes(flipped)
    with pytest.raises(InputError, match="damaged"):
        read_archive(path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04" + bytes(30)])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)

    with pytest.raises(InputError, match="not a zip file"):
        read_archive(tmp_path / "a")


def test_a_missing_file_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_archive(tmp_path / "none")
    with pytest.raises(DiskError):
        write_archive(tmp_path / "none" / "a", MEMBERS)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype="<f4").reshape(3, 4),
        np.asfortranarray(np.arange(12, dtype="<i8").reshape(3, 4)),
        np.zeros((0, 478, 3), "<f4"),
        np.array([np.nan, -0.0, np.inf]),
    ],
)
def test_arrays_come_back_bit_for_bit(array: np.ndarray) -> None:
    found = array_of(array_bytes(array))

    assert found.dtype == array.dtype
    assert found.tobytes() == array.tobytes()
    assert found.shape == array.shape


def test_an_array_of_objects_is_never_unpickled() -> None:
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], object), allow_pickle=True)

    with pytest.raises(ValueError, match="plain numbers"):
        array_of(stream.getvalue())
    with pytest.raises(ValueError):
        array_of(b"\x80\x04K\x01.")


def test_an_array_cut_short_or_promising_too_much_is_refused() -> None:
    content = array_bytes(np.arange(10.0))

    for wrong in (content[:-1], content + b"x", content[:40], content[:5], b""):
        with pytest.raises(ValueError):
            array_of(wrong)
    for shape in (b"(99,)", b"(-1,)", b"(1e9)", b"((10)"):
        with pytest.raises(ValueError):
            array_of(content.replace(b"(10,)", shape))
