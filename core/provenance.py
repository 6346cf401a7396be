"""What the header of a frame says of how it was made; no path, host, user or clock among it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from faceplate.core.card import ModelCard
from faceplate.core.job import FaceChoice, Job, Keys, Knobs
from faceplate.core.layers import Placed
from faceplate.core.output import FRAME_ATTRIBUTE, frame_state
from faceplate.core.source import Actor

_PREFIX = "faceplate/"
_OPTIONS = {"dsfd": "--detector", "hrnet": "--landmarker", "hopenet": "--pose-net"}
"""By what a released network is chosen on the command line."""


def shot_attributes(
    job: Job,
    face: FaceChoice,
    actor: Actor | None,
    cards: Sequence[ModelCard],
    *,
    track_digest: str,
    pixel_version: int,
) -> dict[str, str]:
    """Return the header entries that all frames of a job share.

    Args:
        job: what is done.
        face: the chosen face, by its number.
        actor: the source, or None where only mattes are made.
        cards: the networks that the shot's analysis and its render go through.
        track_digest: of the solved shot; a track that was given counts as one that was solved.
        pixel_version: of the engine.
    """
    knobs = json.loads(job.to_json())["knobs"]
    entries = {
        "version": f"faceplate {_package_version()}, pixel version {pixel_version}",
        "knobs": json.dumps(knobs, sort_keys=True),
        "models": "; ".join(f"{card.name} {card.sha256} {card.licence.spdx}" for card in cards),
        "shot": job.name,
        "track": track_digest,
    }
    if actor is not None:
        entries["actor"] = f"{actor.name} {actor.digest}"
        entries["command"] = _command(job, face)
        if actor.consent is not None:
            entries["consent"] = actor.consent.reference
    return {f"{_PREFIX}{name}": text for name, text in entries.items()}


def frame_attributes(
    placed: Sequence[Placed], actor: Actor | None, reason: str, *, replaced: bool
) -> dict[str, str]:
    """Return the header entries of one frame.

    Args:
        placed: its faces.
        actor: the source of them.
        reason: why the frame is untouched, or "".
        replaced: whether it has a new face.
    """
    entries = {FRAME_ATTRIBUTE: frame_state(reason, replaced=replaced)}
    if not replaced or actor is None:
        return entries
    views = [
        {
            part: {
                view.name: round(float(share), 4)
                for view, share in zip(actor.views, shares, strict=True)
                if share > 0
            }
            for part, shares in (
                ("skin", one.element.warped.weights.skin),
                ("mouth", one.element.warped.weights.mouth),
                ("eyes", one.element.warped.weights.eyes),
            )
        }
        for one in placed
    ]
    entries[f"{_PREFIX}disclosure"] = "The face in this picture was replaced by software."
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
    words = ["faceplate", "swap", Path(job.plate).name, "--actor", Path(job.actor or "").name]
    words += ["--out", "comp.%04d.exr", "--shot", job.name, "--start", str(job.start)]
    words += ["--face", "all" if face.every else str(face.index or 0)]
    for option, text in (("colorspace", job.colorspace), ("layer-prefix", job.layer_prefix)):
        words += [f"--{option}", text] if text else []
    words += ["--ocio", Path(job.ocio).name] if job.ocio else []
    for kind in job.official:
        words += [_OPTIONS[kind], kind]
    words += ["--compression", job.compression, "--layers", ",".join(job.layers)]
    words += ["--policy", job.policy, "--missing", job.missing, "--seed", str(job.seed)]
    for field in fields(Knobs):
        value = getattr(job.knobs, field.name)
        words += [f"--{field.name.replace('_', '-')}", _text_of(value)]
    return shlex.join(words + ["--draft"] * job.draft)


def _text_of(value: float | str | Keys) -> str:
    if isinstance(value, Keys):
        return ",".join(f"{frame}={_text_of(point)}" for frame, point in value.points)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
