"""Real Blender finds the layers of a turnover frame under their names, with their values.

Needs FACEPLATE_BPY_VENVS: a folder of virtual environments, each with a `bpy` wheel in it.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from faceplate.core.arrays import AnyArray
from faceplate.core.frame import Frame, Window
from faceplate.core.io.exr import read_frame, write_frame

SCRIPT = Path(__file__).with_name("blender_layers.py")
HEIGHT, WIDTH = 24, 32
CHANNELS = (
    *(f"{layer}{name}" for layer in ("", "face.") for name in "RGBA"),
    *(f"raw.{name}" for name in "RGB"),
    *(f"matte_{name}.A" for name in ("face", "hair", "occluder", "mouth", "blend")),
    "confidence.A",
)


def environments() -> list[Path]:
    folder = os.environ.get("FACEPLATE_BPY_VENVS")
    return sorted(Path(folder).glob("*/bin/python")) if folder else []


def turnover() -> Frame:
    """Make a frame whose every channel holds numbers of its own, some above 1 and below 0."""
    planes: dict[str, AnyArray] = {}
    ramp = np.arange(HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH) / (HEIGHT * WIDTH)
    for index, name in enumerate(CHANNELS):
        is_coverage = name.endswith("A")
        low, high = (0.25, 1.0) if is_coverage else (-0.5, 4.0 + index)
        planes[name] = (low + (high - low) * np.roll(ramp, 3 * index)).astype(np.float16)
    window = Window(0, 0, WIDTH, HEIGHT)
    header = {"colorInteropID": "lin_rec709_scene"}
    return Frame(1, planes, window, window, 1.0, "Linear Rec.709 (sRGB)", header)


@pytest.mark.slow
@pytest.mark.skipif(
    not environments(),
    reason="FACEPLATE_BPY_VENVS names no folder of environments with bpy: BLENDER IS NOT TESTED",
)
@pytest.mark.parametrize("python", environments(), ids=lambda path: path.parts[-3])
def test_layers_arrive_in_blender_under_their_names_with_their_values(
    tmp_path: Path, python: Path
) -> None:
    frame = turnover()
    write_frame(tmp_path / "turnover.exr", frame)

    done = subprocess.run(
        [str(python), str(SCRIPT), str(tmp_path / "turnover.exr"), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    sockets = json.loads((tmp_path / "sockets.json").read_text())
    root = next(name for name in sockets if name in ("Combined", "Image"))
    scalars = [name.removesuffix(".A") for name in CHANNELS[11:]]
    assert {sockets[name] for name in (root, "face", "raw")} == {"RGBA"}
    assert {sockets[name] for name in scalars} == {"VALUE"}
    assert set(sockets) <= {root, "Alpha", "face", "raw", *scalars}

    back = read_frame(next(tmp_path.glob("back.*.exr")), 1)
    for name in CHANNELS:
        layer, _, letter = name.rpartition(".")
        wanted = frame.channels[name].astype(np.float32)
        found = back.channels[f"{layer}.V" if layer in scalars else f"{layer or root}.{letter}"]
        np.testing.assert_array_equal(found, wanted, err_msg=name)
