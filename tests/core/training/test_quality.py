"""Measures of likeness, against closed forms and another library."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from faceplate.core.training.quality import mean_difference, psnr, qualities, ssim


def pictures(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    one = gaussian_filter(rng.random((2, 3, 48, 48)), (0, 0, 2, 2)) * 4 - 1.5
    other = one + rng.normal(0, 0.05, one.shape)
    return tuple(torch.from_numpy(np.clip(x, 0, 1).astype(np.float32)) for x in (one, other))


WHOLE = torch.ones(2, 1, 48, 48)


def test_a_uniform_difference_has_its_own_decibels() -> None:
    picture = torch.full((2, 3, 48, 48), 0.5)
    other = picture + torch.tensor([0.1, 0.01])[:, None, None, None]

    torch.testing.assert_close(psnr(other, picture, WHOLE), torch.tensor([20.0, 40.0]))
    torch.testing.assert_close(mean_difference(other, picture, WHOLE), torch.tensor([0.1, 0.01]))


def test_only_what_is_shared_out_counts() -> None:
    one, other = pictures()
    share = torch.zeros_like(WHOLE)
    share[:, :, :24] = 1
    spoiled = other.clone()
    spoiled[:, :, 32:] = 0

    assert qualities(one, spoiled, share)["l1"] == pytest.approx(qualities(one, other, share)["l1"])


def test_structural_similarity_is_that_of_its_paper() -> None:
    one, other = (x.numpy().astype(np.float64) for x in pictures())

    found = ssim(*pictures(), WHOLE[:, :, :, :])

    inner = slice(8, -8)
    share = torch.zeros_like(WHOLE)
    share[:, :, inner, inner] = 1

    def mean(x: np.ndarray) -> np.ndarray:
        return gaussian_filter(x, (0, 0, 1.5, 1.5), truncate=5 / 1.5)

    a, b = mean(one), mean(other)
    aa, bb, ab = mean(one**2) - a * a, mean(other**2) - b * b, mean(one * other) - a * b
    c1, c2 = 0.01**2, 0.03**2
    wanted = (2 * a * b + c1) * (2 * ab + c2) / ((a * a + b * b + c1) * (aa + bb + c2))
    np.testing.assert_allclose(
        ssim(*pictures(), share).numpy(),
        wanted[:, :, inner, inner].mean((1, 2, 3)),
        rtol=1e-3,
    )
    assert (found < 1).all()


def test_a_picture_is_most_like_itself() -> None:
    one, _ = pictures()

    assert qualities(one, one, WHOLE) == pytest.approx({"l1": 0, "psnr": 100, "ssim": 1}, abs=1e-4)
