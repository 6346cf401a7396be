"""Makes the hand that passes over the face in the demo's second shot.

    python -m faceplate.core.synth.demo_hand --out hands.npz

Blender's Python reads the file; the engine's own hands can so be rendered by Cycles.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from faceplate.core.synth.bones import HandPose
from faceplate.core.synth.hand import make_hand
from faceplate.core.synth.solid import joined

FRAMES = range(1001, 1017)

_REST = HandPose(
    gesture="pass",
    left=True,
    size=0.98,
    fingers=((14.0, 16.0, 10.0), (10.0, 14.0, 9.0), (12.0, 18.0, 10.0), (18.0, 22.0, 12.0)),
    spread=(-3.0, 0.0, 2.0, 5.0),
    thumb=(0.15, 6.0, 8.0, 10.0),
    wrist=(-6.0, 4.0),
    target=(0.0, 0.0, 11.0),
    outward=(0.25, -0.05, 1.0),
    contact="palm",
    facing="palm",
    turn=-38.0,
    tilt=6.0,
    gap=1.2,
    tone=(0.37, 0.195, 0.115),
    nail=(0.46, 0.27, 0.2),
    sleeve=7.0,
    cloth=(0.055, 0.085, 0.095),
    held="",
    twin=False,
    detail=5,
)
"""The first performer's own hand, palm to the face."""


def passing_hand(frame: int) -> HandPose:
    """Return the hand in one frame: in from the performer's left, over mouth and eyes, and up."""
    share = (frame - FRAMES[0]) / (len(FRAMES) - 1)
    eased = share * share * (3 - 2 * share)
    across = float(np.interp(eased, [0, 0.35, 0.75, 1], [15.5, 6.0, -2.5, -7.0]))
    height = float(np.interp(eased, [0, 0.35, 0.75, 1], [-7.0, -4.0, 3.0, 9.0]))
    lift = float(np.interp(eased, [0, 0.35, 0.75, 1], [4.0, 1.0, 0.8, 1.6]))
    return replace(_REST, target=(across, height, 9.5), gap=lift, turn=-38.0 - 22.0 * eased)


def main() -> None:
    """Write every frame's hand: vertices, triangles and reflectance."""
    parser = argparse.ArgumentParser(prog="python -m faceplate.core.synth.demo_hand")
    parser.add_argument("--out", type=Path, required=True, help="file to write, .npz")
    arrays: dict[str, Any] = {}
    out = parser.parse_args().out
    for frame in FRAMES:
        solid = joined(make_hand(passing_hand(frame)))
        arrays[f"vertices_{frame}"] = solid.vertices
        arrays[f"triangles_{frame}"] = solid.triangles
        arrays[f"albedo_{frame}"] = solid.albedo
    np.savez_compressed(out, **arrays)


if __name__ == "__main__":
    main()
