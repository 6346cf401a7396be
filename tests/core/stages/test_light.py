"""Light transfer: exact where it should be, deaf to what is not light."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceplate.core.stages.light import match_light

RNG = np.random.default_rng(3)
FACE = 160.0


def skin(detail: float = 0.1) -> np.ndarray:
    fine = cv2.GaussianBlur(RNG.standard_normal((200, 180, 3)).astype(np.float32), (0, 0), 1.0)
    return np.float32([0.4, 0.25, 0.18]) * np.exp(detail * fine)


def test_a_change_of_exposure_and_colour_is_undone() -> None:
    face = skin()
    plate = face * np.float32([4.0, 3.0, 2.0])

    lit = match_light(face, plate, np.ones((200, 180), np.float32), face_height=FACE, light=1.0)

    np.testing.assert_allclose(lit, plate, rtol=2e-3)


def test_soft_shading_of_the_plate_arrives_on_the_face() -> None:
    face = skin(0.02)
    shade = np.exp2(np.linspace(-0.8, 0.8, 180, dtype=np.float32))[None, :, None]

    lit = match_light(
        face, face * shade, np.ones((200, 180), np.float32), face_height=FACE, light=1.0
    )

    inner = (slice(40, 160), slice(40, 140))
    ratio = np.log2(lit / face).mean(axis=(0, 2))[inner[1]]
    wanted = np.log2(shade[0, :, 0])[inner[1]]
    assert np.abs(ratio - wanted).max() < 0.2
    flat = match_light(
        face, face * shade, np.ones((200, 180), np.float32), face_height=FACE, light=0.0
    )
    assert np.log2(flat / face).std() < 0.01


def test_detail_stays_the_faces_own() -> None:
    face, plate = skin(0.2), skin(0.0)

    lit = match_light(face, plate, np.ones((200, 180), np.float32), face_height=FACE, light=1.0)

    def fine(picture: np.ndarray) -> np.ndarray:
        logs = np.log(picture)
        return (logs - cv2.GaussianBlur(logs, (0, 0), 4.0))[40:160, 40:140].ravel()

    assert np.corrcoef(fine(face), fine(lit))[0, 1] > 0.99


@pytest.mark.parametrize("spot", [1e-6, 40.0])
def test_a_small_specular_or_hole_in_the_plate_does_not_recolour_the_face(spot: float) -> None:
    face = skin(0.05)
    plate = face.copy()
    plate[90:102, 80:92] = spot

    lit = match_light(face, plate, np.ones((200, 180), np.float32), face_height=FACE, light=1.0)

    assert np.abs(np.log2(lit / face)).max() < 0.35


def test_nothing_to_compare_leaves_the_face_as_it_is() -> None:
    face = skin()

    lit = match_light(face, face * 3, np.zeros((200, 180), np.float32), face_height=FACE, light=1.0)

    np.testing.assert_array_equal(lit, face)
