"""Hand-made mattes: layers, windows, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceplate.core.errors import FootagePatternError, FrameFormatError, FrameMissingError
from faceplate.core.frame import Frame, Window
from faceplate.core.io.exr import write_frame
from faceplate.core.io.roto import open_roto

DISPLAY = Window(0, 0, 40, 30)


def drawn(folder: Path, names: tuple[str, ...], data: Window = DISPLAY) -> str:
    """Write frame 1001 whose channels hold x / 100 + their own number."""
    row = np.arange(data.x0, data.x1, dtype=np.float32)[None] / 100
    planes = {
        name: np.ascontiguousarray(np.repeat(row + k, data.height, axis=0).astype(np.float32))
        for k, name in enumerate(names)
    }
    write_frame(folder / "roto.1001.exr", Frame(1001, planes, data, DISPLAY, 1.0, ""))
    return str(folder / "roto.%04d.exr")


@pytest.mark.parametrize(
    ("names", "layer", "value"),
    [
        (("A", "B", "G", "R"), "", 0.12),
        (("Y",), "", 0.12),
        (("soft.edge",), "", 0.12),
        (("matte.A", "other.A"), ":matte", 0.12),
        (("matte.A", "other.A"), ":matte.A", 0.12),
        (("m", "A"), ":A", 1.0),  # 1.12, clipped
    ],
)
def test_the_named_layer_or_the_usual_channel_is_read(
    tmp_path: Path, names: tuple[str, ...], layer: str, value: float
) -> None:
    roto = open_roto(drawn(tmp_path, names) + layer)

    cover = roto.coverage(1001, Window(12, 3, 13, 4), DISPLAY)

    assert cover == pytest.approx(value)


def test_a_matte_is_zero_outside_its_data_window(tmp_path: Path) -> None:
    roto = open_roto(drawn(tmp_path, ("A",), Window(10, 10, 20, 20)))

    cover = roto.coverage(1001, Window(5, 5, 30, 25), DISPLAY)

    assert cover.shape == (20, 25)
    assert cover.sum() == pytest.approx(np.arange(10, 20).sum() * 10 / 100)
    assert cover[5:15, 5:15].min() > 0


def test_a_layer_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    roto = open_roto(f"{drawn(tmp_path, ('hero.A',))}:stunt")

    with pytest.raises(FrameFormatError, match=r"stunt.*hero\.A"):
        roto.coverage(1001, DISPLAY, DISPLAY)


def test_a_matte_of_another_format_is_refused_with_both_sizes(tmp_path: Path) -> None:
    roto = open_roto(drawn(tmp_path, ("A",)))

    with pytest.raises(FrameFormatError, match="40x30 and the plate 80x60"):
        roto.coverage(1001, DISPLAY, Window(0, 0, 80, 60))


def test_missing_frames_and_files_are_named(tmp_path: Path) -> None:
    roto = open_roto(drawn(tmp_path, ("A",)))

    with pytest.raises(FrameMissingError, match="1002"):
        roto.coverage(1002, DISPLAY, DISPLAY)
    with pytest.raises(FootagePatternError, match="nowhere"):
        open_roto(str(tmp_path / "nowhere.%04d.exr:A"))


def test_the_digest_knows_bytes_and_layer(tmp_path: Path) -> None:
    pattern = drawn(tmp_path, ("a.A", "b.A"))
    first, second = (open_roto(f"{pattern}:{layer}").digest(1001) for layer in "ab")
    drawn(tmp_path, ("b.A", "a.A"))

    assert len({first, second, open_roto(f"{pattern}:a").digest(1001)}) == 3
