"""Frame ranges and sequences as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplate.core.errors import FootagePatternError, FrameMissingError
from faceplate.core.footage import FrameRange, base_name, find_footage, frame_path

NUMBERS = st.sets(st.integers(-300, 3000), min_size=1, max_size=40)


@given(NUMBERS)
def test_a_range_reads_back_what_it_prints(numbers: set[int]) -> None:
    frames = FrameRange(tuple(sorted(numbers)))

    assert FrameRange.parse(str(frames)) == frames


@given(st.integers(-50, 50), st.integers(0, 60), st.integers(1, 9), st.sampled_from("x:"))
def test_a_step_is_what_range_makes_of_it(first: int, length: int, step: int, sign: str) -> None:
    last = first + length

    frames = FrameRange.parse(f"{first}-{last}{sign}{step}")

    assert list(frames) == list(range(first, last + 1, step))


@pytest.mark.parametrize("text", ["", "a", "1-", "5-1", "1-9x0", "1,,2", "1-2-3", "1.5", "1-9y2"])
def test_text_that_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(FootagePatternError, match="is not a frame range"):
        FrameRange.parse(text)


@given(st.integers(-99, 12000), st.sampled_from(["p.%04d.exr", "p.####.exr", "p_@@@@.exr"]))
def test_a_sequence_is_found_under_the_names_it_gives(number: int, pattern: str) -> None:
    name = frame_path(pattern, number).name

    assert str(abs(number)) in name
    assert ("-" in name) == (number < 0)


def test_a_sequence_is_found_with_its_gaps(tmp_path: Path) -> None:
    for number in (7, 9, 10, 12):
        (tmp_path / f"p.{number:04d}.exr").touch()
    (tmp_path / "p.11.exr").touch()
    (tmp_path / "p.0013.exr.tmp").touch()

    footage = find_footage(str(tmp_path / "p.%04d.exr"))

    assert footage.frames.numbers == (7, 9, 10, 12)
    with pytest.raises(FrameMissingError, match="Frame 8"):
        footage.path(8)


@pytest.mark.parametrize("name", ["p.%04d.exr", "p.exr"])
def test_nothing_on_disk_is_an_error_with_the_pattern(name: str, tmp_path: Path) -> None:
    with pytest.raises(FootagePatternError, match=name):
        find_footage(str(tmp_path / name))


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("a/comp.%04d.exr", "comp"), ("sc_01_####.exr", "sc_01"), ("%d.exr", "frames")],
)
def test_the_base_name_has_neither_number_nor_suffix(pattern: str, name: str) -> None:
    assert base_name(pattern) == name
