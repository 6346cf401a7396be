"""Frame ranges and image sequences as text and as values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceplate.core.errors import FootagePatternError, FrameMissingError

MOVIE_SUFFIXES = frozenset({".mov", ".mp4", ".m4v", ".mkv", ".avi", ".mxf", ".webm"})
STILL_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dpx"})
FIRST_MOVIE_FRAME = 1001

_PART = re.compile(r"^(-?\d+)(?:-(-?\d+)(?:[x:](\d+))?)?$")
_NUMBERED = re.compile(r"^(.*[._])(\d+)(\.\w+)$")
_TOKEN = re.compile(r"%0(\d+)d|%d|#+|@+")


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Sorted frame numbers without doubles, read from and printed as ``1001-1100x2,1200``.

    Attributes:
        numbers: the frame numbers, ascending.

    >>> FrameRange.parse("1001-1007x2,1010").numbers
    (1001, 1003, 1005, 1007, 1010)
    >>> str(FrameRange((1001, 1002, 1003, 1005, 1007, 1009)))
    '1001-1003,1005-1009x2'
    >>> str(FrameRange.parse("-3--1"))
    '-3--1'
    """

    numbers: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> FrameRange:
        """Read ``1001``, ``1001-1100``, ``1001-1100x2``, ``1001-1100:2`` and commas of these.

        Raises:
            FootagePatternError: the text is not a frame range, or holds no frame.
        """
        numbers: set[int] = set()
        for part in text.split(","):
            match = _PART.match(part.strip())
            step = int(match[3] or 1) if match else 0
            if match is None or step == 0 or int(match[2] or match[1]) < int(match[1]):
                raise FootagePatternError(
                    f"{text!r} is not a frame range.",
                    hint="Write it as 1001-1100, 1001-1100x2 or 1001,1005,1010-1020.",
                    text=text,
                )
            numbers.update(range(int(match[1]), int(match[2] or match[1]) + 1, step))
        return cls(tuple(sorted(numbers)))

    def __str__(self) -> str:
        """Return the shortest text that reads back as the same range."""
        parts: list[str] = []
        rest = list(self.numbers)
        while rest:
            run = _leading_run(rest)
            first, last = rest[0], rest[run - 1]
            step = rest[1] - first if run > 1 else 1
            parts.append(str(first) if run == 1 else f"{first}-{last}" + f"x{step}" * (step > 1))
            rest = rest[run:]
        return ",".join(parts)

    def __iter__(self) -> Iterator[int]:
        """Walk the numbers upwards."""
        return iter(self.numbers)

    def __len__(self) -> int:
        """Return how many frames there are."""
        return len(self.numbers)


def _leading_run(numbers: Sequence[int]) -> int:
    """Count the numbers at the start that have equal steps; two alone do not make a stepped run."""
    if len(numbers) < 2:
        return len(numbers)
    step = numbers[1] - numbers[0]
    run = 2
    while run < len(numbers) and numbers[run] - numbers[run - 1] == step:
        run += 1
    return run if run > 2 or step == 1 else 1


@dataclass(frozen=True, slots=True)
class Footage:
    """Pictures on disk: a numbered sequence, one movie, or one still.

    Attributes:
        pattern: path with ``%04d`` or ``####`` for the frame number, or a plain path.
        frames: the frame numbers that are on disk (a movie's begin at its start frame).
    """

    pattern: str
    frames: FrameRange

    @property
    def is_movie(self) -> bool:
        """Whether this is one movie file."""
        return Path(self.pattern).suffix.lower() in MOVIE_SUFFIXES

    def path(self, number: int) -> Path:
        """Return the file of frame ``number`` (a movie's own file for every number).

        Raises:
            FrameMissingError: the number is not part of this footage.
        """
        if number not in self.frames.numbers:
            raise FrameMissingError(self.pattern, number)
        return frame_path(self.pattern, number)


