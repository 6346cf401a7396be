"""Host side of the engine pipe: starts the engine's own Python and talks to it in JSON lines.

A host does this, and needs no more::

    engine = Engine(find_engine(preferences.engine), log=folder / "engine.log")
    call = engine.submit(job.to_json())          # never waits; starts the engine if need be
    for event in engine.poll():                  # on the host's main thread, from a timer
        ...                                      # event.kind, event.call, event.facts
    if call.is_done:
        summary = call.result()                  # or raises what went wrong, in words
    engine.cancel(call)                          # a message; the process is killed 3 s later
    engine.close()                               # when the host quits

In the background, `call.result()` waits. `engine.call("preview", job=…, frame=…, out=…)` sends
any other request.

The protocol, version 1: JSON-RPC 2.0, one message a line, UTF-8, over the engine's stdin and
stdout; its stderr goes into the log file. Nothing listens on a port. ``job`` is always the text
that `Job.to_json` gives. Requests and what they answer:

=========  ==================================  ===================================================
request    parameters                          result
=========  ==================================  ===================================================
hello      protocol, settings                  protocol, engine, python, process, device
check      job                                 ok, problems [{kind, message, hint, exit_code}],
                                               shot, frames, finished, size [width, height],
                                               space, bytes_needed, bytes_free
analyse    job, out (a ``.track`` file)        out, faces [{face, frames, height_px}], outputs:
           and corrections (a file) or not     the track, its overlay, CSV, JSON, Tracker4 texts
train      job, with a fine-tuning             steps, views, first, last (mean losses), seconds,
                                               kept (it was in the cache already), weights,
                                               sentence
render     job                                 exit_code and the fields of `core.report.Summary`
qc         job, of kind "qc"                   report (its HTML), json, passed, exceeded (names of
                                               the limits), values {limit: number}, notes
preview    job, frame, out (an ``.exr`` file)  out, frame, replaced, reason, seconds
light      job, with its frames rendered       gains {frame: [r, g, b]}: the light match, from the
                                               layer ``raw`` to ``face``
models     -                                   models [{name, task, licence, sha256, …}]
cache      clear, limit_bytes (both optional)  folder, files, bytes, removed, limit_bytes,
                                               memory_bytes
cancel     call                                cancelled
=========  ==================================  ===================================================

A preview does not wait for a render or a training: it is made between two frames or steps; one
whose job fine-tunes waits until a training has ended. A job that fine-tunes trains before its first
frame, with progress of the stage "finetune"; after a `train` it finds the networks in the cache. A
training that is cancelled keeps nothing. Settings (from a host's preferences, never from a scene):
``threads`` (0: all), ``cache`` (a folder), ``cache_limit_bytes`` (0: none; unless said, the one
that it remembers), ``revocations`` (a file), ``device`` ("cpu" unless said,
or "cuda": networks run there and nowhere else; where it is not there, hello is answered with a
`DeviceError`, and every call that waits for it fails with that). Notifications of the engine carry
``call``: `progress` {stage, done, total, frame, replaced, reason}, at most ten a second;
`log` {level, text}; `begin` {frame}.

What `Engine.poll` returns: kind "progress" and "log" with these facts; "gone" when the engine died
and the call goes on in a new one (facts: message, hint); "done" with the result; "failed" with
message, hint, kind, exit_code. An error is one of `core.errors`, the one that the command line
would give; `StoppedError` means cancelled or out of time, `EngineGoneError` that the engine died
twice on the same frame, which its sentence names.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from faceplate.core import errors
from faceplate.core.errors import (
    ContractError,
    EngineGoneError,
    EngineVersionError,
    FaceplateError,
    InputError,
    StoppedError,
)

PROTOCOL = 1
"""Major version; both sides refuse another one."""
STAMP = "faceplate-install.json"
POINTER = "engine.json"
"""Written beside this file by install.py where the plug-in is a copy: {"python": path}."""
CANCELLED = -32800
_MOST_BYTES = 1 << 24  # of one message: paths and numbers, never pixels
_GRACE_SECONDS = 3.0
_HELLO_SECONDS = 60.0
_TAIL_LINES = 12
_LOG_BYTES = 1 << 22
# Hosts export PYTHONHOME, PYTHONPATH, LD_LIBRARY_PATH, QT_* and OCIO: none may reach the engine.
_KEPT = (
    *("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_DATA_HOME"),
    *("SYSTEMROOT", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "HOMEDRIVE", "HOMEPATH"),
    *("FACEPLATE_MODELS", "OMP_NUM_THREADS", "NUMBA_CACHE_DIR", "CUDA_VISIBLE_DEVICES"),
    # What a farm sets so that its machines compute alike; the command line goes by it, too.
    *("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OPENBLAS_L2_SIZE"),
    *("NPY_DISABLE_CPU_FEATURES", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"),
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a call; see the module's docstring for kinds and facts."""

    kind: str
    call: Call
    facts: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Call:
    """A request on its way.

    Attributes:
        method: what is asked for.
        params: what with.
        frame: the frame in hand, or None.
    """

    method: str
    params: Mapping[str, Any]
    frame: int | None = None
    crashes: list[int | None] = field(default_factory=list)
    timers: list[threading.Timer] = field(default_factory=list)
    stopped: str = ""
    _done: threading.Event = field(default_factory=threading.Event)
    _result: Any = None
    _error: FaceplateError | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is a result or an error."""
        return self._done.is_set()

    @property
    def error(self) -> FaceplateError | None:
        """What went wrong, or None."""
        return self._error

    def result(self, timeout_seconds: float | None = None) -> Any:
        """Wait for the answer and return it.

        Raises:
            TimeoutError: it has not come within ``timeout_seconds``; the call goes on.
            FaceplateError: what went wrong.
        """
        if not self._done.wait(timeout_seconds):
            raise TimeoutError(self.method)
        if self._error is not None:
            raise self._error
        return self._result

    def end(self, result: Any, error: FaceplateError | None) -> None:
        """Give the call its answer; the engine's business."""
        for timer in self.timers:
            timer.cancel()
        self._result, self._error = result, error
        self._done.set()


