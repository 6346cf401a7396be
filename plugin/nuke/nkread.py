"""Reads Nuke's script text: lists, curves, and the table of a Tracker."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\Z")
_MARK = re.compile(r"x([-+]?(?:\d+\.?\d*|\.\d+))\Z")
_TANGENT = re.compile(r"[A-Za-wyz][-+.\deE]*\Z")
"""What else stands in a curve: how it goes between keys, which a key does not need."""
_FRACTION = 1e-3
_ESCAPED = {"n": "\n", "t": "\t"}


def split_list(text: str) -> list[str]:
    r"""Return the words of a list, one level deep.

    >>> split_list('{ 1 31 9 } "left eye" a\\ b')
    [' 1 31 9 ', 'left eye', 'a b']

    Raises:
        ValueError: a brace or a quote is open.
    """
    words: list[str] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text[at] == "{":
            end = _closing(text, at)
            words.append(text[at + 1 : end])
            at = end + 1
        else:
            quoted = text[at] == '"'
            word, at = _plain(text, at + quoted, quoted=quoted)
            words.append(word)
    return words


def _closing(text: str, start: int) -> int:
    depth, at = 0, start
    while at < len(text):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return at
        at += 2 if text[at] == "\\" else 1
    raise ValueError("a brace is open")


def _plain(text: str, at: int, *, quoted: bool) -> tuple[str, int]:
    """Return a word without its escapes, and where the text goes on."""
    letters: list[str] = []
    while at < len(text):
        letter = text[at]
        if letter == "\\" and at + 1 < len(text):
            letters.append(_ESCAPED.get(text[at + 1], text[at + 1]))
            at += 2
            continue
        if letter == '"' if quoted else letter.isspace():
            return "".join(letters), at + quoted
        letters.append(letter)
        at += 1
    if quoted:
        raise ValueError("a quote is open")
    return "".join(letters), at


def read_curve(text: str) -> dict[int, float]:
    """Return the keys of a curve at whole frames; a number alone has none.

    ``x`` sets the frame, and each value after it is one frame further.

    >>> read_curve("curve K x1001 5 6.5 x1010 s0.2 7")
    {1001: 5.0, 1002: 6.5, 1010: 7.0}

    Raises:
        ValueError: it follows an expression, or is no curve.
    """
    words = split_list(text)
    if not words or (len(words) == 1 and _NUMBER.match(words[0])):
        return {}
    if words[0] != "curve":
        raise ValueError(f"the expression {text.strip()!r}")
    keys: dict[int, float] = {}
    frame = 0.0
    for word in words[1:]:
        mark = _MARK.match(word)
        if mark is not None:
            frame = float(mark[1])
        elif _NUMBER.match(word):
            if abs(frame - round(frame)) < _FRACTION:
                keys[round(frame)] = float(word)
            frame += 1
        elif not _TANGENT.match(word):
            raise ValueError(f"the word {word!r} in a curve")
    return keys


@dataclass(frozen=True, slots=True)
class TrackRow:
    """One track of a Tracker's table.

    Attributes:
        places: frame to a place from the format's lower left, where the artist or the tracker
            set a key.
        off: frames among them in which the track is switched off.
    """

    places: Mapping[int, tuple[float, float]]
    off: frozenset[int]


def read_tracks(text: str, wanted: Sequence[str]) -> dict[str, TrackRow]:
    """Return the wanted tracks of a Tracker's table by their names; those deleted are left out.

    Args:
        text: of the knob ``tracks``.
        wanted: names; the other tracks are the artist's own.

    Raises:
        ValueError: no table, a column is gone, or a track follows an expression.
    """
    parts = split_list(text)
    if len(parts) == 1:
        parts = split_list(parts[0])
    if len(parts) != 3:
        raise ValueError(f"a table of {len(parts)} parts")
    columns = [split_list(column) for column in split_list(parts[1])]
    names = [column[3] if len(column) > 3 else "" for column in columns]
    at: dict[str, int] = {}
    for name in ("enable", "name", "track_x", "track_y"):
        if name not in names:
            raise ValueError(f"a table without the column {name}")
        at[name] = names.index(name)
    rows: dict[str, TrackRow] = {}
    for row in map(split_list, split_list(parts[2])):
        if len(row) != len(names):
            raise ValueError(f"a row of {len(row)} cells under {len(names)} columns")
        name = row[at["name"]]
        if name in wanted:
            try:
                x, y = read_curve(row[at["track_x"]]), read_curve(row[at["track_y"]])
            except ValueError as error:
                raise ValueError(f"{error} in place of keys of {name}") from error
            places = {frame: (x[frame], y[frame]) for frame in sorted(x.keys() & y.keys())}
            rows[name] = TrackRow(places, _off(row[at["enable"]], places))
    return rows


def _off(cell: str, frames: Mapping[int, object]) -> frozenset[int]:
    """Return the frames in which a switch is off; one that cannot be read is on."""
    try:
        steps = read_curve(cell)
    except ValueError:
        return frozenset()
    if not steps:
        return frozenset(frames) if cell.strip() in ("0", "false") else frozenset()
    first = min(steps)
    return frozenset(
        frame
        for frame in frames
        if not steps[max((step for step in steps if step <= frame), default=first)]
    )
