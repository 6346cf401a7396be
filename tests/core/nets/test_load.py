"""Loading by name: the shipped models are whole, and a broken one is never run."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from fnmatch import fnmatch
from importlib import resources
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import tomllib

from faceplate.core.card import Tensor, card_text
from faceplate.core.errors import (
    DeviceError,
    KnobError,
    ModelError,
    ModelMismatchError,
    ModelMissingError,
    ModelUnknownError,
    ModelUntrustedError,
)
from faceplate.core.nets.load import check_models, find_card, list_cards, load_network

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = Path(str(resources.files("faceplate.core.models")))
SMALL = "face_det_short"
NAMES = [
    "face_blendshapes52",
    "face_det_full",
    "face_det_short",
    "face_embed",
    "face_mesh478",
    "face_perceptual",
    "face_segment",
    "fsgan_blend",
    "fsgan_complete",
    "fsgan_reenact",
    "selfie_seg",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of models with the smallest one in it."""
    for suffix in ("toml", "onnx"):
        shutil.copy(SHIPPED / f"{SMALL}.{suffix}", tmp_path)
    return tmp_path


def with_card(folder: Path, **changes: object) -> None:
    """Write the card again, with changes."""
    card = replace(find_card(SMALL), **changes)  # type: ignore[arg-type]
    (folder / f"{SMALL}.toml").write_text(card_text(card), encoding="utf-8")


def test_the_promised_models_are_shipped_and_nothing_is_wrong_with_them() -> None:
    found = check_models()

    assert {card.name for card, _ in found} >= set(NAMES)
    assert [str(problem) for _, problem in found if problem is not None] == []


@pytest.mark.parametrize("card", list_cards(), ids=lambda card: card.name)
def test_a_shipped_card_tells_the_truth_about_its_file(card) -> None:  # type: ignore[no-untyped-def]
    content = (SHIPPED / card.file).read_bytes()

    assert len(content) == card.bytes < 10_000_000
    assert hashlib.sha256(content).hexdigest() == card.sha256


def test_shipped_files_are_declared_as_package_data() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = config["tool"]["setuptools"]["package-data"]["*"]
    files = [f for card in list_cards() for f in (card.file, f"{card.name}.toml")]

    missing = [f for f in [*files, "mesh.npz"] if not any(fnmatch(f, p) for p in patterns)]

    assert missing == []


def test_only_the_face_embedding_is_grey() -> None:
    grey = [card.name for card in list_cards() if card.clearance == "grey"]

    assert grey == ["face_embed"]


def test_blendshapes_have_a_label_each() -> None:
    card = find_card("face_blendshapes52")

    assert len(set(card.labels)) == card.outputs[0].shape[0] == 52
    assert {"jawOpen", "eyeBlinkLeft", "eyeBlinkRight"} <= set(card.labels)


@pytest.mark.parametrize("place", [0, 100_000, -1])
def test_one_altered_byte_is_caught(place: int, folder: Path) -> None:
    path = folder / f"{SMALL}.onnx"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)

    with pytest.raises(ModelUntrustedError, match=SMALL) as caught:
        load_network(SMALL, folder=folder)

    assert caught.value.exit_code == 3


def test_a_shortened_file_is_caught(folder: Path) -> None:
    path = folder / f"{SMALL}.onnx"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(ModelUntrustedError, match="213932 bytes"):
        load_network(SMALL, folder=folder)


def test_missing_weights_are_named_with_their_path(folder: Path) -> None:
    (folder / f"{SMALL}.onnx").unlink()

    with pytest.raises(ModelMissingError) as caught:
        load_network(SMALL, folder=folder)

    assert str(folder / f"{SMALL}.onnx") in str(caught.value)


def test_weights_without_a_card_are_not_loaded(folder: Path) -> None:
    (folder / f"{SMALL}.toml").unlink()

    with pytest.raises(ModelMissingError, match=f"{SMALL}.toml"):
        load_network(SMALL, folder=folder)
    with pytest.raises(ModelMissingError, match=f"{SMALL}.toml"):
        list_cards(folder)


@pytest.mark.parametrize("name", ["face_mash478", "", "../models/face_det_short", "mesh"])
def test_an_unknown_name_lists_the_known_ones(name: str) -> None:
    with pytest.raises(ModelUnknownError) as caught:
        load_network(name)

    assert all(known in caught.value.hint for known in NAMES)


