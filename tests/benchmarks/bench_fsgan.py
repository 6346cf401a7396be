"""How long the generators of the method fsgan take for a frame, and how much memory.

    python tests/benchmarks/bench_fsgan.py [--size released|paper|small|light] [--threads 1 2]
                                           [--views N] [--keep DIR]

The networks have random weights, which take just as long as trained ones. A frame is N views
through the reenactment network (at most three are mixed), then one completion and one blend;
segmentation, cutting and the way back to the plate take a tenth of a second more. The files are
written to a temporary folder, or to ``--keep``, where a later run finds them. Every thread count
gets a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

ROLES = ("reenact", "inpaint", "blend")
SIDE = 256


def write_random(size: str, role: str, path: Path) -> int:
    """Write a network of random weights; return how many it has."""
    import torch

    from faceplate.core.nets.structure import GENERATORS

    torch.manual_seed(0)
    structure = GENERATORS[f"{size}_{role}"]
    network = structure.build().eval()

    class Levels(torch.nn.Module):
        def forward(self, fine: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
            return network([fine, coarse])

    levels = Levels()
    levels.network = network
    inputs = tuple(torch.zeros(1, structure.in_channels, side, side) for side in (SIDE, SIDE // 2))
    with torch.no_grad(), warnings.catch_warnings():
        # The exporter warns that it is the older of two; the newer one needs another package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            levels.eval(),
            inputs,
            str(path),
            input_names=["fine", "coarse"],
            output_names=["picture"],
            opset_version=17,
            dynamo=False,
        )
    return sum(weight.numel() for weight in network.parameters())


def megabytes(entry: str) -> float:
    """What this process holds now (VmRSS), or held at most (VmHWM); Linux only."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(entry)) / 1024


def measure(folder: Path, size: str, threads: int, views: int) -> dict[str, float]:
    """Measure in this process: seconds of one frame, network by network, and megabytes."""
    import onnxruntime

    before = megabytes("VmRSS")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    began = time.perf_counter()
    sessions = [
        onnxruntime.InferenceSession(
            str(folder / f"{size}_{role}.onnx"), options, providers=["CPUExecutionProvider"]
        )
        for role in ROLES
    ]
    found = {"threads": float(threads), "load": time.perf_counter() - began}
    found["held"] = megabytes("VmRSS") - before
    rng = np.random.default_rng(0)
    for role, session in zip(ROLES, sessions, strict=True):
        feed = {
            one.name: rng.uniform(-1, 1, one.shape).astype(np.float32)
            for one in session.get_inputs()
        }
        wall, work = time.perf_counter(), time.process_time()
        (picture,) = session.run(None, feed)
        assert picture.shape == (1, 3, SIDE, SIDE)
        found[role] = time.perf_counter() - wall
        found[f"{role} CPU"] = time.process_time() - work
    counts = (views, 1, 1)
    pairs = list(zip(ROLES, counts, strict=True))
    found["frame"] = sum(found[role] * count for role, count in pairs)
    found["frame CPU"] = sum(found[f"{role} CPU"] * count for role, count in pairs)
    found["peak"] = megabytes("VmHWM") - before
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--size", default="released", choices=("released", "paper", "small", "light")
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--views", type=int, default=3)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--measure", nargs=2, metavar=("FOLDER", "N"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    screen = Console()
    if args.measure:
        folder, threads = args.measure
        found = measure(Path(folder), args.size, int(threads), args.views)
        screen.print(json.dumps(found), soft_wrap=True, highlight=False)
        return
    os.nice(10)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for role in ROLES:
            path = folder / f"{args.size}_{role}.onnx"
            if not path.exists():
                count = write_random(args.size, role, path)
                screen.print(f"{path.name}: {count:,} weights, {path.stat().st_size / 1e6:.0f} MB")
        names = ("threads", "load", *ROLES, "frame", "frame CPU", "held", "peak")
        table = Table(*names, title=f"{args.size}, {args.views} views; seconds, then MB")
        for threads in args.threads:
            command = [sys.executable, __file__, "--size", args.size, "--views", str(args.views)]
            command += ["--measure", str(folder), str(threads)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            row = json.loads(done.stdout)
            table.add_row(*(f"{row[name]:.2f}" for name in names))
        screen.print(table)


if __name__ == "__main__":
    main()
