"""Checkpoint files: genuine ones are read to the bit, hostile and broken ones only refused."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import shutil
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from faceplate.core.errors import (
    ModelError,
    ModelMismatchError,
    ModelMissingError,
    ModelUntrustedError,
)
from faceplate.core.nets.picklescan import scan_pickle
from faceplate.core.nets.torchfile import read_checkpoint
from faceplate.core.nets.unet import MultiScaleResUNet

ZIP, LEGACY = True, False
each_format = pytest.mark.parametrize("zipped", [ZIP, LEGACY], ids=["zip", "legacy"])


def network() -> nn.Module:
    torch.manual_seed(0)
    return MultiScaleResUNet(5, 3, (1, 1), 2)


def save(content: object, path: Path, zipped: bool = ZIP) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def same(found: dict[str, Tensor], state: dict[str, Tensor]) -> bool:
    return found.keys() == state.keys() and all(torch.equal(found[k], t) for k, t in state.items())


class Attack:
    """Runs a command when it is unpickled without care."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, (f"touch {self.mark}",)


# --- genuine files ----------------------------------------------------------------------------


@each_format
def test_a_training_scripts_file_is_read_to_the_bit(zipped: bool, tmp_path: Path) -> None:
    net = network()
    optimiser = torch.optim.Adam(net.parameters())
    net([torch.randn(2, 5, 16, 16), torch.randn(2, 5, 8, 8)]).sum().backward()
    optimiser.step()
    content = {
        "resolution": 256,
        "epoch": 7,
        "state_dict": net.state_dict(),
        "optimizer": optimiser.state_dict(),
        "best_loss": 0.25,
        "best_loss_256": np.float64(0.25),
        "best_loss_128": np.float32(0.5),
        "arch": "res_unet.MultiScaleResUNet(in_nc=5)",
    }
    path = save(content, tmp_path / "a.pth", zipped)

    found = read_checkpoint(path)

    assert same(found.state, net.state_dict())
    assert found.architecture == "res_unet.MultiScaleResUNet(in_nc=5)"
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@each_format
def test_a_raw_state_of_a_parallel_run_loses_its_prefix(zipped: bool, tmp_path: Path) -> None:
    state = network().state_dict()
    path = save(OrderedDict((f"module.{k}", t) for k, t in state.items()), tmp_path / "a", zipped)

    found = read_checkpoint(path)

    assert same(found.state, state)
    assert found.architecture == ""


def test_a_safetensors_file_is_read_as_well(tmp_path: Path) -> None:
    state = network().state_dict()
    save_file(state, tmp_path / "a.safetensors")

    assert same(read_checkpoint(tmp_path / "a.safetensors").state, state)


@each_format
def test_shared_strided_and_half_tensors_become_plain(zipped: bool, tmp_path: Path) -> None:
    table = torch.arange(12.0).reshape(3, 4)
    content = {"a": table[1:], "b": table.t(), "c": table.half() / 3, "d": nn.Parameter(table)}
    path = save(content, tmp_path / "a.pth", zipped)

    found = read_checkpoint(path).state

    assert all(t.dtype == torch.float32 and t.is_contiguous() for t in found.values())
    assert torch.equal(found["a"], table[1:])
    assert torch.equal(found["b"], table.t())
    assert torch.equal(found["c"], (table.half() / 3).float())


# --- files with code --------------------------------------------------------------------------


