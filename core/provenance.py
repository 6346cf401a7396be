"""What the header of a frame says of how it was made; no path, host, user or clock among it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from faceplate.core.card import ModelCard
from faceplate.core.generators import MOVER
from faceplate.core.job import UNUSED_KNOBS, FaceChoice, Job, Keys, Knobs
from faceplate.core.output import FRAME_ATTRIBUTE, frame_state
from faceplate.core.source import Actor
from faceplate.core.stages.views import ViewWeights

_PREFIX = "faceplate/"
_OPTIONS = {
    "dsfd": ("--detector", "dsfd"),
    "hrnet": ("--landmarker", "hrnet"),
    "hopenet": ("--pose-net", "hopenet"),
    "segmenter": ("--segmenter", "official"),
}
"""By what a released network is chosen on the command line."""
_DISCLOSURES = {
    "swap": "The face in this picture was replaced by software.",
    "complete": "Hidden parts of the face in this picture were made by software.",
    "reenact": "The face in this picture was made by software, and somebody else moves it.",
    "blend": "The face in this picture was laid over another one by software.",
}


def shot_attributes(
    job: Job,
    face: FaceChoice,
    actor: Actor | None,
    cards: Sequence[ModelCard],
    *,
    track_digest: str,
    pixel_version: int,
    device: str,
) -> dict[str, str]:
    """Return the header entries that all frames of a job share.

    Args:
        job: what is done.
        face: the chosen face, by its number.
        actor: the source, or None where only mattes are made.
        cards: the networks that the shot's analysis and its render go through.
        track_digest: of the solved shot; a track that was given counts as one that was solved.
        pixel_version: of the engine.
        device: what the networks run on, which rounds in its own way.
    """
    knobs = json.loads(job.to_json())["knobs"]
    entries = {
        "version": f"faceplate {_package_version()}, pixel version {pixel_version}",
        "knobs": json.dumps(knobs, sort_keys=True),
        "models": "; ".join(f"{card.name} {card.sha256} {card.licence.spdx}" for card in cards),
        "shot": job.name,
        "track": track_digest,
        "device": device,
    }
    if actor is not None or job.element is not None:
        entries["command"] = _command(job, face)
    if job.knobs.method == "fsgan":
        entries["steps"] = _steps(job, [card.name for card in cards])
    if job.element is not None:
        entries["element"] = Path(job.element).name
    if actor is not None:
        entries["actor"] = f"{actor.name} {actor.digest}"
        if actor.consent is not None:
            entries["consent"] = actor.consent.reference
    return {f"{_PREFIX}{name}": text for name, text in entries.items()}


def frame_attributes(
    task: str,
    weights: Sequence[ViewWeights],
    actor: Actor | None,
    reason: str,
    *,
    replaced: bool,
) -> dict[str, str]:
    """Return the header entries of one frame.

    Args:
        task: what was done.
        weights: of the actor's views, for each of its faces.
        actor: the source of them; None for mattes alone and for hand-made faces.
        reason: why the frame is untouched, or "".
        replaced: whether it has a new face.
    """
    entries = {FRAME_ATTRIBUTE: frame_state(reason, replaced=replaced)}
    if not replaced:
        return entries
    entries[f"{_PREFIX}disclosure"] = _DISCLOSURES[task]
    if actor is None:
        return entries
    views = [
        {
            part: {
                view.name: round(float(share), 4)
                for view, share in zip(actor.views, shares, strict=True)
                if share > 0
            }
            for part, shares in (
                ("skin", one.skin),
                ("mouth", one.mouth),
                ("eyes", one.eyes),
            )
        }
        for one in weights
    ]
    entries[f"{_PREFIX}views"] = json.dumps(views)
    # The STMap's Z counts in this table.
    entries[f"{_PREFIX}st_views"] = json.dumps([view.name for view in actor.views])
    return entries


def _package_version() -> str:
    try:
        return version("faceplate")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "of no release"


def _command(job: Job, face: FaceChoice) -> str:
    """Return the command that renders these frames again, with files by name."""
    words = ["faceplate", job.task, Path(job.plate).name]
    words += ["--actor", Path(job.actor).name] if job.actor else []
    words += ["--element", Path(job.element).name] if job.element else []
    words += ["--out", "comp.%04d.exr", "--shot", job.name, "--start", str(job.start)]
    words += ["--face", "all" if face.every else str(face.index or 0)]
    for option, text in (("colorspace", job.colorspace), ("layer-prefix", job.layer_prefix)):
        words += [f"--{option}", text] if text else []
    words += ["--matte-in", Path(job.matte_in).name] if job.matte_in else []
    words += ["--ocio", Path(job.ocio).name] if job.ocio else []
    for kind in job.official:
        words += _OPTIONS[kind]
    words += ["--compression", job.compression]
    words += [] if job.task == "reenact" else ["--layers", ",".join(job.layers)]
    words += ["--policy", job.policy, "--missing", job.missing, "--seed", str(job.seed)]
    for name in [field.name for field in fields(Knobs)]:
        if name not in UNUSED_KNOBS[job.task]:
            words += [f"--{name.replace('_', '-')}", _text_of(getattr(job.knobs, name))]
    if job.finetune is not None:
        words += ["--finetune", "--finetune-samples", str(job.finetune.samples)]
        words += ["--finetune-seed", str(job.finetune.seed)]
    return shlex.join(words + ["--draft"] * job.draft)


def _steps(job: Job, names: Sequence[str]) -> str:
    """Say how landmarks lead from a view to the plate's pose."""
    if job.knobs.steps == 1:
        return "one pass, as in the released code"
    way = f"by {MOVER}" if MOVER in names else "as a rigid face turns in 3-D"
    return f"up to {job.knobs.steps} passes, their landmarks moved {way}; a design of ours"


def _text_of(value: float | str | Keys) -> str:
    if isinstance(value, Keys):
        return ",".join(f"{frame}={_text_of(point)}" for frame, point in value.points)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
