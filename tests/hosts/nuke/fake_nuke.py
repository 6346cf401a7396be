"""A strict fake of the module ``nuke``: any name, node class or knob that it lacks raises.

It knows what Nuke's own documentation and saved scripts show of the few node classes that we use.
Like the real one it must not be called from the wrong thread, and says so instead of hanging.
"""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import fake_knobs as k
import nk_script
from fake_knobs import AnimationCurve, AnimationKey, on_main_thread

__all__ = ["AnimationCurve", "AnimationKey"]

INPUTS = 1
INVISIBLE = 1024
EXE_PATH = "/opt/Nuke15.1v5/Nuke15.1"
GUI = True

_OPERATIONS = ("over", "atop", "copy", "from", "mask", "matte", "multiply", "plus", "under")
_EVERY = {
    "label": (k.EvalString_Knob,),
    "help": (k.String_Knob,),
    "tile_color": (k.ColorChip_Knob,),
    "selected": (k.Boolean_Knob,),
    "disable": (k.Disable_Knob,),
    "xpos": (k.Int_Knob,),
    "ypos": (k.Int_Knob,),
}
_ROUND = ("hold", "loop", "bounce", "black")
_CLASSES: dict[str, dict[str, tuple[Any, ...]]] = {
    "Constant": {"channels": (k.String_Knob, "rgb"), "color": (k.AColor_Knob,)},
    "CornerPin2D": {f"{way}{i}": (k.XY_Knob,) for way in ("to", "from") for i in range(1, 5)},
    "Dot": {},
    "Expression": {f"expr{i}": (k.String_Knob,) for i in range(4)},
    "Grade": {
        "channels": (k.String_Knob, "rgb"),
        "white": (k.AColor_Knob, 1.0),
        "multiply": (k.AColor_Knob, 1.0),
    },
    "Group": {},
    "Input": {"number": (k.Int_Knob,)},
    "Merge2": {"operation": (k.Enumeration_Knob, _OPERATIONS), "mix": (k.Double_Knob, 1.0)},
    "NoOp": {},
    "Output": {},
    "Read": {
        "file": (k.File_Knob,),
        "file_type": (k.String_Knob,),
        "first": (k.Int_Knob,),
        "last": (k.Int_Knob,),
        "origfirst": (k.Int_Knob,),
        "origlast": (k.Int_Knob,),
        "origset": (k.Boolean_Knob,),
        "before": (k.Enumeration_Knob, _ROUND),
        "after": (k.Enumeration_Knob, _ROUND),
        "frame_mode": (k.Enumeration_Knob, ("expression", "start at", "offset")),
        "frame": (k.EvalString_Knob,),
        "on_error": (k.Enumeration_Knob, ("error", "black", "checkerboard", "nearest frame")),
        "colorspace": (k.String_Knob, "default"),
        "raw": (k.Boolean_Knob,),
        "premultiplied": (k.Boolean_Knob,),
        "reload": (k.Script_Knob,),
    },
    "Roto": {},
    "STMap": {"channels": (k.String_Knob, "all"), "uv": (k.String_Knob, "none")},
    "Switch": {"which": (k.Double_Knob,)},
    "Tracker4": {"tracks": (k.Tracks_Knob,)},
    "Write": {
        "file": (k.File_Knob,),
        "file_type": (k.String_Knob,),
        "channels": (k.String_Knob, "rgb"),
        "datatype": (k.Enumeration_Knob, ("16 bit half", "32 bit float")),
        "raw": (k.Boolean_Knob,),
        "create_directories": (k.Boolean_Knob,),
    },
    "Root": {
        "name": (k.File_Knob,),
        "first_frame": (k.Double_Knob, 1.0),
        "last_frame": (k.Double_Knob, 100.0),
        "proxy": (k.Boolean_Knob,),
        "colorManagement": (k.Enumeration_Knob, ("Nuke", "OCIO")),
        "OCIO_config": (k.Enumeration_Knob, ("nuke-default", "custom", "lost")),
        "customOCIOConfigPath": (k.File_Knob,),
        "workingSpaceLUT": (k.String_Knob, "linear"),
        "floatLut": (k.String_Knob, "linear"),
    },
}
if missing := nk_script.NODE_KINDS - set(_CLASSES):
    raise AssertionError(f"the readers know {missing} and the fake does not")


