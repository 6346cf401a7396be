"""Measures of segmentation, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.core.training.segmetrics import Judged, edge_hits, edge_of, evaluate, groups_of

SIDE = 24


def blobs(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    area = np.zeros((SIDE, SIDE), bool)
    for _ in range(3):
        middle, radius = rng.uniform(0, SIDE, 2), rng.uniform(2, 7)
        area |= np.hypot(x - middle[0], y - middle[1]) < radius
    return area


def edge_by_hand(area: np.ndarray) -> set[tuple[int, int]]:
    found = set()
    for y, x in np.argwhere(area):
        for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            other = (y + dy, x + dx)
            if min(other) >= 0 and max(other) < SIDE and not area[other]:
                found.add((int(y), int(x)))
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("reach", [1.0, 2.0, 3.5])
def test_edges_within_reach_are_those_that_a_search_finds(seed: int, reach: float) -> None:
    found, true = blobs(seed), blobs(seed + 100)
    edges = edge_by_hand(found), edge_by_hand(true)

    def near(some: set[tuple[int, int]], others: set[tuple[int, int]]) -> int:
        return sum(any(np.hypot(y - v, x - u) <= reach for v, u in others) for y, x in some)

    hits = edge_hits(found, true, reach)

    assert set(map(tuple, np.argwhere(edge_of(found)).tolist())) == edges[0]
    assert hits == (near(*edges), len(edges[0]), near(edges[1], edges[0]), len(edges[1]))


def judged(labels: np.ndarray, *groups: str, valid: int = 255) -> Judged:
    coverage = (255 * (labels[..., None] == np.arange(6))).astype(np.uint8)
    codes = np.repeat(labels[..., None], 3, axis=2).astype(np.uint8)
    return Judged(codes, coverage, np.full(labels.shape, valid, np.uint8), groups)


def truthful(codes: np.ndarray) -> np.ndarray:
    """Read the labels out of the codes."""
    labels = np.rint(codes[..., 0] * 255).astype(int)
    return np.eye(6, dtype=np.float32)[labels]


def test_a_network_that_knows_everything_scores_one() -> None:
    labels = np.arange(6).repeat(SIDE).reshape(-1, SIDE // 2).astype(np.uint8)

    report = evaluate(truthful, [judged(labels, "tone0"), judged(labels[:, ::-1], "tone1")])

    assert report.score == 1
    assert set(report.iou.values()) == set(report.edges.values()) == {1.0}
    assert report.worst_group("face", "tone")[1:] == (1.0, 0.0)


def test_overlap_is_of_all_pixels_and_by_group() -> None:
    face = np.ones((SIDE, SIDE), np.uint8)
    half = face.copy()
    half[:, : SIDE // 2] = 0
    answers = iter([half, face, face])

    def segmenter(codes: np.ndarray) -> np.ndarray:
        return np.stack([np.eye(6, dtype=np.float32)[next(answers)] for _ in codes])

    pictures = [judged(face, "tone0"), judged(face, "tone1"), judged(half, "tone1")]
    report = evaluate(segmenter, pictures)

    assert report.iou["face"] == pytest.approx((0.5 + 1 + 0.5) / 3)
    assert report.worst_group("face", "tone") == ("tone0", 0.5, pytest.approx(0.25))
    assert report.sizes == {"tone0": 1, "tone1": 2}
    assert "hair" not in report.iou


def test_pixels_that_nobody_vouches_for_are_not_judged() -> None:
    face = np.ones((SIDE, SIDE), np.uint8)

    def wrong(codes: np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.eye(6, dtype=np.float32)[2], (*codes.shape[:3], 6))

    report = evaluate(wrong, [judged(face, valid=100)])

    assert report.iou == {}
    assert report.pictures == 1


@pytest.mark.parametrize(
    ("yaw", "band"), [(0, "0-20"), (-19.9, "0-20"), (20, "20-40"), (-59, "40-60"), (75, "60-90")]
)
def test_every_yaw_has_its_band(yaw: float, band: str) -> None:
    assert groups_of([], yaw) == (f"yaw {band}",)
