"""What the commands do with actor files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from faceplate.core.actor import (
    Actor,
    ActorSettings,
    build_actor,
    read_actor,
    wipe_actor,
    write_actor,
)
from faceplate.core.analysis.official import Seers, official_card
from faceplate.core.consent import (
    check_consent,
    check_validity,
    read_consent,
    read_revocations,
)
from faceplate.core.console import Console
from faceplate.core.doors import guard_file, model_folders, observations_folder, use_machine
from faceplate.core.errors import ActorError
from faceplate.core.footage import FrameRange, base_name, numbered_files
from faceplate.core.fsganshot import teach_job
from faceplate.core.io.footage import FootageReader, open_footage
from faceplate.core.job import Job
from faceplate.core.report import Progress
from faceplate.core.review import actor_sheet
from faceplate.ocio.config import ColorConfig, open_config

SUFFIX = ".actor"


def open_all(
    footage: Sequence[str], config: ColorConfig, *, colorspace: str | None
) -> list[FootageReader]:
    """Open what a shell's ``ana/*.exr`` hands over: files of one sequence are one footage.

    Raises:
        FaceplateError: something cannot be read.
    """
    readers = []
    for pattern, numbers in numbered_files(footage).items():
        reader = open_footage(pattern, config, colorspace=colorspace)
        readers.append(reader.limited(FrameRange(numbers)) if numbers else reader)
    return readers


def build(
    console: Console,
    footage: Sequence[str],
    out: Path,
    *,
    consent: Path | None,
    colorspace: str | None,
    ocio: str | None,
    official: Sequence[str] = (),
    overwrite: bool,
    threads: int,
    device: str,
    cache_folder: Path | None,
) -> int:
    """Build an actor and write it; return the exit code.

    Args:
        official: released networks that analyse in the places of ours, as a job has them.

    Raises:
        FaceplateError: the footage, the consent or the output will not do.
    """
    use_machine(threads, device)
    record = read_consent(consent) if consent else None
    config = open_config(ocio)
    readers = open_all(footage, config, colorspace=colorspace)
    guard_file(out, [*_files(readers), *([consent] if consent else [])], overwrite=overwrite)
    console.open_log(out.with_name(f"{out.stem}.log.jsonl"))
    settings = ActorSettings(
        threads=threads,
        cache_folder=observations_folder(cache_folder),
        seers=Seers.of(official, model_folders(), device),
    )
    actor = build_actor(
        readers,
        config,
        name=out.stem,
        consent=record,
        settings=settings,
        progress=lambda done, total: console.progress(Progress("observe", done, total)),
    )
    write_actor(out, actor)
    for note in actor.notes:
        console.warn(note)
    if record is None:
        console.warn("The actor has no consent record; finals will be refused.")
    console.result(f"{_in_words(actor)}\nWrote {out}", **_facts(actor), outputs=[str(out)])
    return 0


def _files(readers: Iterable[FootageReader]) -> list[Path]:
    return [reader.footage.path(number) for reader in readers for number in reader.frames]


def _facts(actor: Actor) -> dict[str, object]:
    poses = [view.pose for view in actor.views]
    return {
        "name": actor.name,
        "digest": actor.digest,
        "views": len(actor.views),
        "yaw": [round(min(p.yaw for p in poses), 1), round(max(p.yaw for p in poses), 1)],
        "pitch": [round(min(p.pitch for p in poses), 1), round(max(p.pitch for p in poses), 1)],
        "face_height_px": round(actor.face_height),
        "consent": None if actor.consent is None else actor.consent.model_dump(mode="json"),
    }


def _in_words(actor: Actor) -> str:
    facts = _facts(actor)
    consent = actor.consent
    lines = [
        f"{actor.name}: {facts['views']} views, yaw {facts['yaw']}, pitch {facts['pitch']} degrees",
        f"largest face: {facts['face_height_px']} px high",
        "consent: none; drafts only"
        if consent is None
        else f"consent: {consent.performer}, {consent.reference}, {consent.scope}, "
        f"shots {', '.join(consent.shots)}, until {consent.expires or 'further notice'}"
        + (", signature not checked" if consent.signature else ""),
    ]
    return "\n".join(lines)


def show(console: Console, path: Path, sheet: Path | None, *, overwrite: bool) -> int:
    """Say what is in an actor, and draw it if a picture is wanted; return the exit code.

    Raises:
        ActorError: not an actor file.
        OutputError, DiskError: the picture cannot be written there.
    """
    actor = read_actor(path)
    if sheet is not None:
        guard_file(sheet, [path], overwrite=overwrite)
        actor_sheet(sheet, actor)
    rows = [
        f"  {view.name:32} yaw {view.pose.yaw:6.1f}  pitch {view.pose.pitch:6.1f}  "
        f"{view.face_height:5.0f} px  confidence {view.confidence:.2f}"
        for view in actor.views
    ]
    rows += [f"Wrote {sheet}"] if sheet else []
    console.result("\n".join([_in_words(actor), *rows]), **_facts(actor))
    return 0


def check(console: Console, path: Path, shot: str, revocations: Path | None, today: date) -> int:
    """Check that an actor is whole and, for a shot or in general, that its consent holds.

    Raises:
        ActorError: not an actor file, damaged, or altered.
        ConsentError: no consent, or it does not hold.
    """
    actor = read_actor(path)
    withdrawn = read_revocations(revocations)
    if shot:
        check_consent(actor.consent, shot, today, withdrawn)
    else:
        check_validity(actor.consent, today, withdrawn)
    console.result(f"{path} is whole and its consent holds.", **_facts(actor))
    return 0


def wipe(console: Console, path: Path, *, yes: bool, cache_folder: Path | None) -> int:
    """Remove an actor file and what the cache keeps of the person; return the exit code.

    Raises:
        ActorError: not an actor file, or not confirmed.
        DiskError: a file cannot be removed.
    """
    if not yes:
        raise ActorError(
            f"{path} would be removed for good, with all that the cache keeps of the person.",
            hint="Say it again with --yes.",
        )
    removed = wipe_actor(path, cache_folder=observations_folder(cache_folder))
    names = [str(file) for file in removed]
    console.result("\n".join(f"Removed {name}" for name in names), removed=names)
    return 0


def finetune(
    console: Console, job: Job, *, threads: int, device: str, cache_folder: Path | None
) -> dict[str, object]:
    """Teach the networks of a job its actor and keep them in the cache; return what came of it.

    That needs no consent, as nothing that is made of it can be rendered without.

    Args:
        device: what looks at an actor that is a movie yet; training is the CPU's in any case.

    Returns:
        steps, views, first and last (mean losses of the first and last tenth), seconds, kept
        (whether it was in the cache, and nothing was trained), weights, sentence.

    Raises:
        FaceplateError: see `teach_job`.
        Stopped: somebody wants to stop; nothing is kept.
    """
    use_machine(threads, device)
    folder = observations_folder(cache_folder)
    job = as_actor_file(console, job, folder.parent, threads=threads, device=device)
    taught = teach_job(job, cache_folder=folder, models=model_folders(), progress=console.progress)
    facts: dict[str, object] = {
        name: getattr(taught, name)
        for name in ("steps", "views", "first", "last", "seconds", "kept", "sentence")
    }
    facts["weights"] = job.knobs.weights
    kept = "It was in the cache already" if taught.kept else f"It took {taught.seconds:.0f} s"
    console.result(f"{taught.card.name}: {taught.sentence}\n{kept}.", **facts)
    return facts


def as_actor_file(
    console: Console, job: Job, cache_folder: Path, *, threads: int, device: str
) -> Job:
    """Return the job with an actor file where it named a picture or a movie; then it is a draft.

    Args:
        console: hears that the job became a draft.
        job: any job.
        cache_folder: where such actors are kept, by the hash of the picture and of the released
            networks that look at it.
        threads: for the analysis.
        device: for its networks.

    Raises:
        FaceplateError: the picture cannot be read, or shows no face.
    """
    if job.actor is None or job.actor.endswith(SUFFIX):
        return job
    config = open_config(job.ocio)
    (reader,) = open_all([job.actor], config, colorspace=None)
    seers = Seers.of(job.official, model_folders(), device)
    hashes = [reader.digest(number) for number in reader.frames]
    hashes += [official_card(kind, seers.folders).sha256 for kind in seers.kinds]
    hashes += [device] * (device != "cpu")
    content = hashlib.blake2b("".join(hashes).encode(), digest_size=16).hexdigest()
    path = cache_folder / "actors" / f"{content}{SUFFIX}"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = ActorSettings(
            threads=threads, cache_folder=cache_folder / "observations", seers=seers
        )
        actor = build_actor(
            [reader],
            config,
            name=base_name(job.actor),
            settings=settings,
            progress=lambda done, total: console.progress(Progress("actor", done, total)),
        )
        write_actor(path, actor)
    if not job.draft:
        console.warn(f"{job.actor} carries no consent: this is a draft, with a mark burnt in.")
    return replace(job, actor=str(path), draft=True)
