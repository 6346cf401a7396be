"""Hosts bring Pythons of their own, with nothing installed: nodes and bridge run in all of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.10", "3.11", "3.13")  # Nuke 15 and 16, Blender 4 and 5, Blender 5.2
MODULES = [
    *(f"faceplate.nodes.{path.stem}" for path in sorted((ROOT / "nodes").glob("*.py"))),
    *(f"faceplate.core.{name}" for name in ("errors", "footage", "job", "jobfile", "report")),
    "faceplate.plugin.bridge",
]
TALK = """
import sys
from pathlib import Path
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.shotfile import shot_text
from faceplate.plugin.bridge import Engine, find_engine

engine = Engine(find_engine(sys.argv[2]), log=Path(sys.argv[3]))
graph = swap_graph({"pattern": "p.%04d.exr"}, {"file": "a.actor"}, {"mix": {1001: 0, 1005: 1}})
job = job_of(graph, "swap", Delivery(output="c.%04d.exr"))
found = engine.call("check", job=job.to_json()).result(60)
engine.close()
print(sys.version_info[:2], found["problems"][0]["message"], len(shot_text(job)) > 500)
"""


def python(version: str) -> str:
    """Return a Python of a version, or skip and say so."""
    places = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    found = str(places[-1]) if places else shutil.which(f"python{version}")
    if found is None:
        pytest.skip(f"NOT TESTED: there is no Python {version} on this machine")
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay the folders out as the one package that they are."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "faceplate").mkdir()
    for name in ("core", "nodes", "plugin"):
        (folder / "faceplate" / name).symlink_to(ROOT / name, target_is_directory=True)
    return folder


def run(version: str, installed: Path, code: str, *words: object) -> str:
    """Run code in a bare Python; return what it prints."""
    start = "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1])\n"
    command = [python(version), "-I", "-S", "-W", "error", "-c", start + code, str(installed)]
    done = subprocess.run(
        [*command, *map(str, words)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_host_side_modules_import_with_nothing_installed(version: str, installed: Path) -> None:
    code = "\n".join(f"import {name.removesuffix('.__init__')}" for name in MODULES)

    run(version, installed, code + "\nassert 'numpy' not in sys.modules")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_host_of_that_python_talks_to_the_engine(
    version: str, installed: Path, tmp_path: Path
) -> None:
    said = run(version, installed, TALK, sys.executable, tmp_path / "engine.log")

    assert said.startswith(str(tuple(map(int, version.split(".")))))
    assert "No frame of p.%04d.exr is on disk. True" in said


@pytest.mark.parametrize("version", VERSIONS)
def test_every_host_file_is_that_python_s_syntax(version: str, installed: Path) -> None:
    files = [*(ROOT / "plugin").rglob("*.py"), *(ROOT / "nodes").glob("*.py")]
    code = "for path in sys.argv[2:]: compile(open(path, encoding='utf-8').read(), path, 'exec')"

    run(version, installed, code, *files)
