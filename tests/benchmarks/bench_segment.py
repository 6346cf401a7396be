"""How long a segmentation network takes, and how much memory, on one thread and on two.

    python tests/benchmarks/bench_segment.py [--model NAME] [--folder DIR] [--runs N]

Without ``--model`` it measures the light network with random weights, which takes just as long.
``--model`` takes the name of an installed model, or of one in ``--folder``, which `faceplate train`
wrote. Every thread count gets a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from rich.console import Console
from rich.table import Table

THREADS = (1, 2)
SIDE = 256


def random_model() -> bytes:
    """The light network with random weights, as an ONNX file."""
    import torch

    from faceplate.core.card import Tensor
    from faceplate.core.nets.segnet import SegNet
    from faceplate.core.training.export import export_model
    from faceplate.core.training.segment import Channelslast
    from faceplate.core.training.task import Model

    torch.manual_seed(0)
    picture = Tensor("input", (SIDE, SIDE, 3), "HWC", "codes 0..1")
    logits = Tensor("logits", (SIDE, SIDE, 6), "HWC", "logits")
    network = Channelslast(SegNet())
    return export_model(
        Model("random", network, "", (picture,), (logits,), (), training="", limits="")
    ).content


def model_file(args: argparse.Namespace) -> bytes:
    if not args.model:
        return random_model()
    from faceplate.core.nets.load import find_card

    folder = args.folder or Path(__file__).resolve().parents[2] / "core" / "models"
    return (folder / find_card(args.model, folder).file).read_bytes()


def peak_megabytes() -> float:
    """The most memory that this process has held since it began; Linux only."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def measure(path: Path, threads: int, runs: int) -> dict[str, float]:
    """Measure in this process: milliseconds of wall clock and of CPU, and megabytes it took."""
    before = peak_megabytes()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        path.read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    taken = session.get_inputs()[0]
    shape = [axis if isinstance(axis, int) else 1 for axis in taken.shape]
    picture = np.random.default_rng(0).random(shape, np.float32)
    walls, works = [], []
    for _ in range(runs + 3):
        wall, work = time.perf_counter(), time.process_time()
        session.run(None, {taken.name: picture})
        walls.append(time.perf_counter() - wall)
        works.append(time.process_time() - work)
    return {
        "threads": threads,
        "best": min(walls[3:]) * 1e3,
        "median": float(np.median(walls[3:])) * 1e3,
        "work": min(works[3:]) * 1e3,
        "megabytes": peak_megabytes() - before,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--measure", nargs=2, metavar=("FILE", "THREADS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    screen = Console()
    if args.measure:
        found = measure(Path(args.measure[0]), int(args.measure[1]), args.runs)
        screen.print(json.dumps(found), soft_wrap=True, highlight=False)
        return
    import tempfile

    table = Table("threads", "best ms", "median ms", "CPU ms", "MB", title=args.model or "random")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model_file(args))
        for threads in THREADS:
            command = [sys.executable, __file__, "--runs", str(args.runs)]
            command += ["--measure", str(path), str(threads)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            row = json.loads(done.stdout)
            names = ("best", "median", "work", "megabytes")
            table.add_row(str(threads), *(f"{row[name]:.1f}" for name in names))
        screen.print(table)
        screen.print(f"{path.stat().st_size / 1e6:.2f} MB on disk")


if __name__ == "__main__":
    main()
