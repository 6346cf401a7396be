"""The learning rate as a function of the step, so that nothing of it needs to be saved."""

from __future__ import annotations

import math

from faceplate.core.training.settings import StageSettings

_START = 0.04
"""Of the highest rate, where the warm-up begins."""
_END = 1e-3
"""Of the highest rate, where a falling schedule ends."""


def rate_at(stage: StageSettings, step: int) -> float:
    """Return the learning rate of one step.

    "one-cycle" rises and falls along half cosines; "cosine" rises along a line and falls likewise;
    "step" halves every ``halve_every`` steps; "constant" only rises.

    >>> stage = StageSettings(steps=100, rate=1.0, schedule="step", warmup=0.0, halve_every=50)
    >>> [rate_at(stage, step) for step in (0, 49, 50, 99)]
    [1.0, 1.0, 0.5, 0.5]

    Args:
        stage: says which schedule, and how long it is.
        step: counted from the stage's beginning.
    """
    rising = round(stage.warmup * stage.steps)
    if step < rising:
        done = (step + 1) / rising
        bent = 0.5 - 0.5 * math.cos(math.pi * done) if stage.schedule == "one-cycle" else done
        return stage.rate * (_START + (1 - _START) * bent)
    if stage.schedule == "step":
        return float(stage.rate * 0.5 ** (step // stage.halve_every))
    if stage.schedule == "constant":
        return stage.rate
    done = (step - rising) / max(stage.steps - rising, 1)
    return stage.rate * (_END + (1 - _END) * (0.5 + 0.5 * math.cos(math.pi * done)))
