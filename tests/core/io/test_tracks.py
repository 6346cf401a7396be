from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from faceplate.core.errors import JobVersionError, TrackError
from faceplate.core.face import FaceObservation, HeadPose, Origin
from faceplate.core.io.archive import read_archive, write_archive
from faceplate.core.io.tracks import read_track, write_track
from faceplate.core.track import FaceTrack, ShotTrack

FaceMaker = Callable[..., FaceObservation]


@pytest.fixture
def shot(face: FaceMaker) -> ShotTrack:
    first = {
        n: face(n, pose=HeadPose(n - 1003.0, 1.5, -2.0), confidence=1 / (n - 999))
        for n in range(1001, 1005)
    }
    second = {n: face(n, who=2, height=40.0, origin=Origin.FILLED) for n in (-3, 1002)}
    return ShotTrack(
        tracks=[FaceTrack(0, first, (1003,)), FaceTrack(1, second)],
        frames=(-3, 1001, 1002, 1003, 1004, 1009),
        plate_hash="ab12",
        space="ACEScg",
        gain=0.1 + 0.2,
    )


def test_a_track_comes_back_bit_for_bit(shot: ShotTrack, tmp_path: Path) -> None:
    write_track(tmp_path / "a.track", shot)

    found = read_track(tmp_path / "a.track")

    for name in ("frames", "plate_hash", "space", "gain"):
        assert getattr(found, name) == getattr(shot, name)
    for mine, theirs in zip(shot.tracks, found.tracks, strict=True):
        assert (mine.index, mine.cuts) == (theirs.index, theirs.cuts)
        assert list(mine.observations) == list(theirs.observations)
        for number, seen in mine.observations.items():
            back = theirs.observations[number]
            for name in ("number", "box", "pose", "sharpness", "confidence", "origin"):
                assert getattr(back, name) == getattr(seen, name)
            for name in ("mesh", "expression", "embedding", "skin", "noise"):
                assert getattr(back, name).tobytes() == getattr(seen, name).tobytes()


def test_writing_again_gives_the_same_bytes(shot: ShotTrack, tmp_path: Path) -> None:
    write_track(tmp_path / "a", shot)
    write_track(tmp_path / "b", read_track(tmp_path / "a"))

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_shot_without_a_face_is_a_track_file(tmp_path: Path) -> None:
    write_track(tmp_path / "a", ShotTrack([], (1, 2), "00", "ACEScg", 1.0))

    assert read_track(tmp_path / "a").tracks == []


def test_another_version_is_named(shot: ShotTrack, tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_track(path, shot)
    members = read_archive(path)
    head = json.loads(members["track.json"])
    write_archive(path, members | {"track.json": json.dumps(head | {"version": 99}).encode()})

    with pytest.raises(JobVersionError, match="version 99; this engine reads version 1"):
        read_track(path)


@pytest.mark.parametrize(
    "change",
    [
        {"track.json": b"[]"},
        {"track.json": b"{"},
        {"track.json": b"{}"},
        {"track.json": b"\xff\xfe"},
        {"track.json": b'{"version": 1}'},
        {"face0/mesh.npy": b""},
        {"face0/mesh.npy": b"\x93NUMPY\x01\x00"},
        {"face0/origin.npy": None},
        {"track.json": None},
    ],
    ids=str,
)
def test_a_damaged_track_is_a_track_error(
    shot: ShotTrack, tmp_path: Path, change: dict[str, bytes | None]
) -> None:
    path = tmp_path / "a"
    write_track(path, shot)
    members = {**read_archive(path), **change}
    write_archive(path, {name: content for name, content in members.items() if content is not None})

    with pytest.raises(TrackError):
        read_track(path)


@pytest.mark.parametrize("content", [None, b"", b"hello"])
def test_other_files_are_track_errors(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a").write_bytes(content)

    with pytest.raises(TrackError, match="cannot be used"):
        read_track(tmp_path / "a")


def test_fields_of_different_lengths_are_refused(shot: ShotTrack, tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_track(path, shot)
    members = read_archive(path)

    write_archive(path, members | {"face0/mesh.npy": members["face1/mesh.npy"]})

    with pytest.raises(TrackError, match="mesh"):
        read_track(path)