@dataclass
class Format:
    size: tuple[int, int] = (1920, 1080)
    aspect: float = 1.0

    def width(self) -> int:
        return self.size[0]

    def height(self) -> int:
        return self.size[1]

    def pixelAspect(self) -> float:  # noqa: N802
        return self.aspect


class Node:
    def __init__(self, kind: str, name: str, parent: Group | None) -> None:
        self._kind, self._short, self._parent = kind, name, parent
        self._pipes: list[Node | None] = []
        self.picture = Format()
        specs = {**_EVERY, **_CLASSES[kind]}
        self._knobs: dict[str, Any] = {
            name: spec[0](name, self, *spec[1:]) for name, spec in specs.items()
        }
        if kind == "Roto":
            self._knobs["curves"] = sys.modules["nuke.rotopaint"].CurveKnob()

    def Class(self) -> str:  # noqa: N802
        on_main_thread()
        return self._kind

    def name(self) -> str:
        on_main_thread()
        return self._short

    def fullName(self) -> str:  # noqa: N802
        on_main_thread()
        above = self._parent
        inside = above is not None and above._parent is not None
        return f"{above.fullName()}.{self._short}" if above and inside else self._short

    def setName(self, name: str) -> None:  # noqa: N802
        on_main_thread()
        assert self._parent is not None
        self._short = self._parent.free_name(name)

    def parent(self) -> Group:
        assert self._parent is not None
        return self._parent

    def knob(self, name: str) -> Any:
        on_main_thread()
        return self._knobs.get(name)

    def knobs(self) -> dict[str, Any]:
        on_main_thread()
        return dict(self._knobs)

    def addKnob(self, knob: Any) -> None:  # noqa: N802
        on_main_thread()
        if knob.name() in self._knobs:
            raise ValueError(f"{self._short} has a knob {knob.name()} already")
        knob._node = self
        self._knobs[knob.name()] = knob

    def __getitem__(self, name: str) -> Any:
        on_main_thread()
        if name not in self._knobs:
            raise NameError(f"knob {name} does not exist")
        return self._knobs[name]

    def input(self, index: int) -> Node | None:
        on_main_thread()
        return self._pipes[index] if index < len(self._pipes) else None

    def inputs(self) -> int:
        return len(self._pipes)

    def setInput(self, index: int, node: Node | None) -> bool:  # noqa: N802
        on_main_thread()
        self._pipes += [None] * (index + 1 - len(self._pipes))
        self._pipes[index] = node
        return True

    def dependencies(self, what: int) -> list[Node]:
        assert what == INPUTS
        return [node for node in self._pipes if node is not None]

    def dependent(self, what: int) -> list[Node]:
        assert what == INPUTS
        return [node for node in self.parent().nodes() if self in node._pipes]

    def format(self) -> Format:
        on_main_thread()
        return self.picture

    def pixelAspect(self) -> float:  # noqa: N802
        return self.picture.aspect

    def xpos(self) -> int:
        return int(self["xpos"].value())

    def ypos(self) -> int:
        return int(self["ypos"].value())

    def setXYpos(self, x: int, y: int) -> None:  # noqa: N802
        self["xpos"].setValue(x)
        self["ypos"].setValue(y)

    def setSelected(self, selected: bool) -> None:  # noqa: N802
        self["selected"].setValue(selected)


class Group(Node):
    def __init__(self, kind: str, name: str, parent: Group | None) -> None:
        super().__init__(kind, name, parent)
        self._inside: list[Node] = []

    def node(self, name: str) -> Node | None:
        on_main_thread()
        return next((node for node in self._inside if node._short == name), None)

    def nodes(self) -> list[Node]:
        return list(self._inside)

    def free_name(self, name: str) -> str:
        taken = {node._short for node in self._inside}
        stem = name.rstrip("0123456789")
        names = [name, *(f"{stem}{i}" for i in range(1, 1000))]
        return next(one for one in names if one not in taken)

    def make(self, kind: str, name: str = "") -> Node:
        if kind not in _CLASSES:
            raise RuntimeError(f"{kind}: unknown command")
        new = (Group if kind == "Group" else Node)(kind, self.free_name(name or f"{kind}1"), self)
        self._inside.append(new)
        return new

    def __enter__(self) -> Group:
        on_main_thread()
        STATE.context.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        STATE.context.pop()


