"""The command and the request: files, exit code, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from faceplate.core.cli import app
from faceplate.core.console import Console, Stopper
from faceplate.core.errors import OutputError
from faceplate.core.qc.run import control
from faceplate.core.serve import Service, Settings


@pytest.fixture(scope="module")
def comp(finisher: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write a comp that is the plate."""
    return str(finisher.finish(tmp_path_factory.mktemp("comp")))


def qc(small: Any, *words: object) -> Result:
    return CliRunner().invoke(app, ["qc", *map(str, words), "--cache", str(small.cache)])


def test_the_command_writes_a_report_beside_the_comp_and_again_over_its_own(
    small_shot: Any, comp: str
) -> None:
    once = qc(small_shot, comp, "--plate", small_shot.plate)
    again = qc(small_shot, comp, "--plate", small_shot.plate)

    assert (once.exit_code, again.exit_code) == (0, 0), once.output
    assert "Within all limits." in once.output
    page = Path(comp).with_name("c.qc.html")
    facts = json.loads(page.with_suffix(".json").read_text())
    assert facts["version"] == 1 and facts["passed"] is True
    assert facts["frames"] == list(range(1001, 1007))


def test_a_limit_that_is_passed_is_exit_code_one_and_names_it(
    small_shot: Any, comp: str, tmp_path: Path
) -> None:
    out = tmp_path / "r.html"

    result = qc(small_shot, comp, "--plate", small_shot.plate, "--out", out, "--grain-most", "0.9")

    assert result.exit_code == 1
    assert "Limits passed: grain_most." in result.output
    assert json.loads(out.with_suffix(".json").read_text())["exceeded"] == ["grain_most"]


def test_a_shot_file_says_plate_comp_and_limits_and_set_wins(
    small_shot: Any, comp: str, tmp_path: Path
) -> None:
    shot = tmp_path / "s.toml"
    shot.write_text(
        f'[shot]\nname = "s"\nplate = "{small_shot.plate}"\nframes = "1001-1003"\n'
        f'[actor]\nfile = "{small_shot.actor}"\n[output]\ncomp = "{comp}"\n'
        "[qc]\ngrain_least = 1.5\nidentity_most = 2\n"
    )
    out = ("--out", tmp_path / "r.html")

    strict = qc(small_shot, "--shot", shot, *out)
    loose = qc(small_shot, "--shot", shot, *out, "--set", "grain_least=0.5")
    both = qc(small_shot, comp, "--shot", shot, *out, "--plate", small_shot.plate)

    assert strict.exit_code == 1 and "Limits passed: grain_least." in strict.output
    assert loose.exit_code == 0
    assert both.exit_code == 2 and "--shot and --plate exclude each other" in both.output
    facts = json.loads((tmp_path / "r.json").read_text())
    assert facts["frames"] == [1001, 1002, 1003]
    assert facts["measures"][0]["value"] > 0.5  # the actor is somebody else


def test_a_file_that_is_no_report_is_not_written_over(
    finisher: Any, comp: str, tmp_path: Path
) -> None:
    page = tmp_path / "mine.html"
    page.write_text("my own notes")
    job = finisher.job(comp, report=str(page))

    with pytest.raises(OutputError, match="no report of ours"):
        control(
            Console(as_json=False, verbosity=-1), job, threads=1, device="cpu", cache_folder=None
        )

    assert page.read_text() == "my own notes" and list(tmp_path.iterdir()) == [page]


def test_the_engine_measures_what_a_host_asks_for(
    small_shot: Any, finisher: Any, comp: str, tmp_path: Path
) -> None:
    told: list[str] = []
    service = Service(Settings(threads=1, cache=str(small_shot.cache)))
    job = finisher.job(comp, report=str(tmp_path / "r.html"))

    result: Any = service.methods["qc"](
        {"job": job.to_json()}, lambda kind, facts: told.append(str(facts.get("stage"))), Stopper()
    )

    assert result["passed"] is True and result["exceeded"] == []
    assert result["values"]["altered_most"] == 0
    assert Path(result["report"]).is_file() and Path(result["json"]).is_file()
    assert {"observe", "observe comp", "measure"} <= set(told)
