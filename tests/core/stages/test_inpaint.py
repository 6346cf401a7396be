"""What the completing generator is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from faceplate.core.geometry.square import halved
from faceplate.core.nets.load import load_network
from faceplate.core.stages.inpaint import inpaint_face


def test_it_is_given_the_face_alone_and_the_wanted_matte_at_both_levels(toys: Any) -> None:
    rng = np.random.default_rng(0)
    new = rng.uniform(-1, 1, (3, 256, 256)).astype(np.float32)
    seen, matte = rng.random((2, 256, 256)) < 0.5
    face = np.where(seen, new, np.float32(-1))

    answers = []
    for level in ("fine", "coarse"):
        toys.picks(f"holes_{level}", "complete", (0, 2, 3), level)
        network = load_network(f"holes_{level}", folder=toys.folder)
        answers.append(inpaint_face(network, new, seen, matte))

    wanted = np.stack([face[0], face[2], matte.astype(np.float32)])
    np.testing.assert_array_equal(answers[0], wanted)
    np.testing.assert_array_equal(answers[1][:, ::2, ::2], halved(wanted))
