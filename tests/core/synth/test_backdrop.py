from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from faceplate.core.errors import InputError
from faceplate.core.synth.backdrop import Backdrop, paint, read_surroundings, sample_backdrop


def _plain(kind: str, **changes: object) -> Backdrop:
    base = Backdrop(kind, blur=0.0, light=1.0, tint=(1.0, 1.0, 1.0), people=0, detail=3)
    return replace(base, **changes)


def _compass() -> np.ndarray:
    """Return an environment map whose red grows with longitude, green with height."""
    y, x = np.mgrid[0:64, 0:128].astype(np.float32)
    return np.stack([x / 128, 1 - y / 64, np.full_like(x, 0.5)], -1)


@pytest.mark.parametrize("seed", range(60))
def test_every_backdrop_is_finite_light_of_the_size_asked_for(seed: int) -> None:
    backdrop = sample_backdrop(np.random.default_rng(seed))

    picture = paint(backdrop, 48 + seed, (_compass(),))

    assert picture.shape == (48 + seed, 48 + seed, 3)
    assert picture.dtype == np.float32
    assert np.isfinite(picture).all()
    assert (picture >= 0).all()


@pytest.mark.parametrize("kind", ["clutter", "room", "foliage", "bokeh", "wall", "skin", "white"])
def test_the_same_numbers_paint_the_same_picture(kind: str) -> None:
    one, two = (paint(_plain(kind, people=2), 64) for _ in range(2))

    other = paint(_plain(kind, people=2, detail=4), 64)

    assert one.tobytes() == two.tobytes()
    assert one.tobytes() != other.tobytes()


def test_backdrops_reach_from_black_to_far_above_white() -> None:
    rng = np.random.default_rng(0)
    means = [paint(sample_backdrop(rng), 32).mean() for _ in range(200)]

    assert min(means) < 0.005
    assert max(means) > 4


def test_light_and_tint_are_factors() -> None:
    picture = paint(_plain("clutter"), 64)

    bright = paint(_plain("clutter", light=2.0, tint=(1.0, 0.5, 1.5)), 64)

    np.testing.assert_allclose(bright, picture * [2.0, 1.0, 3.0], rtol=1e-5)


def test_blur_takes_detail_away_and_keeps_light() -> None:
    sharp = paint(_plain("foliage"), 128)

    soft = paint(_plain("foliage", blur=0.03), 128)

    assert np.abs(np.diff(soft, axis=1)).mean() < 0.4 * np.abs(np.diff(sharp, axis=1)).mean()
    assert soft.mean() == pytest.approx(sharp.mean(), rel=0.1)


def test_people_change_the_picture() -> None:
    empty, full = (paint(_plain("wall", people=count), 96) for count in (0, 3))

    assert (np.abs(empty - full).max(-1) > 0.01).mean() > 0.03


def test_a_part_of_the_surroundings_has_the_sky_above() -> None:
    picture = paint(_plain("surroundings"), 96, (_compass(),))

    rows = picture[..., 1].mean(1)
    assert rows[:20].mean() > rows[-20:].mean() * 1.2


def test_without_maps_surroundings_are_painted() -> None:
    np.testing.assert_array_equal(paint(_plain("surroundings"), 64), paint(_plain("clutter"), 64))


def test_a_backdrop_is_plain_json() -> None:
    backdrop = sample_backdrop(np.random.default_rng(2))

    assert json.loads(json.dumps(asdict(backdrop)))["kind"] == backdrop.kind


def test_surroundings_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "maps.npz"
    np.savez_compressed(path, b=_compass().astype(np.float16), a=np.zeros((4, 8, 3), np.float16))

    first, second = read_surroundings(path)

    assert first.shape == (4, 8, 3)
    np.testing.assert_allclose(second, _compass(), atol=1e-3)


@pytest.mark.parametrize(
    "content",
    [None, b"", b"not a zip", {"flat": np.zeros((4, 8), np.float32)}, {}],
    ids=["missing", "empty", "text", "grey", "no maps"],
)
def test_unusable_surroundings_are_named(
    tmp_path: Path, content: bytes | dict[str, np.ndarray] | None
) -> None:
    path = tmp_path / "maps.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.savez(path, **content)

    with pytest.raises(InputError, match=r"maps\.npz"):
        read_surroundings(path)
