"""The engine as a process: JSON lines in on stdin, answers and progress out on stdout.

The messages are listed in `faceplate.plugin.bridge`, the host's side of the pipe.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from faceplate.core.console import INTERRUPTED, Stopped, Stopper
from faceplate.core.doors import prepare
from faceplate.core.errors import (
    ContractError,
    FaceplateError,
    InputError,
    ResourceError,
)
from faceplate.core.jobfile import read_job

if TYPE_CHECKING:
    from faceplate.core.serve import Service

PROTOCOL = 1
_FAILED, _PARSE, _INVALID, _METHOD, _PARAMS = -32000, -32700, -32600, -32601, -32602
_CANCELLED = -32800
_MOST_BYTES = 1 << 24
_TEACHING = "finetune"
"""The stage in which networks are taught."""
_LEAST_SECONDS = 0.1
"""Between two progress messages of a call."""
_LAST_SECONDS = 20.0
"""That a frame in hand has when the host is gone."""

Tell: TypeAlias = Callable[[str, Mapping[str, object]], None]


@dataclass(eq=False)
class Pipe:
    """The end that speaks; messages of several threads do not mix."""

    stream: BinaryIO
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, **message: object) -> None:
        """Write one message; a host that is gone hears nothing, and that is all."""
        text = json.dumps({"jsonrpc": "2.0", **message}, default=str).encode()
        with self.lock:
            try:
                self.stream.write(text + b"\n")
            except OSError:
                return  # the end of the input says the same, and ends the work


@dataclass(eq=False)
class Request:
    """A request on its way through the worker.

    Attributes:
        stop: becomes true when it is cancelled, or the host is gone.
        told: when progress was last said.
        stage: what it was at when it last said how far it is, or "".
    """

    number: object
    method: str
    params: dict[str, Any]
    stop: Stopper
    told: float = 0.0
    stage: str = ""

    @property
    def learns(self) -> bool:
        """Whether its job may have to teach networks first."""
        try:
            return read_job(str(self.params.get("job"))).finetune is not None
        except InputError:
            return False


class Worker:
    """Takes requests in one thread and does them, one at a time, in another.

    A preview does not wait for what is being done: it is made between two frames of it, or two
    steps of a training. But one that may have to train as well waits for a training to end, and
    finds what was learned in the cache.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._waiting: deque[Request] = deque()
        self._previews: deque[Request] = deque()
        self._doing: list[Request] = []
        self._news = threading.Condition()
        self._is_over = False
        self._settings: dict[str, Any] | None = None
        self._service: Service | None = None

    # --- the reading thread -----------------------------------------------------------------------

    def listen(self, stream: BinaryIO) -> None:
        """Take messages until there are no more; then all work ends after the frame in hand."""
        for line in iter(lambda: stream.readline(_MOST_BYTES), b""):
            self._take(line)
        with self._news:
            self._is_over = True
            for request in (*self._doing, *self._waiting, *self._previews):
                request.stop.exit_code = INTERRUPTED
            self._news.notify()
        # A frame that never ends must not keep an engine alive that nobody listens to.
        end = threading.Timer(_LAST_SECONDS, os._exit, (INTERRUPTED,))
        end.daemon = True
        end.start()

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            self._fail(None, _PARSE, "not a message")
            return
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            self._fail(None, _INVALID, "not a request")
            return
        number, params = message.get("id"), message.get("params", {})
        if not isinstance(params, dict):
            self._fail(number, _PARAMS, "params must be an object")
        elif message["method"] == "hello":
            self._hello(number, params)
        elif self._settings is None:
            self._fail(number, _INVALID, "say hello first")
        elif message["method"] == "cancel":
            self._cancel(number, params.get("call"))
        else:
            request = Request(number, message["method"], params, Stopper())
            with self._news:
                queue = self._previews if request.method == "preview" else self._waiting
                queue.append(request)
                self._news.notify()

    def _hello(self, number: object, params: Mapping[str, Any]) -> None:
        import platform
        from importlib.metadata import version

        if params.get("protocol") != PROTOCOL:
            error = ResourceError(
                f"This engine speaks protocol {PROTOCOL}, and not {params.get('protocol')!r}.",
                hint="Install plug-in and engine from the same version of faceplate.",
            )
            self._fail(number, _FAILED, str(error), error)
            return
        settings = {"device": "cpu", **(params.get("settings") or {})}
        if settings["device"] != "cpu":
            from faceplate.core.nets.load import check_device

            try:
                check_device(str(settings["device"]))
            except FaceplateError as missing:
                self._fail(number, _FAILED, str(missing), missing)
                return
        self._settings = settings
        self._pipe.say(
            id=number,
            result={
                "protocol": PROTOCOL,
                "engine": version("faceplate"),
                "python": platform.python_version(),
                "process": os.getpid(),
                "device": settings["device"],
            },
        )

    def _cancel(self, number: object, call: object) -> None:
        with self._news:
            found = [
                request
                for request in (*self._doing, *self._waiting, *self._previews)
                if request.number == call
            ]
            for request in found:
                request.stop.exit_code = INTERRUPTED
        if number is not None:
            self._pipe.say(id=number, result={"cancelled": bool(found)})

    # --- the working thread -----------------------------------------------------------------------

    def work(self) -> None:
        """Do what is asked for until the input ends."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self._is_over or self._previews or self._waiting)
                if self._is_over:
                    return
                request = (self._previews or self._waiting).popleft()
            request.stop.between = self._do_previews
            self._do(request)

    def _do_previews(self) -> None:
        """Make the previews that wait; called between the frames of something longer."""
        while (request := self._next_preview()) is not None:
            self._do(request)

    def _next_preview(self) -> Request | None:
        """Take the first preview that can be made now."""
        is_teaching = self._doing[0].stage == _TEACHING
        with self._news:
            for request in () if self._is_over else self._previews:
                if not (is_teaching and request.learns):
                    self._previews.remove(request)
                    return request
        return None

    def _do(self, request: Request) -> None:
        self._doing.append(request)
        try:
            if request.stop.exit_code:
                raise Stopped(request.stop.exit_code)
            result = self._answer(request)
        except Stopped:
            self._fail(request.number, _CANCELLED, "cancelled")
        # The worker's loop: whatever nobody foresaw is an answer, and the engine goes on.
        except Exception as failure:  # noqa: BLE001
            error = _in_family(failure)
            traceback.print_exc(file=sys.stderr)
            self._fail(request.number, _FAILED, str(error), error)
        else:
            self._pipe.say(id=request.number, result=result)
        finally:
            self._doing.remove(request)

    def _answer(self, request: Request) -> object:
        service = self._opened()
        method = service.methods.get(request.method)
        if method is None:
            known = ", ".join(service.methods)
            raise InputError(
                f"The engine has no request {request.method}.", hint=f"It has: {known}."
            )

        def tell(kind: str, facts: Mapping[str, object]) -> None:
            self._tell(request, kind, facts)

        return method(request.params, tell, request.stop)

    def _opened(self) -> Service:
        """Return what does the work; its imports take a second, so not before they are needed."""
        if self._service is None:
            from faceplate.core.serve import open_service

            self._service = open_service(self._settings or {})
        return self._service

    def _tell(self, request: Request, kind: str, facts: Mapping[str, object]) -> None:
        """Say something about a request; progress ten times a second, and a stage's both ends."""
        if kind == "progress":
            stage, now = str(facts.get("stage")), time.monotonic()
            is_end = stage != request.stage or facts.get("done") == facts.get("total")
            request.stage = stage
            if not is_end and now - request.told < _LEAST_SECONDS:
                return
            request.told = now
        self._pipe.say(method=kind, params={"call": request.number, **facts})

    def _fail(
        self, number: object, code: int, text: str, error: FaceplateError | None = None
    ) -> None:
        found: dict[str, object] = {"code": code, "message": text}
        if error is not None:
            found["data"] = {
                "kind": type(error).__name__,
                "hint": error.hint,
                "facts": error.facts,
                "exit_code": error.exit_code,
            }
        self._pipe.say(id=number, error=found)


def _in_family(failure: Exception) -> FaceplateError:
    """Return an error of ours for any: what the command line would say of it."""
    if isinstance(failure, FaceplateError):
        return failure
    if isinstance(failure, MemoryError):
        return ResourceError(
            "There is not enough memory.",
            hint="Use fewer threads, or a machine with more memory.",
        )
    if isinstance(failure, OSError):
        what = f"{failure.filename}: " if failure.filename else ""
        return ResourceError(
            f"The system refused: {what}{failure.strerror or failure}.",
            hint="Check the path, its permissions and the free space.",
        )
    return ContractError(
        f"Faceplate made a mistake ({type(failure).__name__}: {failure}).",
        hint="Please report it, with the log.",
    )


def main() -> None:
    """Answer on stdout what comes on stdin; whatever else is printed goes to stderr."""
    heard = os.fdopen(os.dup(0), "rb")
    spoken = os.fdopen(os.dup(1), "wb", 0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)  # prints of Python and of C libraries would break the protocol
    prepare()
    worker = Worker(Pipe(spoken))
    threading.Thread(target=worker.listen, args=(heard,), name="listen", daemon=True).start()
    worker.work()


if __name__ == "__main__":
    main()
