"""How long a host waits for a preview of one HD frame: a real engine process, asked as hosts do.

    python tests/benchmarks/bench_preview.py [--threads 2] [--rounds 8] [--method warp]

The plate of `bench_speed.py` (1920x1080, a face of 400 px), mattes and comp. The first preview
analyses the plate and opens everything; then, in turn, a knob of the blend is changed and asked
for, and the next frame is. Printed are medians and the worst, with the load average beside them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from bench_quality import job_with
from bench_speed import VIEWS, write_plate
from rich.console import Console
from rich.table import Table

from faceplate.core.actor import ActorSettings, build_actor, write_actor
from faceplate.core.demo.footage import SPACE, write_footage
from faceplate.core.io.footage import open_footage
from faceplate.core.job import Job
from faceplate.ocio.config import open_config
from faceplate.plugin.bridge import Engine, find_engine

_PATIENCE_SECONDS = 600.0


def preview(engine: Engine, job: Job, number: int, out: Path) -> float:
    """Return the seconds until a preview lies on disk."""
    began = time.perf_counter()
    call = engine.call("preview", job=job.to_json(), frame=number, out=str(out))
    answer = call.result(_PATIENCE_SECONDS)
    assert answer["replaced"], answer["reason"]
    return time.perf_counter() - began


def main() -> None:
    """Measure and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--method", default="warp", choices=("warp", "fsgan"))
    options = parser.parse_args()
    config = open_config(None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = open_footage(write_footage(folder, frames=1).source, config, colorspace=SPACE)
        actor = build_actor(
            [source], config, name="bench", max_views=VIEWS, settings=ActorSettings()
        )
        write_actor(folder / "bench.actor", actor)
        plate = write_plate(folder, options.rounds + 1, config)
        settings = {"threads": options.threads, "cache": str(folder / "cache")}
        engine = Engine(find_engine(sys.executable), log=folder / "engine.log", settings=settings)
        out = folder / "preview.exr"

        def job(light: float) -> Job:
            made = job_with(plate, {"method": options.method, "light": light})
            source = str(folder / "bench.actor")
            return replace(made, actor=source, draft=True, layers=("comp", "face", "matte"))

        first = preview(engine, job(1.0), 1001, out)
        knobs, frames = [], []
        for turn in range(options.rounds):
            light = 1.0 - 0.05 * (turn + 1)
            knobs.append(preview(engine, job(light), 1001 + turn, out))
            frames.append(preview(engine, job(light), 1002 + turn, out))
        engine.close()
    table = Table("", "median s", "worst s", title=f"Previews, {options.threads} threads")
    table.add_row("the first", f"{first:.2f}", "")
    table.add_row("a knob of the blend", f"{np.median(knobs):.3f}", f"{max(knobs):.3f}")
    table.add_row("another frame", f"{np.median(frames):.3f}", f"{max(frames):.3f}")
    Console(width=100).print(table, f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
