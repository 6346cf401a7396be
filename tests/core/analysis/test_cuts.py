from __future__ import annotations

import numpy as np

from faceplate.core.analysis.cuts import find_cuts
from faceplate.core.arrays import FloatArray


def scene(seed: int) -> FloatArray:
    """A smooth random picture (18, 32, 3) over several stops."""
    coarse = np.random.default_rng(seed).normal(0, 1.5, (5, 8, 3))
    rows, columns = np.linspace(0, 3.99, 18), np.linspace(0, 6.99, 32)
    i, j = rows.astype(int), columns.astype(int)
    u, v = (rows - i)[:, None, None], (columns - j)[None, :, None]
    a, b = coarse[i][:, j], coarse[i][:, j + 1]
    c, d = coarse[i + 1][:, j], coarse[i + 1][:, j + 1]
    log = (a * (1 - v) + b * v) * (1 - u) + (c * (1 - v) + d * v) * u
    return np.exp2(log - 2.5).astype(np.float32)


def test_a_cut_is_found_at_the_first_frame_of_the_new_set_up() -> None:
    frames = {n: scene(1) for n in range(1001, 1011)} | {n: scene(2) for n in range(1011, 1020)}

    assert find_cuts(frames) == (1011,)


def test_cuts_near_each_other_and_near_the_ends_are_found() -> None:
    order = [1] * 2 + [2] * 3 + [3] * 2 + [1]
    frames = {n: scene(seed) for n, seed in enumerate(order)}

    assert find_cuts(frames) == (2, 5, 7)


def test_a_flash_is_no_cut() -> None:
    frames = {n: scene(1) for n in range(20)}
    frames[8] = frames[8] * 30 + 4
    frames[14] = np.zeros((18, 32, 3), np.float32)

    assert find_cuts(frames) == ()


def test_a_fade_in_exposure_is_no_cut() -> None:
    assert find_cuts({n: scene(1) * np.float32(0.7**n) for n in range(12)}) == ()


def test_a_quick_pan_is_no_cut() -> None:
    wide = np.concatenate([scene(1), scene(1)[:, ::-1]], axis=1)

    assert find_cuts({n: wide[:, 2 * n : 2 * n + 32] for n in range(16)}) == ()


def test_a_gap_in_the_numbers_hides_no_cut() -> None:
    frames = {n: scene(1) for n in range(5)} | {n: scene(2) for n in range(9, 14)}

    assert find_cuts(frames) == (9,)


def test_flat_pictures_have_no_cuts() -> None:
    assert find_cuts({n: np.full((18, 32, 3), 0.18, np.float32) for n in range(5)}) == ()
    assert find_cuts({}) == ()
