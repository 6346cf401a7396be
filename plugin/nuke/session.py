"""One engine for one Nuke: what runs in it, and who is told when it is done.

Only the main thread touches nodes. A thread for each request watches it, moves a progress bar, and
hands what came of it to the main thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nuke

from faceplate.core.errors import FaceplateError, InputError, StoppedError
from faceplate.plugin.bridge import Call, Engine, Event, find_engine
from faceplate.plugin.nuke.settings import read_settings
from faceplate.plugin.nuke.states import mistake, show, show_error

_LOOK_SECONDS = 0.1
"""Between two looks at the engine, and at the progress bar's Cancel."""


@dataclass(frozen=True, slots=True)
class Task:
    """A request for a node.

    Attributes:
        node: its full name; a thread must not keep the node itself.
        verb: what is done, as on the progress bar: "Rendering".
        method: the engine's request.
        params: its parameters.
        finish: called on the main thread with the node and the answer.
    """

    node: str
    verb: str
    method: str
    params: Mapping[str, Any]
    finish: Callable[[nuke.Node, Mapping[str, Any]], None]


class Session:
    """The engine of this Nuke, started with the first request and again after it ended."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="faceplate-", ignore_cleanup_errors=True)
        self._engine: Engine | None = None
        self._calls: dict[tuple[str, str], Call] = {}
        self._heard: dict[Call, list[Event]] = {}
        self._lock = threading.Lock()
        self._script = 0

    @property
    def process_id(self) -> int | None:
        """The id of the engine's process, or None."""
        return None if self._engine is None else self._engine.process_id

    def start(self, task: Task) -> None:
        """Begin a request; in a Nuke without an interface, wait for it.

        Raises:
            InputError: the node is at it already, or there is no engine.
            FaceplateError: without an interface, what went wrong.
        """
        key = (task.node, task.method)
        if key in self._calls and not self._calls[key].is_done:
            raise InputError(f"{task.node} is at it already.", hint="Press Cancel first.")
        call = self._opened().call(task.method, **task.params)
        self._calls[key] = call
        if nuke.GUI:
            thread = threading.Thread(
                target=self._watch, args=(task, call, self._script), name=f"faceplate {task.node}"
            )
            thread.daemon = True
            thread.start()
        else:
            self._wait(task, call)

    def cancel(self, node: str) -> bool:
        """Stop what runs for a node after the frame in hand; return whether there was anything."""
        running = [
            call for (name, _), call in self._calls.items() if name == node and not call.is_done
        ]
        for call in running:
            assert self._engine is not None
            self._engine.cancel(call)
        return bool(running)

    def renew(self) -> bool:
        """Begin anew with the settings as they are now; return False where something still runs."""
        if any(not call.is_done for call in self._calls.values()):
            return False
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
        return True

    def close(self) -> None:
        """End the engine, and forget what ran: its nodes are those of a script that is closed."""
        self._script += 1
        self._calls.clear()
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    def _opened(self) -> Engine:
        if self._engine is None:
            log = Path(self._folder.name) / "engine.log"
            settings = read_settings()
            command = find_engine(settings.engine_path)
            self._engine = Engine(command, log=log, settings=settings.told)
        return self._engine

    def _events(self, engine: Engine, call: Call) -> list[Event]:
        """Return what happened to one call; what happened to others is kept for those who ask."""
        with self._lock:
            for event in engine.poll():
                if event.kind not in ("done", "failed"):  # the call itself says that
                    self._heard.setdefault(event.call, []).append(event)
            return self._heard.pop(call, [])

    # --- without an interface -------------------------------------------------------------------

    def _wait(self, task: Task, call: Call) -> None:
        engine = self._opened()
        while True:
            is_over = call.is_done
            for event in self._events(engine, call):
                text = _percent_text(event) if event.kind == "progress" else _words(event)
                if text:
                    nuke.tprint(f"{task.node}: {text}")
            if is_over:
                break
            time.sleep(_LOOK_SECONDS)
        node = _node(task.node)
        if node is not None:
            task.finish(node, call.result())

    # --- on the watching thread -----------------------------------------------------------------

    def _watch(self, task: Task, call: Call, script: int) -> None:
        engine = self._engine
        bar = nuke.ProgressTask(f"{task.verb} {task.node}")
        while engine is not None:
            is_over = call.is_done
            for event in self._events(engine, call):
                self._show(bar, task, event, script)
            if is_over:
                break
            if bar.isCancelled():
                engine.cancel(call)
            time.sleep(_LOOK_SECONDS)
        del bar  # the bar goes with it
        nuke.executeInMainThread(self._finish, args=(task, call, script))

    def _show(self, bar: nuke.ProgressTask, task: Task, event: Event, script: int) -> None:
        if event.kind == "progress":
            bar.setMessage(_percent_text(event))
            bar.setProgress(_percent(event))
        elif event.kind == "gone":
            args = (task, f"{_words(event)} It is started again.", script)
            nuke.executeInMainThread(self._warn, args=args)

    # --- on the main thread ---------------------------------------------------------------------

    def _warn(self, task: Task, text: str, script: int) -> None:
        node = _node(task.node) if script == self._script else None
        if node is not None:
            show(node, "engine restarted", text)

    def _finish(self, task: Task, call: Call, script: int) -> None:
        node = _node(task.node) if script == self._script else None
        if node is None:
            return
        try:
            task.finish(node, call.result(0))
        except StoppedError as error:
            show(node, "stopped", str(error))
        except FaceplateError as error:
            show_error(node, error)
        # A callback into a host: whatever nobody foresaw must show on the node and not be lost.
        except Exception as error:  # noqa: BLE001
            show_error(node, mistake(error))


def _node(name: str) -> nuke.Node | None:
    with nuke.root():
        return nuke.toNode(name)


def _percent(event: Event) -> int:
    return int(100 * int(event.facts["done"]) / max(int(event.facts["total"]), 1))


def _percent_text(event: Event) -> str:
    facts = event.facts
    return f"{facts['stage']} {facts['done']}/{facts['total']} ({_percent(event)} %)"


def _words(event: Event) -> str:
    if event.kind == "gone":
        return str(event.facts["message"])
    return str(event.facts.get("text", ""))


@cache
def session() -> Session:
    """Return this Nuke's session; made when it is first needed."""
    return Session()
