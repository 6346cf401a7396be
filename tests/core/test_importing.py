"""Importing: a released file becomes a model that answers as torch does, or nothing at all."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner, Result

from faceplate.core.card import read_card
from faceplate.core.cli import app
from faceplate.core.errors import KnobError, ModelError, ModelMismatchError, OutputError
from faceplate.core.importing import import_checkpoint
from faceplate.core.nets.load import (
    check_models,
    find_card,
    list_cards,
    load_network,
    read_parameters,
)
from faceplate.core.nets.perceptual import Vgg19
from faceplate.core.nets.structure import GeneratorStructure
from faceplate.core.nets.unet import UNet
from faceplate.core.official import load_trainable

TINY = GeneratorStructure(7, (3,), (1, 1, 1), 2)


def shaken(network: nn.Module) -> nn.Module:
    rng = torch.Generator().manual_seed(4)
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            low = 0.5 if key.endswith("running_var") else -0.5
            tensor.uniform_(low, low + 1, generator=rng)
    return network.eval()


def saved(network: nn.Module, path: Path, arch: str = "") -> Path:
    state = {f"module.{key}": tensor for key, tensor in network.state_dict().items()}
    torch.save({"epoch": 1, "state_dict": state, "arch": arch or None}, path)
    return path


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize(
    ("structure", "outputs"),
    [
        (TINY, 1),
        (GeneratorStructure(71, (3, 3), (1, 0, 1), 2, variant="v1", limit=None), 2),
        (GeneratorStructure(101, (3,), (0, 1), 2, skip="concat"), 1),
        (GeneratorStructure(4, (3,), (1, 1), 2, enhancers=0), 1),
    ],
)
def test_an_imported_generator_answers_as_torch_does(
    structure: GeneratorStructure, outputs: int, tmp_path: Path
) -> None:
    network = shaken(structure.build())
    path = saved(network, tmp_path / "a.pth")

    done = import_checkpoint(path, tmp_path / "models", licence="CC0-1.0")
    loaded = load_network(done.card.name, also=[tmp_path / "models"])
    batches = [noise(2, *one.shape) for one in loaded.card.inputs]
    found = loaded.run(*batches)

    with torch.no_grad():
        wanted = network([torch.from_numpy(batch) for batch in batches])
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    assert len(found) == len(wanted) == outputs
    for have, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(have, want.numpy(), atol=1e-4)
        assert want.std() > 0.01


def test_an_imported_segmenter_takes_codes(tmp_path: Path) -> None:
    network = shaken(UNet(3, feature_scale=16))
    saved(network, tmp_path / "s.pth")

    done = import_checkpoint(tmp_path / "s.pth", tmp_path, licence="CC0-1.0", name="mine")
    codes = np.abs(noise(1, 256, 256, 3))
    found = load_network("mine", folder=tmp_path).run(codes)[0]

    with torch.no_grad():
        wanted = network(torch.from_numpy(codes * 2 - 1).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-3 * np.abs(wanted).max())
    assert done.card.labels == ("background", "face", "hair")


def test_an_imported_perceptual_network_answers_with_its_taps(tmp_path: Path) -> None:
    network = shaken(Vgg19(28, width=2, side=256, hidden=4))
    saved(network, tmp_path / "v.pth")

    done = import_checkpoint(tmp_path / "v.pth", tmp_path, licence="CC0-1.0")

    assert done.card.name == "official_perceptual_attributes"
    found = load_network(done.card.name, folder=tmp_path).run(noise(1, 3, 256, 256))
    with torch.no_grad():
        wanted = network.taps(torch.from_numpy(noise(1, 3, 256, 256)))
    assert [have.shape for have in found] == [tuple(want.shape) for want in wanted]


def test_the_tensors_beside_the_card_are_those_of_the_file(tmp_path: Path) -> None:
    network = shaken(TINY.build())
    path = saved(network, tmp_path / "a.pth")

    import_checkpoint(path, tmp_path, licence="CC0-1.0", name="mine")
    found = read_parameters("mine", folder=tmp_path)

    state = network.state_dict()
    assert found.keys() == state.keys()
    assert all(np.array_equal(found[key], tensor.numpy()) for key, tensor in state.items())


def test_the_card_says_where_the_weights_come_from(tmp_path: Path) -> None:
    path = saved(shaken(TINY.build()), tmp_path / "ijbc_v2.pth")

    done = import_checkpoint(path, tmp_path, licence="As agreed with the authors, 2026.")
    card = read_card(tmp_path / "official_blend.toml")

    assert card == done.card
    assert card.licence.spdx == "LicenseRef-stated"
    assert "As agreed with the authors, 2026." in card.licence.statement
    assert (card.origin.registry, card.origin.file) == ("user", "ijbc_v2.pth")
    assert card.clearance == "grey"
    assert [problem for _, problem in check_models(tmp_path)] == [None]


@pytest.mark.skipif(os.name == "nt", reason="such a name cannot be there")
def test_a_files_odd_name_makes_no_odd_card(tmp_path: Path) -> None:
    path = saved(TINY.build(), tmp_path / 'a"\n\x7f.pth')

    import_checkpoint(path, tmp_path, licence='mine\x7f "all"')

    card = read_card(tmp_path / "official_blend.toml")
    assert card.origin.file == 'a"??.pth'
    assert 'mine? "all"' in card.licence.statement


def test_the_same_file_gives_the_same_model(tmp_path: Path) -> None:
    path = saved(shaken(TINY.build()), tmp_path / "a.pth")

    one, two = (import_checkpoint(path, tmp_path / x, licence="CC0-1.0").card for x in "ab")

    assert one == two


def test_an_imported_generator_can_be_trained_further(tmp_path: Path) -> None:
    network = shaken(TINY.build())
    import_checkpoint(saved(network, tmp_path / "a"), tmp_path, licence="CC0-1.0", name="mine")
    pyramid = [torch.from_numpy(noise(2, 7, n, n)) for n in (32, 16)]

    found = load_trainable("mine", also=[tmp_path])

    with torch.no_grad():
        assert torch.equal(found(pyramid), network(pyramid))
    found.train().requires_grad_(True)
    rate = torch.optim.SGD(found.parameters(), 0.1)
    losses = []
    for _ in range(3):
        rate.zero_grad()
        loss = found(pyramid).square().mean()
        loss.backward()
        rate.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("licence", ["", "  "])
def test_no_licence_is_no_import(licence: str, tmp_path: Path) -> None:
    path = saved(TINY.build(), tmp_path / "a.pth")

    with pytest.raises(KnobError, match="licence"):
        import_checkpoint(path, tmp_path, licence=licence)


@pytest.mark.parametrize("name", ["../evil", "a/b", "a\\b", ".hidden", "a b", "-x", "x" * 101, "ü"])
def test_a_name_that_is_no_files_is_refused(name: str, tmp_path: Path) -> None:
    path = saved(TINY.build(), tmp_path / "a.pth")

    with pytest.raises(KnobError, match="name"):
        import_checkpoint(path, tmp_path / "m", licence="CC0-1.0", name=name)

    assert not (tmp_path / "m").exists()


def test_a_name_of_ours_or_one_that_is_taken_is_refused(tmp_path: Path) -> None:
    path = saved(shaken(TINY.build()), tmp_path / "a.pth")
    import_checkpoint(path, tmp_path, licence="CC0-1.0")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    with pytest.raises(OutputError, match="installed with faceplate"):
        import_checkpoint(path, tmp_path, licence="CC0-1.0", name="face_mesh478")
    with pytest.raises(OutputError, match="is there already"):
        import_checkpoint(path, tmp_path, licence="CC0-1.0")

    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_overwriting_replaces_the_whole_model(tmp_path: Path) -> None:
    other = GeneratorStructure(7, (3,), (0, 1), 2)
    import_checkpoint(saved(TINY.build(), tmp_path / "a"), tmp_path, licence="CC0-1.0")

    path = saved(shaken(other.build()), tmp_path / "b")
    import_checkpoint(path, tmp_path, licence="MIT", overwrite=True)

    assert find_card("official_blend", tmp_path).licence.spdx == "MIT"
    assert [problem for _, problem in check_models(tmp_path)] == [None]


def test_without_torch_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(TINY.build(), tmp_path / "a.pth")
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(ModelError, match="torch, which is not installed") as caught:
        import_checkpoint(path, tmp_path, licence="CC0-1.0")

    assert "--train" in caught.value.hint


def test_a_user_model_never_hides_one_of_ours(tmp_path: Path) -> None:
    (tmp_path / "face_mesh478.toml").write_text("not even a card")

    assert find_card("face_mesh478", also=[tmp_path]).licence.spdx


def test_tensors_of_a_model_without_them_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelMismatchError, match="without its tensors"):
        read_parameters("face_det_short")


# --- at the command line ----------------------------------------------------------------------


class Attack:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.mark}",)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without models, whose data live in a folder of the test's."""
    monkeypatch.delenv("FACEPLATE_MODELS", raising=False)
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "data"))
    return tmp_path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, words)])


