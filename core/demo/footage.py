"""Expands the demo shots: clean frames from the package, the noise of a sensor, EXR on disk."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from faceplate.core.errors import ModelMissingError
from faceplate.core.footage import Footage, find_footage
from faceplate.core.frame import Frame
from faceplate.core.io.exr import read_frame, write_frame
from faceplate.core.synth.sensor import expose

SPACE = "ACEScg"
_SEEDS = {"plate": 1, "source": 2, "covered": 3}
CONSENT = """\
[consent]
performer = "synthetic"
reference = "faceplate demo shot"
scope = "the demo"
shots = ["*"]
"""


@dataclass(frozen=True, slots=True)
class DemoFootage:
    """Where the demo's inputs are.

    Attributes:
        plate: pattern of the plate, scene-linear, `SPACE`.
        covered: pattern of a second plate, in which a hand passes over the face; same space.
        source: pattern of the other performer's frames, same space.
        consent: the synthetic performer's record.
    """

    plate: str
    covered: str
    source: str
    consent: Path


def shipped(name: str) -> Footage:
    """Return the clean frames of the package: "plate", "covered" or "source".

    Raises:
        ModelMissingError: this installation lacks them.
    """
    folder = Path(str(resources.files("faceplate.core.demo"))) / name
    pattern = folder / f"{name}.%04d.exr"
    if not folder.is_dir() or not any(folder.glob("*.exr")):
        raise ModelMissingError("demo shot", str(pattern))
    return find_footage(str(pattern))


def write_footage(out: Path, *, frames: int | None = None) -> DemoFootage:
    """Write the demo's plates, source and consent below ``out``; what is there is left alone.

    Args:
        out: a folder; made when it is not there.
        frames: how many frames of each plate to write, from the middle on; None for all. The
            source is always whole.

    Raises:
        DiskError: the folder or the disk refuses.
        ModelMissingError: this installation lacks the clean frames.
    """
    patterns: dict[str, str] = {}
    for name, seed in _SEEDS.items():
        clean = shipped(name)
        (out / name).mkdir(parents=True, exist_ok=True)
        numbers = clean.frames.numbers
        if name != "source" and frames is not None:
            numbers = numbers[len(numbers) // 2 :][:frames]
        for number in numbers:
            path = out / name / f"{name}.{number:04d}.exr"
            if not path.exists():
                write_frame(path, exposed(read_frame(clean.path(number), number), seed))
        patterns[name] = str(out / name / f"{name}.%04d.exr")
    consent = out / "synthetic.consent.toml"
    consent.write_text(CONSENT, encoding="utf-8")
    return DemoFootage(patterns["plate"], patterns["covered"], patterns["source"], consent)


def exposed(clean: Frame, seed: int) -> Frame:
    """Return a frame with the noise of a sensor in R, G and B; other channels stay."""
    noisy = expose(clean.rgb(), clean.number, seed=seed)
    channels = dict(clean.channels)
    for index, name in enumerate(clean.color_names):
        channels[name] = np.ascontiguousarray(noisy[..., index]).astype(channels[name].dtype)
    return Frame(
        clean.number,
        channels,
        clean.data,
        clean.display,
        clean.pixel_aspect,
        clean.space,
        clean.header,
    )
