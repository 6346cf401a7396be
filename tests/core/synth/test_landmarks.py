"""Landmarks without a picture, against those of the renderer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.landmarks import LandmarkHead, sample_shapes, seen
from faceplate.core.synth.render import render_head
from faceplate.core.synth.sample import Mix, sample_head
from faceplate.core.synth.scene import HeadScene


@pytest.mark.parametrize(("seed", "first"), [(3, 33), (8, 33), (8, 0)])
def test_landmarks_are_where_the_renderer_puts_them(
    model: HeadModel, plain: HeadScene, seed: int, first: int
) -> None:
    drawn = sample_head(seed, Mix())
    view = replace(drawn.view, height=0.5, middle=(0.5, 0.5))
    if first == 0:
        # The stand-in's chin follows the body, which has no pitch and no roll.
        view = replace(view, pitch=0.0, roll=0.0)
    person = replace(plain.person, weights=drawn.person.weights)
    scene = replace(
        plain, person=person, expression=drawn.expression, gaze=drawn.gaze, view=view,
        body=replace(plain.body, yaw=view.yaw),
    )  # fmt: skip
    size = 64

    picture = render_head(model, scene, size)

    points = LandmarkHead.of(model).landmarks(
        np.array([person.weights[: len(model.identity_modes)]]),
        np.array([scene.expression]),
        np.array([scene.gaze]),
    )
    found = seen(points, np.array([[view.yaw, view.pitch, view.roll]]), np.array([view.distance]))
    rest = model.shape(person.weights)[model.mesh_points]
    scale = 0.5 * size / np.linalg.norm(rest[10] - rest[152])
    # Eyeballs are measured turned by the one and straight ahead by the other.
    wanted = picture.wflw98[first:]
    np.testing.assert_allclose((found[0] * scale + size / 2)[first:], wanted, atol=0.1)


def test_shapes_are_as_wide_as_the_renderer_draws_them() -> None:
    weights = sample_shapes(np.random.default_rng(0), 4000, 20)

    # A clipped normal times the mean square of 0.7 to 1.15.
    assert weights.std() == pytest.approx(0.92, abs=0.03)
    assert np.abs(weights).max() <= 2.3 * 1.15
