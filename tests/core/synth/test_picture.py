from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.errors import ShapeError
from faceplate.core.face import HeadPose
from faceplate.core.synth import solid
from faceplate.core.synth.picture import CLASSES, HeadPicture


def picture(**changed: object) -> HeadPicture:
    values: dict[str, object] = {
        "rgb": np.zeros((4, 4, 3), np.float32),
        "coverage": np.zeros((4, 4, 6), np.float32),
        "mesh478": np.zeros((478, 2), np.float32),
        "wflw98": np.zeros((98, 2), np.float32),
        "ibug68": np.zeros((68, 2), np.float32),
        "visible478": np.ones(478, np.bool_),
        "pose": HeadPose(0, 0, 0),
        "expression": np.zeros(53, np.float32),
        "gaze": np.zeros(2, np.float32),
        "depth": np.zeros((4, 4), np.float32),
        "uv": np.zeros((4, 4, 2), np.float32),
        "identity": 1,
        "seed": 2,
        "tags": frozenset(),
    }
    return HeadPicture(**(values | changed))  # type: ignore[arg-type]


def test_classes_are_in_the_order_of_the_solids_labels() -> None:
    assert [CLASSES.index(name) for name in CLASSES] == [
        solid.BACKGROUND,
        solid.FACE,
        solid.HAIR,
        solid.OCCLUDER,
        solid.MOUTH,
        solid.NECK,
    ]


def test_arrays_of_a_picture_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        picture().coverage[0, 0, 0] = 1.0


@pytest.mark.parametrize(
    ("name", "shape"),
    [("coverage", (4, 4, 5)), ("depth", (3, 4)), ("wflw98", (68, 2)), ("uv", (4, 4, 3))],
)
def test_a_picture_of_mixed_sizes_is_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=name):
        picture(**{name: np.zeros(shape, np.float32)})
