"""Layers of frames with several faces, of held ones, and of ones that reach past the picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faceplate.core.face import FaceObservation
from faceplate.core.frame import Frame, Window
from faceplate.core.layers import CHANNELS, LayerClashError, Placed, turnover_channels
from faceplate.core.replace import Element
from faceplate.core.stages.composite import premultiply
from faceplate.core.stages.segment import Labels
from faceplate.core.stages.warp import cover_face

FaceMaker = Callable[..., FaceObservation]
ALL = ("comp", "face", "raw", "matte", "st", "motion", "confidence")


def plate(window: Window) -> Frame:
    planes = {n: np.full((window.height, window.width), 0.2, np.float16) for n in "RGB"}
    return Frame(1001, planes, window, window, 1.0, "ACEScg")


def placed(
    seen: FaceObservation, following: FaceObservation | None, level: float, matte: float
) -> Placed:
    """Return a face of one flat colour and one flat matte wherever its mesh covers."""
    low, high = np.floor(seen.mesh.min(axis=0)), np.ceil(seen.mesh.max(axis=0))
    window = Window(int(low[0]), int(low[1]), int(high[0]), int(high[1])).grown(12)
    warped = cover_face(seen.mesh.astype(np.float64), window, pixel_aspect=1.0)
    cover = warped.raster.cover.astype(np.float32)
    color = np.full((*cover.shape, 3), level, np.float32)
    delivered = cover * np.float32(matte)
    nothing = np.zeros_like(cover)
    labels = Labels(window, delivered, nothing, nothing, nothing)
    face = premultiply(color, delivered)
    return Placed(
        Element(window, face, color, delivered, labels, warped, seen.mesh), seen, following
    )


def over(frame: Frame, faces: list[Placed]) -> np.ndarray:
    """Lay the faces over each other pixel by pixel: an oracle of its own."""
    result = np.zeros((frame.data.height, frame.data.width, 4), np.float32)
    for one in faces:
        window = one.element.window
        for row in range(max(window.y0, frame.data.y0), min(window.y1, frame.data.y1)):
            for column in range(max(window.x0, frame.data.x0), min(window.x1, frame.data.x1)):
                top = one.element.face[row - window.y0, column - window.x0]
                place = row - frame.data.y0, column - frame.data.x0
                result[place] = top + result[place] * (1 - top[3])
    return result


def test_the_delivered_matte_is_the_alpha_of_overlapping_faces(face: FaceMaker) -> None:
    frame = plate(Window(0, 0, 200, 120))
    near = placed(face(middle=(80.0, 60.0), height=70), None, 0.3, 0.6)
    far = placed(face(middle=(105.0, 60.0), height=70), None, 0.7, 0.5)

    faces = [near, far]
    result = turnover_channels(frame, frame.channels, ALL, "", faces, over(frame, faces))

    np.testing.assert_array_equal(result["matte_blend.A"], result["face.A"])
    assert result["face.A"].max() == pytest.approx(0.8, abs=1e-3)
    assert result["matte_face.A"].max() == pytest.approx(0.6, abs=1e-3)  # others: the larger one


def test_every_face_has_its_own_motion_and_confidence(face: FaceMaker) -> None:
    frame = plate(Window(0, 0, 300, 120))
    left = placed(
        face(1001, (80.0, 60.0), height=70, confidence=0.9),
        face(1002, (84.0, 58.0), height=70, confidence=0.8),
        0.3,
        1.0,
    )
    right = placed(face(1001, (220.0, 60.0), height=70, confidence=0.5), None, 0.3, 1.0)

    result = turnover_channels(frame, frame.channels, ALL, "", [left, right], None)

    assert (result["motion.X"][60, 80], result["motion.Y"][60, 80]) == pytest.approx((4.0, 2.0))
    assert result["motion.Z"][60, 80] == pytest.approx(0.8)
    assert result["confidence.A"][60, 80] == pytest.approx(0.9, abs=1e-3)
    assert not result["motion.X"][60, 150:].any() and not result["motion.Z"][60, 150:].any()
    assert result["confidence.A"][60, 220] == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("data", [Window(70, 30, 200, 75), Window(-40, -30, 85, 65)])
def test_what_lies_outside_the_data_window_is_left_out(data: Window, face: FaceMaker) -> None:
    one = placed(face(middle=(80.0, 60.0), height=70), None, 0.3, 1.0)
    whole = plate(Window(-100, -100, 300, 300))
    part = plate(data)

    wide = turnover_channels(whole, whole.channels, ALL, "", [one], over(whole, [one]))
    narrow = turnover_channels(part, part.channels, ALL, "", [one], over(part, [one]))

    assert narrow["matte_blend.A"].any()
    for name in (name for layer in CHANNELS for name in CHANNELS[layer]):
        wanted = wide[name][data.slices_in(whole.data)]
        np.testing.assert_array_equal(narrow[name], wanted, err_msg=name)


def test_a_face_beyond_the_data_window_leaves_empty_layers(face: FaceMaker) -> None:
    frame = plate(Window(400, 400, 420, 410))
    one = placed(face(middle=(80.0, 60.0), height=70), None, 0.3, 1.0)

    result = turnover_channels(frame, frame.channels, ALL, "", [one], None)

    assert not any(result[name].any() for layer in CHANNELS for name in CHANNELS[layer])


def test_a_channel_of_the_plate_is_never_replaced_by_a_layer() -> None:
    frame = plate(Window(0, 0, 4, 4))
    planes = {**frame.channels, "matte_hair.A": frame.channels["R"]}

    with pytest.raises(LayerClashError, match=r"1001 has a channel matte_hair\.A"):
        turnover_channels(frame, planes, ALL, "", [], None)
    assert turnover_channels(frame, planes, ("comp", "face"), "", [], None)
    assert "fp_matte_hair.A" in turnover_channels(frame, planes, ALL, "fp_", [], None)
