"""Reads jobs from JSON, and refuses what it does not know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from math import isfinite
from typing import Any

from faceplate.core.errors import JobError, JobVersionError
from faceplate.core.job import VERSION, FaceChoice, Finetune, Job, Keys, Knobs
from faceplate.core.qcjob import KIND, Limits, QcJob


def read_job(text: str) -> Job:
    """Read a job that `Job.to_json` wrote.

    Raises:
        JobError: not JSON, or an entry is unknown, missing or of the wrong kind.
        JobVersionError: made by another version.
    """
    found = _parsed(text)
    kind = found.pop("kind", None)
    if kind is not None:
        raise JobError(f"This is a job of kind {kind!r}, and no render.", kind=kind)
    return _job(found)


def read_qc_job(text: str) -> QcJob:
    """Read a job that `QcJob.to_json` wrote.

    Raises:
        JobError: not JSON, not of kind "qc", or an entry is unknown, missing or wrong.
        JobVersionError: made by another version.
    """
    found = _parsed(text)
    if found.pop("kind", None) != KIND:
        raise JobError("This job does not measure a finished shot.", hint="Compile a FaceQC.")
    return QcJob(**_fields("The job", found, QcJob))


def _parsed(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise JobError(f"The job is not JSON: {error}.") from error
    found = _table("job", parsed)
    version = found.pop("version", None)
    if version != VERSION:
        raise JobVersionError("The job", version, VERSION)
    return found


def _fields(where: str, found: Mapping[str, Any], record: type) -> dict[str, Any]:
    """Return the entries of a record, each as its field is declared."""
    kinds = {field.name: str(field.type) for field in fields(record)}
    _check_keys(where, found, set(kinds))
    return {key: _read(key, found[key], kinds[key]) for key in kinds}


def _wrong(key: str, value: object, wanted: str) -> JobError:
    return JobError(f"Job entry {key} is {value!r}; it takes {wanted}.", key=key)


def _table(key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(key, value, "an object")
    return dict(value)


def _check_keys(where: str, found: Mapping[str, object], wanted: set[str]) -> None:
    unknown, absent = sorted(found.keys() - wanted), sorted(wanted - found.keys())
    if unknown:
        raise JobError(
            f"{where} has an unknown entry {unknown[0]}.",
            hint=f"It takes: {', '.join(sorted(wanted))}.",
            unknown=unknown,
        )
    if absent:
        raise JobError(
            f"{where} lacks the entry {absent[0]}.",
            hint="Make the job with `faceplate` or nodes.compile; it fills everything in.",
            absent=absent,
        )


def _job(found: dict[str, Any]) -> Job:
    return Job(**_fields("The job", found, Job))


def _read_knobs(found: dict[str, Any]) -> Knobs:
    return Knobs(**_fields("The job's knobs", found, Knobs))


def _read_face(found: dict[str, Any]) -> FaceChoice:
    _check_keys("The job's face", found, {"index", "at", "reference", "all"} & found.keys())
    unknown = sorted(found.keys() - {"index", "at", "reference", "all"})
    if unknown or len(found) != 1:
        raise _wrong("face", found, 'one of "index", "at", "reference", "all"')
    at = found.get("at")
    if at is not None and not (
        isinstance(at, list) and len(at) == 2 and all(_is_number(part) for part in at)
    ):
        raise _wrong("face.at", at, "two numbers")
    return FaceChoice(
        _read("face.index", found.get("index"), "int | None"),
        (float(at[0]), float(at[1])) if at is not None else None,
        _read("face.reference", found.get("reference"), "str | None"),
        _read("face.all", found.get("all", False), "bool"),
    )


def _read_finetune(found: dict[str, Any]) -> Finetune:
    kinds = {field.name: str(field.type) for field in fields(Finetune)}
    _check_keys("The job's finetune", found, set(kinds))
    return Finetune(**{key: _read(f"finetune.{key}", found[key], kinds[key]) for key in kinds})


def _read_keys(key: str, found: dict[str, Any]) -> Keys:
    try:
        keys = {int(frame): value for frame, value in found.items()}
    except ValueError:
        raise _wrong(key, found, "frame numbers as keys") from None
    if len(keys) != len(found) or not all(_is_number(value) for value in keys.values()):
        raise _wrong(key, found, "keys with a number for each frame")
    return Keys.from_mapping(keys)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _read(key: str, value: Any, kind: str) -> Any:
    """Return a JSON value as the type that a field is declared with (its annotation as text)."""
    if value is None and kind.endswith("| None"):
        return None
    kind = kind.removesuffix(" | None")
    if kind == "Knobs":
        return _read_knobs(_table(key, value))
    if kind == "FaceChoice":
        return _read_face(_table(key, value))
    if kind == "Finetune":
        return _read_finetune(_table(key, value))
    if kind == "Limits":
        return Limits(**_fields("The job's limits", _table(key, value), Limits))
    if kind == "tuple[str, ...]":
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return tuple(value)
        raise _wrong(key, value, "a list of words")
    if kind in ("Number", "Choice") and isinstance(value, dict):
        return _read_keys(key, value)
    if kind in ("Number", "Choice", "float") and _is_number(value):
        return float(value)
    if kind == "int" and _is_number(value) and not isinstance(value, float):
        return value
    if (kind in ("str", "Choice") and isinstance(value, str)) or (
        kind == "bool" and isinstance(value, bool)
    ):
        return value
    raise _wrong(key, value, _IN_WORDS[kind])


_IN_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "Number": "a number or keys",
    "Choice": "a number, a word or keys",
}
