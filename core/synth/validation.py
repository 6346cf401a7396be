"""The validation set: which scenes it holds, frozen before anything was trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

import tomllib

from faceplate.core.synth.sample import Mix, sample_head
from faceplate.core.synth.scene import HeadScene

SEEDS = range(10_000, 11_000)
"""What no network is trained on."""

YAW_BAND = 15
"""Degrees of a band of the yaw histogram."""


@dataclass(frozen=True, slots=True)
class Validation:
    """What is known of the set; `faceplate/core/synth/validation.toml` holds the frozen one.

    Attributes:
        sha256: of the scenes' JSON lines.
        pictures: their number.
        hands, glasses: how many show them.
        tones: pictures of each of the six skin tones, palest first.
        yaw: pictures in each band of 15 degrees from -60.
    """

    sha256: str
    pictures: int
    hands: int
    glasses: int
    tones: tuple[int, ...]
    yaw: tuple[int, ...]


def validation_scenes(mix: Mix) -> list[HeadScene]:
    """Return the scenes of the validation seeds."""
    return [sample_head(seed, mix) for seed in SEEDS]


def validation_of(scenes: Sequence[HeadScene]) -> Validation:
    """Return hash and counts of scenes.

    The hash covers what is drawn, not how it is rendered; a set's ``generator`` covers that.
    """
    tags = Counter(tag for scene in scenes for tag in scene.tags)
    bands = Counter(int((scene.view.yaw + 60) // YAW_BAND) for scene in scenes)
    return Validation(
        sha256=validation_hash(scenes),
        pictures=len(scenes),
        hands=tags["hand"],
        glasses=tags["glasses"],
        tones=tuple(tags[f"tone{band}"] for band in range(6)),
        yaw=tuple(bands[band] for band in range(120 // YAW_BAND)),
    )


def validation_hash(scenes: Sequence[HeadScene]) -> str:
    """Return the sha256 over the scenes' JSON, a line each."""
    digest = sha256()
    for scene in scenes:
        digest.update(scene.json().encode())
        digest.update(b"\n")
    return digest.hexdigest()


def frozen_validation() -> Validation:
    """Return what the validation set was frozen as."""
    text = (files("faceplate.core.synth") / "validation.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return Validation(**{**table, "tones": tuple(table["tones"]), "yaw": tuple(table["yaw"])})
