from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceplate.core.synth.figure import MIDDLE, rotation_of
from faceplate.core.synth.hand import make_hand, sample_hand
from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.picture import CLASSES, HeadPicture
from faceplate.core.synth.raster import EMPTY, draw_triangles
from faceplate.core.synth.render import render_head, render_pair, render_sequence
from faceplate.core.synth.sample import Mix, sample_head
from faceplate.core.synth.scene import HeadScene
from faceplate.core.synth.shot import SAMPLES, Shot

SIZE = 96
FACE, HAIR, OCCLUDER, MOUTH = (CLASSES.index(n) for n in ("face", "hair", "occluder", "mouth"))
FULL = Mix(hand=1, glasses=1, hat=1, phones=1, scarf=1, mask=0, prop=1)


@pytest.fixture(scope="module")
def full(model: HeadModel) -> HeadPicture:
    return render_head(model, sample_head(3, FULL), SIZE)


@pytest.mark.parametrize("seed", [3, 8])
def test_coverage_sums_to_one_in_quarters(model: HeadModel, seed: int) -> None:
    picture = render_head(model, sample_head(seed, FULL), SIZE)

    np.testing.assert_allclose(picture.coverage.sum(axis=2), 1.0, atol=1e-6)
    quarters = picture.coverage * SAMPLES**2
    np.testing.assert_allclose(quarters, np.round(quarters), atol=1e-5)


def test_light_is_finite_and_never_negative(full: HeadPicture) -> None:
    assert np.isfinite(full.rgb).all()
    assert full.rgb.min() >= 0.0


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    model: HeadModel, full: HeadPicture
) -> None:
    again = render_head(model, sample_head(3, FULL), SIZE)
    other = render_head(model, sample_head(4, FULL), SIZE)

    assert again.rgb.tobytes() == full.rgb.tobytes()
    assert again.coverage.tobytes() == full.coverage.tobytes()
    assert other.rgb.tobytes() != full.rgb.tobytes()


@pytest.mark.parametrize("yaw", [-40.0, 40.0])
def test_a_head_that_turns_to_its_own_left_shows_its_nose_further_right(
    model: HeadModel, plain: HeadScene, yaw: float
) -> None:
    picture = render_head(model, replace(plain, view=replace(plain.view, yaw=yaw)), SIZE)

    nose, bridge = picture.mesh478[4, 0], picture.mesh478[[33, 263], 0].mean()
    assert np.sign(nose - bridge) == np.sign(yaw)
    assert picture.pose.yaw == yaw


def test_a_head_that_looks_up_shows_its_nose_higher(model: HeadModel, plain: HeadScene) -> None:
    level = render_head(model, plain, SIZE).mesh478
    up = render_head(model, replace(plain, view=replace(plain.view, pitch=25.0)), SIZE).mesh478

    eyes = [33, 263]
    assert up[4, 1] - up[eyes, 1].mean() < level[4, 1] - level[eyes, 1].mean()


def test_a_head_that_tilts_to_its_own_left_lowers_its_left_eye(
    model: HeadModel, plain: HeadScene
) -> None:
    picture = render_head(model, replace(plain, view=replace(plain.view, roll=20.0)), SIZE)

    right, left = picture.mesh478[33], picture.mesh478[263]
    assert left[0] > right[0]
    angle = np.degrees(np.arctan2(left[1] - right[1], left[0] - right[0]))
    assert angle == pytest.approx(20.0, abs=2.0)


