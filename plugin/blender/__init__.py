"""The Blender add-on: registers its classes, and takes them away again."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent
from bpy.props import PointerProperty, StringProperty

from faceplate.core.errors import InputError
from faceplate.plugin.blender import compat, group, scene, ui
from faceplate.plugin.blender.operators import engine_operators
from faceplate.plugin.blender.preferences import FaceplatePreferences
from faceplate.plugin.blender.properties import FaceplateSettings
from faceplate.plugin.blender.session import Session
from faceplate.plugin.blender.tools import plain_operators

MENU = "NODE_MT_category_compositor_input"


class AddOn:
    """What is registered while the extension is enabled, and the engine behind it."""

    def __init__(self, package: str) -> None:
        """Take the extension's own package name; nothing is registered yet."""
        FaceplatePreferences.bl_idname = package
        self.session = Session()
        self._classes = (
            FaceplateSettings,
            FaceplatePreferences,
            *engine_operators(self.session),
            *plain_operators(self.session),
            *ui.panels(self.session),
        )

    def register(self) -> None:
        """Give Blender the classes, properties, menu entries and the look before a render."""
        for kind in self._classes:
            bpy.utils.register_class(kind)
        bpy.types.NodeTree.faceplate = PointerProperty(type=FaceplateSettings)
        bpy.types.Scene.faceplate = PointerProperty(type=FaceplateSettings)
        bpy.types.MovieClip.faceplate_track = StringProperty(
            name="Track",
            description="Track file of the clip's faces",
            subtype="FILE_PATH",
            options=compat.path_options(),
        )
        getattr(bpy.types, MENU).append(ui.draw_add_menu)
        bpy.app.handlers.render_init.append(look_for_frames)

    def unregister(self) -> None:
        """Take everything away, and end the engine."""
        self.session.close()
        bpy.app.handlers.render_init.remove(look_for_frames)
        getattr(bpy.types, MENU).remove(ui.draw_add_menu)
        del bpy.types.MovieClip.faceplate_track
        del bpy.types.Scene.faceplate
        del bpy.types.NodeTree.faceplate
        for kind in reversed(self._classes):
            bpy.utils.unregister_class(kind)


@persistent  # type: ignore[untyped-decorator]
def look_for_frames(rendered: Any, *_: Any) -> None:
    """Say before a render which frames of ours are gone: Blender would show them black."""
    for found in scene.groups():
        lack = scene.lack_of(rendered, found)
        if lack.gone:
            group.mark(found, InputError(lack.words, hint="Render the node again."))
