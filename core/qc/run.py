"""Measures a finished shot, writes the report and says what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from faceplate.core.console import Console
from faceplate.core.doors import model_folders, observations_folder, use_machine
from faceplate.core.errors import OutputError
from faceplate.core.io.atomic import replacing
from faceplate.core.qc.measured import Measured, measure_shot
from faceplate.core.qc.page import facts_of, number_text, page_of
from faceplate.core.qc.verdict import Row
from faceplate.core.qcjob import QcJob

VERSION = 1
"""Of the JSON file."""
_PASSED = 1
_OURS = b"faceplate qc"
"""Stands near the beginning of both files."""


def control(
    console: Console, job: QcJob, *, threads: int, device: str, cache_folder: Path | None
) -> Mapping[str, object]:
    """Measure a finished shot and write ``*.html`` and ``*.json``.

    Returns:
        The paths of both, whether the shot is within its limits, which limits it passed, and
        what was measured.

    Raises:
        FaceplateError: plate, comp, track, actor, weights or the report's place will not do.
    """
    page = Path(job.report)
    data = page.with_suffix(".json")
    if page.suffix != ".html":
        raise OutputError(f"{page} is not a .html file.", hint="Name it sc042.qc.html.")
    for path in (page, data):
        _guard(path, overwrite=job.overwrite)
    use_machine(threads, device)
    console.open_log(page.with_suffix(".log.jsonl"))
    console.log("job", job=job.to_json())
    measured = measure_shot(
        job,
        progress=console.progress,
        threads=threads,
        device=device,
        cache_folder=observations_folder(cache_folder),
        models=model_folders(),
    )
    for note in measured.notes:
        console.warn(note)
    facts = facts_of(measured)
    texts = {
        page: page_of(measured),
        data: json.dumps({"version": VERSION, **facts}, indent=1) + "\n",
    }
    for path, text in texts.items():
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    values = {row.knob: row.value for row in measured.rows}
    result: dict[str, object] = {"report": str(page), "json": str(data), "values": values}
    result |= {name: facts[name] for name in ("passed", "exceeded", "notes")}
    console.result(in_words(measured, texts), **result)
    return result


def exit_code_of(result: Mapping[str, object]) -> int:
    """Return the exit code of what `control` returned."""
    return 0 if result["passed"] else _PASSED


def in_words(measured: Measured, written: Sequence[Path] | Mapping[Path, str]) -> str:
    """Return the measures as a table, and what was written."""
    wide = max(len(row.title) for row in measured.rows)
    lines = [_line(row, wide) for row in measured.rows]
    exceeded = ", ".join(measured.exceeded)
    lines.append(f"Limits passed: {exceeded}." if exceeded else "Within all limits.")
    return "\n".join([*lines, *(f"Wrote {path}" for path in written)])


def _line(row: Row, wide: int) -> str:
    state = "?" if row.value is None else "PAST" if row.is_passed else "ok"
    sign = ">=" if row.is_least else "<="
    value = f"{number_text(row.value):>7} {sign} {number_text(row.limit):<6}"
    more = row.note if row.value is None else ""
    if row.frames:
        more = f"frames {', '.join(map(str, row.frames[:6]))}" + ", …" * (len(row.frames) > 6)
    elif row.is_passed and row.worst is not None:
        more = f"worst: {row.worst}"
    return f"{row.title:{wide}} {value} {state:4} {row.unit} {more}".rstrip()


def _guard(path: Path, *, overwrite: bool) -> None:
    """Refuse to write over a file that is no report of ours."""
    if overwrite or not path.exists():
        return
    if path.is_file():
        with path.open("rb") as file:
            if _OURS in file.read(512):
                return
    raise OutputError(
        f"{path} is there already and is no report of ours.",
        hint="Choose another --out, or allow it with --overwrite.",
        path=str(path),
    )
