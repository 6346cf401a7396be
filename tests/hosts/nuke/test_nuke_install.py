"""What `install.py nuke` puts in place starts in every Python that Nuke brings, and goes again."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from faceplate.nodes import NODES

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
VERSIONS = ("3.10", "3.11", "3.13")

# Nuke's own start: init.py of the user's folder, then that of each path that was added, then the
# menu files; here with the fake in place of the module nuke, and with nothing else installed.
START = """
import json, runpy, sys
from pathlib import Path

tests, folder = map(Path, sys.argv[1:])
sys.path.append(str(tests))
import fake_nuke
sys.modules["nuke"] = fake_nuke
runpy.run_path(str(folder / "init.py"))
(start,) = [folder / path for path in fake_nuke.STATE.plugin_paths]
runpy.run_path(str(start / "init.py"))
runpy.run_path(str(start / "menu.py"))
import faceplate.plugin.nuke.buttons
from faceplate.plugin.bridge import find_engine
commands = fake_nuke.STATE.menus["Nodes"].menus["Faceplate"].commands
for name, command in commands.items():
    if not name.endswith("..."):
        command()
print(json.dumps({
    "version": "%d.%d" % sys.version_info[:2],
    "said": fake_nuke.STATE.printed,
    "menu": list(commands),
    "nodes": [node.name() for node in fake_nuke.STATE.root.nodes()],
    "from": faceplate.plugin.nuke.buttons.__file__,
    "engine": find_engine(),
    "numpy": "numpy" in sys.modules,
}))
"""


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("install_for_nuke", ROOT / "install.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delenv("FACEPLATE_PYTHON", raising=False)
    yield module


def python_of(version: str) -> str:
    """Return a Python of a version, or skip loudly."""
    found = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    names = [*map(str, found), shutil.which(f"python{version}")]
    if ".".join(map(str, sys.version_info[:2])) == version:
        names.insert(0, sys.executable)
    for name in filter(None, names):
        done = subprocess.run([name, "-I", "-c", ""], capture_output=True, check=False)
        if done.returncode == 0:
            return str(name)
    pytest.skip(f"no Python {version} here: NUKE'S PYTHON {version} IS NOT TRIED")


@pytest.mark.parametrize("version", VERSIONS)
def test_nuke_starts_with_it_in_each_of_its_pythons(
    version: str, install: ModuleType, tmp_path: Path
) -> None:
    python = python_of(version)
    folder = tmp_path / ".nuke"
    engine = tmp_path / "env" / "bin" / "python"
    engine.parent.mkdir(parents=True)
    engine.write_text("#!/bin/sh\n")
    engine.chmod(0o755)

    assert install.main(["nuke", "--folder", str(folder), "--env", str(tmp_path / "env")]) == 0
    done = subprocess.run(
        [python, "-I", "-S", "-c", START, str(HERE), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    names = [node.name for node in NODES]
    assert (found["version"], found["said"]) == (version, [])
    assert found["menu"] == [*names, "Update all groups", "Settings..."]
    assert found["nodes"] == [f"{name}1" for name in names]
    assert Path(found["from"]).is_relative_to(folder / "faceplate")
    assert found["engine"][0] == str(engine)
    assert found["numpy"] is False


@pytest.mark.parametrize(
    "before", [None, b"", b"import nuke", b"import nuke\nnuke.pluginAddPath('./gizmos')\r\n\r\n"]
)
def test_removal_leaves_what_was_there_before(
    before: bytes | None, install: ModuleType, tmp_path: Path
) -> None:
    folder = tmp_path / ".nuke"
    if before is not None:
        folder.mkdir()
        (folder / "menu.py").write_bytes(b"# mine\n")
        (folder / "init.py").write_bytes(before)
    old = {path.name: path.read_bytes() for path in folder.glob("*")}

    for _ in range(2):
        assert install.main(["nuke", "--folder", str(folder)]) == 0
    text = (folder / "init.py").read_bytes()
    assert text.startswith(before or b"")
    assert text.count(b'pluginAddPath("./faceplate') == 1
    assert install.main(["nuke", "--folder", str(folder), "--remove"]) == 0

    left = {path.name: path.read_bytes() for path in folder.glob("*")}
    assert left == {name: content for name, content in old.items() if content}
    assert folder.exists() == (before is not None)


def test_a_folder_of_somebody_else_is_left_alone(
    install: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "faceplate").mkdir()
    (tmp_path / "faceplate" / "mine.py").write_text("")

    assert install.main(["nuke", "--folder", str(tmp_path)]) == 1

    assert "was not written by this script" in capsys.readouterr().err
    assert (tmp_path / "faceplate" / "mine.py").exists()
    assert not (tmp_path / "init.py").exists()


@pytest.mark.parametrize("file", ["init.py", "menu.py"])
def test_a_broken_copy_does_not_stop_nuke(file: str, install: ModuleType, tmp_path: Path) -> None:
    assert install.main(["nuke", "--folder", str(tmp_path)]) == 0
    shutil.rmtree(tmp_path / "faceplate" / "core")
    code = (
        "import sys, runpy; sys.path.append(sys.argv[1]); import fake_nuke; "
        "sys.modules['nuke'] = fake_nuke; runpy.run_path(sys.argv[2]); "
        "print(fake_nuke.STATE.printed)"
    )
    start = tmp_path / "faceplate" / "plugin" / "nuke" / "start" / file

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(HERE), str(start)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "Faceplate" in done.stdout and "ModuleNotFoundError" in done.stdout
