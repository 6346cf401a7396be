"""Loads the readers of script text and the strict fake under names that tests can import."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent


def _load(name: str, file: str) -> None:
    spec = importlib.util.spec_from_file_location(name, HERE / file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


_load("nk_script", "nk_script.py")
_load("fake_knobs", "fake_knobs.py")
_load("nuke", "fake_nuke.py")
