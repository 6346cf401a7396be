"""Colour spaces are found by every name they have, and what is unfit is said."""

from __future__ import annotations

from pathlib import Path

import PyOpenColorIO as OCIO  # noqa: N814 - the library's own name in capitals
import pytest

from faceplate.core.errors import ColorSpaceError
from faceplate.ocio.config import BUILT_IN, ColorConfig, open_config

STUDIO = """ocio_profile_version: 2
name: {name}
roles:
  scene_linear: {linear}
{roles}
file_rules:
  - !<Rule> {{name: Plates, colorspace: {linear}, pattern: "*plate*", extension: "exr"}}
  - !<Rule> {{name: Default, colorspace: {linear}}}
displays:
  sRGB: [!<View> {{name: Raw, colorspace: {linear}}}]
colorspaces:
  - !<ColorSpace> {{name: AP0, encoding: scene-linear}}
  - !<ColorSpace>
    name: {linear}
    aliases: [house]
    to_scene_reference: !<MatrixTransform> {{matrix: [{matrix}]}}
"""
AP1_TO_AP0 = (
    "0.695452241357, 0.140678696470, 0.163869062172, 0, "
    "0.044794563372, 0.859671118456, 0.095534318172, 0, "
    "-0.005525882558, 0.004025210306, 1.001500672252, 0, 0, 0, 0, 1"
)


def studio(folder: Path, *, roles: str = "  aces_interchange: AP0") -> ColorConfig:
    path = folder / "studio.ocio"
    text = STUDIO.format(name="house", linear="House Linear", roles=roles, matrix=AP1_TO_AP0)
    path.write_text(text)
    return open_config(str(path))


@pytest.fixture(scope="module")
def pinned() -> ColorConfig:
    return open_config(None)


@pytest.mark.parametrize(
    "name", ["ACEScg", "acescg", "ACES - ACEScg", "lin_ap1", "lin_ap1_scene", "scene_linear"]
)
def test_name_alias_role_and_interop_id_mean_the_same_space(pinned: ColorConfig, name: str) -> None:
    assert pinned.resolve(name) == "ACEScg"


def test_the_pinned_config_is_the_default_and_has_a_cache_id(pinned: ColorConfig) -> None:
    assert pinned.is_built_in
    assert f"ocio://{pinned.name}" == BUILT_IN
    assert pinned.cache_id == open_config(BUILT_IN).cache_id != ""


def test_a_misspelt_name_gets_the_nearest_ones(pinned: ColorConfig) -> None:
    with pytest.raises(ColorSpaceError, match="'ACESgc' is not in OCIO config studio") as caught:
        pinned.resolve("ACESgc")
    assert caught.value.hint.startswith("Nearest names: ACEScg")

    with pytest.raises(ColorSpaceError) as caught:
        pinned.resolve("logc4")
    assert "ARRI LogC4" in caught.value.hint


@pytest.mark.parametrize("name", ["", "\n", "zzzzzz", "%s", "../..", "\u017d"])
def test_no_name_at_all_is_an_error_too(pinned: ColorConfig, name: str) -> None:
    with pytest.raises(ColorSpaceError):
        pinned.resolve(name)


def test_data_and_display_spaces_are_no_plates(pinned: ColorConfig) -> None:
    with pytest.raises(ColorSpaceError, match="Raw holds data"):
        pinned.plate_space("data")
    with pytest.raises(ColorSpaceError, match="display-referred"):
        pinned.plate_space("srgb_rec709_display")
    assert pinned.plate_space("ocio:arrilogc4_awg4_scene") == "ARRI LogC4"


def test_file_rules_of_the_built_in_config_are_never_asked(pinned: ColorConfig) -> None:
    assert pinned.file_rule("plate.1001.exr") is None


def test_only_a_studios_own_rule_counts(tmp_path: Path) -> None:
    config = studio(tmp_path)

    assert config.file_rule("sh010_plate.1001.exr") == "House Linear"
    assert config.file_rule("sh010_render.1001.exr") is None


def test_a_studio_config_knows_its_own_names_and_all_interop_ids(tmp_path: Path) -> None:
    config = studio(tmp_path)

    assert not config.is_built_in
    assert config.name == "house"
    assert config.resolve("house") == config.resolve("scene_linear") == "House Linear"
    assert config.resolve("lin_ap1_scene") == "ACEScg"


def test_a_missing_interchange_role_is_named(tmp_path: Path) -> None:
    config = studio(tmp_path, roles="  data: AP0")

    with pytest.raises(ColorSpaceError, match="aces_interchange"):
        config.processor("House Linear", "lin_rec709_scene")


def test_a_config_that_is_none_is_named_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "bad.ocio").write_text("roles: [")

    for path in (str(tmp_path / "bad.ocio"), str(tmp_path / "gone.ocio"), "ocio://no-such-config"):
        with pytest.raises(ColorSpaceError, match="OCIO config .* cannot be used") as caught:
            open_config(path)
        assert caught.value.facts["path"] == path


def test_the_studios_space_is_bridged_to_ours(tmp_path: Path) -> None:
    ours = open_config(None).processor("ACEScg", "lin_rec709_scene")
    theirs = studio(tmp_path).processor("house", "lin_rec709_scene")

    for rgb in ([0.18, 0.18, 0.18], [1.0, 0.0, 0.0], [-0.1, 8.0, 40.0]):
        wanted = ours.getDefaultCPUProcessor().applyRGB(rgb)
        assert theirs.getDefaultCPUProcessor().applyRGB(rgb) == pytest.approx(wanted, rel=2e-5)
    assert OCIO.GetVersion() >= "2.5"
