"""The demo: expands the shots of the package, builds an actor, swaps both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeAlias

from faceplate.core import casting
from faceplate.core.commands import render_job
from faceplate.core.console import Console
from faceplate.core.demo.footage import SPACE, DemoFootage, write_footage
from faceplate.core.job import Job

MakeJob: TypeAlias = Callable[[str, Path, str], Job]
"""Plate pattern, actor and output pattern to a job with the nodes' defaults."""


def demonstrate(
    console: Console,
    out: Path,
    make_job: MakeJob,
    *,
    threads: int,
    device: str,
    cache_folder: Path | None,
    frames: int | None = None,
) -> int:
    """Swap the demo shots below ``out``; a second call goes on where the first stopped.

    Args:
        out: a folder for the inputs, the actor and the result.
        make_job: what the door makes of a plate, an actor and an output.
        threads: one budget for all.
        device: what networks run on.
        cache_folder: of the observations, or None for the user's.
        frames: how many frames of the first plate, and nothing of the second; None for all.

    Returns:
        The exit code.

    Raises:
        FaceplateError: a step failed.
    """
    console.note(f"Expanding the demo shot into {out}")
    footage = write_footage(out, frames=frames)
    actor = out / "demo.actor"
    if not actor.exists():
        code = _build(console, footage, actor, threads, device, cache_folder)
        if code:
            return code
    jobs = demo_jobs(footage, actor, out, make_job)
    return max(
        render_job(
            console,
            job,
            threads=threads,
            device=device,
            cache_folder=cache_folder,
            revocations=None,
            today=date.today(),
        )
        for job in (jobs if frames is None else jobs[:1])
    )


def demo_jobs(footage: DemoFootage, actor: Path, out: Path, make_job: MakeJob) -> list[Job]:
    """Return the jobs of both shots, each into a folder of its own beside the inputs."""
    plates = {"comp": footage.plate, "comp_covered": footage.covered}
    return [
        make_job(plate, actor, str(out / name / f"{name}.%04d.exr"))
        for name, plate in plates.items()
    ]


def _build(
    console: Console,
    footage: DemoFootage,
    actor: Path,
    threads: int,
    device: str,
    cache_folder: Path | None,
) -> int:
    return casting.build(
        console,
        [footage.source],
        actor,
        consent=footage.consent,
        colorspace=SPACE,
        ocio=None,
        overwrite=False,
        threads=threads,
        device=device,
        cache_folder=cache_folder,
    )
