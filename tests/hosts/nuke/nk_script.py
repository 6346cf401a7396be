"""What a piece of Nuke script text says, by two readers that share no parsing.

`read_with_tcl` lets a safe Tcl interpreter evaluate the text; `read_plainly` splits it in Python.
Both hand the commands to one `Stage`, which keeps Nuke's stack and refuses what Nuke would refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

NODE_KINDS = frozenset(
    {"Constant", "CornerPin2D", "Dot", "Expression", "Grade", "Group", "Input", "Merge2", "NoOp"}
    | {"Output", "Read", "Roto", "STMap", "Switch", "Tracker4", "Write"}
)
USER_KINDS = frozenset({1, 2, 3, 4, 6, 7, 12, 20, 22, 26, 41})


class ScriptError(Exception):
    """The text is not what Nuke reads."""


@dataclass
class Node:
    """A node of a script: its class, its words, what its pipes come from, what is inside."""

    kind: str
    knobs: dict[str, str]
    user: dict[str, list[str]]
    inputs: list[Node | None]
    inside: list[Node] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.knobs["name"]

    def node(self, name: str) -> Node:
        return next(node for node in self.inside if node.name == name)


Split = Callable[[str], list[str]]
"""Text of a list to its words."""


class Stage:
    """Builds nodes from commands, with Nuke's stack."""

    def __init__(self, split: Split, commands: Callable[[str], Iterator[str]]) -> None:
        self.split, self.commands = split, commands
        self.layers: dict[str, list[str]] = {}
        self.version = ""
        self._levels: list[list[Node]] = [[]]
        self._stacks: list[list[Node | None]] = [[]]
        self._names: dict[str, Node | None] = {}
        self._pasted_onto: Node | None = None

    @property
    def nodes(self) -> list[Node]:
        if len(self._levels) != 1:
            raise ScriptError("a group has no end_group")
        return self._levels[0]

    def stack(self, depth: int) -> str:
        """Return a handle for what is at a depth of the stack; the script's own is 0."""
        stack = self._stacks[-1]
        found = stack[-1 - depth] if depth < len(stack) else None
        handle = f"node{len(self._names)}" if found is not None else "0"
        self._names[handle] = found
        return handle

    def push(self, handle: str) -> None:
        if handle != "0" and handle not in self._names:
            raise ScriptError(f"push {handle}: nothing is called so")
        self._stacks[-1].append(None if handle == "0" else self._names[handle])

    def command(self, name: str, words: list[str]) -> None:
        if name == "push":
            self.push(*words)
        elif name == "version":
            self.version = " ".join(words)
        elif name == "add_layer":
            layer, *channels = self.split(words[0])
            if any(not channel.startswith(f"{layer}.") for channel in channels):
                raise ScriptError(f"add_layer {layer}: channels {channels}")
            self.layers[layer] = channels
        elif name == "end_group":
            self._end_group()
        elif name in NODE_KINDS:
            self._add(name, *words)
        else:
            raise ScriptError(f"unknown command {name}")

    def _add(self, kind: str, body: str) -> None:
        knobs: dict[str, str] = {}
        user: dict[str, list[str]] = {}
        for line in self.commands(body):
            name, *values = self.split(line)
            if name == "addUserKnob":
                words = self.split(values[0])
                if len(values) != 1 or int(words[0]) not in USER_KINDS or words[1] in user:
                    raise ScriptError(f"addUserKnob {values}")
                user[words[1]] = words
                continue
            if len(values) != 1 or name in knobs:
                raise ScriptError(f"{kind}: {line}")
            knobs[name] = values[0]
        count = int(knobs.pop("inputs", "1"))
        stack = self._stacks[-1]
        if count > len(stack):
            raise ScriptError(f"{kind} takes {count} from a stack of {len(stack)}")
        inputs = [stack.pop() for _ in range(count)]
        node = Node(kind, knobs, user, inputs)
        if any(other.name == node.name for other in self._levels[-1]):
            raise ScriptError(f"two nodes are called {node.name}")
        self._levels[-1].append(node)
        stack.append(node)
        if kind == "Group":
            self._levels.append(node.inside)
            self._stacks.append([])

    def _end_group(self) -> None:
        if len(self._levels) == 1:
            raise ScriptError("end_group without a group")
        inside = self._levels.pop()
        self._stacks.pop()
        if [node.kind for node in inside].count("Output") != 1:
            raise ScriptError("a group needs one Output")


