"""The strict fake has no name that Nuke lacks: compared with the published stubs of its module."""

from __future__ import annotations

import ast
from importlib.metadata import files
from pathlib import Path
from types import FunctionType

import fake_knobs
import nuke
import pytest

# What tests need beside Nuke's own names.
OF_THE_FAKE = {"pump", "reset", "on_main_thread"}
OF_FAKE_CLASSES = {"checked", "parsed", "free_name", "make"}
OF_ROTOPAINT = (
    *(nuke._CurveKnob, nuke._Layer, nuke._Shape, nuke._ShapeControlPoint, nuke._AnimControlPoint),
    *(nuke._AnimCurve, nuke._AnimCTransform, nuke._CTransform, nuke._CVec3),
)


def stubs() -> ast.Module:
    """Return all of types-nuke as one module."""
    found = [path for path in files("types-nuke") or () if path.suffix == ".pyi"]
    assert found, "types-nuke is not installed"
    trees = [ast.parse(Path(str(path.locate())).read_text(encoding="utf-8")) for path in found]
    return ast.Module([node for tree in trees for node in tree.body], [])


def names_in(body: list[ast.stmt]) -> set[str]:
    names = {n.name for n in body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    names |= {
        n.target.id for n in body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
    }
    return names | {alias.name for n in body if isinstance(n, ast.ImportFrom) for alias in n.names}


def classes_in(tree: ast.Module) -> dict[str, list[ast.ClassDef]]:
    """Return classes by name; a layer of channels and one of shapes are both called Layer."""
    classes: dict[str, list[ast.ClassDef]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            classes.setdefault(node.name, []).append(node)
    return classes


def methods_of(name: str, classes: dict[str, list[ast.ClassDef]]) -> set[str]:
    found = classes[name]
    bases = [
        base.id
        for one in found
        for base in one.bases
        if isinstance(base, ast.Name) and base.id in classes and base.id != name
    ]
    own = set().union(*(names_in(one.body) for one in found))
    return own.union(*(methods_of(base, classes) for base in bases))


def test_functions_of_the_fake_are_functions_of_nuke() -> None:
    known = names_in(stubs().body)

    own = {
        name
        for name, value in vars(nuke).items()
        if isinstance(value, FunctionType)
        and value.__module__ == nuke.__name__
        and not name.startswith("_")
    }

    assert own - OF_THE_FAKE - known == set()
    assert "executeInMainThread" in own and "nodePaste" in own


@pytest.mark.parametrize(
    "kind",
    [
        *(nuke.Node, nuke.Group, nuke.Format, nuke.Layer, nuke.Menu, nuke.ProgressTask, nuke.Panel),
        *(nuke.AnimationCurve, nuke.AnimationKey, *OF_ROTOPAINT),
        *(value for value in vars(fake_knobs).values() if isinstance(value, type)
          and issubclass(value, fake_knobs.Knob) and value is not fake_knobs.Tracks_Knob),
    ],
    ids=lambda kind: kind.__name__,
)  # fmt: skip
def test_methods_of_the_fake_are_methods_of_nuke(kind: type) -> None:
    classes = classes_in(stubs())
    name = kind.__name__.removeprefix("_")

    own = {n for n, value in vars(kind).items() if isinstance(value, FunctionType)}
    own |= {n for n in getattr(kind, "__dataclass_fields__", {}) if kind in OF_ROTOPAINT}
    own = {n for n in own if not n.startswith("_")} - OF_FAKE_CLASSES

    assert own - methods_of(name, classes) == set()


def test_unknown_names_raise() -> None:
    nuke.reset()
    read = nuke.nodes.Read()

    for wrong in (
        lambda: nuke.createNod("Read"),
        lambda: nuke.nodes.Wrte(),
        lambda: read["fiel"],
        lambda: read.setNam("x"),
        lambda: read["on_error"].setValue("eror"),
        lambda: read["first"].setValue("1001"),
    ):
        with pytest.raises((AttributeError, NameError, TypeError, ValueError)):
            wrong()
