"""What a command says: progress, warnings, result and errors, for a person, a program and a log."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from faceplate.core.errors import FaceplateError
from faceplate.core.report import Progress, Summary

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

INTERRUPTED = 130
TERMINATED = 143
_WORTH_A_LOG = (4, 70)
"""Exit codes whose trace somebody will ask for, even if no frame was begun."""


class Stopped(Exception):  # noqa: N818 - not an error: somebody wanted it
    """A signal came while a stage was at work that has no finished frames to keep."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("stopped")
        self.exit_code = exit_code


def _nothing() -> None: ...


@dataclass(slots=True)
class Stopper:
    """Turns Ctrl-C and SIGTERM into a question that is asked between frames.

    Attributes:
        exit_code: what to end with; 0 while nobody wants to stop.
        between: done whenever the question is asked, so between two frames.
    """

    exit_code: int = 0
    between: Callable[[], None] = _nothing

    def __call__(self) -> bool:
        """Return whether to stop after the frame in hand."""
        self.between()
        return self.exit_code != 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to the signals; a second Ctrl-C stops at once."""
        before = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
        for kind in before:
            signal.signal(kind, self._hear)
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)

    def _hear(self, kind: int, frame: FrameType | None) -> None:
        if self.exit_code and kind == signal.SIGINT:
            raise KeyboardInterrupt
        self.exit_code = INTERRUPTED if kind == signal.SIGINT else TERMINATED


@dataclass(slots=True)
class Console:
    """Where a command's words go: results to stdout, all else to stderr, everything to the log.

    Attributes:
        as_json: one JSON object per line on stdout instead of words.
        verbosity: -1 errors only, 0 the usual, 1 also every frame.
        stop: asked between frames.
        listener: hears every event and its facts, as the log does.
    """

    as_json: bool
    verbosity: int
    stop: Stopper = field(default_factory=Stopper)
    listener: Callable[[str, Mapping[str, object]], None] | None = None
    _path: Path | None = None
    _log: TextIO | None = None
    _waiting: list[str] = field(default_factory=list)
    _bar: Bar | None = None
    _task: Any = None
    _stage: str = ""
    _warned: dict[str, None] = field(default_factory=dict)

    # --- the log ------------------------------------------------------------------------------

    def open_log(self, path: Path) -> None:
        """Name the log of a job; what is said before work begins waits in memory.

        So a job that is refused leaves nothing behind, least of all in the plate's own folder.
        """
        if self._log is not None:
            self._log.close()
        self._path, self._log = path, None
        self.log("start", arguments=sys.argv[1:], process=os.getpid())

    def log(self, event: str, **facts: object) -> None:
        """Write one line into the log; clock and process stand here and never in a frame."""
        if self.listener is not None:
            self.listener(event, facts)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        line = _line({"event": event, "time": stamp, **facts})
        if self._log is None:
            self._waiting.append(line)
        else:
            _write(self._log, line)

    def _begin_log(self) -> None:
        """Open the log, to go on with it if it is there, and write what waited.

        Raises:
            OSError: the folder refuses.
        """
        if self._log is None and self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._log = self._path.open("a", encoding="utf-8")
            for line in self._waiting:
                _write(self._log, line)
            self._waiting.clear()

    def close(self) -> None:
        """End the progress bar and the log."""
        if self._bar is not None:
            self._bar.stop()
        if self._log is not None:
            with suppress(OSError):  # that the disk is full has been said; the rest of it is lost
                self._log.close()
        self._bar = self._log = None

    # --- while it runs ------------------------------------------------------------------------

    def begin(self, frame: int) -> None:
        """Tell who listens which frame is in hand: the one to blame if the process dies."""
        if self.listener is not None:
            self.listener("begin", {"frame": frame})

    def progress(self, step: Progress) -> None:
        """Show how far a pass has come.

        Raises:
            Stopped: a signal came, and this stage has no finished frames to keep.
            OSError: the log cannot be written.
        """
        self._begin_log()
        facts = {"stage": step.stage, "done": step.done, "total": step.total}
        self.log("progress", frame=step.frame, replaced=step.replaced, reason=step.reason, **facts)
        for warning in step.warnings:
            self.warn(warning if step.frame is None else f"Frame {step.frame}: {warning}")
        if self.as_json:
            self.emit("progress", frame=step.frame, replaced=step.replaced, **facts)
        elif self.verbosity >= 0:
            self._show(step)
        if step.stage != "render" and self.stop():
            raise Stopped(self.stop.exit_code)

    def _show(self, step: Progress) -> None:
        if self.verbosity > 0 and step.frame is not None:
            state = "there already" if step.resumed else step.reason or "replaced"
            self._words(f"{step.stage} {step.frame}: {state}")
        if not sys.stderr.isatty():
            if step.stage != self._stage:
                self._words(f"{step.stage}: {step.total} {step.unit}")
            self._stage = step.stage
            return
        if self._bar is None:
            self._bar = _new_bar()
            self._bar.start()
        if step.stage != self._stage:
            self._stage = step.stage
            self._task = self._bar.add_task(step.stage, total=step.total, speed="", warnings="")
        count = len(self._warned)
        seconds = self._bar.tasks[self._task].elapsed or 0.0
        self._bar.update(
            self._task,
            completed=step.done,
            total=step.total,
            speed=f"{step.done / seconds:.1f} {step.unit}/s" if seconds > 0.5 else "",
            warnings=f"{count} warning{'s' * (count > 1)}" if count else "",
        )

    def _words(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            _write(sys.stderr, text)

    def warn(self, text: str) -> None:
        """Say a warning, once however often it comes."""
        if text in self._warned:
            return
        self._warned[text] = None
        self.log("warning", text=text)
        if self.as_json:
            self.emit("warning", text=text)
        elif self.verbosity >= 0:
            self._words(f"warning: {text}")

    def note(self, text: str) -> None:
        """Say what is going on."""
        self.log("note", text=text)
        if self.as_json:
            self.emit("note", text=text)
        elif self.verbosity >= 0:
            self._words(text)

    # --- results ------------------------------------------------------------------------------

    def emit(self, event: str, **facts: object) -> None:
        """Print one JSON object on stdout."""
        _write(sys.stdout, _line({"event": event, **facts}))

    def result(self, text: str, /, **facts: object) -> None:
        """Print a command's result: words for a person, facts for a program."""
        self.log("result", **facts)
        if self.as_json:
            self.emit("result", **facts)
        elif self.verbosity >= 0:
            _write(sys.stdout, text)

    def summary(self, summary: Summary) -> None:
        """Print what a render did."""
        facts = {name: getattr(summary, name) for name in Summary.__slots__}
        facts["untouched"], facts["seconds"] = dict(summary.untouched), dict(summary.seconds)
        for text in summary.warnings:
            self.warn(text)
        self.log("summary", **facts)
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if self.as_json:
            self.emit("summary", **facts)
        elif self.verbosity >= 0:
            _write(sys.stdout, _in_words(summary))

    def error(self, error: FaceplateError) -> None:
        """Say what went wrong in one sentence, and what to do; the trace goes to the log."""
        self._fail(str(error), error.hint, error.exit_code, error.facts)

    def unexpected(self, error: BaseException, text: str, hint: str, exit_code: int) -> None:
        """Say of an error that is not one of ours what it means."""
        self._fail(text, hint, exit_code, {"type": type(error).__name__, "text": str(error)})

    def _fail(self, text: str, hint: str, exit_code: int, facts: Mapping[str, object]) -> None:
        said = {"message": text, "hint": hint, "exit_code": exit_code, "facts": facts}
        with suppress(OSError):  # the error itself may be that nothing can be written there
            if exit_code in _WORTH_A_LOG:
                self._begin_log()
            self.log("error", trace=traceback.format_exc(), **said)
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if self.as_json:
            self.emit("error", **said)
            return
        _write(sys.stderr, f"error: {text}" + (f"\n  {hint}" if hint else ""))


def _write(stream: TextIO, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()


def _line(facts: Mapping[str, object]) -> str:
    return json.dumps(facts, default=str, ensure_ascii=False)


def _in_words(summary: Summary) -> str:
    lines = [
        f"{summary.done} of {summary.frames} frames are done: {summary.replaced} replaced"
        + "".join(f", {count} untouched ({why})" for why, count in summary.untouched.items())
        + (f", {summary.resumed} from before" if summary.resumed else "")
        + "."
    ]
    if summary.seconds:
        spent = ", ".join(f"{stage} {time:.1f} s" for stage, time in summary.seconds.items())
        lines.append(f"Time: {spent}{f'; networks on {summary.device}' * bool(summary.device)}.")
    lines += [f"Wrote {output}" for output in summary.outputs]
    lines += ["Stopped before the end; run the same command again to go on."] * summary.stopped
    lines += [f"Not as wanted: {summary.failed}"] if summary.failed else []
    return "\n".join(lines)


def _new_bar() -> Bar:
    from rich.console import Console as Screen
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description:>8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        TextColumn("[yellow]{task.fields[warnings]}"),
        console=Screen(stderr=True),
    )