def test_an_imported_model_is_listed_and_checked(home: Path) -> None:
    path = saved(shaken(TINY.build()), home / "a.pth", arch="a.B(ngf=9)")

    done = run("import", path, "--licence", "CC0-1.0")
    listed = run("list", "--json")
    checked = run("check")

    assert done.exit_code == 0, done.output
    assert "official_blend" in done.output
    assert "ngf=9, its tensors 2" in done.output
    names = [json.loads(line)["name"] for line in listed.output.splitlines()]
    assert names == [*(card.name for card in list_cards()), "official_blend"]
    assert checked.exit_code == 0
    assert "official_blend" in checked.output


def test_the_environment_or_an_option_names_another_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(shaken(TINY.build()), home / "a.pth")
    (home / "one").mkdir()
    monkeypatch.setenv("FACEPLATE_MODELS", os.pathsep.join([str(home / "one"), str(home / "two")]))

    first = run("import", path, "--licence", "CC0-1.0")
    second = run("import", path, "--licence", "CC0-1.0", "--out", home / "two", "--name", "b")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert (home / "one" / "official_blend.toml").exists()
    assert (home / "two" / "b.toml").exists()
    assert "b " in run("list").output


@pytest.mark.parametrize("zipped", [True, False])
def test_a_hostile_file_is_exit_3_with_one_sentence(zipped: bool, home: Path) -> None:
    mark, path = home / "mark", home / "a.pth"
    content = {"state_dict": TINY.build().state_dict(), "arch": Attack(mark)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)

    done = run("import", path, "--licence", "CC0-1.0")

    assert done.exit_code == 3
    assert "system, which is no tensor; nothing of it was run." in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert not mark.exists()
    assert not (home / "data").exists()


def test_a_licence_must_be_stated(home: Path) -> None:
    path = saved(TINY.build(), home / "a.pth")

    assert run("import", path).exit_code == 2
    assert run("import", path, "--licence", "").exit_code == 2
    assert run("import", home / "none.pth", "--licence", "CC0-1.0").exit_code == 3