def test_a_folder_that_is_not_there_is_an_error_and_not_an_empty_list(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="nowhere"):
        list_cards(tmp_path / "nowhere")


def test_bytes_that_are_vouched_for_but_are_no_network_are_refused(folder: Path) -> None:
    content = b"not a network"
    (folder / f"{SMALL}.onnx").write_bytes(content)
    with_card(folder, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))

    with pytest.raises(ModelMismatchError, match="cannot be loaded"):
        load_network(SMALL, folder=folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": (Tensor("input", (64, 64, 3), "HWC", "codes"),)},
        {"inputs": (Tensor("picture", (128, 128, 3), "HWC", "codes"),)},
        {"inputs": (Tensor("input", (128, 128, 3), "HWC", "codes"),) * 2},
        {"outputs": (Tensor("matte", (896, 1), "NC", "logit"),)},
        {"outputs": (Tensor("scores", (895, 1), "NC", "logit"),)},
    ],
)
def test_weights_that_do_not_fit_their_card_are_refused(
    changes: dict[str, object], folder: Path
) -> None:
    with_card(folder, **changes)

    with pytest.raises(ModelMismatchError, match=f"weights of {SMALL} do not fit its card"):
        load_network(SMALL, folder=folder)


def test_a_check_reports_each_model_and_does_not_stop_at_a_broken_one(folder: Path) -> None:
    for suffix in ("toml", "onnx"):
        shutil.copy(SHIPPED / f"face_det_full.{suffix}", folder)
    (folder / "face_det_full.onnx").write_bytes(b"")

    problems: dict[str, ModelError | None] = {
        card.name: problem for card, problem in check_models(folder)
    }

    assert problems[SMALL] is None
    assert isinstance(problems["face_det_full"], ModelUntrustedError)


@pytest.mark.parametrize(("threads", "device"), [(0, "cpu"), (1, "gpu"), (1, "CPU")])
def test_threads_and_device_out_of_range_are_refused(threads: int, device: str) -> None:
    with pytest.raises(KnobError):
        load_network(SMALL, threads=threads, device=device)


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(),
    reason="this onnxruntime can use a GPU",
)
def test_a_device_that_is_not_there_is_an_error_and_never_the_cpu() -> None:
    with pytest.raises(DeviceError, match=r"cuda \(CUDAExecutionProvider\).*CPUExecutionProvider"):
        load_network(SMALL, device="cuda")


def test_the_folder_decides_which_weights_run(folder: Path) -> None:
    network = load_network(SMALL, folder=folder)

    result = network.run(np.zeros((1, 128, 128, 3), np.float32))

    assert [array.shape for array in result] == [(1, 896, 16), (1, 896, 1)]


def test_folders_of_the_user_are_searched_after_ours_and_in_order(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, second = (tmp_path_factory.mktemp(name) for name in ("first", "second"))
    card = find_card(SMALL)
    for place, task in ((first, "one"), (second, "two")):
        shutil.copy(SHIPPED / f"{SMALL}.onnx", place)
        mine = replace(card, name="mine", task=task)
        (place / "mine.toml").write_text(card_text(mine), encoding="utf-8")
        (place / f"{SMALL}.toml").write_text(card_text(replace(card, task=task)), encoding="utf-8")

    assert find_card("mine", also=[first, second]).task == "one"
    assert find_card("mine", also=[second, first]).task == "two"
    assert find_card(SMALL, also=[first, second]).task == card.task
    assert load_network("mine", also=[second]).card.task == "two"
    with pytest.raises(ModelUnknownError) as caught:
        load_network("his", folder=folder, also=[first])
    assert "mine" in caught.value.hint


def test_listing_names_the_users_models_after_ours(folder: Path) -> None:
    card = replace(find_card(SMALL), name="mine")
    (folder / "mine.toml").write_text(card_text(card), encoding="utf-8")

    names = [card.name for card in list_cards(also=[folder])]

    assert names == [*(card.name for card in list_cards()), SMALL, "mine"]
    assert [problem for _, problem in check_models(folder, [folder])] == [None] * 4
