"""The buttons: each asks the engine for something, with a window or without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from faceplate.core.errors import FaceplateError, InputError
from faceplate.plugin.blender import group, requests, scene, sequencer, tracking
from faceplate.plugin.blender.preferences import preferences_of
from faceplate.plugin.blender.session import Session, Work

_TICK_SECONDS = 0.1

Prepare = Callable[[Any, Any], Work]
"""Takes the operator and the context; gives the work."""
Owner = Callable[[Any, Any], Any]
"""Takes the operator and the context; gives the group or scene that shows an error, or None."""


def engine_operator(
    session: Session,
    name: str,
    label: str,
    description: str,
    prepare: Prepare,
    owner: Owner,
    properties: dict[str, Any],
) -> type:
    """Return an operator that has the engine do something.

    With a window it is modal: the person goes on working, and Esc stops it. In the background,
    where modal operators and timers never run, it waits for the end.

    Args:
        session: holds the engine.
        name: as in ``bpy.ops.faceplate.NAME``.
        label: what the button says.
        description: its tooltip.
        prepare: makes the work.
        owner: whose settings show what went wrong.
        properties: the operator's own.
    """

    class EngineOperator(bpy.types.Operator):
        bl_idname = f"faceplate.{name}"
        bl_label = label
        bl_description = description
        # No other annotation may stand here: Blender takes each for a property.
        __annotations__ = dict(properties)

        def execute(self, context: Any) -> set[str]:
            try:
                work = prepare(self, context)
                self._running = session.start(work, preferences_of(context))
                words = session.wait(self._running, lambda text: self.report({"INFO"}, text))
            except FaceplateError as error:
                return self._failed(error)
            return self._finished(words)

        def invoke(self, context: Any, event: Any) -> set[str]:
            if bpy.app.background:
                return self.execute(context)
            try:
                work = prepare(self, context)
                if work.owner and session.of(work.owner) is not None:
                    raise InputError("This node is at work already.", hint="Wait, or press Cancel.")
                self._running = session.start(work, preferences_of(context))
            except FaceplateError as error:
                return self._failed(error)
            manager = context.window_manager
            self._timer = manager.event_timer_add(_TICK_SECONDS, window=context.window)
            manager.modal_handler_add(self)
            return {"RUNNING_MODAL"}

        def modal(self, context: Any, event: Any) -> set[str]:
            if event.type == "ESC" and event.value == "PRESS":
                session.cancel(self._running)
                return {"RUNNING_MODAL"}
            if event.type != "TIMER":
                return {"PASS_THROUGH"}
            try:
                words = session.step(self._running)
            except FaceplateError as error:
                self._close(context)
                return self._failed(error)
            context.workspace.status_text_set(f"{self._running.words}   Esc: stop")
            _redraw(context)
            if words is None:
                return {"PASS_THROUGH"}
            self._close(context)
            return self._finished(words)

        def _close(self, context: Any) -> None:
            context.window_manager.event_timer_remove(self._timer)
            context.workspace.status_text_set(None)
            _redraw(context)

        def _finished(self, words: str) -> set[str]:
            for note in self._running.notes:
                self.report({"WARNING"}, note)
            self.report({"INFO"}, words)
            return {"FINISHED"}

        def _failed(self, error: FaceplateError) -> set[str]:
            return failed(self, owner(self, bpy.context), error)

    EngineOperator.__name__ = f"FACEPLATE_OT_{name}"
    return EngineOperator


def failed(operator: Any, owner: Any, error: FaceplateError) -> set[str]:
    """Report an error in words, show it on its owner, and return what an operator returns then.

    In the background Blender turns the report into an exception, so that a script stops.
    """
    if owner is not None:
        group.mark(owner, error)
    operator.report({"ERROR"}, f"{error} {error.hint}".strip())
    return {"CANCELLED"}


def _redraw(context: Any) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("NODE_EDITOR", "SEQUENCE_EDITOR", "CLIP_EDITOR"):
                area.tag_redraw()


# --- which group ------------------------------------------------------------------------------

GROUP = {
    "group": StringProperty(
        name="Group", description="Name of a Faceplate group; empty: that of the active node"
    )
}
_OVERWRITE = {
    "overwrite": BoolProperty(
        name="Overwrite", description="Replace files that Faceplate did not write"
    )
}


def chosen_group(operator: Any, context: Any) -> Any:
    """Return the group that an operator is for: the one named, the active one, the only one.

    Raises:
        InputError: none, or several.
    """
    if operator.group:
        found = bpy.data.node_groups.get(operator.group)
        if not scene.is_ours(found):
            raise InputError(f"{operator.group} is no Faceplate group.")
        return found
    node = getattr(context, "active_node", None)
    if node is not None and scene.is_ours(getattr(node, "node_tree", None)):
        return node.node_tree
    ours = scene.groups()
    if len(ours) != 1:
        raise InputError(
            f"There are {len(ours)} Faceplate groups and none is chosen.",
            hint="Select a Faceplate node.",
        )
    return ours[0]


def group_or_none(operator: Any, context: Any) -> Any:
    """Return the group that an operator is for, or None where that is not clear."""
    try:
        return chosen_group(operator, context)
    except InputError:
        return None  # then there is nothing to show it on, and the report says it


def _scene(operator: Any, context: Any) -> Any:
    return context.scene


def nobody(operator: Any, context: Any) -> None:
    """Return nothing: there is nothing that an error could be shown on."""


def engine_operators(session: Session) -> tuple[type, ...]:
    """Return the operators that need the engine."""
    made: tuple[tuple[str, str, str, Prepare, Owner, dict[str, Any]], ...] = (
        (
            "render",
            "Render",
            "Render the frames of a Faceplate node; finished frames are not rendered again",
            lambda self, context: requests.render_group(
                context.scene, chosen_group(self, context), overwrite=self.overwrite
            ),
            group_or_none,
            {**GROUP, **_OVERWRITE},
        ),
        (
            "preview",
            "Preview Frame",
            "Make the frame that is shown in the scene, and show it in the image editors",
            lambda self, context: requests.preview_group(
                context.scene, chosen_group(self, context), Path(bpy.app.tempdir)
            ),
            group_or_none,
            GROUP,
        ),
        (
            "swap_strip",
            "Swap Face in Strip",
            "Render the active strip with another face, and lay the frames over it",
            lambda self, context: sequencer.swap_strip(context.scene, overwrite=self.overwrite),
            _scene,
            _OVERWRITE,
        ),
        (
            "track_clip",
            "Track Faces",
            "Follow the faces of a movie clip and keep them as motion-tracking markers",
            lambda self, context: tracking.track_clip(context.scene, tracking.chosen_clip(context)),
            nobody,
            {},
        ),
        (
            "try_engine",
            "Try Engine",
            "Start the engine and ask what it has",
            lambda self, context: Work("Try", "models", {}, _models_in_words),
            nobody,
            {},
        ),
    )
    return tuple(engine_operator(session, *parts) for parts in made)


def _models_in_words(facts: Any) -> str:
    return f"The engine runs, with {len(facts['models'])} models."
