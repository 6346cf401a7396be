"""The warp against a painted head whose every pixel is known in any pose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from faceplate.core.face import JAW_OPEN, MOUTH_SMILE, FaceObservation, HeadPose, Origin
from faceplate.core.frame import Window
from faceplate.core.geometry import mesh as meshes
from faceplate.core.nets.load import find_card
from faceplate.core.source import Actor, View
from faceplate.core.stages import views, warp
from faceplate.core.stages.appearance import AppearanceMap
from faceplate.core.stages.views import SourceView, Target

SIZE = 420
OPEN_LIDS, OPEN_LIPS = 0.35, 0.9


def head(
    yaw: float = 0.0,
    *,
    scale: float = 17.0,
    lids: float = OPEN_LIDS,
    lips: float = 0.0,
    size: int = SIZE,
) -> np.ndarray:
    """Return (478, 3): the canonical head with irises, opened lids and lips, posed."""
    face = meshes.topology().canonical[: meshes.VERTEX_COUNT].copy()
    for upper, lower in (((159, 158), (145, 153)), ((386, 385), (374, 380))):
        for above, below in zip(upper, lower, strict=True):
            middle = (face[above, 1] + face[below, 1]) / 2
            face[above, 1], face[below, 1] = middle + lids, middle - lids
    for above, below in ((13, 14), (82, 87), (312, 317), (81, 178), (311, 402)):
        face[above, 1] += lips / 2
        face[below, 1] -= lips / 2
    irises = []
    for corners in ((33, 133), (263, 362)):
        center = face[list(corners)].mean(axis=0) + [0, 0, 0.3]
        irises += [
            center,
            *(center + 0.55 * np.array([np.cos(a), np.sin(a), 0]) for a in (0, 1.57, 3.14, 4.71)),
        ]
    turn = Rotation.from_euler("y", yaw, degrees=True).as_matrix()
    pose = meshes.Similarity(scale, turn, np.array([size / 2, size / 2, 0.0]))
    return pose.posed(np.vstack([face, irises]))


def paint(mesh: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Colour every pixel of a head by the place on the canonical head that it shows."""
    drawn = meshes.rasterize(meshes.widened(mesh), Window(0, 0, size, size))
    place = drawn.spread(meshes.topology().canonical)
    waves = np.stack([np.sin(0.5 * place[..., 0]), np.cos(0.4 * place[..., 1])], axis=2)
    picture = 0.3 + 0.1 * np.concatenate([waves, waves.mean(axis=2, keepdims=True)], axis=2)
    return np.where(drawn.cover[..., None], picture, 0.3).astype(np.float32)


def view_of(mesh: np.ndarray, yaw: float = 0.0, size: int = SIZE, name: str = "a") -> View:
    return View(
        name=name,
        number=1,
        picture=paint(mesh, size).astype(np.float16),
        skin_coverage=np.ones((size, size), np.float16),
        mesh=mesh.astype(np.float32),
        pose=HeadPose(yaw, 0.0, 0.0),
        expression=np.zeros(52, np.float32),
        embedding=np.zeros(128, np.float32),
        skin=np.full(6, np.log2(views.MIDDLE), np.float32),
        noise=np.zeros(3, np.float32),
        sharpness=0.5,
        confidence=1.0,
        face_height=300.0,
    )


def actor_of(*views: View) -> Actor:
    poses = np.array([[v.pose.yaw, v.pose.pitch] for v in views], np.float32)
    neutral = meshes.neutral_shape([v.mesh for v in views], [v.expression for v in views])
    return Actor("a", views, AppearanceMap.build(poses), neutral, None, (), "0")


def seen(mesh: np.ndarray, yaw: float = 0.0) -> FaceObservation:
    return FaceObservation(
        number=1,
        box=(0.0, 0.0, 1.0, 1.0),
        mesh=mesh.astype(np.float32),
        pose=HeadPose(yaw, 0.0, 0.0),
        expression=np.zeros(52, np.float32),
        embedding=np.zeros(128, np.float32),
        skin=np.zeros(6, np.float32),
        noise=np.zeros(3, np.float32),
        sharpness=0.5,
        confidence=1.0,
        origin=Origin.SEEN,
    )


def plain(picture: np.ndarray) -> np.ndarray:
    return picture


