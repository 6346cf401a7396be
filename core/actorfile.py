"""Actor files: one reproducible archive with a JSON head, arrays, and the consent bound in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from faceplate.core.analysis.identity import SAME_PERSON, identity_distance
from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.consent import Consent, consent_from_json
from faceplate.core.errors import (
    ActorError,
    ConsentError,
    ContractError,
    DiskError,
    InputError,
    JobVersionError,
)
from faceplate.core.face import HeadPose
from faceplate.core.io.archive import array_bytes, array_of, read_archive, write_archive
from faceplate.core.io.atomic import reason_of
from faceplate.core.io.observations import observations_in
from faceplate.core.io.taught import taught_files
from faceplate.core.source import Actor, View
from faceplate.core.stages.appearance import AppearanceMap

VERSION = 1
_HEAD, _CONSENT = "actor.json", "consent.json"
_MOST_VIEWS = 4096
_ARRAYS = ("picture", "skin_coverage", "mesh", "expression", "embedding", "skin", "noise")
_NUMBERS = ("sharpness", "confidence", "face_height")


def make_actor(
    name: str,
    views: Sequence[View],
    *,
    points: AnyArray,
    radius: float,
    neutral: AnyArray,
    consent: Consent | None,
    notes: Sequence[str] = (),
) -> Actor:
    """Return an actor with its map and digest.

    Args:
        points: (V, 2) yaw and pitch at which the map holds each view, degrees; a view that stands
            for an expression lies where the calm view of its cell lies.
        radius: of the map's thinning, degrees.
    """
    layout = AppearanceMap.build(np.asarray(points, np.float64), radius=radius)
    neutral = np.array(neutral, np.float64)
    bare = Actor(name, tuple(views), layout, neutral, consent, tuple(notes), "")
    digest = _digest(_members(bare))
    return Actor(name, tuple(views), layout, neutral, consent, tuple(notes), digest)


def write_actor(path: Path, actor: Actor) -> None:
    """Write an actor; the same actor gives the same bytes, and the file appears whole or not.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    write_archive(path, _members(actor))


def read_actor(path: Path) -> Actor:
    """Return the actor in a file, bit for bit as it was written.

    Raises:
        ActorError: not there, not an actor file, damaged, or altered.
        ConsentError: its consent record is missing, or not the one that was bound in.
        JobVersionError: an actor file of another version.
    """
    members = read_archive(path, error=ActorError)
    try:
        head = json.loads(members[_HEAD])
        if not isinstance(head, dict):
            raise TypeError("its head is not an object")
        if head["version"] != VERSION:
            raise JobVersionError(f"Actor {path}", head["version"], VERSION)
        consent = _bound_consent(path, head["consent"], members.get(_CONSENT))
        if head["digest"] != _digest(members):
            raise ValueError("its content was altered")
        return _actor(head, members, consent)
    except (KeyError, ValueError, TypeError, ContractError) as cause:
        raise ActorError(
            f"{path} is not an actor file, or a damaged one: {_reason(cause)}.",
            hint="Run `faceplate actor build` again.",
            path=str(path),
        ) from cause


def wipe_actor(path: Path, *, cache_folder: Path | None = None) -> list[Path]:
    """Remove an actor file, and what a cache keeps of the same person's face.

    Networks that were taught this actor go, and kept analyses of any footage that shows the
    person; they are only ever a copy of what can be computed again.

    Returns:
        The files that were removed, sorted; the actor file last.

    Raises:
        ActorError: not there, or not an actor file; then nothing is removed.
        DiskError: a file cannot be removed.
    """
    actor = read_actor(path)
    found = [] if cache_folder is None else sorted(cache_folder.glob("??/*.zip"))
    doomed = [file for file in found if _shows(file, actor.embedding)]
    doomed += [] if cache_folder is None else taught_files(cache_folder, actor.digest)
    doomed.append(path)
    for file in doomed:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise DiskError(str(file), reason_of(error)) from error
    return doomed


