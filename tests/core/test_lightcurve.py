from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceplate.core.errors import FootagePatternError, OutputError
from faceplate.core.frame import Frame, Window
from faceplate.core.io.exr import write_frame
from faceplate.core.job import Job
from faceplate.core.lightcurve import light_gains
from faceplate.nodes.compile import Delivery, job_of, swap_graph

WINDOW = Window(0, 0, 40, 30)


def job_for(folder: Path) -> Job:
    graph = swap_graph({"pattern": "plate.%04d.exr"}, {"file": "ana.actor"}, {})
    return job_of(graph, "swap", Delivery(output=str(folder / "comp.%04d.exr")))


def write(
    folder: Path,
    number: int,
    gains: tuple[float, float, float] | None,
    *,
    layers: tuple[str, ...] = ("face", "raw"),
    prefix: str = "",
) -> None:
    """Write a frame whose face is its raw layer times ``gains``, premultiplied, with an edge."""
    rng = np.random.default_rng(number)
    raw = rng.lognormal(-2.0, 0.5, (3, 30, 40)).astype(np.float32)
    cover = np.zeros((30, 40), np.float32)
    if gains is not None:
        cover[5:25, 5:35] = 1.0
        cover[5:25, 4] = 0.3  # an edge, where another light may be mixed in
    face = raw * np.array(gains or (0, 0, 0), np.float32)[:, None, None] * cover
    face[:, 5:25, 4] *= 9.0
    channels = {name: np.zeros((30, 40), np.float16) for name in "RGB"}
    planes = {"face": [*face, cover], "raw": list(raw)}
    for layer in layers:
        for letter, plane in zip("RGBA", planes[layer], strict=False):
            channels[f"{prefix}{layer}.{letter}"] = plane.astype(np.float16)
    frame = Frame(number, channels, WINDOW, WINDOW, 1.0, "", {})
    write_frame(folder / f"comp.{number:04d}.exr", frame)


def test_the_gains_take_the_raw_layer_to_the_face(tmp_path: Path) -> None:
    wanted = {1001: (1.5, 1.0, 0.6), 1002: (0.25, 0.5, 4.0)}
    for number, gains in wanted.items():
        write(tmp_path, number, gains)

    found = light_gains(job_for(tmp_path))

    assert found == {n: pytest.approx(gains, rel=2e-3) for n, gains in wanted.items()}


def test_a_frame_without_a_face_has_no_gain(tmp_path: Path) -> None:
    write(tmp_path, 1001, None)
    write(tmp_path, 1002, (2.0, 2.0, 2.0))

    assert list(light_gains(job_for(tmp_path))) == [1002]


def test_layers_of_another_name_are_found_by_their_prefix(tmp_path: Path) -> None:
    write(tmp_path, 1001, (2.0, 1.0, 1.0), prefix="fp_")

    found = light_gains(replace(job_for(tmp_path), layer_prefix="fp_"))

    assert found[1001] == pytest.approx((2.0, 1.0, 1.0), rel=2e-3)


def test_a_layer_that_was_not_written_is_named(tmp_path: Path) -> None:
    write(tmp_path, 1001, (1.0, 1.0, 1.0), layers=("face",))

    with pytest.raises(OutputError, match=r"has no channel raw\.R"):
        light_gains(job_for(tmp_path))


def test_frames_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(FootagePatternError):
        light_gains(job_for(tmp_path))


def test_it_stops_between_frames_when_told(tmp_path: Path) -> None:
    for number in (1001, 1002):
        write(tmp_path, number, (1.0, 1.0, 1.0))
    answers = iter([False, True])

    found = light_gains(job_for(tmp_path), should_stop=lambda: next(answers))

    assert list(found) == [1001]
