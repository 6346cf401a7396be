"""What the completing generator is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from faceplate.core.geometry.square import halved
from faceplate.core.nets.load import load_network
from faceplate.core.stages.discs import landmark_discs
from faceplate.core.stages.inpaint import inpaint_face
from faceplate.core.stages.mirror import mirrored_face


def test_it_is_given_the_face_alone_and_the_wanted_matte_at_both_levels(toys: Any) -> None:
    rng = np.random.default_rng(0)
    new = rng.uniform(-1, 1, (3, 256, 256)).astype(np.float32)
    seen, matte = rng.random((2, 256, 256)) < 0.5
    face = np.where(seen, new, np.float32(-1))

    answers = []
    for level in ("fine", "coarse"):
        toys.picks(f"holes_{level}", "complete", (0, 2, 3), level)
        network = load_network(f"holes_{level}", folder=toys.folder)
        answers.append(inpaint_face(network, new, seen, matte, np.zeros((98, 2))))

    wanted = np.stack([face[0], face[2], matte.astype(np.float32)])
    np.testing.assert_array_equal(answers[0], wanted)
    np.testing.assert_array_equal(answers[1][:, ::2, ::2], halved(wanted))


def test_one_that_takes_cues_is_shown_the_other_half_and_the_landmarks_too(toys: Any) -> None:
    rng = np.random.default_rng(0)
    new = rng.uniform(-1, 1, (3, 256, 256)).astype(np.float32)
    seen, matte = rng.random((2, 256, 256)) < 0.5
    points = rng.uniform(0.2, 0.8, (98, 2))
    given = np.concatenate(
        [
            np.where(seen, new, np.float32(-1)),
            matte[None].astype(np.float32),
            mirrored_face(new, seen, points),
        ]
    )

    for channels in ((1, 3, 4), (6, 7, 8), (8, 50, 105)):
        for level, side in (("fine", 256), ("coarse", 128)):
            name = f"cued_{level}_{channels[0]}"
            toys.picks(name, "cued", channels, level)
            network = load_network(name, folder=toys.folder)

            found = inpaint_face(network, new, seen, matte, points)

            own = given if level == "fine" else halved(given)
            wanted = np.concatenate([own, landmark_discs(points, side)])[list(channels)]
            step = 256 // side
            np.testing.assert_array_equal(found[:, ::step, ::step], wanted)
