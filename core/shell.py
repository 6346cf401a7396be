"""What all commands share: the apps that they belong to, and the options that several have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from faceplate.nodes.face import TRAIN_IDENTITY

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


def config_of(ocio: str) -> str | None:
    """Return the colour configuration that was named, here or by $OCIO, or None."""
    return ocio or os.environ.get("OCIO") or None


def official_of(detector: str, landmarker: str, pose_net: str, segmenter: str) -> tuple[str, ...]:
    """Return the released networks that take part in the analysis."""
    from faceplate.core.analysis.official import Seers

    return Seers(detector, landmarker, pose_net, segmenter).kinds


def plate_knobs(pattern: str, colorspace: str, frames: str) -> dict[str, object]:
    """Return the knobs of the node `Plate`."""
    return {"pattern": pattern, "colorspace": colorspace, "frames": frames}
