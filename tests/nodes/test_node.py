"""Knobs check what they are given; nodes are what product.md's table says."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplate.core.errors import GraphError, KnobError
from faceplate.core.job import Keys, Knobs
from faceplate.nodes import NODES
from faceplate.nodes.face import FACE_SWAP
from faceplate.nodes.node import Node

# Node to knob to default: the table of the product's specification, word by word.
TABLE: dict[str, dict[str, object]] = {
    "FaceTrack": {"smoothing": 1.0, "seed": 0},
    "FaceMatte": {"erode": 0.0, "seed": 0},
    "FaceReenact": {
        "method": "warp",
        "shape": 0.3,
        "expression": 1.0,
        "pose": "full",
        "views": 3,
        "eyes": "auto",
        "mouth": "auto",
    },
    "FaceBlend": {
        "erode": 0.0,
        "feather": 12.0,
        "light": 1.0,
        "seam": 1.0,
        "sharpness": "auto",
        "motion_blur": "auto",
        "grain": 1.0,
    },
    "FaceSwap": {
        "method": "warp",
        "mix": 1.0,
        "confidence": 0.3,
        "policy": "pass",
        "missing": "error",
        "layers": ("comp", "face", "matte"),
    },
}
RANGES = {
    "mix": (0, 1),
    "shape": (0, 1),
    "expression": (0, 2),
    "erode": (-64, 64),
    "feather": (0, 128),
    "light": (0, 1),
    "seam": (0, 1),
    "grain": (0, 2),
    "confidence": (0, 1),
    "smoothing": (0, 2),
    "views": (1, 3),
}


def by_name(name: str) -> Node:
    (node,) = [node for node in NODES if node.name == name]
    return node


@pytest.mark.parametrize("name", TABLE)
def test_a_node_has_the_knobs_and_defaults_of_the_table(name: str) -> None:
    defaults = by_name(name).values({})

    assert TABLE[name].items() <= defaults.items()


def test_the_nodes_are_those_of_the_product_in_menu_order() -> None:
    assert [node.name for node in NODES] == [
        "ActorSource",
        "FaceTrack",
        "FaceMatte",
        "FaceReenact",
        "FaceComplete",
        "FaceBlend",
        "FaceSwap",
        "FaceQC",
        "TrainIdentity",
    ]


def test_the_swap_node_has_every_knob_that_a_job_holds() -> None:
    assert {field.name for field in fields(Knobs)} <= {knob.name for knob in FACE_SWAP.knobs}


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.name)
def test_every_default_is_a_value_that_its_knob_takes(node: Node) -> None:
    for knob in node.knobs:
        assert knob.check(knob.default) == knob.default
        assert knob.help.endswith(".")


@pytest.mark.parametrize("name", RANGES)
def test_the_ends_of_a_range_are_in_it_and_what_is_past_them_is_not(name: str) -> None:
    knob = FACE_SWAP.knob(name)
    low, high = RANGES[name]

    assert (knob.check(low), knob.check(high)) == (low, high)
    for past in (low - 1, high + 1):
        with pytest.raises(KnobError, match=name):
            knob.check(past)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mix", float("nan")),
        ("mix", float("inf")),
        ("mix", True),
        ("mix", "0.5"),
        ("mix", None),
        ("mix", {}),
        ("mix", {"a": 1.0}),
        ("mix", {1001: 2.0}),
        ("mix", {1.5: 0.0}),
        ("mix", Keys(((1001, 3.0),))),
        ("smoothing", {1001: 1.0}),
        ("views", 2.0),
        ("views", True),
        ("method", "best"),
        ("method", 1),
        ("layers", []),
        ("layers", ["comp", "comp"]),
        ("layers", ["depth"]),
        ("layers", 3),
        ("layers", [["comp"]]),
        ("sharpness", "off"),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_knob_error(name: str, value: object) -> None:
    with pytest.raises(KnobError, match=f"Knob {name} is"):
        FACE_SWAP.knob(name).check(value)


@given(st.dictionaries(st.integers(-100, 2000), st.floats(0, 1), min_size=1, max_size=5))
def test_keys_may_come_as_numbers_or_as_text(keys: dict[int, float]) -> None:
    knob = FACE_SWAP.knob("mix")

    curve = knob.check(keys)

    assert curve == Keys.from_mapping(keys)
    assert knob.check({str(frame): value for frame, value in keys.items()}) == curve
    assert knob.check(curve) == curve


def test_layers_come_in_the_order_of_the_file() -> None:
    assert FACE_SWAP.knob("layers").check(["st", "comp"]) == ("comp", "st")
    assert FACE_SWAP.knob("layers").check("st, comp") == ("comp", "st")


def test_an_unknown_knob_is_an_error_that_lists_the_knobs() -> None:
    with pytest.raises(GraphError, match="FaceSwap has no knob called fether") as caught:
        FACE_SWAP.values({"fether": 1})

    assert "feather" in caught.value.hint


def test_a_node_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        FACE_SWAP.name = "Other"  # type: ignore[misc]
