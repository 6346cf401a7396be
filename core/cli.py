"""The command line: `faceplate swap`, `track`, `actor build` and the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from faceplate.core.console import Console
from faceplate.core.doors import default_threads, model_folders, user_models
from faceplate.core.errors import JobError
from faceplate.core.footage import FIRST_MOVIE_FRAME
from faceplate.core.job import UNUSED_KNOBS, Job
from faceplate.core.options import choose_face, command
from faceplate.core.qcjob import qc_of_render
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.face import FACE_MATTE, FACE_QC, FACE_SWAP, FACE_TRACK, TRAIN_IDENTITY
from faceplate.nodes.footage import ACTOR_SOURCE
from faceplate.nodes.graph import Graph
from faceplate.nodes.measure import qc_graph, qc_job_of

app = typer.Typer(
    name="faceplate",
    help="Replace faces on scene-linear plates.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
actor_app = typer.Typer(no_args_is_help=True, help="Build and look at actor files.")
models_app = typer.Typer(no_args_is_help=True, help="List, check and import networks' weights.")
app.add_typer(actor_app, name="actor")
app.add_typer(models_app, name="models")

Plate = Annotated[str, typer.Argument(help="plate.%04d.exr, a movie, or a still.")]
Space = Annotated[str, typer.Option(help="Colour space; found out from the file when not said.")]
Config = Annotated[str, typer.Option(help="OCIO config; else $OCIO, else the built-in one.")]
Start = Annotated[int, typer.Option(help="Number of a movie's first frame.")]
Frames = Annotated[str, typer.Option(help="Frames to render, as 1001-1100x2; all when not said.")]
Track = Annotated[Path | None, typer.Option(help="A solved track; the analysis is skipped.")]
MatteIn = Annotated[
    str, typer.Option(help="Hand-made matte as FILE:LAYER, which wins over the network's.")
]
Detector = Annotated[str, typer.Option(help="mediapipe; or dsfd, once imported.")]
Landmarker = Annotated[str, typer.Option(help="mesh; or hrnet, once imported.")]
PoseNet = Annotated[str, typer.Option(help="mesh; or hopenet, once imported.")]
Segmenter = Annotated[
    str,
    typer.Option(
        help="ours; or official, once imported: it knows face and hair, the mesh tells the mouth, "
        "and an occluder is what of the face is neither."
    ),
]
Face = Annotated[str, typer.Option(help="Number of the face, 0 for the largest; or all.")]
FaceAt = Annotated[str, typer.Option(help="The face at X,Y, pixels from the top left.")]
Reference = Annotated[Path | None, typer.Option(help="The face that looks like this picture.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that are not ours.")]
Threads = Annotated[int, typer.Option(help="Threads; 0 takes what this process may use.")]
Device = Annotated[
    str, typer.Option(help="What networks run on: cpu, or cuda; never one for the other.")
]
CacheFolder = Annotated[Path | None, typer.Option("--cache", help="Folder of the cache.")]
Corrections = Annotated[
    Path | None, typer.Option(help="Points that an artist moved; they win over what is seen.")
]
Frame = Annotated[str, typer.Option("--out", help="Frames to write, as comp.%04d.exr.")]
File = Annotated[Path, typer.Option("--out", help="File to write.")]
ActorFile = Annotated[Path, typer.Argument(help="An actor file.")]
Shot = Annotated[str, typer.Option(help="The shot's name, for consent; else the output's.")]
Source = Annotated[Path, typer.Option("--actor", help="The .actor file; or a picture: a draft.")]
Draft = Annotated[bool, typer.Option("--draft", help="Burn a mark in; no consent.")]
Withdrawn = Annotated[Path | None, typer.Option(help="List of withdrawn consents.")]
Compression = Annotated[str, typer.Option(help="Of the EXR: zip, zips, piz, rle, no.")]
Prefix = Annotated[str, typer.Option(help="Put before our layers' names.")]
Finetune = Annotated[
    bool,
    typer.Option("--finetune", help="Teach the method fsgan the actor's views first; takes long."),
]
FinetuneSamples = Annotated[
    int | None,
    typer.Option(
        help=f"With --finetune: {TRAIN_IDENTITY.knob('samples').help}",
        show_default=str(TRAIN_IDENTITY.knob("samples").default),
    ),
]
FinetuneSeed = Annotated[
    int | None,
    typer.Option(
        help="With --finetune: seed of the pairs.",
        show_default=str(TRAIN_IDENTITY.knob("seed").default),
    ),
]
NoContact = Annotated[bool, typer.Option("--no-contact", help="No contact sheet.")]


def _config(ocio: str) -> str | None:
    return ocio or os.environ.get("OCIO") or None


def _official(detector: str, landmarker: str, pose_net: str, segmenter: str) -> tuple[str, ...]:
    """Return the released networks that take part in the analysis."""
    from faceplate.core.analysis.official import Seers

    return Seers(detector, landmarker, pose_net, segmenter).kinds


def _plate_knobs(pattern: str, colorspace: str, frames: str) -> dict[str, object]:
    return {"pattern": pattern, "colorspace": colorspace, "frames": frames}


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
        official=_official(detector, landmarker, pose_net, segmenter),
        matte_in=matte_in or None,
        start=start,
        ocio=_config(ocio),
        layer_prefix=layer_prefix,
        compression=compression,
        draft=draft,
        overwrite=overwrite,
        contact_sheet=not no_contact,
    )
    training = _training(finetune=finetune, samples=finetune_samples, seed=finetune_seed)
    plate_knobs = _plate_knobs(plate, colorspace, frames)
    graph = swap_graph(plate_knobs, {"file": str(actor)}, knobs, training)
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
        official=_official(detector, landmarker, pose_net, segmenter),
        matte_in=matte_in or None,
        start=start,
        ocio=_config(ocio),
        layer_prefix=layer_prefix,
        compression=compression,
        draft=draft,
        overwrite=overwrite,
        contact_sheet=not no_contact,
    )
    source = {"file": actor} if actor else None
    training = _training(finetune=finetune, samples=finetune_samples, seed=finetune_seed)
    graph = swap_graph(_plate_knobs(plate, colorspace, frames), source, knobs, training)
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
        official=_official(detector, landmarker, pose_net, segmenter),
        start=start,
        ocio=_config(ocio),
        compression=compression,
        draft=draft,
        overwrite=overwrite,
        contact_sheet=False,
    )
    knobs = {**knobs, "layers": ("comp",)}
    plate = _plate_knobs(performance, colorspace, frames)
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
        official=_official(detector, landmarker, pose_net, segmenter),
        matte_in=matte_in or None,
        start=start,
        ocio=_config(ocio),
        layer_prefix=layer_prefix,
        compression=compression,
        draft=draft,
        overwrite=overwrite,
        contact_sheet=not no_contact,
    )
    graph = swap_graph(_plate_knobs(plate, colorspace, frames), None, knobs)
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
        official=_official(detector, landmarker, pose_net, segmenter),
        start=start,
        ocio=_config(ocio),
        overwrite=overwrite,
        contact_sheet=False,
    )
    graph = swap_graph(
        _plate_knobs(plate, colorspace, frames), None, {**knobs, "layers": ("matte",)}
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
        ocio=_config(ocio),
        start=start,
        smoothing=float(str(FACE_TRACK.values(knobs)["smoothing"])),
        corrections=corrections,
        official=_official(detector, landmarker, pose_net, segmenter),
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
        ocio=_config(""),
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
        order = read_shot(shot, sets=sets or (), frames=frames, ocio=_config(ocio))
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
            official=_official(detector, landmarker, pose_net, segmenter),
            matte_in=matte_in or None,
            start=start,
            ocio=_config(ocio),
            layer_prefix=layer_prefix,
            overwrite=overwrite,
        )
        source = {"file": actor} if actor else None
        graph = qc_graph(_plate_knobs(plate, colorspace, frames), comp, source, knobs)
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


@command(actor_app, "build")
def actor_build(
    console: Console,
    footage: Annotated[list[str], typer.Argument(help="Frames, movies or stills of one person.")],
    out: File,
    consent: Annotated[Path | None, typer.Option(help="Consent record, bound in.")] = None,
    detector: Detector = "mediapipe",
    landmarker: Landmarker = "mesh",
    pose_net: PoseNet = "mesh",
    segmenter: Segmenter = "ours",
    colorspace: Space = "",
    ocio: Config = "",
    overwrite: Overwrite = False,
    threads: Threads = 0,
    device: Device = "cpu",
    cache: CacheFolder = None,
) -> int:
    """Build an actor from footage of a performer."""
    from faceplate.core.casting import build

    return build(
        console,
        footage,
        out,
        consent=consent,
        colorspace=colorspace or None,
        ocio=_config(ocio),
        official=_official(detector, landmarker, pose_net, segmenter),
        overwrite=overwrite,
        threads=default_threads(threads),
        device=device,
        cache_folder=cache,
    )


@command(actor_app, "finetune", TRAIN_IDENTITY)
def actor_finetune(
    console: Console,
    actor: ActorFile,
    knobs: dict[str, object],
    threads: Threads = 0,
    cache: CacheFolder = None,
) -> int:
    """Teach the networks of the method fsgan an actor, for swaps with --finetune to find."""
    from faceplate.core.casting import finetune

    graph = Graph().placed("actor", ACTOR_SOURCE, {"file": str(actor)})
    graph = graph.placed("training", TRAIN_IDENTITY, knobs)
    graph = graph.wired("actor", "actor", "training", "actor")
    job = job_of(graph, "training", Delivery(output=""))
    finetune(console, job, threads=default_threads(threads), device="cpu", cache_folder=cache)
    return 0


@command(actor_app, "show")
def actor_show(
    console: Console,
    actor: ActorFile,
    out: Annotated[Path | None, typer.Option("--out", help="Picture to write, a PNG.")] = None,
    overwrite: Overwrite = False,
) -> int:
    """Say what is in an actor; with --out, draw its views by head pose."""
    from faceplate.core.casting import show

    return show(console, actor, out, overwrite=overwrite)


@command(actor_app, "check")
def actor_check(
    console: Console,
    actor: ActorFile,
    shot: Annotated[str, typer.Option(help="A shot that would use it.")] = "",
    revocations: Annotated[Path | None, typer.Option(help="List of withdrawn consents.")] = None,
) -> int:
    """Check that an actor is whole and that its consent holds."""
    from faceplate.core.casting import check

    return check(console, actor, shot, revocations, date.today())


@command(actor_app, "wipe")
def actor_wipe(
    console: Console,
    actor: ActorFile,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it.")] = False,
    cache: CacheFolder = None,
) -> int:
    """Remove an actor file and all that the cache keeps."""
    from faceplate.core.casting import wipe

    return wipe(console, actor, yes=yes, cache_folder=cache)


@command(models_app, "list")
def models_list(console: Console) -> int:
    """List the networks with task, licence and hash."""
    from faceplate.core.commands import list_models

    return list_models(console, model_folders())


@command(models_app, "check")
def models_check(console: Console) -> int:
    """Load every network and compare its hash with its card."""
    from faceplate.core.commands import check_all_models

    return check_all_models(console, model_folders())


@command(models_app, "import")
def models_import(
    console: Console,
    file: Annotated[Path, typer.Argument(help="A released checkpoint, a .pth.")],
    licence: Annotated[str, typer.Option(help="The terms under which you have the weights.")],
    name: Annotated[str, typer.Option(help="The model's name; else by its task.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Folder of models; else yours.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace that model.")] = False,
) -> int:
    """Bring in a released FSGAN checkpoint; nothing in it is run."""
    from faceplate.core.importing import import_model

    folder = out or (model_folders() or (user_models(),))[0]
    return import_model(console, file, folder, licence=licence, name=name, overwrite=overwrite)


@command(app, "train")
def train(
    console: Console,
    network: Annotated[str, typer.Argument(help="What to train, as segment.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run.")],
    data: Annotated[list[Path] | None, typer.Option(help="Folder to learn from; many.")] = None,
    validation: Annotated[list[Path] | None, typer.Option(help="Folder to judge by; many.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings.")] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, as stages.0.steps=500; many.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where --out stands.")] = False,
    steps: Annotated[int, typer.Option(help="Steps in all; 0 as the settings say.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Threads = 0,
    time_limit: Annotated[float, typer.Option(help="Stop after so many minutes; 0 never.")] = 0.0,
    export: Annotated[bool, typer.Option("--export", help="Only write the model so far.")] = False,
) -> int:
    """Train a network on folders of pictures, and write its model and card."""
    # Threads that spin while they wait halve the speed wherever something else runs as well. Must
    # come before torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from faceplate.core.training.commands import TrainOptions
    from faceplate.core.training.commands import train as run_training

    options = TrainOptions(
        network=network,
        data=data or [],
        validation=validation or [],
        out=out,
        config=config,
        values=values or [],
        resume=resume,
        steps=steps,
        device=device,
        threads=default_threads(threads),
        time_limit_minutes=time_limit,
        export_only=export,
    )
    return run_training(console, options)


@command(app, "synth")
def synth(
    console: Console,
    out: Annotated[Path, typer.Option("--out", help="Folder of the set.")],
    head: Annotated[Path | None, typer.Option(help="Head model, .npz; else a stand-in.")] = None,
    count: Annotated[int, typer.Option(help="Pictures in all.")] = 1024,
    seed: Annotated[int, typer.Option(help="Seed of the first picture.")] = 0,
    size: Annotated[int, typer.Option(help="Side of a picture, pixels.")] = 256,
    views: Annotated[int, typer.Option(help="Pictures of each person, in one light.")] = 1,
    rich: Annotated[
        bool, typer.Option("--rich", help="More than the usual mix, to learn from.")
    ] = False,
    hdri: Annotated[Path | None, typer.Option(help="Environment maps, an .npz file.")] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> int:
    """Render a set of synthetic heads with exact mattes and landmarks, to train on."""
    from faceplate.core.synth.generate import generate

    return generate(
        console,
        head,
        out,
        count=count,
        first_seed=seed,
        size=size,
        views=views,
        rich=rich,
        hdri=hdri,
        workers=workers,
    )


@command(app, "demo")
def demo(
    console: Console,
    out: Annotated[Path, typer.Option("--out", help="Folder for the demo.")] = Path("demo_out"),
    overwrite: Overwrite = False,
    threads: Threads = 0,
    device: Device = "cpu",
    cache: CacheFolder = None,
) -> int:
    """Swap the synthetic demo shot."""
    from faceplate.core.demonstrate import demonstrate

    return demonstrate(
        console,
        out,
        partial(_demo_job, overwrite=overwrite),
        threads=default_threads(threads),
        device=device,
        cache_folder=cache,
    )


def _demo_job(plate: str, actor: Path, out: str, *, overwrite: bool = False) -> Job:
    knobs = _plate_knobs(plate, "ACEScg", "")
    delivery = Delivery(output=out, name="demo", overwrite=overwrite)
    return job_of(swap_graph(knobs, {"file": str(actor)}, {}), "swap", delivery)


@command(app, "doctor")
def doctor(
    console: Console,
    folder: Annotated[Path, typer.Argument(help="Where frames would be written.")] = Path(),
    ocio: Config = "",
    no_swap: Annotated[bool, typer.Option("--no-swap", help="Leave out the swap.")] = False,
    threads: Threads = 0,
    device: Device = "cpu",
) -> int:
    """Check this machine: Python, device, colour, disk, models, hosts, and a one-frame swap."""
    from faceplate.core.doctor import examine

    return examine(
        console,
        folder,
        _config(ocio),
        None if no_swap else _demo_job,
        default_threads(threads),
        device,
    )


@command(app, "cache")
def cache(
    console: Console,
    clear: Annotated[bool, typer.Option("--clear", help="Remove what it keeps.")] = False,
    limit: Annotated[str, typer.Option(help="Keep it below this, as 20G; 0 for no limit.")] = "",
    cache: CacheFolder = None,
) -> int:
    """Say how much the cache of observations keeps, empty it, or limit it."""
    from faceplate.core.commands import tend_cache

    return tend_cache(console, cache, clear=clear, limit=limit)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
