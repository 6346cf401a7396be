"""The consent record: reading it, and whether a final render may go by it."""

from __future__ import annotations

import json
from datetime import date
from fnmatch import fnmatchcase
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

import tomllib
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from faceplate.core.errors import ConsentError

SYNTHETIC = "synthetic"
"""The performer of a face that belongs to nobody; needs no end date."""

Revocations: TypeAlias = frozenset[str]
"""References and digests of records that were withdrawn."""

_DRAFT = "Ask for a record that covers it, or look at it with --draft, which burns a mark in."


class Signature(BaseModel):
    """An Ed25519 signature as it stands in the file. It is kept and shown, and not checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    key: str
    value: str


class Consent(BaseModel):
    """What a performer agreed to, as somebody wrote it down.

    Attributes:
        performer: name, or "synthetic".
        reference: the paper that this stands for.
        scope: what it is for, in words; shown, not checked.
        shots: names or patterns (``sc042_*``) of the shots that may use it.
        expires: last day on which it holds; None only for a synthetic performer.
        signature: kept as written, or None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    performer: str
    reference: str
    scope: str
    shots: tuple[str, ...]
    expires: date | None = None
    signature: Signature | None = None

    @field_validator("performer", "reference")
    @classmethod
    def _said(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be empty")
        return value

    @field_validator("shots", mode="before")
    @classmethod
    def _as_tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _ends(self) -> Consent:
        if self.expires is None and self.performer != SYNTHETIC:
            raise ValueError('expires is needed, unless performer is "synthetic"')
        return self

    @property
    def digest(self) -> str:
        """Hash of what was agreed to, 32 hexadecimal digits; a signature does not change it."""
        content = self.model_dump(mode="json", exclude={"signature"})
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def covers(self, shot: str) -> bool:
        """Return whether a shot of this name may use the record."""
        return any(fnmatchcase(shot, pattern) for pattern in self.shots)

    def to_json(self) -> str:
        """Return the record as JSON text; `consent_from_json` reads it back."""
        return self.model_dump_json()


def read_consent(path: Path) -> Consent:
    """Read a consent file, TOML with one table ``[consent]``.

    Raises:
        ConsentError: not there, not TOML, or an entry is unknown, missing or wrong.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unusable(str(path), error.strerror or str(error)) from error
    except ValueError as error:
        raise _unusable(str(path), f"it is not TOML: {error}") from error
    # A [signature] table may stand beside the record it signs.
    unknown = sorted(found.keys() - {"consent", "signature"})
    if unknown or not isinstance(found.get("consent"), dict):
        reason = f"unknown table [{unknown[0]}]" if unknown else "it has no table [consent]"
        raise _unusable(str(path), reason)
    record = dict(found["consent"])
    if "signature" in found:
        record["signature"] = found["signature"]
    return _checked(record, str(path))


def consent_from_json(text: str, where: str) -> Consent:
    """Read a record that is bound into a file.

    Args:
        text: what `Consent.to_json` gave.
        where: the file that it comes from, for the error's sentence.

    Raises:
        ConsentError: not such a record.
    """
    try:
        record = json.loads(text)
        expires = record.get("expires") if isinstance(record, dict) else None
        if isinstance(expires, str):
            record["expires"] = date.fromisoformat(expires)
    except ValueError as error:
        raise _unusable(where, f"it is damaged: {error}") from error
    return _checked(record, where)


def _checked(record: Any, where: str) -> Consent:
    try:
        return Consent.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        reason = {
            "extra_forbidden": f"{key} is not an entry of it",
            "missing": f"{key} is missing",
        }.get(first["type"], f"{key}: {first['msg']}" if key else str(first["msg"]))
        raise _unusable(where, reason.removeprefix("Value error, ")) from error


def _unusable(where: str, reason: str) -> ConsentError:
    return ConsentError(
        f"The consent record {where} cannot be used: {reason}.",
        hint="It takes performer, reference, scope, shots and expires, as in the README.",
        where=where,
        reason=reason,
    )


def read_revocations(path: Path | None) -> Revocations:
    """Read a list of withdrawn records: a reference or a digest a line, # begins a comment.

    Args:
        path: the list, or None for an empty one.

    Raises:
        ConsentError: the list cannot be read; then nobody knows what was withdrawn.
    """
    if path is None:
        return frozenset()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConsentError(
            f"The list of withdrawn consents {path} cannot be read.",
            hint="No final is rendered without it. Mend the path, or use --draft.",
            path=str(path),
            reason=str(error),
        ) from error
    return frozenset(line.partition("#")[0].strip() for line in lines) - {""}


def check_consent(
    consent: Consent | None, shot: str, today: date, revocations: Revocations | None = None
) -> None:
    """Return if a final render of a shot may use a record.

    Args:
        consent: the actor's record, or None.
        shot: the shot's name.
        today: the day that expiry goes by.
        revocations: what was withdrawn; None is nothing.

    Raises:
        ConsentError: no record, withdrawn, expired, or for other shots.
    """
    consent = check_validity(consent, today, revocations)
    if not consent.covers(shot):
        raise ConsentError(
            f"{_name(consent)} does not cover the shot {shot!r}; "
            f"it covers {', '.join(consent.shots)}.",
            hint=_DRAFT,
            shot=shot,
            shots=list(consent.shots),
        )


def check_validity(
    consent: Consent | None, today: date, revocations: Revocations | None = None
) -> Consent:
    """Return the record if it holds today, for whatever shots.

    Raises:
        ConsentError: no record, withdrawn, or expired.
    """
    if consent is None:
        raise ConsentError(
            "The actor has no consent record.",
            hint="Build it again with --consent FILE, or look at it with --draft, which burns a "
            "mark in.",
        )
    if revocations and revocations & {consent.reference, consent.digest}:
        raise ConsentError(
            f"{_name(consent)} was withdrawn.", hint=_DRAFT, reference=consent.reference
        )
    if consent.expires is not None and today > consent.expires:
        raise ConsentError(
            f"{_name(consent)} ended on {consent.expires.isoformat()}.",
            hint=_DRAFT,
            expires=consent.expires.isoformat(),
        )
    return consent


def _name(consent: Consent) -> str:
    return f"The consent {consent.reference!r} of {consent.performer}"
