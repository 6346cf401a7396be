"""Looks through a pickle without running it: what it would look up, and how deep it nests."""

from __future__ import annotations

import pickletools
from pathlib import Path
from typing import IO

from faceplate.core.errors import ModelMismatchError, ModelUntrustedError

ALLOWED = frozenset(
    {
        ("collections", "OrderedDict"),
        ("torch._utils", "_rebuild_tensor"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch._utils", "_rebuild_parameter"),
        ("torch", "Size"),
        ("torch", "device"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "scalar"),
        ("_codecs", "encode"),
        *(
            ("torch", f"{kind}Storage")
            for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Byte", "Bool")
        ),
    }
)
"""Module and name of all that a state of plain tensors needs."""

_DEEPEST = 50
_BY_STACK = {"STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4", "NEWOBJ_EX"}
"""Ways to look up that PyTorch does not write; a name, if any, is among the words before."""

_MAKES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "LIST", "DICT", "FROZENSET", "REDUCE", "NEWOBJ"}
_FILLS = {"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"}


def scan_pickle(stream: IO[bytes], path: Path) -> None:
    """Read one pickle to its end, and let it pass if it only builds tensors by name.

    Nothing is looked up or built. Nesting is followed too: Python itself breaks on a key made of
    a million tuples in each other.

    Args:
        stream: stands at the pickle, and stands behind it afterwards.
        path: of the file, for errors.

    Raises:
        ModelUntrustedError: it would look up something else, or nests without end.
        ModelMismatchError: it is no pickle, or has no end.
    """
    depths = _Depths()
    words: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name == "GLOBAL":
                module, _, name = str(argument).partition(" ")
                if (module, name) not in ALLOWED:
                    raise _asks(path, f"{module}.{name}")
            elif opcode.name in _BY_STACK:
                raise _asks(path, ".".join(words[-2:]) or "something")
            elif isinstance(argument, str):
                words.append(argument)
            depths.follow(opcode, argument)
            if depths.deepest > _DEEPEST:
                raise ModelUntrustedError(
                    f"{path} is refused: its contents nest deeper than any network's.",
                    hint="Get the file from where its authors published it.",
                    path=str(path),
                )
    # What genops raises on damaged bytes, and a stack that is popped while empty.
    except (ValueError, LookupError, EOFError, OverflowError) as error:
        raise ModelMismatchError(
            f"{path} cannot be imported: it is cut short or damaged.",
            hint="Get the file again from where it was published.",
            path=str(path),
        ) from error


def _asks(path: Path, what: str) -> ModelUntrustedError:
    return ModelUntrustedError(
        f"{path} is refused: it asks for {what}, which is no tensor; nothing of it was run.",
        hint="Get the file from where its authors published it.",
        path=str(path),
        asks=what,
    )


class _Depths:
    """The stack of an unpickler, with the depth of nesting in place of every object."""

    def __init__(self) -> None:
        self.deepest = 0
        self._stack: list[int] = []
        self._marks: list[int] = []
        self._memo: dict[int, int] = {}

    def follow(self, opcode: pickletools.OpcodeInfo, argument: object) -> None:
        """Do to the depths what ``opcode`` does to the objects."""
        name = opcode.name
        if name == "MARK":
            self._marks.append(len(self._stack))
        elif name.endswith("PUT"):
            self._memo[int(str(argument))] = self._stack[-1]
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._stack[-1]
        elif name.endswith("GET"):
            self._stack.append(self._memo[int(str(argument))])
        elif name == "POP_MARK":
            del self._stack[self._marks.pop() :]
        elif name == "DUP":
            self._stack.append(self._stack[-1])
        else:
            taken = self._take([item.name for item in opcode.stack_before])
            depth = max(taken, default=0)
            if name in _MAKES:
                depth += 1
            elif name in _FILLS:
                depth = max(taken[0], 1 + max(taken[1:], default=-1))
            self.deepest = max(self.deepest, depth)
            self._stack += [depth] * len(opcode.stack_after)

    def _take(self, before: list[str]) -> list[int]:
        """Pop what an opcode takes; the lowest on the stack comes first."""
        start = len(self._stack) - len(before)
        if "mark" in before:
            start = self._marks.pop() - before.index("mark")
        if start < 0:
            raise IndexError("the stack is empty")
        taken = self._stack[start:]
        del self._stack[start:]
        return taken
