"""Which networks draw: names, prefixes, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faceplate.core.analyse import SEGMENTER
from faceplate.core.errors import ModelMismatchError, ModelMissingError
from faceplate.core.generators import MOVER, generator_cards, open_generators
from faceplate.core.nets.load import load_network


def test_a_prefix_means_three_networks_and_the_segmenter_beside_them(toys: Any) -> None:
    toys.set_of("mine")

    cards = generator_cards("mine", [toys.folder])

    assert {role: card.name for role, card in cards.items()} == {
        "reenact": "mine_reenact",
        "complete": "mine_complete",
        "blend": "mine_blend",
        "segment": "mine_segment",
    }


def test_without_a_segmenter_of_their_own_ours_looks(toys: Any) -> None:
    for role in ("reenact", "complete", "blend"):
        toys.paints(f"bare_{role}", role, (0, 0, 0))
    segmenter = load_network(SEGMENTER)

    found = open_generators("bare", [toys.folder], segmenter, steps=1, threads=1)

    assert found.segment is segmenter
    assert found.mover is None
    assert [card.name for card in found.cards] == ["bare_reenact", "bare_complete", "bare_blend"]


def test_the_plates_segmenter_is_not_loaded_twice(toys: Any) -> None:
    toys.set_of("mine")
    segmenter = load_network("mine_segment", also=[toys.folder])

    found = open_generators("mine", [toys.folder], segmenter, steps=1, threads=1)

    assert found.segment is segmenter


def test_the_released_set_goes_by_the_names_of_an_import(toys: Any) -> None:
    for name, role in (("reenact", "reenact"), ("inpaint", "complete"), ("blend", "blend")):
        toys.paints(f"official_{name}", role, (0, 0, 0))
    toys.sees_faces("official_segment")

    cards = generator_cards("official", [toys.folder])

    names = {"official_reenact", "official_inpaint", "official_blend", "official_segment"}
    assert {card.name for card in cards.values()} == names


@pytest.mark.parametrize(
    ("weights", "name", "hint"),
    [
        ("official", "official_reenact", "faceplate models import"),
        ("nobody", "nobody_reenact", "names of your models"),
    ],
)
def test_what_is_missing_is_named_with_the_way_to_get_it(
    weights: str, name: str, hint: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelMissingError, match=name) as caught:
        generator_cards(weights, [tmp_path])

    assert caught.value.exit_code == 3
    assert hint in caught.value.hint


@pytest.mark.parametrize("role", ["reenact", "complete", "blend"])
def test_a_network_of_another_kind_is_refused(role: str, toys: Any) -> None:
    toys.set_of("wrong")
    toys.picks(f"wrong_{role}", "blend" if role != "blend" else "complete", (0, 1, 2))

    with pytest.raises(ModelMismatchError, match=f"wrong_{role} cannot {role}"):
        generator_cards("wrong", [toys.folder])

    toys.set_of("wrong")
    assert generator_cards("wrong", [toys.folder])[role].name == f"wrong_{role}"


def test_a_segmenter_of_other_labels_is_refused(toys: Any) -> None:
    toys.set_of("odd")
    card = (toys.folder / "odd_segment.toml").read_text().replace('"hair"', '"hat"')
    (toys.folder / "odd_segment.toml").write_text(card)

    with pytest.raises(ModelMismatchError, match="odd_segment does not label"):
        generator_cards("odd", [toys.folder])


def test_landmarks_are_moved_by_a_network_only_where_there_are_steps(
    toys: Any, tmp_path: Path
) -> None:
    toys.set_of("moved")
    type(toys)(tmp_path).paints(MOVER, "blend", (0, 0, 0))

    one, many = (generator_cards("moved", [toys.folder, tmp_path], steps) for steps in (1, 2))

    assert "mover" not in one
    assert many["mover"].name == MOVER
