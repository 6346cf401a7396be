"""The crop that the segmenter sees, and how much of a face shows in it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faceplate.core.analysis.label import LabelledCrop, region_of, visible_share
from faceplate.core.face import FaceObservation, HeadPose

FaceMaker = Callable[..., FaceObservation]
NAMES = ("background", "face", "hair", "occluder", "mouth", "neck")


def test_a_level_face_fills_half_the_crop_and_sits_below_its_middle(face: FaceMaker) -> None:
    mesh = face(height=100.0, middle=(300.0, 200.0)).mesh
    region = region_of(mesh)

    local = (mesh[[10, 152], :2] - [region.x, region.y]) / region.side

    assert np.ptp(local[:, 1]) == pytest.approx(0.5, abs=0.01)
    assert local.mean(axis=0) == pytest.approx([0.0, 0.04], abs=0.01)


@pytest.mark.parametrize("roll", [-90.0, -30.0, 0.0, 45.0, 170.0])
def test_the_crop_turns_with_the_head(face: FaceMaker, roll: float) -> None:
    mesh = face(pose=HeadPose(0.0, 0.0, roll)).mesh
    region = region_of(mesh)

    crop_from_square = np.linalg.inv(np.vstack([region.square_from_crop(256), [0, 0, 1]]))
    top, chin = (crop_from_square[:2] @ [*mesh[k, :2], 1] for k in (10, 152))

    assert top[0] == pytest.approx(chin[0], abs=2)
    assert top[1] < chin[1] - 120


def test_neither_expression_nor_turning_scales_the_crop(face: FaceMaker) -> None:
    straight, turned = face(), face(pose=HeadPose(50.0, 0.0, 0.0))
    gaping = straight.mesh.copy()
    gaping[[152, 148, 176, 377, 400, 17, 14, 87, 317], 1] += 12

    sides = [region_of(mesh).side for mesh in (straight.mesh, turned.mesh, gaping)]

    assert sides == pytest.approx([sides[0]] * 3, rel=0.02)


@pytest.mark.parametrize(("label", "share"), [(1, 1.0), (4, 1.0), (3, 0.0), (2, 0.0)])
def test_the_visible_share_counts_face_and_mouth(face: FaceMaker, label: int, share: float) -> None:
    mesh = face(height=100.0).mesh
    chances = np.zeros((256, 256, 6), np.float32)
    chances[..., label] = 1
    crop = LabelledCrop(
        np.zeros((256, 256, 3), np.float32), chances, region_of(mesh).square_from_crop(256)
    )

    assert visible_share(crop, mesh, NAMES) == share


def test_a_covered_half_halves_the_visible_share(face: FaceMaker) -> None:
    mesh = face(height=100.0).mesh
    chances = np.zeros((256, 256, 6), np.float32)
    chances[:, :128, 1], chances[:, 128:, 3] = 1, 1
    crop = LabelledCrop(
        np.zeros((256, 256, 3), np.float32), chances, region_of(mesh).square_from_crop(256)
    )

    assert visible_share(crop, mesh, NAMES) == pytest.approx(0.5, abs=0.05)
