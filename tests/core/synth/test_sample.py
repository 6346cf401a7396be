from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from faceplate.core.synth.expressions import EXPRESSIONS
from faceplate.core.synth.sample import Mix, sample_head
from faceplate.core.synth.scene import HeadScene
from faceplate.core.synth.sequence import sample_pair, sample_sequence

COUNT = 1200


@pytest.fixture(scope="module")
def scenes() -> list[HeadScene]:
    return [sample_head(seed, Mix()) for seed in range(COUNT)]


def is_likely(hits: int, chance: float) -> bool:
    """Tell whether a binomial count is within four standard deviations."""
    return abs(hits - COUNT * chance) < 4 * np.sqrt(COUNT * chance * (1 - chance))


def test_the_same_seed_gives_the_same_description() -> None:
    assert sample_head(9, Mix()).json() == sample_head(9, Mix()).json()
    assert sample_head(9, Mix()).json() != sample_head(10, Mix()).json()


def test_a_description_is_plain_json(scenes: list[HeadScene]) -> None:
    read = json.loads(scenes[0].json())

    assert read["seed"] == 0
    assert len(read["expression"]) == len(EXPRESSIONS) == 53
    assert read["view"]["yaw"] == scenes[0].view.yaw


@pytest.mark.parametrize(
    ("tag", "chance"), [("hand", 0.35), ("glasses", 0.2), ("hat", 0.1), ("mask", 0.04)]
)
def test_things_are_as_frequent_as_the_mix_says(
    scenes: list[HeadScene], tag: str, chance: float
) -> None:
    assert is_likely(sum(tag in scene.tags for scene in scenes), chance)


def test_all_skin_tones_are_equally_frequent(scenes: list[HeadScene]) -> None:
    bands = Counter(scene.person.skin.band for scene in scenes)

    assert set(bands) == set(range(6))
    assert all(is_likely(count, 1 / 6) for count in bands.values())


def test_paler_bands_are_lighter(scenes: list[HeadScene]) -> None:
    means = [
        np.mean([s.person.skin.tone for s in scenes if s.person.skin.band == band])
        for band in range(6)
    ]

    assert (np.diff(means) < 0).all()


def test_yaw_is_uniform_up_to_the_mixs_limit(scenes: list[HeadScene]) -> None:
    yaws = np.array([scene.view.yaw for scene in scenes])

    assert np.abs(yaws).max() <= 60.0
    for low in range(-60, 60, 30):
        assert is_likely(int(((yaws >= low) & (yaws < low + 30)).sum()), 0.25)


def test_a_wider_mix_reaches_further() -> None:
    mix = replace(Mix(), yaw=75.0)

    assert max(abs(sample_head(seed, mix).view.yaw) for seed in range(100)) > 65.0


def test_light_hair_is_not_rare(scenes: list[HeadScene]) -> None:
    light = sum(scene.person.hair.kind in ("blond", "platinum", "white") for scene in scenes)

    assert light > 0.12 * COUNT


def test_a_pair_shares_the_person_alone() -> None:
    first, second = sample_pair(4, Mix())

    assert first.person == second.person
    assert first.view != second.view and first.light != second.light


def test_frames_of_a_sequence_share_all_but_the_motion() -> None:
    frames = sample_sequence(6, Mix(hand=1.0), 40)

    assert len({(f.person, f.light, f.body, f.backdrop) for f in frames}) == 1
    yaw = np.array([frame.view.yaw for frame in frames])
    assert 0 < np.abs(np.diff(yaw)).max() < 6.0
    hand = np.array([frame.hands[0].target[0] for frame in frames])
    assert (np.abs(np.diff(hand)) > 0).all() and len(set(np.sign(np.diff(hand)))) == 1


def test_weights_of_expressions_stay_between_nothing_and_all(scenes: list[HeadScene]) -> None:
    weights = np.array([scene.expression for scene in scenes])

    assert weights.min() >= 0.0 and weights.max() <= 1.0
    blinks = weights[:, EXPRESSIONS.index("eyeBlink_L")] > 0.8
    assert 0.05 < blinks.mean() < 0.25
