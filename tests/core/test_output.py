"""The plate is safe, and finished frames are known."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from faceplate.core.errors import DiskError, OutputError
from faceplate.core.frame import Frame, Window
from faceplate.core.io.exr import write_frame
from faceplate.core.output import (
    FRAME_ATTRIBUTE,
    JOB_ATTRIBUTE,
    finished_job,
    finished_reason,
    frame_state,
    guard_output,
)


def write_plate(path: Path, **header: str) -> None:
    window = Window(0, 0, 4, 3)
    planes = {name: np.zeros((3, 4), np.float16) for name in "RGB"}
    write_frame(path, Frame(1, planes, window, window, 1.0, "", header))


def test_output_over_the_plate_is_refused_however_it_is_spelt(tmp_path: Path) -> None:
    plate = tmp_path / "plate.1001.exr"
    write_plate(plate)
    (tmp_path / "soft.1001.exr").symlink_to(plate)
    (tmp_path / "hard.1001.exr").hardlink_to(plate)
    (tmp_path / "sub").mkdir()

    for name in ("plate.%04d.exr", "sub/../plate.####.exr", "soft.%04d.exr", "hard.%04d.exr"):
        with pytest.raises(OutputError, match="one of the inputs"):
            guard_output(str(tmp_path / name), [1001], [plate])
    guard_output(str(tmp_path / "comp.%04d.exr"), [1001], [plate])


@pytest.mark.parametrize(
    ("name", "numbers", "match"),
    [
        ("comp.exr", [1, 2], "no place for the frame number"),
        ("comp.%04d.png", [1], "not an EXR"),
    ],
)
def test_an_output_pattern_that_cannot_hold_the_frames_is_refused(
    name: str, numbers: list[int], match: str, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match=match):
        guard_output(str(tmp_path / name), numbers, [])


def test_a_finished_frame_is_known_by_its_job(tmp_path: Path) -> None:
    path = tmp_path / "comp.1001.exr"
    write_plate(path, **{JOB_ATTRIBUTE: "abc"})

    assert finished_job(path, overwrite=False) == "abc"
    assert finished_job(tmp_path / "none.exr", overwrite=False) == ""


@pytest.mark.parametrize("content", [b"", b"precious", None])
def test_a_file_of_somebody_else_stays_unless_allowed(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "comp.1001.exr"
    if content is None:
        write_plate(path)
    else:
        path.write_bytes(content)

    with pytest.raises(OutputError, match="not written by faceplate"):
        finished_job(path, overwrite=False)
    assert finished_job(path, overwrite=True) == ""


def test_a_folder_that_cannot_be_made_is_found_out_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(DiskError, match="taken is not a folder"):
        guard_output(str(tmp_path / "taken/deeper/comp.%04d.exr"), [1], [])
    guard_output(str(tmp_path / "new/deeper/comp.%04d.exr"), [1], [])

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_found_out_before_the_work(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(DiskError, match="may not be written to"):
        guard_output(str(tmp_path / "new/comp.%04d.exr"), [1], [])


@pytest.mark.parametrize(
    ("reason", "replaced", "kept"), [("", True, ""), ("", False, ""), ("no face", False, "no face")]
)
def test_why_a_frame_is_untouched_is_read_back_from_it(
    reason: str, replaced: bool, kept: str, tmp_path: Path
) -> None:
    path = tmp_path / "comp.1001.exr"
    write_plate(path, **{FRAME_ATTRIBUTE: frame_state(reason, replaced=replaced)})

    assert finished_reason(path) == kept
