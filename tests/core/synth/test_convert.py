from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceplate.core.arrays import AnyArray
from faceplate.core.errors import ModelMismatchError, ModelMissingError
from faceplate.core.synth.convert import convert_ict, write_head
from faceplate.core.synth.expressions import EXPRESSIONS

RNG = np.random.default_rng(8)
NEUTRAL = RNG.uniform(-10, 10, (6, 3))
SHAPES = {
    name: NEUTRAL + RNG.normal(size=(6, 3)) for name in ("identity000", "identity001", *EXPRESSIONS)
}


def obj(points: AnyArray) -> str:
    lines = ["# made for a test", *("v {:.6f} {:.6f} {:.6f}".format(*p) for p in points)]
    lines += [f"vt {k / 10} {k / 7:.4f}" for k in range(4)]
    return "\n".join([*lines, "usemtl M_Face", "f 1/1 2/2 3/3 4/4", "f 4/4 5/1 6/2"]) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "generic_neutral_mesh.obj").write_text(obj(NEUTRAL))
    for name, points in SHAPES.items():
        (tmp_path / f"{name}.obj").write_text(obj(points))
    return tmp_path


def test_packed_shapes_come_back_within_half_a_step(folder: Path) -> None:
    arrays = convert_ict(folder)

    np.testing.assert_allclose(arrays["neutral"], NEUTRAL, atol=1e-5)
    for key, names in (("id", ("identity000", "identity001")), ("ex", EXPRESSIONS)):
        for k, name in enumerate(names):
            scale = arrays[f"{key}_scale"][k]
            unpacked = NEUTRAL + arrays[f"{key}_q"][k] * scale
            assert np.abs(unpacked - SHAPES[name]).max() <= 0.51 * scale


def test_the_folder_may_be_that_of_the_whole_kit(folder: Path, tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    kit.mkdir()
    (kit / "FaceXModel").symlink_to(folder)

    np.testing.assert_array_equal(convert_ict(kit)["id_q"], convert_ict(folder)["id_q"])


def test_polygons_become_triangles(folder: Path) -> None:
    arrays = convert_ict(folder)

    assert arrays["tri"].tolist() == [[0, 1, 2], [0, 2, 3], [3, 4, 5]]
    assert arrays["tri_uv"].tolist() == [[0, 1, 2], [0, 2, 3], [3, 0, 1]]


def test_a_head_file_holds_what_was_converted(folder: Path, tmp_path: Path) -> None:
    arrays = convert_ict(folder)

    write_head(tmp_path / "head.npz", arrays)

    with np.load(tmp_path / "head.npz", allow_pickle=False) as stored:
        assert set(stored.files) == set(arrays)
        np.testing.assert_array_equal(stored["ex_q"], arrays["ex_q"])
        assert tuple(stored["ex_names"]) == EXPRESSIONS


@pytest.mark.parametrize("name", ["generic_neutral_mesh", "identity000", "jawOpen"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / f"{name}.obj").unlink()
    if name == "identity000":
        (folder / "identity001.obj").unlink()

    with pytest.raises(ModelMissingError, match=name):
        convert_ict(folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("generic_neutral_mesh", "v 1 2 3\n"),
        ("jawOpen", obj(NEUTRAL[:4])),
        ("identity001", "v 1 2 x\n"),
        ("jawLeft", "v 1 2\n"),
    ],
)
def test_a_file_that_is_no_such_mesh_is_named(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.obj").write_text(text)

    with pytest.raises(ModelMismatchError, match=name):
        convert_ict(folder)
