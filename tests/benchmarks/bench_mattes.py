"""How good the mattes are, beside what one would use without our network.

    python tests/benchmarks/bench_mattes.py validation --set DIR [--hair-net FILE] [--count N]
    python tests/benchmarks/bench_mattes.py transfer --head FILE [--hair-net FILE] [--sheet FILE]
    python tests/benchmarks/bench_mattes.py flicker --head FILE [--count N]

``validation`` judges on rendered heads (`faceplate synth --seed 10000 --count 1000`), ``transfer``
lays rendered hands and props over real faces (scikit-image's astronaut, the carphone clip) and
scores them with their known coverage, ``flicker`` follows rendered heads in motion. Peers in the
same run: the mesh's hull, the hull within the selfie mask, the hull without MediaPipe's hair net
(its ONNX file is not ours to ship: name it with ``--hair-net``).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import onnxruntime
from bench_quality import find_clip
from rich.console import Console

from faceplate.core.analyse import AnalysisSettings, open_observer
from faceplate.core.analysis.label import HeadLabeller, LabelledCrop, region_of
from faceplate.core.analysis.observe import Observer, observe
from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.frame import Window
from faceplate.core.geometry.crop import cut
from faceplate.core.nets.load import load_network
from faceplate.core.nets.run import Network
from faceplate.core.stages.segment import Labels, labels_on, steady_chances
from faceplate.core.synth.camera import CameraSettings, photograph
from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.picture import CLASSES
from faceplate.core.synth.render import render_head
from faceplate.core.synth.sample import Mix, sample_head
from faceplate.core.synth.sequence import sample_sequence
from faceplate.core.training.augment import centred
from faceplate.core.training.dataset import open_set
from faceplate.core.training.segmetrics import Judged, evaluate, groups_of

SIDE = 256
FACE, HAIR, OCCLUDER, MOUTH = (CLASSES.index(n) for n in ("face", "hair", "occluder", "mouth"))
REACH = 2
Guess = Callable[[FloatArray], AnyArray]
"""Codes (256, 256, 3) of a run-time crop to (256, 256) class numbers."""


@dataclass(frozen=True)
class Still:
    """A picture in codes, as the analysis takes it."""

    pixels: FloatArray
    number: int = 0
    pixel_aspect: float = 1.0

    @property
    def window(self) -> Window:
        return Window(0, 0, self.pixels.shape[1], self.pixels.shape[0])

    @property
    def shown(self) -> Window:
        return self.window

    def linear(self, plate_from_crop: AnyArray, size: tuple[int, int]) -> FloatArray:
        return cut(self.pixels, plate_from_crop, size)

    def codes(self, linear: FloatArray) -> FloatArray:
        return np.clip(linear, 0, 1)


def ours(network: Network) -> Guess:
    return lambda codes: network.run(codes[None])[0][0].argmax(axis=2)


def hull(mesh_net: Network) -> Callable[[FloatArray], AnyArray]:
    """The convex hull of the dense mesh, found in the middle of the crop."""

    def find(codes: FloatArray) -> AnyArray:
        low, high = 28, 240
        part = cv2.resize(codes[low:high, low + 4 : high + 4 - 8], (256, 256))
        points = mesh_net.run(part[None])[0].reshape(-1, 3)[:468, :2]
        scale = np.array([high - low - 8, high - low]) / 256
        points = points * scale + [low + 4, low]
        area = np.zeros((SIDE, SIDE), np.uint8)
        cv2.fillConvexPoly(area, cv2.convexHull(np.round(points).astype(np.int32)), 1)
        return area > 0

    return find


def peers_of(hair_file: Path | None) -> dict[str, Guess]:
    find = hull(load_network("face_mesh478"))
    selfie = load_network("selfie_seg")

    def bare(codes: FloatArray) -> AnyArray:
        return np.where(find(codes), FACE, 0)

    def masked(codes: FloatArray) -> AnyArray:
        person = selfie.run(codes[None])[0][0, ..., 0] > 0.5
        return np.where(find(codes) & person, FACE, 0)

    found: dict[str, Guess] = {"mesh hull": bare, "hull and selfie mask": masked}
    if hair_file is not None:
        session = onnxruntime.InferenceSession(str(hair_file))
        name = session.get_inputs()[0].name

        def haired(codes: FloatArray) -> AnyArray:
            large = cv2.resize(codes, (512, 512), interpolation=cv2.INTER_LINEAR)
            feed = np.dstack([large, np.zeros((512, 512), np.float32)])[None]
            logits = session.run(None, {name: feed})[0].reshape(512, 512, 2)
            hair = cv2.resize((logits[..., 1] > logits[..., 0]).astype(np.float32), (SIDE, SIDE))
            return np.where(hair > 0.5, HAIR, bare(codes))

        found["hull without hair net"] = haired
    return found


def as_segmenter(guess: Guess) -> Callable[[FloatArray], FloatArray]:
    return lambda batch: np.eye(len(CLASSES), dtype=np.float32)[np.stack([guess(c) for c in batch])]


def validation(args: argparse.Namespace, guesses: dict[str, Guess]) -> dict[str, object]:
    pictures = open_set([args.set])
    numbers = range(0, len(pictures), max(len(pictures) // (args.count or len(pictures)), 1))

    def judged() -> Iterator[Judged]:
        camera = CameraSettings().scaled(0.5)
        for number in numbers:
            sample = pictures.sample(number)
            rng = np.random.default_rng(sample.seed)
            one = centred(sample, lambda c, r: photograph(c, r, camera), rng, SIDE)
            groups = groups_of(sample.tags, sample.yaw)
            yield Judged(one.codes, one.coverage, one.valid, groups)

    result: dict[str, object] = {}
    for name, guess in guesses.items():
        report = evaluate(as_segmenter(guess), judged())
        wanted = ("face", "hair", "occluder", "mouth", "neck")
        result[name] = {
            "pictures": report.pictures,
            "iou": {k: round(report.iou[k], 3) for k in wanted},
            "edge F at 2 px": {k: round(report.edges[k], 3) for k in wanted},
        }
        if name == "ours":
            worst = {
                f"{kind} {k}": [g, round(v, 3), round(gap, 3)]
                for kind in ("tone", "yaw")
                for k in wanted[:4]
                for g, v, gap in [report.worst_group(k, kind)]
            }
            with_tag = ("with hand", "with glasses", "with blond", "with beard", "with strands")
            tags = {
                tag: {k: round(v, 3) for k, v in report.by_group[tag].items() if k in wanted}
                for tag in with_tag
                if tag in report.by_group
            }
            result["ours, worst group, IoU, gap"] = worst
            result["ours, by what is seen"] = tags
    return result


def real_faces() -> list[FloatArray]:
    """Codes of real pictures, large enough for a face of 128 px."""
    from skimage import data

    pictures = [data.astronaut().astype(np.float32) / 255]
    with av.open(find_clip(None)) as movie:
        for number, frame in enumerate(movie.decode(video=0)):
            if number >= 60 and number % 6 == 0:
                codes = frame.to_ndarray(format="rgb24").astype(np.float32) / 255
                pictures.append(cv2.resize(codes, None, fx=2, fy=2))
    return pictures


def level_crop(observer: Observer, codes: FloatArray) -> FloatArray | None:
    faces = observe(Still(codes), observer)
    if not faces:
        return None
    return cut(codes, region_of(faces[0].mesh).square_from_crop(SIDE), (SIDE, SIDE))


def transfer(args: argparse.Namespace, guesses: dict[str, Guess]) -> dict[str, object]:
    """Lay the occluders of rendered scenes over real crops; heads are aligned by their framing."""
    model = HeadModel.load(args.head)
    observer = open_observer(AnalysisSettings(1.0, 1, None, embed=False))
    crops = [c for c in (level_crop(observer, p) for p in real_faces()) if c is not None]
    mix = Mix(yaw=12, pitch=8, roll=6, hand=1.0, glasses=0, hat=0, phones=0, scarf=0, mask=0,
              prop=0.35, other=0.0, strands=0.0, heights=(0.5, 0.5))  # fmt: skip
    clean = {name: [guess(crop) for crop in crops] for name, guess in guesses.items()}
    totals = {name: np.zeros(5) for name in guesses}
    rows = []
    for seed in range(args.count or 60):
        index = seed % len(crops)
        covered, cover = _covered(model, crops[index], 900_000 + seed, mix)
        if cover is None:
            continue
        known = cover > 0.5
        for name, guess in guesses.items():
            found = guess(covered)
            inside = clean["mesh hull"][index] == FACE
            called = found == OCCLUDER
            away = ~known & (cover < 0.05)
            same = found == clean[name][index]
            totals[name] += [
                (known & called).sum(),
                (known | (called & ~(clean[name][index] == OCCLUDER))).sum(),
                (known & inside & np.isin(found, (FACE, MOUTH))).sum()
                / max((known & inside).sum(), 1),
                same[away].mean(),
                1,
            ]
        if len(rows) < 24:
            rows.append((covered, known, guesses["ours"](covered)))
    if args.sheet:
        _draw(args.sheet, rows)
    return {
        name: {
            "occluder IoU": round(float(t[0] / t[1]), 3),
            "covered face called face": round(float(t[2] / t[4]), 3),
            "labels unchanged elsewhere": round(float(t[3] / t[4]), 3),
            "pictures": int(t[4]),
        }
        for name, t in totals.items()
    } | {"hair against the hair net (IoU)": _hair_agreement(guesses, crops)}


def _covered(
    model: HeadModel, crop: FloatArray, seed: int, mix: Mix
) -> tuple[FloatArray, FloatArray | None]:
    picture = render_head(model, sample_head(seed, mix), SIDE)
    cover = picture.coverage[..., OCCLUDER]
    if not 0.02 < (cover > 0.5).mean() < 0.5:
        return crop, None
    # lit as the face is: equal medians of what is covered and what was there
    seen = cover > 0.9
    light = np.median(crop[100:180, 90:166] ** 2.2) / max(np.median(picture.rgb[seen]), 1e-4)
    hand = np.clip(picture.rgb * min(light, 8.0), 0, 1) ** (1 / 2.2)
    hand = cv2.GaussianBlur(hand, (0, 0), 0.7)
    soft = cv2.GaussianBlur(cover, (0, 0), 0.7)[..., None]
    return (crop * (1 - soft) + hand * soft).astype(np.float32), cover


def _hair_agreement(guesses: dict[str, Guess], crops: list[FloatArray]) -> dict[str, float]:
    if "hull without hair net" not in guesses:
        return {}
    theirs = [guesses["hull without hair net"](c) == HAIR for c in crops]
    mine = [guesses["ours"](c) == HAIR for c in crops]
    each = [(a & b).sum() / max((a | b).sum(), 1) for a, b in zip(theirs, mine, strict=True)]
    return {"mean": round(float(np.mean(each)), 3), "worst": round(float(min(each)), 3)}


def _draw(path: Path, rows: list[tuple[FloatArray, AnyArray, AnyArray]]) -> None:
    palette = np.array(
        [
            [40, 40, 40],
            [230, 170, 140],
            [200, 140, 20],
            [60, 120, 230],
            [220, 40, 60],
            [110, 180, 90],
        ]
    )
    tiles = [
        np.vstack([codes * 255, palette[np.where(known, OCCLUDER, 0)], palette[found]])
        for codes, known, found in rows
    ]
    lines = [np.hstack(tiles[k : k + 8]) for k in range(0, len(tiles) - len(tiles) % 8, 8)]
    cv2.imwrite(str(path), np.vstack(lines)[..., ::-1].astype(np.uint8))


def flicker(args: argparse.Namespace) -> dict[str, object]:
    """Follow heads in motion: change of the mattes beyond that of the truth, by class."""
    model, length = HeadModel.load(args.head), 12
    network = load_network("face_segment")
    observer = open_observer(AnalysisSettings(1.0, 1, None, embed=False))
    sums = {"alone": np.zeros(4), "steadied": np.zeros(4)}
    count = 0
    for seed in range(args.count or 8):
        frames, truths = [], []
        camera = CameraSettings().scaled(0.3)
        for number, scene in enumerate(sample_sequence(800_000 + seed, Mix(yaw=35), length)):
            picture = render_head(model, scene, SIDE)
            shot = photograph(picture.rgb, np.random.default_rng([seed, number]), camera)
            frames.append(shot.astype(np.float32) / 255)
            truths.append(picture.coverage)
        meshes = [faces[0].mesh if (faces := observe(Still(f), observer)) else None for f in frames]
        if any(mesh is None for mesh in meshes):
            continue
        crops = [
            HeadLabeller(network).label(Still(f), m, 1.0)
            for f, m in zip(frames, meshes, strict=True)
            if m is not None
        ]
        for name, reach in (("alone", 0), ("steadied", REACH)):
            planes = [_planes(crops, n, reach, frames[n], network) for n in range(length)]
            for n in range(1, length):
                true = (truths[n] - truths[n - 1])[..., [FACE, HAIR, OCCLUDER, MOUTH]]
                sums[name] += np.abs(planes[n] - planes[n - 1] - true).mean(axis=(0, 1))
            count += length - 1 if name == "alone" else 0
    names = ("face", "hair", "occluder", "mouth")
    return {
        key: {
            n: round(float(v) * 100, 3) for n, v in zip(names, total / max(count, 1), strict=True)
        }
        for key, total in sums.items()
    } | {"unit": "mean excess change per frame, % of the picture", "transitions": count}


def _planes(
    crops: list[LabelledCrop],
    number: int,
    reach: int,
    frame: FloatArray,
    network: Network,
) -> FloatArray:
    near = [n for n in range(number - reach, number + reach + 1) if 0 <= n < len(crops)]
    chances = steady_chances([crops[n] for n in near], [n - number for n in near])
    window = Window(0, 0, SIDE, SIDE)
    names = network.card.labels
    found: Labels = labels_on(
        chances, names, crops[number].plate_from_crop, window, frame**2.2, 0.5 * SIDE
    )
    return np.stack([found.face, found.hair, found.occluder, found.mouth], axis=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("validation", "transfer", "flicker"))
    parser.add_argument("--set", type=Path)
    parser.add_argument("--head", type=Path)
    parser.add_argument("--hair-net", type=Path)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--models", type=Path, help="folder of face_segment, if not the shipped")
    args = parser.parse_args()
    if args.what == "flicker":
        result = flicker(args)
    else:
        network = load_network("face_segment", folder=args.models)
        guesses = {"ours": ours(network), **peers_of(args.hair_net)}
        result = (validation if args.what == "validation" else transfer)(args, guesses)
    Console().print_json(json.dumps(result))


if __name__ == "__main__":
    main()
