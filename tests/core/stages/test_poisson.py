"""Gradient-domain blending: closed forms, the normal equations by brute force, and no shift."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.stages.poisson import blend_gradients


def disc(height: int = 48, width: int = 40) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return ((x - 18) / 11) ** 2 + ((y - 24) / 15) ** 2 < 1


def noise(seed: int, height: int = 48, width: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (height, width, 3))


def cost(picture: np.ndarray, new: np.ndarray, matte: np.ndarray) -> float:
    """Sum of squared gradient differences over pairs of neighbours with one inside."""
    gap = picture - new
    down = np.square(np.diff(gap, axis=0)).sum(axis=2) * (matte[1:] | matte[:-1])
    right = np.square(np.diff(gap, axis=1)).sum(axis=2) * (matte[:, 1:] | matte[:, :-1])
    return float(down.sum() + right.sum())


def test_outside_of_the_matte_the_plate_keeps_its_bits() -> None:
    new, plate, matte = noise(1).astype(np.float32), noise(2).astype(np.float32), disc()

    found = blend_gradients(new, plate, matte)

    assert found.dtype == np.float32
    assert np.array_equal(found[~matte], plate[~matte])


def test_a_face_that_differs_by_a_constant_becomes_the_plate() -> None:
    plate = noise(1)

    found = blend_gradients(plate + [0.3, -0.2, 5.0], plate, disc())

    np.testing.assert_allclose(found, plate, atol=1e-6)


def test_a_difference_that_is_harmonic_is_taken_out_and_detail_stays() -> None:
    y, x = np.mgrid[:48, :40].astype(float)
    harmonic = np.stack([x - 2 * y, x * y / 20, (x**2 - y**2) / 40], axis=2)  # each is discretely
    plate, matte = noise(1), disc()

    found = blend_gradients(plate + harmonic, plate, matte)

    np.testing.assert_allclose(found, plate, atol=1e-4)


def test_a_bump_on_the_face_comes_over_whole() -> None:
    plate, matte = np.zeros((48, 40, 1)), disc()
    bump = plate.copy()
    bump[24, 18] = 1.0

    found = blend_gradients(bump, plate, matte)

    np.testing.assert_allclose(found, bump, atol=1e-6)  # in place: not a pixel aside


def test_no_other_picture_has_nearer_gradients() -> None:
    new, plate, matte = noise(3), noise(4), disc()
    rng = np.random.default_rng(5)

    found = blend_gradients(new, plate, matte).astype(np.float64)

    least = cost(found, new, matte)
    for _ in range(30):
        nudge = 0.01 * rng.standard_normal(found.shape) * matte[..., None]
        assert cost(found + nudge, new, matte) > least
    assert least < cost(plate, new, matte)


def test_its_laplacian_inside_is_that_of_the_new_face() -> None:
    new, plate, matte = noise(3), noise(4), disc()

    found = blend_gradients(new, plate, matte).astype(np.float64)

    def laplacian(x: np.ndarray) -> np.ndarray:
        return 4 * x[1:-1, 1:-1] - x[:-2, 1:-1] - x[2:, 1:-1] - x[1:-1, :-2] - x[1:-1, 2:]

    inside = matte[1:-1, 1:-1]
    np.testing.assert_allclose(laplacian(found)[inside], laplacian(new)[inside], atol=1e-5)


def test_values_far_above_1_and_below_0_are_blended_as_they_are() -> None:
    new, plate = 100 * noise(1), 100 * noise(2) - 50

    found = blend_gradients(new, plate, disc())

    scaled = blend_gradients(new / 100, plate / 100, disc())
    np.testing.assert_allclose(found, 100 * scaled, atol=1e-3)
    assert found.max() > 100


def test_a_matte_at_the_border_is_held_by_the_rest() -> None:
    matte = np.zeros((48, 40), np.bool_)
    matte[:20] = True
    plate = noise(1)

    found = blend_gradients(plate + 0.5, plate, matte)

    np.testing.assert_allclose(found, plate, atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "columns", "blended"),
    [(10, 30, False), (30, 10, False), (11, 11, True), (0, 0, False)],
)
def test_a_matte_of_10_px_or_less_blends_nothing(rows: int, columns: int, blended: bool) -> None:
    matte = np.zeros((48, 40), np.bool_)
    matte[5 : 5 + rows, 4 : 4 + columns] = True
    plate = noise(1).astype(np.float32)

    found = blend_gradients(noise(2), plate, matte)

    assert np.array_equal(found, plate) != blended


def test_a_full_matte_leaves_the_new_face() -> None:
    new = noise(2).astype(np.float32)

    assert np.array_equal(blend_gradients(new, noise(1), np.ones((48, 40), np.bool_)), new)


def test_islands_are_solved_apart() -> None:
    first, second = np.zeros((2, 48, 40), np.bool_)
    first[4:20, 4:20] = True
    second[24:44, 10:34] = True
    new, plate = noise(1), noise(2)

    both = blend_gradients(new, plate, first | second)

    np.testing.assert_allclose(both[first], blend_gradients(new, plate, first)[first], atol=1e-6)
    np.testing.assert_allclose(both[second], blend_gradients(new, plate, second)[second], atol=1e-6)
