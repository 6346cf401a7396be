from __future__ import annotations

import numpy as np
import pytest
import seen_picture

from faceplate.core.analysis.detect import Detector
from faceplate.core.analysis.identity import Identifier, identity_distance
from faceplate.core.analysis.label import HeadLabeller
from faceplate.core.analysis.landmark import Landmarker, MeshFit, wflw_landmarks
from faceplate.core.analysis.observe import Observer, confidence_of, observe
from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.face import FaceObservation, HeadPose
from faceplate.core.geometry.crop import cut
from faceplate.core.nets.load import load_network


class Picture(seen_picture.Picture):
    """Linear pixels as the analysis sees them, in sRGB codes."""

    def codes(self, linear: FloatArray) -> FloatArray:
        light = np.clip(linear, 0, 1)
        return np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def open_observer(threads: int = 1) -> Observer:
    return Observer(
        Detector(
            load_network("face_det_full", threads=threads),
            load_network("face_det_short", threads=threads),
        ),
        Landmarker(
            load_network("face_mesh478", threads=threads),
            load_network("face_blendshapes52", threads=threads),
        ),
        HeadLabeller(load_network("face_segment", threads=threads)),
        Identifier(load_network("face_embed", threads=threads)),
    )


@pytest.fixture(scope="module")
def observer() -> Observer:
    return open_observer()


@pytest.fixture(scope="module")
def astronaut() -> FloatArray:
    """A person, linear, 512 px; the face is about 110 px high."""
    data = pytest.importorskip("skimage.data")
    codes = data.astronaut() / 255
    return np.where(codes < 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def seen(observer: Observer, astronaut: FloatArray) -> FaceObservation:
    (face,) = observe(Picture(astronaut), observer)
    return face


def eye_span(mesh: AnyArray) -> float:
    return float(np.linalg.norm(mesh[263] - mesh[33]))


def test_one_person_is_one_face_where_it_is(seen: FaceObservation) -> None:
    # Read off the picture by eye: pupils, nose tip and chin.
    places = {468: (205, 103), 473: (246, 105), 4: (223, 132), 152: (221, 177)}
    for point, place in places.items():
        assert seen.mesh[point, :2] == pytest.approx(place, abs=5)
    assert seen.confidence > 0.8
    assert abs(seen.pose.yaw) < 10


def test_a_smile_is_read_as_one(seen: FaceObservation, observer: Observer) -> None:
    names = observer.landmarker.expression.card.labels
    found = dict(zip(names, seen.expression, strict=True))

    assert min(found["mouthSmileLeft"], found["mouthSmileRight"]) > 0.5
    assert max(found["mouthPucker"], found["eyeBlinkLeft"]) < 0.3


def test_wflw_points_lie_on_the_mesh(seen: FaceObservation) -> None:
    points = wflw_landmarks(seen.mesh, 1.0).points

    assert points[54] == pytest.approx(seen.mesh[4, :2])
    assert points[16] == pytest.approx(seen.mesh[152, :2], abs=1e-3)
    assert points[96] == pytest.approx(seen.mesh[468, :2])


@pytest.mark.parametrize("gain", [1 / 300, 1 / 20, 20.0, 300.0])
def test_dark_and_bright_plates_show_the_same_face(
    gain: float, observer: Observer, astronaut: FloatArray, seen: FaceObservation
) -> None:
    (face,) = observe(Picture(astronaut * np.float32(gain)), observer)

    apart = np.linalg.norm(face.mesh - seen.mesh, axis=1).mean()
    assert apart < 0.02 * eye_span(seen.mesh)
    assert face.skin[:3] - seen.skin[:3] == pytest.approx([np.log2(gain)] * 3, abs=0.1)


def test_narrow_pixels_give_the_same_face_in_their_raster(
    observer: Observer, astronaut: FloatArray, seen: FaceObservation
) -> None:
    narrow = astronaut.reshape(512, 256, 2, 3).mean(axis=2)

    (face,) = observe(Picture(narrow, pixel_aspect=2.0), observer)

    apart = np.linalg.norm((face.mesh * [2, 1, 1] - seen.mesh)[:, :2], axis=1).mean()
    assert apart < 0.02 * eye_span(seen.mesh)
    assert face.pose.yaw == pytest.approx(seen.pose.yaw, abs=2)


def test_two_faces_are_two_observations_the_larger_first(
    observer: Observer, astronaut: FloatArray
) -> None:
    pixels = np.full((600, 900, 3), 0.1, np.float32)
    pixels[80:520, 0:400] = cut(astronaut, np.array([[0.6, 0, 100], [0, 0.6, 0]]), (440, 400))
    pixels[80:380, 500:800] = cut(astronaut, np.array([[1.0, 0, 80], [0, 1.0, 0]]), (300, 300))

    faces = observe(Picture(pixels), observer)

    assert len(faces) == 2
    assert faces[0].height > 1.4 * faces[1].height
    assert identity_distance(faces[0].embedding, faces[1].embedding) < 0.35


def test_a_small_face_in_a_large_plate_is_found_through_tiles(
    observer: Observer, astronaut: FloatArray
) -> None:
    plate = np.full((1500, 2600, 3), 0.1, np.float32)
    plate[900:1156, 1900:2156] = astronaut.reshape(256, 2, 256, 2, 3).mean(axis=(1, 3))

    (face,) = observe(Picture(plate), observer)

    assert face.mesh[4, :2] == pytest.approx((1900 + 111.5, 900 + 66), abs=4)


def test_another_person_is_far_in_identity_and_a_shaded_one_near(
    observer: Observer, astronaut: FloatArray, seen: FaceObservation
) -> None:
    shaded = astronaut * np.linspace(0.3, 1.5, 512, dtype=np.float32)[None, :, None]

    (face,) = observe(Picture(shaded), observer)

    assert identity_distance(face.embedding, seen.embedding) < 0.35


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((300, 400, 3), np.float32),
        np.full((300, 400, 3), 0.18, np.float32),
        np.full((300, 400, 3), -1.0, np.float32),
        np.ones((1, 1, 3), np.float32),
        np.full((2, 900, 3), 0.5, np.float32),
        np.random.default_rng(0).random((300, 400, 3)).astype(np.float32),
    ],
    ids=["black", "grey", "negative", "one pixel", "a line", "noise"],
)
def test_a_picture_without_a_face_has_no_face(pixels: FloatArray, observer: Observer) -> None:
    assert observe(Picture(pixels), observer) == []


