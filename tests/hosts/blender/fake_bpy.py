"""A strict `bpy` with what the add-on's modal operators and panels touch; unknown names raise.

Only for what the wheels cannot do: they have no window. All else is tested in real Blender.
"""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KINDS = ("Bool", "Enum", "Float", "FloatVector", "Int", "Pointer", "String")


class Type:
    """Stands for a class of `bpy.types` that the add-on extends."""


class Operator(Type):
    """Keeps what it reports."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, str]] = []

    def report(self, kinds: set[str], text: str) -> None:
        (kind,) = kinds
        assert kind in ("INFO", "WARNING", "ERROR")
        self.reports.append((kind, text))


@dataclass(eq=False)
class Menu:
    """A menu that entries are appended to."""

    entries: list[Any] = field(default_factory=list)

    def append(self, entry: Any) -> None:
        self.entries.append(entry)

    def remove(self, entry: Any) -> None:
        self.entries.remove(entry)


@dataclass(frozen=True)
class Property:
    """What `bpy.props` makes."""

    kind: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Event:
    type: str
    value: str = "NOTHING"


@dataclass(eq=False)
class Manager:
    """The window manager: timers and modal handlers."""

    timers: list[object] = field(default_factory=list)
    handlers: list[object] = field(default_factory=list)
    windows: tuple[()] = ()

    def event_timer_add(self, seconds: float, *, window: object) -> object:
        timer = object()
        self.timers.append(timer)
        return timer

    def event_timer_remove(self, timer: object) -> None:
        self.timers.remove(timer)

    def modal_handler_add(self, operator: object) -> None:
        self.handlers.append(operator)


@dataclass(eq=False)
class Workspace:
    status: str | None = None

    def status_text_set(self, text: str | None) -> None:
        self.status = text


class Layout:
    """Draws nothing, remembers everything, and refuses properties that are not there."""

    def __init__(self, drawn: list[tuple[str, str]] | None = None) -> None:
        self.drawn = [] if drawn is None else drawn
        self.rows: list[Layout] = []
        self.use_property_split = self.alert = False
        self.active = True

    def prop(self, data: Any, name: str, *, text: str = "") -> None:
        assert name in data.__annotations__, name
        self.drawn.append(("prop", name))

    def label(self, *, text: str) -> None:
        self.drawn.append(("label", text))

    def operator(self, name: str, *, text: str = "", icon: str = "NONE") -> types.SimpleNamespace:
        self.drawn.append(("operator", name))
        return types.SimpleNamespace()

    def progress(self, *, factor: float, text: str) -> None:
        assert 0.0 <= factor <= 1.0
        self.drawn.append(("progress", text))

    def row(self, *, align: bool = False) -> Layout:
        self.rows.append(Layout(self.drawn))
        return self.rows[-1]

    def column(self, *, align: bool = False) -> Layout:
        return Layout(self.drawn)

    def box(self) -> Layout:
        return Layout(self.drawn)


class Bpy:
    """One fake Blender with a window.

    Attributes:
        registered: classes, in the order they came.
        modules: what stands in `sys.modules` for it.
    """

    def __init__(self, user_folder: Path) -> None:
        self.registered: list[type] = []
        self.menu = Menu()
        self.render_init: list[Any] = []
        self.preferences = types.SimpleNamespace()
        self.manager, self.workspace = Manager(), Workspace()
        named = ("PropertyGroup", "AddonPreferences", "Panel", "NodeTree", "Scene", "MovieClip")
        kinds = {name: type(name, (Type,), {}) for name in (*named, "Mask")}
        menus = {"NODE_MT_category_compositor_input": self.menu}
        self.types = types.SimpleNamespace(Operator=Operator, **kinds, **menus)
        handlers = module("bpy.app.handlers", render_init=self.render_init, persistent=lambda f: f)
        self.app = module(
            "bpy.app",
            version=(5, 0, 0),
            background=False,
            tempdir=str(user_folder),
            handlers=handlers,
        )
        props = module("bpy.props", **{f"{kind}Property": maker(kind) for kind in KINDS})
        utils = types.SimpleNamespace(
            register_class=self._register,
            unregister_class=self.registered.remove,
            extension_path_user=lambda package, create: str(user_folder),
        )
        self.context = types.SimpleNamespace(
            preferences=types.SimpleNamespace(
                addons={"faceplate": types.SimpleNamespace(preferences=self.preferences)}
            ),
            window_manager=self.manager,
            workspace=self.workspace,
            window=object(),
            scene=types.SimpleNamespace(),
        )
        data = types.SimpleNamespace(node_groups=[], scenes=[], filepath="")
        bpy = module(
            "bpy",
            types=self.types,
            app=self.app,
            props=props,
            utils=utils,
            context=self.context,
            data=data,
        )
        found = (bpy, self.app, handlers, props)
        self.modules = {m.__name__: m for m in found}

    def _register(self, kind: type) -> None:
        """Take a class; Blender takes each annotation for a property, and evaluates texts."""
        found = vars(kind).get("__annotations__", {})
        assert all(isinstance(made, Property) for made in found.values()), kind.__name__
        self.registered.append(kind)


def module(name: str, **members: Any) -> types.ModuleType:
    made = types.ModuleType(name)
    vars(made).update(members)
    return made


def maker(kind: str) -> Any:
    """Return what makes properties of a kind; it knows the arguments that Blender knows."""
    known = {"name", "description", "default", "options", "update", "get", "set"}
    known |= {"items", "min", "max", "size", "subtype", "type", "poll", "search", "search_options"}

    def make(**options: Any) -> Property:
        assert options.keys() <= known, options.keys() - known
        return Property(kind, options)

    return make


def forget_add_on() -> None:
    """Take the add-on's modules out of `sys.modules`: they hold on to the Blender they met."""
    for name in [n for n in sys.modules if n.startswith("faceplate.plugin.blender")]:
        del sys.modules[name]
