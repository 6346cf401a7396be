"""Skin coverage on made-up heads."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.geometry.regions import EYE_LEFT, EYE_RIGHT, NOSE, SKIN, fill_regions
from faceplate.core.stages.matte import guided_filter, skin_coverage

_SKIN = np.array([0.42, 0.24, 0.16], np.float32)
_HAIR = np.array([0.03, 0.02, 0.015], np.float32)
_SIZE = (360, 320)


def _mesh(height: float = 220.0) -> DoubleArray:
    vertices = canonical_face().vertices
    scale = height / np.ptp(vertices[:, 1])
    mesh = np.column_stack(
        [vertices[:, 0] * scale + 160, -vertices[:, 1] * scale + 190, -vertices[:, 2] * scale]
    )
    irises = [mesh[[33, 133]].mean(axis=0)] * 5 + [mesh[[263, 362]].mean(axis=0)] * 5
    return np.vstack([mesh, irises])


def _head(seed: int = 0) -> FloatArray:
    """Skin everywhere, with light that falls off to one side, and some grain."""
    rng = np.random.default_rng(seed)
    light = np.exp2(np.linspace(0.7, -0.7, _SIZE[1], dtype=np.float32))[None, :, None]
    grain = 1 + 0.02 * rng.standard_normal((*_SIZE, 3)).astype(np.float32)
    return (_SKIN * light * grain).astype(np.float32)


def _fringe(picture: FloatArray, mesh: DoubleArray, *, above: int = 22) -> slice:
    """Paint hair from the top of the picture down to above the brows; return its rows."""
    bottom = int(mesh[105, 1] - above)
    picture[:bottom] = _HAIR
    return slice(int(mesh[10, 1]) - 5, bottom - 6)


def test_a_dark_fringe_is_no_skin_and_the_face_below_it_is():
    mesh, picture = _mesh(), _head()
    rows = _fringe(picture, mesh)

    coverage = skin_coverage(picture, mesh, None, skin=None)

    columns = slice(int(mesh[103, 0]) + 8, int(mesh[332, 0]) - 8)
    assert coverage[rows, columns].max() < 0.02
    assert coverage[fill_regions(SKIN, mesh, _SIZE) > 0].min() > 0.98


def test_a_bare_forehead_is_skin():
    mesh = _mesh()

    coverage = skin_coverage(_head(), mesh, None, skin=None)

    assert coverage[int(mesh[10, 1]) : int(mesh[9, 1]), 140:180].min() > 0.95


def test_eyes_inside_the_face_count_as_face():
    mesh, picture = _mesh(), _head()
    eyes = fill_regions([EYE_LEFT, EYE_RIGHT], mesh, _SIZE) > 0
    picture[eyes] = [0.05, 0.1, 0.3]

    coverage = skin_coverage(picture, mesh, None, skin=None)

    assert coverage[eyes].min() > 0.95


def test_a_mole_inside_the_face_leaves_no_hole_but_a_bar_from_outside_does():
    mesh = _mesh()
    spot, bar = _head(), _head()
    x, y = mesh[NOSE[1], :2].astype(int)
    y += 40
    spot[y - 4 : y + 4, x + 34 : x + 42] = _HAIR
    bar[y - 8 : y + 8, : x - 30] = [0.0, 0.3, 0.02]

    with_spot = skin_coverage(spot, mesh, None, skin=None)
    with_bar = skin_coverage(bar, mesh, None, skin=None)

    assert with_spot[y, x + 38] > 0.95
    assert with_bar[y - 3 : y + 3, x - 65 : x - 40].max() < 0.1


def test_light_on_a_fringe_that_hangs_apart_from_the_face_is_no_skin():
    mesh, picture = _mesh(), _head()
    lock = _head()[: _SIZE[0]].copy()
    rows = _fringe(picture, mesh, above=6)
    glow = slice(rows.start + 4, rows.start + 14)
    picture[glow, 140:180] = lock[glow, 140:180]

    coverage = skin_coverage(picture, mesh, None, skin=None)

    assert coverage[glow, 140:180].max() < 0.05


def test_nothing_is_covered_outside_the_mesh_or_the_person():
    mesh = _mesh()
    person = np.ones(_SIZE, np.float32)
    person[:, 210:] = 0

    coverage = skin_coverage(_head(), mesh, person, skin=None)

    assert coverage[:, 225:].max() < 0.05
    assert coverage[-20:].max() == 0
    assert coverage[int(mesh[4, 1]), int(mesh[4, 0])] > 0.98


def test_a_person_matte_that_misses_the_face_is_not_believed():
    mesh = _mesh()

    alone = skin_coverage(_head(), mesh, None, skin=None)
    denied = skin_coverage(_head(), mesh, np.zeros(_SIZE, np.float32), skin=None)

    np.testing.assert_array_equal(alone, denied)


def test_coverage_does_not_depend_on_exposure():
    mesh, picture = _mesh(), _head()
    _fringe(picture, mesh)

    usual = skin_coverage(picture, mesh, None, skin=None)
    bright = skin_coverage(picture * np.float32(4), mesh, None, skin=None)

    assert np.abs(usual - bright).max() < 0.02


def test_grain_moves_coverage_little():
    mesh = _mesh()
    pictures = [_head(seed) for seed in (1, 2)]
    for picture in pictures:
        _fringe(picture, mesh)

    a, b = (skin_coverage(picture, mesh, None, skin=None) for picture in pictures)

    assert np.abs(a - b).mean() < 0.003


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((*_SIZE, 3), np.float32),
        np.full((*_SIZE, 3), np.nan, np.float32),
        np.full((*_SIZE, 3), np.inf, np.float32),
        np.full((*_SIZE, 3), -5.0, np.float32),
        np.full((*_SIZE, 3), [0.0, 1.0, 0.0], np.float32),
    ],
    ids=["black", "nan", "infinite", "negative", "green"],
)
def test_a_picture_without_skin_gives_finite_coverage(picture):
    coverage = skin_coverage(picture, _mesh(), None, skin=np.zeros(6, np.float32))

    assert coverage.shape == _SIZE
    assert coverage.dtype == np.float32
    assert np.isfinite(coverage).all()
    assert 0 <= coverage.min() <= coverage.max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (40, 2)])
def test_tiny_pictures_and_faces_outside_them_are_no_trouble(size):
    picture = np.full((*size, 3), 0.2, np.float32)

    for mesh in (_mesh(), _mesh() + [5000, -5000, 0], _mesh(5.0)):
        assert skin_coverage(picture, mesh, None, skin=None).shape == size


def test_the_picture_is_left_as_it_was():
    picture = _head()
    before = picture.copy()

    skin_coverage(picture, _mesh(), None, skin=None)

    np.testing.assert_array_equal(picture, before)


def test_the_guided_filter_keeps_what_is_constant_and_takes_edges_from_the_guide():
    guide = np.zeros((60, 60), np.float32)
    guide[:, 30:] = 4.0
    step = (np.arange(60) >= 27).astype(np.float32)[None].repeat(60, axis=0)

    flat = guided_filter(guide, guide, np.full((60, 60), 0.3, np.float32), radius=3, epsilon=0.01)
    found = guided_filter(guide, guide, step, radius=8, epsilon=0.01)

    np.testing.assert_allclose(flat, 0.3, atol=1e-5)
    assert found[30, 30] - found[30, 29] > 0.5
