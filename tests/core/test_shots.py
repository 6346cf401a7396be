"""Shot files: what is said where, which of it counts, and what is wrong with it in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceplate.core.job import FaceChoice, Finetune, Keys
from faceplate.core.shots import ShotFileError, read_shot
from faceplate.nodes.face import FACE_SWAP

SHOT = """
[shot]
name = "sc042_0130"
plate = "plates/sc042_0130.%04d.exr"
frames = "1001-1096"
colorspace = "ACEScg"
[actor]
file = "../actors/ana.actor"
[face]
reference = "refs/stunt.jpg"
[swap]
shape = 0.3
mix = { 1001 = 0.0, 1010 = 1.0 }
[output]
comp = "renders/v003/sc042_0130.%04d.exr"
layers = ["comp", "face", "matte", "st"]
"""


@pytest.fixture
def show(tmp_path: Path) -> Path:
    """Make a show: an actor, and a shot's folder with a plate; return that folder."""
    for name in ("actors/ana.actor", "sc/plates/sc042_0130.1001.exr", "sc/refs/stunt.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "sc" / "shot.toml").write_text(SHOT)
    return tmp_path / "sc"


def write(show: Path, text: str, old: str = "", new: str = "") -> Path:
    path = show / "shot.toml"
    assert not old or old in text
    path.write_text(text.replace(old, new) if old else text)
    return path


def test_the_shot_of_the_manual_is_read(show: Path) -> None:
    job = read_shot(show / "shot.toml").job

    assert (job.name, job.frames, job.colorspace) == ("sc042_0130", "1001-1096", "ACEScg")
    assert job.face == FaceChoice(reference=f"{show}/refs/stunt.jpg")
    assert job.knobs.shape == 0.3 and job.knobs.mix == Keys(((1001, 0.0), (1010, 1.0)))
    assert job.layers == ("comp", "face", "matte", "st")
    assert job.knobs.feather == 12.0 and job.policy == "pass"  # the nodes' own defaults


def test_paths_count_from_the_shot_file_wherever_one_stands(
    show: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absolute = read_shot(show / "shot.toml").job
    monkeypatch.chdir(show.parent)

    relative = read_shot(Path("sc/shot.toml")).job

    assert relative == absolute
    assert Path(relative.actor or "").samefile(show.parent / "actors" / "ana.actor")
    assert relative.output == f"{show}/renders/v003/sc042_0130.%04d.exr"


def test_a_show_s_defaults_lie_under_the_shot_and_sets_over_it(show: Path) -> None:
    (show.parent / "show.toml").write_text(
        "[swap]\nshape = 0.9\ngrain = 0.5\nfeather = 30\n[face]\nindex = 2\n"
        '[output]\ncompression = "piz"\n[consent]\nrevocations = "gone.txt"\n'
    )
    (show.parent / "gone.txt").touch()

    order = read_shot(show / "shot.toml", sets=["grain=0.25", "output.draft=true"])

    knobs = order.job.knobs
    assert (knobs.shape, knobs.grain, knobs.feather) == (0.3, 0.25, 30.0)
    assert (order.job.compression, order.job.draft) == ("piz", True)
    assert order.job.face.reference and order.job.face.index is None  # the shot's own way wins
    assert order.revocations == show.parent / "gone.txt"  # seen from the show's folder


def test_the_nearest_show_counts_and_one_that_is_named_wins(show: Path, tmp_path: Path) -> None:
    for folder, grain in ((show.parent, 0.1), (show, 0.2), (tmp_path / "elsewhere", 0.3)):
        folder.mkdir(exist_ok=True)
        (folder / "show.toml").write_text(f"[swap]\ngrain = {grain}\n")

    near = read_shot(show / "shot.toml")
    named = read_shot(show / "shot.toml", show=tmp_path / "elsewhere" / "show.toml")

    assert near.job.knobs.grain == 0.2
    assert named.job.knobs.grain == 0.3


@pytest.mark.parametrize(
    ("said", "entry", "value"),
    [
        ("shape=0.5", "shape", 0.5),
        ("swap.mix={1001=0.5, 1005=1}", "mix", Keys(((1001, 0.5), (1005, 1.0)))),
        ("sharpness=auto", "sharpness", "auto"),
        ("pose = 'pose-only'", "pose", "pose-only"),
        ("pose=pose-only", "pose", "pose-only"),
        ("views=2", "views", 2),
    ],
)
def test_a_set_is_toml_or_plain_text(said: str, entry: str, value: object, show: Path) -> None:
    assert getattr(read_shot(show / "shot.toml", sets=[said]).job.knobs, entry) == value


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (["finetune=true"], Finetune(800, 0)),
        (["actor.finetune=true", "finetune_samples=60", "finetune_seed=4"], Finetune(60, 4)),
        (["finetune_samples=60"], None),
    ],
)
def test_a_shot_says_how_long_to_fine_tune(
    said: list[str], found: Finetune | None, show: Path
) -> None:
    job = read_shot(show / "shot.toml", sets=["method=fsgan", *said]).job

    assert job.finetune == found
    assert job.seed == 0


def test_a_set_chooses_another_face_and_frames_win_over_all(show: Path) -> None:
    job = read_shot(show / "shot.toml", sets=["face.index=1", "frames=5-6"], frames="7").job

    assert job.face == FaceChoice(index=1)
    assert job.frames == "7"


