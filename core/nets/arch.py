"""Reads the text with which released weights say their architecture; never evaluates it.

Source: `fsgan.md` 1.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from faceplate.core.errors import ModelMismatchError

Literal: TypeAlias = bool | int | float | tuple["Literal", ...]

_LONGEST = 1000
_DEEPEST = 4
_TOKEN = re.compile(
    r"\s*(?:(?P<number>[+-]?\d{1,18}(?:\.\d{0,18})?(?:[eE][+-]?\d{1,2})?)(?![\w.])"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<mark>[().,=]))",
    re.ASCII,
)
_WORDS: dict[str, Literal] = {"True": True, "False": False}


@dataclass(frozen=True, slots=True)
class Architecture:
    """A call of a class with keyword arguments, as a text says it.

    Attributes:
        module: the last word before the class.
        name: the class.
        arguments: keyword to number, truth value or tuple of these.
    """

    module: str
    name: str
    arguments: dict[str, Literal]


def parse_architecture(text: str) -> Architecture:
    """Return what a text of the form ``[a.b.]module.Class(key=literal, ...)`` says.

    >>> parse_architecture("fsgan.models.res_unet.Net(in_nc=4, flat_layers=(2, 2))")
    Architecture(module='res_unet', name='Net', arguments={'in_nc': 4, 'flat_layers': (2, 2)})

    Raises:
        ModelMismatchError: anything else.
    """
    if len(text) > _LONGEST:
        raise _odd(text, f"it is longer than {_LONGEST} letters")
    return _Reader(text).call()


class _Reader:
    """A text as tokens, taken one by one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        place, end = 0, len(text.rstrip())
        while place < end:
            found = _TOKEN.match(text, place)
            if not found:
                raise _odd(text, f"{text[place : place + 20]!r} has no place in it")
            kind = found.lastgroup or ""
            self._tokens.append((kind, found[kind]))
            place = found.end()
        self._tokens.append(("end", "its end"))

    def call(self) -> Architecture:
        names = [self._take("name")]
        while self._take_if("."):
            names.append(self._take("name"))
        if len(names) < 2:
            raise _odd(self._text, "a module and a class are wanted")
        self._take("mark", "(")
        arguments: dict[str, Literal] = {}
        while not self._take_if(")"):
            key = self._take("name")
            if key in arguments:
                raise _odd(self._text, f"it says {key} twice")
            self._take("mark", "=")
            arguments[key] = self._literal(0)
            if not self._take_if(","):
                self._take("mark", ")")
                break
        self._take("end")
        return Architecture(names[-2], names[-1], arguments)

    def _literal(self, depth: int) -> Literal:
        if depth > _DEEPEST:
            raise _odd(self._text, "its tuples are too deep")
        kind, token = self._tokens[0]
        if kind == "number":
            self._take("number")
            return int(token) if re.fullmatch(r"[+-]?\d+", token) else float(token)
        if kind == "name" and token in _WORDS:
            return _WORDS[self._take("name")]
        self._take("mark", "(")
        found: list[Literal] = []
        while not self._take_if(")"):
            found.append(self._literal(depth + 1))
            if not self._take_if(","):
                self._take("mark", ")")
                return found[0] if len(found) == 1 else tuple(found)
        return tuple(found)

    def _take(self, kind: str, token: str = "") -> str:
        have = self._tokens[0]
        if have[0] != kind or (token and have[1] != token):
            raise _odd(self._text, f"{token or f'a {kind}'} is wanted where {have[1]} stands")
        if kind != "end":
            del self._tokens[0]
        return have[1]

    def _take_if(self, mark: str) -> bool:
        if self._tokens[0] == ("mark", mark):
            del self._tokens[0]
            return True
        return False


def _odd(text: str, reason: str) -> ModelMismatchError:
    shown = text if len(text) <= 60 else f"{text[:60]}..."
    return ModelMismatchError(
        f"The architecture {shown!r} cannot be read: {reason}.",
        hint="Such a text is never evaluated; the tensors alone say what the network is.",
        reason=reason,
    )
