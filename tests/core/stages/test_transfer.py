"""What the blending generator is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from faceplate.core.geometry.square import halved
from faceplate.core.nets.load import load_network
from faceplate.core.stages.transfer import transfer_face


def test_it_is_given_the_pasted_crop_the_target_and_the_matte_at_both_levels(toys: Any) -> None:
    rng = np.random.default_rng(0)
    new, target = rng.uniform(-1, 1, (2, 3, 256, 256)).astype(np.float32)
    matte = rng.random((256, 256)) < 0.5
    pasted = new * matte + target * ~matte

    answers = []
    for level in ("fine", "coarse"):
        toys.picks(f"paste_{level}", "blend", (1, 3, 6), level)
        network = load_network(f"paste_{level}", folder=toys.folder)
        answers.append(transfer_face(network, new, target, matte))

    wanted = np.stack([pasted[1], target[0], matte.astype(np.float32)])
    np.testing.assert_allclose(answers[0], wanted, atol=1e-6)
    np.testing.assert_allclose(answers[1][:, ::2, ::2], halved(wanted), atol=1e-6)
