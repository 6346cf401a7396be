"""Track files: one archive with a JSON head and arrays beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from faceplate.core.errors import JobVersionError, TrackError
from faceplate.core.io.archive import read_archive, write_archive
from faceplate.core.io.observations import observation_members, observations_in
from faceplate.core.track import FaceTrack, ShotTrack

VERSION = 1
_HEAD = "track.json"
_MOST_BYTES = 2**30


def write_track(path: Path, shot_track: ShotTrack) -> None:
    """Write a solved shot; the same track gives the same bytes.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    write_archive(path, _members(shot_track))


def track_digest(shot_track: ShotTrack) -> str:
    """Return a hash of everything in a track, hexadecimal; equal for equal files."""
    digest = blake2b(digest_size=16)
    for name, content in sorted(_members(shot_track).items()):
        digest.update(name.encode() + b"\0" + len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def _members(shot_track: ShotTrack) -> dict[str, bytes]:
    head = {
        "version": VERSION,
        "frames": list(shot_track.frames),
        "plate_hash": shot_track.plate_hash,
        "space": shot_track.space,
        "gain": shot_track.gain,
        "tracks": [{"index": t.index, "cuts": list(t.cuts)} for t in shot_track.tracks],
    }
    members = {_HEAD: json.dumps(head, indent=1, sort_keys=True).encode()}
    for track in shot_track.tracks:
        members |= observation_members(list(track.observations.values()), f"face{track.index}")
    return members


def read_track(path: Path) -> ShotTrack:
    """Return the solved shot in a track file, bit for bit as it was written.

    Raises:
        TrackError: not there, not a track file, or a damaged one.
        JobVersionError: a track file of another version.
    """
    members = read_archive(path, error=TrackError, most_bytes=_MOST_BYTES)
    try:
        head = json.loads(members[_HEAD])
        if not isinstance(head, dict):
            raise TypeError("the head is not an object")
        if head["version"] != VERSION:
            raise JobVersionError(f"Track {path}", head["version"], VERSION)
        return _shot_track(head, members)
    except (KeyError, ValueError, TypeError) as cause:
        raise TrackError(
            f"{path} is not a track file, or a damaged one: {cause}.",
            hint="Run `faceplate track` again.",
            path=str(path),
        ) from cause


def _shot_track(head: Mapping[str, Any], members: Mapping[str, bytes]) -> ShotTrack:
    return ShotTrack(
        tracks=[
            FaceTrack(
                index=int(track["index"]),
                observations={
                    o.number: o for o in observations_in(members, f"face{int(track['index'])}")
                },
                cuts=tuple(int(number) for number in track["cuts"]),
            )
            for track in head["tracks"]
        ],
        frames=tuple(int(number) for number in head["frames"]),
        plate_hash=str(head["plate_hash"]),
        space=str(head["space"]),
        gain=float(head["gain"]),
    )