@each_format
@pytest.mark.parametrize(
    "wrap",
    [
        lambda attack, state: attack,
        lambda attack, state: {"state_dict": state, "arch": attack},
        lambda attack, state: {"state_dict": {**state, "x": attack}},
        lambda attack, state: {"state_dict": OrderedDict([(attack, state)])},
        lambda attack, state: [state, attack],
    ],
)
def test_pickled_code_is_named_and_not_run(
    wrap: Callable[[Attack, Any], object], zipped: bool, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    path = save(wrap(Attack(mark), {"w": torch.zeros(2)}), tmp_path / "a.pth", zipped)

    with pytest.raises(ModelUntrustedError, match=r"asks for posix\.system|asks for nt\.system"):
        read_checkpoint(path)

    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_bare_pickles_of_every_protocol_are_not_run(protocol: int, tmp_path: Path) -> None:
    path, mark = tmp_path / "a.pth", tmp_path / "mark"
    path.write_bytes(pickle.dumps(Attack(mark), protocol))

    with pytest.raises(ModelError) as caught:
        read_checkpoint(path)

    assert not mark.exists()
    assert protocol < 2 or "system" in str(caught.value)


@pytest.mark.parametrize(
    "code",
    [
        b"cos\nsystem\n(S'touch MARK'\ntR.",
        b"(S'touch MARK'\nios\nsystem\n.",
        b"(cos\nsystem\nS'touch MARK'\no.",
        b"\x8c\x02os\x8c\x06system\x93\x8c\nX\x85R.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cbuiltins\nbytearray\n(J\xff\xff\xff\x7ftR.",
        b"ctorch\nload\n(S'x'\ntR.",
        b"ctorch\nFloatTensor\n(J\xff\xff\xff\x7ftR.",
        b"ctorch._utils\n_rebuild_meta_tensor_no_storage\n(tR.",
        b"c__builtin__\ngetattr\n(tR.",
        b"\x82\x01.",
    ],
)
def test_every_way_to_look_something_up_is_seen(code: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelUntrustedError, match="asks for"):
        scan_pickle(io.BytesIO(b"\x80\x02" + code), tmp_path)


def test_a_whole_network_is_code(tmp_path: Path) -> None:
    torch.save(network(), tmp_path / "whole.pth")

    with pytest.raises(ModelUntrustedError, match="MultiScaleResUNet, which is no tensor"):
        read_checkpoint(tmp_path / "whole.pth")


@pytest.mark.parametrize("member", ["a/code/__torch__.py", "a/constants.pkl"])
def test_torchscript_is_code(member: str, tmp_path: Path) -> None:
    path = save({"w": torch.zeros(4)}, tmp_path / "a.pth")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, b"")

    with pytest.raises(ModelUntrustedError, match="TorchScript code"):
        read_checkpoint(path)


def test_the_oldest_format_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.pth", "w") as archive:
        archive.add(__file__, "storages")

    with pytest.raises(ModelUntrustedError, match="tar format"):
        read_checkpoint(tmp_path / "a.pth")


# --- archives with tricks ---------------------------------------------------------------------


def rewritten(path: Path, out: Path, names: Callable[[str], str], packed: bool = False) -> Path:
    """Copy a checkpoint's members into another zip file under other names."""
    how = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", how) as new:
        for member in old.infolist():
            new.writestr(zipfile.ZipInfo(names(member.filename)), old.read(member), how)
    return out


@pytest.mark.parametrize(
    "trick",
    ["../../evil", "/etc/evil", "a/../../evil", "C:\\evil", "C:/evil", "a\\..\\evil"],
)
def test_a_member_that_points_outside_is_refused(trick: str, tmp_path: Path) -> None:
    path = save({"w": torch.zeros(4)}, tmp_path / "a.pth")
    inner = tmp_path / "deep" / "er"
    inner.mkdir(parents=True)
    out = rewritten(path, inner / "b.pth", lambda n: trick if n.endswith("data/0") else n)

    with pytest.raises(ModelUntrustedError, match="points outside"):
        read_checkpoint(out)

    assert {p.name for p in tmp_path.rglob("*")} == {"a.pth", "deep", "er", "b.pth"}


def test_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = save({"w": torch.zeros(4)}, tmp_path / "a.pth")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")

    with pytest.raises(ModelUntrustedError, match="bear one name"):
        read_checkpoint(path)


def test_a_packed_member_is_refused_before_it_grows(tmp_path: Path) -> None:
    path = save({"w": torch.zeros(1_000_000)}, tmp_path / "a.pth")
    out = rewritten(path, tmp_path / "b.pth", lambda n: n, packed=True)
    assert out.stat().st_size < 20_000

    with pytest.raises(ModelUntrustedError, match="is packed"):
        read_checkpoint(out)


def test_a_member_that_claims_more_than_the_file_is_refused(tmp_path: Path) -> None:
    path = save({"w": torch.zeros(4)}, tmp_path / "a.pth")
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x01\x02")  # the last entry of the directory
    for offset in (20, 24):
        content[place + offset : place + offset + 4] = (0x7FFFFFFF).to_bytes(4, "little")
    path.write_bytes(content)

    with pytest.raises(ModelError):
        read_checkpoint(path)


@each_format
def test_a_tensor_that_is_larger_than_its_file_is_refused(zipped: bool, tmp_path: Path) -> None:
    path = save({"w": torch.zeros(1).expand(1_000_000, 1_000_000)}, tmp_path / "a", zipped)

    with pytest.raises(ModelUntrustedError, match="tensors claim 4000000000000 bytes"):
        read_checkpoint(path)


