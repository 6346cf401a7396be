"""Brings a released checkpoint in: safetensors, ONNX and a card, in the user's folder of models."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faceplate.core.card import Licence, ModelCard, Origin, Parameters, Tensor, card_text
from faceplate.core.console import Console
from faceplate.core.errors import KnobError, ModelError, ModelUnknownError, OutputError
from faceplate.core.io.atomic import replacing
from faceplate.core.nets.load import find_card
from faceplate.core.nets.tensorfile import tensors_bytes

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SPDX = re.compile(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*")
_UNNAMED_LICENCE = "LicenseRef-stated"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made.

    Attributes:
        card: of the new model.
        files: that were written.
        notes: what the user should know, a sentence each.
    """

    card: ModelCard
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def import_checkpoint(
    path: Path, folder: Path, *, licence: str, name: str = "", overwrite: bool = False
) -> Imported:
    """Read a released checkpoint and write what it holds as a model of ours.

    Args:
        path: a .pth file, or a .safetensors file with the same keys.
        folder: of the user's models; made if need be.
        licence: under which terms the user has the weights, in the user's words.
        name: of the model; "" for one that says its task, as "official_reenact".
        overwrite: whether a model of that name there may be replaced.

    Raises:
        ModelError: the file is missing, wrong, damaged or hostile, or torch is not installed.
        KnobError: no licence, or a name that is no file's.
        OutputError: a model of that name is there.
        DiskError: writing failed.
    """
    if not licence.strip():
        raise KnobError("licence", licence, "the terms under which you have the weights")
    if name and not _NAME.fullmatch(name):
        raise KnobError("name", name, "letters, digits, dots, dashes and underlines")
    try:
        import torch  # noqa: F401 - what is imported below needs it
    except ImportError as error:
        raise ModelError(
            "Checkpoints are imported with torch, which is not installed.",
            hint="Run `python install.py engine --train`.",
        ) from error
    from faceplate.core.nets.export import export_onnx
    from faceplate.core.nets.torchfile import read_checkpoint
    from faceplate.core.official import adopt

    checkpoint = read_checkpoint(path)
    adopted = adopt(checkpoint)
    found = adopted.recognised
    name = name or found.name
    files = {suffix: folder / f"{name}.{suffix}" for suffix in ("onnx", "safetensors", "toml")}
    _guard(name, list(files.values()), overwrite=overwrite)
    names = [output[0] for output in found.outputs]
    exported = export_onnx(name, found.runnable(adopted.network), found.inputs, names)
    tensors = tensors_bytes({k: t.numpy() for k, t in adopted.network.state_dict().items()})
    card = ModelCard(
        name=name,
        task=found.task,
        file=files["onnx"].name,
        sha256=hashlib.sha256(exported.content).hexdigest(),
        bytes=len(exported.content),
        licence=_licence(_plain(licence.strip())),
        origin=Origin("user", "FSGAN", "as published", _plain(path.name), checkpoint.sha256),
        inputs=found.inputs,
        outputs=tuple(
            Tensor(output, shape, layout, domain)
            for (output, layout, domain), shape in zip(found.outputs, exported.shapes, strict=True)
        ),
        training=found.training,
        limits=found.limits,
        clearance="grey",
        labels=found.labels,
        parameters=Parameters(files["safetensors"].name, hashlib.sha256(tensors).hexdigest()),
    )
    # The card comes last and goes first: without it the weights are not used.
    files["toml"].unlink(missing_ok=True)
    contents = (exported.content, tensors, card_text(card).encode())
    for file, content in zip(files.values(), contents, strict=True):
        with replacing(file) as temporary:
            temporary.write_bytes(content)
    return Imported(card, tuple(files.values()), adopted.notes)


def import_model(
    console: Console, path: Path, folder: Path, *, licence: str, name: str, overwrite: bool
) -> int:
    """Import a checkpoint and say what came of it; return the exit code.

    Raises:
        FaceplateError: see `import_checkpoint`.
    """
    done = import_checkpoint(path, folder, licence=licence, name=name, overwrite=overwrite)
    for note in done.notes:
        console.note(note)
    files = [str(file) for file in done.files]
    text = [f"{path.name} is {done.card.name}: {done.card.task}."]
    text += [f"Licence, as you state it: {done.card.licence.statement}"]
    text += [f"Wrote {file}" for file in files]
    console.result("\n".join(text), model=done.card.name, outputs=files, sha256=done.card.sha256)
    return 0


def _guard(name: str, files: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse a name that is one of the models installed with us, or taken in the folder."""
    try:
        find_card(name)
    except ModelUnknownError:
        pass
    else:
        raise OutputError(
            f"A model called {name} is installed with faceplate.", hint="Choose another --name."
        )
    there = [file for file in files if file.exists()]
    if there and not overwrite:
        raise OutputError(
            f"{there[0]} is there already.",
            hint="Choose another --name or --out, or replace it with --overwrite.",
        )
    files[0].parent.mkdir(parents=True, exist_ok=True)


def _plain(text: str) -> str:
    """Return a text as a card can hold it: what cannot be printed becomes a question mark."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _licence(stated: str) -> Licence:
    spdx = stated if _SPDX.fullmatch(stated) else _UNNAMED_LICENCE
    return Licence(spdx, f"{stated} (as stated by the person who imported the file)")
