"""The network view gives back what it was given, and changes what it was told to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from faceplate.core.arrays import FloatArray
from faceplate.core.errors import ContractError, InputError, ShapeError
from faceplate.ocio.config import ColorConfig, open_config
from faceplate.ocio.network import NetworkView, Shaper

SPACES = ("ACEScg", "lin_rec709_scene", "lin_ap0_scene", "ARRI LogC4", "ACEScct")
CONFIG = open_config(None)
VIEWS = {space: NetworkView(CONFIG, space, 1.7) for space in SPACES}
LIGHT = st.floats(9.999999747378752e-05, 200.0, width=32)
SIGNED = st.one_of(LIGHT, st.floats(-200.0, -9.999999747378752e-05, width=32), st.just(0.0))


def pictures(values: st.SearchStrategy[float]) -> st.SearchStrategy[FloatArray]:
    return hnp.arrays(np.float32, (3, 4, 3), elements=values)


def relative(result: FloatArray, wanted: FloatArray) -> float:
    """Return the largest error against each pixel's largest channel."""
    size = np.maximum(np.abs(wanted).max(axis=2), 1e-4)
    return float((np.abs(result - wanted).max(axis=2) / size).max())


def srgb(linear: FloatArray) -> FloatArray:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_codes_are_srgb_up_to_the_knee_and_reach_one_at_white() -> None:
    shaper = Shaper()
    low = np.linspace(0, 0.5, 5000, dtype=np.float32)

    np.testing.assert_allclose(shaper.encode(low), srgb(low.astype(np.float64)), atol=1e-6)
    assert shaper.encode(np.float32([16.0]))[0] == pytest.approx(1.0, abs=1e-6)
    assert Shaper(white=64.0).encode(np.float32([64.0]))[0] == pytest.approx(1.0, abs=1e-6)


def test_codes_rise_steadily_and_without_a_kink() -> None:
    linear = np.linspace(-4, 40, 400_001)
    codes = Shaper().encode(linear.astype(np.float32)).astype(np.float64)
    assert (np.diff(codes) > 0).all()

    near = np.array([0.4999, 0.49995, 0.5, 0.50005, 0.5001])
    slopes = np.diff(Shaper().encode(near.astype(np.float32)).astype(np.float64)) / np.diff(near)
    assert slopes == pytest.approx(slopes.mean(), rel=5e-3)


@settings(deadline=None)  # the first call compiles
@given(pictures(SIGNED))
def test_decoding_undoes_encoding(linear: FloatArray) -> None:
    for shaper in (Shaper(), Shaper(0.3, 64.0)):
        back = shaper.decode(shaper.encode(linear))
        np.testing.assert_allclose(back, linear, rtol=1e-5, atol=1e-9)
        np.testing.assert_array_equal(shaper.encode(-linear), -shaper.encode(linear))


@settings(deadline=None)  # the first call compiles
@given(pictures(SIGNED))
def test_way_to_the_codes_and_back_keeps_the_plate(scene: FloatArray) -> None:
    for space in SPACES[:3]:
        view = VIEWS[space]
        back = view.scene(view.decode(view.encode(view.linear(scene))))
        assert relative(back, scene) < 1e-5


@settings(deadline=None)  # the first call compiles
@given(pictures(SIGNED))
def test_a_network_that_changes_nothing_changes_nothing(scene: FloatArray) -> None:
    for view in VIEWS.values():
        np.testing.assert_array_equal(view.apply(scene, view.picture(scene)), scene)


def test_saturated_aces_colour_survives_an_identity_network() -> None:
    view = VIEWS["ACEScg"]
    scene = np.eye(3, dtype=np.float32)[None] * np.float32(5.0)
    assert view.linear(scene).min() < -0.1  # outside Rec.709, where a clip would lose it

    np.testing.assert_array_equal(view.apply(scene, view.picture(scene)), scene)


def test_highlights_beside_and_on_the_face_keep_their_height() -> None:
    view = VIEWS["ACEScg"]
    scene = np.full((2, 2, 3), 0.2, np.float32)
    scene[0, 0] = 40.0
    scene[0, 1] = 8.0
    scene[1, 0] = -0.05
    picture = view.picture(scene)
    answer = picture.copy()
    answer[1, 1] += 0.1

    result = view.apply(scene, answer)

    np.testing.assert_array_equal(result[0], scene[0])
    np.testing.assert_array_equal(result[1, 0], scene[1, 0])
    assert result[1, 1].min() > 0.25
    wobble = view.apply(scene, picture + np.float32(0.005))
    assert np.abs(wobble[0, 1] / 8.0 - 1.0).max() < 0.12
    assert np.abs(wobble[0, 0] / 40.0 - 1.0).max() < 0.12


def test_in_mid_tones_the_answer_is_what_the_network_said() -> None:
    view = NetworkView(CONFIG, "lin_rec709_scene", 2.0)
    scene = np.full((4, 4, 3), 0.1, np.float32)
    answer = np.full((4, 4, 3), 0.3, np.float32)

    result = view.apply(scene, answer)

    wanted = ((0.3 + 0.055) / 1.055) ** 2.4 / 2.0
    np.testing.assert_allclose(result, wanted, rtol=1e-5)


def test_bad_plate_pixels_do_not_spread() -> None:
    view = VIEWS["ACEScg"]
    scene = np.full((3, 3, 3), 0.18, np.float32)
    scene[1, 1] = [np.nan, 0.2, np.inf]

    picture = view.picture(scene)
    result = view.apply(scene, picture + np.float32(0.01))

    assert np.isfinite(picture).all()
    assert np.isfinite(result).all()
    assert (picture[1, 1] == 0).all()


def test_the_picture_is_inside_the_network_domain() -> None:
    scene = np.random.default_rng(0).normal(0, 30, (32, 32, 3)).astype(np.float32)

    picture = VIEWS["ARRI LogC4"].picture(scene)

    assert picture.dtype == np.float32
    assert picture.min() >= 0.0
    assert picture.max() <= 1.0


def test_the_gain_brightens_the_picture_and_leaves_the_plate() -> None:
    scene = np.full((2, 2, 3), 0.02, np.float32)
    dark, bright = (NetworkView(CONFIG, "ACEScg", gain) for gain in (1.0, 8.0))

    assert bright.picture(scene).mean() > 2 * dark.picture(scene).mean()
    np.testing.assert_array_equal(bright.apply(scene, bright.picture(scene)), scene)


def test_senseless_settings_are_refused() -> None:
    config: ColorConfig = CONFIG
    for gain in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="exposure gain"):
            NetworkView(config, "ACEScg", gain)
    with pytest.raises(ContractError):
        Shaper(knee=2.0, white=1.0)
    view = VIEWS["ACEScg"]
    with pytest.raises(ShapeError):
        view.apply(np.zeros((2, 2, 3), np.float32), np.zeros((2, 3, 3), np.float32))
