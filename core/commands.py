"""What the commands do with plates, models and the cache."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from faceplate.core.analyse import AnalysisSettings, FramePicture, analyse_shot
from faceplate.core.analysis.official import Seers
from faceplate.core.cachesize import parse_bytes, tend
from faceplate.core.casting import as_actor_file
from faceplate.core.consent import read_revocations
from faceplate.core.console import Console
from faceplate.core.doors import guard_file, model_folders, observations_folder, use_machine
from faceplate.core.errors import ModelError
from faceplate.core.exports import coefficients_csv, points_json, tracker_text
from faceplate.core.footage import base_name
from faceplate.core.inputs import check_task
from faceplate.core.io.atomic import replacing
from faceplate.core.io.footage import FootageReader, open_footage
from faceplate.core.io.tracks import write_track
from faceplate.core.job import Job
from faceplate.core.keyed import corrected_shot, read_corrections
from faceplate.core.nets.load import check_models, find_card, list_cards
from faceplate.core.overlay import write_overlay
from faceplate.core.render import Opener, render_shot
from faceplate.core.report import Progress, Summary
from faceplate.core.track import ShotTrack
from faceplate.ocio.config import ColorConfig, open_config
from faceplate.ocio.network import NetworkView

_POLICY = 1
_FRAMES_PER_SECOND = 24.0
"""Of the overlay of a sequence, which has no rate of its own."""


def log_path(output: str) -> Path:
    """Return the log of a job: the output's name without the number, and ``.log.jsonl``."""
    return Path(output).with_name(f"{base_name(output)}.log.jsonl")


