"""Pack ICT-FaceKit's own files into the compact head file, and read it."""

from __future__ import annotations

import zipfile
import zlib
from importlib.resources import files
from pathlib import Path

import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray
from faceplate.core.errors import ModelMismatchError, ModelMissingError
from faceplate.core.io.atomic import replacing
from faceplate.core.synth.expressions import EXPRESSIONS


def convert_ict(folder: Path) -> dict[str, AnyArray]:
    """Return the compact arrays of the model in ICT-FaceKit's folder, or in its ``FaceXModel``.

    Shapes are kept as differences from the neutral head, a byte per coordinate: the largest error
    is half of 1/127 of a mode's largest movement.

    Returns:
        neutral: (V, 3) float32, centimetres, y up, z to the front.
        uv: (W, 2) float16; tri, tri_uv: (T, 3) uint16 into neutral and uv.
        id_q: (K, V, 3) int8; id_scale: (K,) float32.
        ex_q: (53, V, 3) int8; ex_scale: (53,) float32; ex_names: (53,) text.
        lmk68: (68,) uint16.

    Raises:
        ModelMissingError: a file is not there.
        ModelMismatchError: a file is not what ICT-FaceKit has under its name.
    """
    folder = folder / "FaceXModel" if (folder / "FaceXModel").is_dir() else folder
    neutral, uv, triangles, triangles_uv = _read_mesh(folder / "generic_neutral_mesh.obj")
    identities = sorted(folder.glob("identity[0-9][0-9][0-9].obj"))
    if not identities:
        raise ModelMissingError("ict head", str(folder / "identity000.obj"))
    id_q, id_scale = _packed([_shape(path, neutral) for path in identities])
    shapes = [_shape(folder / f"{name}.obj", neutral) for name in EXPRESSIONS]
    ex_q, ex_scale = _packed(shapes)
    with (files("faceplate.core.synth") / "ict_points.npz").open("rb") as stream:
        marks = np.load(stream, allow_pickle=False)["ibug68"]
    return {
        "neutral": neutral.astype(np.float32),
        "uv": uv.astype(np.float16),
        "tri": triangles.astype(np.uint16),
        "tri_uv": triangles_uv.astype(np.uint16),
        "id_q": id_q,
        "id_scale": id_scale,
        "ex_q": ex_q,
        "ex_scale": ex_scale,
        "ex_names": np.array(EXPRESSIONS),
        "lmk68": marks.astype(np.uint16),
    }


def write_head(path: Path, arrays: dict[str, AnyArray]) -> None:
    """Write compact arrays as a head file, whole or not at all.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    with replacing(path) as temp, temp.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def read_head(path: Path) -> dict[str, AnyArray]:
    """Return the arrays of a head file.

    Raises:
        ModelMissingError: there is no such file.
        ModelMismatchError: it is no archive of plain arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                name.removesuffix(".npy"): np.load(archive.open(name), allow_pickle=False)
                for name in archive.namelist()
            }
    except FileNotFoundError as error:
        raise ModelMissingError("ict head", str(path)) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
        raise ModelMismatchError(f"{path} is not a compact head file.") from error


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise ModelMissingError("ict head", str(path)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ModelMismatchError(f"{path} cannot be read as a mesh: {error}.") from error


def _points(path: Path, lines: list[str], word: str, axes: int) -> DoubleArray:
    rows = [line.split()[1 : axes + 1] for line in lines if line.startswith(word)]
    try:
        return np.array(rows, np.float64).reshape(-1, axes)
    except ValueError as error:
        raise ModelMismatchError(f"{path} holds a line that is no point.") from error


def _read_mesh(path: Path) -> tuple[DoubleArray, DoubleArray, AnyArray, AnyArray]:
    """Return points, texture points, and triangles into both; polygons become fans."""
    lines = _lines(path)
    triangles = []
    for line in lines:
        if line.startswith("f "):
            corners = [tuple(int(n) - 1 for n in word.split("/")[:2]) for word in line.split()[1:]]
            triangles += [
                (corners[0], corners[k], corners[k + 1]) for k in range(1, len(corners) - 1)
            ]
    table = np.array(triangles, np.int64)
    if table.ndim != 3 or table.shape[1:] != (3, 2):
        raise ModelMismatchError(f"{path} holds no triangles with texture points.")
    return (
        _points(path, lines, "v ", 3),
        _points(path, lines, "vt ", 2),
        table[..., 0],
        table[..., 1],
    )


def _shape(path: Path, neutral: DoubleArray) -> DoubleArray:
    points = _points(path, _lines(path), "v ", 3)
    if points.shape != neutral.shape:
        raise ModelMismatchError(f"{path} has other points than the neutral head.")
    return points - neutral


def _packed(shapes: list[DoubleArray]) -> tuple[AnyArray, AnyArray]:
    table = np.stack(shapes)
    scale = np.maximum(np.abs(table).max(axis=(1, 2)), 1e-6) / 127
    return np.round(table / scale[:, None, None]).astype(np.int8), scale.astype(np.float32)
