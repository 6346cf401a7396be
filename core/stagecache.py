"""Keeps what the slow stages of a frame made, in memory, by what it was made of."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import numpy as np

from faceplate.core.arrays import AnyArray

T = TypeVar("T")

MOST_BYTES = 1 << 30


class StageCache:
    """The results used last, as many as fit. What it remembers changes the time, nothing else.

    Whoever asks makes the key of the content of all that the result depends on. Arrays that are
    kept are made read-only: a stage that wrote to one would change a later frame.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Keep at most so many bytes of arrays."""
        self._most = most_bytes
        self._kept: OrderedDict[str, tuple[int, object]] = OrderedDict()
        self._bytes = 0

    @property
    def used_bytes(self) -> int:
        """Bytes of the arrays that are kept."""
        return self._bytes

    def get(self, key: str, make: Callable[[], T]) -> T:
        """Return what was kept under a key, or make it and keep it."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return cast("T", self._kept[key][1])
        value = make()
        arrays = list(_arrays_of(value))
        for array in arrays:
            array.flags.writeable = False
        size = sum(array.nbytes for array in arrays)
        self._kept[key] = size, value
        self._bytes += size
        while self._bytes > self._most and self._kept:
            _, (gone, _) = self._kept.popitem(last=False)
            self._bytes -= gone
        return value


def _arrays_of(value: Any) -> Iterator[AnyArray]:
    """Yield the arrays in a value of ours, however deep."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _arrays_of(part)
    elif isinstance(value, dict):
        yield from _arrays_of(list(value.values()))
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _arrays_of(getattr(value, field.name))
