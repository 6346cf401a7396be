"""A track says where the face is, an artist's word counts, and so does a hand-made matte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.core.errors import TrackError
from faceplate.core.face import HeadPose, Origin
from faceplate.core.frame import Frame
from faceplate.core.io.exr import read_frame, write_frame
from faceplate.core.io.tracks import write_track
from faceplate.core.track import FaceTrack, ShotTrack


def tracked(finisher: Any, path: Path, frames: tuple[int, ...], **keyed: Any) -> str:
    """Write a track of the plate's face, with frame 1003 as an artist keyed it."""
    faces = dict(finisher.faces)
    faces[1003] = replace(faces[1003], origin=Origin.KEYED, **keyed) if keyed else faces[1003]
    found = FaceTrack(0, {n: faces[n] for n in frames})
    write_track(path, ShotTrack([found], frames, "", "ACEScg", 1.0))
    return str(path)


def test_what_an_artist_keyed_counts_as_the_plate_s(finisher: Any, tmp_path: Path) -> None:
    comp = finisher.finish(tmp_path)
    seen = finisher.faces[1003].pose
    turned = HeadPose(seen.yaw, seen.pitch, seen.roll + 20.0)

    track = tracked(finisher, tmp_path / "t.track", tuple(range(1001, 1007)), pose=turned)
    measured = finisher.measure(comp, track=track)

    (row,) = [r for r in measured.rows if r.knob == "pose_most"]
    assert row.series[1003] == pytest.approx(20.0, abs=3.0)  # the track is steadied, the comp not
    assert max(value for n, value in row.series.items() if n != 1003) == pytest.approx(0, abs=1e-5)
    assert row.worst == 1003


def test_a_track_of_other_frames_is_refused(finisher: Any, tmp_path: Path) -> None:
    comp = finisher.finish(tmp_path)
    track = tracked(finisher, tmp_path / "t.track", (1001, 1002, 1003))

    with pytest.raises(TrackError, match="knows nothing of frame 1004"):
        finisher.measure(comp, track=track)


def test_a_hand_made_matte_says_what_covers_the_face(finisher: Any, tmp_path: Path) -> None:
    comp = finisher.finish(tmp_path, size=3.0)  # the whole face was replaced, and more
    for number in finisher.faces:
        plate = read_frame(finisher.plate % number, number)
        x0, _, x1, _ = finisher.faces[number].box
        drawn = np.zeros((plate.data.height, plate.data.width), np.float16)
        drawn[:, int(x0) : int((x0 + x1) / 2)] = 1.0
        roto = Frame(number, {"A": drawn}, plate.data, plate.display, 1.0, "")
        write_frame(tmp_path / f"roto.{number}.exr", roto)

    free = finisher.measure(comp)
    covered = finisher.measure(comp, matte_in=str(tmp_path / "roto.%04d.exr"), covers=True)

    by_name = [{r.knob: r for r in m.rows} for m in (free, covered)]
    assert by_name[0]["leak_most"].value is None
    assert by_name[1]["leak_most"].value == pytest.approx(100.0)
    assert by_name[1]["pose_most"].value is None  # half of the face is covered: a guess
    assert "leak_most" in covered.exceeded
