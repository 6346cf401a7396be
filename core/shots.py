"""Shot files: what one shot needs, in TOML, over the defaults of its show."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tomllib
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceplate.core.errors import FaceplateError, InputError
from faceplate.core.footage import FIRST_MOVIE_FRAME, FrameRange, find_footage
from faceplate.core.io.element import open_element
from faceplate.core.io.roto import open_roto
from faceplate.core.job import FaceChoice, Job
from faceplate.core.qcjob import Limits
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.face import FACE_QC, FACE_SWAP, LIMIT_KNOBS, TRAIN_IDENTITY
from faceplate.nodes.footage import COMPRESSION_KNOB, LAYERS_KNOB
from faceplate.nodes.node import Knob
from faceplate.ocio.config import INSIDE

SHOW_FILE = "show.toml"
"""Defaults of a show; the nearest one in the shot's folder or above it counts."""


class ShotFileError(InputError):
    """A shot file, a show's defaults or a ``--set`` that cannot be used."""

    def __init__(self, where: str, key: str, reason: str, hint: str) -> None:
        entry = f": {key}" if key else ""
        super().__init__(f"{where}{entry} {reason}.", hint=hint, file=where, key=key, reason=reason)


@dataclass(frozen=True, slots=True)
class ShotOrder:
    """A shot that was read.

    Attributes:
        file: where it stands.
        job: what is to be done, complete.
        revocations: list of withdrawn consents, or None.
        limits: what the finished shot may measure.
    """

    file: Path
    job: Job
    revocations: Path | None
    limits: Limits


class _Table(BaseModel):
    """A table; unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Shot(_Table):
    name: str = ""
    plate: str = ""
    start: int = FIRST_MOVIE_FRAME
    frames: str = ""
    colorspace: str = ""
    ocio: str = ""
    track: str = ""
    official: list[Literal["dsfd", "hrnet", "hopenet", "segmenter"]] = []
    matte_in: str = ""
    task: Literal["swap", "complete", "reenact", "blend"] = "swap"
    element: str = ""


class _Actor(_Table):
    file: str = ""
    finetune: bool = False
    finetune_samples: int | None = None
    finetune_seed: int | None = None


class _Face(_Table):
    index: int | None = None
    at: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    reference: str = ""
    all: bool = False


class _Output(_Table):
    comp: str = ""
    layers: list[str] | str | None = None
    layer_prefix: str = ""
    compression: str = "zip"
    contact_sheet: bool = True
    draft: bool = False
    lossy: bool = False
    overwrite: bool = False


class _Consent(_Table):
    revocations: str = ""


_KNOBS: Mapping[str, Knob] = {k.name: k for k in FACE_SWAP.knobs if k is not LAYERS_KNOB}
_LIMITS: Mapping[str, Knob] = {knob.name: knob for knob in LIMIT_KNOBS}
_TABLES: Mapping[str, type[_Table]] = {
    "shot": _Shot,
    "actor": _Actor,
    "face": _Face,
    "output": _Output,
    "consent": _Consent,
}
_KEYS: Mapping[str, Sequence[str]] = {
    **{table: list(model.model_fields) for table, model in _TABLES.items()},
    "swap": list(_KNOBS),
    "qc": list(_LIMITS),
}
# A show says how its shots are done, and not which.
_SHOT_ONLY = frozenset(
    {"shot.name", "shot.plate", "shot.frames", "shot.track", "shot.matte_in", "shot.task"}
    | {"shot.element", "output.comp"}
)
_PATHS = frozenset(
    {"shot.plate", "shot.ocio", "shot.track", "shot.matte_in", "shot.element", "actor.file"}
    | {"face.reference", "output.comp", "consent.revocations"}
)
"""Entries that are relative to the file they stand in."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A value and the file, or option, that says it."""

    value: Any
    where: str


_Entries = dict[str, _Entry]
"""By ``table.key``."""


def read_shot(
    path: Path,
    *,
    show: Path | None = None,
    sets: Sequence[str] = (),
    frames: str = "",
    ocio: str | None = None,
) -> ShotOrder:
    """Read a shot file as a job.

    Args:
        path: the shot file.
        show: the show's defaults; None takes the nearest ``show.toml`` from the shot's folder up.
        sets: ``table.key=value`` or ``key=value``, which win over both files.
        frames: wins over all.
        ocio: config of a shot of which nobody says one; ``ocio = ""`` says the built-in one.

    Raises:
        ShotFileError: not there, not TOML, an unknown key, a wrong type, or a file that it names
            is not there.
    """
    show = _nearest_show(path) if show is None else show
    entries: _Entries = {}
    if show is not None:
        entries |= _entries_of(show, shows=True)
    own = _entries_of(path)
    if any(key.startswith("face.") for key in own):  # a face is chosen in one way
        entries = {key: entry for key, entry in entries.items() if not key.startswith("face.")}
    entries |= own
    for text in sets:
        key, value = _said(text)
        if key.startswith("face."):
            entries = {k: entry for k, entry in entries.items() if not k.startswith("face.")}
        entries[key] = _Entry(value, f"--set {text}")
    if frames:
        entries["shot.frames"] = _Entry(frames, "--frames")
    if ocio is not None:
        entries.setdefault("shot.ocio", _Entry(ocio, "$OCIO"))
    return _order(path, entries)


