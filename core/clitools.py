"""The commands around the frames: actors, models, training, the demo, the machine, the cache."""

from __future__ import annotations

import os
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from faceplate.core.console import Console
from faceplate.core.doors import default_threads, model_folders, user_models
from faceplate.core.job import Job
from faceplate.core.options import command
from faceplate.core.shell import (
    ActorFile,
    CacheFolder,
    Config,
    Detector,
    Device,
    File,
    Landmarker,
    Overwrite,
    PoseNet,
    Segmenter,
    Space,
    Threads,
    actor_app,
    app,
    config_of,
    models_app,
    official_of,
    plate_knobs,
)
from faceplate.nodes.compile import Delivery, job_of, swap_graph
from faceplate.nodes.face import TRAIN_IDENTITY
from faceplate.nodes.footage import ACTOR_SOURCE
from faceplate.nodes.graph import Graph


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
        ocio=config_of(ocio),
        official=official_of(detector, landmarker, pose_net, segmenter),
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
    knobs = plate_knobs(plate, "ACEScg", "")
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
        config_of(ocio),
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
