from __future__ import annotations

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest

from faceplate.core.errors import ShapeError
from faceplate.core.synth.camera import CLEAN, CameraSettings, letterbox, photograph
from faceplate.ocio.network import Shaper


def _light(size: int = 96) -> np.ndarray:
    """Return a gentle picture with a bright disc and a dark one."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    light = np.stack([0.1 + 0.5 * x, 0.1 + 0.4 * y, 0.2 + 0.2 * x * y], -1)
    light[np.hypot(x - 0.3, y - 0.3) < 0.1] = 6.0
    light[np.hypot(x - 0.7, y - 0.6) < 0.15] = 0.02
    return light.astype(np.float32)


def _only(**shares: float) -> CameraSettings:
    return replace(CLEAN, **shares)


def test_a_clean_camera_is_the_plain_encoding_within_half_a_code() -> None:
    light = _light()

    picture = photograph(light, np.random.default_rng(0), CLEAN)

    codes = np.clip(Shaper().encode(light), 0, 1) * 255
    assert np.abs(picture - codes).max() <= 0.5 + 1e-4


def test_the_same_seed_gives_the_same_photograph_and_another_one_another() -> None:
    light = _light()
    first = photograph(light, np.random.default_rng(7))

    again, other = (photograph(light, np.random.default_rng(seed)) for seed in (7, 8))

    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("seed", range(40))
def test_a_photograph_keeps_its_size_and_leaves_the_light_alone(seed: int) -> None:
    light = _light(64 + seed)[:, : 50 + seed].copy()
    before = light.copy()

    picture = photograph(light, np.random.default_rng(seed), CameraSettings().scaled(2))

    assert picture.shape == light.shape
    assert picture.dtype == np.uint8
    assert picture.std() > 1
    np.testing.assert_array_equal(light, before)


@pytest.mark.parametrize("seed", range(30))
def test_no_fault_moves_the_picture(seed: int) -> None:
    """The dark disc's middle stays within a pixel, whatever the camera does to it."""
    size = 128
    light = np.full((size, size, 3), 0.4, np.float32)
    y, x = np.mgrid[0:size, 0:size] + 0.5
    light[np.hypot(x - 80, y - 50) < 20] = 0.02

    picture = photograph(light, np.random.default_rng(seed)).astype(np.float64).mean(-1)

    dark = cv2.GaussianBlur(picture, (0, 0), 3)
    weight = np.clip((np.median(dark) + dark.min()) / 2 - dark, 0, None)
    middle = (weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()
    assert np.hypot(middle[0] - 80, middle[1] - 50) < 1.2


def test_grey_has_no_colour() -> None:
    picture = photograph(_light(), np.random.default_rng(0), _only(video=1.0, grey=1.0))

    assert np.ptp(picture.astype(int), axis=-1).max() == 0


@pytest.mark.parametrize("fault", ["defocus", "motion", "small"])
def test_blur_takes_detail_away(fault: str) -> None:
    light = np.random.default_rng(1).uniform(0.1, 0.5, (96, 96, 3)).astype(np.float32)
    sharp = photograph(light, np.random.default_rng(0), CLEAN).astype(float)

    soft = photograph(light, np.random.default_rng(0), _only(**{fault: 1.0})).astype(float)

    detail = [np.abs(np.diff(picture, axis=k)).mean() for picture in (soft, sharp) for k in (0, 1)]
    assert detail[0] + detail[1] < 0.8 * (detail[2] + detail[3])


def test_grain_has_no_mean_and_grows_with_exposed_light() -> None:
    rng = np.random.default_rng(3)
    dark, bright = (np.full((96, 96, 3), level, np.float32) for level in (0.01, 0.45))
    shaper = Shaper()

    spread = []
    for level in (dark, bright):
        seen = [photograph(level, rng, _only(grain=1.0)) / 255 for _ in range(30)]
        light = np.stack([shaper.decode(s.astype(np.float32)) for s in seen])
        assert light.mean() == pytest.approx(level.mean(), rel=0.03)
        spread.append(light.std())

    assert spread[1] > 1.5 * spread[0]


def test_video_clips_at_white_and_a_plate_does_not() -> None:
    light = np.full((32, 32, 3), 8.0, np.float32)

    plate, video = (photograph(light, np.random.default_rng(0), _only(video=v)) for v in (0.0, 1.0))

    white = Shaper().encode(np.ones(1, np.float32))[0] * 255
    assert plate.min() > white + 20
    assert abs(float(video.max()) - white) <= 1


def test_jpeg_leaves_blocks_of_eight() -> None:
    y, x = np.mgrid[0:128, 0:128].astype(np.float32)
    light = np.repeat((0.2 + 0.15 * np.sin(x / 9 + y / 13))[..., None], 3, -1).astype(np.float32)
    picture = photograph(light, np.random.default_rng(4), _only(video=1.0, jpeg=1.0)).astype(float)

    error = picture - photograph(light, np.random.default_rng(4), _only(video=1.0))
    step = np.abs(np.diff(error.mean(-1), axis=1)).mean(0)
    at_blocks = step[7::8].mean()
    between = np.delete(step, np.arange(7, len(step), 8)).mean()
    assert at_blocks > 1.3 * between


def test_settings_scaled_to_nothing_are_clean_and_never_pass_one() -> None:
    assert CameraSettings().scaled(0) == CLEAN
    strong = CameraSettings().scaled(50)
    shares = [getattr(strong, f.name) for f in fields(strong) if f.name != "exposure"]
    assert max(shares) <= 1


def test_another_shape_is_refused() -> None:
    with pytest.raises(ShapeError):
        photograph(np.zeros((8, 8), np.float32), np.random.default_rng(0))


def _covered(size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    coverage = np.zeros((size, size, 6), np.float32)
    coverage[..., 1] = 1
    return np.full((size, size, 3), 0.5, np.float32), coverage


@pytest.mark.parametrize("seed", range(20))
def test_borders_are_plain_and_of_no_class(seed: int) -> None:
    rgb, coverage = _covered()

    framed, classes = letterbox(rgb, coverage, np.random.default_rng(seed), share=1.0)

    border = classes[..., 0] == 1
    assert len(np.unique(framed[border].reshape(-1, 3), axis=0)) <= 1
    np.testing.assert_array_equal(classes.sum(-1), 1)
    np.testing.assert_array_equal(framed[~border], rgb[~border])
    assert (~border).mean() > 0.25


def test_without_borders_nothing_is_copied() -> None:
    rgb, coverage = _covered()

    framed, classes = letterbox(rgb, coverage, np.random.default_rng(0), share=0.0)

    assert framed is rgb
    assert classes is coverage
