"""Many shots on one machine: each is checked, rendered and counted; none stops the others."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from faceplate.core.commands import exit_code_of, render_quietly
from faceplate.core.consent import read_revocations
from faceplate.core.console import Console, Stopped
from faceplate.core.doors import attempt, guard_file, model_folders
from faceplate.core.errors import FaceplateError, OutputError
from faceplate.core.forecast import Forecast, existing_folder, forecast_job, no_space
from faceplate.core.io.atomic import replacing
from faceplate.core.shots import ShotOrder, read_shot

VERSION = 1
"""Of the report file."""


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a list of shots is done.

    Attributes:
        show: the show's defaults, or None for the nearest ``show.toml`` of each shot.
        sets: ``key=value``, which win over every shot file.
        frames: instead of each shot's own, or "".
        report: JSON file that says what became of each shot, or None.
        ocio: config of shots that name none, or None for the built-in one.
        revocations: list of withdrawn consents, over those that shot files name, or None.
        today: the day by which consent is judged.
        threads: one budget for all.
        device: what networks run on, "cpu" or "cuda".
        cache_folder: of the observations, or None for the user's.
    """

    show: Path | None
    sets: tuple[str, ...]
    frames: str
    report: Path | None
    ocio: str | None
    revocations: Path | None
    today: date
    threads: int
    device: str
    cache_folder: Path | None


@dataclass(slots=True)
class Outcome:
    """What became of one shot.

    Attributes:
        file: the shot file.
        shot: its name, or "" when it could not be read.
        exit_code: what a command for it alone would have ended with; None when it was not begun.
        problems: sentences, each with its hint.
        facts: of the render's summary, or of the forecast.
    """

    file: str
    shot: str = ""
    exit_code: int | None = None
    problems: list[str] = field(default_factory=list)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def fail(self, console: Console, error: FaceplateError) -> None:
        """Say and note what stops the shot."""
        console.error(error)
        self.problems.append(f"{error} {error.hint}".strip())
        self.exit_code = max(self.exit_code or 0, error.exit_code)


def render_shots(console: Console, files: Sequence[Path], settings: BatchSettings) -> int:
    """Render shots one after the other; return the worst of their exit codes.

    Run again, it goes on where it was stopped: finished frames are not rendered again.

    Raises:
        OutputError: the report may not be written.
    """
    _guard_report(files, settings)
    outcomes, orders = _read_all(console, files, settings)
    for outcome, order in zip(outcomes, orders, strict=True):
        if order is None:
            continue
        if console.stop():
            break
        console.note(f"{outcome.shot} ({outcome.file})")
        _render(console, outcome, order, settings)
    return _told(console, outcomes, settings)


def forecast_shots(console: Console, files: Sequence[Path], settings: BatchSettings) -> int:
    """Check shots without doing any work; return the worst of the exit codes they would have.

    Raises:
        OutputError: the report may not be written.
    """
    _guard_report(files, settings)
    outcomes, orders = _read_all(console, files, settings)
    needed: dict[int, int] = defaultdict(int)
    for outcome, order in zip(outcomes, orders, strict=True):
        if order is None:
            continue
        found = _forecast(console, outcome, order, settings)
        if found is None:
            continue
        outcome.facts = {
            key: value for key, value in asdict(found).items() if key not in ("problems", "shot")
        }
        outcome.exit_code = outcome.exit_code or 0
        for problem in found.problems:
            outcome.fail(console, problem)
        disk = existing_folder(Path(order.job.output).parent).stat().st_dev
        needed[disk] += found.bytes_needed
        if not found.problems and needed[disk] > found.bytes_free:
            outcome.fail(console, no_space(order.job.output, needed[disk], found.bytes_free))
    return _told(console, outcomes, settings)


def _forecast(
    console: Console, outcome: Outcome, order: ShotOrder, settings: BatchSettings
) -> Forecast | None:
    try:
        withdrawn = read_revocations(settings.revocations or order.revocations)
        return forecast_job(
            order.job,
            revocations=withdrawn,
            today=settings.today,
            models=model_folders(),
            device=settings.device,
        )
    except FaceplateError as error:
        outcome.fail(console, error)
        return None


