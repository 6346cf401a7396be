"""The commands that make frames, mattes, tracks and measures of plates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from faceplate.core.console import Console
from faceplate.core.doors import default_threads
from faceplate.core.errors import JobError
from faceplate.core.footage import FIRST_MOVIE_FRAME
from faceplate.core.job import UNUSED_KNOBS, Job
from faceplate.core.options import choose_face, command
from faceplate.core.qcjob import qc_of_render
from faceplate.core.shell import (
    CacheFolder,
    Compression,
    Config,
    Corrections,
    Detector,
    Device,
    Draft,
    Face,
    FaceAt,
    File,
    Finetune,
    FinetuneSamples,
    FinetuneSeed,
    Frame,
    Frames,
    Landmarker,
    MatteIn,
    NoContact,
    Overwrite,
    Plate,
    PoseNet,
    Prefix,
    Reference,
    Segmenter,
    Shot,
    Source,
    Space,
    Start,
    Threads,
    Track,
    Withdrawn,
    app,
    config_of,
    official_of,
    plate_knobs,
)
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.face import FACE_MATTE, FACE_QC, FACE_SWAP, FACE_TRACK
from faceplate.nodes.measure import qc_graph, qc_job_of


def _training(*, finetune: bool, samples: int | None, seed: int | None) -> dict[str, object] | None:
    """Return the knobs of the fine-tuning that were said, or None for none."""
    said = {name: v for name, v in (("samples", samples), ("seed", seed)) if v is not None}
    if said and not finetune:
        name = next(iter(said))
        raise JobError(f"--finetune-{name} says how to fine-tune.", hint="Say --finetune as well.")
    return dict(said) if finetune else None


@command(app, "swap", FACE_SWAP)
def swap(
    console: Console,
    plate: Plate,
    knobs: dict[str, object],
    actor: Source,
    out: Frame,
    frames: Frames = "",
    face: Face = "",
    face_at: FaceAt = "",
    reference: Reference = None,
    track: Track = None,
    detector: Detector = "mediapipe",
    landmarker: Landmarker = "mesh",
    pose_net: PoseNet = "mesh",
    segmenter: Segmenter = "ours",
    matte_in: MatteIn = "",
    colorspace: Space = "",
    ocio: Config = "",
    start: Start = FIRST_MOVIE_FRAME,
    shot: Shot = "",
    finetune: Finetune = False,
    finetune_samples: FinetuneSamples = None,
    finetune_seed: FinetuneSeed = None,
    draft: Draft = False,
    revocations: Withdrawn = None,
    overwrite: Overwrite = False,
    compression: Compression = "zip",
    layer_prefix: Prefix = "",
    no_contact: NoContact = False,
    threads: Threads = 0,
    device: Device = "cpu",
    cache: CacheFolder = None,
) -> int:
    """Put an actor's face on the face in a plate."""
    delivery = Delivery(
        output=out,
        name=shot,
        face=choose_face(face, face_at, reference),
        track=str(track) if track else None,
        official=official_of(detector, landmarker, pose_net, segmenter),
        matte_in=matte_in or None,
        start=start,
        ocio=config_of(ocio),
        layer_prefix=layer_prefix,
        compression=compression,
        draft=draft,
        overwrite=overwrite,
        contact_sheet=not no_contact,
    )
    training = _training(finetune=finetune, samples=finetune_samples, seed=finetune_seed)
    shown = plate_knobs(plate, colorspace, frames)
    graph = swap_graph(shown, {"file": str(actor)}, knobs, training)
    return _render(console, job_of(graph, "swap", delivery), threads, device, cache, revocations)