def test_a_storage_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    path = save({"w": torch.zeros(77)}, tmp_path / "a.pth", LEGACY)
    content = path.read_bytes()
    assert content.count(b"K\x4d") >= 2  # the number of elements, in storage and shape
    path.write_bytes(content.replace(b"K\x4d", b"\x8a\x07" + (2**52).to_bytes(7, "little")))

    with pytest.raises(ModelMismatchError, match="cut short or damaged"):
        read_checkpoint(path)


def test_a_header_of_10_gb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes((10 * 2**30).to_bytes(8, "little") + b'{"w":{}}' + bytes(100))

    with pytest.raises(ModelMismatchError, match="header too large"):
        read_checkpoint(path)


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    head = save({}, tmp_path / "a.pth", LEGACY).read_bytes()
    key = b")" + b"\x85" * 1_000_000  # hashing such a key would end Python itself
    path = tmp_path / "b.pth"
    path.write_bytes(head[: head.rindex(b"\x80\x02}")] + b"\x80\x02}" + key + b"K\x01s.")

    with pytest.raises(ModelError, match="nest deeper|damaged"):
        read_checkpoint(path)
    with pytest.raises(ModelUntrustedError, match="nest deeper"):
        scan_pickle(io.BytesIO(b"\x80\x02}" + key + b"K\x01s."), path)


def test_a_list_in_itself_by_way_of_the_memo_is_seen(tmp_path: Path) -> None:
    # Each tuple holds the one before twice: a name for a number of leaves without end.
    step = b"".join(b"h%ch%c\x86q%c" % (n, n, n + 1) for n in range(100))

    with pytest.raises(ModelUntrustedError, match="nest deeper"):
        scan_pickle(io.BytesIO(b"\x80\x02)q\x00" + step + b"."), tmp_path)


# --- broken files -----------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 0.7, 0.999])
@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_a_file_that_is_cut_short_is_refused(kind: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    if kind == "safetensors":
        save_file(network().state_dict(), path)
    else:
        save({"state_dict": network().state_dict()}, path, kind == "zip")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(ModelMismatchError, match=r"a\.pth"):
        read_checkpoint(path)


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_damage_anywhere_is_an_error_of_ours_or_none(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    state = {"a.weight": torch.arange(6.0), "b.num_batches_tracked": torch.tensor(3)}
    if kind == "safetensors":
        save_file(state, path)
    else:
        save({"state_dict": state, "arch": "a.B(x=1)"}, path, kind == "zip")
    content = path.read_bytes()
    rng = np.random.default_rng(11)

    for place in rng.choice(len(content), 150, replace=False):
        altered = bytearray(content)
        altered[place] = rng.integers(256)
        path.write_bytes(altered)
        try:
            read_checkpoint(path)
        except ModelError as error:
            assert str(path) in str(error)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([torch.zeros(2)], "holds no network's state"),
        ({}, "holds no tensors"),
        ({"state_dict": {}}, "holds no tensors"),
        ({"state_dict": 3}, "holds no tensors"),
        ({"w": 3}, "w is a int where a tensor is wanted"),
        ({1: torch.zeros(2)}, "has the key '1'"),
        ({"w": torch.zeros(2), "module.w": torch.zeros(2)}, "has w twice"),
        ({"w": torch.tensor([1.0, float("nan")])}, "w holds numbers that are not finite"),
        ({"w": torch.zeros(2, dtype=torch.uint8)}, "w has numbers of a kind"),
    ],
)
def test_a_file_without_a_networks_state_says_why(
    content: object, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelMismatchError, match=words):
        read_checkpoint(save(content, tmp_path / "a.pth"))


@pytest.mark.parametrize("content", [b"", b"GIF89a" + bytes(40), b"\x80", b"PK\x03\x04", b"{}"])
def test_other_files_are_no_checkpoints(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(content)

    with pytest.raises(ModelMismatchError, match="cannot be imported"):
        read_checkpoint(tmp_path / "a.pth")


def test_a_zip_file_of_something_else_is_no_checkpoint(tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "a"), "zip", Path(__file__).parent, "test_torchfile.py")

    with pytest.raises(ModelError, match=r"a\.zip"):
        read_checkpoint(tmp_path / "a.zip")


@pytest.mark.parametrize("name", ["nothing.pth", "."])
def test_a_file_that_is_not_there_is_missing(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError):
        read_checkpoint(tmp_path / name)
