"""What two faces differ by is what was put between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from faceplate.core.face import HeadPose
from faceplate.core.qc.faces import (
    expression_error,
    grain_ratio,
    landmark_error,
    pose_error,
    same_face,
)

FaceMaker = Callable[..., Any]


@pytest.mark.parametrize(
    ("pose", "degrees"),
    [
        (HeadPose(7.0, 0.0, 0.0), 7.0),
        (HeadPose(0.0, -12.0, 0.0), 12.0),
        (HeadPose(0.0, 0.0, 0.02), 0.02),
        (HeadPose(180.0, 0.0, 0.0), 180.0),
        (HeadPose(90.0, 90.0, 0.0), 120.0),  # two quarter turns are a third of a turn
    ],
)
def test_a_pose_error_is_the_angle_of_the_one_turn_between_two_heads(
    face: FaceMaker, pose: HeadPose, degrees: float
) -> None:
    plate = replace(face(), pose=HeadPose(0.0, 0.0, 0.0))

    assert pose_error(replace(plate, pose=pose), plate) == pytest.approx(degrees, abs=1e-6)
    assert pose_error(plate, plate) == 0.0


def test_a_turn_of_both_heads_is_no_pose_error(face: FaceMaker) -> None:
    one, other = face(pose=HeadPose(20.0, 5.0, 0.0)), face(pose=HeadPose(20.0, 5.0, 10.0))

    assert pose_error(other, one) == pytest.approx(10.0, abs=0.5)


def test_a_landmark_error_is_the_shift_in_percent_of_the_eyes_distance(face: FaceMaker) -> None:
    plate = face()
    eyes = np.linalg.norm(plate.mesh[33, :2] - plate.mesh[263, :2])
    comp = replace(plate, mesh=plate.mesh + np.float32([3.0, 4.0, 9.0]))

    assert landmark_error(comp, plate) == pytest.approx(100 * 5.0 / eyes, rel=1e-4)


def test_an_expression_error_counts_coefficients_and_neither_gaze_nor_neutral(
    face: FaceMaker,
) -> None:
    plate = face()
    changed = plate.expression.copy()
    changed[[25, 44]] += np.float32([0.3, 0.4])  # the jaw and a smile
    changed[[0, 12]] += 0.9  # neutral, and a look

    comp = replace(plate, expression=changed)

    assert expression_error(comp, plate) == pytest.approx(0.5, rel=1e-5)


def test_a_grain_ratio_is_that_of_the_noise_and_none_without_any(face: FaceMaker) -> None:
    plate = face()

    assert grain_ratio(replace(plate, noise=plate.noise * 2), plate) == pytest.approx(2.0)
    assert grain_ratio(plate, replace(plate, noise=plate.noise * 0)) is None


def test_the_face_of_a_comp_is_the_one_that_lies_where_the_plate_s_is(face: FaceMaker) -> None:
    tracked = face(middle=(300.0, 200.0))
    moved, away = face(middle=(310.0, 205.0)), face(middle=(600.0, 200.0))

    assert same_face([away, moved], tracked) is moved
    assert same_face([away], tracked) is None