@command(app, "complete", FACE_SWAP)
def complete(
    console: Console,
    plate: Plate,
    knobs: dict[str, object],
    out: Frame,
    actor: Annotated[
        str, typer.Option(help="The .actor file; the plate's own frames when not said.")
    ] = "",
    frames: Frames = "",
    face: Face = "",
    face_at: FaceAt = "",
    reference: Reference = None,
    track: Track = None,
    detector: Detector = "mediapipe",
    landmarker: Landmarker = "mesh",
    pose_net: PoseNet = "mesh",
    segmenter: Segmenter = "ours",
    matte_in: MatteIn = "",
    colorspace: Space = "",
    ocio: Config = "",
    start: Start = FIRST_MOVIE_FRAME,
    shot: Shot = "",
    finetune: Finetune = False,
    finetune_samples: FinetuneSamples = None,
    finetune_seed: FinetuneSeed = None,
    draft: Draft = False,
    revocations: Withdrawn = None,
    overwrite: Overwrite = False,
    compression: Compression = "zip",
    layer_prefix: Prefix = "",
    no_contact: NoContact = False,
    threads: Threads = 0,
    device: Device = "cpu",
    cache: CacheFolder = None,
) -> int:
    """Rebuild what a hand or a prop hides of a face, and leave the rest of it alone."""
    delivery = Delivery(
        output=out,
        name=shot,
        task="complete",
        face=choose_face(face, face_at, reference),
        track=str(track) if track else None,
        official=official_of(detector, landmarker, pose_net, segmenter),
        matte_in=matte_in or None,
        start=start,
        ocio=config_of(ocio),
        layer_prefix=layer_prefix,
        compression=compression,
        draft=draft,
        overwrite=overwrite,
        contact_sheet=not no_contact,
    )
    source = {"file": actor} if actor else None
    training = _training(finetune=finetune, samples=finetune_samples, seed=finetune_seed)
    graph = swap_graph(plate_knobs(plate, colorspace, frames), source, knobs, training)
    return _render(console, job_of(graph, "swap", delivery), threads, device, cache, revocations)


@command(app, "reenact", FACE_SWAP, skip=(*UNUSED_KNOBS["reenact"], "layers"))
def reenact(
    console: Console,
    performance: Annotated[str, typer.Argument(help="Who drives: frames, a movie, or a still.")],
    knobs: dict[str, object],
    actor: Source,
    out: Frame,
    frames: Frames = "",
    face: Face = "",
    face_at: FaceAt = "",
    reference: Reference = None,
    track: Track = None,
    detector: Detector = "mediapipe",
    landmarker: Landmarker = "mesh",
    pose_net: PoseNet = "mesh",
    segmenter: Segmenter = "ours",
    colorspace: Space = "",
    ocio: Config = "",
    start: Start = FIRST_MOVIE_FRAME,
    shot: Shot = "",
    finetune: Finetune = False,
    finetune_samples: FinetuneSamples = None,
    finetune_seed: FinetuneSeed = None,
    draft: Draft = False,
    revocations: Withdrawn = None,
    overwrite: Overwrite = False,
    compression: Compression = "zip",
    threads: Threads = 0,
    device: Device = "cpu",
    cache: CacheFolder = None,
) -> int:
    """Drive an actor with any performance; writes the face alone, 256 x 256, linear Rec.709."""
    delivery = Delivery(
        output=out,
        name=shot,
        task="reenact",
        face=choose_face(face, face_at, reference),
        track=str(track) if track else None,
        official=official_of(detector, landmarker, pose_net, segmenter),
        start=start,
        ocio=config_of(ocio),
        compression=compression,
        draft=draft,
        overwrite=overwrite,
        contact_sheet=False,
    )
    knobs = {**knobs, "layers": ("comp",)}
    plate = plate_knobs(performance, colorspace, frames)
    training = _training(finetune=finetune, samples=finetune_samples, seed=finetune_seed)
    graph = swap_graph(plate, {"file": str(actor)}, knobs, training)
    return _render(console, job_of(graph, "swap", delivery), threads, device, cache, revocations)


@command(app, "blend", FACE_SWAP, skip=UNUSED_KNOBS["blend"])
def blend(
    console: Console,
    plate: Plate,
    knobs: dict[str, object],
    element: Annotated[
        str, typer.Option(help="Hand-made face as FILE:LAYER, clean, premultiplied scene light.")
    ],
    out: Frame,
    matte_in: Annotated[
        str, typer.Option(help="Its matte as FILE:LAYER; else the element's own alpha.")
    ] = "",
    frames: Frames = "",
    face: Face = "",
    face_at: FaceAt = "",
    reference: Reference = None,
    track: Track = None,
    detector: Detector = "mediapipe",
    landmarker: Landmarker = "mesh",
    pose_net: PoseNet = "mesh",
    segmenter: Segmenter = "ours",
    colorspace: Space = "",
    ocio: Config = "",
    start: Start = FIRST_MOVIE_FRAME,
    shot: Shot = "",
    draft: Draft = False,
    revocations: Withdrawn = None,
    overwrite: Overwrite = False,
    compression: Compression = "zip",
    layer_prefix: Prefix = "",
    no_contact: NoContact = False,
    threads: Threads = 0,
    device: Device = "cpu",
    cache: CacheFolder = None,
) -> int:
    """Lay a hand-made face into a plate, in its light, blur and grain."""
    delivery = Delivery(
        output=out,
        name=shot,
        task="blend",
        element=element,
        face=choose_face(face, face_at, reference),
        track=str(track) if track else None,
        official=official_of(detector, landmarker, pose_net, segmenter),
        matte_in=matte_in or None,
        start=start,
        ocio=config_of(ocio),
        layer_prefix=layer_prefix,
        compression=compression,
        draft=draft,
        overwrite=overwrite,
        contact_sheet=not no_contact,
    )
    graph = swap_graph(plate_knobs(plate, colorspace, frames), None, knobs)
    return _render(console, job_of(graph, "swap", delivery), threads, device, cache, revocations)