def test_landmarks_are_the_projections_of_the_vertices_they_name(
    model: HeadModel, plain: HeadScene
) -> None:
    view = replace(plain.view, yaw=25.0, pitch=-10.0, roll=5.0, middle=(0.4, 0.55))

    picture = render_head(model, replace(plain, view=view), SIZE)

    turned = (model.neutral - MIDDLE) @ rotation_of(25.0, -10.0, 5.0).T
    upper = model.neutral[:, 1] > -4.0  # what lies lower bends with the neck
    height = np.linalg.norm(
        model.neutral[model.mesh_points[10]] - model.neutral[model.mesh_points[152]]
    )
    focal = view.height * SIZE * view.distance / height
    depth = view.distance - turned[:, 2]
    expected = np.stack(
        [0.4 * SIZE + focal * turned[:, 0] / depth, 0.55 * SIZE - focal * turned[:, 1] / depth], 1
    )
    chosen = upper[model.mesh_points]
    np.testing.assert_allclose(
        picture.mesh478[:468][chosen], expected[model.mesh_points][chosen], atol=0.02
    )
    chosen = upper[model.ibug_points]
    np.testing.assert_allclose(
        picture.ibug68[chosen], expected[model.ibug_points][chosen], atol=0.02
    )


def test_wflw_and_ibug_points_agree_where_they_mean_the_same(full: HeadPicture) -> None:
    np.testing.assert_allclose(full.wflw98[60], full.ibug68[36], atol=1.0)  # right eye, outer
    np.testing.assert_allclose(full.wflw98[72], full.ibug68[45], atol=1.0)  # left eye, outer
    np.testing.assert_allclose(full.wflw98[16], full.ibug68[8], atol=2.5)  # chin


def test_irises_follow_the_gaze(model: HeadModel, plain: HeadScene) -> None:
    straight = render_head(model, plain, SIZE).mesh478[[468, 473]]
    left = render_head(model, replace(plain, gaze=(25.0, 0.0)), SIZE).mesh478[[468, 473]]
    up = render_head(model, replace(plain, gaze=(0.0, 18.0)), SIZE).mesh478[[468, 473]]

    assert (left[:, 0] > straight[:, 0] + 0.5).all()
    assert (up[:, 1] < straight[:, 1] - 0.3).all()


def test_the_face_is_as_high_as_asked(model: HeadModel, plain: HeadScene) -> None:
    for height in (0.35, 0.6):
        view = replace(plain.view, height=height, distance=250.0)
        mesh = render_head(model, replace(plain, view=view), SIZE).mesh478

        assert np.linalg.norm(mesh[10] - mesh[152]) == pytest.approx(height * SIZE, rel=0.05)


def test_a_plain_head_shows_face_where_the_face_mesh_lies(
    model: HeadModel, plain: HeadScene
) -> None:
    picture = render_head(model, plain, SIZE)

    inner = picture.mesh478[[4, 6, 151, 50, 280, 205, 425, 199]]
    column, row = inner.astype(int).T
    assert (picture.coverage[row, column, FACE] > 0.9).all()
    assert picture.coverage[..., HAIR].sum() == 0.0
    assert picture.coverage[..., OCCLUDER].sum() == 0.0
    assert picture.visible478[[4, 6, 151, 50, 280]].all()


def test_an_open_mouth_shows_its_inside(model: HeadModel, plain: HeadScene) -> None:
    names = model.expression_names
    acting = tuple(1.0 * (name == "jawOpen") for name in names)

    closed = render_head(model, plain, SIZE).coverage[..., MOUTH].sum()
    picture = render_head(model, replace(plain, expression=acting), SIZE)

    assert picture.coverage[..., MOUTH].sum() > closed + 15
    column, row = picture.mesh478[[13, 14]].mean(axis=0).astype(int)
    assert picture.coverage[row, column, MOUTH] > 0.7