def read_with_tcl(text: str) -> Stage:
    """Let Tcl read a script; only ``set`` and ``stack`` are commands, all others come to us.

    Raises:
        ImportError: this Python has no tkinter.
        ScriptError: braces, quotes, or what `Stage` refuses.
    """
    import tkinter

    tcl = tkinter.Tcl()
    tcl.eval("interp create -safe nk")

    def commands(body: str) -> Iterator[str]:
        text = ""
        for line in body.splitlines():
            text = f"{text}\n{line}" if text else line.strip()
            if text and tcl.call("info", "complete", text):
                yield text
                text = ""
        if text:
            raise ScriptError(f"open braces or quotes in {text!r}")

    stage = Stage(lambda words: list(tcl.splitlist(words)), commands)
    failures: list[Exception] = []

    def heard(name: str, *words: str) -> str:
        try:
            if name == "stack":
                return stage.stack(int(words[0]))
            stage.command(name, list(words))
        except Exception as error:
            failures.append(error)
            raise
        return ""

    tcl.createcommand("heard", heard)
    tcl.eval("foreach c [nk eval {info commands}] { if {$c ne {set}} { nk hide $c } }")
    tcl.eval("interp alias nk unknown {} heard")
    # A copied node begins by asking what is selected where it is put: here, nothing.
    stage.push("0")
    try:
        tcl.call("nk", "eval", text)
    except tkinter.TclError as error:
        raise ScriptError(str(failures[0] if failures else error)) from error
    return stage


def read_plainly(text: str) -> Stage:
    """Read a script without Tcl.

    Raises:
        ScriptError: braces, quotes, or what `Stage` refuses.
    """
    stage = Stage(split_list, plain_commands)
    stage.push("0")
    variables: dict[str, str] = {}
    for line in plain_commands(text):
        name, *words = split_list(line)
        if name == "set":
            variable, value = line.split(maxsplit=2)[1:]
            if value != "[stack 0]":
                raise ScriptError(line)
            variables[variable] = stage.stack(0)
            continue
        stage.command(name, [variables[w[1:]] if w.startswith("$") else w for w in words])
    return stage


def plain_commands(body: str) -> Iterator[str]:
    """Put lines together until their braces are closed."""
    lines: list[str] = []
    depth = 0
    for line in body.splitlines():
        lines += [line if lines else line.strip()]
        depth += _balance(line)
        if depth < 0:
            raise ScriptError("a brace too many")
        if depth == 0:
            yield from filter(None, ["\n".join(lines)])
            lines = []
    if lines:
        raise ScriptError(f"open braces in {lines[0]!r}")


_SPECIAL = {"n": "\n", "t": "\t"}


def split_list(text: str) -> list[str]:
    """Split a Tcl list into its words, one level deep."""
    words: list[str] = []
    i = 0
    while i < len(text):
        if text[i].isspace():
            i += 1
        elif text[i] == "{":
            end = _closing(text, i)
            words.append(text[i + 1 : end])
            i = end + 1
        elif text[i] == '"':
            word, i = _unescaped(text, i + 1, '"')
            words.append(word)
            i += 1
        else:
            word, i = _unescaped(text, i, None)
            words.append(word)
    return words


def _unescaped(text: str, i: int, end: str | None) -> tuple[str, int]:
    letters: list[str] = []
    while i < len(text):
        letter = text[i]
        if letter == "\\":
            letters.append(_SPECIAL.get(text[i + 1], text[i + 1]))
            i += 2
            continue
        if letter == end or (end is None and letter.isspace()):
            return "".join(letters), i
        letters.append(letter)
        i += 1
    if end is not None:
        raise ScriptError("a quote is open")
    return "".join(letters), i


def _closing(text: str, start: int) -> int:
    depth, i = 0, start
    while i < len(text):
        if text[i] == "\\":
            i += 2
            continue
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return i
        i += 1
    raise ScriptError("a brace is open")


def _balance(text: str) -> int:
    depth, i = 0, 0
    while i < len(text):
        if text[i] == "\\":
            i += 2
            continue
        depth += (text[i] == "{") - (text[i] == "}")
        i += 1
    return depth
