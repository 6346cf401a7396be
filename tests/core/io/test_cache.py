from __future__ import annotations

import stat
from pathlib import Path

import pytest

from faceplate.core.errors import DiskError
from faceplate.core.io.cache import Cache, key_of


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    key = key_of("a", "b")

    assert cache.find(key) is None
    cache.keep(key, {"x.npy": b"123"})

    assert cache.find(key) == {"x.npy": b"123"}


def test_keys_know_where_one_text_ends() -> None:
    assert key_of("ab", "c") != key_of("a", "bc")
    assert key_of("a") != key_of("a", "")
    assert key_of("a", "b") == key_of("a", "b")


def test_the_folder_is_private(tmp_path: Path) -> None:
    Cache(tmp_path / "cache").keep(key_of("a"), {"x": b""})

    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def test_a_damaged_entry_counts_as_absent_and_is_replaced(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    key = key_of("a")
    cache.keep(key, {"x": b"123"})
    (entry,) = (p for p in tmp_path.rglob("*") if p.is_file())
    entry.write_bytes(entry.read_bytes()[:20])

    assert cache.find(key) is None
    cache.keep(key, {"x": b"123"})
    assert cache.find(key) == {"x": b"123"}


def test_a_folder_that_cannot_be_made_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(DiskError):
        Cache(tmp_path / "file" / "cache").keep(key_of("a"), {"x": b""})
