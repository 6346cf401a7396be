"""The cache on disk is measured, emptied and kept below its limit, the oldest going first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faceplate.core.cachesize import parse_bytes, remembered_limit, tend
from faceplate.core.doors import observations_folder
from faceplate.core.errors import InputError
from faceplate.core.io.cache import Cache
from faceplate.core.serve import open_service


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a cache of four files, 100 bytes each, used one after the other."""
    for age, name in enumerate(["observations/aa/1", "actors/2", "observations/bb/3", "actors/4"]):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 100)
        os.utime(path, (1000 + age, 1000 + age))
    return tmp_path


def left(folder: Path) -> str:
    return "".join(sorted(path.name for path in folder.rglob("?") if path.is_file()))


def test_a_cache_is_measured(folder: Path) -> None:
    found = tend(folder)

    assert (found.files, found.bytes, found.removed, found.limit_bytes) == (4, 400, 0, 0)
    assert left(folder) == "1234"


def test_what_was_not_used_for_longest_goes_first_and_the_limit_is_remembered(
    folder: Path,
) -> None:
    found = tend(folder, limit_bytes=250)

    assert (found.files, found.bytes, found.removed) == (2, 200, 2)
    assert left(folder) == "34"
    assert remembered_limit(folder) == 250
    assert tend(folder).limit_bytes == 250


def test_a_limit_is_kept_by_every_door_that_opens_the_cache(folder: Path) -> None:
    tend(folder, limit_bytes=300)
    (folder / "observations" / "5").write_bytes(b"x" * 100)

    observations_folder(folder)

    assert left(folder) == "345"


def test_no_limit_is_the_default_and_can_be_had_back(folder: Path) -> None:
    tend(folder, limit_bytes=400)
    tend(folder, limit_bytes=0)
    (folder / "actors" / "5").write_bytes(b"x" * 900)

    observations_folder(folder)

    assert left(folder) == "12345"


def test_a_cleared_cache_keeps_its_limit_and_the_files_of_others(folder: Path) -> None:
    (folder / "numba").mkdir()
    (folder / "numba" / "9").write_bytes(b"x")

    found = tend(folder, clear=True, limit_bytes=5)

    assert (found.files, found.removed) == (0, 4)
    assert left(folder) == "9" and remembered_limit(folder) == 5


def test_what_is_found_counts_as_used(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "observations")
    for key in ("aa", "bb"):
        cache.keep(key, {"x": b"1"})
    paths = {path.stem: path for path in tmp_path.rglob("*.zip")}
    for path in paths.values():
        os.utime(path, (1000, 1000))

    cache.find("aa")

    tend(tmp_path, limit_bytes=paths["aa"].stat().st_size)
    assert [path.stem for path in tmp_path.rglob("*.zip")] == ["aa"]


@pytest.mark.parametrize("text", ["{", "[]", '{"limit_bytes": "x"}', '{"limit_bytes": -1}'])
def test_a_damaged_limit_is_no_limit(text: str, folder: Path) -> None:
    (folder / "limit.json").write_text(text)

    assert tend(folder).files == 4


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("20G", 20 * 10**9), ("500 MB", 500 * 10**6), ("1.5k", 1500)]
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "much", "inf", "nan"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a size"):
        parse_bytes(text)


def test_a_hosts_limit_is_kept_from_the_first_request_on(tmp_path: Path) -> None:
    open_service({"cache": str(tmp_path), "cache_limit_bytes": 7})
    assert remembered_limit(observations_folder(tmp_path).parent) == 7

    open_service({"cache": str(tmp_path)})
    assert remembered_limit(observations_folder(tmp_path).parent) == 7
