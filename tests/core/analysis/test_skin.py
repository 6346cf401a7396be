from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from seen_picture import Picture

from faceplate.core.analysis.skin import blur_of_edges, measure_surface
from faceplate.core.arrays import DoubleArray, FloatArray
from faceplate.core.face import HeadPose

MeshMaker = Callable[..., DoubleArray]


def step_edge(sigma: float) -> FloatArray:
    """A slanted step seen by square pixels under a Gaussian, 160 px."""
    fine = 8
    x = (np.arange(160 * fine) + 0.5) / fine
    edge = 0.1 + 0.4 * (x[None] + 0.3 * x[:, None] > 104)
    soft = cv2.GaussianBlur(edge.astype(np.float32), (0, 0), sigma * fine)
    return np.asarray(cv2.resize(soft, (160, 160), interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0, 8.0])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_the_blur_of_an_edge_is_told_also_under_noise(sigma: float, noise: float) -> None:
    edge = step_edge(sigma)
    grainy = edge + np.random.default_rng(0).normal(0, noise, edge.shape).astype(np.float32)

    found = blur_of_edges(grainy.astype(np.float32), noise)

    # A pixel's own square and the difference of neighbours add a fraction of a pixel.
    assert np.hypot(sigma, 0.0) * 0.95 < found < np.hypot(sigma, 0.75) * 1.1


def test_blur_is_bounded_where_there_is_nothing_to_see() -> None:
    flat = np.full((64, 64), 0.2, np.float32)

    assert blur_of_edges(flat, 0.0) <= 32
    assert blur_of_edges(np.zeros((64, 64), np.float32), 0.0) == 32
    assert blur_of_edges(np.ones((3, 3), np.float32), 0.0) == 32
    assert np.isfinite(blur_of_edges(flat, 0.1))


@pytest.mark.parametrize("grain", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("height", [110.0, 400.0, 1200.0])
def test_grain_on_a_shaded_face_is_measured_relative_to_its_level(
    grain: float, height: float, mesh_at: MeshMaker
) -> None:
    side = int(height * 1.4)
    mesh = mesh_at(HeadPose(10, 0, 5), height=height, middle=(side / 2, side / 2))
    shade = np.linspace(0.5, 1.5, side)[None, :, None] * np.linspace(0.8, 1.2, side)[:, None, None]
    skin = shade * np.array([0.4, 0.25, 0.15])
    grains = np.random.default_rng(1).normal(0, [grain, 2 * grain, 3 * grain], skin.shape)

    found = measure_surface(Picture((skin * (1 + grains)).astype(np.float32)), mesh)

    assert found.noise == pytest.approx(grain * np.array([1, 2, 3]), rel=0.15)


def test_skin_is_the_mean_of_log_light_without_glints(mesh_at: MeshMaker) -> None:
    mesh = mesh_at(HeadPose(0, 0, 0), height=200.0, middle=(150.0, 150.0))
    pixels = np.full((300, 300, 3), [0.5, 0.25, 0.125], np.float32)
    pixels[::7, ::11] = 500.0

    found = measure_surface(Picture(pixels), mesh)

    assert found.skin == pytest.approx([-1, -2, -3, 0, 0, 0], abs=1e-4)


def test_a_face_half_out_of_the_picture_is_measured_without_error(mesh_at: MeshMaker) -> None:
    mesh = mesh_at(HeadPose(0, 0, 0), height=200.0, middle=(0.0, 10.0))

    found = measure_surface(Picture(np.full((50, 50, 3), 0.3, np.float32)), mesh)

    assert np.isfinite([*found.skin, *found.noise, found.sharpness, found.light]).all()
