from __future__ import annotations

import dataclasses

import pytest

from faceplate.core.synth.sample import Mix
from faceplate.core.synth.scene import HeadScene
from faceplate.core.synth.validation import (
    Validation,
    frozen_validation,
    validation_hash,
    validation_of,
    validation_scenes,
)


@pytest.fixture(scope="module")
def scenes() -> list[HeadScene]:
    return validation_scenes(Mix())


def test_the_validation_set_is_the_one_that_was_frozen(scenes: list[HeadScene]) -> None:
    assert validation_of(scenes) == frozen_validation()


def test_the_frozen_set_shows_what_was_promised() -> None:
    frozen = frozen_validation()

    assert frozen.pictures == 1000
    assert frozen.hands >= 300
    assert frozen.glasses >= 150
    assert min(frozen.tones) > 0.8 * frozen.pictures / 6
    assert min(frozen.yaw) > 0.8 * frozen.pictures / 8
    assert sum(frozen.tones) == sum(frozen.yaw) == frozen.pictures


def test_any_changed_number_changes_the_hash(scenes: list[HeadScene]) -> None:
    few = scenes[:3]
    view = dataclasses.replace(few[1].view, yaw=few[1].view.yaw + 0.01)
    changed = [few[0], dataclasses.replace(few[1], view=view), few[2]]

    assert validation_hash(few) == validation_hash(list(few))
    assert validation_hash(few) != validation_hash(changed)
    assert validation_hash(few) != validation_hash(few[::-1])


def test_counts_are_of_the_scenes_given(scenes: list[HeadScene]) -> None:
    counted = validation_of(scenes[:10])

    assert counted.pictures == 10
    assert counted.hands == sum(bool(scene.hands) for scene in scenes[:10])
    assert isinstance(counted, Validation)