class Root(Group):
    def __init__(self) -> None:
        super().__init__("Root", "Root", None)

    def name(self) -> str:
        return str(self["name"].value()) or "Root"


class Menu:
    def __init__(self) -> None:
        self.menus: dict[str, Menu] = {}
        self.commands: dict[str, Callable[[], None]] = {}

    def addMenu(self, name: str) -> Menu:  # noqa: N802
        return self.menus.setdefault(name, Menu())

    def addCommand(  # noqa: N802
        self, name: str, command: Callable[[], None], tooltip: str = ""
    ) -> None:
        self.commands[name] = command

    def addSeparator(self) -> None:  # noqa: N802
        pass


@dataclass
class State:
    """What one Nuke holds; a test begins with a fresh one."""

    root: Root
    frame: int = 1
    context: list[Group] = field(default_factory=list)
    this_node: list[Node] = field(default_factory=list)
    queue: SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]]] = field(
        default_factory=SimpleQueue
    )
    layers: dict[str, list[str]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    bars: list[ProgressTask] = field(default_factory=list)
    before_frame: list[tuple[Callable[[], None], str]] = field(default_factory=list)
    script_close: list[Callable[[], None]] = field(default_factory=list)
    plugin_paths: list[str] = field(default_factory=list)
    menus: dict[str, Menu] = field(default_factory=lambda: {"Nodes": Menu()})
    executed: list[tuple[str, int, int, bool]] = field(default_factory=list)
    render: Callable[[Node, int], None] | None = None
    answer: Callable[[Panel], bool] | None = None


STATE: State


def reset() -> State:
    """Begin a new Nuke."""
    global STATE, GUI
    GUI = True
    STATE = State(Root())
    STATE.context.append(STATE.root)
    return STATE


def pump(until: Callable[[], bool], seconds: float) -> None:
    """Be Nuke's event loop: do what other threads ask of the main thread."""
    import time

    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            raise TimeoutError("nothing came of it")
        try:
            call, args = STATE.queue.get(timeout=0.02)
        except Empty:
            continue
        call(*args)


# --- the module's own functions -------------------------------------------------------------------


class ProgressTask:
    def __init__(self, name: str) -> None:
        self.name, self.percents, self.said, self.is_cancelled = name, [], [], False
        STATE.bars.append(self)

    def setProgress(self, percent: int) -> None:  # noqa: N802
        if not isinstance(percent, int) or not 0 <= percent <= 100:
            raise TypeError(percent)
        self.percents.append(percent)

    def setMessage(self, text: str) -> None:  # noqa: N802
        self.said.append(text)

    def isCancelled(self) -> bool:  # noqa: N802
        return self.is_cancelled


def String_Knob(name: str, label: str = "", value: str = "") -> k.String_Knob:  # noqa: N802
    return k.String_Knob(name, None, value)


def Int_Knob(name: str, label: str = "") -> k.Int_Knob:  # noqa: N802
    return k.Int_Knob(name, None)


def Text_Knob(name: str, label: str = "") -> k.Text_Knob:  # noqa: N802
    return k.Text_Knob(name, None)


def Tab_Knob(name: str, label: str = "") -> k.Tab_Knob:  # noqa: N802
    return k.Tab_Knob(name, None)


class Layer:
    def __init__(self, name: str, channels: Sequence[str]) -> None:
        on_main_thread()
        STATE.layers[name] = list(channels)


class Panel:
    """A small window; `State.answer` is the artist in front of it."""

    def __init__(self, title: str) -> None:
        on_main_thread()
        self._title = title
        self.lines: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}

    def _add(self, label: str, value: str) -> bool:
        if label in self.lines:
            raise ValueError(f"two lines are called {label}")
        self.lines[label] = value
        return True

    def addFilenameSearch(self, label: str, value: str) -> bool:  # noqa: N802
        return self._add(label, value)

    def addSingleLineInput(self, label: str, value: str) -> bool:  # noqa: N802
        return self._add(label, value)

    def addEnumerationPulldown(self, label: str, choices: str) -> bool:  # noqa: N802
        self.choices[label] = choices.split()
        return self._add(label, self.choices[label][0])

    def show(self) -> bool:
        on_main_thread()
        assert STATE.answer is not None, "nobody answers"
        return STATE.answer(self)

    def value(self, label: str) -> str:
        return self.lines[label]


