from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.core.synth.bones import HandPose, skeleton
from faceplate.core.synth.gesture import GESTURES
from faceplate.core.synth.hand import make_hand, sample_hand

_FAR = np.array([[500.0, 0, 0], [-500.0, 0, 0]], np.float32)
"""A head that is nowhere near, so that hands stay where they are put."""


def _rest(**changes: object) -> HandPose:
    pose = sample_hand(np.random.default_rng(1), None, "wave")
    flat = dict(
        left=False, size=1.0, sleeve=99.0, turn=0.0, tilt=0.0, wrist=(0.0, 0.0), gap=0.0,
        target=(0.0, 0.0, 0.0), outward=(0.0, 0.0, 1.0), contact="palm", facing="back",
        fingers=((0.0, 0.0, 0.0),) * 4, spread=(0.0,) * 4, thumb=(0.2, 0.0, 0.0, 0.0),
    )  # fmt: skip
    return replace(pose, **{**flat, **changes})


_angles = st.floats(-30, 110)
_finger = st.tuples(_angles, _angles, _angles)


@given(
    fingers=st.tuples(_finger, _finger, _finger, _finger),
    thumb=st.tuples(st.floats(0, 1), _angles, _angles, _angles),
    size=st.floats(0.8, 1.2),
)
@settings(max_examples=60, deadline=None)
def test_bones_keep_their_lengths_under_any_pose(
    fingers: tuple[tuple[float, float, float], ...],
    thumb: tuple[float, float, float, float],
    size: float,
) -> None:
    straight = skeleton(_rest(size=size))

    bent = skeleton(_rest(size=size, fingers=fingers, thumb=thumb))

    for name in ("fingers", "thumb"):
        before = np.linalg.norm(np.diff(getattr(straight, name), axis=-2), axis=-1)
        after = np.linalg.norm(np.diff(getattr(bent, name), axis=-2), axis=-1)
        np.testing.assert_allclose(after, before, atol=1e-9)


@pytest.mark.parametrize("finger", range(4))
@pytest.mark.parametrize("joint", range(3))
def test_a_finger_bends_towards_the_palm_at_each_joint(finger: int, joint: int) -> None:
    bends = [[0.0, 0.0, 0.0] for _ in range(4)]
    bends[finger][joint] = 50.0

    tip = skeleton(_rest(fingers=tuple(map(tuple, bends)))).fingers[finger, 3]

    rest = skeleton(_rest()).fingers[finger, 3]
    assert tip[2] > rest[2] + 0.7
    assert tip[1] < rest[1]


def test_a_fist_brings_all_fingertips_to_the_palm() -> None:
    fist = skeleton(_rest(fingers=GESTURES["fist"].fingers))

    palm = fist.fingers[:, 0] * 0.6
    away = np.linalg.norm(fist.fingers[:, 3] - palm, axis=1)
    assert away.max() < 4.5


def test_an_opposed_thumb_lies_before_the_palm_and_another_beside_it() -> None:
    beside, before = (skeleton(_rest(thumb=(way, 0.0, 0.0, 0.0))).thumb[3] for way in (0.0, 1.0))

    assert before[2] > beside[2] + 3
    assert before[0] < beside[0] - 2


def test_spread_fans_a_finger_towards_the_little_one() -> None:
    turned = skeleton(_rest(spread=(0.0, 15.0, 0.0, 0.0))).fingers[1, 3]

    assert turned[0] < skeleton(_rest()).fingers[1, 3][0] - 1.5


def test_a_left_hand_is_a_right_one_in_the_mirror() -> None:
    right = make_hand(_rest(left=False), _FAR)[0]

    left = make_hand(_rest(left=True), _FAR)[0]

    np.testing.assert_allclose(left.vertices * [-1, 1, 1], right.vertices, atol=1e-4)
    np.testing.assert_array_equal(left.triangles, right.triangles[:, ::-1])


@pytest.mark.parametrize(("facing", "sign"), [("palm", -1.0), ("back", 1.0)])
def test_the_thumb_of_a_right_hand_is_where_its_facing_puts_it(facing: str, sign: float) -> None:
    """Before a camera a right palm shows its thumb to the right, its back shows it to the left."""
    hand = make_hand(_rest(facing=facing, thumb=(0.0, 0.0, 0.0, 0.0)), _FAR)[0]

    across = hand.vertices[hand.vertices[:, 1] > -6.0]
    widest = across[np.abs(across[:, 0] - np.median(across[:, 0])).argmax()]
    assert np.sign(widest[0]) == sign


