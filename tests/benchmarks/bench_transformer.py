"""How far turned landmarks are from the truth, by pose distance: the network and the rigid way.

    python tests/benchmarks/bench_transformer.py --head ict_face_compact.npz [--folder DIR]
        [--model NAME] [--heads N] [--noise-degrees D]

Both see the same heads, which no training has drawn: landmarks under one pose, both poses, and they
say the landmarks under the other. The error is the mean distance of the 98 points, about their
common middle, in distances of the outer eye corners of the head seen from the front. The way of two
turns takes the network to a third pose between; "still" leaves the landmarks as they are, rolled.
The design of the network is ours: no published numbers exist to set beside these.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from faceplate.core.arrays import AnyArray
from faceplate.core.nets.load import load_network
from faceplate.core.nets.run import Network
from faceplate.core.stages.turn import turn_landmarks, turn_rigidly
from faceplate.core.synth.acting import sample_expression
from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.landmarks import LandmarkHead
from faceplate.core.training.transformer import (
    TransformerSettings,
    errors_by_distance,
    held_turns,
)

ACTING_SEED = 99
"""Of the expressions: others than those of the training."""


def measure(
    head: LandmarkHead, network: Network, count: int, noise_degrees: float
) -> dict[str, dict[str, float]]:
    """Return the error of each way in each band."""
    rng = np.random.default_rng(ACTING_SEED)
    acting = np.array([sample_expression(rng, (0.0, 0.0)) for _ in range(2000)], np.float32)
    heads = held_turns(head, acting, TransformerSettings(), count)

    def unsure(pose: AnyArray) -> AnyArray:
        return pose + np.random.default_rng(1).normal(0, noise_degrees, pose.shape)

    def by_network(points: AnyArray, pose: AnyArray, wanted: AnyArray) -> AnyArray:
        return turn_landmarks(network, points, unsure(pose), wanted)

    def twice(points: AnyArray, pose: AnyArray, wanted: AnyArray) -> AnyArray:
        between = (pose + wanted) / 2
        return turn_landmarks(network, by_network(points, pose, between), between, wanted)

    def rigidly(points: AnyArray, pose: AnyArray, wanted: AnyArray) -> AnyArray:
        return turn_rigidly(points, unsure(pose), wanted)

    def still(points: AnyArray, pose: AnyArray, wanted: AnyArray) -> AnyArray:
        rolled = pose.copy()
        rolled[:, 2] = wanted[:, 2]
        return turn_rigidly(points, pose, rolled)

    ways = {"network": by_network, "two turns": twice, "rigid": rigidly, "still": still}
    return {name: errors_by_distance(way, heads) for name, way in ways.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--head", type=Path, required=True)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--model", default="landmark_transformer")
    parser.add_argument("--heads", type=int, default=4000)
    parser.add_argument("--noise-degrees", type=float, default=0.0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    head = LandmarkHead.of(HeadModel.load(args.head))
    network = load_network(args.model, folder=args.folder)
    found = measure(head, network, args.heads, args.noise_degrees)
    bands = list(next(iter(found.values())))
    table = Table("way", *(f"{band} deg" for band in bands), title="error, % of the eyes' distance")
    for way, errors in found.items():
        table.add_row(way, *(f"{100 * errors[band]:.2f}" for band in bands))
    Console().print(table)
    if args.out:
        args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
