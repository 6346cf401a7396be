from __future__ import annotations

import threading

import pytest

from faceplate.core.behind import WriteBehind
from faceplate.core.errors import DiskError


@pytest.mark.parametrize("behind", [False, True])
def test_writes_are_done_and_reported_in_order(behind: bool) -> None:
    written: list[int] = []
    reported: list[int] = []

    with WriteBehind(behind=behind) as writing:
        for number in range(5):
            writing.begin(
                lambda n=number: written.append(n), lambda _, n=number: reported.append(n)
            )

    assert written == reported == [0, 1, 2, 3, 4]


def test_the_next_frame_is_made_while_one_is_written() -> None:
    made = threading.Event()
    found: list[bool] = []

    with WriteBehind(behind=True) as writing:
        writing.begin(lambda: found.append(made.wait(10)), lambda _: None)
        made.set()

    assert found == [True]


def test_what_a_write_raises_comes_out_and_is_not_reported() -> None:
    reported: list[float] = []

    def fail() -> None:
        raise DiskError("comp.1001.exr", "no space left on device")

    with pytest.raises(DiskError, match="no space left"), WriteBehind(behind=True) as writing:
        writing.begin(fail, reported.append)

    assert reported == []


def test_the_frame_in_hand_is_finished_when_the_next_one_fails() -> None:
    written: list[int] = []

    with pytest.raises(RuntimeError, match="next"), WriteBehind(behind=True) as writing:
        writing.begin(lambda: written.append(1), lambda _: None)
        raise RuntimeError("next")

    assert written == [1]
