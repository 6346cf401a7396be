"""What the engine's process does when it is asked: one method per request."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from faceplate.core.commands import (
    exit_code_of,
    render_quietly,
)
from faceplate.core.console import Console, Stopped, Stopper
from faceplate.core.doors import default_threads
from faceplate.core.errors import JobError
from faceplate.core.jobfile import read_job
from faceplate.core.nets.load import list_cards

Tell: TypeAlias = Callable[[str, Mapping[str, object]], None]
"""Says something about a request: kind ("progress", "log", "begin") and facts."""
Method: TypeAlias = Callable[[Mapping[str, Any], Tell, Stopper], object]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a host's preferences say; never what a scene says.

    Attributes:
        threads: threads; 0 takes what this process may use.
        cache: folder of the cache, or None for the user's.
        revocations: list of withdrawn consents, or None.
        cache_limit_bytes: size that the cache is kept below; 0 for no limit.
    """

    threads: int = 0
    cache: str | None = None
    revocations: str | None = None
    cache_limit_bytes: int = 0


def open_service(found: Mapping[str, Any]) -> Service:
    """Return the service for a host's settings; unknown ones are left alone."""
    known = {field.name for field in dataclasses.fields(Settings)}
    return Service(Settings(**{key: value for key, value in found.items() if key in known}))


class Service:
    """Does requests one at a time, and keeps between them what is slow to open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = default_threads(settings.threads)
        self._cache = Path(settings.cache) if settings.cache else None

    @property
    def methods(self) -> Mapping[str, Method]:
        """Every request by its name."""
        return {"render": self.render, "models": self.models}

    def render(self, params: Mapping[str, Any], tell: Tell, stop: Stopper) -> object:
        """Render a job; the frames that are finished stay when it is stopped.

        Raises:
            FaceplateError: as on the command line.
            Stopped: it was cancelled.
        """
        job = read_job(_text(params, "job"))
        console = Console(as_json=False, verbosity=-1, stop=stop, listener=_listener(tell))
        revocations = self._settings.revocations
        try:
            summary = render_quietly(
                console,
                job,
                threads=self._threads,
                cache_folder=self._cache,
                revocations=Path(revocations) if revocations else None,
                today=date.today(),
            )
        finally:
            console.close()
        if summary.stopped:
            raise Stopped(stop.exit_code)
        return {**dataclasses.asdict(summary), "exit_code": exit_code_of(summary, console)}

    def models(self, params: Mapping[str, Any], tell: Tell, stop: Stopper) -> object:
        """List the networks."""
        return {"models": [dataclasses.asdict(card) for card in list_cards()]}


def _listener(tell: Tell) -> Callable[[str, Mapping[str, object]], None]:
    """Return what tells a host of the events that it wants to hear of."""

    def hear(event: str, facts: Mapping[str, object]) -> None:
        if event in ("begin", "progress"):
            tell(event, facts)
        elif event in ("warning", "note"):
            tell("log", {"level": event, "text": facts.get("text", "")})

    return hear


def _text(params: Mapping[str, Any], key: str) -> str:
    value = params.get(key)
    if not isinstance(value, str) or not value:
        raise JobError(f"The request lacks {key}.", hint="It is text.", key=key)
    return value