def is_numbered(pattern: str) -> bool:
    """Return whether the file name of a pattern has a place for the frame number."""
    return _TOKEN.search(Path(pattern).name) is not None


def frame_path(pattern: str, number: int) -> Path:
    """Return the path of one frame; a pattern without a number token is its own path.

    >>> frame_path("plate.%04d.exr", 7).name, frame_path("plate.####.exr", -7).name
    ('plate.0007.exr', 'plate.-007.exr')
    """
    path = Path(pattern)
    name = _TOKEN.sub(lambda token: f"{number:0{_width(token[0])}d}", path.name, count=1)
    return path.with_name(name)


def base_name(pattern: str) -> str:
    """Return the file name of a pattern without its number and suffix.

    >>> base_name("renders/v003/sc042_0130.%04d.exr"), base_name("comp.exr")
    ('sc042_0130', 'comp')
    """
    path = Path(pattern)
    stem = path.name.removesuffix(path.suffix)
    return _TOKEN.sub("", stem).rstrip("._-") or "frames"


def numbered_files(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Group what a shell makes of ``ana/*.exr``: pattern to the numbers that were named.

    What stands alone, a movie, or a pattern keeps its name, and has no numbers.

    >>> numbered_files(["a.1001.exr", "a.1003.exr", "b.mov"])
    {'a.%04d.exr': (1001, 1003), 'b.mov': ()}
    """
    groups: dict[str, dict[int, str]] = {}
    for name in names:
        path = Path(name)
        match = None if path.suffix.lower() in MOVIE_SUFFIXES else _NUMBERED.match(path.name)
        key = f"{match[1]}%0{len(match[2])}d{match[3]}" if match else path.name
        groups.setdefault(str(path.with_name(key)), {})[int(match[2]) if match else 0] = name
    found: dict[str, tuple[int, ...]] = {}
    for pattern, files in groups.items():
        if len(files) > 1:
            found[pattern] = tuple(sorted(files))
        else:
            found[next(iter(files.values()))] = ()
    return found


def _width(token: str) -> int:
    if token.startswith("%"):
        return int(token[2:-1] or 0) if token != "%d" else 0
    return len(token)


def find_footage(pattern: str, *, start: int = FIRST_MOVIE_FRAME) -> Footage:
    """Find what a pattern names on disk; a movie's frames are counted by its reader.

    Args:
        pattern: a numbered pattern, a movie or a still. One numbered file of a sequence
            (``plate.1001.exr``) stands for itself alone.
        start: the number of a still, or of a movie's first frame.

    Raises:
        FootagePatternError: nothing on disk matches.
    """
    path = Path(pattern)
    if not is_numbered(pattern):
        if not path.is_file():
            raise FootagePatternError(
                f"{pattern} is not on disk.", hint="Check the path.", pattern=pattern
            )
        return Footage(pattern, FrameRange((_number_in(path.name, start),)))
    token = _TOKEN.search(path.name)
    assert token is not None
    before, after = path.name[: token.start()], path.name[token.end() :]
    numbers = sorted(
        number
        for found in (path.parent.iterdir() if path.parent.is_dir() else ())
        if (number := _number_between(found.name, before, after)) is not None
        and frame_path(pattern, number).name == found.name
    )
    if not numbers:
        raise FootagePatternError(
            f"No frame of {pattern} is on disk.",
            hint="Check the folder, the name and the number of digits.",
            pattern=pattern,
        )
    return Footage(pattern, FrameRange(tuple(numbers)))


def _number_between(name: str, before: str, after: str) -> int | None:
    middle = name[len(before) : len(name) - len(after)]
    fits = name.startswith(before) and name.endswith(after)
    return int(middle) if fits and re.fullmatch(r"-?\d+", middle) else None


def _number_in(name: str, otherwise: int) -> int:
    """Return the frame number that stands before a file's suffix, as in ``plate.1001.exr``."""
    match = re.search(r"[._](\d+)\.\w+$", name)
    return int(match[1]) if match else otherwise
