"""Holes for the completing network: ellipses around the outline, within the face."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.training.holes import ellipse_hole


def face(width: float = 40, height: float = 60) -> np.ndarray:
    y, x = np.mgrid[:128, :128]
    return ((x - 60) / width) ** 2 + ((y - 66) / height) ** 2 < 1


def test_a_hole_lies_in_the_face_and_around_its_outline() -> None:
    rng = np.random.default_rng(0)
    whole = face()

    for _ in range(100):
        hole = ellipse_hole(whole, rng)
        assert (hole.dtype, hole.shape) == (np.bool_, whole.shape)
        assert hole.any()
        assert not (hole & ~whole).any()
        rows, columns = np.nonzero(hole)
        left, right = (
            any(x == edge(np.flatnonzero(whole[y])) for y, x in zip(rows, columns, strict=True))
            for edge in (min, max)
        )
        assert left or right


def test_its_axes_are_a_quarter_to_a_half_of_the_faces_width(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A face that fills the picture but for its rim: an ellipse is cut in half by its edge.
    rng = np.random.default_rng(1)
    whole = np.zeros((400, 400), np.bool_)
    whole[:, 150:250] = True
    reaches = []

    for _ in range(300):
        hole = ellipse_hole(whole, rng)
        columns = np.flatnonzero(hole.any(axis=0)) - 150
        reaches.append(max(columns.max() + 1 if columns.min() == 0 else 0, 100 - columns.min()))

    # The half that is left reaches at most the longer axis into the face, and one axis at least.
    assert 25 <= min(reaches) <= 27
    assert np.percentile(reaches, 99) >= 46
    assert np.percentile(reaches, 50) <= 50


def test_both_sides_and_all_rows_are_met() -> None:
    rng = np.random.default_rng(2)
    whole = face(30, 60)
    holes = [ellipse_hole(whole, rng) for _ in range(200)]

    middles = np.array([np.argwhere(hole).mean(axis=0) for hole in holes])
    assert 0.35 < (middles[:, 1] < 60).mean() < 0.65
    assert middles[:, 0].min() < 30
    assert middles[:, 0].max() > 100


@pytest.mark.parametrize(("rows", "columns", "holed"), [(10, 60, 0), (60, 10, 0), (11, 11, 1)])
def test_a_face_of_10_px_or_less_gets_none(rows: int, columns: int, holed: int) -> None:
    whole = np.zeros((128, 128), np.bool_)
    whole[30 : 30 + rows, 40 : 40 + columns] = True

    found = [ellipse_hole(whole, np.random.default_rng(n)).any() for n in range(10)]

    assert found == [bool(holed)] * 10


def test_no_face_gets_none_and_a_seed_decides() -> None:
    assert not ellipse_hole(np.zeros((64, 64), np.bool_), np.random.default_rng(0)).any()

    one, two = (ellipse_hole(face(), np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one, two)