def _render(
    console: Console,
    job: Job,
    threads: int,
    device: str,
    cache: Path | None,
    revocations: Path | None,
) -> int:
    from faceplate.core.commands import render_job

    return render_job(
        console,
        job,
        threads=default_threads(threads),
        device=device,
        cache_folder=cache,
        revocations=revocations,
        today=date.today(),
    )


@command(app, "matte", FACE_MATTE)
def matte(
    console: Console,
    plate: Plate,
    knobs: dict[str, object],
    out: Frame,
    frames: Frames = "",
    face: Face = "",
    face_at: FaceAt = "",
    reference: Reference = None,
    track: Track = None,
    detector: Detector = "mediapipe",
    landmarker: Landmarker = "mesh",
    pose_net: PoseNet = "mesh",
    segmenter: Segmenter = "ours",
    colorspace: Space = "",
    ocio: Config = "",
    start: Start = FIRST_MOVIE_FRAME,
    overwrite: Overwrite = False,
    threads: Threads = 0,
    device: Device = "cpu",
    cache: CacheFolder = None,
) -> int:
    """Write the mattes of the face in a plate, and no picture."""
    delivery = Delivery(
        output=out,
        face=choose_face(face, face_at, reference),
        track=str(track) if track else None,
        official=official_of(detector, landmarker, pose_net, segmenter),
        start=start,
        ocio=config_of(ocio),
        overwrite=overwrite,
        contact_sheet=False,
    )
    graph = swap_graph(
        plate_knobs(plate, colorspace, frames), None, {**knobs, "layers": ("matte",)}
    )
    return _render(console, job_of(graph, "swap", delivery), threads, device, cache, None)


@command(app, "track", FACE_TRACK, skip=("seed",))
def track(
    console: Console,
    plate: Plate,
    knobs: dict[str, object],
    out: File,
    corrections: Corrections = None,
    detector: Detector = "mediapipe",
    landmarker: Landmarker = "mesh",
    pose_net: PoseNet = "mesh",
    segmenter: Segmenter = "ours",
    colorspace: Space = "",
    ocio: Config = "",
    start: Start = FIRST_MOVIE_FRAME,
    overwrite: Overwrite = False,
    threads: Threads = 0,
    device: Device = "cpu",
    cache: CacheFolder = None,
) -> int:
    """Follow the faces of a plate: a track file, an overlay movie, Tracker4 text, CSV."""
    from faceplate.core.commands import track_plate

    return track_plate(
        console,
        plate,
        out,
        colorspace=colorspace or None,
        ocio=config_of(ocio),
        start=start,
        smoothing=float(str(FACE_TRACK.values(knobs)["smoothing"])),
        corrections=corrections,
        official=official_of(detector, landmarker, pose_net, segmenter),
        overwrite=overwrite,
        threads=default_threads(threads),
        device=device,
        cache_folder=cache,
    )


@command(app, "render")
def render(
    console: Console,
    shots: Annotated[list[Path], typer.Argument(help="Shot files, SHOT.toml.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, do nothing.")
    ] = False,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE over the files, as shape=0.5.")
    ] = None,
    frames: Frames = "",
    show: Annotated[Path | None, typer.Option(help="The show's defaults; else show.toml.")] = None,
    report: Annotated[Path | None, typer.Option(help="JSON of what became of each shot.")] = None,
    revocations: Annotated[Path | None, typer.Option(help="List of withdrawn consents.")] = None,
    threads: Threads = 0,
    device: Device = "cpu",
    cache: CacheFolder = None,
) -> int:
    """Render shot files, one after the other; run again to go on."""
    from faceplate.core.batch import BatchSettings, forecast_shots, render_shots

    settings = BatchSettings(
        show=show,
        sets=tuple(sets or ()),
        frames=frames,
        report=report,
        ocio=config_of(""),
        revocations=revocations,
        today=date.today(),
        threads=default_threads(threads),
        device=device,
        cache_folder=cache,
    )
    return (forecast_shots if dry_run else render_shots)(console, shots, settings)


