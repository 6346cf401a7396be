"""The engine that this Blender started, and what it is at work on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from faceplate.core.errors import FaceplateError
from faceplate.plugin.blender.preferences import engine_of, settings_of, user_folder
from faceplate.plugin.bridge import Call, Engine, find_engine

_NAP_SECONDS = 0.05


@dataclass(frozen=True)
class Work:
    """What a button asks of the engine.

    Attributes:
        title: what it is called while it goes on.
        method: the engine's request.
        params: its parameters.
        then: takes the result; gives the sentence to close with, or more work.
        owner: `session_uid` of the data-block that it is done for; 0 for none.
    """

    title: str
    method: str
    params: Mapping[str, Any]
    then: Callable[[Mapping[str, Any]], Work | str]
    owner: int = 0


@dataclass
class Running:
    """Work on its way.

    Attributes:
        work: what is asked for now.
        call: its request.
        stage: what the engine says it does.
        done: frames finished in this stage.
        total: frames of this stage; 0 while unknown.
        notes: what the engine said besides, in order.
    """

    work: Work
    call: Call
    stage: str = ""
    done: int = 0
    total: int = 0
    notes: tuple[str, ...] = ()

    @property
    def factor(self) -> float:
        """How much of the stage is done, 0 to 1."""
        return self.done / self.total if self.total else 0.0

    @property
    def words(self) -> str:
        """What is going on, for a line of text."""
        stage = f": {self.stage} {self.done}/{self.total}" if self.total else ""
        return f"{self.work.title}{stage}"


class Session:
    """Holds the engine while the add-on is enabled; it stays warm between two buttons."""

    def __init__(self) -> None:
        self.running: list[Running] = []
        self._engine: Engine | None = None

    def start(self, work: Work, preferences: Any) -> Running:
        """Begin work; the engine is started, or started anew after the preferences changed.

        Raises:
            InputError: the engine is not found.
        """
        command, settings = find_engine(engine_of(preferences)), settings_of(preferences)
        engine = self._engine
        if engine is None or (engine.command, engine.settings) != (command, settings):
            self.close()
            engine = Engine(command, log=user_folder() / "engine.log", settings=settings)
            self._engine = engine
        running = Running(work, engine.call(work.method, **work.params))
        self.running.append(running)
        return running

    def step(self, running: Running) -> str | None:
        """Take in what the engine said; return the closing sentence once all is done.

        Raises:
            FaceplateError: what went wrong.
        """
        self._pump()
        if not running.call.is_done:
            return None
        try:
            after = running.work.then(running.call.result())
        except BaseException:
            self._forget(running)
            raise
        if isinstance(after, str):
            self._forget(running)
            return after
        assert self._engine is not None
        running.work, running.call = after, self._engine.call(after.method, **after.params)
        running.stage, running.done, running.total = "", 0, 0
        return None

    def wait(self, running: Running, say: Callable[[str], None]) -> str:
        """Do work to its end and return the closing sentence; for Blender without a window.

        Raises:
            FaceplateError: what went wrong.
        """
        said = ""
        try:
            while (closing := self.step(running)) is None:
                if running.total and running.words != said:
                    said = running.words
                    say(said)
                time.sleep(_NAP_SECONDS)
        except KeyboardInterrupt:
            self.cancel(running)
            raise
        return closing

    def of(self, owner: int) -> Running | None:
        """Return what is being done for a data-block."""
        return next((found for found in self.running if found.work.owner == owner), None)

    def cancel(self, running: Running) -> None:
        """Ask the engine to stop; `step` then raises that it was stopped."""
        if self._engine is not None:
            self._engine.cancel(running.call)

    def close(self) -> None:
        """End the engine and everything it does."""
        engine, self._engine = self._engine, None
        if engine is not None:
            with suppress(FaceplateError):
                engine.close()

    @property
    def process_id(self) -> int | None:
        """The engine's process, or None."""
        return self._engine.process_id if self._engine is not None else None

    def _pump(self) -> None:
        for event in self._engine.poll() if self._engine is not None else ():
            for running in self.running:
                if running.call is not event.call:
                    continue
                if event.kind == "progress":
                    running.stage = str(event.facts.get("stage", ""))
                    running.done = int(event.facts.get("done", 0))
                    running.total = int(event.facts.get("total", 0))
                elif event.kind == "log":
                    running.notes += (str(event.facts.get("text", "")),)
                elif event.kind == "gone":
                    running.notes += (str(event.facts.get("message", "")),)

    def _forget(self, running: Running) -> None:
        self.running = [found for found in self.running if found is not running]
