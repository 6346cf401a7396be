from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from faceplate.core.analysis.canonical import PARTS, canonical_face
from faceplate.core.analysis.smooth import box_filter, motion_weight, smooth_face, steady
from faceplate.core.arrays import AnyArray
from faceplate.core.face import FaceObservation, HeadPose, Origin

FaceMaker = Callable[..., FaceObservation]


def solve(
    seen: dict[int, FaceObservation], cuts: tuple[int, ...] = (), smoothing: float = 1.0
) -> dict[int, FaceObservation]:
    return smooth_face(seen, cuts, smoothing=smoothing, pixel_aspect=1.0)


def meshes(faces: dict[int, FaceObservation]) -> AnyArray:
    return np.array([faces[n].mesh for n in sorted(faces)], np.float64)


def shake(signal: AnyArray) -> float:
    return float(np.abs(signal[2:] - 2 * signal[1:-1] + signal[:-2])[..., :2].mean())


def shot(face: FaceMaker, count: int, speed: float = 0.0, noise: float = 0.0, **more: Any) -> Any:
    generator = np.random.default_rng(5)
    return {
        1001 + t: face(
            1001 + t,
            (300.0 + speed * t, 200.0),
            jitter=generator.normal(0, noise, (478, 3)) if noise else None,
            **more,
        )
        for t in range(count)
    }


def test_the_box_filter_is_a_mean_over_reflected_ends() -> None:
    signal = np.array([1.0, 2.0, 4.0, 8.0])[:, None]

    found = box_filter(signal, 3)[:, 0]

    assert found == pytest.approx([5 / 3, 7 / 3, 14 / 3, 16 / 3])  # by hand: 2|1 2 4 8|4


@pytest.mark.parametrize("kernel", [1, 7, 51])
@pytest.mark.parametrize("count", [1, 2, 5, 60])
def test_any_length_can_be_filtered_by_any_kernel(kernel: int, count: int) -> None:
    found = box_filter(np.full((count, 2), 3.0), kernel)

    assert found == pytest.approx(np.full((count, 2), 3.0))


def test_the_motion_weight_is_that_of_the_method() -> None:
    # fsgan.md 3.1 by hand, in the middle of a straight motion: |mean displacement| / 0.01.
    points = np.cumsum(np.full((40, 2), [0.003, 0.004]), axis=0)

    found = motion_weight(points, 5, 0.01)

    assert found[5:-5] == pytest.approx(0.5)


def test_jitter_around_a_place_is_no_motion() -> None:
    alternating = 0.02 * np.array([(-1.0) ** t for t in range(41)])[:, None]

    found = motion_weight(alternating, 25, 0.01)

    assert found[13:-13].max() < 0.2


def test_a_quick_signal_passes_and_a_slow_one_is_averaged() -> None:
    signal = np.arange(9.0)[:, None] ** 2

    moving = steady(signal, 3, np.ones((9, 1)))
    resting = steady(signal, 3, np.zeros((9, 1)))

    assert np.array_equal(moving, signal)
    assert np.array_equal(resting, box_filter(signal, 3))


def test_a_still_face_stays_still(face: FaceMaker) -> None:
    seen = shot(face, 30)

    found = solve(seen)

    assert np.abs(meshes(found) - meshes(seen)).max() < 1e-4
    assert all(found[n].box == pytest.approx(seen[n].box, abs=1e-4) for n in seen)
    assert all(found[n].expression == pytest.approx(seen[n].expression) for n in seen)


@pytest.mark.parametrize("speed", [0.1, 0.8, 3.0, 30.0])
def test_straight_motion_is_kept_without_lag(speed: float, face: FaceMaker) -> None:
    seen = shot(face, 90, speed)

    found = solve(seen)

    inner = slice(28, -28)
    assert np.abs(meshes(found)[inner] - meshes(seen)[inner]).max() < 0.01


def test_jitter_shrinks_and_more_smoothing_shrinks_it_more(face: FaceMaker) -> None:
    seen = shot(face, 60, noise=0.3)

    raw, half, full, double = (shake(meshes(solve(seen, smoothing=s))) for s in (0, 0.5, 1, 2))

    assert full < 0.25 * raw
    assert double < full < half < raw


