"""The extension's zip, and what the installer puts where Blender looks; no Blender needed."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
import tomllib

ROOT = Path(__file__).resolve().parents[3]
HOSTED = ("plugin.bridge", "nodes", "nodes.compile", "nodes.shotfile", "core.jobfile")


@pytest.fixture(scope="module")
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "install.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def unpacked(install: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zip")
    assert install.main(["blender-zip", "--out", str(folder / "a.zip")]) == 0
    with zipfile.ZipFile(folder / "a.zip") as archive:
        archive.extractall(folder / "made_up")
    return folder / "made_up"


def test_no_module_asks_for_a_name_at_the_top(unpacked: Path) -> None:
    asked = {
        (path.name, name)
        for path in unpacked.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
        if name.split(".")[0] == "faceplate"
    }

    assert asked == set()


def test_what_needs_no_blender_imports_under_any_package_with_nothing_installed(
    unpacked: Path,
) -> None:
    # The loader in the extension's own __init__ wants Blender; the folder alone does not.
    (unpacked / "__init__.py").write_text("")
    names = [f"made_up.vendor.faceplate.{name}" for name in HOSTED]
    code = f"import sys; sys.path.insert(0, {str(unpacked.parent)!r}); import {', '.join(names)}"
    code += "; assert 'faceplate' not in sys.modules"

    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_the_zip_holds_no_path_of_this_machine_and_is_made_alike_again(
    install: ModuleType, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        install.main(["blender-zip", "--out", str(tmp_path / f"{name}.zip")])

    content = (tmp_path / "a.zip").read_bytes()
    assert content == (tmp_path / "b.zip").read_bytes()
    assert all(str(ROOT) not in text for text in install.extension_files().values())


def test_the_manifest_says_what_blender_wants_to_know() -> None:
    manifest = tomllib.loads((ROOT / "plugin/blender/blender_manifest.toml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert manifest["version"] == project["version"]
    assert manifest["license"] == [f"SPDX:{project['license']}"]
    # Blender's own validator lets unknown keys and tags pass.
    wanted = "schema_version id version name tagline maintainer type tags blender_version_min"
    assert set(manifest) == {*wanted.split(), "license", "copyright", "permissions"}
    assert set(manifest["permissions"]) == {"files"}
    assert set(manifest["tags"]) <= {"Compositing", "Sequencer", "Tracking"}


def test_the_installer_puts_the_extension_where_blender_looks_and_takes_it_away(
    install: ModuleType, tmp_path: Path
) -> None:
    words = ["blender", "--folder", str(tmp_path), "--env", str(tmp_path / "env")]

    assert install.main(words) == 0
    place = tmp_path / "extensions" / "user_default" / "faceplate"
    assert (place / "blender_manifest.toml").is_file()
    pointer = json.loads((place / "vendor/faceplate/plugin/engine.json").read_text())
    assert pointer == {"python": str(install.env_python(tmp_path / "env"))}
    (place / "stale.py").write_text("")
    assert install.main(words) == 0
    assert not (place / "stale.py").exists()

    assert install.main([*words, "--remove"]) == 0
    assert not place.exists()


def test_without_a_blender_the_installer_says_what_to_do(
    install: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "blender" / "3.6").mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))

    assert install.main(["blender"]) == 1

    assert "What to do: start Blender once" in capsys.readouterr().err


def test_blenders_from_4_2_on_are_found(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("3.6", "4.1", "4.2", "5.0", "5.10", "backup"):
        (tmp_path / "blender" / version).mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(install.sys, "platform", "linux")

    assert [folder.name for folder in install.blender_folders()] == ["4.2", "5.0", "5.10"]