class Engine:
    """The engine as a host sees it: requests go in, calls and events come out.

    It starts with the first request, and again with the first one after its process ended. Safe to
    use from several threads.
    """

    def __init__(
        self, command: Sequence[str], *, log: Path, settings: Mapping[str, Any] | None = None
    ) -> None:
        """Take what the engine is started with; nothing is started yet.

        Args:
            command: what `find_engine` gave.
            log: a file that takes what the engine prints.
            settings: from the host's preferences, see the module's docstring.
        """
        self.command = tuple(command)
        self.log = log
        self.settings = dict(settings or {})
        self._events: queue.Queue[Event] = queue.Queue()
        self._lock = threading.RLock()
        self._process: _Process | None = None

    # --- what a host does -------------------------------------------------------------------------

    def submit(self, job: str, *, timeout_seconds: float | None = None) -> Call:
        """Ask for a render of a job.

        Args:
            job: what `Job.to_json` gave.
            timeout_seconds: after which the call is cancelled.
        """
        return self.call("render", timeout_seconds=timeout_seconds, job=job)

    def call(self, method: str, *, timeout_seconds: float | None = None, **params: Any) -> Call:
        """Send any request; returns at once, whatever happens to it."""
        call = Call(method, params)
        if timeout_seconds is not None:
            text = f"{method} took longer than {timeout_seconds:g} s and was stopped"
            self._after(timeout_seconds, call, lambda: self._stop(call, text))
        self._send(call)
        return call

    def poll(self) -> list[Event]:
        """Return what happened since the last time; never waits."""
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._events.get_nowait())
        return found

    def cancel(self, call: Call) -> None:
        """Ask the engine to stop a call after the frame in hand; kill it if it does not listen."""
        self._stop(call, f"{call.method} was stopped")

    @property
    def is_running(self) -> bool:
        """Whether the engine's process is there."""
        with self._lock:
            return self._process is not None and not self._process.is_over

    @property
    def process_id(self) -> int | None:
        """The id of the engine's process, or None."""
        with self._lock:
            return self._process.id if self._process is not None else None

    def close(self) -> None:
        """End the engine: end of input, then force; open calls fail as stopped."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()

    # --- inside -----------------------------------------------------------------------------------

    def _after(self, seconds: float, call: Call, action: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        call.timers.append(timer)
        timer.start()

    def _stop(self, call: Call, text: str) -> None:
        with self._lock:
            process = self._process
            if call.is_done or call.stopped:
                return
            call.stopped = text
            if process is None or not process.cancel(call):
                self._end(call, error=StoppedError(f"{text}."))
                return
            self._after(_GRACE_SECONDS, call, process.kill)

    def _send(self, call: Call) -> None:
        with self._lock:
            if self._process is not None and self._process.send(call):
                return
            try:
                self._process = _Process(self)
            except OSError as error:
                what = f"The engine {self.command[0]} cannot be started: {error.strerror}"
                self._end(call, error=EngineGoneError(what, None, str(self.log), []))
                return
            self._process.send(call)

    def _end(self, call: Call, *, result: Any = None, error: FaceplateError | None = None) -> None:
        with self._lock:
            if call.is_done:
                return
            call.end(result, error)
        if error is None:
            self._events.put(Event("done", call, result if isinstance(result, dict) else {}))
        else:
            self._events.put(Event("failed", call, _in_words(error)))

    def heard(self, call: Call, kind: str, facts: Mapping[str, Any]) -> None:
        """Take a notification; called by the reading thread."""
        if kind == "begin":
            call.frame = facts.get("frame")
        elif kind in ("progress", "log"):
            self._events.put(Event(kind, call, facts))

    def answered(self, call: Call, message: Mapping[str, Any]) -> None:
        """Take an answer; called by the reading thread."""
        if "error" not in message:
            self._end(call, result=message.get("result"))
            return
        found = message["error"]
        if call.stopped and found.get("code") == CANCELLED:
            self._end(call, error=StoppedError(f"{call.stopped}."))
        else:
            self._end(call, error=_error_of(found))

    def refused(self, calls: Sequence[Call], error: FaceplateError) -> None:
        """Fail calls of an engine that cannot be used; called by the reading thread."""
        for call in calls:
            self._end(call, error=error)

    def died(self, calls: Sequence[Call], exit_code: int, tail: list[str]) -> None:
        """Send calls once more after a crash, unless the same frame did it twice."""
        log = str(self.log)
        for call in calls:
            if call.stopped:
                self._end(call, error=StoppedError(f"{call.stopped}."))
                continue
            where = f" on frame {call.frame}" if call.frame is not None else ""
            if call.frame in call.crashes:
                what = f"The engine died twice{where} and is not started again for it"
                error = EngineGoneError(what, exit_code, log, tail)
                error.facts["frame"] = call.frame
                self._end(call, error=error)
                continue
            call.crashes.append(call.frame)
            error = EngineGoneError(f"The engine died{where}", exit_code, log, tail)
            self._events.put(Event("gone", call, {**_in_words(error), "frame": call.frame}))
            call.frame = None
            self._send(call)


class _Process:
    """One run of the engine: a process, the thread that reads it, and the calls it owes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._owed: dict[int, Call] = {}
        self._last = 0
        self._greeted = False
        self._closing = False
        engine.log.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = _shortened(engine.log)
        flags: dict[str, Any] = {"start_new_session": True}
        if os.name == "nt":
            flags = {"creationflags": 0x08000200}  # a group of its own, and no window
        with engine.log.open("ab") as log:
            self._process = subprocess.Popen(
                engine.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
                **flags,
            )
        self._impatience = threading.Timer(_HELLO_SECONDS, self.kill)
        self._impatience.daemon = True
        self._impatience.start()
        hello = {"protocol": PROTOCOL, "settings": engine.settings}
        self._write({"id": 0, "method": "hello", "params": hello})
        threading.Thread(target=self._read, name="faceplate-engine", daemon=True).start()

    @property
    def id(self) -> int:
        return self._process.pid

    @property
    def is_over(self) -> bool:
        return self._closing or self._process.poll() is not None

    def send(self, call: Call) -> bool:
        """Send a request; return False when the process is over and another must take it."""
        with self._lock:
            if self.is_over:
                return False
            self._last += 1
            number = self._last
            self._owed[number] = call
        self._write({"id": number, "method": call.method, "params": call.params})
        return True

    def cancel(self, call: Call) -> bool:
        """Send a cancel; return whether this process owes the call."""
        with self._lock:
            numbers = [number for number, owed in self._owed.items() if owed is call]
        if numbers:
            self._write({"method": "cancel", "params": {"call": numbers[0]}})
        return bool(numbers)

    def _write(self, message: Mapping[str, Any]) -> None:
        """Send a message; that the process is gone, the reading thread finds out and says."""
        text = json.dumps({"jsonrpc": "2.0", **message}).encode("utf-8") + b"\n"
        stdin = self._stdin
        with suppress(OSError, ValueError), self._lock:
            stdin.write(text)
            stdin.flush()

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    # --- the reading thread -----------------------------------------------------------------------

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with stdout:
            for line in iter(lambda: stdout.readline(_MOST_BYTES), b""):
                with suppress(ValueError):  # a line that is no message cannot be acted upon
                    message = json.loads(line.decode("utf-8"))
                    if isinstance(message, dict):
                        self._hear(message)
        self._over()

    def _hear(self, message: Mapping[str, Any]) -> None:
        if message.get("id") == 0:
            self._greet(message)
        elif "method" in message:
            facts = message.get("params") or {}
            call = self._owed.get(facts.get("call", 0))
            if call is not None:
                self._engine.heard(call, str(message["method"]), facts)
        else:
            with self._lock:
                call = self._owed.pop(message.get("id", 0), None)
            if call is not None:
                self._engine.answered(call, message)

    def _greet(self, message: Mapping[str, Any]) -> None:
        self._impatience.cancel()
        found = (message.get("result") or {}).get("protocol")
        if found == PROTOCOL:
            self._greeted = True
            return
        error = _error_of(message["error"]) if "error" in message else None
        self._closing = True
        self._engine.refused(self._taken(), error or EngineVersionError(found, PROTOCOL))
        self.kill()

    def _taken(self) -> list[Call]:
        """Take over what is owed, of a process that is over: nobody else will answer it."""
        with self._lock:
            calls = list(self._owed.values())
            self._owed.clear()
        return calls

    def _over(self) -> None:
        self._impatience.cancel()
        code = self._process.wait()
        with suppress(OSError):  # what is left of a half-written request goes with it
            self._stdin.close()
        calls, closing = self._taken(), self._closing
        tail = _tail(self._engine.log, self._log_start)
        if closing:
            self._engine.refused(calls, StoppedError("The engine was closed."))
        elif not self._greeted:
            what = "The engine did not start"
            self._engine.refused(calls, EngineGoneError(what, code, str(self._engine.log), tail))
        else:
            self._engine.died(calls, code, tail)

    # --- the end ----------------------------------------------------------------------------------

    def kill(self) -> None:
        """End the process and all that it started, at once."""
        if self._process.poll() is not None:
            return  # its number may be another's by now
        with suppress(OSError):
            if os.name == "nt":
                self._process.kill()
            else:
                # Its own session, so its group bears its number.
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the process: it reads the end of its input, and has a moment to finish a frame."""
        self._closing = True
        with suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()


def _error_of(found: Mapping[str, Any]) -> FaceplateError:
    """Return the error that the engine met, of the class that it has there."""
    data = found.get("data") or {}
    kind = getattr(errors, str(data.get("kind")), None)
    if not (isinstance(kind, type) and issubclass(kind, FaceplateError)):
        kind = ContractError
    error = kind.__new__(kind)
    message, facts = str(found.get("message", "")), data.get("facts") or {}
    FaceplateError.__init__(error, message, hint=str(data.get("hint", "")))
    error.facts = dict(facts)
    return error


def _in_words(error: FaceplateError) -> dict[str, Any]:
    return {
        "kind": type(error).__name__,
        "message": str(error),
        "hint": error.hint,
        "exit_code": error.exit_code,
    }


def _shortened(log: Path) -> int:
    """Keep the log below a few megabytes; return where this run's part begins."""
    size = log.stat().st_size if log.exists() else 0
    if size > _LOG_BYTES:
        log.unlink()
        return 0
    return size


