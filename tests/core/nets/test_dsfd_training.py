"""What DSFD learns from, against brute force over every anchor and truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.nets.dsfd import DSFD, Prediction
from faceplate.core.nets.dsfd_boxes import anchors_of, ceiled_sizes, decode
from faceplate.core.nets.dsfd_training import (
    BACKGROUND,
    IGNORED,
    match,
    overlaps,
    part_loss,
    total_loss,
    usable_boxes,
    wanted_offsets,
)

HEIGHT, WIDTH = 128, 160


@pytest.fixture(scope="module")
def anchors() -> FloatArray:
    return anchors_of(ceiled_sizes(HEIGHT, WIDTH), HEIGHT, WIDTH)


@pytest.fixture(scope="module")
def truths() -> DoubleArray:
    """Faces of several sizes, one of them too small for any anchor."""
    draw = np.random.default_rng(6)
    sides = np.array([0.03, 0.12, 0.2, 0.35, 0.6])
    corners = draw.random((5, 2)) * (1 - sides[:, None])
    return np.concatenate([corners, corners + sides[:, None] * [1, 1.4]], axis=1)


def shared_of(truth: AnyArray, anchor: AnyArray) -> float:
    x, y, w, h = (float(v) for v in anchor)
    width = min(truth[2], x + w / 2) - max(truth[0], x - w / 2)
    height = min(truth[3], y + h / 2) - max(truth[1], y - h / 2)
    inter = max(width, 0.0) * max(height, 0.0)
    area = (truth[2] - truth[0]) * (truth[3] - truth[1])
    return float(inter / (area + w * h - inter))


def by_brute_force(truths: AnyArray, anchors: AnyArray, *, compensated: bool) -> list[int]:
    table = [[shared_of(t, a) for a in anchors] for t in truths]
    found = []
    for index in range(len(anchors)):
        column = [row[index] for row in table]
        best = max(range(len(truths)), key=lambda k: column[k])
        found.append(best if column[best] >= 0.4 else BACKGROUND)
    for number, row in enumerate(table):
        found[max(range(len(anchors)), key=lambda k: row[k])] = number
    if compensated:
        for number, row in enumerate(table):
            for index in sorted(range(len(anchors)), key=lambda k: -row[k]):
                if found.count(number) >= 6 or row[index] < 0.1:
                    break
                if found[index] == BACKGROUND:
                    found[index] = number
    return found


def test_overlaps_are_intersections_over_unions(truths: DoubleArray, anchors: FloatArray) -> None:
    found = overlaps(truths, anchors)

    wanted = [[shared_of(t, a) for a in anchors] for t in truths]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("compensated", [False, True])
def test_matching_is_that_of_brute_force(
    compensated: bool, truths: DoubleArray, anchors: FloatArray
) -> None:
    found = match(truths, anchors, compensated=compensated)

    assert found.tolist() == by_brute_force(truths, anchors, compensated=compensated)
    assert set(found) == {BACKGROUND, 0, 1, 2, 3, 4}


def test_compensation_gives_a_small_face_more_anchors(
    truths: DoubleArray, anchors: FloatArray
) -> None:
    plain, more = (match(truths, anchors, compensated=c) for c in (False, True))

    assert (plain == 0).sum() == 1
    assert (more == 0).sum() > 1
    kept = plain >= 0
    np.testing.assert_array_equal(more[kept], plain[kept])


def test_of_two_truths_with_one_best_anchor_the_later_has_it(anchors: FloatArray) -> None:
    x, y, w, h = anchors[700]
    box = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])

    found = match(np.stack([box, box + 1e-4]), anchors)

    assert found[700] == 1


def test_between_two_thresholds_an_anchor_is_neither(
    truths: DoubleArray, anchors: FloatArray
) -> None:
    found = match(truths, anchors, ignore_from=0.3)
    best = overlaps(truths, anchors).max(axis=0)

    forced = match(truths, anchors) >= 0
    between = (best >= 0.3) & (best < 0.4) & ~forced
    assert between.any()
    assert (found[between] == IGNORED).all()
    assert (found[(best < 0.3) & ~forced] == BACKGROUND).all()


def test_targets_decode_to_the_truth(truths: DoubleArray, anchors: FloatArray) -> None:
    matched = match(truths, anchors)
    offsets = wanted_offsets(truths, anchors, matched)

    positive = matched >= 0
    boxes = decode(offsets[positive], anchors[positive])
    np.testing.assert_allclose(boxes, truths[matched[positive]], atol=1e-5)
    assert not offsets[~positive].any()


def test_boxes_of_wider_face_lose_their_last_pixel_and_the_unusable() -> None:
    boxes = [[10, 20, 31, 41], [0, 0, 2, 2], [5, 5, 1, 9], [5, 5, 9, 1], [-1, 5, 9, 9]]

    found = usable_boxes(np.array(boxes), 100, 200)

    np.testing.assert_allclose(found, [[0.05, 0.2, 0.2, 0.6], [0, 0, 0.005, 0.01]])
    assert usable_boxes(np.zeros((0, 4)), 100, 200).shape == (0, 4)


def test_the_loss_counts_positives_and_three_hard_negatives_each() -> None:
    draw = np.random.default_rng(7)
    loc, conf = draw.standard_normal((2, 12, 4)) * 2, draw.standard_normal((2, 12, 2))
    offsets = draw.standard_normal((2, 12, 4))
    matched = np.full((2, 12), BACKGROUND)
    matched[0, 3], matched[0, 8], matched[0, [1, 2]] = 0, 1, IGNORED
    box, score = 0.0, 0.0
    for b in range(2):
        losses = np.log(np.exp(conf[b]).sum(axis=1))
        positive = [k for k in range(12) if matched[b, k] >= 0]
        rest = [k for k in range(12) if matched[b, k] == BACKGROUND]
        rest.sort(key=lambda k: -(losses[k] - conf[b, k, 0]))
        score += sum(losses[k] - conf[b, k, 1] for k in positive)
        score += sum(losses[k] - conf[b, k, 0] for k in rest[: 3 * len(positive)])
        for k in positive:
            d = np.abs(loc[b, k] - offsets[b, k])
            box += np.where(d < 1, d * d / 2, d - 0.5).sum()

    prediction = Prediction(torch.from_numpy(loc), torch.from_numpy(conf))
    found = part_loss(prediction, torch.from_numpy(offsets), torch.from_numpy(matched))

    assert [loss.item() for loss in found] == pytest.approx([box / 2, score / 2])


def test_pictures_without_a_face_have_no_loss_and_no_division_by_zero() -> None:
    prediction = Prediction(torch.randn(1, 9, 4), torch.randn(1, 9, 2))
    matched = torch.full((1, 9), BACKGROUND)

    found = part_loss(prediction, torch.zeros(1, 9, 4), matched)

    assert [loss.item() for loss in found] == [0.0, 0.0]


def test_a_small_one_learns_where_a_face_is(anchors: FloatArray) -> None:
    torch.manual_seed(0)
    network = DSFD(width=4, depths=(1, 1, 1, 1))
    picture = torch.full((1, 3, HEIGHT, WIDTH), -1.0)
    picture[..., 30:75, 40:72] = 1.0
    truth = np.array([[40 / WIDTH, 30 / HEIGHT, 72 / WIDTH, 75 / HEIGHT]])
    sizes = ceiled_sizes(HEIGHT, WIDTH)
    wanted = []
    for part in range(3):
        of_part = anchors_of(sizes, HEIGHT, WIDTH, part=part)
        matched = match(truth, of_part)
        offsets = wanted_offsets(truth, of_part, matched)
        wanted.append((torch.from_numpy(offsets)[None], torch.from_numpy(matched)[None]))
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(40):
        loss = total_loss(network.parts(picture), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < 0.2 * losses[0]
    loc, score = network.parts(picture)[0].loc, network(picture)[1]
    best = int(score[0].argmax())
    (box,) = decode(loc[0, best : best + 1].detach().numpy(), anchors[best : best + 1])
    assert box == pytest.approx(truth[0], abs=0.08)
