"""What is kept in memory: the last things used, as many as fit, and nobody writes to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from faceplate.core.arrays import AnyArray
from faceplate.core.stagecache import StageCache


@dataclass(frozen=True, slots=True)
class Made:
    """A value with arrays at two depths."""

    plane: AnyArray
    parts: tuple[dict[str, AnyArray], ...]


def made(size: int) -> Made:
    return Made(np.zeros(size // 2, np.uint8), ({"x": np.zeros(size - size // 2, np.uint8)},))


def test_a_thing_is_made_once() -> None:
    cache, calls = StageCache(1000), []

    first = cache.get("a", lambda: calls.append(1) or made(10))  # type: ignore[func-returns-value]
    second = cache.get("a", lambda: calls.append(1) or made(10))  # type: ignore[func-returns-value]

    assert first is second and len(calls) == 1
    assert cache.used_bytes == 10


def test_what_was_not_used_for_longest_goes_first() -> None:
    cache = StageCache(100)
    things = {key: cache.get(key, lambda: made(40)) for key in "ab"}
    cache.get("a", lambda: made(40))

    cache.get("c", lambda: made(40))

    assert cache.used_bytes == 80
    assert cache.get("a", lambda: made(40)) is things["a"]
    assert cache.get("b", lambda: made(40)) is not things["b"]


def test_a_thing_too_large_is_not_kept() -> None:
    cache = StageCache(100)
    cache.get("small", lambda: made(10))

    cache.get("large", lambda: made(101))

    assert cache.used_bytes == 0


def test_nobody_can_write_to_what_is_kept() -> None:
    kept = StageCache().get("a", lambda: made(10))

    for array in (kept.plane, kept.parts[0]["x"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_nothing_is_a_result_too() -> None:
    cache, calls = StageCache(), []

    for _ in range(2):
        assert cache.get("a", lambda: calls.append(1)) is None

    assert len(calls) == 1
