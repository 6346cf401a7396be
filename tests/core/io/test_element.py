"""Hand-made faces as they are read: layers, premultiplication, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceplate.core.arrays import AnyArray
from faceplate.core.errors import FrameFormatError, FrameMissingError
from faceplate.core.frame import Frame, Window
from faceplate.core.io.element import open_element
from faceplate.core.io.exr import write_frame

WHOLE = Window(-4, -2, 36, 28)


def written(folder: Path, layer: str, *, letters: str = "RGBA") -> tuple[str, AnyArray]:
    """Write one frame with a block of colour at (2..12, 5..15); return its name and pixels."""
    pixels = np.zeros((30, 40, 4), np.float32)
    pixels[7:17, 6:16] = [4.0, 0.5, -0.25, 0.5]
    start = f"{layer}." if layer else ""
    channels = {
        f"{start}{letter}": pixels[..., "RGBA".index(letter)].astype(np.float16)
        for letter in letters
    }
    if layer:
        channels |= {name: np.zeros((30, 40), np.float16) for name in "RGB"}
    write_frame(folder / "e.1001.exr", Frame(1001, channels, WHOLE, WHOLE, 1.0, "ACEScg"))
    return str(folder / "e.%04d.exr"), pixels


@pytest.mark.parametrize("layer", ["", "face", "view.hand"])
def test_a_layer_is_read_where_it_is_not_empty_and_unpremultiplied(
    layer: str, tmp_path: Path
) -> None:
    pattern, _ = written(tmp_path, layer)

    made = open_element(f"{pattern}:{layer}" if layer else pattern).read(1001, WHOLE)

    assert made is not None
    assert made.window == Window(2, 5, 12, 15)
    assert made.coverage is not None
    np.testing.assert_array_equal(made.coverage, 0.5)
    np.testing.assert_allclose(
        made.color, np.broadcast_to([8.0, 1.0, -0.5], (10, 10, 3)), rtol=1e-3
    )


def test_a_layer_without_alpha_is_taken_as_it_is(tmp_path: Path) -> None:
    pattern, pixels = written(tmp_path, "raw", letters="RGB")

    made = open_element(f"{pattern}:raw").read(1001, WHOLE)

    assert made is not None
    assert made.coverage is None
    np.testing.assert_array_equal(made.color, pixels[7:17, 6:16, :3])


def test_nothing_in_a_layer_is_nothing(tmp_path: Path) -> None:
    empty = {name: np.zeros((30, 40), np.float16) for name in "RGBA"}
    write_frame(tmp_path / "e.1001.exr", Frame(1001, empty, WHOLE, WHOLE, 1.0, "ACEScg"))

    assert open_element(str(tmp_path / "e.%04d.exr")).read(1001, WHOLE) is None


def test_wild_values_are_held(tmp_path: Path) -> None:
    planes = {name: np.full((30, 40), 0.5, np.float16) for name in "RGBA"}
    planes["R"][3, 4], planes["G"][3, 4] = np.nan, np.inf
    write_frame(tmp_path / "e.1001.exr", Frame(1001, planes, WHOLE, WHOLE, 1.0, "ACEScg"))

    made = open_element(str(tmp_path / "e.%04d.exr")).read(1001, WHOLE)

    assert made is not None
    assert np.isfinite(made.color).all()


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    pattern, _ = written(tmp_path, "face")
    element = open_element(f"{pattern}:hand")

    with pytest.raises(FrameFormatError, match=r"no layer hand") as caught:
        element.read(1001, WHOLE)
    with pytest.raises(FrameFormatError, match="40x30"):
        open_element(f"{pattern}:face").read(1001, Window(0, 0, 99, 99))
    with pytest.raises(FrameMissingError, match="1002"):
        element.read(1002, WHOLE)

    assert ":face" in caught.value.hint


def test_the_digest_goes_by_bytes_and_layer(tmp_path: Path) -> None:
    pattern, _ = written(tmp_path, "face")

    digests = {open_element(f"{pattern}:{layer}").digest(1001) for layer in ("face", "hand")}
    again = open_element(f"{pattern}:face").digest(1001)

    assert len(digests) == 2
    assert again in digests