def test_a_config_that_nobody_names_is_the_door_s_and_an_empty_one_the_built_in(
    show: Path, tmp_path: Path
) -> None:
    (tmp_path / "show.ocio").touch()
    config = str(tmp_path / "show.ocio")
    read = read_shot(show / "shot.toml", ocio=config)
    write(show, SHOT, "[actor]", 'ocio = ""\n[actor]')
    empty = read_shot(show / "shot.toml", ocio=config)
    named = read_shot(show / "shot.toml", sets=["ocio=ocio://default"])

    assert (read.job.ocio, empty.job.ocio) == (config, None)
    assert named.job.ocio == "ocio://default"  # a name, and no path


@pytest.mark.parametrize(
    ("old", "new", "key", "reason", "hint"),
    [
        ("shape =", "shpe =", "swap.shpe", "is not known", "Did you mean shape?"),
        ("[actor]", "[actro]", "[actro]", "is not known", "Did you mean actor?"),
        ("[actor]", "[zzz]", "[zzz]", "is not known", "There are: [shot], "),
        ("shape = 0.3", "shape = 3", "swap.shape", "is 3", "It takes 0 to 1"),
        ("shape = 0.3", 'shape = "much"', "swap.shape", "is 'much'", "It takes 0 to 1"),
        ("shape = 0.3", "shape = { a = 1 }", "swap.shape", "will not do", "It takes 0 to 1"),
        ("shape = 0.3", 'method = "magic"', "swap.method", "is 'magic'", "one of warp, hybrid"),
        ('name = "sc042_0130"', "name = 42", "shot.name", "is 42", "text in quotes"),
        ("[output]", "[output]\ndraft = 1", "output.draft", "is 1", "true or false"),
        ("[shot]", "[shot]\nstart = 1.5", "shot.start", "is 1.5", "a whole number"),
        ("[shot]", '[shot]\nofficial = ["sfd"]', "shot.official", "sfd", 'a list of "dsfd"'),
        ('"face", ', '"fase", ', "output.layers", "fase", "some of comp, face"),
        ("[output]", '[output]\ncompression = "b44"', "output.compression", "b44", "one of zip"),
        ('reference = "refs/stunt.jpg"', "at = [1]", "face.at", "is [1]", "two numbers"),
        ("[face]", "[face]\nindex = 0", "face.", "chooses a face, and so does", "Keep one"),
        ("stunt.jpg", "stunk.jpg", "face.reference", "stunk.jpg is not there", "path"),
        ("[actor]", "[actor]\nfinetune = true", "actor.finetune", "method warp", "fsgan"),
        ("[actor]", "[actor]\nfinetune_samples = 2", "actor.finetune_samples", "is 2", "3 to"),
        ("ana.actor", "anna.actor", "actor.file", "anna.actor is not there", "path"),
        ("plates/", "plaits/", "shot.plate", "No frame of ", "number of digits"),
        ("1001-1096", "1001..1096", "shot.frames", "is not a frame range", "1001-1100"),
        ('plate = "plates/sc042_0130.%04d.exr"', "", "shot.plate", "is missing", 'plate = "'),
        ('comp = "renders/v003/sc042_0130.%04d.exr"', "", "output.comp", "is missing", 'comp = "'),
        ('file = "../actors/ana.actor"', "", "actor.file", "is missing", "layers = "),
    ],
)
def test_what_is_wrong_is_named_with_file_key_and_a_way_out(
    old: str, new: str, key: str, reason: str, hint: str, show: Path
) -> None:
    path = write(show, SHOT, old, new)

    with pytest.raises(ShotFileError) as caught:
        read_shot(path)

    assert str(caught.value).startswith(f"{path}: {key}")
    assert reason in str(caught.value) and "\n" not in str(caught.value)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[shot", "is not TOML"), ("shot = 3", "is not a table"), ("[[shot]]", "is not a table")],
)
def test_a_file_that_is_no_shot_is_refused(text: str, reason: str, show: Path) -> None:
    with pytest.raises(ShotFileError, match=reason):
        read_shot(write(show, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShotFileError, match=r"none\.toml cannot be read"):
        read_shot(tmp_path / "none.toml")


@pytest.mark.parametrize("said", ["[shot]\nname = 'x'", "[output]\ncomp = 'c.%04d.exr'"])
def test_a_show_does_not_name_what_belongs_to_one_shot(said: str, show: Path) -> None:
    (show / "show.toml").write_text(said)

    with pytest.raises(ShotFileError, match=r"show\.toml: .*belongs to one shot"):
        read_shot(show / "shot.toml")


@pytest.mark.parametrize("said", ["shape", "=3", "fly=1", "swap.fly=1", "sw.shape=1", "shape=9"])
def test_a_set_that_cannot_be_used_is_quoted(said: str, show: Path) -> None:
    with pytest.raises(ShotFileError) as caught:
        read_shot(show / "shot.toml", sets=[said])

    assert str(caught.value).startswith(f"--set {said}")
    assert caught.value.hint


def test_the_shot_of_the_documentation_is_read(show: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "shots.md").read_text(encoding="utf-8")
    text = page.partition("```toml\n")[2].partition("```")[0]

    job = read_shot(write(show, text)).job

    assert (job.name, job.knobs.feather, job.layers) == (
        "sc042_0130",
        20.0,
        ("comp", "face", "matte"),
    )


def test_the_documentation_names_every_key(show: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "shots.md").read_text(encoding="utf-8")

    with pytest.raises(ShotFileError) as caught:
        read_shot(show / "shot.toml", sets=["zzzzzz=1"])

    keys = set(caught.value.hint.removeprefix("There are: ").rstrip(".").split(", "))
    knobs = {knob.name for knob in FACE_SWAP.knobs}
    assert {key for key in keys - knobs if key not in page} == set()