def _tail(log: Path, start: int) -> list[str]:
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - 8192))
        lines = file.read().decode("utf-8", "replace").splitlines()
        return [line for line in lines if line.strip()][-_TAIL_LINES:]
    return []


# --- where the engine is --------------------------------------------------------------------------


def find_engine(preference: str = "") -> tuple[str, ...]:
    """Return the command that starts the engine.

    Looked for in the host's preferences, in ``FACEPLATE_PYTHON``, and where install.py left word;
    never in a scene or script file, which comes from strangers.

    Args:
        preference: the engine's Python, or the folder of its environment; "" when not said.

    Raises:
        InputError: what was said is not there, or nothing was found.
    """
    for where, said in (
        ("the preferences", preference),
        ("FACEPLATE_PYTHON", os.environ.get("FACEPLATE_PYTHON", "")),
    ):
        if said:
            python = _python_in(Path(said).expanduser())
            if python is None:
                raise InputError(
                    f"{said}, from {where}, is not a Python.",
                    hint="Name the python of faceplate's environment, as .venv/bin/python.",
                    said=said,
                )
            return _command(python)
    here = Path(__file__).resolve().parent
    for place in (_pointed(here / POINTER), _stamped(here.parent / ".venv")):
        python = _python_in(place) if place is not None else None
        if python is not None:
            return _command(python)
    raise InputError(
        "The engine was not found.",
        hint="Run `python install.py engine`, and name its Python in the preferences.",
    )


def _command(python: Path) -> tuple[str, ...]:
    return (str(python), "-I", "-u", "-m", "faceplate.core.worker")


def _python_in(place: Path) -> Path | None:
    """Return the Python that a path means: itself, or that of an environment's folder."""
    inside = (place / "bin" / "python", place / "Scripts" / "python.exe")
    # Not resolved: a link to the system's Python must be called by the environment's name.
    for path in (place, *inside):
        if path.is_absolute() and path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def _pointed(pointer: Path) -> Path | None:
    try:
        said = json.loads(pointer.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    python = said.get("python") if isinstance(said, dict) else None
    return Path(python) if isinstance(python, str) else None


def _stamped(environment: Path) -> Path | None:
    return environment if (environment / STAMP).is_file() else None