def test_threads_and_repetition_change_no_bit(astronaut: FloatArray, seen: FaceObservation) -> None:
    (face,) = observe(Picture(astronaut), open_observer(threads=2))

    for name in ("mesh", "expression", "embedding", "skin", "noise"):
        assert getattr(face, name).tobytes() == getattr(seen, name).tobytes()
    assert (face.box, face.pose, face.confidence) == (seen.box, seen.pose, seen.confidence)


def test_confidence_falls_with_yaw_and_never_rises() -> None:
    fit = MeshFit(np.zeros((478, 3)), 1.0, 0.01)

    found = [
        confidence_of(HeadPose(yaw, 0, 0), 0.95, fit, height=200, sharpness=1, seen=1.0)
        for yaw in range(0, 95, 5)
    ]

    assert found[0] == found[9] == 1.0  # 45 degrees
    assert found[12] < 0.3  # 60 degrees
    assert found[-1] == 0.0
    assert all(later <= earlier for earlier, later in zip(found, found[1:], strict=False))


@pytest.mark.parametrize(
    ("score", "mesh_score", "disagreement", "height", "sharpness", "visible"),
    [
        (0.55, 1.0, 0.01, 200, 1.0, 1.0),
        (0.95, 0.5, 0.01, 200, 1.0, 1.0),
        (0.95, 1.0, 0.20, 200, 1.0, 1.0),
        (0.95, 1.0, 0.01, 25, 1.0, 1.0),
        (0.95, 1.0, 0.01, 200, 15.0, 1.0),
        (0.95, 1.0, 0.01, 200, 1.0, 0.12),
    ],
    ids=["detector", "mesh score", "disagreement", "size", "blur", "covering"],
)
def test_confidence_falls_with_every_doubt(
    score: float,
    mesh_score: float,
    disagreement: float,
    height: float,
    sharpness: float,
    visible: float,
) -> None:
    fit = MeshFit(np.zeros((478, 3)), mesh_score, disagreement)

    found = confidence_of(
        HeadPose(0, 0, 0), score, fit, height=height, sharpness=sharpness, seen=visible
    )

    assert 0 < found < 0.7