def test_no_smoothing_returns_what_was_seen(face: FaceMaker) -> None:
    seen = shot(face, 20, 1.0, 0.5)

    found = solve(seen, smoothing=0.0)

    assert all(found[n] is seen[n] for n in seen)


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 1.0, 2.0])
def test_a_single_frame_returns_itself(smoothing: float, face: FaceMaker) -> None:
    seen = {7: face(7, pose=HeadPose(12.0, 3.0, -4.0))}

    found = solve(seen, smoothing=smoothing)[7]

    assert found.mesh == pytest.approx(seen[7].mesh, abs=1e-4)
    assert found.pose.yaw == pytest.approx(12.0, abs=1e-3)


def test_a_shot_played_backwards_is_smoothed_backwards(face: FaceMaker) -> None:
    generator = np.random.default_rng(3)
    walk = np.cumsum(generator.normal(0, 0.6, 50))
    noise = generator.normal(0, 0.3, (50, 478, 3))
    forwards = {t: face(t, (300 + walk[t], 200.0), jitter=noise[t]) for t in range(50)}
    backwards = {t: face(t, (300 + walk[49 - t], 200.0), jitter=noise[49 - t]) for t in range(50)}

    found = meshes(solve(forwards))

    assert np.abs(found - meshes(solve(backwards))[::-1]).max() < 1e-3


def test_nothing_is_smoothed_across_a_cut(face: FaceMaker) -> None:
    before = shot(face, 20, noise=0.3)
    after = {n + 20: face(n + 20, (600.0, 300.0), height=60.0) for n in before}

    found = solve(before | after, cuts=(1021,))

    alone = solve(before)
    assert all(np.array_equal(found[n].mesh, alone[n].mesh) for n in before)
    assert np.abs(meshes({n: found[n] for n in after}) - meshes(after)).max() < 1e-4


def test_a_blink_is_not_smoothed_away(face: FaceMaker) -> None:
    lids = canonical_face().part == 6  # the right eye
    seen = {}
    for t in range(31):
        closed = max(1 - abs(t - 15) / 3, 0.0)
        jitter = np.zeros((478, 3))
        jitter[lids, 1] = 6.0 * closed
        seen[t] = face(t, jitter=jitter)

    found = meshes(solve(seen))

    moved = (found[15] - found[0])[lids, 1].mean()
    assert moved > 0.9 * 6.0


def test_short_gaps_are_filled_and_marked_and_long_ones_are_not(face: FaceMaker) -> None:
    seen = shot(face, 40, 2.0)
    for number in (*range(1006, 1010), *range(1020, 1033)):
        del seen[number]

    found = solve(seen, smoothing=0.0)

    filled = [n for n, o in found.items() if o.origin is Origin.FILLED]
    assert filled == [1006, 1007, 1008, 1009]
    assert found[1007].mesh[4, 0] == pytest.approx(face(0, (312.0, 200.0)).mesh[4, 0], abs=1e-3)
    assert all(found[n].confidence < 0.9 for n in filled)


def test_a_gap_over_a_cut_stays_open(face: FaceMaker) -> None:
    seen = {1: face(1), 2: face(2), 6: face(6), 7: face(7)}

    found = solve(seen, cuts=(4,))

    assert sorted(found) == [1, 2, 6, 7]


def test_the_pose_is_that_of_the_smoothed_mesh(face: FaceMaker) -> None:
    seen = {t: face(t, pose=HeadPose(10.0 + 0.5 * t, 0.0, 179.0 + 0.2 * t)) for t in range(40)}

    found = solve(seen)

    assert found[20].pose.yaw == pytest.approx(20.0, abs=0.2)
    assert abs((found[20].pose.roll - 183.0 + 180) % 360 - 180) < 0.2


def test_a_pose_of_its_own_is_averaged_whatever_the_mesh(face: FaceMaker) -> None:
    seen = {t: replace(face(t), pose=HeadPose(10.0 + 4.0 * (t % 2), 0.0, 0.0)) for t in range(40)}

    found = smooth_face(seen, (), smoothing=1.0, pixel_aspect=1.0, pose_of_mesh=False)

    # Of five frames two or three are turned.
    yaws = [found[t].pose.yaw for t in range(5, 35)]
    assert set(np.round(yaws, 6)) == {11.6, 12.4}


def test_every_mesh_point_has_one_part_and_mirrored_points_mirrored_parts() -> None:
    part = canonical_face().part

    assert sorted(sum(map(list, PARTS), [])) == list(range(98))
    assert set(part) == set(range(len(PARTS)))
    assert (part[33], part[263], part[468], part[473], part[152]) == (6, 7, 8, 9, 0)
