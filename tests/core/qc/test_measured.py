"""Comps that were spoilt in a known way measure just that."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.core.arrays import FloatArray
from faceplate.core.errors import FrameFormatError
from faceplate.core.io.exr import read_frame, write_frame
from faceplate.core.qc.measured import Measured
from faceplate.core.qc.verdict import Row


def row(measured: Measured, knob: str) -> Row:
    (found,) = [r for r in measured.rows if r.knob == knob]
    return found


def test_a_comp_that_is_the_plate_has_no_error_at_all(finisher: Any, tmp_path: Path) -> None:
    measured = finisher.measure(finisher.finish(tmp_path))

    values = {r.knob: r.value for r in measured.rows}
    for knob in ("pose", "landmarks", "expression", "jitter", "seam", "flicker", "altered"):
        assert values[f"{knob}_most"] == pytest.approx(0.0, abs=1e-5), knob
    assert values["grain_least"] == values["grain_most"] == 1.0
    assert values["identity_most"] is None and values["leak_most"] is None
    assert measured.exceeded == []


def test_what_is_missing_repeated_or_altered_is_named_by_its_frame(
    finisher: Any, tmp_path: Path
) -> None:
    comp = finisher.finish(tmp_path)
    first = read_frame(comp % 1001, 1001)
    spoilt = {**first.channels, "A": first.channels["A"].copy()}
    spoilt["A"][3, 5] = 0.5
    write_frame(comp % 1001, type(first)(1001, spoilt, first.data, first.display, 1.0, ""))
    shutil.copy(comp % 1003, comp % 1004)
    Path(comp % 1006).unlink()
    Path(comp % 1005).write_bytes(Path(comp % 1005).read_bytes()[:200])

    measured = finisher.measure(comp)

    assert row(measured, "missing_most").frames == (1005, 1006)
    assert "1005" in row(measured, "missing_most").note
    assert row(measured, "duplicates_most").frames == (1004,)
    altered = row(measured, "altered_most")
    assert altered.series[1001] == 1 and altered.series[1002] == altered.series[1003] == 0
    assert altered.frames == (1001, 1004)
    assert {"altered_most", "missing_most", "duplicates_most"} <= set(measured.exceeded)


def test_a_comp_without_a_single_whole_frame_is_an_error(finisher: Any, tmp_path: Path) -> None:
    comp = finisher.finish(tmp_path)

    with pytest.raises(FrameFormatError, match="none of the frames 1-6"):
        finisher.measure(comp, frames="1-6", plate=str(_renumbered(finisher, tmp_path)))


def _renumbered(finisher: Any, folder: Path) -> Path:
    for number in range(1, 7):
        shutil.copy(finisher.plate % (1000 + number), folder / f"p.{number:04d}.exr")
    return folder / "p.%04d.exr"


def test_planted_flicker_and_seam_are_read_back_in_stops(finisher: Any, tmp_path: Path) -> None:
    def gained(number: int, color: FloatArray, matte: FloatArray) -> FloatArray:
        stops = 0.6 + (0.2 if number % 2 else -0.2)
        return np.where(matte[..., None] > 0, color * np.float32(2**stops), color)

    measured = finisher.measure(finisher.finish(tmp_path, gained, size=0.3))

    # A gain that swings by 0.4 stops bends by 0.8 at every frame.
    assert row(measured, "flicker_most").value == pytest.approx(0.8 / np.sqrt(6), rel=0.1)
    seams = row(measured, "seam_most").series
    assert np.mean([seams[n] for n in (1001, 1003, 1005)]) == pytest.approx(0.8, rel=0.25)
    assert np.mean([seams[n] for n in (1002, 1004, 1006)]) == pytest.approx(0.4, rel=0.25)
    assert {"flicker_most", "seam_most"} <= set(measured.exceeded)


def test_planted_jitter_is_read_back_in_pixels(finisher: Any, tmp_path: Path) -> None:
    shifts = {1001: 0, 1002: 3, 1003: -2, 1004: 2, 1005: -3, 1006: 1}

    def shaken(number: int, color: FloatArray, matte: FloatArray) -> FloatArray:
        moved = np.roll(color, shifts[number], axis=1)
        return np.where(matte[..., None] > 0, moved, color)

    measured = finisher.measure(finisher.finish(tmp_path, shaken, size=0.8))

    height = np.mean([face.height for face in finisher.faces.values()])
    bends = [shifts[n - 1] - 2 * shifts[n] + shifts[n + 1] for n in range(1002, 1006)]
    planted = np.sqrt(np.mean(np.square(bends)) / 12) * 400 / height  # along x alone
    assert row(measured, "jitter_most").value == pytest.approx(planted, rel=0.25)
    assert "jitter_most" in measured.exceeded


def test_an_untouched_frame_and_a_draft_are_no_failures_and_are_told(
    finisher: Any, tmp_path: Path
) -> None:
    comp = finisher.finish(
        tmp_path,
        **{"faceplate/frame": "untouched: below confidence", "faceplate/command": "swap --draft"},
    )

    measured = finisher.measure(comp)

    assert {f.reason for f in measured.facts} == {"below confidence"}
    assert row(measured, "altered_most").value is None
    assert any("draft" in note for note in measured.notes)
    assert measured.exceeded == []


def test_a_comp_of_another_program_is_measured_where_it_differs(
    finisher: Any, small_shot: Any, tmp_path: Path
) -> None:
    def lit(number: int, color: FloatArray, matte: FloatArray) -> FloatArray:
        return np.where(matte[..., None] > 0, color * np.float32(2), color)

    comp = finisher.finish(tmp_path, lit, size=0.3)
    for number in finisher.faces:
        frame = read_frame(comp % number, number)
        plain = {name: frame.channels[name] for name in "RGBA"}
        write_frame(comp % number, type(frame)(number, plain, frame.data, frame.display, 1.0, ""))

    measured = finisher.measure(comp, actor=str(small_shot.actor))

    assert row(measured, "altered_most").value is None
    assert row(measured, "seam_most").value == pytest.approx(1.0, rel=0.25)
    assert row(measured, "identity_most").value > 0.5  # it is still the plate's performer
    assert any("no layer" in note for note in measured.notes)
