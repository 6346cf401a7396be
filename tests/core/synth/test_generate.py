from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from faceplate.core.cli import app
from faceplate.core.errors import KnobError, TrainingError
from faceplate.core.synth import shards
from faceplate.core.synth.generate import make_set
from faceplate.core.synth.mix import VIEWS, Mix
from faceplate.core.synth.shards import read_index, read_shard
from faceplate.core.training.dataset import open_set

_SIZE = 48


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD", 2)


def _make(folder: Path, count: int = 5, **options: object) -> bool:
    given = {"first_seed": 40, "size": _SIZE, "mix": Mix(), **options}
    return make_set(None, folder, count=count, **given)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD", 2)
        assert _make(folder)
    return folder


def test_a_set_holds_every_seed_in_order(whole: Path) -> None:
    seeds = [seed for number in range(3) for seed in read_shard(whole, number)["seeds"]]

    assert seeds == [40, 41, 42, 43, 44]
    assert [row["count"] for row in read_index(whole)["shards"]] == [2, 2, 1]


def test_the_training_house_reads_the_set(whole: Path) -> None:
    pictures = open_set([whole])

    sample = pictures.sample(3)

    assert len(pictures) == 5
    assert sample.seed == 43
    assert sample.linear.shape == (_SIZE, _SIZE, 3)
    total = sample.coverage.astype(int).sum(-1)
    assert np.abs(total - 255).max() <= 3
    assert any(tag.startswith("tone") for tag in sample.tags)


def test_a_set_that_was_stopped_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, whole: Path
) -> None:
    asked = iter([False, False, False, True])
    seen: list[tuple[int, int]] = []

    first = _make(tmp_path, should_stop=lambda: next(asked))
    there = _bytes(tmp_path)
    second = _make(tmp_path, progress=lambda done, total: seen.append((done, total)))

    assert (first, second) == (False, True)
    assert sorted(there) == ["index.json", "shard_000000.json", "shard_000000.npz"]
    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert _bytes(tmp_path) == _bytes(whole)


def test_a_set_may_grow_and_keeps_its_pictures(tmp_path: Path, whole: Path) -> None:
    _make(tmp_path, count=2)
    before = (tmp_path / "shard_000000.npz").stat().st_mtime_ns

    _make(tmp_path)

    assert (tmp_path / "shard_000000.npz").stat().st_mtime_ns == before
    assert _bytes(tmp_path) == _bytes(whole)


def test_a_shard_that_was_cut_short_is_rendered_again(tmp_path: Path, whole: Path) -> None:
    for name, content in _bytes(whole).items():
        (tmp_path / name).write_bytes(content)
    damaged = tmp_path / "shard_000001.npz"
    damaged.write_bytes(damaged.read_bytes()[:-100])

    assert _make(tmp_path)

    assert _bytes(tmp_path) == _bytes(whole)


def test_another_mix_does_not_go_into_the_same_folder(whole: Path) -> None:
    with pytest.raises(TrainingError, match="mix"):
        _make(whole, mix=Mix(yaw=75.0))


def test_views_of_a_person_follow_each_other_in_one_light(tmp_path: Path) -> None:
    _make(tmp_path, views=2, count=4, first_seed=6, mix=VIEWS)

    rows = [read_shard(tmp_path, number) for number in range(2)]

    assert [row["seeds"].tolist() for row in rows] == [[6, 7], [8, 9]]
    assert [row["view"].tolist() for row in rows] == [[0, 1], [0, 1]]
    assert rows[0]["identity"][0] == rows[0]["identity"][1] != rows[1]["identity"][0]
    assert np.abs(rows[0]["pose"][0] - rows[0]["pose"][1]).max() > 1
    assert open_set([tmp_path]).column("expression").shape == (4, 53)
    # Where the backdrop is seen in both, it is the same.
    bare = (rows[0]["coverage"][..., 0] == 255).all(axis=0)
    first, second = rows[0]["rgb"].astype(np.float32)
    assert bare.sum() > 100
    np.testing.assert_allclose(first[bare][:40], second[bare][:40], atol=0.05)


def test_a_set_of_views_does_not_go_on_as_one_of_strangers(tmp_path: Path) -> None:
    _make(tmp_path, views=2, count=2)

    with pytest.raises(TrainingError, match="mix"):
        _make(tmp_path, count=2)


@pytest.mark.parametrize("knob", ["count", "size", "views", "workers"])
def test_senseless_numbers_are_refused_before_anything_is_written(
    tmp_path: Path, knob: str
) -> None:
    with pytest.raises(KnobError, match=knob):
        _make(tmp_path / "none", **{knob: 0})

    assert not (tmp_path / "none").exists()


def test_a_head_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nowhere"):
        make_set(tmp_path / "nowhere.npz", tmp_path, first_seed=0, count=1, size=_SIZE, mix=Mix())


@pytest.mark.slow
def test_several_processes_render_the_same_bytes(tmp_path: Path, whole: Path) -> None:
    assert _make(tmp_path, workers=2)

    assert _bytes(tmp_path) == _bytes(whole)


def test_the_command_renders_a_set_and_says_so(tmp_path: Path) -> None:
    words = ["synth", "--out", str(tmp_path), "--count", "1", "--seed", "7", "--size", "48"]

    ran = CliRunner().invoke(app, words)

    assert ran.exit_code == 0, ran.output
    assert "Wrote 1 pictures" in ran.output
    assert "stand-in" in ran.output
    assert read_shard(tmp_path, 0)["seeds"].tolist() == [7]


def test_the_command_refuses_a_head_that_is_no_head(tmp_path: Path) -> None:
    (tmp_path / "head.npz").write_bytes(b"not a head")

    ran = CliRunner().invoke(
        app, ["synth", "--head", str(tmp_path / "head.npz"), "--out", str(tmp_path / "set")]
    )

    assert ran.exit_code == 3
    assert "head.npz" in ran.output
