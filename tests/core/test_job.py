"""Jobs: JSON there and back, keys, and a hash of what changes pixels."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplate.core.errors import JobError, JobVersionError
from faceplate.core.job import VERSION, FaceChoice, Finetune, Job, Keys, Knobs, job_hash, value_at
from faceplate.core.jobfile import read_job

KNOBS = Knobs(
    method="warp",
    weights="small",
    mix=Keys(((1001, 0.0), (1010, 1.0))),
    shape=0.3,
    expression=1.0,
    pose="full",
    views=3,
    steps=1,
    eyes="auto",
    mouth="auto",
    erode=0.0,
    feather=12.0,
    light=1.0,
    seam=1.0,
    sharpness="auto",
    motion_blur=180.0,
    grain=1.0,
    confidence=0.3,
    smoothing=1.0,
)
JOB = Job(
    name="sc042_0130",
    plate="plate.%04d.exr",
    start=1001,
    colorspace="ACEScg",
    ocio=None,
    actor="ana.actor",
    track=None,
    official=("dsfd",),
    matte_in=None,
    task="swap",
    element=None,
    finetune=None,
    face=FaceChoice(index=0),
    frames="1001-1100x2",
    output="comp.%04d.exr",
    layers=("comp", "face", "matte"),
    layer_prefix="",
    compression="zip",
    knobs=KNOBS,
    policy="pass",
    missing="error",
    seed=0,
    draft=False,
    lossy=False,
    overwrite=False,
    contact_sheet=True,
)
OTHER: dict[str, Any] = {
    "name": "sc1",
    "plate": "other.%04d.exr",
    "start": 1,
    "colorspace": None,
    "ocio": "studio.ocio",
    "actor": None,
    "track": "shot.track",
    "official": (),
    "matte_in": "roto.%04d.exr:matte",
    "task": "blend",
    "element": "hand.%04d.exr:face",
    "finetune": Finetune(samples=120, seed=4),
    "face": FaceChoice(at=(812.0, 400.5)),
    "frames": None,
    "output": "renders/comp.%04d.exr",
    "layers": ("comp",),
    "layer_prefix": "fp_",
    "compression": "zips",
    "knobs": dataclasses.replace(KNOBS, grain=0.5),
    "policy": "hold",
    "missing": "skip",
    "seed": 1,
    "draft": True,
    "lossy": True,
    "overwrite": True,
    "contact_sheet": False,
}
NOT_PIXELS = {
    *("plate", "ocio", "actor", "track", "official", "matte_in", "element"),
    *("frames", "output", "overwrite", "contact_sheet"),
}
OTHER_KNOBS: dict[str, Any] = {
    "method": "hybrid",
    "weights": "official",
    "steps": 3,
    "pose": "pose-only",
    "views": 1,
    "eyes": "plate",
    "mouth": "source",
    "sharpness": 1.5,
    "motion_blur": "auto",
}


def hash_of(job: Job, **changes: Any) -> str:
    facts: dict[str, Any] = {
        "pixel_version": 1,
        "models": {"face_mesh478": "aa"},
        "track_digest": "t",
        "actor_digest": "a",
        "plate_digest": "p",
        "config_id": "c",
    }
    return job_hash(job, **{**facts, **changes})


@pytest.mark.parametrize("field", OTHER)
def test_every_field_comes_back_from_json(field: str) -> None:
    job = dataclasses.replace(JOB, **{field: OTHER[field]})

    assert job != JOB
    assert read_job(job.to_json()) == job


@pytest.mark.parametrize(
    "face", [FaceChoice(index=3), FaceChoice(reference="ana.jpg"), FaceChoice(every=True)]
)
def test_every_choice_of_a_face_comes_back_from_json(face: FaceChoice) -> None:
    job = dataclasses.replace(JOB, face=face)

    assert read_job(job.to_json()).face == face


def test_the_table_of_other_values_covers_every_field() -> None:
    assert set(OTHER) == {field.name for field in dataclasses.fields(Job)}


@pytest.mark.parametrize("field", OTHER)
def test_hash_changes_with_what_changes_pixels_and_only_with_that(field: str) -> None:
    job = dataclasses.replace(JOB, **{field: OTHER[field]})

    assert (hash_of(job) == hash_of(JOB)) == (field in NOT_PIXELS)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Knobs)])
def test_hash_changes_with_every_knob(field: str) -> None:
    knobs = dataclasses.replace(KNOBS, **{field: OTHER_KNOBS.get(field, 0.25)})

    assert hash_of(dataclasses.replace(JOB, knobs=knobs)) != hash_of(JOB)


@pytest.mark.parametrize(
    "change",
    [
        {"pixel_version": 2},
        {"models": {"face_mesh478": "bb"}},
        {"models": {}},
        {"track_digest": "u"},
        {"actor_digest": "u"},
        {"plate_digest": "u"},
        {"config_id": "u"},
    ],
)
def test_hash_changes_with_every_input(change: dict[str, Any]) -> None:
    assert hash_of(JOB, **change) != hash_of(JOB)


def test_hash_keeps_digests_apart() -> None:
    assert hash_of(JOB, track_digest="a", actor_digest="t") != hash_of(JOB)


def test_hash_is_the_same_for_a_job_that_went_through_json() -> None:
    whole = dataclasses.replace(JOB, knobs=dataclasses.replace(KNOBS, grain=1))

    assert hash_of(read_job(whole.to_json())) == hash_of(whole)


@pytest.mark.parametrize("where", [(), ("knobs",), ("face",)])
def test_an_unknown_entry_is_an_error_that_names_it(where: tuple[str, ...]) -> None:
    content = json.loads(JOB.to_json())
    place = content
    for key in where:
        place = place[key]
    place["fether"] = 1

    with pytest.raises(JobError, match=r"fether|face is"):
        read_job(json.dumps(content))


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("seed", 1.5),
        ("seed", True),
        ("draft", 1),
        ("plate", 3),
        ("plate", None),
        ("layers", "comp"),
        ("layers", [1]),
        ("knobs", []),
        ("face", {"at": [1]}),
        ("face", {}),
        ("face", {"index": 0, "all": True}),
    ],
)
def test_a_value_of_the_wrong_kind_is_an_error(entry: str, value: object) -> None:
    content = {**json.loads(JOB.to_json()), entry: value}

    with pytest.raises(JobError):
        read_job(json.dumps(content))


@pytest.mark.parametrize("mix", [{}, {"x": 1}, {"1001": "a"}, "NaN", True, None, [1]])
def test_a_knob_without_numbers_is_an_error(mix: object) -> None:
    content = json.loads(JOB.to_json())
    content["knobs"]["mix"] = mix

    with pytest.raises(JobError):
        read_job(json.dumps(content))


def test_a_missing_entry_is_an_error_that_names_it() -> None:
    content = json.loads(JOB.to_json())
    del content["policy"]

    with pytest.raises(JobError, match="policy"):
        read_job(json.dumps(content))


def test_another_version_is_refused() -> None:
    content = {**json.loads(JOB.to_json()), "version": VERSION + 1}

    with pytest.raises(JobVersionError, match=f"version {VERSION + 1}"):
        read_job(json.dumps(content))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null"])
def test_text_that_is_no_job_is_refused(text: str) -> None:
    with pytest.raises(JobError):
        read_job(text)


@given(
    st.dictionaries(st.integers(-2000, 2000), st.floats(-10, 10), min_size=1, max_size=6),
    st.integers(-2100, 2100),
)
def test_keys_stay_between_their_neighbours(keys: dict[int, float], frame: int) -> None:
    curve = Keys.from_mapping(keys)
    before = [keys[n] for n in sorted(keys) if n <= frame][-1:]
    after = [keys[n] for n in sorted(keys) if n >= frame][:1]
    around = before + after

    value = value_at(curve, frame)

    assert min(around) - 1e-9 <= value <= max(around) + 1e-9
    assert all(curve.at(n) == pytest.approx(keys[n], abs=1e-12) for n in keys)


def test_keys_are_linear_between() -> None:
    assert value_at(KNOBS.mix, 1004) == pytest.approx(1 / 3)


@pytest.mark.parametrize("points", [(), ((2, 0.0), (1, 0.0)), ((1, 0.0), (1, 1.0))])
def test_keys_out_of_order_are_refused(points: tuple[tuple[int, float], ...]) -> None:
    with pytest.raises(JobError):
        Keys(points)


def test_a_face_is_chosen_in_one_way_only() -> None:
    with pytest.raises(JobError):
        FaceChoice(index=0, every=True)
