"""What pictures are drawn: chances and ranges."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mix:
    """What pictures are drawn: chances and ranges.

    Attributes:
        yaw, pitch, roll: largest angle to either side, degrees; yaw is uniform.
        hand: chance of a hand (or two) on or before the face.
        glasses, hat, phones, scarf, mask: chances of what is worn.
        prop: chance of a thing between face and camera.
        tones: chance of each of the six skin tones, palest first.
        heights: smallest and largest face height, share of the picture.
        environments: chance that an environment map lights the scene.
        strands: chance of loose hair over the face.
        bald: chance of no hair.
        other: chance of another person's head, before or behind.
        dapple: chance of a pattern in the key's light.
        paint: chance of paint or dirt on the face.
        alike: chance that the background is as light or dark as the hair.
    """

    yaw: float = 60.0
    pitch: float = 28.0
    roll: float = 28.0
    hand: float = 0.35
    glasses: float = 0.2
    hat: float = 0.1
    phones: float = 0.04
    scarf: float = 0.04
    mask: float = 0.04
    prop: float = 0.12
    tones: tuple[float, ...] = (1 / 6,) * 6
    heights: tuple[float, float] = (0.33, 0.66)
    environments: float = 0.35
    strands: float = 0.2
    bald: float = 0.07
    other: float = 0.0
    dapple: float = 0.0
    paint: float = 0.0
    alike: float = 0.0


RICH = Mix(yaw=75.0, other=0.1, dapple=0.12, paint=0.05, alike=0.2)
"""What training may add to the default mix, which the frozen validation set is drawn from."""

VIEWS = Mix(
    hand=0.0, prop=0.0, phones=0.0, scarf=0.0, mask=0.0, hat=0.05, glasses=0.1, strands=0.05,
    heights=(0.58, 0.64),
)  # fmt: skip
"""For views of one person: nothing comes and goes before the face, and it fills the picture."""
