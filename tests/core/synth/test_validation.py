"""The validation set is the one that was frozen before anything was trained."""

from __future__ import annotations

from collections import Counter
from importlib import resources

import numpy as np
import tomllib

from faceplate.core.synth.generate import VALIDATION_SEEDS, validation_hash
from faceplate.core.synth.sample import Mix, sample_head

FROZEN = tomllib.loads(
    (resources.files("faceplate.core.synth") / "validation.toml").read_text(encoding="utf-8")
)


def test_the_frozen_set_has_the_hash_it_was_committed_with() -> None:
    assert validation_hash(Mix()) == FROZEN["sha256"]


def test_the_frozen_set_holds_what_was_promised() -> None:
    scenes = [sample_head(seed, Mix()) for seed in VALIDATION_SEEDS]
    tags = Counter(tag for scene in scenes for tag in scene.tags)

    assert len(scenes) == FROZEN["pictures"]
    assert tags["hand"] == FROZEN["hand"] >= 300
    assert tags["glasses"] == FROZEN["glasses"] >= 150
    assert [tags[f"tone{band}"] for band in range(6)] == FROZEN["tones"]
    bands = np.histogram([abs(scene.view.yaw) for scene in scenes], bins=range(0, 70, 10))[0]
    assert bands.tolist() == FROZEN["yaw_bands"]
