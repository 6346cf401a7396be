import numpy as np
import pytest

from faceplate.core.synth.sensor import expose


def grey(value: float) -> np.ndarray:
    return np.full((128, 160, 3), value, dtype=np.float32)


def test_same_seed_and_frame_give_the_same_bytes():
    first = expose(grey(0.18), 1001, seed=5)

    assert first.tobytes() == expose(grey(0.18), 1001, seed=5).tobytes()


@pytest.mark.parametrize(("seed", "number"), [(6, 1001), (5, 1002)])
def test_another_seed_or_frame_gives_other_noise(seed, number):
    first = expose(grey(0.18), 1001, seed=5)

    other = expose(grey(0.18), number, seed=seed)

    correlation = np.corrcoef((first - 0.18).ravel(), (other - 0.18).ravel())[0, 1]
    assert abs(correlation) < 0.05


def test_noise_has_no_mean():
    noise = expose(grey(0.5), 1001, seed=5) - grey(0.5)

    assert np.abs(noise.mean(axis=(0, 1))).max() < 0.05 * noise.std()


def test_noise_grows_with_light():
    deviations = [
        float((expose(grey(value), 1001, seed=5) - grey(value)).std())
        for value in (0.0, 0.18, 1.0, 8.0)
    ]

    assert deviations == sorted(deviations)
    assert deviations[-1] > 3.0 * deviations[1]


def test_green_noise_has_the_deviation_asked_for():
    noise = expose(grey(1.0), 1001, seed=5, shot=0.02, read=0.0) - grey(1.0)

    assert float(noise[..., 1].std()) == pytest.approx(0.8 * 0.02, rel=0.05)


def test_neighbouring_pixels_share_some_noise():
    noise = (expose(grey(0.18), 1001, seed=5) - grey(0.18))[..., 1]

    beside = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]

    assert 0.1 < beside < 0.7


def test_highlights_and_negative_light_survive():
    picture = np.array([[[40.0, -0.2, 0.0]]], dtype=np.float32)

    exposed = expose(picture, 1001, seed=5)

    assert exposed.dtype == np.float32
    assert np.abs(exposed - picture).max() < 1.0
