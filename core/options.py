"""How commands get their options: common ones, and the knobs of nodes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_type_hints

import typer

from faceplate.core.console import Console
from faceplate.core.doors import run
from faceplate.core.errors import JobError
from faceplate.core.job import FaceChoice
from faceplate.nodes.node import IntegerKnob, Knob, Node, NumberKnob

Body: TypeAlias = Callable[..., int]


def command(
    group: typer.Typer, name: str, node: Node | None = None, skip: Sequence[str] = ()
) -> Callable[[Body], Body]:
    """Make a function a command: adds the common options and a node's knobs, and runs it.

    Args:
        group: the Typer app that it belongs to.
        name: the command's name.
        node: a node whose knobs become options; the function gets those that were given as
            ``knobs``, a mapping of name to value.
        skip: knobs of the node that the command does not offer.
    """

    def decorate(body: Body) -> Body:
        hints = get_type_hints(body, include_extras=True)
        own = [
            parameter.replace(annotation=hints[parameter.name])
            for parameter in inspect.signature(body).parameters.values()
            if parameter.name not in ("console", "knobs")
        ]
        knobs = [knob for knob in (node.knobs if node else ()) if knob.name not in skip]

        def door(**given: Any) -> None:
            verbose, quiet = given.pop("verbose"), given.pop("quiet")
            console = Console(given.pop("as_json"), -1 if quiet else int(verbose))
            if node is not None:
                given["knobs"] = {knob: given.pop(knob.name) for knob in knobs}
            raise typer.Exit(run(console, partial(_start, body, console, given)))

        door.__doc__ = body.__doc__
        parameters = [*own, *map(_option_of, knobs), *_common()]
        door.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        door.__annotations__ = {p.name: p.annotation for p in parameters}
        group.command(name)(door)
        return body

    return decorate


def _start(body: Body, console: Console, given: dict[str, Any]) -> int:
    """Read the knobs' texts, inside of what catches errors, and run the body."""
    texts: Mapping[Knob, str | None] | None = given.get("knobs")
    if texts is not None:
        given["knobs"] = {k.name: parse_knob(k, t) for k, t in texts.items() if t is not None}
    return body(console, **given)


def _option_of(knob: Knob) -> inspect.Parameter:
    default = knob.default
    shown = ",".join(default) if isinstance(default, tuple) else str(default)
    option = typer.Option(
        f"--{knob.name.replace('_', '-')}",
        help=f"{knob.help} Takes {knob.wanted}.",
        metavar="VALUE",
        show_default=shown,
        rich_help_panel="Knobs",
    )
    return inspect.Parameter(
        knob.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[str | None, option],
    )


def _common() -> list[inspect.Parameter]:
    options = {
        "as_json": typer.Option("--json", help="One JSON object per line."),
        "verbose": typer.Option("--verbose", "-v", help="Say every frame."),
        "quiet": typer.Option("--quiet", "-q", help="Say errors only."),
    }
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False,
            annotation=Annotated[bool, option],
        )
        for name, option in options.items()
    ]


def parse_knob(knob: Knob, text: str) -> object:
    """Return what a knob's text on the command line means; the knob itself checks the range.

    >>> from faceplate.nodes.face import FACE_SWAP
    >>> parse_knob(FACE_SWAP.knob("mix"), "1001=0,1010=1")
    {1001: 0, 1010: 1}

    Raises:
        KnobError: a value that the knob does not take.
    """
    value: object = text
    if isinstance(knob, NumberKnob) and "=" in text:
        pairs = [part.split("=", 1) for part in text.split(",")]
        value = {_number(k[0]): _number(k[-1]) for k in pairs}
    elif isinstance(knob, NumberKnob | IntegerKnob) and text not in getattr(knob, "words", ()):
        value = _number(text)
    knob.check(value)
    return value


def _number(text: str) -> object:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def choose_face(face: str, at: str, reference: Path | None) -> FaceChoice:
    """Return the face that the three options say; the largest when none is given.

    Raises:
        JobError: more than one, or one that cannot be read.
    """
    if sum((bool(face), bool(at), reference is not None)) > 1:
        raise JobError(
            "--face, --face-at and --reference exclude each other.", hint="Give one of them."
        )
    if reference is not None:
        return FaceChoice(reference=str(reference))
    if at:
        point = [_number(part) for part in at.split(",")]
        if len(point) != 2 or not all(isinstance(part, int | float) for part in point):
            raise JobError(f"--face-at is {at!r}; it takes X,Y.", hint="As in --face-at 812,400.")
        return FaceChoice(at=(float(str(point[0])), float(str(point[1]))))
    if face == "all":
        return FaceChoice(every=True)
    if face and not face.isdecimal():
        raise JobError(f"--face is {face!r}; it takes a number or all.", hint="As in --face 1.")
    return FaceChoice(index=int(face or 0))