def test_a_hand_hides_the_face_exactly_where_its_outline_is(
    model: HeadModel, plain: HeadScene
) -> None:
    hand = sample_hand(np.random.default_rng(2), (0.4, 0.2, 0.1), "cover")
    scene = replace(plain, hands=(hand,))

    picture = render_head(model, scene, SIZE)

    shot = Shot(model, plain, SIZE, ())
    side = SIZE * SAMPLES
    alone = np.zeros((side, side), np.bool_)
    for part in make_hand(hand, shot.figure.skin):
        world = (part.vertices - MIDDLE) @ shot.figure.rotation.T
        near = np.zeros((side, side), np.float32)
        ids = np.full((side, side), EMPTY, np.int32)
        screen = shot.camera.seen(world)
        draw_triangles(screen, part.triangles, 0, len(part.triangles), False, near, ids)
        alone |= ids != EMPTY
    outline = alone.reshape(SIZE, SAMPLES, SIZE, SAMPLES).mean(axis=(1, 3))
    before = render_head(model, plain, SIZE).coverage
    covered = picture.coverage[..., OCCLUDER]
    # Parts of the hand may lie in or behind the head, never outside of their outline.
    assert (covered <= outline + 1e-5).all()
    assert covered.sum() > 0.8 * outline.sum() > 0
    free = outline == 0
    np.testing.assert_array_equal(picture.coverage[free], before[free])


def test_the_key_casts_the_hands_shadow_on_the_face(model: HeadModel, plain: HeadScene) -> None:
    hand = sample_hand(np.random.default_rng(2), (0.4, 0.2, 0.1), "cover")
    light = replace(
        plain.light, key=(0.0, 0.6, 0.8), key_color=(2.0, 2.0, 2.0), softness=0.1, environment=-1
    )
    scene = replace(plain, light=light)

    open_ = render_head(model, scene, SIZE)
    hidden = render_head(model, replace(scene, hands=(hand,)), SIZE)

    face = hidden.coverage[..., FACE] == 1.0
    change = hidden.rgb[face].mean(axis=1) - open_.rgb[face].mean(axis=1)
    assert change.max() < 0.05
    assert (change < -0.1).sum() > 10


def test_lenses_let_the_face_through_and_dark_ones_do_not(
    model: HeadModel, plain: HeadScene
) -> None:
    glasses = sample_head(0, replace(FULL)).glasses
    assert glasses is not None
    clear = replace(glasses, opacity=0.1, glare=(0.0, 0.0), rim="none", thickness=0.05)

    seen = render_head(model, replace(plain, glasses=clear), SIZE)
    dark = render_head(model, replace(plain, glasses=replace(clear, opacity=0.9)), SIZE)

    column, row = seen.mesh478[[33, 133]].mean(axis=0).astype(int)
    assert seen.coverage[row, column, FACE] > 0.7
    assert dark.coverage[row, column, OCCLUDER] > 0.9


def test_depth_is_where_something_is(full: HeadPicture) -> None:
    covered = full.coverage[..., 1:].sum(axis=2) == 1.0

    assert np.isfinite(full.depth[covered]).all()
    assert np.isinf(full.depth).any()
    assert np.isfinite(full.uv[full.coverage[..., FACE] == 1.0]).mean() > 0.5


def test_pixels_off_everything_show_the_backdrop(model: HeadModel, plain: HeadScene) -> None:
    black = replace(plain, backdrop=replace(plain.backdrop, kind="black", people=0, light=0.0))

    picture = render_head(model, black, SIZE)

    assert (picture.rgb[np.isinf(picture.depth) & (picture.coverage[..., 0] == 1.0)] == 0).all()
    assert picture.rgb.max() > 0


def test_a_sequence_keeps_the_person_and_moves_the_head(model: HeadModel) -> None:
    frames = list(render_sequence(model, 5, Mix(hand=1.0), 64, 6))

    assert len({frame.identity for frame in frames}) == 1
    assert len({frame.pose.yaw for frame in frames}) == 6
    steps = np.diff([frame.mesh478.mean(axis=0) for frame in frames], axis=0)
    assert 0 < np.abs(steps).max() < 6.0


def test_a_pair_is_one_person_twice(model: HeadModel) -> None:
    first, second = render_pair(model, 7, Mix(), 64)

    assert first.identity == second.identity
    assert first.pose != second.pose
    assert not np.array_equal(first.expression, second.expression)
