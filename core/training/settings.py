"""Settings of a training run: frozen dataclasses, TOML, and single values from a command line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

import tomllib

from faceplate.core.errors import TrainingError

Schedule: TypeAlias = Literal["one-cycle", "cosine", "step", "constant"]
"""How the learning rate changes over a stage: see `schedule.rate_at`."""

Precision: TypeAlias = Literal["float32", "bfloat16"]
"""What the networks compute in; weights are float32 in either case."""

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class StageSettings:
    """A part of a run at one picture size; stages follow each other with the same weights.

    Attributes:
        size_px: side of the pictures.
        batch: pictures in one step, for each process.
        steps: how many steps.
        rate: the highest learning rate; a network may take a share of it.
        schedule: how the rate changes.
        warmup: share of the stage in which the rate rises.
        halve_every: steps after which the schedule "step" halves the rate.
    """

    size_px: int = 128
    batch: int = 16
    steps: int = 10_000
    rate: float = 2e-3
    schedule: Schedule = "one-cycle"
    warmup: float = 0.1
    halve_every: int = 4_000

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            TrainingError: a value out of range.
        """
        _within("size_px", self.size_px, 8, 4096)
        _within("batch", self.batch, 1, 65536)
        _within("steps", self.steps, 1, 10**9)
        _within("rate", self.rate, 0.0, 1.0)
        _within("warmup", self.warmup, 0.0, 1.0)
        _within("halve_every", self.halve_every, 1, 10**9)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Everything that decides what a run computes; the same settings give the same weights.

    Attributes:
        network: name of the task in `tasks.TASKS`.
        data: folders to learn from.
        validation: folders to judge by; none means held-out persons of ``data``.
        seed: of everything random.
        stages: in order.
        decay: of the averaged weights, per step.
        clip: largest norm of a network's gradient.
        precision: what the networks compute in.
        workers: processes that prepare batches; 0 prepares them in between. Changes no result.
        save_every: steps between checkpoints.
        validate_every: steps between validations.
        validate_on: pictures of each validation; the shipped weights are judged on all.
        draw_every: steps between pictures for TensorBoard.
        name: what the model will be called.
        task: the task's own settings.
    """

    network: str
    data: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    seed: int = 0
    stages: tuple[StageSettings, ...] = field(default_factory=lambda: (StageSettings(),))
    decay: float = 0.999
    clip: float = 1.0
    precision: Precision = "float32"
    workers: int = 1
    save_every: int = 250
    validate_every: int = 2_000
    validate_on: int = 200
    draw_every: int = 1_000
    name: str = ""
    task: Any = None

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            TrainingError: a value out of range.
        """
        _within("seed", self.seed, 0, 2**63 - 1)
        _within("the number of stages", len(self.stages), 1, 100)
        _within("decay", self.decay, 0.0, 1.0)
        _within("clip", self.clip, 1e-6, math.inf)
        _within("workers", self.workers, 0, 64)
        for name in ("save_every", "validate_every", "validate_on", "draw_every"):
            _within(name, getattr(self, name), 1, 10**9)

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def scaled(self, steps: int) -> RunSettings:
        """Return the same run with ``steps`` steps in all, shared out in the same proportions.

        Raises:
            TrainingError: fewer steps than stages.
        """
        _within("steps", steps, len(self.stages), 10**9)
        stages, left, total = [], steps, self.steps
        for number, stage in enumerate(self.stages):
            after = len(self.stages) - number - 1
            share = max(1, min(round(left * stage.steps / total), left - after))
            share = share if after else left
            stages.append(replace(stage, steps=share))
            left, total = left - share, total - stage.steps
        return replace(self, stages=tuple(stages))


