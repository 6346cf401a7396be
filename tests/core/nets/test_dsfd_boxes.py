"""Anchors, boxes and suppression against closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.errors import ContractError
from faceplate.core.nets.dsfd_boxes import (
    FAINTEST,
    anchors_of,
    ceiled_sizes,
    decode,
    detections,
    encode,
    face_anchors,
    pooled_sizes,
    suppress,
)


def test_the_specifications_anchors() -> None:
    anchors = face_anchors(75, 101, 676)

    assert anchors.dtype == np.float32
    wanted = [[0.01980198, 0.02666667, 0.129346, 0.2612789], [0.15841584, 0.21333334, 1, 1]]
    np.testing.assert_allclose(anchors[[0, 494 + 130 + 35]], wanted, rtol=0, atol=5e-9)


def test_a_full_frame_has_its_number_of_anchors() -> None:
    assert len(face_anchors(1080, 1920, 172_845)) == 172_845


@pytest.mark.parametrize(("height", "width"), [(75, 101), (128, 160), (1080, 1920)])
def test_every_anchor_is_where_the_formula_says(height: int, width: int) -> None:
    sizes = ceiled_sizes(height, width)
    anchors = face_anchors(height, width, sum(h * w for h, w in sizes))
    draw = np.random.default_rng(0)
    for _ in range(200):
        level = int(draw.integers(6))
        i, j = (int(draw.integers(n)) for n in sizes[level])
        index = sum(h * w for h, w in sizes[:level]) + i * sizes[level][1] + j
        step, side = 4 * 2**level, 16 * 2**level
        # Pixels: area side^2, one and a half times as high as wide.
        w, h = side * np.sqrt(2 / 3), side * np.sqrt(3 / 2)
        wanted = [(j + 0.5) * step / width, (i + 0.5) * step / height, w / width, h / height]

        assert anchors[index] == pytest.approx(np.clip(wanted, 0, 1), rel=1e-6)


def test_sizes_tell_the_backbones_apart_and_nothing_else_fits() -> None:
    assert len(face_anchors(75, 101, sum(h * w for h, w in pooled_sizes(75, 101)))) == 600
    with pytest.raises(ContractError, match="677 anchors"):
        face_anchors(75, 101, 677)


def test_heads_and_bodies_keep_the_steps_and_have_smaller_sides() -> None:
    sizes = ceiled_sizes(128, 160)

    face, head, body = (anchors_of(sizes, 128, 160, part=part) for part in range(3))

    assert [len(a) for a in (face, head, body)] == [1708, 428, 108]
    np.testing.assert_array_equal(head[:, :2], face[1280:, :2])
    np.testing.assert_array_equal(body[:, :2], face[1600:, :2])
    np.testing.assert_array_equal(head[0, 2:], face[0, 2:])
    np.testing.assert_array_equal(body[-1, 2:], face[1680, 2:])


def test_no_offset_is_the_anchor_and_a_counted_one_moves_it() -> None:
    anchors = np.array([[0.5, 0.4, 0.2, 0.3], [0.5, 0.4, 0.2, 0.3]], np.float32)
    loc = np.array([[0, 0, 0, 0], [5, -10, 5 * np.log(2), 0]], np.float32)

    boxes = decode(loc, anchors)

    # Half an anchor's width to the right, one height up, twice as wide.
    wanted = [[0.4, 0.25, 0.6, 0.55], [0.4, -0.05, 0.8, 0.25]]
    np.testing.assert_allclose(boxes, wanted, atol=1e-6)


def test_decoding_undoes_encoding() -> None:
    draw = np.random.default_rng(1)
    corners = draw.random((50, 2))
    boxes = np.concatenate([corners, corners + 0.01 + draw.random((50, 2))], axis=1)
    anchors = np.concatenate([draw.random((50, 2)), 0.05 + draw.random((50, 2))], axis=1)
    anchors = anchors.astype(np.float32)

    found = decode(encode(boxes, anchors).astype(np.float32), anchors)

    np.testing.assert_allclose(found, boxes, atol=1e-5)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    inter = max(w, 0.0) * max(h, 0.0)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


def test_suppression_is_greedy_over_pairs() -> None:
    draw = np.random.default_rng(2)
    corners = draw.random((300, 2))
    boxes = np.concatenate([corners, corners + 0.02 + 0.2 * draw.random((300, 2))], axis=1)
    boxes = boxes.astype(np.float32)
    scores = draw.permutation(300).astype(np.float32)
    wanted: list[int] = []
    for index in sorted(range(300), key=lambda k: -scores[k]):
        if all(overlap(boxes[index], boxes[k]) <= 0.3 for k in wanted):
            wanted.append(index)

    assert suppress(boxes, scores).tolist() == wanted
    assert 20 < len(wanted) < 280


def test_an_overlap_of_exactly_the_limit_stays() -> None:
    boxes = np.array([[0, 0, 1, 1], [0.5, 0, 1.5, 1]], np.float32)

    assert len(suppress(boxes, np.ones(2, np.float32), overlap=1 / 3 + 1e-6)) == 2
    assert len(suppress(boxes, np.ones(2, np.float32), overlap=1 / 3 - 1e-6)) == 1


def test_only_the_five_thousand_surest_take_part() -> None:
    left = np.arange(6000, dtype=np.float32)
    boxes = np.stack([left, left * 0, left + 1, left * 0 + 1], axis=1)

    kept = suppress(boxes, left)

    assert kept.tolist() == list(range(5999, 999, -1))


def test_detections_are_pixels_beyond_the_picture_and_above_the_least_score() -> None:
    scores = np.zeros(676, np.float32)
    scores[0], scores[300], scores[301] = 0.9, FAINTEST, 0.95
    loc = np.zeros((676, 4), np.float32)
    loc[0, 0] = -5.0

    boxes, found = detections(loc, scores, 75, 101)

    assert found.tolist() == pytest.approx([0.95, 0.9])
    w, h = 16 * np.sqrt(2 / 3), 16 * np.sqrt(3 / 2)
    assert boxes[1] == pytest.approx([2 - w, 2 - h / 2, 2, 2 + h / 2], abs=1e-4)


def test_nothing_found_is_an_empty_list() -> None:
    boxes, scores = detections(np.zeros((676, 4), np.float32), np.zeros(676, np.float32), 75, 101)

    assert (boxes.shape, scores.shape) == ((0, 4), (0,))
