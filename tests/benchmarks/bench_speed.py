"""How fast a swap is, beside the reading and writing of the very same files.

    python tests/benchmarks/bench_speed.py [--threads 1] [--frames 24] [--memory-frames 300]

Warm, track given, root RGBA alone, zip: the demo shot, enlarged until its face is 400 px high, cut
to 1920x1080, with a sensor's noise at that size; an actor of 12 views. ``--profile`` lists where
the time goes, ``--out FILE`` writes JSON. Run it with nothing else on the machine: the load average
is printed beside the figures.
"""

from __future__ import annotations

import argparse
import cProfile
import datetime
import json
import os
import pstats
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from bench_quality import job_with
from rich.console import Console
from rich.table import Table

from faceplate.core.actor import Actor, ActorSettings, build_actor, write_actor
from faceplate.core.analyse import AnalysisSettings, analyse_shot
from faceplate.core.demo.footage import SPACE, exposed, shipped, write_footage
from faceplate.core.doors import set_threads
from faceplate.core.frame import Frame, Window
from faceplate.core.io.exr import read_frame, write_frame
from faceplate.core.io.footage import FootageReader, open_footage
from faceplate.core.io.tracks import write_track
from faceplate.core.render import open_shot, render_frame, render_shot
from faceplate.core.track import ShotTrack
from faceplate.ocio.config import ColorConfig, open_config

WIDTH, HEIGHT, FACE, VIEWS = 1920, 1080, 400.0, 12