def _nearest_show(path: Path) -> Path | None:
    for folder in Path(os.path.abspath(path)).parents:  # noqa: PTH100 - links stay as they are
        if (folder / SHOW_FILE).is_file():
            return folder / SHOW_FILE
    return None


# --- text to entries --------------------------------------------------------------------------


def _entries_of(path: Path, *, shows: bool = False) -> _Entries:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = f"cannot be read ({(error.strerror or str(error)).lower()})"
        raise ShotFileError(str(path), "", reason, "Check the path.") from error
    except ValueError as error:
        hint = 'A line reads key = "text", key = 1.5 or key = { 1001 = 0.0 }.'
        raise ShotFileError(str(path), "", f"is not TOML: {error}", hint) from error
    entries: _Entries = {}
    for table, content in found.items():
        if table not in _KEYS:
            raise _unknown(str(path), f"[{table}]", table, [f"[{name}]" for name in _KEYS])
        if not isinstance(content, dict):
            raise ShotFileError(
                str(path), table, "is not a table", f"Write [{table}] on a line of its own."
            )
        for key, value in content.items():
            full = f"{table}.{key}"
            if key not in _KEYS[table]:
                raise _unknown(str(path), full, key, _KEYS[table])
            if shows and full in _SHOT_ONLY:
                reason = "belongs to one shot and not to a show"
                raise ShotFileError(str(path), full, reason, "Say it in the shot file.")
            entries[full] = _Entry(_placed(full, value, path.parent), str(path))
    return entries


def _placed(key: str, value: Any, folder: Path) -> Any:
    """Return a path as seen from here; anything else as it is."""
    if key not in _PATHS or not isinstance(value, str) or not value or value.startswith(INSIDE):
        return value
    return os.path.join(os.path.abspath(folder), value)  # noqa: PTH100, PTH118 - it has patterns


