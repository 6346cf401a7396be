"""Writes one thing while the next is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType


class WriteBehind:
    """Does writes in order, each while the next frame is made, where there is a thread to spare.

    One write at most is on its way, so memory is bounded. On leaving, it is waited for, whatever
    happened: the frame in hand is always finished.
    """

    def __init__(self, *, behind: bool) -> None:
        """Write in a thread of its own, or where it is asked for."""
        self._pool = ThreadPoolExecutor(1) if behind else None
        self._waiting: tuple[Future[float], Callable[[float], None]] | None = None

    def __enter__(self) -> WriteBehind:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the write that is on its way."""
        try:
            self.settle()
        finally:
            if self._pool is not None:
                self._pool.shutdown()

    def begin(self, write: Callable[[], None], done: Callable[[float], None]) -> None:
        """Begin a write when the one before it is finished.

        Args:
            write: does it.
            done: called in this thread once it is done, with the seconds that it took.

        Raises:
            FaceplateError: what the write before, or without a thread this one, raised.
        """
        self.settle()
        if self._pool is None:
            done(_timed(write))
        else:
            self._waiting = self._pool.submit(_timed, write), done

    def settle(self) -> None:
        """Wait for the write on its way and say that it is done.

        Raises:
            FaceplateError: what it raised.
        """
        if self._waiting is not None:
            (future, done), self._waiting = self._waiting, None
            done(future.result())


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
