"""Texts of the command line become knob values and a choice of face."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceplate.core.errors import JobError, KnobError
from faceplate.core.job import FaceChoice
from faceplate.core.options import choose_face, parse_knob
from faceplate.nodes.face import FACE_SWAP


@pytest.mark.parametrize(
    ("knob", "text", "value"),
    [
        ("mix", "0.5", 0.5),
        ("mix", "1", 1),
        ("mix", "1001=0,1010=1", {1001: 0, 1010: 1}),
        ("mix", "-3=0.25", {-3: 0.25}),
        ("sharpness", "auto", "auto"),
        ("sharpness", "1.5", 1.5),
        ("views", "2", 2),
        ("eyes", "plate", "plate"),
        ("layers", "matte,comp", "matte,comp"),
        ("seed", "7", 7),
    ],
)
def test_a_knobs_text_is_its_value(knob: str, text: str, value: object) -> None:
    assert parse_knob(FACE_SWAP.knob(knob), text) == value


@pytest.mark.parametrize(
    ("knob", "text"),
    [
        ("mix", "1.5"),
        ("mix", "nan"),
        ("mix", "inf"),
        ("mix", "auto"),
        ("mix", ""),
        ("mix", "1001=0,1010"),
        ("mix", "1001.5=0"),
        ("mix", "a=0"),
        ("mix", "=0"),
        ("mix", "1001=2"),
        ("smoothing", "1001=1"),
        ("views", "4"),
        ("views", "2.0"),
        ("eyes", "both"),
        ("layers", "comp,comp"),
        ("layers", ""),
        ("seed", "-1"),
    ],
)
def test_a_text_that_the_knob_does_not_take_is_refused_by_name(knob: str, text: str) -> None:
    with pytest.raises(KnobError, match=f"Knob {knob} is "):
        parse_knob(FACE_SWAP.knob(knob), text)


@pytest.mark.parametrize(
    ("face", "at", "reference", "choice"),
    [
        ("", "", None, FaceChoice(index=0)),
        ("2", "", None, FaceChoice(index=2)),
        ("all", "", None, FaceChoice(every=True)),
        ("", "812,400.5", None, FaceChoice(at=(812.0, 400.5))),
        ("", "", Path("ana.jpg"), FaceChoice(reference="ana.jpg")),
    ],
)
def test_a_face_is_chosen_by_one_option(
    face: str, at: str, reference: Path | None, choice: FaceChoice
) -> None:
    assert choose_face(face, at, reference) == choice


@pytest.mark.parametrize(
    ("face", "at", "reference"),
    [
        ("1", "3,4", None),
        ("1", "", Path("ana.jpg")),
        ("largest", "", None),
        ("-1", "", None),
        ("", "812", None),
        ("", "8,x", None),
    ],
)
def test_a_choice_that_cannot_be_read_is_refused(
    face: str, at: str, reference: Path | None
) -> None:
    with pytest.raises(JobError):
        choose_face(face, at, reference)
