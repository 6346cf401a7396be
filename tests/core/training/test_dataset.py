"""Sets of pictures: what is read back, and what is refused."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from faceplate.core.errors import TrainingError
from faceplate.core.training.dataset import mapped_arrays, open_set

WriteSet: TypeAlias = Callable[[Path, list[int]], Path]


def test_every_picture_is_the_one_that_was_written(
    made_set: Path, drawn_head: Callable[[int], dict[str, np.ndarray]]
) -> None:
    pictures = open_set([made_set, made_set])

    assert len(pictures) == 80
    for number in (0, 7, 8, 39, 40, 79):
        sample, drawn = pictures.sample(number), drawn_head(number % 40)
        assert np.array_equal(sample.linear, drawn["rgb"])
        assert np.array_equal(sample.coverage, drawn["coverage"])
        assert np.array_equal(sample.wflw98, drawn["wflw98"])
        assert sample.tags == frozenset(str(drawn["tags"]).split())
        assert sample.seed == number % 40
    with pytest.raises(IndexError):
        pictures.sample(80)


def test_a_set_can_be_handed_to_another_process(made_set: Path) -> None:
    pictures = open_set([made_set])
    before = pictures.sample(3).linear

    packed = pickle.dumps(pictures)

    assert len(packed) < 2000
    assert np.array_equal(pickle.loads(packed).sample(3).linear, before)


def test_the_digest_says_whether_sets_are_the_same(
    made_set: Path, tmp_path: Path, write_set: WriteSet
) -> None:
    other = write_set(tmp_path / "other", [1, 2])

    assert open_set([made_set]).digest == open_set([made_set]).digest
    assert open_set([made_set]).digest != open_set([other]).digest
    assert open_set([made_set]).digest != open_set([made_set, other]).digest


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_packed_or_not(save: object, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {"a": rng.random((5, 7)), "b": np.arange(3, dtype=np.uint8), "c": np.zeros((0, 2))}
    arrays["d"] = np.asfortranarray(rng.random((3, 4), np.float32))
    save(tmp_path / "x.npz", **arrays)  # type: ignore[operator]

    found = mapped_arrays(tmp_path / "x.npz")

    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert isinstance(found["a"], np.memmap) is (save is np.savez)


def broken(folder: Path, what: str) -> None:
    index = json.loads((folder / "index.json").read_text())
    if what == "index":
        (folder / "index.json").unlink()
    elif what == "text":
        (folder / "index.json").write_text("{")
    elif what == "version":
        (folder / "index.json").write_text(json.dumps({**index, "version": 99}))
    elif what == "shards":
        (folder / "index.json").write_text(json.dumps({**index, "shards": [{"file": 3}]}))
    elif what == "file":
        (folder / "shard000.npz").unlink()


@pytest.mark.parametrize("what", ["index", "text", "version", "shards", "file"])
def test_a_broken_set_is_refused(what: str, tmp_path: Path, write_set: WriteSet) -> None:
    folder = write_set(tmp_path / "set", [1, 2])
    broken(folder, what)

    with pytest.raises(TrainingError):
        open_set([folder])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + b"\0" * 60, b"no zip at all"])
def test_a_damaged_shard_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(content)

    with pytest.raises(TrainingError, match="not a shard of pictures"):
        mapped_arrays(tmp_path / "x.npz")


def test_a_shard_with_code_in_it_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.array([{"a": 1}], dtype=object))

    with pytest.raises(TrainingError, match="not a shard of pictures"):
        mapped_arrays(tmp_path / "x.npz")


def test_a_shard_that_lacks_something_is_refused(tmp_path: Path, write_set: WriteSet) -> None:
    folder = write_set(tmp_path / "set", [1, 2])
    np.savez(folder / "shard000.npz", rgb=np.zeros((2, 4, 4, 3), np.float16))

    with pytest.raises(TrainingError, match="it has no coverage"):
        open_set([folder]).sample(0)


def test_no_folder_is_no_data() -> None:
    with pytest.raises(TrainingError, match="No data"):
        open_set([])