class _Nodes:
    def __getattr__(self, kind: str) -> Callable[[], Node]:
        on_main_thread()
        if kind not in _CLASSES:
            raise AttributeError(f"unknown node class {kind}")
        return lambda: STATE.context[-1].make(kind)


nodes = _Nodes()


def executeInMainThread(  # noqa: N802
    call: Callable[..., Any], args: Any = (), kwargs: dict[str, Any] | None = None
) -> None:
    if threading.current_thread() is threading.main_thread():
        raise k.WrongThreadError("executeInMainThread from the main thread hangs Nuke")
    STATE.queue.put((call, args if isinstance(args, tuple) else (args,)))


def root() -> Root:
    on_main_thread()
    return STATE.root


def frame() -> int:
    return STATE.frame


def thisNode() -> Node:  # noqa: N802
    return STATE.this_node[-1]


def toNode(name: str) -> Node | None:  # noqa: N802
    on_main_thread()
    found: Node | None = STATE.context[-1]
    for part in name.split("."):
        found = found.node(part) if isinstance(found, Group) else None
    return found


def allNodes(  # noqa: N802
    filter: str = "",
    group: Group | None = None,
    recurseGroups: bool = False,  # noqa: N803
) -> list[Node]:
    found: list[Node] = []
    for node in (group or STATE.context[-1]).nodes():
        found += [node] if not filter or node.Class() == filter else []
        if recurseGroups and isinstance(node, Group):
            found += allNodes(filter, node, True)
    return found


def selectedNodes() -> list[Node]:  # noqa: N802
    return [node for node in STATE.context[-1].nodes() if node["selected"].value()]


def delete(node: Node) -> None:
    on_main_thread()
    if node in STATE.this_node:
        raise RuntimeError("a node must not be deleted by its own button")
    for other in node.parent().nodes():
        other._pipes = [None if pipe is node else pipe for pipe in other._pipes]
    node.parent()._inside.remove(node)


def nodePaste(path: str) -> Node | None:  # noqa: N802
    on_main_thread()
    stage = nk_script.read_plainly(Path(path).read_text(encoding="utf-8"))
    STATE.layers.update(stage.layers)
    selected = selectedNodes()
    made = [_made(one, STATE.context[-1], {}) for one in stage.nodes]
    if made and stage.nodes[-1].inputs and len(selected) == 1:
        made[-1].setInput(0, selected[0])
    return made[-1] if made else None


def _made(read: nk_script.Node, parent: Group, known: dict[int, Node]) -> Node:
    new = parent.make(read.kind, read.name)
    known[id(read)] = new
    for words in read.user.values():
        number, name = int(words[0]), words[1]
        if number == 4:
            choices = nk_script.split_list(words[words.index("M") + 1])
            new._knobs[name] = k.Enumeration_Knob(name, new, choices)
            continue
        new._knobs[name] = k.USER[number](name, new)
        if number in (22, 26) and "T" in words:
            new._knobs[name]._value = words[len(words) - 1 - words[::-1].index("T") + 1]
    for name, text in read.knobs.items():
        if name != "name":
            new[name].fromScript(text)
    for pipe, source in enumerate(read.inputs):
        new.setInput(pipe, known[id(source)] if source is not None else None)
    if isinstance(new, Group):
        inside: dict[int, Node] = {}
        for one in read.inside:
            _made(one, new, inside)
    return new


def execute(node: Node, start: int, end: int, incr: int = 1) -> None:
    on_main_thread()
    if node.Class() != "Write" or node["disable"].value():
        raise RuntimeError(f"{node.name()} cannot be executed")
    STATE.executed.append((node.fullName(), start, end, bool(STATE.root["proxy"].value())))
    for number in range(start, end + 1, incr):
        STATE.frame = number
        for call, kind in STATE.before_frame:
            if kind in ("*", node.Class()):
                STATE.this_node.append(node)
                try:
                    call()
                finally:
                    STATE.this_node.pop()
        if STATE.render is not None:
            STATE.render(node, number)


