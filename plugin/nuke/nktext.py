"""Writes Nuke's script text: nodes, wires, groups and user knobs, as Nuke itself saves them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

STRING, FILE, INTEGER, CHOICE, CHECK_BOX, FLOAT = 1, 2, 3, 4, 6, 7
POINT, TAB, BUTTON, TEXT = 12, 20, 22, 26
"""Numbers of the kinds of user knobs, as they stand after ``addUserKnob``."""

COPIED = "cut_paste_input"
"""Variable of what is selected where a copied node is put."""

Value: TypeAlias = bool | int | float | str

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-:@,*=%")
_ESCAPES = str.maketrans({**{c: f"\\{c}" for c in '\\"[]${}'}, "\n": "\\n"})


def word(value: Value) -> str:
    r"""Return a value as one word of the script language, which reads back as that value.

    >>> word(True), word(0.5), word(1001), word("zip"), word("")
    ('true', '0.5', '1001', 'zip', '""')
    >>> print(word("[value mix] in {0}"))
    "\[value mix\] in \{0\}"
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    text = str(value)
    if text and all(letter in _PLAIN for letter in text):
        return text
    return f'"{text.translate(_ESCAPES)}"'


@dataclass(frozen=True, slots=True)
class Expression:
    """What a knob follows instead of holding a value; plain letters, no braces."""

    text: str


def knob_text(value: Value | Expression) -> str:
    """Return what stands after a knob's name.

    >>> knob_text(Expression("parent.show"))
    '{{parent.show}}'
    """
    return f"{{{{{value.text}}}}}" if isinstance(value, Expression) else word(value)


@dataclass(frozen=True, slots=True)
class UserKnob:
    """A knob that a node gets beside those of its class.

    Attributes:
        kind: one of the numbers of this module.
        name: unique on the node.
        label: what the panel shows; "" shows nothing.
        tooltip: one sentence.
        value: what it holds, where that differs from Nuke's own default for the kind.
        extra: further words of the definition, such as ``R 0 1``.
        new_line: whether it begins a line of the panel; None leaves that to Nuke.
        hidden: whether the panel leaves it out.
    """

    kind: int
    name: str
    label: str = ""
    tooltip: str = ""
    value: Value | None = None
    extra: tuple[str, ...] = ()
    new_line: bool | None = None
    hidden: bool = False

    @property
    def lines(self) -> list[str]:
        """The definition, and the value on a line of its own."""
        words = [str(self.kind), word(self.name), "l", word(self.label)]
        words += ["t", word(self.tooltip)] if self.tooltip else []
        words += self.extra
        if self.new_line is not None:
            words.append("+STARTLINE" if self.new_line else "-STARTLINE")
        words += ["+INVISIBLE"] if self.hidden else []
        lines = [f"addUserKnob {{{' '.join(words)}}}"]
        return lines if self.value is None else [*lines, f"{self.name} {word(self.value)}"]


@dataclass(slots=True)
class Script:
    """A script that grows node by node; wires go by the names of the nodes they come from."""

    _lines: list[str] = field(default_factory=list)
    _depth: int = 0

    @property
    def text(self) -> str:
        """The whole script."""
        return "\n".join(self._lines) + "\n"

    def header(self, version: str) -> None:
        """Begin as what is copied from a node graph begins: `COPIED` is what is selected there."""
        self._say(f"set {COPIED} [stack 0]")
        self._say(f"version {version}")

    def layer(self, name: str, channels: Sequence[str]) -> None:
        """Make a layer known, with the order of its channels."""
        self._say(f"add_layer {{{' '.join([name, *(f'{name}.{c}' for c in channels)])}}}")

    def node(
        self,
        kind: str,
        name: str,
        *,
        inputs: Sequence[str | None] = (),
        knobs: Mapping[str, Value | Expression] | None = None,
        place: tuple[int, int] = (0, 0),
    ) -> str:
        """Add a node and return its name.

        Args:
            kind: Nuke's class.
            name: unique in its group, letters and digits.
            inputs: names of the nodes that its pipes come from, in order; None is a loose pipe.
            knobs: values that differ from the class's own.
            place: x and y in the node graph.
        """
        for source in reversed(inputs):  # what is pushed last is the first pipe
            self._say("push 0" if source is None else f"push ${_variable(source)}")
        x, y = place
        self._open(kind, {"inputs": len(inputs), "name": name, **(knobs or {})})
        self._say(f" xpos {x}", f" ypos {y}", "}", f"set {_variable(name)} [stack 0]")
        return name

    @contextmanager
    def group(
        self, name: str, *, knobs: Mapping[str, Value], user: Sequence[UserKnob]
    ) -> Iterator[None]:
        """Add a group behind what is selected; what is added in the ``with`` is inside of it."""
        self._say(f"push ${COPIED}")
        self._open("Group", {"name": name, **knobs})
        self._say(*(f" {line}" for knob in user for line in knob.lines), "}")
        self._depth += 1
        yield
        self._depth -= 1
        self._say("end_group")

    def _open(self, kind: str, knobs: Mapping[str, Value | Expression]) -> None:
        self._say(f"{kind} {{", *(f" {name} {knob_text(v)}" for name, v in knobs.items()))

    def _say(self, *lines: str) -> None:
        self._lines += [" " * self._depth + line for line in lines]


def _variable(name: str) -> str:
    return f"N{name}"