def _shows(file: Path, embedding: FloatArray) -> bool:
    try:
        faces = observations_in(read_archive(file), "faces")
    except (InputError, KeyError, ValueError):
        return False  # of another stage, or damaged: the cache drops those by itself
    return bool(embedding.any()) and any(
        face.embedding.any() and identity_distance(face.embedding, embedding) < SAME_PERSON
        for face in faces
    )


def _members(actor: Actor) -> dict[str, bytes]:
    members = {
        "neutral.npy": array_bytes(actor.neutral),
        "points.npy": array_bytes(actor.map.points),
    }
    rows = []
    for index, view in enumerate(actor.views):
        for field in _ARRAYS:
            members[f"view{index:04d}/{field}.npy"] = array_bytes(getattr(view, field))
        pose = [view.pose.yaw, view.pose.pitch, view.pose.roll]
        numbers = {field: getattr(view, field) for field in _NUMBERS}
        rows.append({"name": view.name, "number": view.number, "pose": pose, **numbers})
    record = None if actor.consent is None else actor.consent.to_json().encode()
    if record is not None:
        members[_CONSENT] = record
    head = {
        "version": VERSION,
        "name": actor.name,
        "radius": actor.map.radius,
        "views": rows,
        "notes": list(actor.notes),
        "consent": None if record is None else _hash(record),
        "digest": actor.digest,
    }
    return members | {_HEAD: json.dumps(head, indent=1, sort_keys=True).encode()}


def _hash(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def _digest(members: Mapping[str, bytes]) -> str:
    """Hash all members by name; in the head, everything but the place of the digest itself."""
    head = {**json.loads(members[_HEAD]), "digest": ""}
    total = blake2b(json.dumps(head, sort_keys=True).encode(), digest_size=16)
    for name in sorted(members.keys() - {_HEAD}):
        total.update(f"{name}\n{_hash(members[name])}\n".encode())
    return total.hexdigest()


def _bound_consent(path: Path, wanted: Any, record: bytes | None) -> Consent | None:
    if wanted is None and record is None:
        return None
    if wanted is None or record is None or wanted != _hash(record):
        reason = "is missing" if record is None else "is not the one that was bound in"
        raise ConsentError(
            f"The consent record in {path} {reason}.",
            hint="Build the actor again with --consent FILE.",
            path=str(path),
        )
    try:
        return consent_from_json(record.decode(), str(path))
    except UnicodeDecodeError as cause:
        raise ConsentError(
            f"The consent record in {path} is not text.",
            hint="Build the actor again with --consent FILE.",
            path=str(path),
        ) from cause


def _actor(head: dict[str, Any], members: Mapping[str, bytes], consent: Consent | None) -> Actor:
    rows = head["views"]
    if not 0 < len(rows) <= _MOST_VIEWS:
        raise ValueError(f"it has {len(rows)} views")
    views = tuple(_view(row, members, f"view{index:04d}") for index, row in enumerate(rows))
    points = array_of(members["points.npy"])
    return Actor(
        name=str(head["name"]),
        views=views,
        map=AppearanceMap.build(points, radius=float(head["radius"])),
        neutral=array_of(members["neutral.npy"]),
        consent=consent,
        notes=tuple(str(note) for note in head["notes"]),
        digest=str(head["digest"]),
    )


def _view(row: dict[str, Any], members: Mapping[str, bytes], prefix: str) -> View:
    arrays = {field: array_of(members[f"{prefix}/{field}.npy"]) for field in _ARRAYS}
    numbers = {field: float(row[field]) for field in _NUMBERS}
    pose = HeadPose(*(float(angle) for angle in row["pose"]))
    for field, array in (*arrays.items(), ("pose", np.array(row["pose"]))):
        if not np.isfinite(array).all():
            raise ValueError(f"{field} of {row['name']} is not finite")
    named: dict[str, Any] = {**arrays, **numbers}
    return View(name=str(row["name"]), number=int(row["number"]), pose=pose, **named)


def _reason(cause: Exception) -> str:
    return f"it has no {cause}" if isinstance(cause, KeyError) else str(cause).rstrip(".")
