"""Render heads: single pictures, one head in motion, and two pictures of one person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from faceplate.core.arrays import FloatArray
from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.picture import HeadPicture
from faceplate.core.synth.sample import Mix
from faceplate.core.synth.scene import HeadScene
from faceplate.core.synth.sequence import sample_pair, sample_sequence
from faceplate.core.synth.shot import Shot

Maps: TypeAlias = Sequence[FloatArray]
"""Environment maps, (h, 2 h, 3) float32 linear each, that may light and back the scenes."""


def render_head(
    model: HeadModel, scene: HeadScene, size: int, surroundings: Maps = ()
) -> HeadPicture:
    """Render a scene, ``size`` pixels wide and high; the same arguments give the same bytes."""
    return Shot(model, scene, size, tuple(surroundings)).picture()


def render_sequence(
    model: HeadModel, seed: int, mix: Mix, size: int, length: int, surroundings: Maps = ()
) -> Iterator[HeadPicture]:
    """Yield ``length`` frames of one head that moves, acts and looks around."""
    for scene in sample_sequence(seed, mix, length):
        yield render_head(model, scene, size, surroundings)


def render_pair(
    model: HeadModel, seed: int, mix: Mix, size: int, surroundings: Maps = ()
) -> tuple[HeadPicture, HeadPicture]:
    """Render one person twice: another pose, expression, light and place."""
    first, second = sample_pair(seed, mix)
    return (
        render_head(model, first, size, surroundings),
        render_head(model, second, size, surroundings),
    )
