"""Install faceplate's engine, show it, test it: `python install.py demo`.

Standard library only, and it runs on Python 3.8 or later: the engine itself needs 3.11 to 3.13,
which this script looks for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
WANTED = ((3, 11), (3, 12), (3, 13))  # in order of preference
STAMP = "faceplate-install.json"
FOLDERS = ("core", "nodes", "ocio", "plugin")
TORCH = "torch==2.13.0"  # not in constraints.txt: its builds differ by machine
PROBE = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
NO_ENSUREPIP = "import sys; print('%d.%d' % sys.version_info[:2])"


class StepError(Exception):
    """A step failed: what it was, why, and what to do next."""

    def __init__(self, step, why, what_to_do):
        super().__init__(f"Step failed: {step}.\n  Why: {why}\n  What to do: {what_to_do}")


def say(text: str) -> None:
    """Tell the person at the shell where we are."""
    print(f"install: {text}", flush=True)


# --- Python -----------------------------------------------------------------------------------


def version_of(python: str, code: str = PROBE) -> tuple[int, int] | None:
    """Return a Python's version, or None when it does not start or cannot make environments.

    It is run and not only looked for: a shim of a version manager is there and yet may not work.
    """
    try:
        done = subprocess.run(
            [python, "-I", "-c", code], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.strip().split(".")
    if done.returncode != 0 or len(words) != 2 or not all(word.isdigit() for word in words):
        return None
    return int(words[0]), int(words[1])


def candidates() -> list[str]:
    """Return Pythons that may fit, best first, without running them."""
    found = [sys.executable] if sys.version_info[:2] in WANTED else []
    for major, minor in WANTED:
        name = f"python{major}.{minor}"
        found += [which for which in [shutil.which(name)] if which]
        folders = [Path("/usr/bin"), Path("/usr/local/bin"), Path("/opt/homebrew/bin")]
        found += [str(folder / name) for folder in folders if (folder / name).exists()]
        versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        found += sorted(map(str, versions.glob(f"{major}.{minor}.*/bin/python")), reverse=True)
        found += windows_python(major, minor)
    return list(dict.fromkeys(found))


def windows_python(major: int, minor: int) -> list[str]:
    """Return the Python that Windows' launcher knows under a version."""
    launcher = shutil.which("py") if os.name == "nt" else None
    if launcher is None:
        return []
    done = subprocess.run(
        [launcher, f"-{major}.{minor}", "-c", "import sys; print(sys.executable)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [done.stdout.strip()] if done.returncode == 0 else []


def find_python(asked: str | None, uv: str | None) -> str:
    """Return the Python to make the environment with.

    Raises:
        StepError: none of 3.11 to 3.13 works here.
    """
    code = NO_ENSUREPIP if uv else PROBE  # uv brings its own pip
    for python in [asked] if asked else candidates():
        if version_of(python, code) in WANTED:
            return python
    if uv and not asked:
        return "3.11"  # uv finds it, or fetches it
    half = [p for p in candidates() if version_of(p, NO_ENSUREPIP) in WANTED]
    if half and not asked:
        raise StepError(
            "find a Python",
            f"{half[0]} is there but cannot make environments (no venv or ensurepip)",
            "install the rest of it (Debian, Ubuntu: apt install python3-venv) or install uv",
        )
    raise StepError(
        "find a Python",
        f"{asked} is not a working Python 3.11, 3.12 or 3.13"
        if asked
        else f"the engine wants Python 3.11, 3.12 or 3.13; this is {version_text()} and no other "
        "was found",
        "install Python 3.11, or name one: --python /path/to/python3.11",
    )


def version_text() -> str:
    """Return the running Python's version as text."""
    return ".".join(map(str, sys.version_info[:3]))


# --- the environment --------------------------------------------------------------------------


def env_python(env: Path) -> Path:
    """Return the path of an environment's Python."""
    return env / "Scripts" / "python.exe" if os.name == "nt" else env / "bin" / "python"


def find_device(asked: str) -> tuple[str, str]:
    """Return "cpu" or "gpu" and the reason for it."""
    if asked != "auto":
        return asked, "asked for"
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return "cpu", "nvidia-smi is not there"
    try:
        done = subprocess.run([smi, "-L"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "cpu", "nvidia-smi does not answer"
    cards = [line for line in done.stdout.splitlines() if line.startswith("GPU ")]
    if done.returncode != 0 or not cards:
        return "cpu", "nvidia-smi finds no card"
    return "gpu", cards[0].split(" (UUID")[0]


def read_stamp(env: Path) -> dict[str, object]:
    """Return what the last finished installation wrote, or nothing."""
    try:
        stamp = json.loads((env / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def recipe() -> str:
    """Return a hash of what decides which packages are installed, and from where."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (str(ROOT).encode(), *((ROOT / n).read_bytes() for n in RECIPE_FILES)):
        digest.update(part + b"\0")
    return digest.hexdigest()


RECIPE_FILES = ("pyproject.toml", "constraints.txt")


def run(step: str, command: list[str], what_to_do: str, cwd: Path = ROOT) -> None:
    """Run a command and show its output.

    Raises:
        StepError: it cannot be started or does not end well.
    """
    try:
        code = subprocess.run(command, cwd=str(cwd), check=False).returncode
    except OSError as error:
        raise StepError(step, f"{command[0]} cannot be started ({error})", what_to_do) from None
    if code != 0:
        line = " ".join(map(shlex.quote, command))
        raise StepError(step, f"exit code {code} from: {line}", what_to_do)


def install_command(env: Path, uv: str | None, wheels: str | None) -> list[str]:
    """Return the start of a command that installs packages into an environment."""
    if uv:
        command = [uv, "pip", "install", "--python", str(env_python(env))]
    else:
        command = [str(env_python(env)), "-m", "pip", "install", "--no-input"]
        command += [] if sys.stdout.isatty() else ["--progress-bar", "off", "--quiet"]
    if wheels:
        command += ["--no-index", "--find-links", str(Path(wheels).resolve())]
    return command


def make_env(options: argparse.Namespace, extras: set[str]) -> Path:
    """Make the environment, or leave it alone when it already holds what is wanted.

    Raises:
        StepError: a step failed.
    """
    env = Path(options.env).resolve()
    uv = None if options.no_uv else shutil.which("uv")
    stamp = read_stamp(env)
    known = stamp.get("extras") if isinstance(stamp.get("extras"), list) else []
    device, reason = pick_device(options, extras, set(known))
    wanted = (extras | set(known) | {device}) - {"cpu" if device == "gpu" else "gpu"}
    if stamp.get("recipe") == recipe() and wanted <= set(known) and env_python(env).exists():
        say(f"{env} is complete ({device}); nothing to install")
        return env
    say(f"onnxruntime for the {device.upper()}: {reason}")
    if version_of(str(env_python(env)), NO_ENSUREPIP) not in WANTED:
        python = find_python(options.python, uv)
        say(f"making {env} with {python}")
        tool = [uv, "venv", "--python", python] if uv else [python, "-m", "venv"]
        run("make the environment", [*tool, str(env)], f"remove {env} and try again")
    install_packages(env, uv, options.wheels, wanted, set(known))
    return env


def pick_device(options: argparse.Namespace, extras: set[str], known: set[str]) -> tuple[str, str]:
    """Return the onnxruntime build to install: tests take what is there, else the CPU's."""
    if options.device == "auto" and "gpu" in known:
        return "gpu", "installed before"
    if options.device == "auto" and "dev" in extras:
        return "cpu", "tests run on it"
    return find_device(options.device)


def install_packages(
    env: Path, uv: str | None, wheels: str | None, wanted: set[str], known: set[str]
) -> None:
    """Install the package with its extras, and stamp the environment when all went well.

    Raises:
        StepError: a step failed.
    """
    started = time.monotonic()
    (env / STAMP).unlink() if (env / STAMP).exists() else None
    hint = (
        f"put the missing wheel (and setuptools) into {wheels}"
        if wheels
        else "check the network and the free disk space, or give --wheels DIR, and run this again"
    )
    install = install_command(env, uv, wheels)
    if {"cpu", "gpu"} & known and not {"cpu", "gpu"} & known & wanted:
        remove_runtimes(env, uv)
    if "train" in wanted:
        run("install torch", [*install, TORCH], hint)
    target = f".[{','.join(sorted(wanted))}]"
    say(f"installing {target} (first time: some minutes)")
    run("install the packages", [*install, "-c", "constraints.txt", "-e", target], hint)
    content = {"version": 1, "recipe": recipe(), "extras": sorted(wanted)}
    (env / STAMP).write_text(json.dumps(content) + "\n", encoding="utf-8")
    say(f"installed in {time.monotonic() - started:.0f} s")


def remove_runtimes(env: Path, uv: str | None) -> None:
    """Remove both builds of onnxruntime: they share a folder and must never be there together."""
    python = str(env_python(env))
    tool = (
        [uv, "pip", "uninstall", "--python", python] if uv else [python, "-m", "pip", "uninstall"]
    )
    yes = [] if uv else ["-y"]
    packages = ["onnxruntime", "onnxruntime-gpu"]
    run("change the onnxruntime build", [*tool, *yes, *packages], f"remove {env} and try again")


# --- what runs inside of hosts ----------------------------------------------------------------

LIGHT = ("errors", "footage", "job", "jobfile", "qcjob", "report")  # that hosts import
LOADER = '''"""What Blender loads: the add-on, under the extension's own package name."""

from .vendor.faceplate.plugin.blender import AddOn

_add_on = AddOn(__package__)
register = _add_on.register
unregister = _add_on.unregister
'''


def host_files(host: str) -> dict[str, str]:
    """Return what runs in a host's own Python: path below faceplate/ to text."""
    paths = [ROOT / "core" / f"{name}.py" for name in ("__init__", *LIGHT)]
    paths += [*(ROOT / "nodes").glob("*.py"), *(ROOT / "plugin").glob("*.py")]
    paths += (p for end in ("*.py", "*.nk") for p in (ROOT / "plugin" / host).rglob(end))
    return {p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8") for p in sorted(paths)}


def with_relative_imports(path: str, text: str) -> str:
    """Return a module of ours that finds the others under whatever package they were put.

    Blender forbids extensions a name of their own at the top, and its search path.
    """
    up = "." * (path.count("/") + 1)
    return re.sub(r"(?m)^(\s*)from faceplate\.", rf"\1from {up}", text)


def extension_files() -> dict[str, str]:
    """Return the Blender extension: path to text."""
    manifest = (ROOT / "plugin" / "blender" / "blender_manifest.toml").read_text(encoding="utf-8")
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    files = {"blender_manifest.toml": manifest, "LICENSE": licence, "__init__.py": LOADER}
    files.update({f"vendor/{name}__init__.py": "" for name in ("", "faceplate/")})
    for path, text in host_files("blender").items():
        files[f"vendor/faceplate/{path}"] = with_relative_imports(path, text)
    return files


def blender_folders() -> list[Path]:
    """Return the user's folders of Blender 4.2 and later that are there."""
    if os.name == "nt":
        base = Path(os.environ.get("APPDATA", "")) / "Blender Foundation" / "Blender"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support" / "Blender"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "blender"
    found = {p: re.match(r"(\d+)\.(\d+)$", p.name) for p in base.glob("*.*")}
    return sorted(p for p, m in found.items() if m and (int(m[1]), int(m[2])) >= (4, 2))


# Appended to what an artist has in init.py, and found again by its first and last line.
NUKE_START = b"""
# >>> faceplate: written by install.py nuke, taken away by install.py nuke --remove
import nuke
nuke.pluginAddPath("./faceplate/plugin/nuke/start")
# <<< faceplate
"""


def with_nuke_start(text: bytes, *, wanted: bool) -> bytes:
    """Return Nuke's init.py with our lines at its end, or without them; all else stays."""
    lines = NUKE_START.splitlines(keepends=True)
    start, end = text.find(lines[1]), text.find(lines[-1])
    if 0 <= start < end:
        head = text[:start]
        text = (head[:-1] if head.endswith(b"\n") else head) + text[end + len(lines[-1]) :]
    return text + NUKE_START if wanted else text


# --- verbs ------------------------------------------------------------------------------------


def link(options: argparse.Namespace) -> None:
    """Make build/types/faceplate, through which type checkers see the folders."""
    folder = ROOT / "build" / "types" / "faceplate"
    folder.mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
        place, goal = folder / name, ROOT / name
        if place.exists() and place.resolve() == goal:
            continue
        if place.is_symlink():
            place.unlink()
        link_folder(place, goal)
    say(f"linked {folder}")


def link_folder(place: Path, goal: Path) -> None:
    """Make a relative link (on Windows a junction, which needs no rights).

    Raises:
        StepError: the system refused.
    """
    if os.name == "nt":
        command = ["cmd", "/c", "mklink", "/J", str(place), str(goal)]
        run("link the folders", command, "remove build/types and try again")
        return
    try:
        place.symlink_to(os.path.relpath(str(goal), str(place.parent)), target_is_directory=True)
    except OSError as error:
        raise StepError(
            "link the folders", str(error), f"remove {place} by hand and try again"
        ) from None


def engine(options: argparse.Namespace) -> None:
    """Install the engine."""
    extras = {"engine", *(["train"] if options.train else [])}
    env = make_env(options, extras)
    say(f"the command is {env_python(env).with_name('faceplate')}")


def demo(options: argparse.Namespace) -> None:
    """Install the engine and swap the demo shot."""
    env = make_env(options, {"engine"})
    command = [str(env_python(env)), "-m", "faceplate.core.cli", "demo", "--out", options.out]
    command += ["--overwrite"] if options.overwrite else []
    run("render the demo", command, "read the sentence above; then: install.py doctor", Path.cwd())


def doctor(options: argparse.Namespace) -> None:
    """Install the engine and let it look at this machine."""
    env = make_env(options, {"engine"})
    command = [str(env_python(env)), "-m", "faceplate.core.cli", "doctor"]
    run("look at this machine", command, "mend what is marked above", Path.cwd())


def blender_zip(options: argparse.Namespace) -> None:
    """Write the Blender extension, to be installed from disk in any Blender from 4.2 on."""
    out = Path(options.out or ROOT / "build" / "faceplate-blender.zip")
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(str(out), "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in sorted(extension_files().items()):
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))  # the same files, the same bytes
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)
    say(f"wrote {out}: in Blender, Preferences, Get Extensions, Install from Disk")


def blender(options: argparse.Namespace) -> None:
    """Put the extension into every Blender of this user, or take it away with --remove."""
    folders = [Path(options.folder)] if options.folder else blender_folders()
    if not folders:
        raise StepError(
            "find Blender",
            "no settings of a Blender 4.2 or later are in the usual folder",
            "start Blender once, or name its settings: --folder ~/.config/blender/4.5",
        )
    for folder in folders:
        place = folder / "extensions" / "user_default" / "faceplate"
        if place.exists():
            shutil.rmtree(str(place))
        if options.remove:
            say(f"removed {place}")
            continue
        files = extension_files()
        pointer = json.dumps({"python": str(env_python(Path(options.env).resolve()))})
        files["vendor/faceplate/plugin/engine.json"] = pointer + "\n"
        for path, text in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, encoding="utf-8")
        say(f"wrote {place}: switch Faceplate on in Blender's preferences, Add-ons")


def nuke(options: argparse.Namespace) -> None:
    """Put the node menu into this user's Nuke, or take it away with --remove."""
    folder = Path(options.folder) if options.folder else Path.home() / ".nuke"
    place, start = folder / "faceplate", folder / "init.py"
    ours = (place / "plugin" / "nuke" / "start").is_dir() and not place.is_symlink()
    if place.exists() and not ours:
        raise StepError(
            "find the place for Nuke",
            f"{place} is there and was not written by this script",
            "move it away, or give another folder of Nuke's with --folder",
        )
    if place.exists():
        shutil.rmtree(str(place))
    before = start.read_bytes() if start.exists() else b""
    after = with_nuke_start(before, wanted=not options.remove)
    if not options.remove:
        files = host_files("nuke")
        python = env_python(Path(options.env).resolve())
        files["plugin/engine.json"] = json.dumps({"python": str(python)}) + "\n"
        for path, text in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, encoding="utf-8")
        if not python.exists():
            say(f"there is no engine in {options.env} yet: install.py engine makes it")
    if after and after != before:
        start.write_bytes(after)
    elif not after and start.exists():
        start.unlink()
    if options.remove and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    say(f"removed {place}" if options.remove else f"wrote {place}: start Nuke again")


def test(options: argparse.Namespace) -> None:
    """Install engine and developer tools, then lint, type check and test."""
    env = make_env(options, {"engine", "dev", "train"})
    link(options)
    python = str(env_python(env))
    steps = (
        ("lint", ["-m", "ruff", "check", "."], "mend the lines named above"),
        ("check the format", ["-m", "ruff", "format", "--check", "."], "run `ruff format .`"),
        ("check the types", ["-m", "mypy"], "mend the lines named above"),
        ("run the tests", ["-m", "pytest", "-q", *options.pytest], "read the failures above"),
    )
    for step, arguments, what_to_do in steps:
        say(step)
        run(step, [python, *arguments], what_to_do)


VERBS = {
    "demo": demo,
    "test": test,
    "engine": engine,
    "doctor": doctor,
    "link": link,
    "blender": blender,
    "blender-zip": blender_zip,
    "nuke": nuke,
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--env", default=str(ROOT / ".venv"), help="environment (default: .venv)")
    common.add_argument("--wheels", help="folder of wheels, for a machine without a network")
    common.add_argument("--python", help="the Python 3.11 to 3.13 to use")
    common.add_argument(
        "--device", choices=("auto", "cpu", "gpu"), default="auto", help="which onnxruntime"
    )
    common.add_argument("--no-uv", action="store_true", help="use venv and pip, also where uv is")
    top = argparse.ArgumentParser(description="Install faceplate, show it, test it.")
    verbs = top.add_subparsers(dest="verb", metavar="VERB")
    helps = {name: (verb.__doc__ or "").splitlines()[0] for name, verb in VERBS.items()}
    made = {
        n: verbs.add_parser(n, parents=[common], help=h, description=h) for n, h in helps.items()
    }
    made["engine"].add_argument("--train", action="store_true", help="torch and training, too")
    made["demo"].add_argument("--out", default="demo_out", help="folder for the demo's files")
    made["demo"].add_argument("--overwrite", action="store_true", help="replace files in it")
    made["blender"].add_argument("--folder", help="settings of one Blender, as .config/blender/4.5")
    made["blender"].add_argument("--remove", action="store_true", help="take it away")
    made["blender-zip"].add_argument("--out", help="the zip to write")
    made["nuke"].add_argument("--folder", help="Nuke's folder (default: .nuke in yours)")
    made["nuke"].add_argument("--remove", action="store_true", help="take it away")
    made["test"].add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; return the exit code."""
    top = parser()
    options = top.parse_args(arguments)
    if options.verb is None:
        top.print_help()
        return 2
    try:
        VERBS[options.verb](options)
    except StepError as error:
        print(f"install: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("install: stopped; run it again to go on", file=sys.stderr, flush=True)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
