from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceplate.core.errors import ModelMismatchError, ModelMissingError
from faceplate.core.synth.expressions import EXPRESSIONS
from faceplate.core.synth.head import EYE_LEFT, EYE_RIGHT, SCALP, HeadModel, ict_mesh_points


def shown(name: str, weight: float = 1.0) -> list[float]:
    return [weight * (name == other) for other in EXPRESSIONS]


def test_a_missing_head_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="head.npz"):
        HeadModel.load(tmp_path / "head.npz")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_head_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "head.npz").write_bytes(content)

    with pytest.raises(ModelMismatchError, match="compact head"):
        HeadModel.load(tmp_path / "head.npz")


def test_a_folder_without_the_head_is_refused_by_the_file_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="generic_neutral_mesh.obj"):
        HeadModel.load(tmp_path)


def test_another_archive_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "head.npz", neutral=np.zeros((5, 3)))

    with pytest.raises(ModelMismatchError, match="ICT"):
        HeadModel.load(tmp_path / "head.npz")


def test_no_weights_give_the_neutral_head(model: HeadModel) -> None:
    np.testing.assert_array_equal(model.shape([]), model.neutral)
    np.testing.assert_array_equal(model.acted(model.neutral, np.zeros(53)), model.neutral)


def test_identity_is_linear_in_its_weights(model: HeadModel) -> None:
    weights = np.random.default_rng(1).normal(size=len(model.identity_modes))

    once, twice = model.shape(weights), model.shape(2 * weights)

    np.testing.assert_allclose(twice - model.neutral, 2 * (once - model.neutral), atol=1e-4)


def test_an_open_jaw_lowers_the_lower_lip_and_not_the_upper(model: HeadModel) -> None:
    acted = model.acted(model.neutral, shown("jawOpen"))

    moved = (acted - model.neutral)[model.mesh_points[[13, 14]], 1]
    assert moved[0] > -0.2
    assert moved[1] < -1.0


@pytest.mark.parametrize(("side", "upper", "lower"), [("L", 386, 374), ("R", 159, 145)])
def test_a_blink_closes_its_own_eye(model: HeadModel, side: str, upper: int, lower: int) -> None:
    acted = model.acted(model.neutral, shown(f"eyeBlink_{side}"))

    def gap(head: np.ndarray, pair: tuple[int, int]) -> float:
        up, low = model.mesh_points[list(pair)]
        return float(head[up, 1] - head[low, 1])

    other = (159, 145) if side == "L" else (386, 374)
    assert gap(acted, (upper, lower)) < 0.35 * gap(model.neutral, (upper, lower))
    assert gap(acted, other) == gap(model.neutral, other)


def test_eyeballs_do_not_move_with_expressions(model: HeadModel) -> None:
    acted = model.acted(model.neutral, np.ones(53))

    for eye in (EYE_LEFT, EYE_RIGHT):
        np.testing.assert_array_equal(acted[model.part == eye], model.neutral[model.part == eye])


def test_the_left_eye_is_on_the_persons_left(model: HeadModel) -> None:
    assert model.neutral[model.part == EYE_LEFT, 0].min() > 0
    assert model.neutral[model.part == EYE_RIGHT, 0].max() < 0


def test_normals_of_the_skin_point_away_from_the_head(model: HeadModel) -> None:
    normals = model.normals(model.neutral)
    outward = model.neutral - [0.0, 3.0, 1.0]
    facing = (normals * outward).sum(axis=1)
    assert (facing[model.part == SCALP] > 0).all()
    assert (facing[model.mesh_points] > 0).mean() > 0.9


def test_fields_lie_where_their_names_say(model: HeadModel) -> None:
    fields, points = model.fields, model.mesh_points

    assert fields.lip[points[0]] > 0.5 > fields.lip[points[4]]
    assert fields.brow[points[282]] < 0.7 < fields.brow[points[10]]
    assert fields.neck[points[199]] < 0 and fields.neck[points[10]] < 0
    x, y, z = model.neutral.T
    below = (y < -8.7) & (z < 8.0) & (model.part == 0)
    assert (fields.neck[below] > 0).all()
    assert (fields.ear > 0).any() and (fields.ear[points] < 0.5).all()


def test_the_skull_table_lies_on_the_skin(model: HeadModel) -> None:
    radii = model.skull.radii(model.neutral)
    grown = model.skull.radii(model.neutral * np.float32(1.0) + np.float32([0, 2, 0]))

    assert radii.shape == (48, 96)
    assert radii.min() > 5.0 and radii.max() < 18.0
    assert grown[0].mean() == pytest.approx(radii[0].mean() + 2.0, abs=0.3)


def test_every_mesh_point_has_an_ict_vertex() -> None:
    points = ict_mesh_points()

    assert points.shape == (468,) and points.min() >= 0 and points.max() < 11248
    assert len(np.unique(points)) > 440
