"""How many heads a second one core renders.

    python tests/benchmarks/bench_synth.py --head ict_face_compact.npz [--hdri hdri_cc0_256.npz]

Two mixes at 256 px: that of the training, and one with everything on, where each head has two
hands' worth of hand, glasses, a hat, headphones, a scarf, a thing before it and loose hair. Without
``--head`` it takes the built-in stand-in. The time is that of the processor, so that other work on
the machine counts little; compiling is not in it. ``--profile`` lists where the time goes.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console

from faceplate.core.synth.backdrop import read_surroundings
from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.render import Maps, render_head
from faceplate.core.synth.sample import Mix, sample_head
from faceplate.core.synth.standin import procedural_head

SIZE = 256
ALL_ON = replace(
    Mix(), hand=1.0, glasses=1.0, hat=1.0, phones=1.0, scarf=1.0, prop=1.0, strands=1.0, bald=0.0,
    other=1.0,
)  # fmt: skip


def measure(model: HeadModel, mix: Mix, maps: Maps, first: int, count: int) -> dict[str, float]:
    """Return pictures a second, and the median and slowest picture in milliseconds."""
    took = []
    for seed in range(first, first + count):
        begin = time.process_time()
        render_head(model, sample_head(seed, mix), SIZE, maps)
        took.append(time.process_time() - begin)
    return {
        "a_second": round(count / sum(took), 2),
        "median_ms": round(1e3 * float(np.median(took)), 1),
        "slowest_ms": round(1e3 * max(took), 1),
    }


def main() -> None:
    """Measure both mixes and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--head", type=Path)
    parser.add_argument("--hdri", type=Path)
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    model = HeadModel.load(chosen.head) if chosen.head else procedural_head()
    maps = read_surroundings(chosen.hdri) if chosen.hdri else ()
    mixes = {"training mix": Mix(), "everything on": ALL_ON}
    for mix in mixes.values():  # compile, and fill the machine's caches
        measure(model, mix, maps, 0, 4)
    profile = cProfile.Profile()
    if chosen.profile:
        profile.enable()
    result = {name: measure(model, mix, maps, 1000, chosen.count) for name, mix in mixes.items()}
    profile.disable()
    console = Console()
    console.print(f"{model.name} head, {SIZE} px, load {os.getloadavg()[0]:.1f}")
    for name, numbers in result.items():
        console.print(f"{name}: {numbers}")
    if chosen.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    if chosen.out:
        chosen.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
