"""What the engine's process does when it is asked: one method per request."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from faceplate.core.cachesize import remembered_limit, tend
from faceplate.core.casting import as_actor_file, finetune
from faceplate.core.commands import exit_code_of, render_quietly, track_plate
from faceplate.core.consent import Revocations, read_revocations
from faceplate.core.console import Console, Stopped, Stopper
from faceplate.core.doors import (
    default_threads,
    model_folders,
    observations_folder,
    set_threads,
)
from faceplate.core.errors import JobError
from faceplate.core.forecast import Forecast, forecast_job
from faceplate.core.job import Job
from faceplate.core.jobfile import read_job, read_qc_job
from faceplate.core.lightcurve import light_gains
from faceplate.core.nets.load import list_cards
from faceplate.core.preview import OpenShots, Previews
from faceplate.core.qc.run import control

Tell: TypeAlias = Callable[[str, Mapping[str, object]], None]
"""Says something about a request: kind ("progress", "log", "begin") and facts."""
Hear: TypeAlias = Callable[[str, Mapping[str, object]], None]
"""Hears every event of a console."""
Method: TypeAlias = Callable[[Mapping[str, Any], Tell, Stopper], object]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a host's preferences say; never what a scene says.

    Attributes:
        threads: threads; 0 takes what this process may use.
        device: what networks run on, "cpu" or "cuda".
        cache: folder of the cache, or None for the user's.
        revocations: list of withdrawn consents, or None.
        cache_limit_bytes: size below which the cache is kept; 0 for none, None for the one that
            it remembers.
    """

    threads: int = 0
    device: str = "cpu"
    cache: str | None = None
    revocations: str | None = None
    cache_limit_bytes: int | None = None


def open_service(found: Mapping[str, Any]) -> Service:
    """Return the service for a host's settings; unknown ones are left alone."""
    known = {field.name for field in dataclasses.fields(Settings)}
    return Service(Settings(**{key: value for key, value in found.items() if key in known}))


