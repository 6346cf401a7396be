"""What a pass says while it runs and when it is done: `Progress`, `Summary`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pass has come; sent after every frame.

    Attributes:
        stage: what runs, as a word for the progress bar: "observe", "finetune", "render".
        done: frames finished in this stage, those of an earlier run included.
        total: frames of this stage.
        frame: the frame just finished, or None at the start of a stage.
        replaced: whether that frame got a new face.
        reason: why it did not, or "".
        resumed: whether it was there from an earlier run and was left alone.
        warnings: sentences that this frame gave rise to.
        unit: what is counted; the stage "finetune" counts steps instead of frames.
    """

    stage: str
    done: int
    total: int
    frame: int | None = None
    replaced: bool = False
    reason: str = ""
    resumed: bool = False
    warnings: tuple[str, ...] = ()
    unit: str = "frames"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a finished or stopped pass did.

    Attributes:
        frames: frames that were asked for.
        done: frames that are now in the output, those of an earlier run included.
        replaced: frames of this run with a new face.
        resumed: frames that an earlier run of the same job had finished.
        untouched: reason to number of frames of this run.
        warnings: sentences, each once, in order of appearance.
        seconds: stage to wall-clock seconds.
        outputs: what was written: patterns and single files.
        stopped: whether it ended early because it was told to.
        failed: why the exit code is 1 although nothing broke (policy `fail`), or "".
        shot: the shot's name.
        job: the job hash.
        device: what the networks ran on.
    """

    frames: int
    done: int
    replaced: int
    resumed: int = 0
    untouched: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    stopped: bool = False
    failed: str = ""
    shot: str = ""
    job: str = ""
    device: str = ""
