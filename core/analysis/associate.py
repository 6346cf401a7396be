"""Joins observations of many frames into faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from faceplate.core.arrays import DoubleArray
from faceplate.core.face import FaceObservation

IOU = 0.75
"""Overlap above which boxes of neighbouring frames are one face: FSGANv2, `fsgan.md` 2.2."""

_TOUCHING = 0.15
"""Overlap of a second face from which a link may be a mix-up and is left to the embedding."""

_SAME = 0.5
"""Embedding distance of two pieces' means below which they are one person (dlib: 0.6 for two
single pictures; means of many are closer)."""

_OTHER = 0.62
"""Embedding distance above which pieces are two people, wherever they are."""

_REACH = 12
"""Frames over which place alone may join two pieces."""

_FEWEST = 3
"""Frames that a face must be seen in, in a shot that has more than that."""

Box = tuple[float, float, float, float]


@dataclass(slots=True, eq=False)
class _Piece:
    """Observations that are one face beyond doubt, in frame order."""

    seen: list[FaceObservation] = field(default_factory=list)

    @property
    def first(self) -> int:
        return self.seen[0].number

    @property
    def last(self) -> int:
        return self.seen[-1].number

    def identity(self) -> DoubleArray | None:
        """Return the mean embedding by confidence, or None where there is none."""
        vectors = np.array([o.embedding for o in self.seen], np.float64)
        weight = np.array([o.confidence for o in self.seen]) + 1e-3
        weight = weight * (np.abs(vectors).sum(axis=1) > 0)
        return None if weight.sum() == 0 else np.asarray(weight @ vectors / weight.sum())


def associate(
    faces: Mapping[int, Sequence[FaceObservation]], cuts: Sequence[int]
) -> list[dict[int, FaceObservation]]:
    """Return one mapping from frame number to observation for each face of a shot.

    First, boxes of neighbouring frames are joined by overlap, where nothing else is near. Then the
    pieces are joined over gaps, crossings, leaps and cuts: by embedding, or by place over a few
    frames of one set-up.

    Args:
        faces: every analysed frame's observations.
        cuts: frames that begin a new set-up; overlap means nothing across them.
    """
    pieces = _link(faces, frozenset(cuts))
    groups = _join(pieces, sorted(cuts))
    fewest = min(_FEWEST, len(faces))
    return [
        {o.number: o for piece in group for o in piece.seen}
        for group in groups
        if sum(len(piece.seen) for piece in group) >= fewest
    ]


def _link(faces: Mapping[int, Sequence[FaceObservation]], cuts: frozenset[int]) -> list[_Piece]:
    """Join boxes of neighbouring frames; greedy, the oldest piece first, as FSGANv2 does."""
    done: list[_Piece] = []
    active: list[_Piece] = []
    for number in sorted(faces):
        free = list(faces[number])
        if number in cuts:
            done, active = done + active, []
        extended: list[_Piece] = []
        lasts = [piece.seen[-1] for piece in active]
        for piece in active:
            best = max(free, key=lambda o: overlap(o.box, piece.seen[-1].box), default=None)
            if (
                best is not None
                and overlap(best.box, piece.seen[-1].box) > IOU
                and number - piece.last == 1
                and not _is_crowded(best, faces[number])
                and not _is_crowded(piece.seen[-1], lasts)
                and not _is_other(best, piece)
            ):
                piece.seen.append(best)
                free.remove(best)
                extended.append(piece)
            else:
                done.append(piece)
        active = extended + [_Piece([face]) for face in free]
    return done + active


def _is_crowded(face: FaceObservation, others: Sequence[FaceObservation]) -> bool:
    return any(o is not face and overlap(o.box, face.box) > _TOUCHING for o in others)


def _is_other(face: FaceObservation, piece: _Piece) -> bool:
    """Return whether a face has plainly another identity than the piece that it lies on."""
    if not face.embedding.any() or face.confidence < 0.3:
        return False
    identity = _Piece(piece.seen[-8:]).identity()
    return identity is not None and bool(np.linalg.norm(face.embedding - identity) > _OTHER)


def _join(pieces: list[_Piece], cuts: list[int]) -> list[list[_Piece]]:
    """Join pieces into faces, the closest pair first, never two that are seen in one frame."""
    pieces = sorted(pieces, key=lambda p: (p.first, p.seen[0].box))
    identities = [piece.identity() for piece in pieces]
    frames = [{o.number for o in piece.seen} for piece in pieces]
    costs = []
    for a in range(len(pieces)):
        for b in range(a + 1, len(pieces)):
            cost = _cost(pieces[a], pieces[b], identities[a], identities[b], cuts)
            if cost is not None:
                costs.append((cost, a, b))
    group = list(range(len(pieces)))
    members = {i: [i] for i in group}
    for _, a, b in sorted(costs):
        one, two = group[a], group[b]
        if one == two:
            continue
        if any(frames[i] & frames[j] for i in members[one] for j in members[two]):
            continue
        members[one] += members.pop(two)
        for i in members[one]:
            group[i] = one
    return [[pieces[i] for i in sorted(found)] for _, found in sorted(members.items())]


def _cost(
    a: _Piece,
    b: _Piece,
    identity_a: DoubleArray | None,
    identity_b: DoubleArray | None,
    cuts: list[int],
) -> float | None:
    """Return how unlikely two pieces are one face, or None where they cannot be."""
    if a.first > b.first:
        a, b = b, a
    if a.last >= b.first:
        return None
    apart = _place_cost(a, b, cuts)
    if identity_a is None or identity_b is None:
        return apart
    alike = float(np.linalg.norm(identity_a - identity_b))
    if alike > _OTHER or (alike > _SAME and apart is None):
        return None
    return alike + 0.2 * (1.0 if apart is None else apart)


def _place_cost(a: _Piece, b: _Piece, cuts: list[int]) -> float | None:
    """Return 0 to 1 for a short leap of a face of one size, or None for any other."""
    gap = b.first - a.last
    if gap > _REACH or any(a.last < cut <= b.first for cut in cuts):
        return None
    end, start = a.seen[-1], b.seen[0]
    size = (end.height + start.height) / 2
    leap = float(np.hypot(*(np.array(_middle(start.box)) - _middle(end.box)))) / size
    growth = abs(np.log2(start.height / end.height))
    cost = max(leap / (0.5 + 0.1 * gap), growth / 0.6)
    return cost if cost < 1 else None


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def overlap(a: Box, b: Box) -> float:
    """Return the intersection of two boxes over their union."""
    width = max(min(a[2], b[2]) - max(a[0], b[0]), 0.0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), 0.0)
    inter = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter
    return inter / (union + 1e-5)
