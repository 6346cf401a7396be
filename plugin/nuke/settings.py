"""What a person sets once for this machine: which engine, and what it may use.

A script, which comes from strangers, never says these. They lie in ``faceplate.json`` in the user's
Nuke folder, or in the file that ``FACEPLATE_SETTINGS`` names, as a studio does for everybody.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import nuke

from faceplate.core.errors import InputError

DEVICES = ("cpu", "cuda")
VARIABLE = "FACEPLATE_SETTINGS"
_MOST_THREADS = 1024
# Labels of the window, which are also the names that it knows its lines by.
_ENGINE, _DEVICE, _THREADS = "engine (empty: as installed)", "device", "threads (0: all)"
_CACHE, _REVOCATIONS = "cache folder (empty: yours)", "list of withdrawn consents"


@dataclass(frozen=True, slots=True)
class Settings:
    """What this machine's person said.

    Attributes:
        engine: the engine's Python, or the folder of its environment; "" looks where install.py
            left word.
        device: what the networks run on; one that is not there is an error and never a fall-back.
        threads: 0 takes what the engine may use.
        cache: folder of the cache; "" is the user's.
        revocations: list of withdrawn consents, or "".
    """

    engine: str = ""
    device: str = DEVICES[0]
    threads: int = 0
    cache: str = ""
    revocations: str = ""

    def __post_init__(self) -> None:
        """Refuse what no engine takes.

        Raises:
            InputError: a device or a number of threads that there is not.
        """
        if self.device not in DEVICES:
            raise InputError(
                f"The setting device is {self.device!r}.", hint=f"It is {' or '.join(DEVICES)}."
            )
        if not 0 <= self.threads <= _MOST_THREADS:
            raise InputError(
                f"The setting threads is {self.threads}.", hint="It is 0 (all) to 1024."
            )

    @property
    def told(self) -> dict[str, Any]:
        """What the engine is told of them."""
        return {
            "device": self.device,
            "threads": self.threads,
            "cache": _path(self.cache) or None,
            "revocations": _path(self.revocations) or None,
        }

    @property
    def engine_path(self) -> str:
        """Where the engine is said to be, or ""."""
        return _path(self.engine)


def settings_file() -> Path:
    """Return the file that the settings lie in, whether it is there or not."""
    said = os.environ.get(VARIABLE)
    return Path(said) if said else Path.home() / ".nuke" / "faceplate.json"


def read_settings() -> Settings:
    """Return what was set, or the defaults where there is no file.

    Raises:
        InputError: the file cannot be read, or says what there is not.
    """
    path = settings_file()
    if not path.is_file() and VARIABLE not in os.environ:
        return Settings()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise TypeError("it is no object")
        known = {field.name: type(getattr(Settings(), field.name)) for field in fields(Settings)}
        for name, value in found.items():
            if type(value) is not known.get(name):
                raise ValueError(f"{name} is {value!r}")
        return Settings(**found)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"The settings {path} cannot be read: {error}.",
            hint="Mend the file, or remove it and open Faceplate, Settings.",
        ) from error


def write_settings(settings: Settings) -> Path:
    """Keep the settings, and return the file.

    Raises:
        InputError: it cannot be written.
    """
    path = settings_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The settings {path} cannot be written: {error.strerror}.",
            hint=f"If {VARIABLE} names it, ask the person who looks after it.",
        ) from error
    return path


def ask_settings(now: Settings) -> Settings | None:
    """Let the artist change the settings in a small window; return them, or None for Cancel.

    Raises:
        InputError: a number of threads that is none.
    """
    panel = nuke.Panel("Faceplate settings")
    panel.addFilenameSearch(_ENGINE, now.engine)
    # The one that is first is the one that is chosen.
    panel.addEnumerationPulldown(_DEVICE, " ".join(sorted(DEVICES, key=now.device.__ne__)))
    panel.addSingleLineInput(_THREADS, str(now.threads))
    panel.addFilenameSearch(_CACHE, now.cache)
    panel.addFilenameSearch(_REVOCATIONS, now.revocations)
    if not panel.show():
        return None
    threads = str(panel.value(_THREADS)).strip() or "0"
    if not threads.isdecimal():
        raise InputError(f"The setting threads is {threads!r}.", hint="It is 0 (all) to 1024.")
    return Settings(
        engine=_said(panel.value(_ENGINE)),
        device=_said(panel.value(_DEVICE)),
        threads=int(threads),
        cache=_said(panel.value(_CACHE)),
        revocations=_said(panel.value(_REVOCATIONS)),
    )


def _said(value: object) -> str:
    return str(value or "").strip()


def _path(said: str) -> str:
    return str(Path(said).expanduser()) if said else ""
