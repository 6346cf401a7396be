"""Networks that were taught an actor: kept, found, named in the header, wiped."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.core import finetuned as module
from faceplate.core.actorfile import read_actor, wipe_actor
from faceplate.core.analyse import SEGMENTER
from faceplate.core.errors import ActorError, JobError, ModelMismatchError
from faceplate.core.finetuned import finetuned
from faceplate.core.generators import open_generators
from faceplate.core.inputs import find_inputs
from faceplate.core.io.exr import read_frame
from faceplate.core.io.taught import find_taught, keep_taught, taught_file
from faceplate.core.job import TRAIN, Finetune
from faceplate.core.netcrop import SourceCrop, source_crop
from faceplate.core.nets.load import load_network
from faceplate.core.render import render_shot
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


def taught(shot: Any, models: Any, cache: Path | None, **changes: Any) -> Any:
    actor = read_actor(shot.actor)
    generators = open_generators(
        "learner", [models.folder], load_network(SEGMENTER), steps=1, threads=1
    )
    given = {"crops": crops(actor), **changes}
    return finetuned(
        generators,
        actor,
        given["crops"],
        "learner",
        [models.folder],
        SHORT,
        cache_folder=cache,
        threads=1,
    )


def test_it_is_trained_once_and_found_afterwards(
    small_shot: Any, tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, said = taught(small_shot, tiny, tmp_path)

    def never(*_: Any) -> Any:
        raise AssertionError("it was trained again")

    monkeypatch.setattr(module, "_trained", never)
    second, again = taught(small_shot, tiny, tmp_path)

    assert said == again
    assert "2 steps of 3 on 2 views by pixels alone, for want of a perceptual" in said
    plain, card = tiny.folder / "learner_reenact.onnx", first.reenact.card
    assert card.name == "learner_reenact_finetuned"
    assert card.sha256 == second.reenact.card.sha256
    assert card.bytes > 0.5 * plain.stat().st_size
    rng = np.random.default_rng(0)
    given = [rng.random((1, 101, side, side), np.float32) for side in (256, 128)]
    a, b, before = (
        network.run(*given)[0]
        for network in (
            first.reenact,
            second.reenact,
            load_network("learner_reenact", also=[tiny.folder]),
        )
    )
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, before)


def test_a_damaged_copy_is_made_again(small_shot: Any, tiny: Any, tmp_path: Path) -> None:
    first, _ = taught(small_shot, tiny, tmp_path)
    (kept,) = tmp_path.glob("finetuned/*.onnx")
    kept.write_bytes(kept.read_bytes()[:-9])

    second, _ = taught(small_shot, tiny, tmp_path)

    assert first.reenact.card.sha256 == second.reenact.card.sha256


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


def test_a_job_may_ask_for_it_and_its_frames_say_so(
    small_shot: Any, tiny: Any, tmp_path: Path
) -> None:
    made = small_shot.job(tmp_path / "c.%04d.exr", method="fsgan", weights="learner", frames="1001")

    summaries = [
        render_shot(
            one,
            progress=lambda _: None,
            should_stop=lambda: False,
            threads=1,
            cache_folder=small_shot.cache / "observations",
            revocations=frozenset(),
            today=date(2026, 1, 1),
            models=[tiny.folder],
        )
        for one in (made, replace(made, finetune=SHORT))
    ]

    assert [summary.resumed for summary in summaries] == [0, 0]
    assert any("fine-tuned" in text for text in summaries[1].warnings)
    assert not any("fine-tuned" in text for text in summaries[0].warnings)
    header = read_frame(tmp_path / "c.1001.exr", 1001).header
    assert "2 steps of 3" in str(header["faceplate/finetune"])
    assert "learner_reenact_finetuned" in str(header["faceplate/models"])
    assert str(header["faceplate/command"]).endswith(
        "--finetune --finetune-samples 6 --finetune-seed 0"
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
