"""The networks of a job of the method `fsgan`: checked before the work, opened for its shot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from faceplate.core.actorfile import read_actor
from faceplate.core.analyse import AnalysisSettings
from faceplate.core.errors import JobError, ModelMismatchError
from faceplate.core.finetuned import Taught, teach_actor
from faceplate.core.firstversion import FIRST, check_first, first_cards
from faceplate.core.fsgan import NetworkFaces
from faceplate.core.generators import generator_cards, open_generators
from faceplate.core.job import Job
from faceplate.core.netcrop import source_crop
from faceplate.core.nets.run import Network, open_network
from faceplate.core.report import Progress
from faceplate.core.source import Actor
from faceplate.core.stages.views import SourceView, prepare_view
from faceplate.ocio.network import Shaper


def check_generators(job: Job, folders: Sequence[Path]) -> None:
    """Look for the networks of a job, without loading them.

    Args:
        folders: where models are searched after those installed with us.

    Raises:
        ModelError: one is missing, unfit, or cannot be fine-tuned where it must be.
        JobError: they do not serve for it.
    """
    if job.knobs.weights == FIRST:
        check_first(job)
        first_cards(folders)
        return
    card = generator_cards(job.knobs.weights, folders, job.knobs.steps)["reenact"]
    if job.finetune and card.parameters is None:
        raise ModelMismatchError(
            f"Model {card.name} comes without its tensors: it cannot be fine-tuned.",
            hint="Import its checkpoint again, or leave --finetune out.",
            name=card.name,
        )


def networks_of(
    job: Job,
    actor: Actor,
    sources: Sequence[SourceView],
    shaper: Shaper,
    segmenter: Network,
    settings: AnalysisSettings,
    progress: Callable[[Progress], None],
) -> NetworkFaces:
    """Open the networks of a job, fine-tuned where it wants that.

    Args:
        sources: the actor's views, ready for sampling.
        shaper: linear Rec.709 to code values.
        segmenter: the plate's.
        settings: of the plate's analysis.
        progress: told of every step of a training.

    Raises:
        ModelError, ActorError, DiskError: see `open_generators` and `teach_actor`.
    """
    knobs, folders, threads = job.knobs, settings.seers.folders, settings.threads
    device = settings.seers.device
    generators = open_generators(
        knobs.weights, folders, segmenter, steps=knobs.steps, threads=threads, device=device
    )
    said = ""
    if job.finetune is not None:
        taught = teach_actor(
            generators.reenact.card,
            actor,
            [source_crop(source, shaper.encode) for source in sources],
            knobs.weights,
            folders,
            job.finetune,
            cache_folder=settings.cache_folder,
            progress=progress,
        )
        network = open_network(taught.card, taught.content, threads=threads, device=device)
        generators, said = replace(generators, reenact=network), taught.sentence
    return NetworkFaces(generators, actor, sources, shaper.encode, said)


def teach_job(
    job: Job,
    *,
    cache_folder: Path,
    models: Sequence[Path],
    progress: Callable[[Progress], None],
) -> Taught:
    """Teach the networks of a job its actor, so that its render, or another's, finds them taught.

    The plate plays no part in it.

    Args:
        cache_folder: where the result is kept.
        models: folders of imported networks.
        progress: told of every step; what it raises ends the training, and nothing is kept.

    Raises:
        JobError: the job fine-tunes nothing, or no actor of its own.
        ModelError, ActorError, DiskError: see `check_generators` and `teach_actor`.
    """
    if job.finetune is None:
        raise JobError(
            "The job fine-tunes nothing.", hint="Put a TrainIdentity before who draws the face."
        )
    if job.actor is None:
        raise JobError(
            "A face that is completed from its own frames is learned when it is rendered.",
            hint="Render the job, or name an actor.",
        )
    check_generators(job, models)
    actor = read_actor(Path(job.actor))
    encode = Shaper().encode
    return teach_actor(
        generator_cards(job.knobs.weights, models)["reenact"],
        actor,
        [source_crop(prepare_view(view, encode), encode) for view in actor.views],
        job.knobs.weights,
        models,
        job.finetune,
        cache_folder=cache_folder,
        progress=progress,
    )