def write_plate(folder: Path, count: int, config: ColorConfig) -> str:
    """Write ``count`` HD half RGBA frames whose face is 400 px high; return the pattern."""
    clean = shipped("plate")
    small = open_footage(clean.pattern, config, colorspace=SPACE)
    track = analyse_shot(small, config, AnalysisSettings(1.0, 1, None, embed=False)).tracks[0]
    scale = FACE / track.mean_height
    window = Window(0, 0, WIDTH, HEIGHT)
    for index, number in enumerate(clean.frames.numbers[:count]):
        frame = small.read(number)
        middle = track.at(number).mesh[:468, :2].mean(axis=0)
        into = np.array(
            [
                [scale, 0, WIDTH / 2 - scale * middle[0]],
                [0, scale, HEIGHT / 2 - scale * middle[1]],
            ]
        )
        rgb = cv2.warpAffine(
            frame.rgb(), into, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
        channels = {
            name: np.ascontiguousarray(rgb[..., i]).astype(np.float16)
            for i, name in enumerate("RGB")
        }
        channels["A"] = np.ones((HEIGHT, WIDTH), np.float16)
        large = Frame(1001 + index, channels, window, window, 1.0, SPACE, dict(frame.header))
        write_frame(folder / f"plate.{1001 + index}.exr", exposed(large, 1))
    return str(folder / "plate.%04d.exr")


def floor(reader: FootageReader, folder: Path) -> tuple[float, float]:
    """Return wall and CPU seconds per frame of reading and writing the files, nothing else."""
    wall, processor = time.perf_counter(), time.process_time()
    for number in reader.frames:
        frame = read_frame(reader.footage.path(number), number, space=reader.space)
        write_frame(folder / f"floor.{number}.exr", frame, compression="zip")
    count = len(reader.frames)
    return (time.perf_counter() - wall) / count, (time.process_time() - processor) / count


def passes(
    plate: str, actor: Path, track: Path, folder: Path, threads: int
) -> tuple[float, float, dict[str, float]]:
    """Return wall and CPU seconds per frame of the render pass alone, and seconds by stage."""
    job = replace(
        job_with(plate, {}, str(folder / "comp.%04d.exr")),
        actor=str(actor),
        track=str(track),
        colorspace=SPACE,
        draft=True,
        overwrite=True,
    )
    marks: list[tuple[float, float]] = []
    summary = render_shot(
        job,
        progress=lambda _: marks.append((time.perf_counter(), time.process_time())),
        should_stop=lambda: False,
        threads=threads,
        cache_folder=None,
        revocations=frozenset(),
        today=datetime.date(2026, 1, 1),
    )
    done = marks[-summary.frames :]
    # The first frame pays for opening and compiling: warm is from its end to the last one's.
    count = len(done) - 1
    wall, processor = ((done[-1][k] - done[0][k]) / count for k in (0, 1))
    each = {name: s / summary.frames for name, s in summary.seconds.items()}
    return wall, processor, each


def resident_mb() -> float:
    """Return the resident memory of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def memory(
    plate: str, actor: Actor, track: ShotTrack, config: ColorConfig, folder: Path, count: int
) -> list[float]:
    """Render and write ``count`` frames, again and again the same; return MB at ten points."""
    reader = open_footage(plate, config, colorspace=SPACE)
    settings = AnalysisSettings(1.0, 1, None, embed=True)
    shot = open_shot(job_with(plate, {}), reader, config, track, actor, settings)
    numbers, points = reader.frames.numbers, []
    for index in range(count):
        frame, _ = render_frame(shot, numbers[index % len(numbers)])
        write_frame(folder / "memory.exr", frame, compression="zip")
        if (index + 1) % max(count // 10, 1) == 0:
            points.append(round(resident_mb(), 1))
    return points


def hot_spots(work: Callable[[], object], count: int) -> list[tuple[str, float]]:
    """Return the functions that take the most time themselves, ms per frame."""
    profile = cProfile.Profile()
    profile.runcall(work)
    table: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        table[f"{Path(file).name}:{name}"] += own
    return [(name, 1000 * own / count) for name, own in table.most_common(25)]


def main() -> None:
    """Measure and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--memory-frames", type=int, default=0)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    set_threads(options.threads)
    config = open_config(None)
    console = Console(width=120)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        footage = write_footage(folder, frames=1)
        source = open_footage(footage.source, config, colorspace=SPACE)
        actor = build_actor(
            [source], config, name="bench", max_views=VIEWS, settings=ActorSettings()
        )
        write_actor(folder / "bench.actor", actor)
        plate = write_plate(folder, options.frames, config)
        reader = open_footage(plate, config, colorspace=SPACE)
        settings = AnalysisSettings(1.0, options.threads, None, embed=True)
        analyse_shot(reader, config, settings)
        began = time.perf_counter()
        track = analyse_shot(reader, config, settings)
        analysis = len(reader.frames) / (time.perf_counter() - began)
        write_track(folder / "bench.track", track)
        floor(reader, folder)
        before = floor(reader, folder)
        wall, processor, each = passes(
            plate, folder / "bench.actor", folder / "bench.track", folder, options.threads
        )
        after = floor(reader, folder)
        least = tuple(min(a, b) for a, b in zip(before, after, strict=True))
        figures: dict[str, object] = {
            "threads": options.threads,
            "load": os.getloadavg()[0],
            "frames": len(reader.frames),
            "face_px": round(track.tracks[0].mean_height, 1),
            "views": len(actor.views),
            "floor_ms": round(1000 * least[0], 1),
            "floor_cpu_ms": round(1000 * least[1], 1),
            "wall_ms": round(1000 * wall, 1),
            "cpu_ms": round(1000 * processor, 1),
            "ratio_to_floor": round(wall / least[0], 2),
            **{f"{k}_ms": round(1000 * v, 1) for k, v in each.items()},
            "analysis_fps": round(analysis, 2),
        }
        if options.memory_frames:
            figures["resident_mb"] = memory(
                plate, actor, track, config, folder, options.memory_frames
            )
        table = Table(title="HD, root RGBA, zip, warm, track given")
        for column in ("", "value"):
            table.add_column(column, justify="right")
        for key, value in figures.items():
            table.add_row(key, str(value))
        console.print(table)
        if options.profile:
            shot = open_shot(job_with(plate, {}), reader, config, track, actor, settings)
            numbers = reader.frames.numbers

            def work() -> None:
                for number in numbers:
                    render_frame(shot, number)

            for function, cost in hot_spots(work, len(numbers)):
                console.print(f"{cost:8.1f} ms  {function}")
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