def read_table(path: Path) -> dict[str, Any]:
    """Return the TOML table in a file.

    Raises:
        TrainingError: not there, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(
            f"{path} cannot be read: {(error.strerror or str(error)).lower()}.",
            hint="Check the name given to --config.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} is not TOML: {error}.", hint="Mend that line.") from error


def with_values(table: Mapping[str, Any], values: Sequence[str]) -> dict[str, Any]:
    """Return a table with some values changed.

    >>> with_values({"stages": [{"steps": 5}]}, ["stages.0.steps=7", "network=segment"])
    {'stages': [{'steps': 7}], 'network': 'segment'}

    Args:
        table: as TOML gives it.
        values: ``key=value``, with a dotted key; a value that is not TOML is a text.

    Raises:
        TrainingError: no "=", or a key that leads nowhere.
    """
    changed = json.loads(json.dumps(table))
    for text in values:
        key, equals, value = text.partition("=")
        *way, last = key.split(".")
        place = changed
        for part in way:
            place = _entry(place, part, text)
        if not equals or (isinstance(place, list) and not _is_index(place, last)):
            raise _no_such(text)
        place[int(last) if isinstance(place, list) else last] = _value(value)
    return changed


def settings_from(kind: type[Kind], table: Mapping[str, Any], where: str = "") -> Kind:
    """Return settings from a table; what the table leaves out has its default.

    >>> settings_from(StageSettings, {"steps": 3}).steps
    3

    Raises:
        TrainingError: an unknown key, one without a default that is missing, or a wrong kind.
    """
    hints = get_type_hints(kind)
    known = [one.name for one in fields(kind)]  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise TrainingError(
                f"The settings have an unknown key {where}{key}.",
                hint=f"Known here: {', '.join(known)}.",
                key=f"{where}{key}",
            )
    for one in fields(kind):  # type: ignore[arg-type]
        if one.name not in table and one.default is one.default_factory is MISSING:
            raise TrainingError(f"The settings lack {where}{one.name}.", hint="Say it.")
    given = {key: _fit(hints[key], value, f"{where}{key}") for key, value in table.items()}
    return kind(**given)


def settings_table(settings: Any) -> dict[str, Any]:
    """Return settings as a table that `settings_from` reads back."""
    table = {}
    for one in fields(settings):
        value = getattr(settings, one.name)
        if value is not None:
            table[one.name] = _plain(value)
    return table


def settings_text(settings: Any) -> str:
    """Return settings as TOML."""
    return "\n".join(_toml(settings_table(settings), "")) + "\n"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return settings_table(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _toml(table: Mapping[str, Any], title: str) -> list[str]:
    lines, below = [], []
    for key, value in table.items():
        if isinstance(value, dict):
            below += ["", f"[{title}{key}]", *_toml(value, f"{title}{key}.")]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for row in value:
                below += ["", f"[[{title}{key}]]", *_toml(row, f"{title}{key}.")]
        else:
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    return lines + below


def _fit(hint: Any, value: Any, where: str) -> Any:
    """Return a TOML value as what a field's type asks for."""
    origin, inside = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return settings_from(hint, value, f"{where}.")
    if origin is tuple and isinstance(value, list | tuple):
        if len(inside) == 2 and inside[1] is Ellipsis:
            return tuple(_fit(inside[0], one, f"{where}.{k}") for k, one in enumerate(value))
        if len(inside) == len(value):
            pairs = enumerate(zip(inside, value, strict=True))
            return tuple(_fit(kind, one, f"{where}.{k}") for k, (kind, one) in pairs)
    if origin is Literal and value in inside:
        return value
    if origin is UnionType and type(value) in inside:
        return value
    if hint is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    raise TrainingError(
        f"The setting {where} is {value!r}; it takes {_words(hint)}.",
        hint="Mend it in the file, or with --set.",
        key=where,
    )


def _words(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple:
        inside = get_args(hint)
        count = "" if inside[-1] is Ellipsis else f"{len(inside)} times "
        return f"a list of {count}{_words(inside[0])}"
    plain = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    return plain.get(hint, "a table")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise TrainingError(
            f"The setting {name} is {value}; it takes {low:g} to {high:g}.",
            hint="Mend it in the file, or with --set.",
            key=name,
        )


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _is_index(place: list[Any], key: str) -> bool:
    return key.isdecimal() and int(key) < len(place)


def _entry(place: Any, key: str, text: str) -> Any:
    if isinstance(place, list) and _is_index(place, key):
        return place[int(key)]
    if isinstance(place, dict):
        return place.setdefault(key, {})
    raise _no_such(text)


def _no_such(text: str) -> TrainingError:
    return TrainingError(
        f"--set {text} names no setting.", hint="As in --set stages.0.steps=5000.", value=text
    )
