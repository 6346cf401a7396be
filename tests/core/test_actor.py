"""Actors built from real and made-up footage."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.core.actor import Actor, ActorSettings, build_actor, read_actor, write_actor
from faceplate.core.arrays import ByteArray
from faceplate.core.errors import ActorError
from faceplate.core.io.footage import open_footage
from faceplate.ocio.config import ColorConfig, open_config

data = pytest.importorskip("skimage.data")


@pytest.fixture(scope="module")
def config() -> ColorConfig:
    return open_config(None)


@pytest.fixture(scope="module")
def astronaut() -> ByteArray:
    return data.astronaut()


def _build(path: Path, picture: ByteArray, config: ColorConfig, **settings: object) -> Actor:
    cv2.imwrite(str(path), picture[..., ::-1])
    readers = [open_footage(str(path), config)]
    return build_actor(readers, config, name="ana", settings=ActorSettings(**settings))


def test_one_picture_makes_an_actor(tmp_path: Path, config: ColorConfig, astronaut: ByteArray):
    actor = _build(tmp_path / "a.png", astronaut, config)

    (view,) = actor.views
    assert view.name == "a.png"
    assert actor.map.weights_at(50, -30).tolist() == [1]
    assert actor.consent is None
    # The margin is as promised, on every side where there are pixels.
    low, high = view.mesh[:468, :2].min(axis=0), view.mesh[:468, :2].max(axis=0)
    height, width = view.picture.shape[:2]
    assert min(*low, width - high[0], height - high[1]) > 0.5 * view.face_height
    # Its crop is the linearised picture, pixel for pixel.
    linear = ((astronaut / 255 + 0.055) / 1.055) ** 2.4
    linear = np.where(astronaut / 255 <= 0.04045, astronaut / 255 / 12.92, linear)
    gaps = cv2.matchTemplate(
        linear.astype(np.float32), view.picture.astype(np.float32), cv2.TM_SQDIFF
    )
    assert gaps.min() / view.picture.size < 1e-6


def test_the_same_footage_gives_the_same_bytes(
    tmp_path: Path, config: ColorConfig, astronaut: ByteArray
):
    for name, threads in (("one", 1), ("two", 2)):
        write_actor(tmp_path / name, _build(tmp_path / "a.png", astronaut, config, threads=threads))

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert read_actor(tmp_path / "one").name == "ana"


def test_the_fringe_and_the_background_are_no_skin(
    tmp_path: Path, config: ColorConfig, astronaut: ByteArray
):
    (view,) = _build(tmp_path / "a.png", astronaut, config).views

    nose, top = view.mesh[4, :2].astype(int), view.mesh[10, :2].astype(int)
    assert view.skin_coverage[nose[1], nose[0]] > 0.95
    assert view.skin_coverage[top[1] - 16 : top[1] - 6, top[0] - 4 : top[0] + 4].max() < 0.1
    assert view.skin_coverage[:10].max() == 0


def test_a_small_face_is_refused_with_its_size(
    tmp_path: Path, config: ColorConfig, astronaut: ByteArray
):
    small = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)

    with pytest.raises(ActorError, match=r"largest face is 5\d pixels high; at least 64"):
        _build(tmp_path / "a.png", small, config)


def test_footage_without_a_face_is_refused(tmp_path: Path, config: ColorConfig):
    with pytest.raises(ActorError, match=r"No face was found in a\.png"):
        _build(tmp_path / "a.png", np.full((120, 160, 3), 128, np.uint8), config)


def test_a_face_number_that_is_not_there_is_refused(
    tmp_path: Path, config: ColorConfig, astronaut: ByteArray
):
    with pytest.raises(ActorError, match="no face number 3"):
        _build(tmp_path / "a.png", astronaut, config, face=3)


def test_a_reference_of_somebody_else_finds_nobody(
    tmp_path: Path, config: ColorConfig, astronaut: ByteArray
):
    stranger = np.full(128, 0.5, np.float32)

    with pytest.raises(ActorError, match="does not show the person"):
        _build(tmp_path / "a.png", astronaut, config, reference=stranger)


def test_no_room_for_a_view_is_refused(config: ColorConfig):
    with pytest.raises(ActorError, match="at least one view"):
        build_actor([], config, name="ana", settings=ActorSettings())
