"""What a node shows of its work: a label, a tile's colour, and a sentence on its panel."""

from __future__ import annotations

import nuke

from faceplate.core.errors import ContractError, FaceplateError
from faceplate.plugin.nuke.group import TILE

_RED = 0xC03030FF


def show(node: nuke.Node, status: str, message: str) -> None:
    """Show how a node is doing.

    Args:
        node: one of our groups.
        status: a word or two under its name in the node graph.
        message: a sentence for its panel.
    """
    node["status"].setValue(status)
    node["message"].setValue(message)
    node["tile_color"].setValue(TILE)


def show_error(node: nuke.Node, error: FaceplateError) -> None:
    """Show what went wrong: on the node, where there is no way to make Nuke mark it as an error."""
    node["status"].setValue("error")
    node["message"].setValue(f"{error} {error.hint}".strip())
    node["tile_color"].setValue(_RED)


def mistake(error: Exception) -> ContractError:
    """Return an error that nobody foresaw as one that can be shown."""
    text = f"Faceplate made a mistake ({type(error).__name__}: {error})."
    return ContractError(text, hint="Please report it.")
