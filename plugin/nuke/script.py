"""Answers questions about the open script: its range, colours, folder, and a node's plate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import nuke

from faceplate.core.errors import ColorSpaceError, InputError, StoppedError
from faceplate.core.footage import is_numbered
from faceplate.plugin.nuke.knobs import file_text

LINEAR = "lin_rec709_scene"
"""What Nuke's own colour management calls linear."""
_SEE_THROUGH = ("Dot", "NoOp")


@dataclass(frozen=True, slots=True)
class Space:
    """The space that the script works in.

    Attributes:
        name: as the engine is told it.
        ocio: path of the config that knows the name, or None for the engine's own.
        known_as: the names by which a Read may be in it.
    """

    name: str
    ocio: str | None
    known_as: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plate:
    """What feeds a node, as files.

    Attributes:
        pattern: of the frames.
        source: full name of the node that they are of.
        size: width and height of its format.
        written: whether they must be written first, because they are no files, or not in the
            script's own space.
    """

    pattern: str
    source: str
    size: tuple[int, int]
    written: bool


def script_range() -> tuple[int, int]:
    """Return the first and the last frame of the script."""
    root = nuke.root()
    return int(root["first_frame"].value()), int(root["last_frame"].value())


def work_folder(node: nuke.Node) -> Path:
    """Return the folder that a node's files go to unless it says otherwise.

    Raises:
        InputError: the script was never saved.
    """
    name = str(nuke.root().name())
    if not Path(name).is_absolute():
        raise InputError(
            "The script is not saved, so there is no place for frames.",
            hint="Save it, or fill in the output knob.",
        )
    return Path(name).parent / "faceplate" / node.fullName()


def source_of(node: nuke.Node, pipe: int) -> nuke.Node | None:
    """Return what is wired into a pipe, past dots."""
    found = node.input(pipe)
    while found is not None and found.Class() in _SEE_THROUGH and found.input(0) is not None:
        found = found.input(0)
    return found


def working_space(override: str = "") -> Space:
    """Return the space that pictures are in inside of the script.

    Args:
        override: what the artist says it is, or "".

    Raises:
        ColorSpaceError: it is not scene-linear, or its config is not on disk.
    """
    root = nuke.root()
    name = str(root["workingSpaceLUT"].value())
    ocio = ocio_config()
    if ocio is None and name != "linear" and not override:
        raise ColorSpaceError(
            f"The script works in {name}, which is not scene-linear.",
            hint="Set the working space to linear, or name a space in the colorspace knob.",
        )
    floats = str(root["floatLut"].value())
    known = {name} | ({"default", f"default ({name})"} if floats == name else set())
    return Space(override or (name if ocio is not None else LINEAR), ocio, frozenset(known))


def ocio_config() -> str | None:
    """Return the path of the script's OCIO config, or None for Nuke's own colours.

    Raises:
        ColorSpaceError: it is not on disk.
    """
    root = nuke.root()
    if root["colorManagement"].value() != "OCIO":
        return None
    choice = str(root["OCIO_config"].value())
    if choice == "custom":
        return file_text(root["customOCIOConfigPath"])
    shipped = Path(nuke.EXE_PATH).parent / "plugins" / "OCIOConfigs" / "configs"
    for path in (shipped / choice / "config.ocio", shipped / f"{choice}.ocio"):
        if path.is_file():
            return str(path)
    raise ColorSpaceError(
        f"The script's OCIO config {choice} is not on disk.",
        hint="Set it to custom in the project settings, and give its path.",
    )


@contextmanager
def full_size() -> Iterator[None]:
    """Work at full size, whatever the script's proxy switch says; it is put back."""
    switch = nuke.root()["proxy"]
    if not switch.value():
        yield
        return
    switch.setValue(False)
    try:
        yield
    finally:
        switch.setValue(True)


def find_plate(node: nuke.Node, space: Space, folder: Path) -> Plate:
    """Return the plate of a node: its own files where they can be taken as they are.

    A Read's files are taken when they are EXR in the script's working space, with square pixels
    and their own frame numbers; everything else is written out first, in that space.

    Args:
        node: its first pipe is the plate.
        space: the script's.
        folder: for a plate that must be written.

    Raises:
        InputError: nothing is plugged in, or a stereo plate.
    """
    source = source_of(node, 0)
    if source is None:
        raise InputError(f"{node.name()} has no plate.", hint="Wire the plate into its first pipe.")
    with full_size():
        size = (source.format().width(), source.format().height())
    if source.Class() == "Read":
        pattern = file_text(source["file"])
        if "%V" in pattern or "%v" in pattern:
            raise InputError(
                f"{source.name()} is a stereo plate ({pattern}).",
                hint="Pick one view with a Read of its own for each eye.",
            )
        if _is_as_it_is(source, pattern, space):
            return Plate(pattern, source.fullName(), size, written=False)
    pattern = str(folder / "plate" / f"{node.name()}.%04d.exr")
    return Plate(pattern, source.fullName(), size, written=True)


def _is_as_it_is(read: nuke.Node, pattern: str, space: Space) -> bool:
    """Whether the pixels of a Read are those of its files."""
    is_ours = bool(read["raw"].value()) or str(read["colorspace"].value()) in space.known_as
    return (
        pattern.lower().endswith(".exr")
        and is_numbered(pattern)
        and is_ours
        and not read["premultiplied"].value()
        and not read["disable"].value()
        and not str(read["frame"].value()).strip()
        and read.pixelAspect() == 1
    )


def write_plate(node: nuke.Node, plate: Plate) -> None:
    """Write a plate that is no files yet: the script's range, at full size, raw.

    Raises:
        InputError: Nuke cannot render it.
        StoppedError: the artist stopped it.
    """
    first, last = script_range()
    write = inside(node, "PlateOut")
    write["file"].setValue(plate.pattern)
    write["disable"].setValue(False)
    try:
        with full_size():
            nuke.execute(write, first, last, 1)
    except RuntimeError as error:
        if "cancel" in str(error).lower():
            raise StoppedError("Writing the plate was stopped.") from error
        raise InputError(
            f"The plate of {node.name()} could not be written: {error}.",
            hint="Look at the nodes above it.",
        ) from error
    finally:
        write["disable"].setValue(True)


def inside(node: nuke.Node, name: str) -> nuke.Node:
    """Return a node of a group of ours.

    Raises:
        InputError: somebody removed it.
    """
    found = cast("nuke.Group", node).node(name)
    if found is None:
        raise InputError(
            f"{node.name()} has no {name} inside any more.", hint="Press Update, or make it again."
        )
    return found
