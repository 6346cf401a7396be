"""Writes a job as the shot file that `faceplate render` reads; standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields

from faceplate.core.errors import InputError
from faceplate.core.job import TRAIN, FaceChoice, Finetune, Job, Keys, Knobs


def shot_text(job: Job) -> str:
    """Return a job as TOML, every knob and every entry written out.

    So neither a show's defaults nor those of a later release change it; "" stands for "not said".
    Paths are written as the job has them: make them absolute where the file may be moved.

    Raises:
        InputError: a text that no TOML file can hold, or a job that has no shot.
    """
    if job.task == TRAIN:
        raise InputError(
            "A job that only trains has no shot to be written as a file.",
            hint="Write the shot file of the node that renders; it trains first.",
        )
    knobs = {field.name: getattr(job.knobs, field.name) for field in fields(Knobs)}
    tables: Mapping[str, Mapping[str, object]] = {
        "shot": {
            "name": job.name,
            "plate": job.plate,
            "start": job.start,
            "frames": job.frames or "",
            "colorspace": job.colorspace or "",
            "ocio": job.ocio or "",
            "track": job.track or "",
            "official": job.official,
            "matte_in": job.matte_in or "",
            "task": job.task,
            "element": job.element or "",
        },
        "actor": {"file": job.actor or "", **_finetune(job.finetune)},
        "face": _face(job.face),
        "swap": {**knobs, "policy": job.policy, "missing": job.missing, "seed": job.seed},
        "output": {
            "comp": job.output,
            "layers": job.layers,
            "layer_prefix": job.layer_prefix,
            "compression": job.compression,
            "contact_sheet": job.contact_sheet,
            "draft": job.draft,
            "lossy": job.lossy,
            "overwrite": job.overwrite,
        },
    }
    parts = []
    for table, entries in tables.items():
        lines = [f"[{table}]", *(f"{key} = {_value(value)}" for key, value in entries.items())]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _finetune(how: Finetune | None) -> dict[str, object]:
    if how is None:
        return {"finetune": False}
    return {"finetune": True, "finetune_samples": how.samples, "finetune_seed": how.seed}


def _face(face: FaceChoice) -> dict[str, object]:
    if face.every:
        return {"all": True}
    if face.at is not None:
        return {"at": face.at}
    return {"reference": face.reference} if face.reference is not None else {"index": face.index}


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Keys):
        return "{ " + ", ".join(f"{frame} = {point!r}" for frame, point in value.points) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _text(str(value))


def _text(text: str) -> str:
    """Return a basic string: JSON's escapes are TOML's, but for what it leaves as it is."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{text!r} cannot be written into a shot file: it is not Unicode.",
            hint="Rename the file or folder.",
        ) from error
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
