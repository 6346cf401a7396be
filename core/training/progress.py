"""What a run says while it learns: a bar with the time left, TensorBoard, and a file of losses."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from faceplate.core.arrays import ByteArray
from faceplate.core.console import Console
from faceplate.core.io.atomic import replacing
from faceplate.core.training.checkpoint import Position
from faceplate.core.training.task import Validation

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

LOSSES = "losses.jsonl"
BOARD = "board"
_SAY_SECONDS = 60.0
"""Between two lines where there is no terminal for a bar."""
_RECENT = 0.98
"""Share of the old in the losses that are shown."""


class RunLog:
    """Listens to `fit` and tells a console, TensorBoard and `LOSSES`, one line for every step."""

    def __init__(self, console: Console, folder: Path, *, speaking: bool) -> None:
        """Write into a run's folder.

        Args:
            console: where words go.
            folder: the run's.
            speaking: whether this is the process that speaks.
        """
        self._console = console
        self._folder = folder
        self._speaking = speaking
        self._writer: Any = None
        self._file: Any = None
        self._bar: Bar | None = None
        self._task: Any = None
        self._recent: dict[str, float] = {}
        self._total = 0
        self._first = 0
        self._began = self._said = time.monotonic()

    def begin(self, position: Position, total: int) -> None:
        """Go on with the files, from which steps after ``position`` are taken out again."""
        self._total, self._first = total, position.done
        self._began = self._said = time.monotonic()
        if not self._speaking:
            return
        _cut(self._folder / LOSSES, position.done)
        self._file = (self._folder / LOSSES).open("a", encoding="utf-8")
        board = self._folder / BOARD
        self._writer = SummaryWriter(str(board), purge_step=position.done + 1)
        if sys.stderr.isatty() and not self._console.as_json and self._console.verbosity >= 0:
            self._bar = _new_bar()
            self._bar.start()
            self._task = self._bar.add_task("train", total=total, completed=position.done, loss="")

    def step(self, position: Position, losses: Mapping[str, float], rate: float) -> None:
        """Note a step."""
        if not self._speaking:
            return
        row = {"step": position.done, "stage": position.stage, "rate": rate, **losses}
        self._file.write(json.dumps(row) + "\n")
        for name, loss in losses.items():
            self._writer.add_scalar(f"loss/{name}", loss, position.done)
            self._recent[name] = _RECENT * self._recent.get(name, loss) + (1 - _RECENT) * loss
        self._writer.add_scalar("rate", rate, position.done)
        said = " ".join(f"{name} {loss:.4f}" for name, loss in self._recent.items())
        if self._bar is not None:
            self._bar.update(self._task, completed=position.done, loss=said)
        now = time.monotonic()
        if now - self._said >= _SAY_SECONDS or position.done == self._total:
            self._said = now
            self._file.flush()
            pace = (now - self._began) / max(position.done - self._first, 1)
            left = pace * (self._total - position.done)
            if self._bar is None:
                self._say_step(position, said, pace, left)

    def _say_step(self, position: Position, said: str, pace: float, left: float) -> None:
        if self._console.as_json:
            facts = {"stage": position.stage, "done": position.done, "total": self._total}
            self._console.emit("progress", seconds_left=left, losses=self._recent, **facts)
            return
        self._console.note(
            f"step {position.done} of {self._total}: {said}, {pace:.3f} s a step, "
            f"{left / 60:.0f} min left"
        )

    def validated(self, position: Position, validation: Validation, best: bool) -> None:
        """Note a validation."""
        if not self._speaking:
            return
        for name, value in validation.numbers.items():
            self._writer.add_scalar(f"validation/{name}", value, position.done)
        self._file.write(json.dumps({"step": position.done, "validation": validation.numbers}))
        self._file.write("\n")
        self._file.flush()
        self._words(
            f"validation at step {position.done}: {validation.score:.4f}"
            + (", the best so far" if best else "")
            + "".join(f"\n  {name} {value:.4f}" for name, value in validation.numbers.items())
        )
        self._console.log("validation", best=best, position=asdict(position))

    def drawn(self, position: Position, pictures: Mapping[str, ByteArray]) -> None:
        """Note pictures."""
        for name, picture in pictures.items():
            self._writer.add_image(name, np.asarray(picture), position.done, dataformats="HWC")

    def warn(self, text: str) -> None:
        """Say a warning, once."""
        if self._speaking:
            self._console.warn(text)

    def close(self) -> None:
        """End the bar and the files."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if self._speaking and self._file is not None:
            self._file.close()
            self._writer.close()

    def _words(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            self._console.note(text)


def read_losses(folder: Path) -> list[dict[str, Any]]:
    """Return what `RunLog` wrote of every step and validation of a run."""
    path = folder / LOSSES
    if not path.exists():
        return []
    return [row for line in path.read_text(encoding="utf-8").splitlines() if (row := _row(line))]


def _row(line: str) -> dict[str, Any]:
    """Return a line's row; empty if the process was killed while it wrote the line."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _cut(path: Path, done: int) -> None:
    """Take out the rows of steps that will be done again."""
    rows = read_losses(path.parent)
    kept = [row for row in rows if row.get("step", 0) <= done]
    if not path.exists():
        return
    with replacing(path) as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")


def _new_bar() -> Bar:
    from rich.console import Console as Screen
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description:>8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
        console=Screen(stderr=True),
    )
