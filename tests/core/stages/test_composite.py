"""Pasting: recombination and untouched bits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from faceplate.core.frame import Frame, Window
from faceplate.core.stages.composite import paste, premultiply, replace_pixels

SHAPE = (5, 4)
LIGHT = st.floats(-1, 60_000, width=32)


def frame_of(red: np.ndarray, window: Window) -> Frame:
    planes = {name: red.copy() for name in "RGB"} | {"extra.Z": np.zeros_like(red)}
    return Frame(1, planes, window, window, 1.0, "lin_ap1_scene")


@given(
    hnp.arrays(np.float32, (*SHAPE, 3), elements=LIGHT),
    hnp.arrays(np.float32, (*SHAPE, 3), elements=LIGHT),
    hnp.arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32)),
)
def test_face_over_plate_is_the_comp(
    plate: np.ndarray, face: np.ndarray, matte: np.ndarray
) -> None:
    element = premultiply(face, matte)

    comp = paste(plate, element)

    by_hand = plate.astype(np.float64) * (1 - element[..., 3:]) + element[..., :3]
    np.testing.assert_allclose(comp, by_hand, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(comp[matte == 0], plate[matte == 0])
    np.testing.assert_array_equal(element, element.astype(np.float16).astype(np.float32))


@given(hnp.arrays(np.uint16, (6, 7)), hnp.arrays(np.bool_, SHAPE))
def test_every_bit_outside_the_touched_pixels_stays(bits: np.ndarray, touched: np.ndarray) -> None:
    frame = frame_of(bits.view(np.float16), Window(-2, -3, 5, 3))
    window = Window(0, -2, 4, 3)
    color = np.full((*SHAPE, 3), 0.25, np.float32)

    channels = replace_pixels(frame, window, color, touched)

    where = np.zeros((6, 7), bool)
    where[window.slices_in(frame.data)] = touched
    for name in "RGB":
        np.testing.assert_array_equal(channels[name].view(np.uint16)[~where], bits[~where])
        assert (channels[name][where] == np.float16(0.25)).all()
    assert channels["extra.Z"] is frame.channels["extra.Z"]


def test_a_plate_that_is_not_finite_counts_as_black_under_the_face() -> None:
    plate = np.full((1, 2, 3), np.nan, np.float32)
    element = premultiply(np.full((1, 2, 3), 0.5, np.float32), np.float32([[0.5, 0.0]]))

    comp = paste(plate, element)

    np.testing.assert_allclose(comp[0, 0], 0.25)
    assert np.isnan(comp[0, 1]).all()
