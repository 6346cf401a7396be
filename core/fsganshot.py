"""The networks of a job of the method `fsgan`: checked before the work, opened for its shot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from faceplate.core.analyse import AnalysisSettings
from faceplate.core.errors import ModelMismatchError
from faceplate.core.finetuned import finetuned
from faceplate.core.firstversion import FIRST, check_first, first_cards
from faceplate.core.fsgan import NetworkFaces
from faceplate.core.generators import generator_cards, open_generators
from faceplate.core.job import Job
from faceplate.core.netcrop import source_crop
from faceplate.core.nets.run import Network
from faceplate.core.source import Actor
from faceplate.core.stages.views import SourceView
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
) -> NetworkFaces:
    """Open the networks of a job, fine-tuned where it wants that.

    Args:
        sources: the actor's views, ready for sampling.
        shaper: linear Rec.709 to code values.
        segmenter: the plate's.
        settings: of the plate's analysis.

    Raises:
        ModelError, ActorError, DiskError: see `open_generators` and `finetuned`.
    """
    knobs, folders, threads = job.knobs, settings.seers.folders, settings.threads
    generators = open_generators(
        knobs.weights, folders, segmenter, steps=knobs.steps, threads=threads
    )
    taught = ""
    if job.finetune is not None:
        generators, taught = finetuned(
            generators,
            actor,
            [source_crop(source, shaper.encode) for source in sources],
            knobs.weights,
            folders,
            job.finetune,
            cache_folder=settings.cache_folder,
            threads=threads,
        )
    return NetworkFaces(generators, actor, sources, shaper.encode, taught)
