"""An artist's corrections of a track: points that win over the solve and fade around it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TypeAlias

import numpy as np
from scipy.interpolate import RBFInterpolator

from faceplate.core.analysis.pose import head_pose
from faceplate.core.arrays import DoubleArray
from faceplate.core.errors import TrackError
from faceplate.core.exports import POINTS, TRACKED
from faceplate.core.face import FaceObservation, HeadPose, Origin
from faceplate.core.frame import Frame
from faceplate.core.track import FaceTrack, ShotTrack

VERSION = 1
REACH = 5
"""Frames in which a correction fades out where no other one follows. Ours."""

Places: TypeAlias = Mapping[int, tuple[float, float]]
"""Frame number to a place, pixels of the display window from its top left."""
Corrections: TypeAlias = Mapping[int, Mapping[int, Places]]
"""Index of a face to mesh point to its places."""


def read_corrections(path: Path) -> Corrections:
    """Read corrected points: `points_json` with those points and frames alone that were moved.

    Raises:
        TrackError: not there, of another version, or of points that no export has.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["version"] != VERSION:
            raise ValueError(f"version {found['version']}")
        return {int(face["index"]): _points(face["points"]) for face in found["faces"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrackError(
            f"{path} holds no corrections of a track: {error}.",
            hint="Write it as the .points.json beside a track.",
            path=str(path),
        ) from error


def _points(found: Mapping[str, Mapping[str, list[float]]]) -> Mapping[int, Places]:
    points: dict[int, dict[int, tuple[float, float]]] = {}
    for name, places in found.items():
        if name not in POINTS:
            raise ValueError(f"no point is called {name}")
        own = {int(n): (float(x), float(y)) for n, (x, y) in places.items()}
        if not all(isfinite(part) for place in own.values() for part in place):
            raise ValueError(f"{name} is not at a finite place")
        points.setdefault(POINTS[name], {}).update(own)  # one point may have two names
    return points


def corrected_shot(shot: ShotTrack, corrections: Corrections, frame: Frame) -> ShotTrack:
    """Return a solved shot that goes through an artist's points.

    In a corrected frame the other points of `TRACKED` stay where they are, and the mesh bends
    smoothly between. Between corrections up to twice `REACH` apart the shift is linear; else it
    fades out over `REACH` frames. A cut ends it. What was changed is marked as keyed.

    Args:
        shot: the solved shot.
        corrections: what was moved.
        frame: any frame of the plate, for its display window and pixel aspect.

    Raises:
        TrackError: no such face, or it is not seen in a corrected frame.
    """
    tracks = {track.index: track for track in shot.tracks}
    for index, points in corrections.items():
        tracks[index] = _corrected(shot.face(index), points, frame)
    return replace(shot, tracks=list(tracks.values()))


def _corrected(track: FaceTrack, points: Mapping[int, Places], frame: Frame) -> FaceTrack:
    corner = np.array([frame.display.x0, frame.display.y0], np.float64)
    shifts = {
        point: {
            number: np.array(place) + corner - _seen(track, number).mesh[point, :2]
            for number, place in places.items()
        }
        for point, places in points.items()
    }
    keyed = {number for places in points.values() for number in places}
    result = dict(track.observations)
    for number, face in track.observations.items():
        moved = {point: _shift_at(track, places, number) for point, places in shifts.items()}
        if number in keyed or any(np.any(shift) for shift in moved.values()):
            bent = _bent(face, moved, frame.pixel_aspect)
            result[number] = replace(bent, confidence=1.0) if number in keyed else bent
    return replace(track, observations=result)


def _seen(track: FaceTrack, number: int) -> FaceObservation:
    face = track.at(number)
    if face is None:
        raise TrackError(
            f"Face {track.index} is corrected in frame {number}, in which it is not seen.",
            hint="Correct frames that show the face.",
            frame=number,
        )
    return face


def _shift_at(track: FaceTrack, places: Mapping[int, DoubleArray], number: int) -> DoubleArray:
    """Return how far a point is moved in a frame, (2,) pixels."""
    near = [n for n in places if not track.is_cut_between(n, number)]
    before = max((n for n in near if n <= number), default=None)
    after = min((n for n in near if n >= number), default=None)
    if before is not None and after is not None and before < after <= before + 2 * REACH:
        part = (number - before) / (after - before)
        return places[before] * (1.0 - part) + places[after] * part
    closest = min(near, key=lambda n: abs(n - number), default=None)
    if closest is None:
        return np.zeros(2)
    return places[closest] * max(0.0, 1.0 - abs(closest - number) / (REACH + 1))


def _bent(
    face: FaceObservation, moved: Mapping[int, DoubleArray], pixel_aspect: float
) -> FaceObservation:
    """Return a face whose mesh goes through moved points, and through the others of `TRACKED`."""
    shifts = dict.fromkeys(TRACKED.values(), np.zeros(2)) | dict(moved)
    mesh = face.mesh.astype(np.float64)
    anchors = mesh[list(shifts), :2]
    mesh[:, :2] += RBFInterpolator(anchors, np.array(list(shifts.values())))(mesh[:, :2])
    square = np.array([pixel_aspect, 1.0, 1.0])
    was, now = head_pose(face.mesh * square), head_pose(mesh * square)
    return replace(
        face,
        mesh=mesh.astype(np.float32),
        box=_moved_box(face, mesh),
        pose=HeadPose(
            face.pose.yaw + now.yaw - was.yaw,
            face.pose.pitch + now.pitch - was.pitch,
            face.pose.roll + now.roll - was.roll,
        ),
        origin=Origin.KEYED,
    )


def _moved_box(face: FaceObservation, mesh: DoubleArray) -> tuple[float, float, float, float]:
    """Return the box that lies around the new mesh as the old one did around the old."""
    old = face.mesh[:, :2].astype(np.float64)
    low, high = old.min(axis=0), old.max(axis=0)
    scale = (np.ptp(mesh[:, :2], axis=0)) / (high - low)
    corners = mesh[:, :2].min(axis=0) + (np.reshape(face.box, (2, 2)) - low) * scale
    x0, y0, x1, y1 = (float(part) for part in corners.ravel())
    return x0, y0, x1, y1
