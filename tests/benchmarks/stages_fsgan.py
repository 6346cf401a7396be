"""A picture of every stage of the method fsgan, frame by frame, to look at.

    python tests/benchmarks/stages_fsgan.py PLATE ACTOR OUT.png --frames 1003 1010 [--weights small]
                                            [--colorspace ACEScg] [--steps 1]

A frame after the other, eight tiles a line: the plate's crop; for each view that is mixed the view,
the landmarks that it is to have, and what the reenactment makes of it; the mix; where it is face;
the completion's answer; the pasted face; the blend's answer; and the finished comp in the same
crop. What the networks were given and answered is shown as they see it, 256 pixels square.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.canvas import GROUND, framed, save_png, title_bar, write_text
from faceplate.core.doors import model_folders
from faceplate.core.fsgan import NetworkFaces
from faceplate.core.geometry.square import CROP_SIDE, as_codes
from faceplate.core.job import Job
from faceplate.core.netcrop import CropPlace
from faceplate.core.nets.run import Network
from faceplate.core.render import Shot, open_job, render_frame
from faceplate.nodes.compile import Delivery, job_of, swap_graph

_FIRST_DISC = 3
_TILES = 8


@dataclass
class Listening:
    """A network that remembers what it was given and what it answered."""

    network: Network
    heard: list[tuple[AnyArray, AnyArray]] = field(default_factory=list)

    @property
    def card(self) -> object:
        return self.network.card

    def run(self, *inputs: AnyArray) -> tuple[FloatArray, ...]:
        answers = self.network.run(*inputs)
        self.heard.append((inputs[0][0], answers[0][0]))
        return answers


def listened(networks: NetworkFaces) -> dict[str, Listening]:
    """Let the generators of a shot be heard."""
    found = {
        role: Listening(getattr(networks.generators, role))
        for role in ("reenact", "complete", "blend")
    }
    networks.generators = replace(networks.generators, **found)
    return found


def tile(picture: AnyArray, text: str) -> FloatArray:
    """Return a (256, 256, 3) tile of codes with a word on it."""
    codes = np.clip(picture, 0, 1).astype(np.float32).copy()
    write_text(codes, text)
    return framed(codes)


def shown(planes: AnyArray) -> AnyArray:
    """Return (3, h, w) of -1 to 1 as (h, w, 3) codes."""
    return as_codes(np.ascontiguousarray(planes[:3]))


def row_of(shot: Shot, heard: dict[str, Listening], number: int) -> FloatArray:
    """Render one frame; return its stages in lines of eight tiles."""
    for network in heard.values():
        network.heard.clear()
    frame, result = render_frame(shot, number)
    face = shot.casts[0].track.at(number)
    if not result.replaced or face is None or not heard["blend"].heard:
        raise SystemExit(f"Frame {number} was not replaced: {result.reason}.")
    (given, completed), (pasted, blended) = heard["complete"].heard[-1], heard["blend"].heard[-1]
    tiles = [tile(shown(pasted[3:6]), f"{number} plate")]
    for view, drawn in heard["reenact"].heard:
        tiles.append(tile(shown(view), "view"))
        tiles.append(tile(np.repeat(view[_FIRST_DISC:].max(axis=0)[..., None], 3, 2), "landmarks"))
        tiles.append(tile(shown(drawn), "reenacted"))
    place = CropPlace.around(face.box, frame.pixel_aspect)
    size = (CROP_SIDE, CROP_SIDE)
    whole = shot.view.encode(shot.view.linear(frame.rgb(frame.data)))
    origin = place.raster_from_crop - [[0, 0, frame.data.x0], [0, 0, frame.data.y0]]
    back = cv2.WARP_INVERSE_MAP | cv2.INTER_AREA
    comp = cv2.warpAffine(whole, origin[:2], size, flags=back)
    tiles += [
        tile(shown(given), "mixed, where face"),
        tile(np.repeat(given[3][..., None], 3, 2), "outline"),
        tile(shown(completed), "completed"),
        tile(shown(pasted), "pasted"),
        tile(shown(blended), "blended"),
        tile(comp, "comp"),
    ]
    tiles += [np.full_like(tiles[0], GROUND)] * (-len(tiles) % _TILES)
    lines = [np.concatenate(tiles[k : k + _TILES], axis=1) for k in range(0, len(tiles), _TILES)]
    return np.concatenate(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plate")
    parser.add_argument("actor")
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, nargs="+", required=True)
    parser.add_argument("--weights", default="small")
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--colorspace", default="ACEScg")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    plate = {"pattern": args.plate, "colorspace": args.colorspace, "frames": ""}
    swap = {"method": "fsgan", "weights": args.weights, "steps": args.steps}
    with tempfile.TemporaryDirectory() as folder:
        delivery = Delivery(output=f"{folder}/comp.%04d.exr", name="demo")
        job: Job = job_of(swap_graph(plate, {"file": args.actor}, swap), "swap", delivery)
        _, shot = open_job(
            job,
            progress=lambda _: None,
            revocations=frozenset(),
            today=date.today(),
            threads=args.threads,
            cache_folder=None,
            models=model_folders(),
        )
        if shot.networks is None:
            raise SystemExit("There is no face to replace.")
        heard = listened(shot.networks)
        rows = [row_of(shot, heard, number) for number in args.frames]
    title = title_bar(f"The stages of fsgan with the weights {args.weights}", rows[0].shape[1])
    save_png(args.out, np.concatenate([title, *rows]))


if __name__ == "__main__":
    main()
