"""The installer's decisions, without a network: Python, device, stamp, messages."""

from __future__ import annotations

import importlib.util
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "install.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def python_saying(folder: Path, version: str) -> Path:
    return program(folder / f"python{version}", f"echo {version}")


@pytest.fixture
def alone(install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty folder that is all of PATH, on a machine with another Python and home."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(install, "WANTED", ((3, 97), (3, 98), (3, 99)))
    return folder


def test_the_running_python_is_taken_when_it_fits(install: ModuleType) -> None:
    assert install.find_python(None, None) == sys.executable


def test_another_python_is_looked_for_in_order_of_preference(
    install: ModuleType, alone: Path
) -> None:
    python_saying(alone, "3.99")
    best = python_saying(alone, "3.98")

    assert install.find_python(None, None) == str(best)


def test_a_python_that_does_not_start_is_passed_over(install: ModuleType, alone: Path) -> None:
    program(alone / "python3.97", "echo not found >&2; exit 127")
    good = python_saying(alone, "3.98")

    assert install.find_python(None, None) == str(good)


def test_a_python_of_a_version_manager_is_found(
    install: ModuleType, alone: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pyenv" / "versions" / "3.97.2" / "bin"
    folder.mkdir(parents=True)
    python = program(folder / "python", "echo 3.97")

    assert install.find_python(None, None) == str(python)


def test_no_python_says_which_is_wanted_and_what_to_do(install: ModuleType, alone: Path) -> None:
    with pytest.raises(install.StepError, match=r"3\.11, 3\.12 or 3\.13") as caught:
        install.find_python(None, None)

    assert "install Python 3.11" in str(caught.value)


def test_a_python_without_venv_is_named(install: ModuleType, alone: Path) -> None:
    program(alone / "python3.97", 'case "$3" in *ensurepip*) exit 1;; esac; echo 3.97')

    with pytest.raises(install.StepError, match="python3-venv"):
        install.find_python(None, None)


def test_uv_brings_what_is_missing(install: ModuleType, alone: Path) -> None:
    assert install.find_python(None, "uv") == "3.11"


def test_a_python_that_was_asked_for_must_fit(install: ModuleType, tmp_path: Path) -> None:
    old = python_saying(tmp_path, "3.9")

    with pytest.raises(install.StepError, match="is not a working Python"):
        install.find_python(str(old), None)


@pytest.mark.parametrize(
    ("answer", "device"),
    [
        ("echo 'GPU 0: NVIDIA H200 (UUID: GPU-1)'", "gpu"),
        ("echo 'No devices were found'", "cpu"),
        ("echo 'driver mismatch' >&2; exit 9", "cpu"),
    ],
)
def test_the_hardware_decides_which_onnxruntime(
    answer: str, device: str, install: ModuleType, alone: Path
) -> None:
    program(alone / "nvidia-smi", answer)

    assert install.find_device("auto")[0] == device


def test_without_nvidia_smi_it_is_the_cpu_and_the_reason_is_said(
    install: ModuleType, alone: Path
) -> None:
    assert install.find_device("auto") == ("cpu", "nvidia-smi is not there")
    assert install.find_device("gpu") == ("gpu", "asked for")


def installed(install: ModuleType, env: Path, extras: list[str]) -> None:
    """Make what a finished installation leaves: a Python and a stamp."""
    python = install.env_python(env)
    python.parent.mkdir(parents=True)
    program(python, "echo 3.11; exit 0")
    stamp = {"version": 1, "recipe": install.recipe(), "extras": extras}
    (env / install.STAMP).write_text(json.dumps(stamp), encoding="utf-8")


def test_a_complete_environment_is_left_alone(
    install: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = tmp_path / "env"
    installed(install, env, ["cpu", "engine"])
    before = (env / install.STAMP).stat().st_mtime_ns

    assert install.main(["engine", "--env", str(env), "--device", "cpu"]) == 0

    assert "nothing to install" in capsys.readouterr().out
    assert (env / install.STAMP).stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("extras", "recipe", "arguments"),
    [
        (["cpu", "engine"], None, ["--device", "gpu"]),
        (["cpu", "engine"], "older", ["--device", "cpu"]),
        (["cpu"], None, ["--device", "cpu"]),
        (["cpu", "engine"], None, ["--device", "cpu", "--train"]),
    ],
)
def test_what_is_missing_or_outdated_is_installed(
    extras: list[str],
    recipe: str | None,
    arguments: list[str],
    install: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env = tmp_path / "env"
    installed(install, env, extras)
    if recipe:
        stamp = {"version": 1, "recipe": recipe, "extras": extras}
        (env / install.STAMP).write_text(json.dumps(stamp), encoding="utf-8")
    commands: list[list[str]] = []
    monkeypatch.setattr(install, "run", lambda step, command, *_: commands.append(command))

    assert install.main(["engine", "--env", str(env), "--no-uv", *arguments]) == 0

    target = commands[-1][-1]
    assert ("gpu" in target) == ("gpu" in arguments)
    assert ("cpu" in target) != ("gpu" in target)
    assert any(install.TORCH in command for command in commands) == ("--train" in arguments)
    assert ("uninstall" in commands[0]) == ("gpu" in arguments)
    assert json.loads((env / install.STAMP).read_text())["recipe"] == install.recipe()


def test_wheels_of_a_folder_keep_the_network_out(install: ModuleType, tmp_path: Path) -> None:
    command = install.install_command(tmp_path / "env", None, str(tmp_path))

    assert command[-3:] == ["--no-index", "--find-links", str(tmp_path)]
    assert "--no-index" not in install.install_command(tmp_path / "env", None, None)


def test_a_failed_step_says_which_and_what_to_do_and_leaves_no_stamp(
    install: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = tmp_path / "env"
    installed(install, env, ["cpu"])
    program(install.env_python(env), 'case "$*" in *"pip install"*) exit 3;; esac; echo 3.11')

    assert install.main(["engine", "--env", str(env), "--no-uv", "--device", "cpu"]) == 1

    said = capsys.readouterr().err
    assert "Step failed: install the packages" in said
    assert "exit code 3" in said
    assert "What to do: check the network" in said
    assert "Traceback" not in said
    assert not (env / install.STAMP).exists()


def test_a_folder_without_the_wheels_is_told_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    words = ["engine", "--env", str(tmp_path / "env"), "--wheels", str(tmp_path / "wheels")]
    # Only the named folder may serve: what a machine configures for pip is switched off.
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}

    done = subprocess.run(
        [sys.executable, str(ROOT / "install.py"), *words, "--device", "cpu", "--no-uv"],
        capture_output=True,
        text=True,
        check=False,
        env={**clean, "PIP_CONFIG_FILE": os.devnull},
    )

    assert done.returncode == 1
    assert (tmp_path / "env").is_dir()
    assert "What to do: put the missing wheel" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_verb_shows_the_help(install: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert install.main([]) == 2
    assert "demo" in capsys.readouterr().out


def test_the_links_for_type_checkers_are_made_and_mended(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in install.FOLDERS:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(install, "ROOT", tmp_path)
    place = tmp_path / "build" / "types" / "faceplate"
    place.mkdir(parents=True)
    (place / "core").symlink_to("nowhere")

    for _ in range(2):
        assert install.main(["link"]) == 0
        assert {p.name: p.resolve() for p in place.iterdir()} == {
            name: tmp_path / name for name in install.FOLDERS
        }
