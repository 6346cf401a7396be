from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceplate.core.errors import TrainingError
from faceplate.core.face import HeadPose
from faceplate.core.synth.picture import HeadPicture
from faceplate.core.synth.shards import (
    SHARD,
    SetHead,
    begin_set,
    is_written,
    read_index,
    read_shard,
    row_of,
    write_index,
    write_shard,
)

_HEAD = SetHead(1, 16, first_seed=500, count=6, mix={"yaw": 60.0}, model="a", surroundings="")


def _picture(seed: int, size: int = 16) -> HeadPicture:
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.ones(6), (size, size)).astype(np.float32)

    def points(count: int) -> np.ndarray:
        return rng.uniform(0, size, (count, 2)).astype(np.float32)

    return HeadPicture(
        rgb=rng.exponential(1, (size, size, 3)).astype(np.float32),
        coverage=share,
        mesh478=points(478),
        wflw98=points(98),
        ibug68=points(68),
        visible478=rng.random(478) < 0.5,
        pose=HeadPose(rng.uniform(-60, 60), 5.0, -3.0),
        expression=rng.random(53).astype(np.float32),
        gaze=np.array([3, -2], np.float32),
        depth=np.full((size, size), np.inf, np.float32),
        uv=np.full((size, size, 2), np.nan, np.float32),
        identity=2**40 + seed,
        seed=seed,
        tags=frozenset({"hand", f"tone{seed % 6}"}),
    )


def _write(folder: Path, number: int, count: int = 3) -> list[dict[str, np.ndarray]]:
    rows = [row_of(_picture(500 + number * 3 + k)) for k in range(count)]
    write_shard(folder, number, rows)
    return rows


def test_a_shard_comes_back_bit_for_bit(tmp_path: Path) -> None:
    rows = _write(tmp_path, 0)

    arrays = read_shard(tmp_path, 0)

    assert set(arrays) == set(rows[0])
    for name, array in arrays.items():
        for row, kept in zip(rows, array, strict=True):
            assert kept.dtype == row[name].dtype or name == "tags"
            assert np.array_equal(kept, row[name])


def test_a_row_keeps_light_to_half_precision_and_coverage_to_a_byte() -> None:
    picture = _picture(1)

    row = row_of(picture)

    np.testing.assert_allclose(row["rgb"].astype(np.float32), picture.rgb, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(row["coverage"] / 255, picture.coverage, atol=0.5 / 255 + 1e-6)
    assert row["identity"] == picture.identity
    assert set(str(row["tags"]).split()) == picture.tags


def test_light_beyond_a_half_is_kept_finite() -> None:
    picture = _picture(1)
    bright = replace(picture, rgb=np.full_like(picture.rgb, 1e6))

    assert np.isfinite(row_of(bright)["rgb"]).all()


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        _write(tmp_path / folder, 0)

    one, two = (tmp_path / folder / "shard_000000.npz" for folder in ("a", "b"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("harm", ["flip", "cut", "gone"])
def test_a_damaged_shard_is_refused_by_name(tmp_path: Path, harm: str) -> None:
    _write(tmp_path, 0)
    path = tmp_path / "shard_000000.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(content if harm == "flip" else content[:-9])

    with pytest.raises(TrainingError, match=r"shard_000000\.npz"):
        read_shard(tmp_path, 0)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{"])
def test_a_damaged_record_is_refused_by_name(tmp_path: Path, text: str) -> None:
    _write(tmp_path, 0)
    (tmp_path / "shard_000000.json").write_text(text)

    with pytest.raises(TrainingError, match=r"shard_000000\.json"):
        read_shard(tmp_path, 0)


def test_a_shard_counts_as_written_only_when_whole(tmp_path: Path) -> None:
    assert not is_written(tmp_path, 0, 3)
    _write(tmp_path, 0)
    path = tmp_path / "shard_000000.npz"

    assert is_written(tmp_path, 0, 3)
    assert not is_written(tmp_path, 0, 4)
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_written(tmp_path, 0, 3)


def test_the_index_lists_every_shard_whoever_wrote_it(tmp_path: Path) -> None:
    begin_set(tmp_path, _HEAD)
    for number in (1, 0):  # as if by two processes
        _write(tmp_path, number)
        write_index(tmp_path, _HEAD)

    index = read_index(tmp_path)

    assert [row["file"] for row in index["shards"]] == ["shard_000000.npz", "shard_000001.npz"]
    assert [row["first_seed"] for row in index["shards"]] == [500, 503]
    assert index["mix"] == {"yaw": 60.0}


def test_a_folder_of_another_set_is_refused(tmp_path: Path) -> None:
    begin_set(tmp_path, _HEAD)

    begin_set(tmp_path, _HEAD)
    begin_set(tmp_path, replace(_HEAD, count=12))
    with pytest.raises(TrainingError, match="mix, size"):
        begin_set(tmp_path, replace(_HEAD, size=32, mix={"yaw": 75.0}))


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"version": 99})])
def test_an_unusable_index_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.json").write_text(text)

    with pytest.raises(TrainingError, match=r"index\.json"):
        read_index(tmp_path)


def test_the_shards_of_a_set_hold_each_seed_once() -> None:
    head = replace(_HEAD, count=2 * SHARD + 5)

    shards = head.shards()

    seeds = [seed for shard in shards for seed in shard]
    assert seeds == list(range(500, 500 + head.count))
    assert [len(shard) for shard in shards] == [SHARD, SHARD, 5]
