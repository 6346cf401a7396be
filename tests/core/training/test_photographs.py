"""Photographs behind heads: read once, cut at random, never over a head."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.core.errors import TrainingError
from faceplate.core.training.photographs import read_photographs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    red = np.zeros((90, 700, 3), np.uint8)
    red[..., 2] = 200  # as OpenCV writes it
    cv2.imwrite(str(tmp_path / "red.png"), red)
    cv2.imwrite(str(tmp_path / "grey.jpg"), np.full((1400, 1200, 3), 90, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    return tmp_path


def test_cuts_have_the_wanted_size_and_the_colours_of_the_picture(folder: Path) -> None:
    photographs = read_photographs([str(folder)])
    assert photographs is not None
    rng = np.random.default_rng(0)

    cuts = [photographs.cut(rng, 96) for _ in range(40)]

    assert {cut.shape for cut in cuts} == {(96, 96, 3)}
    red = [cut for cut in cuts if cut[..., 1].max() < 0.02 * cut[..., 0].max()]
    assert 5 < len(red) < 35
    assert len({float(cut[0, 0, 0]) for cut in red}) > 3  # under other light


def test_large_photographs_are_kept_small(folder: Path) -> None:
    photographs = read_photographs([str(folder)])

    assert photographs is not None
    assert sorted(min(picture.shape[:2]) for picture in photographs.pictures) == [90, 512]


def test_no_folder_means_none_and_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    assert read_photographs([]) is None
    with pytest.raises(TrainingError, match="no photograph"):
        read_photographs([str(tmp_path)])


def test_a_damaged_photograph_is_named(folder: Path) -> None:
    (folder / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")

    with pytest.raises(TrainingError, match=r"torn\.png"):
        read_photographs([str(folder)])
