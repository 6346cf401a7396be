"""Knobs of the strict fake: small real classes with the names that Nuke has, and no others."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from nk_script import split_list


class WrongThreadError(RuntimeError):
    """Nuke would crash or hang."""


def on_main_thread() -> None:
    if threading.current_thread() is not threading.main_thread():
        raise WrongThreadError("nodes and knobs belong to the main thread")


class AnimationKey:
    def __init__(self, x: float, y: float) -> None:
        self.x, self.y = float(x), float(y)


class AnimationCurve:
    def __init__(self) -> None:
        self.points: dict[float, float] = {}

    def addKey(self, keys: Sequence[AnimationKey]) -> None:  # noqa: N802
        self.points.update({key.x: key.y for key in keys})

    def evaluate(self, t: float) -> float:
        frames = sorted(self.points)
        if t <= frames[0] or t >= frames[-1]:
            return self.points[frames[0] if t <= frames[0] else frames[-1]]
        a, b = next(pair for pair in pairwise(frames) if pair[0] <= t <= pair[1])
        return self.points[a] + (self.points[b] - self.points[a]) * (t - a) / (b - a)


class Knob:
    default: Any = None

    def __init__(self, name: str, node: Any, default: Any = None) -> None:
        self._name, self._node = name, node
        self._value = self.default if default is None else default

    def Class(self) -> str:  # noqa: N802
        return type(self).__name__

    def name(self) -> str:
        return self._name

    def setFlag(self, flag: int) -> None:  # noqa: N802
        on_main_thread()
        self._flags = getattr(self, "_flags", 0) | flag

    def value(self) -> Any:
        on_main_thread()
        return self._value

    def setValue(self, value: Any) -> bool:  # noqa: N802
        on_main_thread()
        self._value = self.checked(value)
        return True

    def checked(self, value: Any) -> Any:
        raise NotImplementedError(f"{self.Class()} {self._name} cannot be set")

    def toScript(self) -> str:  # noqa: N802
        return str(self.value())

    def fromScript(self, script: str) -> None:  # noqa: N802
        self.setValue(self.parsed(script))

    def parsed(self, script: str) -> Any:
        return script


class String_Knob(Knob):  # noqa: N801
    default = ""

    def checked(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError(f"{self._name} takes text, not {value!r}")
        return value


class EvalString_Knob(String_Knob):  # noqa: N801
    pass


class File_Knob(EvalString_Knob):  # noqa: N801
    def getEvaluatedValue(self) -> str | None:  # noqa: N802
        on_main_thread()
        return self._value or None  # Nuke gives None for an empty one


class Text_Knob(String_Knob):  # noqa: N801
    pass


class Tab_Knob(Knob):  # noqa: N801
    pass


class PyScript_Knob(String_Knob):  # noqa: N801
    def execute(self) -> None:
        import nuke

        on_main_thread()
        nuke.STATE.this_node.append(self._node)
        try:
            exec(self._value, {"nuke": nuke})
        finally:
            nuke.STATE.this_node.pop()


class Script_Knob(Knob):  # noqa: N801
    count = 0

    def execute(self) -> None:
        on_main_thread()
        self.count += 1


class Boolean_Knob(Knob):  # noqa: N801
    default = False

    def checked(self, value: Any) -> bool:
        if not isinstance(value, (bool, int)):
            raise TypeError(f"{self._name} is on or off, not {value!r}")
        return bool(value)

    def parsed(self, script: str) -> bool:
        return {"true": True, "false": False, "True": True, "False": False}[script]


class Disable_Knob(Boolean_Knob):  # noqa: N801
    pass


class Enumeration_Knob(Knob):  # noqa: N801
    def __init__(self, name: str, node: Any, choices: Sequence[str]) -> None:
        super().__init__(name, node, choices[0])
        self.choices = tuple(choices)

    def checked(self, value: Any) -> str:
        if value not in self.choices:
            raise ValueError(f"{self._name} has no choice {value!r}")
        return str(value)


class Unsigned_Knob(Knob):  # noqa: N801
    default = 0

    def checked(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{self._name} is a whole number, not {value!r}")
        return value

    def parsed(self, script: str) -> int:
        return int(script, 0)


class Int_Knob(Unsigned_Knob):  # noqa: N801
    pass


class ColorChip_Knob(Unsigned_Knob):  # noqa: N801
    pass


class Array_Knob(Knob):  # noqa: N801
    size = 1
    default = 0.0

    def __init__(self, name: str, node: Any, default: Any = None) -> None:
        super().__init__(name, node)
        first = self.default if default is None else default
        self._parts = [float(first)] * self.size
        self._curves: list[AnimationCurve | None] = [None] * self.size
        self._expressions: list[str | None] = [None] * self.size

    def value(self) -> Any:
        on_main_thread()
        parts = [self.getValue(part) for part in range(self.size)]
        return parts[0] if self.size == 1 else parts

    def getValue(self, channel: int = 0) -> float:  # noqa: N802
        import nuke

        return self.getValueAt(nuke.frame(), channel)

    def getValueAt(self, frame: float, index: int = 0) -> float:  # noqa: N802
        on_main_thread()
        curve = self._curves[index]
        return self._parts[index] if curve is None else curve.evaluate(frame)

    def setValue(self, value: float, chan: int = 0) -> bool:  # noqa: N802
        on_main_thread()
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise TypeError(f"{self._name} is a number, not {value!r}")
        self._parts[chan] = float(value)
        return True

    def setAnimated(self, channel: int = 0) -> bool:  # noqa: N802
        on_main_thread()
        self._curves[channel] = AnimationCurve()
        return True

    def isAnimated(self, channel: int = -1) -> bool:  # noqa: N802
        on_main_thread()
        curves = self._curves if channel < 0 else [self._curves[channel]]
        return any(curve is not None for curve in curves)

    def getNumKeys(self, channel: int = 0) -> int:  # noqa: N802
        return len(self.animation(channel).points)

    def getKeyTime(self, key: int, channel: int = 0) -> float:  # noqa: N802
        return sorted(self.animation(channel).points)[key]

    def setValueAt(self, value: float, time: float, index: int = 0) -> bool:  # noqa: N802
        on_main_thread()
        self.animation(index).points[float(time)] = float(value)
        return True

    def hasExpression(self, index: int = -1) -> bool:  # noqa: N802
        texts = self._expressions if index < 0 else [self._expressions[index]]
        return any(text is not None for text in texts)

    def setExpression(self, expression: str, channel: int = 0) -> bool:  # noqa: N802
        on_main_thread()
        self._expressions[channel] = expression
        return True

    def setSingleValue(self, single: bool) -> None:  # noqa: N802
        on_main_thread()
        self._is_single = single

    def animation(self, index: int) -> AnimationCurve:
        curve = self._curves[index]
        if curve is None:
            raise ValueError(f"{self._name} is not animated")
        return curve

    def toScript(self) -> str:  # noqa: N802
        if self.isAnimated():
            curves = [c.points if c else {} for c in self._curves]
            texts = [" ".join(f"x{x:g} {y!r}" for x, y in sorted(c.items())) for c in curves]
            return " ".join(f"{{curve {text}}}" for text in texts)
        return " ".join(repr(part) for part in self._parts)

    def fromScript(self, script: str) -> None:  # noqa: N802
        for part, text in enumerate(split_list(script)):
            if text.startswith("curve"):
                self.setAnimated(part)
                words = text.split()[1:]
                keys = [
                    AnimationKey(float(x[1:]), float(y))
                    for x, y in zip(words[::2], words[1::2], strict=True)
                ]
                self.animation(part).addKey(keys)
            elif text.replace(".", "").replace("-", "").replace("e", "").isdecimal():
                self.setValue(float(text), part)
            else:
                self.setExpression(text, part)


class Double_Knob(Array_Knob):  # noqa: N801
    pass


class XY_Knob(Array_Knob):  # noqa: N801
    size = 2


class AColor_Knob(Array_Knob):  # noqa: N801
    size = 4


class Tracks_Knob(String_Knob):  # noqa: N801
    """The list of a Tracker4; Nuke documents no class for it."""


USER: dict[int, type[Knob]] = {
    1: EvalString_Knob,
    2: File_Knob,
    3: Int_Knob,
    6: Boolean_Knob,
    7: Double_Knob,
    12: XY_Knob,
    20: Tab_Knob,
    22: PyScript_Knob,
    26: Text_Knob,
}
