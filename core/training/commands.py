"""The body of `faceplate train`: settings, a run, and what it leaves behind."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from faceplate.core.console import Console
from faceplate.core.doors import set_threads
from faceplate.core.errors import OutputError, TrainingError
from faceplate.core.io.atomic import replacing, sweep_temps
from faceplate.core.training.cards import card_of, write_model
from faceplate.core.training.checkpoint import Position, load_checkpoint, load_weights
from faceplate.core.training.export import export_model
from faceplate.core.training.fit import BEST, STATE, Outcome, fit
from faceplate.core.training.progress import RunLog
from faceplate.core.training.settings import (
    RunSettings,
    read_table,
    settings_table,
    settings_text,
    with_values,
)
from faceplate.core.training.task import Task
from faceplate.core.training.tasks import kind_of, run_settings

SETTINGS = "settings.toml"
REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What the command line says of a run.

    Attributes:
        network: name of the task.
        data: folders to learn from.
        validation: folders to judge by.
        out: the run's folder.
        config: a TOML file of settings, or None.
        values: single settings, as ``key=value``.
        resume: go on where the folder stands, or begin if it is empty.
        steps: steps in all, shared out among the stages; 0 as the settings say.
        device: "cpu" or "cuda".
        threads: of the networks.
        time_limit_minutes: stop after so long; 0 never.
        export_only: train nothing, and ship the best weights so far.
    """

    network: str
    data: Sequence[Path]
    validation: Sequence[Path]
    out: Path
    config: Path | None
    values: Sequence[str]
    resume: bool
    steps: int
    device: str
    threads: int
    time_limit_minutes: float
    export_only: bool


def train(console: Console, options: TrainOptions) -> int:
    """Train a network, and write its model and card when all steps are done.

    Raises:
        FaceplateError: the settings, the data or the folder cannot be used.
    """
    kind_of(options.network)
    speaking = int(os.environ.get("RANK", "0")) == 0
    set_threads(options.threads)
    torch.set_num_threads(options.threads)
    settings = _settings(options)
    torch.manual_seed(settings.seed)
    task = kind_of(settings.network).build(settings, settings.task)
    if speaking:
        options.out.mkdir(parents=True, exist_ok=True)
        sweep_temps(options.out)
        with replacing(options.out / SETTINGS) as temporary:
            temporary.write_text(settings_text(settings), encoding="utf-8")
        console.open_log(options.out / "log.jsonl")
    if options.export_only:
        return _ship(console, options, settings, task)
    log = RunLog(console, options.out, speaking=speaking)
    limit = options.time_limit_minutes * 60 if options.time_limit_minutes > 0 else None
    try:
        outcome = fit(
            task,
            settings,
            options.out,
            log,
            device=options.device,
            should_stop=console.stop,
            time_limit_seconds=limit,
        )
    finally:
        log.close()
    if not speaking:
        return console.stop.exit_code
    if outcome.finished:
        return _ship(console, options, settings, task)
    return _stopped(console, options, settings, outcome)


def _settings(options: TrainOptions) -> RunSettings:
    """Return the run's settings: those that its folder holds, or new ones; then what is said."""
    begun = (options.out / STATE).exists()
    if begun and not options.resume and not options.export_only:
        raise OutputError(
            f"{options.out} holds a run already.",
            hint="Go on with it by --resume, or choose another --out.",
        )
    if options.export_only and not begun:
        raise TrainingError(
            f"{options.out} holds no run.", hint="Train first; then --export ships what is best."
        )
    table: dict[str, Any] = {}
    for path in (options.out / SETTINGS if begun else None, options.config):
        if path is not None:
            table |= read_table(path)
    if table.setdefault("network", options.network) != options.network:
        raise TrainingError(
            f"The settings are for {table['network']}, not for {options.network}.",
            hint="Name the network that the folder or --config is for.",
        )
    if options.data:
        table["data"] = [str(path) for path in options.data]
    if options.validation:
        table["validation"] = [str(path) for path in options.validation]
    first = {"stages": settings_table(run_settings(table))["stages"], **table}
    settings = run_settings(with_values(first, options.values))
    return settings.scaled(options.steps) if options.steps else settings


def _stopped(
    console: Console, options: TrainOptions, settings: RunSettings, outcome: Outcome
) -> int:
    position = outcome.position
    console.result(
        f"Stopped after step {position.done} of {settings.steps}; "
        "run the same command with --resume to go on.",
        finished=False,
        steps=position.done,
        total=settings.steps,
        outputs=[str(options.out / STATE)],
    )
    return console.stop.exit_code


def _ship(console: Console, options: TrainOptions, settings: RunSettings, task: Task) -> int:
    """Judge the best weights on everything, and write them with their cards."""
    networks = {name: part.network.cpu() for name, part in task.parts.items()}
    averaged: dict[str, dict[str, Any]] = {name: {} for name in networks}
    position, _ = load_checkpoint(options.out / STATE, networks, averaged)
    weights = options.out / (BEST if (options.out / BEST).exists() else STATE)
    if weights.name == BEST:
        load_weights(weights, networks)
    else:
        for name, network in networks.items():
            network.load_state_dict(averaged[name])
    for network in networks.values():
        network.eval()
    metrics = task.validate(networks, 0).numbers
    written: list[Path] = []
    for model in task.models(networks):
        exported = export_model(model)
        card = card_of(
            model,
            exported,
            settings,
            position,
            weights=weights,
            metrics=metrics,
        )
        written += write_model(options.out, card, exported, model)
    report = _report(settings, position, metrics)
    with replacing(options.out / REPORT) as temporary:
        temporary.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    lines = [f"{name} {value:.4f}" for name, value in metrics.items()]
    outputs = [str(path) for path in (*written, options.out / REPORT)]
    lines += [f"Wrote {path}" for path in outputs]
    console.result("\n".join(lines), finished=True, metrics=metrics, outputs=outputs)
    return 0


def _report(
    settings: RunSettings, position: Position, metrics: Mapping[str, float]
) -> dict[str, Any]:
    return {
        "network": settings.network,
        "position": asdict(position),
        "metrics": dict(metrics),
    }