def write_summary(job: Job, summary: Summary) -> None:
    """Write what a render did beside its frames, as ``<comp>.summary.json``.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    path = Path(job.output).with_name(f"{base_name(job.output)}.summary.json")
    facts = json.dumps(dataclasses.asdict(summary), indent=1, sort_keys=True)
    with replacing(path) as temp:
        temp.write_text(f"{facts}\n", encoding="utf-8")


def render_job(
    console: Console,
    job: Job,
    *,
    threads: int,
    device: str,
    cache_folder: Path | None,
    revocations: Path | None,
    today: date,
) -> int:
    """Render a job and say what came of it; return the exit code.

    Raises:
        FaceplateError: see `render_shot`.
    """
    summary = render_quietly(
        console,
        job,
        threads=threads,
        device=device,
        cache_folder=cache_folder,
        revocations=revocations,
        today=today,
    )
    console.summary(summary)
    return exit_code_of(summary, console)


def exit_code_of(summary: Summary, console: Console) -> int:
    """Return the exit code of a render that did not break."""
    if summary.stopped:
        return console.stop.exit_code
    return _POLICY if summary.failed else 0


def render_quietly(
    console: Console,
    job: Job,
    *,
    threads: int,
    device: str,
    cache_folder: Path | None,
    revocations: Path | None,
    today: date,
    opener: Opener | None = None,
) -> Summary:
    """Render a job, with its log and its summary file; return the summary.

    Args:
        opener: opens the shot, where something is kept from before.

    Raises:
        FaceplateError: see `render_shot`.
    """
    check_task(job)
    use_machine(threads, device)
    console.open_log(log_path(job.output))
    console.log("job", job=job.to_json())
    folder = observations_folder(cache_folder)
    job = as_actor_file(console, job, folder.parent, threads=threads, device=device)
    summary = render_shot(
        job,
        progress=console.progress,
        should_stop=console.stop,
        begin=console.begin,
        threads=threads,
        device=device,
        cache_folder=folder,
        revocations=frozenset() if job.draft else read_revocations(revocations),
        today=today,
        models=model_folders(),
        opener=opener,
    )
    write_summary(job, summary)
    return summary


def track_plate(
    console: Console,
    plate: str,
    out: Path,
    *,
    colorspace: str | None,
    ocio: str | None,
    start: int,
    smoothing: float,
    official: Sequence[str] = (),
    corrections: Path | None = None,
    overwrite: bool,
    threads: int,
    device: str,
    cache_folder: Path | None,
) -> int:
    """Analyse a plate and write the track; return the exit code.

    An artist's ``corrections`` of an earlier track win over what is seen.

    Raises:
        FaceplateError: the plate cannot be read, or the output may not be written.
    """
    use_machine(threads, device)
    config = open_config(ocio)
    reader = open_footage(plate, config, colorspace=colorspace, start=start)
    guard_file(out, [reader.footage.path(n) for n in reader.frames], overwrite=overwrite)
    console.open_log(out.with_name(f"{out.stem}.log.jsonl"))
    seers = Seers.of(official, model_folders(), device)
    folder = observations_folder(cache_folder)
    settings = AnalysisSettings(smoothing, threads, folder, embed=True, seers=seers)
    shot = analyse_shot(
        reader,
        config,
        settings,
        progress=lambda done, total: console.progress(Progress("observe", done, total)),
    )
    if corrections is not None:
        shot = corrected_shot(shot, read_corrections(corrections), reader.read(shot.frames[0]))
    write_track(out, shot)
    beside = _exports(out, reader, config, shot)
    faces = [
        {
            "face": track.index,
            "frames": sum(track.at(number) is not None for number in shot.frames),
            "height_px": round(track.mean_height),
        }
        for track in shot.tracks
    ]
    lines = ["no face was found"] * (not faces) + [
        f"face {f['face']}: {f['frames']} of {len(shot.frames)} frames, {f['height_px']} px high"
        for f in faces
    ]
    outputs = [str(path) for path in (out, *beside)]
    lines += [f"Wrote {path}" for path in outputs]
    console.result("\n".join(lines), faces=faces, outputs=outputs)
    return 0


def _exports(out: Path, reader: FootageReader, config: ColorConfig, shot: ShotTrack) -> list[Path]:
    """Write what hosts read of a track beside it: overlay movie, coefficients, Nuke trackers."""
    view = NetworkView(config, reader.space, shot.gain)
    movie, table = out.with_suffix(".mp4"), out.with_suffix(".csv")
    pictures = (FramePicture(reader.read(number), view) for number in shot.frames)
    write_overlay(movie, pictures, shot, rate=reader.rate or _FRAMES_PER_SECOND)
    texts = {table: coefficients_csv(shot, find_card("face_blendshapes52").labels)}
    display = reader.read(shot.frames[0]).display
    texts[out.with_suffix(".points.json")] = points_json(shot, display)
    for track in shot.tracks:
        texts[out.with_suffix(f".face{track.index}.nk")] = tracker_text(track, display)
    for path, text in texts.items():
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [movie, *texts]


def list_models(console: Console, folders: Sequence[Path]) -> int:
    """Print the cards of all models, the user's ``folders`` too; return the exit code."""
    for card in list_cards(also=folders):
        facts = dataclasses.asdict(card)
        text = f"{card.name:24} {card.task}\n{'':24} {card.licence.spdx}, {card.sha256[:16]}"
        console.result(text, **facts)
    return 0


def check_all_models(console: Console, folders: Sequence[Path]) -> int:
    """Load every model, the user's ``folders`` too, and run it once; return the exit code."""
    worst = 0
    for card, problem in check_models(also=folders):
        state = "ok" if problem is None else str(problem)
        console.result(f"{card.name:24} {state}", model=card.name, ok=problem is None, state=state)
        worst = worst if problem is None else ModelError.exit_code
    return worst


def tend_cache(console: Console, asked: Path | None, *, clear: bool, limit: str) -> int:
    """Say how much the cache keeps, empty it, or limit it; return the exit code.

    Args:
        limit: a size as ``20G``; "" leaves it.

    Raises:
        InputError: not a size.
        DiskError: a file cannot be removed.
    """
    folder = observations_folder(asked).parent
    kept = tend(folder, clear=clear, limit_bytes=parse_bytes(limit) if limit else None)
    below = f"below {kept.limit_bytes / 1e6:.1f} MB" if kept.limit_bytes else "without a limit"
    text = f"{folder}: {kept.files} files, {kept.bytes / 1e6:.1f} MB kept, {below}"
    text += f"; {kept.removed} removed" if kept.removed else ""
    console.result(text, **dataclasses.asdict(kept), cleared=clear)
    return 0
