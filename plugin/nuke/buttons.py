"""What the buttons of our groups do; each takes the node whose button was pressed."""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias

import nuke

from faceplate.core.errors import FaceplateError, InputError
from faceplate.core.footage import FrameRange, base_name
from faceplate.nodes.shotfile import shot_text
from faceplate.plugin.nuke import exports
from faceplate.plugin.nuke.corrections import (
    Spots,
    corrections_file,
    counted,
    merged,
    read_corrections,
    write_corrections,
)
from faceplate.plugin.nuke.exported import edits_of, find_exported, set_taken
from faceplate.plugin.nuke.frames import know_layers, plate_on_disk, read_frames
from faceplate.plugin.nuke.measuring import measuring_of, verdict_of
from faceplate.plugin.nuke.panel import SHOWN
from faceplate.plugin.nuke.renewal import renew
from faceplate.plugin.nuke.script import inside, script_range
from faceplate.plugin.nuke.session import Task, session
from faceplate.plugin.nuke.states import mistake, show, show_error
from faceplate.plugin.nuke.wiring import Order, analysis_of, order_of, training_of

Button: TypeAlias = Callable[[nuke.Node], None]
_RESULT, _PREVIEW = SHOWN[1], SHOWN[2]


def _button(action: Button) -> Button:
    """Make an action a button: what goes wrong is shown on the node, in words."""

    @wraps(action)
    def press(node: nuke.Node) -> None:
        try:
            action(node)
        except FaceplateError as error:
            show_error(node, error)
            if not nuke.GUI:
                raise
        # A callback into a host: no stack trace reaches an artist.
        except Exception as error:
            if not nuke.GUI:
                raise
            show_error(node, mistake(error))

    return press


@_button
def analyse(node: nuke.Node) -> None:
    """Find and follow the faces of the whole plate, and write the track."""
    order = analysis_of(node)
    path = corrections_file(order.track)
    spots = read_corrections(path, order.plate_id)
    plate_on_disk(node, order.plate, again=not node["keep_plate"].value())
    _analyse(node, order, path if spots else None, lambda: _corrected(spots))


@_button
def take_corrections(node: nuke.Node) -> None:
    """Let what was moved in exported nodes win over the solve, and analyse again."""
    order = analysis_of(node)
    if node["analysed_with"].value() != order.analysis:
        raise InputError(
            f"{node.name()} is not analysed with this plate and these knobs.",
            hint="Press its Analyse first.",
        )
    path = corrections_file(order.track)
    known = read_corrections(path, order.plate_id)
    found = find_exported(order.track, node.parent())
    edits, unseen = edits_of(found)
    spots = merged(known, edits)
    beside = (
        f" Keys in frames without the face were left out: {FrameRange(tuple(sorted(unseen)))}."
        if unseen
        else ""
    )
    if spots == known:
        names = ", ".join(edit.node for edit in edits)
        show(node, str(node["status"].value()), f"Nothing was moved in {names}.{beside}")
        return
    # It is only kept once the engine could follow it.
    candidate = path.with_name(f"{path.name}.new")
    write_corrections(candidate, spots, order.plate_id)
    taken = {one.fullName(): edit.moved for (one, _), edit in zip(found, edits, strict=True)}

    def keep() -> str:
        candidate.replace(path)
        if not spots:
            path.unlink()
        with nuke.root():
            made = {name: nuke.toNode(name) for name in taken}
        for name, there in made.items():
            if there is not None:
                set_taken(there, taken[name])
        return f"{_corrected(spots) or ' No point is corrected any more.'}{beside}"

    _analyse(node, order, candidate if spots else None, keep)


@_button
def drop_corrections(node: nuke.Node) -> None:
    """Forget what was moved by hand, and analyse again."""
    order = analysis_of(node)
    path = corrections_file(order.track)
    if not path.is_file():
        raise InputError(f"{node.name()} has no corrections.")

    def forget() -> str:
        path.unlink(missing_ok=True)
        return " The corrections are dropped."

    _analyse(node, order, None, forget)


def _corrected(spots: Spots) -> str:
    return f" Corrected by hand: {counted(spots)}." if spots else ""


def _analyse(
    node: nuke.Node, order: Order, corrections: Path | None, then: Callable[[], str]
) -> None:
    """Analyse a plate; when that is done, ``then`` says what more there is to say."""

    def finish(node: nuke.Node, answer: Mapping[str, Any]) -> None:
        node["analysed"].setValue(str(answer["out"]))
        node["analysed_with"].setValue(order.analysis)
        faces = [
            f"face {face['face']}: {face['frames']} frames, {face['height_px']} px high"
            for face in answer["faces"]
        ]
        show(node, "analysed", f"{'; '.join(faces) or 'No face was found'}.{then()}")

    show(node, "analysing", "The engine looks at the whole plate.")
    params: dict[str, Any] = {"job": order.job.to_json(), "out": order.track}
    if corrections is not None:
        params["corrections"] = str(corrections)
    session().start(Task(node.fullName(), "Analysing", "analyse", params, finish))


