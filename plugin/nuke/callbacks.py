"""What Nuke calls while it works: a check before each frame of a Write, the end of a script.

Nothing here starts an engine: these run on every machine of a farm.
"""

from __future__ import annotations

from collections.abc import Iterator

import nuke

from faceplate.core.footage import frame_path
from faceplate.plugin.nuke.knobs import file_text
from faceplate.plugin.nuke.panel import RENDERED, SHOWN
from faceplate.plugin.nuke.pipes import definition_of
from faceplate.plugin.nuke.script import inside
from faceplate.plugin.nuke.session import session


def register() -> None:
    """Let Nuke call us; once, from its start file."""
    nuke.addBeforeFrameRender(check_frame, nodeClass="Write")
    if nuke.GUI:
        nuke.addOnScriptClose(close_session)


def check_frame() -> None:
    """Stop a Write at a frame that one of our nodes above it has not rendered.

    Raises:
        RuntimeError: as Nuke wants it from a callback, with the frame, the node and the file.
    """
    number = int(nuke.frame())
    for node in _ours_above(nuke.thisNode()):
        if node["show"].value() != SHOWN[1] or node["disable"].value():
            continue
        path = frame_path(file_text(inside(node, "Result")["file"]), number)
        if not path.is_file():
            raise RuntimeError(
                f"{node.fullName()} has no frame {number}: {path} is not on disk. "
                "Press its Render, or render its shot file on the farm, before this script."
            )


def close_session() -> None:
    """End the engine with the script that it worked for."""
    session().close()


def _ours_above(node: nuke.Node) -> Iterator[nuke.Node]:
    """Walk up the pipes, every node once, to those of ours that show frames."""
    waiting, seen = [node], set()
    while waiting:
        above = waiting.pop()
        name = above.fullName()
        if name in seen:
            continue
        seen.add(name)
        if definition_of(above) in RENDERED:
            yield above
        waiting += above.dependencies(nuke.INPUTS)