@pytest.mark.parametrize("seed", range(12))
def test_a_hand_without_gap_just_touches_the_head(seed: int) -> None:
    rng = np.random.default_rng(seed)
    u, v = np.meshgrid(np.linspace(-np.pi, np.pi, 200), np.linspace(-1.5, 1.5, 120))
    ring = np.stack([np.cos(v) * np.sin(u), np.sin(v), np.cos(v) * np.cos(u)], -1)
    head = (ring.reshape(-1, 3) * [7.5, 11, 10] + [0, 1, 1]).astype(np.float32)
    gesture = ("cover", "cup", "fist", "think", "rub")[seed % 5]
    pose = replace(sample_hand(rng, None, gesture), gap=0.0, sleeve=99.0)

    hand = make_hand(pose, head)[0].vertices

    inside = (((hand - [0, 1, 1]) / [7.5, 11, 10]) ** 2).sum(1)
    assert inside.min() > 0.8  # not sunk into the head
    assert inside.min() < 1.35  # and not floating before it


def test_a_gap_moves_the_hand_away_from_the_head_by_itself() -> None:
    pose = _rest(target=(0.0, -4.0, 11.0))

    near = make_hand(pose)[0].vertices
    far = make_hand(replace(pose, gap=7.0))[0].vertices

    np.testing.assert_allclose(far - near, np.broadcast_to([0, 0, 7], near.shape), atol=1e-3)


def test_the_palm_of_a_dark_hand_is_paler_than_its_back() -> None:
    hand = make_hand(_rest(tone=(0.06, 0.03, 0.02), facing="back"), _FAR)[0]

    # With its back to the head the palm looks to +z; the middle of the palm, and what is behind.
    middle = np.abs(hand.vertices[:, :2]).max(1) < 2.0
    depth = hand.vertices[:, 2] - np.median(hand.vertices[middle, 2])
    palm, back = (hand.albedo[middle & side].mean() for side in (depth > 0.5, depth < -0.5))
    assert palm > 2 * back


def test_twins_lie_on_both_sides_of_the_face() -> None:
    pose = sample_hand(np.random.default_rng(3), None, "hide")

    right, left = make_hand(replace(pose, sleeve=99.0))[::2]

    assert right.vertices[:, 0].mean() * left.vertices[:, 0].mean() < 0


def test_a_held_thing_is_between_fingers_and_thumb() -> None:
    pose = replace(sample_hand(np.random.default_rng(5), None, "hold"), held="can", sleeve=99.0)

    skin, can, _ = make_hand(pose, _FAR)

    offset = skin.vertices - can.vertices.mean(0)
    away = np.linalg.norm(offset, axis=1)
    touching = offset[away < 4.8] / away[away < 4.8, None]
    assert (touching @ touching.T).min() < -0.3


@pytest.mark.parametrize("left", [False, True])
def test_an_arm_comes_from_the_shoulder_of_its_side(left: bool) -> None:
    pose = _rest(target=(0.0, -4.0, 11.0), left=left)

    hand, arm = make_hand(pose)

    shoulder = np.array([19.0 if left else -19.0, -25.0, -2.0])
    assert np.linalg.norm(arm.vertices - shoulder, axis=1).min() < 5
    gaps = np.linalg.norm(hand.vertices[::7, None] - arm.vertices, axis=-1)
    assert gaps.min() < 1.5  # joined to the forearm


def test_the_same_seed_gives_the_same_hand() -> None:
    one, two = (sample_hand(np.random.default_rng(9), (0.5, 0.3, 0.2)) for _ in range(2))

    assert one == two
    assert make_hand(one)[0].vertices.tobytes() == make_hand(two)[0].vertices.tobytes()


def test_a_pose_is_plain_json() -> None:
    for seed in range(40):
        pose = sample_hand(np.random.default_rng(seed))

        assert json.loads(json.dumps(asdict(pose)))["gesture"] == pose.gesture


def test_about_half_of_the_hands_share_the_tone_of_the_face() -> None:
    face = np.array([0.5, 0.3, 0.2])
    tones = [sample_hand(np.random.default_rng(seed), face).tone for seed in range(400)]

    near = [np.abs(np.log(np.array(tone) / face)).max() < 0.4 for tone in tones]

    assert 0.4 < np.mean(near) < 0.75


def test_every_gesture_is_drawn() -> None:
    drawn = {sample_hand(np.random.default_rng(seed)).gesture for seed in range(600)}

    assert drawn == set(GESTURES)
