"""Jitter, lag, drift and flicker of a known size are read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from faceplate.core.arrays import DoubleArray
from faceplate.core.face import FaceObservation, HeadPose
from faceplate.core.qc.series import (
    drift,
    flicker,
    high,
    jitter,
    lag,
    middle,
    root_mean_square,
)
from faceplate.core.track import FaceTrack

FaceMaker = Callable[..., Any]
NUMBERS = range(1001, 1401)
UNCUT = FaceTrack(0, {}, ())


def shaken(sigma: float) -> tuple[dict[int, DoubleArray], dict[int, DoubleArray]]:
    """Return points that move on their own, and the same ones thrown about as a whole."""
    rng = np.random.default_rng(1)
    shape = rng.uniform(0, 100, (468, 2))
    plate = {n: shape + [30 * np.sin(n / 20), 0.1 * n] for n in NUMBERS}
    return {n: points + rng.normal(0, sigma, 2) for n, points in plate.items()}, plate


@pytest.mark.parametrize("sigma", [0.5, 3.0])
def test_a_planted_jitter_is_read_back(sigma: float) -> None:
    comp, plate = shaken(sigma)

    assert root_mean_square(jitter(comp, plate, UNCUT)) == pytest.approx(sigma, rel=0.1)


def test_a_face_of_another_shape_that_glides_does_not_tremble() -> None:
    _, plate = shaken(0.0)
    comp = {n: 1.1 * points + [0.3 * (n - 1001), 5.0] for n, points in plate.items()}
    still = {n: points + [0.3 * (n - 1001), 5.0] for n, points in plate.items()}

    assert max(jitter(still, plate, UNCUT).values()) < 1e-9
    assert max(jitter(comp, plate, UNCUT).values()) < 0.02


def test_a_leap_at_a_cut_or_over_a_gap_is_no_jitter() -> None:
    _, plate = shaken(0.0)
    comp = {n: points + [50.0 * (n >= 1100), 0.0] for n, points in plate.items()}

    leaps = jitter(comp, plate, UNCUT)
    cut = jitter(comp, plate, FaceTrack(0, {}, (1100,)))
    del comp[1100]

    assert max(leaps.values()) > 10
    assert max(cut.values()) < 1e-9
    assert {1099, 1100, 1101} & jitter(comp, plate, UNCUT).keys() == set()


def performance(face: FaceMaker, *, later: float) -> dict[int, FaceObservation]:
    """Return a head that turns while its jaw moves, ``later`` frames after its time."""

    def at(number: int) -> FaceObservation:
        time = number - later
        found = face(number)
        jaw = found.expression.copy()
        jaw[25] = 0.5 + 0.4 * np.sin(time / 3.1)
        return replace(found, pose=HeadPose(15 * np.sin(time / 7), 0.0, 0.0), expression=jaw)

    return {n: at(n) for n in range(1001, 1041)}


@pytest.mark.parametrize("later", [0.0, 1.0, 2.5, -3.0])
def test_a_planted_lag_is_read_back(face: FaceMaker, later: float) -> None:
    found = lag(performance(face, later=later), performance(face, later=0.0), UNCUT)

    assert found == pytest.approx(later, abs=0.15)


def test_no_lag_is_told_of_a_face_that_stands_still_or_does_something_else(
    face: FaceMaker,
) -> None:
    plate = performance(face, later=0.0)
    rng = np.random.default_rng(2)
    other = {
        n: replace(o, pose=HeadPose(*rng.normal(0, 5, 3)), expression=plate[1001].expression)
        for n, o in plate.items()
    }
    still = {n: replace(plate[1001], number=n) for n in plate}

    assert lag(still, still, UNCUT) is None
    assert lag(other, plate, UNCUT) is None


def test_drift_is_how_far_a_value_wanders_and_one_outlier_is_none() -> None:
    ramp = {n: 0.3 + 0.01 * (n - 1001) for n in range(1001, 1041)}
    outlier = {n: 0.3 + 0.5 * (n == 1020) for n in range(1001, 1041)}

    assert drift(ramp)[0] == pytest.approx(0.31, abs=1e-9)  # 31 whole windows of nine
    assert drift(outlier)[0] == 0.0
    assert drift({1001: 0.3, 1002: 0.9}) == (None, {})


def test_a_planted_flicker_is_read_back_in_stops_over_a_face_that_brightens() -> None:
    rng = np.random.default_rng(3)
    ratios = {
        n: np.full((4, 4, 3), 0.02 * (n - 1001) + rng.normal(0, 0.05), np.float32) for n in NUMBERS
    }

    found = {n: flicker(ratios[n - 1], ratios[n], ratios[n + 1]) for n in list(NUMBERS)[1:-1]}

    assert root_mean_square(found) == pytest.approx(0.05, rel=0.1)


def test_a_few_places_that_change_are_no_flicker() -> None:
    calm, mouth = np.zeros((8, 8, 3), np.float32), np.zeros((8, 8, 3), np.float32)
    mouth[5:7, 2:6] = 1.0

    assert flicker(calm, mouth, calm) == 0.0
    assert flicker(calm, calm + 1, np.full_like(calm, np.nan)) is None


def test_what_stands_for_a_shot_is_none_without_frames() -> None:
    values = {n: float(n) for n in range(1, 101)}

    assert (middle(values), high(values)) == (50.5, pytest.approx(95.05))
    assert middle({}) is high({}) is root_mean_square({}) is None
