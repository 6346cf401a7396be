"""The networks' square: where it lies, what it shows, and the way back to the plate."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from faceplate.core.analysis.landmark import wflw_landmarks
from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.face import HeadPose
from faceplate.core.frame import Window
from faceplate.core.geometry.square import square_of_box
from faceplate.core.netcrop import CropPlace, carried, crop_from_crop, source_crop
from faceplate.core.source import View
from faceplate.core.stages.erosion import Eroded, erode_softly
from faceplate.core.stages.views import prepare_view
from faceplate.ocio.network import Shaper

SHAPER = Shaper()
BOX = (100.0, 60.0, 260.4, 250.2)


def smooth(height: int, width: int, seed: int = 0) -> FloatArray:
    noise = np.random.default_rng(seed).random((height, width, 3), np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 6)
    return np.asarray(0.5 + 2 * (blurred - blurred.mean()), np.float32)


def whole(soft: float = 1.0) -> Eroded:
    return Eroded(np.full((1, 256, 256), soft, np.float32), np.full((1, 256, 256), soft >= 1))


def test_the_square_is_the_released_one() -> None:
    place, square = CropPlace.around(BOX), square_of_box(BOX)

    assert place.window == Window(
        square.x0, square.y0, square.x0 + square.side, square.y0 + square.side
    )


@pytest.mark.parametrize("aspect", [2.0, 0.5])
def test_a_squeezed_plate_shows_the_networks_the_same_square(aspect: float) -> None:
    x0, y0, x1, y1 = BOX

    squeezed = CropPlace.around((x0 / aspect, y0, x1 / aspect, y1), aspect).window
    plain = CropPlace.around(BOX).window

    assert (squeezed.y0, squeezed.y1) == (plain.y0, plain.y1)
    assert abs(squeezed.x0 * aspect - plain.x0) <= 0.5 * aspect
    assert abs(squeezed.width * aspect - plain.width) <= 0.5 * aspect


def test_landmarks_of_a_crop_lie_where_the_crop_shows_them(
    mesh_at: Callable[..., DoubleArray],
) -> None:
    mesh = mesh_at(HeadPose(15, 5, 0), height=190, middle=(180, 155))
    raster = wflw_landmarks(mesh.astype(np.float32), 1.0).points
    picture = np.zeros((320, 360), np.float32)
    x, y = raster[54]
    picture[int(y), int(x)] = 1
    place = CropPlace.around(BOX)

    found = place.landmarks(mesh)
    shown = place.cut(picture, Window(0, 0, 360, 320))

    rows, columns = np.nonzero(shown)
    middle = [np.average(axis + 0.5, weights=shown[rows, columns]) for axis in (columns, rows)]
    centre = (np.floor([x, y]) + 0.5 - [place.window.x0, place.window.y0]) / place.steps
    np.testing.assert_allclose(middle, centre, atol=0.1)
    inner = (raster - [place.window.x0, place.window.y0]) / place.steps
    np.testing.assert_allclose(found[:, :2], inner, atol=1e-3)
    depth = mesh[:, 2] / place.steps[1]
    assert depth.min() - 1e-6 <= found[:, 2].min() < found[:, 2].max() <= depth.max() + 1e-6


def view_of(mesh: DoubleArray, picture: FloatArray, roll: float) -> View:
    return View(
        name="v",
        number=1,
        picture=picture.astype(np.float16),
        skin_coverage=np.ones(picture.shape[:2], np.float16),
        mesh=mesh.astype(np.float32),
        pose=HeadPose(0.0, 0.0, roll),
        expression=np.zeros(52, np.float32),
        embedding=np.zeros(128, np.float32),
        skin=np.array([-3.0, -3.0, -3.0, 0.1, 0.1, 0.1], np.float32),
        noise=np.zeros(3, np.float32),
        sharpness=2.0,
        confidence=1.0,
        face_height=200.0,
    )


@pytest.mark.parametrize("turn", [0.0, 25.0, -40.0])
def test_a_turned_view_shows_its_landmarks_at_the_other_roll(
    turn: float, mesh_at: Callable[..., DoubleArray]
) -> None:
    mesh = mesh_at(HeadPose(0, 0, 10), height=200, middle=(200, 220))
    target = mesh_at(HeadPose(0, 0, 10 + turn), height=200, middle=(200, 220))
    picture = np.full((440, 400, 3), 0.05, np.float32)
    lit = wflw_landmarks(mesh.astype(np.float32), 1.0).points[[60, 72, 16]]
    for x, y in lit:
        cv2.circle(picture, (round(float(x) - 0.5), round(float(y) - 0.5)), 3, (1, 1, 1), -1)
    crop = source_crop(prepare_view(view_of(mesh, picture, 10.0), SHAPER.encode), SHAPER.encode)

    codes, points = crop.turned(10 + turn)

    for point in points[[60, 72, 16], :2]:
        x, y = point.astype(int)
        near = codes[y - 4 : y + 5, x - 4 : x + 5].mean(axis=2)
        row, column = np.unravel_index(near.argmax(), near.shape)
        assert near.max() > codes.mean() + 0.3
        assert np.hypot(row - 4, column - 4) < 4.5
    # Turning about the crop's middle is what the head itself does, but for where it goes to.
    wanted = wflw_landmarks(target.astype(np.float32), 1.0).points / crop_steps(mesh)
    apart = (points[:, :2] - points[:, :2].mean(0)) - (wanted - wanted.mean(0))
    assert np.abs(apart[:96]).max() < 0.5
    assert crop.blur_px == pytest.approx(2.0 / crop_steps(mesh)[1])


def crop_steps(mesh: AnyArray) -> AnyArray:
    points = mesh[:468, :2]
    return CropPlace.around((*points.min(axis=0), *points.max(axis=0))).steps


def test_a_source_is_shown_at_the_middle_exposure(mesh_at: Callable[..., DoubleArray]) -> None:
    mesh = mesh_at(HeadPose(0, 0, 0), height=200, middle=(200, 220))
    picture = np.full((440, 400, 3), 2.0**-3, np.float32)  # as bright as the view's skin

    crop = source_crop(prepare_view(view_of(mesh, picture, 0.0), SHAPER.encode), SHAPER.encode)

    np.testing.assert_allclose(SHAPER.decode(crop.codes[100:150, 100:150]), 0.2, rtol=2e-3)


@pytest.mark.parametrize("side", [100.0, 213.0, 700.0])
def test_an_answer_that_is_what_was_shown_leaves_the_plate_as_it_is(side: float) -> None:
    place = CropPlace.around((20.0, 20.0, 20.0 + side, 20.0 + side))
    window = Window(0, 0, round(side) + 60, round(side) + 40)
    codes = 3 * smooth(window.height, window.width) - 1  # below 0 and above 1
    shown = smooth(256, 256, 1)

    found = carried(codes, shown, shown.copy(), whole(), place, window)

    np.testing.assert_array_equal(found.codes, codes)
    np.testing.assert_array_equal(found.kept, 1)


@pytest.mark.parametrize("side", [100.0, 213.0, 700.0])
def test_an_answer_that_is_something_else_comes_alone(side: float) -> None:
    place = CropPlace.around((20.0, 20.0, 20.0 + side, 20.0 + side))
    window = Window(-5, 3, round(side) + 60, round(side) + 40)
    codes = smooth(window.height, window.width)
    codes[window.height // 2, window.width // 2] = 3.0  # a spark of the plate's own
    answer = np.broadcast_to(np.float32([0.0, 2.0, 0.1]), (256, 256, 3)).copy()

    found = carried(codes, smooth(256, 256, 1), answer, whole(), place, window)

    inner = place.window.clipped(window).slices_in(window)
    assert np.abs(found.codes[inner] - answer[0, 0]).max() < 1e-3
    outside = np.ones(codes.shape[:2], bool)
    outside[inner] = False
    np.testing.assert_array_equal(found.codes[outside], codes[outside])
    assert not found.cover[outside].any()
    assert found.kept[inner].max() < 1e-3


def test_the_matte_comes_down_to_the_crops_border() -> None:
    place = CropPlace.around((20.0, 20.0, 233.3, 233.3))
    window = place.window.grown(3)
    codes = np.zeros((window.height, window.width, 3), np.float32)

    found = carried(codes, smooth(256, 256), smooth(256, 256, 1), whole(), place, window)

    line = found.cover[window.height // 2]
    assert line[3] == pytest.approx(1 / 16)
    assert (np.diff(line[3:12]) >= 0).all()
    assert line[11] == line[128] == 1


def test_soft_and_hard_matte_reach_the_plate() -> None:
    place = CropPlace.around((20.0, 20.0, 233.3, 233.3))
    matte = np.zeros((1, 256, 256), np.float32)
    matte[:, 80:180, 60:200] = 1
    eroded = erode_softly(matte)
    codes = np.zeros((256, 256, 3), np.float32)

    found = carried(codes, smooth(256, 256), smooth(256, 256, 1), eroded, place, place.window)

    np.testing.assert_allclose(found.cover, eroded.soft[0], atol=1e-6)
    np.testing.assert_array_equal(found.new, eroded.hard[0])


def test_one_crops_pixels_are_found_in_another() -> None:
    a = np.array([[2.0, 0.0, 10.0], [0.0, 2.0, 20.0]])
    b = np.array([[1.0, 0.5, 3.0], [-0.5, 1.0, 7.0]])

    transform = crop_from_crop(a, b)

    point = np.array([30.0, 50.0])  # as OpenCV counts: from pixel centres
    raster = b[:, :2] @ (point + 0.5) + b[:, 2]
    there = np.linalg.solve(a[:, :2], raster - a[:, 2]) - 0.5
    np.testing.assert_allclose(transform[:, :2] @ point + transform[:, 2], there)