def _guard_report(files: Sequence[Path], settings: BatchSettings) -> None:
    if settings.report is not None and settings.report.suffix != ".json":
        raise OutputError(f"{settings.report} is not a .json file.", hint="Name it batch.json.")
    if settings.report is not None:
        guard_file(settings.report, list(files), overwrite=True)


def _read_all(
    console: Console, files: Sequence[Path], settings: BatchSettings
) -> tuple[list[Outcome], list[ShotOrder | None]]:
    """Read every shot file before any work; what cannot be read is noted and left out."""
    outcomes = [Outcome(str(path)) for path in files]
    orders: list[ShotOrder | None] = []
    outputs: dict[str, str] = {}
    for outcome, path in zip(outcomes, files, strict=True):
        orders.append(None)
        try:
            order = read_shot(
                path,
                show=settings.show,
                sets=settings.sets,
                frames=settings.frames,
                ocio=settings.ocio,
            )
            outcome.shot = order.job.name
            output = str(Path(order.job.output).resolve())
            if output in outputs:
                raise OutputError(
                    f"{path} writes the same frames as {outputs[output]}.",
                    hint="Give each shot a comp of its own.",
                )
            outputs[output] = str(path)
            orders[-1] = order
        except FaceplateError as error:
            outcome.fail(console, error)
    return outcomes, orders


def _render(console: Console, outcome: Outcome, order: ShotOrder, settings: BatchSettings) -> None:
    """Render one shot; whatever goes wrong is said and noted."""

    def work() -> int:
        summary = render_quietly(
            console,
            order.job,
            threads=settings.threads,
            device=settings.device,
            cache_folder=settings.cache_folder,
            revocations=settings.revocations or order.revocations,
            today=settings.today,
        )
        outcome.facts = asdict(summary)
        console.summary(summary)
        outcome.problems += [summary.failed] if summary.failed else []
        return exit_code_of(summary, console)

    def hear(event: str, facts: Mapping[str, object]) -> None:
        if event == "error":
            outcome.problems.append(f"{facts['message']} {facts['hint']}".strip())

    before, console.listener = console.listener, hear
    try:
        outcome.exit_code = attempt(console, work)
    except Stopped as stopped:
        outcome.exit_code = stopped.exit_code
    finally:
        console.listener = before


def _told(console: Console, outcomes: Sequence[Outcome], settings: BatchSettings) -> int:
    """Print the table and write the report; return the exit code of the whole."""
    worst = max((o.exit_code or 0 for o in outcomes), default=0)
    worst = console.stop.exit_code or worst
    rows = [asdict(outcome) for outcome in outcomes]
    if settings.report is not None:
        content = {"version": VERSION, "exit_code": worst, "shots": rows}
        with replacing(settings.report) as temp:
            temp.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
    console.result(_table(outcomes), shots=rows, exit_code=worst)
    return worst


def _table(outcomes: Sequence[Outcome]) -> str:
    wide = max((len(outcome.shot or outcome.file) for outcome in outcomes), default=0)
    lines = [f"{'shot':{wide}}  exit  frames  done  replaced  untouched  what"]
    for outcome in outcomes:
        facts = outcome.facts
        counts = [
            facts.get("frames", "-"),
            facts.get("done", facts.get("finished", "-")),
            facts.get("replaced", "-"),
            sum(facts["untouched"].values()) if "untouched" in facts else "-",
        ]
        code = "-" if outcome.exit_code is None else outcome.exit_code
        what = outcome.problems[0] if outcome.problems else ""
        what = "not begun" if outcome.exit_code is None else what
        lines.append(
            f"{outcome.shot or outcome.file:{wide}}  {code:>4}  {counts[0]:>6}  {counts[1]:>4}  "
            f"{counts[2]:>8}  {counts[3]:>9}  {what}".rstrip()
        )
    return "\n".join(lines)
