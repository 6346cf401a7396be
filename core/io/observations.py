"""Observations as arrays, one row a face, for files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from faceplate.core.arrays import AnyArray
from faceplate.core.face import FaceObservation, HeadPose, Origin
from faceplate.core.io.archive import array_bytes, array_of

_ORIGINS = (Origin.SEEN, Origin.FILLED, Origin.KEYED)
_FIELDS: dict[str, tuple[str, tuple[int, ...]]] = {
    "number": ("<i8", ()),
    "box": ("<f8", (4,)),
    "mesh": ("<f4", (478, 3)),
    "pose": ("<f8", (3,)),
    "expression": ("<f4", (52,)),
    "embedding": ("<f4", (128,)),
    "skin": ("<f4", (6,)),
    "noise": ("<f4", (3,)),
    "sharpness": ("<f8", ()),
    "confidence": ("<f8", ()),
    "origin": ("|u1", ()),
}


def observation_members(faces: Sequence[FaceObservation], prefix: str) -> dict[str, bytes]:
    """Return observations as archive members ``<prefix>/<field>.npy``."""
    rows = [
        (
            f.number,
            f.box,
            f.mesh,
            (f.pose.yaw, f.pose.pitch, f.pose.roll),
            f.expression,
            f.embedding,
            f.skin,
            f.noise,
            f.sharpness,
            f.confidence,
            _ORIGINS.index(f.origin),
        )
        for f in faces
    ]
    return {
        f"{prefix}/{name}.npy": array_bytes(
            np.array([row[column] for row in rows], dtype).reshape(len(rows), *shape)
        )
        for column, (name, (dtype, shape)) in enumerate(_FIELDS.items())
    }


def observations_in(members: Mapping[str, bytes], prefix: str) -> list[FaceObservation]:
    """Return the observations that `observation_members` made, bit for bit.

    Raises:
        KeyError: a field is missing.
        ValueError: a field is damaged, or of another type or shape.
    """
    arrays: dict[str, AnyArray] = {}
    for name, (dtype, shape) in _FIELDS.items():
        array = array_of(members[f"{prefix}/{name}.npy"])
        count = len(next(iter(arrays.values()))) if arrays else len(array)
        if array.dtype != np.dtype(dtype) or array.shape != (count, *shape):
            raise ValueError(f"{prefix}/{name} is {array.dtype} {array.shape}")
        arrays[name] = array
    if arrays["origin"].size and arrays["origin"].max() >= len(_ORIGINS):
        raise ValueError(f"{prefix}/origin is out of range")
    return [_observation(arrays, row) for row in range(len(arrays["number"]))]


def _observation(arrays: Mapping[str, AnyArray], row: int) -> FaceObservation:
    x0, y0, x1, y1 = (float(v) for v in arrays["box"][row])
    return FaceObservation(
        number=int(arrays["number"][row]),
        box=(x0, y0, x1, y1),
        mesh=arrays["mesh"][row],
        pose=HeadPose(*(float(v) for v in arrays["pose"][row])),
        expression=arrays["expression"][row],
        embedding=arrays["embedding"][row],
        skin=arrays["skin"][row],
        noise=arrays["noise"][row],
        sharpness=float(arrays["sharpness"][row]),
        confidence=float(arrays["confidence"][row]),
        origin=_ORIGINS[int(arrays["origin"][row])],
    )
