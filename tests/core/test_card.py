"""Model cards: what they hold, and which faults in them are named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tomllib

from faceplate.core.card import (
    Licence,
    ModelCard,
    Origin,
    Parameters,
    Tensor,
    card_text,
    read_card,
)
from faceplate.core.errors import ModelMismatchError

CARD = ModelCard(
    name="tiny",
    task="nothing much",
    file="tiny.onnx",
    sha256="0123456789abcdef" * 4,
    bytes=12,
    licence=Licence("CC0-1.0", 'Said by "its" author\\ on paper – tab\there.'),
    origin=Origin("PyPI", "box", "1.2", "box/a.task!b.tflite", "f" * 64),
    inputs=(Tensor("input", (4, 4, 3), "HWC", "codes 0..1"),),
    outputs=(Tensor("a", (2,), "C", "a number"), Tensor("b", (4, 4, 1), "HWC", "a matte")),
    training="noise",
    limits="all of them",
    clearance="open",
    labels=("left", "right"),
)


def written(folder: Path, text: str) -> Path:
    path = folder / "tiny.toml"
    path.write_text(text, encoding="utf-8")
    return path


WITH_TENSORS = replace(CARD, parameters=Parameters("tiny.safetensors", "e" * 64))


@pytest.mark.parametrize(
    "card",
    [CARD, replace(CARD, labels=()), replace(CARD, clearance="grey"), WITH_TENSORS],
)
def test_a_card_written_and_read_is_the_same_card(card: ModelCard, tmp_path: Path) -> None:
    assert read_card(written(tmp_path, card_text(card))) == card


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('task = "nothing much"\n', "", "task is missing"),
        ("bytes = 12", "bytes = 12\ncolour = 1", "unknown key colour"),
        ("bytes = 12", 'bytes = "12"', "bytes is '12'"),
        ("bytes = 12", "bytes = true", "bytes is True"),
        ("bytes = 12", "bytes = 0", "bytes is 0"),
        ('task = "nothing much"', "task = 3", "task is 3"),
        ('task = "nothing much"', 'task = ""', "task is ''"),
        ('clearance = "open"', 'clearance = "free"', "clearance is 'free'"),
        ('clearance = "open"', "clearance = []", r"clearance is \[\]"),
        ('"left"', "1", "labels is"),
        ('spdx = "CC0-1.0"', 'spdx = "CC0-1.0"\nyear = "1"', "unknown key licence.year"),
        ('version = "1.2"', "version = 1.2", "origin.version is 1.2"),
        ("f" * 64, "f" * 63, "origin.sha256 is"),
        ("f" * 64, "F" * 64, "origin.sha256 is"),
        ("shape = [2]", "shape = [2.0]", r"outputs\[0\].shape is"),
        ("shape = [2]", "shape = [-1]", r"outputs\[0\].shape is"),
        ('layout = "HWC"', 'layout = "HW"', r"inputs\[0\].layout is 'HW'"),
        ('file = "tiny.onnx"', 'file = "../tiny.onnx"', "not a plain file name"),
        ('name = "tiny"', 'name = "huge"', "named huge, unlike its file"),
        ("bytes = 12", "bytes =", "not TOML"),
    ],
)
def test_a_faulty_card_is_refused_by_file_and_fault(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    text = card_text(CARD)
    assert old in text
    path = written(tmp_path, text.replace(old, new, 1))

    with pytest.raises(ModelMismatchError, match=said) as caught:
        read_card(path)

    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 3


def test_a_table_that_is_a_text_is_refused(tmp_path: Path) -> None:
    table = tomllib.loads(card_text(CARD))
    text = card_text(CARD).split("[licence]")[0] + 'licence = "MIT"\n[origin]'
    text += card_text(CARD).split("[origin]")[1]
    assert table["licence"]["spdx"] == "CC0-1.0"

    with pytest.raises(ModelMismatchError, match="licence is 'MIT'"):
        read_card(written(tmp_path, text))


def test_a_card_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_bytes(card_text(CARD).encode("utf-16"))

    with pytest.raises(ModelMismatchError, match="not TOML"):
        read_card(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('file = "tiny.safetensors"', 'file = "../tiny.safetensors"', "not a plain file name"),
        ('file = "tiny.safetensors"', 'file = "a\\\\tiny.safetensors"', "not a plain file name"),
        ("e" * 64, "e" * 63, "parameters.sha256 is"),
        ('file = "tiny.safetensors"', "", "parameters.file is missing"),
    ],
)
def test_a_fault_in_where_the_tensors_are_is_named(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    text = card_text(WITH_TENSORS)
    assert text.count(old) == 1

    with pytest.raises(ModelMismatchError, match=said):
        read_card(written(tmp_path, text.replace(old, new)))
