"""Things before and on a head: what is held, worn, or hangs between face and camera."""

from __future__ import annotations


from faceplate.core.arrays import DoubleArray
from faceplate.core.synth.solid import Solid


def held_prop(name: str, seed: int, fingers: DoubleArray, thumb: DoubleArray) -> list[Solid]:
    """Return a thing in a hand's own frame, where its fingers and thumb close."""
    return []