def warped_onto(
    mesh: np.ndarray,
    sources: list[SourceView],
    actor: Actor,
    *,
    yaw: float = 0.0,
    eyes: str = "source",
    mouth: str = "source",
    aspect: float = 1.0,
) -> warp.Warped:
    face = seen(mesh, yaw)
    target = views.target_of([face])
    weights = views.choose_views(actor, sources, face, target, 3)
    window = Window(0, 0, round(SIZE / aspect), SIZE)
    return warp.warp_face(
        sources,
        weights,
        mesh.astype(np.float64),
        target,
        window,
        pixel_aspect=aspect,
        eyes=eyes,
        mouth=mouth,
    )


def skin_of(warped: warp.Warped) -> np.ndarray:
    shape = meshes.topology()
    openings = np.append(shape.mouth | shape.eye_left | shape.eye_right, True)
    return (warped.depth > 0.06) & ~openings[warped.raster.triangle]


@pytest.mark.parametrize(("yaw", "scale"), [(0.0, 17.0), (18.0, 17.0), (-15.0, 12.0), (5.0, 6.0)])
def test_a_head_turns_into_itself_in_another_pose_and_size(yaw: float, scale: float) -> None:
    view = view_of(head())
    goal = head(yaw, scale=scale)

    result = warped_onto(goal, [views.prepare_view(view, plain)], actor_of(view), yaw=yaw)

    where = skin_of(result) & (
        result.raster.spread(meshes.visibility(meshes.widened(head()))[:, None])[..., 0] > 0.5
    )
    assert where.sum() > 400
    np.testing.assert_allclose(result.codes[where], paint(goal)[where], atol=0.012)


def test_a_squeezed_plate_gets_the_same_face_squeezed() -> None:
    view = view_of(head())
    sources = [views.prepare_view(view, plain)]
    square = warped_onto(head(10), sources, actor_of(view), yaw=10)

    squeezed = warped_onto(head(10), sources, actor_of(view), yaw=10, aspect=2.0)

    where = skin_of(squeezed) & skin_of(square)[:, ::2] & skin_of(square)[:, 1::2]
    both = (square.codes[:, ::2] + square.codes[:, 1::2]) / 2
    np.testing.assert_allclose(squeezed.codes[where], both[where], atol=0.01)


def test_a_larger_view_is_filtered_not_skipped_through() -> None:
    rng = np.random.default_rng(0)
    large = head(scale=16.0 * 4, size=SIZE * 4)
    view = view_of(large, size=SIZE * 4)
    noisy = view.picture.astype(np.float32) + 0.2 * rng.standard_normal(view.picture.shape)
    object.__setattr__(view, "picture", noisy.astype(np.float16))

    result = warped_onto(head(scale=16.0), [views.prepare_view(view, plain)], actor_of(view))

    where = skin_of(result)
    grain = (result.codes - paint(head(scale=16.0)))[where]
    assert grain.std() < 0.2 / 3  # a mean of 16 samples; one sample alone would keep 0.2


@settings(max_examples=25, deadline=None)
@given(st.floats(-60, 60), st.floats(-25, 25))
def test_no_view_pops_when_the_head_turns_a_little(yaw: float, pitch: float) -> None:
    turns = (-40.0, -20.0, 0.0, 15.0, 35.0)
    made = [view_of(head(), yaw=y, size=64, name=str(y)) for y in turns]
    actor = actor_of(*made)
    sources = [views.prepare_view(v, plain) for v in made]
    target = views.target_of([seen(head())])

    def weights(turn: float) -> np.ndarray:
        face = seen(head())
        object.__setattr__(face, "pose", HeadPose(yaw + turn, pitch, 0.0))
        chosen = views.choose_views(actor, sources, face, target, 3)
        return np.stack([chosen.skin, chosen.mouth, chosen.eyes])

    before, after = weights(0.0), weights(0.05)

    np.testing.assert_allclose(before.sum(axis=1), 1, atol=1e-5)
    assert (before >= 0).all()
    assert ((before > 1e-6).sum(axis=1) <= 3).all()
    assert np.abs(after - before).max() < 0.1


