"""How good a segmentation is: overlap, edges, and the groups of people it serves worst."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from faceplate.core.arrays import BoolArray, ByteArray, DoubleArray, FloatArray, IntArray
from faceplate.core.synth.picture import CLASSES

Segmenter: TypeAlias = Callable[[FloatArray], FloatArray]
"""Codes (B, h, w, 3), 0 to 1, to logits (B, h, w, 6)."""

JUDGED = ("face", "hair", "occluder", "mouth")
"""The classes that become mattes; the score is their mean."""

EDGE_PX = 2.0
"""How far a predicted edge may lie from the true one."""

_YAW_BANDS = (20, 40, 60)
_BATCH = 8
_KNOWN = 127


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One picture to judge a segmentation by.

    Attributes:
        codes: (h, w, 3) uint8, network domain.
        coverage: (h, w, 6) uint8.
        valid: (h, w) uint8; pixels below one half are left out.
        groups: groups that the picture belongs to, as "tone3", "yaw 20-40".
    """

    codes: ByteArray
    coverage: ByteArray
    valid: ByteArray
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """What `evaluate` found.

    Attributes:
        pictures: how many were judged.
        iou: class to intersection over union of all pixels.
        edges: class to the F-score of edges within `EDGE_PX`.
        by_group: group to class to intersection over union; only classes that are there.
        sizes: group to number of pictures.
    """

    pictures: int
    iou: Mapping[str, float]
    edges: Mapping[str, float]
    by_group: Mapping[str, Mapping[str, float]]
    sizes: Mapping[str, int]

    @property
    def score(self) -> float:
        """Mean overlap of the judged classes: what the best checkpoint is chosen by."""
        found = [self.iou[name] for name in JUDGED if name in self.iou]
        return float(np.mean(found)) if found else 0.0

    def worst_group(self, name: str, kind: str) -> tuple[str, float, float]:
        """Return the group that a class is found worst in, its overlap, and its gap to the best.

        Args:
            name: the class.
            kind: what groups' names begin with: "tone" or "yaw".
        """
        found = {
            group: classes[name]
            for group, classes in self.by_group.items()
            if group.startswith(kind) and name in classes
        }
        if not found:
            return "", 0.0, 0.0
        worst = min(found, key=lambda group: found[group])
        return worst, found[worst], max(found.values()) - found[worst]

    def numbers(self) -> dict[str, float]:
        """Return everything by name, as a model's card and TensorBoard take it."""
        flat = {"score": self.score, "pictures": float(self.pictures)}
        flat |= {f"iou {name}": value for name, value in self.iou.items()}
        flat |= {f"edge {name}": value for name, value in self.edges.items()}
        for kind in ("tone", "yaw"):
            for name in JUDGED:
                group, value, gap = self.worst_group(name, kind)
                if group:
                    flat[f"worst {kind} {name} ({group})"] = value
                    flat[f"gap {kind} {name}"] = gap
        return flat


def evaluate(segmenter: Segmenter, pictures: Iterable[Judged]) -> SegmentReport:
    """Return how well a network labels pictures; the most likely class of a pixel counts."""
    tally = _Tally()
    waiting: list[Judged] = []
    for picture in pictures:
        waiting.append(picture)
        if len(waiting) == _BATCH:
            _judge(segmenter, waiting, tally)
            waiting = []
    if waiting:
        _judge(segmenter, waiting, tally)
    return tally.report()


def groups_of(tags: Iterable[str], yaw: float) -> tuple[str, ...]:
    """Return the groups of a picture: its skin tone's, its yaw band's, and what is to be seen.

    >>> groups_of(["tone3", "hand"], -25.0)
    ('tone3', 'with hand', 'yaw 20-40')
    """
    low = max((band for band in (0, *_YAW_BANDS) if abs(yaw) >= band), default=0)
    high = min((band for band in _YAW_BANDS if band > low), default=90)
    tags = sorted(tags, key=lambda tag: (not tag.startswith("tone"), tag))
    named = [tag if tag.startswith("tone") else f"with {tag}" for tag in tags]
    return (*named, f"yaw {low}-{high}")


def edge_of(area: BoolArray) -> BoolArray:
    """Return the pixels of an area that have a neighbour outside it; the border is no neighbour.

    >>> edge_of(np.array([[True, True, False]])).tolist()
    [[False, True, False]]
    """
    inside = area.astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    eroded = cv2.erode(inside, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    return area & (eroded == 0)


def edge_hits(found: BoolArray, true: BoolArray, reach_px: float) -> tuple[int, int, int, int]:
    """Return how the edges of two areas meet.

    Returns:
        Edge pixels of ``found`` within reach of the true edge, all of them; and the same of
        ``true`` within reach of the found edge.
    """
    edges = edge_of(found), edge_of(true)
    near = [_near(edge, reach_px) for edge in edges]
    return (
        int((edges[0] & near[1]).sum()),
        int(edges[0].sum()),
        int((edges[1] & near[0]).sum()),
        int(edges[1].sum()),
    )


def _near(edge: BoolArray, reach_px: float) -> BoolArray:
    if not edge.any():
        return np.zeros_like(edge)
    far = cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(far <= reach_px + 1e-4)


class _Tally:
    """Sums over pictures, from which the report follows."""

    def __init__(self) -> None:
        count = len(CLASSES)
        self.pictures = 0
        self.areas = np.zeros((3, count))
        self.edges = np.zeros((4, count))
        self.groups: dict[str, DoubleArray] = {}
        self.sizes: dict[str, int] = {}

    def add(self, found: IntArray, picture: Judged) -> None:
        """Count one picture.

        Args:
            found: (h, w) class of each pixel.
            picture: what there is to be found.
        """
        known = picture.valid > _KNOWN
        true = picture.coverage.argmax(axis=2)
        areas = np.zeros((3, len(CLASSES)))
        for index in range(len(CLASSES)):
            own, wanted = (found == index) & known, (true == index) & known
            areas[:, index] = (own & wanted).sum(), (own | wanted).sum(), wanted.sum()
            if own.any() or wanted.any():
                self.edges[:, index] += edge_hits(own, wanted, EDGE_PX)
        self.pictures += 1
        self.areas += areas
        for group in picture.groups:
            self.groups[group] = self.groups.get(group, np.zeros_like(areas)) + areas
            self.sizes[group] = self.sizes.get(group, 0) + 1

    def report(self) -> SegmentReport:
        near, own, met, wanted = self.edges
        precision, recall = near / np.maximum(own, 1), met / np.maximum(wanted, 1)
        scores = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
        present = {name: k for k, name in enumerate(CLASSES) if self.areas[2, k] > 0}
        groups = {name: _overlaps(areas) for name, areas in sorted(self.groups.items())}
        return SegmentReport(
            pictures=self.pictures,
            iou=_overlaps(self.areas),
            edges={name: float(scores[k]) for name, k in present.items()},
            by_group=groups,
            sizes=dict(sorted(self.sizes.items())),
        )


def _overlaps(areas: DoubleArray) -> dict[str, float]:
    """Return the overlap of each class that is truly there; areas: both, either, true."""
    rows = zip(CLASSES, *areas, strict=True)
    return {name: float(both / either) for name, both, either, true in rows if true > 0}


def _judge(segmenter: Segmenter, pictures: list[Judged], tally: _Tally) -> None:
    codes = np.stack([picture.codes for picture in pictures]).astype(np.float32)
    codes /= np.float32(255)
    for logits, picture in zip(segmenter(codes), pictures, strict=True):
        tally.add(logits.argmax(axis=2), picture)
