"""Loads the picture of these tests under a name that they can import."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location(
    "seen_picture", Path(__file__).with_name("seen_picture.py")
)
assert _SPEC is not None and _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
sys.modules["seen_picture"] = _MODULE
_SPEC.loader.exec_module(_MODULE)
