"""Array aliases and the one shape check."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faceplate.core.errors import ShapeError

FloatArray: TypeAlias = NDArray[np.float32]
DoubleArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int32]
ByteArray: TypeAlias = NDArray[np.uint8]
BoolArray: TypeAlias = NDArray[np.bool_]
AnyArray: TypeAlias = NDArray[Any]

Size: TypeAlias = int | str
"""One axis: a fixed length, or a letter that must mean one length within one call."""


def check_shape(name: str, array: FloatArray, *shape: Size) -> FloatArray:
    """Return ``array``, read-only, once it is float32 of ``shape``.

    >>> check_shape("points", np.zeros((68, 2), np.float32), "N", 2).flags.writeable
    False

    Raises:
        ShapeError: another dtype, another number of axes or another length.
    """
    lengths: dict[str, int] = {}
    fits = array.dtype == np.float32 and array.ndim == len(shape)
    for want, have in zip(shape, array.shape, strict=False):
        fits &= have == (lengths.setdefault(want, have) if isinstance(want, str) else want)
    if not fits:
        raise ShapeError(name, shape, array.shape, str(array.dtype))
    view = array.view()
    view.flags.writeable = False
    return view


def smoothstep(low: float, high: float, x: AnyArray | float) -> AnyArray:
    """Rise from 0 at ``low`` to 1 at ``high`` with flat ends; falls when ``high`` < ``low``.

    >>> float(smoothstep(0.0, 2.0, 1.0)), float(smoothstep(0.6, 0.2, 0.1))
    (0.5, 1.0)
    """
    t = np.clip((np.asarray(x) - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)
