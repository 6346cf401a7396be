"""Scene light as a person sees it."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.errors import ColorSpaceError
from faceplate.ocio.config import open_config
from faceplate.ocio.display import DisplayView


def test_more_light_is_never_darker_and_stays_on_the_display():
    view = DisplayView(open_config(None), "lin_rec709_scene")
    ramp = np.geomspace(1e-3, 1e3, 64, dtype=np.float32)[None, :, None].repeat(3, axis=2)

    codes = view(ramp)

    assert codes.dtype == np.float32
    assert 0 <= codes.min() <= codes.max() <= 1
    assert (np.diff(codes[0, :, 1]) > -2e-3).all()
    assert codes[0, -1, 1] - codes[0, 0, 1] > 0.9


def test_the_same_light_looks_the_same_from_every_space():
    config = open_config(None)
    grey = np.full((1, 1, 3), 0.18, np.float32)

    a, b = (DisplayView(config, space)(grey) for space in ("lin_rec709_scene", "ACEScg"))

    np.testing.assert_allclose(a, b, atol=2e-3)


def test_wild_pixels_stay_alone_and_the_picture_is_not_written_to():
    view = DisplayView(open_config(None), "ACEScg")
    scene = np.full((2, 2, 3), 0.18, np.float32)
    scene[0, 0] = [np.nan, np.inf, -np.inf]
    before = scene.copy()

    codes = view(scene)

    assert np.isfinite(codes).all()
    np.testing.assert_array_equal(codes[1, 1], codes[0, 1])
    np.testing.assert_array_equal(scene, before)


def test_an_unknown_space_is_refused():
    with pytest.raises(ColorSpaceError):
        DisplayView(open_config(None), "no such space")
