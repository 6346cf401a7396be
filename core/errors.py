"""Every error we raise on purpose, by who can mend it."""

from __future__ import annotations

from typing import ClassVar


class FaceplateError(Exception):
    """Base of the family: one sentence for a person, facts for a log.

    Attributes:
        hint: what the reader can do next, or "".
        facts: JSON-ready values that the sentence was made from.
        exit_code: what a worker process ends with, so that a farm can tell the cases apart.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", **facts: object) -> None:
        super().__init__(message)
        self.hint = hint
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        """Survive a process border, whatever the subclass takes to be made."""
        return _again, (type(self), str(self), self.hint, self.facts)


def _again(
    kind: type[FaceplateError], message: str, hint: str, facts: dict[str, object]
) -> FaceplateError:
    error = kind.__new__(kind)
    FaceplateError.__init__(error, message, hint=hint, **facts)
    return error


class InputError(FaceplateError):
    """The artist can mend it: a plate, a knob, a track, a colour space."""

    exit_code = 2


class FrameMissingError(InputError):
    """A frame of the plate is not on disk."""

    def __init__(self, pattern: str, number: int) -> None:
        super().__init__(
            f"Frame {number} of {pattern} is not on disk.",
            hint="Check the frame range of the shot, or render the plate again.",
            pattern=pattern,
            number=number,
        )


class FrameFormatError(InputError):
    """A file is there and cannot be used as a frame."""

    def __init__(self, path: str, reason: str, hint: str = "Render or transcode it again.") -> None:
        super().__init__(f"{path} cannot be read: {reason}.", hint=hint, path=path, reason=reason)


class FootagePatternError(InputError):
    """A pattern or frame range that cannot be understood, or that matches nothing."""


class OutputError(InputError):
    """A place that we will not, or cannot, write to."""


class KnobError(InputError):
    """A knob's value is of the wrong kind or out of range."""

    def __init__(self, knob: str, value: object, wanted: str) -> None:
        super().__init__(
            f"Knob {knob} is {value!r}; it takes {wanted}.",
            hint="See the help of the command or node for its range.",
            knob=knob,
            value=repr(value),
        )


class GraphError(InputError):
    """Nodes are wired in a way that makes no job."""


class JobError(InputError):
    """A job whose entries are unknown, missing or of the wrong kind."""


class JobVersionError(InputError):
    """A job, track or actor file of a version that this engine does not read."""

    def __init__(self, what: str, found: object, wanted: int) -> None:
        super().__init__(
            f"{what} has version {found}; this engine reads version {wanted}.",
            hint="Make the file again with this version of faceplate.",
            what=what,
            found=repr(found),
            wanted=wanted,
        )


class TrackError(InputError):
    """No usable face, or a track file that does not fit the plate."""


class ActorError(InputError):
    """An actor file that cannot be read, or footage that makes no actor."""


class ColorSpaceError(InputError):
    """A colour space that is unknown, missing, or unfit for a plate."""


class TrainingError(InputError):
    """A training run whose settings, data or state cannot be used."""


class ModelError(FaceplateError):
    """The technical director can mend it: weights."""

    exit_code = 3


class ModelMissingError(ModelError):
    """A weights file or its card is not there."""

    def __init__(
        self,
        name: str,
        path: str,
        *,
        hint: str = "Install faceplate again, or run `faceplate models check`.",
    ) -> None:
        super().__init__(
            f"Model {name} is missing: {path} is not there.",
            hint=hint,
            name=name,
            path=path,
        )


class ModelUnknownError(ModelError):
    """No model bears this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(
            f"There is no model called {name}.",
            hint=f"Known models: {', '.join(known)}.",
            name=name,
            known=known,
        )


class ModelMismatchError(ModelError):
    """A weights file does not fit its network or its card."""


class ModelUntrustedError(ModelError):
    """The hash of a weights file differs from its card, or the file holds code."""


class ResourceError(FaceplateError):
    """The farm can mend it: try again elsewhere."""

    exit_code = 4


class DeviceError(ResourceError):
    """The wanted device is not the one that would run."""


class DeviceMemoryError(ResourceError):
    """The device has too little memory."""


class DiskError(ResourceError):
    """Writing failed: full disk, or no permission."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"{path} could not be written: {reason}.",
            hint="Check the free space and the permissions of the output folder.",
            path=path,
            reason=reason,
        )


class EngineGoneError(ResourceError):
    """The engine's process ended while it was asked for something."""

    def __init__(self, what: str, exit_code: int | None, log: str, tail: list[str]) -> None:
        how = "" if exit_code is None else f"exit code {exit_code}"
        if exit_code is not None and exit_code < 0:
            how = f"signal {-exit_code}"
        words = f"Its last words: {tail[-1]} " if tail else ""
        super().__init__(
            f"{what} ({how})." if how else f"{what}.",
            hint=f"{words}See {log}.",
            ended_with=exit_code,
            log=log,
            tail=tail,
        )


class EngineVersionError(ResourceError):
    """Host and engine speak another major version of the protocol."""

    def __init__(self, found: object, wanted: int) -> None:
        super().__init__(
            f"The engine speaks protocol {found}; this plug-in speaks {wanted}.",
            hint="Install plug-in and engine from the same version of faceplate.",
            found=repr(found),
            wanted=wanted,
        )


class StoppedError(FaceplateError):
    """Somebody stopped it, or it took longer than it was given; what is finished stays."""

    exit_code = 130


class ConsentError(FaceplateError):
    """A person must decide; never retried."""

    exit_code = 5


class ContractError(FaceplateError):
    """A bug of ours."""

    exit_code = 70


class ShapeError(ContractError):
    """An array of another dtype or shape than promised."""

    def __init__(
        self, name: str, want: tuple[int | str, ...], found: tuple[int, ...], dtype: str
    ) -> None:
        wanted = ", ".join(str(axis) for axis in want)
        super().__init__(
            f"{name} must be float32 ({wanted}), but is {dtype} {found}.",
            name=name,
            wanted=want,
            found=found,
            dtype=dtype,
        )


class DomainError(ContractError):
    """Pixels came in another colour domain than promised."""
