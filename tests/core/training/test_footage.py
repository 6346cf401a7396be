"""Actors as something to learn from: only with consent, and said so wherever weights go."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.core.actorfile import make_actor, write_actor
from faceplate.core.analysis.canonical import canonical_face
from faceplate.core.consent import Consent
from faceplate.core.errors import ConsentError, TrainingError
from faceplate.core.face import HeadPose
from faceplate.core.source import View
from faceplate.core.training.footage import open_actor
from faceplate.core.training.pairs import Framing, open_people
from faceplate.core.training.tasks import kind_of, run_settings


def view(number: int, yaw: float) -> View:
    mesh = np.zeros((478, 3), np.float32)
    mesh[:468] = canonical_face().vertices * [3, -3, -3] + [40, 36, 0]
    mesh[468:] = mesh[[33, 263]].repeat(5, axis=0)
    picture = np.zeros((80, 72, 3), np.float16)
    picture[...] = np.linspace(0.1, 0.6, 72)[None, :, None]
    skin = np.zeros((80, 72), np.float16)
    skin[20:60, 20:56] = 1
    zeros = np.zeros
    return View(
        name=f"ana.{number}.exr", number=number, picture=picture, skin_coverage=skin, mesh=mesh,
        pose=HeadPose(yaw, 1.0, -2.0), expression=zeros(52, np.float32),
        embedding=zeros(128, np.float32), skin=zeros(6, np.float32), noise=zeros(3, np.float32),
        sharpness=0.5, confidence=0.9, face_height=50.0,
    )  # fmt: skip


def actor(path: Path, *, shots: tuple[str, ...] = ("training",), **consent: Any) -> Path:
    record = Consent(performer="Ana", reference="r7", scope="tests", shots=shots, **consent)
    views = [view(1, 0.0), view(2, 20.0)]
    points = np.array([[0.0, 1.0], [20.0, 1.0]])
    neutral = np.zeros((478, 3))
    made = make_actor(
        "ana", views, points=points, radius=2.0, neutral=neutral, consent=record, notes=[]
    )
    write_actor(path, made)
    return path


def test_views_of_an_actor_join_the_rendered_persons(people_set: Path, tmp_path: Path) -> None:
    path = actor(tmp_path / "ana.actor", expires=date(2999, 1, 1))

    people = open_people([str(people_set), str(path)])

    assert [len(views) for views in people.views] == [3] * 8 + [2]
    first, second = people.views[-1]
    np.testing.assert_array_equal(people.poses[second], [20, 1, -2])
    made = pickle.loads(pickle.dumps(people)).view(first, Framing(), 64)
    assert 0.3 < made.face.mean() < 0.9
    # Nose tip and picture: light grows to the right over 72 pixels.
    x, y = made.points[54] * 64
    place = canonical_face().vertices[4] * [3, -3, -3] + [40, 36, 0]
    assert made.linear[int(y), int(x), 0] == pytest.approx(0.1 + 0.5 * place[0] / 71, abs=0.03)


def test_weights_that_learnt_from_a_person_say_so(
    people_set: Path, tmp_path: Path, as_trained: Callable[[Any], dict[str, Any]]
) -> None:
    path = actor(tmp_path / "ana.actor", expires=date(2999, 1, 1))
    table = {
        "network": "blend", "data": [str(people_set), str(path)],
        "task": {"net": {"judge_width": 4}, "holdout": 0.25},
    }  # fmt: skip
    settings = run_settings(table)
    task = kind_of("blend").build(settings, settings.task)

    (model,) = task.models(as_trained(task))

    assert model.performers == ("Ana (r7)",)
    assert "1 of them real" in model.training


@pytest.mark.parametrize(
    ("shots", "expires", "said"),
    [
        (("sc01_*",), date(2999, 1, 1), "does not cover the shot 'training'"),
        (("*",), date(2020, 1, 1), "ended on"),
    ],
)
def test_without_consent_to_a_training_nobody_is_learnt_from(
    tmp_path: Path, shots: tuple[str, ...], expires: date, said: str
) -> None:
    path = actor(tmp_path / "ana.actor", shots=shots, expires=expires)

    with pytest.raises(ConsentError, match=said):
        open_actor(path)


def test_what_footage_cannot_tell_is_not_made_up(people_set: Path, tmp_path: Path) -> None:
    path = actor(tmp_path / "ana.actor", expires=date(2999, 1, 1))
    settings = run_settings({"network": "perceptual", "data": [str(people_set), str(path)]})

    with pytest.raises(TrainingError, match="Nothing is known of tags"):
        kind_of("perceptual").build(settings, settings.task)
