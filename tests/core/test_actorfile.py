"""Actor files: the same bytes, whole, and bound to their consent."""

from __future__ import annotations

import json
import pickle
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from faceplate.core.actorfile import make_actor, read_actor, wipe_actor, write_actor
from faceplate.core.arrays import AnyArray
from faceplate.core.consent import Consent
from faceplate.core.errors import ActorError, ConsentError, JobVersionError
from faceplate.core.face import HeadPose
from faceplate.core.io.archive import array_bytes, read_archive, write_archive
from faceplate.core.io.observations import observation_members
from faceplate.core.source import Actor, View

_CONSENT = Consent(performer="synthetic", reference="r1", scope="tests", shots=("*",))


def _view(number: int, yaw: float = 0.0) -> View:
    rng = np.random.default_rng(number)

    def floats(*shape: int) -> AnyArray:
        return rng.random(shape, np.float32)

    return View(
        name=f"ana.{number}.exr",
        number=number,
        picture=floats(20, 16, 3).astype(np.float16),
        skin_coverage=floats(20, 16).astype(np.float16),
        mesh=floats(478, 3) * 16,
        pose=HeadPose(yaw, 1.5, -2.0),
        expression=floats(52),
        embedding=np.eye(128, dtype=np.float32)[0],
        skin=floats(6),
        noise=floats(3),
        sharpness=0.7,
        confidence=0.9,
        face_height=12.5,
    )


def _actor(*, consent: Consent | None = _CONSENT) -> Actor:
    views = [_view(1), _view(2, 20.0), _view(3, 20.5)]
    points = np.array([[0, 1.5], [20, 1.5], [20, 1.5]])
    neutral = np.random.default_rng(0).random((478, 3))
    return make_actor(
        "ana", views, points=points, radius=2.0, neutral=neutral, consent=consent, notes=["one"]
    )


def test_an_actor_reads_back_as_it_was_written(tmp_path: Path):
    actor = _actor()

    write_actor(tmp_path / "a.actor", actor)
    found = read_actor(tmp_path / "a.actor")

    assert (found.name, found.digest, found.notes) == ("ana", actor.digest, ("one",))
    assert found.consent == _CONSENT
    np.testing.assert_array_equal(found.neutral, actor.neutral)
    np.testing.assert_array_equal(found.map.cell, [0, 1, 1])
    for view, wanted in zip(found.views, actor.views, strict=True):
        for field in View.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(view, field), getattr(wanted, field))


def test_the_bytes_are_the_same_a_second_later(tmp_path: Path):
    write_actor(tmp_path / "a.actor", _actor())
    time.sleep(1.1)
    write_actor(tmp_path / "b.actor", _actor())

    assert (tmp_path / "a.actor").read_bytes() == (tmp_path / "b.actor").read_bytes()


def test_the_digest_sees_every_pixel_and_the_consent():
    actor, bare = _actor(), _actor(consent=None)
    view = _view(1)
    picture = view.picture.copy()
    picture[0, 0, 0] += np.float16(0.5)
    fields = {name: getattr(view, name) for name in View.__dataclass_fields__}
    other = make_actor(
        "ana",
        [View(**{**fields, "picture": picture}), *actor.views[1:]],
        points=actor.map.points,
        radius=2.0,
        neutral=actor.neutral,
        consent=_CONSENT,
        notes=["one"],
    )

    assert len({actor.digest, bare.digest, other.digest}) == 3


def _altered(path: Path, name: str, content: bytes | None) -> None:
    members = read_archive(path)
    members.pop(name, None)
    write_archive(path, members if content is None else members | {name: content})


def _head_with(path: Path, **changes: object) -> bytes:
    head = json.loads(read_archive(path)["actor.json"])
    return json.dumps({**head, **changes}).encode()


@pytest.mark.parametrize("content", [None, b'{"performer": "synthetic"}', b"\xff\xfe"])
def test_another_consent_than_the_bound_one_is_refused(tmp_path: Path, content: bytes | None):
    path = tmp_path / "a.actor"
    write_actor(path, _actor())
    _altered(path, "consent.json", content)

    with pytest.raises(ConsentError, match="consent record"):
        read_actor(path)


def test_a_consent_slipped_into_an_actor_without_one_is_refused(tmp_path: Path):
    path = tmp_path / "a.actor"
    write_actor(path, _actor(consent=None))
    _altered(path, "consent.json", _CONSENT.to_json().encode())

    with pytest.raises(ConsentError, match="bound in"):
        read_actor(path)


def test_another_version_is_named(tmp_path: Path):
    path = tmp_path / "a.actor"
    write_actor(path, _actor())
    _altered(path, "actor.json", _head_with(path, version=99))

    with pytest.raises(JobVersionError, match="version 99"):
        read_actor(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("actor.json", None),
        ("actor.json", b"[]"),
        ("actor.json", b"{}"),
        ("actor.json", b"not json"),
        ("view0001/mesh.npy", None),
        ("view0001/mesh.npy", array_bytes(np.zeros((478, 3), np.float32))),
        ("view0000/picture.npy", b"\x93NUMPY"),
        ("view0000/picture.npy", pickle.dumps("code")),
        ("neutral.npy", array_bytes(np.full((478, 3), np.nan))),
        ("extra.npy", b"more"),
    ],
)
def test_altered_parts_are_one_sentence(tmp_path: Path, name: str, content: bytes | None):
    path = tmp_path / "a.actor"
    write_actor(path, _actor())
    _altered(path, name, content)

    with pytest.raises(ActorError, match=r"^[^\n]*a\.actor[^\n]*\.$"):
        read_actor(path)


@pytest.mark.parametrize("keep", [0, 10, 4000, -30])
def test_a_file_cut_short_is_refused(tmp_path: Path, keep: int):
    path = tmp_path / "a.actor"
    write_actor(path, _actor())
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(ActorError):
        read_actor(path)


def test_a_missing_actor_and_a_foreign_zip_are_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "b.actor", "w") as archive:
        archive.writestr("hello.txt", "hello")

    for name in ("none.actor", "b.actor"):
        with pytest.raises(ActorError, match=name):
            read_actor(tmp_path / name)


def test_wiping_takes_the_actor_and_its_persons_kept_faces_only(tmp_path: Path, face):
    path, cache = tmp_path / "a.actor", tmp_path / "cache"
    write_actor(path, _actor())
    for name, who in (("own", 0), ("other", 5), ("unknown", None)):
        (cache / "ab").mkdir(parents=True, exist_ok=True)
        members = observation_members([face(who=who)], "faces")
        write_archive(cache / "ab" / f"{name}.zip", members)

    removed = wipe_actor(path, cache_folder=cache)

    assert removed == [cache / "ab" / "own.zip", path]
    assert sorted(p.name for p in cache.rglob("*.zip")) == ["other.zip", "unknown.zip"]
    assert not path.exists()


def test_what_is_no_actor_is_not_wiped(tmp_path: Path):
    path = tmp_path / "plate.exr"
    path.write_bytes(b"precious")

    with pytest.raises(ActorError):
        wipe_actor(path)

    assert path.read_bytes() == b"precious"
