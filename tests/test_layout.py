"""The house plan holds: packages, import direction, stdlib-only layers, doctests."""

from __future__ import annotations

import ast
import doctest
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).resolve().parents[1]
LIGHT = ("core.errors", "core.footage", "core.job", "core.jobfile", "core.qcjob", "core.report")
DOORS = (
    *("core.shell", "core.clirender", "core.clitools"),
    *("core.shots", "core.worker", "core.options"),
)
ALLOWED = {
    "plugin": ("plugin", "nodes", *LIGHT),
    "nodes": ("nodes", *LIGHT),
    "core": ("core", "ocio"),
    "ocio": ("ocio", "core.errors", "core.arrays"),
}
SOURCES = sorted(path for folder in ALLOWED for path in (ROOT / folder).rglob("*.py"))
# These run in other programs only.
ELSEWHERE = ("plugin.nuke", "plugin.blender", "core.synth.demo_shot")


def dotted(path: Path) -> str:
    """Return the name below ``faceplate``, as in "core.nets.load"."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def is_within(name: str, parents: tuple[str, ...]) -> bool:
    return f"{name}.".startswith(tuple(f"{parent}." for parent in parents))


def imports_of_ours(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (n.removeprefix("faceplate.") for n in names if n.startswith("faceplate."))


@pytest.mark.parametrize("path", SOURCES, ids=dotted)
def test_imports_follow_the_house_direction(path: Path) -> None:
    allowed = ALLOWED[path.relative_to(ROOT).parts[0]]
    allowed += ("nodes",) if is_within(dotted(path), DOORS) else ()

    wrong = [name for name in imports_of_ours(path) if not is_within(name, allowed)]

    assert wrong == []


@pytest.mark.parametrize("module", ["faceplate.nodes", *(f"faceplate.{name}" for name in LIGHT)])
def test_host_side_needs_only_the_standard_library(module: str, tmp_path: Path) -> None:
    (tmp_path / "faceplate").mkdir()
    for folder in ALLOWED:
        (tmp_path / "faceplate" / folder).symlink_to(ROOT / folder, target_is_directory=True)

    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {module}"

    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_every_package_is_listed_in_pyproject() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    on_disk = {f"faceplate.{dotted(path)}" for path in SOURCES if path.name == "__init__.py"}

    assert set(config["tool"]["setuptools"]["packages"]) == on_disk


def test_every_folder_with_modules_is_a_package() -> None:
    without = {path.parent for path in SOURCES if not (path.parent / "__init__.py").exists()}

    assert without == set()


@pytest.mark.parametrize(
    "name", [dotted(path) for path in SOURCES if not is_within(dotted(path), ELSEWHERE)]
)
def test_examples_in_docstrings_run(name: str) -> None:
    assert doctest.testmod(import_module(f"faceplate.{name}")).failed == 0


def test_install_script_parses_on_old_pythons() -> None:
    source = (ROOT / "install.py").read_text(encoding="utf-8")

    ast.parse(source, feature_version=(3, 8))


def test_constraints_are_exact_versions_without_torch() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]

    assert all(pin.count("==") == 1 and "://" not in pin and "@" not in pin for pin in pins)
    assert not any(pin.lower().startswith("torch") for pin in pins)
