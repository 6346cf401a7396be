"""GAN losses against sums by hand, and where gradients may and may not flow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.core.nets.blocks import pool_pyramid
from faceplate.core.nets.discriminator import MultiscaleDiscriminator
from faceplate.core.nets.perceptual import Vgg19, frozen
from faceplate.core.stages.poisson import blend_gradients
from faceplate.core.training.ganlosses import (
    WEIGHTS,
    LossWeights,
    Stepwise,
    deception_loss,
    discriminator_loss,
    label_loss,
    least_squares,
    perceptual_loss,
    poisson_blending_loss,
    poisson_targets,
    reconstruction_loss,
    stepwise_loss,
)


def noise(*shape: int, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=rng, dtype=torch.float64) * 2 - 1


def taps(seed: int = 0) -> Vgg19:
    torch.manual_seed(seed)
    network = frozen(Vgg19(width=2, side=32, hidden=4).double())
    assert isinstance(network, Vgg19)
    return network


def mean_gap(a: Tensor, b: Tensor) -> float:
    return float(np.abs(a.detach().numpy() - b.detach().numpy()).mean())


def test_least_squares_is_a_sum_over_scales() -> None:
    maps = [torch.tensor([[0.5, 1.0]]), torch.tensor([[0.2]])]

    assert float(least_squares(maps, real=True)) == pytest.approx((0.25 + 0) / 2 + 0.64)
    assert float(least_squares(maps, real=False)) == pytest.approx((0.25 + 1) / 2 + 0.04)


def test_the_discriminator_learns_from_both_and_the_generator_not_from_it() -> None:
    torch.manual_seed(0)
    judge = MultiscaleDiscriminator(width=2).double()
    fake = [x.requires_grad_() for x in pool_pyramid(noise(1, 3, 16, 16), 2)]
    real = pool_pyramid(noise(1, 3, 16, 16, seed=1), 2)
    judge.eval()

    loss = discriminator_loss(judge, real, fake)
    loss.backward()

    by_hand = 0.0
    for maps, wanted in ((judge(fake), 0.0), (judge(real), 1.0)):
        by_hand += 0.5 * sum(float(((m.detach() - wanted) ** 2).mean()) for m in maps)
    assert float(loss.detach()) == pytest.approx(by_hand)
    assert all(x.grad is None for x in fake)
    assert all(parameter.grad is not None for parameter in judge.parameters())


def test_deceiving_pulls_the_picture_and_falls_as_the_judge_believes() -> None:
    picture = noise(1, 3, 16, 16).requires_grad_()
    deception_loss(lambda pyramid: [x.sigmoid() for x in pyramid], [picture]).backward()

    assert picture.grad is not None
    assert bool((picture.grad < 0).all())  # brighter is more real to this judge


def test_the_perceptual_loss_is_the_weighted_sum_of_the_five_taps() -> None:
    network, found, wanted = taps(), noise(2, 3, 32, 32), noise(2, 3, 32, 32, seed=1)

    loss = perceptual_loss(network.taps, found, wanted)

    pairs = zip(network.taps(found), network.taps(wanted), strict=True)
    gaps = [mean_gap(a, b) for a, b in pairs]
    by_hand = sum(w * g for w, g in zip((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), gaps, strict=True))
    assert float(loss) == pytest.approx(by_hand, rel=1e-9)
    assert by_hand > 0
    assert float(perceptual_loss(network.taps, found, found)) == 0


def test_nothing_flows_into_the_true_picture() -> None:
    network = taps()
    found, wanted = (noise(1, 3, 32, 32, seed=n).requires_grad_() for n in (0, 1))

    perceptual_loss(network.taps, found, wanted).backward()

    assert found.grad is not None
    assert wanted.grad is None


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_reconstruction_is_a_tenth_of_the_pixels_and_the_taps(name: str) -> None:
    one, two = taps(1), taps(2)
    found, wanted = noise(1, 3, 32, 32), noise(1, 3, 32, 32, seed=1)
    weights = WEIGHTS[name]

    loss = reconstruction_loss(found, wanted, weights, identity=one.taps, attributes=two.taps)

    by_hand = 0.1 * mean_gap(found, wanted)
    by_hand += weights.identity * float(perceptual_loss(one.taps, found, wanted))
    by_hand += weights.attributes * float(perceptual_loss(two.taps, found, wanted))
    assert float(loss) == pytest.approx(by_hand, rel=1e-9)


def test_the_weights_are_those_of_the_released_scripts() -> None:
    table = {name: (w.identity, w.attributes, w.rec, w.gan, w.seg) for name, w in WEIGHTS.items()}

    assert table == {
        "reenact": (0.5, 0.5, 1, 0.001, 0),
        "reenact_labels": (0.5, 0.5, 1, 0.001, 0.1),
        "inpaint": (0.5, 0.5, 1, 0.001, 0),
        "blend": (0.5, 0.5, 1, 0.1, 0),
        "reenact_v1": (1, 0, 1, 0.001, 0.1),
        "reenact_attributes_v1": (0.5, 0.5, 1, 0.001, 0.1),
        "reenact_stepwise_v1": (0.5, 0.5, 1, 0.001, 0.01),
        "inpaint_v1": (1, 0, 0.5, 0, 0),
        "blend_v1": (1, 0, 1, 0.1, 0),
        "finetune": (1, 0, 1, 0, 0),
    }
    assert all(weights.pixel == 0.1 for weights in WEIGHTS.values())


def test_labels_cost_the_log_of_their_chance() -> None:
    logits, labels = noise(2, 3, 4, 4), torch.arange(32).reshape(2, 4, 4) % 3

    found = float(label_loss(logits, labels))

    chances = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(axis=1, keepdims=True)
    picked = np.take_along_axis(chances, labels.numpy()[:, None], axis=1)
    assert found == pytest.approx(-np.log(picked).mean())


class Shifting(nn.Module):
    """A generator of one number: darkens the picture, and colours it by the maps."""

    def __init__(self) -> None:
        super().__init__()
        self.amount = nn.Parameter(torch.tensor(0.5, dtype=torch.float64))
        self.calls: list[int] = []

    def forward(self, pyramid: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        self.calls.append(len(pyramid))
        picture, maps = pyramid[0][:, :3], pyramid[0][:, 3:]
        out = self.amount * picture + 0.1 * maps.mean(dim=1, keepdim=True)
        return out, out.tanh()


@pytest.mark.parametrize("levels", [1, 2])
def test_stepwise_consistency_is_the_papers_two_ways_to_one_target(levels: int) -> None:
    generator, one, two = Shifting(), taps(1), taps(2)
    source = pool_pyramid(noise(1, 3, 32, 32), levels)
    halfway, goal = (pool_pyramid(noise(1, 5, 32, 32, seed=n), levels) for n in (1, 2))
    target, scores = noise(1, 3, 32, 32, seed=3), noise(1, 3, 32, 32, seed=4)
    labels = torch.ones((1, 32, 32), dtype=torch.int64)
    weights = LossWeights(rec=2.0, gan=0.3, seg=0.7)
    step = Stepwise(source, halfway, goal, target, scores, labels)

    def judge(pyramid: Sequence[Tensor]) -> list[Tensor]:
        return [x.sigmoid() for x in pyramid]

    found = stepwise_loss(
        generator, step, weights, identity=one.taps, attributes=two.taps, judge=judge
    )

    a = float(generator.amount)
    direct = a * source[0] + 0.1 * goal[0].mean(dim=1, keepdim=True)
    middle = a * source[0] + 0.1 * halfway[0].mean(dim=1, keepdim=True)
    twice = a * middle + 0.1 * goal[0].mean(dim=1, keepdim=True)
    rec = 0.1 * mean_gap(direct, target) + 0.1 * mean_gap(twice, target)
    rec += 0.5 * float(perceptual_loss(one.taps, direct, target))
    rec += 0.5 * float(perceptual_loss(two.taps, direct, target))
    rec += 1.0 * float(perceptual_loss(one.taps, twice, target))
    seg = mean_gap(direct.tanh(), scores) + float(functional.cross_entropy(twice.tanh(), labels))
    gan = float(deception_loss(judge, pool_pyramid(direct, levels)))
    assert float(found) == pytest.approx(2.0 * rec / 2 + 0.7 * seg / 2 + 0.3 * gan, rel=1e-9)
    assert generator.calls == [levels] * 3


def test_gradients_flow_through_both_steps() -> None:
    # The target is black and the maps are empty: the second way is amount squared, so its
    # gradient is twice amount times that of the picture, which only both passes together give.
    generator = Shifting()
    source, empty = [torch.ones(1, 3, 4, 4).double()], [torch.zeros(1, 1, 4, 4).double()]
    step = Stepwise(source, empty, empty, torch.zeros(1, 3, 4, 4).double())

    stepwise_loss(generator, step, LossWeights(pixel=1.0, gan=0.0)).backward()

    # L = (|a| + |a * a|) / 2 at a = 0.5: dL/da = (1 + 2 a) / 2 = 1.
    assert generator.amount.grad is not None
    assert float(generator.amount.grad) == pytest.approx(1.0)


def test_without_a_split_generator_there_is_no_label_loss() -> None:
    step = Stepwise(
        [noise(1, 3, 4, 4)],
        [noise(1, 1, 4, 4)],
        [noise(1, 1, 4, 4)],
        noise(1, 3, 4, 4, seed=5),
        noise(1, 3, 4, 4, seed=6),
        torch.zeros((1, 4, 4), dtype=torch.int64),
    )
    whole = Shifting()

    with_labels = stepwise_loss(whole, step, LossWeights(seg=1.0, gan=0.0))
    alone = stepwise_loss(lambda x: whole(x)[0], step, LossWeights(seg=1.0, gan=0.0))
    plain = stepwise_loss(whole, step, LossWeights(seg=0.0, gan=0.0))

    assert float(alone) == float(plain) < float(with_labels)


def oval() -> Tensor:
    y, x = np.mgrid[:32, :32]
    inside = ((x - 16) / 9) ** 2 + ((y - 15) / 12) ** 2 < 1
    return torch.from_numpy(inside.astype(np.float32))[None, None]


def test_blending_targets_are_the_gradient_blend_of_each_picture() -> None:
    new, plate = noise(2, 3, 32, 32).float(), noise(2, 3, 32, 32, seed=1).float()
    matte = torch.cat([oval(), torch.zeros_like(oval())])

    found = poisson_targets(new.requires_grad_(), plate, matte)

    assert not found.requires_grad
    assert torch.equal(found[1], plate[1])
    wanted = blend_gradients(
        new[0].detach().permute(1, 2, 0).numpy(),
        plate[0].permute(1, 2, 0).numpy(),
        matte[0, 0].numpy() > 0.5,
    )
    np.testing.assert_array_equal(found[0].permute(1, 2, 0).numpy(), wanted)


def test_the_blending_loss_is_least_at_the_gradient_blend() -> None:
    new, plate, matte = noise(1, 3, 32, 32), noise(1, 3, 32, 32, seed=1), oval()
    goal, network = poisson_targets(new, plate, matte), taps()
    weights = LossWeights(gan=0.0)

    def loss(picture: Tensor) -> float:
        return float(
            poisson_blending_loss(picture, new, plate, matte, weights, identity=network.taps)
        )

    pasted = new * matte + plate * (1 - matte)
    assert loss(goal) == 0
    assert loss(pasted) > 0.001
    assert 0 < loss(0.5 * (goal + pasted)) < loss(pasted)


def test_the_blending_loss_adds_the_judges_share() -> None:
    new, plate, matte = noise(1, 3, 32, 32), noise(1, 3, 32, 32, seed=1), oval()
    found = noise(1, 3, 32, 32, seed=2)

    def judge(pyramid: Sequence[Tensor]) -> list[Tensor]:
        return [x.sigmoid() for x in pyramid]

    with_judge = poisson_blending_loss(found, new, plate, matte, WEIGHTS["blend"], judge=judge)
    alone = poisson_blending_loss(found, new, plate, matte, LossWeights(gan=0.0))

    share = float(deception_loss(judge, pool_pyramid(found, 2)))
    assert float(with_judge) == pytest.approx(float(alone) + 0.1 * share)