def addBeforeFrameRender(call: Callable[[], None], nodeClass: str = "*") -> None:  # noqa: N802, N803
    STATE.before_frame.append((call, nodeClass))


def addOnScriptClose(call: Callable[[], None]) -> None:  # noqa: N802
    STATE.script_close.append(call)


def message(text: str) -> None:
    STATE.messages.append(text)


def tprint(*words: object) -> None:
    STATE.printed.append(" ".join(map(str, words)))


def menu(name: str) -> Menu:
    return STATE.menus[name]


def pluginAddPath(path: str) -> None:  # noqa: N802
    STATE.plugin_paths.append(path)


# --- nuke.rotopaint -------------------------------------------------------------------------------


@dataclass
class _CVec3:
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


@dataclass
class _CTransform:
    translation: _CVec3 = field(default_factory=_CVec3)
    rotation: _CVec3 = field(default_factory=_CVec3)
    scale: _CVec3 = field(default_factory=lambda: _CVec3(1.0, 1.0, 1.0))
    skew: _CVec3 = field(default_factory=_CVec3)


class _AnimCTransform:
    def __init__(self) -> None:
        self.at: dict[float, _CTransform] = {}

    def evaluate(self, time: float) -> _CTransform:
        return self.at.get(time, _CTransform())


class _AnimCurve:
    useExpression = False  # noqa: N815
    expressionString = ""  # noqa: N815


class _AnimControlPoint:
    def __init__(self, position: tuple[float, float]) -> None:
        self.keys: dict[float, tuple[float, float]] = {}
        self.position = position
        self.curves = (_AnimCurve(), _AnimCurve())

    def addPositionKey(self, time: float, position: tuple[float, float]) -> None:  # noqa: N802
        self.keys[float(time)] = position

    def getControlPointKeyTimes(self) -> list[float]:  # noqa: N802
        return sorted(self.keys)

    def getPosition(self, time: float) -> _CVec3:  # noqa: N802
        return _CVec3(*self.keys[time])

    def getPositionAnimCurve(self, index: int) -> _AnimCurve:  # noqa: N802
        return self.curves[index]


class _ShapeControlPoint:
    def __init__(self, position: tuple[float, float]) -> None:
        self.center = _AnimControlPoint(position)


class _Shape:
    def __init__(self, curves: _CurveKnob) -> None:
        if not isinstance(curves, _CurveKnob):
            raise TypeError("a shape is made for the curves of a Roto")
        self.name = "Shape1"
        self.points: list[_ShapeControlPoint] = []
        self.transform = _AnimCTransform()

    def append(self, position: tuple[float, float]) -> None:
        self.points.append(_ShapeControlPoint(position))

    def remove(self, index: int) -> None:
        del self.points[index]

    def getTransform(self) -> _AnimCTransform:  # noqa: N802
        return self.transform

    def __getitem__(self, index: int) -> _ShapeControlPoint:
        return self.points[index]

    def __len__(self) -> int:
        return len(self.points)


class _Layer:
    def __init__(self) -> None:
        self.shapes: list[_Shape | _Layer] = []
        self.transform = _AnimCTransform()

    def append(self, shape: _Shape | _Layer) -> None:
        self.shapes.append(shape)

    def getTransform(self) -> _AnimCTransform:  # noqa: N802
        return self.transform

    def __iter__(self) -> Iterator[_Shape | _Layer]:
        return iter(self.shapes)


class _CurveKnob:
    def __init__(self) -> None:
        self.rootLayer = _Layer()
        self.change_count = 0

    def Class(self) -> str:  # noqa: N802
        return "ControlPointCollection_Knob"

    def changed(self) -> None:
        on_main_thread()
        self.change_count += 1


rotopaint = types.ModuleType("nuke.rotopaint")
rotopaint.Shape, rotopaint.CurveKnob = _Shape, _CurveKnob  # type: ignore[attr-defined]
rotopaint.Layer = _Layer  # type: ignore[attr-defined]
sys.modules["nuke.rotopaint"] = rotopaint
reset()
