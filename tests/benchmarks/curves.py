"""The loss curves of training runs, one picture for all, read from their folders.

    python tests/benchmarks/curves.py OUT.png runs/reenact runs/complete ...

A panel a run: the loss that was minimised, each step faint and their running mean bright; a
vertical line where a stage began; the scale is logarithmic. Whole runs only, resumed ones too.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from faceplate.core.arrays import FloatArray
from faceplate.core.canvas import DIM, GROUND, draw_line, framed, save_png, title_bar, write_text

_LOSS = ("generator", "total")
_SIZE = (200, 480)
_LEFT, _RIGHT, _TOP, _FOOT = 60, 12, 12, 26
_WINDOW = 50


def losses_of(run: Path) -> tuple[np.ndarray, list[int]]:
    """Return the loss of every step, and the steps at which stages began."""
    rows = [json.loads(line) for line in (run / "losses.jsonl").read_text("utf-8").splitlines()]
    steps = {row["step"]: row for row in rows if "validation" not in row}  # the last of a step
    ordered = [steps[number] for number in sorted(steps)]
    name = next(name for name in _LOSS if name in ordered[0])
    begun = [k for k in range(1, len(ordered)) if ordered[k]["stage"] != ordered[k - 1]["stage"]]
    return np.array([row[name] for row in ordered], np.float64), begun


def panel(run: Path) -> FloatArray:
    """Return the curve of a run under its name."""
    losses, begun = losses_of(run)
    window = min(_WINDOW, len(losses))
    smooth = np.convolve(losses, np.ones(window) / window, "valid")
    low, high = np.log(losses.min()), np.log(losses.max())
    height, width = _SIZE
    picture = np.full((height, width, 3), GROUND, np.float32)

    def place(step: float, value: float) -> tuple[float, float]:
        across = step / max(len(losses) - 1, 1)
        up = (np.log(value) - low) / max(high - low, 1e-9)
        return (
            _LEFT + across * (width - _LEFT - _RIGHT),
            height - _FOOT - up * (height - _TOP - _FOOT),
        )

    for step in begun:
        draw_line(picture, (place(step, losses.max())), place(step, losses.min()), 0.2)
    for values, first, shade in ((losses, 0, DIM), (smooth, window // 2, 0.95)):
        points = [place(first + k, value) for k, value in enumerate(values)]
        for a, b in zip(points[:-1], points[1:], strict=True):
            draw_line(picture, a, b, shade)
    for value in (losses.max(), float(np.exp((low + high) / 2)), losses.min()):
        y = round(place(0, value)[1])
        write_text(picture, f"{value:.3g}", at=(6, y + 4), scale=0.4)
    write_text(picture, f"{len(losses)} steps", at=(width - 96, height - 8), scale=0.4)
    return framed(np.concatenate([title_bar(run.name, width), picture]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    args = parser.parse_args()
    panels = [panel(run) for run in args.runs]
    if len(panels) % 2:
        panels.append(np.full_like(panels[0], GROUND))
    lines = [np.concatenate(panels[k : k + 2], axis=1) for k in range(0, len(panels), 2)]
    save_png(args.out, np.concatenate(lines))


if __name__ == "__main__":
    main()