def _unknown(where: str, key: str, wrong: str, known: Sequence[str]) -> ShotFileError:
    near = difflib.get_close_matches(wrong, [name.strip("[]") for name in known], 1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
    return ShotFileError(where, key, "is not known", hint)


def _said(text: str) -> tuple[str, Any]:
    """Read a ``--set``: a key, with its table or without, and a value as TOML or plain text."""
    key, equals, said = text.partition("=")
    key, where = key.strip(), f"--set {text}"
    if not equals or not key:
        hint = "Write it as shape=0.5 or output.draft=true."
        raise ShotFileError(where, "", "is not key=value", hint)
    try:
        value = tomllib.loads(f"value = {said}")["value"]
    except ValueError:
        value = said.strip()
    if "." in key:
        table, _, name = key.partition(".")
        if table not in _KEYS:
            raise _unknown(where, f"[{table}]", table, list(_KEYS))
        if name not in _KEYS[table]:
            raise _unknown(where, key, name, _KEYS[table])
    else:
        tables = [table for table, keys in _KEYS.items() if key in keys]
        if not tables:
            raise _unknown(where, key, key, sorted({k for keys in _KEYS.values() for k in keys}))
        key = f"{tables[0]}.{key}"
    return key, _placed(key, value, Path())


# --- entries to a job -------------------------------------------------------------------------


def _order(path: Path, entries: _Entries) -> ShotOrder:
    tables = {name: _table(name, model, entries) for name, model in _TABLES.items()}
    shot, actor, face = tables["shot"], tables["actor"], tables["face"]
    output, consent = tables["output"], tables["consent"]
    assert isinstance(shot, _Shot)
    assert isinstance(actor, _Actor)
    assert isinstance(face, _Face)
    assert isinstance(output, _Output)
    assert isinstance(consent, _Consent)
    for key, example in (("shot.plate", "plates/sc01.%04d.exr"), ("output.comp", "comp.%04d.exr")):
        if key not in entries or not entries[key].value:
            table, _, name = key.partition(".")
            raise ShotFileError(
                str(path), key, "is missing", f'Write {name} = "{example}" under [{table}].'
            )
    knobs = _knobs(entries)
    if output.layers is not None:
        knobs["layers"] = _checked(entries, "output.layers", LAYERS_KNOB, output.layers)
    _checked(entries, "output.compression", COMPRESSION_KNOB, output.compression)
    _find_files(entries)
    delivery = Delivery(
        output=output.comp,
        name=shot.name,
        face=_choice(entries, face),
        track=shot.track or None,
        official=tuple(shot.official),
        matte_in=shot.matte_in or None,
        task=shot.task,
        element=shot.element or None,
        start=shot.start,
        ocio=shot.ocio or None,
        layer_prefix=output.layer_prefix,
        compression=output.compression,
        draft=output.draft,
        lossy=output.lossy,
        overwrite=output.overwrite,
        contact_sheet=output.contact_sheet,
    )
    plate = {"pattern": shot.plate, "colorspace": shot.colorspace, "frames": shot.frames}
    source = {"file": actor.file} if actor.file else None
    graph = swap_graph(plate, source, knobs, _training(entries, actor, knobs))
    try:
        job = job_of(graph, "swap", delivery)
    except FaceplateError as error:
        if actor.file:
            raise
        hint = 'Name it as file = "ana.actor" under [actor], or ask for layers = ["matte"] only.'
        raise ShotFileError(str(path), "actor.file", "is missing", hint) from error
    revocations = Path(consent.revocations) if consent.revocations else None
    return ShotOrder(path, job, revocations, _limits(entries))


def _table(name: str, model: type[_Table], entries: _Entries) -> _Table:
    own = {key.partition(".")[2]: e for key, e in entries.items() if key.startswith(f"{name}.")}
    try:
        return model.model_validate({key: entry.value for key, entry in own.items()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0])
        entry = own[key]
        reason = f"is {entry.value!r}, which will not do: {first['msg'].lower()}"
        hint = f"It takes {_wanted(model, key)}."
        raise ShotFileError(entry.where, f"{name}.{key}", reason, hint) from error


def _wanted(model: type[_Table], key: str) -> str:
    words = {"at": "two numbers, as [812, 400]", "layers": 'a list, as ["comp", "matte"]'}
    words["official"] = 'a list of "dsfd", "hrnet", "hopenet" and "segmenter"'
    words["task"] = "one of swap, complete, reenact and blend"
    kind = model.model_fields[key].annotation
    plain = {str: "text in quotes", int: "a whole number", bool: "true or false"}
    return words.get(key) or plain.get(kind, "a whole number")  # type: ignore[arg-type]


def _knobs(entries: _Entries) -> dict[str, object]:
    return {
        name: _checked(entries, f"swap.{name}", knob, entries[f"swap.{name}"].value)
        for name, knob in _KNOBS.items()
        if f"swap.{name}" in entries
    }


def _limits(entries: _Entries) -> Limits:
    said = {
        name: _checked(entries, f"qc.{name}", knob, entries[f"qc.{name}"].value)
        for name, knob in _LIMITS.items()
        if f"qc.{name}" in entries
    }
    values: dict[str, Any] = {**FACE_QC.values({}), **said}
    return Limits(**{name: values[name] for name in _LIMITS})


def _training(
    entries: _Entries, actor: _Actor, knobs: Mapping[str, object]
) -> Mapping[str, object] | None:
    """Return the knobs of the fine-tuning, or None for none."""
    said = {
        name: _checked(entries, f"actor.finetune_{name}", TRAIN_IDENTITY.knob(name), value)
        for name, value in (("samples", actor.finetune_samples), ("seed", actor.finetune_seed))
        if value is not None
    }
    if not actor.finetune:
        return None
    method = knobs.get("method", _KNOBS["method"].default)
    if method != "fsgan":
        reason = f"is true, and the method {method} has no network to fine-tune"
        hint = 'Say method = "fsgan" under [swap], or finetune = false.'
        key = "actor.finetune"
        raise ShotFileError(entries[key].where, key, reason, hint)
    return said


def _checked(entries: _Entries, key: str, knob: Knob, value: Any) -> Any:
    """Return a knob's value as the job holds it."""
    where = entries[key].where if key in entries else ""
    try:
        return knob.check(value)
    except FaceplateError as error:
        raise ShotFileError(
            where, key, f"is {value!r}, which will not do", f"It takes {knob.wanted}."
        ) from error


def _choice(entries: _Entries, face: _Face) -> FaceChoice:
    said = [key for key in entries if key.startswith("face.") and entries[key].value]
    said += ["face.index"] * (face.index == 0)
    if len(said) > 1:
        raise ShotFileError(
            entries[said[1]].where,
            said[1],
            f"chooses a face, and so does {said[0].partition('.')[2]}",
            "Keep one of index, at, reference and all.",
        )
    if face.at is not None:
        return FaceChoice(at=(face.at[0], face.at[1]))
    if face.reference:
        return FaceChoice(reference=face.reference)
    return FaceChoice(every=True) if face.all else FaceChoice(index=face.index or 0)


def _find_files(entries: _Entries) -> None:
    """Look for every file that is named, so that the error can say where it is named."""

    def is_file(path: str) -> None:
        if not Path(path).is_file():
            raise InputError(f"{path} is not there")

    finders: Mapping[str, Callable[[str], object]] = {
        "shot.plate": find_footage,
        "shot.frames": FrameRange.parse,
        "shot.ocio": is_file,
        "shot.track": is_file,
        "shot.matte_in": open_roto,
        "shot.element": open_element,
        "actor.file": is_file,
        "face.reference": is_file,
        "consent.revocations": is_file,
    }
    for key, find in finders.items():
        entry = entries.get(key)
        if entry is None or not entry.value or entry.value.startswith(INSIDE):
            continue
        try:
            find(entry.value)
        except FaceplateError as error:
            reason = f"will not do: {str(error).rstrip('.')}"
            hint = error.hint or "Check the path; it counts from the folder of the file."
            raise ShotFileError(entry.where, key, reason, hint) from error
