"""The words a node is defined in: `Node`, `Port`, the knob kinds and their validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import TypeAlias

from faceplate.core.errors import GraphError, KnobError
from faceplate.core.job import Keys

Value: TypeAlias = float | int | str | tuple[str, ...] | Keys
"""What a knob can hold, once it is checked."""


class Kind(Enum):
    """What travels along a wire."""

    IMAGE = "image"
    ACTOR = "actor"
    TRACK = "track"
    MATTE = "matte"
    FACE = "face"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Port:
    """A place where a wire is plugged in.

    Attributes:
        name: unique among the node's inputs, or outputs.
        kind: what travels along it.
        optional: whether the node works without it.
    """

    name: str
    kind: Kind
    optional: bool = False


@dataclass(frozen=True, slots=True)
class NumberKnob:
    """A number, constant or keyed; with ``words`` also one of these.

    Attributes:
        name: the knob's name, everywhere.
        default: its value when nobody set it.
        low: smallest value.
        high: largest value.
        help: one sentence for a tooltip.
        unit: unit of the value, or "".
        words: words that it takes instead of a number.
        keyed: whether it may change over the shot.
    """

    name: str
    default: float | str
    low: float
    high: float
    help: str
    unit: str = ""
    words: tuple[str, ...] = ()
    keyed: bool = True

    @property
    def wanted(self) -> str:
        """What the knob takes, in words."""
        unit = f" {self.unit}" if self.unit else ""
        keys = ["keys of such numbers"] if self.keyed else []
        return " or ".join([*self.words, f"{self.low:g} to {self.high:g}{unit}", *keys])

    def check(self, value: object) -> float | str | Keys:
        """Return the value as the job holds it.

        Args:
            value: a number, one of the words, `Keys`, or a mapping of frame to number.

        Raises:
            KnobError: none of these, out of range, or keyed where it cannot be.
        """
        if isinstance(value, str) and value in self.words:
            return value
        if isinstance(value, Mapping):
            value = self._keys(value)
        if isinstance(value, Keys) and self.keyed:
            for _, point in value.points:
                self._number(point)
            return value
        return self._number(value)

    def _keys(self, keys: Mapping[object, object]) -> Keys:
        frames: dict[int, float] = {}
        for frame, point in keys.items():
            text = str(frame)
            if not text.removeprefix("-").isdecimal() or not keys:
                raise KnobError(self.name, keys, self.wanted)
            frames[int(text)] = self._number(point)
        if not frames:
            raise KnobError(self.name, keys, self.wanted)
        return Keys.from_mapping(frames)

    def _number(self, value: object) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not isfinite(value)
            or not self.low <= value <= self.high
        ):
            raise KnobError(self.name, value, self.wanted)
        return float(value)


@dataclass(frozen=True, slots=True)
class IntegerKnob:
    """A whole number, the same for the whole shot."""

    name: str
    default: int
    low: int
    high: int
    help: str

    @property
    def wanted(self) -> str:
        """What the knob takes, in words."""
        return f"a whole number, {self.low} to {self.high}"

    def check(self, value: object) -> int:
        """Return the value.

        Raises:
            KnobError: not a whole number, or out of range.
        """
        if isinstance(value, bool) or not isinstance(value, int):
            raise KnobError(self.name, value, self.wanted)
        if not self.low <= value <= self.high:
            raise KnobError(self.name, value, self.wanted)
        return value


@dataclass(frozen=True, slots=True)
class ChoiceKnob:
    """One word of several."""

    name: str
    default: str
    choices: tuple[str, ...]
    help: str

    @property
    def wanted(self) -> str:
        """What the knob takes, in words."""
        return f"one of {', '.join(self.choices)}"

    def check(self, value: object) -> str:
        """Return the value.

        Raises:
            KnobError: not one of the choices.
        """
        if not isinstance(value, str) or value not in self.choices:
            raise KnobError(self.name, value, self.wanted)
        return value


@dataclass(frozen=True, slots=True)
class ListKnob:
    """Several words of a set, each once."""

    name: str
    default: tuple[str, ...]
    choices: tuple[str, ...]
    help: str

    @property
    def wanted(self) -> str:
        """What the knob takes, in words."""
        return f"some of {', '.join(self.choices)}, each once"

    def check(self, value: object) -> tuple[str, ...]:
        """Return the words in the order of the choices.

        Args:
            value: a list or tuple of words, or one text with commas.

        Raises:
            KnobError: empty, an unknown word, or one twice.
        """
        words = value.replace(" ", "").split(",") if isinstance(value, str) else value
        if not isinstance(words, (list, tuple)) or not words:
            raise KnobError(self.name, value, self.wanted)
        if any(word not in self.choices or words.count(word) > 1 for word in words):
            raise KnobError(self.name, value, self.wanted)
        return tuple(choice for choice in self.choices if choice in words)


@dataclass(frozen=True, slots=True)
class TextKnob:
    """Free text: a path, a pattern, a name. Empty means: not said."""

    name: str
    default: str
    help: str

    @property
    def wanted(self) -> str:
        """What the knob takes, in words."""
        return "text"

    def check(self, value: object) -> str:
        """Return the value.

        Raises:
            KnobError: not text.
        """
        if not isinstance(value, str):
            raise KnobError(self.name, value, self.wanted)
        return value


Knob: TypeAlias = NumberKnob | IntegerKnob | ChoiceKnob | ListKnob | TextKnob


@dataclass(frozen=True, slots=True)
class Node:
    """A node as every host shows it.

    Attributes:
        name: as in a node menu.
        summary: one sentence.
        inputs: what can be plugged in, in the order of the pipes.
        outputs: what comes out.
        knobs: in the order of the panel.
    """

    name: str
    summary: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    knobs: tuple[Knob, ...]

    def knob(self, name: str) -> Knob:
        """Return a knob.

        Raises:
            GraphError: the node has no such knob.
        """
        for knob in self.knobs:
            if knob.name == name:
                return knob
        raise GraphError(
            f"{self.name} has no knob called {name}.",
            hint=f"Its knobs: {', '.join(knob.name for knob in self.knobs)}.",
            knob=name,
        )

    def values(self, given: Mapping[str, object]) -> dict[str, Value]:
        """Return every knob's value: what is given, checked, and the defaults of the rest.

        Raises:
            GraphError: a name that is no knob of this node.
            KnobError: a value of the wrong kind or out of range.
        """
        checked = {name: self.knob(name).check(value) for name, value in given.items()}
        return {knob.name: checked.get(knob.name, knob.default) for knob in self.knobs}
