"""Conversion is exact to float precision, unclamped, and a bad pixel stays alone."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.arrays import FloatArray
from faceplate.core.errors import ColorSpaceError, ShapeError
from faceplate.ocio.config import LINEAR, ColorConfig, open_config
from faceplate.ocio.convert import Converter, without_wild


@pytest.fixture(scope="module")
def config() -> ColorConfig:
    return open_config(None)


def wide(shape: tuple[int, ...] = (64, 64, 3)) -> FloatArray:
    powers = np.random.default_rng(3).uniform(-4.0, 2.3, shape)
    return (10.0**powers).astype(np.float32)


def matrix(primaries: list[tuple[float, float]], white: tuple[float, float]) -> np.ndarray:
    """Return RGB to XYZ from chromaticities, by the book."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    x, y = white
    scale = np.linalg.solve(columns, [x / y, 1.0, (1 - x - y) / y])
    return np.asarray(columns * scale)


def test_rec2020_to_rec709_agrees_with_the_primaries(config: ColorConfig) -> None:
    d65 = (0.3127, 0.329)
    to_xyz = matrix([(0.708, 0.292), (0.17, 0.797), (0.131, 0.046)], d65)
    from_xyz = np.linalg.inv(matrix([(0.64, 0.33), (0.3, 0.6), (0.15, 0.06)], d65))
    rgb = wide()

    result = Converter(config, "lin_rec2020_scene", LINEAR)(rgb)

    wanted = rgb.astype(np.float64) @ (from_xyz @ to_xyz).T
    assert np.all(np.abs(result - wanted).max(axis=2) <= 2e-5 * rgb.max(axis=2))


def test_srgb_texture_agrees_with_the_standard(config: ColorConfig) -> None:
    codes = np.linspace(0, 1, 3 * 4096, dtype=np.float32).reshape(64, 64, 3)

    linear = Converter(config, "srgb_rec709_scene", LINEAR)(codes)

    wanted = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(linear, wanted, rtol=5e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("space", "limit"),
    [
        ("lin_ap1_scene", 1e-6),
        ("lin_ap0_scene", 1e-6),
        ("ocio:acescct_ap1_scene", 5e-5),
        ("ocio:arrilogc3_awg3_scene", 5e-5),
        ("ocio:arrilogc4_awg4_scene", 1.5e-3),
        ("ocio:slog3_sgamut3_scene", 6e-5),
    ],
)
def test_there_and_back_loses_next_to_nothing(
    config: ColorConfig, space: str, limit: float
) -> None:
    rgb = wide()

    back = Converter(config, space, LINEAR)(Converter(config, LINEAR, space)(rgb))

    assert np.max(np.abs(back - rgb).max(axis=2) / rgb.max(axis=2)) < limit


def test_a_bad_pixel_becomes_black_alone_and_is_counted(config: ColorConfig) -> None:
    rgb = wide((4, 5, 4))
    rgb[0, 0, 1] = np.nan
    rgb[1, 2, 0] = np.inf
    rgb[3, 4, 3] = -np.inf
    kept = rgb.copy()

    result, replaced = Converter(config, "ACEScg", LINEAR).counted(rgb)

    assert replaced == 3
    assert np.isfinite(result).all()
    assert (result[0, 0, :3] == 0).all()
    assert (result[1, 2, :3] == 0).all()
    assert result[3, 4, 3] == 0
    assert result[3, 4, 0] != 0
    np.testing.assert_array_equal(rgb, kept)
    clean = rgb.copy()
    clean[[0, 1], [0, 2], :3] = 0
    clean[3, 4, 3] = 0
    np.testing.assert_array_equal(result, Converter(config, "ACEScg", LINEAR)(clean))


def test_codes_beyond_all_light_become_black_instead_of_nan(config: ColorConfig) -> None:
    codes = np.full((2, 2, 3), 0.4, np.float32)
    codes[0, 0] = 90.0

    linear, replaced = Converter(config, "ARRI LogC4", LINEAR).counted(codes)

    assert replaced == 1
    assert np.isfinite(linear).all()


def test_finite_giants_are_not_taken_for_bad_ones() -> None:
    rgb = np.full((8, 8, 3), 3e38, np.float32)

    clean, replaced = without_wild(rgb)

    assert replaced == 0
    np.testing.assert_array_equal(clean, rgb)


def test_views_alpha_and_empty_pictures_are_taken(config: ColorConfig) -> None:
    converter = Converter(config, "ACEScg", LINEAR)
    rgba = wide((8, 9, 4))
    strided = rgba[::2, ::-1, :3]

    np.testing.assert_array_equal(converter(strided), converter(np.ascontiguousarray(strided)))
    np.testing.assert_array_equal(converter(rgba)[..., 3], rgba[..., 3])
    assert converter(np.zeros((0, 5, 3), np.float32)).shape == (0, 5, 3)
    same = Converter(config, "ACEScg", "lin_ap1_scene")
    assert same.is_identity
    assert same(rgba) is not rgba


def test_other_types_and_unknown_spaces_are_refused(config: ColorConfig) -> None:
    converter = Converter(config, "ACEScg", LINEAR)
    for wrong in (np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.float32), np.zeros(3, np.float32)):
        with pytest.raises(ShapeError):
            converter(wrong)
    with pytest.raises(ColorSpaceError):
        Converter(config, "ACEScg", "nowhere")
