"""Which of a shot's faces a job means."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from faceplate.core.analysis.identity import SAME_PERSON, identity_distance
from faceplate.core.arrays import FloatArray
from faceplate.core.errors import TrackError
from faceplate.core.job import FaceChoice
from faceplate.core.track import FaceTrack, ShotTrack


def chosen_tracks(
    shot: ShotTrack, choice: FaceChoice, embedding_of: Callable[[str], FloatArray]
) -> list[FaceTrack]:
    """Return the tracks that a choice means; none when the plate has no face at all.

    Args:
        embedding_of: gives the identity vector of a reference picture, by its path.

    Raises:
        TrackError: the plate has faces, but not that one.
    """
    if not shot.tracks:
        return []
    if choice.every:
        return list(shot.tracks)
    if choice.index is not None:
        return [shot.face(choice.index)]
    if choice.at is not None:
        return [_track_at(shot, *choice.at)]
    assert choice.reference is not None  # the choice says one of the four
    wanted = embedding_of(choice.reference)
    distances = [_distance(track, wanted) for track in shot.tracks]
    best = int(np.argmin(distances))
    if distances[best] > SAME_PERSON:
        raise TrackError(
            f"Nobody in the plate looks like {choice.reference}: the nearest face is "
            f"{distances[best]:.2f} away, the same person is under {SAME_PERSON}.",
            hint="Choose by --face or --face-at, or give a clearer reference picture.",
            distances=[float(d) for d in distances],
        )
    return [shot.tracks[best]]


def _track_at(shot: ShotTrack, x: float, y: float) -> FaceTrack:
    """Return the track whose box holds a point in the earliest frame; the smaller box wins."""
    found = [
        (number, (o.box[2] - o.box[0]) * (o.box[3] - o.box[1]), track.index)
        for track in shot.tracks
        for number, o in track.observations.items()
        if o.box[0] <= x < o.box[2] and o.box[1] <= y < o.box[3]
    ]
    if not found:
        raise TrackError(
            f"No face of the plate is at {x:g},{y:g} in any frame.",
            hint="Count pixels from the display window's top left, or use --face.",
            at=[x, y],
        )
    return shot.face(min(found)[2])


def _distance(track: FaceTrack, wanted: FloatArray) -> float:
    known = [o.embedding for o in track.observations.values() if o.embedding.any()]
    if not known:
        return float("inf")
    return identity_distance(np.median(np.stack(known), axis=0), wanted)
