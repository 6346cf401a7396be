"""Render sets of heads: resumable, on several cores, the same pictures from the same seeds."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from faceplate.core.console import Console
from faceplate.core.errors import KnobError, TrainingError
from faceplate.core.io.atomic import reason_of
from faceplate.core.synth.backdrop import read_surroundings
from faceplate.core.synth.head import HeadModel
from faceplate.core.synth.mix import RICH, VIEWS
from faceplate.core.synth.render import render_head
from faceplate.core.synth.sample import Mix, sample_head
from faceplate.core.synth.scene import HeadScene
from faceplate.core.synth.sequence import sample_views
from faceplate.core.synth.shards import (
    SetHead,
    begin_set,
    is_written,
    row_of,
    write_index,
    write_shard,
)
from faceplate.core.synth.standin import procedural_head

GENERATOR = 2
"""Version of the renderer; grows when the same scene gives other pictures."""


def make_set(
    head_path: Path | None,
    out: Path,
    *,
    first_seed: int,
    count: int,
    size: int,
    mix: Mix,
    views: int = 1,
    hdri: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
    workers: int = 1,
) -> bool:
    """Render a set of heads into a folder; a second call goes on where the first stopped.

    A set may grow: with a larger ``count`` the pictures that are there stay.

    Args:
        head_path: the compact head model; None for the stand-in that needs no file.
        out: the set's folder.
        first_seed: of the first picture; the others follow by one.
        count: of pictures.
        size: of a picture's side, pixels.
        mix: what is drawn.
        views: pictures in a row that show one person in one light; 1 for all different.
        hdri: file of environment maps, or None for painted surroundings only.
        progress: told how many pictures of how many are there, after each shard.
        should_stop: asked between pictures, or with several workers between shards.
        workers: processes.

    Returns:
        Whether the set is complete; otherwise it was stopped.

    Raises:
        TrainingError: the folder holds another set, or a file of it is damaged.
        DiskError: the folder or the disk refuses.
        InputError: the head model or the environment maps cannot be read.
    """
    for name, value, least in (
        ("count", count, 1),
        ("size", size, 32),
        ("views", views, 1),
        ("workers", workers, 1),
    ):
        if value < least:
            raise KnobError(name, value, f"a whole number of at least {least}")
    head = SetHead(
        generator=GENERATOR,
        size=size,
        first_seed=first_seed,
        count=count,
        mix=asdict(mix) if views == 1 else {**asdict(mix), "views": views},
        model=_digest(head_path) if head_path else "procedural",
        surroundings=_digest(hdri) if hdri else "",
    )
    begin_set(out, head)
    shards = head.shards()
    missing = [
        number for number in range(len(shards)) if not is_written(out, number, len(shards[number]))
    ]
    done = count - sum(len(shards[number]) for number in missing)
    progress(done, count)
    jobs = [
        _Job(number, head_path, hdri, out, shards[number], size, mix, views) for number in missing
    ]
    for number in _alone(jobs, should_stop) if workers == 1 else _pool(jobs, should_stop, workers):
        write_index(out, head)
        done += len(shards[number])
        progress(done, count)
    write_index(out, head)
    return done == count


class _Job(NamedTuple):
    number: int
    head_path: Path | None
    hdri: Path | None
    out: Path
    seeds: range
    size: int
    mix: Mix
    views: int


def _alone(jobs: Iterable[_Job], should_stop: Callable[[], bool]) -> Iterator[int]:
    for job in jobs:
        if not _render_shard(job, should_stop):
            return
        yield job.number


def _pool(jobs: Iterable[_Job], should_stop: Callable[[], bool], workers: int) -> Iterator[int]:
    # Not forked: threads of numba and OpenCV do not survive a fork.
    context = multiprocessing.get_context("spawn")
    waiting = iter(jobs)
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        running: dict[Future[bool], int] = {}
        while True:
            while len(running) < workers and not should_stop():
                job = next(waiting, None)
                if job is None:
                    break
                running[pool.submit(_render_shard, job)] = job.number
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                yield running.pop(future)


def _render_shard(job: _Job, should_stop: Callable[[], bool] = lambda: False) -> bool:
    """Render and write one shard; return whether it was not stopped."""
    model = HeadModel.load(job.head_path) if job.head_path else procedural_head()
    surroundings = read_surroundings(job.hdri) if job.hdri else ()
    rows = []
    for seed in job.seeds:
        if should_stop():
            return False
        scene, view = _scene_of(seed, job.mix, job.views)
        picture = render_head(model, replace(scene, seed=seed), job.size, surroundings)
        rows.append(row_of(picture, view))
    write_shard(job.out, job.number, rows)
    return True


def _scene_of(seed: int, mix: Mix, views: int) -> tuple[HeadScene, int | None]:
    """Return the scene of a picture, and which view of its person it is, if there are several."""
    if views == 1:
        return sample_head(seed, mix), None
    return sample_views(seed // views, mix, views)[seed % views], seed % views


def _digest(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise TrainingError(
            f"{path} cannot be read: {reason_of(error)}.",
            hint="Check the path.",
            path=str(path),
        ) from error


def generate(
    console: Console,
    head_path: Path | None,
    out: Path,
    *,
    count: int,
    first_seed: int,
    size: int,
    views: int,
    rich: bool,
    hdri: Path | None,
    workers: int,
) -> int:
    """Render a set into a folder and say how far it came; return the exit code.

    Several views of each person are of the mix that is for them, else it is the default one.

    Raises:
        FaceplateError: see `make_set`.
    """

    if head_path is None:
        console.warn("No --head is given: rendering the stand-in, which is good for tries only")

    def say(done: int, total: int) -> None:
        console.note(f"{done} of {total} pictures are there")

    complete = make_set(
        head_path,
        out,
        first_seed=first_seed,
        count=count,
        size=size,
        mix=VIEWS if views > 1 else RICH if rich else Mix(),
        views=views,
        hdri=hdri,
        progress=say,
        should_stop=console.stop,
        workers=workers,
    )
    if not complete:
        console.warn("Stopped before the end; run the same command again to go on")
        return console.stop.exit_code
    console.result(f"Wrote {count} pictures into {out}", folder=str(out), pictures=count)
    return 0
