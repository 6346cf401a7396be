"""Networks that were taught an actor: kept, found, named in the header, wiped."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from faceplate.core.actorfile import read_actor, wipe_actor
from faceplate.core.cli import app
from faceplate.core.console import Stopped
from faceplate.core.errors import ActorError, JobError, ModelMismatchError
from faceplate.core.finetuned import Taught, teach_actor
from faceplate.core.fsganshot import teach_job
from faceplate.core.inputs import find_inputs
from faceplate.core.io.exr import read_frame
from faceplate.core.io.taught import find_taught, keep_taught, taught_file
from faceplate.core.job import TRAIN, Finetune
from faceplate.core.netcrop import SourceCrop, source_crop
from faceplate.core.nets.load import find_card, load_network
from faceplate.core.nets.run import open_network
from faceplate.core.render import render_shot
from faceplate.core.report import Progress
from faceplate.core.stages.views import prepare_view
from faceplate.ocio.network import Shaper

SHORT = Finetune(samples=6, seed=0)


@pytest.fixture(scope="module")
def tiny(toys: Any) -> Any:
    for seed, role in enumerate(("reenact", "complete", "blend")):
        toys.random(f"learner_{role}", role, seed)
    return toys


def crops(actor: Any) -> list[SourceCrop]:
    encode = Shaper().encode
    return [source_crop(prepare_view(view, encode), encode) for view in actor.views]


def taught(shot: Any, models: Any, cache: Path | None, **changes: Any) -> Taught:
    actor = read_actor(shot.actor)
    given = {"crops": crops(actor), "progress": lambda _: None, **changes}
    return teach_actor(
        find_card("learner_reenact", also=[models.folder]),
        actor,
        given["crops"],
        "learner",
        [models.folder],
        SHORT,
        cache_folder=cache,
        progress=given["progress"],
    )


@dataclass(frozen=True)
class Once:
    """A network that was taught, what was told of it, and the cache that keeps it."""

    taught: Taught
    told: list[Progress]
    cache: Path


@pytest.fixture(scope="module")
def once(small_shot: Any, tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Once:
    told: list[Progress] = []
    cache = tmp_path_factory.mktemp("cache") / "observations"
    return Once(taught(small_shot, tiny, cache, progress=told.append), told, cache)


def test_it_is_trained_once_and_found_afterwards(small_shot: Any, tiny: Any, once: Once) -> None:
    told: list[Progress] = []

    first, second = once.taught, taught(small_shot, tiny, once.cache, progress=told.append)

    steps = [(step.stage, step.done, step.total, step.unit) for step in once.told]
    assert steps == [("finetune", done, 2, "steps") for done in (0, 1, 2)]
    assert told == []  # nothing was trained
    assert (first.kept, second.kept) == (False, True)
    assert first.content == second.content
    assert first.sentence == second.sentence
    assert "2 steps of 3 on 2 views by pixels and face_perceptual" in first.sentence
    assert (first.steps, first.views, first.first, first.last) == (2, 2, second.first, second.last)
    plain = tiny.folder / "learner_reenact.onnx"
    assert first.card.name == "learner_reenact_finetuned"
    assert first.card.sha256 == second.card.sha256
    assert first.card.bytes > 0.5 * plain.stat().st_size
    rng = np.random.default_rng(0)
    given = [rng.random((1, 101, side, side), np.float32) for side in (256, 128)]
    own = open_network(first.card, first.content, threads=1, device="cpu")
    before = load_network("learner_reenact", also=[tiny.folder])
    assert not np.array_equal(own.run(*given)[0], before.run(*given)[0])


def test_a_training_that_is_stopped_keeps_nothing_and_begins_anew(
    small_shot: Any, tiny: Any, once: Once, tmp_path: Path
) -> None:
    def stop(step: Progress) -> None:
        if step.done == 1:
            raise Stopped(130)

    with pytest.raises(Stopped):
        taught(small_shot, tiny, tmp_path, progress=stop)
    left = list(tmp_path.rglob("*"))
    again = taught(small_shot, tiny, tmp_path)

    assert left == []
    assert not again.kept
    assert again.content == once.taught.content


def test_a_damaged_copy_is_made_again(
    small_shot: Any, tiny: Any, once: Once, tmp_path: Path
) -> None:
    shutil.copytree(once.cache, tmp_path, dirs_exist_ok=True)
    (kept,) = tmp_path.glob("finetuned/*.onnx")
    kept.write_bytes(kept.read_bytes()[:-9])

    again = taught(small_shot, tiny, tmp_path)

    assert not again.kept
    assert again.card.sha256 == once.taught.card.sha256


def test_the_command_teaches_what_renders_find(
    small_shot: Any, tiny: Any, once: Once, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEPLATE_MODELS", str(tiny.folder))

    def run(*words: str) -> Result:
        where = ("--cache", str(once.cache.parent), "--threads", "1", "--json")
        given = ["actor", "finetune", str(small_shot.actor), *words, *where]
        return CliRunner().invoke(app, given)

    done = run("--weights", "learner", "--samples", "6")
    short = run("--weights", "learner", "--samples", "2")
    other = run("--weights", "nobody")

    said = json.loads(done.stdout.splitlines()[-1])
    assert (done.exit_code, short.exit_code, other.exit_code) == (0, 2, 3)
    assert said["kept"] and said["sentence"] == once.taught.sentence
    assert said["weights"] == "learner"
    assert "samples is 2" in json.loads(short.stdout)["message"]


def test_one_view_makes_no_pair(small_shot: Any, tiny: Any) -> None:
    actor = read_actor(small_shot.actor)

    with pytest.raises(ActorError, match="one view"):
        taught(small_shot, tiny, None, crops=crops(actor)[:1])


def test_wiping_an_actor_wipes_what_was_taught_it(small_shot: Any, tmp_path: Path) -> None:
    path = tmp_path / "ana.actor"
    shutil.copy2(small_shot.actor, path)
    mine = taught_file(tmp_path, read_actor(path).digest, "k")
    others = taught_file(tmp_path, "0" * 32, "k")
    for place in (mine, others):
        keep_taught(place, b"weights", {"first": 1.0})

    removed = wipe_actor(path, cache_folder=tmp_path)

    assert find_taught(mine) is None
    assert find_taught(others) == (b"weights", {"first": 1.0})
    assert not list(mine.parent.glob(f"{mine.stem}*"))
    assert removed[-1] == path


def test_a_render_finds_what_a_training_of_its_job_alone_has_kept(
    small_shot: Any, tiny: Any, tmp_path: Path
) -> None:
    made = small_shot.job(tmp_path / "c.%04d.exr", method="fsgan", weights="learner", frames="1001")
    whole = replace(made, finetune=SHORT)
    told: list[Progress] = []
    cache = small_shot.cache / "observations"

    kept = teach_job(
        replace(whole, task=TRAIN, plate="", output=""),
        cache_folder=cache,
        models=[tiny.folder],
        progress=told.append,
    )
    trained = [step.stage for step in told]
    told.clear()
    summaries = [
        render_shot(
            one,
            progress=told.append,
            should_stop=lambda: False,
            threads=1,
            cache_folder=cache,
            revocations=frozenset(),
            today=date(2026, 1, 1),
            models=[tiny.folder],
        )
        for one in (made, whole)
    ]

    assert trained == ["finetune"] * 3
    assert "finetune" not in {step.stage for step in told}
    assert [summary.resumed for summary in summaries] == [0, 0]
    assert any(kept.sentence in text for text in summaries[1].warnings)
    assert not any("fine-tuned" in text for text in summaries[0].warnings)
    header = read_frame(tmp_path / "c.1001.exr", 1001).header
    assert header["faceplate/finetune"] == kept.sentence
    assert f"learner_reenact_finetuned {kept.card.sha256}" in str(header["faceplate/models"])
    assert str(header["faceplate/command"]).endswith(
        "--finetune --finetune-samples 6 --finetune-seed 0"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"finetune": None}, "fine-tunes nothing"),
        ({"actor": None, "task": "complete"}, "from its own frames"),
    ],
)
def test_a_job_without_a_training_or_an_actor_teaches_nothing(
    changes: dict[str, Any], words: str, small_shot: Any, tmp_path: Path
) -> None:
    made = small_shot.job(tmp_path / "c.%04d.exr", method="fsgan", weights="learner")

    with pytest.raises(JobError, match=words):
        teach_job(
            replace(made, **{"finetune": SHORT, **changes}),
            cache_folder=tmp_path,
            models=[],
            progress=lambda _: None,
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": "blend", "element": "hand.%04d.exr:face"}, "No network draws a hand-made face"),
        ({"task": TRAIN, "plate": "", "output": ""}, "Task train makes no frames"),
    ],
)
def test_what_draws_no_face_is_not_rendered_with_a_training(
    changes: dict[str, Any], words: str, small_shot: Any, tmp_path: Path
) -> None:
    made = small_shot.job(tmp_path / "c.%04d.exr", method="fsgan")

    with pytest.raises(JobError, match=words):
        find_inputs(replace(made, finetune=SHORT, **changes))


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"method": "warp"}, JobError, "no network to fine-tune"),
        ({"method": "fsgan", "weights": "toy"}, ModelMismatchError, "without its tensors"),
    ],
)
def test_what_cannot_be_taught_is_refused_before_the_work(
    changes: dict[str, str],
    error: type[Exception],
    match: str,
    small_shot: Any,
    tiny: Any,
    tmp_path: Path,
) -> None:
    tiny.set_of("toy")
    made = replace(small_shot.job(tmp_path / "out" / "c.%04d.exr", **changes), finetune=SHORT)

    with pytest.raises(error, match=match):
        render_shot(
            made,
            progress=lambda _: None,
            should_stop=lambda: False,
            threads=1,
            cache_folder=None,
            revocations=frozenset(),
            today=date(2026, 1, 1),
            models=[tiny.folder],
        )

    assert not (tmp_path / "out").exists()