@_button
def preview(node: nuke.Node) -> None:
    """Make the frame that is shown, and show it."""
    order = order_of(node)
    number = int(nuke.frame())
    plate_on_disk(node, order.plate, again=False)
    folder = Path(order.job.output).parent / "preview"
    out = str(folder / f"{node.name()}.preview.exr")

    def finish(node: nuke.Node, answer: Mapping[str, Any]) -> None:
        read_frames(inside(node, "Preview"), str(answer["out"]), number, number)
        node["show"].setValue(_PREVIEW)
        became = "replaced" if answer["replaced"] else f"untouched: {answer['reason']}"
        show(node, f"preview {number}", f"Frame {number}: {became}.")

    show(node, f"making {number}", f"The engine makes frame {number}.")
    params = {"job": order.job.to_json(), "frame": number, "out": out}
    session().start(Task(node.fullName(), f"Frame {number} of", "preview", params, finish))


@_button
def render(node: nuke.Node) -> None:
    """Make all frames; those that an earlier run finished are left alone."""
    order = order_of(node)
    plate_on_disk(node, order.plate, again=not node["keep_plate"].value())
    know_layers(node, order.job.layer_prefix)

    def finish(node: nuke.Node, answer: Mapping[str, Any]) -> None:
        # The script's range too, so that a frame that was not rendered is an error, not a guess.
        first, last = script_range()
        ends = (min(first, min(order.numbers)), max(last, max(order.numbers)))
        read_frames(inside(node, "Result"), order.job.output, *ends)
        node["show"].setValue(_RESULT)
        show(node, "rendered", _summary(answer))

    show(node, "rendering", f"The engine renders {len(order.numbers)} frames.")
    params = {"job": order.job.to_json()}
    session().start(Task(node.fullName(), "Rendering", "render", params, finish))


@_button
def train(node: nuke.Node) -> None:
    """Teach the networks of the method fsgan the actor's face; nodes below find them ready."""
    job = training_of(node)

    def finish(node: nuke.Node, answer: Mapping[str, Any]) -> None:
        show(node, "trained", str(answer["sentence"]))

    show(node, "training", "The engine teaches the networks this actor's face.")
    session().start(Task(node.fullName(), "Training", "train", {"job": job.to_json()}, finish))


@_button
def measure(node: nuke.Node) -> None:
    """Measure a finished shot against its plate, and write the report."""
    job, plate = measuring_of(node)
    plate_on_disk(node, plate, again=not node["keep_plate"].value())

    def finish(node: nuke.Node, answer: Mapping[str, Any]) -> None:
        node["report"].setValue(str(answer["report"]))
        status = "within limits" if answer["passed"] else "past limits"
        show(node, status, verdict_of(answer, job.limits))

    show(node, "measuring", "The engine measures the comp.")
    session().start(Task(node.fullName(), "Measuring", "qc", {"job": job.to_json()}, finish))


@_button
def open_report(node: nuke.Node) -> None:
    """Show the last report in a web browser."""
    report = Path(str(node["report"].value()))
    if not report.is_file():
        raise InputError(f"{node.name()} has no report.", hint="Press its Measure.")
    webbrowser.open(report.resolve().as_uri())


@_button
def cancel(node: nuke.Node) -> None:
    """Stop what runs for the node, after the frame in hand."""
    if not session().cancel(node.fullName()):
        show(node, "", "Nothing runs for this node.")


@_button
def make_tracker(node: nuke.Node) -> None:
    """Make a Tracker with nine points of the face."""
    exports.make_tracker(node)


@_button
def make_corner_pin(node: nuke.Node) -> None:
    """Make a CornerPin2D through the corners of eyes and mouth."""
    exports.make_corner_pin(node)


@_button
def make_roto(node: nuke.Node) -> None:
    """Make a Roto with the outline of the face."""
    exports.make_roto(node)


@_button
def make_grade(node: nuke.Node) -> None:
    """Make a Grade that takes the raw layer to the light of the plate."""
    order = order_of(node)
    lacking = {"face", "raw"} - set(order.job.layers)
    if lacking:
        raise InputError(
            f"{node.name()} is rendered without the layer {min(lacking)}.",
            hint="Tick it on the Output tab, and press Render.",
        )

    def finish(node: nuke.Node, answer: Mapping[str, Any]) -> None:
        exports.make_grade(node, answer["gains"])

    params = {"job": order.job.to_json()}
    session().start(Task(node.fullName(), "Measuring", "light", params, finish))


@_button
def write_shot_file(node: nuke.Node) -> None:
    """Write the node as a shot file, so that a farm can render it without Nuke."""
    order = order_of(node)
    plate_on_disk(node, order.plate, again=not node["keep_plate"].value())
    path = Path(order.job.output).with_name(f"{base_name(order.job.output)}.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(shot_text(order.job), encoding="utf-8", newline="\n")
    show(node, str(node["status"].value()), f"Wrote {path}.")


@_button
def update(node: nuke.Node) -> None:
    """Take the newest group of this node, with its knobs, pipes and frames."""
    name = node.fullName()
    # Not at once: Nuke does not bear that a node goes while a button of it is held.
    thread = threading.Thread(
        target=nuke.executeInMainThread, args=(renew,), kwargs={"args": (name,)}
    )
    thread.start()


def _summary(answer: Mapping[str, Any]) -> str:
    """Say what a render did, in a sentence."""
    parts = [f"{answer['done']} of {answer['frames']} frames"]
    parts += [f"{answer['resumed']} from before"] if answer["resumed"] else []
    parts += [f"{count} untouched: {why}" for why, count in answer["untouched"].items()]
    sentences = [*answer["warnings"], *([answer["failed"]] if answer["failed"] else [])]
    return " ".join([f"{', '.join(parts)}.", *sentences])