@command(app, "qc", FACE_QC, skip=("seed",))
def qc(
    console: Console,
    knobs: dict[str, object],
    comp: Annotated[
        str, typer.Argument(help="The finished frames; with --shot those that it names.")
    ] = "",
    shot: Annotated[
        Path | None, typer.Option(help="The shot file that they were rendered from.")
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="With --shot: KEY=VALUE over the file.")
    ] = None,
    plate: Annotated[str, typer.Option(help="Without --shot: the plate.")] = "",
    actor: Annotated[str, typer.Option(help="Without --shot: who was put in, a .actor file.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="The report, .html; else beside the frames.")
    ] = None,
    frames: Annotated[
        str, typer.Option(help="Frames to measure, as 1001-1100x2; all when not said.")
    ] = "",
    face: Face = "",
    face_at: FaceAt = "",
    reference: Reference = None,
    track: Annotated[
        Path | None, typer.Option(help="A solved track, which says where the face is.")
    ] = None,
    detector: Detector = "mediapipe",
    landmarker: Landmarker = "mesh",
    pose_net: PoseNet = "mesh",
    segmenter: Segmenter = "ours",
    matte_in: Annotated[
        str, typer.Option(help="Hand-made matte that the comp was made with, as FILE:LAYER.")
    ] = "",
    colorspace: Space = "",
    ocio: Config = "",
    start: Start = FIRST_MOVIE_FRAME,
    layer_prefix: Prefix = "",
    overwrite: Overwrite = False,
    threads: Threads = 0,
    device: Device = "cpu",
    cache: CacheFolder = None,
) -> int:
    """Measure finished frames against their plate: a report, and exit code 1 past a limit."""
    from faceplate.core.qc.run import control, exit_code_of
    from faceplate.core.shots import read_shot

    report = str(out) if out else ""
    if shot is not None:
        given = {
            "plate": plate,
            "actor": actor,
            "face": face,
            "face-at": face_at,
            "reference": reference,
            "track": track,
            "matte-in": matte_in,
            "colorspace": colorspace,
            "layer-prefix": layer_prefix,
            "start": start != FIRST_MOVIE_FRAME,
            "detector": detector != "mediapipe",
            "landmarker": landmarker != "mesh",
            "pose-net": pose_net != "mesh",
            "segmenter": segmenter != "ours",
        }
        _check_alone("shot", given)
        order = read_shot(shot, sets=sets or (), frames=frames, ocio=config_of(ocio))
        said: dict[str, Any] = {name: FACE_QC.knob(name).check(v) for name, v in knobs.items()}
        limits = replace(order.limits, **said)
        job = qc_of_render(order.job, limits, comp=comp, report=report, overwrite=overwrite)
    else:
        if not plate or not comp or sets:
            raise JobError(
                "A comp is measured against a plate.",
                hint="Give COMP and --plate PLATE; or --shot SHOT.toml, and --set with it.",
            )
        delivery = Delivery(
            output=comp,
            face=choose_face(face, face_at, reference),
            track=str(track) if track else None,
            official=official_of(detector, landmarker, pose_net, segmenter),
            matte_in=matte_in or None,
            start=start,
            ocio=config_of(ocio),
            layer_prefix=layer_prefix,
            overwrite=overwrite,
        )
        source = {"file": actor} if actor else None
        graph = qc_graph(plate_knobs(plate, colorspace, frames), comp, source, knobs)
        job = qc_job_of(graph, "qc", delivery, report)
    result = control(
        console, job, threads=default_threads(threads), device=device, cache_folder=cache
    )
    return exit_code_of(result)


def _check_alone(option: str, others: Mapping[str, object]) -> None:
    """Refuse options that say what the file behind another one says."""
    for other, value in others.items():
        if value:
            raise JobError(
                f"--{option} and --{other} exclude each other.",
                hint="The shot file says it; change it for once with --set.",
            )