def test_a_blink_without_a_blinking_view_shows_the_plates_own_eyes() -> None:
    view = view_of(head())
    sources, actor = [views.prepare_view(view, plain)], actor_of(view)
    target = views.target_of([seen(head())])

    def own(mesh: np.ndarray, eyes: str) -> float:
        weights = views.choose_views(actor, sources, seen(mesh), target, 3)
        window = Window(0, 0, SIZE, SIZE)
        result = warp.warp_face(
            sources, weights, mesh, target, window, pixel_aspect=1.0, eyes=eyes, mouth="source"
        )
        return float(result.own.max())

    assert own(head(lids=0.02), "auto") > 0.9
    assert own(head(), "auto") < 0.05
    assert own(head(lids=0.02), "source") == 0
    assert own(head(), "plate") > 0.9


def test_an_open_mouth_takes_an_open_view_if_there_is_one_and_else_the_plates_own() -> None:
    closed, opened = view_of(head(), name="closed"), view_of(head(lips=3.0), yaw=3.0, name="open")
    goal = head(lips=3.0)

    alone = warped_onto(goal, [views.prepare_view(closed, plain)], actor_of(closed), mouth="auto")
    both = warped_onto(
        goal,
        [views.prepare_view(v, plain) for v in (closed, opened)],
        actor_of(closed, opened),
        mouth="auto",
    )

    assert alone.own.max() > 0.9
    assert both.own.max() < 0.1
    assert both.weights.mouth[1] > 0.9


def test_a_smile_over_closed_teeth_takes_the_smiling_view_not_the_open_one() -> None:
    opened, smiling = view_of(head(lips=1.5), name="open"), view_of(head(lips=1.0), name="smile")
    opened.expression.flags.writeable = smiling.expression.flags.writeable = True
    opened.expression[JAW_OPEN] = 0.6
    smiling.expression[list(MOUTH_SMILE)] = 0.7
    actor = actor_of(opened, smiling)
    face = seen(head(lips=1.5))
    face.expression.flags.writeable = True
    face.expression[list(MOUTH_SMILE)] = 0.7

    sources = [views.prepare_view(v, plain) for v in actor.views]
    weights = views.choose_views(actor, sources, face, views.target_of([face]), 3)

    assert weights.mouth[1] > 0.8


def test_the_coefficients_that_choose_a_mouth_are_where_the_card_says() -> None:
    labels = find_card("face_blendshapes52").labels

    assert labels[JAW_OPEN] == "jawOpen"
    assert [labels[k] for k in MOUTH_SMILE] == ["mouthSmileLeft", "mouthSmileRight"]


def test_the_iris_of_the_source_follows_the_plates_gaze() -> None:
    mesh = head()
    view = view_of(mesh)
    picture = view.picture.astype(np.float32)
    x, y = mesh[meshes.IRIS_RIGHT, :2]
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    picture[np.hypot(columns - x, rows - y) < 4.0] = 0.0  # a dark pupil
    object.__setattr__(view, "picture", picture.astype(np.float16))
    looking = mesh.copy()
    looking[meshes.IRIS_RIGHT : meshes.IRIS_RIGHT + 5, 0] += 6.0

    result = warped_onto(looking, [views.prepare_view(view, plain)], actor_of(view))

    eye = np.append(meshes.topology().eye_right, False)[result.raster.triangle]
    dark = eye & (result.codes.max(axis=2) < 0.1)
    assert dark.sum() > 10
    assert columns[dark].mean() == pytest.approx(x + 6.0, abs=1.0)


def test_proportions_and_expression_move_as_the_knobs_say() -> None:
    view, target = view_of(head()), Target(meshes.fit(head()).canonical(head()), np.ones(2))
    actor = actor_of(view)
    wide = head()
    wide[1] += [5.0, 0, 0]
    other = Target(target.neutral + np.where(np.arange(478) == 1, 0.5, 0.0)[:, None], np.ones(2))

    def driven(shape: float, expression: float, to: Target) -> np.ndarray:
        return warp.driven_mesh(
            wide, actor, to, shape=shape, expression=expression, pose="full", main=view
        )

    np.testing.assert_allclose(driven(0.0, 1.0, other), wide, atol=1e-4)
    full, half = driven(1.0, 1.0, other) - wide, driven(0.5, 1.0, other) - wide
    np.testing.assert_allclose(half, full / 2, atol=1e-4)
    assert np.linalg.norm(full[1]) > 5
    calm = driven(0.0, 0.0, target)
    assert abs(calm[1, 0] - head()[1, 0]) < 1.5  # the plate's expression is gone
    np.testing.assert_allclose(full[list(meshes.OVAL)], 0, atol=1e-3)
