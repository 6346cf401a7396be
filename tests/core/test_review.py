"""Pictures to judge work by."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.core.actorfile import make_actor
from faceplate.core.arrays import ByteArray, FloatArray
from faceplate.core.errors import ContractError, DiskError
from faceplate.core.face import HeadPose
from faceplate.core.review import actor_sheet, contact_sheet, sheet_row, strip
from faceplate.core.source import View


def _plain(scene: FloatArray) -> FloatArray:
    return np.clip(scene, 0, 1).astype(np.float32)


def _read(path: Path) -> ByteArray:
    return cv2.imread(str(path))[..., ::-1]


def _row(number: int, *, changed: float = 0.0):
    plate = np.full((54, 96, 3), 0.5, np.float32)
    result, matte = plate.copy(), np.zeros((54, 96), np.float32)
    result[20:40, 30:60] += np.float32(changed)
    matte[20:40, 30:60] = 1
    return sheet_row(number, plate, result, matte, display=_plain, height=54)


def test_a_row_shows_plate_result_matte_and_eight_times_the_difference():
    row = _row(1001, changed=0.05)

    values = [float(tile[30, 45, 1]) for tile in row.tiles]
    assert values == pytest.approx([0.5, 0.55, 1.0, 0.4], abs=1e-5)
    assert row.tiles[3][5, 5].max() == 0


def test_a_row_takes_wild_pixels_and_pixel_aspect():
    wild = np.full((20, 30, 3), np.nan, np.float32)
    wild[0, 0] = np.inf

    row = sheet_row(1, wild, wild, wild[..., 0], display=_plain, pixel_aspect=2.0, height=10)

    assert {tile.shape for tile in row.tiles} == {(10, 30, 3)}
    assert all(np.isfinite(tile).all() for tile in row.tiles)


def test_the_sheet_is_a_grid_of_rows_with_the_disclosure_and_the_same_bytes(tmp_path: Path):
    rows = [_row(1001, changed=0.1), _row(1002)]

    contact_sheet(tmp_path / "a.png", rows, shot="sc042")
    contact_sheet(tmp_path / "b.png", rows, shot="sc042")

    picture = _read(tmp_path / "a.png")
    assert picture.shape == (28 + 2 * 56, 4 * 98, 3)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    # Letters stand in the title and at the foot of the result, and not at the plate's foot.
    assert np.ptp(picture[:28]) > 150
    foot = slice(28 + 40, 28 + 53)
    assert picture[foot, 98 + 5 : 98 + 90].max() > 200
    assert picture[foot, 5:90].max() < 140


def test_drawing_a_sheet_leaves_its_rows_alone(tmp_path: Path):
    row = _row(1001)
    before = [tile.copy() for tile in row.tiles]

    contact_sheet(tmp_path / "a.png", [row], shot="sc042")

    for tile, wanted in zip(row.tiles, before, strict=True):
        np.testing.assert_array_equal(tile, wanted)


def test_a_strip_keeps_the_order_and_wraps(tmp_path: Path):
    crops = [np.full((10, 12, 3), level, np.float32) for level in (0.2, 0.4, 0.6)]

    strip(tmp_path / "s.png", crops, per_row=2)

    picture = _read(tmp_path / "s.png")
    assert picture.shape == (24, 28, 3)
    centers = [picture[6, 7, 0], picture[6, 21, 0], picture[18, 7, 0]]
    assert centers == [51, 102, 153]


@pytest.mark.parametrize("draw", [lambda p: contact_sheet(p, [], shot=""), lambda p: strip(p, [])])
def test_sheets_of_nothing_are_refused(tmp_path: Path, draw):
    with pytest.raises(ContractError):
        draw(tmp_path / "a.png")


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path):
    with pytest.raises(DiskError, match="could not be written"):
        contact_sheet(tmp_path / "none" / "a.png", [_row(1)], shot="s")


@pytest.mark.parametrize("count", [1, 5, 30])
def test_an_actor_sheet_is_drawn_for_any_number_of_views(tmp_path: Path, count: int, mesh_at):
    pose = HeadPose(3.0, -2.0, 0.0)
    mesh = mesh_at(pose, height=80.0, middle=(64.0, 64.0)).astype(np.float32)
    zeros = {name: np.zeros(n, np.float32) for name, n in (("expression", 52), ("embedding", 128))}
    view = View(
        name="ana.1001.exr",
        number=1001,
        picture=np.full((128, 128, 3), 0.3, np.float16),
        skin_coverage=np.ones((128, 128), np.float16),
        mesh=mesh,
        pose=pose,
        skin=np.full(6, -2, np.float32),
        noise=np.zeros(3, np.float32),
        sharpness=1.0,
        confidence=1.0,
        face_height=80.0,
        **zeros,
    )
    points = np.zeros((count, 2))
    actor = make_actor(
        "ana", [view] * count, points=points, radius=2, neutral=np.zeros((478, 3)), consent=None
    )

    actor_sheet(tmp_path / "a.png", actor)

    assert _read(tmp_path / "a.png").shape[1] == 1400