class Service:
    """Does requests one at a time, and keeps between them what is slow to open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = default_threads(settings.threads)
        self._device = settings.device
        self._cache = Path(settings.cache) if settings.cache else None
        observations = observations_folder(self._cache)
        self._shots = OpenShots(
            threads=self._threads,
            cache_folder=observations,
            models=model_folders(),
            device=self._device,
        )
        self._previews = Previews(self._shots)
        limit, root = settings.cache_limit_bytes, observations.parent
        if limit is not None and limit != remembered_limit(root):  # else it is below it already
            tend(root, limit_bytes=limit)

    @property
    def methods(self) -> Mapping[str, Method]:
        """Every request by its name."""
        return {
            "check": self.check,
            "analyse": self.analyse,
            "train": self.train,
            "render": self.render,
            "qc": self.qc,
            "preview": self.preview,
            "light": self.light,
            "models": self.models,
            "cache": self.cache,
        }

    def check(self, params: Mapping[str, Any], tell: Tell, stop: Stopper) -> object:
        """Say what would stop a render of a job, without doing any of it."""
        job = read_job(_text(params, "job"))
        found = forecast_job(
            job,
            revocations=self._revocations(job),
            today=date.today(),
            models=model_folders(),
            device=self._device,
        )
        return facts_of(found)

    def analyse(self, params: Mapping[str, Any], tell: Tell, stop: Stopper) -> object:
        """Analyse the plate of a job and write the track, with what hosts read of it.

        Raises:
            FaceplateError: as on the command line.
            Stopped: it was cancelled.
        """
        job, out = read_job(_text(params, "job")), Path(_text(params, "out"))
        corrections = params.get("corrections")
        results: list[Mapping[str, object]] = []

        def hear(event: str, facts: Mapping[str, object]) -> None:
            if event == "result":
                results.append(facts)

        console = self._console(tell, stop, hear)
        try:
            track_plate(
                console,
                job.plate,
                out,
                colorspace=job.colorspace,
                ocio=job.ocio,
                start=job.start,
                smoothing=job.knobs.smoothing,
                corrections=Path(corrections) if isinstance(corrections, str) else None,
                official=job.official,
                overwrite=True,
                threads=self._threads,
                device=self._device,
                cache_folder=self._cache,
            )
        finally:
            console.close()
        return {"out": str(out), **results[-1]}

    def render(self, params: Mapping[str, Any], tell: Tell, stop: Stopper) -> object:
        """Render a job; the frames that are finished stay when it is stopped.

        Raises:
            FaceplateError: as on the command line.
            Stopped: it was cancelled.
        """
        job = read_job(_text(params, "job"))
        console = self._console(tell, stop)
        try:
            summary = render_quietly(
                console,
                job,
                threads=self._threads,
                device=self._device,
                cache_folder=self._cache,
                revocations=self._withdrawn,
                today=date.today(),
                opener=self._shots.open,
            )
        finally:
            console.close()
        if summary.stopped:
            raise Stopped(stop.exit_code)
        return {**dataclasses.asdict(summary), "exit_code": exit_code_of(summary, console)}

    def train(self, params: Mapping[str, Any], tell: Tell, stop: Stopper) -> object:
        """Teach the networks of a job its actor; what renders with them finds them in the cache.

        Raises:
            FaceplateError: as on the command line.
            Stopped: it was cancelled, between two steps; nothing is kept.
        """
        job = read_job(_text(params, "job"))
        console = self._console(tell, stop)
        return finetune(
            console, job, threads=self._threads, device=self._device, cache_folder=self._cache
        )

    def qc(self, params: Mapping[str, Any], tell: Tell, stop: Stopper) -> object:
        """Measure finished frames against their plate and write the report.

        Raises:
            FaceplateError: as on the command line.
            Stopped: it was cancelled; nothing is written.
        """
        job = read_qc_job(_text(params, "job"))
        console = self._console(tell, stop)
        try:
            return control(
                console, job, threads=self._threads, device=self._device, cache_folder=self._cache
            )
        finally:
            console.close()

    def preview(self, params: Mapping[str, Any], tell: Tell, stop: Stopper) -> object:
        """Write one frame of a job to a file of its own, with the pixels that a render gives it.

        Raises:
            FaceplateError: as on the command line.
            Stopped: it was cancelled.
        """
        job, out = read_job(_text(params, "job")), Path(_text(params, "out"))
        frame = params.get("frame")
        if not isinstance(frame, int) or isinstance(frame, bool):
            raise JobError("The request lacks frame.", hint="It is the plate's frame number.")
        console = self._console(tell, stop)
        set_threads(self._threads)
        folder = observations_folder(self._cache)
        job = as_actor_file(console, job, folder.parent, threads=self._threads, device=self._device)
        console.begin(frame)
        result = self._previews.preview(
            job,
            frame,
            out,
            progress=console.progress,
            revocations=self._revocations(job),
            today=date.today(),
        )
        return {
            "out": str(out),
            "frame": frame,
            "replaced": result.replaced,
            "reason": result.reason,
            "seconds": result.seconds["whole"],
        }

    def light(self, params: Mapping[str, Any], tell: Tell, stop: Stopper) -> object:
        """Measure the light match on the finished frames of a job.

        Raises:
            FaceplateError: a frame or a layer is missing.
            Stopped: it was cancelled.
        """
        gains = light_gains(read_job(_text(params, "job")), should_stop=stop)
        if stop.exit_code:
            raise Stopped(stop.exit_code)
        return {"gains": {str(number): found for number, found in gains.items()}}

    def models(self, params: Mapping[str, Any], tell: Tell, stop: Stopper) -> object:
        """List the networks."""
        return {"models": [dataclasses.asdict(card) for card in list_cards()]}

    def cache(self, params: Mapping[str, Any], tell: Tell, stop: Stopper) -> object:
        """Say what the cache keeps; empty it, or keep it below a size, when told to."""
        limit = params.get("limit_bytes")
        folder = observations_folder(self._cache).parent
        kept = tend(folder, clear=bool(params.get("clear")), limit_bytes=limit)
        return {**dataclasses.asdict(kept), "memory_bytes": self._previews.stages.used_bytes}

    @property
    def _withdrawn(self) -> Path | None:
        return Path(self._settings.revocations) if self._settings.revocations else None

    def _revocations(self, job: Job) -> Revocations:
        return frozenset() if job.draft else read_revocations(self._withdrawn)

    def _console(self, tell: Tell, stop: Stopper, hear: Hear | None = None) -> Console:
        """Return a console that prints errors only, and tells a host of the rest."""

        def listen(event: str, facts: Mapping[str, object]) -> None:
            if event in ("begin", "progress"):
                tell(event, facts)
            elif event in ("warning", "note"):
                tell("log", {"level": event, "text": facts.get("text", "")})
            if hear is not None:
                hear(event, facts)

        return Console(as_json=False, verbosity=-1, stop=stop, listener=listen)


def facts_of(found: Forecast) -> dict[str, object]:
    """Return a forecast as a program reads it."""
    problems = [
        {
            "kind": type(problem).__name__,
            "message": str(problem),
            "hint": problem.hint,
            "exit_code": problem.exit_code,
        }
        for problem in found.problems
    ]
    return {**dataclasses.asdict(found), "problems": problems, "ok": not problems}


def _text(params: Mapping[str, Any], key: str) -> str:
    value = params.get(key)
    if not isinstance(value, str) or not value:
        raise JobError(f"The request lacks {key}.", hint="It is text.", key=key)
    return value
