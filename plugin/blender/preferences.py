"""The add-on's preferences: which engine, and what it may use. A .blend file never says these."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

_GIGABYTE = 1 << 30


class FaceplatePreferences(bpy.types.AddonPreferences):
    """What a person sets once for this machine."""

    bl_idname = "faceplate"  # `register` puts the extension's own name here

    __annotations__ = {
        "engine": StringProperty(
            name="Engine",
            description="Python of faceplate's environment, or that environment's folder; "
            "empty looks where install.py left word",
            subtype="FILE_PATH",
        ),
        "device": EnumProperty(
            name="Device",
            description="What the networks run on; an engine that cannot use it says so and "
            "does not fall back",
            items=[("cpu", "CPU", "The processor"), ("cuda", "CUDA", "A card of NVIDIA's")],
            default="cpu",
        ),
        "threads": IntProperty(
            name="Threads", description="0 takes what the engine may use", min=0, max=1024
        ),
        "cache": StringProperty(
            name="Cache", description="Folder of the cache; empty: the user's", subtype="DIR_PATH"
        ),
        "cache_limit": IntProperty(
            name="Cache Limit", description="In gigabytes; 0 for no limit", default=20, min=0
        ),
        "revocations": StringProperty(
            name="Revocations",
            description="List of withdrawn consents; one that cannot be read refuses finals",
            subtype="FILE_PATH",
        ),
    }

    def draw(self, context: Any) -> None:
        """Draw them, and a button that tries the engine."""
        layout = self.layout
        layout.use_property_split = True
        for name in self.__annotations__:
            layout.prop(self, name)
        layout.operator("faceplate.try_engine")


def preferences_of(context: Any) -> Any:
    """Return the preferences of the add-on that is enabled."""
    return context.preferences.addons[FaceplatePreferences.bl_idname].preferences


def settings_of(preferences: Any) -> Mapping[str, Any]:
    """Return what the engine is told of the preferences."""
    return {
        "device": preferences.device,
        "threads": preferences.threads,
        "cache": _path(preferences.cache) or None,
        "revocations": _path(preferences.revocations) or None,
        "cache_limit_bytes": preferences.cache_limit * _GIGABYTE,
    }


def engine_of(preferences: Any) -> str:
    """Return what the preferences say of the engine's place."""
    return _path(preferences.engine)


def user_folder() -> Path:
    """Return the folder that is the extension's own to write to."""
    return Path(bpy.utils.extension_path_user(FaceplatePreferences.bl_idname, create=True))


def _path(said: str) -> str:
    # Not beside the .blend: that may come from a stranger.
    return str(Path(said).expanduser()) if said else ""
